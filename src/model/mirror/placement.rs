//! Who gets which derived handle.
//!
//! What is held and unchanged keeps its handle. Then newcomers are placed one after another, in an order that does not
//! depend on how the service lists things. Where something is unknown, the set of handles that may or may not be taken
//! is carried along: a newcomer whose handle hangs on it is unknown, everyone else is known.

use std::collections::{BTreeMap, HashMap, HashSet};

use describe::Value;
use time::OffsetDateTime;

use super::error::{Holder, MirrorError};
use crate::model::arn::is_account_id;
use crate::model::handle::{self, HandleKind, candidates, derive, is_candidate};

/// Something that needs a handle.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    /// A folder or a connection.
    pub(super) kind: HandleKind,
    /// Root, OU or account ID.
    pub(super) id: &'a str,
    /// Its name; the root's is the integration's handle.
    pub(super) name: Value<&'a str>,
    /// None: placed last among the connections. Folders have none.
    pub(super) joined_at: Value<OffsetDateTime>,
    /// What it was before.
    pub(super) prior: Option<Prior<'a>>,
    /// Whether it was mirrored before.
    pub(super) is_held: bool,
    /// Whether it is the root.
    pub(super) is_root: bool,
}

/// What a held object was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior<'a> {
    /// Its name; the root's is the integration's handle.
    pub(super) name: &'a str,
    /// Its derived handle.
    pub(super) handle: &'a str,
    /// The handle that `initial_handles` once gave it.
    pub(super) given: Option<&'a str>,
}

/// Where an object ended up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its derived handle.
    pub(super) handle: Value<String>,
    /// The handle that `initial_handles` gave it, if that is, or may be, in force.
    pub(super) given: Option<String>,
}

const UNKNOWN: Placed = Placed {
    handle: Value::Unknown,
    given: None,
};

/// What an object holds on to.
#[derive(Debug, Clone)]
enum Claim<'a> {
    /// It keeps this handle.
    Keeps(&'a str),
    /// It keeps this handle if its name turns out to be the same.
    MayKeep(&'a str),
    /// It is a newcomer.
    Newcomer,
}

/// Places every object; the result is in the objects' order.
///
/// # Errors
/// Faults of `initial_handles`.
pub(super) fn place(
    objects: &[Object<'_>],
    prefix: Value<&str>,
    held_prefix: Option<&str>,
    initial_handles: Value<&BTreeMap<String, String>>,
) -> Result<Vec<Placed>, MirrorError> {
    if let Value::Known(initial_handles) = initial_handles {
        check_initial_handles(initial_handles)?;
    }
    let given_now = |object: &Object<'_>| match initial_handles {
        Value::Known(entries) if object.kind == HandleKind::Connection && !object.is_held => {
            entries.get(object.id)
        }
        _ => None,
    };
    let mut placed = vec![UNKNOWN; objects.len()];

    let Value::Known(prefix) = prefix else {
        // Any handle may change with the prefix, but for those that are given.
        for (placed, object) in placed.iter_mut().zip(objects) {
            match (given_now(object), object.prior) {
                (Some(given), _) => {
                    placed.handle = Value::Known(given.clone());
                    placed.given = Some(given.clone());
                }
                (None, Some(prior)) => placed.given = prior.given.map(str::to_owned),
                (None, None) => {}
            }
        }
        return Ok(placed);
    };

    // What is held and unchanged keeps its handle.
    let claims: Vec<Claim<'_>> = objects
        .iter()
        .map(|object| claim(object, prefix, held_prefix))
        .collect();
    let mut claimants: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, claim) in claims.iter().enumerate() {
        if let Claim::Keeps(handle) | Claim::MayKeep(handle) = claim {
            claimants.entry(handle).or_default().push(index);
        }
    }
    let mut taken: HashMap<String, usize> = HashMap::with_capacity(objects.len());
    let mut maybe_taken: HashSet<String> = HashSet::new();
    let mut newcomers: Vec<usize> = (0..objects.len())
        .filter(|&index| matches!(claims[index], Claim::Newcomer))
        .collect();
    let mut newcomers_unknown = false;
    for (handle, indices) in claimants {
        let winner = match indices.as_slice() {
            [index] => matches!(claims[*index], Claim::Keeps(_)).then_some(*index),
            // Only an edited state has two claimants.
            several => first_claimant(several, objects, &claims),
        };
        let Some(winner) = winner else {
            maybe_taken.insert(handle.to_owned());
            for &index in &indices {
                placed[index].given = given_before(&objects[index], handle);
                newcomers_unknown |= !objects[index].is_root || indices.len() > 1;
            }
            continue;
        };
        taken.insert(handle.to_owned(), winner);
        placed[winner] = Placed {
            handle: Value::Known(handle.to_owned()),
            given: given_before(&objects[winner], handle),
        };
        newcomers.extend(indices.into_iter().filter(|&index| index != winner));
    }

    // Then those that `initial_handles` names.
    let mut unplaced = Vec::with_capacity(newcomers.len());
    for index in newcomers {
        let object = &objects[index];
        let Some(given) = given_now(object) else {
            newcomers_unknown |= object.kind == HandleKind::Connection
                && !object.is_held
                && !initial_handles.is_settled();
            newcomers_unknown |= !object.name.is_settled() && !object.is_root;
            unplaced.push(index);
            continue;
        };
        if let Some(&holder) = taken.get(given) {
            return Err(MirrorError::InitialHandleTaken {
                account_id: object.id.to_owned(),
                handle: given.clone(),
                holder: Holder {
                    id: objects[holder].id.to_owned(),
                    name: objects[holder].name.known().map(|&name| name.to_owned()),
                },
            });
        }
        taken.insert(given.clone(), index);
        placed[index] = Placed {
            handle: Value::Known(given.clone()),
            given: Some(given.clone()),
        };
    }
    if newcomers_unknown {
        return Ok(placed);
    }

    // Then connections, then folders.
    let (mut connections, mut folders): (Vec<usize>, Vec<usize>) = unplaced
        .into_iter()
        .partition(|&index| objects[index].kind == HandleKind::Connection);
    let derived: HashMap<usize, String> = connections
        .iter()
        .chain(&folders)
        .filter_map(|&index| {
            let name = objects[index].name.known()?;
            Some((index, derive(name, prefix, objects[index].id)))
        })
        .collect();
    let mut placing = Placing {
        objects,
        derived: &derived,
        taken,
        maybe_taken,
    };
    let disordered = match placing.disordered(&connections) {
        Some(disordered) => disordered,
        None => return Ok(placed),
    };
    connections.sort_unstable_by_key(|&index| order(&objects[index]));
    for &index in &connections {
        if !disordered.contains(&index) {
            placed[index].handle = placing.next(index);
        }
    }
    placing.leave_disordered(&disordered);
    // The root may be a newcomer under a name that is not known yet; it takes its turn among the folders.
    let open_root = objects
        .iter()
        .position(|object| object.is_root && !object.name.is_settled());
    folders.sort_unstable_by_key(|&index| objects[index].id);
    for index in folders {
        if open_root.is_some_and(|root| objects[root].id <= objects[index].id) {
            break;
        }
        placed[index].handle = placing.next(index);
    }
    Ok(placed)
}

