//! The Rust types in which a provider sees configurations and states.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::msgpack::{self, Head, NULL, Reader, UNKNOWN};
use super::path::Path;
use super::raw_value::{self, Match, Shape};
use super::schema::{Attribute, Kind, Nesting, Schema};
use super::types::Type;

/// A Rust type of a schema: a serde struct with a field of [`super::value::Value`] per attribute,
/// `#[serde(default)]`.
pub trait Model: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Model for T {}

/// Finds where a Rust type and a schema disagree: about attributes, their types, or whether they can be null or
/// unknown.
pub(crate) fn problems<M: Model>(schema: &Schema) -> Vec<String> {
    let attributes = schema.attributes();
    [
        ("null", sample(attributes, Some(&NULL))),
        ("unknown", sample(attributes, Some(&UNKNOWN))),
        ("values of the schema's types", sample(attributes, None)),
        ("unknown elements", sample_of_unknown_elements(attributes)),
    ]
    .into_iter()
    .filter_map(|(what, sample)| round_trip::<M>(attributes, what, &sample).err())
    .collect()
}

/// Decodes a sample and encodes it again.
///
/// # Errors
/// If the Rust type cannot hold the sample, or makes another value of it.
fn round_trip<M: Model>(attributes: &[Attribute], what: &str, sample: &[u8]) -> Result<(), String> {
    let model: M = msgpack::from_slice(sample)
        .map_err(|error| format!("the Rust type cannot hold {what}: {error}"))?;
    let again = msgpack::to_vec(&model)
        .map_err(|error| format!("the Rust type cannot be written: {error}"))?;
    let mut path = Path::root();
    let shape = Shape::Object(attributes);
    let same = raw_value::matches(shape, sample, &again, Match::Same, &mut path);
    if same == Ok(true) && names(sample) == names(&again) {
        Ok(())
    } else {
        Err(format!("the Rust type loses {what} at {path:?}"))
    }
}

/// The attribute names at every level, sorted: a field without an attribute would reach Terraform.
fn names(value: &[u8]) -> Vec<&str> {
    let mut reader = Reader::new(value);
    let mut names = Vec::new();
    while let Ok(head) = reader.head() {
        if let Head::Str(name) = head {
            names.push(name);
        }
    }
    names.sort_unstable();
    names
}

/// An object with `leaf` for each attribute that is not nested (none: a known value), and one element in each
/// collection of objects.
fn sample(attributes: &[Attribute], leaf: Option<&[u8]>) -> Vec<u8> {
    let mut sample = Vec::new();
    write_object(attributes, leaf, &mut sample);
    sample
}

fn write_object(attributes: &[Attribute], leaf: Option<&[u8]>, to: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = rmp::encode::write_map_len(to, attributes.len() as u32);
    for attribute in attributes {
        let _ = rmp::encode::write_str(to, attribute.name());
        match attribute.kind() {
            Kind::Value(ty) => match leaf {
                Some(leaf) => to.extend_from_slice(leaf),
                None => write_known(ty, to),
            },
            Kind::Nested(nesting, inner) => {
                match nesting {
                    Nesting::Single => {}
                    Nesting::List | Nesting::Set => to.push(0x91),
                    Nesting::Map => to.extend_from_slice(b"\x81\xa1k"),
                }
                write_object(inner, leaf, to);
            }
        }
    }
}

/// A known value of a type, with one element in each collection.
fn write_known(ty: &Type, to: &mut Vec<u8>) {
    match ty {
        Type::Bool => to.push(0xc3),
        Type::Number => to.push(1),
        Type::String => to.extend_from_slice(b"\xa1s"),
        Type::List(element) | Type::Set(element) => {
            to.push(0x91);
            write_known(element, to);
        }
        Type::Map(element) => {
            to.extend_from_slice(b"\x81\xa1k");
            write_known(element, to);
        }
    }
}

/// An object in which each collection that can be configured has two unknown elements: as many as a set must tell
/// apart.
fn sample_of_unknown_elements(attributes: &[Attribute]) -> Vec<u8> {
    let mut sample = Vec::new();
    write_unknown_elements(attributes, true, &mut sample);
    sample
}

fn write_unknown_elements(attributes: &[Attribute], configurable: bool, to: &mut Vec<u8>) {
    let _ = rmp::encode::write_map_len(to, attributes.len() as u32);
    for attribute in attributes {
        let _ = rmp::encode::write_str(to, attribute.name());
        let configurable = configurable && attribute.is_configurable();
        match attribute.kind() {
            Kind::Nested(Nesting::Single, inner) => write_unknown_elements(inner, configurable, to),
            Kind::Value(Type::List(_) | Type::Set(_))
            | Kind::Nested(Nesting::List | Nesting::Set, _)
                if configurable =>
            {
                to.push(0x92);
                to.extend_from_slice(&UNKNOWN);
                to.extend_from_slice(&UNKNOWN);
            }
            Kind::Value(Type::Map(_)) | Kind::Nested(Nesting::Map, _) if configurable => {
                to.extend_from_slice(b"\x81\xa1k");
                to.extend_from_slice(&UNKNOWN);
            }
            Kind::Value(_) | Kind::Nested(..) => to.extend_from_slice(&NULL),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

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
        super::problems::<State>(&Schema::new("A thing.", attributes)).join("; ")
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
