//! Checks whether publications are in sync with the document.

use std::error::Error;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use crate::catalog::commit::{Catalog, Inner};
use crate::catalog::document::Document;
use crate::catalog::store::{Checked, Digest, Failure};
use crate::model::objects::{Integration, Workspace};
use crate::model::visibility::View;
use crate::publish::{Publication, publications};

use super::listing::PublicationListing;
use super::{LOOKS, directory, is_of_format};

/// Renders the publications of a view: [`publications`], except in a test.
pub(in crate::catalog) type Render = fn(&View<'_>) -> Vec<Publication>;

/// Renders the files that a workspace should have.
#[derive(Debug)]
pub(in crate::catalog) struct Renderer {
    pub(super) render: Render,
    /// How much may be rendered at the same time, in connections: all formats of 10,000 take some 70 MB, and Terraform reads
    /// ten workspaces at once.
    pub(super) room: Semaphore,
    most: u32,
}

impl Renderer {
    /// Renders with `render`, at most `most` connections at the same time.
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
    /// Whether the files of a workspace of `document` are exactly its [`publications`]: none is missing, different, or left
    /// over from a format that the workspace no longer publishes. False if a format cannot be rendered or the workspace does
    /// not exist. Writes nothing.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub async fn in_sync(&self, document: &Document, workspace_id: &str) -> Result<bool, Failure> {
        let Some(workspace) = document.tenant().get::<Workspace>(workspace_id) else {
            return Ok(false);
        };
        let Some(expected) = self.inner.render_expected(document, workspace_id).await? else {
            return Ok(false);
        };
        let store = &self.inner.store;
        let listed = store.list_publications(Some(&directory(workspace))).await?;
        let is_left_over =
            |path: &&str| is_of_format(path) && !expected.iter().any(|(wanted, _)| wanted == path);
        let listing = PublicationListing::new(listed);
        if listing.paths().any(|path| is_left_over(&path)) {
            return Ok(false);
        }
        let is_other = |(path, digest): &(String, Digest)| listing.is_other(path, digest);
        if expected.iter().any(is_other) {
            return Ok(false);
        }
        stream::iter(expected)
            .map(async |(path, digest)| {
                let checked = store.check_publication(&path, &digest).await?;
                Ok(matches!(checked, Checked::Same { .. }))
            })
            .buffer_unordered(LOOKS)
            .try_all(async |is_same| is_same)
            .await
    }
}

impl Inner {
    /// Renders the files that a workspace should have; none if any cannot be rendered.
    async fn render_expected(
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
        // The semaphore is fair, so many small renderings do not keep a large one waiting.
        let permit = renderer
            .room
            .acquire_many(room)
            .await
            .map_err(|error| failed(error.into()))?;
        let (document, id, render) = (document.clone(), workspace_id.to_owned(), renderer.render);
        let expected = tokio::task::spawn_blocking(move || {
            let workspace = document.tenant().get::<Workspace>(&id)?;
            render(&document.resolved().view(workspace))
                .into_iter()
                .map(|publication| {
                    let digest = Digest::of(&publication.rendered.ok()?.bytes);
                    Some((publication.path?, digest))
                })
                .collect()
        })
        .await
        .map_err(|error| failed(error.into()));
        drop(permit);
        expected
    }
}