fn check_initial_handles(initial_handles: &BTreeMap<String, String>) -> Result<(), MirrorError> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for (account_id, handle) in initial_handles {
        if !is_account_id(account_id) {
            return Err(MirrorError::InitialHandleKey {
                key: account_id.clone(),
            });
        }
        handle::check(HandleKind::Connection, handle).map_err(|source| {
            MirrorError::InitialHandle {
                account_id: account_id.clone(),
                source,
            }
        })?;
        if let Some(first) = seen.insert(handle, account_id) {
            return Err(MirrorError::InitialHandleTwice {
                handle: handle.clone(),
                first: first.to_owned(),
                second: account_id.clone(),
            });
        }
    }
    Ok(())
}

/// What an object holds on to: the handle it has, if these rules could have given it; the one it was given, if what it
/// has was edited.
fn claim<'a>(object: &Object<'a>, prefix: &str, held_prefix: Option<&str>) -> Claim<'a> {
    let Some(prior) = object.prior else {
        return Claim::Newcomer;
    };
    if held_prefix != Some(prefix) || object.name.known().is_some_and(|&name| name != prior.name) {
        return Claim::Newcomer;
    }
    let given = prior
        .given
        .filter(|given| handle::check(HandleKind::Connection, given).is_ok());
    let derived = derive(prior.name, prefix, object.id);
    let handle = if is_candidate(prior.handle, &derived, object.kind, object.id) {
        prior.handle
    } else if let Some(given) = given {
        given
    } else {
        return Claim::Newcomer;
    };
    match object.name {
        Value::Known(_) | Value::Null => Claim::Keeps(handle),
        Value::Unknown => Claim::MayKeep(handle),
    }
}

/// The handle, if `initial_handles` once gave it to the object.
fn given_before(object: &Object<'_>, handle: &str) -> Option<String> {
    let given = object.prior?.given?;
    (given == handle).then(|| given.to_owned())
}

