//! What most providers use, to import at once: `use terraform_plugin::prelude::*;`.

pub use super::about;
pub use super::data_source::{DataSource, DataSourceType};
pub use super::diagnostics::{Diagnostic, Diagnostics};
pub use super::identity::{Identity, ImportBy};
pub use super::path::Path;
pub use super::plugin::{About, is_started_by_terraform, serve};
pub use super::private::Private;
pub use super::provider::Provider;
pub use super::resource::{Change, Context, Plan, Resource, ResourceType};
pub use super::schema::{Attribute, Schema, Violation};
pub use super::server::Server;
pub use super::simple::SimpleResource;
pub use super::types::Type;
pub use super::value::Value;
pub use super::{CancellationToken, async_trait};
pub use describe::Describe;
