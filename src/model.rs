//! The domain, pure: snapshots, the mirror that follows from one, handles, settings, grants and
//! the removal guard.
//!
//! No I/O, no async, nothing of Terraform and nothing of the AWS SDK.

pub mod active_overrides;
pub mod admission;
pub mod affected_workspaces;
pub mod arn;
pub mod checks;
pub mod folder_ref;
pub mod grantee;
pub mod handle;
pub mod handle_assignment;
pub mod impact;
pub mod mirror;
pub mod objects;
pub mod owners;
pub mod partition;
pub mod portal;
pub mod readiness;
pub mod removal_guard;
#[cfg(test)]
#[allow(clippy::expect_used)]
mod sample;
pub mod service_control;
pub mod side_effects;
pub mod snapshot;
pub mod sso;
pub mod suggestions;
pub mod tenant;
pub mod tree;
pub mod visibility;
