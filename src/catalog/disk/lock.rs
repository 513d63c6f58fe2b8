//! The lock of a directory, for which writers wait without blocking.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::OwnedMutexGuard;

use super::{Disk, SwapError, create_directories, run_blocking};
use crate::catalog::history::Who;

/// Longest pause between two attempts to take the lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A wait that the log tells of.
const LONG_WAIT: Duration = Duration::from_secs(5);

/// The lock, until dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
        // Explicitly: a child process being started at this moment may still share the open file.
        let _ = self.0.unlock();
    }
}

/// The right to write: the lock among processes, and the turn within this one.
struct Turn {
    lock: Arc<Lock>,
    reserved: OwnedMutexGuard<Weak<Lock>>,
}

/// An attempt to take the lock.
enum Attempt {
    Taken(Lock),
    /// What the lock says of its holder.
    Held(String),
}

impl Disk {
    /// Does `work` under the lock. Dropping the future gives up waiting for the lock; work that has started runs to its
    /// end.
    pub(super) async fn with_lock<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, SwapError> + Send + 'static,
    ) -> Result<T, SwapError> {
        let turn = self.turn().await?;
        let disk = self.clone();
        run_blocking(move || {
            let done = work(&disk);
            drop(turn);
            done
        })
        .await
        .unwrap_or_else(|error| Err(SwapError::NotSynced(error)))
    }

    /// Takes the lock, and keeps it for all operations of this writer until the returned value is dropped.
    pub(super) async fn reserved_lock(&self) -> Result<Arc<Lock>, SwapError> {
        let mut turn = self.turn().await?;
        *turn.reserved = Arc::downgrade(&turn.lock);
        Ok(turn.lock)
    }

    /// Takes the lock, waiting for another holder, unless this writer has it already.
    async fn turn(&self) -> Result<Turn, SwapError> {
        let reserved = Arc::clone(&self.reserved).lock_owned().await;
        if let Some(lock) = reserved.upgrade() {
            return Ok(Turn { lock, reserved });
        }
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        let mut reported_holder = None;
        let mut is_warned = false;
        loop {
            let disk = self.clone();
            let attempt = run_blocking(move || disk.try_lock()).await.flatten();
            let holder = match attempt.map_err(SwapError::Untouched)? {
                Attempt::Taken(lock) => {
                    let lock = Arc::new(lock);
                    return Ok(Turn { lock, reserved });
                }
                Attempt::Held(holder) => holder,
            };
            let waited = start.elapsed();
            if waited >= self.lock_timeout {
                return Err(SwapError::Locked {
                    place: self.lock_path().display().to_string(),
                    holder,
                    waited,
                });
            }
            let place = self.lock_path();
            if reported_holder.as_ref() != Some(&holder) {
                tracing::debug!(place = %place.display(), %holder, "the lock is held by another writer");
                reported_holder = Some(holder.clone());
            }
            if waited >= LONG_WAIT && !is_warned {
                tracing::warn!(place = %place.display(), %holder, "waiting for the lock");
                is_warned = true;
            }
            // Uneven pauses keep waiting writers from going in step.
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn try_lock(&self) -> io::Result<Attempt> {
        create_directories(&self.tenant)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.lock_path())?;
        let is_held = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => true,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        if is_held {
            let mut holder = String::new();
            // The holder's text is a help, not a must.
            let _ = file.read_to_string(&mut holder);
            return Ok(Attempt::Held(match holder.trim() {
                "" => "another process".to_owned(),
                named => named.to_owned(),
            }));
        }
        let who = Who::here();
        let now = OffsetDateTime::now_utc();
        // The lock holds whether or not this can be written (on a full disk, say).
        let _ = file.set_len(0).and_then(|()| {
            writeln!(
                file,
                "process {} of {}@{} since {}",
                std::process::id(),
                who.user,
                who.host,
                now.format(&Rfc3339).unwrap_or_else(|_| now.to_string())
            )
        });
        Ok(Attempt::Taken(Lock(file)))
    }
}
