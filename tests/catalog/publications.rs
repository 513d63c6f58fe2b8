//! What is published: written, repaired, pruned, and never older over newer.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use orgmirror::catalog::{Catalog, Document, PublicationWarning};
use orgmirror::model::objects::workspace::Options;
use orgmirror::model::objects::{
    ConnectionOverride, FolderPermission, Integration, OverriddenSettings, Workspace,
};
use tempfile::TempDir;

use crate::faulty::*;
use crate::fixtures::*;
use crate::place::{Place, on_each_store};
use crate::processes::*;

on_each_store!(
    a_commit_publishes_what_it_changes_and_nothing_else,
    what_is_not_asked_for_any_more_goes_and_the_users_own_files_stay,
    what_was_edited_by_hand_shows_and_is_repaired,
    what_cannot_be_rendered_stays_as_it_was,
    a_notice_is_given_by_the_commit_that_brings_it_about,
    an_older_version_never_replaces_what_a_newer_one_published,
    every_failure_and_crash_of_publishing_is_made_good_by_the_next_commit,
    what_another_process_left_unpublished_is_published_with_the_next_change,
    many_permissions_at_once_are_few_versions_and_are_all_published,
);

fn of_tenant(path: &str) -> String {
    format!("{OF_TENANT}{path}")
}

fn below(directory: &Path, path: &str) -> PathBuf {
    directory.join("tenants/acme").join(path)
}

const SECURITY: &str = "workspaces/acme/security/connections.json";
const FINOPS: &str = "workspaces/acme/finops/connections.json";

/// An override that iam_policy has something to say of.
fn odd_role() -> ConnectionOverride {
    ConnectionOverride {
        id: "co_a".into(),
        integration_id: "in_a".into(),
        account_id: "333333333333".into(),
        handle: None,
        role_arn: Some("arn:aws:iam::333333333333:role/*".into()),
        settings: OverriddenSettings::default(),
    }
}

/// A change of nothing, as an apply makes it that only repairs.
async fn touch(catalog: &Catalog) -> Vec<PublicationWarning> {
    let nothing = |_: &mut Document| Ok::<_, Infallible>(());
    let committed = catalog.commit(&ada(), nothing).await.unwrap();
    assert!(!committed.written);
    committed.warnings
}

async fn in_sync(catalog: &Catalog, id: &str) -> bool {
    let document = catalog.read().await.unwrap().unwrap();
    catalog.in_sync(&document, id).await.unwrap()
}

fn texts(warnings: &[PublicationWarning]) -> Vec<String> {
    warnings.iter().map(ToString::to_string).collect()
}

async fn a_commit_publishes_what_it_changes_and_nothing_else(place: Place) {
    let store = Faulty::new(&place);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    filled(&catalog).await;
    assert_eq!(published(&place).await.len(), 4);
    assert_published(&place).await;

    let changed = |store: &Faulty| -> BTreeSet<String> {
        let changes = std::mem::take(&mut *store.published.lock().unwrap());
        changes.into_iter().map(|change| change.path).collect()
    };
    changed(&store);
    // A permission shows in what its grantee gets, as a reason.
    put(&catalog, folder_permission("fp_a", "in_a", "acme/finops")).await;
    assert_eq!(changed(&store), [FINOPS.to_owned()].into());
    assert_published(&place).await;
    put(&catalog, folder_permission("fp_b", "in_a", "other")).await;
    assert!(touch(&catalog).await.is_empty());
    assert_eq!(changed(&store), BTreeSet::new());

    let mut renamed = integration("in_a", "a");
    let lab = renamed.mirror.connections.get_mut("333333333333").unwrap();
    lab.derived_handle = "aws_bench".into();
    put(&catalog, renamed).await;
    assert_eq!(changed(&store).len(), 4);
    assert_published(&place).await;
}

