//! The catalog on a real disk: races of threads and of processes, kills, faults, refused documents and the history.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use orgmirror::catalog::{
    Action, Catalog, Change, CommitError, Committed, Disk, Document, DocumentError, Entry, Failure,
    ListHistoryError, Location, OpenError, ReadDocumentError, ReadError, ReadHistoryError, Reading,
    Reservation, Store, Swap, SwapDocumentError, Token, Who, WriteError, WriteHistoryError, diff,
};
use orgmirror::model::integration::{ConnectionSettings, Integration, Owner, RemovalGuard, Sso};
use orgmirror::model::late::Late;
use orgmirror::model::mirror::{Connection, Folder, Mirror};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;

const TENANT: &str = "acme";
const HELPER: &str = "ORGMIRROR_TEST_HELPER";
const DIRECTORY: &str = "ORGMIRROR_TEST_DIRECTORY";

fn known<T>(value: T) -> Late<T> {
    Late::Known(value)
}

fn folder(name: &str, handle: &str, parent: Option<&str>, path: &str) -> Folder {
    Folder {
        name: known(name.into()),
        derived_handle: known(handle.into()),
        parent_id: parent.map(Into::into),
        path: known(path.into()),
    }
}

fn connection(id: &str, name: &str, folder: &str, path: &str) -> Connection {
    Connection {
        name: known(name.into()),
        email: known(Some(format!("{name}@example.com"))),
        state: "ACTIVE".into(),
        tags: known(Some(BTreeMap::from([("env".into(), "prod".into())]))),
        derived_handle: known(format!("aws_{name}")),
        folder_id: folder.into(),
        path: known(path.into()),
        derived_role_arn: known(format!("arn:aws:iam::{id}:role/readonly")),
        owners: known(None),
        sign_in_url: known(None),
    }
}

fn integration(id: &str, handle: &str) -> Integration {
    Integration {
        id: id.into(),
        handle: handle.into(),
        organization: None,
        handle_prefix: Some("aws_".into()),
        initial_handles: None,
        connection_settings: ConnectionSettings {
            role_name: "readonly".into(),
            external_id: Some("acme:3x4mpl3ext3rn4l1".into()),
            regions: ["*".to_owned()].into(),
            default_region: "us-east-1".into(),
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
        mirror: Mirror {
            aws_organization_id: known(Some("o-exampleorg1".into())),
            folders: [
                ("r-ab12", folder("Root", "acme", None, "/")),
                (
                    "ou-ab12-11111111",
                    folder("Workloads", "aws_workloads", Some("r-ab12"), "/Workloads"),
                ),
                (
                    "ou-ab12-22222222",
                    folder("Sandbox", "aws_sandbox", Some("r-ab12"), "/Sandbox"),
                ),
            ]
            .map(|(id, folder)| (id.to_owned(), folder))
            .into(),
            connections: [
                connection("111111111111", "billing", "ou-ab12-11111111", "/Workloads"),
                connection("222222222222", "shop", "ou-ab12-11111111", "/Workloads"),
                connection("333333333333", "lab", "ou-ab12-22222222", "/Sandbox"),
            ]
            .map(|c| {
                let arn = c.derived_role_arn.known().unwrap();
                (arn[13..25].to_owned(), c)
            })
            .into(),
        },
        effective_handles: BTreeMap::new(),
    }
}

fn ada() -> Who {
    Who {
        arn: None,
        user: "ada".into(),
        host: "ci-7".into(),
    }
}

fn location(directory: &Path) -> Location {
    directory.to_str().unwrap().parse().unwrap()
}

async fn open(directory: &Path) -> Catalog {
    Catalog::open(&location(directory), TENANT).await.unwrap()
}

fn document_path(directory: &Path) -> PathBuf {
    directory.join("tenants/acme/catalog.json")
}

/// A change that adds an integration, and refuses where its handle is taken.
fn add(
    id: &str,
    handle: &str,
) -> impl Fn(&mut Document) -> Result<((), Vec<Change>), String> + Send + 'static {
    let integration = integration(id, handle);
    move |document| {
        if let Some(holder) = document.integration_by_handle(&integration.handle) {
            return Err(format!("{} is taken by {}", integration.handle, holder.id));
        }
        Ok(((), document.put(integration.clone()).into_iter().collect()))
    }
}

async fn commit_one(catalog: &Catalog, id: &str) -> Committed<()> {
    catalog.commit(&ada(), add(id, id)).await.unwrap()
}

fn ids(document: &Document) -> BTreeSet<String> {
    document.integrations().map(|i| i.id.clone()).collect()
}

/// Every file below a directory with its content.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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

/// Checks that the history is 1, 2, 3 ... up to the document's version, told by the catalog and, if `in_files`, by
/// the files alone.
async fn assert_contiguous(directory: &Path, in_files: bool) -> Vec<Entry> {
    let catalog = open(directory).await;
    let document = catalog.read().await.unwrap().unwrap();
    let history = catalog.history(usize::MAX).await.unwrap();
    let versions: Vec<u64> = history.iter().map(|entry| entry.version).collect();
    let expected: Vec<u64> = (1..=document.version()).collect();
    assert_eq!(versions, expected);
    for entry in &history {
        assert_eq!(entry.previous, entry.version - 1);
        let path = directory.join(format!("tenants/acme/history/{}.json", entry.version));
        if in_files {
            let bytes = fs::read(path).unwrap();
            assert_eq!(&Entry::from_bytes(&bytes, "").unwrap(), entry);
        }
    }
    assert_eq!(history.last(), document.last_commit());
    history
}

fn created(history: &[Entry]) -> Vec<String> {
    let changes = history.iter().flat_map(|entry| &entry.changes);
    changes
        .filter(|change| change.action == Action::Create)
        .map(|change| change.id.clone())
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    ReadDocument,
    SwapDocument,
    ReadHistory,
    WriteHistory,
    ListHistory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The operation is not made, and says so.
    FailBefore,
    /// The operation is made, and says that it was not (a swap: that it may not have been).
    FailAfter,
    /// As if the process were killed before the operation.
    StopBefore,
    /// As if the process were killed after the operation.
    StopAfter,
    /// A swap is made, and then loses against itself.
    LoseAgainstItself,
}

