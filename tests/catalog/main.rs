//! The catalog on a real disk and in moto's S3: races of threads and of processes, kills, faults, refused documents, the
//! history and what is published. `place.rs` runs one test on both; `tests/s3` has what is S3's alone.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]

#[cfg(target_os = "linux")]
mod clocks;
mod commits;
mod crashes;
mod directories;
mod documents;
mod faulty;
mod fixtures;
mod history;
mod kills;
mod lock;
mod logged;
mod place;
mod processes;
mod publications;
mod races;
mod stops;
