//! An organization of 10,000 accounts.

use orgmirror_testing::double::{Double, Organization};

use crate::PROVIDER;
use crate::configurations::{DATA, INTEGRATION, Integration, SNAPSHOT, arguments_for};

#[test]
fn ten_thousand_accounts_are_planned_applied_and_destroyed() {
    let double = Double::start(Organization::generate(10_000, 11));
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(&double));
    workspace
        .configure(&format!(
            "{SNAPSHOT}{}",
            Integration::of(DATA)
                .set("deletion_protection", "false")
                .hcl()
        ))
        .apply();
    let active = double
        .organization()
        .accounts()
        .values()
        .filter(|account| account.state == "ACTIVE")
        .count();
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(
        created["connections"].as_object().map(serde_json::Map::len),
        Some(active)
    );
    workspace.destroy();
}
