//! Who owns connections.

use std::collections::BTreeSet;

use describe::Describe;
use serde::{Deserialize, Serialize};

use super::checks;

/// An owner: values of one attribute of the user's directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedOwner)]
pub struct Owner {
    /// Attribute of your directory, such as `okta_group` or `user`.
    #[field(required, check_string(checks::not_empty))]
    pub attribute: String,
    /// Values of that attribute.
    #[field(required, min_items(1), check_string(checks::not_empty))]
    pub values: BTreeSet<String>,
}

/// An account tag that names a connection's owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedResourceOwner)]
pub struct ResourceOwner {
    /// Key of an account tag.
    #[field(required, check_string(checks::not_empty))]
    pub tag_key: String,
    /// Attribute that the tag's value is a value of, such as `user`.
    #[field(required, check_string(checks::not_empty))]
    pub attribute: String,
}
