//! `c7n_org`: the accounts of Cloud Custodian's multi-account runner, c7n-org.
//!
//! What it takes is in its sources: `CONFIG_SCHEMA`, `resolve_regions` and `get_session` in `cli.py`, `account_tags` in
//! `utils.py`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Format, RenderError, Rendered};
use crate::model::objects::workspace::Options;
use crate::model::partition;
use crate::model::snapshot::listed;
use crate::model::visibility::{EffectiveConnection, View};

/// What a tag of a folder starts with, as c7n-org's own `orgaccounts.py` writes it.
const PATH_TAG: &str = "path:/";

/// Keys of YAML that are longer than 1,024 characters are not read, and a character may take ten.
const LONGEST_ATTRIBUTE: usize = 100;

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
         their folders, such as `path:/Workloads/Prod`, one for each tag of the account, as `key:value`, and their owners \
         as the variable `owners`."
    }

    fn render(&self, view: &View<'_>, _: &Options) -> Result<Rendered, RenderError> {
        let mut accounts = Vec::with_capacity(view.connections.len());
        let mut without_regions = Vec::new();
        let mut untaken_tags = Vec::new();
        let mut posing_tags = Vec::new();
        let mut untaken_owners = Vec::new();
        for connection in &view.connections {
            let handle = connection.handle;
            let regions = regions(connection);
            if regions.is_empty() {
                without_regions.push(handle);
                continue;
            }
            let folders = connection.folders();
            let paths = folders.map(|(_, folder)| &folder.path);
            let mut tags: Vec<String> = paths.map(|path| format!("path:{path}")).collect();
            for (key, value) in connection.tags().into_iter().flatten() {
                let tag = format!("{key}:{value}");
                if tag.starts_with(PATH_TAG) {
                    posing_tags.push(format!("{tag:?} of {handle}"))
                } else {
                    tags.push(tag)
                }
            }
            let untaken = tags.extract_if(.., |tag| !is_taken(tag));
            untaken_tags.extend(untaken.map(|tag| format!("{tag:?} of {handle}")));
            accounts.push(Account {
                account_id: connection.account_id,
                name: handle,
                email: connection.email(),
                role: connection.role_arn,
                external_id: connection.settings.external_id.as_deref(),
                regions,
                tags,
                vars: Vars::of(connection, &mut untaken_owners),
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

        if !untaken_owners.is_empty() {
            notices.push(format!(
                "accounts.yml leaves out owners of {}: it takes no attribute of more than {LONGEST_ATTRIBUTE} characters. \
                 Give it a shorter name in owners or resource_owners.",
                listed(&untaken_owners, ", ")
            ));
        }

        // Values are quoted one and all, so that it does not matter which of them its reader takes for something else.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    vars: Option<Vars<'a>>,
}

/// What policies may use in braces.
#[derive(Serialize)]
struct Vars<'a> {
    /// The owners' values by attribute: `{owners[user]}` is a list of them, `{owners[user][0]}` the first one.
    owners: BTreeMap<&'a str, &'a BTreeSet<String>>,
}

impl<'a> Vars<'a> {
    /// `untaken` gets the handle where an owner is left out.
    fn of(connection: &EffectiveConnection<'a>, untaken: &mut Vec<&'a str>) -> Option<Self> {
        let all = connection.owners()?;
        let taken = all
            .iter()
            .filter(|owner| owner.attribute.chars().count() <= LONGEST_ATTRIBUTE);
        let owners: BTreeMap<_, _> = taken
            .map(|owner| (owner.attribute.as_str(), &owner.values))
            .collect();
        if owners.len() < all.len() {
            untaken.push(connection.handle);
        }
        Some(Self { owners })
    }
}

/// The Regions to look at. `all` makes c7n-org ask the account which ones it has enabled, but in us-east-1 whatever the
/// partition is, so outside the commercial one the Regions are named.
fn regions<'a>(connection: &EffectiveConnection<'a>) -> Vec<&'a str> {
    if connection.partition() == partition::AWS && connection.settings.regions.contains("*") {
        return vec!["all"];
    }
    partition::expand(connection.partition(), &connection.settings.regions)
        .into_iter()
        .collect()
}

