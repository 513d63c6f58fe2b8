//! Effective handles: derived handles made unique in the tenant, when a change is committed.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::active_overrides::ActiveOverrides;
use super::handle::{HandleKind, candidates, is_candidate};
use super::mirror::Mirror;
use super::objects::{ConnectionOverride, FolderOverride, Integration};
use super::tenant::Tenant;

/// A folder or connection of some integration, as the holder of a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleHolder {
    /// `in_...`
    pub integration_id: String,
    /// Handle of the integration.
    pub integration_handle: String,
    /// Folder or connection.
    pub kind: HandleKind,
    /// Root, OU or account ID.
    pub id: String,
    /// Its name; empty if it is missing.
    pub name: String,
    /// Whether the handle is only reserved for it, by an override that is not active.
    pub is_reserved: bool,
}

impl fmt::Display for HandleHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            HandleKind::Connection => "account",
            _ => "folder",
        };
        write!(f, "the {what} {}", self.id)?;
        if !self.name.is_empty() {
            write!(f, " ({:?})", self.name)?;
        }
        write!(f, " of the integration {:?}", self.integration_handle)?;
        if self.is_reserved {
            f.write_str(" (by an override that is not in force now)")?;
        }
        Ok(())
    }
}

/// A change of effective handles about which users are warned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandleNotice {
    /// A derived handle is taken, so the object is published under another one.
    Taken {
        /// The object.
        object: HandleHolder,
        /// Its derived handle.
        derived: String,
        /// The handle that it gets.
        effective: String,
        /// The folder or connection that has the derived handle.
        holder: HandleHolder,
    },
    /// A handle now means another account than before this change.
    Reassigned {
        /// The handle.
        handle: String,
        /// The connection that had it.
        from: HandleHolder,
        /// The connection that has it now.
        to: HandleHolder,
    },
}

impl fmt::Display for HandleNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandleNotice::Taken {
                object,
                derived,
                effective,
                holder,
            } => write!(
                f,
                "{object} is published as {effective:?}, because {holder} has the handle {derived:?}"
            ),
            HandleNotice::Reassigned { handle, from, to } => {
                write!(f, "the handle {handle:?} passes from {from} to {to}")
            }
        }
    }
}

/// The handle under which a folder or connection is published; none if it is not there.
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
    Some(match mirror.connections.get(id) {
        Some(connection) => &connection.derived_handle,
        None => &mirror.folders.get(id)?.derived_handle,
    })
}

/// The derived handle of every connection, then of every folder, by ID.
fn derived_handles(mirror: &Mirror) -> impl Iterator<Item = (HandleKind, &str, &str)> {
    let connections = mirror
        .connections
        .iter()
        .map(|(id, connection)| (HandleKind::Connection, id, &connection.derived_handle));
    let folders = mirror
        .folders
        .iter()
        .map(|(id, folder)| (HandleKind::Folder, id, &folder.derived_handle));
    connections
        .chain(folders)
        .map(|(kind, id, handle)| (kind, id.as_str(), handle.as_str()))
}

fn holder_of(
    integration: &Integration,
    kind: HandleKind,
    id: &str,
    is_reserved: bool,
) -> HandleHolder {
    let mirror = &integration.mirror;
    let name = match kind {
        HandleKind::Connection => mirror.connections.get(id).map(|c| &c.name),
        _ => mirror.folders.get(id).map(|folder| &folder.name),
    };
    HandleHolder {
        integration_id: integration.id.clone(),
        integration_handle: integration.handle.clone(),
        kind,
        id: id.to_owned(),
        name: name.cloned().unwrap_or_default(),
        is_reserved,
    }
}

/// An object of a tenant: its integration's ID, and its own.
type Place<'a> = (&'a str, &'a str);

/// Finds the folder or connection that has a handle, or gets it when the handles of `tenant` are assigned.
///
/// Ignores the folder or connection at `place` and the override with the ID `override_id`. An override that is not active
/// reserves its handle: it becomes active again when its object returns.
pub fn find_holder(
    tenant: &Tenant,
    handle: &str,
    place: Place<'_>,
    override_id: &str,
) -> Option<HandleHolder> {
    for integration in tenant.each::<Integration>() {
        let overrides = ActiveOverrides::of(tenant, integration);
        if let Some(reservation) = reservations(integration, &overrides)
            .into_iter()
            .find(|reservation| reservation.handle == handle && reservation.by != override_id)
        {
            return Some(reservation.holder());
        }
        let found = derived_handles(&integration.mirror).find(|&(kind, id, derived)| {
            // An override may have given it before, and not any more.
            integration
                .effective_handles
                .get(id)
                .filter(|given| is_candidate(given, derived, kind, id))
                .map_or(derived, String::as_str)
                == handle
                && overrides.handle(kind, id).is_none()
                && (integration.id.as_str(), id) != place
        });
        if let Some((kind, id, _)) = found {
            return Some(holder_of(integration, kind, id, false));
        }
    }
    None
}

