//! What is published is read by those it is for: c7n-org, a linter of IAM policies and a validator of JSON Schema. A
//! thousand names that accounts could have survive them all.
//!
//! `make test` sets up the Pythons that have them. `ORGMIRROR_PYTHON` and `ORGMIRROR_C7N_PYTHON` name others.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used
)]

#[path = "support/double.rs"]
mod double;
#[path = "support/moto.rs"]
mod moto;

#[path = "consumers/c7n_org.rs"]
mod c7n_org;
#[path = "consumers/iam_policy.rs"]
mod iam_policy;
#[path = "consumers/json.rs"]
mod json;
#[path = "consumers/names.rs"]
mod names;
#[path = "consumers/organization.rs"]
mod organization;
#[path = "consumers/python.rs"]
mod python;
