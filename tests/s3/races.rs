//! Writers at the same time, lost answers, and killed processes.

use super::*;
use orgmirror::catalog::{S3, Store};
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::oneshot;

const HELPER: &str = "ORGMIRROR_TEST_S3_HELPER";
/// How many processes are killed. A soak: `ORGMIRROR_TEST_KILLS=1000 cargo test --test s3 killed`.
const KILLS: &str = "ORGMIRROR_TEST_KILLS";

/// No test of its own: run as a process of its own, it adds workspaces to the bucket that the environment names, and says
/// each once it is acknowledged.
#[test]
fn helper_process() {
    let Ok(work) = env::var(HELPER) else { return };
    let [url, bucket, name, count] = work.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{work:?}");
    };
    let catalog = open_with(bucket, s3::client(url));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for index in 0..count.parse().unwrap() {
        let handle = format!("{name}-{index}");
        runtime.block_on(add(&catalog, &handle)).unwrap();
        println!("added {handle}");
    }
}

/// A process that does not outlive its test.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn helper(bucket: &Bucket, name: &str, count: usize) -> Helper {
    helper_at(moto::url(), bucket, name, count)
}

fn helper_at(url: &str, bucket: &Bucket, name: &str, count: usize) -> Helper {
    let started = Command::new(env::current_exe().unwrap())
        .args(["--exact", "races::helper_process", "--nocapture"])
        .env(HELPER, format!("{url} {} {name} {count}", bucket.name))
        .stdout(Stdio::piped())
        .spawn();
    Helper(started.unwrap())
}

