//! The rules by which Terraform core judges a provider's answers, applied before an answer leaves.
//!
//! Terraform reports a violation as "Provider produced inconsistent ..." and asks the user to file a bug. Here it is an
//! error that names the attribute, and a provider's own tests are the place to see it.

use super::identity::Identity;
use super::msgpack::{DecodeError, NULL};
use super::path::{Path, Step};
use super::raw_value::{self, Match, Shape};
use super::schema::{Attribute, Kind, Nesting, Schema};

/// Finds where a planned state contradicts the configuration it was made for.
///
/// # Errors
/// If one of the three is no value of the schema.
pub(crate) fn check_plan(
    schema: &Schema,
    prior: Option<&[u8]>,
    config: &[u8],
    planned: &[u8],
) -> Result<Vec<(Path, &'static str)>, DecodeError> {
    let mut found = Vec::new();
    let prior = prior.unwrap_or(&NULL);
    check_attributes(
        schema.attributes(),
        prior,
        config,
        planned,
        &mut Path::root(),
        &mut found,
    )?;
    Ok(found)
}

/// Finds where a new state contradicts the plan it was applied from, holds an unknown value, or keeps a write-only one.
///
/// # Errors
/// If one of the two is no value of the schema.
pub(crate) fn check_result(
    schema: &Schema,
    planned: &[u8],
    new: &[u8],
) -> Result<Vec<(Path, &'static str)>, DecodeError> {
    let mut found = check_state(schema, new)?;
    let mut path = Path::root();
    if !raw_value::matches(
        Shape::Object(schema.attributes()),
        planned,
        new,
        Match::Completes,
        &mut path,
    )? {
        found.push((path, "the new value is not the planned one"));
    }
    Ok(found)
}

/// Finds unknown and write-only values in a state.
///
/// # Errors
/// If it is no value of the schema.
pub(crate) fn check_state(
    schema: &Schema,
    state: &[u8],
) -> Result<Vec<(Path, &'static str)>, DecodeError> {
    let mut found = Vec::new();
    let Some(entries) = raw_value::entries(state)? else {
        return Ok(found);
    };
    for (name, value) in &entries {
        if raw_value::has_unknown(value)? {
            found.push((Path::of(*name), "the value is still unknown"));
        }
    }
    if schema.has_write_only() && super::planning::without_write_only(schema, state)? != state {
        found.push((Path::root(), "a write-only value is in the state"));
    }
    Ok(found)
}

/// Finds where a state has become another object than it was. Replacements are not to be checked.
///
/// # Errors
/// If one of the two is no value of the resource's schema.
pub(crate) fn check_same_object(
    identity: &Identity,
    before: &[u8],
    after: &[u8],
) -> Result<Vec<(Path, &'static str)>, DecodeError> {
    let changed = identity.difference(before, after)?;
    let found = changed.map(|name| (Path::of(name), "it is another object than before"));
    Ok(found.into_iter().collect())
}

/// Finds where an imported state lacks its identity, or has another one than was asked for.
///
/// # Errors
/// If one of the two is no value of the resource's schema.
pub(crate) fn check_import(
    identity: &Identity,
    asked: Option<&[u8]>,
    state: &[u8],
) -> Result<Vec<(Path, &'static str)>, DecodeError> {
    if identity.extract(state)?.is_none() {
        return Ok(vec![(Path::root(), "its identity is missing")]);
    }
    let other = identity.difference(asked.unwrap_or(&NULL), state)?;
    let found = other.map(|name| (Path::of(name), "it is another object than asked for"));
    Ok(found.into_iter().collect())
}

