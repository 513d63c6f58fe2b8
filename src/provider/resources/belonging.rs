//! What the resources have in common that belong to an integration: permissions and overrides.

use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;

use crate::catalog::{Catalog, Document};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::identity::{Identity, ImportBy};
use crate::framework::path::Path;
use crate::framework::private::Private;
use crate::framework::resource::{Context, Model, Plan, Resource};
use crate::framework::schema::{Attribute, Schema};
use crate::framework::value::Value;
use crate::model::belonging::Belonging;
use crate::model::folder_ref::FolderRef;
use crate::model::grantee::Grantee;
use crate::model::integration::Integration;
use crate::model::tenant::Tenant;
use crate::provider::arguments;
use crate::provider::dormancy::warn_if_dormant;
use crate::provider::kept::{
    IntegrationBy, complete, create, delete, existing, imported_integration, listed, new_id,
    opened, possible, update, warn_of_object, warn_of_removal,
};
use crate::provider::late::NotKnown;
use crate::provider::orgmirror::Data;

/// Configuration, plan and state of a permission or override.
pub trait BelongingState: Model + PartialEq + fmt::Debug + for<'a> From<&'a Self::Object> {
    /// What the catalog keeps.
    type Object: Belonging + Clone + Send + Sync;

    /// The resource type's name without the provider's.
    const NAME: &'static str;
    /// The start of its IDs.
    const ID_PREFIX: &'static str;
    /// How import IDs are written.
    const IMPORT_ID: &'static str;

    /// Its attributes.
    fn schema() -> Schema;

    /// Which attributes name it for good.
    fn identity() -> Identity {
        Identity::of(["id"])
    }

    /// The identity of which this state has the attributes, as an error names it.
    fn identity_text(&self) -> String {
        format!("the ID {:?}", self.id().known().map_or("", String::as_str))
    }

    /// What an identity, of which this state has the attributes, names.
    fn identified<'a>(&self, tenant: &'a Tenant) -> Option<&'a Self::Object> {
        tenant.get(self.id().known()?)
    }

    /// Rules between attributes.
    fn validate(&self, diagnostics: &mut Diagnostics);

    /// Whether it is the object that `found` is, by its identity. An ID is one; other attributes may have been edited in the
    /// catalog by hand.
    fn is_same(&self, found: &Self) -> bool {
        let _ = found;
        true
    }

    /// Whether it names Regions, of which [`Self::remark`] may say something.
    fn names_regions(&self) -> bool {
        false
    }

    /// What a plan that creates or changes it should say about itself; `partition` is its integration's, where that is known
    /// and it names Regions.
    fn remark(&self, partition: Option<&str>, diagnostics: &mut Diagnostics) {
        let _ = (partition, diagnostics);
    }

    /// Its ID.
    fn id(&self) -> &Value<String>;

    /// It as the catalog keeps it, under `id`.
    ///
    /// # Errors
    /// If anything is not known.
    fn object(&self, id: &str) -> Result<Self::Object, NotKnown>;
}

/// The resource of a kind of permission or override.
pub struct BelongingResource<S>(PhantomData<fn() -> S>);

impl<S: BelongingState> BelongingResource<S> {
    /// The resource.
    pub fn new() -> Self {
        Self(PhantomData)
    }

    fn state_of(document: &Document, id: &str) -> Option<S> {
        document.tenant().get::<S::Object>(id).map(S::from)
    }
}

impl<S: BelongingState> Default for BelongingResource<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: BelongingState> fmt::Debug for BelongingResource<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::NAME)
    }
}

#[async_trait]
impl<S: BelongingState> Resource for BelongingResource<S> {
    type Data = Data;
    type State = S;

