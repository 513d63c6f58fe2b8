//! Renders the publications of workspaces, several at a time.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::mpsc;

use crate::catalog::commit::lock;
use crate::catalog::document::Document;
use crate::catalog::store::Digest;
use crate::model::objects::Workspace;
use crate::publish::{Publication, RenderError};

use super::sync::Render;
use super::{PublicationWarning, directory};

/// Workspaces whose files wait to be written. Together they may be large, so there are few.
const WAITING: usize = 2;

/// A format's name and what it said.
pub(super) type Notice = (String, String);

/// All files to be published for a workspace.
pub(super) struct Rendering {
    pub(super) id: String,
    /// `organization/workspace`
    pub(super) name: String,
    /// Where its files are, below the tenant's place.
    pub(super) directory: String,
    pub(super) files: Vec<Rendered>,
    pub(super) notices: BTreeSet<Notice>,
    /// Notices that are new since the commit.
    new_notices: Vec<Notice>,
}

impl Rendering {
    fn of(
        workspace: &Workspace,
        publications: Vec<Publication>,
        old_notices: impl FnOnce() -> Option<BTreeSet<Notice>>,
    ) -> Self {
        let notices = notices_of(&publications);
        let old = if notices.is_empty() {
            None
        } else {
            old_notices()
        };
        let new_notices =
            old.map_or_else(Vec::new, |old| notices.difference(&old).cloned().collect());
        let files = publications.into_iter().map(|publication| Rendered {
            format: publication.format,
            path: publication.path,
            file: publication.rendered.map(|rendered| {
                let digest = Digest::of(&rendered.bytes);
                (rendered.bytes, digest)
            }),
        });
        Self {
            id: workspace.id.clone(),
            name: workspace.to_string(),
            directory: directory(workspace),
            files: files.collect(),
            notices,
            new_notices,
        }
    }

    /// The new notices as warnings.
    pub(super) fn new_notices(&self) -> impl Iterator<Item = PublicationWarning> {
        self.new_notices
            .iter()
            .map(|(format, notice)| PublicationWarning::Notice {
                workspace: self.name.clone(),
                format: format.clone(),
                notice: notice.clone(),
            })
    }
}

/// A file of a workspace.
pub(super) struct Rendered {
    pub(super) format: String,
    /// None for a format that does not exist.
    pub(super) path: Option<String>,
    /// Content and its digest.
    pub(super) file: Result<(Vec<u8>, Digest), RenderError>,
}

/// Renders workspaces of `document` with `publications` on threads of their own, as fast as the receiver takes them. Leaves
/// out workspaces whose rendering panics. `known` has the known notices of `base`, by the workspace's ID; none: `base` is
/// the same document.
pub(super) fn render(
    publications: Render,
    base: &Arc<Document>,
    document: &Arc<Document>,
    ids: Vec<String>,
    known: Option<HashMap<String, BTreeSet<Notice>>>,
) -> mpsc::Receiver<Rendering> {
    let (sender, receiver) = mpsc::channel(WAITING);
    if ids.is_empty() {
        return receiver;
    }
    let (base, document) = (Arc::clone(base), Arc::clone(document));
    // Nothing waits for this task. It ends when the receiver has taken everything or is dropped.
    tokio::task::spawn_blocking(move || {
        let after = document.resolved_after(&base);
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(ids.len());
        let next = Mutex::new(ids.into_iter());
        let work = || {
            loop {
                let id = lock(&next).next();
                let workspace = id.and_then(|id| document.tenant().get::<Workspace>(&id));
                let Some(workspace) = workspace else {
                    return;
                };
                let old_notices = || {
                    let known = known.as_ref()?.get(&workspace.id).cloned();
                    Some(known.unwrap_or_else(|| {
                        let workspace = base.tenant().get::<Workspace>(&workspace.id);
                        let view = workspace.map(|workspace| base.resolved().view(workspace));
                        view.map_or_else(BTreeSet::new, |view| notices_of(&publications(&view)))
                    }))
                };
                // A bug of one format must not take the other workspaces with it.
                let rendering = catch_unwind(AssertUnwindSafe(|| {
                    Rendering::of(workspace, publications(&after.view(workspace)), old_notices)
                }));
                let Ok(rendering) = rendering else {
                    continue;
                };
                if sender.blocking_send(rendering).is_err() {
                    return;
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
    });
    receiver
}

fn notices_of(publications: &[Publication]) -> BTreeSet<Notice> {
    publications
        .iter()
        .filter_map(|publication| {
            let rendered = publication.rendered.as_ref().ok()?;
            Some((&publication.format, &rendered.notices))
        })
        .flat_map(|(format, notices)| {
            notices
                .iter()
                .map(|notice| (format.clone(), notice.clone()))
        })
        .collect()
}
