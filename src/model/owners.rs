//! Who owns connections.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// An owner: values of one attribute of the user's directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// Such as `okta_group` or `user`.
    pub attribute: String,
    /// Values of that attribute.
    pub values: BTreeSet<String>,
}

/// An account tag that names a connection's owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceOwner {
    /// Key of the account tag.
    pub tag_key: String,
    /// Attribute that the tag's value is a value of.
    pub attribute: String,
}
