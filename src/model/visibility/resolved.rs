//! A tenant with all inheritance worked out once, to ask about many workspaces.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::active_overrides::ActiveOverrides;
use crate::model::folder_ref::Folders;
use crate::model::grantee::Grantee;
use crate::model::handle_assignment::effective_handle;
use crate::model::mirror::{ACTIVE, Connection, Folder, Mirror, role_arn};
use crate::model::objects::{
    ConnectionOverride, ConnectionPermission, EffectiveSettings, FolderOverride, FolderPermission,
    Integration,
};
use crate::model::partition;
use crate::model::tenant::{Kind, Tenant};

/// A tenant with all inheritance worked out, to ask about many workspaces.
///
/// It shares objects with the tenant, and borrows nothing from it. A change of the tenant does not reach it.
#[derive(Debug)]
pub struct Resolved {
    pub(super) tenant: String,
    pub(super) inheritance: Arc<Inheritance>,
    pub(super) grants: Grants,
}

/// What integrations and overrides say of connections.
#[derive(Debug)]
pub(super) struct Inheritance {
    pub(super) integrations: Vec<ResolvedIntegration>,
    /// By handle.
    pub(super) connections: Vec<ResolvedConnection>,
    /// All of the tenant, in force or not.
    folder_overrides: Vec<Arc<FolderOverride>>,
    connection_overrides: Vec<Arc<ConnectionOverride>>,
}

#[derive(Debug)]
pub(super) struct ResolvedIntegration {
    pub(super) integration: Arc<Integration>,
    /// Parents before children.
    pub(super) folders: Vec<ResolvedFolder>,
    /// By position in the mirror, the index among the connections of the tenant.
    connections: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct ResolvedFolder {
    /// Its position among the folders of the mirror.
    position: usize,
    pub(super) handle: Option<String>,
    /// Its index; none for the root.
    pub(super) parent: Option<usize>,
    inherited: Arc<EffectiveSettings>,
}

#[derive(Debug)]
pub(super) struct ResolvedConnection {
    pub(super) integration: usize,
    /// Its position among the connections of the mirror.
    pub(super) position: usize,
    /// None: it hangs under nothing, which no catalog does that was not edited by hand.
    pub(super) folder: Option<usize>,
    pub(super) is_publishable: bool,
    /// None: the derived one.
    pub(super) handle: Option<Box<str>>,
    /// None: the derived one.
    pub(super) role_arn: Option<Box<str>>,
    pub(super) settings: Arc<EffectiveSettings>,
}

/// Every grant, where it was declared.
#[derive(Debug)]
pub(super) struct Grants {
    /// By integration and folder.
    pub(super) folders: Vec<Vec<Vec<Granted>>>,
    /// By connection.
    pub(super) connections: Vec<Vec<Granted>>,
}

/// A grant, and what declares it.
#[derive(Debug)]
pub(super) enum Granted {
    Integration(Grantee),
    Folder {
        permission: Arc<FolderPermission>,
        /// Its index.
        folder: usize,
    },
    Connection(Arc<ConnectionPermission>),
}

impl Granted {
    pub(super) fn grantee(&self) -> &Grantee {
        match self {
            Self::Integration(grantee) => grantee,
            Self::Folder { permission, .. } => &permission.grantee,
            Self::Connection(permission) => &permission.grantee,
        }
    }
}

impl Resolved {
    /// Works out all inheritance of a tenant.
    pub fn of(tenant: &Tenant) -> Self {
        Self::with(Arc::new(Inheritance::of(tenant)), tenant)
    }

    /// What [`Self::of`] works out for a tenant that was made of this one by changes. Inheritance is shared if the changes
    /// have nothing to do with it.
    pub fn after(&self, tenant: &Tenant) -> Self {
        if self.inheritance.is_of(tenant) {
            Self::with(Arc::clone(&self.inheritance), tenant)
        } else {
            Self::of(tenant)
        }
    }