async fn what_is_not_asked_for_any_more_goes_and_the_users_own_files_stay(place: Place) {
    let catalog = place.open();
    filled(&catalog).await;
    let own = "workspaces/acme/security/notes.md";
    place.put(&of_tenant(own), "mine").await;
    assert!(in_sync(&catalog, "ws_security").await);

    put(
        &catalog,
        workspace("ws_security", "acme/security", &["json"]),
    )
    .await;
    let left = published(&place).await;
    assert!(!left.contains_key("workspaces/acme/security/accounts.yml"));
    assert!(left.contains_key(SECURITY));
    assert!(in_sync(&catalog, "ws_security").await);

    // Another process finds what is left over without having written it.
    let remove = |document: &mut Document| {
        let tenant = document.tenant_mut();
        tenant.remove::<Workspace>("ws_security");
        tenant.remove::<Workspace>("ws_finops");
        Ok::<_, Infallible>(())
    };
    place.open().commit(&ada(), remove).await.unwrap();
    let left = published(&place).await;
    assert_eq!(left.into_keys().collect::<Vec<_>>(), [own]);
}

#[tokio::test]
async fn links_stay_and_empty_directories_go() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path());
    filled(&catalog).await;
    let link = below(place.path(), "workspaces/acme/security/link.json");
    symlink("connections.json", &link).unwrap();
    for id in ["ws_security", "ws_finops"] {
        remove::<Workspace>(&catalog, id.to_owned()).await;
    }
    let left = contents(&below(place.path(), "workspaces"));
    let left: Vec<_> = left
        .keys()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert_eq!(left, ["acme", "security", "link.json"]);

    fs::remove_file(link).unwrap();
    put(&catalog, workspace("ws_c", "beta/c", &["json"])).await;
    put(&catalog, workspace("ws_c", "beta/c", &[])).await;
    assert!(!below(place.path(), "workspaces/beta").exists());
}

async fn what_was_edited_by_hand_shows_and_is_repaired(place: Place) {
    let catalog = place.open();
    filled(&catalog).await;
    let before = place.files().await;
    let path = of_tenant(SECURITY);
    let content = String::from_utf8(place.get(&path).await.unwrap()).unwrap();
    // Of the same length; gone; empty; and of a format that is not asked for.
    let edits = [
        (SECURITY, Some(content.replace("readonly", "readonlx"))),
        (SECURITY, None),
        (SECURITY, Some(String::new())),
        (
            "workspaces/acme/security/iam_policy.json",
            Some("[]".to_owned()),
        ),
    ];
    let edit = async |n: usize| match &edits[n] {
        (path, Some(text)) => place.put(&of_tenant(path), text).await,
        (path, None) => place.remove(&of_tenant(path)).await,
    };
    for n in 0..edits.len() {
        for another_process in [false, true] {
            edit(n).await;
            let edited = place.files().await;
            assert!(!in_sync(&catalog, "ws_security").await, "{n}");
            assert!(in_sync(&catalog, "ws_finops").await, "{n}");
            assert_eq!(place.files().await, edited, "reading writes nothing");
            let repairing = match another_process {
                true => place.open(),
                false => catalog.clone(),
            };
            assert!(touch(&repairing).await.is_empty());
            assert!(in_sync(&catalog, "ws_security").await, "{n}");
            assert_eq!(place.files().await, before, "{n}");
        }
    }

    // A change that is about something else repairs as well.
    edit(0).await;
    put(&catalog, folder_permission("fp_a", "in_a", "other")).await;
    assert_published(&place).await;
}

/// Only the content tells, whatever the clock said.
#[tokio::test]
async fn an_edit_that_keeps_the_time_of_modification_shows_and_is_repaired() {
    let place = Place::on_disk();
    let catalog = place.open();
    filled(&catalog).await;
    let path = below(Path::new(&place.address()), SECURITY);
    let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    for time in [
        fs::metadata(&path).unwrap().modified().unwrap(),
        SystemTime::UNIX_EPOCH,
        SystemTime::now() + century,
    ] {
        let set_time = || {
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        };
        set_time();
        assert!(touch(&catalog).await.is_empty());
        let content = fs::read_to_string(&path).unwrap();
        fs::write(&path, content.replace("readonly", "readonlx")).unwrap();
        set_time();
        assert!(!in_sync(&catalog, "ws_security").await, "{time:?}");
        assert!(touch(&catalog).await.is_empty());
        assert_published(&place).await;
    }
}

