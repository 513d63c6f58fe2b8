//! Operations on the catalog: reads, changes, and previews of changes.

mod lookup;
mod notices;
mod preview;
mod rejections;
mod write;

pub(super) use lookup::{
    IntegrationBy, find_document, find_integration, imported_integration, open_catalog,
    read_document, require_document,
};
pub(super) use preview::{Look, PlannedPut};
pub(super) use rejections::Conflict;
pub(super) use write::{Put, delete, put};
