//! The mirror that follows from an inventory and the mirror before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use describe::{Field, Set, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::{Holder, MirrorError};
use super::inventory::{Inventory, InventoryAccount};
use super::placement::{Object, Prior, place};
use super::{ACTIVE, PlannedConnection, PlannedFolder, PlannedMirror, ROOT_NAME, role_arn};
use crate::model::handle::HandleKind;
use crate::model::owners::{Owner, PlannedOwner, ResourceOwner};
use crate::model::snapshot::{ROOT_PATH, path_below, path_segment};
use crate::model::sso::Sso;

/// Everything that a mirror follows from: the inventory and the settings of its integration.
#[derive(Debug, Clone)]
pub struct Desired<'a> {
    /// What to mirror.
    pub inventory: &'a Inventory,
    /// The integration's handle; it names the root folder.
    pub handle: Value<String>,
    /// Prefix of all derived handles; null or empty: none. Checked by the caller.
    pub prefix: Value<String>,
    /// Handles for accounts that are not mirrored yet, by account ID; null: none.
    pub initial_handles: Value<BTreeMap<String, String>>,
    /// Name (with path, without leading slash) of the IAM role in every account.
    pub role_name: Value<String>,
    /// As configured; tells the partition where the inventory does not.
    pub default_region: Value<String>,
    /// Sign-in facts; null: none.
    pub sso: Value<Sso>,
    /// Owners of the integration; null or empty: none.
    pub owners: Value<Vec<Owner>>,
    /// Account tags that name owners; null or empty: none.
    pub resource_owners: Value<Vec<ResourceOwner>>,
}

impl<'a> Desired<'a> {
    /// The mirror of this inventory under the integration's handle, with the role of this name, and nothing else set.
    pub fn of(inventory: &'a Inventory, handle: &str, role_name: &str) -> Self {
        Self {
            inventory,
            handle: handle.into(),
            prefix: Value::Null,
            initial_handles: Value::Null,
            role_name: role_name.into(),
            default_region: Value::Null,
            sso: Value::Null,
            owners: Value::Null,
            resource_owners: Value::Null,
        }
    }
}

/// The mirror as it was, and what it was made with.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'a> {
    /// The prior mirror.
    pub mirror: &'a PlannedMirror,
    /// The integration's handle then.
    pub handle: &'a str,
    /// The prefix then; empty: none.
    pub prefix: &'a str,
    /// Handles that came from `initial_handles`, by account ID, as the last [`Reconciled`] returned them.
    pub given_handles: &'a BTreeMap<String, String>,
}

/// A mirror, and what to keep beside it for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// Folders and connections.
    pub mirror: PlannedMirror,
    /// Handles that came from `initial_handles` and are in force, by account ID. While names or the prefix are unknown
    /// it may hold some that a later call, with everything known, leaves out.
    pub given_handles: BTreeMap<String, String>,
}

