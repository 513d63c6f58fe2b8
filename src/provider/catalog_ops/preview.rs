//! What a plan says about the catalog: what a planned change meets there, and whom it reaches.

use std::sync::Arc;

use crate::catalog::{Catalog, Document, Expected, Preview, ReadError};
use crate::model::admission::{Admit, Rejection};
use crate::model::tenant::{Kind, Tenant};
use crate::provider::data::Data;
use crate::provider::impact;
use crate::provider::side_effects::warn_of_side_effects;
use terraform_plugin::diagnostics::{Diagnostics, Severity};

use super::lookup::unreadable;
use super::notices::warn_of_handles;
use super::rejections::{Conflict, not_admitted, rejected};

/// The catalog as a plan finds it. It is read once, for everything that the plan of one resource says about it, and never
/// written.
pub(in crate::provider) struct Look<'a> {
    catalog: &'a Catalog,
    reading: Result<Option<Arc<Document>>, ReadError>,
    /// Terraform plans during an apply, too, and then applies what it planned.
    _expected: Option<Expected>,
}

/// A planned creation or change of an object.
pub(in crate::provider) struct PlannedPut<'a, T> {
    /// The object as far as the plan knows it.
    pub(in crate::provider) object: T,
    /// Whether all is known that decides who sees what.
    pub(in crate::provider) is_whole: bool,
    /// The ID of the object whose place it takes, which is destroyed with all that is a part of it.
    pub(in crate::provider) replaced: Option<&'a str>,
}

impl<'a> Look<'a> {
    /// Reads the catalog; none where the provider's arguments for it are not known yet. `is_changed` says whether a change
    /// is planned, which a commit may follow.
    pub(in crate::provider) async fn at(data: &'a Data, is_changed: bool) -> Option<Self> {
        let catalog = data.catalog().ok()?;
        let expected = is_changed.then(|| catalog.expect_commit());
        Some(Self {
            catalog,
            reading: catalog.read().await,
            _expected: expected,
        })
    }

    /// The catalog that was read.
    pub(in crate::provider) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    /// Everything that the catalog holds; none where there is no catalog, or where it cannot be read.
    pub(in crate::provider) fn tenant(&self) -> Option<&Tenant> {
        let document = self.reading.as_ref().ok()?.as_deref();
        document.map(Document::tenant)
    }

    /// Warns of what creating or changing an object meets and does. `conflict` is the resource's own rule, as in
    /// [`put`](super::put).
    pub(in crate::provider) fn warn_of_put<T: Admit>(
        &self,
        planned: PlannedPut<'_, T>,
        conflict: impl Fn(&T, Option<&T>, &Tenant) -> Result<(), Conflict>,
        diagnostics: &mut Diagnostics,
    ) {
        let PlannedPut {
            object,
            is_whole,
            replaced,
        } = planned;
        let put = |tenant: &mut Tenant| {
            if let Some(replaced) = replaced {
                tenant.remove::<T>(replaced);
            }
            let before = tenant.get::<T>(object.id());
            object.admit(before, tenant)?;
            let conflict = conflict(&object, before, tenant).err();
            tenant.put(object);
            Ok(conflict)
        };
        self.warn(put, is_whole, diagnostics);
    }

    /// Warns of what destroying an object does.
    pub(in crate::provider) fn warn_of_removal<T: Kind>(
        &self,
        id: &str,
        diagnostics: &mut Diagnostics,
    ) {
        let remove = |tenant: &mut Tenant| {
            tenant.remove::<T>(id);
            Ok(None)
        };
        self.warn(remove, true, diagnostics);
    }

    fn warn(
        &self,
        change: impl FnOnce(&mut Tenant) -> Result<Option<Conflict>, Rejection>,
        is_whole: bool,
        diagnostics: &mut Diagnostics,
    ) {
        let document = match &self.reading {
            Ok(Some(document)) => document,
            Ok(None) => return,
            Err(error) => {
                diagnostics.push(unreadable(error, Severity::Warning));
                return;
            }
        };
        let mut conflict = None;
        let preview = Preview::of(document, |document| {
            conflict = change(document.tenant_mut())?;
            Ok(())
        });
        if let Some(conflict) = conflict {
            diagnostics.push(not_admitted(&conflict, self.catalog, Severity::Warning));
        }
        let preview = match preview {
            Ok(preview) => preview,
            Err(rejection) => {
                diagnostics.push(rejected(&rejection, self.catalog, Severity::Warning));
                return;
            }
        };
        if !is_whole {
            // What is not known yet would look as if it were gone. The apply plans again, and tells then.
            return;
        }
        warn_of_handles(preview.notices().iter(), diagnostics);
        warn_of_side_effects(&preview.side_effects(), diagnostics);
        impact::warn(&preview.impact(), diagnostics);
    }
}
