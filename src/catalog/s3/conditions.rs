//! Refusing what does not check conditions.
//!
//! A bucket that makes a write whose condition is not met would lose updates without a word. So before the first write of
//! a process a small object is written under a new name on the condition that it has a certain ETag. As there is no such
//! object, S3 writes nothing; that is one call, and leaves nothing. Before the document itself is made, which happens once in a
//! catalog's life, a small object is written twice on the condition that it is absent, and deleted.

use rand::RngExt;

use super::S3;
use super::calls::{Condition, Put};
use super::errors::Problem;

impl S3 {
    /// Makes sure that the bucket checks `If-Match`.
    pub(super) async fn check_match(&self) -> Result<(), Problem> {
        let checked = self.checks_match.get_or_try_init(|| async {
            let path = probe_path();
            let never = Condition::Match("\"00000000000000000000000000000000\"".to_owned());
            match self.put(&path, PROBE, &never).await.map_err(certain)? {
                Put::NotMet => Ok(()),
                Put::Made(_) => self.refuse(&path, "If-Match").await,
            }
        });
        checked.await.copied()
    }

    /// Makes sure that the bucket checks `If-None-Match`.
    pub(super) async fn check_absence(&self) -> Result<(), Problem> {
        let checked = self.checks_absence.get_or_try_init(|| async {
            let path = probe_path();
            let absent = Condition::Absent;
            self.put(&path, PROBE, &absent).await.map_err(certain)?;
            match self.put(&path, PROBE, &absent).await.map_err(certain)? {
                Put::NotMet => self.delete(&path, None).await.map(drop).map_err(certain),
                Put::Made(_) => self.refuse(&path, "If-None-Match").await,
            }
        });
        checked.await.copied()
    }

    async fn refuse(&self, path: &str, condition: &'static str) -> Result<(), Problem> {
        if let Err(problem) = self.delete(path, None).await {
            tracing::warn!(place = self.url(path), error = %problem.source, "a test object was not deleted");
        }
        let connected = self.connected().await?;
        Err(self.no_conditions(connected, condition).into())
    }
}

const PROBE: &[u8] =
    b"Written to see whether conditions of writes are checked here. It may be deleted.\n";

/// A name that nothing has.
fn probe_path() -> String {
    format!("test-of-conditions-{:016x}", rand::rng().random::<u64>())
}

/// Whatever became of a test, the document is untouched.
fn certain(problem: Problem) -> Problem {
    Problem {
        may_be_made: false,
        ..problem
    }
}
