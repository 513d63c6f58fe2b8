//! How a Rust type is described, and how its values become such that may not be known yet, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::MapAccess;
use serde::ser::SerializeStruct;

use crate::attribute::{Attribute, Kind, Nesting, Violation};
use crate::types::Type;
use crate::value::{Set, Value};

/// A rule for strings.
pub type StringCheck = fn(&str) -> Result<(), Violation>;

/// A type whose values an attribute can have.
pub trait Described {
    /// What values the attribute takes.
    fn kind() -> Kind;

    /// A rule for its strings, which the type brings along.
    fn check() -> Option<StringCheck> {
        None
    }

    /// A rule for its keys, which the type brings along.
    fn check_key() -> Option<StringCheck> {
        None
    }
}

impl Attribute {
    /// An attribute whose values are those of a Rust type, with the rules that the type brings.
    pub fn of<T: Described>(name: &str) -> Self {
        let mut attribute = Self::new(name, T::kind());
        if let Some(check) = T::check() {
            attribute = attribute.check_string(check);
        }
        if let Some(check) = T::check_key() {
            attribute = attribute.check_keys(check);
        }
        attribute
    }
}

/// A type whose values are known, and its counterpart, in which each may be unknown.
pub trait Known: Described + Sized {
    /// The counterpart, which a [`Value`] holds.
    type Planned;

    /// As the counterpart has it.
    fn into_planned(self) -> Self::Planned;

    /// The value, once all of it is known.
    ///
    /// # Errors
    /// If anything is not known, or is not set although it has to be.
    fn from_planned(planned: Self::Planned) -> Result<Self, NotKnown>;
}

/// A field of an object: a known value, or an optional one.
pub trait Field: Described + Sized {
    /// The field of the object's counterpart.
    type Value;

    /// As the counterpart has it. None is null.
    fn into_value(self) -> Self::Value;

    /// The field, once all of it is known.
    ///
    /// # Errors
    /// If anything is not known, or is not set although it has to be.
    fn from_value(value: Self::Value) -> Result<Self, NotKnown>;
}

/// Something that is not known, or not set, although it has to be by now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not known")]
pub struct NotKnown {
    path: String,
}

impl NotKnown {
    /// The value itself.
    pub fn here() -> Self {
        Self {
            path: String::new(),
        }
    }

    /// The same, seen from the object that has it as an attribute, or from the collection that has it under a key.
    #[must_use]
    pub fn below(mut self, name: impl fmt::Display) -> Self {
        self.path = match self.path.as_str() {
            "" => name.to_string(),
            path => format!("{name}.{path}"),
        };
        self
    }

    /// The path to it, such as `connection_settings.regions`.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// An object with attributes: what the derive macro implements.
pub trait Attributes {
    /// The attributes, in the order of the fields.
    fn attributes() -> Vec<Attribute>;
}

/// An object whose values may be unknown: its way through serde, attribute by attribute, so that one object can be a part
/// of another.
pub trait Record: Attributes + Default {
    /// How many attributes it has.
    const ATTRIBUTES: usize;

    /// Writes the attributes.
    ///
    /// # Errors
    /// Those of the serializer.
    fn serialize_attributes<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error>;

    /// Reads the attribute with this name from where the map stands. False, with nothing read, if there is none such.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn deserialize_attribute<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        from: &mut A,
    ) -> Result<bool, A::Error>;
}

impl Described for String {
    fn kind() -> Kind {
        Kind::Value(Type::String)
    }
}

impl Described for i64 {
    fn kind() -> Kind {
        Kind::Value(Type::Number)
    }
}

impl Described for bool {
    fn kind() -> Kind {
        Kind::Value(Type::Bool)
    }
}

/// The kind of a collection of such values.
fn collection(element: Kind, ty: fn(Type) -> Type, nesting: Nesting) -> Kind {
    match element {
        Kind::Value(element) => Kind::Value(ty(element)),
        // Collections of collections of objects have no attribute: the self-check of the schema reports the empty one.
        Kind::Nested(Nesting::Single, attributes) => Kind::Nested(nesting, attributes),
        Kind::Nested(..) => Kind::Nested(nesting, Vec::new()),
    }
}

macro_rules! collections {
    ($($collection:ident<$element:ident>: $ty:path, $nesting:path;)*) => {
        $(impl<$element: Described> Described for $collection<$element> {
            fn kind() -> Kind {
                collection($element::kind(), $ty, $nesting)
            }

            fn check() -> Option<StringCheck> {
                $element::check()
            }
        })*
    };
}

collections! {
    Vec<T>: Type::list, Nesting::List;
    Set<T>: Type::set, Nesting::Set;
    BTreeSet<T>: Type::set, Nesting::Set;
}

impl<K: Described, T: Described> Described for BTreeMap<K, T> {
    fn kind() -> Kind {
        collection(T::kind(), Type::map, Nesting::Map)
    }

    fn check() -> Option<StringCheck> {
        T::check()
    }

