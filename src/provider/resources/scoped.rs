//! The resources that declare a part of an integration, permissions and overrides: what they have in common.

use std::fmt;

use async_trait::async_trait;
use describe::{Attributes, Known, NotKnown};

use crate::catalog::{Catalog, Document};
use crate::model::admission::Admit;
use crate::model::folder_ref::PlannedFolderRef;
use crate::model::objects::object::kind_name;
use crate::model::objects::{Integration, Scoped};
use crate::model::tenant::Tenant;
use crate::provider::catalog_ops::{IntegrationBy, Look, imported_integration};
use crate::provider::catalog_resource::Declaration;
use crate::provider::messages::listed;
use crate::provider::side_effects::warn_if_dormant;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::{Identity, ImportBy};
use terraform_plugin::path::Path;
use terraform_plugin::resource::Model;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

/// The configuration, plan and state of a resource that declares a part of an integration.
pub(in crate::provider) trait ScopedDeclaration:
    Model + Attributes + Default + PartialEq + fmt::Debug
{
    /// The object in the catalog.
    type Object: Admit + Scoped + Known<Planned = Self>;

    /// How import IDs are written.
    const IMPORT_ID: &'static str;

    /// What the resource is, in Markdown.
    const DESCRIPTION: &'static str;

    /// The attributes that name the object for good.
    fn identity() -> Identity {
        Identity::of(["id"])
    }

    /// The identity of which this state has the attributes, as an error names it.
    fn identity_text(&self) -> String {
        format!("the ID {:?}", self.id().known().map_or("", String::as_str))
    }

    /// The object with the identity of which this state has the attributes.
    fn find_identity<'a>(&self, tenant: &'a Tenant) -> Option<&'a Self::Object> {
        tenant.get(self.id().known()?)
    }

    /// Whether `object`, which has this state's ID, has its identity.
    fn has_identity_of(&self, object: &Self::Object) -> bool {
        let _ = object;
        true
    }

    /// Its ID.
    fn id(&self) -> &Value<String>;

    /// Its ID, to be set.
    fn id_mut(&mut self) -> &mut Value<String>;

    /// Checks rules between attributes.
    fn validate(&self, diagnostics: &mut Diagnostics) {
        let _ = diagnostics;
    }

    /// Warns about the object during a plan that creates or changes it. `partition` is that of its integration, if the
    /// catalog has that.
    fn remark_on_change(&self, partition: Option<&str>, diagnostics: &mut Diagnostics) {
        let _ = (partition, diagnostics);
    }
}

#[async_trait]
impl<S: ScopedDeclaration> Declaration for S {
    type Object = S::Object;

    fn schema() -> Schema {
        Schema::of::<S>(S::DESCRIPTION)
    }

    fn identity() -> Identity {
        S::identity()
    }

    fn id(&self) -> &Value<String> {
        ScopedDeclaration::id(self)
    }

    fn object(&self, id: &str) -> Result<S::Object, NotKnown> {
        let mut planned = self.clone();
        *planned.id_mut() = id.into();
        S::Object::from_planned(planned)
    }

    fn set_object(&mut self, object: &S::Object) {
        *self = object.clone().into_planned();
    }

    fn validate(&self, diagnostics: &mut Diagnostics) {
        ScopedDeclaration::validate(self, diagnostics);
    }

    /// It may be dormant.
    fn remarks_on_unchanged(&self) -> bool {
        true
    }

    fn remark(
        &self,
        object: Option<&S::Object>,
        is_changed: bool,
        look: Option<&Look<'_>>,
        diagnostics: &mut Diagnostics,
    ) {
        let tenant = look.and_then(Look::tenant);
        if is_changed {
            let integration_id = object.map_or("", Scoped::integration_id);
            let integration = tenant.and_then(|tenant| tenant.get::<Integration>(integration_id));
            self.remark_on_change(integration.map(Integration::partition), diagnostics);
        }
        if let (Some(object), Some(tenant)) = (object, tenant) {
            warn_if_dormant(object, tenant, diagnostics);
        }
    }

    fn is_same(&self, object: &S::Object, diagnostics: &mut Diagnostics) -> bool {
        let is_same = self.has_identity_of(object);
        if !is_same {
            warn_of_another(self, &object.clone().into_planned(), diagnostics);
        }
        is_same
    }

    fn find<'a>(
        by: &ImportBy<'_, S>,
        catalog: &Catalog,
        document: Option<&'a Document>,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a S::Object> {
        match by {
            ImportBy::Id(id) => find_by_import_id::<S>(id, catalog, document, diagnostics),
            ImportBy::Identity(identity) => {
                let tenant = document.map(Document::tenant);
                let found = tenant.and_then(|tenant| identity.find_identity(tenant));
                if found.is_none() {
                    let asked = identity.identity_text();
                    not_found::<S>(&asked, (catalog, document), None, diagnostics);
                }
                found
            }
        }
    }
}

/// Warns that the object with the ID of a state counts as deleted: somebody edited its identity in the catalog by hand, and
/// the identity of a resource never changes.
fn warn_of_another<S: ScopedDeclaration>(state: &S, found: &S, diagnostics: &mut Diagnostics) {
    let kind = kind_name::<S::Object>();
    let id = ScopedDeclaration::id(state)
        .known()
        .map_or("", String::as_str);
    diagnostics.warning(
        format!("The {kind} was changed outside Terraform"),
        format!(
            "In the catalog, the {kind} {id} has {} now, and the state has {}: it was edited by hand. It counts as gone, so \
             this plan creates a new one, and the edited one stays in the catalog, declared nowhere. Either put the old \
             values back in the catalog before applying, or apply and then remove the edited {kind} (import it into a \
             resource of its own, by its ID {id}, and destroy that).",
            found.identity_text(),
            state.identity_text()
        ),
    );
}

