//! What a tenant takes in: whether an object fits what is there.

use thiserror::Error;

use super::effective::{Bearer, holder};
use super::folder_ref::FolderRef;
use super::grantee::{Grantee, GranteeError};
use super::integration::Integration;
use super::mirror::Mirror;
use super::near::near;
use super::overriding::{ConnectionOverride, FolderOverride};
use super::permission::{ConnectionPermission, FolderPermission};
use super::tenant::{Held, Tenant};
use super::workspace::Workspace;

/// Why an object does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The integration it belongs to is not there.
    #[error("there is no integration {0:?}")]
    NoIntegration(String),
    /// The folder it is for is not there.
    #[error("the integration {integration:?} has no folder {:?}{}", .folder.as_str(), nearby(.near))]
    NoFolder {
        /// Handle of the integration.
        integration: String,
        /// The folder.
        folder: FolderRef,
        /// What may have been meant.
        near: Vec<String>,
    },
    /// The account it is for is not there.
    #[error("the integration {integration:?} has no account {account_id:?}{}", nearby(.near))]
    NoAccount {
        /// Handle of the integration.
        integration: String,
        /// The account.
        account_id: String,
        /// What may have been meant.
        near: Vec<String>,
    },
    /// The integration cannot be shared with this grantee.
    #[error(transparent)]
    OutOfScope(#[from] GranteeError),
    /// The handle is another's.
    #[error("the handle {handle:?} is taken by {holder}")]
    HandleTaken {
        /// The handle.
        handle: String,
        /// Who has it.
        holder: Bearer,
    },
    /// The folder or connection has an override already.
    #[error("{object} of the integration {integration:?} has an override already")]
    Overridden {
        /// Such as `the folder /Workloads`.
        object: String,
        /// Handle of the integration.
        integration: String,
        /// The import ID of the other override.
        import_id: String,
    },
    /// The integration's handle is another integration's.
    #[error("the handle {handle:?} is taken by the integration {holder}")]
    IntegrationHandleTaken {
        /// The handle.
        handle: String,
        /// ID of the other integration.
        holder: String,
    },
    /// There is such a workspace already.
    #[error("the workspace {0:?} is there already")]
    WorkspaceExists(String),
}

fn nearby(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}

/// What a tenant can refuse to take in.
pub trait Admitted: Held {
    /// Whether it fits; `before` is the object as it is now, none when it is new. A folder or account that is not there
    /// is no fault of an object that was for it before: it is dormant.
    ///
    /// # Errors
    /// Why it does not fit.
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Refusal>;
}

