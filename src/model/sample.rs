//! Small tenants for the tests of this room.

use std::collections::{BTreeMap, BTreeSet};

use describe::{Known, Value};

use super::folder_ref::FolderRef;
use super::mirror::{
    Desired, Inventory, InventoryAccount, InventoryUnit, Mirror, Previous, reconcile,
};
use super::objects::{
    ConnectionOverride, ConnectionPermission, ConnectionSettings, FolderOverride, FolderPermission,
    Integration, OverriddenSettings, Workspace,
};
use super::removal_guard::RemovalGuard;
use super::tenant::Tenant;

pub(super) const A: &str = "111111111111";
pub(super) const B: &str = "222222222222";
pub(super) const C: &str = "333333333333";

/// OUs and accounts below the root `root`: ID, name, and the parent's ID, empty for the root.
pub(super) type Members<'a> = &'a [(&'a str, &'a str, &'a str)];

/// The integration with this ID and handle, as it is mirrored after `before`.
pub(super) fn integration(
    id: &str,
    units: Members<'_>,
    accounts: Members<'_>,
    before: Option<&Integration>,
) -> Integration {
    let parent = |parent: &str| Value::from((!parent.is_empty()).then(|| parent.to_owned()));
    let units = units.iter().map(|(id, name, above)| {
        let unit = InventoryUnit {
            name: (*name).into(),
            parent_id: parent(above),
        };
        ((*id).to_owned(), unit)
    });
    let accounts = accounts.iter().map(|(id, name, above)| {
        let account = InventoryAccount {
            name: (*name).into(),
            parent_id: parent(above),
            ..InventoryAccount::default()
        };
        ((*id).to_owned(), account)
    });
    let inventory = Inventory {
        organizational_units: units.collect(),
        accounts: accounts.collect(),
        ..Inventory::default()
    };
    Integration {
        id: id.to_owned(),
        handle: id.to_owned(),
        organization: None,
        handle_prefix: None,
        initial_handles: None,
        connection_settings: ConnectionSettings {
            role_name: "reader".to_owned(),
            external_id: Some("of_the_integration".to_owned()),
            regions: BTreeSet::from(["*".to_owned()]),
            default_region: "us-east-1".to_owned(),
            max_error_retry_attempts: 9,
            min_error_retry_delay: 25,
            ignore_error_codes: BTreeSet::new(),
        },
        permissions: BTreeSet::new(),
        sso: None,
        owners: None,
        resource_owners: None,
        custom_access_details: None,
        removal_guard: RemovalGuard::default(),
        deletion_protection: true,
        mirror: mirrored(id, &inventory, before),
        effective_handles: BTreeMap::new(),
    }
}

fn mirrored(handle: &str, inventory: &Inventory, before: Option<&Integration>) -> Mirror {
    let desired = Desired::of(inventory, handle, "reader");
    let given_handles = BTreeMap::new();
    let mirror = before.and_then(|before| before.mirror.clone().into_planned().mirror());
    let previous = before
        .zip(mirror.as_ref())
        .map(|(before, mirror)| Previous {
            mirror,
            handle: &before.handle,
            prefix: "",
            given_handles: &given_handles,
        });
    let reconciled = reconcile(&desired, previous.as_ref()).expect("a sample is sound");
    reconciled.mirror.known().expect("a sample is known")
}

/// Puts the integration with this ID, as it is after what the tenant has of it.
pub(super) fn put(tenant: &mut Tenant, id: &str, units: Members<'_>, accounts: Members<'_>) {
    let integration = integration(id, units, accounts, tenant.get(id));
    tenant.put(integration);
}

/// A folder, by path if it starts with `/`.
pub(super) fn folder(text: &str) -> FolderRef {
    if text.starts_with('/') {
        FolderRef::Path(text.to_owned())
    } else {
        FolderRef::Id(text.to_owned())
    }
}

pub(super) fn folder_permission(
    id: &str,
    integration: &str,
    of: &str,
    to: &str,
) -> FolderPermission {
    FolderPermission {
        id: id.to_owned(),
        integration_id: integration.to_owned(),
        folder: folder(of),
        grantee: to.parse().expect("a sample is sound"),
        match_tags: None,
    }
}

pub(super) fn connection_permission(
    id: &str,
    integration: &str,
    of: &str,
    to: &str,
) -> ConnectionPermission {
    ConnectionPermission {
        id: id.to_owned(),
        integration_id: integration.to_owned(),
        account_id: of.to_owned(),
        grantee: to.parse().expect("a sample is sound"),
    }
}

/// An override with this handle; empty: none.
pub(super) fn folder_override(
    id: &str,
    integration: &str,
    of: &str,
    handle: &str,
) -> FolderOverride {
    FolderOverride {
        id: id.to_owned(),
        integration_id: integration.to_owned(),
        folder: folder(of),
        handle: (!handle.is_empty()).then(|| handle.to_owned()),
        role_name: None,
        settings: OverriddenSettings::default(),
    }
}

/// An override with this handle; empty: none.
pub(super) fn connection_override(
    id: &str,
    integration: &str,
    of: &str,
    handle: &str,
) -> ConnectionOverride {
    ConnectionOverride {
        id: id.to_owned(),
        integration_id: integration.to_owned(),
        account_id: of.to_owned(),
        handle: (!handle.is_empty()).then(|| handle.to_owned()),
        role_arn: None,
        settings: OverriddenSettings::default(),
    }
}

/// `organization/handle`, whose ID is its name as well.
pub(super) fn workspace(name: &str) -> Workspace {
    let (organization, handle) = name.split_once('/').expect("a sample is sound");
    Workspace {
        id: name.to_owned(),
        organization: organization.to_owned(),
        handle: handle.to_owned(),
        attach: None,
        publish: BTreeMap::new(),
    }
}
