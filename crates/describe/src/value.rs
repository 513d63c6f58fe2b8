//! Values that may not be set, or not be known yet.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// The name by which a codec recognises a [`Value`]: serde's name of a newtype struct.
pub const VALUE: &str = "$describe::Value";
/// The name by which a codec recognises an unknown [`Value`]: serde's name of a unit struct.
pub const UNKNOWN: &str = "$describe::Unknown";
/// The name by which a codec recognises a [`Number`]: serde's name of a newtype struct.
pub const NUMBER: &str = "$describe::Number";

/// A value that may not be set, or not be known yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Value<T> {
    /// Not set.
    #[default]
    Null,
    /// Set, but not known yet.
    Unknown,
    /// Set and known.
    Known(T),
}

impl<T> Value<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Value::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The value, if it is known, to be changed.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Value::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The value, if it is known.
    pub fn into_known(self) -> Option<T> {
        match self {
            Value::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is not set.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether it is set but not known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Value::Unknown)
    }

    /// Whether it is known what it is: set to a known value, or not set.
    pub fn is_settled(&self) -> bool {
        !self.is_unknown()
    }

    /// The value, or none where it is not set. What is not known stays so.
    pub fn settled(&self) -> Option<Option<&T>> {
        match self {
            Value::Null => Some(None),
            Value::Unknown => None,
            Value::Known(value) => Some(Some(value)),
        }
    }

    /// Applies `f` to a known value, which may make it unknown or not set.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Value<U>) -> Value<U> {
        match self {
            Value::Null => Value::Null,
            Value::Unknown => Value::Unknown,
            Value::Known(value) => f(value),
        }
    }

    /// A known value instead of one that is not set.
    pub fn or(self, default: impl FnOnce() -> T) -> Value<T> {
        match self {
            Value::Null => Value::Known(default()),
            other => other,
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Value<&T> {
        match self {
            Value::Null => Value::Null,
            Value::Unknown => Value::Unknown,
            Value::Known(value) => Value::Known(value),
        }
    }

    /// Applies `f` to a known value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Value<U> {
        match self {
            Value::Null => Value::Null,
            Value::Unknown => Value::Unknown,
            Value::Known(value) => Value::Known(f(value)),
        }
    }
}

impl<T> From<T> for Value<T> {
    fn from(value: T) -> Self {
        Value::Known(value)
    }
}

impl From<&str> for Value<String> {
    fn from(value: &str) -> Self {
        Value::Known(value.to_owned())
    }
}

/// `None` is null.
impl<T> From<Option<T>> for Value<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Value::Known)
    }
}

impl<T: Serialize> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_none(),
            Value::Unknown => serializer.serialize_unit_struct(UNKNOWN),
            Value::Known(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ValueVisitor<T> {
            type Value = Value<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Value<T>, E> {
                Ok(Value::Unknown)
            }

            fn visit_none<E: de::Error>(self) -> Result<Value<T>, E> {
                Ok(Value::Null)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Value<T>, D::Error> {
                Option::<T>::deserialize(deserializer).map(Value::from)
            }
        }

        deserializer.deserialize_newtype_struct(VALUE, ValueVisitor(PhantomData))
    }
}

/// A set whose elements may be unknown. Equal known elements are one; unknown ones may turn out to differ, so each of
/// them counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set<T>(Vec<Value<T>>);

impl<T> Set<T> {
    /// The elements, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Value<T>> {
        self.0.iter()
    }
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> IntoIterator for Set<T> {
    type Item = Value<T>;
    type IntoIter = std::vec::IntoIter<Value<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: Ord> FromIterator<Value<T>> for Set<T> {
    fn from_iter<I: IntoIterator<Item = Value<T>>>(elements: I) -> Self {
        let mut elements: Vec<Value<T>> = elements.into_iter().collect();
        elements.sort_unstable();
        elements.dedup_by(|a, b| !a.is_unknown() && a == b);
        Self(elements)
    }
}

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Ord> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from_iter)
    }
}

/// A number of any size: an integer, a float, or the decimal digits of anything larger. For an
/// attribute whose numbers are not all whole, or not all of 64 bits.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// Fits 64 bits.
    Int(i64),
    /// Above [`i64::MAX`].
    UInt(u64),
    /// Has a fraction, or is out of the range of integers.
    Float(f64),
    /// Needs more than 64 bits; decimal digits.
    Decimal(String),
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Number::Int(number) => serializer.serialize_i64(*number),
            Number::UInt(number) => serializer.serialize_u64(*number),
            Number::Float(number) => serializer.serialize_f64(*number),
            Number::Decimal(digits) => serializer.serialize_str(digits),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl<'de> Visitor<'de> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number::Int(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(i64::try_from(number).map_or(Number::UInt(number), Number::Int))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number::Float(number))
            }

            fn visit_str<E: de::Error>(self, digits: &str) -> Result<Number, E> {
                // What a 64-bit float cannot hold comes as digits.
                if digits.is_empty() || digits.parse::<f64>().is_err() {
                    return Err(E::invalid_value(de::Unexpected::Str(digits), &self));
                }
                Ok(Number::Decimal(digits.to_owned()))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Number, D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        deserializer.deserialize_newtype_struct(NUMBER, NumberVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_unknown_elements() {
        let known = |text: &str| Value::Known(text.to_owned());
        let set: Set<String> = [
            Value::Unknown,
            known("b"),
            known("a"),
            Value::Unknown,
            known("b"),
        ]
        .into_iter()
        .collect();
        let elements: Vec<_> = set.iter().cloned().collect();
        assert_eq!(
            elements,
            [Value::Unknown, Value::Unknown, known("a"), known("b")]
        );
    }
}
