//! Private state: notes of a provider about a resource that no person needs to see.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// The private part of a resource's state: JSON values by key. Terraform keeps it and shows it to nobody; it is stored
/// in the state as plain bytes, so no secret belongs here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Private(BTreeMap<String, Json>);

impl Private {
    /// Reads what was stored; bytes of another provider version that are no JSON object count as nothing stored.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).map(Self).unwrap_or_default()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        // A map of JSON values always has a JSON form.
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// The value stored under `key`, if it is there and of this type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.0.get(key)?;
        T::deserialize(value).ok()
    }

    /// Stores a value; one that has no JSON form is left out.
    pub fn set<T: Serialize>(&mut self, key: &str, value: &T) {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.insert(key.to_owned(), value);
        }
    }

    /// Forgets a value.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }
}
