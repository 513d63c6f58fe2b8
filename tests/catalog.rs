//! The catalog on a real disk: races of threads and of processes, kills, faults, refused documents, the history and what
//! is published.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]

#[path = "catalog/commits.rs"]
mod commits;
#[path = "catalog/crashes.rs"]
mod crashes;
#[path = "catalog/documents.rs"]
mod documents;
#[path = "catalog/faulty.rs"]
mod faulty;
#[path = "catalog/fixtures.rs"]
mod fixtures;
#[path = "catalog/gathering.rs"]
mod gathering;
#[path = "catalog/history.rs"]
mod history;
#[path = "catalog/places.rs"]
mod places;
#[path = "catalog/processes.rs"]
mod processes;
#[path = "catalog/publications.rs"]
mod publications;
#[path = "catalog/races.rs"]
mod races;
