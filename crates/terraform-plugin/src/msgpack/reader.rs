//! A cursor over MessagePack bytes.

use rmp::Marker;

use super::DecodeError;

/// The start of one value; scalars whole, collections as their length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Head<'a> {
    Null,
    Unknown,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str(&'a str),
    Bin(&'a [u8]),
    Array(usize),
    Map(usize),
}

impl Head<'_> {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Head::Null => "null",
            Head::Unknown => "unknown",
            Head::Bool(_) => "a bool",
            Head::Int(_) | Head::UInt(_) | Head::Float(_) => "a number",
            Head::Str(_) => "a string",
            Head::Bin(_) => "binary data",
            Head::Array(_) => "a list",
            Head::Map(_) => "a map or object",
        }
    }
}

/// Reads values one after another. Never panics, never allocates.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many elements can still follow at most; an announced length above it is a lie.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.bytes.split_at_checked(count) {
            Some((taken, rest)) => {
                self.bytes = rest;
                Ok(taken)
            }
            None => Err(DecodeError::new("the value ends in the middle")),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N)?;
        let mut array = [0; N];
        array.copy_from_slice(taken);
        Ok(array)
    }

    fn length8(&mut self) -> Result<usize, DecodeError> {
        Ok(usize::from(u8::from_be_bytes(self.array()?)))
    }

    fn length16(&mut self) -> Result<usize, DecodeError> {
        Ok(usize::from(u16::from_be_bytes(self.array()?)))
    }

    fn length32(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(u32::from_be_bytes(self.array()?))
            .map_err(|_| DecodeError::new("the value is too long for this machine"))
    }

    fn string(&mut self, length: usize) -> Result<Head<'a>, DecodeError> {
        match std::str::from_utf8(self.take(length)?) {
            Ok(string) => Ok(Head::Str(string)),
            Err(_) => Err(DecodeError::new("the string is not UTF-8")),
        }
    }

    /// An extension of any code stands for an unknown value.
    fn unknown(&mut self, length: usize) -> Result<Head<'a>, DecodeError> {
        self.take(1 + length).map(|_| Head::Unknown)
    }

    /// The start of the next value without moving on.
    pub(crate) fn peek(&self) -> Result<Head<'a>, DecodeError> {
        self.clone().head()
    }

    /// Reads the start of the next value.
    pub(crate) fn head(&mut self) -> Result<Head<'a>, DecodeError> {
        let [marker] = self.array()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Head::Null,
            Marker::True => Head::Bool(true),
            Marker::False => Head::Bool(false),
            Marker::FixPos(number) => Head::Int(i64::from(number)),
            Marker::FixNeg(number) => Head::Int(i64::from(number)),
            Marker::U8 => Head::Int(i64::from(u8::from_be_bytes(self.array()?))),
            Marker::U16 => Head::Int(i64::from(u16::from_be_bytes(self.array()?))),
            Marker::U32 => Head::Int(i64::from(u32::from_be_bytes(self.array()?))),
            Marker::U64 => {
                let number = u64::from_be_bytes(self.array()?);
                i64::try_from(number).map_or(Head::UInt(number), Head::Int)
            }
            Marker::I8 => Head::Int(i64::from(i8::from_be_bytes(self.array()?))),
            Marker::I16 => Head::Int(i64::from(i16::from_be_bytes(self.array()?))),
            Marker::I32 => Head::Int(i64::from(i32::from_be_bytes(self.array()?))),
            Marker::I64 => Head::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Head::Float(f64::from(f32::from_be_bytes(self.array()?))),
            Marker::F64 => Head::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => self.string(usize::from(length))?,
            Marker::Str8 => {
                let length = self.length8()?;
                self.string(length)?
            }
            Marker::Str16 => {
                let length = self.length16()?;
                self.string(length)?
            }
            Marker::Str32 => {
                let length = self.length32()?;
                self.string(length)?
            }
            Marker::Bin8 => {
                let length = self.length8()?;
                Head::Bin(self.take(length)?)
            }
            Marker::Bin16 => {
                let length = self.length16()?;
                Head::Bin(self.take(length)?)
            }
            Marker::Bin32 => {
                let length = self.length32()?;
                Head::Bin(self.take(length)?)
            }
            Marker::FixArray(length) => Head::Array(usize::from(length)),
            Marker::Array16 => Head::Array(self.length16()?),
            Marker::Array32 => Head::Array(self.length32()?),
            Marker::FixMap(length) => Head::Map(usize::from(length)),
            Marker::Map16 => Head::Map(self.length16()?),
            Marker::Map32 => Head::Map(self.length32()?),
            Marker::FixExt1 => self.unknown(1)?,
            Marker::FixExt2 => self.unknown(2)?,
            Marker::FixExt4 => self.unknown(4)?,
            Marker::FixExt8 => self.unknown(8)?,
            Marker::FixExt16 => self.unknown(16)?,
            Marker::Ext8 => {
                let length = self.length8()?;
                self.unknown(length)?
            }
            Marker::Ext16 => {
                let length = self.length16()?;
                self.unknown(length)?
            }
            Marker::Ext32 => {
                let length = self.length32()?;
                self.unknown(length)?
            }
            Marker::Reserved => return Err(DecodeError::new("the byte 0xc1 starts no value")),
        })
    }

    /// Reads one whole value and gives its bytes.
    pub(crate) fn skip(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.bytes;
        let mut pending: usize = 1;
        while pending > 0 {
            pending -= 1;
            let children = match self.head()? {
                Head::Array(length) => length,
                Head::Map(length) => length.saturating_mul(2),
                _ => 0,
            };
            if children > self.bytes.len() {
                return Err(DecodeError::new("the value ends in the middle"));
            }
            pending = pending.saturating_add(children);
        }
        Ok(&start[..start.len() - self.bytes.len()])
    }

    /// Reads a map's key or an attribute's name.
    pub(crate) fn key(&mut self) -> Result<&'a str, DecodeError> {
        match self.head()? {
            Head::Str(key) => Ok(key),
            other => Err(DecodeError::new(format!(
                "a key must be a string, not {}",
                other.kind()
            ))),
        }
    }
}
