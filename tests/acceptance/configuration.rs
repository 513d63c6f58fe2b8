//! Configurations that the tests share.

use std::collections::BTreeMap;
use std::fmt::Write;

use orgmirror_testing::double::Double;
use orgmirror_testing::terraform::quoted;

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
            ("handle", "\"acme\""),
            (
                "connection_settings",
                "{ role_name = \"orgmirror-readonly\" }",
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
        let mut text = format!("resource \"orgmirror_integration\" \"{}\" {{\n", self.label);
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
pub const SNAPSHOT: &str = "data \"orgmirror_aws_organization\" \"aws\" {}\n";

/// The provider with these arguments.
pub fn provider(arguments: &str) -> String {
    format!("provider \"orgmirror\" {{\n  {arguments}\n}}\n")
}

/// Arguments of the provider that lead it to the double.
pub fn arguments_for(double: &Double) -> String {
    format!(
        "region = \"us-east-1\"\n  access_key = \"AKIAORGMIRRORTESTKEY\"\n  secret_key = \"a key of the double\"\n  {}",
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
    let places = names.map(|name| format!("{name} = \"{url}\""));
    format!("endpoints = {{ {} }}", places.join(", "))
}

/// The data source with arguments.
pub fn snapshot(arguments: &str) -> String {
    format!("data \"orgmirror_aws_organization\" \"aws\" {{\n  {arguments}\n}}\n")
}