/// A disk that counts its operations and has one fault, at the given call of one operation.
#[derive(Debug)]
struct Faulty {
    disk: Disk,
    fault: Mutex<Option<(Operation, usize, Fault)>>,
    calls: Mutex<Vec<Operation>>,
    stopped: Notify,
    /// Another writer's catalog, which commits this ID when a swap was made or is about to be.
    intruder: Mutex<Option<(Catalog, &'static str)>>,
}

impl Faulty {
    fn new(directory: &Path) -> Arc<Self> {
        Arc::new(Self {
            disk: Disk::new(directory, TENANT),
            fault: Mutex::default(),
            calls: Mutex::default(),
            stopped: Notify::new(),
            intruder: Mutex::default(),
        })
    }

    fn with_fault(directory: &Path, operation: Operation, call: usize, fault: Fault) -> Arc<Self> {
        let store = Self::new(directory);
        *store.fault.lock().unwrap() = Some((operation, call, fault));
        store
    }

    fn count(&self, operation: Operation) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| **call == operation).count()
    }

    /// The fault of this call, if it has one.
    fn begin(&self, operation: Operation) -> Option<Fault> {
        let call = self.count(operation);
        self.calls.lock().unwrap().push(operation);
        let fault = *self.fault.lock().unwrap();
        fault.and_then(|(on, at, fault)| (on == operation && at == call).then_some(fault))
    }

    async fn stop(&self) {
        self.stopped.notify_one();
        std::future::pending().await
    }

    async fn intrude(&self) {
        let intruder = self.intruder.lock().unwrap().take();
        if let Some((catalog, id)) = intruder {
            commit_one(&catalog, id).await;
        }
    }
}

fn injected() -> Failure {
    Failure {
        action: "reach",
        place: "the store".into(),
        source: "injected".into(),
        advice: "This is a test".into(),
    }
}

macro_rules! with_fault {
    ($self:ident, $operation:ident, $made:expr, $error:expr, $uncertain:expr) => {{
        let fault = $self.begin(Operation::$operation);
        match fault {
            Some(Fault::FailBefore) => return Err($error),
            Some(Fault::StopBefore) => $self.stop().await,
            _ => {}
        }
        let made = $made.await;
        match fault {
            Some(Fault::FailAfter) => return Err($uncertain),
            Some(Fault::StopAfter) => $self.stop().await,
            _ => {}
        }
        (made, fault)
    }};
}

#[async_trait]
impl Store for Faulty {
    fn place(&self) -> String {
        self.disk.place()
    }

    fn history_place(&self, version: u64) -> String {
        self.disk.history_place(version)
    }

    async fn read_document(&self, known: Option<&Token>) -> Result<Reading, ReadDocumentError> {
        let error = || ReadDocumentError::Failed(injected());
        let made = self.disk.read_document(known);
        with_fault!(self, ReadDocument, made, error(), error()).0
    }

    async fn swap_document(
        &self,
        expected: Option<&Token>,
        bytes: Arc<[u8]>,
    ) -> Result<Swap, SwapDocumentError> {
        let loses = matches!(
            *self.fault.lock().unwrap(),
            Some((_, _, Fault::LoseAgainstItself | Fault::FailAfter))
        );
        if !loses {
            self.intrude().await;
        }
        let (made, fault) = with_fault!(
            self,
            SwapDocument,
            async {
                let made = self.disk.swap_document(expected, bytes).await;
                if loses {
                    self.intrude().await;
                }
                made
            },
            SwapDocumentError::Failed(injected()),
            SwapDocumentError::Uncertain(injected())
        );
        match fault {
            Some(Fault::LoseAgainstItself) => Ok(Swap::Lost),
            _ => made,
        }
    }

    async fn reserve(&self) -> Result<Option<Reservation>, SwapDocumentError> {
        self.disk.reserve().await
    }

    async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError> {
        let error = || ReadHistoryError::Failed(injected());
        let made = self.disk.read_history(version);
        with_fault!(self, ReadHistory, made, error(), error()).0
    }

    async fn write_history(&self, version: u64, bytes: Arc<[u8]>) -> Result<(), WriteHistoryError> {
        let error = || WriteHistoryError::Failed(injected());
        let made = self.disk.write_history(version, bytes);
        with_fault!(self, WriteHistory, made, error(), error()).0
    }

    async fn list_history(&self) -> Result<Vec<u64>, ListHistoryError> {
        let error = || ListHistoryError::Failed(injected());
        let made = self.disk.list_history();
        with_fault!(self, ListHistory, made, error(), error()).0
    }
}

/// The work of another process: this test binary, started again by [`helper`]. Run by itself it has nothing to do.
#[test]
#[ignore = "started by the other tests, as a process of its own"]
fn helper_process() {
    let (Ok(work), Ok(directory)) = (env::var(HELPER), env::var(DIRECTORY)) else {
        return;
    };
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nsays {line}").unwrap();
        out.flush().unwrap();
    };
    let directory = PathBuf::from(directory);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (work, argument) = work.split_once(' ').unwrap();
    runtime.block_on(async {
        let catalog = open(&directory).await;
        match work {
            "commit" => {
                for n in 0..20 {
                    commit_one(&catalog, &format!("in_{argument}_{n}")).await;
                }
            }
            "commit-forever" => {
                for n in 0.. {
                    let id = format!("in_{argument}_{n}");
                    commit_one(&catalog, &id).await;
                    say(id);
                }
            }
            "try" => match catalog.commit(&ada(), add(argument, argument)).await {
                Ok(_) => say("committed".into()),
                Err(error) => say(format!("{error:?} | {error}")),
            },
            "lock" => {
                let lock = fs::File::open(directory.join(argument)).unwrap();
                lock.lock().unwrap();
                say("locked".into());
                std::future::pending::<()>().await;
            }
            other => panic!("{other}?"),
        }
    });
}

