//! A tenant with all inheritance worked out once, to ask about many workspaces.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::inherited::Inherited;
use super::{EffectiveConnection, Grant, GrantSource, View, ViewFolder, names};
use crate::model::active_overrides::ActiveOverrides;
use crate::model::folder_ref::Folders;
use crate::model::handle_assignment::effective_handle;
use crate::model::mirror::{Connection, Folder, Mirror, role_arn};
use crate::model::objects::{
    ConnectionOverride, ConnectionPermission, FolderPermission, Integration, Workspace,
};
use crate::model::partition;
use crate::model::tenant::Tenant;

/// A tenant with all inheritance worked out, to ask about many workspaces.
#[derive(Debug)]
pub struct Resolved<'t> {
    tenant: &'t Tenant,
    integrations: Vec<ResolvedIntegration<'t>>,
    /// By handle.
    connections: Vec<ResolvedConnection<'t>>,
}

#[derive(Debug)]
struct ResolvedIntegration<'t> {
    integration: &'t Integration,
    /// Parents before children.
    folders: Vec<ResolvedFolder<'t>>,
}

#[derive(Debug)]
struct ResolvedFolder<'t> {
    id: &'t str,
    folder: &'t Folder,
    handle: Option<&'t str>,
    /// Its index; none for the root.
    parent: Option<usize>,
    lineage: Arc<[(&'t str, &'t Folder)]>,
    /// On the folder itself.
    grants: Vec<Grant<'t>>,
    inherited: Inherited<'t>,
}

#[derive(Debug)]
struct ResolvedConnection<'t> {
    /// Without grants.
    effective: EffectiveConnection<'t>,
    is_publishable: bool,
    integration: usize,
    /// None: it hangs under nothing, which no catalog does that was not edited by hand.
    folder: Option<usize>,
    /// On the connection itself.
    grants: Vec<Grant<'t>>,
}

/// A folder of a [`Resolved`] tenant: its integration's index, and its own.
pub(in crate::model) type FolderIndex = (usize, usize);

/// Which connections are published for a workspace.
#[derive(Debug)]
pub(in crate::model) struct Published {
    /// By index.
    pub(in crate::model) connections: Vec<bool>,
}

/// Whose grants count.
#[derive(Clone, Copy)]
enum Audience<'a> {
    Anybody,
    Workspace(&'a Workspace),
}

impl Audience<'_> {
    fn hears(self, grant: &Grant<'_>, integration: &Integration) -> bool {
        match self {
            Audience::Anybody => true,
            Audience::Workspace(workspace) => grant.grantee.covers(
                &workspace.organization,
                &workspace.handle,
                integration.organization.as_deref(),
            ),
        }
    }
}

/// What an audience is granted, and which folders it takes.
struct Reachable<'r, 't> {
    audience: Audience<'r>,
    /// By integration and folder: the grants that count, from the root down.
    grants: Vec<Vec<Rc<[&'r Grant<'t>]>>>,
    /// None: all is taken.
    attached: Option<Attached<'r>>,
}

/// What a workspace takes.
struct Attached<'r> {
    /// As it says.
    attach: &'r BTreeSet<String>,
    /// By integration and folder, whether it or an ancestor is attached.
    folders: Vec<Vec<bool>>,
}

impl<'t> Resolved<'t> {
    /// Works out all inheritance of a tenant.
    pub fn of(tenant: &'t Tenant) -> Self {
        let mut integrations = Vec::with_capacity(tenant.integrations.len());
        let mut connections = Vec::new();
        for (index, integration) in tenant.each::<Integration>().enumerate() {
            let overrides = ActiveOverrides::of(tenant, integration);
            let resolved = ResolvedIntegration::of(tenant, integration, &overrides);
            resolved.connections(tenant, index, &overrides, &mut connections);
            integrations.push(resolved);
        }
        connections.sort_by_key(|connection| connection.effective.handle);
        Self {
            tenant,
            integrations,
            connections,
        }
    }

