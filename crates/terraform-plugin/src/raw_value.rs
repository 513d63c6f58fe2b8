//! Encoded values that are decoded only where needed.
//!
//! A state with 10,000 objects is megabytes; changing one attribute of it must not mean a tree of all of it. A
//! [`RawValue`] is either bytes, untouched, or one level opened.

use std::collections::HashMap;

use super::msgpack::{DecodeError, Head, NULL, Reader, UNKNOWN};
use super::path::{Path, Step};
use super::schema::{Attribute, Kind, Nesting};
use super::types::Type;

/// An encoded value, opened as far as something in it was changed.
#[derive(Debug, Clone)]
pub(crate) enum RawValue<'a> {
    /// Bytes of a message, untouched.
    Borrowed(&'a [u8]),
    /// Bytes that were put in its place.
    Owned(Vec<u8>),
    /// An object or map.
    Entries(Vec<(&'a str, RawValue<'a>)>),
    /// A list or set.
    Elements(Vec<RawValue<'a>>),
}

impl<'a> RawValue<'a> {
    pub(crate) fn null() -> Self {
        RawValue::Borrowed(&NULL)
    }

    pub(crate) fn unknown() -> Self {
        RawValue::Borrowed(&UNKNOWN)
    }

    /// The entries of an object or map; none where it is null or unknown.
    pub(crate) fn entries(
        &mut self,
    ) -> Result<Option<&mut Vec<(&'a str, RawValue<'a>)>>, DecodeError> {
        if let RawValue::Borrowed(bytes) = self {
            match entries(bytes)? {
                Some(found) => {
                    *self = RawValue::Entries(
                        found
                            .into_iter()
                            .map(|(k, v)| (k, RawValue::Borrowed(v)))
                            .collect(),
                    );
                }
                None => return Ok(None),
            }
        }
        match self {
            RawValue::Entries(entries) => Ok(Some(entries)),
            _ => Ok(None),
        }
    }

    /// The elements of a list or set; none where it is null or unknown.
    pub(crate) fn elements(&mut self) -> Result<Option<&mut Vec<RawValue<'a>>>, DecodeError> {
        if let RawValue::Borrowed(bytes) = self {
            match elements(bytes)? {
                Some(found) => {
                    *self = RawValue::Elements(found.into_iter().map(RawValue::Borrowed).collect())
                }
                None => return Ok(None),
            }
        }
        match self {
            RawValue::Elements(elements) => Ok(Some(elements)),
            _ => Ok(None),
        }
    }

    /// Appends the value to `to`.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        match self {
            RawValue::Borrowed(bytes) => to.extend_from_slice(bytes),
            RawValue::Owned(bytes) => to.extend_from_slice(bytes),
            RawValue::Entries(entries) => {
                // Writing to a vector cannot fail, and lengths come from decoded messages.
                let _ = rmp::encode::write_map_len(to, entries.len() as u32);
                for (key, value) in entries {
                    let _ = rmp::encode::write_str(to, key);
                    value.write(to);
                }
            }
            RawValue::Elements(elements) => {
                let _ = rmp::encode::write_array_len(to, elements.len() as u32);
                for element in elements {
                    element.write(to);
                }
            }
        }
    }
}

/// A key with its encoded value.
type Entry<'a> = (&'a str, &'a [u8]);

/// The entries of an encoded object or map; none where it is null or unknown.
pub(crate) fn entries(bytes: &[u8]) -> Result<Option<Vec<Entry<'_>>>, DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.head()? {
        Head::Null | Head::Unknown => Ok(None),
        Head::Map(length) => {
            let mut entries = Vec::with_capacity(length.min(reader.remaining()));
            for _ in 0..length {
                entries.push((reader.key()?, reader.skip()?));
            }
            Ok(Some(entries))
        }
        other => Err(DecodeError::new(format!(
            "a map or object is needed, not {}",
            other.kind()
        ))),
    }
}

/// The elements of an encoded list or set; none where it is null or unknown.
pub(crate) fn elements(bytes: &[u8]) -> Result<Option<Vec<&[u8]>>, DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.head()? {
        Head::Null | Head::Unknown => Ok(None),
        Head::Array(length) => {
            let mut elements = Vec::with_capacity(length.min(reader.remaining()));
            for _ in 0..length {
                elements.push(reader.skip()?);
            }
            Ok(Some(elements))
        }
        other => Err(DecodeError::new(format!(
            "a list or set is needed, not {}",
            other.kind()
        ))),
    }
}