/// A handle that an override gives.
struct Reservation<'a> {
    integration: &'a Integration,
    kind: HandleKind,
    /// ID of its object; for a missing folder, the ID or path in the override.
    id: &'a str,
    handle: &'a str,
    /// ID of the override.
    by: &'a str,
    is_active: bool,
}

impl Reservation<'_> {
    fn holder(&self) -> HandleHolder {
        holder_of(self.integration, self.kind, self.id, !self.is_active)
    }
}

/// Every handle that an override of an integration gives, those of active overrides first.
fn reservations<'a>(
    integration: &'a Integration,
    overrides: &ActiveOverrides<'a>,
) -> Vec<Reservation<'a>> {
    let connection = |of: &'a ConnectionOverride, is_active| {
        let id = of.account_id.as_str();
        (HandleKind::Connection, id, &of.handle, &of.id, is_active)
    };
    let folder = |id: &'a str, of: &'a FolderOverride, is_active| {
        (HandleKind::Folder, id, &of.handle, &of.id, is_active)
    };
    let active_connections = overrides.connections.values();
    let active_folders = overrides.folders.iter();
    let idle_connections = overrides.idle_connections.iter();
    let idle_folders = overrides.idle_folders.iter();
    active_connections
        .map(move |of| connection(of, true))
        .chain(active_folders.map(move |(id, of)| folder(id, of, true)))
        .chain(idle_connections.map(move |of| connection(of, false)))
        .chain(idle_folders.map(move |(id, of)| folder(id, of, false)))
        .filter_map(move |(kind, id, handle, by, is_active)| {
            Some(Reservation {
                integration,
                kind,
                id,
                handle: handle.as_deref()?,
                by,
                is_active,
            })
        })
        .collect()
}

/// Assigns the effective handles of a tenant after a change; `before` is the tenant before it, with its handles assigned.
///
/// An override's handle goes to its object. Every other folder and connection keeps its effective handle while its
/// derived handle allows that. Otherwise it gets its derived handle or, if that is taken in the tenant, the first free one
/// with its ID. The result depends on the two tenants alone, not on the order of changes. `effective_handles` of each
/// integration then contains those that differ from the derived ones.
///
/// Reports handles that newly differ from the derived ones without an override, and handles that are reassigned to
/// another account.
pub fn assign_handles(tenant: &mut Tenant, before: &Tenant) -> Vec<HandleNotice> {
    let (assigned, notices) = Assigner::of(tenant, before).assign();
    for (id, handles) in assigned {
        if let Some(integration) = tenant.integrations.get_mut(&id) {
            Arc::make_mut(integration).effective_handles = handles;
        }
    }
    notices
}

/// Effective handles that differ from the derived ones, by the ID of their object.
type Differing = BTreeMap<String, String>;

/// A folder or connection, and the handle that it gets.
struct Assignment<'a> {
    integration: &'a Integration,
    kind: HandleKind,
    id: &'a str,
    derived: &'a str,
    /// The effective handle it had.
    was: Option<&'a str>,
    /// None: not assigned yet.
    handle: Option<Cow<'a, str>>,
}

impl Assignment<'_> {
    fn holder(&self) -> HandleHolder {
        holder_of(self.integration, self.kind, self.id, false)
    }
}

/// The index of the assignment or the reservation that takes a handle.
#[derive(Clone, Copy)]
enum TakenBy {
    Assignment(usize),
    Reservation(usize),
}

struct Assigner<'a> {
    tenant: &'a Tenant,
    before: &'a Tenant,
    /// By integration, then connections before folders, then by ID.
    assignments: Vec<Assignment<'a>>,
    /// Of overrides that are not active.
    idle: Vec<Reservation<'a>>,
    taken: HashMap<Cow<'a, str>, TakenBy>,
}