    /// Every connection of the tenant, by handle, with all its grants.
    pub fn connections(&self) -> Vec<EffectiveConnection<'t>> {
        let reachable = self.reachable(Audience::Anybody, None);
        let connections = self.connections.iter();
        connections
            .map(|connection| EffectiveConnection {
                granted_by: self.grants(&reachable, connection).cloned().collect(),
                ..connection.effective.clone()
            })
            .collect()
    }

    /// Every connection that is visible to a workspace, by handle, with the grants that make it so; attached or not,
    /// publishable or not.
    pub fn visible(&self, workspace: &Workspace) -> Vec<EffectiveConnection<'t>> {
        let reachable = self.reachable(Audience::Workspace(workspace), None);
        let connections = self.connections.iter();
        connections
            .filter_map(|connection| self.granted(&reachable, connection))
            .collect()
    }

    /// What is published for a workspace: what is visible, attached, active and enabled.
    pub fn view(&self, workspace: &'t Workspace) -> View<'t> {
        let reachable = self.reachable(Audience::Workspace(workspace), workspace.attach.as_ref());
        let mut connections = Vec::new();
        let integrations = self.integrations.iter();
        let mut handles: Vec<Vec<Vec<&str>>> = integrations
            .map(|resolved| vec![Vec::new(); resolved.folders.len()])
            .collect();
        for connection in &self.connections {
            if !connection.is_publishable || !self.is_attached(&reachable, connection) {
                continue;
            }
            let Some(effective) = self.granted(&reachable, connection) else {
                continue;
            };
            for folder in self.ancestors(connection) {
                handles[connection.integration][folder].push(effective.handle);
            }
            connections.push(effective);
        }
        let mut folders = Vec::new();
        for (resolved, handles) in self.integrations.iter().zip(handles) {
            for (folder, connections) in resolved.folders.iter().zip(handles) {
                if let Some(handle) = folder.handle
                    && !connections.is_empty()
                {
                    folders.push(ViewFolder {
                        integration: resolved.integration,
                        id: folder.id,
                        folder: folder.folder,
                        handle,
                        connections,
                    });
                }
            }
        }
        folders.sort_by_key(|folder| folder.handle);
        View {
            tenant: &self.tenant.handle,
            workspace,
            connections,
            folders,
        }
    }

    /// The connections in a view, without anything about them.
    pub(in crate::model) fn published(&self, workspace: &Workspace) -> Published {
        let reachable = self.reachable(Audience::Workspace(workspace), workspace.attach.as_ref());
        let connections = self.connections.iter();
        let connections = connections.map(|connection| {
            connection.is_publishable
                && self.is_attached(&reachable, connection)
                && self.grants(&reachable, connection).next().is_some()
        });
        Published {
            connections: connections.collect(),
        }
    }

    /// The folders in a view.
    pub(in crate::model) fn holding(&self, published: &Published) -> BTreeSet<FolderIndex> {
        let connections = self.connections.iter().zip(&published.connections);
        connections
            .filter(|(_, is_published)| **is_published)
            .flat_map(|(connection, _)| {
                let ancestors = self.ancestors(connection);
                ancestors.map(|folder| (connection.integration, folder))
            })
            .collect()
    }

    /// Every connection by index, without its grants.
    pub(in crate::model) fn each_connection(
        &self,
    ) -> impl ExactSizeIterator<Item = &EffectiveConnection<'t>> {
        let connections = self.connections.iter();
        connections.map(|connection| &connection.effective)
    }

    /// Every folder that has a handle: its index, its integration's ID, its own, and the handle.
    pub(in crate::model) fn each_folder(
        &self,
    ) -> impl Iterator<Item = (FolderIndex, &'t str, &'t str, &'t str)> {
        let integrations = self.integrations.iter().enumerate();
        integrations.flat_map(|(at, resolved)| {
            let integration_id = resolved.integration.id.as_str();
            let folders = resolved.folders.iter().enumerate();
            folders.filter_map(move |(index, folder)| {
                Some(((at, index), integration_id, folder.id, folder.handle?))
            })
        })
    }

    fn reachable<'r>(
        &'r self,
        audience: Audience<'r>,
        attach: Option<&'r BTreeSet<String>>,
    ) -> Reachable<'r, 't> {
        let integrations = self.integrations.iter();
        Reachable {
            audience,
            grants: integrations
                .clone()
                .map(|resolved| resolved.folder_grants(audience))
                .collect(),
            attached: attach.map(|attach| Attached {
                attach,
                folders: integrations
                    .map(|resolved| resolved.attached(attach))
                    .collect(),
            }),
        }
    }

    fn is_attached(
        &self,
        reachable: &Reachable<'_, 't>,
        connection: &ResolvedConnection<'t>,
    ) -> bool {
        let Some(attached) = &reachable.attached else {
            return true;
        };
        let folders = &attached.folders[connection.integration];
        connection.folder.is_some_and(|folder| folders[folder])
            || attached.attach.contains(connection.effective.account_id)
    }

    /// The grants that count for a connection.
    fn grants<'r>(
        &self,
        reachable: &'r Reachable<'r, 't>,
        connection: &'r ResolvedConnection<'t>,
    ) -> impl Iterator<Item = &'r Grant<'t>> {
        let folders = &reachable.grants[connection.integration];
        let inherited = connection.folder.map(|folder| folders[folder].iter());
        let inherited = inherited.into_iter().flatten().copied();
        let inherited = inherited.filter(move |grant| match grant.source {
            GrantSource::Folder { permission, .. } => {
                permission.matches(connection.effective.tags())
            }
            GrantSource::Integration(_) | GrantSource::Connection(_) => true,
        });
        let own = connection.grants.iter().filter(move |grant| {
            let integration = connection.effective.integration;
            reachable.audience.hears(grant, integration)
        });
        inherited.chain(own)
    }

    /// The connection with the grants that count; none where there is none.
    fn granted(
        &self,
        reachable: &Reachable<'_, 't>,
        connection: &ResolvedConnection<'t>,
    ) -> Option<EffectiveConnection<'t>> {
        let granted_by: Vec<_> = self.grants(reachable, connection).cloned().collect();
        (!granted_by.is_empty()).then(|| EffectiveConnection {
            granted_by,
            ..connection.effective.clone()
        })
    }

    /// Indices of the folders a connection is in, from its own up to the root.
    fn ancestors(&self, connection: &ResolvedConnection<'t>) -> impl Iterator<Item = usize> {
        let folders = &self.integrations[connection.integration].folders;
        std::iter::successors(connection.folder, |folder| folders[*folder].parent)
    }
}

