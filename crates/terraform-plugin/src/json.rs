//! Values as JSON: stored states, and messages of clients that do not use MessagePack.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::msgpack::{self, DecodeError};
use super::raw_value::Shape;
use super::schema::{Attribute, Nesting};

/// Decodes a stored state. Attributes that it lacks are null; those that the type lacks are ignored.
///
/// # Errors
/// If it is not JSON, or a value is of another type; the path says which.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(bytes).or_else(|error| {
        // JSON's error knows a line and a column; the slow way round knows the attribute.
        let json: Json = serde_json::from_slice(bytes)
            .map_err(|error| DecodeError::new(format!("it is no JSON: {error}")))?;
        let bytes = msgpack::to_vec(&json).map_err(|error| DecodeError::new(error.to_string()))?;
        Err(match msgpack::from_slice::<T>(&bytes) {
            Err(located) => located,
            Ok(_) => DecodeError::new(error.to_string()),
        })
    })
}

/// Turns a JSON value of a schema into MessagePack.
pub(crate) fn to_msgpack(attributes: &[Attribute], bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let json: Json = serde_json::from_slice(bytes)
        .map_err(|error| DecodeError::new(format!("it is no JSON: {error}")))?;
    let mut to = Vec::with_capacity(bytes.len());
    write(Shape::Object(attributes), &json, &mut to)?;
    Ok(to)
}

fn write(shape: Shape<'_>, json: &Json, to: &mut Vec<u8>) -> Result<(), DecodeError> {
    match (shape, json) {
        (_, Json::Null) => write_plain(json, to),
        (
            Shape::Object(attributes) | Shape::Nested(Nesting::Single, attributes),
            Json::Object(object),
        ) => {
            // Writing to a vector cannot fail.
            let _ = rmp::encode::write_map_len(to, attributes.len() as u32);
            for attribute in attributes {
                let _ = rmp::encode::write_str(to, attribute.name());
                let value = object.get(attribute.name()).unwrap_or(&Json::Null);
                write(Shape::from(attribute.kind()), value, to)?;
            }
            Ok(())
        }
        (Shape::Nested(Nesting::Map, attributes), Json::Object(object)) => {
            let _ = rmp::encode::write_map_len(to, object.len() as u32);
            for (key, value) in object {
                let _ = rmp::encode::write_str(to, key);
                write(Shape::Object(attributes), value, to)?;
            }
            Ok(())
        }
        (Shape::Nested(Nesting::List | Nesting::Set, attributes), Json::Array(elements)) => {
            let _ = rmp::encode::write_array_len(to, elements.len() as u32);
            for element in elements {
                write(Shape::Object(attributes), element, to)?;
            }
            Ok(())
        }
        // Anything else has one form only; a wrong type is found when it is decoded.
        _ => write_plain(json, to),
    }
}

fn write_plain(json: &Json, to: &mut Vec<u8>) -> Result<(), DecodeError> {
    let bytes = msgpack::to_vec(json).map_err(|error| DecodeError::new(error.to_string()))?;
    to.extend_from_slice(&bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::super::types::Type;
    use super::super::value::Value;
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct State {
        name: Value<String>,
        tags: Value<BTreeMap<String, String>>,
        count: Value<i64>,
    }

    #[test]
    fn reads_a_stored_state() {
        let state: State =
            from_slice(br#"{"name": "n", "tags": {"a": "b"}, "gone": [1, 2]}"#).unwrap();
        assert_eq!(state.name, "n".into());
        assert_eq!(state.tags.known().unwrap()["a"], "b");
        assert_eq!(state.count, Value::Null);
    }

    #[test]
    fn says_where_a_stored_state_is_wrong() {
        let error = from_slice::<State>(br#"{"tags": {"a": 5}}"#).unwrap_err();
        assert_eq!(error.path.to_string(), r#"tags["a"]"#);
        assert!(
            from_slice::<State>(b"{")
                .unwrap_err()
                .message
                .contains("no JSON")
        );
    }

    #[test]
    fn becomes_messagepack_by_the_schema() {
        let attributes = vec![
            Attribute::string("name").optional(),
            Attribute::number("count").optional(),
            Attribute::map("tags", Type::String).optional(),
        ];
        let bytes = to_msgpack(&attributes, br#"{"name": "n", "tags": {"a": "b"}}"#).unwrap();
        let state: State = msgpack::from_slice(&bytes).unwrap();
        assert_eq!(state.name, "n".into());
        assert_eq!(state.count, Value::Null);
    }
}
