//! Effective handles over sequences of commits, each with several changes of several integrations and overrides.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::model::admission::{Admit, Rejection};
use orgmirror::model::folder_ref::FolderRef;
use orgmirror::model::handle_assignment::{HandleNotice, assign_handles};
use orgmirror::model::objects::{
    ConnectionOverride, FolderOverride, Integration, OverriddenSettings,
};
use orgmirror::model::tenant::Tenant;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::generate::{ACCOUNTS, Change, UNITS, account_id, change, world};
use crate::reference::{is_valid, obvious_variants};
use crate::world::{Past, World};
use crate::{all_handles, cases, effective_handles, integration};

const INTEGRATIONS: usize = 3;

/// Handles that overrides give: free ones, derived ones, and ones with an ID.
const WISHES: [&str; 6] = [
    "fixed",
    "prod",
    "prod_000000000002",
    "acme",
    "prod_eins",
    "prod_prod0001",
];

#[derive(Debug, Clone)]
enum Step {
    Change(usize, Change),
    /// The integration goes, and what belongs to it.
    Leave(usize),
    OverrideAccount(usize, usize, &'static str),
    OverrideUnit(usize, usize, &'static str),
    /// An override for the path that an OU has now.
    OverridePath(usize, usize, &'static str),
    /// An override goes, counted around.
    Lift(usize),
    /// An override gets another handle, or none.
    Alter(usize, Option<&'static str>),
}

fn step() -> impl Strategy<Value = Step> {
    let at = || 0..INTEGRATIONS;
    let wish = || select(&WISHES[..]);
    prop_oneof![
        8 => (at(), change()).prop_map(|(i, change)| Step::Change(i, change)),
        1 => at().prop_map(Step::Leave),
        3 => (at(), 0..ACCOUNTS, wish()).prop_map(|(i, a, w)| Step::OverrideAccount(i, a, w)),
        2 => (at(), 0..UNITS.len(), wish()).prop_map(|(i, u, w)| Step::OverrideUnit(i, u, w)),
        2 => (at(), 0..UNITS.len(), wish()).prop_map(|(i, u, w)| Step::OverridePath(i, u, w)),
        2 => (0..8_usize).prop_map(Step::Lift),
        1 => (0..8_usize, proptest::option::of(wish())).prop_map(|(n, w)| Step::Alter(n, w)),
    ]
}

fn integration_id(index: usize) -> String {
    format!("in_{index}")
}

/// A tenant and the worlds that its integrations mirror.
struct Run {
    worlds: Vec<World>,
    tenant: Tenant,
    made: usize,
}

impl Run {
    fn mirror(&mut self, index: usize) {
        let id = integration_id(index);
        let world = &mut self.worlds[index];
        world.initial.clear();
        let past = self.tenant.get::<Integration>(&id).map(|before| Past {
            mirror: before.mirror.clone(),
            handle: before.handle.clone(),
            prefix: before.handle_prefix.clone().unwrap(),
            given: BTreeMap::new(),
        });
        let mirrored = world.known_mirror(past.as_ref()).unwrap();
        // Without its effective handles, as the resource gives it to the catalog.
        self.tenant.put(integration(&id, world, mirrored.mirror));
    }

    fn new_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{:03}", self.made)
    }

    fn override_ids(&self) -> Vec<String> {
        let tenant = &self.tenant;
        let folders = tenant.folder_overrides.keys();
        folders
            .chain(tenant.connection_overrides.keys())
            .cloned()
            .collect()
    }

    /// Puts an override that fits; the refusal of one that does not.
    fn put<T: Admit>(&mut self, object: T) -> Result<(), Rejection> {
        let before = self.tenant.get::<T>(object.id());
        object.admit(before, &self.tenant)?;
        self.tenant.put(object);
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Rejection> {
        match step.clone() {
            Step::Change(index, change) => {
                self.worlds[index].change(&change);
                self.mirror(index);
                Ok(())
            }
            Step::Leave(index) => {
                self.tenant.remove::<Integration>(&integration_id(index));
                Ok(())
            }
            Step::OverrideAccount(index, account, handle) => {
                let object = ConnectionOverride {
                    id: self.new_id("co"),
                    integration_id: integration_id(index),
                    account_id: account_id(account),
                    handle: Some(handle.to_owned()),
                    role_arn: None,
                    settings: OverriddenSettings::default(),
                };
                self.put(object)
            }
            Step::OverrideUnit(index, unit, handle) => {
                let folder = FolderRef::Id(UNITS[unit].to_owned());
                self.override_folder(index, folder, handle)
            }
            Step::OverridePath(index, unit, handle) => {
                let mirror = self
                    .tenant
                    .get::<Integration>(&integration_id(index))
                    .map(|integration| &integration.mirror);
                let folder = mirror.and_then(|mirror| mirror.folders.get(UNITS[unit]));
                let path = folder.map_or("/".to_owned(), |f| f.path.clone());
                self.override_folder(index, FolderRef::Path(path), handle)
            }
            Step::Lift(number) => {
                let ids = self.override_ids();
                if let Some(id) = ids.get(number % ids.len().max(1)) {
                    self.tenant.remove::<FolderOverride>(id);
                    self.tenant.remove::<ConnectionOverride>(id);
                }
                Ok(())
            }
            Step::Alter(number, handle) => {
                let ids = self.override_ids();
                let Some(id) = ids.get(number % ids.len().max(1)) else {
                    return Ok(());
                };
                let handle = handle.map(str::to_owned);
                if let Some(object) = self.tenant.get::<FolderOverride>(id) {
                    self.put(FolderOverride {
                        handle,
                        ..object.clone()
                    })
                } else {
                    let object = self.tenant.get::<ConnectionOverride>(id).unwrap();
                    self.put(ConnectionOverride {
                        handle,
                        ..object.clone()
                    })
                }
            }
        }
    }

    fn override_folder(
        &mut self,
        index: usize,
        folder: FolderRef,
        handle: &str,
    ) -> Result<(), Rejection> {
        let object = FolderOverride {
            id: self.new_id("fo"),
            integration_id: integration_id(index),
            folder,
            handle: Some(handle.to_owned()),
            role_name: None,
            settings: OverriddenSettings::default(),
        };
        self.put(object)
    }
}

/// Integration and object.
type Place = (String, String);

/// Every folder and connection: is it a folder, and its derived handle.
fn derived_handles(tenant: &Tenant) -> BTreeMap<Place, (bool, String)> {
    let mut all = BTreeMap::new();
    for integration in tenant.each::<Integration>() {
        for (id, handle) in all_handles(&integration.mirror) {
            let is_folder = integration.mirror.folders.contains_key(&id);
            all.insert((integration.id.clone(), id), (is_folder, handle));
        }
    }
    all
}

fn handles_of(tenant: &Tenant) -> BTreeMap<Place, String> {
    let mut all = BTreeMap::new();
    for integration in tenant.each::<Integration>() {
        for (id, handle) in effective_handles(integration) {
            all.insert((integration.id.clone(), id), handle);
        }
    }
    all
}

/// Handles that active overrides give their objects, and those that the others reserve.
fn obvious_overrides(tenant: &Tenant) -> (BTreeMap<Place, String>, BTreeSet<String>) {
    let mut given = BTreeMap::new();
    let mut kept = BTreeSet::new();
    for overriding in tenant.each::<ConnectionOverride>() {
        let Some(handle) = overriding.handle.clone() else {
            continue;
        };
        let integration = tenant
            .get::<Integration>(&overriding.integration_id)
            .unwrap();
        let place = (integration.id.clone(), overriding.account_id.clone());
        if integration
            .mirror
            .connections
            .contains_key(&overriding.account_id)
        {
            given.insert(place, handle);
        } else {
            kept.insert(handle);
        }
    }
    for overriding in tenant.each::<FolderOverride>() {
        let Some(handle) = overriding.handle.clone() else {
            continue;
        };
        let integration = tenant
            .get::<Integration>(&overriding.integration_id)
            .unwrap();
        let folders = &integration.mirror.folders;
        let found = match &overriding.folder {
            FolderRef::Id(id) => folders.contains_key(id).then(|| id.clone()),
            FolderRef::Path(path) => {
                let mut at_path = folders.iter().filter(|(_, f)| f.path == *path);
                at_path.next().map(|(id, _)| id.clone()).filter(|id| {
                    // By its ID the folder has an override that wins, with a handle or without.
                    !tenant.each::<FolderOverride>().any(|other| {
                        other.integration_id == integration.id
                            && other.folder == FolderRef::Id(id.clone())
                    })
                })
            }
        };
        match found {
            Some(id) => {
                given.insert((integration.id.clone(), id), handle);
            }
            None => {
                kept.insert(handle);
            }
        }
    }
    (given, kept)
}

/// What everything is to be called.
fn obvious_handles(tenant: &Tenant, before: &Tenant) -> BTreeMap<Place, String> {
    let (mut handles, kept) = obvious_overrides(tenant);
    let was = handles_of(before);
    let derived = derived_handles(tenant);
    let mut order: Vec<_> = derived.iter().collect();
    order.sort_by_key(|((integration, id), (is_folder, _))| (integration, *is_folder, id));
    let is_free = |handles: &BTreeMap<Place, String>, handle: &String| {
        !kept.contains(handle) && handles.values().all(|taken| taken != handle)
    };
    let choices = |place: &Place| {
        let (is_folder, handle) = &derived[place];
        obvious_variants(*is_folder, handle, &place.1)
    };
    for (place, _) in &order {
        if let Some(old) = was.get(*place)
            && !handles.contains_key(*place)
            && choices(place).contains(old)
            && is_free(&handles, old)
        {
            handles.insert((*place).clone(), old.clone());
        }
    }
    for (place, (_, handle)) in &order {
        if !handles.contains_key(*place) && is_free(&handles, handle) {
            handles.insert((*place).clone(), handle.clone());
        }
    }
    for (place, _) in &order {
        if !handles.contains_key(*place) {
            let mut choices = choices(place).into_iter();
            let free = choices.find(|choice| is_free(&handles, choice)).unwrap();
            handles.insert((*place).clone(), free);
        }
    }
    handles
}

/// Whether someone else has a handle; `own` is the object of the override that wants it, `id` the override's ID.
fn is_held(tenant: &Tenant, handle: &str, own: &Place, id: &str) -> bool {
    let (given, _) = obvious_overrides(tenant);
    let by_object = handles_of(tenant).into_iter();
    let mut by_object = by_object.filter(|(place, _)| place != own && !given.contains_key(place));
    let connections = tenant.each::<ConnectionOverride>();
    let folders = tenant.each::<FolderOverride>();
    let mut by_override = connections
        .map(|other| (&other.id, &other.handle))
        .chain(folders.map(|other| (&other.id, &other.handle)));
    by_object.any(|(_, held)| held == handle)
        || by_override.any(|(other, held)| other != id && held.as_deref() == Some(handle))
}

fn notices_are_right(
    notices: &[HandleNotice],
    tenant: &Tenant,
    before: &Tenant,
) -> Result<(), TestCaseError> {
    let (old, new) = (handles_of(before), handles_of(tenant));
    let derived = derived_handles(tenant);
    let (given, _) = obvious_overrides(tenant);
    let mut taken = BTreeSet::new();
    let mut reassigned = BTreeSet::new();
    for notice in notices {
        match notice {
            HandleNotice::Taken {
                object,
                derived: wanted,
                effective,
                holder,
            } => {
                let place = (object.integration_id.clone(), object.id.clone());
                prop_assert_eq!(&new[&place], effective);
                prop_assert_eq!(&derived[&place].1, wanted);
                let holding = (holder.integration_id.clone(), holder.id.clone());
                if holder.is_reserved {
                    let (_, kept) = obvious_overrides(tenant);
                    prop_assert!(kept.contains(wanted), "{notice}");
                } else {
                    prop_assert_eq!(&new[&holding], wanted);
                }
                prop_assert!(taken.insert(place), "reported twice: {}", notice);
            }
            HandleNotice::Reassigned { handle, from, to } => {
                let (from, to) = (
                    (from.integration_id.clone(), from.id.clone()),
                    (to.integration_id.clone(), to.id.clone()),
                );
                prop_assert_eq!(&old[&from], handle);
                prop_assert_eq!(&new[&to], handle);
                prop_assert!(reassigned.insert(to), "reported twice: {}", notice);
            }
        }
    }
    for (place, (is_folder, handle)) in &derived {
        let (was, is) = (old.get(place), &new[place]);
        let differs_anew = !given.contains_key(place) && is != handle && was != Some(is);
        prop_assert_eq!(taken.contains(place), differs_anew, "{:?} {}", place, is);
        let was_anothers = old.iter().any(|(from, had)| from.1 != place.1 && had == is);
        prop_assert_eq!(
            reassigned.contains(place),
            !is_folder && was_anothers,
            "{:?} {}",
            place,
            is
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(256))]

    /// Commit by commit, effective handles are the obvious ones: unique in the tenant, valid, an override's for its
    /// object, kept while the rules allow it. Whatever newly differs or is reassigned is reported. Assigning again changes
    /// nothing.
    #[test]
    fn effective_handles_are_the_obvious_ones(
        worlds in vec(world(), INTEGRATIONS),
        commits in vec(vec(step(), 1..5), 1..8),
    ) {
        let mut run = Run { worlds, tenant: Tenant::new("acme"), made: 0 };
        let first = (0..INTEGRATIONS).map(|i| Step::Change(i, Change::Initial(BTreeMap::new())));
        for commit in [first.collect()].into_iter().chain(commits) {
            let before = run.tenant.clone();
            for (position, step) in commit.iter().enumerate() {
                let is_assigned = position == 0;
                let assigned = run.tenant.clone();
                let outcome = run.step(step);
                // Nothing was changed in this commit yet, so that who has what is plain to see.
                if is_assigned && let Step::OverrideAccount(index, account, handle) = step {
                    let own = (integration_id(*index), account_id(*account));
                    let is_taken = matches!(outcome, Err(Rejection::HandleTaken { .. }));
                    let is_other = matches!(
                        outcome,
                        Err(Rejection::NoIntegration(_) | Rejection::NoAccount { .. } | Rejection::Overridden { .. })
                    );
                    prop_assert!(is_other || is_taken == is_held(&assigned, handle, &own, ""), "{:?}", outcome);
                }
                if outcome.is_err() {
                    prop_assert_eq!(&run.tenant, &assigned);
                }
            }
            let wanted = obvious_handles(&run.tenant, &before);
            let unassigned = run.tenant.clone();
            let notices = assign_handles(&mut run.tenant, &before);
            let handles = handles_of(&run.tenant);
            prop_assert_eq!(&handles, &wanted);
            prop_assert!(handles.values().all(|handle| is_valid(handle)));
            prop_assert_eq!(handles.values().collect::<BTreeSet<_>>().len(), handles.len());
            for integration in run.tenant.each::<Integration>() {
                let derived = all_handles(&integration.mirror);
                for (id, handle) in &integration.effective_handles {
                    prop_assert_ne!(handle, &derived[id]);
                }
            }
            notices_are_right(&notices, &run.tenant, &before)?;
            // The worlds' handles are few, so that integrations may share one.
            let problem = run.tenant.problem().unwrap_or_default();
            prop_assert!(problem.is_empty() || problem.contains("both have the handle"), "{problem}");

            // What was put last or first does not matter.
            let mut reversed = Tenant::new("acme");
            for integration in unassigned.each::<Integration>().collect::<Vec<_>>().into_iter().rev() {
                reversed.put(integration.clone());
            }
            reversed.folder_overrides.clone_from(&unassigned.folder_overrides);
            reversed.connection_overrides.clone_from(&unassigned.connection_overrides);
            prop_assert_eq!(&assign_handles(&mut reversed, &before), &notices);
            prop_assert_eq!(&reversed, &run.tenant);

            let assigned = run.tenant.clone();
            prop_assert_eq!(assign_handles(&mut run.tenant, &assigned), vec![]);
            prop_assert_eq!(&run.tenant, &assigned);
        }
    }
}
