//! Managed resources.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::identity::{Identity, ImportBy};
use super::json;
use super::msgpack::{self, DecodeError, EncodeError};
use super::path::Path;
use super::private::Private;
use super::schema::Schema;

/// A Rust type of a schema: a serde struct with a field of [`super::value::Value`] per attribute,
/// `#[serde(default)]`.
pub trait Model: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Model for T {}

/// What surrounds a call.
#[derive(Debug)]
pub struct Context<'a, D> {
    /// What the provider's configuration made.
    pub data: &'a D,
    /// Set when Terraform asks to stop: end soon, and report what was done.
    pub cancelled: &'a CancellationToken,
}

/// A plan in the making.
#[derive(Debug)]
pub struct Plan<S> {
    /// The state so far; none: the resource will be created.
    pub prior: Option<S>,
    /// The configuration, write-only values included.
    pub config: S,
    /// What is planned: the configuration with defaults, computed values unknown. To be completed.
    pub planned: S,
    /// What the provider remembers about the resource.
    pub private: Private,
    /// Attributes whose change means another object, beyond those the schema says.
    pub requires_replace: Vec<Path>,
}

/// State that another resource type or provider left, to be taken over by a `moved` block.
#[derive(Debug, Clone, Copy)]
pub struct MoveSource<'a> {
    /// Such as `registry.terraform.io/hashicorp/aws`.
    pub provider_address: &'a str,
    /// Such as `aws_organizations_organization`.
    pub type_name: &'a str,
    /// Schema version of that state.
    pub schema_version: i64,
    /// The state as JSON.
    pub state: &'a [u8],
}

/// A managed resource: what happens when Terraform plans and applies it.
///
/// Every method adds to `diagnostics` what a person should know. Methods that return a state may return one beside
/// errors: it is kept.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// What the provider's configuration makes.
    type Data: Send + Sync + 'static;
    /// Configuration, plan and state.
    type State: Model;

    /// The type's name without the provider's.
    fn name(&self) -> &'static str;

    /// Its attributes.
    fn schema(&self) -> Schema;

    /// Which attributes name an object for good.
    fn identity(&self) -> Identity {
        Identity::of(["id"])
    }

    /// Rules between attributes; what is unknown is checked again once it is known.
    fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Completes the plan of a creation or change.
    async fn plan(
        &self,
        context: Context<'_, Self::Data>,
        plan: &mut Plan<Self::State>,
        diagnostics: &mut Diagnostics,
    ) {
        let _ = (context, plan, diagnostics);
    }

    /// May refuse to destroy.
    async fn plan_destroy(
        &self,
        context: Context<'_, Self::Data>,
        prior: &Self::State,
        private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        let _ = (context, prior, private, diagnostics);
    }

    /// The resource as it is now; none where it is gone.
    async fn read(
        &self,
        context: Context<'_, Self::Data>,
        state: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Creates what was planned. A state returned beside errors is kept, and Terraform marks it as tainted.
    ///
    /// Write-only values are not in the planned state: what they say goes into it in [`Self::plan`].
    async fn create(
        &self,
        context: Context<'_, Self::Data>,
        planned: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Changes what is there into what was planned. None beside errors: nothing was changed.
    async fn update(
        &self,
        context: Context<'_, Self::Data>,
        planned: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Deletes it. With errors it counts as still there.
    async fn delete(
        &self,
        context: Context<'_, Self::Data>,
        prior: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    );

    /// Finds what `terraform import` or an import block names. None only beside errors.
    async fn import(
        &self,
        context: Context<'_, Self::Data>,
        by: ImportBy<'_, Self::State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State> {
        let _ = (context, by, private);
        diagnostics.error(
            "Import is not supported",
            format!("{} cannot be imported.", self.name()),
        );
        None
    }

    /// Turns a state of an older schema version into today's.
    ///
    /// # Errors
    /// A diagnostic if it cannot.
    fn upgrade(&self, version: i64, state: Json) -> Result<Self::State, Diagnostic> {
        let _ = state;
        Err(Diagnostic::error(
            "Unknown state version",
            format!(
                "The state of this {} has schema version {version}, from which no upgrade is known. Use the provider \
                 version that wrote it.",
                self.name()
            ),
        ))
    }

    /// Takes over the state of another resource type; none where that type is not one it knows.
    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<Self::State, Diagnostic>> {
        let _ = source;
        None
    }
}

/// A [`Resource`] whose types the server need not know.
pub struct ResourceType<D>(pub(crate) Box<dyn Erased<D>>);

impl<D: Send + Sync + 'static> ResourceType<D> {
    /// Wraps a resource for [`super::provider::Provider::resources`].
    pub fn new<R: Resource<Data = D>>(resource: R) -> Self {
        Self(Box::new(resource))
    }

    /// The type's name without the provider's.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Its attributes.
    pub fn schema(&self) -> Schema {
        self.0.schema()
    }

    /// Which attributes name an object for good.
    pub fn identity(&self) -> Identity {
        self.0.identity()
    }

    /// Everything in which its schema, its identity and its Rust type contradict themselves or each other. For a unit
    /// test.
    pub fn problems(&self) -> Vec<String> {
        let schema = self.0.schema();
        let mut problems = schema.problems(super::schema::Role::Resource);
        problems.extend(self.0.identity().problems(&schema));
        problems.extend(self.0.model_problems(&schema));
        problems
    }
}

impl<D> std::fmt::Debug for ResourceType<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResourceType")
    }
}

