//! Real Terraform drives the provider as people do, against moto, against our own double of AWS Organizations, and with
//! hand-written accounts where no AWS is needed. Every apply is followed by a plan that has to say "No changes".
//!
//! `make test` sets up what these tests need. `ORGMIRROR_TERRAFORM` names another Terraform.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used
)]

mod another_provider;
mod catalog;
mod catalogs;
mod changes;
mod configurations;
mod connection_test;
mod connections;
mod discovery_errors;
mod guard;
mod handles;
mod history;
mod identity;
mod installed;
mod key_age;
mod lifecycle;
mod onboarding;
mod organizations;
mod overrides;
mod owners;
mod partitions;
mod permissions;
mod resource_explorer;
mod s3_catalog;
mod scale;
mod secrets;
mod single_accounts;
mod snapshots;
mod sso;
mod story;
mod unknowns;
mod unreadable;
mod validation;
mod workspaces;

use orgmirror_testing::Provider;

/// The provider that cargo built for these tests.
const PROVIDER: Provider = Provider::at(env!("CARGO_BIN_EXE_terraform-provider-orgmirror"));
