//! serde's way from MessagePack to Rust.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::super::path::{Path, Step};
use super::super::value::VALUE;
use super::{DecodeError, Head, Reader};

/// Deeper nesting than any schema has; beyond it the stack would be at risk.
const MAX_DEPTH: usize = 128;

pub(super) struct Decoder<'de> {
    reader: Reader<'de>,
    depth: usize,
}

impl<'de> Decoder<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            depth: 0,
        }
    }

    pub(super) fn end(&self) -> Result<(), DecodeError> {
        if self.reader.is_at_end() {
            Ok(())
        } else {
            Err(DecodeError::new("there are bytes after the value"))
        }
    }

    fn descend<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(DecodeError::new("the value is nested too deeply"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn value<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        keys: fn(String) -> Step,
    ) -> Result<V::Value, DecodeError> {
        match self.reader.head()? {
            Head::Null => visitor.visit_none(),
            Head::Unknown => Err(DecodeError::new("the value is unknown where one is needed")),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Int(value) => visitor.visit_i64(value),
            Head::UInt(value) => visitor.visit_u64(value),
            Head::Float(value) => visitor.visit_f64(value),
            Head::Str(value) => visitor.visit_borrowed_str(value),
            Head::Bin(value) => visitor.visit_borrowed_bytes(value),
            Head::Array(length) => self.descend(|decoder| {
                let mut elements = Elements {
                    decoder,
                    left: length,
                    index: 0,
                };
                let value = visitor.visit_seq(&mut elements)?;
                match elements.left {
                    0 => Ok(value),
                    left => Err(DecodeError::new(format!("{left} elements too many"))),
                }
            }),
            Head::Map(length) => self.descend(|decoder| {
                let mut entries = Entries {
                    decoder,
                    left: length,
                    key: String::new(),
                    step: keys,
                };
                let value = visitor.visit_map(&mut entries)?;
                match entries.left {
                    0 => Ok(value),
                    left => Err(DecodeError::new(format!("{left} entries too many"))),
                }
            }),
        }
    }

    fn whole_number(&mut self) -> Result<Head<'de>, DecodeError> {
        let head = self.reader.head()?;
        let whole = |number: f64| {
            // Exact: 2^53 and below. Larger whole floats are not sent as floats.
            (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0)
                .then_some(Head::Int(number as i64))
        };
        let found = match head {
            Head::Int(_) | Head::UInt(_) => Some(head),
            Head::Float(number) => whole(number),
            Head::Str(digits) => match digits.parse::<i64>() {
                Ok(number) => Some(Head::Int(number)),
                Err(_) => digits.parse::<u64>().ok().map(Head::UInt),
            },
            _ => {
                return Err(DecodeError::new(format!(
                    "a number is needed, not {}",
                    head.kind()
                )));
            }
        };
        found.ok_or_else(|| match head {
            Head::Str(digits) => {
                DecodeError::new(format!("{digits} is not a whole number of 64 bits"))
            }
            Head::Float(number) => {
                DecodeError::new(format!("{number} is not a whole number of 64 bits"))
            }
            other => DecodeError::new(format!("a number is needed, not {}", other.kind())),
        })
    }

    fn visit_whole_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.whole_number()? {
            Head::UInt(number) => visitor.visit_u64(number),
            Head::Int(number) => visitor.visit_i64(number),
            other => Err(DecodeError::new(format!(
                "a number is needed, not {}",
                other.kind()
            ))),
        }
    }

    fn visit_float<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.head()? {
            Head::Str(digits) => match digits.parse::<f64>() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => Err(DecodeError::new(format!("{digits:?} is not a number"))),
            },
            Head::Int(number) => visitor.visit_f64(number as f64),
            Head::UInt(number) => visitor.visit_f64(number as f64),
            Head::Float(number) => visitor.visit_f64(number),
            other => Err(DecodeError::new(format!(
                "a number is needed, not {}",
                other.kind()
            ))),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.visit_whole_number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.value(visitor, Step::Key)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.reader.peek()? == Head::Null {
            self.reader.head()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == VALUE {
            match self.reader.peek()? {
                Head::Null => {
                    self.reader.head()?;
                    return visitor.visit_none();
                }
                Head::Unknown => {
                    self.reader.head()?;
                    return visitor.visit_unit();
                }
                _ => {}
            }
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.value(visitor, Step::Attribute)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.reader.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit_float(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit_float(visitor)
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bool i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map enum identifier
    }
}

struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
    index: i64,
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let index = self.index;
        self.index += 1;
        seed.deserialize(&mut *self.decoder)
            .map(Some)
            .map_err(|error| at(error, Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.decoder.reader.remaining()))
    }
}

struct Entries<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
    key: String,
    step: fn(String) -> Step,
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        // The key is kept for the path of an error; one buffer is cheaper than a clone per entry.
        let key = self.decoder.reader.clone().key()?;
        self.key.clear();
        self.key.push_str(key);
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        seed.deserialize(&mut *self.decoder)
            .map_err(|error| at(error, (self.step)(std::mem::take(&mut self.key))))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.decoder.reader.remaining()))
    }
}

fn at(mut error: DecodeError, step: Step) -> DecodeError {
    error.path.prepend(step);
    error
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            path: Path::root(),
            message: message.to_string(),
        }
    }
}
