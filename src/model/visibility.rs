//! Who sees what: grants, effective settings, and what is published for a workspace.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::effective::effective_handle;
use super::grantee::Grantee;
use super::integration::Integration;
use super::mirror::{ACTIVE, Connection, Folder, Mirror, role_arn};
use super::overriding::{FolderOverride, InForce, OverriddenSettings};
use super::partition;
use super::permission::{ConnectionPermission, FolderPermission};
use super::tenant::Tenant;
use super::workspace::Workspace;

/// One reason why a connection is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant<'t> {
    /// Where it was declared.
    pub source: GrantSource<'t>,
    /// To whom.
    pub grantee: Cow<'t, Grantee>,
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
    /// Whose it is.
    pub integration: &'t Integration,
    /// Of the account.
    pub account_id: &'t str,
    /// As it is mirrored.
    pub connection: &'t Connection,
    /// Under which it is published.
    pub handle: &'t str,
    /// ARN of the role that tools assume.
    pub role_arn: Cow<'t, str>,
    /// External ID passed when the role is assumed.
    pub external_id: Option<&'t str>,
    /// Region names, `*` and globs.
    pub regions: &'t BTreeSet<String>,
    /// Region used where a tool wants one.
    pub default_region: &'t str,
    /// Total attempts, at least 1.
    pub max_error_retry_attempts: i64,
    /// Milliseconds, at least 1.
    pub min_error_retry_delay: i64,
    /// In addition to the tools' built-in not-found codes.
    pub ignore_error_codes: &'t BTreeSet<String>,
    /// False: an override keeps it out of every publication.
    pub enabled: bool,
    /// IDs of its folder and of that folder's ancestors, from the root down.
    pub ancestors: Vec<&'t str>,
    /// The grants that count: of a workspace's view those that cover the workspace, else all. From the root down, the
    /// connection's own ones last.
    pub granted_by: Vec<Grant<'t>>,
}

impl<'t> EffectiveConnection<'t> {
    /// Name of the account.
    pub fn name(&self) -> &'t str {
        self.connection.name.known().map_or("", String::as_str)
    }

    /// E-mail address of the account's root user.
    pub fn email(&self) -> Option<&'t str> {
        self.connection.email.known()?.as_deref()
    }

    /// Tags of the account; none: not read.
    pub fn tags(&self) -> Option<&'t BTreeMap<String, String>> {
        self.connection.tags.known()?.as_ref()
    }

    /// Path of its folder.
    pub fn path(&self) -> &'t str {
        self.connection.path.known().map_or("", String::as_str)
    }

    /// The folders it is in, from the root down.
    pub fn folders(&self) -> impl Iterator<Item = (&'t str, &'t Folder)> {
        let folders = &self.integration.mirror.folders;
        let ids = self.ancestors.iter().copied();
        ids.filter_map(|id| Some((id, folders.get(id)?)))
    }

    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub fn partition(&self) -> &'t str {
        partition_of(self.connection).unwrap_or_else(|| partition::of_region(self.default_region))
    }

    /// Whether it may be published at all: the account is active and no override keeps it out.
    pub fn is_publishable(&self) -> bool {
        self.enabled && self.connection.state == ACTIVE
    }
}

/// The partition in the ARN that discovery made.
fn partition_of(connection: &Connection) -> Option<&str> {
    connection.derived_role_arn.known()?.split(':').nth(1)
}

/// What is published for a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View<'t> {
    /// Handle of the tenant.
    pub tenant: &'t str,
    /// Whose it is.
    pub workspace: &'t Workspace,
    /// What it gets, by handle.
    pub connections: Vec<EffectiveConnection<'t>>,
    /// Folders that hold any of them, themselves or below, by handle.
    pub folders: Vec<ViewFolder<'t>>,
}

/// A folder that holds published connections, itself or below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewFolder<'t> {
    /// Whose it is.
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

/// A tenant with all inheritance worked out, to ask about many workspaces.
#[derive(Debug)]
pub struct Resolved<'t> {
    tenant: &'t Tenant,
    integrations: Vec<ResolvedIntegration<'t>>,
}

