//! Publications: writes the files of workspaces as the document requires, and checks whether they are in sync.

mod listing;
mod rendering;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use thiserror::Error;

use crate::model::affected_workspaces::affected_filter;
use crate::model::objects::Workspace;
use crate::publish::{FORMATS, RenderError};

use super::commit::{Catalog, Current, Inner, ReadError, lock};
use super::document::Document;
use super::store::{Checked, Digest, Failure, PublicationChange, Token};
use listing::PublicationListing;
use rendering::{Notice, Rendered, Rendering, render};
pub(super) use sync::Renderer;

/// Files that are checked at the same time.
const LOOKS: usize = 8;

/// A warning about publications after a commit. The commit itself is made.
#[derive(Debug, Error)]
pub enum PublicationWarning {
    /// Files could not be read, written or removed.
    #[error(transparent)]
    Store(Failure),
    /// A format has no file for a workspace. What was published before stays.
    #[error("{format} of the workspace {workspace:?} was not published to {place}: {source}")]
    NotRendered {
        /// `organization/workspace`
        workspace: String,
        /// The format's name.
        format: String,
        /// Where the file would be, as the user configured it.
        place: String,
        /// Why.
        source: RenderError,
    },
    /// Rendering failed by a bug. What was published before stays.
    #[error(
        "nothing of the workspace {0:?} was published: the provider failed while it rendered it. Please report this \
         with what the workspace publishes"
    )]
    Panicked(String),
    /// The run had to stop. The next commit writes what is left.
    #[error(
        "the run was to stop before everything was published; apply again, and what is missing is published"
    )]
    Stopped,
    /// A publication leaves something out, or may surprise, and did not before this commit.
    #[error("{format} of the workspace {workspace:?}: {notice}")]
    Notice {
        /// `organization/workspace`
        workspace: String,
        /// The format's name.
        format: String,
        /// Whole sentences.
        notice: String,
    },
}

impl PublicationWarning {
    /// Whether it is about the content of a publication, not about a missing one.
    pub fn is_notice(&self) -> bool {
        matches!(self, PublicationWarning::Notice { .. })
    }
}

/// What this process published last.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The document whose publications these are; none: nothing is known.
    of: Option<Token>,
    /// The files of workspaces that are completely published, by the workspace's ID.
    published: HashMap<String, Files>,
    /// Notices that were reported, by the workspace's ID.
    notices: HashMap<String, BTreeSet<Notice>>,
    /// Problems that were reported, so that a run with many commits reports each once.
    reported: BTreeSet<String>,
}

/// The files of a workspace, by path.
type Files = BTreeMap<String, Written>;

#[derive(Debug, Clone)]
struct Written {
    digest: Digest,
    token: Option<Token>,
}

impl Catalog {
    /// The place of a publication as the user configured it; `path` is what [`crate::publish::path`] gives.
    pub fn publication_place(&self, path: &str) -> String {
        self.inner.store.publication_place(path)
    }
}

