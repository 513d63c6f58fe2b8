//! One attribute: what values it takes, and what follows from declaring it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::types::Type;

/// The collection in which a nested attribute has its objects.
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
    /// Objects with attributes of their own.
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
    /// A violation of a rule, with the way out of it.
    pub fn new(rule: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            fix: fix.into(),
        }
    }
}

/// A rule for the scalars of an attribute.
pub type Check = Arc<dyn Fn(Scalar<'_>) -> Result<(), Violation> + Send + Sync>;

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
    default: Option<Json>,
    checks: Vec<Check>,
    key_checks: Vec<Check>,
    min_items: Option<usize>,
    replaces: bool,
    keeps_state: bool,
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
            default: None,
            checks: Vec::new(),
            key_checks: Vec::new(),
            min_items: None,
            replaces: false,
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

    /// An object with attributes of its own: `name = { ... }`.
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

    /// A configuration must set it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A configuration may set it.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The provider sets it; with [`Self::optional`], it does where the configuration does not.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// Its value is not shown.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Its value is in the configuration that a provider validates and plans from, and never in a plan or a state. The
    /// same holds for everything nested in it.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self.each_nested(Attribute::write_only)
    }

    /// What it is, in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: &str) -> Self {
        self.description = markdown.to_owned();
        self
    }

    /// Says `to` instead of `from` in the description, and in those of everything nested in it. This is for an object that
    /// several others have as a part, each for a purpose of its own.
    #[must_use]
    pub fn reworded(mut self, from: &str, to: &str) -> Self {
        self.description = self.description.replace(from, to);
        self.each_nested(|inner| inner.reworded(from, to))
    }

    /// This value stands in for one that the configuration does not set. The attribute becomes optional and computed.
    ///
    /// # Panics
    /// If the value cannot be written as JSON. That is a mistake in the description, which its unit test finds.
    #[must_use]
    #[allow(clippy::expect_used)]
    pub fn default<T: Serialize>(mut self, value: T) -> Self {
        self.optional = true;
        self.computed = true;
        self.default = Some(serde_json::to_value(value).expect("the default is a value"));
        self
    }

    /// Refuses values that break a rule. In a collection, the rule is for each element that is a scalar.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(Scalar<'_>) -> Result<(), Violation> + Send + Sync + 'static,
    ) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Refuses strings that break a rule. In a collection, the rule is for each element.
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

    /// Refuses keys of a map that break a rule.
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

    /// A change of its value replaces the object.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// A computed value stays: a change of other attributes does not make it unknown.
    #[must_use]
    pub fn use_state_for_unknown(mut self) -> Self {
        self.keeps_state = true;
        self
    }

    /// The same attribute as a data source exports it: a configuration sets neither it nor anything nested in it.
    #[must_use]
    pub fn exported(self) -> Self {
        let this = self.each_nested(Attribute::exported);
        Self {
            description: this.description,
            sensitive: this.sensitive,
            computed: true,
            ..Self::new(&this.name, this.kind)
        }
    }

    /// Applies `f` to each attribute of its objects.
    fn each_nested(mut self, f: impl Fn(Attribute) -> Attribute) -> Self {
        if let Kind::Nested(_, attributes) = &mut self.kind {
            *attributes = std::mem::take(attributes).into_iter().map(f).collect();
        }
        self
    }

    /// Completes a declaration: what nobody can set is computed, with everything nested in it, and has no rules.
    #[must_use]
    pub fn declared(mut self) -> Self {
        if self.is_configurable() {
            return self;
        }
        self.computed = true;
        self.checks.clear();
        self.key_checks.clear();
        self.min_items = None;
        self.each_nested(Attribute::exported)
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

    /// Whether a configuration can set it.
    pub fn is_configurable(&self) -> bool {
        self.required || self.optional
    }

    /// Whether the provider sets it.
    pub fn is_computed(&self) -> bool {
        self.computed
    }

    /// Whether its value is hidden.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// Whether its value is never in a plan or a state.
    pub fn is_write_only(&self) -> bool {
        self.write_only
    }

    /// Whether a value stands in for one that is not set.
    pub fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// The value that stands in for one that is not set.
    pub fn default_value(&self) -> Option<&Json> {
        self.default.as_ref()
    }

    /// Whether a change of it replaces the resource.
    pub fn replaces(&self) -> bool {
        self.replaces
    }

    /// Whether a computed value stays when other attributes change.
    pub fn keeps_state(&self) -> bool {
        self.keeps_state
    }

    /// The rules for its scalars.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The rules for its keys.
    pub fn key_checks(&self) -> &[Check] {
        &self.key_checks
    }

    /// The smallest number of elements that is allowed.
    pub fn least_items(&self) -> Option<usize> {
        self.min_items
    }

    /// Whether `is` holds for this attribute or for one nested in it.
    pub fn any(&self, is: fn(&Attribute) -> bool) -> bool {
        is(self) || self.nested_attributes().iter().any(|inner| inner.any(is))
    }

    /// The attributes of its objects; empty if its values are not objects with attributes of their own.
    pub fn nested_attributes(&self) -> &[Attribute] {
        match &self.kind {
            Kind::Value(_) => &[],
            Kind::Nested(_, attributes) => attributes,
        }
    }
}
