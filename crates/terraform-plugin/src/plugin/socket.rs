//! The Unix socket in a directory of its own.

use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Bytes that a socket's path may have on macOS (`sun_path` without its final zero); Linux allows four more.
const MAX_PATH_BYTES: usize = 103;

/// A directory whose path is short enough everywhere.
const FALLBACK_DIRECTORY: &str = "/tmp";

const SOCKET_NAME: &str = "plugin.sock";
const GROUP_FILE: &str = "/etc/group";

/// Why there is no socket to listen on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    #[error("no socket could be made in {}: {error}", directory.display())]
    Create {
        directory: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("the socket could not be opened to the group {group:?}: {error}")]
    Group {
        group: String,
        #[source]
        error: io::Error,
    },
}

/// A listening socket's place on disk, removed on drop.
///
/// Only the directory's owner can read it: systems differ in what a socket's own mode protects.
#[derive(Debug)]
pub(super) struct Socket {
    directory: TempDir,
    path: String,
}

impl Socket {
    /// Listens in a new directory under `parent`, by default the system's directory for temporary files.
    ///
    /// If that is missing, too long for a socket's path, or unfit for the handshake line, the directory is under
    /// `/tmp`. The directory's name begins with that of the `provider`. `group`, a name or number, gets access as well.
    pub(super) fn create(
        provider: &str,
        parent: Option<&Path>,
        group: Option<&str>,
    ) -> Result<(Self, UnixListener), SocketError> {
        let wanted = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let (socket, listener) = Self::listen_under(provider, &wanted).or_else(|error| {
            Self::listen_under(provider, Path::new(FALLBACK_DIRECTORY)).map_err(|_| {
                SocketError::Create {
                    directory: wanted,
                    error,
                }
            })
        })?;
        if let Some(group) = group {
            socket.open_to(group).map_err(|error| SocketError::Group {
                group: group.to_owned(),
                error,
            })?;
        }
        Ok((socket, listener))
    }

    fn listen_under(provider: &str, parent: &Path) -> io::Result<(Self, UnixListener)> {
        let directory = tempfile::Builder::new()
            .prefix(&format!("{provider}-"))
            .permissions(PermissionsExt::from_mode(0o700))
            .tempdir_in(parent)?;
        let path = directory
            .path()
            .join(SOCKET_NAME)
            .to_str()
            .filter(|path| !path.contains(['|', '\n', '\r']))
            .ok_or_else(|| io::Error::other("its path does not fit a handshake line"))?
            .to_owned();
        if path.len() > MAX_PATH_BYTES {
            return Err(io::Error::other("its path is too long for a socket"));
        }
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        Ok((Self { directory, path }, listener))
    }

    fn open_to(&self, group: &str) -> io::Result<()> {
        let id = match group.parse() {
            Ok(id) => id,
            Err(_) => find_group_id(&std::fs::read_to_string(GROUP_FILE)?, group)
                .ok_or_else(|| io::Error::other(format!("{GROUP_FILE} does not list it")))?,
        };
        for (path, mode) in [
            (self.directory.path(), 0o710),
            (Path::new(&self.path), 0o660),
        ] {
            chown(path, None, Some(id))?;
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
        }
        Ok(())
    }

    /// The socket's path: valid UTF-8, on one line, without `|`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// The number of the group called `name` in the text of a group file (`name:password:number:members`).
fn find_group_id(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name))
            .then(|| fields.nth(1)?.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    use super::*;

    const PROVIDER: &str = "toy";

    #[test]
    fn the_directory_is_private_and_goes_with_the_socket() {
        let parent = tempfile::tempdir().unwrap();
        let (socket, _listener) = Socket::create(PROVIDER, Some(parent.path()), None).unwrap();
        assert!(Path::new(socket.path()).starts_with(parent.path()));
        UnixStream::connect(socket.path()).unwrap();
        let directory = Path::new(socket.path()).parent().unwrap().to_owned();
        assert_eq!(directory.metadata().unwrap().mode() & 0o777, 0o700);
        let name = directory.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("toy-"), "{name}");
        drop(socket);
        assert!(!directory.exists());
    }

    #[test]
    fn a_directory_that_cannot_hold_the_socket_is_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let long = parent.path().join("x".repeat(90));
        let piped = parent.path().join("a|b");
        std::fs::create_dir(&long).unwrap();
        std::fs::create_dir(&piped).unwrap();
        for unfit in [long, piped, parent.path().join("missing")] {
            let (socket, _listener) = Socket::create(PROVIDER, Some(&unfit), None).unwrap();
            assert!(Path::new(socket.path()).starts_with(FALLBACK_DIRECTORY));
            assert!(!Path::new(socket.path()).starts_with(&unfit));
            UnixStream::connect(socket.path()).unwrap();
            if unfit.exists() {
                assert_eq!(std::fs::read_dir(&unfit).unwrap().count(), 0);
            }
        }
    }

    #[test]
    fn a_group_may_be_let_in() {
        let parent = tempfile::tempdir().unwrap();
        let own = parent.path().metadata().unwrap().gid();
        let (socket, _listener) =
            Socket::create(PROVIDER, Some(parent.path()), Some(&own.to_string())).unwrap();
        let file = Path::new(socket.path());
        let directory = file.parent().unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o660);
        assert_eq!(directory.metadata().unwrap().mode() & 0o777, 0o710);
        assert_eq!(directory.metadata().unwrap().gid(), own);

        let error =
            Socket::create(PROVIDER, Some(parent.path()), Some("no such group:")).unwrap_err();
        assert!(error.to_string().contains("no such group:"), "{error}");
    }

    #[test]
    fn groups_are_found_by_whole_name() {
        let groups = "root:x:0:\nstaffers:x:7:\nstaff:*:20:root,me\nbroken:x\nodd:x:y:\n";
        assert_eq!(find_group_id(groups, "staff"), Some(20));
        assert_eq!(find_group_id(groups, "root"), Some(0));
        for unknown in ["sta", "broken", "odd", ""] {
            assert_eq!(find_group_id(groups, unknown), None);
        }
    }
}
