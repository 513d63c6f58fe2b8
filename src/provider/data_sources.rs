//! The data sources, one file each.

pub mod aws_organization;
pub mod catalog_history;
pub mod connection_test;
pub mod connections;
pub mod integration;
pub mod onboarding;
pub mod resource_explorer;