fn helper_command(program: &Path, directory: &Path, work: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args([
            "--ignored",
            "--exact",
            "helper_process",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(HELPER, work)
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A process that is killed, at the latest when dropped.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn helper(directory: &Path, work: &str) -> Helper {
    let program = env::current_exe().unwrap();
    Helper(helper_command(&program, directory, work).spawn().unwrap())
}

impl Helper {
    fn wait(mut self) {
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let out = BufReader::new(self.0.stdout.take().unwrap());
        out.lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("says ").map(ToOwned::to_owned))
    }
}

#[tokio::test]
async fn reading_writes_nothing() {
    let place = TempDir::new().unwrap();
    let missing = place.path().join("not/there");
    for directory in [place.path(), &missing] {
        let catalog = open(directory).await;
        assert!(catalog.read().await.unwrap().is_none());
        assert!(catalog.history(10).await.unwrap().is_empty());
    }
    assert!(contents(place.path()).is_empty());

    commit_one(&open(place.path()).await, "in_a").await;
    let before = contents(place.path());
    let catalog = open(place.path()).await;
    assert!(catalog.read().await.unwrap().unwrap().exists());
    assert_eq!(catalog.history(10).await.unwrap().len(), 1);
    assert_eq!(contents(place.path()), before);
}

#[tokio::test]
async fn a_document_edited_by_hand_is_seen_at_once() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    commit_one(&catalog, "in_a").await;
    let path = document_path(place.path());
    let text = fs::read_to_string(&path).unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    // Same length, same time of modification: only the content tells.
    fs::write(&path, text.replace("readonly", "readonlx")).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    let read = catalog.read().await.unwrap().unwrap();
    let role = &read.integration("in_a").unwrap().connection_settings;
    assert_eq!(role.role_name, "readonlx");

    // And a commit goes on from the edited one.
    commit_one(&catalog, "in_b").await;
    let read = catalog.read().await.unwrap().unwrap();
    let role = &read.integration("in_a").unwrap().connection_settings;
    assert_eq!((role.role_name.as_str(), read.version()), ("readonlx", 2));
}

#[tokio::test]
async fn refused_documents_are_left_alone() {
    let golden = include_str!("catalog/v1.json");
    let with = |from: &str, to: &str| {
        assert!(golden.contains(from), "{from}");
        golden.replacen(from, to, 1).into_bytes()
    };
    let cases: [(&str, Vec<u8>, &[&str]); 14] = [
        ("empty", Vec::new(), &["it is empty"]),
        (
            "torn",
            golden.as_bytes()[..golden.len() / 2].to_vec(),
            &["EOF"],
        ),
        ("not JSON", b"<<<<<<< HEAD\n".to_vec(), &["line 1"]),
        (
            "something behind",
            [golden, "{}"].concat().into_bytes(),
            &["trailing"],
        ),
        (
            "not UTF-8",
            {
                let mut bytes = with("Workloads", "Workl?ads");
                let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
                bytes[at] = 0xff;
                bytes
            },
            &["unicode"],
        ),
        ("another shape", b"[]\n".to_vec(), &["cannot be read"]),
        ("no schema version", b"{}\n".to_vec(), &["schema_version"]),
        (
            "newer, of a shape we do not know",
            b"{\"schema_version\": 2, \"version\": \"x\", \"tree\": [1]}\n".to_vec(),
            &["schema version 2", "reads up to 1", "Upgrade the provider"],
        ),
        (
            "of another tenant",
            with("\"tenant\": \"acme\"", "\"tenant\": \"other\""),
            &["tenant \"other\", not of tenant \"acme\""],
        ),
        (
            "unknown field",
            with("\"role_name\"", "\"rolename\": \"x\",\n\"role_name\""),
            &[
                "does not know",
                "integrations.in_0123456789abcdefghij.connection_settings.rolename",
            ],
        ),
        (
            "unknown field at the top",
            with("\"tenant\"", "\"tenants\": 1, \"tenant\""),
            &["tenants"],
        ),
        (
            "another ID inside",
            with("\"in_0123456789abcdefghij\": {", "\"in_x\": {"),
            &["in_x"],
        ),
        (
            "without its history entry",
            with("\"commit\"", "\"committed\""),
            &["commit"],
        ),
        (
            "version and entry disagree",
            with("\"version\": 2", "\"version\": 7"),
            &["of version"],
        ),
    ];
    for (name, bytes, expected) in cases {
        let place = TempDir::new().unwrap();
        let path = document_path(place.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes).unwrap();
        let before = contents(place.path());
        let catalog = open(place.path()).await;

        let error = catalog.read().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()), "{name}: {text}");
        for part in expected {
            assert!(text.contains(part), "{name}: {text}");
        }
        let committed = catalog.commit(&ada(), add("in_a", "a")).await;
        let Err(CommitError::Read(again)) = committed else {
            panic!("{name}: {committed:?}");
        };
        assert_eq!(again.to_string(), text);
        assert!(matches!(*again, ReadError::Document(_)), "{name}");
        assert_eq!(contents(place.path()), before, "{name}");
    }
}

#[tokio::test]
async fn an_integration_that_is_there_twice_is_refused() {
    let golden: Value = serde_json::from_str(include_str!("catalog/v1.json")).unwrap();
    let one = golden["integrations"]["in_0123456789abcdefghij"].to_string();
    let text = format!(
        r#"{{"schema_version":1,"version":2,"tenant":"acme","commit":{},"integrations":{{
            "in_0123456789abcdefghij":{one},"in_0123456789abcdefghij":{one}}}}}"#,
        golden["commit"]
    );
    let error = Document::from_bytes(text.as_bytes(), TENANT, "x").unwrap_err();
    assert!(error.to_string().contains("there twice"), "{error}");
}

#[test]
fn the_golden_document_reads_and_writes_as_it_is() {
    let golden = include_bytes!("catalog/v1.json");
    let document = Document::from_bytes(golden, TENANT, "x").unwrap();
    assert_eq!((document.version(), document.tenant()), (2, TENANT));
    assert_eq!(document.last_commit().unwrap().who, ada());
    let mut expected = integration("in_0123456789abcdefghij", "acme");
    expected.sso = Some(Sso {
        portal_url: "https://acme.awsapps.com/start".into(),
        region: "us-east-1".into(),
        role_name: Some("ReadOnly".into()),
    });
    expected.owners = Some(vec![Owner {
        attribute: "okta_group".into(),
        values: ["platform".to_owned()].into(),
    }]);
    expected
        .effective_handles
        .insert("333333333333".into(), "aws_lab_33333333".into());
    assert_eq!(
        document.integration("in_0123456789abcdefghij"),
        Some(&expected)
    );
    let bytes = document.to_bytes().unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        String::from_utf8(golden.to_vec()).unwrap()
    );
}

#[tokio::test]
async fn what_cannot_be_opened_says_so() {
    let s3: Location = "s3://acme-orgmirror/prod".parse().unwrap();
    let error = Catalog::open(&s3, TENANT).await.unwrap_err();
    assert_eq!(error, OpenError::S3NotAvailable(s3));
    for tenant in ["", "..", "a/b", "A", "-a", "a-", "é", &"a".repeat(64)] {
        let error = Catalog::open(&location(Path::new("x")), tenant)
            .await
            .unwrap_err();
        assert_eq!(error, OpenError::Tenant(tenant.into()));
    }
}

