//! The tables of the guide to handles, made by the rules themselves.

use std::collections::BTreeMap;

use describe::Value;
use orgmirror::model::handle;
use orgmirror::model::mirror::{
    Desired, Inventory, InventoryAccount, InventoryUnit, Previous, Reconciled, reconcile,
};

use super::settle_part;

const GUIDE: &str = "docs/guides/handles.md";

/// Name, prefix, ID of the account, and what the row shows.
const NAMES: [(&str, &str, &str, &str); 14] = [
    (
        "Shared Services",
        "",
        "111122223333",
        "lower case, one `_` for what is between words",
    ),
    (
        "Shared Services",
        "aws_",
        "111122223333",
        "the prefix in front",
    ),
    ("build-runners", "", "111122223333", "`-` is no letter"),
    (
        "Payments (EU) -- prod",
        "",
        "111122223333",
        "a run of other characters is one `_`",
    ),
    ("José García", "", "111122223333", "accents"),
    ("Équipe Données", "", "111122223333", "accents"),
    ("Straße", "", "111122223333", "other Latin letters"),
    ("Бухгалтерия", "", "111122223333", "other scripts"),
    ("決済", "", "111122223333", "other scripts"),
    (
        "2024 archive",
        "",
        "111122223333",
        "a handle starts with a letter",
    ),
    (
        "2024 archive",
        "aws_",
        "111122223333",
        "with a prefix it does",
    ),
    ("aws", "", "111122223333", "reserved: Steampipe's own name"),
    (
        "!!!",
        "",
        "111122223333",
        "nothing is left: the end of the ID",
    ),
    (
        "Customer Relationship Management Production Environment",
        "aws_",
        "111122223333",
        "too long: the first 30, and the end of the ID",
    ),
];

#[test]
fn the_table_of_names_is_what_the_rules_make() {
    settle_names();
}

pub(super) fn settle_names() {
    let mut rows = vec!["| name | `handle_prefix` | handle | why |\n|---|---|---|---|".to_owned()];
    for (name, prefix, id, why) in NAMES {
        let derived = handle::derive(name, prefix, id);
        handle::check(handle::HandleKind::Connection, &derived).expect("a derived handle is valid");
        let prefix = if prefix.is_empty() {
            "none".to_owned()
        } else {
            format!("`{prefix}`")
        };
        rows.push(format!("| {name} | {prefix} | `{derived}` | {why} |"));
    }
    settle_part(GUIDE, "names", &rows.join("\n"));
}

/// ID, name, and when it joined.
const FIRST: [(&str, &str, &str); 4] = [
    ("333333333333", "Sandbox", "2021-03-01T00:00:00Z"),
    ("111111111111", "sandbox", "2022-06-01T00:00:00Z"),
    ("222222222222", "Payments", "2020-01-15T00:00:00Z"),
    ("444444444444", "Legacy", "2019-05-01T00:00:00Z"),
];

#[test]
fn the_table_of_a_life_is_what_the_rules_make() {
    settle_life();
}

pub(super) fn settle_life() {
    let mut source = Inventory {
        organizational_units: BTreeMap::from([(
            "ou-ab12-34cd56ef".to_owned(),
            InventoryUnit {
                name: Value::Known("Payments".to_owned()),
                parent_id: Value::Null,
            },
        )]),
        ..Inventory::default()
    };
    for (id, name, joined) in FIRST {
        source.accounts.insert(id.to_owned(), account(name, joined));
    }
    let mut rows =
        vec!["| what happens | account or OU | handle | why |\n|---|---|---|---|".to_owned()];
    let mut show = |what: &str, mirrored: &Reconciled, objects: &[(&str, &str)]| {
        for (index, (id, why)) in objects.iter().enumerate() {
            let (name, handle) = mirrored
                .mirror
                .connections
                .get(*id)
                .map(|c| (known(&c.name), known(&c.derived_handle)))
                .or_else(|| {
                    let folder = mirrored.mirror.folders.get(*id)?;
                    Some((
                        format!("OU {}", known(&folder.name)),
                        known(&folder.derived_handle),
                    ))
                })
                .unwrap_or_else(|| panic!("{id} is not mirrored"));
            let what = if index == 0 { what } else { "" };
            rows.push(format!("| {what} | {name} (`{id}`) | `{handle}` | {why} |"));
        }
    };

    let first = next(&source, None);
    show(
        "The first apply",
        &first,
        &[
            ("333333333333", "it joined before the other sandbox"),
            (
                "111111111111",
                "the handle is taken: the account ID is appended",
            ),
            ("222222222222", "connections come before folders"),
            (
                "ou-ab12-34cd56ef",
                "the handle is taken: the end of the OU's ID is appended",
            ),
            (
                "444444444444",
                "the carried-over handle of `initial_handles`",
            ),
        ],
    );
    source.accounts.remove("333333333333");
    let second = next(&source, Some(&first));
    show(
        "Sandbox leaves",
        &second,
        &[(
            "111111111111",
            "it keeps its handle, although the shorter one is free",
        )],
    );
    source.accounts.insert(
        "555555555555".to_owned(),
        account("Sandbox", "2026-01-01T00:00:00Z"),
    );
    let third = next(&source, Some(&second));
    show(
        "Another Sandbox joins",
        &third,
        &[
            (
                "555555555555",
                "the handle is free again, and it comes first for its name",
            ),
            ("111111111111", "newcomers change nothing"),
        ],
    );
    source.accounts.get_mut("111111111111").unwrap().name = Value::Known("Playground".to_owned());
    let fourth = next(&source, Some(&third));
    show(
        "sandbox is renamed",
        &fourth,
        &[(
            "111111111111",
            "a new name, a new handle, the same connection",
        )],
    );
    settle_part(GUIDE, "life", &rows.join("\n"));
}

fn account(name: &str, joined: &str) -> InventoryAccount {
    InventoryAccount {
        name: Value::Known(name.to_owned()),
        joined_at: Value::Known(joined.to_owned()),
        ..InventoryAccount::default()
    }
}

fn known(value: &Value<String>) -> String {
    value.known().expect("everything is known").clone()
}

fn next(inventory: &Inventory, held: Option<&Reconciled>) -> Reconciled {
    let initial = BTreeMap::from([("444444444444".to_owned(), "mainframe".to_owned())]);
    let desired = Desired {
        initial_handles: Value::Known(initial),
        ..Desired::of(inventory, "acme", "orgmirror-readonly")
    };
    let held = held.map(|held| Previous {
        mirror: &held.mirror,
        handle: "acme",
        prefix: "",
        given_handles: &held.given_handles,
    });
    reconcile(&desired, held.as_ref()).expect("the inventory can be mirrored")
}