#[derive(Debug)]
struct ResolvedIntegration<'t> {
    integration: &'t Integration,
    overrides: InForce<'t>,
    folders: HashMap<&'t str, ResolvedFolder<'t>>,
    connection_grants: HashMap<&'t str, Vec<Grant<'t>>>,
}

#[derive(Debug)]
struct ResolvedFolder<'t> {
    /// From the root down to the folder itself.
    lineage: Vec<&'t str>,
    /// On the folder itself.
    grants: Vec<Grant<'t>>,
    inherited: Inherited<'t>,
}

/// What connections of a folder inherit.
#[derive(Debug, Clone, Copy)]
struct Inherited<'t> {
    role_name: Option<&'t str>,
    external_id: Option<&'t str>,
    regions: &'t BTreeSet<String>,
    default_region: &'t str,
    max_error_retry_attempts: i64,
    min_error_retry_delay: i64,
    ignore_error_codes: &'t BTreeSet<String>,
    enabled: bool,
}

impl<'t> Inherited<'t> {
    fn of(integration: &'t Integration) -> Self {
        let settings = &integration.connection_settings;
        Self {
            role_name: None,
            external_id: settings.external_id.as_deref(),
            regions: &settings.regions,
            default_region: &settings.default_region,
            max_error_retry_attempts: settings.max_error_retry_attempts,
            min_error_retry_delay: settings.min_error_retry_delay,
            ignore_error_codes: &settings.ignore_error_codes,
            enabled: true,
        }
    }

    fn with(self, settings: &'t OverriddenSettings) -> Self {
        // Taken apart in full, so that a new setting cannot be forgotten here.
        let OverriddenSettings {
            external_id,
            regions,
            default_region,
            max_error_retry_attempts,
            min_error_retry_delay,
            ignore_error_codes,
            enabled,
        } = settings;
        Self {
            role_name: self.role_name,
            external_id: external_id.as_deref().or(self.external_id),
            regions: regions.as_ref().unwrap_or(self.regions),
            default_region: default_region.as_deref().unwrap_or(self.default_region),
            max_error_retry_attempts: max_error_retry_attempts
                .unwrap_or(self.max_error_retry_attempts),
            min_error_retry_delay: min_error_retry_delay.unwrap_or(self.min_error_retry_delay),
            ignore_error_codes: ignore_error_codes
                .as_ref()
                .unwrap_or(self.ignore_error_codes),
            enabled: self.enabled && *enabled,
        }
    }

    fn with_folder(self, overriding: &'t FolderOverride) -> Self {
        Self {
            role_name: overriding.role_name.as_deref().or(self.role_name),
            ..self.with(&overriding.settings)
        }
    }
}

impl<'t> Resolved<'t> {
    /// Works out all inheritance of a tenant.
    pub fn of(tenant: &'t Tenant) -> Self {
        let integrations = tenant.each::<Integration>();
        Self {
            tenant,
            integrations: integrations
                .map(|integration| ResolvedIntegration::of(tenant, integration))
                .collect(),
        }
    }

    /// Every connection of the tenant, by handle, with all its grants.
    pub fn connections(&self) -> Vec<EffectiveConnection<'t>> {
        let mut connections = Vec::new();
        for integration in &self.integrations {
            let folder_grants = integration.folder_grants(|_| true);
            connections.extend(integration.connections().filter_map(|(id, connection)| {
                let mut effective = integration.effective(id, connection)?;
                effective.granted_by = integration.grants(&folder_grants, id, connection, |_| true);
                Some(effective)
            }));
        }
        connections.sort_by_key(|connection| connection.handle);
        connections
    }

    /// Every connection that is visible to a workspace, by handle, with the grants that make it so; attached or not,
    /// publishable or not.
    pub fn visible(&self, workspace: &Workspace) -> Vec<EffectiveConnection<'t>> {
        let mut connections = Vec::new();
        for integration in &self.integrations {
            let scope = integration.integration.organization.as_deref();
            let covers = |grant: &Grant<'_>| {
                grant
                    .grantee
                    .covers(&workspace.organization, &workspace.handle, scope)
            };
            let folder_grants = integration.folder_grants(covers);
            connections.extend(integration.connections().filter_map(|(id, connection)| {
                let granted_by = integration.grants(&folder_grants, id, connection, covers);
                if granted_by.is_empty() {
                    return None;
                }
                let mut effective = integration.effective(id, connection)?;
                effective.granted_by = granted_by;
                Some(effective)
            }));
        }
        connections.sort_by_key(|connection| connection.handle);
        connections
    }

    /// What is published for a workspace: what is visible, attached, active and enabled.
    pub fn view(&self, workspace: &'t Workspace) -> View<'t> {
        let mut connections = self.visible(workspace);
        connections
            .retain(|connection| connection.is_publishable() && is_attached(workspace, connection));
        let mut folders: BTreeMap<&str, ViewFolder<'t>> = BTreeMap::new();
        for connection in &connections {
            for (id, folder) in connection.folders() {
                let Some(handle) = effective_handle(connection.integration, id) else {
                    continue;
                };
                let entry = folders.entry(handle).or_insert_with(|| ViewFolder {
                    integration: connection.integration,
                    id,
                    folder,
                    handle,
                    connections: Vec::new(),
                });
                entry.connections.push(connection.handle);
            }
        }
        View {
            tenant: &self.tenant.handle,
            workspace,
            connections,
            folders: folders.into_values().collect(),
        }
    }
}