#[tokio::test]
async fn a_change_of_nothing_writes_nothing() {
    let place = TempDir::new().unwrap();
    let store = Faulty::new(place.path());
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let nothing = |document: &mut Document| {
        let same = document.integration("in_a").cloned();
        let changes = same.and_then(|same| document.put(same));
        Ok::<_, Infallible>((document.exists(), changes.into_iter().collect()))
    };
    let committed = catalog.commit(&ada(), nothing).await.unwrap();
    assert!(!committed.value && !committed.written && !committed.document.exists());
    assert!(contents(place.path()).is_empty());

    commit_one(&catalog, "in_a").await;
    let before = contents(place.path());
    let committed = catalog.commit(&ada(), nothing).await.unwrap();
    assert!(committed.value && !committed.written);
    assert_eq!(committed.document.version(), 1);
    assert_eq!(contents(place.path()), before);
    assert_eq!(store.count(Operation::SwapDocument), 1);
}

#[tokio::test]
async fn a_lost_race_applies_the_change_again() {
    let place = TempDir::new().unwrap();
    let store = Faulty::new(place.path());
    let catalog = Catalog::with_store(store.clone(), TENANT);
    *store.intruder.lock().unwrap() = Some((open(place.path()).await, "in_faster"));
    let applied = Arc::new(AtomicUsize::new(0));
    let counted = {
        let (applied, add) = (applied.clone(), add("in_a", "a"));
        move |document: &mut Document| {
            applied.fetch_add(1, Ordering::Relaxed);
            add(document)
        }
    };
    let committed = catalog.commit(&ada(), counted).await.unwrap();
    assert_eq!(applied.load(Ordering::Relaxed), 2);
    assert_eq!(committed.document.version(), 2);
    assert_eq!(committed.document.integrations().len(), 2);
    assert_contiguous(place.path(), true).await;
}

#[tokio::test]
async fn a_change_that_conflicts_with_the_faster_one_is_told_so() {
    let place = TempDir::new().unwrap();
    let store = Faulty::new(place.path());
    let catalog = Catalog::with_store(store.clone(), TENANT);
    *store.intruder.lock().unwrap() = Some((open(place.path()).await, "in_faster"));
    let committed = catalog.commit(&ada(), add("in_a", "in_faster")).await;
    let Err(CommitError::Conflict(conflict)) = committed else {
        panic!("{committed:?}");
    };
    assert_eq!(conflict, "in_faster is taken by in_faster");
    assert_contiguous(place.path(), true).await;
}

#[tokio::test]
async fn a_swap_of_unknown_outcome_is_looked_up() {
    for fault in [Fault::FailAfter, Fault::LoseAgainstItself] {
        for intruder in [None, Some("in_on_top")] {
            let place = TempDir::new().unwrap();
            let store = Faulty::with_fault(place.path(), Operation::SwapDocument, 0, fault);
            let catalog = Catalog::with_store(store.clone(), TENANT);
            let other = open(place.path()).await;
            *store.intruder.lock().unwrap() = intruder.map(|id| (other, id));
            // Applied twice it would conflict with itself.
            commit_one(&catalog, "in_a").await;
            let document = catalog.read().await.unwrap().unwrap();
            let expected = 1 + usize::from(intruder.is_some());
            assert_eq!(document.integrations().len(), expected, "{fault:?}");
            assert_eq!(document.version(), expected as u64, "{fault:?}");
            assert_contiguous(place.path(), true).await;
        }
    }
}

#[tokio::test]
async fn concurrent_changes_are_written_together_and_fail_alone() {
    let place = TempDir::new().unwrap();
    let store = Faulty::new(place.path());
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let commits: Vec<_> = (0..500)
        .map(|n| {
            let catalog = catalog.clone();
            tokio::spawn(async move {
                // Every tenth change spoils the document and then refuses, every hundredth panics.
                let add = add(&format!("in_{n}"), &format!("h{n}"));
                let change = move |document: &mut Document| {
                    let done = add(document)?;
                    if n % 100 == 5 {
                        panic!("a bug, on purpose");
                    }
                    if n % 10 == 0 {
                        return Err(format!("refused {n}"));
                    }
                    Ok(done)
                };
                catalog.commit(&ada(), change).await
            })
        })
        .collect();
    for (n, commit) in commits.into_iter().enumerate() {
        match commit.await.unwrap() {
            Err(CommitError::Panicked) => assert_eq!(n % 100, 5),
            Err(CommitError::Conflict(text)) => {
                assert_eq!(n % 10, 0);
                assert_eq!(text, format!("refused {n}"));
            }
            Ok(committed) => {
                assert!(n % 10 != 0 && n % 100 != 5);
                let id = format!("in_{n}");
                assert!(committed.document.integration(&id).is_some());
            }
            other => panic!("{other:?}"),
        }
    }
    let expected: BTreeSet<String> = (0..500)
        .filter(|n| n % 10 != 0 && n % 100 != 5)
        .map(|n| format!("in_{n}"))
        .collect();
    assert_eq!(ids(&catalog.read().await.unwrap().unwrap()), expected);
    let writes = store.count(Operation::SwapDocument);
    assert!(writes <= 5, "{writes} writes");
    let history = assert_contiguous(place.path(), true).await;
    assert_eq!(
        created(&history).into_iter().collect::<BTreeSet<_>>(),
        expected
    );
}

#[tokio::test]
async fn changes_of_different_callers_are_recorded_apart() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    let arn = "arn:aws:sts::111111111111:assumed-role/ci/run";
    let (user, caller) = (ada(), ada().with_arn(arn));
    let (one, two) = tokio::join!(
        catalog.commit(&user, add("in_a", "a")),
        catalog.commit(&caller, add("in_b", "b")),
    );
    one.unwrap();
    two.unwrap();
    let who: Vec<String> = (assert_contiguous(place.path(), true).await.iter())
        .map(|entry| entry.who.to_string())
        .collect();
    assert_eq!(who, ["ada@ci-7", arn]);
}

