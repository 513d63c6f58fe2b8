//! The document: everything a tenant's catalog holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::history::{Change, Entry, diff};
use crate::model::integration::Integration;

/// The schema version this provider writes, and the newest it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything a tenant's catalog holds.
///
/// Cloning is cheap: the integrations are shared until one is replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    schema_version: u32,
    version: u64,
    tenant: String,
    /// The history entry of this version; none only while there is no document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<Entry>,
    #[serde(with = "shared")]
    integrations: BTreeMap<String, Arc<Integration>>,
}

/// A document that is refused. It was not touched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// It is not a document.
    #[error(
        "the catalog at {place} cannot be read: {reason}. It was not changed. Put it back from a backup or from \
         version control, or correct it by hand"
    )]
    Unparsable {
        /// Its place.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer provider wrote it.
    #[error(
        "the catalog at {place} has schema version {found}; this provider reads up to {SCHEMA_VERSION}. It was not \
         changed. Upgrade the provider to the version that wrote it, or a later one"
    )]
    Newer {
        /// Its place.
        place: String,
        /// Its schema version.
        found: u64,
    },
    /// It has a field that this version does not know and would lose.
    #[error(
        "the catalog at {place} has a field that schema version {SCHEMA_VERSION} does not know: {field}. It was not \
         changed. Correct the name if the document was edited by hand, or remove the field"
    )]
    UnknownField {
        /// Its place.
        place: String,
        /// Path of the field within the document.
        field: String,
    },
    /// It is another tenant's.
    #[error(
        "the catalog at {place} is of tenant {found:?}, not of tenant {tenant:?}. It was not changed. Use the \
         directory of the right tenant, or, to rename a tenant, change \"tenant\" inside the document as well"
    )]
    OtherTenant {
        /// Its place.
        place: String,
        /// The tenant inside.
        found: String,
        /// The configured tenant.
        tenant: String,
    },
}

/// What is read before anything else, whatever the rest looks like.
#[derive(Deserialize)]
#[serde(expecting = "an object with schema_version")]
struct Header {
    schema_version: u64,
}

impl Document {
    /// The document of a tenant that has none yet.
    pub fn empty(tenant: &str) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            version: 0,
            tenant: tenant.to_owned(),
            commit: None,
            integrations: BTreeMap::new(),
        }
    }

    /// Reads a document; `place` is for messages.
    pub fn from_bytes(bytes: &[u8], tenant: &str, place: &str) -> Result<Self, DocumentError> {
        let unparsable = |reason: String| DocumentError::Unparsable {
            place: place.to_owned(),
            reason,
        };
        if bytes.is_empty() {
            return Err(unparsable("it is empty".to_owned()));
        }
        let header: Header =
            serde_json::from_slice(bytes).map_err(|error| unparsable(error.to_string()))?;
        match header.schema_version {
            1 => {}
            0 => return Err(unparsable("there is no schema version 0".to_owned())),
            found => {
                return Err(DocumentError::Newer {
                    place: place.to_owned(),
                    found,
                });
            }
        }
        let mut unknown = None;
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let document: Document = serde_ignored::deserialize(&mut json, |path| {
            unknown.get_or_insert_with(|| path.to_string());
        })
        .map_err(|error| unparsable(error.to_string()))?;
        if document.tenant != tenant {
            return Err(DocumentError::OtherTenant {
                place: place.to_owned(),
                found: document.tenant,
                tenant: tenant.to_owned(),
            });
        }
        if let Some(field) = unknown {
            return Err(DocumentError::UnknownField {
                place: place.to_owned(),
                field,
            });
        }
        match &document.commit {
            None => return Err(unparsable("\"commit\" is missing".to_owned())),
            Some(commit) if document.version == 0 || commit.version != document.version => {
                return Err(unparsable(format!(
                    "\"version\" is {}, but \"commit\" is of version {}",
                    document.version, commit.version
                )));
            }
            Some(_) => {}
        }
        for (key, integration) in &document.integrations {
            if *key != integration.id {
                return Err(unparsable(format!(
                    "the integration under {key:?} has the id {:?}",
                    integration.id
                )));
            }
        }
        Ok(document)
    }

    /// The document as it is stored: JSON with an attribute per line (people compare versions of it), sorted, with a
    /// newline at the end. An error only if a value of the model is not known yet.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Number of commits behind it; 0: there is no document yet.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether there is a document. A change that needs an earlier one must ask: it may be gone since it was read.
    pub fn exists(&self) -> bool {
        self.version > 0
    }

    /// Whose it is.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The history entry of this version; none while there is no document.
    pub fn last_commit(&self) -> Option<&Entry> {
        self.commit.as_ref()
    }

    /// All integrations, by ID.
    pub fn integrations(&self) -> impl ExactSizeIterator<Item = &Integration> {
        self.integrations.values().map(AsRef::as_ref)
    }

    /// The integration with this ID.
    pub fn integration(&self, id: &str) -> Option<&Integration> {
        self.integrations.get(id).map(AsRef::as_ref)
    }

    /// The integration with this handle.
    pub fn integration_by_handle(&self, handle: &str) -> Option<&Integration> {
        self.integrations()
            .find(|integration| integration.handle == handle)
    }

    /// Adds an integration or replaces the one with its ID, and gives the change for the history; none if it is
    /// there already, exactly so.
    #[must_use = "the change belongs in the history"]
    pub fn put(&mut self, integration: Integration) -> Option<Change> {
        let change = diff(self.integration(&integration.id), Some(&integration))?;
        self.integrations
            .insert(integration.id.clone(), Arc::new(integration));
        Some(change)
    }

    /// Removes an integration, and gives the change for the history; none if it is not there.
    #[must_use = "the change belongs in the history"]
    pub fn remove(&mut self, id: &str) -> Option<Change> {
        let removed = self.integrations.remove(id)?;
        diff(Some(&removed), None)
    }

    /// Whether both hold the same, whichever versions they are.
    pub(super) fn holds_the_same(&self, other: &Document) -> bool {
        // Arc compares by address first, so only what was replaced is looked into.
        self.integrations == other.integrations
    }

    /// Makes this the document of a commit.
    pub(super) fn stamp(&mut self, entry: Entry) {
        self.version = entry.version;
        self.commit = Some(entry);
    }
}

/// Shared values are stored as the values they are.
mod shared {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::marker::PhantomData;
    use std::sync::Arc;

    use serde::de::{Error, MapAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        map: &BTreeMap<String, Arc<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(key, value)| (key, value.as_ref())))
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Arc<T>>, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = BTreeMap<String, Arc<T>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = access.next_entry::<String, T>()? {
                    // A merge by hand can leave an entry twice; taking the last would lose the first.
                    if map.contains_key(&key) {
                        return Err(A::Error::custom(format!("{key:?} is there twice")));
                    }
                    map.insert(key, Arc::new(value));
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}
