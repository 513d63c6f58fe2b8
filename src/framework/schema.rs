//! Schemas: what attributes a provider, resource or data source has, and the rules that follow from declaring them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::proto::tfplugin6;

use super::msgpack;
use super::types::Type;

/// How a nested attribute's objects are held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// Objects in order.
    List,
    /// Objects without order.
    Set,
    /// Objects by key.
    Map,
}

/// What values an attribute takes.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Values of a type.
    Value(Type),
    /// Objects whose attributes have schemas of their own.
    Nested(Nesting, Vec<Attribute>),
}

/// One scalar of a configuration, as a check sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// `true` or `false`
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    String(&'a str),
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(value) => write!(f, "{value}"),
            Scalar::Int(value) => write!(f, "{value}"),
            Scalar::Float(value) => write!(f, "{value}"),
            Scalar::String(value) => write!(f, "{value:?}"),
        }
    }
}

/// Why a value is refused: two sentences that complete the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, as a sentence.
    pub rule: String,
    /// What to do, as a sentence.
    pub fix: String,
}

impl Violation {
    /// A rule that was broken and the way out.
    pub fn new(rule: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            fix: fix.into(),
        }
    }
}

pub(crate) type Check = Arc<dyn Fn(Scalar<'_>) -> Result<(), Violation> + Send + Sync>;
type ReplaceRule = Arc<dyn Fn(&[u8], &[u8]) -> bool + Send + Sync>;

/// When a change of an attribute means another object.
#[derive(Clone)]
pub(crate) enum Replace {
    Always,
    /// Decided from the encoded prior and planned values.
    If(ReplaceRule),
}

/// One attribute. Made by [`Attribute::string`] and its siblings, then refined.
#[derive(Clone)]
pub struct Attribute {
    name: String,
    kind: Kind,
    description: String,
    required: bool,
    optional: bool,
    computed: bool,
    sensitive: bool,
    write_only: bool,
    deprecation: Option<String>,
    default: Option<Vec<u8>>,
    default_text: Option<String>,
    pub(crate) checks: Vec<Check>,
    pub(crate) key_checks: Vec<Check>,
    pub(crate) min_items: Option<usize>,
    pub(crate) replace: Option<Replace>,
    pub(crate) keeps_state: bool,
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribute")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Attribute {
    /// An attribute of any type.
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            description: String::new(),
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            deprecation: None,
            default: None,
            default_text: None,
            checks: Vec::new(),
            key_checks: Vec::new(),
            min_items: None,
            replace: None,
            keeps_state: false,
        }
    }

    /// A `bool`.
    pub fn bool(name: &str) -> Self {
        Self::new(name, Kind::Value(Type::Bool))
    }

    /// A `number`.
    pub fn number(name: &str) -> Self {
        Self::new(name, Kind::Value(Type::Number))
    }

    /// A `string`.
    pub fn string(name: &str) -> Self {
        Self::new(name, Kind::Value(Type::String))
    }

    /// A `list(element)`.
    pub fn list(name: &str, element: Type) -> Self {
        Self::new(name, Kind::Value(Type::list(element)))
    }

    /// A `set(element)`.
    pub fn set(name: &str, element: Type) -> Self {
        Self::new(name, Kind::Value(Type::set(element)))
    }

    /// A `map(element)`.
    pub fn map(name: &str, element: Type) -> Self {
        Self::new(name, Kind::Value(Type::map(element)))
    }

    /// A value of any type, which it carries with it.
    pub fn dynamic(name: &str) -> Self {
        Self::new(name, Kind::Value(Type::Dynamic))
    }

    /// An object whose attributes have schemas of their own: `name = { ... }`.
    pub fn nested(name: &str, attributes: Vec<Attribute>) -> Self {
        Self::new(name, Kind::Nested(Nesting::Single, attributes))
    }

    /// A list of objects: `name = [{ ... }]`.
    pub fn nested_list(name: &str, attributes: Vec<Attribute>) -> Self {
        Self::new(name, Kind::Nested(Nesting::List, attributes))
    }

    /// A set of objects: `name = [{ ... }]`.
    pub fn nested_set(name: &str, attributes: Vec<Attribute>) -> Self {
        Self::new(name, Kind::Nested(Nesting::Set, attributes))
    }

    /// A map of objects: `name = { key = { ... } }`.
    pub fn nested_map(name: &str, attributes: Vec<Attribute>) -> Self {
        Self::new(name, Kind::Nested(Nesting::Map, attributes))
    }

    /// Must be set.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// May be set.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The provider gives it; with [`Self::optional`], where the configuration does not.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// Terraform does not show its value.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Its value is in the configuration that is validated and planned, and never in a plan or a state, with everything
    /// nested in it.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        if let Kind::Nested(_, attributes) = &mut self.kind {
            *attributes = std::mem::take(attributes)
                .into_iter()
                .map(Attribute::write_only)
                .collect();
        }
        self
    }

    /// What it is, in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: &str) -> Self {
        self.description = markdown.to_owned();
        self
    }

    /// Warns whoever sets it, with what to do instead.
    #[must_use]
    pub fn deprecated(mut self, instead: &str) -> Self {
        self.deprecation = Some(instead.to_owned());
        self
    }

    /// The value where the configuration has none; makes the attribute optional and computed.
    ///
    /// # Panics
    /// If the value is none that Terraform has: a mistake in the schema, found by its self-test.
    #[must_use]
    #[allow(clippy::expect_used)]
    pub fn default<T: Serialize>(mut self, value: T) -> Self {
        self.optional = true;
        self.computed = true;
        self.default = Some(msgpack::to_vec(&value).expect("the default is a Terraform value"));
        self.default_text = serde_json::to_string(&value).ok();
        self
    }

    /// Refuses values; of a collection, each element that is a scalar.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(Scalar<'_>) -> Result<(), Violation> + Send + Sync + 'static,
    ) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Refuses strings; of a collection, each element.
    #[must_use]
    pub fn check_string(
        self,
        check: impl Fn(&str) -> Result<(), Violation> + Send + Sync + 'static,
    ) -> Self {
        self.check(move |value| match value {
            Scalar::String(value) => check(value),
            _ => Ok(()),
        })
    }

    /// Refuses whole numbers below `least`.
    #[must_use]
    pub fn at_least(self, least: i64) -> Self {
        self.check(move |value| match value {
            Scalar::Int(value) if value >= least => Ok(()),
            Scalar::Float(value) if value.fract() != 0.0 => Err(Violation::new(
                "It must be a whole number.",
                format!("Use a whole number of at least {least}."),
            )),
            _ => Err(Violation::new(
                format!("It must be a whole number of at least {least}."),
                format!("Use {least} or more, or leave it out."),
            )),
        })
    }

    /// Refuses whole numbers above `most`.
    #[must_use]
    pub fn at_most(self, most: i64) -> Self {
        self.check(move |value| match value {
            Scalar::Int(value) if value > most => Err(Violation::new(
                format!("It must be at most {most}."),
                format!("Use {most} or less, or leave it out."),
            )),
            _ => Ok(()),
        })
    }

    /// Refuses keys of a map.
    #[must_use]
    pub fn check_keys(
        mut self,
        check: impl Fn(&str) -> Result<(), Violation> + Send + Sync + 'static,
    ) -> Self {
        self.key_checks.push(Arc::new(move |key| match key {
            Scalar::String(key) => check(key),
            _ => Ok(()),
        }));
        self
    }

    /// Refuses collections with fewer elements.
    #[must_use]
    pub fn min_items(mut self, least: usize) -> Self {
        self.min_items = Some(least);
        self
    }

    /// Another value means another object.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.replace = Some(Replace::Always);
        self
    }

    /// Another value means another object where `rule` says so, of the MessagePack of the prior and the planned value.
    #[must_use]
    pub fn requires_replace_if(
        mut self,
        rule: impl Fn(&[u8], &[u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.replace = Some(Replace::If(Arc::new(rule)));
        self
    }

    /// Once computed it stays: a change of other attributes does not make it unknown.
    #[must_use]
    pub fn use_state_for_unknown(mut self) -> Self {
        self.keeps_state = true;
        self
    }

    /// The same as a data source exports it: nobody sets it, nor what is nested in it.
    #[must_use]
    pub fn exported(self) -> Self {
        let kind = match self.kind {
            Kind::Nested(nesting, inner) => {
                let inner = inner.into_iter().map(Attribute::exported);
                Kind::Nested(nesting, inner.collect())
            }
            kind @ Kind::Value(_) => kind,
        };
        Self {
            description: self.description,
            sensitive: self.sensitive,
            deprecation: self.deprecation,
            computed: true,
            ..Self::new(&self.name, kind)
        }
    }

    /// The attribute's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What values it takes.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What it is, in Markdown.
    pub fn description_text(&self) -> &str {
        &self.description
    }

    /// Whether it must be set.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether it may be set.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether the provider gives it.
    pub fn is_computed(&self) -> bool {
        self.computed
    }

    /// Whether Terraform hides its value.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// Whether it never reaches plan or state.
    pub fn is_write_only(&self) -> bool {
        self.write_only
    }

    /// What to use instead.
    pub fn deprecation(&self) -> Option<&str> {
        self.deprecation.as_deref()
    }

    /// The default as JSON, for the documentation.
    pub fn default_text(&self) -> Option<&str> {
        self.default_text.as_deref()
    }

    /// Whether a change of it replaces the resource.
    pub fn replaces(&self) -> bool {
        self.replace.is_some()
    }

    pub(crate) fn default_value(&self) -> Option<&[u8]> {
        self.default.as_deref()
    }

    fn to_proto(&self) -> tfplugin6::schema::Attribute {
        let (r#type, nested_type) = match &self.kind {
            Kind::Value(ty) => (ty.to_json().to_string().into_bytes(), None),
            Kind::Nested(nesting, attributes) => {
                use tfplugin6::schema::object::NestingMode;
                let nesting = match nesting {
                    Nesting::Single => NestingMode::Single,
                    Nesting::List => NestingMode::List,
                    Nesting::Set => NestingMode::Set,
                    Nesting::Map => NestingMode::Map,
                };
                // `type` must stay empty beside a nested type: Terraform takes one of the two only.
                let object = tfplugin6::schema::Object {
                    attributes: attributes.iter().map(Attribute::to_proto).collect(),
                    nesting: nesting.into(),
                    ..Default::default()
                };
                (Vec::new(), Some(object))
            }
        };
        tfplugin6::schema::Attribute {
            name: self.name.clone(),
            r#type,
            nested_type,
            description: self.description.clone(),
            description_kind: tfplugin6::StringKind::Markdown.into(),
            required: self.required,
            optional: self.optional,
            computed: self.computed,
            sensitive: self.sensitive,
            write_only: self.write_only,
            deprecated: self.deprecation.is_some(),
            deprecation_message: self.deprecation.clone().unwrap_or_default(),
        }
    }
}

/// What a schema is for; each kind reserves other names and allows other attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The provider's own configuration.
    Provider,
    /// A managed resource.
    Resource,
    /// A data source.
    DataSource,
}

