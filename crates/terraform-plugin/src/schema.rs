//! Schemas: what attributes a provider, resource or data source has, and the rules that follow from declaring them.

mod check;
mod wire;

pub use check::Role;
pub(crate) use describe::Check;
pub use describe::{Attribute, Kind, Nesting, Scalar, Violation};

/// The attributes of a provider, resource or data source.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    version: i64,
    description: String,
    attributes: Vec<Attribute>,
}

impl Schema {
    /// A schema of version 0.
    pub fn new(markdown: &str, attributes: Vec<Attribute>) -> Self {
        Self {
            version: 0,
            description: markdown.to_owned(),
            attributes,
        }
    }

    /// The schema of an object, of version 0.
    pub fn of<T: describe::Object>(markdown: &str) -> Self {
        Self::new(markdown, T::attributes())
    }

    /// The version written into states. Older ones go through [`super::resource::Resource::upgrade`]; a provider raises
    /// the version when a state that it wrote before does not fit its schema any more.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// The version written into states.
    pub fn state_version(&self) -> i64 {
        self.version
    }

    /// What it is, in Markdown.
    pub fn description_text(&self) -> &str {
        &self.description
    }

    /// The top-level attributes.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    pub(crate) fn has_write_only(&self) -> bool {
        self.attributes
            .iter()
            .any(|attribute| attribute.any(Attribute::is_write_only))
    }
}
