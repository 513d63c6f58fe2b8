//! The domain, pure: snapshots, the mirror that follows from one, handles, settings and the removal guard.
//!
//! No I/O, no async, nothing of Terraform and nothing of the AWS SDK.

pub mod effective;
pub mod grantee;
pub mod handle;
pub mod integration;
pub mod late;
pub mod lineage;
pub mod mirror;
pub mod near;
pub mod partition;
pub mod removal_guard;
pub mod snapshot;
pub mod tree;