fn check_attributes(
    schema: &[Attribute],
    prior: &[u8],
    config: &[u8],
    planned: &[u8],
    path: &mut Path,
    found: &mut Vec<(Path, &'static str)>,
) -> Result<(), DecodeError> {
    let prior = raw_value::entries(prior)?.unwrap_or_default();
    let config = raw_value::entries(config)?.unwrap_or_default();
    let planned = raw_value::entries(planned)?.unwrap_or_default();
    for attribute in schema {
        path.push(Step::Attribute(attribute.name().to_owned()));
        let name = attribute.name();
        check_value(
            attribute,
            raw_value::find_attribute(&prior, name),
            raw_value::find_attribute(&config, name),
            raw_value::find_attribute(&planned, name),
            path,
            found,
        )?;
        path.pop();
    }
    Ok(())
}

fn check_value(
    attribute: &Attribute,
    prior: &[u8],
    config: &[u8],
    planned: &[u8],
    path: &mut Path,
    found: &mut Vec<(Path, &'static str)>,
) -> Result<(), DecodeError> {
    if attribute.is_write_only() {
        if !raw_value::is_null(planned) {
            found.push((path.clone(), "a write-only value is planned"));
        }
        return Ok(());
    }
    if !attribute.is_configurable() {
        return Ok(());
    }
    let shape = Shape::from(attribute.kind());
    if raw_value::is_same(shape, planned, config)? {
        return Ok(());
    }
    if raw_value::is_null(config) {
        if !attribute.is_computed() {
            found.push((
                path.clone(),
                "a value is planned where the configuration has none",
            ));
        }
        return Ok(());
    }
    if !raw_value::is_null(prior) && raw_value::is_same(shape, planned, prior)? {
        return Ok(());
    }
    let Kind::Nested(nesting, inner) = attribute.kind() else {
        found.push((path.clone(), "the planned value is not the configured one"));
        return Ok(());
    };
    if raw_value::is_null(planned)
        || raw_value::is_unknown(planned)
        || raw_value::is_unknown(config)
    {
        found.push((path.clone(), "the planned value is not the configured one"));
        return Ok(());
    }
    match nesting {
        Nesting::Single => check_attributes(inner, prior, config, planned, path, found),
        Nesting::Map => {
            let prior = raw_value::entries_by_key(prior)?;
            let config = raw_value::entries_by_key(config)?;
            let planned = raw_value::entries(planned)?.unwrap_or_default();
            if config.len() != planned.len() {
                found.push((path.clone(), "other elements are planned than configured"));
            }
            for (key, planned) in planned {
                let Some(config) = config.get(key) else {
                    found.push((
                        path.key(key),
                        "an element is planned that is not configured",
                    ));
                    continue;
                };
                path.push(Step::Key(key.to_owned()));
                let prior = prior.get(key).copied().unwrap_or(&NULL);
                check_attributes(inner, prior, config, planned, path, found)?;
                path.pop();
            }
            Ok(())
        }
        Nesting::List => {
            let prior = raw_value::elements(prior)?.unwrap_or_default();
            let config = raw_value::elements(config)?.unwrap_or_default();
            let planned = raw_value::elements(planned)?.unwrap_or_default();
            if config.len() != planned.len() {
                found.push((path.clone(), "other elements are planned than configured"));
            }
            for (index, (planned, config)) in planned.into_iter().zip(config).enumerate() {
                let prior = prior.get(index).copied().unwrap_or(&NULL);
                path.push(Step::Index(index as i64));
                check_attributes(inner, prior, config, planned, path, found)?;
                path.pop();
            }
            Ok(())
        }
        // Their elements cannot be told apart; Terraform trusts the provider, too.
        Nesting::Set => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::msgpack::{UNKNOWN, to_vec};
    use super::super::types::Type;
    use super::*;

    fn schema() -> Schema {
        Schema::new(
            "A thing.",
            vec![
                Attribute::string("id").computed(),
                Attribute::string("name").required(),
                Attribute::set("regions", Type::String).default(["*"]),
                Attribute::string("note").optional(),
                Attribute::string("secret").optional().write_only(),
                Attribute::nested_map("tree", vec![Attribute::string("x").computed()]).computed(),
            ],
        )
    }

    fn bytes(value: serde_json::Value) -> Vec<u8> {
        to_vec(&value).unwrap()
    }

    fn paths(found: Vec<(Path, &'static str)>) -> Vec<String> {
        found
            .into_iter()
            .map(|(path, _)| path.to_string())
            .collect()
    }

    #[test]
    fn a_plan_agrees_with_the_configuration() {
        let config = bytes(json!({"name": "n", "regions": null, "secret": "s"}));
        let plan = |value| paths(check_plan(&schema(), None, &config, &bytes(value)).unwrap());
        assert!(plan(json!({"id": "1", "name": "n", "regions": ["*"]})).is_empty());
        assert_eq!(plan(json!({"name": "other", "regions": ["*"]})), ["name"]);
        assert_eq!(plan(json!({"name": "n", "note": "mine"})), ["note"]);
        assert_eq!(plan(json!({"name": "n", "secret": "s"})), ["secret"]);
        let ordered = bytes(json!({"name": "n", "regions": ["a", "b"]}));
        let swapped = bytes(json!({"regions": ["b", "a"], "name": "n"}));
        assert!(
            check_plan(&schema(), None, &ordered, &swapped)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_plan_agrees_with_every_element_of_a_configured_map() {
        let schema = Schema::new(
            "A thing.",
            vec![
                Attribute::nested_map(
                    "m",
                    vec![
                        Attribute::string("x").required(),
                        Attribute::string("y").optional().computed(),
                    ],
                )
                .optional(),
            ],
        );
        let config = bytes(json!({"m": {"a": {"x": "1"}, "b": {"x": "2"}}}));
        let prior = bytes(json!({"m": {"a": {"x": "0", "y": "y"}}}));
        let plan =
            |value| paths(check_plan(&schema, Some(&prior), &config, &bytes(value)).unwrap());
        assert!(plan(json!({"m": {"a": {"x": "1", "y": "y"}, "b": {"x": "2"}}})).is_empty());
        // What is equivalent to what was there may stay.
        assert!(plan(json!({"m": {"a": {"x": "0"}, "b": {"x": "2"}}})).is_empty());
        assert_eq!(
            plan(json!({"m": {"a": {"x": "1"}, "b": {"x": "3"}}})),
            [r#"m["b"].x"#]
        );
        assert_eq!(plan(json!({"m": {"a": {"x": "1"}}})), ["m"]);
        assert_eq!(
            plan(json!({"m": {"a": {"x": "1"}, "c": {"x": "2"}}})),
            [r#"m["c"]"#]
        );
        assert_eq!(plan(json!({"m": null})), ["m"]);
    }

    #[test]
    fn the_new_state_completes_the_plan() {
        let mut plan = vec![0x83];
        plan.extend_from_slice(b"\xa2id");
        plan.extend_from_slice(&UNKNOWN);
        plan.extend_from_slice(b"\xa4name\xa1n");
        plan.extend_from_slice(b"\xa4tree\x81\xa1k\x81\xa1x\xa1v");
        let new = |value| paths(check_result(&schema(), &plan, &bytes(value)).unwrap());
        assert!(new(json!({"id": "1", "name": "n", "tree": {"k": {"x": "v"}}})).is_empty());
        assert_eq!(
            new(json!({"id": "1", "name": "m", "tree": {"k": {"x": "v"}}})),
            ["name"]
        );
        assert_eq!(
            new(json!({"id": "1", "name": "n", "tree": {"k": {"x": "w"}}})),
            [r#"tree["k"].x"#]
        );
        assert_eq!(
            paths(check_result(&schema(), &plan, &plan).unwrap()),
            ["id"]
        );
        assert_eq!(
            new(json!({"id": "1", "name": "n", "tree": {"k": {"x": "v"}}, "secret": "s"})),
            ["", "secret"]
        );
    }

    #[test]
    fn an_object_stays_the_one_it_is() {
        let identity = Identity::of(["id"]);
        let state = |id: &str| bytes(json!({"id": id, "name": "n"}));
        let same = |before: &[u8], after: &[u8]| {
            paths(check_same_object(&identity, before, after).unwrap())
        };
        assert!(same(&state("1"), &state("1")).is_empty());
        assert!(same(&state("1"), &NULL).is_empty());
        assert_eq!(same(&state("1"), &state("2")), ["id"]);

        let asked = bytes(json!({"id": "1"}));
        let import = |state: &[u8]| paths(check_import(&identity, Some(&asked), state).unwrap());
        assert!(import(&state("1")).is_empty());
        assert_eq!(import(&state("2")), ["id"]);
        let missing = bytes(json!({"id": null, "name": "n"}));
        assert_eq!(import(&missing), [""]);
        assert_eq!(
            paths(check_import(&identity, None, &missing).unwrap()),
            [""]
        );
        assert!(
            check_import(&identity, None, &state("1"))
                .unwrap()
                .is_empty()
        );
    }
}
