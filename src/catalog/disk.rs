//! The catalog in a directory.
//!
//! ```text
//! <directory>/tenants/<tenant>/catalog.json
//!                              catalog.lock            its content names the holder, for people
//!                              history/<version>.json
//!                              workspaces/<organization>/<workspace>/<file of a format>
//! ```
//!
//! Readers take no lock: every file is replaced by a rename. Writers hold an advisory lock (`flock`) on
//! `catalog.lock`, which the kernel releases when its holder dies, so that nobody ever has to clean up. The lock file
//! itself stays: deleting it would let two writers lock two different files. As there is one writer at a time, a
//! temporary file has a fixed name (the file's with a dot in front and `.tmp` behind), and what a killed writer left
//! is replaced by the next.

mod publications;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::history::Who;
use super::store::{
    Checked, Digest, Failure, ListHistoryError, Listed, PublicationChange, Published,
    ReadDocumentError, ReadHistoryError, Reading, Reservation, Store, Stored, Swap,
    SwapDocumentError, Token, WriteHistoryError,
};

/// A writer holds the lock for milliseconds; who waits this long waits for a process that hangs.
const LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest pause between two attempts to take the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Keeps a tenant's catalog in a directory.
#[derive(Debug, Clone)]
pub struct Disk {
    tenant: PathBuf,
    lock_timeout: Duration,
    /// The lock while it is reserved. The mutex is held for every write, so that there is one at a time under a
    /// reservation too.
    reserved: Arc<Mutex<Weak<Lock>>>,
}

impl Disk {
    /// The catalog of `tenant` in `directory`, which need not be there.
    pub fn new(directory: &Path, tenant: &str) -> Self {
        Self {
            tenant: directory.join("tenants").join(tenant),
            lock_timeout: LOCK_TIMEOUT,
            reserved: Arc::default(),
        }
    }

    /// The same with another time to wait for the lock; 2 minutes by default.
    pub fn with_lock_timeout(self, lock_timeout: Duration) -> Self {
        Self {
            lock_timeout,
            ..self
        }
    }

    fn document(&self) -> PathBuf {
        self.tenant.join("catalog.json")
    }

    fn history(&self) -> PathBuf {
        self.tenant.join("history")
    }

    fn entry(&self, version: u64) -> PathBuf {
        self.history().join(format!("{version}.json"))
    }

    fn read(&self, known: Option<&Token>) -> io::Result<Reading> {
        let bytes: Arc<[u8]> = match fs::read(self.document()) {
            Ok(bytes) => bytes.into(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Reading::Absent),
            Err(error) => return Err(error),
        };
        if known.is_some_and(|known| *known.as_bytes() == *bytes) {
            return Ok(Reading::Unchanged);
        }
        Ok(Reading::Found(Stored {
            token: Token::new(Arc::clone(&bytes)),
            bytes,
        }))
    }

    fn swap(&self, expected: Option<&Token>, bytes: &Arc<[u8]>) -> Result<Swap, SwapError> {
        let path = self.document();
        let reserved = self.reserved();
        let _lock = self.lock(&reserved)?;
        let is_expected = match (self.read(expected).map_err(SwapError::Untouched)?, expected) {
            (Reading::Absent, None) | (Reading::Unchanged, Some(_)) => true,
            (Reading::Absent, Some(_)) | (Reading::Unchanged | Reading::Found(_), _) => false,
        };
        if !is_expected {
            return Ok(Swap::Lost);
        }
        match replace(&path, bytes) {
            Ok(()) => Ok(Swap::Made(Token::new(Arc::clone(bytes)))),
            Err(ReplaceError::Untouched(error)) => Err(SwapError::Untouched(error)),
            Err(ReplaceError::NotSynced(error)) => Err(SwapError::NotSynced(error)),
        }
    }

    fn write_entry(&self, version: u64, bytes: &[u8]) -> Result<(), SwapError> {
        let reserved = self.reserved();
        let _lock = self.lock(&reserved)?;
        create_directories(&self.history()).map_err(SwapError::Untouched)?;
        replace(&self.entry(version), bytes).map_err(|error| match error {
            ReplaceError::Untouched(error) | ReplaceError::NotSynced(error) => {
                SwapError::Untouched(error)
            }
        })
    }

    fn explain_swap(&self, error: SwapError) -> SwapDocumentError {
        let explain = |error| failure("write", &self.document(), error);
        match error {
            SwapError::Locked {
                place,
                holder,
                waited,
            } => SwapDocumentError::Locked {
                place,
                holder,
                waited,
            },
            SwapError::Untouched(error) if is_denied(&error) => {
                SwapDocumentError::Denied(explain(error))
            }
            SwapError::Untouched(error) if is_full(&error) => {
                SwapDocumentError::Full(explain(error))
            }
            SwapError::Untouched(error) => SwapDocumentError::Failed(explain(error)),
            SwapError::NotSynced(error) => SwapDocumentError::Uncertain(explain(error)),
        }
    }