    fn name(&self) -> &'static str {
        S::NAME
    }

    fn schema(&self) -> Schema {
        S::schema()
    }

    fn identity(&self) -> Identity {
        S::identity()
    }

    fn validate(&self, config: &S, diagnostics: &mut Diagnostics) {
        config.validate(diagnostics);
    }

    async fn plan(
        &self,
        context: Context<'_, Data>,
        plan: &mut Plan<S>,
        diagnostics: &mut Diagnostics,
    ) {
        // One that is replaced is compared with what it replaces, so that the warnings tell the difference.
        let prior_id = plan.prior.as_ref().and_then(|prior| prior.id().known());
        let id = prior_id.map_or(S::ID_PREFIX, String::as_str);
        let is_changed = plan.prior.as_ref() != Some(&plan.planned);
        let object = plan.planned.object(id);
        if is_changed {
            let partition = match &object {
                Ok(object) if plan.planned.names_regions() => {
                    partition_of(context.data, object.integration_id()).await
                }
                _ => None,
            };
            plan.planned.remark(partition.as_deref(), diagnostics);
        }
        let Ok(object) = object else {
            // What is not known yet is not compared.
            return;
        };
        warn_if_dormant(context.data, &object, diagnostics).await;
        if is_changed {
            warn_of_object(context.data, object, diagnostics).await;
        }
    }

    async fn plan_destroy(
        &self,
        context: Context<'_, Data>,
        prior: &S,
        _private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(id) = prior.id().known() {
            warn_of_removal::<S::Object>(context.data, id, diagnostics).await;
        }
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        state: S,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<S> {
        let document = existing(context.data, diagnostics).await?;
        let found = Self::state_of(&document, state.id().known()?)?;
        if !state.is_same(&found) {
            warn_of_another(&state, &found, diagnostics);
            return None;
        }
        Some(found)
    }

    async fn create(
        &self,
        context: Context<'_, Data>,
        planned: S,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<S> {
        let id = new_id(S::ID_PREFIX);
        let object = complete(planned.object(&id), diagnostics)?;
        let document = create(context, object, diagnostics).await?;
        Self::state_of(&document, &id)
    }

    async fn update(
        &self,
        context: Context<'_, Data>,
        planned: S,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<S> {
        let id = planned.id().known()?.clone();
        let object = complete(planned.object(&id), diagnostics)?;
        let document = update(context, object, diagnostics).await?;
        Self::state_of(&document, &id)
    }

    async fn delete(
        &self,
        context: Context<'_, Data>,
        prior: S,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(id) = prior.id().known() {
            delete::<S::Object>(context, id.clone(), diagnostics).await;
        }
    }

    async fn import(
        &self,
        context: Context<'_, Data>,
        by: ImportBy<'_, S>,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<S> {
        let catalog = opened(context.data, diagnostics)?;
        let document = possible(context.data, diagnostics).await?;
        let document = document.as_deref();
        let found = match by {
            ImportBy::Id(id) => imported::<S>(id, catalog, document, diagnostics),
            ImportBy::Identity(identity) => {
                let tenant = document.map(Document::tenant);
                let found = tenant.and_then(|tenant| identity.identified(tenant));
                if found.is_none() {
                    let asked = identity.identity_text();
                    not_found::<S>(&asked, (catalog, document), None, diagnostics);
                }
                found
            }
        };
        found.map(S::from)
    }
}

/// The partition of an integration that is in the catalog.
async fn partition_of(data: &Data, integration_id: &str) -> Option<String> {
    let document = data.catalog().ok()?.read().await.ok()??;
    let integration = document.tenant().get::<Integration>(integration_id)?;
    Some(integration.partition().to_owned())
}

/// Says why what has the ID of a state counts as gone: its identity was edited in the catalog by hand, and the identity of a
/// resource never changes.
fn warn_of_another<S: BelongingState>(state: &S, found: &S, diagnostics: &mut Diagnostics) {
    let kind = S::Object::KIND;
    let id = state.id().known().map_or("", String::as_str);
    diagnostics.warning(
        format!("Another {kind} in its place"),
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

/// What an import ID names: the ID of the thing itself, or its integration, its folder or account and, of a permission, its
/// grantee.
fn imported<'a, S: BelongingState>(
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
    let found = named::<S::Object>(tenant, integration, rest);
    match found[..] {
        [found] => return Some(found),
        [] => {
            not_found::<S>(&asked, (catalog, document), Some(integration), diagnostics);
        }
        _ => diagnostics.error(
            format!("More than one {}", S::Object::KIND),
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

/// Says that nothing of this kind has been found, and what there is: in one integration, or in all of them.
fn not_found<S: BelongingState>(
    asked: &str,
    (catalog, document): (&Catalog, Option<&Document>),
    within: Option<&Integration>,
    diagnostics: &mut Diagnostics,
) {
    let kind = S::Object::KIND;
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

fn described<T: Belonging>(belonging: &T, integration_handle: &str) -> String {
    format!(
        "{} ({})",
        belonging.import_id(integration_handle),
        belonging.id()
    )
}

/// Those that the rest of an import ID, after the integration's handle, names: as they are written there, else by what
/// their ID or path leads to now.
fn named<'a, T: Belonging>(
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
            let is_named = each.target().is_named(target, &integration.mirror);
            is_named.then_some((each, target))
        })
        .collect();
    let exactly = fitting
        .iter()
        .filter(|(each, target)| each.target().as_str() == *target);
    let exactly: Vec<&T> = exactly.map(|(each, _)| *each).collect();
    if exactly.is_empty() {
        fitting.into_iter().map(|(each, _)| each).collect()
    } else {
        exactly
    }
}

/// `id`
pub(super) fn id(prefix: &str) -> Attribute {
    Attribute::string("id")
        .computed()
        .use_state_for_unknown()
        .description(&format!("`{prefix}` and 20 characters."))
}

/// `integration_id`
pub(super) fn integration_id() -> Attribute {
    Attribute::string("integration_id")
        .required()
        .requires_replace()
        .check_string(arguments::not_empty)
        .description("ID of the integration, which may be declared in another configuration with the same catalog.")
}

/// `grantee`
pub(super) fn grantee() -> Attribute {
    Attribute::string("grantee")
        .required()
        .check_string(arguments::grantee)
        .description(
            "Who may use it: `*` (every workspace in the integration's scope), an organization such as `acme`, or one \
             workspace such as `acme/security`. Workspaces that are declared later are meant as well.",
        )
}

/// A grantee as the model has it.
///
/// # Errors
/// If it is not known. One that cannot be parsed has been reported by the schema's check.
pub(super) fn parsed_grantee(grantee: &Value<String>) -> Result<Grantee, NotKnown> {
    let grantee = grantee.known().and_then(|grantee| grantee.parse().ok());
    grantee.ok_or(NotKnown("grantee"))
}

/// `account_id`
pub(super) fn account_id(description: &str) -> Attribute {
    Attribute::string("account_id")
        .required()
        .check_string(arguments::account_id)
        .description(description)
}

/// `folder_id` and `folder_path`
pub(super) fn folder() -> [Attribute; 2] {
    [
        Attribute::string("folder_id")
            .optional()
            .check_string(arguments::folder_id)
            .description(
                "ID of the root or OU: it follows the folder through renames and moves. Exactly one of `folder_id` and \
                 `folder_path` is set.",
            ),
        Attribute::string("folder_path")
            .optional()
            .check_string(arguments::folder_path)
            .description(
                "Path of the folder, such as `/` or `/Workloads/Prod`: it means whatever folder is at that path.",
            ),
    ]
}

/// Refuses both of `folder_id` and `folder_path`, and neither.
pub(super) fn validate_folder(
    id: &Value<String>,
    path: &Value<String>,
    diagnostics: &mut Diagnostics,
) {
    match (id, path) {
        (Value::Null, Value::Null) => diagnostics.error(
            "No folder",
            "Neither folder_id nor folder_path is set, and exactly one of them must be. Set folder_id to the ID of the root \
             or of an OU, to follow the folder through renames and moves, or folder_path to a path such as \
             \"/Workloads\", to mean whatever is there.",
        ),
        (Value::Known(id), Value::Known(path)) => diagnostics.error_at(
            Path::of("folder_path"),
            "Two folders",
            format!(
                "folder_id is {id:?} and folder_path is {path:?}, and exactly one of them must be set. Remove one of them."
            ),
        ),
        _ => {}
    }
}

/// What `folder_id` or `folder_path` says.
///
/// # Errors
/// If it is not known.
pub(super) fn folder_ref(id: &Value<String>, path: &Value<String>) -> Result<FolderRef, NotKnown> {
    match (id, path) {
        (Value::Known(id), Value::Null) => Ok(FolderRef::Id(id.clone())),
        (Value::Null, Value::Known(path)) => Ok(FolderRef::Path(path.clone())),
        (Value::Unknown, _) => Err(NotKnown("folder_id")),
        _ => Err(NotKnown("folder_path")),
    }
}

/// `folder_id` and `folder_path` of a folder.
pub(super) fn folder_values(folder: &FolderRef) -> [Value<String>; 2] {
    match folder {
        FolderRef::Id(id) => [id.clone().into(), Value::Null],
        FolderRef::Path(path) => [Value::Null, path.clone().into()],
    }
}
