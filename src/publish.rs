//! Publications: the files rendered for a workspace, one format a file of this room.
//!
//! A [`Format`] is pure: what is visible in, bytes out, the same bytes for the same input. Who writes them, and when, is
//! the catalog's business.

pub mod aws_config;
mod c7n_org;
mod iam_policy;
mod json;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod sample;
mod steampipe;

use thiserror::Error;

use crate::model::objects::Workspace;
use crate::model::objects::workspace::{OptionValue, Options};
use crate::model::visibility::View;

/// Every format there is, in the order of the documentation.
pub static FORMATS: &[&dyn Format] = &[
    &self::aws_config::AwsConfig,
    &steampipe::Steampipe,
    &c7n_org::C7nOrg,
    &iam_policy::IamPolicy,
    &json::Json,
];

/// A kind of file that some tool reads.
pub trait Format: Sync {
    /// Its name in `publish`, such as `aws_config`.
    fn name(&self) -> &'static str;

    /// The name of its file.
    fn file(&self) -> &'static str;

    /// What it is, for the documentation of its attribute: Markdown, whole sentences.
    fn description(&self) -> &'static str;

    /// What may be set for it.
    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    /// A format that its file is of no use without: that one is published as well, with its default options.
    fn needs(&self) -> Option<&'static str> {
        None
    }

    /// Refuses options that do not go together or that would make a file that its tools cannot read or that holds a
    /// secret.
    ///
    /// # Errors
    /// The first option at fault.
    fn check(&self, options: &Options) -> Result<(), OptionError> {
        let _ = options;
        Ok(())
    }

    /// The file. `options` have passed [`Format::check`].
    ///
    /// # Errors
    /// If there is no such file for this workspace.
    fn render(&self, view: &View<'_>, options: &Options) -> Result<Rendered, RenderError>;
}

/// What may be set for a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// The attribute's name.
    pub name: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// For the documentation: Markdown, whole sentences.
    pub description: &'static str,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// True or false.
    Switch,
    /// Text.
    Text,
}

/// An option that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{rule} {fix}")]
pub struct OptionError {
    /// The option; none: the format as a whole.
    pub option: Option<&'static str>,
    /// What is wrong with it: a whole sentence that shows the value, unless that is a secret.
    pub rule: String,
    /// What to do: a whole sentence.
    pub fix: String,
}

/// A file, and what people should know of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// Its content.
    pub bytes: Vec<u8>,
    /// What was left out or may surprise, and what to do: whole sentences.
    pub notices: Vec<String>,
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// The catalog holds options that are refused, as when it was edited by hand.
    #[error("the options of {format} are refused: {source}")]
    Options {
        /// The format.
        format: &'static str,
        /// Why.
        source: OptionError,
    },
    /// There is no such format, as when a newer version of the provider asked for it.
    #[error("there is no format {0:?} in this version of the provider")]
    Unknown(String),
    /// The file cannot be written in its format.
    #[error("{format} cannot be written: {reason}")]
    Format {
        /// The format.
        format: &'static str,
        /// Why.
        reason: String,
    },
}

/// A publication: a file of a workspace, or why there is none.
#[derive(Debug)]
pub struct Publication {
    /// Its format's name.
    pub format: String,
    /// Its path below the tenant's directory, as [`path`] gives it; none for a format that does not exist.
    pub path: Option<String>,
    /// The file.
    pub rendered: Result<Rendered, RenderError>,
}

/// The format with this name.
pub fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// The path of a workspace's file below the tenant's directory, with `/` between its parts.
pub fn path(organization: &str, workspace: &str, format: &dyn Format) -> String {
    format!("workspaces/{organization}/{workspace}/{}", format.file())
}

/// The names of the formats that are published for a workspace: those asked for, and those that they need.
pub fn formats_of(workspace: &Workspace) -> Vec<&str> {
    let mut names: Vec<&str> = workspace.publish.keys().map(String::as_str).collect();
    let mut next = 0;
    while let Some(&name) = names.get(next) {
        if let Some(needed) = format(name).and_then(Format::needs)
            && !names.contains(&needed)
        {
            names.push(needed);
        }
        next += 1;
    }
    names.sort_unstable();
    names
}

/// Everything that is published for a workspace, by format.
pub fn publications(view: &View<'_>) -> Vec<Publication> {
    let workspace = view.workspace;
    let defaults = Options::new();
    formats_of(workspace)
        .into_iter()
        .map(|name| {
            let options = workspace.publish.get(name).unwrap_or(&defaults);
            let format = format(name);
            Publication {
                format: name.to_owned(),
                path: format.map(|format| path(&workspace.organization, &workspace.handle, format)),
                rendered: match format {
                    Some(format) => rendered(format, view, options),
                    None => Err(RenderError::Unknown(name.to_owned())),
                },
            }
        })
        .collect()
}

fn rendered(
    format: &dyn Format,
    view: &View<'_>,
    options: &Options,
) -> Result<Rendered, RenderError> {
    format
        .check(options)
        .map_err(|source| RenderError::Options {
            format: format.name(),
            source,
        })?;
    format.render(view, options)
}

/// The text of an option; none: not set.
fn text<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    match options.get(name)? {
        OptionValue::Text(text) => Some(text),
        OptionValue::Switch(_) => None,
    }
}

/// Whether a switch is on; not set is off.
fn is_on(options: &Options, name: &str) -> bool {
    options.get(name) == Some(&OptionValue::Switch(true))
}