/// The attributes of a provider, resource or data source.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    version: i64,
    description: String,
    deprecation: Option<String>,
    attributes: Vec<Attribute>,
}

impl Schema {
    /// A schema of version 0.
    pub fn new(markdown: &str, attributes: Vec<Attribute>) -> Self {
        Self {
            version: 0,
            description: markdown.to_owned(),
            deprecation: None,
            attributes,
        }
    }

    /// The version written into states; older ones are upgraded.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// Warns whoever uses it, with what to do instead.
    #[must_use]
    pub fn deprecated(mut self, instead: &str) -> Self {
        self.deprecation = Some(instead.to_owned());
        self
    }

    /// The version written into states.
    pub fn state_version(&self) -> i64 {
        self.version
    }

    /// What it is, in Markdown.
    pub fn description_text(&self) -> &str {
        &self.description
    }

    /// The top-level attributes.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    pub(crate) fn has_write_only(&self) -> bool {
        self.attributes.iter().any(any_write_only)
    }

    pub(crate) fn to_proto(&self) -> tfplugin6::Schema {
        tfplugin6::Schema {
            version: self.version,
            block: Some(tfplugin6::schema::Block {
                version: self.version,
                attributes: self.attributes.iter().map(Attribute::to_proto).collect(),
                block_types: Vec::new(),
                description: self.description.clone(),
                description_kind: tfplugin6::StringKind::Markdown.into(),
                deprecated: self.deprecation.is_some(),
                deprecation_message: self.deprecation.clone().unwrap_or_default(),
            }),
        }
    }

    /// Everything in which the schema contradicts itself or Terraform; empty for a good one. For a unit test.
    pub fn problems(&self, role: Role) -> Vec<String> {
        let mut problems = Vec::new();
        let reserved: &[&str] = match role {
            Role::Provider => &[
                "_",
                "alias",
                "count",
                "depends_on",
                "for_each",
                "lifecycle",
                "locals",
                "source",
                "version",
            ],
            Role::Resource | Role::DataSource => &[
                "_",
                "connection",
                "count",
                "depends_on",
                "for_each",
                "lifecycle",
                "locals",
                "provider",
                "provisioner",
            ],
        };
        for attribute in &self.attributes {
            if reserved.contains(&attribute.name.as_str()) {
                problems.push(format!("{}: Terraform reserves this name", attribute.name));
            }
        }
        if role != Role::Resource {
            if self.has_write_only() {
                problems.push("only managed resources can have write-only attributes".into());
            }
            if self.attributes.iter().any(any_replace) {
                problems.push("only managed resources can be replaced".into());
            }
            if self.attributes.iter().any(any_planned) {
                problems
                    .push("only what is planned has defaults and values kept from state".into());
            }
        }
        if role == Role::Provider && self.attributes.iter().any(|a| a.computed) {
            problems.push("a provider's configuration computes nothing".into());
        }
        if self.description.is_empty() {
            problems.push("a description is missing".into());
        }
        attributes_problems(&self.attributes, "", None, &mut problems);
        problems
    }
}

