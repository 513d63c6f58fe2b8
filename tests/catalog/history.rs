//! What the history tells.

use std::convert::Infallible;
use std::{env, fs};

use std::path::Path;

use orgmirror::catalog::*;
use orgmirror::model::folder_ref::FolderRef;
use orgmirror::model::objects::{
    ConnectionOverride, ConnectionPermission, FolderOverride, FolderPermission, Integration,
};

use orgmirror::model::tenant::Tenant;

use orgmirror::model::objects::Workspace;
use orgmirror::model::objects::workspace::OptionValue;

use crate::fixtures::*;
use crate::place::{Place, on_each_store};

on_each_store!(
    the_history_tells_what_changed,
    the_history_tells_of_every_kind,
);

/// The history entry of one commit as it is stored, without what differs from run to run.
async fn recorded(catalog: &Catalog, place: &Place, version: u64) -> String {
    let entry = catalog.history(1).await.unwrap().remove(0);
    assert_eq!(entry.version, version);
    assert_eq!(entry.at.len(), "2026-01-02T03:04:05Z".len());
    assert_eq!(entry.id.len(), 20);
    let bytes = place.get(&entry_path(version)).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("3x4mpl3"), "an external ID in the history");
    text.replacen(&entry.at, "AT", 1)
        .replacen(&entry.id, "ID", 1)
}

async fn the_history_tells_what_changed(place: Place) {
    let catalog = place.open();
    let caller = ada().with_arn("arn:aws:sts::111111111111:assumed-role/ci/run");
    let mut current = integration("in_0123456789abcdefghij", "acme");
    put_as(&caller, &catalog, current.clone()).await;
    let mut entries = vec![recorded(&catalog, &place, 1).await];

    // Renamed, moved, joined, left, suspended; an OU renamed with what follows from it; settings.
    let mirror = &mut current.mirror;
    mirror.folders.remove("ou-ab12-22222222");
    let workloads = mirror.folders.get_mut("ou-ab12-11111111").unwrap();
    workloads.name = "Production".into();
    workloads.derived_handle = "aws_production".into();
    workloads.path = "/Production".into();
    for connection in mirror.connections.values_mut() {
        connection.path = "/Production".into();
    }
    let billing = mirror.connections.get_mut("111111111111").unwrap();
    billing.name = "Finance".into();
    billing.derived_handle = "aws_finance".into();
    billing.email = Some("finance@example.com".into());
    let lab = mirror.connections.get_mut("333333333333").unwrap();
    lab.folder_id = "ou-ab12-11111111".into();
    lab.state = "SUSPENDED".into();
    lab.tags = None;
    mirror.connections.remove("222222222222");
    mirror.connections.insert(
        "444444444444".into(),
        connection("444444444444", "data", "r-ab12", "/"),
    );
    current.handle = "acme_main".into();
    current.connection_settings.external_id = Some("acme:0th3r3x4mpl3".into());
    current.connection_settings.regions = ["eu-*".to_owned()].into();
    current.custom_access_details = Some("Ask in #cloud".into());
    current.permissions.clear();
    put_as(&caller, &catalog, current.clone()).await;
    entries.push(recorded(&catalog, &place, 2).await);

    let removed = catalog
        .commit(&ada(), |document| {
            let is_removed = document
                .tenant_mut()
                .remove::<Integration>("in_0123456789abcdefghij");
            assert!(is_removed);
            Ok::<_, Infallible>(())
        })
        .await
        .unwrap();
    assert!(
        removed.document.exists() && removed.document.tenant().each::<Integration>().len() == 0
    );
    entries.push(recorded(&catalog, &place, 3).await);

    assert_golden("history.txt", &entries.concat());
}

fn assert_golden(name: &str, text: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/catalog")
        .join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, text).unwrap();
    }
    assert_eq!(fs::read_to_string(golden).unwrap(), text);
}

async fn the_history_tells_of_every_kind(place: Place) {
    let catalog = place.open();
    let mut tenant = tenant_with_everything();
    put_everything(&catalog, tenant.clone()).await;
    let mut entries = vec![recorded(&catalog, &place, 1).await];

    let mut permission = tenant.each::<FolderPermission>().next().unwrap().clone();
    permission.folder = FolderRef::Id("ou-ab12-22222222".into());
    permission.match_tags = None;
    tenant.put(permission);
    let mut permission = tenant
        .each::<ConnectionPermission>()
        .next()
        .unwrap()
        .clone();
    permission.grantee = "acme".parse().unwrap();
    tenant.put(permission);
    let mut overriding = tenant.each::<FolderOverride>().next().unwrap().clone();
    overriding.handle = None;
    overriding.settings.external_id = None;
    overriding.settings.enabled = false;
    tenant.put(overriding);
    let mut overriding = tenant.each::<ConnectionOverride>().next().unwrap().clone();
    overriding.handle = Some("bench".into());
    overriding.settings.external_id = Some("acme:3x4mpl3n3w".into());
    tenant.put(overriding);
    let mut consumer = tenant.each::<Workspace>().next().unwrap().clone();
    consumer.attach = None;
    consumer.publish.remove("json");
    let config = consumer.publish.get_mut("aws_config").unwrap();
    config.insert(
        "preamble".into(),
        OptionValue::Text("[profile other]\nregion = eu-west-3\n".into()),
    );
    tenant.put(consumer);
    put_everything(&catalog, tenant).await;
    entries.push(recorded(&catalog, &place, 2).await);

    // What belongs to the integration goes with it, and is recorded by itself. Workspaces stay.
    let remove = |document: &mut Document| {
        Ok::<_, Infallible>(document.tenant_mut().remove::<Integration>(INTEGRATION))
    };
    assert!(catalog.commit(&ada(), remove).await.unwrap().value);
    entries.push(recorded(&catalog, &place, 3).await);

    let text = entries.concat();
    assert!(!text.contains("[profile"), "a preamble in the history");
    assert_golden("history_of_every_kind.txt", &text);
}

#[test]
fn nothing_changed_is_no_change() {
    let mut tenant = Tenant::new(TENANT);
    tenant.put(integration("in_a", "a"));
    assert_eq!(changes(&tenant, &tenant), []);
    let mut other = tenant.clone();
    // Of the same content, though it was put again.
    other.put(integration("in_a", "a"));
    assert_eq!(changes(&tenant, &other), []);

    let mut changed = integration("in_a", "a");
    let billing = changed.mirror.connections.get_mut("111111111111").unwrap();
    billing.derived_role_arn = "arn:aws:iam::111111111111:role/other".into();
    other.put(changed);
    let change = changes(&tenant, &other).remove(0);
    assert_eq!(change.consequences["connections.derived_role_arn"], 1);
    assert!(change.connections.is_empty() && change.settings.is_empty());
}
