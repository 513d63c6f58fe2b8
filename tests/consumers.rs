//! What is published is read by those it is for: the real AWS CLI, botocore, the AWS SDK's own parser of profiles, parsers
//! of HCL that are not ours, the real c7n-org, a linter of IAM policies and a validator of JSON Schema. A thousand names
//! that accounts could have survive them all.
//!
//! `make test` sets up the Pythons that have them. `ORGMIRROR_PYTHON` and `ORGMIRROR_C7N_PYTHON` name others,
//! `ORGMIRROR_TERRAFORM` another Terraform.
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

#[path = "consumers/aws_cli.rs"]
mod aws_cli;
#[path = "consumers/c7n_org.rs"]
mod c7n_org;
#[path = "consumers/iam_policy.rs"]
mod iam_policy;
#[path = "consumers/json.rs"]
mod json;
#[path = "consumers/names.rs"]
mod names;
#[path = "consumers/onboarding.rs"]
mod onboarding;
#[path = "consumers/organization.rs"]
mod organization;
#[path = "consumers/preambles.rs"]
mod preambles;
#[path = "consumers/python.rs"]
mod python;
#[path = "consumers/sdks.rs"]
mod sdks;
#[path = "consumers/steampipe.rs"]
mod steampipe;
