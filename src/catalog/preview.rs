//! Previews a change of a document, without writing anything.

use std::sync::Arc;

use crate::model::handle_assignment::HandleNotice;
use crate::model::impact::{WorkspaceImpact, compare_resolved};
use crate::model::side_effects::SideEffects;

use super::document::Document;

/// A document before and after a change.
#[derive(Debug)]
pub struct Preview {
    before: Arc<Document>,
    after: Document,
    notices: Vec<HandleNotice>,
}

impl Preview {
    /// Applies `change` to `document` as a commit would, effective handles included.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn of<E>(
        document: &Arc<Document>,
        change: impl FnOnce(&mut Document) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut after = Document::clone(document);
        change(&mut after)?;
        let notices = after.assign_handles(document);
        Ok(Self {
            before: Arc::clone(document),
            after,
            notices,
        })
    }

    /// The document as the change would leave it.
    pub fn after(&self) -> &Document {
        &self.after
    }

    /// Effective handles that the change would make different from the derived ones, or reassign.
    pub fn notices(&self) -> &[HandleNotice] {
        &self.notices
    }

    /// Permissions and overrides that the change would affect without naming them.
    pub fn side_effects(&self) -> SideEffects {
        SideEffects::between(self.before.tenant(), self.after.tenant())
    }

    /// The connections that each workspace would gain, lose or get under another handle.
    pub fn impact(&self) -> Vec<WorkspaceImpact> {
        let (before, after) = (&*self.before, &self.after);
        compare_resolved(before.tenant(), after.tenant(), || {
            (before.resolved(), after.resolved_after(before))
        })
    }
}
