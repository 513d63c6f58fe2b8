//! The rules that every plan follows: defaults, values known after apply, values kept from state, replacement.

use serde_json::Value as Json;

use super::msgpack::{self, DecodeError, NULL};
use super::path::Path;
use super::raw_value::{self, RawValue, Shape};
use super::schema::{Attribute, Kind, Nesting, Schema};

/// Makes the starting point of a plan from what Terraform proposes: write-only values gone, defaults filled in, and
/// where something changes, computed values unknown unless they keep what the state has.
pub(crate) fn propose(
    schema: &Schema,
    config: &[u8],
    prior: Option<&[u8]>,
    proposed: &[u8],
) -> Result<Vec<u8>, DecodeError> {
    let mut plan = RawValue::Borrowed(proposed);
    remove_write_only(schema.attributes(), &mut plan)?;
    fill_defaults(schema.attributes(), config, &mut plan)?;
    let mut planned = Vec::with_capacity(proposed.len());
    plan.write(&mut planned);
    if let Some(prior) = prior
        && raw_value::is_same(Shape::Object(schema.attributes()), prior, &planned)?
    {
        return Ok(planned);
    }
    let mut plan = RawValue::Borrowed(&planned);
    mark_unknown(
        schema.attributes(),
        config,
        prior.unwrap_or(&NULL),
        &mut plan,
    )?;
    let mut marked = Vec::with_capacity(planned.len());
    plan.write(&mut marked);
    Ok(marked)
}

/// Puts null in the place of every write-only value, at every level.
pub(crate) fn without_write_only(schema: &Schema, value: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut raw = RawValue::Borrowed(value);
    remove_write_only(schema.attributes(), &mut raw)?;
    let mut bytes = Vec::with_capacity(value.len());
    raw.write(&mut bytes);
    Ok(bytes)
}

fn remove_write_only(
    attributes: &[Attribute],
    object: &mut RawValue<'_>,
) -> Result<(), DecodeError> {
    if !attributes.iter().any(|a| a.any(Attribute::is_write_only)) {
        return Ok(());
    }
    let Some(entries) = object.entries()? else {
        return Ok(());
    };
    for (name, value) in entries {
        let Some(attribute) = attributes.iter().find(|a| a.name() == *name) else {
            continue;
        };
        if attribute.is_write_only() {
            *value = RawValue::null();
        } else if let Kind::Nested(nesting, inner) = attribute.kind() {
            for_each_object(*nesting, value, |object| remove_write_only(inner, object))?;
        }
    }
    Ok(())
}

