//! The managed resources, one file each.

pub mod integration;
pub mod workspace;
