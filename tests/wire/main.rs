//! The plugin process on the wire, seen by a client that behaves as Terraform does, and by some that do not.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod clients;
mod lifetime;
mod log;
mod provider;
mod services;
mod start;

use orgmirror_testing::Provider;

/// The provider that cargo built for these tests.
const PROVIDER: Provider = Provider::at(env!("CARGO_BIN_EXE_terraform-provider-orgmirror"));
