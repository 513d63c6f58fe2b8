//! Paths of attributes, for diagnostics.

use std::fmt;

use crate::proto::tfplugin6::{AttributePath, attribute_path};

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An attribute of an object.
    Attribute(String),
    /// An element of a map.
    Key(String),
    /// An element of a list.
    Index(i64),
}

/// Where in a configuration or state a value is. Steps into sets cannot be written: a path ends at the set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The whole object.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a top-level attribute.
    pub fn of(attribute: impl Into<String>) -> Self {
        Self::root().attribute(attribute)
    }

    /// Steps into an attribute.
    #[must_use]
    pub fn attribute(&self, name: impl Into<String>) -> Self {
        self.with(Step::Attribute(name.into()))
    }

    /// Steps into an element of a map.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// Steps into an element of a list.
    #[must_use]
    pub fn index(&self, index: i64) -> Self {
        self.with(Step::Index(index))
    }

    /// The steps from the root on.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Self(steps)
    }

    /// Puts a step in front; for errors that surface from the inside out.
    pub(crate) fn prepend(&mut self, step: Step) {
        self.0.insert(0, step);
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// The longest beginning of the path that Terraform finds in a configuration. It does not look into nested
    /// attributes, and would point at the whole block instead.
    pub(crate) fn visible_prefix(&self) -> Self {
        let nested = |(position, step): (usize, &Step)| {
            (position > 0 && matches!(step, Step::Attribute(_))).then_some(position)
        };
        let end = self.0.iter().enumerate().find_map(nested);
        Self(self.0[..end.unwrap_or(self.0.len())].to_vec())
    }

    pub(crate) fn to_proto(&self) -> Option<AttributePath> {
        use attribute_path::step::Selector;
        if self.0.is_empty() {
            return None;
        }
        let steps = self.0.iter().map(|step| attribute_path::Step {
            selector: Some(match step {
                Step::Attribute(name) => Selector::AttributeName(name.clone()),
                Step::Key(key) => Selector::ElementKeyString(key.clone()),
                Step::Index(index) => Selector::ElementKeyInt(*index),
            }),
        });
        Some(AttributePath {
            steps: steps.collect(),
        })
    }
}

/// Written as in HCL: `ports["http"].name`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_hcl() {
        let path = Path::of("accounts").key("1\"2").attribute("tags").index(3);
        assert_eq!(path.to_string(), r#"accounts["1\"2"].tags[3]"#);
        assert_eq!(path.to_proto().map(|p| p.steps.len()), Some(4));
        assert!(Path::root().to_proto().is_none());
        assert_eq!(path.visible_prefix().to_string(), r#"accounts["1\"2"]"#);
        assert_eq!(Path::of("a").attribute("b").visible_prefix(), Path::of("a"));
    }
}
