//! What is published: written, repaired, pruned, and never older over newer.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orgmirror::catalog::{Catalog, Document, PublicationWarning};
use orgmirror::model::integration::Integration;
use orgmirror::model::overriding::{ConnectionOverride, OverriddenSettings};
use orgmirror::model::permission::FolderPermission;
use orgmirror::model::workspace::{Options, Workspace};
use tempfile::TempDir;

use crate::faulty::*;
use crate::fixtures::*;
use crate::processes::*;

const FORMATS: [&str; 2] = ["c7n_org", "json"];

fn below(directory: &Path, path: &str) -> PathBuf {
    directory.join("tenants/acme").join(path)
}

const SECURITY: &str = "workspaces/acme/security/connections.json";
const FINOPS: &str = "workspaces/acme/finops/connections.json";

/// An integration that all see, and two workspaces.
async fn filled(catalog: &Catalog) {
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

#[tokio::test]
async fn a_commit_publishes_what_it_changes_and_nothing_else() {
    let place = TempDir::new().unwrap();
    let store = Faulty::new(place.path());
    let catalog = Catalog::with_store(store.clone(), TENANT);
    filled(&catalog).await;
    assert_eq!(published(place.path()).len(), 4);
    assert_published(place.path()).await;

    let changed = |store: &Faulty| -> BTreeSet<String> {
        let changes = std::mem::take(&mut *store.published.lock().unwrap());
        changes.into_iter().map(|change| change.path).collect()
    };
    changed(&store);
    // A permission shows in what its grantee gets, as a reason.
    put(&catalog, folder_permission("fp_a", "in_a", "acme/finops")).await;
    assert_eq!(changed(&store), [FINOPS.to_owned()].into());
    assert_published(place.path()).await;
    put(&catalog, folder_permission("fp_b", "in_a", "other")).await;
    assert!(touch(&catalog).await.is_empty());
    assert_eq!(changed(&store), BTreeSet::new());

    let mut renamed = integration("in_a", "a");
    let lab = renamed.mirror.connections.get_mut("333333333333").unwrap();
    lab.derived_handle = known("aws_bench".into());
    put(&catalog, renamed).await;
    assert_eq!(changed(&store).len(), 4);
    assert_published(place.path()).await;
}

#[tokio::test]
async fn what_is_not_asked_for_any_more_goes_and_the_users_own_files_stay() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    filled(&catalog).await;
    let own = below(place.path(), "workspaces/acme/security/notes.md");
    fs::write(&own, "mine").unwrap();
    let link = below(place.path(), "workspaces/acme/security/link.json");
    symlink("connections.json", &link).unwrap();
    assert!(in_sync(&catalog, "ws_security").await);

    put(
        &catalog,
        workspace("ws_security", "acme/security", &["json"]),
    )
    .await;
    assert!(!below(place.path(), "workspaces/acme/security/accounts.yml").exists());
    assert!(below(place.path(), SECURITY).exists());
    assert!(in_sync(&catalog, "ws_security").await);

    // Another process finds what is left over without having written it.
    let remove = |document: &mut Document| {
        let tenant = document.tenant_mut();
        tenant.remove::<Workspace>("ws_security");
        tenant.remove::<Workspace>("ws_finops");
        Ok::<_, Infallible>(())
    };
    let other = open(place.path()).await;
    other.commit(&ada(), remove).await.unwrap();
    let left = contents(&below(place.path(), "workspaces"));
    let left: Vec<_> = left
        .keys()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert_eq!(left, ["acme", "security", "link.json", "notes.md"]);

    fs::remove_file(own).unwrap();
    fs::remove_file(link).unwrap();
    put(&other, workspace("ws_c", "beta/c", &["json"])).await;
    put(&other, workspace("ws_c", "beta/c", &[])).await;
    assert!(!below(place.path(), "workspaces/beta").exists());
}

