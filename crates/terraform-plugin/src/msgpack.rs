//! Terraform values as MessagePack, straight to and from Rust types.
//!
//! The rules are Terraform's "Wire Format for Terraform Objects": null is nil, unknown is an extension of any code
//! (refinements are ignored, which is always allowed), numbers are integers, floats or decimal digits, sets are arrays.

mod de;
mod reader;
mod ser;

use std::fmt;

use serde::de::DeserializeOwned;
use serde::ser::Serialize;

use super::path::Path;

pub(crate) use reader::{Head, Reader};

/// An unknown value without refinements.
pub(crate) const UNKNOWN: [u8; 3] = [0xd4, 0, 0];
/// A null value.
pub(crate) const NULL: [u8; 1] = [0xc0];

/// Why bytes are not a value of the schema, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DecodeError {
    /// The attribute whose value cannot be decoded.
    pub path: Path,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.steps().is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            path: Path::root(),
            message: message.into(),
        }
    }
}

/// A value that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(pub(crate) String);

/// Decodes one value; trailing bytes are an error.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = de::Decoder::new(bytes);
    let value = T::deserialize(&mut decoder)?;
    decoder.end()?;
    Ok(value)
}

/// Encodes one value.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(256);
    value.serialize(&mut ser::Encoder::new(&mut bytes))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::super::value::{Number, Value};
    use super::*;

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Inner {
        name: Value<String>,
        tags: Value<BTreeMap<String, Value<String>>>,
        flag: Value<bool>,
    }

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Outer {
        count: Value<i64>,
        size: Value<Number>,
        regions: Value<BTreeSet<Value<String>>>,
        inner: Value<Inner>,
        many: Value<BTreeMap<String, Value<Inner>>>,
        list: Value<Vec<Inner>>,
    }

    fn value<T: std::fmt::Debug + Clone>(
        of: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Value<T>> {
        prop_oneof![
            1 => Just(Value::Null),
            1 => Just(Value::Unknown),
            4 => of.prop_map(Value::Known),
        ]
    }

    fn number() -> impl Strategy<Value = Number> {
        prop_oneof![
            any::<i64>().prop_map(Number::Int),
            (i64::MAX as u64 + 1..).prop_map(Number::UInt),
            any::<i32>().prop_map(|n| Number::Float(f64::from(n) + 0.5)),
            "[1-9][0-9]{25,40}".prop_map(Number::Decimal),
        ]
    }

    prop_compose! {
        fn inner()(
            name in value(".*"),
            tags in value(prop::collection::btree_map(".*", value(".*"), 0..20)),
            flag in value(any::<bool>()),
        ) -> Inner {
            Inner { name, tags, flag }
        }
    }

    prop_compose! {
        fn outer()(
            count in value(any::<i64>()),
            size in value(number()),
            regions in value(prop::collection::btree_set(value("[a-z]{0,300}"), 0..4)),
            inner_ in value(inner()),
            many in value(prop::collection::btree_map(".{0,40}", value(inner()), 0..4)),
            list in value(prop::collection::vec(inner(), 0..3)),
        ) -> Outer {
            Outer { count, size, regions, inner: inner_, many, list }
        }
    }

    proptest! {
        #[test]
        fn survives_a_round_trip(outer in outer()) {
            let bytes = to_vec(&outer).unwrap();
            prop_assert_eq!(from_slice::<Outer>(&bytes).unwrap(), outer);
        }

        #[test]
        fn never_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = from_slice::<Outer>(&bytes);
            let mut reader = Reader::new(&bytes);
            while reader.skip().is_ok() && !reader.is_at_end() {}
        }

        #[test]
        fn never_panics_on_damaged_bytes(outer in outer(), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = to_vec(&outer).unwrap();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = with }
            let _ = from_slice::<Outer>(&bytes);
        }
    }

    #[test]
    fn reads_numbers_as_terraform_sends_them() {
        let read = |bytes: &[u8]| from_slice::<Value<i64>>(bytes);
        assert_eq!(read(&[0x05]).unwrap(), Value::Known(5));
        assert_eq!(read(&[0xff]).unwrap(), Value::Known(-1));
        assert_eq!(
            read(&[0xcb, 0x40, 0x14, 0, 0, 0, 0, 0, 0]).unwrap(),
            Value::Known(5)
        );
        assert_eq!(read(b"\xa15").unwrap(), Value::Known(5));
        assert!(
            read(&[0xcb, 0x40, 0x15, 0, 0, 0, 0, 0, 0]).is_err(),
            "5.25 is no whole number"
        );
        assert_eq!(
            from_slice::<Number>(b"\xb5123456789012345678901").unwrap(),
            Number::Decimal("123456789012345678901".into())
        );
    }

    #[test]
    fn reads_unknown_with_and_without_refinements() {
        for bytes in [
            &[0xd4, 0x00, 0x00][..],
            // {1: false}: refined as not null.
            &[0xc7, 0x03, 0x0c, 0x81, 0x01, 0xc2],
            // Any other code is unknown as well.
            &[0xd5, 0x2a, 0x00, 0x00],
        ] {
            assert_eq!(from_slice::<Value<String>>(bytes).unwrap(), Value::Unknown);
            assert_eq!(from_slice::<Value<Inner>>(bytes).unwrap(), Value::Unknown);
            assert_eq!(
                from_slice::<Value<BTreeSet<String>>>(bytes).unwrap(),
                Value::Unknown
            );
        }
        assert_eq!(to_vec(&Value::<String>::Unknown).unwrap(), UNKNOWN);
        assert_eq!(to_vec(&Value::<String>::Null).unwrap(), NULL);
    }

    #[test]
    fn says_where_the_mistake_is() {
        #[derive(Serialize)]
        struct Wrong {
            many: BTreeMap<String, BTreeMap<String, BTreeMap<String, i64>>>,
        }
        let wrong = Wrong {
            many: BTreeMap::from([(
                "a".into(),
                BTreeMap::from([("tags".into(), BTreeMap::from([("k".into(), 5)]))]),
            )]),
        };
        let error = from_slice::<Outer>(&to_vec(&wrong).unwrap()).unwrap_err();
        assert_eq!(error.path.to_string(), r#"many["a"].tags["k"]"#);
        assert!(error.message.contains("string"), "{error}");
    }

    #[test]
    fn a_known_type_refuses_null_and_unknown() {
        assert!(from_slice::<String>(&NULL).is_err());
        let error = from_slice::<String>(&UNKNOWN).unwrap_err();
        assert!(error.message.contains("unknown"), "{error}");
    }

    #[test]
    fn a_huge_announced_length_costs_nothing() {
        // An array of four billion elements, of which none follows.
        assert!(from_slice::<Vec<i64>>(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(from_slice::<BTreeMap<String, i64>>(&[0xdf, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
