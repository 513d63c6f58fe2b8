//! The resource of a kind of object in the catalog: its life, which is the same for all kinds.

use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;

use describe::NotKnown;

use crate::catalog::{Catalog, Document, random_id};
use crate::model::admission::Admit;
use crate::model::objects::Object;
use crate::model::tenant::Tenant;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::{Identity, ImportBy};
use terraform_plugin::private::Private;
use terraform_plugin::resource::{Change, Context, Model, Plan, Resource};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use super::catalog_ops::{
    Conflict, Look, PlannedPut, Put, delete, find_document, open_catalog, put, require_document,
};
use super::data::Data;

/// The configuration, plan and state of a resource that declares an object of the catalog, and the resource's own rules.
#[async_trait]
pub(in crate::provider) trait Declaration:
    Model + Default + PartialEq + fmt::Debug
{
    /// The object in the catalog.
    type Object: Admit;

    /// The attributes.
    fn schema() -> Schema;

    /// The attributes that name the object for good.
    fn identity() -> Identity {
        Identity::of(["id"])
    }

    /// Its ID.
    fn id(&self) -> &Value<String>;

    /// The declared object, under `id`.
    ///
    /// # Errors
    /// If anything is not known.
    fn object(&self, id: &str) -> Result<Self::Object, NotKnown>;

    /// The declared object as far as a plan knows it, under `id`, and whether all is known that decides who sees what.
    fn outline(&self, id: &str) -> Option<(Self::Object, bool)> {
        Some((self.object(id).ok()?, true))
    }

    /// Takes over the attributes of the object in the catalog. Other attributes stay as they are.
    fn set_object(&mut self, object: &Self::Object);

    /// Checks rules between attributes.
    fn validate(&self, diagnostics: &mut Diagnostics) {
        let _ = diagnostics;
    }

    /// Completes a plan from the configuration and the prior state alone.
    fn complete(plan: &mut Plan<Self>, data: &Data, diagnostics: &mut Diagnostics) {
        let _ = (plan, data, diagnostics);
    }

    /// Whether the planned object takes the place of another one, which is destroyed with all that is a part of it.
    fn takes_place_of(&self, prior: &Self) -> bool {
        let _ = prior;
        false
    }

    /// A rule of the resource that needs the catalog, beside those of the model. `before` is the object that is replaced.
    ///
    /// # Errors
    /// Why the object does not fit.
    fn check(
        object: &Self::Object,
        before: Option<&Self::Object>,
        tenant: &Tenant,
    ) -> Result<(), Conflict> {
        let _ = (object, before, tenant);
        Ok(())
    }

    /// Whether to call [`Self::remark`] although the plan changes nothing.
    fn remarks_on_unchanged(&self) -> bool {
        false
    }

    /// Warns about the object itself during a plan. `object` is none if something is not known yet, `look` if the provider's
    /// arguments for the catalog are not.
    fn remark(
        &self,
        object: Option<&Self::Object>,
        is_changed: bool,
        look: Option<&Look<'_>>,
        diagnostics: &mut Diagnostics,
    ) {
        let _ = (object, is_changed, look, diagnostics);
    }

    /// Refuses to destroy the object, if it is protected. `how` says how the user would destroy it.
    fn refuse_destroy(&self, how: &str, diagnostics: &mut Diagnostics) {
        let _ = (how, diagnostics);
    }

    /// Whether `object`, which has this state's ID, is the same one by its identity. An ID is an identity; other attributes
    /// may have been edited in the catalog by hand. Warns of another one.
    fn is_same(&self, object: &Self::Object, diagnostics: &mut Diagnostics) -> bool {
        let _ = (object, diagnostics);
        true
    }

    /// Completes a state with values that are not in the document.
    async fn look_around(
        &mut self,
        object: &Self::Object,
        catalog: &Catalog,
        document: &Document,
        diagnostics: &mut Diagnostics,
    ) {
        let _ = (object, catalog, document, diagnostics);
    }

    /// Finds the object that an import names. If there is none, the error lists the existing ones.
    fn find<'a>(
        by: &ImportBy<'_, Self>,
        catalog: &Catalog,
        document: Option<&'a Document>,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Self::Object>;

    /// Completes an imported state and its private state.
    fn set_imported(&mut self, object: &Self::Object, catalog: &Catalog, private: &mut Private) {
        let _ = (object, catalog, private);
    }
}

/// The resource that a [`Declaration`] makes.
pub(in crate::provider) struct CatalogResource<D>(PhantomData<fn() -> D>);

impl<D: Declaration> CatalogResource<D> {
    pub(in crate::provider) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<D: Declaration> fmt::Debug for CatalogResource<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(D::Object::TYPE)
    }
}

#[async_trait]
impl<D: Declaration> Resource for CatalogResource<D> {
    type Data = Data;
    type State = D;

