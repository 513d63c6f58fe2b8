//! The removal guard: a plan that would remove many connections, or mirror a different AWS organization, stops.
//!
//! That is what a wide exclude or a wrong profile looks like.

use describe::Describe;
use serde::{Deserialize, Serialize};

use super::mirror::PlannedMirror;

/// The guard applies from this many connections up.
pub const APPLIES_FROM: usize = 8;

/// How many connections one plan may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedRemovalGuard)]
pub struct RemovalGuard {
    /// Stops a plan that removes more than this part of the connections, in per cent.
    #[field(default(25), at_least(0))]
    pub percent: i64,
    /// Stops a plan that removes more connections than this.
    #[field(default(20), at_least(0))]
    pub count: i64,
}

impl Default for RemovalGuard {
    fn default() -> Self {
        Self {
            percent: 25,
            count: 20,
        }
    }
}

/// More removals than the guard allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Connections that would be removed, by account ID.
    pub removed: Vec<RemovedConnection>,
    /// Number of existing connections.
    pub held: usize,
    /// The guard that stops it.
    pub guard: RemovalGuard,
}

impl Removal {
    /// Per cent of the existing connections that would be removed, rounded up.
    pub fn percent(&self) -> usize {
        (self.removed.len() * 100).div_ceil(self.held.max(1))
    }
}

/// A connection that would be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedConnection {
    /// Twelve digits.
    pub account_id: String,
    /// Its derived handle.
    pub handle: String,
    /// Its name.
    pub name: String,
}

/// The removals from `prior` to `next`, if they exceed the guard: more than `percent` per cent of the existing connections,
/// or more than `count` of them. A guard of 0 allows no removal, one of 100 per cent and a large count allows all.
pub fn removal(
    prior: &PlannedMirror,
    next: &PlannedMirror,
    guard: RemovalGuard,
) -> Option<Removal> {
    let held = prior.connections.len();
    let removed: Vec<RemovedConnection> = prior
        .connections
        .iter()
        .filter(|(id, _)| !next.connections.contains_key(*id))
        .map(|(id, connection)| RemovedConnection {
            account_id: id.clone(),
            handle: connection
                .derived_handle
                .known()
                .cloned()
                .unwrap_or_default(),
            name: connection.name.known().cloned().unwrap_or_default(),
        })
        .collect();
    let count = removed.len() as i128;
    let stops = held >= APPLIES_FROM
        && count > 0
        && (count * 100 > i128::from(guard.percent) * held as i128
            || count > i128::from(guard.count));
    stops.then_some(Removal {
        removed,
        held,
        guard,
    })
}

/// The IDs of the mirrored and the wanted AWS organization, if both are known and differ.
///
/// A hand-written inventory has no AWS organization, so it never is another one.
pub fn other_organization<'a>(
    prior: &'a PlannedMirror,
    next: &'a PlannedMirror,
) -> Option<(&'a str, &'a str)> {
    let prior = prior.aws_organization_id.known()?;
    let next = next.aws_organization_id.known()?;
    (prior != next).then_some((prior, next))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use describe::Value;

    use super::*;
    use crate::model::mirror::PlannedConnection;

    fn holding(count: usize) -> PlannedMirror {
        let connection = |id: &str| PlannedConnection {
            name: Value::Known(format!("name {id}")),
            email: Value::Null,
            state: "ACTIVE".into(),
            tags: Value::Null,
            derived_handle: Value::Known(format!("handle_{id}")),
            folder_id: "r".into(),
            path: Value::Known("/".to_owned()),
            derived_role_arn: Value::Unknown,
            owners: Value::Null,
            sign_in_url: Value::Null,
        };
        PlannedMirror {
            connections: (0..count)
                .map(|i| format!("{i:012}"))
                .map(|id| (id.clone(), connection(&id)))
                .collect(),
            ..PlannedMirror::default()
        }
    }

    #[test]
    fn it_stops_above_either_and_from_eight_up() {
        let stops = |held, left, percent, count| {
            let guard = RemovalGuard { percent, count };
            removal(&holding(held), &holding(left), guard).is_some()
        };
        let default = RemovalGuard::default();
        let by_default = |held, left| stops(held, left, default.percent, default.count);
        assert!(!by_default(7, 0));
        assert!(!by_default(8, 6), "exactly 25 per cent");
        assert!(by_default(8, 5));
        assert!(!by_default(1000, 980), "exactly 20");
        assert!(by_default(1000, 979));
        assert!(!by_default(8, 8));
        assert!(stops(8, 7, 0, 100));
        assert!(stops(8, 7, 100, 0));
        assert!(!stops(8, 0, 100, 8));
        assert!(!stops(8, 20, 0, 0));
        assert!(!stops(8, 0, i64::MAX, i64::MAX));
    }

    #[test]
    fn what_would_go_is_listed() {
        let removal = removal(&holding(9), &holding(2), RemovalGuard::default()).unwrap();
        assert_eq!((removal.held, removal.percent()), (9, 78));
        assert_eq!(removal.removed.len(), 7);
        assert_eq!(
            removal.removed[0],
            RemovedConnection {
                account_id: "000000000002".to_owned(),
                handle: "handle_000000000002".to_owned(),
                name: "name 000000000002".to_owned(),
            }
        );
    }

    #[test]
    fn another_organization_is_two_known_ids_that_differ() {
        let of = |id: Value<&str>| PlannedMirror {
            aws_organization_id: id.map(str::to_owned),
            ..PlannedMirror::default()
        };
        let a = of(Value::Known("o-a"));
        assert_eq!(other_organization(&a, &a), None);
        assert_eq!(
            other_organization(&a, &of(Value::Known("o-b"))),
            Some(("o-a", "o-b"))
        );
        assert_eq!(other_organization(&a, &of(Value::Unknown)), None);
        assert_eq!(other_organization(&a, &of(Value::Null)), None);
        assert_eq!(other_organization(&of(Value::Null), &a), None);
    }
}