/// Whether a workspace takes a connection that is visible to it.
pub fn is_attached(workspace: &Workspace, connection: &EffectiveConnection<'_>) -> bool {
    let Some(attach) = &workspace.attach else {
        return true;
    };
    attach.contains(connection.account_id)
        || connection.folders().any(|(id, folder)| {
            let path = folder.path.known();
            attach.contains(id) || path.is_some_and(|path| attach.contains(path))
        })
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
                || folders
                    .values()
                    .any(|folder| folder.path.known().is_some_and(|path| path == entry))
        })
    };
    let entries = attach.iter().map(String::as_str);
    entries.filter(|entry| !is_there(entry)).collect()
}

impl<'t> ResolvedIntegration<'t> {
    fn of(tenant: &'t Tenant, integration: &'t Integration) -> Self {
        let overrides = InForce::of(tenant, integration);
        let mut folders: HashMap<&str, ResolvedFolder<'t>> = HashMap::new();
        for id in parents_first(&integration.mirror) {
            let parent = integration.mirror.folders[id]
                .parent_id
                .as_deref()
                .and_then(|parent| folders.get(parent));
            let mut lineage = parent.map_or_else(Vec::new, |parent| parent.lineage.clone());
            lineage.push(id);
            let inherited =
                parent.map_or_else(|| Inherited::of(integration), |parent| parent.inherited);
            let inherited = match overrides.folders.get(id) {
                Some(overriding) => inherited.with_folder(overriding),
                None => inherited,
            };
            let is_root = lineage.len() == 1;
            let own = integration.permissions.iter().filter(|_| is_root);
            let grants = own.filter_map(|grantee| {
                Some(Grant {
                    source: GrantSource::Integration(integration),
                    grantee: Cow::Owned(grantee.parse().ok()?),
                })
            });
            let folder = ResolvedFolder {
                lineage,
                grants: grants.collect(),
                inherited,
            };
            folders.insert(id, folder);
        }
        for permission in tenant.each::<FolderPermission>() {
            if permission.integration_id != integration.id {
                continue;
            }
            if let Some((folder_id, folder)) = permission.folder.find(&integration.mirror)
                && let Some(resolved) = folders.get_mut(folder_id)
            {
                resolved.grants.push(Grant {
                    source: GrantSource::Folder {
                        permission,
                        folder_id,
                        folder,
                    },
                    grantee: Cow::Borrowed(&permission.grantee),
                });
            }
        }
        let mut connection_grants: HashMap<&str, Vec<Grant<'t>>> = HashMap::new();
        for permission in tenant.each::<ConnectionPermission>() {
            if permission.integration_id == integration.id {
                let grants = connection_grants.entry(&permission.account_id).or_default();
                grants.push(Grant {
                    source: GrantSource::Connection(permission),
                    grantee: Cow::Borrowed(&permission.grantee),
                });
            }
        }
        Self {
            integration,
            overrides,
            folders,
            connection_grants,
        }
    }

