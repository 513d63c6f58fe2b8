//! Terraform's plugin protocol as Rust.
//!
//! A provider is written as typed Rust: a [`schema::Schema`] says what there is, serde structs hold configuration and
//! state ([`value::Value`] is known, null or unknown), and the traits [`provider::Provider`],
//! [`resource::Resource`] and [`data_source::DataSource`] say what happens. [`server::Server`] serves them as the gRPC
//! service of protocol 6 and holds what Terraform core checks, so that a mistake of a provider is reported with its
//! attribute path instead of as an inconsistency. [`plugin::serve`] is the process around the service.
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
pub mod private;
#[doc(hidden)]
pub mod proto;
pub mod provider;
mod raw_value;
pub mod resource;
pub mod schema;
pub mod server;
pub mod types;
mod validation;
pub mod value;
