//! serde's way from Rust to MessagePack.

use std::fmt;

use serde::ser::{
    self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    Serializer,
};

use super::super::value::UNKNOWN as UNKNOWN_NAME;
use super::{EncodeError, NULL, UNKNOWN};

/// Appends to `bytes`. Writing to a vector cannot fail, so the results of `rmp`'s writers are not errors here.
pub(super) struct Encoder<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes }
    }

    fn length(length: usize) -> Result<u32, EncodeError> {
        u32::try_from(length).map_err(|_| {
            EncodeError(format!(
                "{length} elements are more than a message can hold"
            ))
        })
    }
}

fn check<T, E: fmt::Display>(result: Result<T, E>) -> Result<(), EncodeError> {
    result
        .map(|_| ())
        .map_err(|error| EncodeError(error.to_string()))
}

fn unsupported<T>(what: &str) -> Result<T, EncodeError> {
    Err(EncodeError(format!("{what} is not a Terraform value")))
}

macro_rules! integers {
    ($($method:ident $from:ty => $write:ident $to:ty;)*) => {
        $(fn $method(self, value: $from) -> Result<(), EncodeError> {
            check(rmp::encode::$write(self.bytes, <$to>::from(value)))
        })*
    };
}

impl<'b> Serializer for &mut Encoder<'b> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), EncodeError>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    integers! {
        serialize_i8 i8 => write_sint i64;
        serialize_i16 i16 => write_sint i64;
        serialize_i32 i32 => write_sint i64;
        serialize_i64 i64 => write_sint i64;
        serialize_u8 u8 => write_uint u64;
        serialize_u16 u16 => write_uint u64;
        serialize_u32 u32 => write_uint u64;
        serialize_u64 u64 => write_uint u64;
        serialize_f32 f32 => write_f64 f64;
        serialize_f64 f64 => write_f64 f64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        check(rmp::encode::write_bool(self.bytes, value))
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        Encoder::length(value.len())?;
        check(rmp::encode::write_str(self.bytes, value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        Encoder::length(value.len())?;
        check(rmp::encode::write_bin(self.bytes, value))
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.bytes.extend_from_slice(&NULL);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), EncodeError> {
        if name == UNKNOWN_NAME {
            self.bytes.extend_from_slice(&UNKNOWN);
            Ok(())
        } else {
            self.serialize_none()
        }
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), EncodeError> {
        unsupported(name)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, EncodeError> {
        let Some(length) = length else {
            return unsupported("a sequence of unknown length");
        };
        check(rmp::encode::write_array_len(
            self.bytes,
            Encoder::length(length)?,
        ))?;
        Ok(self)
    }

    fn serialize_tuple(self, length: usize) -> Result<Self, EncodeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _length: usize,
    ) -> Result<Impossible<(), EncodeError>, EncodeError> {
        unsupported(name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Impossible<(), EncodeError>, EncodeError> {
        unsupported(name)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, EncodeError> {
        let Some(length) = length else {
            return unsupported("a map of unknown length");
        };
        check(rmp::encode::write_map_len(
            self.bytes,
            Encoder::length(length)?,
        ))?;
        Ok(self)
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<Self, EncodeError> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Impossible<(), EncodeError>, EncodeError> {
        unsupported(name)
    }
}

impl SerializeSeq for &mut Encoder<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl SerializeTuple for &mut Encoder<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl SerializeMap for &mut Encoder<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl SerializeStruct for &mut Encoder<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        name.serialize(&mut **self)?;
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
