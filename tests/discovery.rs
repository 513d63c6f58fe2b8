//! Discovery against our own double and against moto.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/double.rs"]
mod double;

use double::{Double, Organization};

#[test]
fn starts() {
    let double = Double::start(Organization::generate(100, 1));
    assert!(double.url().starts_with("http://127.0.0.1:"));
}