    fn list(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(self.history()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut versions = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let version = name
                .to_str()
                .and_then(|name| name.strip_suffix(".json"))
                .and_then(|stem| Some((stem, stem.parse::<u64>().ok()?)))
                .filter(|(stem, version)| *stem == version.to_string());
            versions.extend(version.map(|(_, version)| version));
        }
        versions.sort_unstable();
        Ok(versions)
    }

    fn reserve_lock(&self) -> Result<Arc<Lock>, SwapError> {
        let mut reserved = self.reserved();
        let lock = self.lock(&reserved)?;
        *reserved = Arc::downgrade(&lock);
        Ok(lock)
    }

    fn reserved(&self) -> MutexGuard<'_, Weak<Lock>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock, waiting for whoever holds it, unless it is this writer's already.
    fn lock(&self, reserved: &Weak<Lock>) -> Result<Arc<Lock>, SwapError> {
        if let Some(lock) = reserved.upgrade() {
            return Ok(lock);
        }
        create_directories(&self.tenant).map_err(SwapError::Untouched)?;
        let path = self.tenant.join("catalog.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(SwapError::Untouched)?;
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(SwapError::Untouched(error)),
            }
            let waited = start.elapsed();
            if waited >= self.lock_timeout {
                let mut holder = String::new();
                // What the holder wrote is a help, not a must.
                let _ = file.read_to_string(&mut holder);
                return Err(SwapError::Locked {
                    place: path.display().to_string(),
                    holder: match holder.trim() {
                        "" => "another process".to_owned(),
                        named => named.to_owned(),
                    },
                    waited,
                });
            }
            // Uneven pauses keep waiting writers from going in step.
            std::thread::sleep(pause.mul_f64(rand::random_range(0.5..1.0)));
            pause = (pause * 2).min(LOCK_PAUSE);
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
        Ok(Arc::new(Lock(file)))
    }
}

/// The lock, until dropped.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
        // Explicitly: a child process being started at this moment may still share the open file.
        let _ = self.0.unlock();
    }
}

/// Why a file was not replaced under the lock.
enum SwapError {
    Locked {
        place: String,
        holder: String,
        waited: Duration,
    },
    Untouched(io::Error),
    NotSynced(io::Error),
}

enum ReplaceError {
    /// The file is as it was.
    Untouched(io::Error),
    /// The new file is in place, but may not outlive a power failure.
    NotSynced(io::Error),
}

/// Replaces a file as a whole, or makes it, for good. The caller holds the lock.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let (Some(directory), Some(temporary)) = (path.parent(), temporary(path)) else {
        return Err(ReplaceError::Untouched(ErrorKind::InvalidInput.into()));
    };
    let written = write_new(&temporary, path, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(ReplaceError::Untouched(error));
    }
    sync_directory(directory).map_err(ReplaceError::NotSynced)
}

/// Where the new content of a file is written.
fn temporary(path: &Path) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name()?);
    name.push(".tmp");
    Some(path.with_file_name(name))
}

/// Writes the new content of `path` beside it.
fn write_new(temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let permissions = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            return Err(io::Error::other(
                "it is a symbolic link, which a rename would replace; link its directory instead",
            ));
        }
        Ok(metadata) => Some(metadata.permissions()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(temporary)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a directory and those above it, each for good.
fn create_directories(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        create_directories(parent)?;
        match fs::create_dir(directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => {}
            made => made?,
        }
        let parent = match parent.as_os_str().is_empty() {
            true => Path::new("."),
            false => parent,
        };
        return sync_directory(parent);
    }
    fs::create_dir(directory)
}

/// Makes renames and new names within a directory outlive a power failure.
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        // Some network and shared file systems cannot, and need not.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// What went wrong, in the form all operations share.
fn failure(action: &'static str, path: &Path, error: io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => {
            "The user who runs Terraform needs read and write permission on this directory and all in it"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "A part of this path is not a directory; point the provider's \"catalog\" at a directory"
        }
        ErrorKind::IsADirectory => "It must be a file; move the directory away",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "Free some space and apply again; the catalog is as it was"
        }
        ErrorKind::FileTooLarge => {
            "Raise the limit on file sizes and apply again; the catalog is as it was"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "Point the provider's \"catalog\" at a directory that can be written"
        }
        ErrorKind::Unsupported => {
            "The catalog needs a file system with locks; use a local directory, or S3 for a team"
        }
        ErrorKind::NotFound => {
            "A part of this path is missing or is a symbolic link to nowhere; create what it points to"
        }
        _ => "Correct the cause and run Terraform again",
    };
    Failure {
        action,
        place: path.display().to_string(),
        source: error.into(),
        advice: advice.to_owned(),
    }
}