/// What a helper said that it added.
fn added(lines: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    lines.filter_map(|line| {
        let (_, handle) = line.split_once("added ")?;
        Some(handle.to_owned())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_race_lose_nothing() {
    const WRITERS: usize = 8;
    const EACH: usize = 5;
    let bucket = Bucket::make();
    let writers = (0..WRITERS).map(|writer| {
        let catalog = open_direct(&bucket);
        tokio::spawn(async move {
            for index in 0..EACH {
                add(&catalog, &format!("w{writer}-{index}")).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let catalog = open(&bucket);
    let document = catalog.read().await.unwrap().unwrap();
    assert_eq!(handles(&document).len(), WRITERS * EACH);
    assert_contiguous(&catalog).await;
    for workspace in document.tenant().each::<Workspace>() {
        assert!(
            catalog.in_sync(&document, &workspace.id).await.unwrap(),
            "{workspace}"
        );
    }
}

#[tokio::test]
async fn processes_that_race_lose_nothing() {
    let bucket = Bucket::make();
    let names = ["a", "b", "c"];
    let processes = names.map(|name| helper(&bucket, name, 4));
    for mut process in processes {
        let status = process.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }
    let catalog = open(&bucket);
    let document = catalog.read().await.unwrap().unwrap();
    assert_eq!(handles(&document).len(), 12);
    assert_contiguous(&catalog).await;
}

#[tokio::test]
async fn killed_writers_lose_nothing_they_acknowledged() {
    let bucket = Bucket::make();
    let kills = env::var(KILLS).map_or(6, |kills| kills.parse().unwrap());
    for round in 0..kills {
        let mut process = helper(&bucket, &format!("r{round}"), 1_000);
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let mut lines = added(lines.map_while(Result::ok));
        let mut acknowledged: BTreeSet<String> = lines.by_ref().take(1 + round % 3).collect();
        // Wherever it is by now.
        let pause = u64::from(rand::random::<u8>()) / 4;
        std::thread::sleep(std::time::Duration::from_millis(pause));
        drop(process);
        acknowledged.extend(lines);
        let catalog = open_direct(&bucket);
        let document = catalog.read().await.unwrap().unwrap();
        let there = handles(&document);
        assert!(acknowledged.is_subset(&there), "{acknowledged:?} {there:?}");
        let history = catalog.history(3).await.unwrap();
        assert_eq!(history.last(), document.last_commit());
        // Whatever was published or was not: the next commit puts it right.
        add(&catalog, "last").await.unwrap();
        let document = catalog.read().await.unwrap().unwrap();
        for workspace in document.tenant().each::<Workspace>() {
            let in_sync = catalog.in_sync(&document, &workspace.id).await.unwrap();
            assert!(in_sync, "{workspace}");
        }
        let removal = |document: &mut Document| {
            let workspaces = document.tenant().each::<Workspace>();
            let ids: Vec<String> = workspaces.map(|workspace| workspace.id.clone()).collect();
            for id in ids {
                document.tenant_mut().remove::<Workspace>(&id);
            }
            Ok(())
        };
        let removed = commit(&catalog, removal).await.unwrap();
        assert!(removed.warnings.is_empty(), "{:?}", removed.warnings);
        let store = S3::new(place(&bucket.name), Arc::new(bucket.direct()), TENANT);
        let left = store.list_publications(None).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
    assert_contiguous(&open_direct(&bucket)).await;
}

/// A rule that stops a process before its write of this number, and what tells that it is there. The write is made once the
/// sender is dropped, unless the process is gone by then.
fn stop_before(bucket: &Bucket, at: usize) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (reached, is_reached) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let mut stop = Some((reached, released));
    let mut writes = 0;
    bucket.on(move |call| {
        if !matches!(call.action.as_str(), "s3:PutObject" | "s3:DeleteObject") {
            return Act::Pass;
        }
        writes += 1;
        if writes > at
            && let Some((reached, released)) = stop.take()
        {
            reached.send(()).unwrap();
            return Act::Hold(released);
        }
        Act::Pass
    });
    (is_reached, release)
}

#[tokio::test]
async fn a_writer_killed_before_any_of_its_writes_leaves_the_old_or_the_new() {
    let mut found = Vec::new();
    for at in 0.. {
        let bucket = Bucket::make();
        let catalog = open_direct(&bucket);
        add(&catalog, "before").await.unwrap();
        let (mut is_reached, _release) = stop_before(&bucket, at);
        let mut process = helper_at(&bucket.url(), &bucket, "killed", 1);
        let ended = loop {
            if is_reached.try_recv().is_ok() {
                break None;
            }
            if let Some(status) = process.0.try_wait().unwrap() {
                break Some(status);
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        drop(process);
        let document = catalog.read().await.unwrap().unwrap();
        assert_eq!(
            catalog.history(9).await.unwrap().last(),
            document.last_commit()
        );
        let there = handles(&document);
        assert!(there.contains("before"), "{there:?}");
        found.push(there.contains("killed-0"));
        add(&open_direct(&bucket), "after").await.unwrap();
        assert_contiguous(&catalog).await;
        let document = catalog.read().await.unwrap().unwrap();
        for workspace in document.tenant().each::<Workspace>() {
            let in_sync = catalog.in_sync(&document, &workspace.id).await.unwrap();
            assert!(in_sync, "{workspace}, stopped before write {at}");
        }
        if let Some(status) = ended {
            assert!(status.success(), "{status}");
            break;
        }
    }
    // Before the test of conditions, the document, its entry and the publication; and to the end.
    assert_eq!(found, [false, false, true, true, true]);
}

/// A rule that applies to the first writes of the document only.
fn at_first(bucket: &Bucket, times: usize, act: impl Fn() -> Act + Send + 'static) {
    let count = AtomicUsize::new(0);
    bucket.on(move |call| {
        let is_swap = call.is("s3:PutObject", "catalog.json");
        match is_swap && count.fetch_add(1, Ordering::Relaxed) < times {
            true => act(),
            false => Act::Pass,
        }
    });
}

#[tokio::test]
async fn answers_that_are_lost_or_conflict_are_found_out_about() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    type Fault = (usize, fn() -> Act);
    let faults: [(&str, Fault); 8] = [
        (
            "conflict",
            (2, || Act::Answer(409, "ConditionalRequestConflict")),
        ),
        ("lost", (2, || Act::Answer(412, "PreconditionFailed"))),
        ("failed", (2, || Act::Answer(500, "InternalError"))),
        ("slow", (2, || Act::Answer(503, "SlowDown"))),
        ("made", (1, || Act::PassThenAnswer(500, "InternalError"))),
        ("broken", (1, || Act::PassThenBreak)),
        // All attempts: the outcome shows in the document alone.
        ("unseen", (4, || Act::PassThenAnswer(500, "InternalError"))),
        ("cut", (4, || Act::PassThenBreak)),
    ];
    for (name, (times, act)) in faults {
        at_first(&bucket, times, act);
        add(&catalog, name).await.unwrap();
    }
    let document = open_direct(&bucket).read().await.unwrap().unwrap();
    assert_eq!(handles(&document).len(), 8);
    assert_eq!(document.version(), 8, "each is written once");
    assert_contiguous(&catalog).await;
}

#[tokio::test]
async fn a_write_that_fails_every_time_fails_the_commit_alone() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    add(&catalog, "one").await.unwrap();
    let before = bucket.contents().await;
    at_first(&bucket, usize::MAX, || Act::Answer(500, "InternalError"));
    let error = add(&catalog, "two").await.unwrap_err();
    assert!(
        error.contains("InternalError") && error.contains("try again later"),
        "{error}"
    );
    assert_eq!(bucket.contents().await, before);
    bucket.on(|_| Act::Pass);
    add(&catalog, "two").await.unwrap();
    assert_contiguous(&catalog).await;
}

/// The entry of a commit whose writer died is written by the next.
#[tokio::test]
async fn an_entry_that_was_not_written_is_written_by_the_next_commit() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    bucket.on(|call| match call.is("s3:PutObject", "history/1.json") {
        true => Act::Answer(403, "AccessDenied"),
        false => Act::Pass,
    });
    add(&catalog, "one").await.unwrap();
    let key = "prod/eu/tenants/acme/history/1.json";
    assert_eq!(bucket.get(key).await, None);
    assert_eq!(catalog.history(10).await.unwrap().len(), 1);
    bucket.on(|_| Act::Pass);
    add(&open(&bucket), "two").await.unwrap();
    assert!(bucket.get(key).await.is_some());
    assert_contiguous(&catalog).await;
}
