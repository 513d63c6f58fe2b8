//! The write-only snapshot of an integration: the data source as it is, the same filtered or merged in HCL, or a
//! hand-written list of accounts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::late::Late;
use crate::model::mirror::{Mirror, Source, SourceAccount, SourceUnit};
use crate::model::partition::of_region;
use crate::provider::late;
use terraform_plugin::value::Value;

/// `aws_organization = ...`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SourceArgument {
    id: Value<String>,
    root_id: Value<String>,
    partition: Value<String>,
    organizational_units: Value<BTreeMap<String, Value<UnitArgument>>>,
    accounts: Value<BTreeMap<String, Value<AccountArgument>>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct UnitArgument {
    name: Value<String>,
    parent_id: Value<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AccountArgument {
    name: Value<String>,
    email: Value<String>,
    state: Value<String>,
    parent_id: Value<String>,
    joined_at: Value<String>,
    tags: Value<BTreeMap<String, Value<String>>>,
}

/// What there is, where it belongs and in which state must be known to say anything about the tree.
fn structure(value: Value<String>) -> Option<Option<String>> {
    match late::into_optional(value) {
        Late::Known(value) => Some(value),
        Late::Unknown => None,
    }
}

impl SourceArgument {
    /// Whether it says nothing of accounts: what a misspelt attribute looks like, which Terraform drops.
    pub(super) fn lacks_accounts(&self) -> bool {
        self.accounts.is_null()
    }

    /// The source; none where its structure is not known.
    pub(super) fn source(self) -> Option<Source> {
        let units = match self.organizational_units {
            Value::Null => BTreeMap::new(),
            Value::Unknown => return None,
            Value::Known(units) => units,
        };
        let accounts = match self.accounts {
            Value::Null => BTreeMap::new(),
            Value::Unknown => return None,
            Value::Known(accounts) => accounts,
        };
        Some(Source {
            aws_organization_id: late::into_optional(self.id),
            root_id: structure(self.root_id)?,
            partition: late::into_optional(self.partition),
            organizational_units: units
                .into_iter()
                .map(|(id, unit)| Some((id, unit.into_known()?.unit()?)))
                .collect::<Option<_>>()?,
            accounts: accounts
                .into_iter()
                .map(|(id, account)| Some((id, account.into_known()?.account()?)))
                .collect::<Option<_>>()?,
        })
    }
}

impl UnitArgument {
    fn unit(self) -> Option<SourceUnit> {
        Some(SourceUnit {
            name: late::into_optional(self.name),
            parent_id: structure(self.parent_id)?,
        })
    }
}

impl AccountArgument {
    fn account(self) -> Option<SourceAccount> {
        Some(SourceAccount {
            name: late::required(&self.name),
            email: late::into_optional(self.email),
            state: structure(self.state)?,
            parent_id: structure(self.parent_id)?,
            joined_at: late::into_optional(self.joined_at),
            tags: late::map(&self.tags),
        })
    }
}

/// The source that a mirror came from, as far as the mirror tells: for a plan without a snapshot, which keeps the tree.
/// Where it has no connection, the default region so far tells the partition.
pub(super) fn of_mirror(mirror: &Mirror, default_region: Option<&str>) -> Source {
    let roots = mirror
        .folders
        .iter()
        .filter(|(_, folder)| folder.parent_id.is_none());
    let partition = mirror.partition().map(str::to_owned);
    let partition = partition.or_else(|| Some(of_region(default_region?).to_owned()));
    Source {
        aws_organization_id: mirror.aws_organization_id.clone(),
        root_id: roots.map(|(id, _)| id.clone()).next(),
        partition: Late::Known(partition),
        organizational_units: mirror
            .folders
            .iter()
            .filter(|(_, folder)| folder.parent_id.is_some())
            .map(|(id, folder)| {
                let unit = SourceUnit {
                    name: folder.name.clone().map(Some),
                    parent_id: folder.parent_id.clone(),
                };
                (id.clone(), unit)
            })
            .collect(),
        accounts: mirror
            .connections
            .iter()
            .map(|(id, connection)| {
                let account = SourceAccount {
                    name: connection.name.clone(),
                    email: connection.email.clone(),
                    state: Some(connection.state.clone()),
                    parent_id: Some(connection.folder_id.clone()),
                    joined_at: Late::Known(None),
                    tags: connection.tags.clone(),
                };
                (id.clone(), account)
            })
            .collect(),
    }
}