fn for_each_object(
    nesting: Nesting,
    value: &mut RawValue<'_>,
    mut change: impl FnMut(&mut RawValue<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    match nesting {
        Nesting::Single => change(value)?,
        Nesting::Map => {
            for (_, object) in value.entries()?.into_iter().flatten() {
                change(object)?;
            }
        }
        Nesting::List | Nesting::Set => {
            for object in value.elements()?.into_iter().flatten() {
                change(object)?;
            }
        }
    }
    Ok(())
}

fn fill_defaults(
    attributes: &[Attribute],
    config: &[u8],
    object: &mut RawValue<'_>,
) -> Result<(), DecodeError> {
    if !attributes.iter().any(|a| a.any(Attribute::has_default)) {
        return Ok(());
    }
    let Some(config) = raw_value::entries(config)? else {
        return Ok(());
    };
    let Some(entries) = object.entries()? else {
        return Ok(());
    };
    for (name, value) in entries {
        let Some(attribute) = attributes.iter().find(|a| a.name() == *name) else {
            continue;
        };
        let config = raw_value::find_attribute(&config, name);
        if let Some(default) = attribute.default_value() {
            if raw_value::is_null(config) {
                *value = RawValue::Owned(encode_default(default)?);
            }
        } else if let Kind::Nested(nesting, inner) = attribute.kind() {
            for_each_configured(*nesting, config, &NULL, value, |config, _, object| {
                fill_defaults(inner, config, object)
            })?;
        }
    }
    Ok(())
}

fn encode_default(default: &Json) -> Result<Vec<u8>, DecodeError> {
    msgpack::to_vec(default).map_err(|error| DecodeError::new(error.to_string()))
}

fn mark_unknown(
    attributes: &[Attribute],
    config: &[u8],
    prior: &[u8],
    object: &mut RawValue<'_>,
) -> Result<(), DecodeError> {
    if !attributes.iter().any(|a| a.any(Attribute::is_computed)) {
        return Ok(());
    }
    let config = raw_value::entries(config)?.unwrap_or_default();
    let prior = raw_value::entries(prior)?.unwrap_or_default();
    let Some(entries) = object.entries()? else {
        return Ok(());
    };
    for (name, value) in entries {
        let Some(attribute) = attributes.iter().find(|a| a.name() == *name) else {
            continue;
        };
        let config = raw_value::find_attribute(&config, name);
        let prior = raw_value::find_attribute(&prior, name);
        if attribute.is_computed() && raw_value::is_null(config) {
            let kept = attribute.keeps_state() && !raw_value::is_null(prior);
            if !attribute.has_default() && !kept {
                *value = RawValue::unknown();
            }
        } else if let Kind::Nested(nesting, inner) = attribute.kind() {
            for_each_configured(*nesting, config, prior, value, |config, prior, object| {
                mark_unknown(inner, config, prior, object)
            })?;
        }
    }
    Ok(())
}

/// Calls `change` for every nested object with its configuration and prior state. Elements of sets cannot be told apart
/// and are left as proposed.
fn for_each_configured(
    nesting: Nesting,
    config: &[u8],
    prior: &[u8],
    value: &mut RawValue<'_>,
    mut change: impl FnMut(&[u8], &[u8], &mut RawValue<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    match nesting {
        Nesting::Single => {
            if !raw_value::is_null(config) && !raw_value::is_unknown(config) {
                change(config, prior, value)?;
            }
        }
        Nesting::Map => {
            let config = raw_value::entries_by_key(config)?;
            let prior = raw_value::entries_by_key(prior)?;
            for (key, object) in value.entries()?.into_iter().flatten() {
                let config = config.get(key).copied().unwrap_or(&NULL);
                let prior = prior.get(key).copied().unwrap_or(&NULL);
                change(config, prior, object)?;
            }
        }
        Nesting::List => {
            let config = raw_value::elements(config)?.unwrap_or_default();
            let prior = raw_value::elements(prior)?.unwrap_or_default();
            for (index, object) in value.elements()?.into_iter().flatten().enumerate() {
                let config = config.get(index).copied().unwrap_or(&NULL);
                let prior = prior.get(index).copied().unwrap_or(&NULL);
                change(config, prior, object)?;
            }
        }
        Nesting::Set => {}
    }
    Ok(())
}

/// Finds the changed attributes that replace the object.
pub(crate) fn requires_replace(
    schema: &Schema,
    prior: &[u8],
    planned: &[u8],
) -> Result<Vec<Path>, DecodeError> {
    let mut paths = Vec::new();
    collect_replaced(
        schema.attributes(),
        prior,
        planned,
        &Path::root(),
        &mut paths,
    )?;
    Ok(paths)
}

fn collect_replaced(
    attributes: &[Attribute],
    prior: &[u8],
    planned: &[u8],
    path: &Path,
    paths: &mut Vec<Path>,
) -> Result<(), DecodeError> {
    let (Some(prior), Some(planned)) = (raw_value::entries(prior)?, raw_value::entries(planned)?)
    else {
        return Ok(());
    };
    for attribute in attributes {
        let prior = raw_value::find_attribute(&prior, attribute.name());
        let planned = raw_value::find_attribute(&planned, attribute.name());
        let path = path.attribute(attribute.name());
        if attribute.replaces()
            && !raw_value::is_same(Shape::from(attribute.kind()), prior, planned)?
        {
            paths.push(path.clone());
        }
        if let Kind::Nested(Nesting::Single, inner) = attribute.kind() {
            collect_replaced(inner, prior, planned, &path, paths)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::collections::BTreeSet;

    use serde::{Deserialize, Serialize};

    use super::super::msgpack::{from_slice, to_vec};
    use super::super::types::Type;
    use super::super::value::Value;
    use super::*;

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Settings {
        role: Value<String>,
        regions: Value<BTreeSet<String>>,
        arn: Value<String>,
    }

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct State {
        id: Value<String>,
        handle: Value<String>,
        tree: Value<String>,
        secret: Value<String>,
        settings: Value<Settings>,
    }

    fn schema() -> Schema {
        Schema::new(
            "A thing.",
            vec![
                Attribute::string("id").computed().use_state_for_unknown(),
                Attribute::string("handle").required().requires_replace(),
                Attribute::string("tree").computed(),
                Attribute::string("secret").optional().write_only(),
                Attribute::nested(
                    "settings",
                    vec![
                        Attribute::string("role").required(),
                        Attribute::set("regions", Type::String).default(["*"]),
                        Attribute::string("arn").computed(),
                    ],
                )
                .optional(),
            ],
        )
    }

    fn config() -> State {
        State {
            handle: "a".into(),
            secret: "s".into(),
            settings: Value::Known(Settings {
                role: "r".into(),
                ..Settings::default()
            }),
            ..State::default()
        }
    }

    fn proposed(config: &State, prior: Option<&State>, proposed: &State) -> State {
        let prior = prior.map(|prior| to_vec(prior).unwrap());
        let bytes = propose(
            &schema(),
            &to_vec(config).unwrap(),
            prior.as_deref(),
            &to_vec(proposed).unwrap(),
        )
        .unwrap();
        from_slice(&bytes).unwrap()
    }

    fn settings(state: &mut State) -> &mut Settings {
        match &mut state.settings {
            Value::Known(settings) => settings,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn create_fills_defaults_and_marks_what_is_computed() {
        let plan = proposed(&config(), None, &config());
        let mut expected = config();
        expected.id = Value::Unknown;
        expected.tree = Value::Unknown;
        expected.secret = Value::Null;
        settings(&mut expected).regions = Value::Known(BTreeSet::from(["*".into()]));
        settings(&mut expected).arn = Value::Unknown;
        assert_eq!(plan, expected);
    }

    #[test]
    fn nothing_changes_where_nothing_changes_and_a_removed_argument_returns_to_its_default() {
        let mut prior = config();
        prior.id = "1".into();
        prior.tree = "t".into();
        prior.secret = Value::Null;
        settings(&mut prior).regions = Value::Known(BTreeSet::from(["*".into()]));
        settings(&mut prior).arn = "arn".into();
        // Terraform proposes prior values for what is computed, and the write-only value from the configuration.
        let mut terraform = prior.clone();
        terraform.secret = "s".into();
        assert_eq!(proposed(&config(), Some(&prior), &terraform), prior);

        settings(&mut prior).regions = Value::Known(BTreeSet::from(["eu-west-1".into()]));
        settings(&mut terraform).regions = Value::Known(BTreeSet::from(["eu-west-1".into()]));
        let mut plan = proposed(&config(), Some(&prior), &terraform);
        assert_eq!(plan.id, "1".into());
        assert_eq!(plan.tree, Value::Unknown);
        assert_eq!(
            settings(&mut plan).regions,
            Value::Known(BTreeSet::from(["*".into()]))
        );
        assert_eq!(settings(&mut plan).arn, Value::Unknown);
    }

    #[test]
    fn replacement_names_the_attribute() {
        let (mut prior, mut planned) = (config(), config());
        let paths = |prior: &State, planned: &State| {
            requires_replace(
                &schema(),
                &to_vec(prior).unwrap(),
                &to_vec(planned).unwrap(),
            )
            .unwrap()
        };
        assert!(paths(&prior, &planned).is_empty());
        planned.handle = Value::Unknown;
        assert_eq!(paths(&prior, &planned), [Path::of("handle")]);
        prior.handle = "b".into();
        planned.handle = "a".into();
        assert_eq!(paths(&prior, &planned), [Path::of("handle")]);
    }

    #[test]
    fn an_unknown_object_stays_unknown() {
        let mut config = config();
        config.settings = Value::Unknown;
        assert_eq!(proposed(&config, None, &config).settings, Value::Unknown);
    }
}