#[tokio::test]
async fn a_document_that_vanished_is_not_made_again_unasked() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    commit_one(&catalog, "in_a").await;
    commit_one(&catalog, "in_b").await;
    fs::remove_file(document_path(place.path())).unwrap();
    let update = |document: &mut Document| match document.exists() {
        true => Ok(((), vec![])),
        false => Err("gone"),
    };
    let committed = catalog.commit(&ada(), update).await;
    assert!(matches!(committed, Err(CommitError::Conflict("gone"))));
    assert!(!document_path(place.path()).exists());

    // A create is meant: it starts anew, above what is recorded, and the record stays.
    let committed = commit_one(&catalog, "in_c").await;
    assert_eq!(committed.document.version(), 3);
    let history = open(place.path()).await.history(9).await.unwrap();
    let versions: Vec<_> = history.iter().map(|e| (e.version, e.previous)).collect();
    assert_eq!(versions, [(1, 0), (2, 1), (3, 0)]);
}

#[tokio::test]
async fn a_document_put_back_by_hand_keeps_the_record() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    commit_one(&catalog, "in_a").await;
    let backup = fs::read(document_path(place.path())).unwrap();
    commit_one(&catalog, "in_b").await;
    commit_one(&catalog, "in_c").await;
    fs::write(document_path(place.path()), backup).unwrap();
    let committed = commit_one(&catalog, "in_d").await;
    assert_eq!(committed.document.version(), 4);
    assert_eq!(
        ids(&committed.document),
        ["in_a", "in_d"].map(str::to_owned).into()
    );
    let history = catalog.history(3).await.unwrap();
    let versions: Vec<_> = history.iter().map(|e| (e.version, e.previous)).collect();
    assert_eq!(versions, [(2, 1), (3, 2), (4, 1)]);
    assert_eq!(created(&history), ["in_b", "in_c", "in_d"]);
}

#[tokio::test]
async fn a_dropped_commit_is_finished_or_never_begun() {
    // Dropped while the swap is being made: it is made and recorded whole.
    let place = TempDir::new().unwrap();
    commit_one(&open(place.path()).await, "in_0").await;
    let lock = fs::File::open(place.path().join("tenants/acme/catalog.lock")).unwrap();
    lock.lock().unwrap();
    let store = Faulty::new(place.path());
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let begun = tokio::spawn({
        let catalog = catalog.clone();
        async move { catalog.commit(&ada(), add("in_a", "a")).await.map(|_| ()) }
    });
    while store.count(Operation::SwapDocument) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Dropped while it waits for that one: it is never begun.
    let waiting = tokio::spawn({
        let catalog = catalog.clone();
        async move { catalog.commit(&ada(), add("in_b", "b")).await.map(|_| ()) }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    begun.abort();
    waiting.abort();
    assert!(begun.await.unwrap_err().is_cancelled());
    assert!(waiting.await.unwrap_err().is_cancelled());
    lock.unlock().unwrap();

    let committed = commit_one(&catalog, "in_c").await;
    assert_eq!(
        ids(&committed.document),
        ["in_0", "in_a", "in_c"].map(str::to_owned).into()
    );
    assert_contiguous(place.path(), true).await;
}

#[test]
fn a_runtime_that_goes_down_leaves_the_catalog_usable() {
    let place = TempDir::new().unwrap();
    let new_runtime = || tokio::runtime::Runtime::new().unwrap();
    let store = Faulty::with_fault(place.path(), Operation::SwapDocument, 0, Fault::StopBefore);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let runtime = new_runtime();
    let mut commit = {
        let catalog = catalog.clone();
        Box::pin(async move { catalog.commit(&ada(), add("in_a", "a")).await })
    };
    runtime.block_on(async {
        tokio::select! {
            _ = &mut commit => panic!("it was stopped"),
            () = store.stopped.notified() => {}
        }
    });
    drop(runtime);
    let outcome = new_runtime().block_on(commit);
    assert!(
        matches!(outcome, Err(CommitError::Interrupted)),
        "{outcome:?}"
    );
    let runtime = new_runtime();
    let next = async {
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, commit_one(&catalog, "in_b")).await
    };
    runtime
        .block_on(next)
        .expect("a writer that is gone blocks the next");
}

#[tokio::test]
async fn every_crash_point_leaves_the_old_or_the_new_document_and_a_whole_record() {
    use Fault::*;
    use Operation::*;
    let mut met = 0;
    for operation in [ReadDocument, SwapDocument, ReadHistory, WriteHistory] {
        for call in 0..3 {
            for fault in [FailBefore, FailAfter, StopBefore, StopAfter] {
                let place = TempDir::new().unwrap();
                let name = format!("{operation:?} {call} {fault:?}");
                // The writer before died between its swap and its record.
                let died = Faulty::with_fault(place.path(), WriteHistory, 1, StopBefore);
                let before = Catalog::with_store(died.clone(), TENANT);
                commit_one(&before, "in_1").await;
                tokio::select! {
                    _ = commit_one(&before, "in_2") => panic!("{name}"),
                    () = died.stopped.notified() => {}
                }
                assert!(!place.path().join("tenants/acme/history/2.json").exists());
                assert_contiguous(place.path(), false).await;

                let store = Faulty::with_fault(place.path(), operation, call, fault);
                let catalog = Catalog::with_store(store.clone(), TENANT);
                let who = ada();
                let outcome = tokio::select! {
                    outcome = catalog.commit(&who, add("in_3", "in_3")) => Some(outcome),
                    () = store.stopped.notified() => None,
                };
                met += usize::from(store.count(operation) > call);

                // What was acknowledged is there; what was not is there whole or not at all.
                let document = open(place.path()).await.read().await.unwrap().unwrap();
                assert_contiguous(place.path(), false).await;
                let is_new = document.integration("in_3").is_some();
                assert_eq!(document.version(), if is_new { 3 } else { 2 }, "{name}");
                match outcome {
                    Some(Ok(_)) => assert!(is_new, "{name}"),
                    Some(Err(error)) => {
                        assert!(!is_new, "{name}: {error}");
                        assert!(error.to_string().contains("injected"), "{name}: {error}");
                    }
                    None => {}
                }
                // The next commit completes the record, whoever makes it.
                commit_one(&open(place.path()).await, "in_4").await;
                let history = assert_contiguous(place.path(), true).await;
                let mut expected = vec!["in_1", "in_2", "in_3", "in_4"];
                expected.retain(|id| is_new || *id != "in_3");
                assert_eq!(created(&history), expected, "{name}");
            }
        }
    }
    // Three reads of the history at most, two of its writes, one read of the document, one swap; looking a swap up
    // reads once more. Were the faults never met, this test would say nothing.
    assert!(met >= 20, "only {met} faults were met");
}

#[tokio::test]
async fn a_failure_that_cannot_be_looked_up_says_that_the_outcome_is_unknown() {
    #[derive(Debug)]
    struct Gone(Arc<Faulty>);

    #[async_trait]
    impl Store for Gone {
        fn place(&self) -> String {
            self.0.place()
        }
        fn history_place(&self, version: u64) -> String {
            self.0.history_place(version)
        }
        async fn read_document(&self, known: Option<&Token>) -> Result<Reading, ReadDocumentError> {
            match self.0.count(Operation::SwapDocument) {
                0 => self.0.read_document(known).await,
                _ => Err(ReadDocumentError::Failed(injected())),
            }
        }
        async fn swap_document(
            &self,
            expected: Option<&Token>,
            bytes: Arc<[u8]>,
        ) -> Result<Swap, SwapDocumentError> {
            self.0.swap_document(expected, bytes).await
        }
        async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError> {
            self.0.read_history(version).await
        }
        async fn write_history(
            &self,
            version: u64,
            bytes: Arc<[u8]>,
        ) -> Result<(), WriteHistoryError> {
            self.0.write_history(version, bytes).await
        }
        async fn list_history(&self) -> Result<Vec<u64>, ListHistoryError> {
            self.0.list_history().await
        }
    }

    let place = TempDir::new().unwrap();
    let store = Faulty::with_fault(place.path(), Operation::SwapDocument, 0, Fault::FailAfter);
    let catalog = Catalog::with_store(Arc::new(Gone(store)), TENANT);
    let Err(CommitError::Write(error)) = catalog.commit(&ada(), add("in_a", "a")).await else {
        panic!();
    };
    assert!(matches!(*error, WriteError::Unknown(_)), "{error:?}");
    assert!(error.to_string().contains("is not known"), "{error}");
    assert_contiguous(place.path(), false).await;
}

#[tokio::test]
async fn what_a_killed_writer_left_is_replaced() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    commit_one(&catalog, "in_a").await;
    let temporary = place.path().join("tenants/acme/.catalog.json.tmp");
    let elsewhere = place.path().join("elsewhere");
    fs::write(&elsewhere, "keep").unwrap();
    symlink(&elsewhere, &temporary).unwrap();
    commit_one(&catalog, "in_b").await;
    assert!(!temporary.exists());
    assert_eq!(fs::read(&elsewhere).unwrap(), b"keep");
    fs::write(&temporary, "{\"schema_ver").unwrap();
    commit_one(&catalog, "in_c").await;
    assert!(!temporary.exists());
    let left = contents(place.path());
    let mut names = left.keys().filter_map(|path| path.file_name()?.to_str());
    assert!(!names.any(|name| name.ends_with(".tmp")), "{left:?}");
}

