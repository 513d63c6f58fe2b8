//! Publications in a directory. A writer writes them under the catalog's lock, if the document is still the one that they
//! were rendered from.

use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{
    Disk, ReplaceError, SwapError, create_directories, failure, replace, sync_directory, temporary,
};
use crate::catalog::store::{
    Checked, Digest, Failure, Listed, PublicationChange, Published, Reading, Token,
};

/// A file that was changed more recently than this may change again without a trace in its times.
const GRAIN: Duration = Duration::from_millis(100);

impl Disk {
    pub(super) fn publication(&self, path: &str) -> PathBuf {
        let mut place = self.tenant.clone();
        place.extend(path.split('/'));
        place
    }

    fn workspaces(&self) -> PathBuf {
        self.tenant.join("workspaces")
    }

    pub(super) fn check_file(&self, path: &str, wanted: &Digest) -> io::Result<Checked> {
        let path = self.publication(path);
        // Looked at before it is opened: opening a pipe waits for its writer, and a device may never end.
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Ok(Checked::Absent),
            Err(error) if is_absent(&error) => return Ok(Checked::Absent),
            Err(error) => return Err(error),
        }
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(Checked::Absent),
            Err(error) => return Err(error),
        };
        // Read before the content: a write in between has a later time.
        let metadata = file.metadata()?;
        let token = token(&metadata, SystemTime::now());
        if metadata.len() != wanted.length {
            return Ok(Checked::Other { token });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(if Digest::of(&bytes) == *wanted {
            Checked::Same { token }
        } else {
            Checked::Other { token }
        })
    }

    /// Lists the files of one workspace, or of all if none is given.
    pub(super) fn list_files(&self, directory: Option<&str>) -> Result<Vec<Listed>, Failure> {
        let directories = match directory {
            Some(directory) => vec![directory.to_owned()],
            None => self.directories()?,
        };
        let mut files = Vec::new();
        for directory in directories {
            for file in entries(&self.publication(&directory))? {
                // A link is the user's own.
                if file.file_type().is_ok_and(|kind| kind.is_file())
                    && let Some(name) = file.file_name().to_str()
                {
                    let begun = name.strip_prefix('.').and_then(|n| n.strip_suffix(".tmp"));
                    // A file that was removed meanwhile is listed, too. The next look at it finds out.
                    let metadata = match begun {
                        Some(_) => None,
                        None => file.metadata().ok(),
                    };
                    files.push(Listed {
                        path: format!("{directory}/{}", begun.unwrap_or(name)),
                        length: metadata.as_ref().map(Metadata::len),
                        token: metadata
                            .as_ref()
                            .and_then(|metadata| token(metadata, SystemTime::now())),
                    });
                }
            }
        }
        // A file that exists and has a temporary file counts once.
        files.sort_unstable_by(|a, b| (&a.path, b.length).cmp(&(&b.path, a.length)));
        files.dedup_by(|later, earlier| later.path == earlier.path);
        Ok(files)
    }

    fn directories(&self) -> Result<Vec<String>, Failure> {
        let root = self.workspaces();
        let mut directories = Vec::new();
        for organization in subdirectories(&root)? {
            let workspaces = subdirectories(&root.join(&organization))?.into_iter();
            let workspaces = workspaces.map(|name| format!("workspaces/{organization}/{name}"));
            directories.extend(workspaces);
        }
        Ok(directories)
    }

    /// The caller holds the lock.
    pub(super) fn publish_files(
        &self,
        changes: Vec<PublicationChange>,
        of: &Token,
    ) -> Result<Published, Failure> {
        // Every swap of the document takes the same lock, so the document stays what it is found to be.
        let reading = self.read(Some(of));
        match reading.map_err(|error| failure("read", &self.document(), error))? {
            Reading::Unchanged => {}
            Reading::Absent | Reading::Found(_) => {
                return Ok(Published {
                    is_outdated: true,
                    ..Published::default()
                });
            }
        }
        let mut published = Published::default();
        for change in changes {
            let file = self.publication(&change.path);
            let (action, done) = match &change.bytes {
                Some(bytes) => ("write", self.write_file(&file, bytes)),
                None => ("remove", self.remove_file(&file)),
            };
            if let Err(error) = done {
                let failure = publication_failure(action, &file, error);
                published.failures.push((change.path, failure));
            }
        }
        Ok(published)
    }

    /// Why nothing could be published.
    pub(super) fn explain_publish(&self, error: SwapError) -> Failure {
        match error {
            SwapError::Locked {
                place,
                holder,
                waited,
            } => Failure {
                action: "lock",
                source: format!("{holder} has it; waited {} s", waited.as_secs()).into(),
                place,
                advice: "If that process hangs, end it: the lock goes with it, and no file needs to be deleted"
                    .to_owned(),
            },
            SwapError::Untouched(error) | SwapError::NotSynced(error) => {
                publication_failure("write", &self.workspaces(), error)
            }
        }
    }

    fn write_file(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(directory) = file.parent() {
            create_directories(directory)?;
        }
        replace(file, bytes).map_err(|error| match error {
            ReplaceError::Untouched(error) | ReplaceError::NotSynced(error) => error,
        })
    }

    /// Removes a file, and the directories above it that hold nothing else.
    fn remove_file(&self, file: &Path) -> io::Result<()> {
        for file in [Some(file), temporary(file).as_deref()]
            .into_iter()
            .flatten()
        {
            match fs::remove_file(file) {
                Err(error) if !is_absent(&error) => return Err(error),
                _ => {}
            }
        }
        let root = self.workspaces();
        let mut directory = file.parent();
        while let Some(empty) = directory.filter(|directory| **directory != root)
            && fs::remove_dir(empty).is_ok()
        {
            directory = empty.parent();
        }
        match directory {
            Some(left) => sync_directory(left),
            None => Ok(()),
        }
    }
}

