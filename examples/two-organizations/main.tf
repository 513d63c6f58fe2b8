# Two AWS organizations in one configuration: one data source and one integration for each.
#
# Each data source assumes a role in that organization's management account (or delegated administrator). Write the
# ARNs as literals or variables: with an ARN that another resource still has to make, the plan cannot show the tree.

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
}

data "orgmirror_aws_organization" "acme" {
  assume_role = {
    role_arn    = "arn:aws:iam::111111111111:role/orgmirror-discovery"
    external_id = "acme:k3v9w2q8r5t1y7u4"
  }
}

data "orgmirror_aws_organization" "globex" {
  assume_role = {
    role_arn    = "arn:aws:iam::222222222222:role/orgmirror-discovery"
    external_id = "globex:a1s2d3f4g5h6j7k8"
  }
}

# Different prefixes: handles are unique in the tenant, and both organizations may have an account named Sandbox.
resource "orgmirror_integration" "acme" {
  handle           = "acme"
  handle_prefix    = "acme_"
  aws_organization = data.orgmirror_aws_organization.acme

  connection_settings = {
    role_name = "orgmirror-readonly"
  }
}

resource "orgmirror_integration" "globex" {
  handle           = "globex"
  handle_prefix    = "globex_"
  aws_organization = data.orgmirror_aws_organization.globex

  connection_settings = {
    role_name = "orgmirror-readonly"
  }
}
