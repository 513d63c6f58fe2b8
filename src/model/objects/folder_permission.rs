//! A grant of a folder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object::{Concerns, Object};
use super::scoped::{Scoped, Target};
use crate::model::folder_ref::FolderRef;
use crate::model::grantee::Grantee;

/// A grant of a folder and of everything below it, including folders and accounts that are discovered later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderPermission {
    /// `fp_` and 20 characters `[a-z0-9]`.
    pub id: String,
    /// `in_...`
    pub integration_id: String,
    /// The granted folder.
    pub folder: FolderRef,
    /// The grantee.
    pub grantee: Grantee,
    /// Only connections that have all these tags; none or empty: all connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_tags: Option<BTreeMap<String, String>>,
}

impl FolderPermission {
    /// Whether a connection with these tags (none: not read) has all the tags that this permission asks for.
    pub fn matches(&self, tags: Option<&BTreeMap<String, String>>) -> bool {
        let mut wanted = self.match_tags.iter().flatten();
        wanted.all(|(key, value)| tags.is_some_and(|tags| tags.get(key) == Some(value)))
    }
}

impl Object for FolderPermission {
    const TYPE: &'static str = "folder_permission";
    const ID_PREFIX: &'static str = "fp_";

    fn id(&self) -> &str {
        &self.id
    }

    fn scoped(&self) -> Option<&dyn Scoped> {
        Some(self)
    }

    fn concerns(&self) -> Concerns<'_> {
        Concerns::CoveredBy(&self.grantee)
    }
}

impl Scoped for FolderPermission {
    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Folder(&self.folder)
    }

    fn grantee(&self) -> Option<&Grantee> {
        Some(&self.grantee)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tags_must_match_and_tags_that_were_not_read_match_nothing() {
        let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let matches = |wanted: Option<&[(&str, &str)]>, has: Option<&[(&str, &str)]>| {
            let permission = FolderPermission {
                id: String::new(),
                integration_id: String::new(),
                folder: FolderRef::Path("/".to_owned()),
                grantee: Grantee::Everyone,
                match_tags: wanted.map(tags),
            };
            permission.matches(has.map(tags).as_ref())
        };
        assert!(matches(None, None));
        assert!(matches(Some(&[]), None));
        assert!(matches(
            Some(&[("a", "1")]),
            Some(&[("a", "1"), ("b", "2")])
        ));
        assert!(!matches(
            Some(&[("a", "1"), ("b", "2")]),
            Some(&[("a", "1")])
        ));
        assert!(!matches(Some(&[("a", "1")]), Some(&[("a", "2")])));
        assert!(!matches(Some(&[("a", "1")]), None));
    }
}
