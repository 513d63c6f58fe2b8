//! Credentials go to AWS and nowhere else.

use std::fs;
use std::path::Path;
use std::process::Command;

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::python;

use crate::PROVIDER;
use crate::catalogs::files_below;
use crate::configurations::{DATA, Integration, endpoints, provider, snapshot};

const SECRETS: [&str; 3] = [
    "secret-key-that-nobody-should-see",
    "session-token-that-nobody-should-see",
    "external-id-that-nobody-should-see",
];

/// A saved plan is a ZIP archive: unpacks it beside itself.
fn unpack(plan: &Path) {
    let status = Command::new(python::executable())
        .args(["-m", "zipfile", "-e"])
        .arg(plan)
        .arg(plan.with_extension("unpacked"))
        .status()
        .expect("Python starts");
    assert!(status.success());
}

#[test]
fn ephemeral_credentials_are_in_no_state_plan_log_or_catalog() {
    let mut organization = Organization::generate(10, 1);
    let role = format!(
        "arn:aws:iam::{}:role/discovery",
        organization.management_account_id
    );
    organization.add_role(&role, Some(SECRETS[2]));
    let double = Double::start(organization);
    let mut workspace = PROVIDER.workspace();
    for (name, value) in ["secret_key", "token", "external_id"]
        .into_iter()
        .zip(SECRETS)
    {
        workspace.set_env(&format!("TF_VAR_{name}"), value);
    }
    let log = workspace.path().join("terraform.log");
    workspace.set_env("TF_LOG", "trace");
    workspace.set_env("TF_LOG_PATH", &log.to_string_lossy());
    let variables: String = ["secret_key", "token", "external_id"]
        .map(|name| {
            format!(
                r#"
                variable "{name}" {{
                  type      = string
                  sensitive = true
                  ephemeral = true
                }}
                "#
            )
        })
        .concat();
    let plan = workspace
        .configure(&format!(
            "{variables}{}{}{}",
            provider(&format!(
                r#"
                region      = "us-east-1"
                access_key  = "AKIAORGMIRRORTESTKEY"
                secret_key  = var.secret_key
                token       = var.token
                assume_role = {{ role_arn = "{role}", external_id = var.external_id }}
                {}
                "#,
                endpoints(&double.url())
            )),
            snapshot("include_tags = true"),
            Integration::of(DATA).hcl()
        ))
        .plan();
    workspace.apply_saved(&plan);
    assert!(
        double
            .calls()
            .all()
            .iter()
            .any(|call| call.input.to_string().contains(SECRETS[2])),
        "the secrets were in use"
    );
    // Errors are no way out either.
    double.faults().deny("ListAccounts");
    let failure = workspace.plan_fails();
    double.organization().roles.clear();
    let refused = workspace.plan_fails();

    unpack(&workspace.path().join(&plan.file));
    let mut searched = 0;
    for path in files_below(workspace.path()) {
        let content = fs::read(&path).expect("a file");
        let content = String::from_utf8_lossy(&content);
        searched += 1;
        for secret in SECRETS {
            assert!(
                !content.contains(secret),
                "{secret} is in {}",
                path.display()
            );
        }
    }
    for secret in SECRETS {
        failure.assert_nothing_about(secret);
        refused.assert_nothing_about(secret);
    }
    let log = fs::read_to_string(&log).expect("a log");
    assert!(
        log.contains("provider.terraform-provider-orgmirror"),
        "the log holds nothing of the provider"
    );
    assert!(searched > 10, "only {searched} files were searched");
}

#[test]
fn a_sensitive_secret_key_is_in_no_log_at_any_level() {
    let double = Double::start(Organization::generate(10, 1));
    let mut workspace = PROVIDER.workspace();
    let log = workspace.path().join("terraform.log");
    workspace.set_env("TF_LOG", "json");
    workspace.set_env("TF_LOG_PATH", &log.to_string_lossy());
    workspace.set_env("AWS_ACCESS_KEY_ID", "AKIAORGMIRRORTESTKEY");
    workspace.set_env("AWS_SECRET_ACCESS_KEY", SECRETS[0]);
    workspace.set_env("AWS_SESSION_TOKEN", SECRETS[1]);
    workspace
        .configure(&format!(
            "{}{}{}",
            provider(&endpoints(&double.url())),
            snapshot(""),
            Integration::of(DATA).hcl()
        ))
        .apply();
    for path in files_below(workspace.path()) {
        let content = fs::read(&path).expect("a file");
        let content = String::from_utf8_lossy(&content);
        for secret in &SECRETS[..2] {
            assert!(
                !content.contains(secret),
                "{secret} is in {}",
                path.display()
            );
        }
    }
}