#[test]
fn threads_that_race_lose_nothing() {
    let place = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let directory = place.path();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let catalog = open(directory).await;
                    for n in 0..10 {
                        commit_one(&catalog, &format!("in_{thread}_{n}")).await;
                    }
                });
            });
        }
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let history = runtime.block_on(assert_contiguous(place.path(), true));
    assert_eq!(history.len(), 80);
    assert_eq!(
        created(&history).into_iter().collect::<BTreeSet<_>>().len(),
        80
    );
}

#[tokio::test]
async fn a_slow_writer_is_not_overtaken_for_ever() {
    let place = TempDir::new().unwrap();
    let mut fast = helper(place.path(), "commit-forever x");
    // Kept, as the other would die of a closed pipe.
    let mut lines = fast.lines();
    lines.next().unwrap();
    let applied = Arc::new(AtomicUsize::new(0));
    let slow = {
        let (applied, add) = (applied.clone(), add("in_slow", "slow"));
        move |document: &mut Document| {
            applied.fetch_add(1, Ordering::Relaxed);
            // Long enough for the other to commit several times.
            std::thread::sleep(Duration::from_millis(300));
            add(document)
        }
    };
    let catalog = open(place.path()).await;
    catalog.commit(&ada(), slow).await.unwrap();
    let applied = applied.load(Ordering::Relaxed);
    assert!(applied <= 2, "overtaken {applied} times");
    assert!(fast.0.try_wait().unwrap().is_none(), "there was no race");
    drop(fast);
    assert_contiguous(place.path(), false).await;
}

#[tokio::test]
async fn processes_that_race_lose_nothing() {
    let place = TempDir::new().unwrap();
    let writers: Vec<_> = (0..8)
        .map(|n| helper(place.path(), &format!("commit {n}")))
        .collect();
    writers.into_iter().for_each(Helper::wait);
    let history = assert_contiguous(place.path(), true).await;
    assert_eq!(history.len(), 160);
    let document = open(place.path()).await.read().await.unwrap().unwrap();
    let expected: BTreeSet<String> = (0..8)
        .flat_map(|writer| (0..20).map(move |n| format!("in_{writer}_{n}")))
        .collect();
    assert_eq!(ids(&document), expected);
}

#[tokio::test]
async fn killed_writers_lose_nothing_they_acknowledged() {
    let place = TempDir::new().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..10 {
        // Two at a time, so that one dies while the other waits, and both die somewhere else each time.
        let mut writers: Vec<_> = ["a", "b"]
            .map(|name| helper(place.path(), &format!("commit-forever {round}{name}")))
            .into();
        let lines: Vec<_> = (writers.iter_mut())
            .map(|writer| {
                let mut lines = writer.lines();
                let first = lines.next().unwrap();
                std::iter::once(first).chain(lines)
            })
            .collect();
        std::thread::sleep(Duration::from_micros(rand::random_range(0..40_000)));
        for writer in &mut writers {
            writer.0.kill().unwrap();
        }
        acknowledged.extend(lines.into_iter().flatten());
        drop(writers);

        let start = Instant::now();
        assert_contiguous(place.path(), false).await;
        let id = format!("in_after_{round}");
        let committed = commit_one(&open(place.path()).await, &id).await;
        acknowledged.insert(id);
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "the lock survived its holder"
        );
        let there = ids(&committed.document);
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
    let history = assert_contiguous(place.path(), true).await;
    let document = open(place.path()).await.read().await.unwrap().unwrap();
    assert_eq!(
        created(&history).into_iter().collect::<BTreeSet<_>>(),
        ids(&document)
    );
    assert!(acknowledged.len() >= 30);
}

