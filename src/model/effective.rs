//! Effective handles: derived handles made unique in the tenant, when a change is committed.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::handle::{Kind, candidates, is_candidate};
use super::integration::Integration;
use super::late::Late;
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
    /// Its name; empty when it is not there.
    pub name: String,
    /// Whether it does not have the handle itself: an override that is not in force keeps the handle for it.
    pub is_reserved: bool,
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Connection => "account",
            _ => "folder",
        };
        write!(f, "the {what} {}", self.id)?;
        if !self.name.is_empty() {
            write!(f, " ({:?})", self.name)?;
        }
        write!(f, " of the integration {:?}", self.integration_handle)?;
        if self.is_reserved {
            f.write_str(", for which an override that is not in force now keeps it")?;
        }
        Ok(())
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

fn bearer(integration: &Integration, kind: Kind, id: &str, is_reserved: bool) -> Bearer {
    let mirror = &integration.mirror;
    let name = match kind {
        Kind::Connection => mirror.connections.get(id).map(|c| &c.name),
        _ => mirror.folders.get(id).map(|folder| &folder.name),
    };
    Bearer {
        integration_id: integration.id.clone(),
        integration_handle: integration.handle.clone(),
        kind,
        id: id.to_owned(),
        name: name.and_then(Late::known).cloned().unwrap_or_default(),
        is_reserved,
    }
}

/// An object of a tenant: its integration's ID, and its own.
type Place<'a> = (&'a str, &'a str);

/// Who else has a handle, or gets it when what was changed by now is settled.
///
/// Left out of account are the folder or connection at `place`, and the override with the ID `override_id`. An override
/// that is not in force holds on to its handle: it comes into force again when its object returns.
pub fn holder(
    tenant: &Tenant,
    handle: &str,
    place: Place<'_>,
    override_id: &str,
) -> Option<Bearer> {
    for integration in tenant.each::<Integration>() {
        let overrides = InForce::of(tenant, integration);
        if let Some(reservation) = reservations(integration, &overrides)
            .into_iter()
            .find(|reservation| reservation.handle == handle && reservation.by != override_id)
        {
            return Some(reservation.bearer());
        }
        let holding = bearers(&integration.mirror).find(|&(kind, id, derived)| {
            // What was an override's may not be any more.
            let effective = integration.effective_handles.get(id);
            let effective = effective.filter(|given| is_candidate(given, derived, kind, id));
            effective.map_or(derived, String::as_str) == handle
                && overrides.handle(kind, id).is_none()
                && (integration.id.as_str(), id) != place
        });
        if let Some((kind, id, _)) = holding {
            return Some(bearer(integration, kind, id, false));
        }
    }
    None
}

/// A handle that an override gives.
struct Reservation<'a> {
    integration: &'a Integration,
    kind: Kind,
    /// Of its object; of a folder that is not there now, as the override has it.
    id: &'a str,
    handle: &'a str,
    /// ID of the override.
    by: &'a str,
    is_in_force: bool,
}

impl Reservation<'_> {
    fn bearer(&self) -> Bearer {
        bearer(self.integration, self.kind, self.id, !self.is_in_force)
    }
}

