//! What is published is read by those it is for: the real AWS CLI, botocore, the AWS SDK's own parser of profiles, and
//! parsers of HCL that are not ours. A thousand names that accounts could have survive them all.
//!
//! `make test` sets up the Python that has them. `ORGMIRROR_PYTHON` names another, `ORGMIRROR_TERRAFORM` another Terraform.
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
#[path = "consumers/names.rs"]
mod names;
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
