//! Telling whether what is published is what the document says.

use std::error::Error;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use crate::catalog::commit::{Catalog, Inner};
use crate::catalog::document::Document;
use crate::catalog::store::{Checked, Digest, Failure};
use crate::model::objects::{Integration, Workspace};
use crate::model::visibility::View;
use crate::publish::{Publication, publications};

use super::there::There;
use super::{LOOKS, directory, is_of_format};

/// Makes publications of what a workspace sees: [`publications`], unless a test has another.
pub(in crate::catalog) type Render = fn(&View<'_>) -> Vec<Publication>;

/// Makes what a workspace's files should be.
#[derive(Debug)]
pub(in crate::catalog) struct Renderer {
    pub(super) render: Render,
    /// What may be rendered at the same time, in connections: all formats of 10,000 take some 70 MB, and Terraform reads ten
    /// workspaces at once.
    pub(super) room: Semaphore,
    most: u32,
}

impl Renderer {
    /// By `render`, and so many connections at the same time.
    pub(super) fn new(render: Render, most: u32) -> Self {
        Self {
            render,
            room: Semaphore::new(most as usize),
            most,
        }
    }
}

impl Default for Renderer {
    /// Two workspaces of the largest organizations at the same time, or hundreds of small ones.
    fn default() -> Self {
        Self::new(publications, 20_000)
    }
}

impl Catalog {
    /// Whether exactly that is published for a workspace of `document` which [`publications`] says: nothing is missing,
    /// different, or left over from a format that is not asked for any more. False for a format that cannot be
    /// rendered and for a workspace that is not there. Writes nothing.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub async fn in_sync(&self, document: &Document, workspace_id: &str) -> Result<bool, Failure> {
        let Some(workspace) = document.tenant().get::<Workspace>(workspace_id) else {
            return Ok(false);
        };
        let Some(expected) = self.inner.expected(document, workspace_id).await? else {
            return Ok(false);
        };
        let store = &self.inner.store;
        let listed = store.list_publications(Some(&directory(workspace))).await?;
        let is_left_over =
            |path: &&str| is_of_format(path) && !expected.iter().any(|(wanted, _)| wanted == path);
        let there = There::new(listed);
        if there.paths().any(|path| is_left_over(&path)) {
            return Ok(false);
        }
        let is_other = |(path, digest): &(String, Digest)| there.is_other(path, digest);
        if expected.iter().any(is_other) {
            return Ok(false);
        }
        let checks = stream::iter(expected).map(async |(path, digest)| {
            let checked = store.check_publication(&path, &digest).await?;
            Ok(matches!(checked, Checked::Same { .. }))
        });
        let checks = checks.buffer_unordered(LOOKS);
        checks.try_all(async |is_same| is_same).await
    }
}

impl Inner {
    /// What a workspace's files should be, by path; none if any cannot be rendered.
    async fn expected(
        &self,
        document: &Document,
        workspace_id: &str,
    ) -> Result<Option<Vec<(String, Digest)>>, Failure> {
        let failed = |source: Box<dyn Error + Send + Sync>| Failure {
            action: "render",
            place: self.store.publication_place("workspaces"),
            source,
            advice: "This is a bug of the provider, or it is shutting down".to_owned(),
        };
        let integrations = document.tenant().each::<Integration>();
        let connections: usize = integrations
            .map(|integration| integration.mirror.connections.len())
            .sum();
        let renderer = &self.renderer;
        let room = u32::try_from(connections).map_or(renderer.most, |all| all.min(renderer.most));
        // Waited for in turn, so many small ones do not keep a large one waiting.
        let held = renderer.room.acquire_many(room).await;
        let held = held.map_err(|error| failed(error.into()))?;
        let (document, id, render) = (document.clone(), workspace_id.to_owned(), renderer.render);
        let expected = tokio::task::spawn_blocking(move || {
            let workspace = document.tenant().get::<Workspace>(&id)?;
            let publications = render(&document.resolved().view(workspace)).into_iter();
            publications
                .map(|publication| {
                    let digest = Digest::of(&publication.rendered.ok()?.bytes);
                    Some((publication.path?, digest))
                })
                .collect()
        });
        let expected = expected.await.map_err(|error| failed(error.into()));
        drop(held);
        expected
    }
}
