# An AWS organization as folders and connections.
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
  tenant = "acme"
}

data "orgmirror_aws_organization" "acme" {}

resource "orgmirror_integration" "acme" {
  handle           = "acme"
  handle_prefix    = "aws_"
  aws_organization = data.orgmirror_aws_organization.acme

  connection_settings = {
    # The role that tools assume, the same in every account.
    role_name = "orgmirror-readonly"
  }
}

output "connections" {
  description = "Account ID and role by handle."
  value = {
    for id, connection in orgmirror_integration.acme.connections :
    connection.derived_handle => { account_id = id, role_arn = connection.derived_role_arn }
  }
}
