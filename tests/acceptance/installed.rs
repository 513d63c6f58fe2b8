//! What `make install` leaves behind is what Terraform finds.

use std::path::Path;
use std::process::Command;

use crate::PROVIDER;

/// Where cargo put what it built, the provider among it.
fn target_directory() -> &'static Path {
    let of_profile = PROVIDER.directory();
    of_profile.parent().expect("it is in the target directory")
}

#[test]
fn the_installed_provider_is_found_and_plans() {
    let mut workspace = PROVIDER.workspace();
    let home = workspace.path().join("another home");
    std::fs::create_dir(&home).expect("a home directory");
    // The profile that the tests are built with: what is measured here is where things go, not how fast they are.
    let installed = Command::new("make")
        .args(["install", "PROFILE=dev"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", target_directory())
        .env("HOME", &home)
        .output()
        .expect("make is there");
    let said = String::from_utf8_lossy(&installed.stdout).into_owned();
    assert!(
        installed.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&installed.stderr)
    );
    assert_eq!(said.matches("installed ").count(), 2, "{said}");

    // Neither an override nor a mirror: only what the client looks through by itself.
    workspace.set_env("HOME", &home.to_string_lossy());
    workspace.set_env("TF_CLI_CONFIG_FILE", "/dev/null");
    workspace
        .configure(
            r#"
        provider "orgmirror" {
          tenant = "acme"
        }

        resource "orgmirror_workspace" "w" {
          organization = "acme"
          handle       = "w"
        }
        "#,
        )
        .init();
    workspace.apply();
}
