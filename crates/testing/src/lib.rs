//! What the tests of the provider stand on.
//!
//! | module | what it is |
//! |---|---|
//! | [`terraform`] | real Terraform in a directory of its own: configurations, plans, what they say |
//! | [`plugin`] | the provider as Terraform starts it, and a client that talks to it |
//! | [`double`] | our own AWS Organizations, with everything that can go wrong there |
//! | [`moto`] | an emulated AWS, somebody else's idea of it |
//! | [`s3`] | buckets in moto, behind a proxy that fails calls |
//! | [`python`] | Python, with the scripts in `python/` beside this crate's `src/` |
//! | [`objects`], [`generated`] | objects of the model: a few that are alike everywhere, and any number of accounts |
//!
//! Nothing here asserts what the provider should do: that is for the tests, in `tests/` of the provider's package.

// It is part of the tests: what cannot be is to end them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod double;
pub mod generated;
pub mod moto;
pub mod objects;
pub mod plugin;
mod provider;
pub mod python;
pub mod s3;
pub mod terraform;

use std::path::Path;

pub use provider::Provider;

/// The root of the repository.
pub fn root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .expect("this crate is in crates/ of the repository")
}
