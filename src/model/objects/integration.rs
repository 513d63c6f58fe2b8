//! An integration: the settings that a user declares, and the mirror that is kept for them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use describe::{Describe, Violation};
use serde::{Deserialize, Serialize};

use super::object::Object;
use super::settings::ConnectionSettings;
use crate::model::checks;
use crate::model::grantee;
use crate::model::handle::HandleKind;
use crate::model::mirror::Mirror;
use crate::model::owners::{Owner, ResourceOwner};
use crate::model::partition;
use crate::model::removal_guard::RemovalGuard;
use crate::model::sso::Sso;

/// The most characters of `custom_access_details`.
const MAX_ACCESS_DETAILS: usize = 400;

/// An integration as the catalog keeps it: everything its resource's state holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedIntegration)]
pub struct Integration {
    /// `in_` and 20 characters; stays when the handle changes.
    #[field(use_state_for_unknown)]
    pub id: String,
    /// Name of the integration, unique in the tenant. Changes in place.
    #[field(required, check_string(checks::handle(HandleKind::Integration)))]
    pub handle: String,
    /// The organization (a group of workspaces, not the AWS organization) that the integration belongs to and can be shared in.
    /// Without it the integration is at tenant level.
    #[field(
        optional,
        requires_replace,
        check_string(checks::handle(HandleKind::Organization))
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Put in front of every derived handle, such as `aws_`; at most 20 characters. A change of it changes all derived handles.
    #[field(optional, check_string(check_prefix))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle_prefix: Option<String>,
    /// Handles by account ID for accounts that are not mirrored yet, to carry them over from elsewhere. An account keeps its
    /// initial handle for as long as its name and the prefix stay the same; entries for accounts that are mirrored already have
    /// no effect.
    #[field(
        optional,
        check_keys(checks::account_id),
        check_string(checks::handle(HandleKind::Connection))
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_handles: Option<BTreeMap<String, String>>,
    /// Settings that every connection inherits.
    #[field(required)]
    pub connection_settings: ConnectionSettings,
    /// Grantees who may use every connection, now and later: `*`, an organization such as `acme`, or one workspace such as
    /// `acme/security`. Default `[]`: nobody.
    #[field(default([""; 0]), check_string(grantee::check))]
    pub permissions: BTreeSet<String>,
    /// AWS IAM Identity Center, for a sign-in link per connection.
    #[field(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<Sso>,
    /// The integration's owners.
    #[field(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<Owner>>,
    /// Account tags that name a connection's owners. Where an account has none of them, the integration's `owners`, which are
    /// required, are its owners. Needs `include_tags` in the data source.
    #[field(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_owners: Option<Vec<ResourceOwner>>,
    /// What a person should know about access, at most 400 characters.
    #[field(optional, check_string(check_access_details))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_access_details: Option<String>,
    /// Stops a plan that would remove many connections, which is what a wide exclude or a wrong profile looks like. It applies
    /// from 8 connections up.
    #[field(optional, computed)]
    pub removal_guard: RemovalGuard,
    /// Whether destroying the integration is refused. Destroying it also removes its folders, connections and permissions from
    /// the catalog. To destroy, apply `false` first.
    #[field(default(true))]
    pub deletion_protection: bool,
    /// Folders and connections.
    #[field(flatten)]
    pub mirror: Mirror,
    /// Published handles that differ from the derived ones, by OU or account ID. Settled at commit; they stick.
    #[field(skip)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub effective_handles: BTreeMap<String, String>,
}

fn check_prefix(value: &str) -> Result<(), Violation> {
    if value.is_empty() {
        return Ok(());
    }
    checks::handle(HandleKind::Prefix)(value)
}

fn check_access_details(value: &str) -> Result<(), Violation> {
    let length = value.chars().count();
    if length <= MAX_ACCESS_DETAILS {
        return Ok(());
    }
    Err(Violation::new(
        format!("It has {length} characters; at most {MAX_ACCESS_DETAILS} are allowed."),
        "Shorten it, and link to the rest.",
    ))
}

impl Integration {
    /// The partition of its accounts; where it has none, that of the default Region.
    pub fn partition(&self) -> &str {
        let default_region = &self.connection_settings.default_region;
        self.mirror
            .partition()
            .unwrap_or_else(|| partition::of_region(default_region))
    }
}

impl Object for Integration {
    const TYPE: &'static str = "integration";
    const ID_PREFIX: &'static str = "in_";

    fn id(&self) -> &str {
        &self.id
    }

    /// Without the mirror, but for the AWS organization that it is of. The mirror is large, so it is not cloned.
    fn declared(&self) -> Cow<'_, Self> {
        Cow::Owned(Self {
            id: self.id.clone(),
            handle: self.handle.clone(),
            organization: self.organization.clone(),
            handle_prefix: self.handle_prefix.clone(),
            initial_handles: self.initial_handles.clone(),
            connection_settings: self.connection_settings.clone(),
            permissions: self.permissions.clone(),
            sso: self.sso.clone(),
            owners: self.owners.clone(),
            resource_owners: self.resource_owners.clone(),
            custom_access_details: self.custom_access_details.clone(),
            removal_guard: self.removal_guard,
            deletion_protection: self.deletion_protection,
            mirror: Mirror {
                aws_organization_id: self.mirror.aws_organization_id.clone(),
                ..Mirror::default()
            },
            effective_handles: BTreeMap::new(),
        })
    }

    fn name(&self, _integration_handle: &str) -> String {
        self.handle.clone()
    }
}
