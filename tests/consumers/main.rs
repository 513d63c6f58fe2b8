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

mod aws_cli;
mod c7n_org;
mod iam_policy;
mod json;
mod names;
mod onboarding;
mod organization;
mod partitions;
mod preambles;
mod read;
mod sdks;
mod sso;
mod steampipe;