pub(crate) fn any_write_only(attribute: &Attribute) -> bool {
    attribute.write_only
        || matches!(&attribute.kind, Kind::Nested(_, inner) if inner.iter().any(any_write_only))
}

fn any_replace(attribute: &Attribute) -> bool {
    attribute.replace.is_some()
        || matches!(&attribute.kind, Kind::Nested(_, inner) if inner.iter().any(any_replace))
}

fn any_planned(attribute: &Attribute) -> bool {
    attribute.default.is_some()
        || attribute.keeps_state
        || matches!(&attribute.kind, Kind::Nested(_, inner) if inner.iter().any(any_planned))
}

fn attributes_problems(
    attributes: &[Attribute],
    prefix: &str,
    parent: Option<(&Attribute, Nesting)>,
    problems: &mut Vec<String>,
) {
    let mut names = BTreeSet::new();
    for attribute in attributes {
        let name = format!("{prefix}{}", attribute.name);
        let mut problem = |text: &str| problems.push(format!("{name}: {text}"));
        let valid = attribute
            .name
            .starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && attribute
                .name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !valid {
            problem("a name has lower-case letters, digits and underscores");
        }
        if !names.insert(&attribute.name) {
            problem("is there twice");
        }
        if attribute.description.is_empty() {
            problem("a description is missing");
        }
        if !(attribute.required || attribute.optional || attribute.computed) {
            problem("must be required, optional or computed");
        }
        if attribute.required && (attribute.optional || attribute.computed) {
            problem("a required attribute is neither optional nor computed");
        }
        let configurable = attribute.required || attribute.optional;
        if !configurable && (!attribute.checks.is_empty() || !attribute.key_checks.is_empty()) {
            problem("checks on what nobody can set");
        }
        if attribute.default.is_some() && !(attribute.optional && attribute.computed) {
            problem("a default needs an optional and computed attribute");
        }
        if attribute.keeps_state && !attribute.computed {
            problem("only computed values can be kept from state");
        }
        if attribute.keeps_state && attribute.default.is_some() {
            problem("a default and a kept value contradict each other");
        }
        if attribute.write_only {
            if attribute.computed {
                problem("a write-only attribute cannot be computed");
            }
            if attribute.default.is_some() || attribute.replace.is_some() {
                problem("a write-only attribute has no prior value to compare with");
            }
            if matches!(&attribute.kind, Kind::Nested(_, inner) if inner.iter().any(|a| !a.write_only))
            {
                problem("everything nested in a write-only attribute must be write-only");
            }
        }
        if let Some((parent, nesting)) = parent {
            if nesting == Nesting::Set && attribute.write_only && !parent.write_only {
                problem("sets cannot hold write-only attributes");
            }
            let parent_configurable = parent.required || parent.optional;
            if !parent_configurable && configurable {
                problem("nobody can set what is nested in a computed attribute");
            }
            if parent_configurable && nesting == Nesting::Set && attribute.computed {
                problem("elements of a set have no identity to compute values for");
            }
            if nesting != Nesting::Single && attribute.replace.is_some() {
                problem("only the whole collection can require a replacement");
            }
        }
        match &attribute.kind {
            Kind::Value(ty) => {
                let hidden = |element: &Type| *element == Type::Dynamic;
                if let Type::List(element) | Type::Set(element) | Type::Map(element) = ty
                    && hidden(element)
                {
                    problem("collections of values of any type cannot be held");
                }
                if !attribute.key_checks.is_empty() && !matches!(ty, Type::Map(_)) {
                    problem("only maps have keys");
                }
                if let Some(default) = &attribute.default
                    && !fits(ty, default)
                {
                    problem("the default is not of the attribute's type");
                }
            }
            Kind::Nested(nesting, inner) => {
                if inner.is_empty() && *nesting != Nesting::Single {
                    problem("has no attributes");
                }
                if *nesting == Nesting::Set && inner.iter().any(|a| kind_is_dynamic(&a.kind)) {
                    problem("sets cannot hold values of any type");
                }
                if attribute.default.is_some() {
                    problem("defaults belong on the attributes inside");
                }
                if !attribute.checks.is_empty() {
                    problem("checks belong on the attributes inside");
                }
                if !attribute.key_checks.is_empty() && *nesting != Nesting::Map {
                    problem("only maps have keys");
                }
                attributes_problems(
                    inner,
                    &format!("{name}."),
                    Some((attribute, *nesting)),
                    problems,
                );
            }
        }
    }
}