    fn with(inheritance: Arc<Inheritance>, tenant: &Tenant) -> Self {
        Self {
            tenant: tenant.handle.clone(),
            grants: Grants::of(tenant, &inheritance),
            inheritance,
        }
    }
}

impl Inheritance {
    fn of(tenant: &Tenant) -> Self {
        let mut integrations: Vec<ResolvedIntegration> =
            Vec::with_capacity(tenant.integrations.len());
        let mut connections = Vec::new();
        for (index, integration) in tenant.integrations.values().enumerate() {
            let overrides = ActiveOverrides::of(tenant, integration);
            let resolved = ResolvedIntegration::of(integration, &overrides);
            add_connections(integration, index, &resolved, &overrides, &mut connections);
            integrations.push(resolved);
        }
        connections.sort_by_key(|(handle, _)| *handle);
        for (index, (_, connection)) in connections.iter().enumerate() {
            let ResolvedConnection {
                integration,
                position,
                ..
            } = connection;
            integrations[*integration].connections[*position] = index;
        }
        let connections = connections.into_iter();
        Self {
            integrations,
            connections: connections.map(|(_, connection)| connection).collect(),
            folder_overrides: tenant.folder_overrides.values().cloned().collect(),
            connection_overrides: tenant.connection_overrides.values().cloned().collect(),
        }
    }

    /// Whether it is what follows from this tenant: the same objects, by address.
    fn is_of(&self, tenant: &Tenant) -> bool {
        let integrations = self.integrations.iter();
        is_all_of(integrations.map(|resolved| &resolved.integration), tenant)
            && is_all_of(self.folder_overrides.iter(), tenant)
            && is_all_of(self.connection_overrides.iter(), tenant)
    }
}

fn is_all_of<'a, T: Kind>(
    objects: impl ExactSizeIterator<Item = &'a Arc<T>>,
    tenant: &Tenant,
) -> bool {
    let all = T::all(tenant);
    objects.len() == all.len()
        && objects
            .zip(all.values())
            .all(|(object, other)| Arc::ptr_eq(object, other))
}

impl ResolvedIntegration {
    fn of(integration: &Arc<Integration>, overrides: &ActiveOverrides<'_>) -> Self {
        let ordered = parents_first(&integration.mirror);
        let mut folders: Vec<ResolvedFolder> = Vec::with_capacity(ordered.len());
        let own = Arc::new(EffectiveSettings::from(&integration.connection_settings));
        for (position, id, parent) in ordered {
            let inherited = parent.map_or(&own, |parent| &folders[parent].inherited);
            let inherited = match overrides.folders.get(id) {
                Some(overriding) => Arc::new(
                    inherited.with_folder(overriding.role_name.as_deref(), &overriding.settings),
                ),
                None => Arc::clone(inherited),
            };
            folders.push(ResolvedFolder {
                position,
                handle: effective_handle(integration, id).map(str::to_owned),
                parent,
                inherited,
            });
        }
        Self {
            integration: Arc::clone(integration),
            folders,
            // Filled in once all connections of the tenant are in order.
            connections: vec![0; integration.mirror.connections.len()],
        }
    }

    /// The folders by index, each with its ID.
    pub(super) fn mirrored_folders(&self) -> Vec<(&str, &Folder)> {
        let by_position = &self.integration.mirror.folders;
        let by_position: Vec<_> = by_position.iter().collect();
        let folders = self.folders.iter();
        folders
            .map(|folder| by_position[folder.position])
            .map(|(id, folder)| (id.as_str(), folder))
            .collect()
    }

    /// The connections by position, each with its account's ID.
    pub(super) fn mirrored_connections(&self) -> Vec<(&str, &Connection)> {
        let connections = self.integration.mirror.connections.iter();
        connections
            .map(|(account_id, connection)| (account_id.as_str(), connection))
            .collect()
    }
}

/// Adds all connections of an integration, each with its handle, in no order.
fn add_connections<'t>(
    integration: &'t Integration,
    index: usize,
    resolved: &ResolvedIntegration,
    overrides: &ActiveOverrides<'t>,
    connections: &mut Vec<(&'t str, ResolvedConnection)>,
) {
    let indices = indices(&resolved.mirrored_folders());
    let nowhere = Arc::new(EffectiveSettings::from(&integration.connection_settings));
    let mirrored = integration.mirror.connections.iter().enumerate();
    connections.extend(mirrored.map(|(position, (account_id, connection))| {
        let folder = indices.get(connection.folder_id.as_str()).copied();
        let inherited = folder.map_or(&nowhere, |folder| &resolved.folders[folder].inherited);
        let overriding = overrides.connections.get(account_id.as_str());
        let settings = match overriding {
            Some(overriding) => Arc::new(inherited.with(&overriding.settings)),
            None => Arc::clone(inherited),
        };
        let derived = &connection.derived_handle;
        let handle = integration.effective_handles.get(account_id);
        let own_arn = overriding.and_then(|overriding| overriding.role_arn.as_deref());
        let role_arn = match (own_arn, &settings.role_name) {
            (Some(arn), _) => Some(arn.into()),
            (None, Some(role_name)) => {
                let partition = connection.partition();
                let partition =
                    partition.unwrap_or_else(|| partition::of_region(&settings.default_region));
                Some(role_arn(partition, account_id, role_name).into())
            }
            (None, None) => None,
        };
        let resolved = ResolvedConnection {
            integration: index,
            position,
            folder,
            is_publishable: settings.enabled && connection.state == ACTIVE,
            handle: handle.map(|handle| handle.as_str().into()),
            role_arn,
            settings,
        };
        (handle.unwrap_or(derived).as_str(), resolved)
    }));
}