/// Every handle that an override of an integration gives, those in force first.
fn reservations<'a>(integration: &'a Integration, overrides: &InForce<'a>) -> Vec<Reservation<'a>> {
    let connection = |of: &'a ConnectionOverride, is_in_force| {
        let id = of.account_id.as_str();
        (Kind::Connection, id, &of.handle, &of.id, is_in_force)
    };
    let folder = |id: &'a str, of: &'a FolderOverride, is_in_force| {
        (Kind::Folder, id, &of.handle, &of.id, is_in_force)
    };
    let connections = overrides.connections.values();
    let idle_connections = overrides.idle_connections.iter();
    let folders = overrides.folders.iter();
    let idle_folders = overrides.idle_folders.iter();
    connections
        .map(move |of| connection(of, true))
        .chain(folders.map(move |(id, of)| folder(id, of, true)))
        .chain(idle_connections.map(move |of| connection(of, false)))
        .chain(idle_folders.map(move |(id, of)| folder(id, of, false)))
        .filter_map(move |(kind, id, handle, by, is_in_force)| {
            Some(Reservation {
                integration,
                kind,
                id,
                handle: handle.as_deref()?,
                by,
                is_in_force,
            })
        })
        .collect()
}

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
    let (settled, notices) = Settling::of(tenant, before).done();
    for (id, handles) in settled {
        if let Some(integration) = tenant.integrations.get_mut(&id) {
            Arc::make_mut(integration).effective_handles = handles;
        }
    }
    notices
}

/// Effective handles that differ from the derived ones, by the ID of their object.
type Differing = BTreeMap<String, String>;

/// A folder or connection whose handle is to be settled.
struct Seat<'a> {
    integration: &'a Integration,
    kind: Kind,
    id: &'a str,
    derived: &'a str,
    /// The effective handle it had.
    was: Option<&'a str>,
    handle: Option<Cow<'a, str>>,
}

impl Seat<'_> {
    fn bearer(&self) -> Bearer {
        bearer(self.integration, self.kind, self.id, false)
    }
}

/// Who has a handle, by index.
#[derive(Clone, Copy)]
enum Holding {
    Seat(usize),
    Reservation(usize),
}

struct Settling<'a> {
    tenant: &'a Tenant,
    before: &'a Tenant,
    /// By integration, then connections before folders, then by ID.
    seats: Vec<Seat<'a>>,
    /// Of overrides that are not in force.
    idle: Vec<Reservation<'a>>,
    taken: HashMap<Cow<'a, str>, Holding>,
}

impl<'a> Settling<'a> {
    fn of(tenant: &'a Tenant, before: &'a Tenant) -> Self {
        let integrations = tenant.each::<Integration>();
        let size = integrations
            .map(|integration| {
                integration.mirror.connections.len() + integration.mirror.folders.len()
            })
            .sum();
        let mut settling = Self {
            tenant,
            before,
            seats: Vec::with_capacity(size),
            idle: Vec::new(),
            taken: HashMap::with_capacity(size),
        };
        for integration in tenant.integrations.values() {
            settling.seat(integration);
        }
        for (index, reservation) in settling.idle.iter().enumerate() {
            let handle = Cow::Borrowed(reservation.handle);
            let holding = settling.taken.entry(handle);
            holding.or_insert(Holding::Reservation(index));
        }
        settling
    }

    /// Adds the objects of an integration; those that an override names have their handles.
    fn seat(&mut self, integration: &'a Arc<Integration>) {
        let overrides = InForce::of(self.tenant, integration);
        let idle = reservations(integration, &overrides).into_iter();
        self.idle
            .extend(idle.filter(|reservation| !reservation.is_in_force));
        let was = self.before.integrations.get(&integration.id);
        let is_unchanged = was.is_some_and(|was| Arc::ptr_eq(was, integration));
        for (kind, id, derived) in bearers(&integration.mirror) {
            let was = match was {
                Some(was) if is_unchanged => was
                    .effective_handles
                    .get(id)
                    .map(String::as_str)
                    .or(Some(derived)),
                Some(was) => effective_handle(was, id),
                None => None,
            };
            let index = self.seats.len();
            self.seats.push(Seat {
                integration,
                kind,
                id,
                derived,
                was,
                handle: None,
            });
            // Only a catalog edited by hand has two overrides in force that give one handle: then the first has it.
            if let Some(handle) = overrides.handle(kind, id) {
                self.take_if_free(index, handle);
            }
        }
    }

