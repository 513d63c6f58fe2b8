//! Configuration and result.

use std::collections::{BTreeMap, BTreeSet};

use describe::Describe;

use crate::model::objects::EffectiveSettings;
use crate::model::owners::Owner;
use crate::model::visibility::{EffectiveConnection, Grant, GrantSource};
use crate::provider::selection::Selection;
use terraform_plugin::value::Value;

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    #[field(
        flatten,
        reworded(
            "attaches it or not.",
            "attaches it or not, and whether the connection is `ACTIVE` and enabled or not: `published` says that."
        ),
        reworded(
            "if it were.",
            "if it were: grants hold for workspaces declared later."
        )
    )]
    pub(super) selection: Selection,
    /// The connections by effective handle.
    pub(super) connections: Value<BTreeMap<String, Value<PlannedConnectionEntry>>>,
}

/// An effective connection, with what says why it is visible.
#[derive(Describe)]
#[describe(planned = PlannedConnectionEntry)]
pub(super) struct ConnectionEntry {
    /// ID of the account.
    account_id: String,
    /// ID of its integration.
    integration_id: String,
    /// Name of the account.
    name: String,
    /// E-mail address of the account's root user.
    email: Option<String>,
    /// State of the account; only `ACTIVE` ones are published.
    state: String,
    /// The account's tags; null where they were not read.
    tags: Option<BTreeMap<String, String>>,
    /// Effective handle: what it is published under.
    handle: String,
    /// ID of the folder that holds the account.
    folder_id: String,
    /// Path of that folder.
    path: String,
    /// ARN of the role that tools assume.
    role_arn: String,
    /// How tools use it.
    #[field(flatten)]
    settings: EffectiveSettings,
    /// Whether it is in what is published for `workspace`: the workspace is declared and attaches it, and the connection is
    /// `ACTIVE` and enabled. Null without `workspace`.
    published: Option<bool>,
    /// Who owns it: from the account's tags, else the integration's `owners`; null where it has none.
    #[field(reworded(", such as `okta_group` or `user`", ""))]
    owners: Option<BTreeSet<Owner>>,
    /// Opens the account in the AWS access portal; null without `sso`.
    sign_in_url: Option<String>,
    /// What the integration says about access, in its own words; null: nothing.
    custom_access_details: Option<String>,
    /// The grants that make it visible, from the root folder down: with `workspace` those that cover the workspace, else all.
    granted_by: Vec<GrantEntry>,
}

#[derive(Default, Describe)]
#[describe(planned = PlannedGrantEntry)]
struct GrantEntry {
    /// Type of the resource that grants: `orgmirror_integration` (its `permissions`), `orgmirror_folder_permission` or
    /// `orgmirror_connection_permission`.
    resource_type: String,
    /// ID of the permission; null for `permissions` of the integration.
    permission_id: Option<String>,
    /// To whom: `*`, an organization, or a workspace.
    grantee: String,
    /// ID of the granted folder; null for a grant of the connection itself.
    folder_id: Option<String>,
    /// Path of the granted folder.
    folder_path: Option<String>,
    /// ID of the account, where the connection itself is granted.
    account_id: Option<String>,
    /// Tags that the grant asks for; null: none.
    match_tags: Option<BTreeMap<String, String>>,
}

impl ConnectionEntry {
    /// `published` is whether a workspace takes it; none: nobody asked for a workspace.
    pub(super) fn of(effective: &EffectiveConnection<'_>, published: Option<bool>) -> Self {
        let connection = effective.connection;
        let grants = effective.granted_by.iter();
        Self {
            account_id: effective.account_id.to_owned(),
            integration_id: effective.integration.id.clone(),
            name: effective.name().to_owned(),
            email: effective.email().map(str::to_owned),
            state: connection.state.clone(),
            tags: effective.tags().cloned(),
            handle: effective.handle.to_owned(),
            folder_id: connection.folder_id.clone(),
            path: effective.path().to_owned(),
            role_arn: effective.role_arn.to_owned(),
            settings: effective.settings.clone(),
            published,
            owners: effective.owners().cloned(),
            sign_in_url: connection.sign_in_url.clone(),
            custom_access_details: effective.custom_access_details().map(str::to_owned),
            granted_by: grants
                .map(|grant| GrantEntry::of(grant, effective))
                .collect(),
        }
    }
}

impl GrantEntry {
    fn of(grant: &Grant<'_>, effective: &EffectiveConnection<'_>) -> Self {
        let grantee = grant.grantee.to_string();
        match grant.source {
            GrantSource::Integration(_) => {
                let root = effective.folders().next();
                Self {
                    resource_type: "orgmirror_integration".to_owned(),
                    grantee,
                    folder_id: root.map(|(id, _)| id.to_owned()),
                    folder_path: root.map(|(_, folder)| folder.path.clone()),
                    ..Self::default()
                }
            }
            GrantSource::Folder {
                permission,
                folder_id,
                folder,
            } => Self {
                resource_type: "orgmirror_folder_permission".to_owned(),
                permission_id: Some(permission.id.clone()),
                grantee,
                folder_id: Some(folder_id.to_owned()),
                folder_path: Some(folder.path.clone()),
                match_tags: permission.match_tags.clone(),
                ..Self::default()
            },
            GrantSource::Connection(permission) => Self {
                resource_type: "orgmirror_connection_permission".to_owned(),
                permission_id: Some(permission.id.clone()),
                grantee,
                account_id: Some(permission.account_id.clone()),
                ..Self::default()
            },
        }
    }
}