/// The failure of a publication, after the document is written.
fn publication_failure(action: &'static str, path: &Path, error: io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some("Free some space and apply again")
        }
        ErrorKind::FileTooLarge => Some("Raise the limit on file sizes and apply again"),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            Some("A part of this path is a file; move it away and apply again")
        }
        ErrorKind::ReadOnlyFilesystem => Some("Make it writable and apply again"),
        _ => None,
    };
    let failure = failure(action, path, error);
    match advice {
        Some(advice) => Failure {
            advice: advice.to_owned(),
            ..failure
        },
        None => failure,
    }
}

/// The names of the directories in a directory, and of links to directories.
fn subdirectories(directory: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in entries(directory)? {
        if entry.path().is_dir()
            && let Some(name) = entry.file_name().to_str()
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn entries(directory: &Path) -> Result<Vec<DirEntry>, Failure> {
    match fs::read_dir(directory).and_then(Iterator::collect) {
        Ok(entries) => Ok(entries),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(failure("list", directory, error)),
    }
}

/// There is no such file or directory, whatever else there is.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Every change of a file shows in one of these, except one that comes within the grain of the file system's clock.
fn token(metadata: &Metadata, now: SystemTime) -> Option<Token> {
    let changed = u64::try_from(metadata.ctime()).ok()?;
    let nanoseconds = u64::try_from(metadata.ctime_nsec()).ok()?;
    let changed =
        SystemTime::UNIX_EPOCH + Duration::from_secs(changed) + Duration::from_nanos(nanoseconds);
    // A clock that is behind the file's gives an error, and no token.
    if now.duration_since(changed).ok()? < GRAIN {
        return None;
    }
    let facts = [
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        metadata.mtime() as u64,
        metadata.mtime_nsec() as u64,
        metadata.ctime() as u64,
        metadata.ctime_nsec() as u64,
    ];
    let bytes: Vec<u8> = facts.into_iter().flat_map(u64::to_le_bytes).collect();
    Some(Token::new(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_changed_a_moment_ago_has_no_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        // Nothing but its making has changed it, so its times are the same.
        let changed = metadata.modified().unwrap();
        let has_token = |now| token(&metadata, now).is_some();
        assert!(!has_token(changed));
        assert!(!has_token(changed + GRAIN / 2));
        assert!(has_token(changed + GRAIN * 2));
        // By a clock that was put back.
        assert!(!has_token(changed - GRAIN));
    }
}
