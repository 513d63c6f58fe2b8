//! Visibility: grants, effective settings, and the view that is published for a workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::grantee::Grantee;
use super::mirror::{ACTIVE, Connection, Folder, Mirror};
use super::objects::{
    ConnectionPermission, EffectiveSettings, FolderPermission, Integration, Workspace,
};
use super::owners::Owner;
use super::partition;
use super::tenant::Tenant;

pub use resolved::Resolved;

pub(super) mod reader;
mod resolved;

/// One reason why a connection is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant<'t> {
    /// Where it was declared.
    pub source: GrantSource<'t>,
    /// The grantee.
    pub grantee: &'t Grantee,
}

/// Where a grant was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantSource<'t> {
    /// In the integration's own `permissions`, which sit on the root folder.
    Integration(&'t Integration),
    /// For a folder.
    Folder {
        /// The permission.
        permission: &'t FolderPermission,
        /// ID of the folder that it means now.
        folder_id: &'t str,
        /// That folder.
        folder: &'t Folder,
    },
    /// For the connection itself.
    Connection(&'t ConnectionPermission),
}

/// A connection with everything that follows from its integration, overrides and grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveConnection<'t> {
    /// Its integration.
    pub integration: &'t Integration,
    /// Of the account.
    pub account_id: &'t str,
    /// As it is mirrored.
    pub connection: &'t Connection,
    /// Under which it is published.
    pub handle: &'t str,
    /// ARN of the role that tools assume.
    pub role_arn: &'t str,
    /// How tools use it.
    pub settings: &'t EffectiveSettings,
    /// Its folder and that folder's ancestors, each with its ID, from the root down. Connections of one folder share them.
    pub ancestors: Arc<[(&'t str, &'t Folder)]>,
    /// The grants that count: of a workspace's view those that cover the workspace, else all. From the root down, the
    /// connection's own ones last.
    pub granted_by: Vec<Grant<'t>>,
}

impl<'t> EffectiveConnection<'t> {
    /// Name of the account.
    pub fn name(&self) -> &'t str {
        &self.connection.name
    }

    /// E-mail address of the account's root user.
    pub fn email(&self) -> Option<&'t str> {
        self.connection.email.as_deref()
    }

    /// Tags of the account; none: not read.
    pub fn tags(&self) -> Option<&'t BTreeMap<String, String>> {
        self.connection.tags.as_ref()
    }

    /// Who owns the account; none: the integration has no owners.
    pub fn owners(&self) -> Option<&'t BTreeSet<Owner>> {
        self.connection.owners.as_ref()
    }

    /// What the integration says about access.
    pub fn custom_access_details(&self) -> Option<&'t str> {
        self.integration.custom_access_details.as_deref()
    }

    /// Path of its folder.
    pub fn path(&self) -> &'t str {
        &self.connection.path
    }

    /// The folders it is in, from the root down.
    pub fn folders(&self) -> impl Iterator<Item = (&'t str, &'t Folder)> {
        self.ancestors.iter().copied()
    }

    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub fn partition(&self) -> &'t str {
        self.connection
            .partition()
            .unwrap_or_else(|| partition::of_region(&self.settings.default_region))
    }

    /// Whether it may be published at all: the account is active and no override keeps it out.
    pub fn is_publishable(&self) -> bool {
        self.settings.enabled && self.connection.state == ACTIVE
    }
}

/// The connections and folders that are published for a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View<'t> {
    /// Handle of the tenant.
    pub tenant: &'t str,
    /// The workspace.
    pub workspace: &'t Workspace,
    /// Its connections, by handle.
    pub connections: Vec<EffectiveConnection<'t>>,
    /// Folders with such connections in or below them, by handle.
    pub folders: Vec<ViewFolder<'t>>,
}

/// A folder with published connections in or below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewFolder<'t> {
    /// Its integration.
    pub integration: &'t Integration,
    /// Root or OU ID.
    pub id: &'t str,
    /// As it is mirrored.
    pub folder: &'t Folder,
    /// Under which it is published.
    pub handle: &'t str,
    /// Handles of those connections, sorted.
    pub connections: Vec<&'t str>,
}

/// Whether a workspace takes a connection that is visible to it.
pub fn is_attached(workspace: &Workspace, connection: &EffectiveConnection<'_>) -> bool {
    let Some(attach) = &workspace.attach else {
        return true;
    };
    attach.contains(connection.account_id)
        || connection
            .folders()
            .any(|(id, folder)| names(attach, id, folder))
}

/// Whether a folder is among what a workspace attaches.
fn names(attach: &BTreeSet<String>, id: &str, folder: &Folder) -> bool {
    attach.contains(id) || attach.contains(&folder.path)
}

