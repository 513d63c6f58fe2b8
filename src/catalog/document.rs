//! The document: the content of a tenant's catalog.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::history::Entry;
use crate::model::handle_assignment::{HandleNotice, assign_handles};
use crate::model::objects::{ObjectMap, kinds};
use crate::model::tenant::Tenant;
use crate::model::visibility::Resolved;

/// The schema version this provider writes, and the newest it reads. Version 1 had integrations alone.
pub const SCHEMA_VERSION: u32 = 2;

/// What some editors begin files with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The content of a tenant's catalog.
///
/// Cloning is cheap: clones share their objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    version: u64,
    /// The history entry of this version; none only while there is no document.
    commit: Option<Arc<Entry>>,
    tenant: Tenant,
    resolution: Resolution,
}

/// The tenant resolved, once somebody asked. Clones of a document share it until one of them changes.
#[derive(Debug, Clone, Default)]
struct Resolution(Arc<OnceLock<Resolved>>);

impl PartialEq for Resolution {
    /// It follows from the tenant.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

macro_rules! stored {
    ($($(#[$_doc:meta])* $field:ident: $kind:ty [$($absent:meta)?],)+) => {
        /// A document as it is stored. Older documents lack the fields of later schema versions.
        #[derive(Serialize, Deserialize)]
        struct Stored {
            schema_version: u32,
            version: u64,
            tenant: String,
            #[serde(
                default,
                skip_serializing_if = "Option::is_none",
                with = "shared_entry"
            )]
            commit: Option<Arc<Entry>>,
            $(#[serde($($absent,)? with = "shared")] $field: ObjectMap<$kind>,)+
        }

        impl From<Stored> for Document {
            fn from(stored: Stored) -> Self {
                Self {
                    version: stored.version,
                    commit: stored.commit,
                    tenant: Tenant {
                        handle: stored.tenant,
                        $($field: stored.$field,)+
                    },
                    resolution: Resolution::default(),
                }
            }
        }

        impl From<&Document> for Stored {
            fn from(document: &Document) -> Self {
                let tenant = document.tenant.clone();
                Self {
                    schema_version: SCHEMA_VERSION,
                    version: document.version,
                    tenant: tenant.handle,
                    commit: document.commit.clone(),
                    $($field: tenant.$field,)+
                }
            }
        }
    };
}
kinds!(stored);

/// An invalid document. It was not touched.
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
        /// The problem.
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

/// The part of a document that every schema version has.
#[derive(Deserialize)]
#[serde(expecting = "an object with schema_version")]
struct Header {
    schema_version: u64,
}

impl Document {
    /// The document of a tenant that has none yet.
    pub fn empty(tenant: &str) -> Self {
        Self {
            version: 0,
            commit: None,
            tenant: Tenant::new(tenant),
            resolution: Resolution::default(),
        }
    }

    /// Reads a document; `place` is for messages.
    ///
    /// # Errors
    /// A document that is not understood in full, or that contradicts itself.
    pub fn from_bytes(bytes: &[u8], tenant: &str, place: &str) -> Result<Self, DocumentError> {
        let unparsable = |reason: String| DocumentError::Unparsable {
            place: place.to_owned(),
            reason,
        };
        if bytes.is_empty() {
            return Err(unparsable("it is empty".to_owned()));
        }
        if bytes.starts_with(BYTE_ORDER_MARK) {
            return Err(unparsable(
                "it begins with a byte order mark, which an editor put there and JSON does not have; save it as UTF-8 \
                 without one"
                    .to_owned(),
            ));
        }
        let header: Header =
            serde_json::from_slice(bytes).map_err(|error| unparsable(error.to_string()))?;
        match header.schema_version {
            0 => return Err(unparsable("there is no schema version 0".to_owned())),
            found if found > u64::from(SCHEMA_VERSION) => {
                return Err(DocumentError::Newer {
                    place: place.to_owned(),
                    found,
                });
            }
            _ => {}
        }
        let mut unknown = None;
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let stored: Stored = serde_ignored::deserialize(&mut json, |path| {
            unknown.get_or_insert_with(|| path.to_string());
        })
        .map_err(|error| unparsable(error.to_string()))?;
        if stored.tenant != tenant {
            return Err(DocumentError::OtherTenant {
                place: place.to_owned(),
                found: stored.tenant,
                tenant: tenant.to_owned(),
            });
        }
        if let Some(field) = unknown {
            return Err(DocumentError::UnknownField {
                place: place.to_owned(),
                field,
            });
        }
        match &stored.commit {
            None => return Err(unparsable("\"commit\" is missing".to_owned())),
            Some(commit) if stored.version == 0 || commit.version != stored.version => {
                return Err(unparsable(format!(
                    "\"version\" is {}, but \"commit\" is of version {}",
                    stored.version, commit.version
                )));
            }
            Some(_) => {}
        }
        let document = Self::from(stored);
        let problem = document.tenant.problem();
        problem.map_or(Ok(document), |problem| Err(unparsable(problem)))
    }

    /// The document as it is stored: JSON with an attribute per line (people compare versions of it), sorted, with a
    /// newline at the end. An error only if serde gives one; no type in it does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(&Stored::from(self))?;
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

    /// Its content.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Its content, to be changed. The commit assigns the effective handles.
    pub fn tenant_mut(&mut self) -> &mut Tenant {
        self.resolution = Resolution::default();
        &mut self.tenant
    }

    /// What it holds, with all inheritance worked out. The first call does the work; later calls, and clones, share it.
    pub fn resolved(&self) -> &Resolved {
        let Resolution(resolved) = &self.resolution;
        resolved.get_or_init(|| Resolved::of(&self.tenant))
    }

    /// [`Self::resolved`] of a document that was made of `base` by changes. It shares what was worked out for `base` already
    /// and what the changes leave alone.
    pub(super) fn resolved_after(&self, base: &Document) -> &Resolved {
        let (Resolution(resolved), Resolution(of_base)) = (&self.resolution, &base.resolution);
        resolved.get_or_init(|| match of_base.get() {
            Some(base) => base.after(&self.tenant),
            None => Resolved::of(&self.tenant),
        })
    }

    /// The history entry of this version; none while there is no document.
    pub fn last_commit(&self) -> Option<&Entry> {
        self.commit.as_deref()
    }

    /// Assigns the effective handles after changes to `before`.
    pub(super) fn assign_handles(&mut self, before: &Document) -> Vec<HandleNotice> {
        assign_handles(self.tenant_mut(), &before.tenant)
    }

    /// Makes this the document of a commit.
    pub(super) fn stamp(&mut self, entry: Arc<Entry>) {
        self.version = entry.version;
        self.commit = Some(entry);
    }
}

/// A shared entry is stored as the entry it is.
mod shared_entry {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::catalog::history::Entry;

    pub(super) fn serialize<S: Serializer>(
        entry: &Option<Arc<Entry>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        entry.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Entry>>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Arc::new))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_resolved_once_and_anew_after_a_change() {
        let document = Document::empty("acme");
        let same = document.clone();
        // Asked for after it was cloned.
        assert!(std::ptr::eq(document.resolved(), same.resolved()));
        let mut changed = document.clone();
        changed.tenant_mut();
        assert!(!std::ptr::eq(document.resolved(), changed.resolved()));
        assert!(std::ptr::eq(
            changed.resolved(),
            changed.resolved_after(&document)
        ));
    }
}
