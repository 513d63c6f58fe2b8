//! Workspaces, the consumers of connections.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::object::{Concerns, Object};

/// The options of every format that is published for a workspace, by the format's name. Missing formats are not
/// published.
pub type Publish = BTreeMap<String, Options>;

/// The options of one format that are set, by name.
pub type Options = BTreeMap<String, OptionValue>;

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "an option of a publication is true, false or text"
)]
pub enum OptionValue {
    /// A switch.
    Switch(bool),
    /// Text.
    Text(String),
}

/// A consumer of connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// `ws_` and 20 characters `[a-z0-9]`.
    pub id: String,
    /// Handle of the organization that owns it.
    pub organization: String,
    /// Its handle, unique in its organization.
    pub handle: String,
    /// Folder paths, root or OU IDs and account IDs that it takes of all that is visible to it; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<BTreeSet<String>>,
    /// The formats that are published for it.
    pub publish: Publish,
}

/// `organization/workspace`
impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.handle)
    }
}

impl Object for Workspace {
    const TYPE: &'static str = "workspace";
    const ID_PREFIX: &'static str = "ws_";

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self, _integration_handle: &str) -> String {
        self.to_string()
    }

    fn concerns(&self) -> Concerns<'_> {
        Concerns::Workspace(&self.id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn another_kind_of_option_is_refused_in_words() {
        let error = serde_json::from_str::<OptionValue>("1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "an option of a publication is true, false or text"
        );
    }
}