impl Admitted for Integration {
    fn admit(&self, _before: Option<&Self>, tenant: &Tenant) -> Result<(), Refusal> {
        match tenant.integration_by_handle(&self.handle) {
            Some(holder) if holder.id != self.id => Err(Refusal::IntegrationHandleTaken {
                handle: self.handle.clone(),
                holder: holder.id.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl Admitted for FolderPermission {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Refusal> {
        let integration = integration(tenant, &self.integration_id)?;
        check_scope(&self.grantee, integration)?;
        if before.is_none_or(|before| before.folder != self.folder) {
            folder_id(integration, &self.folder)?;
        }
        Ok(())
    }
}

impl Admitted for ConnectionPermission {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Refusal> {
        let integration = integration(tenant, &self.integration_id)?;
        check_scope(&self.grantee, integration)?;
        if before.is_none_or(|before| before.account_id != self.account_id) {
            check_account(integration, &self.account_id)?;
        }
        Ok(())
    }
}

impl Admitted for FolderOverride {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Refusal> {
        let integration = integration(tenant, &self.integration_id)?;
        let is_new = before.is_none_or(|before| before.folder != self.folder);
        if is_new {
            let id = folder_id(integration, &self.folder)?;
            let other = tenant.each::<FolderOverride>().find(|other| {
                other.integration_id == self.integration_id
                    && other.id != self.id
                    && means(&other.folder, id, integration)
            });
            if let Some(other) = other {
                return Err(Refusal::Overridden {
                    object: format!("the folder {}", self.folder),
                    integration: integration.handle.clone(),
                    import_id: format!("{}:{}", integration.handle, other.folder),
                });
            }
        }
        let found = self.folder.find(&integration.mirror);
        let id = found.map_or(self.folder.as_str(), |(id, _)| id);
        check_handle(tenant, self.handle.as_deref(), (integration, id), &self.id)
    }
}

impl Admitted for ConnectionOverride {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Refusal> {
        let integration = integration(tenant, &self.integration_id)?;
        if before.is_none_or(|before| before.account_id != self.account_id) {
            check_account(integration, &self.account_id)?;
            let is_taken = tenant.each::<ConnectionOverride>().any(|other| {
                other.integration_id == self.integration_id
                    && other.account_id == self.account_id
                    && other.id != self.id
            });
            if is_taken {
                return Err(Refusal::Overridden {
                    object: format!("the account {}", self.account_id),
                    integration: integration.handle.clone(),
                    import_id: format!("{}:{}", integration.handle, self.account_id),
                });
            }
        }
        let place = (integration, self.account_id.as_str());
        check_handle(tenant, self.handle.as_deref(), place, &self.id)
    }
}

impl Admitted for Workspace {
    fn admit(&self, _before: Option<&Self>, tenant: &Tenant) -> Result<(), Refusal> {
        match tenant.workspace(&self.organization, &self.handle) {
            Some(other) if other.id != self.id => Err(Refusal::WorkspaceExists(other.to_string())),
            _ => Ok(()),
        }
    }
}

fn integration<'a>(tenant: &'a Tenant, id: &str) -> Result<&'a Integration, Refusal> {
    tenant
        .get::<Integration>(id)
        .ok_or_else(|| Refusal::NoIntegration(id.to_owned()))
}

fn check_scope(grantee: &Grantee, integration: &Integration) -> Result<(), Refusal> {
    Ok(grantee.check_scope(integration.organization.as_deref())?)
}

fn folder_id<'a>(integration: &'a Integration, folder: &'a FolderRef) -> Result<&'a str, Refusal> {
    if let Some((id, _)) = folder.find(&integration.mirror) {
        return Ok(id);
    }
    Err(Refusal::NoFolder {
        integration: integration.handle.clone(),
        folder: folder.clone(),
        near: near_folders(folder, &integration.mirror),
    })
}

/// Whether a reference means the folder with this ID.
fn means(folder: &FolderRef, id: &str, integration: &Integration) -> bool {
    let mirror = &integration.mirror;
    match folder {
        FolderRef::Id(other) => other == id,
        FolderRef::Path(path) => {
            let own = mirror.folders.get(id).and_then(|own| own.path.known());
            own == Some(path) && folder.find(mirror).is_some_and(|(other, _)| other == id)
        }
    }
}

fn near_folders(wanted: &FolderRef, mirror: &Mirror) -> Vec<String> {
    let folders = mirror.folders.iter();
    let folders =
        folders.filter_map(|(id, folder)| Some((id.as_str(), folder.path.known()?.as_str())));
    let found = near(wanted.as_str(), folders).into_iter();
    found
        .map(|near| match wanted {
            FolderRef::Id(_) => format!("{:?} ({})", near.id, near.path),
            FolderRef::Path(_) => format!("{:?}", near.path),
        })
        .collect()
}

fn check_account(integration: &Integration, account_id: &str) -> Result<(), Refusal> {
    let connections = &integration.mirror.connections;
    if connections.contains_key(account_id) {
        return Ok(());
    }
    let accounts = connections.iter();
    let accounts =
        accounts.filter_map(|(id, account)| Some((id.as_str(), account.name.known()?.as_str())));
    let near = near(account_id, accounts).into_iter();
    Err(Refusal::NoAccount {
        integration: integration.handle.clone(),
        account_id: account_id.to_owned(),
        near: near
            .map(|near| format!("{:?} ({:?})", near.id, near.path))
            .collect(),
    })
}

/// `place` is the object's, `id` the override's.
fn check_handle(
    tenant: &Tenant,
    handle: Option<&str>,
    (integration, object): (&Integration, &str),
    id: &str,
) -> Result<(), Refusal> {
    let Some(handle) = handle else {
        return Ok(());
    };
    match holder(tenant, handle, (&integration.id, object), id) {
        Some(holder) => Err(Refusal::HandleTaken {
            handle: handle.to_owned(),
            holder,
        }),
        None => Ok(()),
    }
}
