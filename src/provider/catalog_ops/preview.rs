//! Warnings of a plan about the catalog: conflicts, and the impact of the planned change.

use std::sync::Arc;

use crate::catalog::{Catalog, Document, Expected, Preview, ReadError};
use crate::model::admission::{Admit, Rejection};
use crate::model::tenant::{Kind, Tenant};
use crate::provider::data::Data;
use crate::provider::impact::warn_of_impact;
use crate::provider::side_effects::warn_of_side_effects;
use terraform_plugin::diagnostics::{Diagnostics, Severity};

use super::lookup::unreadable_catalog;
use super::notices::warn_of_handles;
use super::rejections::{Conflict, conflict_diagnostic, rejection_diagnostic};

/// A look at the catalog during a plan. The plan of one resource reads it once, for all warnings, and never writes it.
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
    /// Reads the catalog; none if the provider's arguments for it are not known yet. `is_changed` says whether a change is
    /// planned, after which a commit may follow.
    pub(in crate::provider) async fn at(data: &'a Data, is_changed: bool) -> Option<Self> {
        let catalog = data.catalog().ok()?;
        let expected = is_changed.then(|| catalog.expect_commit());
        Some(Self {
            catalog,
            reading: catalog.read().await,
            _expected: expected,
        })
    }

    /// The catalog.
    pub(in crate::provider) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    /// The content of the catalog; none if there is no catalog, or it cannot be read.
    pub(in crate::provider) fn tenant(&self) -> Option<&Tenant> {
        self.reading.as_ref().ok()?.as_deref().map(Document::tenant)
    }

    /// Previews the creation or change of an object, and warns about conflicts, handles and workspaces. `conflict` is the
    /// resource's own rule, as in [`put`](super::put).
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

    /// Previews the destruction of an object, and warns about its impact.
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
                diagnostics.push(unreadable_catalog(error, Severity::Warning));
                return;
            }
        };
        let mut conflict = None;
        let preview = Preview::of(document, |document| {
            conflict = change(document.tenant_mut())?;
            Ok(())
        });
        if let Some(conflict) = conflict {
            diagnostics.push(conflict_diagnostic(
                &conflict,
                self.catalog,
                Severity::Warning,
            ));
        }
        let preview = match preview {
            Ok(preview) => preview,
            Err(rejection) => {
                diagnostics.push(rejection_diagnostic(
                    &rejection,
                    self.catalog,
                    Severity::Warning,
                ));
                return;
            }
        };
        if !is_whole {
            // Unknown values would look like missing ones. The apply plans again, and warns then.
            return;
        }
        warn_of_handles(preview.notices().iter(), diagnostics);
        warn_of_side_effects(&preview.side_effects(), diagnostics);
        warn_of_impact(&preview.impact(), diagnostics);
    }
}
