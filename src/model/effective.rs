//! Effective handles: derived handles made unique in the tenant, when a change is committed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::handle::{Kind, candidates, is_candidate};
use super::integration::Integration;
use super::mirror::Mirror;
use super::overriding::{ConnectionOverride, FolderOverride, InForce};
use super::tenant::Tenant;

/// A folder or connection of some integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// `in_...`
    pub integration_id: String,
    /// Handle of the integration.
    pub integration_handle: String,
    /// Folder or connection.
    pub kind: Kind,
    /// Root, OU or account ID.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Connection => "account",
            _ => "folder",
        };
        write!(
            f,
            "the {what} {} ({:?}) of the integration {:?}",
            self.id, self.name, self.integration_handle
        )
    }
}

/// Something about effective handles that users are to be warned of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandleNotice {
    /// A derived handle is taken, so the object is published under another one.
    Taken {
        /// Who wanted it.
        bearer: Bearer,
        /// The handle it wanted.
        derived: String,
        /// The handle it got.
        effective: String,
        /// Who has it.
        holder: Bearer,
    },
    /// A handle now means another account than before this change.
    Passed {
        /// The handle.
        handle: String,
        /// Who had it.
        from: Bearer,
        /// Who has it now.
        to: Bearer,
    },
}

impl fmt::Display for HandleNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandleNotice::Taken {
                bearer,
                derived,
                effective,
                holder,
            } => write!(
                f,
                "{bearer} is published as {effective:?}, because {holder} has the handle {derived:?}"
            ),
            HandleNotice::Passed { handle, from, to } => {
                write!(f, "the handle {handle:?} passes from {from} to {to}")
            }
        }
    }
}

/// The handle under which a folder or connection is published; none if it is not there or its handle is not known.
pub fn effective_handle<'a>(integration: &'a Integration, id: &str) -> Option<&'a str> {
    let derived = derived_handle(&integration.mirror, id)?;
    Some(
        integration
            .effective_handles
            .get(id)
            .map_or(derived, String::as_str),
    )
}

fn derived_handle<'a>(mirror: &'a Mirror, id: &str) -> Option<&'a str> {
    let handle = match mirror.connections.get(id) {
        Some(connection) => &connection.derived_handle,
        None => &mirror.folders.get(id)?.derived_handle,
    };
    handle.known().map(String::as_str)
}

/// Every connection, then every folder, by ID, with its derived handle.
fn bearers(mirror: &Mirror) -> impl Iterator<Item = (Kind, &str, &str)> {
    let connections = mirror
        .connections
        .iter()
        .map(|(id, connection)| (Kind::Connection, id, &connection.derived_handle));
    let folders = mirror
        .folders
        .iter()
        .map(|(id, folder)| (Kind::Folder, id, &folder.derived_handle));
    connections
        .chain(folders)
        .filter_map(|(kind, id, handle)| Some((kind, id.as_str(), handle.known()?.as_str())))
}

fn bearer(integration: &Integration, id: &str) -> Bearer {
    let mirror = &integration.mirror;
    let (kind, name) = match mirror.connections.get(id) {
        Some(connection) => (Kind::Connection, connection.name.known()),
        None => (
            Kind::Folder,
            mirror
                .folders
                .get(id)
                .and_then(|folder| folder.name.known()),
        ),
    };
    Bearer {
        integration_id: integration.id.clone(),
        integration_handle: integration.handle.clone(),
        kind,
        id: id.to_owned(),
        name: name.cloned().unwrap_or_default(),
    }
}

/// Who has an effective handle; `except` is left out of account: an integration's ID and a folder's or account's ID.
///
/// An override of an object that is not there now holds on to its handle: it comes into force again when the object
/// returns.
pub fn holder(tenant: &Tenant, handle: &str, except: (&str, &str)) -> Option<Bearer> {
    for integration in tenant.each::<Integration>() {
        let mirror = &integration.mirror;
        for (_, id, _) in bearers(mirror) {
            if (integration.id.as_str(), id) != except
                && effective_handle(integration, id) == Some(handle)
            {
                return Some(bearer(integration, id));
            }
        }
    }
    reservations(tenant)
        .into_iter()
        .find(|reservation| {
            reservation.handle == handle
                && (reservation.integration.id.as_str(), reservation.id) != except
        })
        .map(|reservation| bearer(reservation.integration, reservation.id))
}