fn kind_is_dynamic(kind: &Kind) -> bool {
    match kind {
        Kind::Value(ty) => ty.is_dynamic(),
        Kind::Nested(_, inner) => inner.iter().any(|a| kind_is_dynamic(&a.kind)),
    }
}

fn fits(ty: &Type, value: &[u8]) -> bool {
    use msgpack::Head;
    let Ok(head) = msgpack::Reader::new(value).head() else {
        return false;
    };
    match ty {
        Type::Bool => matches!(head, Head::Bool(_)),
        Type::Number => matches!(head, Head::Int(_) | Head::UInt(_) | Head::Float(_)),
        Type::String => matches!(head, Head::Str(_)),
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => matches!(head, Head::Array(_)),
        Type::Map(_) | Type::Object(_) => matches!(head, Head::Map(_)),
        Type::Dynamic => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(attributes: Vec<Attribute>) -> Vec<String> {
        Schema::new("A thing.", attributes).problems(Role::Resource)
    }

    fn described(attribute: Attribute) -> Attribute {
        attribute.description("Something.")
    }

    #[test]
    fn a_sound_schema_has_no_problems() {
        let found = problems(vec![
            described(Attribute::string("id").computed().use_state_for_unknown()),
            described(Attribute::set("regions", Type::String).default(["*"])),
            described(Attribute::nested_map(
                "accounts",
                vec![described(Attribute::string("name").required())],
            ))
            .optional()
            .write_only(),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn contradictions_are_found() {
        let one = |attribute: Attribute| problems(vec![described(attribute)]).join("; ");
        assert!(one(Attribute::string("connection").optional()).contains("reserves"));
        assert!(one(Attribute::string("Name").optional()).contains("lower-case"));
        assert!(one(Attribute::string("name")).contains("must be required"));
        assert!(one(Attribute::string("name").required().computed()).contains("neither"));
        assert!(
            one(Attribute::string("name").optional().computed().write_only())
                .contains("write-only")
        );
        assert!(one(Attribute::string("name").default(5)).contains("not of the attribute's type"));
        assert!(
            one(Attribute::string("name")
                .computed()
                .check_string(|_| Ok(())))
            .contains("nobody can set")
        );
        assert!(
            one(Attribute::string("name").optional().use_state_for_unknown())
                .contains("kept from state")
        );
        assert!(one(Attribute::list("any", Type::Dynamic).optional()).contains("any type"));
        let mut half =
            Attribute::nested("half", vec![described(Attribute::string("x").optional())])
                .optional();
        half.write_only = true;
        assert!(one(half).contains("must be write-only"));
        let in_set =
            Attribute::nested_set("s", vec![described(Attribute::string("x").default("y"))])
                .optional();
        assert!(one(in_set).contains("identity"));
        let inside = |attribute: Attribute| vec![described(attribute)];
        let computed = inside(Attribute::string("x").optional().computed());
        assert!(one(Attribute::nested_set("s", computed).optional()).contains("identity"));
        let computed = inside(Attribute::string("x").computed());
        assert_eq!(one(Attribute::nested_set("s", computed).computed()), "");
        let replacing = inside(Attribute::string("x").optional().requires_replace());
        assert!(one(Attribute::nested_map("m", replacing).optional()).contains("whole collection"));
        let plain = || inside(Attribute::string("x").optional());
        let checked = Attribute::nested("n", plain()).optional();
        assert!(one(checked.check_string(|_| Ok(()))).contains("checks belong"));
        let keyed = Attribute::nested_list("l", plain()).optional();
        assert!(one(keyed.check_keys(|_| Ok(()))).contains("only maps"));
        assert!(
            Schema::new("A thing.", inside(Attribute::string("source").optional()))
                .problems(Role::Provider)
                .join("; ")
                .contains("reserves")
        );
        let twice = vec![
            described(Attribute::string("a").optional()),
            described(Attribute::string("a").optional()),
        ];
        assert!(problems(twice).join("; ").contains("twice"));
        let data = Schema::new(
            "A thing.",
            vec![described(Attribute::string("a").optional().write_only())],
        );
        assert!(
            data.problems(Role::DataSource)
                .join("; ")
                .contains("only managed resources")
        );
        let defaulted = || vec![described(Attribute::string("a").default("b"))];
        let nested = described(Attribute::nested("n", defaulted()).optional());
        for (role, attributes) in [
            (Role::DataSource, defaulted()),
            (Role::Provider, vec![nested]),
        ] {
            let found = Schema::new("A thing.", attributes).problems(role);
            assert!(found.join("; ").contains("only what is planned"));
        }
        assert!(
            problems(vec![Attribute::string("a").optional()])
                .join("; ")
                .contains("description")
        );
    }

    #[test]
    fn a_nested_attribute_sends_no_type() {
        let nested = Attribute::nested("a", vec![Attribute::bool("b").optional()]).optional();
        let proto = nested.to_proto();
        assert!(proto.r#type.is_empty());
        assert!(proto.nested_type.is_some());
    }
}