    fn connections(&self) -> impl Iterator<Item = (&'t str, &'t Connection)> {
        let connections = self.integration.mirror.connections.iter();
        connections.map(|(id, connection)| (id.as_str(), connection))
    }

    /// For each folder that is granted, itself or with an ancestor, those of its grants that pass, from the root down.
    fn folder_grants(
        &self,
        passes: impl Fn(&Grant<'t>) -> bool,
    ) -> HashMap<&'t str, Vec<&Grant<'t>>> {
        let own: HashMap<&str, Vec<&Grant<'t>>> = self
            .folders
            .iter()
            .map(|(id, folder)| {
                let grants = folder.grants.iter();
                (*id, grants.filter(|grant| passes(grant)).collect())
            })
            .collect();
        self.folders
            .iter()
            .filter_map(|(id, folder)| {
                let lineage = folder.lineage.iter();
                let grants: Vec<_> = lineage.flat_map(|id| own[id].iter().copied()).collect();
                (!grants.is_empty()).then_some((*id, grants))
            })
            .collect()
    }

    fn grants(
        &self,
        folder_grants: &HashMap<&str, Vec<&Grant<'t>>>,
        account_id: &str,
        connection: &Connection,
        passes: impl Fn(&Grant<'t>) -> bool,
    ) -> Vec<Grant<'t>> {
        let tags = connection.tags.known().and_then(Option::as_ref);
        let inherited = folder_grants.get(connection.folder_id.as_str());
        let inherited = inherited.into_iter().flatten().copied();
        let inherited = inherited.filter(|grant| match grant.source {
            GrantSource::Folder { permission, .. } => permission.matches(tags),
            _ => true,
        });
        let own = self.connection_grants.get(account_id).into_iter().flatten();
        inherited
            .chain(own.filter(|grant| passes(grant)))
            .cloned()
            .collect()
    }

    /// None for a connection whose handle is not known, which the catalog never holds.
    fn effective(
        &self,
        account_id: &'t str,
        connection: &'t Connection,
    ) -> Option<EffectiveConnection<'t>> {
        let integration = self.integration;
        let folder = self.folders.get(connection.folder_id.as_str());
        let inherited = folder.map_or_else(|| Inherited::of(integration), |f| f.inherited);
        let overriding = self.overrides.connections.get(account_id);
        let settings = match overriding {
            Some(overriding) => inherited.with(&overriding.settings),
            None => inherited,
        };
        let role_arn = match (
            overriding.and_then(|o| o.role_arn.as_deref()),
            settings.role_name,
        ) {
            (Some(arn), _) => Cow::Borrowed(arn),
            (None, Some(role_name)) => {
                let partition = partition_of(connection).unwrap_or(partition::AWS);
                Cow::Owned(role_arn(partition, account_id, role_name))
            }
            (None, None) => Cow::Borrowed(connection.derived_role_arn.known()?.as_str()),
        };
        Some(EffectiveConnection {
            integration,
            account_id,
            connection,
            handle: effective_handle(integration, account_id)?,
            role_arn,
            external_id: settings.external_id,
            regions: settings.regions,
            default_region: settings.default_region,
            max_error_retry_attempts: settings.max_error_retry_attempts,
            min_error_retry_delay: settings.min_error_retry_delay,
            ignore_error_codes: settings.ignore_error_codes,
            enabled: settings.enabled,
            ancestors: folder.map_or_else(Vec::new, |folder| folder.lineage.clone()),
            granted_by: Vec::new(),
        })
    }
}

/// Folder IDs, parents before children. What hangs under nothing or in a circle, which no catalog holds that was not
/// edited by hand, is left out.
fn parents_first(mirror: &Mirror) -> Vec<&str> {
    let mut children: HashMap<Option<&str>, Vec<&str>> = HashMap::new();
    for (id, folder) in &mirror.folders {
        let siblings = children.entry(folder.parent_id.as_deref()).or_default();
        siblings.push(id);
    }
    let mut ordered = children.remove(&None).unwrap_or_default();
    let mut next = 0;
    while let Some(&id) = ordered.get(next) {
        ordered.extend(children.remove(&Some(id)).unwrap_or_default());
        next += 1;
    }
    ordered
}
