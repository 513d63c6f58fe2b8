//! Publications in a bucket.
//!
//! On disk a publication is written under the lock that every swap of the document takes. S3 changes one object at a time,
//! so between looking at the document and writing a publication the document may be replaced. What keeps an older
//! publication from replacing a newer one is this. A publisher of the version *a*
//!
//! 1. learns the publication's ETag *e*, from a list or by a look at it,
//! 2. sees that the document is still *a*,
//! 3. writes (or deletes) on the condition that the publication still has *e*; if not, it goes back to 1,
//! 4. and after it has written something, looks at the document again. If that is another one, the publisher is *overtaken*
//!    and publishes the new document (`publishing.rs`), by the same steps.
//!
//! Let *b* be a newer version, committed after 2, or the publisher had stopped there. The publisher of *b* reads the
//! publication after its commit, so after 2 and after *a* learnt *e*.
//!
//! - If it reads what *a* wrote, it replaces that: the newer one wins.
//! - If it reads *e* or anything else and writes other content before *a* writes, *a*'s condition is not met: in 2 it finds *b*
//!   and stops. The newer one stays.
//! - If what it reads or writes has the ETag *e* again, *a*'s condition is met after all. That happens where *b* wants the
//!   content that was there before *a*: S3's ETags are those of contents, unless a KMS key is used. Then step 4 of *a* comes
//!   after *b*'s commit, finds *b*, and publishes what it says.
//!
//! So when all publishers are done, each publication is that of the newest version: let its last write be one for a version
//! that is not the newest. Its step 4 came after the write. If it found its own version, the newest one was committed later
//! still, and its publisher read the publication after that and found it to be another one than its own: it wrote, which
//! was not the last write. If it found another version, it has published that.
//!
//! What is left is a process that is killed, or a request that S3 makes after it was given up, between 3 and 4 in the third
//! case: a publication that the next plan shows as out of sync, and that the next commit or apply repairs, as after any
//! crash between the document and its publications. Readers never see a part of a file in any case.
//!
//! The last case is also what happens to a removal where a service checks conditions of writes, but not those of removals.
//!
//! # Existing files
//!
//! Files are compared by their SHA-256. S3 checks it on each write and stores it with the object, so a HEAD request is
//! enough. The ETag is no such digest if a KMS key encrypts, and metadata of one's own would be what the last writer says,
//! not what the content is. An object that somebody else wrote without a SHA-256 is read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};

use super::calls::{Condition, Get, Head, Put};
use super::errors::{Problem, S3Error};
use super::{DOCUMENT, S3, WORKSPACES, etag_of, token_of};
use crate::catalog::store::{Checked, Digest, Failure, PublicationChange, Published, Token};

/// Publications that are written at the same time.
const AT_ONCE: usize = 8;
/// How often a publication that others change at the same time is tried, while the document stays the same.
const TRIES: u32 = 10;

/// Outcome of one publication.
enum Outcome {
    /// It was in sync already.
    Untouched,
    /// The ETag; none if it was removed.
    Written(Option<String>),
    /// Another writer replaced the document. An earlier attempt may have written the publication all the same.
    Outdated {
        maybe_applied: bool,
    },
    Failed(Problem),
}

