//! `c7n_org`: the accounts of Cloud Custodian's multi-account runner, c7n-org.
//!
//! What it takes is in its sources: `CONFIG_SCHEMA`, `resolve_regions` and `get_session` in `cli.py`, `account_tags` in
//! `utils.py`.

use serde::Serialize;

use super::{Format, RenderError, Rendered};
use crate::model::partition;
use crate::model::snapshot::listed;
use crate::model::visibility::{EffectiveConnection, View};
use crate::model::workspace::Options;

/// What a tag of a folder starts with, as c7n-org's own `orgaccounts.py` writes it.
const PATH_TAG: &str = "path:/";

/// The format.
pub(super) struct C7nOrg;

impl Format for C7nOrg {
    fn name(&self) -> &'static str {
        "c7n_org"
    }

    fn file(&self) -> &'static str {
        "accounts.yml"
    }

    fn description(&self) -> &'static str {
        "The accounts file of [c7n-org](https://cloudcustodian.io/docs/tools/c7n-org.html), Cloud Custodian's runner for \
         many accounts: `c7n-org run -c accounts.yml`. Accounts are named by their handles and have a tag for each of \
         their folders, such as `path:/Workloads/Prod`, and one for each tag of the account, as `key:value`."
    }

    fn render(&self, view: &View<'_>, _: &Options) -> Result<Rendered, RenderError> {
        let mut accounts = Vec::with_capacity(view.connections.len());
        let mut without_regions = Vec::new();
        let mut untaken_tags = Vec::new();
        let mut posing_tags = Vec::new();
        for connection in &view.connections {
            let handle = connection.handle;
            let regions = regions(connection);
            if regions.is_empty() {
                without_regions.push(handle);
                continue;
            }
            let folders = connection.folders();
            let paths = folders.filter_map(|(_, folder)| folder.path.known());
            let mut tags: Vec<String> = paths.map(|path| format!("path:{path}")).collect();
            for (key, value) in connection.tags().into_iter().flatten() {
                let tag = format!("{key}:{value}");
                match tag.starts_with(PATH_TAG) {
                    true => posing_tags.push(format!("{tag:?} of {handle}")),
                    false => tags.push(tag),
                }
            }
            let untaken = tags.extract_if(.., |tag| !is_taken(tag));
            untaken_tags.extend(untaken.map(|tag| format!("{tag:?} of {handle}")));
            accounts.push(Account {
                account_id: connection.account_id,
                name: handle,
                email: connection.email(),
                role: &connection.role_arn,
                external_id: connection.external_id,
                regions,
                tags,
            });
        }

        let mut notices = Vec::new();
        if !without_regions.is_empty() {
            notices.push(format!(
                "accounts.yml leaves out {}: no known Region of their partitions matches their regions, and of an \
                 account without any c7n-org would look at two of its own choice. Name their regions.",
                listed(&without_regions, ", ")
            ));
        }
        if !untaken_tags.is_empty() {
            notices.push(format!(
                "accounts.yml leaves out the tags {}: c7n-org makes an environment variable of each, named by what is \
                 before its last colon, and fails for the whole account where that holds a \"=\". Nothing needs to be \
                 done unless you select accounts by these tags.",
                listed(&untaken_tags, ", ")
            ));
        }
        if !posing_tags.is_empty() {
            notices.push(format!(
                "accounts.yml leaves out the tags {}: they would pass for tags of folders. Rename them in AWS to select \
                 accounts by them.",
                listed(&posing_tags, ", ")
            ));
        }

        // Strings are quoted one and all, so that it does not matter which of them its reader takes for something else.
        let options = serde_saphyr::ser_options! { quote_all: true };
        let text = serde_saphyr::to_string_with_options(&AccountsFile { accounts }, options)
            .map_err(|error| RenderError::Format {
                format: self.name(),
                reason: error.to_string(),
            })?;
        Ok(Rendered {
            bytes: text.into_bytes(),
            notices,
        })
    }
}

#[derive(Serialize)]
struct AccountsFile<'a> {
    accounts: Vec<Account<'a>>,
}

#[derive(Serialize)]
struct Account<'a> {
    account_id: &'a str,
    name: &'a str,
    /// Its schema takes no null.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    regions: Vec<&'a str>,
    tags: Vec<String>,
}

/// The Regions to look at. `all` makes c7n-org ask the account which ones it has enabled, but in us-east-1 whatever the
/// partition is, so outside the commercial one the Regions are named.
fn regions<'a>(connection: &EffectiveConnection<'a>) -> Vec<&'a str> {
    if connection.partition() == partition::AWS && connection.regions.contains("*") {
        return vec!["all"];
    }
    let regions = partition::expand(connection.partition(), connection.regions);
    regions.into_iter().collect()
}

/// Whether c7n-org can make an environment variable of a tag: its name is made of what is before the last colon.
fn is_taken(tag: &str) -> bool {
    let name = tag.rsplit_once(':').map_or("", |(name, _)| name);
    !name.contains('=') && !tag.contains('\0')
}
