//! Admission: whether a tenant accepts an object.

use thiserror::Error;

use super::folder_ref::FolderRef;
use super::grantee::{Grantee, GranteeError};
use super::handle_assignment::{HandleHolder, find_holder};
use super::mirror::Mirror;
use super::objects::{
    ConnectionOverride, ConnectionPermission, FolderOverride, FolderPermission, Integration,
    Workspace,
};
use super::partition::Claim;
use super::suggestions::suggest;
use super::tenant::{Kind, Tenant};

/// Why a tenant rejects an object.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// Its integration does not exist.
    #[error("there is no integration {0:?}")]
    NoIntegration(String),
    /// Its folder does not exist.
    #[error("the integration {integration:?} has no folder {:?}{}", .folder.as_str(), did_you_mean(.suggestions))]
    NoFolder {
        /// Handle of the integration.
        integration: String,
        /// The folder.
        folder: FolderRef,
        /// What the user may have meant.
        suggestions: Vec<String>,
    },
    /// Its account does not exist.
    #[error("the integration {integration:?} has no account {account_id:?}{}", did_you_mean(.suggestions))]
    NoAccount {
        /// Handle of the integration.
        integration: String,
        /// The account.
        account_id: String,
        /// What the user may have meant.
        suggestions: Vec<String>,
    },
    /// The integration cannot be shared with this grantee.
    #[error(transparent)]
    OutOfScope(#[from] GranteeError),
    /// A setting of an override is in another partition than the accounts.
    #[error(
        "{value:?} in {attribute} is of the partition {found}, and the accounts of the integration {integration:?} are in the \
         partition {partition}"
    )]
    OtherPartition {
        /// The attribute.
        attribute: &'static str,
        /// The value in another partition.
        value: String,
        /// Its partition.
        found: String,
        /// Handle of the integration.
        integration: String,
        /// The integration's partition.
        partition: String,
    },
    /// Another folder or connection has the handle.
    #[error("the handle {handle:?} is taken by {holder}")]
    HandleTaken {
        /// The handle.
        handle: String,
        /// The holder of the handle.
        holder: Box<HandleHolder>,
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
    /// Another integration has the handle.
    #[error("the handle {handle:?} is taken by the integration {holder}")]
    IntegrationHandleTaken {
        /// The handle.
        handle: String,
        /// ID of the other integration.
        holder: String,
    },
    /// The workspace exists already.
    #[error("the workspace {0:?} is there already")]
    WorkspaceExists(String),
}

fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [] => String::new(),
        several => format!("; did you mean {}?", several.join(" or ")),
    }
}

/// A kind of object that a tenant can reject.
pub trait Admit: Kind {
    /// Checks an object; `before` is its current version, none for a new one. A missing folder or account is no error if the
    /// object was for it before: the object is dormant.
    ///
    /// # Errors
    /// Why the tenant rejects it.
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Rejection>;
}

