//! An AWS organization of any size: 50 accounts an OU, five levels, names that collide now and then.

use std::collections::BTreeMap;

use describe::{Field, Value};
use orgmirror::model::mirror::{
    Desired, Inventory, InventoryAccount, InventoryUnit, Previous, Reconciled, reconcile,
};

/// The prefix of handles.
pub const PREFIX: &str = "aws_";
/// The handle of the integration.
pub const HANDLE: &str = "acme";

/// So many accounts, 50 of them to an OU.
pub fn source(accounts: usize) -> Inventory {
    source_with(accounts, accounts.div_ceil(50).max(5))
}

/// So many accounts in so many OUs.
pub fn source_with(accounts: usize, units: usize) -> Inventory {
    let unit_id = |number: usize| format!("ou-ab12-{number:08}");
    Inventory {
        aws_organization_id: Value::Known("o-a1b2c3d4e5".to_owned()),
        root_id: Some("r-ab12".to_owned()),
        partition: Value::Known("aws".to_owned()),
        organizational_units: (0..units)
            .map(|number| {
                let unit = InventoryUnit {
                    name: Value::Known(format!("Équipe {}", number % 97)),
                    parent_id: (number % 5 > 0).then(|| unit_id(number - 1)).into(),
                };
                (unit_id(number), unit)
            })
            .collect(),
        accounts: (0..accounts)
            .map(|number| {
                (
                    account_id(number),
                    account(number, Some(unit_id(number % units))),
                )
            })
            .collect(),
    }
}

/// The ID of an account by its number.
pub fn account_id(number: usize) -> String {
    format!("{:012}", 100_000_000_000 + number)
}

/// An account by its number. Every tenth name is somebody else's, too.
pub fn account(number: usize, parent_id: Option<String>) -> InventoryAccount {
    let id = account_id(number);
    let tags = BTreeMap::from([("owner".to_owned(), format!("team-{}", number % 200))]);
    InventoryAccount {
        name: Value::Known(format!(
            "Team {} account {}",
            number % 200,
            number - number % 10 % 9
        )),
        email: Value::Known(format!("aws+{id}@acme.example")),
        state: Value::Null,
        parent_id: parent_id.into(),
        joined_at: Value::Known(format!(
            "20{:02}-0{}-01T00:00:00Z",
            10 + number % 15,
            1 + number % 9
        )),
        tags: tags.into_value(),
    }
}

/// The mirror of the accounts; `before` is the one that was there.
pub fn mirrored(inventory: &Inventory, before: Option<&Reconciled>) -> Reconciled {
    let desired = Desired {
        prefix: PREFIX.into(),
        ..Desired::of(inventory, HANDLE, "orgmirror-readonly")
    };
    let previous = before.map(|before| Previous {
        mirror: &before.mirror,
        handle: HANDLE,
        prefix: PREFIX,
        given_handles: &before.given_handles,
    });
    reconcile(&desired, previous.as_ref()).unwrap()
}