impl<'a> Assigner<'a> {
    fn of(tenant: &'a Tenant, before: &'a Tenant) -> Self {
        let integrations = tenant.each::<Integration>();
        let size = integrations
            .map(|integration| {
                integration.mirror.connections.len() + integration.mirror.folders.len()
            })
            .sum();
        let mut assigner = Self {
            tenant,
            before,
            assignments: Vec::with_capacity(size),
            idle: Vec::new(),
            taken: HashMap::with_capacity(size),
        };
        for integration in tenant.integrations.values() {
            assigner.add(integration);
        }
        for (index, reservation) in assigner.idle.iter().enumerate() {
            let handle = Cow::Borrowed(reservation.handle);
            let taken_by = TakenBy::Reservation(index);
            assigner.taken.entry(handle).or_insert(taken_by);
        }
        assigner
    }

    /// Adds the objects of an integration. Active overrides give theirs a handle at once.
    fn add(&mut self, integration: &'a Arc<Integration>) {
        let overrides = ActiveOverrides::of(self.tenant, integration);
        self.idle.extend(
            reservations(integration, &overrides)
                .into_iter()
                .filter(|reservation| !reservation.is_active),
        );
        let was = self.before.integrations.get(&integration.id);
        let is_unchanged = was.is_some_and(|was| Arc::ptr_eq(was, integration));
        for (kind, id, derived) in derived_handles(&integration.mirror) {
            let was = match was {
                Some(was) if is_unchanged => was
                    .effective_handles
                    .get(id)
                    .map(String::as_str)
                    .or(Some(derived)),
                Some(was) => effective_handle(was, id),
                None => None,
            };
            let index = self.assignments.len();
            self.assignments.push(Assignment {
                integration,
                kind,
                id,
                derived,
                was,
                handle: None,
            });
            // Only a catalog edited by hand has two active overrides that give one handle: then the first one wins.
            if let Some(handle) = overrides.handle(kind, id) {
                self.take_if_free(index, handle);
            }
        }
    }

    fn take_if_free(&mut self, index: usize, handle: &'a str) {
        if let Entry::Vacant(free) = self.taken.entry(Cow::Borrowed(handle)) {
            free.insert(TakenBy::Assignment(index));
            self.assignments[index].handle = Some(Cow::Borrowed(handle));
        }
    }

    fn assign(mut self) -> (Vec<(String, Differing)>, Vec<HandleNotice>) {
        for index in 0..self.assignments.len() {
            let assignment = &self.assignments[index];
            if assignment.handle.is_none()
                && let Some(was) = assignment.was
                && is_candidate(was, assignment.derived, assignment.kind, assignment.id)
            {
                self.take_if_free(index, was);
            }
        }
        // Free derived handles are assigned before any handle with an ID.
        for index in 0..self.assignments.len() {
            let assignment = &self.assignments[index];
            if assignment.handle.is_none() {
                self.take_if_free(index, assignment.derived);
            }
        }
        let mut notices = Vec::new();
        for index in 0..self.assignments.len() {
            if self.assignments[index].handle.is_none() {
                notices.extend(self.assign_with_id(index));
            }
        }
        notices.extend(self.find_reassigned());
        (self.collect_differing(), notices)
    }

    /// Gives an object a handle with its ID, because its derived handle is taken.
    fn assign_with_id(&mut self, index: usize) -> Option<HandleNotice> {
        let assignment = &self.assignments[index];
        let effective = candidates(assignment.derived, assignment.kind, assignment.id)
            .find(|candidate| !self.taken.contains_key(candidate.as_str()))?;
        let holder = match *self.taken.get(assignment.derived)? {
            TakenBy::Assignment(index) => self.assignments[index].holder(),
            TakenBy::Reservation(index) => self.idle[index].holder(),
        };
        let notice = (assignment.was != Some(&effective)).then(|| HandleNotice::Taken {
            object: assignment.holder(),
            derived: assignment.derived.to_owned(),
            effective: effective.clone(),
            holder,
        });
        self.taken
            .insert(Cow::Owned(effective.clone()), TakenBy::Assignment(index));
        self.assignments[index].handle = Some(Cow::Owned(effective));
        notice
    }

