//! Effective handles: derived handles made unique in the tenant, when a change is committed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::handle::{Kind, candidates, is_candidate};
use super::integration::Integration;
use super::mirror::Mirror;

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

/// Settles the effective handles of an integration after its mirror changed; `before` is the integration as it was,
/// none when it is new, `others` are the other integrations of the tenant, which keep theirs.
///
/// An object keeps the effective handle it had while its derived handle allows it; else it gets its derived handle, and
/// where that is taken in the tenant, the first free one with its ID. The result hangs on the integrations alone, not
/// on any order. `effective_handles` then holds those that differ from the derived ones.
///
/// Warns of handles that newly differ, and of handles that pass to another account.
pub fn settle<'a>(
    others: impl IntoIterator<Item = &'a Integration>,
    integration: &mut Integration,
    before: Option<&Integration>,
) -> Vec<HandleNotice> {
    let (settled, notices) = settled(others, integration, before);
    integration.effective_handles = settled;
    notices
}

fn settled<'a, 'others: 'a>(
    others: impl IntoIterator<Item = &'others Integration>,
    current: &'a Integration,
    before: Option<&'a Integration>,
) -> (BTreeMap<String, String>, Vec<HandleNotice>) {
    let mut taken: HashMap<String, (&Integration, &str)> = HashMap::new();
    for integration in others {
        for (_, id, _) in bearers(&integration.mirror) {
            if let Some(handle) = effective_handle(integration, id) {
                taken.insert(handle.to_owned(), (integration, id));
            }
        }
    }

    // What was published under another handle than the derived one stays so while the rules still allow it.
    let was = before.unwrap_or(current);
    let mut settled: BTreeMap<&str, String> = BTreeMap::new();
    let mut unsettled = Vec::new();
    for (kind, id, derived) in bearers(&current.mirror) {
        let kept = was
            .effective_handles
            .get(id)
            .filter(|handle| {
                handle.as_str() != derived
                    && is_candidate(handle, derived, kind, id)
                    && !taken.contains_key(handle.as_str())
            })
            .map(String::as_str);
        match kept {
            Some(handle) => {
                taken.insert(handle.to_owned(), (current, id));
                settled.insert(id, handle.to_owned());
            }
            None => unsettled.push((kind, id, derived)),
        }
    }
    // Then those whose derived handle is free, before any handle with an ID is made up.
    unsettled.retain(|&(_, id, derived)| {
        if taken.contains_key(derived) {
            return true;
        }
        taken.insert(derived.to_owned(), (current, id));
        false
    });
    let mut notices = Vec::new();
    for (kind, id, derived) in unsettled {
        let free = candidates(derived, kind, id).find(|candidate| !taken.contains_key(candidate));
        let (Some(effective), Some(&(holder, holder_id))) = (free, taken.get(derived)) else {
            continue;
        };
        if before.and_then(|before| before.effective_handles.get(id)) != Some(&effective) {
            notices.push(HandleNotice::Taken {
                bearer: bearer(current, id),
                derived: derived.to_owned(),
                effective: effective.clone(),
                holder: bearer(holder, holder_id),
            });
        }
        taken.insert(effective.clone(), (current, id));
        settled.insert(id, effective);
    }

    if let Some(before) = before {
        let held: HashMap<&str, &str> = bearers(&before.mirror)
            .filter_map(|(_, id, _)| Some((effective_handle(before, id)?, id)))
            .collect();
        for (kind, id, derived) in bearers(&current.mirror) {
            let handle = settled.get(id).map_or(derived, String::as_str);
            match held.get(handle) {
                Some(&from) if from != id && kind == Kind::Connection => {
                    notices.push(HandleNotice::Passed {
                        handle: handle.to_owned(),
                        from: bearer(before, from),
                        to: bearer(current, id),
                    });
                }
                _ => {}
            }
        }
    }

    let settled = settled
        .into_iter()
        .map(|(id, handle)| (id.to_owned(), handle))
        .collect();
    (settled, notices)
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

    /// Gives the integration, whose handle is its ID, these accounts, and settles.
    fn commit(
        tenant: &mut BTreeMap<String, Integration>,
        id: &str,
        accounts: &[(&str, &str)],
    ) -> Vec<String> {
        let before = tenant.get(id).cloned();
        let mut integration = Integration {
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
        tenant.remove(id);
        let notices = settle(tenant.values(), &mut integration, before.as_ref());
        tenant.insert(id.to_owned(), integration);
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
