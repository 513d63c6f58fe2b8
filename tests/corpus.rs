//! Values as real Terraform (1.11.4) sent them, recorded byte for byte in `tests/corpus/`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use terraform_plugin::msgpack::{from_slice, to_vec};
use terraform_plugin::value::Value;

/// Any Terraform value.
#[derive(Debug, Clone, PartialEq)]
struct Tree(Value<Known>);

#[derive(Debug, Clone, PartialEq)]
enum Known {
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(Vec<Tree>),
    Map(BTreeMap<String, Tree>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Tree)
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Serialize for Known {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Known::Bool(value) => value.serialize(serializer),
            Known::Int(value) => value.serialize(serializer),
            Known::Float(value) => value.serialize(serializer),
            Known::String(value) => value.serialize(serializer),
            Known::List(value) => value.serialize(serializer),
            Known::Map(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KnownVisitor;

        impl<'de> Visitor<'de> for KnownVisitor {
            type Value = Known;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a known value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Known, E> {
                Ok(Known::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Known, E> {
                Ok(Known::Int(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Known, E> {
                Ok(Known::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Known, E> {
                Ok(Known::String(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Known, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = seq.next_element()? {
                    list.push(element);
                }
                Ok(Known::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Known, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = entries.next_entry()? {
                    map.insert(key, value);
                }
                Ok(Known::Map(map))
            }
        }

        deserializer.deserialize_any(KnownVisitor)
    }
}

impl Tree {
    /// The value at attribute names and map keys separated by spaces.
    fn at(&self, path: &str) -> &Tree {
        path.split(' ').fold(self, |tree, step| match &tree.0 {
            Value::Known(Known::Map(map)) => &map[step],
            other => panic!("{step} of {other:?}"),
        })
    }

    fn string(text: &str) -> Self {
        Tree(Value::Known(Known::String(text.to_owned())))
    }

    fn unknown() -> Self {
        Tree(Value::Unknown)
    }
}

fn recorded(name: &str) -> Vec<u8> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.msgpack"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn tree(name: &str) -> Tree {
    from_slice(&recorded(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_recorded_value_survives_a_round_trip() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let tree: Tree = from_slice(&bytes).unwrap();
        let again: Tree = from_slice(&to_vec(&tree).unwrap()).unwrap();
        assert_eq!(tree, again);
        count += 1;
    }
    assert!(count >= 9, "only {count} recorded values are left");
}

#[test]
fn a_recorded_value_cut_anywhere_is_an_error() {
    let bytes = recorded("unknown_config");
    for end in 0..bytes.len() {
        assert!(from_slice::<Tree>(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn unknown_values_with_refinements() {
    let bytes = recorded("unknown_proposed");
    // Extension 12 carries refinements; this recording is here because it has some.
    assert!(bytes.windows(2).any(|pair| pair[0] == 0xc7 && pair[1] > 0));
    let config = tree("unknown_proposed");
    assert_eq!(
        config.at("connection_settings external_id"),
        &Tree::unknown()
    );
    assert_eq!(
        config.at("connection_settings role_name"),
        &Tree::string("ro")
    );
    let accounts = "aws_organization accounts";
    assert_eq!(
        config.at(&format!("{accounts} 111122223333 tags k")),
        &Tree::unknown()
    );
    assert_eq!(
        config.at(&format!("{accounts} 111122223333 tags l")),
        &Tree::string("")
    );
    assert_eq!(
        config.at(&format!("{accounts} 111122223334 name")),
        &Tree::unknown()
    );
    assert_eq!(
        config.at(&format!("{accounts} 111122223333 email")),
        &Tree(Value::Null)
    );
}

#[test]
fn numbers_of_every_size() {
    let attempts = "connection_settings max_error_retry_attempts";
    assert_eq!(
        tree("unknown_proposed").at(attempts),
        &Tree(Value::Known(Known::Int(12_345_678_901)))
    );
    assert_eq!(
        tree("fraction_config").at(attempts),
        &Tree(Value::Known(Known::Float(1.5)))
    );
    assert_eq!(
        tree("digits_config").at(attempts),
        &Tree::string("123456789012345678901234567890")
    );
}

#[test]
fn unknown_values_without_refinements() {
    assert_eq!(tree("create_planned_unknown_id").at("id"), &Tree::unknown());
}

#[test]
fn null_as_a_whole() {
    assert_eq!(tree("null_prior"), Tree(Value::Null));
}