#[tokio::test]
async fn what_was_edited_by_hand_shows_and_is_repaired() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    filled(&catalog).await;
    let path = below(place.path(), SECURITY);
    let before = contents(place.path());
    let content = fs::read_to_string(&path).unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let edits: [&dyn Fn(); 4] = [
        // Same length, same time of modification.
        &|| {
            fs::write(&path, content.replace("readonly", "readonlx")).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(modified).unwrap();
        },
        &|| fs::remove_file(&path).unwrap(),
        &|| fs::write(&path, "").unwrap(),
        // Of a format that is not asked for.
        &|| fs::write(path.with_file_name("iam_policy.json"), "[]").unwrap(),
    ];
    for (n, edit) in edits.into_iter().enumerate() {
        for another_process in [false, true] {
            edit();
            let edited = contents(place.path());
            assert!(!in_sync(&catalog, "ws_security").await, "{n}");
            assert!(in_sync(&catalog, "ws_finops").await, "{n}");
            assert_eq!(contents(place.path()), edited, "reading writes nothing");
            let repairing = match another_process {
                true => open(place.path()).await,
                false => catalog.clone(),
            };
            assert!(touch(&repairing).await.is_empty());
            assert!(in_sync(&catalog, "ws_security").await, "{n}");
            assert_eq!(contents(place.path()), before, "{n}");
        }
    }

    // A change that is about something else repairs as well.
    edits[0]();
    put(&catalog, folder_permission("fp_a", "in_a", "other")).await;
    assert_published(place.path()).await;
}

#[tokio::test]
async fn what_is_no_file_is_not_read_and_is_replaced() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    filled(&catalog).await;
    let path = below(place.path(), SECURITY);
    fs::remove_file(&path).unwrap();
    // Bound where the path is short enough for a socket.
    let bound = place.path().join("socket");
    let _socket = UnixListener::bind(&bound).unwrap();
    fs::rename(bound, &path).unwrap();
    assert!(!in_sync(&catalog, "ws_security").await);
    assert!(touch(&catalog).await.is_empty());
    assert!(in_sync(&catalog, "ws_security").await);
    assert_published(place.path()).await;
}

#[tokio::test]
async fn what_cannot_be_written_is_a_warning_that_one_change_is_given_once() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    // A directory where a file should be, a link, and a file where a directory should be.
    fs::create_dir_all(below(place.path(), SECURITY).join("mine")).unwrap();
    let finops = below(place.path(), FINOPS);
    fs::create_dir_all(finops.parent().unwrap()).unwrap();
    symlink("elsewhere", &finops).unwrap();
    fs::write(below(place.path(), "workspaces/beta"), "mine").unwrap();
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
    assert!(below(place.path(), "workspaces/acme/security/accounts.yml").exists());
    assert!(below(place.path(), "workspaces/acme/finops/accounts.yml").exists());
    assert!(!in_sync(&catalog, "ws_security").await);
    assert!(!in_sync(&catalog, "ws_finops").await);
    // Once in a run.
    assert_eq!(texts(&touch(&catalog).await), [""; 0]);
    assert_eq!(
        touch(&open(place.path()).await).await.len(),
        given[0].warnings.len()
    );
    assert!(below(place.path(), SECURITY).join("mine").exists());

    fs::remove_dir_all(below(place.path(), SECURITY)).unwrap();
    fs::remove_file(finops).unwrap();
    fs::remove_file(below(place.path(), "workspaces/beta")).unwrap();
    assert!(touch(&catalog).await.is_empty());
    assert_published(place.path()).await;
}

/// Permissions do not bind root, so that root lets another user try.
#[tokio::test]
async fn a_directory_that_may_not_be_written_is_a_warning() {
    let place = TempDir::new().unwrap();
    let directory = place.path().join("catalog");
    filled(&open(&directory).await).await;
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
    let catalog = open(&directory).await;
    assert!(in_sync(&catalog, "ws_finops").await);
    assert!(!in_sync(&catalog, "ws_security").await);

    // What cannot even be listed is not pruned, and the workspace that can is written.
    closed("workspaces/acme/security", 0o000);
    let said = told(as_nobody(&program, &directory, "grant acme/finops"));
    assert!(said.contains("workspaces/acme/security"), "{said}");
    assert!(in_sync(&catalog, "ws_finops").await);
    closed("workspaces/acme/security", 0o755);
    assert!(touch(&catalog).await.is_empty());
    assert_published(&directory).await;
}

