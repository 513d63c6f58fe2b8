//! Onboarding: cfn-lint checks the templates, parliament the policies, and parsers that are not ours read the Terraform.

use std::path::{Path, PathBuf};

use orgmirror::onboarding::{Onboarding, security_audit};
use orgmirror_testing::python;
use serde_json::{Value, json};

use crate::c7n_org::{answer, c7n_python, script};
use crate::read::with_python;

/// Each partition, and a Region whose specification cfn-lint takes.
const PARTITIONS: [(&str, &str); 3] = [
    ("aws", "us-east-1"),
    ("aws-us-gov", "us-gov-west-1"),
    ("aws-cn", "cn-north-1"),
];

/// An onboarding with all that there can be, and one with as little as there can be.
fn rich_and_poor(partition: &str) -> [Onboarding; 2] {
    let pipeline = format!("arn:{partition}:iam::777788889999:role/ci/pipeline");
    let rich = Onboarding {
        partition: partition.to_owned(),
        role_name: "audit/orgmirror-readonly".to_owned(),
        external_id: Some("acme:k3v9w2q8r5t1y7u4".to_owned()),
        trusted_principals: ["444455556666".parse().unwrap(), pipeline.parse().unwrap()].into(),
        permissions_policies: [security_audit(partition).parse().unwrap()].into(),
        delegated_administrator_id: Some("012345678901".parse().unwrap()),
    };
    let poor = Onboarding {
        role_name: "r".to_owned(),
        external_id: None,
        trusted_principals: ["444455556666".parse().unwrap()].into(),
        permissions_policies: [].into(),
        delegated_administrator_id: None,
        ..rich.clone()
    };
    [rich, poor]
}

/// Writes the templates of a partition into a directory.
fn templates(partition: &str, directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (number, onboarding) in rich_and_poor(partition).iter().enumerate() {
        let account = onboarding.cloudformation_account().unwrap();
        let stackset = onboarding.cloudformation_stackset().unwrap();
        assert_eq!(stackset.is_some(), partition != "aws-cn");
        for (name, text) in [("account", Some(account)), ("stackset", stackset)] {
            let file = directory.join(format!("{name}-{number}.yaml"));
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
                files.push(file);
            }
        }
    }
    files
}

/// What cfn-lint says of templates for a Region; nothing where nothing is wrong.
fn linted(region: &str, files: &[PathBuf], home: &Path) -> String {
    let mut command = python::command(home);
    command
        .args(["-c", "from cfnlint.runner import main; main()"])
        .args(["--non-zero-exit-code", "informational"])
        .args(["--include-checks", "I", "--regions", region, "--"])
        .args(files);
    let output = python::run(&mut command);
    let said = python::complaint(&output);
    assert!(
        !said.contains("No module named"),
        "{said}\n`make test` installs cfn-lint"
    );
    if output.status.success() {
        String::new()
    } else {
        said
    }
}

#[test]
fn cfn_lint_finds_nothing_in_the_templates() {
    let directory = tempfile::tempdir().unwrap();
    for (partition, region) in PARTITIONS {
        let files = templates(partition, directory.path());
        assert_eq!(linted(region, &files, directory.path()), "", "{partition}");
    }
}

#[test]
fn cfn_lint_would_find_something() {
    let directory = tempfile::tempdir().unwrap();
    let files = templates("aws", directory.path());
    let [account, stackset] = [&files[0], &files[1]];
    let wrong = [
        (account, "RoleName", "RoleNam", "E3002"),
        (account, "Ref: 'Role'", "Ref: 'Rule'", "E1020"),
        (stackset, "'SERVICE_MANAGED'", "'SERVICE'", "E3030"),
    ]
    .map(|(file, from, to, finding)| {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(from), "{from}");
        let wrong = directory.path().join(format!("{finding}.yaml"));
        std::fs::write(&wrong, text.replace(from, to)).unwrap();
        (wrong, finding)
    });
    let said = linted(
        "us-east-1",
        &wrong.clone().map(|(file, _)| file),
        directory.path(),
    );
    for (_, finding) in wrong {
        assert!(said.contains(&format!("{finding} ")), "{finding}: {said}");
    }
}

/// The template of one account is read by StackSets as it is given to people.
#[test]
fn the_stackset_has_the_template_of_one_account() {
    let directory = tempfile::tempdir().unwrap();
    let [rich, _] = rich_and_poor("aws");
    let file = directory.path().join("stackset.yaml");
    std::fs::write(&file, rich.cloudformation_stackset().unwrap().unwrap()).unwrap();
    let template = with_python("yaml", &file);
    let properties = &template["Resources"]["StackSet"]["Properties"];
    assert_eq!(
        properties["TemplateBody"],
        rich.cloudformation_account().unwrap()
    );
    assert_eq!(properties["PermissionModel"], "SERVICE_MANAGED");
    assert_eq!(properties["AutoDeployment"]["Enabled"], true);
    let role = &template["Resources"]["Role"];
    assert_eq!(role["Condition"], "MakesManagementAccountRole");
    assert_eq!(role["Properties"]["Path"], "/audit/");
    assert_eq!(role["Properties"]["RoleName"], "orgmirror-readonly");
    assert_eq!(
        role["Properties"]["ManagedPolicyArns"],
        json!([security_audit("aws")])
    );
    let default = &template["Parameters"]["DiscoveryAccountId"]["Default"];
    assert_eq!(default, "012345678901", "a string with its leading zero");
    // A delegated administrator of StackSets is a member account, which the StackSet reaches.
    let by_management_account = json!([
        { "Fn::Equals": [{ "Ref": "CallAs" }, "SELF"] },
        { "Fn::Equals": [{ "Ref": "ManagementAccountRole" }, "true"] },
    ]);
    let makes_role = &template["Conditions"]["MakesManagementAccountRole"];
    assert_eq!(makes_role["Fn::And"], by_management_account);
}

#[test]
fn parliament_finds_nothing_unexpected_in_the_policies() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("policies.json");
    for (partition, _) in PARTITIONS {
        let [rich, _] = rich_and_poor(partition);
        let policies = [rich.discovery_policy_json(), rich.caller_policy_json()]
            .map(|text| serde_json::from_str::<Value>(&text.unwrap()).unwrap());
        std::fs::write(&file, json!(policies).to_string()).unwrap();
        let mut command = c7n_python(directory.path());
        let found = answer(command.arg(script("policies.py")).arg(&file), "policies.py");
        // Which service control policies there are is not known before they are read; callers assume roles for their
        // credentials.
        let expected = json!([["RESOURCE_STAR"], ["CREDENTIALS_EXPOSURE"]]);
        assert_eq!(found, expected, "{partition}");
    }
}

#[test]
fn other_parsers_read_the_terraform() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("main.tf");
    for onboarding in rich_and_poor("aws") {
        std::fs::write(&file, onboarding.terraform().unwrap()).unwrap();
        let found = with_python("hcl", &file);
        let kinds: Vec<&String> = found["resource"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|resource| resource.as_object().unwrap().keys())
            .collect();
        let mut expected = vec![
            "aws_iam_role",
            "aws_iam_role_policy_attachment",
            "aws_iam_role_policy",
            "aws_iam_role_policy",
        ];
        if onboarding.permissions_policies.is_empty() {
            expected.remove(1);
        }
        assert_eq!(kinds, expected);
    }
}
