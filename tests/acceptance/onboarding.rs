//! External IDs, and onboarding: the templates make roles on moto, through which the provider then reads the AWS
//! organization; the trust policy is evaluated, and held by our double, which is as strict as STS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use hcl::expr::{Expression, Object, ObjectKey};
use hcl::structure::{Attribute, Block, Body, Structure};
use orgmirror_testing::double::{Double, Organization, Role};
use orgmirror_testing::moto::Moto;
use orgmirror_testing::python;
use orgmirror_testing::terraform::{Workspace, is_at_least, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{INTEGRATION, Integration, arguments_for, provider, snapshot};

const ID: &str = "orgmirror_external_id.acme";
const ONBOARDING: &str = "data.orgmirror_onboarding.acme";

fn external_id(arguments: &str) -> String {
    format!(
        r#"
        resource "orgmirror_external_id" "acme" {{
          {arguments}
        }}
        "#
    )
}

fn onboarding(arguments: &str) -> String {
    format!(
        r#"
        data "orgmirror_onboarding" "acme" {{
          role_name = "orgmirror-readonly"
          {arguments}
        }}
        "#
    )
}

/// The external ID after an apply of this configuration.
fn applied(workspace: &Workspace, configuration: &str) -> String {
    workspace.configure(configuration).apply().assert_none();
    let value = workspace.attributes(ID)["value"].clone();
    value.as_str().unwrap().to_owned()
}

/// What the data source gives for these arguments.
fn read(arguments: &str) -> Value {
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&onboarding(arguments))
        .apply()
        .assert_none();
    workspace.attributes(ONBOARDING)
}

fn parsed(onboarding: &Value, document: &str) -> Value {
    serde_json::from_str(onboarding[document].as_str().unwrap()).unwrap()
}