#[tokio::test]
async fn the_lock_names_its_holder_and_dies_with_it() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    commit_one(&catalog, "in_a").await;
    let lock = place.path().join("tenants/acme/catalog.lock");
    assert_eq!(fs::read(&lock).unwrap(), b"", "nobody holds it");

    let mut holder = helper(place.path(), "lock tenants/acme/catalog.lock");
    assert_eq!(holder.lines().next().unwrap(), "locked");
    fs::write(&lock, "process 7 of ada@ci-7 since 2026-01-02T03:04:05Z\n").unwrap();
    let before = contents(place.path());
    let short = Disk::new(place.path(), TENANT).with_lock_timeout(Duration::from_millis(50));
    let impatient = Catalog::with_store(Arc::new(short), TENANT);
    let error = impatient
        .commit(&ada(), add("in_b", "b"))
        .await
        .unwrap_err()
        .to_string();
    for part in [
        lock.to_str().unwrap(),
        "process 7 of ada@ci-7 since 2026-01-02T03:04:05Z",
        "no file needs to be deleted",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(contents(place.path()), before);
    // Readers do not wait for it.
    assert!(catalog.read().await.unwrap().is_some());

    let waiting = tokio::spawn({
        let catalog = catalog.clone();
        async move { commit_one(&catalog, "in_c").await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    drop(holder);
    waiting.await.unwrap();
}

#[tokio::test]
async fn the_lock_says_who_holds_it() {
    let place = TempDir::new().unwrap();
    let lock = place.path().join("tenants/acme/catalog.lock");
    let mut writer = helper(place.path(), "commit-forever x");
    let pid = writer.0.id();
    let mut lines = writer.lines();
    lines.next().unwrap();
    // It is held for a moment per commit only.
    let start = Instant::now();
    let mut seen = String::new();
    while !seen.ends_with('\n') && start.elapsed() < Duration::from_secs(30) {
        seen = fs::read_to_string(&lock).unwrap();
    }
    let who = Who::here();
    let expected = format!("process {pid} of {}@{} since 20", who.user, who.host);
    assert!(seen.starts_with(&expected), "{seen:?}");
}

#[tokio::test]
async fn places_that_cannot_hold_a_catalog_say_why() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("file"), "keep").unwrap();
    symlink("nowhere", place.path().join("dangling")).unwrap();
    fs::create_dir_all(place.path().join("directory/tenants/acme/catalog.json")).unwrap();
    let before = contents(place.path());

    let under_file = open(&place.path().join("file")).await;
    let error = under_file.read().await.unwrap_err().to_string();
    assert!(error.contains("file/tenants/acme/catalog.json"), "{error}");
    assert!(error.contains("not a directory; point"), "{error}");
    let error = under_file
        .commit(&ada(), add("in_a", "a"))
        .await
        .unwrap_err();
    assert!(matches!(error, CommitError::Read(_)), "{error}");

    let directory = open(&place.path().join("directory")).await;
    let error = directory.read().await.unwrap_err().to_string();
    assert!(error.contains("It must be a file"), "{error}");
    assert_eq!(contents(place.path()), before);

    let dangling = open(&place.path().join("dangling")).await;
    assert!(dangling.read().await.unwrap().is_none());
    let error = dangling.commit(&ada(), add("in_a", "a")).await.unwrap_err();
    assert!(matches!(error, CommitError::Write(_)), "{error}");
    assert!(error.to_string().contains("dangling"), "{error}");
    assert!(!place.path().join("nowhere").exists());
}

#[tokio::test]
async fn symbolic_links_to_directories_work_and_to_the_document_are_refused() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("real")).unwrap();
    symlink("real", place.path().join("link")).unwrap();
    commit_one(&open(&place.path().join("link")).await, "in_a").await;
    commit_one(&open(&place.path().join("real")).await, "in_b").await;
    assert_contiguous(&place.path().join("link"), true).await;

    let document = document_path(&place.path().join("real"));
    let moved = place.path().join("moved.json");
    fs::rename(&document, &moved).unwrap();
    symlink(&moved, &document).unwrap();
    let catalog = open(&place.path().join("real")).await;
    assert_eq!(catalog.read().await.unwrap().unwrap().version(), 2);
    let before = contents(place.path());
    let error = catalog.commit(&ada(), add("in_c", "c")).await.unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(contents(place.path()), before);
}

#[tokio::test]
async fn the_document_keeps_its_permissions() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    commit_one(&catalog, "in_a").await;
    let path = document_path(place.path());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    commit_one(&catalog, "in_b").await;
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
}

/// What a helper that tries to commit says.
fn told(mut command: Command) -> String {
    let mut helper = Helper(command.spawn().unwrap());
    let said: Vec<String> = helper.lines().collect();
    let mut errors = String::new();
    if let Some(mut stderr) = helper.0.stderr.take() {
        std::io::Read::read_to_string(&mut stderr, &mut errors).unwrap();
    }
    assert_eq!(said.len(), 1, "{said:?} {errors}");
    said.concat()
}

/// A limit on the size of files stops a write in its middle, as a full disk does.
#[tokio::test]
async fn a_write_that_stops_in_its_middle_leaves_the_document() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    for n in 0..30 {
        commit_one(&catalog, &format!("in_{n}")).await;
    }
    let size = fs::metadata(document_path(place.path())).unwrap().len();
    assert!(size > 64 * 1024, "{size}");
    let before = contents(place.path());
    let program = env::current_exe().unwrap();
    let plain = helper_command(&program, place.path(), "try in_x");
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env(HELPER, "try in_x")
        .env(DIRECTORY, place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let said = told(limited);
    assert!(said.contains("Full("), "{said}");
    assert!(said.contains("the catalog is as it was"), "{said}");
    assert_eq!(contents(place.path()), before);
    commit_one(&catalog, "in_y").await;
}

