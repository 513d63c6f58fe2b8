//! Publications: making the files of workspaces what the document says, and telling whether they are.

mod rendering;
mod sync;
#[cfg(test)]
mod tests;
mod there;

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
use rendering::{Notice, Rendered, Rendering, render};
pub(super) use sync::Renderer;
use there::There;

/// Files that are looked at at the same time.
const LOOKS: usize = 8;

/// What to know of publications after a commit. The commit itself is made.
#[derive(Debug, Error)]
pub enum PublicationWarning {
    /// Files could not be written or removed, or there was no looking at them.
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
    /// The run was to stop. What is left is written by the next commit.
    #[error(
        "the run was to stop before everything was published; apply again, and what is missing is published"
    )]
    Stopped,
    /// What is published leaves something out, or may surprise; it did not before this commit.
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
    /// Whether it is about what is published, not about what is not.
    pub fn is_notice(&self) -> bool {
        matches!(self, PublicationWarning::Notice { .. })
    }
}

/// What this process published last.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The document that all of this is of; none: nothing is known.
    of: Option<Token>,
    /// The files of workspaces that are completely published, by the workspace's ID.
    published: HashMap<String, Files>,
    /// Notices that were given, by the workspace's ID.
    notices: HashMap<String, BTreeSet<Notice>>,
    /// What went wrong and was told, so that a run that commits often tells it once.
    told: BTreeSet<String>,
}

/// What a workspace has, by path.
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

/// Whether a file is a format's by its name; any other is the user's own.
fn is_of_format(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    FORMATS.iter().any(|format| format.file() == name)
}

/// Why publishing stopped.
enum Stopped {
    /// Another writer's document is there, and what is published is that writer's business.
    Outdated,
    /// Another writer's document is there, and what is published now may be older than that.
    Overtaken,
    /// Nothing can be written at all.
    Failed(Failure),
}

impl Inner {
    /// Publishes what `document` says, which was committed on top of `base` or is `base` itself. What is published
    /// already is not written again. Whoever finds the document replaced by another writer's leaves the rest to that
    /// one.
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
                    lock(&self.published).told = memory.told;
                    // Its writer makes good what failed here, but does not find new what this commit brought about.
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
                    // Deleted: whatever comes next publishes anew.
                    Ok(None) => break,
                    Err(error) => {
                        warnings.push(PublicationWarning::Store(self.unseen(error)));
                        break;
                    }
                },
                Err(Stopped::Failed(failure)) => {
                    warnings.push(PublicationWarning::Store(failure));
                    break;
                }
            }
        }
        let told = std::mem::take(&mut memory.told);
        warnings.retain(|warning| {
            if warning.is_notice() {
                return true;
            }
            tracing::warn!(place = %self.place, %warning, "the catalog is written, a publication is not");
            let text = warning.to_string();
            let is_new = !told.contains(&text);
            memory.told.insert(text);
            is_new
        });
        *lock(&self.published) = memory;
        warnings
    }

    /// The document could not be looked at once more after publications were written.
    fn unseen(&self, error: ReadError) -> Failure {
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
        // After the commit, so that nothing of an older version escapes it; and once for all files.
        let (there, unlisted) = match self.store.list_publications(None).await {
            Ok(listed) => (There::new(listed), None),
            Err(failure) => (There::default(), Some(failure)),
        };
        let mut left = BTreeMap::new();
        for workspace in tenant.each::<Workspace>() {
            let known = memory.published.remove(&workspace.id);
            let known = known.filter(|_| !is_affected(workspace));
            match self.untouched(known, &there).await {
                Some(files) => {
                    memory.published.insert(workspace.id.clone(), files);
                }
                None => {
                    left.insert(workspace.id.clone(), workspace);
                }
            }
        }
        // What must not be removed: files, and directories of workspaces that nothing is known of.
        let mut kept: BTreeSet<String> = memory
            .published
            .values()
            .flat_map(|files| files.keys().cloned())
            .collect();
        let known = match base.version() == current.document.version() {
            // Nothing was changed, so nothing is new.
            true => None,
            false => Some(memory.notices.clone()),
        };
        let ids = left.keys().cloned().collect();
        let render_one = self.renderer.render;
        let mut renderings = render(render_one, base, &current.document, ids, known);
        let mut stopped = None;
        while let Some(rendering) = renderings.recv().await {
            left.remove(&rendering.id);
            warnings.extend(rendering.new_notices());
            if stopped.is_none() {
                stopped = self
                    .publish_one(rendering, &there, current, memory, &mut kept, warnings)
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
        let left_over = there
            .paths()
            .filter(|path| is_of_format(path))
            .filter(|path| !kept.contains(*path) && !kept.contains(parent(path)))
            .map(|path| PublicationChange {
                path: path.to_owned(),
                bytes: None,
                found: there.token(path),
            });
        self.write(left_over.collect(), current, warnings).await?;
        Ok(())
    }

    /// The files of a workspace, if all of them are as they were written.
    async fn untouched(&self, known: Option<Files>, there: &There) -> Option<Files> {
        let mut files = known?;
        for (path, written) in &mut files {
            if there.is_unchanged(path, written.token.as_ref()) {
                continue;
            }
            if there.is_other(path, &written.digest) {
                return None;
            }
            match self.store.check_publication(path, &written.digest).await {
                Ok(Checked::Same { token }) => written.token = token,
                // What it is now is found out when it is written again.
                Ok(Checked::Other { .. } | Checked::Absent) | Err(_) => return None,
            }
        }
        Some(files)
    }

    async fn publish_one(
        &self,
        rendering: Rendering,
        there: &There,
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
            let checked = match there.is_other(&path, &digest) {
                true => Ok(Checked::Other {
                    token: there.token(&path),
                }),
                false => self.store.check_publication(&path, &digest).await,
            };
            (path, bytes, digest, checked)
        });
        let checked: Vec<_> = checks.buffered(LOOKS).collect().await;
        let mut files = Files::new();
        let mut changes = Vec::new();
        for (path, bytes, digest, checked) in checked {
            let token = match checked {
                Ok(Checked::Same { token }) => token,
                // One that cannot be read is told of when it cannot be written either.
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

    /// The tokens of what was written, as far as the store knows them; none if not everything was done.
    async fn write(
        &self,
        changes: Vec<PublicationChange>,
        current: &Current,
        warnings: &mut Vec<PublicationWarning>,
    ) -> Result<Option<Vec<(String, Token)>>, Stopped> {
        if changes.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let published = self.store.publish(changes, &current.token).await;
        let published = published.map_err(Stopped::Failed)?;
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
