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

#[path = "support/double.rs"]
mod double;
#[path = "support/moto.rs"]
mod moto;
#[path = "support/s3.rs"]
mod s3;
#[path = "support/terraform.rs"]
mod terraform;

#[path = "consumers/python.rs"]
#[allow(dead_code)]
mod python;

#[path = "acceptance/catalog.rs"]
mod catalog;
#[path = "acceptance/changes.rs"]
mod changes;
#[path = "acceptance/configuration.rs"]
mod configuration;
#[path = "acceptance/connection_test.rs"]
mod connection_test;
#[path = "acceptance/connections.rs"]
mod connections;
#[path = "acceptance/discovery_errors.rs"]
mod discovery_errors;
#[path = "acceptance/guard.rs"]
mod guard;
#[path = "acceptance/handles.rs"]
mod handles;
#[path = "acceptance/history.rs"]
mod history;
#[path = "acceptance/identity.rs"]
mod identity;
#[path = "acceptance/installed.rs"]
mod installed;
#[path = "acceptance/key_age.rs"]
mod key_age;
#[path = "acceptance/lifecycle.rs"]
mod lifecycle;
#[path = "acceptance/onboarding.rs"]
mod onboarding;
#[path = "acceptance/organizations.rs"]
mod organizations;
#[path = "acceptance/overrides.rs"]
mod overrides;
#[path = "acceptance/owners.rs"]
mod owners;
#[path = "acceptance/partitions.rs"]
mod partitions;
#[path = "acceptance/permissions.rs"]
mod permissions;
#[path = "acceptance/resource_explorer.rs"]
mod resource_explorer;
#[path = "acceptance/s3_catalog.rs"]
mod s3_catalog;
#[path = "acceptance/scale.rs"]
mod scale;
#[path = "acceptance/secrets.rs"]
mod secrets;
#[path = "acceptance/single_accounts.rs"]
mod single_accounts;
#[path = "acceptance/snapshots.rs"]
mod snapshots;
#[path = "acceptance/sso.rs"]
mod sso;
#[path = "acceptance/story.rs"]
mod story;
#[path = "acceptance/unknowns.rs"]
mod unknowns;
#[path = "acceptance/unreadable.rs"]
mod unreadable;
#[path = "acceptance/validation.rs"]
mod validation;
#[path = "acceptance/workspaces.rs"]
mod workspaces;
