//! Lost answers, and processes killed before each of their writes. Races and random kills are tests of both stores, in
//! `tests/catalog`.

use super::*;
use std::env;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::oneshot;

const HELPER: &str = "ORGMIRROR_TEST_S3_HELPER";

/// No test of its own: run as a process of its own, it adds a workspace to the catalog that the environment names.
#[test]
fn helper_process() {
    let Ok(work) = env::var(HELPER) else { return };
    let (url, bucket) = work.split_once(' ').unwrap();
    let catalog = open_with(bucket, s3::client(url));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(add(&catalog, "killed")).unwrap();
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

fn helper(bucket: &Bucket) -> Helper {
    let started = Command::new(env::current_exe().unwrap())
        .args(["--exact", "races::helper_process", "--nocapture"])
        .env(HELPER, format!("{} {}", bucket.url(), bucket.name))
        .stdout(Stdio::null())
        .spawn();
    Helper(started.unwrap())
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
        let mut process = helper(&bucket);
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
        found.push(there.contains("killed"));
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
