//! Configuration and state of an integration, and their way to and from the model.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::late::Late;
use crate::model::mirror::{Connection, Folder, Mirror};
use crate::model::objects::{ConnectionSettings, Integration};
use crate::model::owners::{Owner, ResourceOwner};
use crate::model::partition::Claim;
use crate::model::portal::Portal;
use crate::model::removal_guard::RemovalGuard;
use crate::model::sso::Sso;
use crate::provider::late::{self, NotKnown, known_late, known_value};
use crate::provider::regions;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::path::Path;
use terraform_plugin::value::{Set, Value};

use super::source::SourceArgument;

const SSO_REGION: &str = "sso.region";

type Strings = Set<String>;

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    pub(super) id: Value<String>,
    pub(super) handle: Value<String>,
    pub(super) organization: Value<String>,
    pub(super) aws_organization: Value<SourceArgument>,
    pub(super) aws_organization_id: Value<String>,
    pub(super) handle_prefix: Value<String>,
    pub(super) initial_handles: Value<BTreeMap<String, Value<String>>>,
    pub(super) connection_settings: Value<SettingsState>,
    pub(super) permissions: Value<Strings>,
    pub(super) sso: Value<SsoState>,
    pub(super) owners: Value<Vec<Value<OwnerState>>>,
    pub(super) resource_owners: Value<Vec<Value<ResourceOwnerState>>>,
    pub(super) custom_access_details: Value<String>,
    pub(super) removal_guard: Value<GuardState>,
    pub(super) deletion_protection: Value<bool>,
    pub(super) folders: Value<BTreeMap<String, FolderState>>,
    pub(super) connections: Value<BTreeMap<String, ConnectionState>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SettingsState {
    pub(super) role_name: Value<String>,
    pub(super) external_id: Value<String>,
    pub(super) regions: Value<Strings>,
    pub(super) default_region: Value<String>,
    pub(super) max_error_retry_attempts: Value<i64>,
    pub(super) min_error_retry_delay: Value<i64>,
    pub(super) ignore_error_codes: Value<Strings>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SsoState {
    portal_url: Value<String>,
    region: Value<String>,
    role_name: Value<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OwnerState {
    attribute: Value<String>,
    values: Value<Strings>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ResourceOwnerState {
    tag_key: Value<String>,
    attribute: Value<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct GuardState {
    percent: Value<i64>,
    count: Value<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FolderState {
    name: Value<String>,
    derived_handle: Value<String>,
    parent_id: Value<String>,
    path: Value<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ConnectionState {
    name: Value<String>,
    email: Value<String>,
    state: Value<String>,
    tags: Value<BTreeMap<String, Value<String>>>,
    derived_handle: Value<String>,
    folder_id: Value<String>,
    path: Value<String>,
    derived_role_arn: Value<String>,
    owners: Value<BTreeSet<OwnerState>>,
    sign_in_url: Value<String>,
}

impl State {
    /// Sign-in facts, as far as known.
    pub(super) fn sso_facts(&self) -> Late<Option<Sso>> {
        late::optional(&self.sso).and_then(|sso| match sso {
            None => Late::Known(None),
            Some(sso) => sso.facts().map(Some),
        })
    }

    /// The integration's owners, as far as known.
    pub(super) fn owner_list(&self) -> Late<Option<Vec<Owner>>> {
        list(&self.owners, OwnerState::owner)
    }

    /// The account tags that name owners, as far as known.
    pub(super) fn resource_owner_list(&self) -> Late<Option<Vec<ResourceOwner>>> {
        list(&self.resource_owners, ResourceOwnerState::resource_owner)
    }

    /// The guard; where it is not given or not known, the default.
    pub(super) fn guard(&self) -> RemovalGuard {
        let defaults = RemovalGuard::default();
        let Value::Known(guard) = &self.removal_guard else {
            return defaults;
        };
        RemovalGuard {
            percent: guard.percent.known().copied().unwrap_or(defaults.percent),
            count: guard.count.known().copied().unwrap_or(defaults.count),
        }
    }

    /// The settings, where the object itself is known.
    pub(super) fn settings(&self) -> Option<&SettingsState> {
        self.connection_settings.known()
    }

    /// The mirror that a state holds; none where it holds none that is known.
    pub(super) fn mirror(&self) -> Option<Mirror> {
        let (Value::Known(folders), Value::Known(connections)) = (&self.folders, &self.connections)
        else {
            return None;
        };
        Some(Mirror {
            aws_organization_id: late::optional(&self.aws_organization_id),
            folders: folders
                .iter()
                .map(|(id, folder)| (id.clone(), folder.folder()))
                .collect(),
            connections: connections
                .iter()
                .map(|(id, connection)| (id.clone(), connection.connection()))
                .collect(),
        })
    }

    /// Takes a mirror into the plan.
    pub(super) fn set_mirror(&mut self, mirror: Mirror) {
        self.aws_organization_id = late::optional_value(mirror.aws_organization_id);
        let folders = mirror.folders.into_iter();
        self.folders = Value::Known(folders.map(|(id, folder)| (id, folder.into())).collect());
        let connections = mirror.connections.into_iter();
        self.connections = Value::Known(connections.map(|(id, c)| (id, c.into())).collect());
    }

    /// The integration as the catalog keeps it, under `id`.
    ///
    /// # Errors
    /// If anything is not known, which after planning is a bug.
    pub(super) fn integration(&self, id: &str) -> Result<Integration, NotKnown> {
        let known = |late: Late<Option<String>>, what| known_late(late, what);
        Ok(Integration {
            id: id.to_owned(),
            handle: known_value(&self.handle, "handle")?,
            organization: known(late::optional(&self.organization), "organization")?,
            handle_prefix: known(late::optional(&self.handle_prefix), "handle_prefix")?,
            initial_handles: known_late(late::map(&self.initial_handles), "initial_handles")?,
            connection_settings: self
                .settings()
                .ok_or(NotKnown("connection_settings"))?
                .connection_settings()?,
            permissions: known_late(late::set(&self.permissions), "permissions")?
                .unwrap_or_default(),
            sso: known_late(self.sso_facts(), "sso")?,
            owners: known_late(self.owner_list(), "owners")?,
            resource_owners: known_late(self.resource_owner_list(), "resource_owners")?,
            custom_access_details: known(
                late::optional(&self.custom_access_details),
                "custom_access_details",
            )?,
            removal_guard: self.guard(),
            deletion_protection: known_value(&self.deletion_protection, "deletion_protection")?,
            mirror: self.mirror().ok_or(NotKnown("connections"))?,
            effective_handles: BTreeMap::new(),
        })
    }
}

impl From<&Integration> for State {
    fn from(integration: &Integration) -> Self {
        let owners = integration.owners.as_ref();
        let resource_owners = integration.resource_owners.as_ref();
        let mut state = State {
            id: integration.id.clone().into(),
            handle: integration.handle.clone().into(),
            organization: integration.organization.clone().into(),
            handle_prefix: integration.handle_prefix.clone().into(),
            initial_handles: integration
                .initial_handles
                .clone()
                .map_or(Value::Null, late::map_value),
            connection_settings: Value::Known((&integration.connection_settings).into()),
            permissions: late::set_value(integration.permissions.clone()),
            sso: integration.sso.as_ref().map(SsoState::from).into(),
            owners: owners
                .map(|owners| {
                    owners
                        .iter()
                        .cloned()
                        .map(|o| Value::Known(o.into()))
                        .collect()
                })
                .into(),
            resource_owners: resource_owners
                .map(|owners| owners.iter().map(|o| Value::Known(o.into())).collect())
                .into(),
            custom_access_details: integration.custom_access_details.clone().into(),
            removal_guard: Value::Known(integration.removal_guard.into()),
            deletion_protection: integration.deletion_protection.into(),
            ..State::default()
        };
        state.set_mirror(integration.mirror.clone());
        state
    }
}

/// A list as far as known: unknown as a whole if anything of an element is.
fn list<T: Clone, U>(
    value: &Value<Vec<Value<T>>>,
    item: impl Fn(&T) -> Late<U>,
) -> Late<Option<Vec<U>>> {
    late::optional(value).and_then(|items| match items {
        None => Late::Known(None),
        Some(items) => {
            let mut known = Vec::with_capacity(items.len());
            for each in &items {
                match each.known().map_or(Late::Unknown, &item) {
                    Late::Known(each) => known.push(each),
                    Late::Unknown => return Late::Unknown,
                }
            }
            Late::Known(Some(known))
        }
    })
}

impl SettingsState {
    fn connection_settings(&self) -> Result<ConnectionSettings, NotKnown> {
        let strings = |value, what| Ok(known_late(late::set(value), what)?.unwrap_or_default());
        Ok(ConnectionSettings {
            role_name: known_value(&self.role_name, "connection_settings.role_name")?,
            external_id: known_late(
                late::optional(&self.external_id),
                "connection_settings.external_id",
            )?,
            regions: strings(&self.regions, "connection_settings.regions")?,
            default_region: known_value(
                &self.default_region,
                "connection_settings.default_region",
            )?,
            max_error_retry_attempts: known_value(
                &self.max_error_retry_attempts,
                "connection_settings.max_error_retry_attempts",
            )?,
            min_error_retry_delay: known_value(
                &self.min_error_retry_delay,
                "connection_settings.min_error_retry_delay",
            )?,
            ignore_error_codes: strings(
                &self.ignore_error_codes,
                "connection_settings.ignore_error_codes",
            )?,
        })
    }
}

impl From<&ConnectionSettings> for SettingsState {
    fn from(settings: &ConnectionSettings) -> Self {
        Self {
            role_name: settings.role_name.clone().into(),
            external_id: settings.external_id.clone().into(),
            regions: late::set_value(settings.regions.clone()),
            default_region: settings.default_region.clone().into(),
            max_error_retry_attempts: settings.max_error_retry_attempts.into(),
            min_error_retry_delay: settings.min_error_retry_delay.into(),
            ignore_error_codes: late::set_value(settings.ignore_error_codes.clone()),
        }
    }
}

impl SsoState {
    /// What says which partition the portal is in.
    pub(super) fn claims(&self) -> impl Iterator<Item = Claim<'_>> {
        let portal = self.portal_url.known().and_then(|url| {
            Some(Claim {
                attribute: "sso.portal_url",
                value: url,
                partition: Portal::of(url).partition?,
            })
        });
        portal
            .into_iter()
            .chain(regions::claim(SSO_REGION, &self.region))
    }

    /// The region, with its attribute.
    pub(super) fn named(&self) -> Option<(&'static str, &str)> {
        Some((SSO_REGION, self.region.known()?))
    }

    /// Warns of a portal of another region.
    pub(super) fn warn_of_another_region(&self, diagnostics: &mut Diagnostics) {
        if let (Value::Known(url), Value::Known(region)) = (&self.portal_url, &self.region)
            && let Some(of_portal) = Portal::of(url).region
            && of_portal != region
        {
            diagnostics.warning_at(
                Path::of("sso").attribute("region"),
                "The portal is of another region",
                format!(
                    "sso.region is {region:?}, and sso.portal_url, {url:?}, is the portal of {of_portal:?}. Tools sign in \
                     in the region of the portal: set sso.region to {of_portal:?}, or take the portal of {region:?}."
                ),
            );
        }
    }

    fn facts(&self) -> Late<Sso> {
        match (
            &self.portal_url,
            &self.region,
            late::optional(&self.role_name),
        ) {
            (Value::Known(portal_url), Value::Known(region), Late::Known(role_name)) => {
                Late::Known(Sso {
                    portal_url: portal_url.clone(),
                    region: region.clone(),
                    role_name,
                })
            }
            _ => Late::Unknown,
        }
    }
}

impl From<&Sso> for SsoState {
    fn from(sso: &Sso) -> Self {
        Self {
            portal_url: sso.portal_url.clone().into(),
            region: sso.region.clone().into(),
            role_name: sso.role_name.clone().into(),
        }
    }
}

impl OwnerState {
    fn owner(&self) -> Late<Owner> {
        match (&self.attribute, late::set(&self.values)) {
            (Value::Known(attribute), Late::Known(values)) => Late::Known(Owner {
                attribute: attribute.clone(),
                values: values.unwrap_or_default(),
            }),
            _ => Late::Unknown,
        }
    }
}

impl From<Owner> for OwnerState {
    fn from(owner: Owner) -> Self {
        Self {
            attribute: owner.attribute.into(),
            values: late::set_value(owner.values),
        }
    }
}

impl ResourceOwnerState {
    fn resource_owner(&self) -> Late<ResourceOwner> {
        match (&self.tag_key, &self.attribute) {
            (Value::Known(tag_key), Value::Known(attribute)) => Late::Known(ResourceOwner {
                tag_key: tag_key.clone(),
                attribute: attribute.clone(),
            }),
            _ => Late::Unknown,
        }
    }
}

impl From<&ResourceOwner> for ResourceOwnerState {
    fn from(owner: &ResourceOwner) -> Self {
        Self {
            tag_key: owner.tag_key.clone().into(),
            attribute: owner.attribute.clone().into(),
        }
    }
}

impl From<RemovalGuard> for GuardState {
    fn from(guard: RemovalGuard) -> Self {
        Self {
            percent: guard.percent.into(),
            count: guard.count.into(),
        }
    }
}

impl FolderState {
    fn folder(&self) -> Folder {
        Folder {
            name: late::required(&self.name),
            derived_handle: late::required(&self.derived_handle),
            parent_id: self.parent_id.known().cloned(),
            path: late::required(&self.path),
        }
    }
}

impl From<Folder> for FolderState {
    fn from(folder: Folder) -> Self {
        Self {
            name: late::value(folder.name),
            derived_handle: late::value(folder.derived_handle),
            parent_id: folder.parent_id.into(),
            path: late::value(folder.path),
        }
    }
}

impl ConnectionState {
    fn connection(&self) -> Connection {
        let owners = late::optional(&self.owners).and_then(|owners| match owners {
            None => Late::Known(None),
            Some(owners) => {
                let owners: Option<BTreeSet<Owner>> = owners
                    .iter()
                    .map(|owner| owner.owner().known().cloned())
                    .collect();
                owners.map_or(Late::Unknown, |owners| Late::Known(Some(owners)))
            }
        });
        Connection {
            name: late::required(&self.name),
            email: late::optional(&self.email),
            state: self.state.known().cloned().unwrap_or_default(),
            tags: late::map(&self.tags),
            derived_handle: late::required(&self.derived_handle),
            folder_id: self.folder_id.known().cloned().unwrap_or_default(),
            path: late::required(&self.path),
            derived_role_arn: late::required(&self.derived_role_arn),
            owners,
            sign_in_url: late::optional(&self.sign_in_url),
        }
    }
}

impl From<Connection> for ConnectionState {
    fn from(connection: Connection) -> Self {
        Self {
            name: late::value(connection.name),
            email: late::optional_value(connection.email),
            state: connection.state.into(),
            tags: match connection.tags {
                Late::Known(tags) => tags.map_or(Value::Null, late::map_value),
                Late::Unknown => Value::Unknown,
            },
            derived_handle: late::value(connection.derived_handle),
            folder_id: connection.folder_id.into(),
            path: late::value(connection.path),
            derived_role_arn: late::value(connection.derived_role_arn),
            owners: late::optional_value(connection.owners)
                .map(|owners| owners.into_iter().map(OwnerState::from).collect()),
            sign_in_url: late::optional_value(connection.sign_in_url),
        }
    }
}