impl S3 {
    pub(super) async fn publish_all(
        &self,
        changes: Vec<PublicationChange>,
        of: &Token,
    ) -> Result<Published, Failure> {
        let document = etag_of(of);
        let unable = |problem| self.failure("write", WORKSPACES, problem);
        self.check_match().await.map_err(unable)?;
        if !self.is_current(&document).await.map_err(unable)? {
            return Ok(Published {
                is_outdated: true,
                ..Published::default()
            });
        }
        let outcomes: Vec<_> = stream::iter(changes)
            .map(async |change| {
                let outcome = self.publish_one(&change, &document).await;
                (change, outcome)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut published = Published::default();
        let mut is_written = false;
        for (change, outcome) in outcomes {
            match outcome {
                Outcome::Untouched => {}
                Outcome::Written(etag) => {
                    is_written = true;
                    let token = etag.map(|etag| (change.path, token_of(&etag)));
                    published.tokens.extend(token);
                }
                Outcome::Outdated { maybe_applied } => {
                    published.is_outdated = true;
                    is_written |= maybe_applied;
                }
                Outcome::Failed(problem) => {
                    is_written |= problem.maybe_applied;
                    let action = match change.bytes {
                        Some(_) => "write",
                        None => "remove",
                    };
                    let failure = self.failure(action, &change.path, problem);
                    published.failures.push((change.path, failure));
                }
            }
        }
        published.failures.sort_by(|(a, _), (b, _)| a.cmp(b));
        if is_written {
            let is_current = self.is_current(&document).await;
            // If that is not known, the publication may be too old.
            published.is_overtaken = !is_current.unwrap_or(false);
        }
        Ok(published)
    }

    async fn publish_one(&self, change: &PublicationChange, document: &str) -> Outcome {
        self.try_publish(change, document)
            .await
            .unwrap_or_else(Outcome::Failed)
    }

    async fn try_publish(
        &self,
        change: &PublicationChange,
        document: &str,
    ) -> Result<Outcome, Problem> {
        let path = &change.path;
        let wanted = change.bytes.as_deref().map(Digest::of);
        // The caller has looked, and the document was looked at since.
        let mut seen = match (&change.bytes, &change.found) {
            (None, None) => None,
            (_, found) => Some(found.as_ref().map(etag_of)),
        };
        let mut maybe_applied = false;
        for _ in 0..TRIES {
            let etag = match seen.take() {
                Some(etag) => etag,
                None => {
                    let token = match self.look(path, wanted.as_ref()).await? {
                        Checked::Same { token } if maybe_applied => {
                            return Ok(Outcome::Written(token.as_ref().map(etag_of)));
                        }
                        Checked::Same { .. } => return Ok(Outcome::Untouched),
                        Checked::Other { token } => token,
                        Checked::Absent => None,
                    };
                    if !self.is_current(document).await? {
                        return Ok(Outcome::Outdated { maybe_applied });
                    }
                    token.as_ref().map(etag_of)
                }
            };
            match (&change.bytes, &etag) {
                (Some(bytes), etag) => {
                    let condition = match etag {
                        Some(etag) => Condition::Match(etag.clone()),
                        None => Condition::Absent,
                    };
                    if let Put::Made(etag) = self.put(path, bytes, &condition).await? {
                        return Ok(Outcome::Written(Some(etag)));
                    }
                }
                (None, Some(etag)) => {
                    if self.delete(path, etag).await? {
                        return Ok(Outcome::Written(None));
                    }
                }
                (None, None) if maybe_applied => return Ok(Outcome::Written(None)),
                (None, None) => return Ok(Outcome::Untouched),
            }
            // It may have lost against an attempt of its own.
            maybe_applied = true;
        }
        Err(S3Error::Contended(TRIES).into())
    }

    /// Compares an object with what it should be; with nothing, any is another.
    pub(super) async fn look(
        &self,
        path: &str,
        wanted: Option<&Digest>,
    ) -> Result<Checked, Problem> {
        match self.head(path).await? {
            Head::Absent => return Ok(Checked::Absent),
            Head::Found {
                etag,
                length,
                sha256,
            } => {
                let token = Some(token_of(&etag));
                let Some(wanted) = wanted else {
                    return Ok(Checked::Other { token });
                };
                if length.is_some_and(|length| length != wanted.length) {
                    return Ok(Checked::Other { token });
                }
                // One of an upload in parts is a digest of digests.
                if let Some(sha256) = sha256.and_then(|sha256| STANDARD.decode(sha256).ok()) {
                    return Ok(if sha256 == wanted.sha256 {
                        Checked::Same { token }
                    } else {
                        Checked::Other { token }
                    });
                }
            }
            // Reading it gives the reason.
            Head::Refused => {}
        }
        Ok(match self.get(path, None).await? {
            Get::Found { bytes, etag } => {
                let token = Some(token_of(&etag));
                if wanted == Some(&Digest::of(&bytes)) {
                    Checked::Same { token }
                } else {
                    Checked::Other { token }
                }
            }
            Get::Absent | Get::Unchanged => Checked::Absent,
        })
    }

    /// Whether the document is still the one with this ETag.
    async fn is_current(&self, document: &str) -> Result<bool, Problem> {
        let got = self.get(DOCUMENT, Some(document)).await?;
        Ok(matches!(got, Get::Unchanged))
    }
}
