//! The interface between the catalog and its stores.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Stores one tenant's catalog: bytes and version tokens, whatever they mean.
///
/// An operation takes effect as a whole or not at all, even when its future is dropped: no reader ever sees half of it.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The document's place as the user configured it, for messages.
    fn place(&self) -> String;

    /// The place of a version's history entry, for messages.
    fn history_place(&self, version: u64) -> String;

    /// Reads the document. Writes nothing, not even a lock. With `known`, [`Reading::Unchanged`] is the answer while
    /// the document is still exactly the one that has this token; without, it never is.
    async fn read_document(&self, known: Option<&Token>) -> Result<Reading, ReadDocumentError>;

    /// Replaces the document that has the token `expected` (none: there is no document) by `bytes`.
    async fn swap_document(
        &self,
        expected: Option<&Token>,
        bytes: Arc<[u8]>,
    ) -> Result<Swap, SwapDocumentError>;

    /// Makes other writers wait until the reservation is dropped; none if the store cannot. A writer calls this before it
    /// writes the document: one that needs longer for its change than others would lose against them again and again. Its
    /// own operations do not wait. Dropping the future gives up waiting. Correctness never depends on it.
    async fn reserve(&self) -> Result<Option<Reservation>, SwapDocumentError> {
        Ok(None)
    }

    /// Reads the entry of a version; none where there is no such entry.
    async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError>;

    /// Writes the entry of a version. The caller makes sure that only the same bytes are ever written again.
    async fn write_history(&self, version: u64, bytes: Arc<[u8]>) -> Result<(), WriteHistoryError>;

    /// The versions that have an entry, ascending.
    async fn list_history(&self) -> Result<Vec<u64>, ListHistoryError>;

    /// The place of the publication with this path below the tenant's place, as the user configured it.
    fn publication_place(&self, path: &str) -> String;

    /// Compares a publication with what it should be.
    async fn check_publication(&self, path: &str, wanted: &Digest) -> Result<Checked, Failure>;

    /// Lists the files in a workspace's directory, such as `workspaces/acme/security`, or in those of all workspaces:
    /// including files of others, and those that a killed writer left incomplete. Sorted by path, each once.
    async fn list_publications(&self, directory: Option<&str>) -> Result<Vec<Listed>, Failure>;

    /// Writes and removes publications, each as a whole, in this order, but only while the document is still the one with
    /// the token `of`: an older version never replaces publications of a newer one. A failure of one does not stop the
    /// others. Removes directories that become empty.
    ///
    /// # Errors
    /// If nothing could be done at all.
    async fn publish(
        &self,
        changes: Vec<PublicationChange>,
        of: &Token,
    ) -> Result<Published, Failure>;
}

/// What a publication should be: the length and the SHA-256 of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// In bytes.
    pub length: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Digest {
    /// Of this content.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
        }
    }
}

/// A publication compared with what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// It is exactly that.
    Same {
        /// The token of the content; none if the store could not distinguish it from one written a moment later.
        token: Option<Token>,
    },
    /// It is another.
    Other {
        /// The token of the actual content.
        token: Option<Token>,
    },
    /// It does not exist.
    Absent,
}

/// A file as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// With `/` between its parts.
    pub path: String,
    /// In bytes; none: the file is incomplete.
    pub length: Option<u64>,
    /// The token of its content, as in [`Checked::Same`].
    pub token: Option<Token>,
}

/// A change of a publication.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicationChange {
    /// Its path, with `/` between its parts.
    pub path: String,
    /// Its content from now on; none: it is removed.
    pub bytes: Option<Vec<u8>>,
    /// The token of the existing content, if known. A store may use it to save a look of its own.
    pub found: Option<Token>,
}

impl fmt::Debug for PublicationChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicationChange")
            .field("path", &self.path)
            .field("bytes", &self.bytes.as_ref().map(Vec::len))
            .finish()
    }
}

/// Result of publishing.
#[derive(Debug, Default)]
pub struct Published {
    /// Whether another writer replaced the document before everything was written. That writer writes the rest.
    pub is_outdated: bool,
    /// Whether another writer replaced the document after something was written. That may have replaced publications of a
    /// newer version, so the caller publishes the new document. Never set by a store that locks the document meanwhile.
    pub is_overtaken: bool,
    /// Failed changes, by path.
    pub failures: Vec<(String, Failure)>,
    /// Tokens of written publications, by path, if the store knows them without another look.
    pub tokens: Vec<(String, Token)>,
}

