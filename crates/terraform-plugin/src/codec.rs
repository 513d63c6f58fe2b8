//! Between the bytes of messages and the Rust types of a provider.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::proto::tfplugin6::DynamicValue;

use super::diagnostics::Diagnostic;
use super::json;
use super::msgpack::{self, DecodeError, EncodeError, NULL};
use super::path::Path;
use super::schema::Schema;

/// Bytes that could not be turned into a Rust type, or the reverse.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("cannot read the {what}: {error}")]
    Decode {
        what: &'static str,
        error: DecodeError,
    },
    #[error("cannot write the {what}: {error}")]
    Encode {
        what: &'static str,
        error: EncodeError,
    },
}

/// Decodes a value; `what` is its name in an error.
pub(crate) fn decode<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, CodecError> {
    msgpack::from_slice(bytes).map_err(|error| CodecError::Decode { what, error })
}

/// Decodes a value of a message; a missing one is null.
pub(crate) fn decode_message<T: DeserializeOwned>(
    what: &'static str,
    schema: &Schema,
    value: Option<&DynamicValue>,
) -> Result<T, CodecError> {
    match value {
        Some(value) if !value.msgpack.is_empty() => decode(what, &value.msgpack),
        Some(value) if !value.json.is_empty() => {
            let msgpack = json::to_msgpack(schema.attributes(), &value.json)
                .map_err(|error| CodecError::Decode { what, error })?;
            decode(what, &msgpack)
        }
        Some(_) | None => decode(what, &NULL),
    }
}

/// Encodes a value; `what` is its name in an error.
pub(crate) fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, CodecError> {
    msgpack::to_vec(value).map_err(|error| CodecError::Encode { what, error })
}

impl From<CodecError> for Diagnostic {
    fn from(error: CodecError) -> Self {
        let path = match &error {
            CodecError::Decode { error, .. } => error.path.clone(),
            CodecError::Encode { .. } => Path::root(),
        };
        Diagnostic::error(
            "Value of the wrong type",
            format!(
                "The provider {error}. Where the value is written by hand, correct it; where it is not, Terraform and \
                 the provider disagree about the schema, which is a bug."
            ),
        )
        .at(path)
    }
}

impl From<DecodeError> for Diagnostic {
    fn from(error: DecodeError) -> Self {
        CodecError::Decode {
            what: "value",
            error,
        }
        .into()
    }
}
