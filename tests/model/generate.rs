//! Generated worlds and changes.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::model::owners::{Owner, ResourceOwner};
use orgmirror::model::sso::Sso;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::world::{Hidden, Member, Past, SETTINGS, World};

/// Names that collide with each other, with reserved words and with suffixed handles.
pub(crate) const NAMES: [&str; 16] = [
    "Prod",
    "prod",
    "PROD!",
    "Prod Eins",
    "prod 000000000002",
    "prod_000000000003",
    "prod_prod0001",
    "prod prod0001 2",
    "aws",
    "pg",
    "1 / 2 %",
    "---",
    "Zürich – Café",
    "acme",
    "A name that is much too long to be a handle, one",
    "A name that is much too long to be a handle, two",
];

/// Two of these have the same suffix, one has none, one comes after the root's ID.
pub(crate) const UNITS: [&str; 6] = [
    "ou-a-prod0001",
    "ou-b-prod0001",
    "OU",
    "ou-c-11111111",
    "ou-d-22222222",
    "s-a-prod0001",
];
pub(crate) const ACCOUNTS: usize = 8;
pub(crate) const ROOT: &str = "r-a";
pub(crate) const PREFIXES: [&str; 4] = ["", "aws_", "pg", "twenty_characters_pf"];
pub(crate) const HANDLES: [&str; 3] = ["acme", "prod", "aws"];
pub(crate) const STATES: [&str; 3] = ["ACTIVE", "SUSPENDED", "CLOSED"];
pub(crate) const JOINED: [&str; 3] = [
    "2020-01-01T00:00:00Z",
    "2021-06-01T12:00:00Z",
    "2022-12-31T23:59:59Z",
];
pub(crate) const GIVEN: [&str; 4] = ["legacy", "prod", "prod_000000000002", "acme"];

pub(crate) fn account_id(index: usize) -> String {
    format!("{index:012}")
}

pub(crate) fn member() -> impl Strategy<Value = Member> {
    (
        select(&NAMES[..]),
        prop_oneof![4 => Just("ACTIVE"), 1 => select(&STATES[..])],
        proptest::option::of(0..UNITS.len()),
        proptest::option::weighted(0.8, select(&JOINED[..])),
        btree_map(
            Just("owner".to_owned()),
            select(vec!["ann".to_owned(), "bob".to_owned()]),
            0..2,
        ),
    )
        .prop_map(|(name, state, parent, joined, tags)| Member {
            name: name.to_owned(),
            state: state.to_owned(),
            parent: parent.map(|index| UNITS[index].to_owned()),
            joined: joined.map(str::to_owned),
            tags: Some(tags),
        })
}

pub(crate) fn initial_handles() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(
        (0..ACCOUNTS).prop_map(account_id),
        select(&GIVEN[..]).prop_map(str::to_owned),
        0..3,
    )
}

pub(crate) fn sso() -> impl Strategy<Value = Sso> {
    proptest::option::of(select(vec!["ReadOnly".to_owned(), "Admin".to_owned()])).prop_map(
        |role_name| Sso {
            portal_url: "https://acme.awsapps.com/start".to_owned(),
            region: "us-east-1".to_owned(),
            role_name,
        },
    )
}

