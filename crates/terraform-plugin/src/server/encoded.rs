//! Values in messages: MessagePack, or JSON from clients that do not use MessagePack.

use crate::proto::tfplugin6::{DynamicValue, ResourceIdentityData};

use super::super::json;
use super::super::msgpack::{DecodeError, Head, NULL, Reader};
use super::super::planning;
use super::super::raw_value;
use super::super::schema::Schema;

/// The MessagePack of a message's value; a missing one is null.
pub(super) fn msgpack_of(
    schema: &Schema,
    value: Option<DynamicValue>,
) -> Result<Vec<u8>, DecodeError> {
    match value {
        Some(value) if !value.msgpack.is_empty() => {
            Reader::new(&value.msgpack).skip()?;
            Ok(value.msgpack)
        }
        Some(value) if !value.json.is_empty() => json::to_msgpack(schema.attributes(), &value.json),
        Some(_) | None => Ok(NULL.to_vec()),
    }
}

/// A value of a message.
pub(super) fn dynamic_value(msgpack: Vec<u8>) -> DynamicValue {
    DynamicValue {
        msgpack,
        json: Vec::new(),
    }
}

/// An identity of a message.
pub(super) fn identity_data(msgpack: Vec<u8>) -> ResourceIdentityData {
    ResourceIdentityData {
        identity_data: Some(dynamic_value(msgpack)),
    }
}

/// A value, unless it is null.
pub(super) fn non_null(msgpack: &[u8]) -> Option<&[u8]> {
    (!raw_value::is_null(msgpack)).then_some(msgpack)
}

/// Puts null in the place of unknown and write-only values, so that Terraform keeps the rest of a state: it drops a
/// whole state for one of them. Bytes that cannot be read stay as they are.
pub(super) fn clean_state(schema: &Schema, state: Vec<u8>) -> Vec<u8> {
    let known = without_unknown(&state).unwrap_or(state);
    planning::without_write_only(schema, &known).unwrap_or(known)
}

/// Puts null in the place of every unknown value.
fn without_unknown(value: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut reader = Reader::new(value);
    let mut known = Vec::with_capacity(value.len());
    while !reader.is_at_end() {
        let start = value.len() - reader.remaining();
        if reader.head()? == Head::Unknown {
            known.extend_from_slice(&NULL);
        } else {
            known.extend_from_slice(&value[start..value.len() - reader.remaining()]);
        }
    }
    Ok(known)
}