fn is_denied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

/// Runs file operations where they may block. Once begun they run to their end, whoever stops waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| io::Error::other(format!("the provider is shutting down ({error})")))
}

#[async_trait]
impl Store for Disk {
    fn place(&self) -> String {
        self.document().display().to_string()
    }

    fn history_place(&self, version: u64) -> String {
        self.entry(version).display().to_string()
    }

    async fn read_document(&self, known: Option<&Token>) -> Result<Reading, ReadDocumentError> {
        let (disk, known) = (self.clone(), known.cloned());
        blocking(move || disk.read(known.as_ref()))
            .await
            .flatten()
            .map_err(|error| match is_denied(&error) {
                true => ReadDocumentError::Denied(failure("read", &self.document(), error)),
                false => ReadDocumentError::Failed(failure("read", &self.document(), error)),
            })
    }

    async fn swap_document(
        &self,
        expected: Option<&Token>,
        bytes: Arc<[u8]>,
    ) -> Result<Swap, SwapDocumentError> {
        let (disk, expected) = (self.clone(), expected.cloned());
        let swapped = blocking(move || disk.swap(expected.as_ref(), &bytes))
            .await
            .unwrap_or_else(|error| Err(SwapError::NotSynced(error)));
        swapped.map_err(|error| self.explain_swap(error))
    }

    async fn reserve(&self) -> Result<Option<Reservation>, SwapDocumentError> {
        let disk = self.clone();
        let reserved = blocking(move || disk.reserve_lock())
            .await
            .unwrap_or_else(|error| Err(SwapError::Untouched(error)));
        match reserved {
            Ok(lock) => Ok(Some(Reservation::new(lock))),
            Err(error) => Err(self.explain_swap(error)),
        }
    }

    async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError> {
        let path = self.entry(version);
        let read = blocking(move || match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        read.await
            .flatten()
            .map_err(|error| match is_denied(&error) {
                true => ReadHistoryError::Denied(failure("read", &self.entry(version), error)),
                false => ReadHistoryError::Failed(failure("read", &self.entry(version), error)),
            })
    }

    async fn write_history(&self, version: u64, bytes: Arc<[u8]>) -> Result<(), WriteHistoryError> {
        let disk = self.clone();
        let written = blocking(move || disk.write_entry(version, &bytes))
            .await
            .unwrap_or_else(|error| Err(SwapError::Untouched(error)));
        let explain = |error| failure("write", &self.entry(version), error);
        written.map_err(|error| match error {
            SwapError::Locked {
                place,
                holder,
                waited,
            } => WriteHistoryError::Locked {
                place,
                holder,
                waited,
            },
            SwapError::Untouched(error) | SwapError::NotSynced(error) if is_denied(&error) => {
                WriteHistoryError::Denied(explain(error))
            }
            SwapError::Untouched(error) | SwapError::NotSynced(error) if is_full(&error) => {
                WriteHistoryError::Full(explain(error))
            }
            SwapError::Untouched(error) | SwapError::NotSynced(error) => {
                WriteHistoryError::Failed(explain(error))
            }
        })
    }

    async fn list_history(&self) -> Result<Vec<u64>, ListHistoryError> {
        let disk = self.clone();
        blocking(move || disk.list())
            .await
            .flatten()
            .map_err(|error| match is_denied(&error) {
                true => ListHistoryError::Denied(failure("list", &self.history(), error)),
                false => ListHistoryError::Failed(failure("list", &self.history(), error)),
            })
    }

    fn publication_place(&self, path: &str) -> String {
        self.publication(path).display().to_string()
    }

    async fn check_publication(&self, path: &str, wanted: &Digest) -> Result<Checked, Failure> {
        let (disk, checked, wanted) = (self.clone(), path.to_owned(), *wanted);
        blocking(move || disk.check_file(&checked, &wanted))
            .await
            .flatten()
            .map_err(|error| failure("read", &self.publication(path), error))
    }

    async fn list_publications(&self, below: Option<&str>) -> Result<Vec<Listed>, Failure> {
        let (disk, below) = (self.clone(), below.map(ToOwned::to_owned));
        blocking(move || disk.list_files(below.as_deref()))
            .await
            .unwrap_or_else(|error| Err(failure("list", &self.publication("workspaces"), error)))
    }

    async fn publish(
        &self,
        changes: Vec<PublicationChange>,
        of: &Token,
    ) -> Result<Published, Failure> {
        let (disk, of) = (self.clone(), of.clone());
        blocking(move || disk.publish_files(changes, &of))
            .await
            .unwrap_or_else(|error| Err(failure("write", &self.publication("workspaces"), error)))
    }
}