/// Entries of a workspace's `attach` that are no folder and no account of any integration.
pub fn attached_nowhere<'a>(attach: &'a BTreeSet<String>, tenant: &Tenant) -> Vec<&'a str> {
    let is_there = |entry: &str| {
        tenant.each::<Integration>().any(|integration| {
            let Mirror {
                folders,
                connections,
                ..
            } = &integration.mirror;
            connections.contains_key(entry)
                || folders.contains_key(entry)
                || folders.values().any(|folder| folder.path == *entry)
        })
    };
    attach
        .iter()
        .map(String::as_str)
        .filter(|entry| !is_there(entry))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::objects::{ConnectionOverride, FolderOverride, OverriddenSettings};
    use crate::model::sample::{
        A, B, connection_override, connection_permission, folder_override, folder_permission, put,
        workspace,
    };

    const UNITS: [(&str, &str, &str); 2] = [("ou-1", "Work", ""), ("ou-2", "Prod", "ou-1")];
    const ACCOUNTS: [(&str, &str, &str); 2] = [(A, "a", "ou-2"), (B, "b", "")];

    fn tenant() -> Tenant {
        let mut tenant = Tenant::new("acme");
        put(&mut tenant, "one", &UNITS, &ACCOUNTS);
        tenant
    }

    /// The first connection, which is A.
    fn first<T>(tenant: &Tenant, of: impl FnOnce(&EffectiveConnection<'_>) -> T) -> T {
        let resolved = Resolved::of(tenant);
        let connections = resolved.connections();
        assert_eq!(connections[0].account_id, A);
        of(&connections[0])
    }

    fn words(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Every setting, with `name` and `number` in it.
    fn settings(name: &str, number: i64) -> OverriddenSettings {
        OverriddenSettings {
            external_id: Some(name.to_owned()),
            regions: Some(words(&[name])),
            default_region: Some(name.to_owned()),
            max_error_retry_attempts: Some(number),
            min_error_retry_delay: Some(number),
            ignore_error_codes: Some(words(&[name])),
            enabled: true,
        }
    }

    fn put_on_folder(tenant: &mut Tenant, id: &str, settings: OverriddenSettings) {
        let role_name = Some(format!("role_of_{id}"));
        tenant.put(FolderOverride {
            role_name,
            settings,
            ..folder_override(id, "one", id, "")
        });
    }

    /// All settings of A as text.
    fn all_settings(tenant: &Tenant) -> [String; 6] {
        first(tenant, |connection| {
            [
                connection.settings.external_id.clone().unwrap_or_default(),
                format!("{:?}", connection.settings.regions),
                connection.settings.default_region.clone(),
                connection.settings.max_error_retry_attempts.to_string(),
                connection.settings.min_error_retry_delay.to_string(),
                format!("{:?}", connection.settings.ignore_error_codes),
            ]
        })
    }

    #[test]
    fn each_setting_is_inherited_by_itself() {
        let mut tenant = tenant();
        let named = |name: &str, number: i64| {
            let quoted = format!("{{\"{name}\"}}");
            let number = number.to_string();
            [
                name.to_owned(),
                quoted.clone(),
                name.to_owned(),
                number.clone(),
                number,
                quoted,
            ]
        };
        let inherited = [
            "of_the_integration",
            "{\"*\"}",
            "us-east-1",
            "9",
            "25",
            "{}",
        ];
        assert_eq!(all_settings(&tenant), inherited);
        let levels: [fn(&mut Tenant, OverriddenSettings); 4] = [
            |tenant, settings| put_on_folder(tenant, "root", settings),
            |tenant, settings| put_on_folder(tenant, "ou-1", settings),
            |tenant, settings| put_on_folder(tenant, "ou-2", settings),
            |tenant, settings| {
                let own = connection_override("co", "one", A, "");
                tenant.put(ConnectionOverride { settings, ..own });
            },
        ];
        let mut above = inherited.map(str::to_owned);
        for (number, put) in (1..).zip(levels) {
            let name = format!("level_{number}");
            let own = named(&name, number);
            let all = settings(&name, number);
            let none = OverriddenSettings::default();
            let alone = [
                OverriddenSettings {
                    external_id: all.external_id.clone(),
                    ..none.clone()
                },
                OverriddenSettings {
                    regions: all.regions.clone(),
                    ..none.clone()
                },
                OverriddenSettings {
                    default_region: all.default_region.clone(),
                    ..none.clone()
                },
                OverriddenSettings {
                    max_error_retry_attempts: all.max_error_retry_attempts,
                    ..none.clone()
                },
                OverriddenSettings {
                    min_error_retry_delay: all.min_error_retry_delay,
                    ..none.clone()
                },
                OverriddenSettings {
                    ignore_error_codes: all.ignore_error_codes.clone(),
                    ..none.clone()
                },
            ];
            for (index, settings) in alone.into_iter().enumerate() {
                put(&mut tenant, settings);
                let mut wanted = above.clone();
                wanted[index].clone_from(&own[index]);
                assert_eq!(all_settings(&tenant), wanted);
            }
            put(&mut tenant, all);
            assert_eq!(all_settings(&tenant), own);
            above = own;
        }
        // An empty set is a value as well.
        let regions = Some(BTreeSet::new());
        levels[3](
            &mut tenant,
            OverriddenSettings {
                regions,
                ..OverriddenSettings::default()
            },
        );
        assert_eq!(
            first(&tenant, |connection| connection.settings.regions.len()),
            0
        );
    }

    #[test]
    fn a_connection_s_role_arn_comes_before_the_nearest_folder_s_role_name() {
        let mut tenant = tenant();
        let role_arn = |tenant: &Tenant| first(tenant, |c| c.role_arn.to_owned());
        assert_eq!(role_arn(&tenant), "arn:aws:iam::111111111111:role/reader");
        put_on_folder(&mut tenant, "root", OverriddenSettings::default());
        assert_eq!(
            role_arn(&tenant),
            "arn:aws:iam::111111111111:role/role_of_root"
        );
        put_on_folder(&mut tenant, "ou-2", OverriddenSettings::default());
        assert_eq!(
            role_arn(&tenant),
            "arn:aws:iam::111111111111:role/role_of_ou-2"
        );
        tenant.put(connection_override("co", "one", A, ""));
        assert_eq!(
            role_arn(&tenant),
            "arn:aws:iam::111111111111:role/role_of_ou-2"
        );
        let own = Some("arn:aws:iam::999999999999:role/own".to_owned());
        tenant.put(ConnectionOverride {
            role_arn: own,
            ..connection_override("co", "one", A, "")
        });
        assert_eq!(role_arn(&tenant), "arn:aws:iam::999999999999:role/own");
    }

    #[test]
    fn what_is_disabled_above_is_disabled() {
        let disabled = OverriddenSettings {
            enabled: false,
            ..OverriddenSettings::default()
        };
        let is_enabled = |tenant: &Tenant| first(tenant, |connection| connection.settings.enabled);
        for id in ["root", "ou-1", "ou-2"] {
            let mut tenant = tenant();
            put_on_folder(&mut tenant, "ou-2", OverriddenSettings::default());
            tenant.put(connection_override("co", "one", A, ""));
            assert!(is_enabled(&tenant));
            put_on_folder(&mut tenant, id, disabled.clone());
            assert!(!is_enabled(&tenant), "{id}");
            // Nothing changes outside of it.
            let all = Resolved::of(&tenant);
            assert_eq!(all.connections()[1].settings.enabled, id != "root");
        }
        let mut tenant = tenant();
        tenant.put(ConnectionOverride {
            settings: disabled,
            ..connection_override("co", "one", A, "")
        });
        assert!(!is_enabled(&tenant));
    }

    #[test]
    fn what_a_change_leaves_alone_is_shared_and_the_rest_is_not() {
        let mut tenant = tenant();
        tenant.put(folder_override("fo", "one", "/Work", "work_all"));
        let before = Resolved::of(&tenant);
        type Change = fn(&mut Tenant);
        let changes: [(Change, bool); 6] = [
            (
                |t| t.put(connection_permission("cp", "one", A, "acme")),
                true,
            ),
            (|t| t.put(folder_permission("fp", "one", "/", "*")), true),
            (|t| t.put(workspace("acme/security")), true),
            (
                |t| t.put(connection_override("co", "one", A, "other")),
                false,
            ),
            (|t| _ = t.remove::<FolderOverride>("fo"), false),
            (|t| _ = t.remove::<Integration>("one"), false),
        ];
        for (change, is_shared) in changes {
            change(&mut tenant);
            let (after, anew) = (before.after(&tenant), Resolved::of(&tenant));
            assert_eq!(after.connections(), anew.connections());
            assert_eq!(
                Arc::ptr_eq(&after.inheritance, &before.inheritance),
                is_shared
            );
        }
    }

    fn published(tenant: &Tenant, workspace: &Workspace) -> Vec<String> {
        let resolved = Resolved::of(tenant);
        let view = resolved.view(workspace);
        view.connections
            .iter()
            .map(|connection| connection.handle.to_owned())
            .collect()
    }

    #[test]
    fn a_grant_by_path_follows_the_path_and_one_by_id_the_folder() {
        let mut tenant = tenant();
        let security = workspace("acme/security");
        tenant.put(folder_permission("fp_1", "one", "ou-1", "acme/security"));
        let finops = workspace("acme/finops");
        tenant.put(folder_permission("fp_2", "one", "/Work", "acme/finops"));
        assert_eq!(published(&tenant, &security), ["a"]);
        assert_eq!(published(&tenant, &finops), ["a"]);
        // ou-1 is renamed, and another folder takes its path.
        let units = [
            ("ou-1", "Rest", ""),
            ("ou-2", "Prod", "ou-1"),
            ("ou-3", "Work", ""),
        ];
        put(
            &mut tenant,
            "one",
            &units,
            &[(A, "a", "ou-2"), (B, "b", "ou-3")],
        );
        assert_eq!(published(&tenant, &security), ["a"]);
        assert_eq!(published(&tenant, &finops), ["b"]);
        // Both are gone, and come back.
        put(&mut tenant, "one", &[], &[(A, "a", ""), (B, "b", "")]);
        assert_eq!(published(&tenant, &security), [""; 0]);
        assert_eq!(published(&tenant, &finops), [""; 0]);
        put(&mut tenant, "one", &UNITS, &ACCOUNTS);
        assert_eq!(published(&tenant, &security), ["a"]);
        assert_eq!(published(&tenant, &finops), ["a"]);
    }

    #[test]
    fn a_workspace_takes_what_it_attaches_of_what_it_sees() {
        let mut tenant = tenant();
        let mut security = workspace("acme/security");
        tenant.put(connection_permission("cp_1", "one", B, "acme"));
        for (attach, wanted) in [
            (None, &["b"][..]),
            (Some(&[][..]), &[]),
            (Some(&["/"]), &["b"]),
            (Some(&["root"]), &["b"]),
            (Some(&[B]), &["b"]),
            // Not visible, so attached in vain.
            (Some(&[A, "/Work", "ou-2"]), &[]),
            (Some(&["/Elsewhere", "999999999999"]), &[]),
        ] {
            security.attach = attach.map(words);
            assert_eq!(published(&tenant, &security), wanted, "{attach:?}");
        }
        tenant.put(folder_permission("fp_1", "one", "/", "acme"));
        for (attach, wanted) in [
            (None, &["a", "b"][..]),
            (Some(&["/Work"][..]), &["a"]),
            (Some(&["ou-2"]), &["a"]),
            (Some(&["/Work/Prod", B]), &["a", "b"]),
            (Some(&["/work"]), &[]),
        ] {
            security.attach = attach.map(words);
            assert_eq!(published(&tenant, &security), wanted, "{attach:?}");
        }
    }

    #[test]
    fn a_view_has_the_folders_that_hold_something_with_all_below_them() {
        let mut tenant = tenant();
        tenant.put(folder_permission("fp_1", "one", "/", "acme"));
        let security = workspace("acme/security");
        let folders = |tenant: &Tenant| -> Vec<(String, String)> {
            let resolved = Resolved::of(tenant);
            let view = resolved.view(&security);
            let folders = view.folders.iter();
            folders
                .map(|f| (f.handle.to_owned(), f.connections.join(" ")))
                .collect()
        };
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let pairs = pairs.iter();
            pairs
                .map(|(handle, held)| ((*handle).to_owned(), (*held).to_owned()))
                .collect()
        };
        assert_eq!(
            folders(&tenant),
            pairs(&[("one", "a b"), ("prod", "a"), ("work", "a")])
        );
        let settings = OverriddenSettings {
            enabled: false,
            ..OverriddenSettings::default()
        };
        tenant.put(ConnectionOverride {
            settings,
            ..connection_override("co", "one", A, "")
        });
        assert_eq!(folders(&tenant), pairs(&[("one", "b")]));
    }

    #[test]
    fn the_partition_is_the_derived_role_s_or_the_region_s() {
        let mut tenant = tenant();
        let role_name = Some("auditor".to_owned());
        tenant.put(FolderOverride {
            role_name,
            ..folder_override("fo", "one", "/", "")
        });
        let edit = |tenant: &mut Tenant, arn: &str| {
            if let Some(integration) = tenant.integrations.get_mut("one") {
                let integration = Arc::make_mut(integration);
                integration.connection_settings.default_region = "cn-north-1".to_owned();
                if let Some(connection) = integration.mirror.connections.get_mut(A) {
                    connection.derived_role_arn = arn.to_owned();
                }
            }
        };
        edit(&mut tenant, "arn:aws-us-gov:iam::111111111111:role/reader");
        first(&tenant, |connection| {
            assert_eq!(connection.partition(), "aws-us-gov");
            assert_eq!(
                connection.role_arn,
                "arn:aws-us-gov:iam::111111111111:role/auditor"
            );
        });
        // Only an edit by hand leaves an invalid ARN.
        edit(&mut tenant, "reader");
        first(&tenant, |connection| {
            assert_eq!(connection.partition(), "aws-cn")
        });
    }
}