#[tokio::test]
async fn what_is_no_file_is_not_read_and_is_replaced() {
    let place = Place::on_disk();
    let catalog = place.open();
    let directory = Path::new(&place.address()).to_owned();
    filled(&catalog).await;
    let path = below(&directory, SECURITY);
    fs::remove_file(&path).unwrap();
    // Bound where the path is short enough for a socket.
    let bound = directory.join("socket");
    let _socket = UnixListener::bind(&bound).unwrap();
    fs::rename(bound, &path).unwrap();
    assert!(!in_sync(&catalog, "ws_security").await);
    assert!(touch(&catalog).await.is_empty());
    assert!(in_sync(&catalog, "ws_security").await);
    assert_published(&place).await;
}

#[tokio::test]
async fn what_cannot_be_written_is_a_warning_that_one_change_is_given_once() {
    let place = Place::on_disk();
    let catalog = place.open();
    let directory = Path::new(&place.address()).to_owned();
    // A directory where a file should be, a link, and a file where a directory should be.
    fs::create_dir_all(below(&directory, SECURITY).join("mine")).unwrap();
    let finops = below(&directory, FINOPS);
    fs::create_dir_all(finops.parent().unwrap()).unwrap();
    symlink("elsewhere", &finops).unwrap();
    fs::write(below(&directory, "workspaces/beta"), "mine").unwrap();
    let organizations = [
        ("ws_security", "acme/security"),
        ("ws_finops", "acme/finops"),
        ("ws_beta", "beta/all"),
    ];
    put(&catalog, integration("in_a", "a")).await;
    let commits = organizations.map(|(id, name)| put(&catalog, workspace(id, name, &FORMATS)));
    let committed = futures_util::future::join_all(commits).await;
    assert!(committed.iter().all(|committed| committed.written));
    let given: Vec<_> = committed
        .iter()
        .filter(|c| !c.warnings.is_empty())
        .collect();
    assert_eq!(given.len(), 1, "{given:?}");
    let said = texts(&given[0].warnings).join("\n");
    for part in [
        SECURITY,
        "It must be a file; move the directory away",
        FINOPS,
        "symbolic link",
        "workspaces/beta",
        "A part of this path is a file; move it away and apply again",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The others are written all the same.
    assert!(below(&directory, "workspaces/acme/security/accounts.yml").exists());
    assert!(below(&directory, "workspaces/acme/finops/accounts.yml").exists());
    assert!(!in_sync(&catalog, "ws_security").await);
    assert!(!in_sync(&catalog, "ws_finops").await);
    // Once in a run.
    assert_eq!(texts(&touch(&catalog).await), [""; 0]);
    assert_eq!(touch(&place.open()).await.len(), given[0].warnings.len());
    assert!(below(&directory, SECURITY).join("mine").exists());

    fs::remove_dir_all(below(&directory, SECURITY)).unwrap();
    fs::remove_file(finops).unwrap();
    fs::remove_file(below(&directory, "workspaces/beta")).unwrap();
    assert!(touch(&catalog).await.is_empty());
    assert_published(&place).await;
}

/// A limit on the size of files stops a write in its middle, as a full disk does.
#[tokio::test]
async fn a_publication_that_stops_in_its_middle_stays_as_it_was() {
    let place = Place::on_disk();
    let mut large = integration("in_a", "a");
    for n in 0..200_u64 {
        let id = (444_444_444_000 + n).to_string();
        let account = connection(&id, &format!("w{n}"), "ou-ab12-11111111", "/Workloads");
        large.mirror.connections.insert(id, account);
    }
    put(&place.open(), large).await;
    put(
        &place.open(),
        workspace("ws_security", "acme/security", &FORMATS),
    )
    .await;
    let before = published(&place).await;
    let document = place.get(DOCUMENT).await.unwrap().len();
    let limit = 2 * document;
    assert!(
        before[SECURITY].len() > limit,
        "{} {document}",
        before[SECURITY].len()
    );

    let said = told(limited_to(limit, Path::new(&place.address()), "grant acme"));
    for part in [SECURITY, "Raise the limit on file sizes and apply again"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let catalog = place.open();
    let document = catalog.read().await.unwrap().unwrap();
    assert_eq!(document.tenant().each::<FolderPermission>().len(), 1);
    assert_contiguous(&place, true).await;
    assert_eq!(published(&place).await[SECURITY], before[SECURITY]);
    assert!(!in_sync(&catalog, "ws_security").await);
    assert!(touch(&catalog).await.is_empty());
    assert_published(&place).await;
}

/// Permissions do not bind root, so that root lets another user try.
#[tokio::test]
async fn a_directory_that_may_not_be_written_is_a_warning() {
    let place = TempDir::new().unwrap();
    let directory = place.path().join("catalog");
    filled(&open(&directory)).await;
    let closed = |path: &str, mode| {
        fs::set_permissions(below(&directory, path), fs::Permissions::from_mode(mode)).unwrap();
    };
    for path in ["", "history"] {
        closed(path, 0o777);
    }
    closed("catalog.lock", 0o666);
    closed("workspaces/acme/finops", 0o777);
    closed("workspaces/acme/security", 0o555);
    let program = program_for_all(place.path());
    for path in [&directory, &directory.join("tenants")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let said = told(as_nobody(&program, &directory, "grant acme"));
    assert!(said.contains(SECURITY), "{said}");
    assert!(said.contains("needs read and write permission"), "{said}");
    assert!(!said.contains("finops"), "{said}");
    let catalog = open(&directory);
    assert!(in_sync(&catalog, "ws_finops").await);
    assert!(!in_sync(&catalog, "ws_security").await);

    // What cannot even be listed is not pruned, and the workspace that can is written.
    closed("workspaces/acme/security", 0o000);
    let said = told(as_nobody(&program, &directory, "grant acme/finops"));
    assert!(said.contains("workspaces/acme/security"), "{said}");
    assert!(in_sync(&catalog, "ws_finops").await);
    closed("workspaces/acme/security", 0o755);
    assert!(touch(&catalog).await.is_empty());
    assert!(in_sync(&catalog, "ws_security").await);
    assert!(in_sync(&catalog, "ws_finops").await);
}

async fn what_cannot_be_rendered_stays_as_it_was(place: Place) {
    let catalog = place.open();
    filled(&catalog).await;
    let before = published(&place).await;
    let mut asking = workspace("ws_security", "acme/security", &FORMATS);
    asking
        .publish
        .insert("from_the_future".into(), Options::new());
    let committed = put(&catalog, asking).await;
    let said = texts(&committed.warnings);
    assert_eq!(said.len(), 1, "{said:?}");
    for part in ["from_the_future", "acme/security", "in this version"] {
        assert!(said[0].contains(part), "{said:?}");
    }
    assert_eq!(published(&place).await, before);
    assert!(!in_sync(&catalog, "ws_security").await);
    assert!(in_sync(&catalog, "ws_finops").await);
    assert!(!in_sync(&catalog, "ws_unknown").await);
}

async fn a_notice_is_given_by_the_commit_that_brings_it_about(place: Place) {
    let catalog = place.open();
    filled(&catalog).await;
    put(
        &catalog,
        workspace("ws_security", "acme/security", &["iam_policy", "json"]),
    )
    .await;
    let odd = odd_role();
    // By a process that has not rendered anything before.
    let other = place.open();
    let committed = put(&other, odd.clone()).await;
    let said = texts(&committed.warnings);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("iam_policy of the workspace \"acme/security\": "),
        "{said:?}"
    );
    // Later ones do not say it again, whoever makes them.
    for catalog in [&other, &catalog, &place.open()] {
        let committed = put(catalog, folder_permission("fp_a", "in_a", "acme")).await;
        assert!(committed.warnings.is_empty(), "{:?}", committed.warnings);
        assert!(touch(catalog).await.is_empty());
    }
    put(
        &other,
        ConnectionOverride {
            role_arn: None,
            ..odd.clone()
        },
    )
    .await;
    assert_eq!(put(&other, odd).await.warnings.len(), 1);
}

/// Another process commits between this one's commit and its publishing.
async fn an_older_version_never_replaces_what_a_newer_one_published(place: Place) {
    filled(&place.open()).await;
    let store = Faulty::new(&place);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    *store.late_intruder.lock().unwrap() = Some((place.open(), "in_newer"));
    let committed = put(&catalog, folder_permission("fp_a", "in_a", "acme")).await;
    assert!(committed.warnings.is_empty(), "{:?}", committed.warnings);
    assert!(store.count(Operation::Publish) > 0);
    let document = place.open().read().await.unwrap().unwrap();
    assert_eq!(document.version(), committed.document.version() + 1);
    assert!(document.tenant().get::<Integration>("in_newer").is_some());
    assert_published(&place).await;
    // What is new with the older one is told all the same: the newer one's writer does not find it new.
    put(
        &catalog,
        workspace("ws_finops", "acme/finops", &["iam_policy"]),
    )
    .await;
    *store.late_intruder.lock().unwrap() = Some((place.open(), "in_newest"));
    let committed = put(&catalog, odd_role()).await;
    assert_eq!(committed.warnings.len(), 1, "{:?}", committed.warnings);
    assert!(committed.warnings[0].is_notice());
    assert_published(&place).await;
    // And it goes on from there.
    put(&catalog, folder_permission("fp_b", "in_a", "acme/finops")).await;
    assert_published(&place).await;
}

async fn every_failure_and_crash_of_publishing_is_made_good_by_the_next_commit(place: Place) {
    use Fault::*;
    use Operation::*;
    let mut met = 0;
    for (operation, call) in [
        (ReadPublication, 0),
        (ListPublications, 0),
        (Publish, 0),
        (Publish, 1),
        (Publish, 2),
    ] {
        for fault in [FailBefore, FailAfter, StopBefore, StopAfter] {
            let name = format!("{operation:?} {call} {fault:?}");
            let place = place.another();
            filled(&place.open()).await;
            // One that a list does not have is looked for.
            place.remove(&of_tenant(FINOPS)).await;
            let store = Faulty::with_fault(&place, operation, call, fault);
            let catalog = Catalog::with_store(store.clone(), TENANT);
            // Changes every file, and one goes.
            let change = |document: &mut Document| {
                let tenant = document.tenant_mut();
                tenant.put(integration("in_b", "b"));
                tenant.put(workspace("ws_finops", "acme/finops", &["json"]));
                Ok::<_, Infallible>(())
            };
            let who = ada();
            let outcome = tokio::select! {
                outcome = catalog.commit(&who, change) => Some(outcome),
                () = store.stopped.notified() => None,
            };
            met += usize::from(store.count(operation) > call);
            // The document is the new one, whatever becomes of publications.
            let reader = place.open();
            let document = reader.read().await.unwrap().unwrap();
            assert!(
                document.tenant().get::<Integration>("in_b").is_some(),
                "{name}"
            );
            let committed = outcome.map(|outcome| outcome.unwrap());
            let is_told = committed.is_none_or(|committed| !committed.warnings.is_empty());
            // Whether it is in sync is what the files say, and what is not is told.
            let is_right = published(&place).await == expected(&document);
            let mut says_so = true;
            for id in ["ws_security", "ws_finops"] {
                says_so &= reader.in_sync(&document, id).await.unwrap();
            }
            assert_eq!(is_right, says_so, "{name}");
            assert!(is_right || is_told, "{name}");
            // By the same process where it lives on, else by another one.
            let repairing = match fault {
                FailBefore | FailAfter => &catalog,
                _ => &reader,
            };
            assert!(touch(repairing).await.is_empty(), "{name}");
            assert_published(&place).await;
        }
    }
    // Were the faults never met, this test would say nothing.
    assert_eq!(met, 5 * 4);
}

async fn what_another_process_left_unpublished_is_published_with_the_next_change(place: Place) {
    // It remembers what it published.
    let catalog = place.open();
    filled(&catalog).await;
    let store = Faulty::with_fault(&place, Operation::Publish, 0, Fault::StopBefore);
    let other = Catalog::with_store(store.clone(), TENANT);
    let who = ada();
    let change = |document: &mut Document| {
        document.tenant_mut().put(integration("in_b", "b"));
        Ok::<_, Infallible>(())
    };
    tokio::select! {
        _ = other.commit(&who, change) => panic!("it was not stopped"),
        () = store.stopped.notified() => {}
    }
    let document = catalog.read().await.unwrap().unwrap();
    assert_ne!(published(&place).await, expected(&document));
    // A change that is about no workspace.
    put(&catalog, folder_permission("fp_a", "in_a", "nobody")).await;
    assert_published(&place).await;
}

#[tokio::test]
async fn what_a_killed_writer_began_goes() {
    let place = Place::on_disk();
    let catalog = place.open();
    filled(&catalog).await;
    let begun = |path: &str| {
        let path = below(Path::new(&place.address()), path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{").unwrap();
    };
    begun("workspaces/acme/gone/.connections.json.tmp");
    begun("workspaces/acme/finops/.iam_policy.json.tmp");
    touch(&catalog).await;
    assert_published(&place).await;
    assert!(!below(Path::new(&place.address()), "workspaces/acme/gone").exists());
}

async fn many_permissions_at_once_are_few_versions_and_are_all_published(place: Place) {
    let store = Faulty::new(&place);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    filled(&catalog).await;
    let commits: Vec<_> = (0..500)
        .map(|n| {
            let catalog = catalog.clone();
            tokio::spawn(async move {
                // Every tenth spoils the document and then refuses.
                let change = move |document: &mut Document| {
                    let id = format!("fp_{n}");
                    document
                        .tenant_mut()
                        .put(folder_permission(&id, "in_a", "acme"));
                    if n % 10 == 0 {
                        document.tenant_mut().remove::<Integration>("in_a");
                        return Err(n);
                    }
                    Ok(())
                };
                catalog.commit(&ada(), change).await.is_ok()
            })
        })
        .collect();
    for (n, commit) in commits.into_iter().enumerate() {
        assert_eq!(commit.await.unwrap(), n % 10 != 0);
    }
    // There is one thread, so all of them wait before the writer looks.
    assert_eq!(store.count(Operation::SwapDocument), 2);
    let document = catalog.read().await.unwrap().unwrap();
    assert_eq!(document.tenant().each::<FolderPermission>().len(), 450);
    assert_published(&place).await;
}

#[tokio::test]
async fn places_are_as_they_were_configured() {
    let relative = Catalog::on_disk(Path::new(".orgmirror"), TENANT).unwrap();
    assert_eq!(
        relative.publication_place(SECURITY),
        ".orgmirror/tenants/acme/workspaces/acme/security/connections.json"
    );
    let kept_by = Arc::new(orgmirror::catalog::Disk::new(Path::new("/a b"), TENANT));
    let absolute = Catalog::with_store(kept_by, TENANT);
    assert_eq!(
        absolute.publication_place(FINOPS),
        "/a b/tenants/acme/workspaces/acme/finops/connections.json"
    );
}
