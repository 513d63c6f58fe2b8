# Owners: those of the integration, and those that account tags name.

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

  # Warns when the access key in use is older than this.
  credential_rotation_days = 90
}

data "orgmirror_aws_organization" "acme" {
  # Owners are in the tags.
  include_tags = true
}

resource "orgmirror_integration" "acme" {
  handle           = "acme"
  aws_organization = data.orgmirror_aws_organization.acme
  permissions      = ["acme"]

  connection_settings = {
    role_name = "orgmirror-readonly"
  }

  # Of every account whose tags name none.
  owners = [
    { attribute = "okta_group", values = ["platform"] },
  ]

  # The value of the tag owner is a user, that of the tag team a group.
  resource_owners = [
    { tag_key = "owner", attribute = "user" },
    { tag_key = "team", attribute = "okta_group" },
  ]

  custom_access_details = "Ask in #cloud, or see https://wiki.example.com/aws-access"
}

resource "orgmirror_workspace" "security" {
  organization = "acme"
  handle       = "security"

  # Programs find the owners in connections.json, policies of c7n-org in {owners[okta_group]}.
  publish = {
    c7n_org = {}
    json    = {}
  }
}

# The accounts that no tag names an owner of.
output "without_owners_of_their_own" {
  value = sort([
    for id, connection in orgmirror_integration.acme.connections : connection.name
    if !anytrue([for tag in ["owner", "team"] : contains(keys(connection.tags), tag)])
  ])
}