#[test]
fn an_external_id_is_the_tenant_and_random_and_made_once() {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(r#"tenant = "acme""#);
    let made = applied(&workspace, &external_id(""));
    let random = made.strip_prefix("acme:").unwrap();
    assert_eq!(random.len(), 16);
    assert!(
        random
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
        "{made}"
    );
    assert!(
        !workspace.path().join(".orgmirror").exists(),
        "the catalog has nothing to do with it"
    );

    // Whatever it was made for is there already.
    workspace.configure_provider(r#"tenant = "globex""#);
    assert_eq!(applied(&workspace, &external_id("")), made);
    let another = external_id("").replace("acme", "other");
    assert_eq!(applied(&workspace, &(external_id("") + &another)), made);
    let other = workspace.attributes("orgmirror_external_id.other")["value"].clone();
    let other = other.as_str().unwrap();
    assert!(other.starts_with("globex:") && !other.ends_with(random));
    workspace.destroy();
}

#[test]
fn an_external_id_waits_for_a_tenant_that_is_not_known_yet() {
    let workspace = PROVIDER.workspace();
    workspace.write(
        "provider.tf",
        &format!(
            r#"
            resource "terraform_data" "tenant" {{
              input = "globex"
            }}
            {}
            "#,
            provider("tenant = terraform_data.tenant.output")
        ),
    );
    let made = applied(&workspace, &external_id(""));
    assert!(made.starts_with("globex:"), "{made}");
}

#[test]
fn other_keepers_make_another_external_id() {
    let workspace = PROVIDER.workspace();
    let first = applied(
        &workspace,
        &external_id(r#"keepers = { made_for = "audit" }"#),
    );
    for keepers in [r#"keepers = { made_for = "other" }"#, ""] {
        let plan = workspace.configure(&external_id(keepers)).plan();
        plan.assert_actions(ID, &["delete", "create"]);
        assert_eq!(plan.replace_paths(ID), json!([["keepers"]]));
    }
    let second = applied(
        &workspace,
        &external_id(r#"keepers = { made_for = "other" }"#),
    );
    assert_ne!(first, second);
    let third = applied(&workspace, &external_id(""));
    let fourth = applied(&workspace, &external_id(r#"keepers = { now = "some" }"#));
    let all: BTreeSet<_> = [first, second, third, fourth].into();
    assert_eq!(all.len(), 4, "{all:?}");
}

#[test]
fn an_external_id_is_imported_by_its_value_and_stays_when_it_gets_keepers() {
    let workspace = PROVIDER.workspace();
    let keepers = r#"keepers = { made_for = "audit" }"#;
    workspace
        .configure(&external_id(keepers))
        .import(ID, "another-product:K3V9=w2,q8");
    let plan = workspace.plan();
    plan.assert_in_place(ID, &json!({ "keepers": [null, { "made_for": "audit" }] }));
    workspace.apply_saved(&plan).assert_none();
    assert_eq!(
        workspace.attributes(ID)["value"],
        "another-product:K3V9=w2,q8"
    );
    // From then on they are keepers as any others.
    workspace
        .configure(&external_id(r#"keepers = { made_for = "other" }"#))
        .plan()
        .assert_actions(ID, &["delete", "create"]);

    workspace.forget(ID);
    workspace
        .import_fails(ID, "not one")
        .assert_error(&["\"not one\"", "2 to 1224 letters"]);
}

#[test]
fn an_external_id_is_imported_by_its_identity() {
    let workspace = PROVIDER.workspace();
    let example =
        include_str!("../../examples/resources/orgmirror_external_id/import-by-identity.tf");
    workspace.configure(&(external_id("") + example));
    if !is_at_least(1, 12) {
        workspace
            .plan_fails()
            .assert_error(&["An argument named \"identity\" is not expected here"]);
        return;
    }
    workspace.plan().assert_actions(ID, &["no-op"]);
    workspace.apply().assert_none();
    assert_eq!(workspace.attributes(ID)["value"], "acme:k3v9w2q8r5t1y7u4");
}

/// An AWS organization whose management account is below no OU, as moto's StackSets would reach it there.
fn company() -> Moto {
    Moto::seed(json!({
        "organizational_units": [
            {
                "name": "Workloads",
                "accounts": [{ "name": "Payments" }],
                "organizational_units": [{ "name": "Prod", "accounts": [{ "name": "Shop" }] }],
            },
            { "name": "Sandbox", "accounts": [{ "name": "Lab" }] },
        ],
    }))
}

/// The example of onboarding, on moto.
fn example(moto: &Moto) -> Workspace {
    let mut workspace = PROVIDER.workspace();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let text = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    fs::create_dir_all(workspace.path().join("modules/onboarding")).unwrap();
    for file in ["main.tf", "variables.tf", "outputs.tf"] {
        let file = format!("modules/onboarding/{file}");
        workspace.write(&file, &text(&file));
    }
    let main = text("onboarding/main.tf").replace("../modules", "./modules");
    workspace.write("terraform.tf", "");
    workspace.configure(&main);
    workspace.write(
        "account.tf",
        r#"
        output "cloudformation_account" {
          value = module.onboarding.cloudformation_account
        }
        "#,
    );
    for (name, value) in moto.environment() {
        workspace.set_env(name, &value);
    }
    workspace.get_modules();
    workspace.apply().assert_none();
    workspace
}

/// Creates a stack from an output of the workspace, and gives what `cloudformation.py` says of the roles in the accounts.
fn create_stack(workspace: &Workspace, output: &str, parameters: &Value, moto: &Moto) -> Value {
    let template = workspace.path().join("template.yaml");
    fs::write(&template, workspace.output(output).as_str().unwrap()).unwrap();
    let mut command = Command::new(python::executable());
    command
        .arg(python::script("cloudformation.py"))
        .arg(&template)
        .arg("orgmirror-readonly")
        .arg(parameters.to_string())
        .arg(moto.management())
        .args(["Payments", "Shop", "Lab"].map(|name| moto.account(name)))
        .env_clear()
        .env("HOME", workspace.path().join("home"))
        .envs(moto.environment())
        .env("AWS_DEFAULT_REGION", "us-east-1");
    let output = command.output().expect("the Python with moto starts");
    assert!(
        output.status.success(),
        "{}\n`make test` sets up a Python with what moto needs for CloudFormation.",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let management = moto.management();
    let makes_role = answer["roles"][&management].is_object();
    let arn = format!("arn:aws:iam::{management}:role/orgmirror-readonly");
    let said = &answer["outputs"]["RoleArn"];
    assert_eq!(*said, json!(makes_role.then_some(arn)));
    answer["roles"].take()
}

/// The second apply of the example: the mirror, through the role that is there now.
fn assert_mirrors(workspace: &mut Workspace, moto: &Moto) {
    workspace.set_env("TF_VAR_management_account_id", &moto.management());
    workspace.apply().assert_none();
    let integration = workspace.attributes("orgmirror_integration.acme");
    let names: BTreeSet<&str> = integration["connections"]
        .as_object()
        .unwrap()
        .values()
        .map(|connection| connection["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Lab", "Management", "Payments", "Shop"].into());
    let external_id = &integration["connection_settings"]["external_id"];
    assert!(external_id.as_str().unwrap().starts_with("acme:"));
}

/// Whether a role has the policy for reading the AWS organization.
fn reads_organization(role: &Value) -> bool {
    let policy = &role["inline"]["orgmirror-discovery"];
    let statements = policy["Statement"].as_array();
    statements.is_some_and(|statements| statements[0]["Sid"] == "ReadOrganization")
}

#[test]
fn discovery_works_through_the_role_of_the_account_template() {
    let moto = company();
    let mut workspace = example(&moto);
    let parameters = json!({ "DiscoveryAccountId": moto.management() });
    let roles = create_stack(&workspace, "cloudformation_account", &parameters, &moto);
    assert!(reads_organization(&roles[moto.management()]));
    assert_eq!(roles[moto.account("Lab")], Value::Null);
    assert_mirrors(&mut workspace, &moto);
}

#[test]
fn the_stackset_makes_the_role_in_member_accounts_and_the_stack_in_the_management_account() {
    let moto = company();
    let mut workspace = example(&moto);
    let parameters = json!({ "OrganizationalUnitIds": moto.unit("/Workloads") });
    let roles = create_stack(&workspace, "cloudformation_stackset", &parameters, &moto);
    let management = &roles[moto.management()];
    assert!(reads_organization(management));
    for member in ["Payments", "Shop"] {
        let role = &roles[moto.account(member)];
        assert_eq!(role["trust"], management["trust"], "{member}");
        assert!(!reads_organization(role), "{member}");
        let own = &role["inline"]["orgmirror-connection"]["Statement"][0];
        assert_eq!(own["Sid"], "ReadResourceExplorer", "{member}");
    }
    assert_eq!(
        roles[moto.account("Lab")],
        Value::Null,
        "its OU was not given"
    );
    assert_mirrors(&mut workspace, &moto);
}

#[test]
fn a_delegated_administrator_gets_what_reading_needs_from_the_stackset() {
    let moto = company();
    let workspace = example(&moto);
    let parameters = json!({
        "OrganizationalUnitIds": format!("{},{}", moto.unit("/Workloads"), moto.unit("/Sandbox")),
        "DiscoveryAccountId": moto.account("Lab"),
    });
    let roles = create_stack(&workspace, "cloudformation_stackset", &parameters, &moto);
    assert!(reads_organization(&roles[moto.account("Lab")]));
    assert!(!reads_organization(&roles[moto.account("Shop")]));
    assert!(!reads_organization(&roles[moto.management()]));
}

#[test]
fn the_stack_leaves_the_management_account_alone_where_it_should() {
    let moto = company();
    let workspace = example(&moto);
    let parameters = json!({
        "OrganizationalUnitIds": moto.unit("/Workloads"),
        "ManagementAccountRole": "false",
    });
    let roles = create_stack(&workspace, "cloudformation_stackset", &parameters, &moto);
    assert_eq!(roles[moto.management()], Value::Null);
    assert_ne!(roles[moto.account("Shop")], Value::Null);
}

/// Whether a trust policy lets a caller assume the role, as IAM tells it of allowing statements: an account stands for all
/// in it, and a condition on what is not sent fails.
fn is_trusted(policy: &Value, caller: &str, external_id: Option<&str>) -> bool {
    assert_eq!(policy["Version"], "2012-10-17");
    policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .any(|statement| {
            assert_eq!(statement["Effect"], "Allow");
            assert_eq!(statement["Action"], "sts:AssumeRole");
            let account = format!("{}:root", caller.rsplit_once(':').unwrap().0);
            let principals = statement["Principal"]["AWS"].as_array().unwrap();
            let is_principal = principals.iter().any(|p| *p == caller || *p == account);
            let condition = statement.get("Condition").is_none_or(|condition| {
                let asked = condition["StringEquals"].as_object().unwrap();
                assert_eq!(condition.as_object().unwrap().len(), 1);
                asked
                    .iter()
                    .all(|(key, value)| key == "sts:ExternalId" && external_id == value.as_str())
            });
            is_principal && condition
        })
}

#[test]
fn the_trust_policy_lets_in_who_is_trusted_with_the_external_id_and_nobody_else() {
    let found = read(
        r#"
        external_id        = "acme:k3v9w2q8r5t1y7u4"
        trusted_principals = ["444455556666", "arn:aws:iam::777788889999:role/ci/pipeline", "arn:aws:iam::777788889999:user/zoe"]
        "#,
    );
    let policy = parsed(&found, "trust_policy_json");
    let right = Some("acme:k3v9w2q8r5t1y7u4");
    for caller in [
        "arn:aws:iam::444455556666:role/any",
        "arn:aws:iam::444455556666:user/any",
        "arn:aws:iam::777788889999:role/ci/pipeline",
        "arn:aws:iam::777788889999:user/zoe",
    ] {
        assert!(is_trusted(&policy, caller, right), "{caller}");
        for wrong in [None, Some(""), Some("acme:k3v9w2q8r5t1y7u5")] {
            assert!(!is_trusted(&policy, caller, wrong), "{caller} {wrong:?}");
        }
    }
    for stranger in [
        "arn:aws:iam::777788889999:role/ci/other",
        "arn:aws:iam::777788889999:user/ci/pipeline",
        "arn:aws:iam::111111111111:role/ci/pipeline",
        "arn:aws-cn:iam::444455556666:role/any",
    ] {
        assert!(!is_trusted(&policy, stranger, right), "{stranger}");
    }

    let open = read(r#"trusted_principals = ["444455556666"]"#);
    let policy = parsed(&open, "trust_policy_json");
    assert!(is_trusted(
        &policy,
        "arn:aws:iam::444455556666:role/any",
        None
    ));
}

#[test]
fn a_role_with_this_trust_is_assumed_with_its_external_id_and_no_other() {
    let double = Double::start(Organization::generate(20, 400));
    let management = double.organization().management_account_id.clone();
    let role_arn = format!("arn:aws:iam::{management}:role/orgmirror-readonly");
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&format!(
        r#"
            tenant = "acme"
            {}
            "#,
        arguments_for(&double)
    ));
    let declared = external_id("")
        + &onboarding(&format!(
            "
            external_id        = {ID}.value
            trusted_principals = [{}]
            ",
            quoted(&management)
        ));
    workspace.configure(&declared).apply().assert_none();

    // The double's role trusts as the policy says.
    let policy = parsed(&workspace.attributes(ONBOARDING), "trust_policy_json");
    let statement = &policy["Statement"][0];
    let principals = statement["Principal"]["AWS"].as_array().unwrap().iter();
    let accounts =
        principals.map(|arn| arn.as_str().unwrap().split(':').nth(4).unwrap().to_owned());
    let asked = &statement["Condition"]["StringEquals"]["sts:ExternalId"];
    double.organization().roles.insert(
        role_arn.clone(),
        Role {
            external_id: asked.as_str().map(str::to_owned),
            trusted_accounts: Some(accounts.collect()),
            ..Role::default()
        },
    );
    let through = |external_id: &str| {
        let role =
            format!(r#"assume_role = {{ role_arn = "{role_arn}", external_id = {external_id} }}"#);
        let integration = Integration::of("data.orgmirror_aws_organization.aws")
            .set("deletion_protection", "false");
        declared.clone() + &snapshot(&role) + &integration.hcl()
    };
    workspace
        .configure(&through("\"acme:somebody-elses\""))
        .plan_fails()
        .assert_error(&["The role cannot be assumed", &role_arn]);
    workspace
        .configure(&through(&format!("{ID}.value")))
        .apply()
        .assert_none();
    let connections = workspace.attributes(INTEGRATION)["connections"].clone();
    assert_eq!(connections.as_object().unwrap().len(), 20);
}

#[test]
fn each_partition_has_its_own_arns() {
    for (arguments, partition) in [
        (r#"trusted_principals = ["444455556666"]"#, "aws"),
        (
            r#"trusted_principals = ["444455556666", "arn:aws-us-gov:iam::777788889999:role/ci"]"#,
            "aws-us-gov",
        ),
        (
            r#"
            trusted_principals = ["444455556666"]
            partition          = "aws-cn"
            "#,
            "aws-cn",
        ),
    ] {
        let found = read(arguments);
        let all = found.to_string();
        assert!(all.contains(&format!("arn:{partition}:iam::aws:policy/SecurityAudit")));
        let arns = all.split("arn:").skip(1);
        for arn in arns.filter(|arn| arn.starts_with("aws")) {
            assert!(arn.starts_with(&format!("{partition}:")), "{arn}");
        }
        // The China Regions have no StackSets with permissions from AWS Organizations.
        let has_stackset = found["cloudformation_stackset"].is_string();
        assert_eq!(has_stackset, partition != "aws-cn");
    }
}

#[test]
fn principals_and_policies_that_cannot_be_are_refused() {
    let workspace = PROVIDER.workspace();
    for (arguments, fragments) in [
        (
            "trusted_principals = []",
            &["Too few elements", "trusted_principals"][..],
        ),
        (
            r#"trusted_principals = ["*"]"#,
            &[
                "trusted_principals",
                "\"*\"",
                "strangers",
                "Name the accounts",
            ],
        ),
        (
            r#"trusted_principals = ["arn:aws:sts::444455556666:assumed-role/ci/run"]"#,
            &["A session ends", "ARN of its role"],
        ),
        (
            r#"trusted_principals = ["4444"]"#,
            &["\"4444\"", "the ID of an account or the ARN of a role"],
        ),
        (
            r#"
            trusted_principals      = ["444455556666"]
            permissions_policy_arns = ["SecurityAudit"]
            "#,
            &["\"SecurityAudit\"", "ARN of a managed policy"],
        ),
        (
            r#"
            trusted_principals = ["444455556666"]
            partition          = "china"
            "#,
            &["\"china\"", "\"aws-cn\""],
        ),
        (
            r#"
            trusted_principals = ["arn:aws-cn:iam::444455556666:root"]
            partition          = "aws"
            "#,
            &[
                "More than one partition",
                "\"arn:aws-cn:iam::444455556666:root\" in trusted_principals",
                "\"aws\" in partition",
                "an onboarding for each",
            ],
        ),
        (
            r#"
            trusted_principals = ["444455556666"]
            external_id        = "a b"
            "#,
            &["external_id", "\"a b\""],
        ),
        (
            r#"
            trusted_principals = ["arn:aws:iam::444455556666:root"]
            partition          = "aws-moon"
            "#,
            &["partition", "\"aws-moon\"", "\"aws-us-gov\""],
        ),
    ] {
        workspace
            .configure(&onboarding(arguments))
            .plan_fails()
            .assert_only_error(fragments);
    }
}

#[test]
fn a_trust_policy_that_iam_will_not_take_is_warned_of() {
    let principals: Vec<String> = (0..60)
        .map(|number| quoted(&format!("arn:aws:iam::{number:012}:role/pipeline")))
        .collect();
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&onboarding(&format!(
            "trusted_principals = [{}]",
            principals.join(", ")
        )))
        .plan()
        .assert_warning(&["Trust policy exceeds the IAM quota", "2048"]);
}

/// The module that is written for the AWS provider, with `terraform_data`, which is built into Terraform, in place of that
/// provider's resources: Terraform then evaluates everything but whether that provider knows the arguments.
fn with_builtin_resources(module: &str) -> String {
    let body = hcl::parse(module).unwrap();
    let mut declared = BTreeMap::new();
    let structures: Vec<Structure> = body
        .into_iter()
        .filter_map(|structure| match structure {
            Structure::Block(block) if block.identifier() == "terraform" => None,
            Structure::Block(block) if block.identifier() == "resource" => {
                let labels: Vec<String> = block
                    .labels()
                    .iter()
                    .map(|l| l.as_str().to_owned())
                    .collect();
                let name = labels.join("_");
                declared.insert(labels.join("."), format!("terraform_data.{name}"));
                let (meta, arguments): (Vec<Attribute>, Vec<Attribute>) = block
                    .body
                    .into_attributes()
                    .partition(|a| ["count", "for_each"].contains(&a.key()));
                let mut input: Object<ObjectKey, Expression> = arguments
                    .into_iter()
                    .map(|a| (ObjectKey::from(a.key.as_str().to_owned()), a.expr))
                    .collect();
                // What that provider computes.
                input.insert(ObjectKey::from("arn"), Expression::from("computed"));
                let block = Block::builder("resource")
                    .add_labels(["terraform_data", &name])
                    .add_attributes(meta)
                    .add_attribute(("input", Expression::Object(input)));
                Some(Structure::Block(block.build()))
            }
            other => Some(other),
        })
        .collect();
    let mut text = hcl::format::to_string(&Body::from(structures)).unwrap();
    for (reference, builtin) in declared {
        text = text.replace(&format!("{reference}."), &format!("{builtin}.input."));
    }
    text
}

#[test]
fn the_terraform_of_one_account_evaluates_to_the_same_role_and_policies() {
    let found = read(
        r#"
        external_id             = "acme:k3v9w2q8r5t1y7u4"
        trusted_principals      = ["444455556666"]
        permissions_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/ReadOnlyAccess"]
        "#,
    );
    let module = with_builtin_resources(found["terraform"].as_str().unwrap());
    let mut workspace = PROVIDER.workspace();
    workspace.configure(&module).apply().assert_none();
    let role = workspace.attributes("terraform_data.aws_iam_role_orgmirror")["input"].clone();
    let role = &role["value"];
    assert_eq!(role["name"], "orgmirror-readonly");
    assert_eq!(role["path"], "/");
    let text = |value: &Value| serde_json::from_str::<Value>(value.as_str().unwrap()).unwrap();
    assert_eq!(
        text(&role["assume_role_policy"]),
        parsed(&found, "trust_policy_json")
    );
    assert_eq!(workspace.output("role_arn"), "computed");

    let state = workspace.state();
    let attached = state["resources"].as_array().unwrap().iter();
    let attached = attached.filter(|r| r["name"] == "aws_iam_role_policy_attachment_permissions");
    let attached: Vec<&Value> = attached
        .flat_map(|r| r["instances"].as_array().unwrap())
        .collect();
    let arns: BTreeSet<&str> = attached
        .iter()
        .map(|instance| {
            let input = &instance["attributes"]["input"]["value"];
            assert_eq!(input["role"], "orgmirror-readonly");
            input["policy_arn"].as_str().unwrap()
        })
        .collect();
    assert_eq!(
        arns,
        [
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:aws:iam::aws:policy/SecurityAudit"
        ]
        .into()
    );
    let discovery = "terraform_data.aws_iam_role_policy_discovery";
    assert!(!workspace.holds(discovery));
    workspace.set_env("TF_VAR_discovery", "true");
    workspace.apply();
    let policy = workspace.attributes(discovery)["input"]["value"]["policy"].clone();
    let mut expected = parsed(&found, "discovery_policy_json");
    let statements = expected["Statement"].as_array_mut().unwrap();
    // A role has no access keys.
    statements.retain(|statement| statement["Sid"] != "ReadOwnAccessKeys");
    assert_eq!(text(&policy), expected);
}