/// Permissions do not bind root, so that root lets another user try.
#[tokio::test]
async fn a_directory_without_permission_says_so() {
    let place = TempDir::new().unwrap();
    let open_to_all = fs::Permissions::from_mode(0o755);
    fs::set_permissions(place.path(), open_to_all.clone()).unwrap();
    let catalog_directory = place.path().join("catalog");
    commit_one(&open(&catalog_directory).await, "in_a").await;
    let program = place.path().join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, open_to_all).unwrap();
    let is_root = fs::metadata(&program).unwrap().uid() == 0;
    let attempt = |directory: &Path| {
        let mut command = helper_command(&program, directory, "try in_b");
        command.current_dir("/");
        if is_root {
            command.uid(65534).gid(65534);
        }
        told(command)
    };
    let closed = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };

    let tenant = catalog_directory.join("tenants/acme");
    closed(&tenant, 0o555);
    closed(&tenant.join("catalog.lock"), 0o444);
    closed(&tenant.join("catalog.json"), 0o444);
    let before = contents(place.path());
    let said = attempt(&catalog_directory);
    assert!(said.contains("Swap(Denied("), "{said}");
    assert!(said.contains("needs read and write permission"), "{said}");
    assert!(said.contains("catalog.json"), "{said}");

    closed(&tenant.join("catalog.json"), 0o000);
    let said = attempt(&catalog_directory);
    assert!(said.contains("Read(Store(Denied("), "{said}");
    closed(&tenant.join("catalog.json"), 0o444);
    assert_eq!(contents(place.path()), before);

    // Where there is nothing yet, nothing is left behind.
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    closed(&empty, 0o555);
    let said = attempt(&empty);
    assert!(said.contains("Swap(Denied("), "{said}");
    assert!(contents(&empty).is_empty());
    closed(&tenant, 0o755);
    closed(&empty, 0o755);
}

/// The history entry of one commit as it is stored, without what differs from run to run.
async fn recorded(catalog: &Catalog, directory: &Path, version: u64) -> String {
    let entry = catalog.history(1).await.unwrap().remove(0);
    assert_eq!(entry.version, version);
    assert_eq!(entry.at.len(), "2026-01-02T03:04:05Z".len());
    assert_eq!(entry.id.len(), 20);
    let path = directory.join(format!("tenants/acme/history/{version}.json"));
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains("3x4mpl3"), "an external ID in the history");
    text.replacen(&entry.at, "AT", 1)
        .replacen(&entry.id, "ID", 1)
}

async fn put(catalog: &Catalog, integration: Integration) {
    let who = ada().with_arn("arn:aws:sts::111111111111:assumed-role/ci/run");
    catalog
        .commit(&who, move |document| {
            let change = document.put(integration.clone());
            Ok::<_, Infallible>(((), change.into_iter().collect()))
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_history_tells_what_changed() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    let mut current = integration("in_0123456789abcdefghij", "acme");
    put(&catalog, current.clone()).await;
    let mut entries = vec![recorded(&catalog, place.path(), 1).await];

    // Renamed, moved, joined, left, suspended; an OU renamed with what follows from it; settings.
    let mirror = &mut current.mirror;
    mirror.folders.remove("ou-ab12-22222222");
    let workloads = mirror.folders.get_mut("ou-ab12-11111111").unwrap();
    workloads.name = known("Production".into());
    workloads.derived_handle = known("aws_production".into());
    workloads.path = known("/Production".into());
    for connection in mirror.connections.values_mut() {
        connection.path = known("/Production".into());
    }
    let billing = mirror.connections.get_mut("111111111111").unwrap();
    billing.name = known("Finance".into());
    billing.derived_handle = known("aws_finance".into());
    billing.email = known(Some("finance@example.com".into()));
    let lab = mirror.connections.get_mut("333333333333").unwrap();
    lab.folder_id = "ou-ab12-11111111".into();
    lab.state = "SUSPENDED".into();
    lab.tags = known(None);
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
    current
        .effective_handles
        .insert("111111111111".into(), "aws_finance_11111111".into());
    put(&catalog, current.clone()).await;
    entries.push(recorded(&catalog, place.path(), 2).await);

    let removed = catalog
        .commit(&ada(), |document| {
            let change = document.remove("in_0123456789abcdefghij");
            Ok::<_, Infallible>(((), change.into_iter().collect()))
        })
        .await
        .unwrap();
    assert!(removed.document.exists() && removed.document.integrations().len() == 0);
    entries.push(recorded(&catalog, place.path(), 3).await);

    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog/history.txt");
    let text = entries.concat();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(golden).unwrap(), text);
}

#[test]
fn nothing_changed_is_no_change() {
    let one = integration("in_a", "a");
    assert_eq!(diff(Some(&one), Some(&one)), None);
    assert_eq!(diff(None, None), None);
    let mut other = one.clone();
    other.mirror.connections["111111111111"]
        .derived_role_arn
        .known()
        .unwrap();
    let billing = other.mirror.connections.get_mut("111111111111").unwrap();
    billing.derived_role_arn = known("arn:aws:iam::111111111111:role/other".into());
    let change = diff(Some(&one), Some(&other)).unwrap();
    assert_eq!(change.consequences["connections.derived_role_arn"], 1);
    assert!(change.connections.is_empty() && change.settings.is_empty());
}

#[tokio::test]
async fn an_error_keeps_the_kind_of_the_refusal() {
    let place = TempDir::new().unwrap();
    let path = document_path(place.path());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "{\"schema_version\": 99}").unwrap();
    let error = open(place.path()).await.read().await.unwrap_err();
    assert!(matches!(
        error,
        ReadError::Document(DocumentError::Newer { found: 99, .. })
    ));
}

/// Ten thousand accounts are normal.
#[tokio::test]
async fn a_large_catalog_is_read_and_written_in_time() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    let mut large = integration("in_large", "large");
    for n in 0..10_000_u64 {
        let id = (100_000_000_000 + n).to_string();
        let name = format!("workload-{n}");
        let account = connection(&id, &name, "ou-ab12-11111111", "/Workloads");
        large.mirror.connections.insert(id, account);
    }
    let start = Instant::now();
    put(&catalog, large).await;
    let written = start.elapsed();
    commit_one(&catalog, "in_small").await;
    let again = start.elapsed() - written;
    let start = Instant::now();
    let document = open(place.path()).await.read().await.unwrap().unwrap();
    let read = start.elapsed();
    assert_eq!(
        document
            .integration("in_large")
            .unwrap()
            .mirror
            .connections
            .len(),
        10_003
    );
    let start = Instant::now();
    let compact = serde_json::to_vec(&*document).unwrap().len();
    let encoded = start.elapsed();
    let start = Instant::now();
    let pretty = document.to_bytes().unwrap().len();
    println!(
        "first {written:?}, then {again:?}, read {read:?}, compact {compact} B in {encoded:?}, pretty {pretty} B in {:?}",
        start.elapsed()
    );
    assert!(pretty < 8_000_000, "{pretty} bytes");
    // Generous: a debug build on a busy machine.
    assert!(written + again + read < Duration::from_secs(60));
}