impl Grants {
    fn of(tenant: &Tenant, inheritance: &Inheritance) -> Self {
        let integrations = inheritance.integrations.iter();
        Self {
            folders: integrations
                .map(|resolved| folder_grants(tenant, resolved))
                .collect(),
            connections: connection_grants(tenant, inheritance),
        }
    }
}

/// Puts the permissions for folders on the folders that they mean, and those of the integration on its root.
fn folder_grants(tenant: &Tenant, resolved: &ResolvedIntegration) -> Vec<Vec<Granted>> {
    let integration = &resolved.integration;
    let mut grants: Vec<Vec<Granted>> = Vec::new();
    grants.resize_with(resolved.folders.len(), Vec::new);
    if let Some(root) = grants.first_mut() {
        let own = integration.permissions.iter();
        root.extend(own.filter_map(|grantee| Some(Granted::Integration(grantee.parse().ok()?))));
    }
    let indices = indices(&resolved.mirrored_folders());
    let paths = Folders::of(&integration.mirror);
    for permission in tenant.folder_permissions.values() {
        if permission.integration_id == integration.id
            && let Some((id, _)) = paths.find(&permission.folder)
            && let Some(&folder) = indices.get(id)
        {
            grants[folder].push(Granted::Folder {
                permission: Arc::clone(permission),
                folder,
            });
        }
    }
    grants
}

/// Puts the permissions for connections on those.
fn connection_grants(tenant: &Tenant, inheritance: &Inheritance) -> Vec<Vec<Granted>> {
    let mut grants: Vec<Vec<Granted>> = Vec::new();
    grants.resize_with(inheritance.connections.len(), Vec::new);
    if tenant.connection_permissions.is_empty() {
        return grants;
    }
    for resolved in &inheritance.integrations {
        let accounts = resolved.mirrored_connections();
        for permission in tenant.connection_permissions.values() {
            if permission.integration_id == resolved.integration.id
                && let Ok(position) =
                    accounts.binary_search_by_key(&permission.account_id.as_str(), |(id, _)| id)
            {
                grants[resolved.connections[position]]
                    .push(Granted::Connection(Arc::clone(permission)));
            }
        }
    }
    grants
}

/// The index of each folder, by its ID.
fn indices<'t>(folders: &[(&'t str, &'t Folder)]) -> HashMap<&'t str, usize> {
    let folders = folders.iter().enumerate();
    folders.map(|(index, (id, _))| (*id, index)).collect()
}

/// IDs of folders, parents before children, each with its position in the mirror and its parent's index. What hangs under
/// nothing or in a circle, which no catalog holds that was not edited by hand, is left out.
fn parents_first(mirror: &Mirror) -> Vec<(usize, &str, Option<usize>)> {
    let mut children: HashMap<Option<&str>, Vec<(usize, &str)>> = HashMap::new();
    for (position, (id, folder)) in mirror.folders.iter().enumerate() {
        let siblings = children.entry(folder.parent_id.as_deref()).or_default();
        siblings.push((position, id));
    }
    let mut ordered = Vec::with_capacity(mirror.folders.len());
    let roots = children.remove(&None).unwrap_or_default();
    ordered.extend(roots.into_iter().map(|(position, id)| (position, id, None)));
    let mut next = 0;
    while let Some(&(_, id, _)) = ordered.get(next) {
        let below = children.remove(&Some(id)).unwrap_or_default();
        ordered.extend(
            below
                .into_iter()
                .map(|(position, id)| (position, id, Some(next))),
        );
        next += 1;
    }
    ordered
}
