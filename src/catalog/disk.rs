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

mod lock;
mod publications;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::store::{
    Checked, Digest, Failure, ListHistoryError, Listed, PublicationChange, Published,
    ReadDocumentError, ReadHistoryError, Reading, Reservation, Store, Stored, Swap,
    SwapDocumentError, Token, WriteHistoryError,
};
use lock::Lock;

/// A writer holds the lock for milliseconds. After this long, the holder hangs.
const LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// Keeps a tenant's catalog in a directory.
#[derive(Debug, Clone)]
pub struct Disk {
    tenant: PathBuf,
    lock_timeout: Duration,
    /// The lock while it is reserved. Every write holds the mutex, so that there is one at a time under a reservation,
    /// too.
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

    fn lock_path(&self) -> PathBuf {
        self.tenant.join("catalog.lock")
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

    /// The caller holds the lock, here and below.
    fn swap(&self, expected: Option<&Token>, bytes: &Arc<[u8]>) -> Result<Swap, SwapError> {
        let path = self.document();
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

/// Replaces or creates a file atomically and durably. The caller holds the lock.
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
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
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

/// Runs file operations on a thread that may block. Once started, they run to their end even if the caller gives up.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
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
        run_blocking(move || disk.read(known.as_ref()))
            .await
            .flatten()
            .map_err(|error| {
                if is_denied(&error) {
                    ReadDocumentError::Denied(failure("read", &self.document(), error))
                } else {
                    ReadDocumentError::Failed(failure("read", &self.document(), error))
                }
            })
    }

    async fn swap_document(
        &self,
        expected: Option<&Token>,
        bytes: Arc<[u8]>,
    ) -> Result<Swap, SwapDocumentError> {
        let expected = expected.cloned();
        self.with_lock(move |disk| disk.swap(expected.as_ref(), &bytes))
            .await
            .map_err(|error| self.explain_swap(error))
    }

    async fn reserve(&self) -> Result<Option<Reservation>, SwapDocumentError> {
        match self.reserved_lock().await {
            Ok(lock) => Ok(Some(Reservation::new(lock))),
            Err(error) => Err(self.explain_swap(error)),
        }
    }

    async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError> {
        let path = self.entry(version);
        let read = run_blocking(move || match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        read.await.flatten().map_err(|error| {
            if is_denied(&error) {
                ReadHistoryError::Denied(failure("read", &self.entry(version), error))
            } else {
                ReadHistoryError::Failed(failure("read", &self.entry(version), error))
            }
        })
    }

    async fn write_history(&self, version: u64, bytes: Arc<[u8]>) -> Result<(), WriteHistoryError> {
        let written = self
            .with_lock(move |disk| disk.write_entry(version, &bytes))
            .await;
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
        run_blocking(move || disk.list())
            .await
            .flatten()
            .map_err(|error| {
                if is_denied(&error) {
                    ListHistoryError::Denied(failure("list", &self.history(), error))
                } else {
                    ListHistoryError::Failed(failure("list", &self.history(), error))
                }
            })
    }

    fn publication_place(&self, path: &str) -> String {
        self.publication(path).display().to_string()
    }

    async fn check_publication(&self, path: &str, wanted: &Digest) -> Result<Checked, Failure> {
        let (disk, checked, wanted) = (self.clone(), path.to_owned(), *wanted);
        run_blocking(move || disk.check_file(&checked, &wanted))
            .await
            .flatten()
            .map_err(|error| failure("read", &self.publication(path), error))
    }

    async fn list_publications(&self, below: Option<&str>) -> Result<Vec<Listed>, Failure> {
        let (disk, below) = (self.clone(), below.map(ToOwned::to_owned));
        run_blocking(move || disk.list_files(below.as_deref()))
            .await
            .unwrap_or_else(|error| Err(failure("list", &self.publication("workspaces"), error)))
    }

    async fn publish(
        &self,
        changes: Vec<PublicationChange>,
        of: &Token,
    ) -> Result<Published, Failure> {
        let of = of.clone();
        self.with_lock(move |disk| Ok(disk.publish_files(changes, &of)))
            .await
            .unwrap_or_else(|error| Err(self.explain_publish(error)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_closed_one_are_told_apart() {
        let disk = Disk::new(Path::new("/catalog"), "acme");
        let explained =
            |kind: ErrorKind| disk.explain_swap(SwapError::Untouched(io::Error::from(kind)));
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let error = explained(kind);
            assert!(matches!(error, SwapDocumentError::Full(_)), "{error:?}");
            let text = error.to_string();
            assert!(
                text.contains("/catalog/tenants/acme/catalog.json"),
                "{text}"
            );
            assert!(text.contains("Free some space and apply again"), "{text}");
        }
        let error = explained(ErrorKind::ReadOnlyFilesystem);
        assert!(matches!(error, SwapDocumentError::Denied(_)), "{error:?}");
        assert!(error.to_string().contains("that can be written"), "{error}");
    }
}