/// Finds the object that an import ID names: by its ID, or by its integration, its folder or account and, for a
/// permission, its grantee.
fn find_by_import_id<'a, S: ScopedDeclaration>(
    import_id: &str,
    catalog: &Catalog,
    document: Option<&'a Document>,
    diagnostics: &mut Diagnostics,
) -> Option<&'a S::Object> {
    let asked = format!("the import ID {import_id:?}");
    let tenant = document.map(Document::tenant);
    let Some((handle, rest)) = import_id.split_once(':') else {
        let found = tenant.and_then(|tenant| tenant.get(import_id));
        if found.is_none() {
            not_found::<S>(&asked, (catalog, document), None, diagnostics);
        }
        return found;
    };
    let by = IntegrationBy::Handle(handle);
    let integration = imported_integration(by, catalog, document, diagnostics)?;
    let tenant = tenant?;
    let found = find_by_name::<S::Object>(tenant, integration, rest);
    match found[..] {
        [found] => return Some(found),
        [] => {
            not_found::<S>(&asked, (catalog, document), Some(integration), diagnostics);
        }
        _ => diagnostics.error(
            format!("More than one {}", kind_name::<S::Object>()),
            format!(
                "There are several with {asked}:\n{}\nImport by the ID in brackets.",
                listed(
                    found
                        .iter()
                        .map(|each| described(*each, &integration.handle))
                )
            ),
        ),
    }
    None
}

/// The error that an object was not found. It lists the existing ones, in one integration or in all of them.
fn not_found<S: ScopedDeclaration>(
    asked: &str,
    (catalog, document): (&Catalog, Option<&Document>),
    within: Option<&Integration>,
    diagnostics: &mut Diagnostics,
) {
    let kind = kind_name::<S::Object>();
    let mut all = Vec::new();
    if let Some(tenant) = document.map(Document::tenant) {
        for each in tenant.each::<S::Object>() {
            if let Some(integration) = tenant.get::<Integration>(each.integration_id())
                && within.is_none_or(|within| within.id == integration.id)
            {
                all.push(described(each, &integration.handle));
            }
        }
    }
    let place = match within {
        Some(integration) => format!("the integration {:?}", integration.handle),
        None => format!(
            "the catalog at {} (tenant {:?})",
            catalog.place(),
            catalog.tenant()
        ),
    };
    let there = if all.is_empty() {
        "It has none at all.".to_owned()
    } else {
        all.sort_unstable();
        format!("It has these, with their IDs:\n{}", listed(all.iter()))
    };
    diagnostics.error(
        format!("No such {kind}"),
        format!(
            "There is no {kind} with {asked} in {place}. An import ID is {}; the ID that the {kind} has in the catalog \
             serves as well. {there}",
            S::IMPORT_ID
        ),
    );
}

fn described<T: Admit + Scoped>(object: &T, integration_handle: &str) -> String {
    format!("{} ({})", object.import_id(integration_handle), object.id())
}

/// Finds the objects that the rest of an import ID, after the integration's handle, names: literally, else by the folder
/// that an ID or path means now.
fn find_by_name<'a, T: Admit + Scoped>(
    tenant: &'a Tenant,
    integration: &Integration,
    rest: &str,
) -> Vec<&'a T> {
    let of_integration = tenant
        .each::<T>()
        .filter(|each| each.integration_id() == integration.id);
    let fitting: Vec<(&T, &str)> = of_integration
        .filter_map(|each| {
            let target = match each.grantee() {
                None => rest,
                Some(grantee) => rest
                    .strip_suffix(&grantee.to_string())
                    .and_then(|target| target.strip_suffix(':'))?,
            };
            each.target()
                .is_named(target, &integration.mirror)
                .then_some((each, target))
        })
        .collect();
    let exactly: Vec<&T> = fitting
        .iter()
        .filter(|(each, target)| each.target().as_str() == *target)
        .map(|(each, _)| *each)
        .collect();
    if exactly.is_empty() {
        fitting.into_iter().map(|(each, _)| each).collect()
    } else {
        exactly
    }
}

/// Refuses both of `folder_id` and `folder_path`, and neither.
pub(super) fn validate_folder(folder: &PlannedFolderRef, diagnostics: &mut Diagnostics) {
    match (&folder.folder_id, &folder.folder_path) {
        (Value::Null, Value::Null) => diagnostics.error(
            "Missing folder",
            "Neither folder_id nor folder_path is set, and exactly one of them must be. Set folder_id to the ID of the root \
             or of an OU, to follow the folder through renames and moves, or folder_path to a path such as \
             \"/Workloads\", to mean whatever is there.",
        ),
        (Value::Known(id), Value::Known(path)) => diagnostics.error_at(
            Path::of("folder_path"),
            "Conflicting folder arguments",
            format!(
                "folder_id is {id:?} and folder_path is {path:?}, and exactly one of them must be set. Remove one of them."
            ),
        ),
        _ => {}
    }
}
