//! The plugin process on the wire, seen by a client that behaves as Terraform does, and by some that do not.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "support/plugin_client.rs"]
mod plugin_client;

#[path = "wire/clients.rs"]
mod clients;
#[path = "wire/lifetime.rs"]
mod lifetime;
#[path = "wire/log.rs"]
mod log;
#[path = "wire/provider.rs"]
mod provider;
#[path = "wire/services.rs"]
mod services;
#[path = "wire/start.rs"]
mod start;
