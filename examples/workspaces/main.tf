# Security sees everything, FinOps sees only Workloads, the sandbox account has its own handle and one region, and each
# has files that their tools read.
#
# Run it with credentials of the management account or of a delegated administrator, found as the AWS CLI finds them.

terraform {
  required_version = ">= 1.11"

  required_providers {
    orgmirror = {
      source = "orgmirror/orgmirror"
    }
  }
}

provider "orgmirror" {
  tenant  = "acme"
  catalog = { path = ".orgmirror" } # where all of this is kept
}

# One consistent reading of the AWS organization, and its mirror.
data "orgmirror_aws_organization" "acme" {
  include_tags = true
}

resource "orgmirror_integration" "acme" {
  handle           = "acme"
  handle_prefix    = "aws_"
  aws_organization = data.orgmirror_aws_organization.acme
  permissions      = ["acme/security"] # sees everything

  connection_settings = {
    role_name = "orgmirror-readonly" # the role that tools assume, the same in every account
  }
}

# FinOps sees Workloads and everything below it, also what is created or moved there later.
resource "orgmirror_folder_permission" "finops" {
  integration_id = orgmirror_integration.acme.id
  folder_path    = "/Workloads"
  grantee        = "acme/finops"
}

# The sandbox account has its own handle and one region.
resource "orgmirror_connection_override" "sandbox" {
  integration_id = orgmirror_integration.acme.id
  account_id     = "111122223333"
  handle         = "playground"
  regions        = ["eu-west-1"]
}

# Each has files that their tools read.
resource "orgmirror_workspace" "security" {
  organization = "acme"
  handle       = "security"

  publish = {
    steampipe = { aggregators = true } # with the AWS profiles it needs
    c7n_org   = {}
  }
}

resource "orgmirror_workspace" "finops" {
  organization = "acme"
  handle       = "finops"

  publish = {
    aws_config = { source_profile = "hub" }
    json       = {}
  }
}