/// Makes other writers wait until it is dropped.
pub struct Reservation {
    _held: Box<dyn Any + Send>,
}

impl Reservation {
    /// The reservation that lasts until `held` is dropped.
    pub fn new(held: impl Any + Send) -> Self {
        Self {
            _held: Box::new(held),
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reservation")
    }
}

/// Names one exact content of the document. Two contents never share one: a time of modification would not do, as two
/// writes within its grain look the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<[u8]>);

impl Token {
    /// A token of the store's own making, such as an ETag, or the content itself.
    pub fn new(token: impl Into<Arc<[u8]>>) -> Self {
        Self(token.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} bytes)", self.0.len())
    }
}

/// Result of reading the document.
#[derive(Debug, Clone)]
pub enum Reading {
    /// There is no document.
    Absent,
    /// The document is still the known one.
    Unchanged,
    /// The document.
    Found(Stored),
}

/// A document as it is stored.
#[derive(Clone)]
pub struct Stored {
    /// Its content.
    pub bytes: Arc<[u8]>,
    /// The token of that content.
    pub token: Token,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("bytes", &self.bytes.len())
            .field("token", &self.token)
            .finish()
    }
}

/// Result of a compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The document is the new one, which has this token.
    Made(Token),
    /// The document was not the expected one (any more). It is untouched, unless the store made the swap on an
    /// earlier attempt of its own and did not learn of it.
    Lost,
}

/// An operation that a store could not do.
#[derive(Debug, Error)]
#[error("cannot {action} {place}: {source}. {advice}")]
pub struct Failure {
    /// Such as `read`.
    pub action: &'static str,
    /// The path or URL, as the user configured it.
    pub place: String,
    /// Why.
    pub source: Box<dyn Error + Send + Sync>,
    /// What to do: a whole sentence.
    pub advice: String,
}

/// Why the document was not read.
#[derive(Debug, Error)]
pub enum ReadDocumentError {
    /// The user may not read it.
    #[error(transparent)]
    Denied(Failure),
    /// Anything else.
    #[error(transparent)]
    Failed(Failure),
}

/// Why the document was not swapped.
#[derive(Debug, Error)]
pub enum SwapDocumentError {
    /// Another writer kept the lock for too long. The document is untouched.
    #[error(
        "{place} is locked by {holder}; waited {} s for it. If that process hangs, end it: \
         the lock goes with it, and no file needs to be deleted.", waited.as_secs()
    )]
    Locked {
        /// Place of the lock.
        place: String,
        /// What the lock says of its holder.
        holder: String,
        /// How long this writer waited.
        waited: Duration,
    },
    /// The user may not write it. The document is untouched.
    #[error(transparent)]
    Denied(Failure),
    /// There is no room for it. The document is untouched.
    #[error(transparent)]
    Full(Failure),
    /// Anything else. The document is untouched.
    #[error(transparent)]
    Failed(Failure),
    /// The document may be the old or the new one.
    #[error(transparent)]
    Uncertain(Failure),
}

/// Why a history entry was not read.
#[derive(Debug, Error)]
pub enum ReadHistoryError {
    /// The user may not read it.
    #[error(transparent)]
    Denied(Failure),
    /// Anything else.
    #[error(transparent)]
    Failed(Failure),
}

/// Why a history entry was not written.
#[derive(Debug, Error)]
pub enum WriteHistoryError {
    /// Another writer kept the lock for too long.
    #[error("{place} is locked by {holder}; waited {} s for it", waited.as_secs())]
    Locked {
        /// Place of the lock.
        place: String,
        /// What the lock says of its holder.
        holder: String,
        /// How long this writer waited.
        waited: Duration,
    },
    /// The user may not write it.
    #[error(transparent)]
    Denied(Failure),
    /// There is no room for it.
    #[error(transparent)]
    Full(Failure),
    /// Anything else.
    #[error(transparent)]
    Failed(Failure),
}

/// Why the history was not listed.
#[derive(Debug, Error)]
pub enum ListHistoryError {
    /// The user may not list it.
    #[error(transparent)]
    Denied(Failure),
    /// Anything else.
    #[error(transparent)]
    Failed(Failure),
}
