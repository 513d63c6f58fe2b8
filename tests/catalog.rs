//! The catalog on a real disk and in moto's S3: races of threads and of processes, kills, faults, refused documents, the
//! history and what is published. `place.rs` runs one test on both; `tests/s3.rs` has what is S3's alone.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]

#[path = "support/moto.rs"]
mod moto;
#[path = "support/s3.rs"]
mod s3;

#[cfg(target_os = "linux")]
#[path = "catalog/clocks.rs"]
mod clocks;
#[path = "catalog/commits.rs"]
mod commits;
#[path = "catalog/crashes.rs"]
mod crashes;
#[path = "catalog/directories.rs"]
mod directories;
#[path = "catalog/documents.rs"]
mod documents;
#[path = "catalog/faulty.rs"]
mod faulty;
#[path = "catalog/fixtures.rs"]
mod fixtures;
#[path = "catalog/history.rs"]
mod history;
#[path = "catalog/kills.rs"]
mod kills;
#[path = "catalog/lock.rs"]
mod lock;
#[path = "catalog/logged.rs"]
mod logged;
#[path = "catalog/objects.rs"]
mod objects;
#[path = "catalog/place.rs"]
mod place;
#[path = "catalog/processes.rs"]
mod processes;
#[path = "catalog/publications.rs"]
mod publications;
#[path = "catalog/races.rs"]
mod races;
#[path = "catalog/stops.rs"]
mod stops;