/// Makes the mirror that follows from an inventory, keeping the handles of what was mirrored before.
///
/// What is unknown in `desired` makes unknown what could still change with it, and nothing else: every known value of
/// the result is what a later call, with the unknowns filled in, also gives.
///
/// # Errors
/// An inventory or settings that break a rule. What is unknown may still turn out to break one later.
pub fn reconcile(
    desired: &Desired<'_>,
    previous: Option<&Previous<'_>>,
) -> Result<Reconciled, MirrorError> {
    let inventory = desired.inventory;
    let root_id = inventory.root_id();
    let order = inventory.order()?;

    let mut paths: HashMap<&str, Value<String>> =
        HashMap::from([(root_id, Value::Known(ROOT_PATH.to_owned()))]);
    for (id, parent, _) in order.units {
        let segment = match inventory.organizational_units.get(id) {
            Some(unit) => unit.name_or(id).map(|name| path_segment(name, id)),
            None => Value::Unknown,
        };
        let path = match (paths.get(parent), segment) {
            (Some(Value::Known(parent)), Value::Known(segment)) => {
                Value::Known(path_below(parent, &segment))
            }
            _ => Value::Unknown,
        };
        paths.insert(id, path);
    }
    let path_of = |id: &str| paths.get(id).cloned().unwrap_or(Value::Unknown);

    let mirrored: Vec<(&String, &InventoryAccount)> = inventory
        .accounts
        .iter()
        .filter(|(id, account)| {
            account.state() == ACTIVE
                || previous.is_some_and(|previous| previous.mirror.connections.contains_key(*id))
        })
        .collect();

    let mut objects = Vec::with_capacity(mirrored.len() + inventory.organizational_units.len() + 1);
    for (id, account) in &mirrored {
        let prior = previous.and_then(|previous| {
            let prior = previous.mirror.connections.get(*id)?;
            Some(Prior {
                name: prior.name.known()?,
                handle: prior.derived_handle.known()?,
                given: previous.given_handles.get(*id).map(String::as_str),
            })
        });
        objects.push(Object {
            kind: HandleKind::Connection,
            id,
            name: account.name.as_ref().map(String::as_str).or(|| ""),
            joined_at: joined_at(id, account)?,
            prior,
            is_held: previous.is_some_and(|previous| previous.mirror.connections.contains_key(*id)),
            is_root: false,
        });
    }
    let units = inventory
        .organizational_units
        .iter()
        .map(|(id, unit)| (id.as_str(), unit.name_or(id), false));
    let handle = desired.handle.as_ref().map(String::as_str).or(|| "");
    let root = (root_id, handle, true);
    for (id, name, is_root) in units.chain([root]) {
        let prior = previous.and_then(|previous| {
            let prior = previous.mirror.folders.get(id)?;
            Some(Prior {
                name: match is_root {
                    true => previous.handle,
                    false => prior.name.known()?,
                },
                handle: prior.derived_handle.known()?,
                given: None,
            })
        });
        objects.push(Object {
            kind: HandleKind::Folder,
            id,
            name,
            joined_at: Value::Null,
            is_held: prior.is_some(),
            prior,
            is_root,
        });
    }
    let none = BTreeMap::new();
    let placed = place(
        &objects,
        desired.prefix.as_ref().map(String::as_str).or(|| ""),
        previous.map(|previous| previous.prefix),
        desired.initial_handles.as_ref().or(|| &none),
    )?;

    let mut given_handles = BTreeMap::new();
    let mut handles = HashMap::with_capacity(objects.len());
    for (object, placed) in objects.iter().zip(placed) {
        if let Some(given) = placed.given {
            given_handles.insert(object.id.to_owned(), given);
        }
        handles.insert(object.id, placed.handle);
    }
    let mut handle_of = |id: &str| handles.remove(id).unwrap_or(Value::Unknown);

    let mut folders = BTreeMap::from([(
        root_id.to_owned(),
        PlannedFolder {
            name: Value::Known(ROOT_NAME.to_owned()),
            derived_handle: handle_of(root_id),
            parent_id: Value::Null,
            path: path_of(root_id),
        },
    )]);
    for (id, unit) in &inventory.organizational_units {
        let folder = PlannedFolder {
            name: unit.name_or(id).map(str::to_owned),
            derived_handle: handle_of(id),
            parent_id: unit.parent_id().unwrap_or(root_id).into(),
            path: path_of(id),
        };
        folders.insert(id.clone(), folder);
    }

    let partition = inventory.partition_with(&desired.default_region);
    let role_name = desired.role_name.as_ref().map(String::as_str).or(|| "");
    let owners = Owners::new(&desired.owners, &desired.resource_owners, &mirrored)?;
    let connections = mirrored
        .into_iter()
        .map(|(id, account)| {
            let folder_id = account.parent_id().unwrap_or(root_id);
            let tags = account.known_tags();
            let connection = PlannedConnection {
                name: account.name.clone().or(String::new),
                email: account.email.clone(),
                state: account.state().into(),
                tags: tags.as_ref().map(|tags| (*tags).clone()),
                derived_handle: handle_of(id),
                folder_id: folder_id.into(),
                path: path_of(folder_id),
                derived_role_arn: match (&partition, &role_name) {
                    (Value::Known(partition), Value::Known(role_name)) => {
                        Value::Known(role_arn(partition, id, role_name))
                    }
                    _ => Value::Unknown,
                },
                owners: owners.of(&tags),
                sign_in_url: desired.sso.as_ref().map(|sso| sso.sign_in_url(id)),
            };
            (id.clone(), connection)
        })
        .collect();

    Ok(Reconciled {
        mirror: PlannedMirror {
            aws_organization_id: inventory.aws_organization_id.clone(),
            folders,
            connections,
        },
        given_handles,
    })
}

