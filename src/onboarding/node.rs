//! A document in the making, which is written as JSON, as YAML or within HCL.

use hcl::Expression;
use serde::ser::{Serialize, Serializer};
use serde_saphyr::LitStr;

use super::WriteError;

/// A part of a document. Keys stay in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Bool(bool),
    Number(u32),
    Text(String),
    /// Text of several lines, which YAML shows as such.
    Lines(String),
    List(Vec<Node>),
    Map(Vec<(&'static str, Node)>),
}

/// A map of these entries.
pub(super) fn map<N: Into<Node>>(entries: impl IntoIterator<Item = (&'static str, N)>) -> Node {
    let entries = entries.into_iter();
    Node::Map(entries.map(|(key, value)| (key, value.into())).collect())
}

/// A list of these.
pub(super) fn list<N: Into<Node>>(items: impl IntoIterator<Item = N>) -> Node {
    Node::List(items.into_iter().map(Into::into).collect())
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Node::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Node::Text(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Node::Bool(value)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Number(value) => serializer.serialize_u32(*value),
            Node::Text(text) => serializer.serialize_str(text),
            Node::Lines(text) => LitStr(text).serialize(serializer),
            Node::List(items) => serializer.collect_seq(items),
            Node::Map(entries) => serializer.collect_map(entries.iter().map(|(k, v)| (k, v))),
        }
    }
}

impl Node {
    /// As JSON, for people too. `what` is named by an error.
    pub(super) fn to_json(&self, what: &'static str) -> Result<String, WriteError> {
        serde_json::to_string_pretty(self).map_err(|error| WriteError::of(what, &error))
    }

    /// As an expression of HCL. `what` is named by an error.
    pub(super) fn to_hcl(&self, what: &'static str) -> Result<Expression, WriteError> {
        hcl::expr::to_expression(self).map_err(|error| WriteError::of(what, &error))
    }

    /// As YAML. `what` is named by an error.
    pub(super) fn to_yaml(&self, what: &'static str) -> Result<String, WriteError> {
        // Quoted one and all, so that no reader takes an account ID for a number or a date for something else.
        let options = serde_saphyr::ser_options! { quote_all: true };
        serde_saphyr::to_string_with_options(self, options)
            .map_err(|error| WriteError::of(what, &error))
    }
}