/// Bytes that could not be turned into a Rust type, or the reverse.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("cannot read the {what}: {error}")]
    Decode {
        what: &'static str,
        error: DecodeError,
    },
    #[error("cannot write the {what}: {error}")]
    Encode {
        what: &'static str,
        error: EncodeError,
    },
}

impl From<CodecError> for Diagnostic {
    fn from(error: CodecError) -> Self {
        let path = match &error {
            CodecError::Decode { error, .. } => error.path.clone(),
            CodecError::Encode { .. } => Path::root(),
        };
        Diagnostic::error(
            "Value of the wrong type",
            format!(
                "The provider {error}. Where the value is written by hand, correct it; where it is not, Terraform and \
                 the provider disagree about the schema, which is a bug."
            ),
        )
        .at(path)
    }
}

impl From<DecodeError> for Diagnostic {
    fn from(error: DecodeError) -> Self {
        CodecError::Decode {
            what: "value",
            error,
        }
        .into()
    }
}

pub(crate) fn decode<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, CodecError> {
    msgpack::from_slice(bytes).map_err(|error| CodecError::Decode { what, error })
}

pub(crate) fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, CodecError> {
    msgpack::to_vec(value).map_err(|error| CodecError::Encode { what, error })
}

/// What comes of a plan, in bytes.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) state: Vec<u8>,
    pub(crate) private: Private,
    pub(crate) requires_replace: Vec<Path>,
}

