//! The write-only snapshot of an integration: the data source as it is, the same filtered or merged in HCL, or a
//! hand-written list of accounts.

use std::collections::BTreeMap;

use describe::{Describe, Violation};

use crate::model::checks;
use crate::model::mirror::{Inventory, InventoryAccount, InventoryUnit};
use terraform_plugin::value::Value;

/// `aws_organization = ...`
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(super) struct InventoryArgument {
    /// ID of the AWS organization.
    #[field(optional, check_string(checks::not_empty))]
    id: Value<String>,
    /// ID of the root; without it there is a root with the ID `root`.
    #[field(optional)]
    root_id: Value<String>,
    /// `aws`, `aws-us-gov` or `aws-cn`; default: that of `default_region`, else `aws`.
    #[field(optional, check_string(check_partition))]
    partition: Value<String>,
    /// OUs by ID.
    #[field(optional)]
    organizational_units: Value<BTreeMap<String, Value<InventoryUnit>>>,
    /// Accounts by ID.
    #[field(optional, check_keys(checks::account_id))]
    accounts: Value<BTreeMap<String, Value<InventoryAccount>>>,
}

fn check_partition(value: &str) -> Result<(), Violation> {
    if matches!(value, "aws" | "aws-us-gov" | "aws-cn") {
        return Ok(());
    }
    Err(Violation::new(
        "It must be an AWS partition.",
        "Use \"aws\", \"aws-us-gov\" or \"aws-cn\".",
    ))
}

/// The objects of a map, none where it is null; none at all where they are not known, or do not have what `is_settled` asks
/// for.
fn known<T>(
    map: Value<BTreeMap<String, Value<T>>>,
    is_settled: impl Fn(&T) -> bool,
) -> Option<BTreeMap<String, T>> {
    let map = match map {
        Value::Null => return Some(BTreeMap::new()),
        Value::Unknown => return None,
        Value::Known(map) => map.into_iter(),
    };
    map.map(|(id, value)| Some((id, value.into_known().filter(&is_settled)?)))
        .collect()
}

impl InventoryArgument {
    /// Whether it says nothing of accounts: what a misspelt attribute looks like, which Terraform drops.
    pub(super) fn lacks_accounts(&self) -> bool {
        self.accounts.is_null()
    }

    /// The inventory. None where its structure is not known: what there is, where it belongs and in which state must be known
    /// to say anything about the tree.
    pub(super) fn inventory(self) -> Option<Inventory> {
        Some(Inventory {
            aws_organization_id: self.id,
            root_id: self.root_id.settled()?.cloned(),
            partition: self.partition,
            organizational_units: known(self.organizational_units, |unit| {
                unit.parent_id.is_settled()
            })?,
            accounts: known(self.accounts, |account| {
                account.parent_id.is_settled() && account.state.is_settled()
            })?,
        })
    }
}