pub(crate) fn owners() -> impl Strategy<Value = (Option<Vec<Owner>>, Option<Vec<ResourceOwner>>)> {
    let owners = vec![Owner {
        attribute: "group".to_owned(),
        values: BTreeSet::from(["platform".to_owned()]),
    }];
    let resource_owners = vec![ResourceOwner {
        tag_key: "owner".to_owned(),
        attribute: "user".to_owned(),
    }];
    select(vec![
        (None, None),
        (Some(owners.clone()), None),
        (Some(owners), Some(resource_owners)),
    ])
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    let settings = (
        select(&HANDLES[..]),
        select(&PREFIXES[..]),
        initial_handles(),
        select(vec!["reader", "tools/reader"]),
        proptest::option::of(select(vec!["aws", "aws-cn"])),
        proptest::option::of(select(vec!["us-gov-west-1", "cn-north-1", "eu-west-1"])),
        proptest::option::of(sso()),
        owners(),
    );
    let units = vec(
        (select(&NAMES[..]), proptest::option::of(0..UNITS.len())),
        UNITS.len(),
    );
    let present = (
        subsequence((0..UNITS.len()).collect::<Vec<_>>(), 0..=UNITS.len()),
        btree_map((0..ACCOUNTS).prop_map(account_id), member(), 0..=ACCOUNTS),
    );
    (settings, units, present).prop_map(
        |(
            (handle, prefix, initial, role, partition, region, sso, (owners, resource_owners)),
            units,
            (present, accounts),
        )| {
            let mut world = World {
                handle: handle.to_owned(),
                prefix: prefix.to_owned(),
                initial,
                role: role.to_owned(),
                partition: partition.map(str::to_owned),
                region: region.map(str::to_owned),
                sso,
                owners,
                resource_owners,
                units: present
                    .into_iter()
                    .map(|index| {
                        let (name, parent) = units[index];
                        let parent = parent.map(|parent| UNITS[parent].to_owned());
                        (UNITS[index].to_owned(), (name.to_owned(), parent))
                    })
                    .collect(),
                accounts,
            };
            world.mend();
            world
        },
    )
}

impl World {
    /// Puts under the root what has no valid parent. A unit's parent comes before it, so there are no cycles.
    pub(crate) fn mend(&mut self) {
        let rank = |id: &str| UNITS.iter().position(|unit| *unit == id).unwrap();
        let present: BTreeSet<String> = self.units.keys().cloned().collect();
        for (id, (_, parent)) in &mut self.units {
            if parent
                .as_ref()
                .is_some_and(|p| !present.contains(p) || rank(p) >= rank(id))
            {
                *parent = None;
            }
        }
        for member in self.accounts.values_mut() {
            if member.parent.as_ref().is_some_and(|p| !present.contains(p)) {
                member.parent = None;
            }
        }
    }