/// Where the files of a workspace are, below the tenant's place.
fn directory(workspace: &Workspace) -> String {
    format!("workspaces/{}/{}", workspace.organization, workspace.handle)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Whether a file has the name of a format's; any other is the user's own.
fn is_of_format(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    FORMATS.iter().any(|format| format.file() == name)
}

/// Why publishing stopped.
enum Stopped {
    /// Another writer replaced the document. That writer publishes it.
    Outdated,
    /// Another writer replaced the document, and the files written here may be older than that document.
    Overtaken,
    /// Nothing can be written at all.
    Failed(Failure),
}

impl Inner {
    /// Publishes `document`, which was committed on top of `base` or is `base` itself. Does not write files again that are
    /// published already. Leaves the rest to the other writer if that writer has replaced the document.
    pub(super) async fn publish(
        &self,
        base: &Arc<Document>,
        base_token: Option<&Token>,
        document: &Document,
    ) -> Vec<PublicationWarning> {
        let id_of = |document: &Document| document.last_commit().map(|entry| entry.id.clone());
        let current = lock(&self.cache).clone();
        // Read again since, it may be another writer's, or there may be none at all.
        let Some(mut current) = current.filter(|c| id_of(&c.document) == id_of(document)) else {
            return Vec::new();
        };
        let mut memory = std::mem::take(&mut *lock(&self.published));
        if memory.of.is_none() || memory.of.as_ref() != base_token {
            memory.published.clear();
            memory.notices.clear();
        }
        memory.of = Some(current.token.clone());
        let mut warnings = Vec::new();
        let mut base = Arc::clone(base);
        loop {
            match self
                .publish_all(&base, &current, &mut memory, &mut warnings)
                .await
            {
                Ok(()) => break,
                Err(Stopped::Outdated) => {
                    tracing::debug!(place = %self.place, "a newer document publishes instead");
                    lock(&self.published).reported = memory.reported;
                    // Its writer repairs what failed here. Notices stay: for that writer they are not new.
                    warnings.retain(PublicationWarning::is_notice);
                    return warnings;
                }
                Err(Stopped::Overtaken) => match self.current().await {
                    Ok(Some(newest)) => {
                        tracing::debug!(place = %self.place, "publishing a newer document");
                        warnings.retain(PublicationWarning::is_notice);
                        base = Arc::clone(&newest.document);
                        memory.published.clear();
                        memory.of = Some(newest.token.clone());
                        current = newest;
                    }
                    // Deleted: the next document is published in full.
                    Ok(None) => break,
                    Err(error) => {
                        warnings.push(PublicationWarning::Store(self.reread_failure(error)));
                        break;
                    }
                },
                Err(Stopped::Failed(failure)) => {
                    warnings.push(PublicationWarning::Store(failure));
                    break;
                }
            }
        }
        let reported = std::mem::take(&mut memory.reported);
        warnings.retain(|warning| {
            if warning.is_notice() {
                return true;
            }
            tracing::warn!(place = %self.place, %warning, "the catalog is written, a publication is not");
            let text = warning.to_string();
            let is_new = !reported.contains(&text);
            memory.reported.insert(text);
            is_new
        });
        *lock(&self.published) = memory;
        warnings
    }

    /// The failure to read the document again after publications were written.
    fn reread_failure(&self, error: ReadError) -> Failure {
        Failure {
            action: "look again at",
            place: self.place.clone(),
            source: error.into(),
            advice: "Publications may be those of an older version until the next apply".to_owned(),
        }
    }

    async fn publish_all(
        &self,
        base: &Arc<Document>,
        current: &Current,
        memory: &mut Memory,
        warnings: &mut Vec<PublicationWarning>,
    ) -> Result<(), Stopped> {
        let tenant = current.document.tenant();
        let is_affected = affected_filter(base.tenant(), tenant);
        memory
            .published
            .retain(|id, _| tenant.get::<Workspace>(id).is_some());
        memory
            .notices
            .retain(|id, _| tenant.get::<Workspace>(id).is_some());
        // After the commit, so that the list has all files of older versions; and once for all files.
        let (listing, unlisted) = match self.store.list_publications(None).await {
            Ok(listed) => (PublicationListing::new(listed), None),
            Err(failure) => (PublicationListing::default(), Some(failure)),
        };
        let mut left = BTreeMap::new();
        for workspace in tenant.each::<Workspace>() {
            let known = memory
                .published
                .remove(&workspace.id)
                .filter(|_| !is_affected(workspace));
            match self.check_untouched(known, &listing).await {
                Some(files) => {
                    memory.published.insert(workspace.id.clone(), files);
                }
                None => {
                    left.insert(workspace.id.clone(), workspace);
                }
            }
        }
        // Not to be removed: files, and directories of workspaces about which nothing is known.
        let mut kept: BTreeSet<String> = memory
            .published
            .values()
            .flat_map(|files| files.keys().cloned())
            .collect();
        // If nothing was changed, nothing is new.
        let is_changed = base.version() != current.document.version();
        let known = is_changed.then(|| memory.notices.clone());
        let ids = left.keys().cloned().collect();
        let render_one = self.renderer.render;
        let mut renderings = render(render_one, base, &current.document, ids, known);
        let mut stopped = None;
        while let Some(rendering) = renderings.recv().await {
            left.remove(&rendering.id);
            warnings.extend(rendering.new_notices());
            if stopped.is_none() {
                stopped = self
                    .publish_one(rendering, &listing, current, memory, &mut kept, warnings)
                    .await
                    .err();
            }
        }
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        for workspace in left.into_values() {
            kept.insert(directory(workspace));
            warnings.push(PublicationWarning::Panicked(workspace.to_string()));
        }
        if let Some(failure) = unlisted {
            return Err(Stopped::Failed(failure));
        }
        let left_over = listing
            .paths()
            .filter(|path| is_of_format(path))
            .filter(|path| !kept.contains(*path) && !kept.contains(parent(path)))
            .map(|path| PublicationChange {
                path: path.to_owned(),
                bytes: None,
                found: listing.token(path),
            });
        self.write(left_over.collect(), current, warnings).await?;
        Ok(())
    }

    /// Checks the known files of a workspace; returns them if all of them are as they were written.
    async fn check_untouched(
        &self,
        known: Option<Files>,
        listing: &PublicationListing,
    ) -> Option<Files> {
        let mut files = known?;
        for (path, written) in &mut files {
            if listing.is_unchanged(path, written.token.as_ref()) {
                continue;
            }
            if listing.is_other(path, &written.digest) {
                return None;
            }
            match self.store.check_publication(path, &written.digest).await {
                Ok(Checked::Same { token }) => written.token = token,
                // Writing it again finds out what it is now.
                Ok(Checked::Other { .. } | Checked::Absent) | Err(_) => return None,
            }
        }
        Some(files)
    }

    async fn publish_one(
        &self,
        rendering: Rendering,
        listing: &PublicationListing,
        current: &Current,
        memory: &mut Memory,
        kept: &mut BTreeSet<String>,
        warnings: &mut Vec<PublicationWarning>,
    ) -> Result<(), Stopped> {
        let Rendering {
            id,
            name,
            directory,
            files: rendered,
            notices,
            ..
        } = rendering;
        let mut is_complete = true;
        let mut wanted = Vec::new();
        for Rendered { format, path, file } in rendered {
            kept.extend(path.clone());
            match (path, file) {
                (Some(path), Ok((bytes, digest))) => wanted.push((path, bytes, digest)),
                (path, Err(source)) => {
                    is_complete = false;
                    let path = path.unwrap_or_else(|| directory.clone());
                    warnings.push(PublicationWarning::NotRendered {
                        workspace: name.clone(),
                        format,
                        place: self.store.publication_place(&path),
                        source,
                    });
                }
                (None, Ok(_)) => {}
            }
        }
        let checks = stream::iter(wanted).map(async |(path, bytes, digest)| {
            let checked = if listing.is_other(&path, &digest) {
                Ok(Checked::Other {
                    token: listing.token(&path),
                })
            } else {
                self.store.check_publication(&path, &digest).await
            };
            (path, bytes, digest, checked)
        });
        let checked: Vec<_> = checks.buffered(LOOKS).collect().await;
        let mut files = Files::new();
        let mut changes = Vec::new();
        for (path, bytes, digest, checked) in checked {
            let token = match checked {
                Ok(Checked::Same { token }) => token,
                // A file that cannot be read is only reported if it cannot be written either.
                other => {
                    let found = match other {
                        Ok(Checked::Other { token }) => token,
                        _ => None,
                    };
                    changes.push(PublicationChange {
                        path: path.clone(),
                        bytes: Some(bytes),
                        found,
                    });
                    None
                }
            };
            files.insert(path, Written { digest, token });
        }
        match self.write(changes, current, warnings).await? {
            Some(tokens) => {
                for (path, token) in tokens {
                    if let Some(written) = files.get_mut(&path) {
                        written.token = Some(token);
                    }
                }
            }
            None => is_complete = false,
        }
        memory.notices.insert(id.clone(), notices);
        if is_complete {
            memory.published.insert(id, files);
        }
        Ok(())
    }

    /// Writes changes. Returns the tokens that the store knows; none if not all changes were made.
    async fn write(
        &self,
        changes: Vec<PublicationChange>,
        current: &Current,
        warnings: &mut Vec<PublicationWarning>,
    ) -> Result<Option<Vec<(String, Token)>>, Stopped> {
        if changes.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let published = self
            .store
            .publish(changes, &current.token)
            .await
            .map_err(Stopped::Failed)?;
        if published.is_overtaken {
            return Err(Stopped::Overtaken);
        }
        if published.is_outdated {
            return Err(Stopped::Outdated);
        }
        let is_complete = published.failures.is_empty();
        let failures = published.failures.into_iter();
        warnings.extend(failures.map(|(_, failure)| PublicationWarning::Store(failure)));
        Ok(is_complete.then_some(published.tokens))
    }
}
