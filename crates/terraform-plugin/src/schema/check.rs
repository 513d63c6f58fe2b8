//! The self-check of schemas: contradictions within one, and rules of Terraform that it breaks.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::types::Type;
use super::{Attribute, Kind, Nesting, Schema};

/// The use of a schema. Each use reserves other names and allows other attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The provider's own configuration.
    Provider,
    /// A managed resource.
    Resource,
    /// A data source.
    DataSource,
}

impl Role {
    /// The names of Terraform's own arguments.
    fn reserved_names(self) -> [&'static str; 9] {
        match self {
            Role::Provider => [
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
            Role::Resource | Role::DataSource => [
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
        }
    }
}

impl Schema {
    /// Every contradiction within the schema and every rule of Terraform that it breaks; none in a good one. For a unit
    /// test.
    pub fn problems(&self, role: Role) -> Vec<String> {
        let mut problems = Vec::new();
        for attribute in &self.attributes {
            if role.reserved_names().contains(&attribute.name()) {
                problems.push(format!(
                    "{}: Terraform reserves this name",
                    attribute.name()
                ));
            }
        }
        let any = |is: fn(&Attribute) -> bool| self.attributes.iter().any(|a| a.any(is));
        if role != Role::Resource {
            if any(Attribute::is_write_only) {
                problems.push("only managed resources can have write-only attributes".into());
            }
            if any(Attribute::replaces) {
                problems.push("only managed resources can be replaced".into());
            }
            if any(|attribute| attribute.has_default() || attribute.keeps_state()) {
                problems
                    .push("only what is planned has defaults and values kept from state".into());
            }
        }
        if role == Role::Provider && self.attributes.iter().any(Attribute::is_computed) {
            problems.push("a provider's configuration computes nothing".into());
        }
        if self.description.is_empty() {
            problems.push("a description is missing".into());
        }
        check_attributes(&self.attributes, "", None, &mut problems);
        problems
    }
}

/// Checks the attributes of one object and those nested in them. `parent` is the attribute that has the object, and its
/// nesting.
fn check_attributes(
    attributes: &[Attribute],
    prefix: &str,
    parent: Option<(&Attribute, Nesting)>,
    problems: &mut Vec<String>,
) {
    let mut names = BTreeSet::new();
    for attribute in attributes {
        let name = format!("{prefix}{}", attribute.name());
        let mut problem = |text: &str| problems.push(format!("{name}: {text}"));
        if !names.insert(attribute.name()) {
            problem("is there twice");
        }
        check_alone(attribute, &mut problem);
        if let Some((parent, nesting)) = parent {
            check_nested(attribute, parent, nesting, &mut problem);
        }
        match attribute.kind() {
            Kind::Value(ty) => check_value(attribute, ty, &mut problem),
            Kind::Nested(nesting, inner) => {
                check_objects(attribute, *nesting, inner, &mut problem);
                check_attributes(
                    inner,
                    &format!("{name}."),
                    Some((attribute, *nesting)),
                    problems,
                );
            }
        }
    }
}

/// Checks the rules that depend neither on the attribute's place nor on its kind of values.
fn check_alone(attribute: &Attribute, problem: &mut impl FnMut(&str)) {
    let valid = attribute
        .name()
        .starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && attribute
            .name()
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !valid {
        problem("a name has lower-case letters, digits and underscores");
    }
    if attribute.description_text().is_empty() {
        problem("a description is missing");
    }
    if !(attribute.is_configurable() || attribute.is_computed()) {
        problem("must be required, optional or computed");
    }
    if attribute.is_required() && (attribute.is_optional() || attribute.is_computed()) {
        problem("a required attribute is neither optional nor computed");
    }
    let checked = !attribute.checks().is_empty() || !attribute.key_checks().is_empty();
    if checked && !attribute.is_configurable() {
        problem("checks on what nobody can set");
    }
    if attribute.has_default() && !(attribute.is_optional() && attribute.is_computed()) {
        problem("a default needs an optional and computed attribute");
    }
    if attribute.keeps_state() && !attribute.is_computed() {
        problem("only computed values can be kept from state");
    }
    if attribute.keeps_state() && attribute.has_default() {
        problem("a default and a kept value contradict each other");
    }
    if attribute.is_write_only() && attribute.is_computed() {
        problem("a write-only attribute cannot be computed");
    }
    if attribute.is_write_only() && (attribute.has_default() || attribute.replaces()) {
        problem("a write-only attribute has no prior value to compare with");
    }
}

/// Checks the rules that depend on the parent, in whose objects the attribute is.
fn check_nested(
    attribute: &Attribute,
    parent: &Attribute,
    nesting: Nesting,
    problem: &mut impl FnMut(&str),
) {
    if nesting == Nesting::Set && attribute.is_write_only() && !parent.is_write_only() {
        problem("sets cannot hold write-only attributes");
    }
    if !parent.is_configurable() && attribute.is_configurable() {
        problem("nobody can set what is nested in a computed attribute");
    }
    if parent.is_configurable() && nesting == Nesting::Set && attribute.is_computed() {
        problem("elements of a set have no identity to compute values for");
    }
    if nesting != Nesting::Single && attribute.replaces() {
        problem("only the whole collection can require a replacement");
    }
}

/// Checks an attribute whose values are of a type.
fn check_value(attribute: &Attribute, ty: &Type, problem: &mut impl FnMut(&str)) {
    if !attribute.key_checks().is_empty() && !matches!(ty, Type::Map(_)) {
        problem("only maps have keys");
    }
    if let Some(default) = attribute.default_value()
        && !fits(ty, default)
    {
        problem("the default is not of the attribute's type");
    }
}

/// Checks an attribute whose values are objects.
fn check_objects(
    attribute: &Attribute,
    nesting: Nesting,
    inner: &[Attribute],
    problem: &mut impl FnMut(&str),
) {
    if inner.is_empty() && nesting != Nesting::Single {
        problem("has no attributes");
    }
    if attribute.has_default() {
        problem("defaults belong on the attributes inside");
    }
    if !attribute.checks().is_empty() {
        problem("checks belong on the attributes inside");
    }
    if !attribute.key_checks().is_empty() && nesting != Nesting::Map {
        problem("only maps have keys");
    }
}

/// Whether a value is of a type, without a look at its elements.
fn fits(ty: &Type, value: &Json) -> bool {
    match ty {
        Type::Bool => value.is_boolean(),
        Type::Number => value.is_number(),
        Type::String => value.is_string(),
        Type::List(_) | Type::Set(_) => value.is_array(),
        Type::Map(_) => value.is_object(),
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
}
