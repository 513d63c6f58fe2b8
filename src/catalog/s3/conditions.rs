//! Refuses buckets that do not check conditions.
//!
//! A bucket that writes although the condition is not met would lose updates silently. So before its first write, a process
//! writes a small object under a new name on the condition that it has a certain ETag. As there is no such object, S3
//! writes nothing. That is one call, and leaves nothing behind. Before it creates the document, which happens once in a
//! catalog's life, a process writes a small object twice on the condition that it is absent, and deletes it. A process that
//! is killed in between leaves the object, and has created no document. So the next process that creates the document
//! deletes it, too.

use std::time::Duration;

use aws_sdk_s3::types::Object;
use rand::RngExt;

use super::S3;
use super::calls::{Condition, Put};
use super::errors::Problem;

impl S3 {
    /// Checks that the bucket checks `If-Match`.
    pub(super) async fn check_match(&self) -> Result<(), Problem> {
        let checked = self.checks_match.get_or_try_init(|| async {
            let path = probe_path();
            let never = Condition::Match("\"00000000000000000000000000000000\"".to_owned());
            match self.put(&path, PROBE, &never).await.map_err(certain)? {
                Put::PreconditionFailed => Ok(()),
                Put::Made(etag) => self.refuse(&path, &etag, "If-Match").await,
            }
        });
        checked.await.copied()
    }

    /// Checks that the bucket checks `If-None-Match`.
    pub(super) async fn check_absence(&self) -> Result<(), Problem> {
        // S3 may answer the first as if it had not been made.
        const WRITES: usize = 3;
        let checked = self.checks_absence.get_or_try_init(|| async {
            let path = probe_path();
            let mut is_made = false;
            for _ in 0..WRITES {
                let put = self.put(&path, PROBE, &Condition::Absent).await;
                match put.map_err(certain)? {
                    Put::Made(etag) if is_made => {
                        return self.refuse(&path, &etag, "If-None-Match").await;
                    }
                    Put::Made(_) => is_made = true,
                    Put::PreconditionFailed if is_made => break,
                    Put::PreconditionFailed => {}
                }
            }
            self.sweep(&path).await.map_err(certain)
        });
        checked.await.copied()
    }

    /// Deletes the object at `own`, and those that killed processes left behind.
    async fn sweep(&self, own: &str) -> Result<(), Problem> {
        let probes = self.list_objects(PROBES).await?;
        let own = self.key(own);
        let now = probes.iter().find(|probe| probe.key() == Some(&own));
        // By the clock of S3 alone.
        let now = now.and_then(|probe| probe.last_modified());
        let is_left = |probe: &Object| {
            let written = probe.last_modified();
            written.zip(now).is_some_and(|(written, now)| {
                written.secs().saturating_add(LEFT_AFTER.as_secs() as i64) < now.secs()
            })
        };
        for probe in &probes {
            if let (Some(key), Some(etag)) = (probe.key(), probe.e_tag())
                && let Some(path) = key.strip_prefix(&self.tenant)
                && (key == own || is_left(probe))
            {
                self.delete(path, etag).await?;
            }
        }
        Ok(())
    }

    async fn refuse(&self, path: &str, etag: &str, condition: &'static str) -> Result<(), Problem> {
        if let Err(problem) = self.delete(path, etag).await {
            tracing::warn!(place = self.url(path), error = %problem.source, "a test object was not deleted");
        }
        let connected = self.connect().await?;
        Err(self.no_conditions(connected, condition).into())
    }
}

const PROBE: &[u8] =
    b"Written to see whether conditions of writes are checked here. It may be deleted.\n";
const PROBES: &str = "test-of-conditions-";
/// A live process needs its own for seconds.
const LEFT_AFTER: Duration = Duration::from_secs(60 * 60);

/// A new name.
fn probe_path() -> String {
    format!("{PROBES}{:016x}", rand::rng().random::<u64>())
}

/// A failed test leaves the document untouched.
fn certain(problem: Problem) -> Problem {
    Problem {
        maybe_applied: false,
        ..problem
    }
}
