//! Values that may not be known before apply.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is known now, or only once other resources of the same run have been applied.
///
/// Planning computes with these so that everything that can be reviewed is known at plan time. What is stored
/// is always known: serializing [`Late::Unknown`] is an error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Late<T> {
    /// The value is known.
    Known(T),
    /// The value will be known at apply.
    Unknown,
}

impl<T> Late<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Late::Known(value) => Some(value),
            Late::Unknown => None,
        }
    }

    /// Whether the value is known.
    pub fn is_known(&self) -> bool {
        matches!(self, Late::Known(_))
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Late<&T> {
        match self {
            Late::Known(value) => Late::Known(value),
            Late::Unknown => Late::Unknown,
        }
    }

    /// Applies `f` to a known value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Late<U> {
        match self {
            Late::Known(value) => Late::Known(f(value)),
            Late::Unknown => Late::Unknown,
        }
    }

    /// Applies `f` to a known value, whose result may itself be unknown.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Late<U>) -> Late<U> {
        match self {
            Late::Known(value) => f(value),
            Late::Unknown => Late::Unknown,
        }
    }
}

impl<T: Default> Default for Late<T> {
    fn default() -> Self {
        Late::Known(T::default())
    }
}

impl<T> From<T> for Late<T> {
    fn from(value: T) -> Self {
        Late::Known(value)
    }
}

impl<T: Serialize> Serialize for Late<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Late::Known(value) => value.serialize(serializer),
            Late::Unknown => Err(serde::ser::Error::custom(
                "a value that is not known yet cannot be stored",
            )),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Late<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Late::Known)
    }
}
