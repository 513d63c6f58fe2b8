//! `terraform-provider-orgmirror`: an AWS organization as folders and connections.
//!
//! The rooms, and the one way data flows through them, are described in `docs/design.md`.

pub mod aws;
pub mod catalog;
pub mod model;
pub mod onboarding;
pub mod provider;
pub mod publish;
