//! The model against a slow, obvious one, over generated organizations and sequences of changes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::model::effective::effective_handle;
use orgmirror::model::handle::{self, Kind};
use orgmirror::model::integration::{Integration, Owner, ResourceOwner, Sso};
use orgmirror::model::late::Late;
use orgmirror::model::mirror::{
    Connection, Folder, Held, Mirror, MirrorError, Mirrored, Source, SourceAccount, SourceUnit,
    Wanted, mirror, unexplained_handles,
};
use orgmirror::model::snapshot::{AccountFacts, Facts, Selection, Snapshot, UnitFacts};
use orgmirror::model::tree::{draw, draw_source};
use orgmirror_testing::objects::{integration_of, settings};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

mod settling;
mod visibility;

/// Names that collide with each other, with reserved words and with suffixed handles.
const NAMES: [&str; 16] = [
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
const UNITS: [&str; 6] = [
    "ou-a-prod0001",
    "ou-b-prod0001",
    "OU",
    "ou-c-11111111",
    "ou-d-22222222",
    "s-a-prod0001",
];
const ACCOUNTS: usize = 8;
const ROOT: &str = "r-a";
const PREFIXES: [&str; 4] = ["", "aws_", "pg", "twenty_characters_pf"];
const HANDLES: [&str; 3] = ["acme", "prod", "aws"];
const STATES: [&str; 3] = ["ACTIVE", "SUSPENDED", "CLOSED"];
const JOINED: [&str; 3] = [
    "2020-01-01T00:00:00Z",
    "2021-06-01T12:00:00Z",
    "2022-12-31T23:59:59Z",
];
const GIVEN: [&str; 4] = ["legacy", "prod", "prod_000000000002", "acme"];

fn account_id(index: usize) -> String {
    format!("{index:012}")
}

/// All that a mirror follows from, in plain strings.
#[derive(Debug, Clone, PartialEq)]
struct World {
    handle: String,
    prefix: String,
    initial: BTreeMap<String, String>,
    role: String,
    partition: Option<String>,
    region: Option<String>,
    sso: Option<Sso>,
    owners: Option<Vec<Owner>>,
    resource_owners: Option<Vec<ResourceOwner>>,
    /// ID to name and parent.
    units: BTreeMap<String, (String, Option<String>)>,
    accounts: BTreeMap<String, Member>,
}

#[derive(Debug, Clone, PartialEq)]
struct Member {
    name: String,
    state: String,
    parent: Option<String>,
    joined: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

/// Which inputs are not known yet.
#[derive(Debug, Clone, Default)]
struct Hidden {
    settings: BTreeSet<&'static str>,
    names: BTreeSet<String>,
    joined: BTreeSet<String>,
    tags: BTreeSet<String>,
}

const SETTINGS: [&str; 9] = [
    "handle",
    "prefix",
    "initial",
    "role",
    "partition",
    "region",
    "sso",
    "owners",
    "resource_owners",
];

fn late<T>(value: T, hidden: bool) -> Late<T> {
    if hidden {
        Late::Unknown
    } else {
        Late::Known(value)
    }
}

impl World {
    fn source(&self, hidden: &Hidden) -> Source {
        Source {
            aws_organization_id: Late::Known(Some("o-a".to_owned())),
            root_id: Some(ROOT.to_owned()),
            partition: late(
                self.partition.clone(),
                hidden.settings.contains("partition"),
            ),
            organizational_units: self
                .units
                .iter()
                .map(|(id, (name, parent))| {
                    let unit = SourceUnit {
                        name: late(Some(name.clone()), hidden.names.contains(id)),
                        parent_id: parent.clone(),
                    };
                    (id.clone(), unit)
                })
                .collect(),
            accounts: self
                .accounts
                .iter()
                .map(|(id, member)| {
                    let account = SourceAccount {
                        name: late(member.name.clone(), hidden.names.contains(id)),
                        email: Late::Known(None),
                        state: Some(member.state.clone()),
                        parent_id: member.parent.clone(),
                        joined_at: late(member.joined.clone(), hidden.joined.contains(id)),
                        tags: late(member.tags.clone(), hidden.tags.contains(id)),
                    };
                    (id.clone(), account)
                })
                .collect(),
        }
    }

    fn mirror(&self, hidden: &Hidden, past: Option<&Past>) -> Result<Mirrored, MirrorError> {
        let source = self.source(hidden);
        let hides = |setting| hidden.settings.contains(setting);
        let wanted = Wanted {
            source: &source,
            handle: late(self.handle.clone(), hides("handle")),
            prefix: late(self.prefix.clone(), hides("prefix")),
            initial_handles: late(self.initial.clone(), hides("initial")),
            role_name: late(self.role.clone(), hides("role")),
            default_region: late(self.region.clone(), hides("region")),
            sso: late(self.sso.clone(), hides("sso")),
            owners: late(self.owners.clone(), hides("owners")),
            resource_owners: late(self.resource_owners.clone(), hides("resource_owners")),
        };
        let held = past.map(|past| Held {
            mirror: &past.mirror,
            handle: &past.handle,
            prefix: &past.prefix,
            given_handles: &past.given,
        });
        mirror(&wanted, held.as_ref())
    }
}

/// What is held from before.
#[derive(Debug, Clone)]
struct Past {
    mirror: Mirror,
    handle: String,
    prefix: String,
    given: BTreeMap<String, String>,
}

impl Past {
    fn of(world: &World, mirrored: Mirrored) -> Self {
        Self {
            mirror: mirrored.mirror,
            handle: world.handle.clone(),
            prefix: world.prefix.clone(),
            given: mirrored.given_handles,
        }
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // What failed once becomes a test of its own, not a file of seeds.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

// The slow, obvious model.

fn words(text: &str) -> String {
    any_ascii::any_ascii(text)
        .to_lowercase()
        .chars()
        .map(|c| {
            if "abcdefghijklmnopqrstuvwxyz0123456789".contains(c) {
                c
            } else {
                ' '
            }
        })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("_")
}

fn last_eight(id: &str) -> String {
    let kept: Vec<char> = id
        .chars()
        .filter(|c| c.is_ascii_digit() || c.is_ascii_lowercase())
        .collect();
    if kept.is_empty() {
        // The rules leave this case open; only that there is something, always the same, is wanted.
        return handle::id_suffix(id);
    }
    kept[kept.len().max(8) - 8..].iter().collect()
}

fn reserved(handle: &str) -> bool {
    ["aws", "public"].contains(&handle)
        || ["pg_", "steampipe_"]
            .iter()
            .any(|start| handle.starts_with(start))
}

fn chars(text: &str, count: usize) -> String {
    let mut text: String = text.chars().take(count).collect();
    while text.ends_with('_') {
        text.pop();
    }
    text
}

fn obvious_handle(name: &str, prefix: &str, id: &str) -> String {
    let mut handle = words(name);
    if handle.is_empty() {
        handle = last_eight(id);
    }
    handle = format!("{prefix}{handle}");
    if handle.starts_with(|c: char| c.is_ascii_digit()) || reserved(&handle) {
        handle = format!("a_{handle}");
    }
    if handle.len() > 39 {
        handle = format!("{}_{}", chars(&handle, 30), last_eight(id));
    }
    handle
}

fn obvious_suffixed(handle: &str, suffix: &str) -> String {
    let fitted = |handle: &str| format!("{}_{suffix}", chars(handle, 39 - suffix.len() - 1));
    let whole = fitted(handle);
    if reserved(&whole) {
        fitted(&format!("a_{handle}"))
    } else {
        whole
    }
}

/// Everything an object may be called, best first; long enough for these worlds.
fn obvious_choices(is_folder: bool, name: &str, prefix: &str, id: &str) -> Vec<String> {
    obvious_variants(is_folder, &obvious_handle(name, prefix, id), id)
}

fn obvious_variants(is_folder: bool, handle: &str, id: &str) -> Vec<String> {
    let suffix = if is_folder {
        last_eight(id)
    } else {
        id.to_owned()
    };
    let mut variants = vec![handle.to_owned(), obvious_suffixed(handle, &suffix)];
    variants.extend((2..40).map(|n| obvious_suffixed(handle, &format!("{suffix}_{n}"))));
    variants
}

#[derive(Debug, PartialEq)]
struct Taken;

fn obvious_mirror(
    world: &World,
    past: Option<&Past>,
) -> Result<(Mirror, BTreeMap<String, String>), Taken> {
    // Who is there, in the order of placement: is it a folder, when did it join, ID, name.
    let mut all: Vec<(bool, String, String, String)> = vec![];
    for (id, member) in &world.accounts {
        let was_there = past.is_some_and(|past| past.mirror.connections.contains_key(id));
        if member.state == "ACTIVE" || was_there {
            let joined = member.joined.clone().unwrap_or("9999".to_owned());
            all.push((false, joined, id.clone(), member.name.clone()));
        }
    }
    for (id, (name, _)) in &world.units {
        all.push((true, String::new(), id.clone(), name.clone()));
    }
    all.push((true, String::new(), ROOT.to_owned(), world.handle.clone()));
    all.sort();

    let mut handles: Vec<(String, String)> = vec![];
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let has = |handles: &Vec<(String, String)>, id: &str| handles.iter().any(|(i, _)| i == id);
    let used =
        |handles: &Vec<(String, String)>, handle: &str| handles.iter().any(|(_, h)| h == handle);

    for (is_folder, _, id, name) in &all {
        let Some(past) = past else { continue };
        let (old_name, old_handle) = if *is_folder {
            let Some(folder) = past.mirror.folders.get(id) else {
                continue;
            };
            let old_name = if id == ROOT {
                &past.handle
            } else {
                folder.name.known().unwrap()
            };
            (old_name, folder.derived_handle.known().unwrap())
        } else {
            let Some(connection) = past.mirror.connections.get(id) else {
                continue;
            };
            (
                connection.name.known().unwrap(),
                connection.derived_handle.known().unwrap(),
            )
        };
        if old_name != name || past.prefix != world.prefix {
            continue;
        }
        let choices = obvious_choices(*is_folder, name, &world.prefix, id);
        let once_given = past.given.get(id);
        let keeps = if choices.contains(old_handle) {
            Some(old_handle)
        } else {
            once_given
        };
        if let Some(keeps) = keeps
            && !used(&handles, keeps)
        {
            handles.push((id.clone(), keeps.clone()));
            if once_given == Some(keeps) {
                given.insert(id.clone(), keeps.clone());
            }
        }
    }
    let values: BTreeSet<&String> = world.initial.values().collect();
    if values.len() < world.initial.len() {
        return Err(Taken);
    }
    for (is_folder, _, id, _) in &all {
        let was_there = past.is_some_and(|past| past.mirror.connections.contains_key(id));
        if let (false, false, Some(handle)) = (*is_folder, was_there, world.initial.get(id)) {
            if used(&handles, handle) {
                return Err(Taken);
            }
            handles.push((id.clone(), handle.clone()));
            given.insert(id.clone(), handle.clone());
        }
    }
    for (is_folder, _, id, name) in &all {
        if has(&handles, id) {
            continue;
        }
        let choices = obvious_choices(*is_folder, name, &world.prefix, id);
        let free = choices
            .iter()
            .find(|choice| !used(&handles, choice))
            .unwrap();
        handles.push((id.clone(), free.clone()));
    }
    let handle_of = |id: &str| {
        let (_, handle) = handles.iter().find(|(i, _)| i == id).unwrap();
        Late::Known(handle.clone())
    };

    fn path(world: &World, id: &str) -> String {
        let Some((name, parent)) = world.units.get(id) else {
            return "/".to_owned();
        };
        let name = name.replace('%', "%25").replace('/', "%2F");
        let above = path(world, parent.as_deref().unwrap_or(ROOT));
        format!("{}/{name}", above.trim_end_matches('/'))
    }

    let partition = match (&world.partition, &world.region) {
        (Some(partition), _) => partition.as_str(),
        (None, Some(region)) if region.starts_with("cn-") => "aws-cn",
        (None, Some(region)) if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let mut mirror = Mirror {
        aws_organization_id: Late::Known(Some("o-a".to_owned())),
        ..Mirror::default()
    };
    for (is_folder, _, id, name) in &all {
        if *is_folder {
            let is_root = id == ROOT;
            let folder = Folder {
                name: Late::Known(if is_root {
                    "Root".to_owned()
                } else {
                    name.clone()
                }),
                derived_handle: handle_of(id),
                parent_id: (!is_root).then(|| world.units[id].1.clone().unwrap_or(ROOT.to_owned())),
                path: Late::Known(path(world, id)),
            };
            mirror.folders.insert(id.clone(), folder);
            continue;
        }
        let member = &world.accounts[id];
        let folder_id = member.parent.clone().unwrap_or(ROOT.to_owned());
        let mut owners = world
            .owners
            .as_ref()
            .map(|owners| owners.iter().cloned().collect::<BTreeSet<_>>());
        for named in world.resource_owners.iter().flatten() {
            if let Some(value) = member.tags.as_ref().unwrap().get(&named.tag_key) {
                owners = Some(BTreeSet::from([Owner {
                    attribute: named.attribute.clone(),
                    values: BTreeSet::from([value.clone()]),
                }]));
            }
        }
        let connection = Connection {
            name: Late::Known(name.clone()),
            email: Late::Known(None),
            state: member.state.clone(),
            tags: Late::Known(member.tags.clone()),
            derived_handle: handle_of(id),
            path: Late::Known(path(world, &folder_id)),
            folder_id,
            derived_role_arn: Late::Known(format!("arn:{partition}:iam::{id}:role/{}", world.role)),
            owners: Late::Known(owners),
            sign_in_url: Late::Known(world.sso.as_ref().map(|sso| {
                let role = sso
                    .role_name
                    .as_ref()
                    .map(|role| format!("&role_name={role}"));
                format!(
                    "{}/#/console?account_id={id}{}",
                    sso.portal_url,
                    role.unwrap_or_default()
                )
            })),
        };
        mirror.connections.insert(id.clone(), connection);
    }
    Ok((mirror, given))
}

// Generated worlds and changes.

fn member() -> impl Strategy<Value = Member> {
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

fn initial_handles() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(
        (0..ACCOUNTS).prop_map(account_id),
        select(&GIVEN[..]).prop_map(str::to_owned),
        0..3,
    )
}

fn sso() -> impl Strategy<Value = Sso> {
    proptest::option::of(select(vec!["ReadOnly".to_owned(), "Admin".to_owned()])).prop_map(
        |role_name| Sso {
            portal_url: "https://acme.awsapps.com/start".to_owned(),
            region: "us-east-1".to_owned(),
            role_name,
        },
    )
}

fn owners() -> impl Strategy<Value = (Option<Vec<Owner>>, Option<Vec<ResourceOwner>>)> {
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

fn world() -> impl Strategy<Value = World> {
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
    fn mend(&mut self) {
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

    fn change(&mut self, change: &Change) {
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
enum Change {
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

fn change() -> impl Strategy<Value = Change> {
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

fn edit(past: &mut Past, index: usize, handle: &str) {
    if let Some(connection) = past.mirror.connections.get_mut(&account_id(index)) {
        connection.derived_handle = Late::Known(handle.to_owned());
    }
}

fn all_handles(mirror: &Mirror) -> BTreeMap<String, String> {
    let folders = mirror
        .folders
        .iter()
        .map(|(id, folder)| (id, &folder.derived_handle));
    let connections = mirror
        .connections
        .iter()
        .map(|(id, connection)| (id, &connection.derived_handle));
    folders
        .chain(connections)
        .map(|(id, handle)| (id.clone(), handle.known().expect("known").clone()))
        .collect()
}

/// `^[a-z](_?[a-z0-9])*$`, at most 39 characters, not reserved.
fn is_valid(handle: &str) -> bool {
    let mut after_underscore = true;
    for (at, c) in handle.chars().enumerate() {
        match c {
            'a'..='z' => after_underscore = false,
            '0'..='9' if at > 0 => after_underscore = false,
            '_' if !after_underscore => after_underscore = true,
            _ => return false,
        }
    }
    !after_underscore && handle.len() <= 39 && !reserved(handle)
}

/// A world and what is held before it, which an edit may have torn.
fn history() -> impl Strategy<Value = (World, Option<Past>)> {
    (world(), any::<bool>(), vec(change(), 0..5)).prop_map(|(mut world, is_held, changes)| {
        if !is_held {
            return (world, None);
        }
        let mirrored = match world.mirror(&Hidden::default(), None) {
            Ok(mirrored) => mirrored,
            Err(_) => {
                world.initial.clear();
                world.mirror(&Hidden::default(), None).unwrap()
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

fn hidden() -> impl Strategy<Value = Hidden> {
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
fn filled(world: &World, hidden: &Hidden, other: &World, members: &[Member]) -> World {
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

fn agrees<T: PartialEq + std::fmt::Debug>(
    early: &Late<T>,
    full: &Late<T>,
) -> Result<(), TestCaseError> {
    prop_assert!(full.is_known());
    prop_assert!(
        !early.is_known() || early == full,
        "{early:?} became {full:?}"
    );
    Ok(())
}

fn mirrors_agree(early: &Mirror, full: &Mirror) -> Result<(), TestCaseError> {
    prop_assert!(early.folders.keys().eq(full.folders.keys()));
    prop_assert!(early.connections.keys().eq(full.connections.keys()));
    agrees(&early.aws_organization_id, &full.aws_organization_id)?;
    for (id, early) in &early.folders {
        let full = &full.folders[id];
        prop_assert_eq!(&early.parent_id, &full.parent_id);
        agrees(&early.name, &full.name)?;
        agrees(&early.derived_handle, &full.derived_handle)?;
        agrees(&early.path, &full.path)?;
    }
    for (id, early) in &early.connections {
        let full = &full.connections[id];
        prop_assert_eq!(
            (&early.state, &early.folder_id),
            (&full.state, &full.folder_id)
        );
        agrees(&early.name, &full.name)?;
        agrees(&early.email, &full.email)?;
        agrees(&early.tags, &full.tags)?;
        agrees(&early.derived_handle, &full.derived_handle)?;
        agrees(&early.path, &full.path)?;
        agrees(&early.derived_role_arn, &full.derived_role_arn)?;
        agrees(&early.owners, &full.owners)?;
        agrees(&early.sign_in_url, &full.sign_in_url)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(1500))]

    /// Whatever the name and the ID, what the rules make of them is valid, and is what the obvious model makes.
    #[test]
    fn derived_handles_are_valid(name in ".{0,60}", prefix in "([a-z](_?[a-z0-9]){0,8}_?)?", id in ".{0,20}") {
        let derived = handle::derive(&name, &prefix, &id);
        prop_assert!(is_valid(&derived), "{derived}");
        prop_assert_eq!(&derived, &obvious_handle(&name, &prefix, &id));
        for kind in [Kind::Folder, Kind::Connection] {
            prop_assert_eq!(handle::check(kind, &derived), Ok(()));
            let mut seen = BTreeSet::new();
            for candidate in handle::candidates(&derived, kind, &id).take(5) {
                prop_assert!(is_valid(&candidate), "{candidate}");
                prop_assert!(handle::is_candidate(&candidate, &derived, kind, &id));
                seen.insert(candidate);
            }
            // The suffixed form may equal a derived handle that was cut; the numbered ones never do.
            prop_assert!(seen.len() >= 4, "{seen:?}");
        }
    }

    /// A prefix that no check has seen cannot break a handle either.
    #[test]
    fn hostile_prefixes_do_no_harm(name in ".{0,8}", prefix in ".{0,60}", id in ".{0,8}", suffix in ".{0,60}") {
        let derived = handle::derive(&name, &prefix, &id);
        prop_assert!(is_valid(&derived), "{derived}");
        let suffixed = handle::with_suffix(&derived, &suffix);
        prop_assert!(is_valid(&suffixed), "{suffixed}");
    }

    /// What a check accepts is what the patterns say.
    #[test]
    fn checks_follow_the_patterns(value in "[a-c0-1_A-]{0,6}|[a-z0-9_]{36,42}|.{0,4}") {
        prop_assert_eq!(handle::check(Kind::Connection, &value).is_ok(), is_valid(&value));
        let is_group = value.len() <= 63
            && !value.is_empty()
            && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
            && !value.starts_with(['_', '-'])
            && !value.ends_with(['_', '-']);
        prop_assert_eq!(handle::check(Kind::Workspace, &value).is_ok(), is_group);
    }
}

proptest! {
    #![proptest_config(cases(200))]

    /// Change by change, the mirror is the obvious one; handles are unique and valid; mirroring again changes nothing;
    /// what a mirror holds survives the catalog's JSON.
    #[test]
    fn the_mirror_is_the_obvious_one(mut world in world(), changes in vec(change(), 1..12)) {
        let mut past: Option<Past> = None;
        for change in [None].into_iter().chain(changes.iter().map(Some)) {
            if let Some(change) = change {
                world.change(change);
                if let (Change::Edit(index, handle), Some(past)) = (change, &mut past) {
                    edit(past, *index, handle);
                }
            }
            let obvious = obvious_mirror(&world, past.as_ref());
            let result = world.mirror(&Hidden::default(), past.as_ref());
            let mirrored = match (result, obvious) {
                (Ok(mirrored), Ok((obvious, given))) => {
                    prop_assert_eq!(&mirrored.mirror, &obvious);
                    prop_assert_eq!(&mirrored.given_handles, &given);
                    mirrored
                }
                (Err(error), Err(Taken)) => {
                    prop_assert!(
                        matches!(
                            error,
                            MirrorError::InitialHandleTaken { .. } | MirrorError::InitialHandleTwice { .. }
                        ),
                        "{error}"
                    );
                    world.initial.clear();
                    world.mirror(&Hidden::default(), past.as_ref()).unwrap()
                }
                (result, obvious) => {
                    return Err(TestCaseError::fail(format!("{result:?} is not {obvious:?}")));
                }
            };
            let handles = all_handles(&mirrored.mirror);
            prop_assert!(handles.values().all(|handle| is_valid(handle)), "{handles:?}");
            let unique: BTreeSet<&String> = handles.values().collect();
            prop_assert_eq!(unique.len(), handles.len());

            let json = serde_json::to_string(&mirrored.mirror).unwrap();
            let read: Mirror = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&read, &mirrored.mirror);

            let next = Past::of(&world, mirrored);
            let again = world.mirror(&Hidden::default(), Some(&next)).unwrap();
            prop_assert_eq!(&again.mirror, &next.mirror);
            prop_assert_eq!(&again.given_handles, &next.given);

            // An imported mirror comes without the handles that were given, and keeps them all the same.
            let imported = Past { given: unexplained_handles(&next.mirror, &next.prefix), ..next.clone() };
            let again = world.mirror(&Hidden::default(), Some(&imported)).unwrap();
            prop_assert_eq!(&again.mirror, &next.mirror);

            let drawn = draw(&next.mirror);
            prop_assert_eq!(drawn.lines().count(), handles.len());
            for (id, handle) in &handles {
                prop_assert!(drawn.lines().any(|line| line.contains(id) && line.contains(handle)));
            }
            past = Some(next);
        }
    }

    /// Nobody else's handle changes when one joins, leaves, moves, is suspended or is renamed.
    #[test]
    fn nobody_else_is_renamed(mut world in world(), changes in vec(change(), 1..8)) {
        world.initial.clear();
        let mirrored = world.mirror(&Hidden::default(), None).unwrap();
        let mut past = Past::of(&world, mirrored);
        for change in &changes {
            let who = match change {
                Change::Join(index, _) | Change::Leave(index) | Change::Rename(index, _)
                | Change::Move(index, _) | Change::State(index, _) => account_id(*index),
                Change::Unit(index, ..) | Change::NoUnit(index) => UNITS[*index].to_owned(),
                Change::Handle(_) => ROOT.to_owned(),
                Change::Prefix(_) | Change::Initial(_) | Change::Edit(..) => continue,
            };
            let before = all_handles(&past.mirror);
            world.change(change);
            let mirrored = world.mirror(&Hidden::default(), Some(&past)).unwrap();
            for (id, handle) in all_handles(&mirrored.mirror) {
                if id != who && let Some(before) = before.get(&id) {
                    prop_assert_eq!(before, &handle, "{} after {:?}", id, change);
                }
            }
            past = Past::of(&world, mirrored);
        }
    }

}

proptest! {
    #![proptest_config(cases(1500))]

    /// What is known while something is hidden stays so whatever the hidden values turn out to be; an error stays an
    /// error; with nothing hidden everything is known.
    #[test]
    fn what_is_known_early_stays(
        (world, past) in history(),
        hidden in hidden(),
        other in world(),
        members in vec(member(), 12),
        more_members in vec(member(), 12),
    ) {
        let early = world.mirror(&hidden, past.as_ref());
        let fills = [
            world.clone(),
            filled(&world, &hidden, &other, &members),
            filled(&world, &hidden, &world, &more_members),
            filled(&world, &hidden, &other, &more_members),
        ];
        for fill in fills {
            match (&early, fill.mirror(&Hidden::default(), past.as_ref())) {
                (Ok(early), Ok(full)) => mirrors_agree(&early.mirror, &full.mirror)?,
                (Ok(_), Err(_)) => {}
                (Err(error), full) => prop_assert!(full.is_err(), "{error} went away"),
            }
        }
        if let Ok(early) = &early {
            // An unchanged object's handle hangs on nothing but its own name, the prefix and edits.
            let is_torn = past.as_ref().is_none_or(|past| {
                let handles: BTreeSet<_> = all_handles(&past.mirror).into_values().collect();
                handles.len() < past.mirror.folders.len() + past.mirror.connections.len()
            });
            for (id, connection) in &early.mirror.connections {
                let Some(past) = &past else { continue };
                let Some(before) = past.mirror.connections.get(id) else { continue };
                let choices = obvious_choices(false, &world.accounts[id].name, &world.prefix, id);
                if !is_torn
                    && connection.name == before.name
                    && !hidden.settings.contains("prefix")
                    && world.prefix == past.prefix
                    && choices.contains(before.derived_handle.known().unwrap())
                {
                    prop_assert_eq!(&connection.derived_handle, &before.derived_handle);
                }
            }
            // A newcomer under an unknown name leaves all newcomers open, but for those that were given a handle.
            let is_new = |id: &str| past.as_ref().is_none_or(|past| {
                !past.mirror.connections.contains_key(id) && !past.mirror.folders.contains_key(id)
            });
            let was_given = |id: &str| {
                !hidden.settings.contains("initial") && world.initial.contains_key(id) && is_new(id)
            };
            let open = early.mirror.connections.iter().map(|(id, c)| (id, &c.name, &c.derived_handle))
                .chain(early.mirror.folders.iter().map(|(id, f)| (id, &f.name, &f.derived_handle)))
                .filter(|(id, _, _)| is_new(id) && !was_given(id))
                .collect::<Vec<_>>();
            if open.iter().any(|(_, name, _)| !name.is_known()) {
                prop_assert!(open.iter().all(|(_, _, handle)| !handle.is_known()));
            }
        }
    }

    /// A snapshot does not hang on the order of what was read, and selects what the obvious filter selects.
    #[test]
    fn snapshots_are_ordered_and_selected(
        world in world(),
        swaps in vec(any::<prop::sample::Index>(), 14),
        included in proptest::option::of(subsequence(UNITS.to_vec(), 1..4)),
        excluded in subsequence(UNITS.to_vec(), 0..3),
        excluded_accounts in btree_set((0..ACCOUNTS).prop_map(account_id), 0..2),
        include_management_account in any::<bool>(),
    ) {
        let management = "999999999999".to_owned();
        let mut facts = Facts {
            id: "o-a".to_owned(),
            management_account_id: management.clone(),
            partition: "aws".to_owned(),
            root_id: ROOT.to_owned(),
            organizational_units: world.units.iter().map(|(id, (name, parent))| UnitFacts {
                id: id.clone(),
                name: name.clone(),
                parent_id: parent.clone().unwrap_or(ROOT.to_owned()),
                ..UnitFacts::default()
            }).collect(),
            accounts: world.accounts.iter().map(|(id, member)| AccountFacts {
                id: id.clone(),
                name: member.name.clone(),
                state: member.state.clone(),
                parent_id: Some(member.parent.clone().unwrap_or(ROOT.to_owned())),
                joined_at: member.joined.clone(),
                ..AccountFacts::default()
            }).chain([AccountFacts {
                id: management.clone(),
                name: "management".to_owned(),
                state: "ACTIVE".to_owned(),
                parent_id: Some(ROOT.to_owned()),
                ..AccountFacts::default()
            }]).collect(),
            ..Facts::default()
        };
        let assembled = Snapshot::assemble(facts.clone());
        for pair in swaps.chunks(2) {
            let (units, accounts) = (facts.organizational_units.len(), facts.accounts.len());
            if units > 0 {
                facts.organizational_units.swap(pair[0].index(units), pair[1].index(units));
            }
            facts.accounts.swap(pair[0].index(accounts), pair[1].index(accounts));
        }
        prop_assert_eq!(&Snapshot::assemble(facts), &assembled);
        // Deeper than five levels is refused, which is tested beside the code.
        let Ok(snapshot) = assembled else { return Ok(()) };
        prop_assert_eq!(
            draw_source(&Source::from(&snapshot)).unwrap().lines().count(),
            1 + world.units.len() + world.accounts.len() + 1
        );

        let included: Option<BTreeSet<String>> = included.map(|ids| {
            ids.into_iter().filter(|id| world.units.contains_key(*id)).map(str::to_owned).collect()
        });
        if included.as_ref().is_some_and(BTreeSet::is_empty) {
            return Ok(());
        }
        let selected = snapshot.select(&Selection {
            organizational_unit_ids: included.clone(),
            exclude_organizational_unit_ids: excluded.iter().map(|id| (*id).to_owned()).collect(),
            exclude_account_ids: excluded_accounts.clone(),
            include_management_account,
        }).unwrap();

        // IDs from a folder up to the root, as a text to look into.
        fn chain(world: &World, id: &str) -> String {
            match world.units.get(id) {
                Some((_, parent)) => format!("<{id}>{}", chain(world, parent.as_deref().unwrap_or(ROOT))),
                None => format!("<{id}>"),
            }
        }
        let inside = |folder: &str| {
            let chain = chain(&world, folder);
            let wanted = included.as_ref().is_none_or(|ids| ids.iter().any(|id| chain.contains(&format!("<{id}>"))));
            wanted && !excluded.iter().any(|id| chain.contains(&format!("<{id}>")))
        };
        let units: Vec<&String> = world.units.keys().filter(|id| {
            inside(id) || world.units.keys().any(|below| inside(below) && chain(&world, below).contains(&format!("<{id}>")))
        }).collect();
        prop_assert_eq!(selected.snapshot.organizational_units.keys().collect::<Vec<_>>(), units);
        let mut accounts: Vec<&String> = world.accounts.iter().filter(|(id, member)| {
            inside(member.parent.as_deref().unwrap_or(ROOT)) && !excluded_accounts.contains(*id)
        }).map(|(id, _)| id).collect();
        if include_management_account && inside(ROOT) {
            accounts.push(&management);
        }
        prop_assert_eq!(selected.snapshot.accounts.keys().collect::<Vec<_>>(), accounts);
        let absent: BTreeSet<&str> = excluded
            .into_iter()
            .filter(|id| !world.units.contains_key(*id))
            .collect();
        prop_assert_eq!(selected.absent_unit_ids, Vec::from_iter(absent));
        let absent: Vec<String> = excluded_accounts
            .into_iter()
            .filter(|id| !world.accounts.contains_key(id))
            .collect();
        prop_assert_eq!(selected.absent_account_ids, absent);
    }
}

fn integration(id: &str, world: &World, mirror: Mirror) -> Integration {
    Integration {
        handle_prefix: Some(world.prefix.clone()),
        connection_settings: settings(&world.role, None),
        ..integration_of(id, &world.handle, mirror)
    }
}

fn effective_handles(integration: &Integration) -> BTreeMap<String, String> {
    all_handles(&integration.mirror)
        .into_keys()
        .map(|id| {
            let handle = effective_handle(integration, &id).unwrap().to_owned();
            (id, handle)
        })
        .collect()
}
