//! The catalog below a prefix of an S3 bucket.
//!
//! ```text
//! s3://<bucket>/<prefix>/tenants/<tenant>/catalog.json
//!                                         history/<version>.json
//!                                         workspaces/<organization>/<workspace>/<file of a format>
//! ```
//!
//! It is the layout of a directory, so that copying one to the other moves a catalog. There is no lock. S3 writes an
//! object whole or not at all and reads back what was written last, and every write here has a condition that S3 checks
//! while it writes: `If-Match` with the ETag that was read, or `If-None-Match: *`. An ETag names the document's content
//! for good, because every version of the document has a random ID in it (`catalog.rs`). A bucket or an emulator that does not
//! check conditions is refused before the first write (`conditions.rs`).
//!
//! # Uncertain outcomes
//!
//! A write that timed out, or that S3 failed with a status from 500 up, may have been applied all the same. It is retried
//! with the same condition: then it is applied now, or it loses against itself. If S3 answers no attempt, the outcome is
//! [`SwapDocumentError::Uncertain`]. The commit's random ID decides both cases (`catalog.rs`).
//!
//! # Publications
//!
//! `publications.rs` says why an older document never has the last word on one.

mod call_failure;
mod calls;
mod conditions;
mod connected;
mod errors;
mod publications;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use tokio::sync::OnceCell;

use super::store::{
    Checked, Digest, Failure, ListHistoryError, Listed, PublicationChange, Published,
    ReadDocumentError, ReadHistoryError, Reading, Store, Stored, Swap, SwapDocumentError, Token,
    WriteHistoryError,
};
use calls::{Condition, Get, Put};
use connected::Connected;
use errors::Problem;
pub use errors::S3Error;

/// The IAM actions that the calls need: `s3:ListBucket` on the bucket, the others on its objects below the prefix.
///
/// `s3:ListBucket` must be allowed without a condition on `s3:prefix`: S3 says that an object is missing only to those who
/// may list the bucket, and denies access to all others
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>). `s3:GetObject` is needed for `If-Match`, too
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).
pub const REQUIRED_S3_ACTIONS: [&str; 4] = [
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
];

/// The IAM actions on the key where objects are encrypted with a KMS key
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>).
pub const REQUIRED_KEY_ACTIONS: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// Makes the client when the store is first used. The client must not retry calls by itself.
#[async_trait]
pub trait Connect: fmt::Debug + Send + Sync {
    /// The client, with credentials and a region.
    async fn connect(&self) -> Result<Client, NotConnected>;
}

#[async_trait]
impl Connect for Client {
    async fn connect(&self) -> Result<Client, NotConnected> {
        Ok(self.clone())
    }
}

/// Why there is no client.
#[derive(Debug)]
pub struct NotConnected {
    /// The cause.
    pub source: Box<dyn Error + Send + Sync>,
    /// What to do: a whole sentence.
    pub advice: String,
}

/// A prefix of a bucket, and how to write there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    /// Name of the bucket.
    pub bucket: String,
    /// Without slashes at its ends; empty: the whole bucket.
    pub prefix: String,
    /// ID, ARN or alias of the KMS key that encrypts what is written; none: as the bucket says.
    pub kms_key_id: Option<String>,
    /// How often to retry a call that was throttled, or whose failure may pass.
    pub max_retries: u32,
}

/// Keeps a tenant's catalog in S3.
#[derive(Debug)]
pub struct S3 {
    place: S3Place,
    connect: Arc<dyn Connect>,
    connected: OnceCell<Connected>,
    /// All keys begin with it; it ends with `/`.
    tenant: String,
    /// Set if the bucket checks `If-Match`.
    checks_match: OnceCell<()>,
    /// Set if the bucket checks `If-None-Match`.
    checks_absence: OnceCell<()>,
}

impl S3 {
    /// The catalog of `tenant` at `place`.
    pub fn new(place: S3Place, connect: Arc<dyn Connect>, tenant: &str) -> Self {
        let tenant = match place.prefix.as_str() {
            "" => format!("tenants/{tenant}/"),
            prefix => format!("{prefix}/tenants/{tenant}/"),
        };
        Self {
            place,
            connect,
            connected: OnceCell::new(),
            tenant,
            checks_match: OnceCell::new(),
            checks_absence: OnceCell::new(),
        }
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.tenant)
    }

    fn url(&self, path: &str) -> String {
        format!("s3://{}/{}{path}", self.place.bucket, self.tenant)
    }

    fn failure(&self, action: &'static str, path: &str, problem: Problem) -> Failure {
        Failure {
            action,
            place: self.url(path),
            advice: problem.advice,
            source: problem.source,
        }
    }

    async fn swap(&self, expected: Option<&Token>, bytes: &[u8]) -> Result<Swap, Problem> {
        self.check_match().await?;
        let condition = match expected {
            Some(token) => Condition::Match(etag_of(token)),
            None => {
                self.check_absence().await?;
                Condition::Absent
            }
        };
        match self.put(DOCUMENT, bytes, &condition).await? {
            Put::Made(etag) => Ok(Swap::Made(token_of(&etag))),
            Put::PreconditionFailed => Ok(Swap::Lost),
        }
    }

    async fn write_entry(&self, path: &str, bytes: &[u8]) -> Result<(), Problem> {
        const TRIES: u32 = 3;
        self.check_match().await?;
        for _ in 0..TRIES {
            if let Put::Made(_) = self.put(path, bytes, &Condition::Absent).await? {
                return Ok(());
            }
            // An existing object has the same bytes. But S3 may refuse both of two writes at the same time.
            if let Get::Found { .. } = self.get(path, None).await? {
                return Ok(());
            }
        }
        Err(S3Error::Contended(TRIES).into())
    }
}

