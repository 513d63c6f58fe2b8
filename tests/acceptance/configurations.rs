//! Configurations that the tests share.

use std::collections::BTreeMap;
use std::fmt::Write;

use orgmirror_testing::double::Double;
use orgmirror_testing::terraform::{Workspace, quoted};

pub use orgmirror_testing::terraform::provider;

use crate::PROVIDER;

/// Address of the integration that [`Integration`] declares.
pub const INTEGRATION: &str = "orgmirror_integration.aws";

/// HCL of `orgmirror_integration.aws`: sound as it is made, every argument replaceable.
#[derive(Clone)]
pub struct Integration {
    label: String,
    arguments: BTreeMap<String, String>,
    blocks: String,
}

impl Integration {
    /// The mirror of an HCL expression.
    pub fn of(aws_organization: &str) -> Self {
        let arguments = [
            ("handle", r#""acme""#),
            (
                "connection_settings",
                r#"{ role_name = "orgmirror-readonly" }"#,
            ),
            ("aws_organization", aws_organization),
        ];
        Self {
            label: "aws".to_owned(),
            arguments: arguments
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            blocks: String::new(),
        }
    }

    /// Accounts by hand: ID and name.
    pub fn of_accounts<'a>(accounts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::of(&accounts_by_hand(accounts))
    }

    /// Sets an argument to an HCL expression.
    pub fn set(mut self, argument: &str, expression: &str) -> Self {
        self.arguments
            .insert(argument.to_owned(), expression.to_owned());
        self
    }

    /// Sets an argument to a text.
    pub fn set_text(self, argument: &str, text: &str) -> Self {
        self.set(argument, &quoted(text))
    }

    /// Leaves an argument out.
    pub fn without(mut self, argument: &str) -> Self {
        self.arguments.remove(argument);
        self
    }

    /// Adds a block, such as `lifecycle`.
    pub fn block(mut self, block: &str) -> Self {
        self.blocks.push_str(block);
        self
    }

    /// Declares it under another label than `aws`.
    pub fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// The resource as HCL.
    pub fn hcl(&self) -> String {
        let mut text = format!(r#"resource "orgmirror_integration" "{}" {{"#, self.label);
        text.push('\n');
        for (name, expression) in &self.arguments {
            writeln!(text, "  {name} = {expression}").expect("a String takes everything");
        }
        if !self.blocks.is_empty() {
            writeln!(text, "  {}", self.blocks).expect("a String takes everything");
        }
        text.push_str("}\n");
        text
    }
}

/// `{ accounts = { ... } }` from IDs and names.
pub fn accounts_by_hand<'a>(accounts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from("{ accounts = {");
    for (id, name) in accounts {
        write!(text, " {} = {{ name = {} }},", quoted(id), quoted(name))
            .expect("a String takes everything");
    }
    text.push_str(" } }");
    text
}

/// So many accounts with IDs and names of their own, from the first one on.
pub fn many_accounts(count: usize) -> Vec<(String, String)> {
    (1..=count)
        .map(|number| (format!("{number:012}"), format!("Account {number}")))
        .collect()
}

/// [`Integration::of_accounts`] for owned pairs.
pub fn integration_of(accounts: &[(String, String)]) -> Integration {
    Integration::of_accounts(
        accounts
            .iter()
            .map(|(id, name)| (id.as_str(), name.as_str())),
    )
}

/// Address of the snapshot that [`SNAPSHOT`] declares.
pub const DATA: &str = "data.orgmirror_aws_organization.aws";

/// The data source without any argument.
pub const SNAPSHOT: &str = r#"
    data "orgmirror_aws_organization" "aws" {}
    "#;

/// Arguments of the provider that lead it to the double.
pub fn arguments_for(double: &Double) -> String {
    format!(
        r#"
        region     = "us-east-1"
        access_key = "AKIAORGMIRRORTESTKEY"
        secret_key = "a key of the double"
        {}
        "#,
        endpoints(&double.url()),
    )
}