    fn check_key() -> Option<StringCheck> {
        K::check()
    }
}

macro_rules! transparent {
    ($($wrapper:ident)*) => {
        $(impl<T: Described> Described for $wrapper<T> {
            fn kind() -> Kind {
                T::kind()
            }

            fn check() -> Option<StringCheck> {
                T::check()
            }

            fn check_key() -> Option<StringCheck> {
                T::check_key()
            }
        })*
    };
}

transparent! { Value Option }

macro_rules! scalars {
    ($($scalar:ty)*) => {
        $(impl Known for $scalar {
            type Planned = Self;

            fn into_planned(self) -> Self {
                self
            }

            fn from_planned(planned: Self) -> Result<Self, NotKnown> {
                Ok(planned)
            }
        })*
    };
}

scalars! { String i64 bool }

impl<T: Known> Known for Vec<T> {
    type Planned = Vec<Value<T::Planned>>;

    fn into_planned(self) -> Self::Planned {
        self.into_iter().map(Field::into_value).collect()
    }

    fn from_planned(planned: Self::Planned) -> Result<Self, NotKnown> {
        let elements = planned.into_iter().enumerate();
        elements
            .map(|(index, value)| T::from_value(value).map_err(|error| error.below(index)))
            .collect()
    }
}

impl<T: Known<Planned: Ord> + Ord> Known for BTreeSet<T> {
    type Planned = Set<T::Planned>;

    fn into_planned(self) -> Self::Planned {
        self.into_iter().map(Field::into_value).collect()
    }

    fn from_planned(planned: Self::Planned) -> Result<Self, NotKnown> {
        planned.into_iter().map(T::from_value).collect()
    }
}

impl<K: Known<Planned: Ord + fmt::Display> + Ord, T: Known> Known for BTreeMap<K, T> {
    type Planned = BTreeMap<K::Planned, Value<T::Planned>>;

    fn into_planned(self) -> Self::Planned {
        self.into_iter()
            .map(|(key, value)| (key.into_planned(), value.into_value()))
            .collect()
    }

    fn from_planned(planned: Self::Planned) -> Result<Self, NotKnown> {
        let entries = planned.into_iter();
        entries
            .map(|(key, value)| match T::from_value(value) {
                Ok(value) => Ok((K::from_planned(key)?, value)),
                Err(error) => Err(error.below(key)),
            })
            .collect()
    }
}

impl<T: Known> Field for T {
    type Value = Value<T::Planned>;

    fn into_value(self) -> Self::Value {
        Value::Known(self.into_planned())
    }

    fn from_value(value: Self::Value) -> Result<Self, NotKnown> {
        match value {
            Value::Known(planned) => T::from_planned(planned),
            Value::Null | Value::Unknown => Err(NotKnown::here()),
        }
    }
}

impl<T: Known> Field for Option<T> {
    type Value = Value<T::Planned>;

    fn into_value(self) -> Self::Value {
        self.map_or(Value::Null, T::into_value)
    }

    fn from_value(value: Self::Value) -> Result<Self, NotKnown> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A value as a whole: not known if anything in it is not.
pub fn whole<T: Known<Planned: Clone>>(value: &Value<T::Planned>) -> Value<T> {
    value.as_ref().and_then(|planned| {
        let known = T::from_planned(planned.clone());
        known.map_or(Value::Unknown, Value::Known)
    })
}

#[doc(hidden)]
pub mod derived {
    //! What the derive macro's code calls.

    use std::borrow::Cow;
    use std::marker::PhantomData;

    use serde::de::{Deserialize, Deserializer, IgnoredAny, Visitor};

    use super::*;

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Record, S: serde::Serializer>(
        name: &'static str,
        record: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct(name, T::ATTRIBUTES)?;
        record.serialize_attributes(&mut fields)?;
        fields.end()
    }

    struct RecordVisitor<T>(&'static str, PhantomData<T>);

    impl<'de, T: Record> Visitor<'de> for RecordVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "struct {}", self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let mut record = T::default();
            while let Some(name) = map.next_key::<Name<'de>>()? {
                if !record.deserialize_attribute(&name.0, &mut map)? {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(record)
        }
    }

    /// A name, borrowed where the input allows it.
    struct Name<'de>(Cow<'de, str>);

    impl<'de> Deserialize<'de> for Name<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct NameVisitor;

            impl<'de> Visitor<'de> for NameVisitor {
                type Value = Name<'de>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("the name of an attribute")
                }

                fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                    Ok(Name(Cow::Borrowed(name)))
                }

                fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                    Ok(Name(Cow::Owned(name.to_owned())))
                }
            }

            deserializer.deserialize_identifier(NameVisitor)
        }
    }

    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, T: Record, D: Deserializer<'de>>(
        name: &'static str,
        deserializer: D,
    ) -> Result<T, D::Error> {
        deserializer.deserialize_struct(name, &[], RecordVisitor(name, PhantomData))
    }
}