impl<'t> ResolvedIntegration<'t> {
    fn of(
        tenant: &'t Tenant,
        integration: &'t Integration,
        overrides: &ActiveOverrides<'t>,
    ) -> Self {
        let mirror = &integration.mirror;
        let ordered = parents_first(mirror);
        let mut folders: Vec<ResolvedFolder<'t>> = Vec::with_capacity(ordered.len());
        for (id, folder, parent) in ordered {
            let above = parent.map(|parent| &folders[parent]);
            let inherited =
                above.map_or_else(|| Inherited::of(integration), |above| above.inherited);
            let inherited = match overrides.folders.get(id) {
                Some(overriding) => inherited.with_folder(overriding),
                None => inherited,
            };
            let lineage = above.into_iter().flat_map(|above| above.lineage.iter());
            let lineage = lineage.copied().chain([(id, folder)]).collect();
            folders.push(ResolvedFolder {
                id,
                folder,
                handle: effective_handle(integration, id),
                parent,
                lineage,
                grants: Vec::new(),
                inherited,
            });
        }
        if let Some(root) = folders.first_mut() {
            let own = integration.permissions.iter();
            root.grants.extend(own.filter_map(|grantee| {
                Some(Grant {
                    source: GrantSource::Integration(integration),
                    grantee: Cow::Owned(grantee.parse().ok()?),
                })
            }));
        }
        let mut resolved = Self {
            integration,
            folders,
        };
        resolved.take_grants(tenant);
        resolved
    }

    /// Puts the permissions for folders on the folders that they mean.
    fn take_grants(&mut self, tenant: &'t Tenant) {
        let indices = self.indices();
        let paths = Folders::of(&self.integration.mirror);
        for permission in tenant.each::<FolderPermission>() {
            if permission.integration_id != self.integration.id {
                continue;
            }
            let Some((folder_id, folder)) = paths.find(&permission.folder) else {
                continue;
            };
            let Some(&index) = indices.get(folder_id) else {
                continue;
            };
            self.folders[index].grants.push(Grant {
                source: GrantSource::Folder {
                    permission,
                    folder_id,
                    folder,
                },
                grantee: Cow::Borrowed(&permission.grantee),
            });
        }
    }