/// An attribute's bytes; null where the object has no such attribute.
pub(crate) fn find_attribute<'a>(entries: &[(&str, &'a [u8])], name: &str) -> &'a [u8] {
    entries
        .iter()
        .find(|(key, _)| *key == name)
        .map_or(&NULL[..], |(_, value)| value)
}

/// The entries of an encoded map, to be looked up by key: there may be thousands. Empty where it is null or unknown.
pub(crate) fn entries_by_key(bytes: &[u8]) -> Result<HashMap<&str, &[u8]>, DecodeError> {
    Ok(entries(bytes)?.unwrap_or_default().into_iter().collect())
}

pub(crate) fn is_null(bytes: &[u8]) -> bool {
    bytes == NULL
}

pub(crate) fn is_unknown(bytes: &[u8]) -> bool {
    matches!(Reader::new(bytes).head(), Ok(Head::Unknown))
}

/// Whether anything in a value is unknown.
pub(crate) fn has_unknown(bytes: &[u8]) -> Result<bool, DecodeError> {
    let mut reader = Reader::new(bytes);
    while !reader.is_at_end() {
        if reader.head()? == Head::Unknown {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The part of a schema that describes an encoded value.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'s> {
    Type(&'s Type),
    Object(&'s [Attribute]),
    Nested(Nesting, &'s [Attribute]),
}

impl<'s> From<&'s Kind> for Shape<'s> {
    fn from(kind: &'s Kind) -> Self {
        match kind {
            Kind::Value(ty) => Shape::Type(ty),
            Kind::Nested(nesting, attributes) => Shape::Nested(*nesting, attributes),
        }
    }
}

/// How the parts of a collection are compared.
enum Parts<'s> {
    Scalar,
    Ordered(Shape<'s>),
    Unordered(Shape<'s>),
    Keyed(Shape<'s>),
    Attributes(Vec<(&'s str, Shape<'s>)>),
}

fn parts(shape: Shape<'_>) -> Parts<'_> {
    match shape {
        Shape::Type(Type::Bool | Type::Number | Type::String) => Parts::Scalar,
        Shape::Type(Type::List(element)) => Parts::Ordered(Shape::Type(element)),
        Shape::Type(Type::Set(element)) => Parts::Unordered(Shape::Type(element)),
        Shape::Type(Type::Map(element)) => Parts::Keyed(Shape::Type(element)),
        Shape::Object(attributes) | Shape::Nested(Nesting::Single, attributes) => {
            Parts::Attributes(
                attributes
                    .iter()
                    .map(|attribute| (attribute.name(), Shape::from(attribute.kind())))
                    .collect(),
            )
        }
        Shape::Nested(Nesting::List, attributes) => Parts::Ordered(Shape::Object(attributes)),
        Shape::Nested(Nesting::Set, attributes) => Parts::Unordered(Shape::Object(attributes)),
        Shape::Nested(Nesting::Map, attributes) => Parts::Keyed(Shape::Object(attributes)),
    }
}

/// The relation that two values must have to match.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// Both are the same value; unknown equals unknown.
    Same,
    /// The second is the first with its unknown parts filled in.
    Completes,
}

/// Whether two encoded values match; where not, `path` ends at the first place where they differ.
pub(crate) fn matches(
    shape: Shape<'_>,
    a: &[u8],
    b: &[u8],
    how: Match,
    path: &mut Path,
) -> Result<bool, DecodeError> {
    if a == b {
        return Ok(true);
    }
    let (head_a, head_b) = (Reader::new(a).head()?, Reader::new(b).head()?);
    match (head_a, head_b) {
        (Head::Unknown, Head::Unknown) => return Ok(true),
        (Head::Unknown, _) => return Ok(how == Match::Completes),
        (_, Head::Unknown) | (Head::Null, _) | (_, Head::Null) => return Ok(head_a == head_b),
        _ => {}
    }
    let matches_at = |path: &mut Path, step, shape, a, b| {
        path.push(step);
        let same = matches(shape, a, b, how, path)?;
        if same {
            path.pop();
        }
        Ok::<_, DecodeError>(same)
    };
    match parts(shape) {
        Parts::Scalar => Ok(scalars_match(head_a, head_b)),
        Parts::Attributes(attributes) => {
            let (Some(a), Some(b)) = (entries(a)?, entries(b)?) else {
                return Ok(false);
            };
            for (name, shape) in attributes {
                let name_step = Step::Attribute(name.to_owned());
                if !matches_at(
                    path,
                    name_step,
                    shape,
                    find_attribute(&a, name),
                    find_attribute(&b, name),
                )? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Parts::Keyed(shape) => {
            let (Some(mut a), Some(mut b)) = (entries(a)?, entries(b)?) else {
                return Ok(false);
            };
            a.sort_unstable_by_key(|(key, _)| *key);
            b.sort_unstable_by_key(|(key, _)| *key);
            if a.len() != b.len() {
                return Ok(false);
            }
            for ((key_a, a), (key_b, b)) in a.into_iter().zip(b) {
                if key_a != key_b || !matches_at(path, Step::Key(key_a.to_owned()), shape, a, b)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Parts::Ordered(shape) => {
            let (Some(a), Some(b)) = (elements(a)?, elements(b)?) else {
                return Ok(false);
            };
            if a.len() != b.len() {
                return Ok(false);
            }
            for (index, (a, b)) in (0..).zip(a.into_iter().zip(b)) {
                if !matches_at(path, Step::Index(index), shape, a, b)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Parts::Unordered(shape) => {
            let (Some(a), Some(b)) = (elements(a)?, elements(b)?) else {
                return Ok(false);
            };
            sets_match(shape, &a, &b, how)
        }
    }
}

/// Elements of sets have no identity: each of one side must match one of the other. Unknown elements may turn out
/// equal, so the sets may differ in size where there are any.
fn sets_match(shape: Shape<'_>, a: &[&[u8]], b: &[&[u8]], how: Match) -> Result<bool, DecodeError> {
    if how == Match::Same && a.len() != b.len() {
        return Ok(false);
    }
    let found = |element: &[u8], among: &[&[u8]], swap: bool| {
        for other in among {
            let (a, b) = if swap {
                (*other, element)
            } else {
                (element, *other)
            };
            if matches(shape, a, b, how, &mut Path::root())? {
                return Ok(true);
            }
        }
        Ok::<_, DecodeError>(false)
    };
    for element in a {
        if !found(element, b, false)? {
            return Ok(false);
        }
    }
    for element in b {
        if !found(element, a, true)? {
            return Ok(false);
        }
    }
    Ok(b.len() <= a.len())
}

fn scalars_match(a: Head<'_>, b: Head<'_>) -> bool {
    // Decimal digits stand for numbers that a float only comes near to.
    let number = |head| match head {
        Head::Int(number) => Some(number as f64),
        Head::UInt(number) => Some(number as f64),
        Head::Float(number) => Some(number),
        _ => None,
    };
    match (a, b) {
        (Head::Int(a), Head::Int(b)) => a == b,
        (Head::UInt(a), Head::UInt(b)) => a == b,
        (Head::Str(digits), other) | (other, Head::Str(digits)) if number(other).is_some() => {
            digits.parse::<f64>().ok() == number(other)
        }
        _ => a == b || (number(a).is_some() && number(a) == number(b)),
    }
}

/// Whether two encoded values are the same, whatever the order of keys and set elements.
pub(crate) fn is_same(shape: Shape<'_>, a: &[u8], b: &[u8]) -> Result<bool, DecodeError> {
    matches(shape, a, b, Match::Same, &mut Path::root())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::msgpack::to_vec;
    use super::*;

    #[test]
    fn values_are_compared_to_the_bottom() {
        let ty = Type::map(Type::list(Type::String));
        let shape = Shape::Type(&ty);
        let value = |value: serde_json::Value| to_vec(&value).unwrap();
        let a = value(json!({"x": ["one", "two"], "y": null}));
        let reordered = b"\x82\xa1y\xc0\xa1x\x92\xa3one\xa3two";
        assert!(is_same(shape, &a, reordered).unwrap());
        for other in [
            json!({"x": ["one", "three"], "y": null}),
            json!({"x": ["one"], "y": null}),
            json!({"x": ["one", "two"], "z": null}),
        ] {
            assert!(!is_same(shape, &a, &value(other)).unwrap());
        }
        assert!(is_same(shape, &a, &value(json!(["one", "two"]))).is_err());
        let planned = b"\x82\xa1y\xd4\x00\x00\xa1x\x92\xa3one\xa3two";
        let completes =
            |a: &[u8], b: &[u8]| matches(shape, a, b, Match::Completes, &mut Default::default());
        assert!(completes(planned, &a).unwrap());
        assert!(!completes(&a, planned).unwrap());
    }
}
