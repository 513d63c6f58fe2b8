//! A resolved tenant, read: what is visible and published, and to whom.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::resolved::{Granted, Resolved, ResolvedConnection, ResolvedIntegration};
use super::{EffectiveConnection, Grant, GrantSource, View, ViewFolder, names};
use crate::model::mirror::{Connection, Folder};
use crate::model::objects::{Integration, Workspace};

/// A resolved tenant, with lists of what its mirrors hold. Making one lists all folders and connections, so one reader
/// answers all questions about a tenant that are asked together.
#[derive(Debug)]
pub(in crate::model) struct Reader<'t> {
    resolved: &'t Resolved,
    integrations: Vec<Mirrored<'t>>,
}

/// What the mirror of an integration holds.
#[derive(Debug)]
struct Mirrored<'t> {
    /// By index.
    folders: Vec<(&'t str, &'t Folder)>,
    /// By position.
    connections: Vec<(&'t str, &'t Connection)>,
    /// By the folder's index: itself and its ancestors, from the root down.
    lineages: Vec<Arc<[(&'t str, &'t Folder)]>>,
    /// That of a connection that hangs under nothing.
    no_lineage: Arc<[(&'t str, &'t Folder)]>,
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
    fn hears(self, granted: &Granted, integration: &Integration) -> bool {
        match self {
            Audience::Anybody => true,
            Audience::Workspace(workspace) => granted.grantee().covers(
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
    grants: Vec<Vec<Rc<[&'t Granted]>>>,
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

impl Resolved {
    /// Every connection of the tenant, by handle, with all its grants.
    pub fn connections(&self) -> Vec<EffectiveConnection<'_>> {
        Reader::of(self).connections()
    }

    /// Every connection that is visible to a workspace, by handle, with the grants that make it so; attached or not,
    /// publishable or not.
    pub fn visible(&self, workspace: &Workspace) -> Vec<EffectiveConnection<'_>> {
        Reader::of(self).visible(workspace)
    }

    /// What is published for a workspace: what is visible, attached, active and enabled.
    pub fn view<'t>(&'t self, workspace: &'t Workspace) -> View<'t> {
        Reader::of(self).view(workspace)
    }
}

impl<'t> Reader<'t> {
    pub(in crate::model) fn of(resolved: &'t Resolved) -> Self {
        let integrations = resolved.inheritance.integrations.iter();
        Self {
            resolved,
            integrations: integrations.map(Mirrored::of).collect(),
        }
    }

    pub(super) fn connections(&self) -> Vec<EffectiveConnection<'t>> {
        let reachable = self.reachable(Audience::Anybody, None);
        self.indices()
            .map(|index| EffectiveConnection {
                granted_by: self.granted_by(&reachable, index),
                ..self.connection(index)
            })
            .collect()
    }

    pub(super) fn visible(&self, workspace: &Workspace) -> Vec<EffectiveConnection<'t>> {
        let reachable = self.reachable(Audience::Workspace(workspace), None);
        self.indices()
            .filter_map(|index| self.granted(&reachable, index))
            .collect()
    }

    pub(super) fn view(&self, workspace: &'t Workspace) -> View<'t> {
        let reachable = self.reachable(Audience::Workspace(workspace), workspace.attach.as_ref());
        let mut connections = Vec::new();
        let integrations = &self.resolved.inheritance.integrations;
        let mut handles: Vec<Vec<Vec<&str>>> = integrations
            .iter()
            .map(|resolved| vec![Vec::new(); resolved.folders.len()])
            .collect();
        for (index, connection) in self.each().enumerate() {
            if !connection.is_publishable || !self.is_attached(&reachable, connection) {
                continue;
            }
            let Some(effective) = self.granted(&reachable, index) else {
                continue;
            };
            for folder in self.ancestors(connection) {
                handles[connection.integration][folder].push(effective.handle);
            }
            connections.push(effective);
        }
        let mut folders = Vec::new();
        for (at, (resolved, handles)) in integrations.iter().zip(handles).enumerate() {
            for (index, connections) in handles.into_iter().enumerate() {
                if let Some(handle) = &resolved.folders[index].handle
                    && !connections.is_empty()
                {
                    let (id, folder) = self.integrations[at].folders[index];
                    folders.push(ViewFolder {
                        integration: &resolved.integration,
                        id,
                        folder,
                        handle,
                        connections,
                    });
                }
            }
        }
        folders.sort_by_key(|folder| folder.handle);
        View {
            tenant: &self.resolved.tenant,
            workspace,
            connections,
            folders,
        }
    }

    /// The connections in a view, without anything about them.
    pub(in crate::model) fn published(&self, workspace: &Workspace) -> Published {
        let reachable = self.reachable(Audience::Workspace(workspace), workspace.attach.as_ref());
        let connections = self.each().enumerate().map(|(index, connection)| {
            connection.is_publishable
                && self.is_attached(&reachable, connection)
                && self.grants(&reachable, index).next().is_some()
        });
        Published {
            connections: connections.collect(),
        }
    }

    /// The folders in a view.
    pub(in crate::model) fn holding(&self, published: &Published) -> BTreeSet<FolderIndex> {
        let connections = self.each().zip(&published.connections);
        connections
            .filter(|(_, is_published)| **is_published)
            .flat_map(|(connection, _)| {
                let ancestors = self.ancestors(connection);
                ancestors.map(|folder| (connection.integration, folder))
            })
            .collect()
    }

    /// Whether the two tenants have the same connections, with the same indices, handles and settings, and the same
    /// folders.
    pub(in crate::model) fn shares_inheritance(&self, other: &Reader<'_>) -> bool {
        Arc::ptr_eq(&self.resolved.inheritance, &other.resolved.inheritance)
    }

    /// The indices of all connections.
    pub(in crate::model) fn indices(&self) -> std::ops::Range<usize> {
        0..self.resolved.inheritance.connections.len()
    }

    /// What a connection is, whatever its handle: its integration's ID and its own.
    pub(in crate::model) fn place(&self, index: usize) -> (&'t str, &'t str) {
        let connection = &self.resolved.inheritance.connections[index];
        let (account_id, _) = self.mirrored(connection);
        (&self.integration(connection).id, account_id)
    }

    /// The handle under which a connection is published.
    pub(in crate::model) fn handle(&self, index: usize) -> &'t str {
        let connection = &self.resolved.inheritance.connections[index];
        match &connection.handle {
            Some(handle) => handle,
            None => &self.mirrored(connection).1.derived_handle,
        }
    }

    /// A connection without its grants.
    pub(in crate::model) fn connection(&self, index: usize) -> EffectiveConnection<'t> {
        let resolved = &self.resolved.inheritance.connections[index];
        let (account_id, connection) = self.mirrored(resolved);
        let Mirrored {
            lineages,
            no_lineage,
            ..
        } = &self.integrations[resolved.integration];
        EffectiveConnection {
            integration: self.integration(resolved),
            account_id,
            connection,
            handle: self.handle(index),
            role_arn: match &resolved.role_arn {
                Some(arn) => arn,
                None => &connection.derived_role_arn,
            },
            settings: &resolved.settings,
            ancestors: Arc::clone(
                resolved
                    .folder
                    .map_or(no_lineage, |folder| &lineages[folder]),
            ),
            granted_by: Vec::new(),
        }
    }

    /// Every folder that has a handle: its index, its integration's ID, its own, and the handle.
    pub(in crate::model) fn each_folder(
        &self,
    ) -> impl Iterator<Item = (FolderIndex, &'t str, &'t str, &'t str)> {
        let integrations = self.resolved.inheritance.integrations.iter();
        let integrations = integrations.zip(&self.integrations).enumerate();
        integrations.flat_map(|(at, (resolved, mirrored))| {
            let integration_id = resolved.integration.id.as_str();
            let folders = resolved.folders.iter().zip(&mirrored.folders).enumerate();
            folders.filter_map(move |(index, (folder, (id, _)))| {
                Some(((at, index), integration_id, *id, folder.handle.as_deref()?))
            })
        })
    }

    fn each(&self) -> impl ExactSizeIterator<Item = &'t ResolvedConnection> {
        self.resolved.inheritance.connections.iter()
    }

    fn integration(&self, connection: &ResolvedConnection) -> &'t Integration {
        &self.resolved.inheritance.integrations[connection.integration].integration
    }

    fn mirrored(&self, connection: &ResolvedConnection) -> (&'t str, &'t Connection) {
        self.integrations[connection.integration].connections[connection.position]
    }

    fn reachable<'r>(
        &self,
        audience: Audience<'r>,
        attach: Option<&'r BTreeSet<String>>,
    ) -> Reachable<'r, 't> {
        let integrations = self.resolved.inheritance.integrations.iter();
        let grants = integrations.clone().zip(&self.resolved.grants.folders);
        Reachable {
            audience,
            grants: grants
                .map(|(resolved, grants)| folder_grants(resolved, grants, audience))
                .collect(),
            attached: attach.map(|attach| Attached {
                attach,
                folders: integrations
                    .zip(&self.integrations)
                    .map(|(resolved, mirrored)| mirrored.attached(resolved, attach))
                    .collect(),
            }),
        }
    }

    fn is_attached(&self, reachable: &Reachable<'_, 't>, connection: &ResolvedConnection) -> bool {
        let Some(attached) = &reachable.attached else {
            return true;
        };
        let folders = &attached.folders[connection.integration];
        connection.folder.is_some_and(|folder| folders[folder])
            || attached.attach.contains(self.mirrored(connection).0)
    }

    /// The grants that count for a connection.
    fn grants<'r>(
        &'r self,
        reachable: &'r Reachable<'r, 't>,
        index: usize,
    ) -> impl Iterator<Item = &'t Granted> {
        let connection = &self.resolved.inheritance.connections[index];
        let folders = &reachable.grants[connection.integration];
        let inherited = connection.folder.map(|folder| folders[folder].iter());
        let inherited = inherited.into_iter().flatten().copied();
        let inherited = inherited.filter(move |granted| match granted {
            Granted::Folder { permission, .. } => {
                permission.matches(self.mirrored(connection).1.tags.as_ref())
            }
            Granted::Integration(_) | Granted::Connection(_) => true,
        });
        let own = self.resolved.grants.connections[index].iter();
        let own = own.filter(move |granted| {
            let integration = self.integration(connection);
            reachable.audience.hears(granted, integration)
        });
        inherited.chain(own)
    }

    fn granted_by(&self, reachable: &Reachable<'_, 't>, index: usize) -> Vec<Grant<'t>> {
        let at = self.resolved.inheritance.connections[index].integration;
        let grants = self.grants(reachable, index);
        grants.map(|granted| self.grant(at, granted)).collect()
    }

    /// A grant in an integration.
    fn grant(&self, at: usize, granted: &'t Granted) -> Grant<'t> {
        let source = match granted {
            Granted::Integration(_) => {
                GrantSource::Integration(&self.resolved.inheritance.integrations[at].integration)
            }
            Granted::Folder { permission, folder } => {
                let (folder_id, folder) = self.integrations[at].folders[*folder];
                GrantSource::Folder {
                    permission,
                    folder_id,
                    folder,
                }
            }
            Granted::Connection(permission) => GrantSource::Connection(permission),
        };
        Grant {
            source,
            grantee: granted.grantee(),
        }
    }

    /// The connection with the grants that count; none where there is none.
    fn granted(
        &self,
        reachable: &Reachable<'_, 't>,
        index: usize,
    ) -> Option<EffectiveConnection<'t>> {
        let granted_by = self.granted_by(reachable, index);
        (!granted_by.is_empty()).then(|| EffectiveConnection {
            granted_by,
            ..self.connection(index)
        })
    }

    /// Indices of the folders a connection is in, from its own up to the root.
    fn ancestors(&self, connection: &ResolvedConnection) -> impl Iterator<Item = usize> {
        let folders = &self.resolved.inheritance.integrations[connection.integration].folders;
        std::iter::successors(connection.folder, |folder| folders[*folder].parent)
    }
}