/// A handle that an override gives.
struct Reservation<'a> {
    integration: &'a Integration,
    /// Of its object; of one that is not there now, as the override has it.
    id: &'a str,
    handle: &'a str,
}

/// Every handle that an override gives, those in force first.
fn reservations(tenant: &Tenant) -> Vec<Reservation<'_>> {
    let mut in_force = Vec::new();
    let mut dormant = Vec::new();
    for integration in tenant.each::<Integration>() {
        let overrides = InForce::of(tenant, integration);
        for overriding in tenant.each::<ConnectionOverride>() {
            let Some(handle) = &overriding.handle else {
                continue;
            };
            if overriding.integration_id != integration.id {
                continue;
            }
            let winner = overrides.connections.get(overriding.account_id.as_str());
            let reservation = Reservation {
                integration,
                id: &overriding.account_id,
                handle,
            };
            match winner {
                Some(winner) if winner.id == overriding.id => in_force.push(reservation),
                _ => dormant.push(reservation),
            }
        }
        for overriding in tenant.each::<FolderOverride>() {
            let Some(handle) = &overriding.handle else {
                continue;
            };
            if overriding.integration_id != integration.id {
                continue;
            }
            let found = overriding.folder.find(&integration.mirror);
            let id = found.map_or(overriding.folder.as_str(), |(id, _)| id);
            let is_in_force = found.is_some()
                && overrides
                    .folders
                    .get(id)
                    .is_some_and(|winner| winner.id == overriding.id);
            let reservation = Reservation {
                integration,
                id,
                handle,
            };
            if is_in_force {
                in_force.push(reservation);
            } else {
                dormant.push(reservation);
            }
        }
    }
    in_force.append(&mut dormant);
    in_force
}

/// What an object is, in a tenant.
type Place<'a> = (&'a str, &'a str);

/// Settles the effective handles of a tenant after something changed; `before` is the tenant as it was, settled.
///
/// An override's handle is its object's. Everything else keeps the effective handle it had while its derived handle
/// allows it; else it gets its derived handle, and where that is taken in the tenant, the first free one with its ID. The
/// result hangs on the two tenants alone, not on the order of changes. `effective_handles` of each integration then
/// holds those that differ from the derived ones.
///
/// Tells of handles that newly differ from the derived ones without an override, and of handles that pass to another
/// account.
pub fn settle(tenant: &mut Tenant, before: &Tenant) -> Vec<HandleNotice> {
    let (settled, notices) = settled(tenant, before);
    for (id, handles) in settled {
        if let Some(integration) = tenant.integrations.get_mut(&id)
            && integration.effective_handles != handles
        {
            Arc::make_mut(integration).effective_handles = handles;
        }
    }
    notices
}

/// Effective handles that differ from the derived ones, by the ID of their object.
type Differing = BTreeMap<String, String>;

