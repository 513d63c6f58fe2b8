//! A tenant to render publications of, for the tests of the formats.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::handle_assignment::assign_handles;
use crate::model::mirror::{Desired, Inventory, InventoryAccount, InventoryUnit, reconcile};
use crate::model::objects::workspace::{OptionValue, Options};
use crate::model::objects::{ConnectionSettings, Integration, Workspace};
use crate::model::removal_guard::RemovalGuard;
use crate::model::sso::Sso;
use crate::model::tenant::Tenant;
use crate::model::visibility::{Resolved, View};

/// An integration `in_HANDLE` that everybody sees: OUs as ID, name and parent, accounts as ID, name and OU.
pub(crate) fn integration(
    handle: &str,
    units: &[(&str, &str, Option<&str>)],
    accounts: &[(&str, &str, Option<&str>)],
) -> Integration {
    let units = units.iter().map(|(id, name, parent)| {
        let unit = InventoryUnit {
            name: (*name).into(),
            parent_id: parent.map(str::to_owned).into(),
        };
        ((*id).to_owned(), unit)
    });
    let accounts = accounts.iter().map(|(id, name, unit)| {
        let account = InventoryAccount {
            name: (*name).into(),
            parent_id: unit.map(str::to_owned).into(),
            ..InventoryAccount::default()
        };
        ((*id).to_owned(), account)
    });
    let inventory = Inventory {
        organizational_units: units.collect(),
        accounts: accounts.collect(),
        ..Inventory::default()
    };
    let desired = Desired::of(&inventory, handle, "orgmirror-readonly");
    let reconciled = reconcile(&desired, None).unwrap();
    Integration {
        id: format!("in_{handle}"),
        handle: handle.to_owned(),
        organization: None,
        handle_prefix: None,
        initial_handles: None,
        connection_settings: ConnectionSettings {
            role_name: "orgmirror-readonly".to_owned(),
            external_id: Some("acme:0123456789abcdef".to_owned()),
            regions: ["*".to_owned()].into(),
            default_region: "us-east-1".to_owned(),
            max_error_retry_attempts: 9,
            min_error_retry_delay: 25,
            ignore_error_codes: BTreeSet::new(),
        },
        permissions: ["*".to_owned()].into(),
        sso: None,
        owners: None,
        resource_owners: None,
        custom_access_details: None,
        removal_guard: RemovalGuard::default(),
        deletion_protection: true,
        mirror: reconciled.mirror.known().unwrap(),
        effective_handles: BTreeMap::new(),
    }
}

/// Two OUs, one in the other, and three accounts: in the root, in the outer, in the inner.
pub(super) fn acme() -> Integration {
    integration(
        "acme",
        &[
            ("ou-ab12-11111111", "Workloads", None),
            ("ou-ab12-22222222", "Prod", Some("ou-ab12-11111111")),
        ],
        &[
            ("111111111111", "Hub", None),
            ("222222222222", "Audit \"[x]\"\n", Some("ou-ab12-11111111")),
            ("333333333333", "Shop", Some("ou-ab12-22222222")),
        ],
    )
}

/// Sign-in facts, as `https://PORTAL.awsapps.com/start` in `eu-west-1`.
pub(super) fn sso(portal: &str) -> Sso {
    Sso {
        portal_url: format!("https://{portal}.awsapps.com/start"),
        region: "eu-west-1".to_owned(),
        role_name: Some("ReadOnly".to_owned()),
    }
}

/// Options of texts; `"true"` is a switch that is on.
pub(super) fn options(options: &[(&str, &str)]) -> Options {
    options
        .iter()
        .map(|(name, value)| {
            let value = match *value {
                "true" => OptionValue::Switch(true),
                text => OptionValue::Text(text.to_owned()),
            };
            ((*name).to_owned(), value)
        })
        .collect()
}

/// The workspace `acme/security`, with these formats and options.
pub(super) fn workspace(publish: &[(&str, Options)]) -> Workspace {
    Workspace {
        id: "ws_0123456789abcdefghij".to_owned(),
        organization: "acme".to_owned(),
        handle: "security".to_owned(),
        attach: None,
        publish: publish
            .iter()
            .map(|(format, options)| ((*format).to_owned(), options.clone()))
            .collect(),
    }
}

/// Shows the view of a workspace in a tenant with these integrations.
pub(super) fn with_view<T>(
    integrations: &[Integration],
    workspace: &Workspace,
    use_it: impl FnOnce(&View<'_>) -> T,
) -> T {
    let mut tenant = Tenant::new("acme");
    for integration in integrations {
        tenant.put(integration.clone());
    }
    assign_handles(&mut tenant, &Tenant::new("acme"));
    use_it(&Resolved::of(&tenant).view(workspace))
}
