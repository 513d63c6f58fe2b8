//! Write a provider for Terraform and OpenTofu in Rust.
//!
//! A provider is typed Rust. Structs hold configurations and states: a [`value::Value`] is known, null or unknown. The
//! derive macro [`describe::Describe`] makes a [`schema::Schema`] of such a struct, which says what a configuration may set.
//! Traits say what happens:
//!
//! | to write | implement |
//! |---|---|
//! | the provider and its configuration | [`provider::Provider`] |
//! | a resource that its Rust type describes | [`simple::SimpleResource`] |
//! | a resource that also plans, imports or has write-only values | [`resource::Resource`] |
//! | a data source | [`data_source::DataSource`] |
//!
//! [`server::Server`] serves them as the gRPC service of protocol 6. It derives plans from the schemas, and checks what
//! Terraform core checks, so that a mistake of a provider is reported with the path of its attribute.
//! [`plugin::serve`] is the process around the service: handshake, mutual TLS, log, signals and end.
//!
//! [`prelude`] has what most providers import:
//!
//! ```no_run
//! use terraform_plugin::prelude::*;
//!
//! struct Nothing;
//!
//! #[derive(Clone, Default, Describe)]
//! struct Config {}
//!
//! #[async_trait]
//! impl Provider for Nothing {
//!     type Config = Config;
//!     type Data = ();
//!
//!     fn name(&self) -> &'static str {
//!         "nothing"
//!     }
//!
//!     fn schema(&self) -> Schema {
//!         Schema::of::<Config>("Offers nothing.")
//!     }
//!
//!     async fn configure(
//!         &self,
//!         _: Config,
//!         _: &CancellationToken,
//!         _: &mut Diagnostics,
//!     ) -> Option<()> {
//!         Some(())
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     serve(Server::new(Nothing), about!("nothing"))
//! }
//! ```
//!
//! The README shows a whole provider. [`provider::problems`] finds contradictions between schemas and Rust types in a
//! unit test.
//!
//! Nothing in here knows what a provider is about.

mod codec;
mod conformance;
pub mod data_source;
pub mod diagnostics;
pub mod identity;
mod json;
pub mod model;
pub mod msgpack;
pub mod path;
mod planning;
pub mod plugin;
pub mod prelude;
pub mod private;
#[doc(hidden)]
pub mod proto;
pub mod provider;
mod raw_value;
pub mod resource;
pub mod schema;
pub mod server;
pub mod simple;
pub mod types;
mod validation;
pub mod value;

pub use async_trait::async_trait;
pub use tokio_util::sync::CancellationToken;