fn settled(tenant: &Tenant, before: &Tenant) -> (Vec<(String, Differing)>, Vec<HandleNotice>) {
    let size = tenant
        .each::<Integration>()
        .map(|i| i.mirror.connections.len())
        .sum();
    let mut taken: HashMap<Cow<'_, str>, Place<'_>> = HashMap::with_capacity(size);
    let mut settled: HashMap<Place<'_>, Cow<'_, str>> = HashMap::with_capacity(size);

    for reservation in reservations(tenant) {
        let place = (reservation.integration.id.as_str(), reservation.id);
        let is_there = derived_handle(&reservation.integration.mirror, reservation.id).is_some();
        // Only a catalog edited by hand has two overrides with one handle, or two for one object.
        if taken.contains_key(reservation.handle) {
            continue;
        }
        if is_there && settled.contains_key(&place) {
            continue;
        }
        taken.insert(Cow::Borrowed(reservation.handle), place);
        if is_there {
            settled.insert(place, Cow::Borrowed(reservation.handle));
        }
    }

    let mut unsettled = Vec::new();
    for integration in tenant.each::<Integration>() {
        let was = before.get::<Integration>(&integration.id);
        for (kind, id, derived) in bearers(&integration.mirror) {
            let place = (integration.id.as_str(), id);
            if settled.contains_key(&place) {
                continue;
            }
            let kept = was
                .and_then(|was| effective_handle(was, id))
                .filter(|handle| {
                    is_candidate(handle, derived, kind, id) && !taken.contains_key(*handle)
                });
            match kept {
                Some(handle) => {
                    taken.insert(Cow::Borrowed(handle), place);
                    settled.insert(place, Cow::Borrowed(handle));
                }
                None => unsettled.push((integration, kind, id, derived)),
            }
        }
    }
    // Then those whose derived handle is free, before any handle with an ID is made up.
    unsettled.retain(|&(integration, _, id, derived)| {
        if taken.contains_key(derived) {
            return true;
        }
        let place = (integration.id.as_str(), id);
        taken.insert(Cow::Borrowed(derived), place);
        settled.insert(place, Cow::Borrowed(derived));
        false
    });
    let mut notices = Vec::new();
    for (integration, kind, id, derived) in unsettled {
        let free =
            candidates(derived, kind, id).find(|candidate| !taken.contains_key(candidate.as_str()));
        let (Some(effective), Some(&holder)) = (free, taken.get(derived)) else {
            continue;
        };
        let was = before.get::<Integration>(&integration.id);
        if was.and_then(|was| effective_handle(was, id)) != Some(&effective)
            && let Some(holding) = tenant.get::<Integration>(holder.0)
        {
            notices.push(HandleNotice::Taken {
                bearer: bearer(integration, id),
                derived: derived.to_owned(),
                effective: effective.clone(),
                holder: bearer(holding, holder.1),
            });
        }
        let place = (integration.id.as_str(), id);
        taken.insert(Cow::Owned(effective.clone()), place);
        settled.insert(place, Cow::Owned(effective));
    }

    let mut held: HashMap<&str, (&Integration, &str)> = HashMap::with_capacity(size);
    for integration in before.each::<Integration>() {
        for (_, id, _) in bearers(&integration.mirror) {
            if let Some(handle) = effective_handle(integration, id) {
                held.insert(handle, (integration, id));
            }
        }
    }
    let mut differing = Vec::new();
    for integration in tenant.each::<Integration>() {
        let mut own = Differing::new();
        for (kind, id, derived) in bearers(&integration.mirror) {
            let Some(handle) = settled.get(&(integration.id.as_str(), id)) else {
                continue;
            };
            if kind == Kind::Connection
                && let Some((from, from_id)) = held.get(handle.as_ref())
                && (from.id != integration.id || *from_id != id)
            {
                notices.push(HandleNotice::Passed {
                    handle: handle.clone().into_owned(),
                    from: bearer(from, from_id),
                    to: bearer(integration, id),
                });
            }
            if handle != derived {
                own.insert(id.to_owned(), handle.clone().into_owned());
            }
        }
        differing.push((integration.id.clone(), own));
    }
    (differing, notices)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::model::integration::{ConnectionSettings, RemovalGuard};
    use crate::model::late::Late;
    use crate::model::mirror::{Held, Source, SourceAccount, Wanted, mirror};
    use std::collections::BTreeSet;

    const A: &str = "111111111111";
    const B: &str = "222222222222";

    fn mirror_of(handle: &str, accounts: &[(&str, &str)], before: Option<&Integration>) -> Mirror {
        let source = Source {
            accounts: accounts
                .iter()
                .map(|(id, name)| {
                    let account = SourceAccount {
                        name: Late::Known((*name).to_owned()),
                        ..SourceAccount::default()
                    };
                    ((*id).to_owned(), account)
                })
                .collect(),
            ..Source::default()
        };
        let wanted = Wanted {
            source: &source,
            handle: Late::Known(handle.to_owned()),
            prefix: Late::default(),
            initial_handles: Late::default(),
            role_name: Late::Known("reader".to_owned()),
            default_region: Late::default(),
            sso: Late::default(),
            owners: Late::default(),
            resource_owners: Late::default(),
        };
        let given_handles = BTreeMap::new();
        let held = before.map(|before| Held {
            mirror: &before.mirror,
            handle: &before.handle,
            prefix: "",
            given_handles: &given_handles,
        });
        mirror(&wanted, held.as_ref()).unwrap().mirror
    }

    fn tenant_of(integrations: &BTreeMap<String, Integration>) -> Tenant {
        let mut tenant = Tenant::new("acme");
        for integration in integrations.values() {
            tenant.put(integration.clone());
        }
        tenant
    }

    /// Gives the integration, whose handle is its ID, these accounts, and settles.
    fn commit(
        tenant: &mut BTreeMap<String, Integration>,
        id: &str,
        accounts: &[(&str, &str)],
    ) -> Vec<String> {
        let before = tenant.get(id).cloned();
        let integration = Integration {
            id: id.to_owned(),
            handle: id.to_owned(),
            organization: None,
            handle_prefix: None,
            initial_handles: None,
            connection_settings: ConnectionSettings {
                role_name: "reader".to_owned(),
                external_id: None,
                regions: BTreeSet::new(),
                default_region: "us-east-1".to_owned(),
                max_error_retry_attempts: 9,
                min_error_retry_delay: 25,
                ignore_error_codes: BTreeSet::new(),
            },
            permissions: BTreeSet::new(),
            sso: None,
            owners: None,
            resource_owners: None,
            custom_access_details: None,
            removal_guard: RemovalGuard::default(),
            deletion_protection: true,
            mirror: mirror_of(id, accounts, before.as_ref()),
            effective_handles: BTreeMap::new(),
        };
        let before = tenant_of(tenant);
        tenant.insert(id.to_owned(), integration);
        let mut after = tenant_of(tenant);
        let notices = settle(&mut after, &before);
        for integration in after.each::<Integration>() {
            tenant.insert(integration.id.clone(), integration.clone());
        }
        notices.iter().map(HandleNotice::to_string).collect()
    }

    #[test]
    fn a_taken_handle_gets_its_id_and_keeps_it_when_the_holder_leaves() {
        let mut tenant = BTreeMap::new();
        assert_eq!(commit(&mut tenant, "one", &[(A, "prod")]), [""; 0]);
        assert_eq!(
            commit(&mut tenant, "two", &[(B, "prod")]),
            [
                "the account 222222222222 (\"prod\") of the integration \"two\" is published as \
                 \"prod_222222222222\", because the account 111111111111 (\"prod\") of the integration \"one\" has \
                 the handle \"prod\""
            ]
        );
        assert_eq!(
            effective_handle(&tenant["two"], B),
            Some("prod_222222222222")
        );
        assert_eq!(effective_handle(&tenant["two"], "root"), Some("two"));
        assert_eq!(effective_handle(&tenant["two"], "nobody"), None);
        assert_eq!(tenant["two"].effective_handles.len(), 1);

        assert_eq!(commit(&mut tenant, "one", &[]), [""; 0]);
        assert_eq!(commit(&mut tenant, "two", &[(B, "prod")]), [""; 0]);
        assert_eq!(
            effective_handle(&tenant["two"], B),
            Some("prod_222222222222")
        );

        // A new derived handle is free to be had; so is the old one, by then.
        commit(&mut tenant, "two", &[(B, "dev")]);
        assert_eq!(effective_handle(&tenant["two"], B), Some("dev"));
        commit(&mut tenant, "two", &[(B, "prod")]);
        assert_eq!(effective_handle(&tenant["two"], B), Some("prod"));
        assert!(tenant["two"].effective_handles.is_empty());
    }

    #[test]
    fn one_account_in_three_integrations_has_three_handles() {
        let mut tenant = BTreeMap::new();
        for id in ["one", "two", "three"] {
            commit(&mut tenant, id, &[(A, "prod")]);
        }
        let handles: Vec<_> = tenant
            .values()
            .filter_map(|integration| effective_handle(integration, A))
            .collect();
        assert_eq!(
            handles,
            ["prod", "prod_111111111111_2", "prod_111111111111"]
        );
    }

    #[test]
    fn a_folder_may_hold_the_handle_of_another_integration() {
        let mut tenant = BTreeMap::new();
        commit(&mut tenant, "prod", &[]);
        let notices = commit(&mut tenant, "two", &[(A, "prod")]);
        assert_eq!(
            effective_handle(&tenant["two"], A),
            Some("prod_111111111111")
        );
        assert!(
            notices[0].ends_with(
                "because the folder root (\"Root\") of the integration \"prod\" has the handle \"prod\""
            ),
            "{notices:?}"
        );
    }

    #[test]
    fn a_handle_that_passes_to_another_account_is_told() {
        let mut tenant = BTreeMap::new();
        commit(&mut tenant, "one", &[(A, "prod"), (B, "dev")]);
        assert_eq!(
            commit(&mut tenant, "one", &[(A, "old"), (B, "prod")]),
            [
                "the handle \"prod\" passes from the account 111111111111 (\"prod\") of the integration \"one\" to the \
                 account 222222222222 (\"prod\") of the integration \"one\""
            ]
        );
    }
}