/// The first of several claimants in the order of placement; none if that hangs on something unknown.
fn first_claimant(
    indices: &[usize],
    objects: &[Object<'_>],
    claims: &[Claim<'_>],
) -> Option<usize> {
    let certain = indices
        .iter()
        .all(|&index| matches!(claims[index], Claim::Keeps(_)));
    let connections: Vec<usize> = indices
        .iter()
        .copied()
        .filter(|&index| objects[index].kind == HandleKind::Connection)
        .collect();
    let ordered = connections.len() < 2
        || connections
            .iter()
            .all(|&index| objects[index].joined_at.is_settled());
    if !(certain && ordered) {
        return None;
    }
    match connections.is_empty() {
        false => connections
            .into_iter()
            .min_by_key(|&index| order(&objects[index])),
        true => indices
            .iter()
            .copied()
            .min_by_key(|&index| objects[index].id),
    }
}

/// By the time of joining (absent: last), then by ID.
fn order<'a>(object: &Object<'a>) -> (bool, Option<OffsetDateTime>, &'a str) {
    let joined_at = object.joined_at.known().copied();
    (joined_at.is_none(), joined_at, object.id)
}

/// Placing newcomers one after another.
struct Placing<'p, 'a> {
    objects: &'p [Object<'a>],
    /// Derived handles of the newcomers, before collisions.
    derived: &'p HashMap<usize, String>,
    /// Handles that are taken, whatever the unknowns turn out to be.
    taken: HashMap<String, usize>,
    /// Handles that may be taken.
    maybe_taken: HashSet<String>,
}

impl Placing<'_, '_> {
    fn candidates(&self, index: usize) -> impl Iterator<Item = String> {
        let object = &self.objects[index];
        // Every newcomer that is placed has a name; without one there would be nothing to try.
        self.derived
            .get(&index)
            .into_iter()
            .flat_map(|derived| candidates(derived, object.kind, object.id))
    }

    /// The newcomer's handle: the first candidate that is free; unknown where that hangs on something unknown.
    fn next(&mut self, index: usize) -> Value<String> {
        let first = self
            .candidates(index)
            .find(|candidate| !self.taken.contains_key(candidate));
        match first {
            Some(handle) if !self.maybe_taken.contains(&handle) => {
                self.taken.insert(handle.clone(), index);
                Value::Known(handle)
            }
            _ => {
                self.leave_open(index);
                Value::Unknown
            }
        }
    }

    /// Marks every handle that the newcomer may get, whatever the unknowns turn out to be.
    fn leave_open(&mut self, index: usize) {
        let mut open = Vec::new();
        for candidate in self.candidates(index) {
            if self.taken.contains_key(&candidate) {
                continue;
            }
            let is_free = !self.maybe_taken.contains(&candidate);
            open.push(candidate);
            if is_free && open.len() > 1 {
                break;
            }
        }
        self.maybe_taken.extend(open);
    }

    /// Connections that want the same handle as another: one of them gets it, the others one with their ID.
    fn leave_disordered(&mut self, disordered: &HashSet<usize>) {
        let mut wanted = Vec::new();
        for &index in disordered {
            if let Some(handle) = self.candidates(index).next()
                && !self.maybe_taken.contains(&handle)
            {
                wanted.push((handle, index));
            }
        }
        for &index in disordered {
            self.leave_open(index);
        }
        self.taken.extend(wanted);
    }

    /// The connections whose handles hang on when they joined, where that is unknown: those that want the same handle
    /// as another. None if that cannot be told apart, because a handle with an account ID is in play as a name.
    fn disordered(&self, connections: &[usize]) -> Option<HashSet<usize>> {
        let is_unknown = |index: &usize| !self.objects[*index].joined_at.is_settled();
        if !connections.iter().any(is_unknown) {
            return Some(HashSet::new());
        }
        let mut wanting: HashMap<&str, Vec<usize>> = HashMap::new();
        for &index in connections {
            if let Some(derived) = self.derived.get(&index) {
                wanting.entry(derived).or_default().push(index);
            }
        }
        for &index in connections {
            let suffixed = self.candidates(index).nth(1)?;
            if wanting.contains_key(suffixed.as_str())
                || self.taken.contains_key(&suffixed)
                || self.maybe_taken.contains(&suffixed)
            {
                return None;
            }
        }
        Some(
            wanting
                .into_iter()
                .filter(|(handle, indices)| {
                    indices.len() > 1
                        && indices.iter().any(is_unknown)
                        && !self.taken.contains_key(*handle)
                })
                .flat_map(|(_, indices)| indices)
                .collect(),
        )
    }
}
