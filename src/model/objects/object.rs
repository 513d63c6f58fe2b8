//! What all kinds of objects have in common.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::scoped::Scoped;
use crate::model::grantee::Grantee;

/// Objects of one kind, by ID. Cloning is cheap: objects are shared until one is replaced.
pub type ObjectMap<T> = BTreeMap<String, Arc<T>>;

/// An object of a tenant.
pub trait Object: Clone + PartialEq + Serialize + Send + Sync + 'static {
    /// The type of the resource that declares it, without the provider's name, such as `folder_permission`.
    const TYPE: &'static str;

    /// The start of its IDs. 20 characters `[a-z0-9]` follow.
    const ID_PREFIX: &'static str;

    /// Its ID.
    fn id(&self) -> &str;

    /// The object with what a user declares, without what follows from that.
    fn declared(&self) -> Cow<'_, Self> {
        Cow::Borrowed(self)
    }

    /// The object as a part of an integration; none if it is not one.
    fn scoped(&self) -> Option<&dyn Scoped> {
        None
    }

    /// Its name, for people and for imports. `integration_handle` is the handle of the integration that it is a part of.
    fn name(&self, integration_handle: &str) -> String {
        match self.scoped() {
            Some(scoped) => scoped.import_id(integration_handle),
            None => self.id().to_owned(),
        }
    }

    /// The workspaces that may see other connections when it changes.
    fn concerns(&self) -> Concerns<'_> {
        Concerns::All
    }
}

/// The workspaces that a change of an object concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns<'a> {
    /// All of them.
    All,
    /// Those that this grantee covers.
    CoveredBy(&'a Grantee),
    /// The one with this ID.
    Workspace(&'a str),
}

/// The kind's name in messages, such as `folder permission`.
pub fn kind_name<T: Object>() -> String {
    T::TYPE.replace('_', " ")
}