    fn name(&self) -> &'static str {
        D::Object::TYPE
    }

    fn schema(&self) -> Schema {
        D::schema()
    }

    fn identity(&self) -> Identity {
        D::identity()
    }

    fn validate(&self, config: &D, diagnostics: &mut Diagnostics) {
        config.validate(diagnostics);
    }

    async fn plan(
        &self,
        context: Context<'_, Data>,
        plan: &mut Plan<D>,
        diagnostics: &mut Diagnostics,
    ) {
        D::complete(plan, context.data, diagnostics);
        if diagnostics.has_errors() {
            return;
        }
        let Plan { prior, planned, .. } = plan;
        let is_changed = prior.as_ref() != Some(planned);
        if !is_changed && !planned.remarks_on_unchanged() {
            return;
        }
        let prior_id = prior.as_ref().and_then(|prior| prior.id().known());
        let replaced = prior_id.filter(|_| {
            let prior = prior.as_ref();
            prior.is_some_and(|prior| planned.takes_place_of(prior))
        });
        // The prefix is a placeholder for the ID, which the apply generates. An object that Terraform replaces is compared
        // with the old one, so that the warnings show the difference.
        let id = match replaced {
            Some(_) => D::Object::ID_PREFIX,
            None => prior_id.map_or(D::Object::ID_PREFIX, String::as_str),
        };
        // Unknown values are not compared.
        let outline = planned.outline(id);
        let look = Look::at(context.data, is_changed).await;
        let object = outline.as_ref().map(|(object, _)| object);
        planned.remark(object, is_changed, look.as_ref(), diagnostics);
        let (true, Some(look), Some((object, is_whole))) = (is_changed, look, outline) else {
            return;
        };
        let planned = PlannedPut {
            object,
            is_whole,
            replaced: replaced.map(String::as_str),
        };
        look.warn_of_put(planned, D::check, diagnostics);
    }

    async fn plan_destroy(
        &self,
        context: Context<'_, Data>,
        prior: &D,
        _private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        prior.refuse_destroy("destroy it", diagnostics);
        if diagnostics.has_errors() {
            return;
        }
        if let Some(id) = prior.id().known()
            && let Some(look) = Look::at(context.data, true).await
        {
            look.warn_of_removal::<D::Object>(id, diagnostics);
        }
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        mut state: D,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<D> {
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(require_document(context.data).await)?;
        let object = document.tenant().get::<D::Object>(state.id().known()?)?;
        if !state.is_same(object, diagnostics) {
            return None;
        }
        state.set_object(object);
        state
            .look_around(object, catalog, &document, diagnostics)
            .await;
        Some(state)
    }

    async fn create(
        &self,
        context: Context<'_, Data>,
        planned: D,
        _change: Change<'_, D>,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<D> {
        let id = format!("{}{}", D::Object::ID_PREFIX, random_id());
        apply(context, Put::Create, planned, &id, diagnostics).await
    }

    async fn update(
        &self,
        context: Context<'_, Data>,
        planned: D,
        _change: Change<'_, D>,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<D> {
        let id = planned.id().known()?.clone();
        apply(context, Put::Update, planned, &id, diagnostics).await
    }

    async fn delete(
        &self,
        context: Context<'_, Data>,
        prior: D,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) {
        // Terraform does not ask for a plan of the destruction when it replaces on demand (-replace, taint).
        let how = "destroy it (if it is tainted, run terraform untaint first)";
        prior.refuse_destroy(how, diagnostics);
        if diagnostics.has_errors() {
            return;
        }
        if let Some(id) = prior.id().known() {
            delete::<D::Object>(context, id.clone(), diagnostics).await;
        }
    }

    async fn import(
        &self,
        context: Context<'_, Data>,
        by: ImportBy<'_, D>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<D> {
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(find_document(context.data).await)?;
        let object = D::find(&by, catalog, document.as_deref(), diagnostics)?;
        let mut state = D::default();
        state.set_object(object);
        state.set_imported(object, catalog, private);
        if let Some(document) = document.as_deref() {
            state
                .look_around(object, catalog, document, diagnostics)
                .await;
        }
        Some(state)
    }
}

/// Writes the planned object, and returns its state.
async fn apply<D: Declaration>(
    context: Context<'_, Data>,
    mode: Put,
    mut planned: D,
    id: &str,
    diagnostics: &mut Diagnostics,
) -> Option<D> {
    let object = match planned.object(id) {
        Ok(object) => object,
        Err(error) => {
            diagnostics.error(
                "Bug in the provider: incomplete plan",
                format!("While applying, {error}. Nothing was changed; please report this."),
            );
            return None;
        }
    };
    let document = put(context, object, mode, D::check, diagnostics).await?;
    planned.set_object(document.tenant().get::<D::Object>(id)?);
    Some(planned)
}