#[tokio::test]
async fn what_cannot_be_rendered_stays_as_it_was() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    filled(&catalog).await;
    let before = published(place.path());
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
    assert_eq!(published(place.path()), before);
    assert!(!in_sync(&catalog, "ws_security").await);
    assert!(in_sync(&catalog, "ws_finops").await);
    assert!(!in_sync(&catalog, "ws_unknown").await);
}

#[tokio::test]
async fn a_notice_is_given_by_the_commit_that_brings_it_about() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    filled(&catalog).await;
    put(
        &catalog,
        workspace("ws_security", "acme/security", &["iam_policy", "json"]),
    )
    .await;
    let odd = odd_role();
    // By a process that has not rendered anything before.
    let other = open(place.path()).await;
    let committed = put(&other, odd.clone()).await;
    let said = texts(&committed.warnings);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("iam_policy of the workspace \"acme/security\": "),
        "{said:?}"
    );
    // Later ones do not say it again, whoever makes them.
    for catalog in [&other, &catalog, &open(place.path()).await] {
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
#[tokio::test]
async fn an_older_version_never_replaces_what_a_newer_one_published() {
    let place = TempDir::new().unwrap();
    filled(&open(place.path()).await).await;
    let store = Faulty::new(place.path());
    let catalog = Catalog::with_store(store.clone(), TENANT);
    *store.late_intruder.lock().unwrap() = Some((open(place.path()).await, "in_newer"));
    let committed = put(&catalog, folder_permission("fp_a", "in_a", "acme")).await;
    assert!(committed.warnings.is_empty(), "{:?}", committed.warnings);
    assert!(store.count(Operation::Publish) > 0);
    let document = open(place.path()).await.read().await.unwrap().unwrap();
    assert_eq!(document.version(), committed.document.version() + 1);
    assert!(document.tenant().get::<Integration>("in_newer").is_some());
    assert_published(place.path()).await;
    // What is new with the older one is told all the same: the newer one's writer does not find it new.
    put(
        &catalog,
        workspace("ws_finops", "acme/finops", &["iam_policy"]),
    )
    .await;
    *store.late_intruder.lock().unwrap() = Some((open(place.path()).await, "in_newest"));
    let committed = put(&catalog, odd_role()).await;
    assert_eq!(committed.warnings.len(), 1, "{:?}", committed.warnings);
    assert!(committed.warnings[0].is_notice());
    assert_published(place.path()).await;
    // And it goes on from there.
    put(&catalog, folder_permission("fp_b", "in_a", "acme/finops")).await;
    assert_published(place.path()).await;
}

#[tokio::test]
async fn every_failure_and_crash_of_publishing_is_made_good_by_the_next_commit() {
    use Fault::*;
    use Operation::*;
    let mut met = 0;
    for (operation, calls) in [(ReadPublication, 1), (ListPublications, 1), (Publish, 3)] {
        for call in 0..calls {
            for fault in [FailBefore, FailAfter, StopBefore, StopAfter] {
                let name = format!("{operation:?} {call} {fault:?}");
                let place = TempDir::new().unwrap();
                filled(&open(place.path()).await).await;
                // One that a list does not have is looked for.
                fs::remove_file(below(place.path(), FINOPS)).unwrap();
                let store = Faulty::with_fault(place.path(), operation, call, fault);
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
                let reader = open(place.path()).await;
                let document = reader.read().await.unwrap().unwrap();
                assert!(
                    document.tenant().get::<Integration>("in_b").is_some(),
                    "{name}"
                );
                let committed = outcome.map(|outcome| outcome.unwrap());
                let is_told = committed.is_none_or(|committed| !committed.warnings.is_empty());
                // Whether it is in sync is what the files say, and what is not is told.
                let is_right = published(place.path()) == expected(&document);
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
                assert_published(place.path()).await;
            }
        }
    }
    // Were the faults never met, this test would say nothing.
    assert_eq!(met, 5 * 4);
}

#[tokio::test]
async fn what_another_process_left_unpublished_is_published_with_the_next_change() {
    let place = TempDir::new().unwrap();
    // It remembers what it published.
    let catalog = open(place.path()).await;
    filled(&catalog).await;
    let store = Faulty::with_fault(place.path(), Operation::Publish, 0, Fault::StopBefore);
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
    assert_ne!(published(place.path()), expected(&document));
    // A change that is about no workspace.
    put(&catalog, folder_permission("fp_a", "in_a", "nobody")).await;
    assert_published(place.path()).await;
}

#[tokio::test]
async fn what_a_killed_writer_began_goes() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    filled(&catalog).await;
    let begun = |path: &str| {
        let path = below(place.path(), path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{").unwrap();
    };
    begun("workspaces/acme/gone/.connections.json.tmp");
    begun("workspaces/acme/finops/.iam_policy.json.tmp");
    touch(&catalog).await;
    assert_published(place.path()).await;
    assert!(!below(place.path(), "workspaces/acme/gone").exists());
}

#[tokio::test]
async fn many_permissions_at_once_are_few_versions_and_are_all_published() {
    let place = TempDir::new().unwrap();
    let store = Faulty::new(place.path());
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
    let writes = store.count(Operation::SwapDocument);
    assert!(writes <= 6, "{writes} writes");
    let document = catalog.read().await.unwrap().unwrap();
    assert_eq!(document.tenant().each::<FolderPermission>().len(), 450);
    assert_published(place.path()).await;
}

#[tokio::test]
async fn processes_that_race_publish_the_last_version() {
    let place = TempDir::new().unwrap();
    filled(&open(place.path()).await).await;
    let writers: Vec<_> = (0..8)
        .map(|n| helper(place.path(), &format!("grant-and-declare {n}")))
        .collect();
    writers.into_iter().for_each(Helper::wait);
    let document = open(place.path()).await.read().await.unwrap().unwrap();
    assert_eq!(document.tenant().each::<FolderPermission>().len(), 8 * 6);
    assert_eq!(document.tenant().each::<Workspace>().len(), 2 + 8 * 3);
    assert_published(place.path()).await;
}

#[tokio::test]
async fn killed_writers_leave_publications_that_the_next_commit_makes_right() {
    let place = TempDir::new().unwrap();
    filled(&open(place.path()).await).await;
    for round in 0..8 {
        let mut writers: Vec<_> = ["a", "b"]
            .map(|name| helper(place.path(), &format!("grant-forever {round}{name}")))
            .into();
        for writer in &mut writers {
            writer.lines().next().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_micros(rand::random_range(
            0..40_000,
        )));
        for writer in &mut writers {
            writer.0.kill().unwrap();
        }
        drop(writers);
        let catalog = open(place.path()).await;
        let document = catalog.read().await.unwrap().unwrap();
        // Files are whole, of whatever version.
        for (path, bytes) in published(place.path()) {
            if path.ends_with("/connections.json") {
                serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
            }
        }
        let mut is_in_sync = true;
        for workspace in document.tenant().each::<Workspace>() {
            is_in_sync &= catalog.in_sync(&document, &workspace.id).await.unwrap();
        }
        let is_right = expected(&document)
            .iter()
            .all(|(path, bytes)| published(place.path()).get(path) == Some(bytes));
        assert_eq!(is_in_sync, is_right);
        assert!(touch(&catalog).await.is_empty());
        assert_published(place.path()).await;
    }
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