/// Whether c7n-org can make an environment variable of a tag. Its name is the part before the first colon, in other
/// versions before the last one.
fn is_taken(tag: &str) -> bool {
    let name = tag.rsplit_once(':').map_or("", |(name, _)| name);
    !name.contains('=') && !tag.contains('\0')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::objects::Integration;
    use crate::model::owners::Owner;
    use crate::publish::sample::{acme, options, with_view, workspace};

    fn render(integration: Integration) -> (String, Vec<String>) {
        let workspace = workspace(&[("c7n_org", options(&[]))]);
        with_view(&[integration], &workspace, |view| {
            let rendered = C7nOrg.render(view, &options(&[])).unwrap();
            (String::from_utf8(rendered.bytes).unwrap(), rendered.notices)
        })
    }

    fn tag(integration: &mut Integration, account_id: &str, tags: &[(&str, &str)]) {
        let tags: BTreeMap<String, String> = tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let connection = integration.mirror.connections.get_mut(account_id).unwrap();
        connection.tags = Some(tags);
    }

    #[test]
    fn accounts_with_their_folders_tags_and_owners() {
        let mut integration = acme();
        let shop = integration
            .mirror
            .connections
            .get_mut("333333333333")
            .unwrap();
        shop.email = Some("shop@example.com".to_owned());
        shop.owners = Some(
            [
                Owner {
                    attribute: "okta_group".to_owned(),
                    values: ["shop".to_owned(), "on: call".to_owned()].into(),
                },
                Owner {
                    attribute: "user".to_owned(),
                    values: ["mia@example.com".to_owned()].into(),
                },
            ]
            .into(),
        );
        tag(
            &mut integration,
            "333333333333",
            &[("env", "prod"), ("on", "no")],
        );
        let (text, notices) = render(integration);
        assert_eq!(notices, [""; 0]);
        assert_eq!(
            text,
            "\
accounts:
- account_id: '222222222222'
  name: 'audit_x'
  role: 'arn:aws:iam::222222222222:role/orgmirror-readonly'
  external_id: 'acme:0123456789abcdef'
  regions:
  - 'all'
  tags:
  - 'path:/'
  - 'path:/Workloads'
- account_id: '111111111111'
  name: 'hub'
  role: 'arn:aws:iam::111111111111:role/orgmirror-readonly'
  external_id: 'acme:0123456789abcdef'
  regions:
  - 'all'
  tags:
  - 'path:/'
- account_id: '333333333333'
  name: 'shop'
  email: 'shop@example.com'
  role: 'arn:aws:iam::333333333333:role/orgmirror-readonly'
  external_id: 'acme:0123456789abcdef'
  regions:
  - 'all'
  tags:
  - 'path:/'
  - 'path:/Workloads'
  - 'path:/Workloads/Prod'
  - 'env:prod'
  - 'on:no'
  vars:
    owners:
      okta_group:
      - 'on: call'
      - 'shop'
      user:
      - 'mia@example.com'
"
        );
    }

    #[test]
    fn an_owner_whose_attribute_is_too_long_for_a_key_is_left_out() {
        let mut integration = acme();
        let shop = integration.mirror.connections.get_mut("333333333333");
        let owners = [100, 101].map(|length| Owner {
            attribute: "\u{7}".repeat(length),
            values: ["mia".to_owned()].into(),
        });
        shop.unwrap().owners = Some(owners.into());
        let (text, notices) = render(integration);
        assert!(
            text.contains(&format!("\"{}\":", "\\a".repeat(100))),
            "{text}"
        );
        assert_eq!(text.matches("- 'mia'").count(), 1, "{text}");
        let [notice] = &notices[..] else {
            panic!("{notices:?}");
        };
        assert!(notice.contains("owners of shop: "), "{notice}");
    }

    #[test]
    fn nothing_published_is_no_accounts() {
        let mut integration = acme();
        integration.permissions.clear();
        let (text, notices) = render(integration);
        assert_eq!(notices, [""; 0]);
        assert_eq!(text, "accounts: []\n");
    }

    #[test]
    fn tags_that_break_c7n_org_or_pose_as_folders_are_left_out() {
        let mut integration = acme();
        let tags = [
            ("a=b", "1"),
            ("a", "b=c"),
            ("a", "b=c:d"),
            ("path", "/Security"),
            ("path", "of a team"),
        ];
        let by_account = ["111111111111", "222222222222", "333333333333"];
        for (account_id, tags) in by_account.iter().zip(tags.chunks(2)) {
            tag(&mut integration, account_id, tags);
        }
        let (text, notices) = render(integration);
        assert!(text.contains("'a:b=c'\n"), "{text}");
        assert!(text.contains("'path:of a team'\n"), "{text}");
        for left_out in ["a=b:1", "a:b=c:d", "path:/Security"] {
            assert!(!text.contains(left_out), "{text}");
        }
        let [untaken, posing] = &notices[..] else {
            panic!("{notices:?}");
        };
        assert!(
            untaken.contains("\"a:b=c:d\" of audit_x, \"a=b:1\" of hub:"),
            "{untaken}"
        );
        assert!(
            posing.contains("\"path:/Security\" of audit_x:"),
            "{posing}"
        );
    }

    #[test]
    fn regions_are_all_of_the_commercial_partition_or_named() {
        let regions_of = |default_region: &str, regions: &[&str]| {
            let mut integration = acme();
            let partition = partition::of_region(default_region);
            for (id, connection) in &mut integration.mirror.connections {
                let arn = crate::model::mirror::role_arn(partition, id, "reader");
                connection.derived_role_arn = arn;
            }
            let settings = &mut integration.connection_settings;
            settings.default_region = default_region.to_owned();
            settings.regions = regions.iter().map(|region| (*region).to_owned()).collect();
            let workspace = workspace(&[]);
            with_view(&[integration], &workspace, |view| {
                let regions = view.connections.first().map(super::regions).unwrap();
                let regions: Vec<String> = regions.into_iter().map(str::to_owned).collect();
                let rendered = C7nOrg.render(view, &options(&[])).unwrap();
                (regions, rendered.notices.len())
            })
        };
        let some = |regions: &[&str]| {
            let regions = regions.iter().map(|region| (*region).to_owned());
            (regions.collect::<Vec<_>>(), 0)
        };
        assert_eq!(regions_of("us-east-1", &["*"]), some(&["all"]));
        assert_eq!(regions_of("us-east-1", &["*", "eu-west-1"]), some(&["all"]));
        assert_eq!(
            regions_of("us-east-1", &["us-east-*", "eu-west-1"]),
            some(&["eu-west-1", "us-east-1", "us-east-2"])
        );
        assert_eq!(
            regions_of("us-gov-west-1", &["*"]),
            some(&["us-gov-east-1", "us-gov-west-1"])
        );
        assert_eq!(
            regions_of("cn-north-1", &["*"]),
            some(&["cn-north-1", "cn-northwest-1"])
        );
        assert_eq!(regions_of("cn-north-1", &["us-*"]), (Vec::new(), 1));
    }
}
