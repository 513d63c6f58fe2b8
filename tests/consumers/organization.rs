//! The tenants whose publications are read: made from the model, without Terraform.

use std::collections::BTreeMap;

use orgmirror::model::handle_assignment::assign_handles;
use orgmirror::model::mirror::{Desired, Inventory, InventoryAccount, InventoryUnit, reconcile};
use orgmirror::model::objects::workspace::{OptionValue, Options, Publish};
use orgmirror::model::objects::{ConnectionOverride, Integration, OverriddenSettings, Workspace};
use orgmirror::model::sso::Sso;
use orgmirror::model::tenant::Tenant;
use orgmirror::model::visibility::{Resolved, View};
use orgmirror::publish::publications;
use orgmirror_testing::objects::{integration_of, settings};

/// The ID of the one integration.
const INTEGRATION: &str = "in_0123456789abcdefghij";

pub const ROLE_NAME: &str = "audit/orgmirror-readonly";
pub const EXTERNAL_ID: &str = "acme:0123456789abcdef";

/// OUs of a tree that is 3 deep, with names that are no easier than the accounts' ones.
const UNITS: &[(&str, &str, Option<&str>)] = &[
    ("ou-ab12-00000001", "Workloads", None),
    (
        "ou-ab12-00000002",
        "\"Prod\" # [1]",
        Some("ou-ab12-00000001"),
    ),
    ("ou-ab12-00000003", "${Data}\n=", Some("ou-ab12-00000002")),
    ("ou-ab12-00000004", "日本 / 🙂", None),
];

/// A tenant with one integration `acme`, which everybody sees, and the workspace `acme/security`.
pub struct Example {
    pub tenant: Tenant,
    pub workspace: Workspace,
}

impl Example {
    /// Accounts with these names, spread over the OUs; every seventh has settings of its own.
    pub fn new(names: &[String], publish: &[(&str, Options)]) -> Self {
        let accounts: BTreeMap<String, InventoryAccount> = names
            .iter()
            .enumerate()
            .map(|(number, name)| {
                let unit = UNITS.get(number % (UNITS.len() + 1));
                let account = InventoryAccount {
                    name: name.clone().into(),
                    email: format!("aws+{number}@example.com").into(),
                    parent_id: unit.map(|(id, _, _)| (*id).to_owned()).into(),
                    ..InventoryAccount::default()
                };
                (account_id(number), account)
            })
            .collect();
        let units = UNITS.iter().map(|(id, name, parent)| {
            let unit = InventoryUnit {
                name: (*name).into(),
                parent_id: parent.map(str::to_owned).into(),
            };
            ((*id).to_owned(), unit)
        });
        let integration = integration(&Inventory {
            organizational_units: units.collect(),
            accounts,
            ..Inventory::default()
        });
        let mut tenant = Tenant::new("acme");
        tenant.put(integration);
        for number in (0..names.len()).step_by(7) {
            tenant.put(own_settings(number));
        }
        assign_handles(&mut tenant, &Tenant::new("acme"));
        let publish: Publish = publish
            .iter()
            .map(|(format, options)| ((*format).to_owned(), options.clone()))
            .collect();
        let workspace = Workspace {
            id: "ws_0123456789abcdefghij".to_owned(),
            organization: "acme".to_owned(),
            handle: "security".to_owned(),
            attach: None,
            publish,
        };
        Self { tenant, workspace }
    }

    /// The same with sign-in facts.
    pub fn with_sso(mut self, sso: Sso) -> Self {
        let mut integration = self.integration().clone();
        integration.sso = Some(sso);
        self.tenant.put(integration);
        self
    }

    fn integration(&self) -> &Integration {
        self.tenant.integration_by_handle("acme").unwrap()
    }

    /// Asks about what is published.
    pub fn view<T>(&self, ask: impl FnOnce(&View<'_>) -> T) -> T {
        ask(&Resolved::of(&self.tenant).view(&self.workspace))
    }

    /// A publication, without a notice that something was left out.
    pub fn published(&self, format: &str) -> Vec<u8> {
        self.view(|view| {
            let found = publications(view).into_iter();
            let publication = found.into_iter().find(|p| p.format == format).unwrap();
            let rendered = publication.rendered.unwrap();
            for notice in &rendered.notices {
                assert!(!notice.contains("no profile is published"), "{notice}");
            }
            rendered.bytes
        })
    }

    /// Handles of the connections, sorted.
    pub fn handles(&self) -> Vec<String> {
        self.view(|view| {
            view.connections
                .iter()
                .map(|c| c.handle.to_owned())
                .collect()
        })
    }
}

/// The ID of an account by its number; one in ten has a leading zero.
pub fn account_id(number: usize) -> String {
    format!(
        "{:012}",
        12_345_678_901 + number * 100_000_000_003 % 987_654_321_098
    )
}

/// Options of a format, all of them texts but `"true"`, which is a switch that is on.
pub fn options(options: &[(&str, &str)]) -> Options {
    let options = options.iter().map(|(name, value)| {
        let value = match *value {
            "true" => OptionValue::Switch(true),
            text => OptionValue::Text(text.to_owned()),
        };
        ((*name).to_owned(), value)
    });
    options.collect()
}

fn integration(inventory: &Inventory) -> Integration {
    let desired = Desired::of(inventory, "acme", ROLE_NAME);
    let reconciled = reconcile(&desired, None).unwrap();
    let mirror = reconciled.mirror.known().unwrap();
    Integration {
        connection_settings: settings(ROLE_NAME, Some(EXTERNAL_ID)),
        permissions: ["*".to_owned()].into(),
        ..integration_of(INTEGRATION, "acme", mirror)
    }
}

/// Settings that differ from the integration's in everything.
fn own_settings(number: usize) -> ConnectionOverride {
    let account_id = account_id(number);
    ConnectionOverride {
        id: format!("co_{number:020}"),
        integration_id: INTEGRATION.to_owned(),
        handle: None,
        role_arn: Some(format!("arn:aws:iam::{account_id}:role/own+role=,.@-_")),
        settings: OverriddenSettings {
            external_id: Some(format!("own+=,.@:/-{number}")),
            regions: Some(["eu-*".to_owned(), "us-east-1".to_owned()].into()),
            default_region: Some("eu-central-1".to_owned()),
            max_error_retry_attempts: Some(1),
            min_error_retry_delay: Some(1000),
            ignore_error_codes: Some(
                ["AccessDenied*".to_owned(), "${x} \"%{y}\"".to_owned()].into(),
            ),
            ..OverriddenSettings::default()
        },
        account_id,
    }
}