/// `endpoints = { ... }`, all of it at one place.
pub fn endpoints(url: &str) -> String {
    let names = [
        "iam",
        "organizations",
        "resourceexplorer2",
        "resourcegroupstaggingapi",
        "sts",
    ];
    let places = names.map(|name| format!(r#"{name} = "{url}""#));
    format!("endpoints = {{ {} }}", places.join(", "))
}

/// The data source with arguments.
pub fn snapshot(arguments: &str) -> String {
    format!(
        r#"
        data "orgmirror_aws_organization" "aws" {{
          {arguments}
        }}
        "#
    )
}

/// Three accounts, two of them in OUs, of which one is inside of another.
pub const TREE: &str = r#"{
    organizational_units = {
      "ou-aaaa-workload" = { name = "Workloads" }
      "ou-aaaa-prod0000" = { name = "Prod: live", parent_id = "ou-aaaa-workload" }
      "ou-aaaa-sandbox0" = { name = "Sandbox" }
    }
    accounts = {
      "111111111111" = { name = "shop", parent_id = "ou-aaaa-prod0000", tags = { env = "prod" } }
      "222222222222" = { name = "lab", parent_id = "ou-aaaa-sandbox0", tags = {} }
      "333333333333" = { name = "hub" }
    }
  }"#;

/// The integration of [`TREE`].
pub fn tree() -> Integration {
    Integration::of(TREE).set("deletion_protection", "false")
}

/// The integration without something of its tree.
pub fn tree_without(line_with: &str) -> Integration {
    let lines = TREE.lines();
    let kept: Vec<&str> = lines.filter(|line| !line.contains(line_with)).collect();
    assert!(
        kept.len() < TREE.lines().count(),
        "{line_with} is not in the tree"
    );
    Integration::of(&kept.join("\n")).set("deletion_protection", "false")
}

/// A tree with an account under `/Workloads/Prod`, one under `/Sandbox` and one under the root.
pub fn tree_with_lab_in(parent_of_lab: &str) -> Integration {
    Integration::of(&format!(
        r#"{{
    organizational_units = {{
      "ou-work" = {{ name = "Workloads" }}
      "ou-prod" = {{ name = "Prod", parent_id = "ou-work" }}
      "ou-lab"  = {{ name = "Sandbox" }}
    }}
    accounts = {{
      "111111111111" = {{ name = "shop", parent_id = "ou-prod", tags = {{ env = "prod" }} }}
      "222222222222" = {{ name = "lab", parent_id = {}, tags = {{}} }}
      "333333333333" = {{ name = "hub" }}
    }}
  }}"#,
        quoted(parent_of_lab)
    ))
    .set("deletion_protection", "false")
}

/// A permission or override with the label `this` in the integration of the same configuration.
pub fn of_integration(kind: &str, arguments: &str) -> String {
    labelled(kind, "this", arguments)
}

/// A permission or override in the integration of the same configuration.
pub fn labelled(kind: &str, label: &str, arguments: &str) -> String {
    format!(
        r#"
        resource "orgmirror_{kind}" "{label}" {{
          integration_id = orgmirror_integration.aws.id
          {arguments}
        }}
        "#
    )
}

/// HCL of `orgmirror_workspace.security`, with more arguments than its name.
pub fn security(arguments: &str) -> String {
    format!(
        r#"
        resource "orgmirror_workspace" "security" {{
          organization = "acme"
          handle       = "security"
          {arguments}
        }}
        "#
    )
}

/// Makes an integration, and more, the configuration of a workspace.
pub fn configure<'a>(
    workspace: &'a Workspace,
    integration: &Integration,
    rest: &str,
) -> &'a Workspace {
    workspace.configure(&format!("{}{rest}", integration.hcl()))
}

/// A workspace with this configuration, applied.
pub fn applied(integration: &Integration, rest: &str) -> Workspace {
    let workspace = PROVIDER.workspace();
    configure(&workspace, integration, rest).apply();
    workspace
}

/// A configuration of its own with the catalog of another one, and the ID of that one's integration.
pub fn beside(other: &Workspace) -> (Workspace, String) {
    let catalog = other.path().join(".orgmirror");
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&format!(
        "catalog = {{ path = {} }}",
        quoted(&catalog.to_string_lossy())
    ));
    let id = other.attributes("orgmirror_integration.aws")["id"].clone();
    (workspace, id.as_str().unwrap().to_owned())
}
