//! What the provider does with the catalog: reading it, changing it, and telling beforehand what a change meets and does.

mod lookup;
mod notices;
mod preview;
mod rejections;
mod write;

pub(super) use lookup::{
    IntegrationBy, existing, imported_integration, integration_by, opened, possible, readable,
};
pub(super) use preview::{Look, PlannedPut};
pub(super) use rejections::Conflict;
pub(super) use write::{Put, delete, put};
