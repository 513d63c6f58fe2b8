//! What a change would do to a document, found out without writing anything.

use std::sync::Arc;

use crate::model::effective::HandleNotice;
use crate::model::reach::{Reach, compare_resolved};
use crate::model::side_effects::SideEffects;

use super::document::Document;

/// A document, and what a change would make of it.
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
        let notices = after.settle(document);
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

    /// Effective handles that the change would assign otherwise than derived, or pass on.
    pub fn notices(&self) -> &[HandleNotice] {
        &self.notices
    }

    /// Permissions and overrides that the change would reach without naming them.
    pub fn side_effects(&self) -> SideEffects {
        SideEffects::between(self.before.tenant(), self.after.tenant())
    }

    /// What each workspace would gain, lose and find renamed.
    pub fn reach(&self) -> Vec<Reach> {
        let (before, after) = (&*self.before, &self.after);
        compare_resolved(before.tenant(), after.tenant(), || {
            (before.resolved(), after.resolved_after(before))
        })
    }
}