    pub(crate) fn change(&mut self, change: &Change) {
        match change.clone() {
            Change::Join(index, member) => {
                self.accounts.entry(account_id(index)).or_insert(member);
            }
            Change::Leave(index) => {
                self.accounts.remove(&account_id(index));
            }
            Change::Rename(index, name) => {
                if let Some(member) = self.accounts.get_mut(&account_id(index)) {
                    member.name = name.to_owned();
                }
            }
            Change::Move(index, parent) => {
                if let Some(member) = self.accounts.get_mut(&account_id(index)) {
                    member.parent = parent.map(|parent| UNITS[parent].to_owned());
                }
            }
            Change::State(index, state) => {
                if let Some(member) = self.accounts.get_mut(&account_id(index)) {
                    member.state = state.to_owned();
                }
            }
            Change::Unit(index, name, parent) => {
                let parent = parent.map(|parent| UNITS[parent].to_owned());
                self.units
                    .insert(UNITS[index].to_owned(), (name.to_owned(), parent));
            }
            Change::NoUnit(index) => {
                self.units.remove(UNITS[index]);
            }
            Change::Prefix(prefix) => self.prefix = prefix.to_owned(),
            Change::Handle(handle) => self.handle = handle.to_owned(),
            Change::Initial(initial) => self.initial = initial,
            Change::Edit(..) => {}
        }
        self.mend();
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Join(usize, Member),
    Leave(usize),
    Rename(usize, &'static str),
    Move(usize, Option<usize>),
    State(usize, &'static str),
    /// Joins, renames or moves an OU.
    Unit(usize, &'static str, Option<usize>),
    NoUnit(usize),
    Prefix(&'static str),
    Handle(&'static str),
    Initial(BTreeMap<String, String>),
    /// Someone edits an account's handle in what is held.
    Edit(usize, &'static str),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let account = || 0..ACCOUNTS;
    let unit = || 0..UNITS.len();
    let name = || select(&NAMES[..]);
    prop_oneof![
        4 => (account(), member()).prop_map(|(a, m)| Change::Join(a, m)),
        2 => account().prop_map(Change::Leave),
        3 => (account(), name()).prop_map(|(a, n)| Change::Rename(a, n)),
        1 => (account(), proptest::option::of(unit())).prop_map(|(a, u)| Change::Move(a, u)),
        2 => (account(), select(&STATES[..])).prop_map(|(a, s)| Change::State(a, s)),
        3 => (unit(), name(), proptest::option::of(unit())).prop_map(|(u, n, p)| Change::Unit(u, n, p)),
        1 => unit().prop_map(Change::NoUnit),
        1 => select(&PREFIXES[..]).prop_map(Change::Prefix),
        1 => select(&HANDLES[..]).prop_map(Change::Handle),
        1 => initial_handles().prop_map(Change::Initial),
        1 => (account(), select(vec!["prod", "edited", "prod_000000000002", "prod_prod0001"]))
            .prop_map(|(a, h)| Change::Edit(a, h)),
    ]
}

pub(crate) fn edit(past: &mut Past, index: usize, handle: &str) {
    if let Some(connection) = past.mirror.connections.get_mut(&account_id(index)) {
        connection.derived_handle = handle.to_owned();
    }
}

/// A world and what is held before it, which an edit may have torn.
pub(crate) fn history() -> impl Strategy<Value = (World, Option<Past>)> {
    (world(), any::<bool>(), vec(change(), 0..5)).prop_map(|(mut world, is_held, changes)| {
        if !is_held {
            return (world, None);
        }
        let mirrored = match world.known_mirror(None) {
            Ok(mirrored) => mirrored,
            Err(_) => {
                world.initial.clear();
                world.known_mirror(None).unwrap()
            }
        };
        let mut past = Past::of(&world, mirrored);
        for change in &changes {
            world.change(change);
            if let Change::Edit(index, handle) = change {
                edit(&mut past, *index, handle);
            }
        }
        (world, Some(past))
    })
}

pub(crate) fn hidden() -> impl Strategy<Value = Hidden> {
    let id = || {
        prop_oneof![
            (0..ACCOUNTS).prop_map(account_id),
            select(&UNITS[..]).prop_map(str::to_owned)
        ]
    };
    (
        prop_oneof![
            Just(BTreeSet::new()),
            btree_set(
                prop_oneof![select(&SETTINGS[..]), select(&SETTINGS[..3])],
                1..3
            )
        ],
        btree_set(id(), 0..3),
        btree_set((0..ACCOUNTS).prop_map(account_id), 0..4),
        btree_set((0..ACCOUNTS).prop_map(account_id), 0..3),
    )
        .prop_map(|(settings, names, joined, tags)| Hidden {
            settings,
            names,
            joined,
            tags,
        })
}

/// `world` with other values where something is hidden.
pub(crate) fn filled(world: &World, hidden: &Hidden, other: &World, members: &[Member]) -> World {
    let mut filled = world.clone();
    for setting in &hidden.settings {
        match *setting {
            "handle" => filled.handle = other.handle.clone(),
            "prefix" => filled.prefix = other.prefix.clone(),
            "initial" => filled.initial = other.initial.clone(),
            "role" => filled.role = other.role.clone(),
            "partition" => filled.partition = other.partition.clone(),
            "region" => filled.region = other.region.clone(),
            "sso" => filled.sso = other.sso.clone(),
            "owners" => filled.owners = other.owners.clone(),
            _ => filled.resource_owners = other.resource_owners.clone(),
        }
    }
    let mut members = members.iter().cycle();
    for id in &hidden.names {
        let name = &members.next().unwrap().name;
        if let Some(unit) = filled.units.get_mut(id) {
            unit.0 = name.clone();
        }
        if let Some(member) = filled.accounts.get_mut(id) {
            member.name = name.clone();
        }
    }
    for id in &hidden.joined {
        if let Some(member) = filled.accounts.get_mut(id) {
            member.joined = members.next().unwrap().joined.clone();
        }
    }
    for id in &hidden.tags {
        if let Some(member) = filled.accounts.get_mut(id) {
            member.tags = members.next().unwrap().tags.clone();
        }
    }
    filled
}
