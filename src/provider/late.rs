//! Between Terraform's values and the model's.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::late::Late;
use terraform_plugin::value::{Set, Value};

/// Something of a planned state that is not known although everything should be by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not known")]
pub(in crate::provider) struct NotKnown(pub(super) &'static str);

/// A value that cannot be null and has to be known by now.
///
/// # Errors
/// If it is not known.
pub(super) fn known_value<T: Clone>(value: &Value<T>, what: &'static str) -> Result<T, NotKnown> {
    value.known().cloned().ok_or(NotKnown(what))
}

/// What has to be known by now.
///
/// # Errors
/// If it is not known.
pub(super) fn known_late<T>(late: Late<T>, what: &'static str) -> Result<T, NotKnown> {
    match late {
        Late::Known(value) => Ok(value),
        Late::Unknown => Err(NotKnown(what)),
    }
}

/// A value that may be null or unknown, as the model has it.
pub(super) fn optional<T: Clone>(value: &Value<T>) -> Late<Option<T>> {
    into_optional(value.clone())
}

/// The same of a value that is not needed any more.
pub(super) fn into_optional<T>(value: Value<T>) -> Late<Option<T>> {
    match value {
        Value::Null => Late::Known(None),
        Value::Unknown => Late::Unknown,
        Value::Known(value) => Late::Known(Some(value)),
    }
}

/// A value that cannot be null (the schema refuses it); null counts as the default.
pub(super) fn required<T: Clone + Default>(value: &Value<T>) -> Late<T> {
    match value {
        Value::Null => Late::Known(T::default()),
        Value::Unknown => Late::Unknown,
        Value::Known(value) => Late::Known(value.clone()),
    }
}

/// Back to Terraform.
pub(super) fn value<T>(late: Late<T>) -> Value<T> {
    match late {
        Late::Known(value) => Value::Known(value),
        Late::Unknown => Value::Unknown,
    }
}

/// Back to Terraform; `None` is null.
pub(super) fn optional_value<T>(late: Late<Option<T>>) -> Value<T> {
    match late {
        Late::Known(value) => Value::from(value),
        Late::Unknown => Value::Unknown,
    }
}

/// A set whose elements may be unknown: unknown as a whole if any of them is.
pub(super) fn set(value: &Value<Set<String>>) -> Late<Option<BTreeSet<String>>> {
    match value {
        Value::Null => Late::Known(None),
        Value::Unknown => Late::Unknown,
        Value::Known(elements) => {
            let known: Option<BTreeSet<String>> = elements
                .iter()
                .map(|element| element.known().cloned())
                .collect();
            known.map_or(Late::Unknown, |known| Late::Known(Some(known)))
        }
    }
}

/// A map whose values may be unknown: unknown as a whole if any of them is.
pub(super) fn map(
    value: &Value<BTreeMap<String, Value<String>>>,
) -> Late<Option<BTreeMap<String, String>>> {
    match value {
        Value::Null => Late::Known(None),
        Value::Unknown => Late::Unknown,
        Value::Known(entries) => {
            let known: Option<BTreeMap<String, String>> = entries
                .iter()
                .map(|(key, value)| Some((key.clone(), value.known()?.clone())))
                .collect();
            known.map_or(Late::Unknown, |known| Late::Known(Some(known)))
        }
    }
}

/// A set of known strings, as Terraform has it.
pub(super) fn set_value(set: BTreeSet<String>) -> Value<Set<String>> {
    Value::Known(set.into_iter().map(Value::Known).collect())
}

/// A map of known strings, as Terraform has it.
pub(super) fn map_value(map: BTreeMap<String, String>) -> Value<BTreeMap<String, Value<String>>> {
    Value::Known(map.into_iter().map(|(k, v)| (k, Value::Known(v))).collect())
}
