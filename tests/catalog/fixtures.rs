//! What the tests of the catalog write, and how they look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use orgmirror::catalog::*;
use orgmirror::model::folder_ref::FolderRef;
use orgmirror::model::objects::workspace::{OptionValue, Options};
use orgmirror::model::objects::{
    ConnectionOverride, ConnectionPermission, FolderOverride, FolderPermission, OverriddenSettings,
    Workspace,
};
use orgmirror::model::owners::{Owner, ResourceOwner};
use orgmirror::model::sso::Sso;
use orgmirror::model::tenant::{Kind, Tenant};
use orgmirror::model::visibility::Resolved;
use orgmirror::publish::publications;

use crate::place::Place;
pub use orgmirror_testing::objects::*;

/// What takes this long hangs: a limit for tests that fail, far beyond what any machine needs.
pub const PATIENCE: Duration = Duration::from_secs(300);

pub const TENANT: &str = "acme";
/// Paths below the place of a catalog.
pub const DOCUMENT: &str = "tenants/acme/catalog.json";
pub const OF_TENANT: &str = "tenants/acme/";
pub const FORMATS: [&str; 2] = ["c7n_org", "json"];
pub const INTEGRATION: &str = "in_0123456789abcdefghij";

/// The catalog in a directory.
pub fn open(directory: &Path) -> Catalog {
    Catalog::on_disk(directory, TENANT).unwrap()
}

pub fn entry_path(version: u64) -> String {
    format!("tenants/acme/history/{version}.json")
}

/// A change that adds an integration, and refuses where its handle is taken.
pub fn add(
    id: &str,
    handle: &str,
) -> impl Fn(&mut Document) -> Result<(), String> + Send + 'static {
    let integration = integration(id, handle);
    move |document| {
        if let Some(holder) = document.tenant().integration_by_handle(&integration.handle) {
            return Err(format!("{} is taken by {}", integration.handle, holder.id));
        }
        document.tenant_mut().put(integration.clone());
        Ok(())
    }
}

pub async fn commit_one(catalog: &Catalog, id: &str) -> Committed<()> {
    catalog.commit(&ada(), add(id, id)).await.unwrap()
}

pub fn ids(document: &Document) -> BTreeSet<String> {
    document.tenant().integrations.keys().cloned().collect()
}