    fn indices(&self) -> HashMap<&'t str, usize> {
        let folders = self.folders.iter().enumerate();
        folders.map(|(index, folder)| (folder.id, index)).collect()
    }

    /// Adds all connections, in no order.
    fn connections(
        &self,
        tenant: &'t Tenant,
        index: usize,
        overrides: &ActiveOverrides<'t>,
        connections: &mut Vec<ResolvedConnection<'t>>,
    ) {
        let mut grants: HashMap<&str, Vec<Grant<'t>>> = HashMap::new();
        for permission in tenant.each::<ConnectionPermission>() {
            if permission.integration_id == self.integration.id {
                let grants = grants.entry(&permission.account_id).or_default();
                grants.push(Grant {
                    source: GrantSource::Connection(permission),
                    grantee: Cow::Borrowed(&permission.grantee),
                });
            }
        }
        let indices = self.indices();
        let nowhere: Arc<[_]> = Arc::default();
        let mirrored = &self.integration.mirror.connections;
        connections.extend(mirrored.iter().filter_map(|(account_id, connection)| {
            let folder = indices.get(connection.folder_id.as_str()).copied();
            let resolved = folder.map(|folder| &self.folders[folder]);
            let overriding = overrides.connections.get(account_id.as_str()).copied();
            let inherited = resolved.map_or_else(
                || Inherited::of(self.integration),
                |resolved| resolved.inherited,
            );
            let lineage = resolved.map_or(&nowhere, |resolved| &resolved.lineage);
            let place = (account_id.as_str(), connection);
            let effective = self.effective(place, inherited, overriding, lineage)?;
            Some(ResolvedConnection {
                is_publishable: effective.is_publishable(),
                effective,
                integration: index,
                folder,
                grants: grants.remove(account_id.as_str()).unwrap_or_default(),
            })
        }));
    }

    /// None for a connection that its integration does not have.
    fn effective(
        &self,
        (account_id, connection): (&'t str, &'t Connection),
        inherited: Inherited<'t>,
        overriding: Option<&'t ConnectionOverride>,
        lineage: &Arc<[(&'t str, &'t Folder)]>,
    ) -> Option<EffectiveConnection<'t>> {
        let integration = self.integration;
        let Inherited {
            role_name,
            external_id,
            regions,
            default_region,
            max_error_retry_attempts,
            min_error_retry_delay,
            ignore_error_codes,
            enabled,
        } = match overriding {
            Some(overriding) => inherited.with(&overriding.settings),
            None => inherited,
        };
        let own_arn = overriding.and_then(|overriding| overriding.role_arn.as_deref());
        let role_arn = match (own_arn, role_name) {
            (Some(arn), _) => Cow::Borrowed(arn),
            (None, Some(role_name)) => {
                let partition = connection.partition();
                let partition = partition.unwrap_or_else(|| partition::of_region(default_region));
                Cow::Owned(role_arn(partition, account_id, role_name))
            }
            (None, None) => Cow::Borrowed(connection.derived_role_arn.as_str()),
        };
        Some(EffectiveConnection {
            integration,
            account_id,
            connection,
            handle: effective_handle(integration, account_id)?,
            role_arn,
            external_id,
            regions,
            default_region,
            max_error_retry_attempts,
            min_error_retry_delay,
            ignore_error_codes,
            enabled,
            ancestors: Arc::clone(lineage),
            granted_by: Vec::new(),
        })
    }

    /// For each folder, the grants on it and its ancestors that count, from the root down.
    fn folder_grants<'r>(&'r self, audience: Audience<'_>) -> Vec<Rc<[&'r Grant<'t>]>> {
        let mut granted: Vec<Rc<[&'r Grant<'t>]>> = Vec::with_capacity(self.folders.len());
        let nothing: Rc<[&'r Grant<'t>]> = Rc::default();
        for folder in &self.folders {
            let above = folder.parent.map_or(&nothing, |parent| &granted[parent]);
            let own = folder.grants.iter();
            let own: Vec<_> = own
                .filter(|grant| audience.hears(grant, self.integration))
                .collect();
            let all = match own.is_empty() {
                true => Rc::clone(above),
                false => above.iter().copied().chain(own).collect(),
            };
            granted.push(all);
        }
        granted
    }

    /// For each folder, whether it or an ancestor is attached.
    fn attached(&self, attach: &BTreeSet<String>) -> Vec<bool> {
        let mut attached: Vec<bool> = Vec::with_capacity(self.folders.len());
        for folder in &self.folders {
            let is_above = folder.parent.is_some_and(|parent| attached[parent]);
            attached.push(is_above || names(attach, folder.id, folder.folder));
        }
        attached
    }
}

/// Folders with their IDs, parents before children, each with its parent's position. What hangs under nothing or in a
/// circle, which no catalog holds that was not edited by hand, is left out.
fn parents_first(mirror: &Mirror) -> Vec<(&str, &Folder, Option<usize>)> {
    let mut children: HashMap<Option<&str>, Vec<(&str, &Folder)>> = HashMap::new();
    for (id, folder) in &mirror.folders {
        let siblings = children.entry(folder.parent_id.as_deref()).or_default();
        siblings.push((id, folder));
    }
    let mut ordered = Vec::with_capacity(mirror.folders.len());
    let roots = children.remove(&None).unwrap_or_default();
    ordered.extend(roots.into_iter().map(|(id, folder)| (id, folder, None)));
    let mut next = 0;
    while let Some(&(id, _, _)) = ordered.get(next) {
        let below = children.remove(&Some(id)).unwrap_or_default();
        ordered.extend(
            below
                .into_iter()
                .map(|(id, folder)| (id, folder, Some(next))),
        );
        next += 1;
    }
    ordered
}