const DOCUMENT: &str = "catalog.json";
const HISTORY: &str = "history/";
const WORKSPACES: &str = "workspaces/";

fn entry_path(version: u64) -> String {
    format!("{HISTORY}{version}.json")
}

fn token_of(etag: &str) -> Token {
    Token::new(etag.as_bytes())
}

fn etag_of(token: &Token) -> String {
    String::from_utf8_lossy(token.as_bytes()).into_owned()
}

#[async_trait]
impl Store for S3 {
    fn place(&self) -> String {
        self.url(DOCUMENT)
    }

    fn history_place(&self, version: u64) -> String {
        self.url(&entry_path(version))
    }

    async fn read_document(&self, known: Option<&Token>) -> Result<Reading, ReadDocumentError> {
        let known = known.map(etag_of);
        match self.get(DOCUMENT, known.as_deref()).await {
            Ok(Get::Absent) => Ok(Reading::Absent),
            Ok(Get::Unchanged) => Ok(Reading::Unchanged),
            Ok(Get::Found { bytes, etag }) => Ok(Reading::Found(Stored {
                bytes: bytes.into(),
                token: token_of(&etag),
            })),
            Err(problem) if problem.is_denied => Err(ReadDocumentError::Denied(
                self.failure("read", DOCUMENT, problem),
            )),
            Err(problem) => Err(ReadDocumentError::Failed(
                self.failure("read", DOCUMENT, problem),
            )),
        }
    }

    async fn swap_document(
        &self,
        expected: Option<&Token>,
        bytes: Arc<[u8]>,
    ) -> Result<Swap, SwapDocumentError> {
        self.swap(expected, &bytes).await.map_err(|problem| {
            let (is_uncertain, is_denied) = (problem.maybe_applied, problem.is_denied);
            let failure = self.failure("write", DOCUMENT, problem);
            match (is_uncertain, is_denied) {
                (true, _) => SwapDocumentError::Uncertain(failure),
                (false, true) => SwapDocumentError::Denied(failure),
                (false, false) => SwapDocumentError::Failed(failure),
            }
        })
    }

    async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError> {
        let path = entry_path(version);
        match self.get(&path, None).await {
            Ok(Get::Found { bytes, .. }) => Ok(Some(bytes)),
            Ok(Get::Absent | Get::Unchanged) => Ok(None),
            Err(problem) if problem.is_denied => Err(ReadHistoryError::Denied(
                self.failure("read", &path, problem),
            )),
            Err(problem) => Err(ReadHistoryError::Failed(
                self.failure("read", &path, problem),
            )),
        }
    }

    async fn write_history(&self, version: u64, bytes: Arc<[u8]>) -> Result<(), WriteHistoryError> {
        let path = entry_path(version);
        self.write_entry(&path, &bytes).await.map_err(|problem| {
            let is_denied = problem.is_denied;
            let failure = self.failure("write", &path, problem);
            if is_denied {
                WriteHistoryError::Denied(failure)
            } else {
                WriteHistoryError::Failed(failure)
            }
        })
    }

    async fn list_history(&self) -> Result<Vec<u64>, ListHistoryError> {
        let files = match self.list(HISTORY).await {
            Ok(files) => files,
            Err(problem) => {
                let is_denied = problem.is_denied;
                let failure = self.failure("list", HISTORY, problem);
                return Err(if is_denied {
                    ListHistoryError::Denied(failure)
                } else {
                    ListHistoryError::Failed(failure)
                });
            }
        };
        let mut versions: Vec<u64> = files
            .iter()
            .filter_map(|Listed { path, .. }| {
                let stem = path.strip_prefix(HISTORY)?.strip_suffix(".json")?;
                let version = stem.parse::<u64>().ok()?;
                (stem == version.to_string()).then_some(version)
            })
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    fn publication_place(&self, path: &str) -> String {
        self.url(path)
    }

    async fn check_publication(&self, path: &str, wanted: &Digest) -> Result<Checked, Failure> {
        self.look(path, Some(wanted))
            .await
            .map_err(|problem| self.failure("read", path, problem))
    }

    async fn list_publications(&self, directory: Option<&str>) -> Result<Vec<Listed>, Failure> {
        let below = directory.map_or(WORKSPACES.to_owned(), |directory| format!("{directory}/"));
        let mut files = self
            .list(&below)
            .await
            .map_err(|problem| self.failure("list", &below, problem))?;
        // Deeper files and a console's placeholders for directories are the user's own.
        files.retain(|Listed { path, .. }| {
            path.bytes().filter(|byte| *byte == b'/').count() == 3 && !path.ends_with('/')
        });
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    async fn publish(
        &self,
        changes: Vec<PublicationChange>,
        of: &Token,
    ) -> Result<Published, Failure> {
        self.publish_all(changes, of).await
    }
}