/// Every file below a directory with its content.
pub fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if let Ok(target) = fs::read_link(&path) {
                found.insert(path, target.into_os_string().into_encoded_bytes());
            } else if path.is_dir() {
                found.insert(path.clone(), Vec::new());
                directories.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

/// Checks that the history is 1, 2, 3 ... up to the document's version, told by the catalog and, if `in_files`, with a file
/// for each.
pub async fn assert_contiguous(place: &Place, in_files: bool) -> Vec<Entry> {
    let catalog = place.open();
    let document = catalog.read().await.unwrap().unwrap();
    let history = catalog.history(usize::MAX).await.unwrap();
    let versions: Vec<u64> = history.iter().map(|entry| entry.version).collect();
    let expected: Vec<u64> = (1..=document.version()).collect();
    assert_eq!(versions, expected);
    for entry in &history {
        assert_eq!(entry.previous, entry.version - 1);
    }
    assert_eq!(history.last(), document.last_commit());
    if in_files {
        let files = place.store().list_history().await.unwrap();
        assert_eq!(files, expected);
    }
    history
}

pub fn created(history: &[Entry]) -> Vec<String> {
    let changes = history.iter().flat_map(|entry| &entry.changes);
    changes
        .filter(|change| change.action == Action::Create)
        .map(|change| change.id.clone())
        .collect()
}

/// Adds an object or replaces it, whatever is there.
pub async fn put<T: Kind + Clone + Send + Sync>(catalog: &Catalog, object: T) -> Committed<()> {
    put_as(&ada(), catalog, object).await
}

pub async fn put_as<T: Kind + Clone + Send + Sync>(
    who: &Who,
    catalog: &Catalog,
    object: T,
) -> Committed<()> {
    let change = move |document: &mut Document| {
        document.tenant_mut().put(object.clone());
        Ok::<_, Infallible>(())
    };
    catalog.commit(who, change).await.unwrap()
}

/// An integration that all see, and two workspaces.
pub async fn filled(catalog: &Catalog) {
    let change = |document: &mut Document| {
        let tenant = document.tenant_mut();
        tenant.put(integration("in_a", "a"));
        tenant.put(workspace("ws_security", "acme/security", &FORMATS));
        tenant.put(workspace("ws_finops", "acme/finops", &FORMATS));
        Ok::<_, Infallible>(())
    };
    let committed = catalog.commit(&ada(), change).await.unwrap();
    assert!(committed.warnings.is_empty(), "{:?}", committed.warnings);
}

pub async fn remove<T: Kind>(catalog: &Catalog, id: String) {
    let change = move |document: &mut Document| {
        document.tenant_mut().remove::<T>(&id);
        Ok::<_, Infallible>(())
    };
    catalog.commit(&ada(), change).await.unwrap();
}

pub fn folder_permission(id: &str, integration_id: &str, grantee: &str) -> FolderPermission {
    FolderPermission {
        id: id.into(),
        integration_id: integration_id.into(),
        folder: FolderRef::Path("/Workloads".into()),
        grantee: grantee.parse().unwrap(),
        match_tags: None,
    }
}

/// One of every kind, with every field set that can be.
pub fn tenant_with_everything() -> Tenant {
    let mut tenant = Tenant::new(TENANT);
    let mut mirrored = integration(INTEGRATION, "acme");
    mirrored.organization = Some("acme".into());
    mirrored.permissions = ["acme/security".to_owned()].into();
    mirrored.initial_handles = Some([("444444444444".to_owned(), "data".to_owned())].into());
    mirrored.sso = Some(Sso {
        portal_url: "https://acme.awsapps.com/start".into(),
        region: "us-east-1".into(),
        role_name: Some("ReadOnly".into()),
    });
    mirrored.owners = Some(vec![Owner {
        attribute: "okta_group".into(),
        values: ["platform".to_owned()].into(),
    }]);
    mirrored.resource_owners = Some(vec![ResourceOwner {
        tag_key: "team".into(),
        attribute: "okta_group".into(),
    }]);
    mirrored.custom_access_details = Some("Ask in #cloud".into());
    let owners = mirrored.owners.iter().flatten().cloned().collect();
    let shop = mirrored.mirror.connections.get_mut("222222222222").unwrap();
    shop.owners = Some(owners);
    shop.sign_in_url = Some("https://acme.awsapps.com/start/#/console".into());
    tenant.put(mirrored);
    tenant.put(FolderPermission {
        match_tags: Some([("env".to_owned(), "prod".to_owned())].into()),
        ..folder_permission("fp_0123456789abcdefghij", INTEGRATION, "acme")
    });
    tenant.put(ConnectionPermission {
        id: "cp_0123456789abcdefghij".into(),
        integration_id: INTEGRATION.into(),
        account_id: "333333333333".into(),
        grantee: "acme/finops".parse().unwrap(),
    });
    let settings = OverriddenSettings {
        external_id: Some("acme:3x4mpl3f0ld3r".into()),
        regions: Some(["eu-*".to_owned()].into()),
        default_region: Some("eu-west-1".into()),
        max_error_retry_attempts: Some(3),
        min_error_retry_delay: Some(50),
        ignore_error_codes: Some(["UnauthorizedOperation".to_owned()].into()),
        enabled: true,
    };
    tenant.put(FolderOverride {
        id: "fo_0123456789abcdefghij".into(),
        integration_id: INTEGRATION.into(),
        folder: FolderRef::Id("ou-ab12-11111111".into()),
        handle: Some("production".into()),
        role_name: Some("audit/readonly".into()),
        settings: settings.clone(),
    });
    tenant.put(ConnectionOverride {
        id: "co_0123456789abcdefghij".into(),
        integration_id: INTEGRATION.into(),
        account_id: "333333333333".into(),
        handle: Some("lab".into()),
        role_arn: Some("arn:aws:iam::333333333333:role/lab".into()),
        settings: OverriddenSettings {
            external_id: Some("acme:3x4mpl3l4b".into()),
            enabled: false,
            ..settings
        },
    });
    let text = |text: &str| OptionValue::Text(text.into());
    let config: Options = [
        ("source_profile".to_owned(), text("hub")),
        (
            "preamble".to_owned(),
            text("[profile hub]\nregion = eu-west-1\n"),
        ),
    ]
    .into();
    let spc: Options = [("aggregators".to_owned(), OptionValue::Switch(true))].into();
    tenant.put(Workspace {
        attach: Some(["/Workloads".to_owned(), "333333333333".to_owned()].into()),
        publish: [
            ("aws_config".to_owned(), config),
            ("json".to_owned(), Options::new()),
            ("steampipe".to_owned(), spc),
        ]
        .into(),
        ..workspace("ws_0123456789abcdefghij", "acme/security", &[])
    });
    tenant
}

/// Makes a catalog hold exactly this.
pub async fn put_everything(catalog: &Catalog, tenant: Tenant) -> Committed<()> {
    let change = move |document: &mut Document| {
        *document.tenant_mut() = tenant.clone();
        Ok::<_, Infallible>(())
    };
    catalog.commit(&ada(), change).await.unwrap()
}

/// Every file below `workspaces`, by its path there.
pub async fn published(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let files = place.files_below(&format!("{OF_TENANT}workspaces/")).await;
    let files = files.into_iter();
    files
        .map(|(path, bytes)| (path[OF_TENANT.len()..].to_owned(), bytes))
        .collect()
}

/// What is to be published for a document.
pub fn expected(document: &Document) -> BTreeMap<String, Vec<u8>> {
    let resolved = Resolved::of(document.tenant());
    let workspaces = document.tenant().each::<Workspace>();
    workspaces
        .flat_map(|workspace| publications(&resolved.view(workspace)))
        .map(|file| (file.path.unwrap(), file.rendered.unwrap().bytes))
        .collect()
}

/// Checks that exactly what the document says is published, and that the catalog says so.
pub async fn assert_published(place: &Place) {
    let catalog = place.open();
    let document = catalog.read().await.unwrap().unwrap();
    let (found, expected) = (published(place).await, expected(&document));
    let paths = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&found), paths(&expected));
    for (path, bytes) in expected {
        assert!(found[&path] == bytes, "{path} is not what it should be");
    }
    for workspace in document.tenant().each::<Workspace>() {
        assert!(catalog.in_sync(&document, &workspace.id).await.unwrap());
    }
}