/// [`Resource`] over bytes.
#[async_trait]
pub(crate) trait Erased<D>: Send + Sync {
    fn name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn identity(&self) -> Identity;
    fn model_problems(&self, schema: &Schema) -> Vec<String>;
    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError>;
    async fn plan(
        &self,
        context: Context<'_, D>,
        prior: Option<&[u8]>,
        config: &[u8],
        proposed: &[u8],
        private: Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Planned, CodecError>;
    async fn plan_destroy(
        &self,
        context: Context<'_, D>,
        prior: &[u8],
        private: &Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), CodecError>;
    async fn read(
        &self,
        context: Context<'_, D>,
        state: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;
    async fn create(
        &self,
        context: Context<'_, D>,
        planned: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;
    async fn update(
        &self,
        context: Context<'_, D>,
        planned: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;
    async fn delete(
        &self,
        context: Context<'_, D>,
        prior: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), CodecError>;
    async fn import(
        &self,
        context: Context<'_, D>,
        by: ImportBy<'_, &[u8]>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;
    fn upgrade(&self, version: i64, state: &[u8]) -> Result<Vec<u8>, Diagnostic>;
    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<Vec<u8>, Diagnostic>>;
}

#[async_trait]
impl<R: Resource> Erased<R::Data> for R {
    fn name(&self) -> &'static str {
        Resource::name(self)
    }

    fn schema(&self) -> Schema {
        Resource::schema(self)
    }

    fn identity(&self) -> Identity {
        Resource::identity(self)
    }

    fn model_problems(&self, schema: &Schema) -> Vec<String> {
        model_problems::<R::State>(schema)
    }

    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError> {
        Resource::validate(self, &decode("configuration", config)?, diagnostics);
        Ok(())
    }

    async fn plan(
        &self,
        context: Context<'_, R::Data>,
        prior: Option<&[u8]>,
        config: &[u8],
        proposed: &[u8],
        private: Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Planned, CodecError> {
        let mut plan = Plan {
            prior: prior
                .map(|prior| decode("prior state", prior))
                .transpose()?,
            config: decode("configuration", config)?,
            planned: decode("proposed state", proposed)?,
            private,
            requires_replace: Vec::new(),
        };
        Resource::plan(self, context, &mut plan, diagnostics).await;
        Ok(Planned {
            state: encode("planned state", &plan.planned)?,
            private: plan.private,
            requires_replace: plan.requires_replace,
        })
    }

    async fn plan_destroy(
        &self,
        context: Context<'_, R::Data>,
        prior: &[u8],
        private: &Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), CodecError> {
        let prior = decode("prior state", prior)?;
        Resource::plan_destroy(self, context, &prior, private, diagnostics).await;
        Ok(())
    }

    async fn read(
        &self,
        context: Context<'_, R::Data>,
        state: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let state = decode("state", state)?;
        let state = Resource::read(self, context, state, private, diagnostics).await;
        state.map(|state| encode("state", &state)).transpose()
    }

    async fn create(
        &self,
        context: Context<'_, R::Data>,
        planned: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let planned = decode("planned state", planned)?;
        let state = Resource::create(self, context, planned, private, diagnostics).await;
        state.map(|state| encode("new state", &state)).transpose()
    }

    async fn update(
        &self,
        context: Context<'_, R::Data>,
        planned: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let planned = decode("planned state", planned)?;
        let state = Resource::update(self, context, planned, private, diagnostics).await;
        state.map(|state| encode("new state", &state)).transpose()
    }

    async fn delete(
        &self,
        context: Context<'_, R::Data>,
        prior: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), CodecError> {
        let prior = decode("prior state", prior)?;
        Resource::delete(self, context, prior, private, diagnostics).await;
        Ok(())
    }

    async fn import(
        &self,
        context: Context<'_, R::Data>,
        by: ImportBy<'_, &[u8]>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let by = match by {
            ImportBy::Id(id) => ImportBy::Id(id),
            ImportBy::Identity(identity) => ImportBy::Identity(decode("identity", identity)?),
        };
        let state = Resource::import(self, context, by, private, diagnostics).await;
        state
            .map(|state| encode("imported state", &state))
            .transpose()
    }

    fn upgrade(&self, version: i64, state: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let state = if version == Resource::schema(self).state_version() {
            json::from_slice(state).map_err(|error| CodecError::Decode {
                what: "stored state",
                error,
            })?
        } else {
            let state = serde_json::from_slice(state).map_err(|error| CodecError::Decode {
                what: "stored state",
                error: DecodeError::new(format!("it is no JSON: {error}")),
            })?;
            Resource::upgrade(self, version, state)?
        };
        Ok(encode::<R::State>("upgraded state", &state)?)
    }

    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<Vec<u8>, Diagnostic>> {
        Some(
            Resource::take_over(self, source)?
                .and_then(|state| Ok(encode::<R::State>("moved state", &state)?)),
        )
    }
}

/// Where a Rust type and a schema disagree about what attributes there are and whether they can be null or unknown.
pub(crate) fn model_problems<S: Model>(schema: &Schema) -> Vec<String> {
    use super::msgpack::{NULL, UNKNOWN};
    use super::node;
    use super::schema::{Attribute, Kind, Nesting};
    use super::types::Type;

    /// A known value of a type, with one element in each collection.
    fn known(ty: &Type, to: &mut Vec<u8>) {
        match ty {
            Type::Bool => to.push(0xc3),
            Type::Number => to.push(1),
            Type::String => to.extend_from_slice(b"\xa1s"),
            Type::List(element) | Type::Set(element) => {
                to.push(0x91);
                known(element, to);
            }
            Type::Map(element) => {
                to.extend_from_slice(b"\x81\xa1k");
                known(element, to);
            }
            Type::Tuple(elements) => {
                let _ = rmp::encode::write_array_len(to, elements.len() as u32);
                for element in elements {
                    known(element, to);
                }
            }
            Type::Object(attributes) => {
                let _ = rmp::encode::write_map_len(to, attributes.len() as u32);
                for (name, ty) in attributes {
                    let _ = rmp::encode::write_str(to, name);
                    known(ty, to);
                }
            }
            Type::Dynamic => to.extend_from_slice(b"\x92\xc4\x08\"string\"\xa1s"),
        }
    }

    /// An object in which each collection that can be configured has two unknown elements: as many as a set must tell
    /// apart.
    fn with_unknown_elements(attributes: &[Attribute], configurable: bool, to: &mut Vec<u8>) {
        let _ = rmp::encode::write_map_len(to, attributes.len() as u32);
        for attribute in attributes {
            let _ = rmp::encode::write_str(to, attribute.name());
            let configurable = configurable && attribute.is_configurable();
            let (lists, maps) = match attribute.kind() {
                Kind::Value(Type::List(_) | Type::Set(_)) => (true, false),
                Kind::Value(Type::Map(_)) => (false, true),
                Kind::Value(_) => (false, false),
                Kind::Nested(Nesting::Single, inner) => {
                    with_unknown_elements(inner, configurable, to);
                    continue;
                }
                Kind::Nested(Nesting::List | Nesting::Set, _) => (true, false),
                Kind::Nested(Nesting::Map, _) => (false, true),
            };
            if configurable && lists {
                to.push(0x92);
                to.extend_from_slice(&UNKNOWN);
                to.extend_from_slice(&UNKNOWN);
            } else if configurable && maps {
                to.extend_from_slice(b"\x81\xa1k");
                to.extend_from_slice(&UNKNOWN);
            } else {
                to.extend_from_slice(&NULL);
            }
        }
    }

    /// An object with `leaf` for each attribute that is not nested (none: a known value), and one element in each
    /// collection of objects.
    fn sample(attributes: &[Attribute], leaf: Option<&[u8]>, to: &mut Vec<u8>) {
        let _ = rmp::encode::write_map_len(to, attributes.len() as u32);
        for attribute in attributes {
            let _ = rmp::encode::write_str(to, attribute.name());
            match attribute.kind() {
                Kind::Value(ty) => match leaf {
                    Some(leaf) => to.extend_from_slice(leaf),
                    None => known(ty, to),
                },
                Kind::Nested(nesting, inner) => {
                    match nesting {
                        Nesting::Single => {}
                        Nesting::List | Nesting::Set => to.push(0x91),
                        Nesting::Map => to.extend_from_slice(b"\x81\xa1k"),
                    }
                    sample(inner, leaf, to);
                }
            }
        }
    }

    let mut samples = Vec::new();
    for (what, leaf) in [
        ("null", Some(&NULL[..])),
        ("unknown", Some(&UNKNOWN[..])),
        ("values of the schema's types", None),
    ] {
        let mut bytes = Vec::new();
        sample(schema.attributes(), leaf, &mut bytes);
        samples.push((what, bytes));
    }
    let mut bytes = Vec::new();
    with_unknown_elements(schema.attributes(), true, &mut bytes);
    samples.push(("unknown elements", bytes));

    let mut problems = Vec::new();
    for (what, bytes) in samples {
        match msgpack::from_slice::<S>(&bytes) {
            Err(error) => problems.push(format!("the Rust type cannot hold {what}: {error}")),
            Ok(model) => match msgpack::to_vec(&model) {
                Err(error) => problems.push(format!("the Rust type cannot be written: {error}")),
                Ok(again) => {
                    let shape = node::Shape::Object(schema.attributes());
                    let mut path = Path::root();
                    let same = node::matches(shape, &bytes, &again, node::Match::Same, &mut path);
                    if same != Ok(true) || !names_agree(&bytes, &again) {
                        problems.push(format!("the Rust type loses {what} at {path:?}"));
                    }
                }
            },
        }
    }
    problems
}

/// Whether two samples have the same attribute names at every level: a field without an attribute would reach Terraform.
fn names_agree(a: &[u8], b: &[u8]) -> bool {
    fn names(bytes: &[u8]) -> Vec<String> {
        let mut reader = msgpack::Reader::new(bytes);
        let mut names = Vec::new();
        while let Ok(head) = reader.head() {
            if let msgpack::Head::Str(name) = head {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        names
    }
    names(a) == names(b)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::super::schema::Attribute;
    use super::super::types::Type;
    use super::super::value::{Set, Value};
    use super::*;

    #[derive(Clone, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct State {
        name: Value<String>,
        ports: Value<Set<i64>>,
        tags: Value<BTreeMap<String, Value<String>>>,
    }

    fn problems(ports: Type, tags: Attribute) -> String {
        let attributes = vec![
            Attribute::string("name").required(),
            Attribute::set("ports", ports).optional(),
            tags.optional(),
        ];
        model_problems::<State>(&Schema::new("A thing.", attributes)).join("; ")
    }

    #[test]
    fn a_type_that_is_not_the_schemas_is_found() {
        let tags = || Attribute::map("tags", Type::String);
        assert_eq!(problems(Type::Number, tags()), "");
        assert!(problems(Type::String, tags()).contains("cannot hold values"));
        let list = Attribute::list("tags", Type::String);
        assert!(problems(Type::Number, list).contains("tags"));
        assert!(problems(Type::Number, Attribute::map("labels", Type::String)).contains("labels"));
    }
}
