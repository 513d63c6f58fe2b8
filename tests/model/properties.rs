//! What holds for every mirror and every snapshot.

use std::collections::BTreeSet;

use describe::{Known, Value};
use orgmirror::model::handle::{self, HandleKind};
use orgmirror::model::mirror::{
    Inventory, Mirror, MirrorError, PlannedMirror, unexplained_handles,
};
use orgmirror::model::snapshot::{Account, OrganizationalUnit, Selection, Snapshot, SnapshotParts};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::generate::{
    ACCOUNTS, Change, ROOT, UNITS, account_id, change, edit, filled, hidden, history, member, world,
};
use crate::reference::{Taken, is_valid, obvious_choices, obvious_handle, obvious_mirror};
use crate::world::{Past, World};
use crate::{all_handles, cases};

fn agrees<T: PartialEq + std::fmt::Debug>(
    early: &Value<T>,
    full: &Value<T>,
) -> Result<(), TestCaseError> {
    prop_assert!(full.is_settled());
    prop_assert!(
        early.is_unknown() || early == full,
        "{early:?} became {full:?}"
    );
    Ok(())
}

fn mirrors_agree(early: &PlannedMirror, full: &PlannedMirror) -> Result<(), TestCaseError> {
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

/// Whether a parent of an OU or account is the root or below it.
fn leads_to_root<'a>(source: &'a Inventory, mut parent: Option<&'a str>) -> bool {
    for _ in 0..=source.organizational_units.len() {
        match parent {
            None | Some(ROOT) => return true,
            Some(id) => match source.organizational_units.get(id) {
                Some(unit) => parent = unit.parent_id(),
                None => return false,
            },
        }
    }
    false
}

proptest! {
    #![proptest_config(cases(1500))]

    /// Whatever the name and the ID, what the rules make of them is valid, and is what the obvious model makes.
    #[test]
    fn derived_handles_are_valid(name in ".{0,60}", prefix in "([a-z](_?[a-z0-9]){0,8}_?)?", id in ".{0,20}") {
        let derived = handle::derive(&name, &prefix, &id);
        prop_assert!(is_valid(&derived), "{derived}");
        prop_assert_eq!(&derived, &obvious_handle(&name, &prefix, &id));
        for kind in [HandleKind::Folder, HandleKind::Connection] {
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
        prop_assert_eq!(handle::check(HandleKind::Connection, &value).is_ok(), is_valid(&value));
        let is_group = value.len() <= 63
            && !value.is_empty()
            && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
            && !value.starts_with(['_', '-'])
            && !value.ends_with(['_', '-']);
        prop_assert_eq!(handle::check(HandleKind::Workspace, &value).is_ok(), is_group);
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
            let result = world.known_mirror(past.as_ref());
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
                    world.known_mirror(past.as_ref()).unwrap()
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
            let again = world.known_mirror(Some(&next)).unwrap();
            prop_assert_eq!(&again.mirror, &next.mirror);
            prop_assert_eq!(&again.given_handles, &next.given);

            // An imported mirror comes without the handles that were given, and keeps them all the same.
            let imported = Past { given: unexplained_handles(&next.mirror, &next.prefix), ..next.clone() };
            let again = world.known_mirror(Some(&imported)).unwrap();
            prop_assert_eq!(&again.mirror, &next.mirror);
            past = Some(next);
        }
    }

    /// Nobody else's handle changes when one joins, leaves, moves, is suspended or is renamed.
    #[test]
    fn nobody_else_is_renamed(mut world in world(), changes in vec(change(), 1..8)) {
        world.initial.clear();
        let mirrored = world.known_mirror(None).unwrap();
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
            let mirrored = world.known_mirror(Some(&past)).unwrap();
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
            match (&early, fill.known_mirror(past.as_ref())) {
                (Ok(early), Ok(full)) => {
                    let full = full.mirror.into_planned().mirror().unwrap();
                    mirrors_agree(&early.mirror, &full)?;
                }
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
                    && connection.name.known() == Some(&before.name)
                    && !hidden.settings.contains("prefix")
                    && world.prefix == past.prefix
                    && choices.contains(&before.derived_handle)
                {
                    prop_assert_eq!(connection.derived_handle.known(), Some(&before.derived_handle));
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
            if open.iter().any(|(_, name, _)| name.is_unknown()) {
                prop_assert!(open.iter().all(|(_, _, handle)| handle.is_unknown()));
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
        let mut parts = SnapshotParts {
            organization: Snapshot {
                id: "o-a".to_owned(),
                management_account_id: management.clone(),
                partition: "aws".to_owned(),
                root_id: ROOT.to_owned(),
                ..Snapshot::default()
            },
            organizational_units: world.units.iter().map(|(id, (name, parent))| {
                let unit = OrganizationalUnit {
                    name: name.clone(),
                    parent_id: parent.clone().unwrap_or(ROOT.to_owned()),
                    ..OrganizationalUnit::default()
                };
                (id.clone(), unit)
            }).collect(),
            accounts: world.accounts.iter().map(|(id, member)| {
                let account = Account {
                    name: member.name.clone(),
                    state: member.state.clone(),
                    parent_id: member.parent.clone().unwrap_or(ROOT.to_owned()),
                    joined_at: member.joined.clone(),
                    ..Account::default()
                };
                (id.clone(), account)
            }).chain([(management.clone(), Account {
                name: "management".to_owned(),
                state: "ACTIVE".to_owned(),
                parent_id: ROOT.to_owned(),
                ..Account::default()
            })]).collect(),
        };
        let assembled = Snapshot::assemble(parts.clone());
        for pair in swaps.chunks(2) {
            let (units, accounts) = (parts.organizational_units.len(), parts.accounts.len());
            if units > 0 {
                parts.organizational_units.swap(pair[0].index(units), pair[1].index(units));
            }
            parts.accounts.swap(pair[0].index(accounts), pair[1].index(accounts));
        }
        prop_assert_eq!(&Snapshot::assemble(parts), &assembled);
        // Deeper than five levels is refused, which is tested beside the code.
        let Ok(snapshot) = assembled else { return Ok(()) };
        let source = Inventory::from(&snapshot);
        prop_assert_eq!(source.organizational_units.len(), world.units.len());
        prop_assert_eq!(source.accounts.len(), world.accounts.len() + 1);
        let units = source.organizational_units.values().map(|unit| &unit.parent_id);
        let accounts = source.accounts.values().map(|account| &account.parent_id);
        prop_assert!(units.chain(accounts).all(|parent| leads_to_root(&source, parent.known().map(String::as_str))));

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