fn joined_at(id: &str, account: &InventoryAccount) -> Result<Value<OffsetDateTime>, MirrorError> {
    let value = match &account.joined_at {
        Value::Null => return Ok(Value::Null),
        Value::Unknown => return Ok(Value::Unknown),
        Value::Known(value) => value,
    };
    match OffsetDateTime::parse(value, &Rfc3339) {
        Ok(time) => Ok(Value::Known(time)),
        Err(_) => Err(MirrorError::JoinedAt {
            account: Holder {
                id: id.to_owned(),
                name: account.name.known().cloned(),
            },
            value: value.clone(),
        }),
    }
}

/// Tells every connection's owners.
struct Owners<'a> {
    /// The integration's; null: it has none.
    fallback: Value<Set<PlannedOwner>>,
    resource_owners: Value<&'a [ResourceOwner]>,
}

impl<'a> Owners<'a> {
    fn new(
        owners: &Value<Vec<Owner>>,
        resource_owners: &'a Value<Vec<ResourceOwner>>,
        accounts: &[(&String, &InventoryAccount)],
    ) -> Result<Self, MirrorError> {
        let fallback = owners.as_ref().and_then(|owners| {
            let values = owners.iter().flat_map(|owner| {
                let values = owner.values.iter();
                values.map(|value| (owner.attribute.as_str(), value.as_str()))
            });
            by_attribute(values)
        });
        let resource_owners = resource_owners.as_ref().map(Vec::as_slice).or(|| &[]);
        if let Value::Known([_, ..]) = resource_owners {
            if fallback.is_null() {
                return Err(MirrorError::ResourceOwnersWithoutOwners);
            }
            let unread: Vec<Holder> = accounts
                .iter()
                .filter(|(_, account)| account.tags.is_null())
                .map(|(id, account)| Holder {
                    id: (*id).clone(),
                    name: account.name.known().cloned(),
                })
                .collect();
            if !unread.is_empty() {
                return Err(MirrorError::TagsNotRead(unread));
            }
        }
        Ok(Self {
            fallback,
            resource_owners,
        })
    }

    /// The values of the account's tags, each whole: AWS tag values may hold spaces, commas and slashes, so splitting
    /// would guess. An empty value names nobody.
    fn of(&self, tags: &Value<&BTreeMap<String, Value<String>>>) -> Value<Set<PlannedOwner>> {
        let resource_owners = match self.resource_owners {
            // Tags that were not read, or none, leave the integration's owners whatever the tags' keys will be.
            Value::Unknown => match tags {
                Value::Null => return self.fallback.clone(),
                Value::Known(tags) if tags.is_empty() => return self.fallback.clone(),
                // Resource owners require owners: without any there stay none.
                _ if self.fallback.is_null() => return Value::Null,
                _ => return Value::Unknown,
            },
            Value::Null | Value::Known([]) => return self.fallback.clone(),
            Value::Known(resource_owners) => resource_owners,
        };
        let Some(tags) = tags.settled() else {
            return Value::Unknown;
        };
        let owners = by_attribute(resource_owners.iter().filter_map(|named| {
            let value = tags?.get(&named.tag_key)?.known()?;
            (!value.is_empty()).then_some((named.attribute.as_str(), value.as_str()))
        }));
        if owners.is_null() {
            self.fallback.clone()
        } else {
            owners
        }
    }
}