impl Admit for Integration {
    fn admit(&self, _before: Option<&Self>, tenant: &Tenant) -> Result<(), Rejection> {
        match tenant.integration_by_handle(&self.handle) {
            Some(holder) if holder.id != self.id => Err(Rejection::IntegrationHandleTaken {
                handle: self.handle.clone(),
                holder: holder.id.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl Admit for FolderPermission {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Rejection> {
        let integration = integration(tenant, &self.integration_id)?;
        check_scope(&self.grantee, integration)?;
        if before.is_none_or(|before| before.folder != self.folder) {
            folder_id(integration, &self.folder)?;
        }
        Ok(())
    }
}

impl Admit for ConnectionPermission {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Rejection> {
        let integration = integration(tenant, &self.integration_id)?;
        check_scope(&self.grantee, integration)?;
        if before.is_none_or(|before| before.account_id != self.account_id) {
            check_account(integration, &self.account_id)?;
        }
        Ok(())
    }
}

impl Admit for FolderOverride {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Rejection> {
        let integration = integration(tenant, &self.integration_id)?;
        check_partition(self.settings.claims(), integration)?;
        let is_new = before.is_none_or(|before| before.folder != self.folder);
        if is_new {
            let id = folder_id(integration, &self.folder)?;
            let other = tenant.each::<FolderOverride>().find(|other| {
                other.integration_id == self.integration_id
                    && other.id != self.id
                    && means(&other.folder, id, integration)
            });
            if let Some(other) = other {
                return Err(Rejection::Overridden {
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

impl Admit for ConnectionOverride {
    fn admit(&self, before: Option<&Self>, tenant: &Tenant) -> Result<(), Rejection> {
        let integration = integration(tenant, &self.integration_id)?;
        let role_arn = self.role_arn.as_deref();
        let role = role_arn.and_then(|arn| Claim::of_arn("role_arn", arn));
        check_partition(self.settings.claims().chain(role), integration)?;
        if before.is_none_or(|before| before.account_id != self.account_id) {
            check_account(integration, &self.account_id)?;
            let is_taken = tenant.each::<ConnectionOverride>().any(|other| {
                other.integration_id == self.integration_id
                    && other.account_id == self.account_id
                    && other.id != self.id
            });
            if is_taken {
                return Err(Rejection::Overridden {
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

impl Admit for Workspace {
    fn admit(&self, _before: Option<&Self>, tenant: &Tenant) -> Result<(), Rejection> {
        match tenant.workspace(&self.organization, &self.handle) {
            Some(other) if other.id != self.id => {
                Err(Rejection::WorkspaceExists(other.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn integration<'a>(tenant: &'a Tenant, id: &str) -> Result<&'a Integration, Rejection> {
    tenant
        .get::<Integration>(id)
        .ok_or_else(|| Rejection::NoIntegration(id.to_owned()))
}

fn check_scope(grantee: &Grantee, integration: &Integration) -> Result<(), Rejection> {
    Ok(grantee.check_scope(integration.organization.as_deref())?)
}

fn check_partition<'a>(
    mut claims: impl Iterator<Item = Claim<'a>>,
    integration: &Integration,
) -> Result<(), Rejection> {
    let partition = integration.partition();
    match claims.find(|claim| claim.partition != partition) {
        None => Ok(()),
        Some(claim) => Err(Rejection::OtherPartition {
            attribute: claim.attribute,
            value: claim.value.to_owned(),
            found: claim.partition.to_owned(),
            integration: integration.handle.clone(),
            partition: partition.to_owned(),
        }),
    }
}

fn folder_id<'a>(
    integration: &'a Integration,
    folder: &'a FolderRef,
) -> Result<&'a str, Rejection> {
    if let Some((id, _)) = folder.find(&integration.mirror) {
        return Ok(id);
    }
    Err(Rejection::NoFolder {
        integration: integration.handle.clone(),
        folder: folder.clone(),
        suggestions: suggest_folders(folder, &integration.mirror),
    })
}

/// Whether a reference means the folder with this ID.
fn means(folder: &FolderRef, id: &str, integration: &Integration) -> bool {
    let mirror = &integration.mirror;
    match folder {
        FolderRef::Id(other) => other == id,
        FolderRef::Path(path) => {
            let own = mirror.folders.get(id).map(|own| &own.path);
            own == Some(path) && folder.find(mirror).is_some_and(|(other, _)| other == id)
        }
    }
}

fn suggest_folders(wanted: &FolderRef, mirror: &Mirror) -> Vec<String> {
    let folders = mirror
        .folders
        .iter()
        .map(|(id, folder)| (id.as_str(), folder.path.as_str()));
    suggest(wanted.as_str(), folders)
        .into_iter()
        .map(|found| match wanted {
            FolderRef::Id(_) => format!("{:?} ({})", found.id, found.path),
            FolderRef::Path(_) => format!("{:?}", found.path),
        })
        .collect()
}

fn check_account(integration: &Integration, account_id: &str) -> Result<(), Rejection> {
    let connections = &integration.mirror.connections;
    if connections.contains_key(account_id) {
        return Ok(());
    }
    let accounts = connections
        .iter()
        .map(|(id, account)| (id.as_str(), account.name.as_str()));
    Err(Rejection::NoAccount {
        integration: integration.handle.clone(),
        account_id: account_id.to_owned(),
        suggestions: suggest(account_id, accounts)
            .into_iter()
            .map(|found| format!("{:?} ({:?})", found.id, found.path))
            .collect(),
    })
}

/// `place` is the object's, `id` the override's.
fn check_handle(
    tenant: &Tenant,
    handle: Option<&str>,
    (integration, object): (&Integration, &str),
    id: &str,
) -> Result<(), Rejection> {
    let Some(handle) = handle else {
        return Ok(());
    };
    match find_holder(tenant, handle, (&integration.id, object), id) {
        Some(holder) => Err(Rejection::HandleTaken {
            handle: handle.to_owned(),
            holder: Box::new(holder),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::handle_assignment::assign_handles;
    use crate::model::sample::{
        A, B, C, connection_override, connection_permission, folder, folder_override,
        folder_permission, integration, put, workspace,
    };

    /// Two integrations, the second one of the organization `acme`; overrides of /Work (by path) and of the account B.
    fn tenant() -> Tenant {
        let mut tenant = Tenant::new("acme");
        let units = [
            ("ou-1111", "Work", ""),
            ("ou-2222", "Prod", "ou-1111"),
            ("ou-3333", "Sandbox", ""),
        ];
        let accounts = [(A, "payments", "ou-2222"), (B, "legacy", "")];
        put(&mut tenant, "aws", &units, &accounts);
        let private = Integration {
            organization: Some("acme".to_owned()),
            ..integration("private", &[], &[], None)
        };
        tenant.put(private);
        tenant.put(folder_override("fo_1", "aws", "/Work", "work_things"));
        tenant.put(connection_override("co_1", "aws", B, "old"));
        tenant.put(workspace("acme/security"));
        assign_handles(&mut tenant, &Tenant::new("acme"));
        tenant
    }

    fn refusal<T: Admit>(object: &T, tenant: &Tenant) -> String {
        object.admit(None, tenant).unwrap_err().to_string()
    }

    #[test]
    fn what_fits_is_admitted() {
        let tenant = &tenant();
        for of in ["/", "root", "/Work/Prod", "ou-3333"] {
            assert_eq!(
                folder_permission("fp", "aws", of, "any/body").admit(None, tenant),
                Ok(())
            );
        }
        for to in ["*", "acme", "acme/security", "acme/later"] {
            assert_eq!(
                folder_permission("fp", "private", "/", to).admit(None, tenant),
                Ok(())
            );
        }
        assert_eq!(
            connection_permission("cp", "aws", A, "*").admit(None, tenant),
            Ok(())
        );
        assert_eq!(
            folder_override("fo", "aws", "ou-2222", "free").admit(None, tenant),
            Ok(())
        );
        // Its own derived handle, which nobody else has.
        assert_eq!(
            connection_override("co", "aws", A, "payments").admit(None, tenant),
            Ok(())
        );
        // The derived handle of an object that an override calls otherwise.
        assert_eq!(
            connection_override("co", "aws", A, "legacy").admit(None, tenant),
            Ok(())
        );
        assert_eq!(workspace("acme/finops").admit(None, tenant), Ok(()));
        assert_eq!(workspace("other/security").admit(None, tenant), Ok(()));
        assert_eq!(
            integration("new", &[], &[], None).admit(None, tenant),
            Ok(())
        );
    }

    #[test]
    fn what_is_in_another_partition_is_told() {
        let tenant = &tenant();
        let mut of_folder = folder_override("fo", "aws", "/Work/Prod", "");
        of_folder.settings.regions = Some(["eu-*", "us-gov-west-1"].map(str::to_owned).into());
        assert_eq!(
            refusal(&of_folder, tenant),
            "\"us-gov-west-1\" in regions is of the partition aws-us-gov, and the accounts of the integration \"aws\" are in \
             the partition aws"
        );
        let mut of_account = connection_override("co", "aws", A, "");
        of_account.role_arn = Some(format!("arn:aws-cn:iam::{A}:role/reader"));
        assert!(refusal(&of_account, tenant).contains("in role_arn is of the partition aws-cn"));
        // One that may be new.
        of_account.role_arn = None;
        of_account.settings.default_region = Some("xx-faraway-1".to_owned());
        assert_eq!(of_account.admit(None, tenant), Ok(()));
    }

    #[test]
    fn an_integration_must_be_there() {
        let tenant = &tenant();
        let text = "there is no integration \"in_gone\"";
        assert_eq!(
            refusal(&folder_permission("fp", "in_gone", "/", "*"), tenant),
            text
        );
        assert_eq!(
            refusal(&connection_permission("cp", "in_gone", A, "*"), tenant),
            text
        );
        assert_eq!(
            refusal(&folder_override("fo", "in_gone", "/", ""), tenant),
            text
        );
        assert_eq!(
            refusal(&connection_override("co", "in_gone", A, ""), tenant),
            text
        );
    }

    #[test]
    fn a_folder_or_account_must_be_there_and_what_is_near_is_named() {
        let tenant = &tenant();
        for (of, text) in [
            (
                "/Wrok",
                "the integration \"aws\" has no folder \"/Wrok\"; did you mean \"/Work\"?",
            ),
            (
                "/Prod",
                "the integration \"aws\" has no folder \"/Prod\"; did you mean \"/Work/Prod\"?",
            ),
            (
                "ou-1112",
                "the integration \"aws\" has no folder \"ou-1112\"; did you mean \"ou-1111\" (/Work)?",
            ),
            (
                "/Accounting",
                "the integration \"aws\" has no folder \"/Accounting\"",
            ),
        ] {
            assert_eq!(
                refusal(&folder_permission("fp", "aws", of, "*"), tenant),
                text
            );
            assert_eq!(refusal(&folder_override("fo", "aws", of, ""), tenant), text);
        }
        let text = "the integration \"aws\" has no account \"111111111112\"; did you mean \"111111111111\" \
                    (\"payments\")?";
        assert_eq!(
            refusal(
                &connection_permission("cp", "aws", "111111111112", "*"),
                tenant
            ),
            text
        );
        assert_eq!(
            refusal(
                &connection_override("co", "aws", "111111111112", ""),
                tenant
            ),
            text
        );
        assert_eq!(
            refusal(&connection_override("co", "aws", C, ""), tenant),
            "the integration \"aws\" has no account \"333333333333\""
        );
    }

    #[test]
    fn what_left_does_not_keep_its_dormant_objects_from_changing() {
        let mut tenant = tenant();
        put(&mut tenant, "aws", &[], &[]);
        let was = folder_permission("fp", "aws", "/Work", "*");
        let is = folder_permission("fp", "aws", "/Work", "acme");
        assert_eq!(is.admit(Some(&was), &tenant), Ok(()));
        let elsewhere = folder_permission("fp", "aws", "/Elsewhere", "acme");
        assert!(matches!(
            elsewhere.admit(Some(&was), &tenant),
            Err(Rejection::NoFolder { .. })
        ));

        let was = connection_permission("cp", "aws", A, "*");
        let is = connection_permission("cp", "aws", A, "acme");
        assert_eq!(is.admit(Some(&was), &tenant), Ok(()));

        let was = tenant.get::<FolderOverride>("fo_1").unwrap();
        for handle in ["work_things", "changed", ""] {
            let is = folder_override("fo_1", "aws", "/Work", handle);
            assert_eq!(is.admit(Some(was), &tenant), Ok(()));
        }
        let was = tenant.get::<ConnectionOverride>("co_1").unwrap();
        for handle in ["old", "changed", "legacy"] {
            let is = connection_override("co_1", "aws", B, handle);
            assert_eq!(is.admit(Some(was), &tenant), Ok(()));
        }
        let is = connection_override("co_1", "aws", B, "work_things");
        assert_eq!(
            is.admit(Some(was), &tenant).unwrap_err().to_string(),
            "the handle \"work_things\" is taken by the folder /Work of the integration \"aws\" (by an override that is \
             not in force now)"
        );
    }

    #[test]
    fn an_organization_s_integration_is_shared_inside_it() {
        let tenant = &tenant();
        let text = "the grantee \"other/team\" is not in scope: the integration belongs to the organization \"acme\" and \
                    can be shared with \"*\" (all of its workspaces), \"acme\" and \"acme/WORKSPACE\" only";
        let permission = folder_permission("fp", "private", "/", "other/team");
        assert_eq!(refusal(&permission, tenant), text);
        // In place as well.
        let was = folder_permission("fp", "private", "/", "acme");
        assert_eq!(
            permission
                .admit(Some(&was), tenant)
                .unwrap_err()
                .to_string(),
            text
        );
        // Of two faults it is reported first, because it lies in the configuration alone.
        assert_eq!(
            refusal(
                &connection_permission("cp", "private", A, "other/team"),
                tenant
            ),
            text
        );
    }

    #[test]
    fn a_handle_that_another_has_is_refused() {
        let tenant = &tenant();
        for (handle, holder) in [
            (
                "payments",
                "the account 111111111111 (\"payments\") of the integration \"aws\"",
            ),
            (
                "work_things",
                "the folder ou-1111 (\"Work\") of the integration \"aws\"",
            ),
            (
                "private",
                "the folder root (\"Root\") of the integration \"private\"",
            ),
            (
                "old",
                "the account 222222222222 (\"legacy\") of the integration \"aws\"",
            ),
        ] {
            let text = format!("the handle {handle:?} is taken by {holder}");
            assert_eq!(
                refusal(&folder_override("fo", "aws", "ou-3333", handle), tenant),
                text
            );
        }
        let was = tenant.get::<ConnectionOverride>("co_1").unwrap();
        let is = connection_override("co_1", "aws", B, "payments");
        assert!(matches!(
            is.admit(Some(was), tenant),
            Err(Rejection::HandleTaken { .. })
        ));
    }

    #[test]
    fn what_one_commit_frees_and_takes_is_seen_before_handles_are_assigned() {
        let mut tenant = tenant();
        let wants_old = connection_override("co_2", "aws", A, "old");
        assert!(wants_old.admit(None, &tenant).is_err());
        tenant.remove::<ConnectionOverride>("co_1");
        assert_eq!(wants_old.admit(None, &tenant), Ok(()));
        tenant.put(wants_old);
        assert_eq!(
            refusal(&folder_override("fo", "aws", "ou-3333", "old"), &tenant),
            "the handle \"old\" is taken by the account 111111111111 (\"payments\") of the integration \"aws\""
        );
        assert_eq!(
            folder_override("fo", "aws", "ou-3333", "payments").admit(None, &tenant),
            Ok(())
        );
    }

    #[test]
    fn there_is_one_override_for_a_folder_or_connection() {
        let mut tenant = tenant();
        for (of, text) in [
            (
                "/Work",
                "the folder /Work of the integration \"aws\" has an override already",
            ),
            (
                "ou-1111",
                "the folder ou-1111 of the integration \"aws\" has an override already",
            ),
        ] {
            let refusal = folder_override("fo", "aws", of, "")
                .admit(None, &tenant)
                .unwrap_err();
            assert_eq!(refusal.to_string(), text);
            let Rejection::Overridden { import_id, .. } = refusal else {
                unreachable!()
            };
            assert_eq!(import_id, "aws:/Work");
        }
        let refusal = connection_override("co", "aws", B, "")
            .admit(None, &tenant)
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the account 222222222222 of the integration \"aws\" has an override already"
        );
        let Rejection::Overridden { import_id, .. } = refusal else {
            unreachable!()
        };
        assert_eq!(import_id, "aws:222222222222");
        // The same folder and account of another integration are others.
        assert_eq!(
            folder_override("fo", "private", "/", "").admit(None, &tenant),
            Ok(())
        );
        tenant.put(folder_override("fo_2", "private", "/", ""));
        assert_eq!(
            folder_override("fo", "aws", "/", "").admit(None, &tenant),
            Ok(())
        );

        // Two that came to mean one folder by night can still be changed where they are, and moved to where none is.
        tenant.put(folder_override("fo_3", "aws", "ou-3333", ""));
        put(&mut tenant, "aws", &[("ou-3333", "Work", "")], &[]);
        for (id, of) in [("fo_1", "/Work"), ("fo_3", "ou-3333")] {
            let was = tenant.get::<FolderOverride>(id);
            assert_eq!(
                folder_override(id, "aws", of, "changed").admit(was, &tenant),
                Ok(())
            );
            assert_eq!(
                folder_override(id, "aws", "/", "").admit(was, &tenant),
                Ok(())
            );
        }
        let was = tenant.get::<FolderOverride>("fo_1");
        let is = folder_override("fo_1", "aws", "ou-3333", "");
        assert!(matches!(
            is.admit(was, &tenant),
            Err(Rejection::Overridden { .. })
        ));
        // One that returns to the form it was in, by another word, is not in its own way.
        let is = FolderOverride {
            folder: folder("/Work"),
            ..folder_override("fo_3", "aws", "x", "")
        };
        assert!(matches!(
            is.admit(tenant.get("fo_3"), &tenant),
            Err(Rejection::Overridden { import_id, .. }) if import_id == "aws:/Work"
        ));
        tenant.remove::<FolderOverride>("fo_1");
        assert_eq!(is.admit(tenant.get("fo_3"), &tenant), Ok(()));
    }

    #[test]
    fn integrations_and_workspaces_have_names_of_their_own() {
        let tenant = &tenant();
        let twin = Integration {
            id: "in_new".to_owned(),
            ..integration("aws", &[], &[], None)
        };
        assert_eq!(
            refusal(&twin, tenant),
            "the handle \"aws\" is taken by the integration aws"
        );
        let same = tenant.get::<Integration>("aws").unwrap();
        assert_eq!(same.admit(Some(same), tenant), Ok(()));
        let twin = Workspace {
            id: "ws_new".to_owned(),
            ..workspace("acme/security")
        };
        assert_eq!(
            refusal(&twin, tenant),
            "the workspace \"acme/security\" is there already"
        );
        let same = tenant.get::<Workspace>("acme/security").unwrap();
        assert_eq!(same.admit(Some(same), tenant), Ok(()));
    }
}