    /// Finds the handles that now mean another account.
    fn find_reassigned(&self) -> Vec<HandleNotice> {
        let changed: HashMap<&str, &Assignment<'_>> = self
            .assignments
            .iter()
            .filter_map(|assignment| {
                let handle = assignment.handle.as_deref()?;
                let is_new =
                    assignment.kind == HandleKind::Connection && assignment.was != Some(handle);
                is_new.then_some((handle, assignment))
            })
            .collect();
        if changed.is_empty() {
            return Vec::new();
        }
        let mut reassigned = BTreeMap::new();
        for integration in self.before.each::<Integration>() {
            for (kind, id, derived) in derived_handles(&integration.mirror) {
                let effective = integration.effective_handles.get(id);
                let handle = effective.map_or(derived, String::as_str);
                // One account in two integrations is one account.
                if let Some(assignment) = changed.get(handle)
                    && assignment.id != id
                {
                    let notice = HandleNotice::Reassigned {
                        handle: handle.to_owned(),
                        from: holder_of(integration, kind, id, false),
                        to: assignment.holder(),
                    };
                    reassigned.insert((assignment.integration.id.as_str(), assignment.id), notice);
                }
            }
        }
        reassigned.into_values().collect()
    }

    /// The `effective_handles` of each integration whose effective handles change.
    fn collect_differing(self) -> Vec<(String, Differing)> {
        let mut differing: BTreeMap<&str, (&Integration, Differing)> = BTreeMap::new();
        for integration in self.tenant.each::<Integration>() {
            differing.insert(&integration.id, (integration, Differing::new()));
        }
        for assignment in self.assignments {
            if let Some(handle) = assignment.handle
                && handle != assignment.derived
                && let Some((_, own)) = differing.get_mut(assignment.integration.id.as_str())
            {
                own.insert(assignment.id.to_owned(), handle.into_owned());
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
mod tests {
    use super::*;
    use crate::model::sample::{A, B, C, connection_override, folder_override, put};

    type Accounts<'a> = &'a [(&'a str, &'a str)];

    /// Makes the change and assigns the handles.
    fn commit(tenant: &mut Tenant, change: impl FnOnce(&mut Tenant)) -> Vec<String> {
        let before = tenant.clone();
        change(tenant);
        let notices = assign_handles(tenant, &before);
        notices.iter().map(HandleNotice::to_string).collect()
    }

    /// Gives an integration, whose handle is its ID, these accounts.
    fn put_accounts(tenant: &mut Tenant, id: &str, accounts: Accounts<'_>) {
        let accounts: Vec<_> = accounts.iter().map(|(id, name)| (*id, *name, "")).collect();
        put(tenant, id, &[], &accounts);
    }

    fn commit_accounts(tenant: &mut Tenant, id: &str, accounts: Accounts<'_>) -> Vec<String> {
        commit(tenant, |tenant| put_accounts(tenant, id, accounts))
    }

    fn handle<'a>(tenant: &'a Tenant, integration: &str, id: &str) -> Option<&'a str> {
        effective_handle(tenant.get::<Integration>(integration)?, id)
    }

    const NOTHING: [&str; 0] = [];

    #[test]
    fn a_taken_handle_gets_its_id_and_keeps_it_when_the_holder_leaves() {
        let tenant = &mut Tenant::new("acme");
        assert_eq!(commit_accounts(tenant, "one", &[(A, "prod")]), NOTHING);
        assert_eq!(
            commit_accounts(tenant, "two", &[(B, "prod")]),
            [
                "the account 222222222222 (\"prod\") of the integration \"two\" is published as \
                 \"prod_222222222222\", because the account 111111111111 (\"prod\") of the integration \"one\" has \
                 the handle \"prod\""
            ]
        );
        assert_eq!(handle(tenant, "two", B), Some("prod_222222222222"));
        assert_eq!(handle(tenant, "two", "root"), Some("two"));
        assert_eq!(handle(tenant, "two", "nobody"), None);

        assert_eq!(commit_accounts(tenant, "one", &[]), NOTHING);
        assert_eq!(commit_accounts(tenant, "two", &[(B, "prod")]), NOTHING);
        assert_eq!(handle(tenant, "two", B), Some("prod_222222222222"));

        // The new derived handle is free, and so is the old one by now.
        commit_accounts(tenant, "two", &[(B, "dev")]);
        assert_eq!(handle(tenant, "two", B), Some("dev"));
        commit_accounts(tenant, "two", &[(B, "prod")]);
        assert_eq!(handle(tenant, "two", B), Some("prod"));
        let two = tenant.get::<Integration>("two");
        assert!(two.is_some_and(|two| two.effective_handles.is_empty()));
    }

    #[test]
    fn one_account_in_three_integrations_has_three_handles() {
        let tenant = &mut Tenant::new("acme");
        for id in ["one", "two", "three"] {
            commit_accounts(tenant, id, &[(A, "prod")]);
        }
        assert_eq!(handle(tenant, "one", A), Some("prod"));
        assert_eq!(handle(tenant, "two", A), Some("prod_111111111111"));
        assert_eq!(handle(tenant, "three", A), Some("prod_111111111111_2"));
    }

    #[test]
    fn a_folder_may_hold_the_handle_of_another_integration() {
        let tenant = &mut Tenant::new("acme");
        commit_accounts(tenant, "prod", &[]);
        let notices = commit_accounts(tenant, "two", &[(A, "prod")]);
        assert_eq!(handle(tenant, "two", A), Some("prod_111111111111"));
        assert!(
            notices[0].ends_with(
                "because the folder root (\"Root\") of the integration \"prod\" has the handle \"prod\""
            ),
            "{notices:?}"
        );
    }

    #[test]
    fn a_handle_that_is_reassigned_to_another_account_is_reported() {
        let tenant = &mut Tenant::new("acme");
        commit_accounts(tenant, "one", &[(A, "prod"), (B, "dev")]);
        assert_eq!(
            commit_accounts(tenant, "one", &[(A, "old"), (B, "prod")]),
            [
                "the handle \"prod\" passes from the account 111111111111 (\"prod\") of the integration \"one\" to the \
                 account 222222222222 (\"prod\") of the integration \"one\""
            ]
        );
    }

    #[test]
    fn a_handle_that_is_reassigned_between_integrations_in_one_commit_is_reported() {
        for order in [["one", "two"], ["two", "one"]] {
            let tenant = &mut Tenant::new("acme");
            commit_accounts(tenant, "one", &[(A, "prod")]);
            commit_accounts(tenant, "two", &[(C, "dev")]);
            let notices = commit(tenant, |tenant| {
                for id in order {
                    match id {
                        "one" => put_accounts(tenant, "one", &[]),
                        _ => put_accounts(tenant, "two", &[(B, "prod"), (C, "dev")]),
                    }
                }
            });
            assert_eq!(
                notices,
                [
                    "the handle \"prod\" passes from the account 111111111111 (\"prod\") of the integration \"one\" to \
                     the account 222222222222 (\"prod\") of the integration \"two\""
                ]
            );
            assert_eq!(handle(tenant, "two", B), Some("prod"));
        }
    }

    #[test]
    fn one_account_that_changes_its_integration_is_no_other_account() {
        let tenant = &mut Tenant::new("acme");
        commit_accounts(tenant, "one", &[(A, "prod")]);
        let notices = commit(tenant, |tenant| {
            tenant.remove::<Integration>("one");
            put_accounts(tenant, "two", &[(A, "prod")]);
        });
        assert_eq!(notices, NOTHING);
        assert_eq!(handle(tenant, "two", A), Some("prod"));
    }

    #[test]
    fn an_override_s_handle_is_effective_until_it_goes() {
        let tenant = &mut Tenant::new("acme");
        commit_accounts(tenant, "one", &[(A, "prod")]);
        commit(tenant, |tenant| {
            tenant.put(connection_override("co_1", "one", A, "main"))
        });
        assert_eq!(handle(tenant, "one", A), Some("main"));

        // A rename does not change it, and the old derived handle is free.
        commit_accounts(tenant, "one", &[(A, "renamed"), (B, "prod")]);
        assert_eq!(handle(tenant, "one", A), Some("main"));
        assert_eq!(handle(tenant, "one", B), Some("prod"));

        commit(tenant, |tenant| {
            tenant.remove::<ConnectionOverride>("co_1");
        });
        assert_eq!(handle(tenant, "one", A), Some("renamed"));
    }

    #[test]
    fn an_override_wins_over_those_who_come_with_it() {
        let tenant = &mut Tenant::new("acme");
        commit_accounts(tenant, "one", &[(A, "prod")]);
        let notices = commit(tenant, |tenant| {
            tenant.put(connection_override("co_1", "one", A, "dev"));
            put_accounts(tenant, "two", &[(B, "dev")]);
        });
        assert_eq!(handle(tenant, "one", A), Some("dev"));
        assert_eq!(
            notices,
            [
                "the account 222222222222 (\"dev\") of the integration \"two\" is published as \
                 \"dev_222222222222\", because the account 111111111111 (\"prod\") of the integration \"one\" has the \
                 handle \"dev\""
            ]
        );
    }

    #[test]
    fn a_dormant_override_keeps_its_handle() {
        let tenant = &mut Tenant::new("acme");
        commit_accounts(tenant, "one", &[(A, "prod")]);
        commit(tenant, |tenant| {
            tenant.put(connection_override("co_1", "one", A, "main"))
        });
        commit_accounts(tenant, "one", &[]);
        let notices = commit_accounts(tenant, "one", &[(B, "main")]);
        assert_eq!(
            notices,
            [
                "the account 222222222222 (\"main\") of the integration \"one\" is published as \
                 \"main_222222222222\", because the account 111111111111 of the integration \"one\" (by an \
                 override that is not in force now) has the handle \"main\""
            ]
        );
        let notices = commit_accounts(tenant, "one", &[(A, "prod"), (B, "main")]);
        assert_eq!(notices, NOTHING);
        assert_eq!(handle(tenant, "one", A), Some("main"));
        assert_eq!(handle(tenant, "one", B), Some("main_222222222222"));
    }

    #[test]
    fn an_override_by_id_wins_over_one_by_path_and_both_keep_their_handles() {
        let tenant = &mut Tenant::new("acme");
        let units = [("ou-1", "Work", ""), ("ou-2", "Play", "")];
        commit(tenant, |tenant| put(tenant, "one", &units, &[]));
        commit(tenant, |tenant| {
            tenant.put(folder_override("fo_1", "one", "/Work", "by_path"));
            tenant.put(folder_override("fo_2", "one", "ou-2", "by_id"));
        });
        assert_eq!(handle(tenant, "one", "ou-1"), Some("by_path"));
        assert_eq!(handle(tenant, "one", "ou-2"), Some("by_id"));

        // By night ou-1 goes, and ou-2 takes its path; an account wants the handle that nobody has.
        let accounts = [(A, "by path", "")];
        let notices = commit(tenant, |tenant| {
            put(tenant, "one", &[("ou-2", "Work", "")], &accounts)
        });
        assert_eq!(handle(tenant, "one", "ou-2"), Some("by_id"));
        assert_eq!(
            notices,
            [
                "the account 111111111111 (\"by path\") of the integration \"one\" is published as \
                 \"by_path_111111111111\", because the folder ou-2 (\"Work\") of the integration \"one\" (by an \
                 override that is not in force now) has the handle \"by_path\""
            ]
        );

        // Without a handle of its own, the one by ID wins all the same.
        commit(tenant, |tenant| {
            tenant.put(folder_override("fo_2", "one", "ou-2", ""))
        });
        assert_eq!(handle(tenant, "one", "ou-2"), Some("work"));
        commit(tenant, |tenant| {
            tenant.remove::<FolderOverride>("fo_2");
        });
        assert_eq!(handle(tenant, "one", "ou-2"), Some("by_path"));
    }

    #[test]
    fn an_override_by_path_follows_the_path() {
        let tenant = &mut Tenant::new("acme");
        commit(tenant, |tenant| {
            put(
                tenant,
                "one",
                &[("ou-1", "Work", ""), ("ou-2", "Play", "")],
                &[],
            );
            tenant.put(folder_override("fo_1", "one", "/Work", "work_here"));
        });
        assert_eq!(handle(tenant, "one", "ou-1"), Some("work_here"));
        commit(tenant, |tenant| {
            put(
                tenant,
                "one",
                &[("ou-1", "Rest", ""), ("ou-2", "Work", "")],
                &[],
            );
        });
        assert_eq!(handle(tenant, "one", "ou-1"), Some("rest"));
        assert_eq!(handle(tenant, "one", "ou-2"), Some("work_here"));
        // The folder that it is for now is nobody's ancestor to share the handle with.
        assert_eq!(handle(tenant, "one", "root"), Some("one"));
    }

    #[test]
    fn two_overrides_with_one_handle_by_hand_are_no_error() {
        let tenant = &mut Tenant::new("acme");
        let notices = commit(tenant, |tenant| {
            put_accounts(tenant, "one", &[(A, "a"), (B, "b")]);
            tenant.put(connection_override("co_1", "one", B, "main"));
            tenant.put(connection_override("co_2", "one", A, "main"));
            tenant.put(connection_override("co_3", "one", A, "other"));
        });
        assert_eq!(notices, NOTHING);
        assert_eq!(handle(tenant, "one", A), Some("main"));
        assert_eq!(handle(tenant, "one", B), Some("b"));
    }
}
