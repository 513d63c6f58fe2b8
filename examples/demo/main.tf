# An AWS organization as folders and connections.
#
# `make demo` runs this against an emulated AWS. On a real one: credentials of the management account (or of a delegated
# administrator) in the environment, then terraform init, plan, apply.

terraform {
  required_version = ">= 1.11"

  required_providers {
    orgmirror = {
      source = "orgmirror/orgmirror"
    }
  }
}

provider "orgmirror" {
  tenant = "acme"
  region = "us-east-1"
}

# One consistent reading of the AWS organization.
data "orgmirror_aws_organization" "acme" {
  exclude_organizational_unit_ids = var.exclude_organizational_unit_ids
  include_tags                    = true
}

# Its mirror: a folder per OU, a connection per account.
resource "orgmirror_integration" "acme" {
  handle              = "acme"
  handle_prefix       = "aws_"
  aws_organization    = data.orgmirror_aws_organization.acme
  deletion_protection = var.deletion_protection

  connection_settings = {
    role_name = "orgmirror-readonly"
    regions   = ["eu-central-1", "eu-west-1", "us-east-1"]
  }
}