impl<'t> Mirrored<'t> {
    fn of(resolved: &'t ResolvedIntegration) -> Self {
        let folders = resolved.mirrored_folders();
        let mut lineages: Vec<Arc<[(&'t str, &'t Folder)]>> = Vec::with_capacity(folders.len());
        for (folder, place) in resolved.folders.iter().zip(&folders) {
            let above = folder.parent.map(|parent| &lineages[parent]);
            let above = above.into_iter().flat_map(|above| above.iter());
            let lineage = above.chain([place]).copied().collect();
            lineages.push(lineage);
        }
        Self {
            folders,
            connections: resolved.mirrored_connections(),
            lineages,
            no_lineage: Arc::default(),
        }
    }

    /// For each folder, whether it or an ancestor is attached.
    fn attached(&self, resolved: &ResolvedIntegration, attach: &BTreeSet<String>) -> Vec<bool> {
        let mut attached: Vec<bool> = Vec::with_capacity(self.folders.len());
        for (folder, (id, mirrored)) in resolved.folders.iter().zip(&self.folders) {
            let is_above = folder.parent.is_some_and(|parent| attached[parent]);
            attached.push(is_above || names(attach, id, mirrored));
        }
        attached
    }
}

/// For each folder, the grants on it and its ancestors that count, from the root down.
fn folder_grants<'t>(
    resolved: &ResolvedIntegration,
    grants: &'t [Vec<Granted>],
    audience: Audience<'_>,
) -> Vec<Rc<[&'t Granted]>> {
    let mut granted: Vec<Rc<[&'t Granted]>> = Vec::with_capacity(grants.len());
    let nothing: Rc<[&'t Granted]> = Rc::default();
    for (folder, own) in resolved.folders.iter().zip(grants) {
        let above = folder.parent.map_or(&nothing, |parent| &granted[parent]);
        let own: Vec<_> = own
            .iter()
            .filter(|granted| audience.hears(granted, &resolved.integration))
            .collect();
        let all = match own.is_empty() {
            true => Rc::clone(above),
            false => above.iter().copied().chain(own).collect(),
        };
        granted.push(all);
    }
    granted
}