    fn take_if_free(&mut self, index: usize, handle: &'a str) {
        if let Entry::Vacant(free) = self.taken.entry(Cow::Borrowed(handle)) {
            free.insert(Holding::Seat(index));
            self.seats[index].handle = Some(Cow::Borrowed(handle));
        }
    }

    fn done(mut self) -> (Vec<(String, Differing)>, Vec<HandleNotice>) {
        for index in 0..self.seats.len() {
            let seat = &self.seats[index];
            if seat.handle.is_none()
                && let Some(was) = seat.was
                && is_candidate(was, seat.derived, seat.kind, seat.id)
            {
                self.take_if_free(index, was);
            }
        }
        // Then those whose derived handle is free, before any handle with an ID is made up.
        for index in 0..self.seats.len() {
            let seat = &self.seats[index];
            if seat.handle.is_none() {
                self.take_if_free(index, seat.derived);
            }
        }
        let mut notices = Vec::new();
        for index in 0..self.seats.len() {
            if self.seats[index].handle.is_none() {
                notices.extend(self.make_up(index));
            }
        }
        notices.extend(self.passed());
        (self.differing(), notices)
    }

    /// Gives an object whose derived handle is taken one with its ID.
    fn make_up(&mut self, index: usize) -> Option<HandleNotice> {
        let seat = &self.seats[index];
        let effective = candidates(seat.derived, seat.kind, seat.id)
            .find(|candidate| !self.taken.contains_key(candidate.as_str()))?;
        let holder = match *self.taken.get(seat.derived)? {
            Holding::Seat(holder) => self.seats[holder].bearer(),
            Holding::Reservation(holder) => self.idle[holder].bearer(),
        };
        let notice = (seat.was != Some(&effective)).then(|| HandleNotice::Taken {
            bearer: seat.bearer(),
            derived: seat.derived.to_owned(),
            effective: effective.clone(),
            holder,
        });
        self.taken
            .insert(Cow::Owned(effective.clone()), Holding::Seat(index));
        self.seats[index].handle = Some(Cow::Owned(effective));
        notice
    }

    /// Tells of handles that now mean another account.
    fn passed(&self) -> Vec<HandleNotice> {
        let changed = self.seats.iter().filter_map(|seat| {
            let handle = seat.handle.as_deref()?;
            let is_new = seat.kind == Kind::Connection && seat.was != Some(handle);
            is_new.then_some((handle, seat))
        });
        let changed: HashMap<&str, &Seat<'_>> = changed.collect();
        if changed.is_empty() {
            return Vec::new();
        }
        let mut passed = BTreeMap::new();
        for integration in self.before.each::<Integration>() {
            for (kind, id, derived) in bearers(&integration.mirror) {
                let effective = integration.effective_handles.get(id);
                let handle = effective.map_or(derived, String::as_str);
                // One account in two integrations is one account.
                if let Some(seat) = changed.get(handle)
                    && seat.id != id
                {
                    let notice = HandleNotice::Passed {
                        handle: handle.to_owned(),
                        from: bearer(integration, kind, id, false),
                        to: seat.bearer(),
                    };
                    passed.insert((seat.integration.id.as_str(), seat.id), notice);
                }
            }
        }
        passed.into_values().collect()
    }

    /// For each integration of which it changes.
    fn differing(self) -> Vec<(String, Differing)> {
        let mut differing: BTreeMap<&str, (&Integration, Differing)> = BTreeMap::new();
        for integration in self.tenant.each::<Integration>() {
            differing.insert(&integration.id, (integration, Differing::new()));
        }
        for seat in self.seats {
            if let Some(handle) = seat.handle
                && handle != seat.derived
                && let Some((_, own)) = differing.get_mut(seat.integration.id.as_str())
            {
                own.insert(seat.id.to_owned(), handle.into_owned());
            }
        }
        differing
            .into_iter()
            .filter(|(_, (integration, own))| integration.effective_handles != *own)
            .map(|(id, (_, own))| (id.to_owned(), own))
            .collect()
    }
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
