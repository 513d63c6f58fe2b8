//! The role of one account as Terraform, for the provider `hashicorp/aws`.

use hcl::Expression;
use hcl::expr::FuncCall;
use hcl::format::{Format as _, Formatter};
use hcl::structure::{Block, BlockBuilder};

use super::node::{list, map};
use super::{CONNECTION_POLICY, DISCOVERY_POLICY, Onboarding, WriteError};

const WHAT: &str = "the Terraform of one account";
const ROLE_NAME: &str = "aws_iam_role.orgmirror.name";

impl Onboarding {
    /// A module that makes the role in the account of its AWS provider. Equals signs are not below each other; `terraform
    /// fmt` puts them there.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn terraform(&self) -> Result<String, WriteError> {
        let (path, name) = self.path_and_name();
        let source = map([("source", "hashicorp/aws")]);
        let providers = Block::builder("required_providers")
            .add_attribute(("aws", source.to_hcl(WHAT)?))
            .build();
        // Arguments of functions are written in one line, which nobody could read.
        let mut locals = Block::builder("locals")
            .add_attribute(("trust_policy", self.trust_policy().to_hcl(WHAT)?))
            .add_attribute(("discovery_policy", self.discovery_policy().to_hcl(WHAT)?));
        let connection_policy = self.connection_policy();
        if let Some(policy) = &connection_policy {
            locals = locals.add_attribute(("connection_policy", policy.to_hcl(WHAT)?));
        }
        let mut blocks = vec![
            Block::builder("terraform").add_block(providers).build(),
            Block::builder("variable")
                .add_label("discovery")
                .add_attribute(("type", expression("bool")?))
                .add_attribute(("default", false))
                .add_attribute((
                    "description",
                    "Whether the role may read the AWS organization: true in the management account or a delegated \
                     administrator.",
                ))
                .build(),
            locals.build(),
            resource("aws_iam_role", "orgmirror")
                .add_attribute(("name", name))
                .add_attribute(("path", path))
                .add_attribute(("description", self.role_description()))
                .add_attribute((
                    "assume_role_policy",
                    expression("jsonencode(local.trust_policy)")?,
                ))
                .build(),
        ];
        if !self.permissions_policies.is_empty() {
            let arns = self.permissions_policies.iter();
            let arns = list(arns.map(|policy| policy.arn.as_str())).to_hcl(WHAT)?;
            let arns = FuncCall::builder("toset").arg(arns).build();
            let attached = resource("aws_iam_role_policy_attachment", "permissions")
                .add_attribute(("for_each", Expression::from(arns)))
                .add_attribute(("role", expression(ROLE_NAME)?))
                .add_attribute(("policy_arn", expression("each.value")?));
            blocks.push(attached.build());
        }
        if connection_policy.is_some() {
            let own = resource("aws_iam_role_policy", "connection")
                .add_attribute(("name", CONNECTION_POLICY))
                .add_attribute(("role", expression(ROLE_NAME)?))
                .add_attribute(("policy", expression("jsonencode(local.connection_policy)")?));
            blocks.push(own.build());
        }
        blocks.extend([
            resource("aws_iam_role_policy", "discovery")
                .add_attribute(("count", expression("var.discovery ? 1 : 0")?))
                .add_attribute(("name", DISCOVERY_POLICY))
                .add_attribute(("role", expression(ROLE_NAME)?))
                .add_attribute(("policy", expression("jsonencode(local.discovery_policy)")?))
                .build(),
            Block::builder("output")
                .add_label("role_arn")
                .add_attribute(("value", expression("aws_iam_role.orgmirror.arn")?))
                .build(),
        ]);
        let mut texts = Vec::with_capacity(blocks.len());
        for block in blocks {
            let mut formatter = Formatter::builder()
                .prefer_ident_keys(true)
                .build(Vec::new());
            let text = block.format_string(&mut formatter);
            texts.push(text.map_err(|error| WriteError::of(WHAT, &error))?);
        }
        Ok(texts.join("\n"))
    }
}

fn resource(kind: &str, name: &str) -> BlockBuilder {
    Block::builder("resource").add_labels([kind, name])
}

fn expression(text: &str) -> Result<Expression, WriteError> {
    text.parse()
        .map_err(|error: hcl::Error| WriteError::of(WHAT, &error))
}