/// One owner per attribute; null where there is none.
fn by_attribute<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value<Set<PlannedOwner>> {
    let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (attribute, value) in pairs {
        values
            .entry(attribute)
            .or_default()
            .insert(value.to_owned());
    }
    let owners: BTreeSet<Owner> = values
        .into_iter()
        .map(|(attribute, values)| Owner {
            attribute: attribute.to_owned(),
            values,
        })
        .collect();
    if owners.is_empty() {
        Value::Null
    } else {
        owners.into_value()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::MirrorValues;
    use super::super::inventory::InventoryUnit;
    use super::*;

    const A: &str = "111111111111";
    const B: &str = "222222222222";
    const C: &str = "333333333333";

    fn account(name: &str) -> InventoryAccount {
        InventoryAccount {
            name: Value::Known(name.to_owned()),
            ..InventoryAccount::default()
        }
    }

    fn unit(name: &str, parent_id: Option<&str>) -> InventoryUnit {
        InventoryUnit {
            name: Value::Known(name.to_owned()),
            parent_id: parent_id.map(str::to_owned).into(),
        }
    }

    fn by_id<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
        entries
            .into_iter()
            .map(|(id, value)| (id.to_owned(), value))
            .collect()
    }

    fn hand_written(
        accounts: impl IntoIterator<Item = (&'static str, InventoryAccount)>,
        units: impl IntoIterator<Item = (&'static str, InventoryUnit)>,
    ) -> Inventory {
        Inventory {
            accounts: by_id(accounts),
            organizational_units: by_id(units),
            ..Inventory::default()
        }
    }

    fn desired(inventory: &Inventory) -> Desired<'_> {
        Desired::of(inventory, "acme", "tools/reader")
    }

    /// Handles by ID; `?` where unknown.
    fn handles(mirrored: &Reconciled) -> BTreeMap<&str, &str> {
        let folders = mirrored
            .mirror
            .folders
            .iter()
            .map(|(id, folder)| (id, &folder.derived_handle));
        let connections = mirrored
            .mirror
            .connections
            .iter()
            .map(|(id, connection)| (id, &connection.derived_handle));
        folders
            .chain(connections)
            .map(|(id, handle)| (id.as_str(), handle.known().map_or("?", String::as_str)))
            .collect()
    }

    fn then(prior: &Reconciled, desired: &Desired<'_>) -> Reconciled {
        let previous = Previous {
            mirror: &prior.mirror,
            handle: "acme",
            prefix: "",
            given_handles: &prior.given_handles,
        };
        reconcile(desired, Some(&previous)).unwrap()
    }

    fn joined(name: &str, joined_at: &str) -> InventoryAccount {
        InventoryAccount {
            joined_at: Value::Known(joined_at.to_owned()),
            ..account(name)
        }
    }

    #[test]
    fn a_hand_written_list_has_a_root() {
        let inventory = hand_written([(A, account("Sandbox"))], []);
        let mirrored = reconcile(&desired(&inventory), None).unwrap().mirror;
        assert_eq!(
            mirrored.folders,
            by_id([(
                "root",
                PlannedFolder {
                    name: Value::Known("Root".to_owned()),
                    derived_handle: Value::Known("acme".to_owned()),
                    parent_id: Value::Null,
                    path: Value::Known("/".to_owned()),
                }
            )])
        );
        assert_eq!(
            mirrored.connections,
            by_id([(
                A,
                PlannedConnection {
                    name: Value::Known("Sandbox".to_owned()),
                    email: Value::Null,
                    state: "ACTIVE".into(),
                    tags: Value::Null,
                    derived_handle: Value::Known("sandbox".to_owned()),
                    folder_id: "root".into(),
                    path: Value::Known("/".to_owned()),
                    derived_role_arn: Value::Known(
                        "arn:aws:iam::111111111111:role/tools/reader".to_owned()
                    ),
                    owners: Value::Null,
                    sign_in_url: Value::Null,
                }
            )])
        );
    }

    #[test]
    fn the_first_to_join_gets_the_handle_whatever_the_zone_it_was_written_in() {
        let inventory = hand_written(
            [
                (A, account("prod")),
                (B, joined("prod", "2024-01-01T01:00:00+02:00")),
                (C, joined("prod", "2024-01-01T00:00:00Z")),
            ],
            [("ou-1", unit("Prod", None))],
        );
        assert_eq!(
            handles(&reconcile(&desired(&inventory), None).unwrap()),
            BTreeMap::from([
                (A, "prod_111111111111"),
                (B, "prod"),
                (C, "prod_333333333333"),
                ("ou-1", "prod_ou1"),
                ("root", "acme"),
            ])
        );
    }

    #[test]
    fn a_handle_that_becomes_free_goes_to_newcomers_only() {
        let inventory = hand_written([(A, account("prod")), (B, account("prod"))], []);
        let first = reconcile(&desired(&inventory), None).unwrap();
        let inventory = hand_written([(B, account("prod"))], []);
        let second = then(&first, &desired(&inventory));
        assert_eq!(handles(&second)[B], "prod_222222222222");
        let inventory = hand_written([(B, account("prod")), (C, account("prod"))], []);
        let third = then(&second, &desired(&inventory));
        assert_eq!(handles(&third)[B], "prod_222222222222");
        assert_eq!(handles(&third)[C], "prod");
    }

    #[test]
    fn states_decide_what_is_mirrored() {
        let with_state = |state: &str| {
            let account = InventoryAccount {
                state: state.into(),
                ..account("prod")
            };
            hand_written([(A, account)], [])
        };
        let suspended = with_state("SUSPENDED");
        let fresh = reconcile(&desired(&suspended), None).unwrap();
        assert!(fresh.mirror.connections.is_empty());
        let active = with_state("ACTIVE");
        let first = reconcile(&desired(&active), None).unwrap();
        let second = then(&first, &desired(&suspended));
        assert_eq!(second.mirror.connections[A].state, "SUSPENDED".into());
        assert_eq!(handles(&second)[A], "prod");
        let third = then(&second, &desired(&active));
        assert_eq!(third, first);
    }

    #[test]
    fn initial_handles_stick_until_the_name_changes() {
        let inventory = hand_written([(A, account("Prod")), (B, account("Legacy"))], []);
        let mut desired = desired(&inventory);
        desired.initial_handles = Value::Known(by_id([(A, "legacy".to_owned())]));
        let first = reconcile(&desired, None).unwrap();
        assert_eq!(handles(&first)[A], "legacy");
        assert_eq!(handles(&first)[B], "legacy_222222222222");
        assert_eq!(first.given_handles, by_id([(A, "legacy".to_owned())]));

        desired.initial_handles = Value::Known(by_id([(A, "other".to_owned())]));
        assert_eq!(then(&first, &desired), first);

        // One that was edited goes back to the one that was given.
        let mut edited = first.clone();
        let connection = edited.mirror.connections.get_mut(A).unwrap();
        connection.derived_handle = Value::Known("edited".to_owned());
        assert_eq!(then(&edited, &desired), first);

        let inventory = hand_written([(A, account("Prod 2")), (B, account("Legacy"))], []);
        let mut desired = super::tests::desired(&inventory);
        desired.initial_handles = Value::Known(by_id([(A, "legacy".to_owned())]));
        let renamed = then(&first, &desired);
        assert_eq!(handles(&renamed)[A], "prod_2");
        assert!(renamed.given_handles.is_empty());
    }

    #[test]
    fn an_edited_handle_does_not_stick_and_one_held_twice_goes_to_the_first() {
        let inventory = hand_written(
            [
                (A, account("prod")),
                (B, joined("prod", "2024-01-01T00:00:00Z")),
            ],
            [],
        );
        let desired = desired(&inventory);
        let mut previous = reconcile(&desired, None).unwrap();
        for connection in previous.mirror.connections.values_mut() {
            connection.derived_handle = Value::Known("prod".to_owned());
        }
        assert_eq!(handles(&then(&previous, &desired))[B], "prod");
        assert_eq!(handles(&then(&previous, &desired))[A], "prod_111111111111");
        for connection in previous.mirror.connections.values_mut() {
            connection.derived_handle = Value::Known("edited".to_owned());
        }
        assert_eq!(handles(&then(&previous, &desired))[B], "prod");
    }

    #[test]
    fn a_handle_held_twice_is_open_while_the_first_is_not_known() {
        let inventory = hand_written(
            [
                (A, joined("prod", "2024-01-01T00:00:00Z")),
                (B, joined("prod", "2025-01-01T00:00:00Z")),
                (C, account("dev")),
            ],
            [],
        );
        let mut previous = reconcile(&desired(&inventory), None).unwrap();
        for id in [A, B] {
            let connection = previous.mirror.connections.get_mut(id).unwrap();
            connection.derived_handle = Value::Known("prod".to_owned());
        }
        let open = BTreeMap::from([(A, "?"), (B, "?"), (C, "dev"), ("root", "acme")]);
        let mut unknown_time = inventory.clone();
        unknown_time.accounts.get_mut(B).unwrap().joined_at = Value::Unknown;
        assert_eq!(handles(&then(&previous, &desired(&unknown_time))), open);
        let mut unknown_name = inventory.clone();
        unknown_name.accounts.get_mut(A).unwrap().name = Value::Unknown;
        assert_eq!(handles(&then(&previous, &desired(&unknown_name))), open);
    }

    #[test]
    fn a_name_with_anothers_account_id_leaves_open_what_hangs_on_unknown_times() {
        let late = |name: &str| InventoryAccount {
            joined_at: Value::Unknown,
            ..account(name)
        };
        let mut inventory = hand_written([(C, account("prod 111111111111"))], []);
        let previous = reconcile(&desired(&inventory), None).unwrap();
        inventory.accounts.insert(A.to_owned(), late("prod"));
        inventory.accounts.insert(B.to_owned(), late("prod"));
        assert_eq!(
            handles(&then(&previous, &desired(&inventory))),
            BTreeMap::from([
                (A, "?"),
                (B, "?"),
                (C, "prod_111111111111"),
                ("root", "acme")
            ])
        );
    }

    #[test]
    fn an_unknown_prefix_leaves_open_all_but_given_handles() {
        let inventory = hand_written([(A, account("prod")), (B, account("dev"))], []);
        let mut desired = desired(&inventory);
        desired.prefix = Value::Unknown;
        desired.initial_handles = Value::Known(by_id([(B, "legacy".to_owned())]));
        let open = reconcile(&desired, None).unwrap();
        assert_eq!(
            handles(&open),
            BTreeMap::from([(A, "?"), (B, "legacy"), ("root", "?")])
        );
        assert_eq!(
            open.mirror.connections[A].path,
            Value::Known("/".to_owned())
        );
        assert!(open.mirror.connections[A].derived_role_arn.is_settled());
    }

    #[test]
    fn an_unknown_integration_handle_leaves_open_the_root_and_what_it_may_displace() {
        let inventory = hand_written(
            [(A, account("prod")), (B, account("acme"))],
            [("ou-1", unit("Eins", None)), ("s-1", unit("Zwei", None))],
        );
        let mut desired = desired(&inventory);
        desired.handle = Value::Unknown;
        // The root takes its turn among the folders, so only those behind it hang on its name.
        assert_eq!(
            handles(&reconcile(&desired, None).unwrap()),
            BTreeMap::from([
                (A, "prod"),
                (B, "acme"),
                ("ou-1", "eins"),
                ("root", "?"),
                ("s-1", "?")
            ])
        );
        // Previous as "acme", it may keep that from a newcomer.
        let before = hand_written([], [("ou-1", unit("Eins", None))]);
        let previous = reconcile(&super::tests::desired(&before), None).unwrap();
        assert_eq!(
            handles(&then(&previous, &desired)),
            BTreeMap::from([
                (A, "prod"),
                (B, "?"),
                ("ou-1", "eins"),
                ("root", "?"),
                ("s-1", "?")
            ])
        );
    }

    #[test]
    fn an_unknown_name_leaves_open_newcomers_and_the_paths_below() {
        let mut inventory = hand_written(
            [(A, account("prod"))],
            [
                ("ou-1", unit("Eins", None)),
                ("ou-2", unit("Zwei", Some("ou-1"))),
            ],
        );
        let previous = reconcile(&desired(&inventory), None).unwrap();
        let newcomer = InventoryAccount {
            parent_id: "ou-2".into(),
            ..account("dev")
        };
        inventory.accounts.insert(B.to_owned(), newcomer);
        let ou = inventory.organizational_units.get_mut("ou-1").unwrap();
        ou.name = Value::Unknown;
        let open = then(&previous, &desired(&inventory));
        assert_eq!(
            handles(&open),
            BTreeMap::from([
                (A, "prod"),
                (B, "?"),
                ("ou-1", "?"),
                ("ou-2", "zwei"),
                ("root", "acme")
            ])
        );
        assert_eq!(open.mirror.folders["ou-2"].path, Value::Unknown);
        assert_eq!(open.mirror.connections[B].path, Value::Unknown);
        assert_eq!(
            open.mirror.connections[A].path,
            Value::Known("/".to_owned())
        );
    }

    #[test]
    fn unknown_initial_handles_matter_to_newcomers_only() {
        let mut inventory = hand_written([(A, account("prod"))], []);
        let previous = reconcile(&desired(&inventory), None).unwrap();
        inventory.accounts.insert(A.to_owned(), account("renamed"));
        let mut renamed = desired(&inventory);
        renamed.initial_handles = Value::Unknown;
        // There is no account they could apply to.
        assert_eq!(handles(&then(&previous, &renamed))[A], "renamed");
        let mut inventory = inventory.clone();
        inventory.accounts.insert(B.to_owned(), account("dev"));
        let mut joined = desired(&inventory);
        joined.initial_handles = Value::Unknown;
        let open = then(&previous, &joined);
        assert_eq!(
            handles(&open),
            BTreeMap::from([(A, "?"), (B, "?"), ("root", "acme")])
        );
    }

    #[test]
    fn an_unknown_time_of_joining_matters_where_a_handle_is_wanted_twice() {
        let late = |name: &str| InventoryAccount {
            joined_at: Value::Unknown,
            ..account(name)
        };
        let inventory = hand_written(
            [(A, late("prod")), (B, account("prod")), (C, late("dev"))],
            [("ou-1", unit("Prod", None)), ("ou-2", unit("Dev", None))],
        );
        assert_eq!(
            handles(&reconcile(&desired(&inventory), None).unwrap()),
            BTreeMap::from([
                (A, "?"),
                (B, "?"),
                (C, "dev"),
                // One of A and B has it; which one does not matter to a folder.
                ("ou-1", "prod_ou1"),
                ("ou-2", "dev_ou2"),
                ("root", "acme"),
            ])
        );
    }

    #[test]
    fn the_partition_comes_from_the_source_or_the_region() {
        let arn = |partition: Value<&str>, region: Value<&str>| {
            let mut inventory = hand_written([(A, account("prod"))], []);
            inventory.partition = partition.map(str::to_owned);
            let mut desired = desired(&inventory);
            desired.default_region = region.map(str::to_owned);
            let mirror = reconcile(&desired, None).unwrap().mirror;
            let arn = mirror.connections[A].derived_role_arn.known();
            arn.map_or("?".to_owned(), |arn| {
                arn.split(':').nth(1).unwrap().to_owned()
            })
        };
        let known = Value::Known;
        assert_eq!(arn(known("aws-cn"), known("us-gov-west-1")), "aws-cn");
        assert_eq!(arn(known("aws-cn"), Value::Unknown), "aws-cn");
        assert_eq!(arn(Value::Null, known("us-gov-west-1")), "aws-us-gov");
        assert_eq!(arn(Value::Null, known("cn-north-1")), "aws-cn");
        assert_eq!(arn(Value::Null, Value::Null), "aws");
        assert_eq!(arn(Value::Null, Value::Unknown), "?");
        assert_eq!(arn(Value::Unknown, Value::Null), "?");
    }

    #[test]
    fn owners_come_from_tags_or_else_from_the_integration() {
        let owner = |attribute: &str, values: &[&str]| Owner {
            attribute: attribute.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let named = |tag_key: &str, attribute: &str| ResourceOwner {
            tag_key: tag_key.to_owned(),
            attribute: attribute.to_owned(),
        };
        let tagged = |tags: &[(&'static str, &str)]| InventoryAccount {
            tags: Value::Known(by_id(
                tags.iter().map(|(key, value)| (*key, (*value).into())),
            )),
            ..account("prod")
        };
        let inventory = hand_written(
            [
                (A, tagged(&[("owner", "ann, bob"), ("backup", "eve")])),
                (B, tagged(&[("owner", ""), ("team", "x")])),
                (C, tagged(&[])),
            ],
            [],
        );
        let mut desired = desired(&inventory);
        desired.owners = Value::Known(vec![owner("group", &["platform"])]);
        desired.resource_owners = Value::Known(vec![
            named("owner", "user"),
            named("backup", "user"),
            named("absent", "group"),
        ]);
        let of = |desired: &Desired<'_>, id: &str| {
            let mirrored = reconcile(desired, None).unwrap().mirror;
            mirrored.connections[id].owners.clone()
        };
        let from_tags = BTreeSet::from([owner("user", &["ann, bob", "eve"])]).into_value();
        let fallback = BTreeSet::from([owner("group", &["platform"])]).into_value();
        assert_eq!(of(&desired, A), from_tags);
        assert_eq!(of(&desired, B), fallback);
        assert_eq!(of(&desired, C), fallback);

        desired.owners = Value::Unknown;
        assert_eq!(of(&desired, A), from_tags);
        assert_eq!(of(&desired, B), Value::Unknown);

        desired.owners = Value::Known(vec![owner("group", &["platform"])]);
        desired.resource_owners = Value::Unknown;
        assert_eq!(of(&desired, A), Value::Unknown);
        assert_eq!(of(&desired, C), fallback);

        desired.resource_owners = Value::Null;
        desired.owners = Value::Known(vec![]);
        assert_eq!(of(&desired, A), Value::Null);
        desired.resource_owners = Value::Known(vec![named("owner", "user")]);
        assert_eq!(
            reconcile(&desired, None),
            Err(MirrorError::ResourceOwnersWithoutOwners)
        );
        desired.owners = Value::Known(vec![owner("group", &["platform"])]);
        let untagged = hand_written([(A, account("prod")), (B, tagged(&[]))], []);
        desired.inventory = &untagged;
        assert_eq!(
            reconcile(&desired, None).unwrap_err().to_string(),
            "resource_owners names account tags, but the tags of 111111111111 (\"prod\") are null: they were not read"
        );
    }

    #[test]
    fn faults_of_the_source_are_named() {
        let fault = |inventory: Inventory| {
            reconcile(&desired(&inventory), None)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            fault(hand_written([("12345", account("short"))], [])),
            "12345 (\"short\") is not an AWS account ID: it must be 12 digits"
        );
        let orphan = InventoryAccount {
            parent_id: "ou-3".into(),
            ..account("prod")
        };
        assert_eq!(
            fault(hand_written(
                [(A, orphan)],
                [("ou-1", unit("Eins", Some("ou-2")))]
            )),
            "ou-1 (\"Eins\") has the parent_id \"ou-2\", which is not there; 111111111111 (\"prod\") has the parent_id \
             \"ou-3\", which is not there"
        );
        assert_eq!(
            fault(hand_written(
                [],
                [
                    ("ou-1", unit("Eins", Some("ou-2"))),
                    ("ou-2", unit("Zwei", Some("ou-1")))
                ]
            )),
            "the OUs ou-1, ou-2 are each other's ancestors"
        );
        for (id, reason) in [
            ("root", "it is both the root's and an OU's"),
            ("", "it is empty"),
            (A, "12 digits are an account's ID"),
            ("/Prod", "what starts with / is a path"),
        ] {
            assert_eq!(
                fault(hand_written([], [(id, unit("Eins", None))])),
                format!("{id:?} cannot be the ID of the root or of an OU: {reason}")
            );
        }
        assert_eq!(
            fault(hand_written([(A, joined("prod", "yesterday"))], [])),
            "joined_at of the account 111111111111 (\"prod\") is \"yesterday\", which is not a time by RFC 3339"
        );
    }

    #[test]
    fn faults_of_initial_handles_are_named() {
        let inventory = hand_written([(A, account("prod"))], []);
        let previous = reconcile(&desired(&inventory), None).unwrap();
        let inventory = hand_written([(A, account("prod")), (B, account("dev"))], []);
        let fault = |entries: &[(&'static str, &str)]| {
            let mut desired = desired(&inventory);
            desired.initial_handles = Value::Known(by_id(
                entries
                    .iter()
                    .map(|(id, handle)| (*id, (*handle).to_owned())),
            ));
            let previous = Previous {
                mirror: &previous.mirror,
                handle: "acme",
                prefix: "",
                given_handles: &previous.given_handles,
            };
            reconcile(&desired, Some(&previous))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            fault(&[(B, "prod")]),
            "initial_handles wants \"prod\" for the account 222222222222, but 111111111111 (\"prod\") has that handle"
        );
        assert_eq!(
            fault(&[(B, "x"), (C, "x")]),
            "initial_handles has \"x\" for both 222222222222 and 333333333333"
        );
        assert_eq!(
            fault(&[("prod", "x")]),
            "initial_handles has the key \"prod\", which is not an AWS account ID of 12 digits"
        );
        assert!(
            fault(&[(B, "Legacy")])
                .starts_with("in initial_handles, for the account 222222222222, the connection handle \"Legacy\" must")
        );
    }

    #[test]
    fn units_without_a_name_go_by_their_id() {
        let nameless = InventoryUnit {
            name: Value::Null,
            parent_id: Value::Null,
        };
        let inventory = hand_written([], [("team-a", nameless), ("team-b", unit("", None))]);
        let mirrored = reconcile(&desired(&inventory), None).unwrap();
        assert_eq!(handles(&mirrored)["team-a"], "team_a");
        let folders = &mirrored.mirror.folders;
        assert_eq!(folders["team-b"].name, Value::Known("team-b".to_owned()));
        assert_eq!(folders["team-b"].path, Value::Known("/team-b".to_owned()));
    }

    #[test]
    fn what_is_not_known_cannot_be_stored() {
        let inventory = hand_written([(A, account("prod"))], []);
        let mut desired = desired(&inventory);
        desired.role_name = Value::Unknown;
        let open = reconcile(&desired, None).unwrap().mirror;
        assert!(!MirrorValues::from(open.clone()).decides_visibility());
        let error = open.known().unwrap_err();
        assert_eq!(error.path(), "connections.111111111111.derived_role_arn");
    }
}
