//! The policies for IAM: linted by parliament, and evaluated over every account.

use std::collections::BTreeSet;

use orgmirror::model::objects::ConnectionPermission;
use orgmirror::model::visibility::Resolved;
use serde_json::{Value, json};

use crate::c7n_org::{answer, c7n_python, script};
use crate::names::names;
use crate::organization::{Example, account_id, options};

/// What a managed policy may have, white space not counted.
const MAX_SIZE: usize = 6144;

/// A tenant in which the workspace has every third account, and its policies.
fn some_of_a_thousand() -> (Example, Value) {
    let names = names();
    let mut example = Example::new(&names, &[("iam_policy", options(&[]))]);
    let mut integration = example
        .tenant
        .integration_by_handle("acme")
        .unwrap()
        .clone();
    integration.permissions.clear();
    let integration_id = integration.id.clone();
    example.tenant.put(integration);
    for number in (0..names.len()).step_by(3) {
        example.tenant.put(ConnectionPermission {
            id: format!("cp_{number:020}"),
            integration_id: integration_id.clone(),
            account_id: account_id(number),
            grantee: "acme/security".parse().unwrap(),
        });
    }
    let policies = serde_json::from_slice(&example.published("iam_policy")).unwrap();
    (example, policies)
}

/// Whether the policies allow to assume a role, as IAM tells it: what no statement allows is denied.
fn allows(policies: &Value, role: &str) -> bool {
    policies.as_array().unwrap().iter().any(|policy| {
        assert_eq!(policy["Version"], "2012-10-17");
        let statements = policy["Statement"].as_array().unwrap();
        statements.iter().any(|statement| {
            let keys: BTreeSet<&str> = statement
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(keys, ["Action", "Effect", "Resource"].into());
            assert_eq!(statement["Effect"], "Allow");
            let resources = statement["Resource"].as_array().unwrap();
            statement["Action"] == "sts:AssumeRole"
                && resources
                    .iter()
                    .any(|pattern| matches(pattern.as_str().unwrap(), role))
        })
    })
}

/// `*` stands for any characters, `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    let mut reached: BTreeSet<usize> = [0].into();
    for wanted in pattern.bytes() {
        reached = match wanted {
            b'*' => (reached.first().copied().unwrap_or(usize::MAX)..=text.len()).collect(),
            _ => reached
                .into_iter()
                .filter(|at| {
                    let next = text.as_bytes().get(*at);
                    next.is_some_and(|next| wanted == b'?' || *next == wanted)
                })
                .map(|at| at + 1)
                .collect(),
        };
    }
    reached.contains(&text.len())
}

#[test]
fn exactly_the_published_roles_may_be_assumed() {
    let (example, policies) = some_of_a_thousand();
    assert!(matches("a*b?", "axxbc") && !matches("a*b?", "axxb") && !matches("a", "ab"));
    let published: BTreeSet<String> = example.view(|view| {
        view.connections
            .iter()
            .map(|c| c.role_arn.to_owned())
            .collect()
    });
    assert_eq!(published.len(), 334);
    let resolved = Resolved::of(&example.tenant);
    let all = resolved.connections();
    assert_eq!(all.len(), 1000);
    for connection in &all {
        let role = connection.role_arn;
        assert_eq!(allows(&policies, role), published.contains(role), "{role}");
        let account = format!("arn:aws:iam::{}:", connection.account_id);
        for other in [
            format!("{role}2"),
            role[..role.len() - 1].to_owned(),
            format!("{account}role/Admin"),
            format!("{account}role/orgmirror-readonly"),
            format!("{account}root"),
            role.replace("arn:aws:", "arn:aws-cn:"),
        ] {
            assert!(!allows(&policies, &other), "{other}");
        }
    }
}

#[test]
fn policies_are_below_the_limit_and_parliament_finds_nothing() {
    let (_, policies) = some_of_a_thousand();
    let sizes: Vec<usize> = policies
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy.to_string().len())
        .collect();
    assert!(sizes.len() > 2, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= MAX_SIZE), "{sizes:?}");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("iam_policy.json");
    let lint = |policies: &Value| {
        std::fs::write(&file, policies.to_string()).unwrap();
        let mut command = c7n_python(directory.path());
        answer(command.arg(script("policies.py")).arg(&file), "policies.py")
    };
    // Roles are assumed for their credentials: this is what the policies are for, and all there is to find.
    let expected: Vec<Value> = sizes
        .iter()
        .map(|_| json!(["CREDENTIALS_EXPOSURE"]))
        .collect();
    assert_eq!(lint(&policies), json!(expected));

    let mut wrong = policies[0].clone();
    wrong["Statement"][0]["Action"] = json!("sts:AssumeRol");
    assert_eq!(lint(&json!([wrong])), json!([["UNKNOWN_ACTION"]]));
}
