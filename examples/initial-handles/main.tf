# Moving in from another product: accounts keep the handles that queries, profiles and policies use already.
#
# handles.json has them by account ID: { "111122223333": "aws_legacy_name" }. An account keeps such a handle for as long
# as its name and the prefix stay the same. Entries for accounts that are mirrored already do nothing, so the file may go
# after the first apply.

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
  initial_handles  = jsondecode(file("${path.module}/handles.json"))

  connection_settings = {
    role_name = "orgmirror-readonly"
  }
}

output "handles" {
  description = "Handle by account ID, in the shape of handles.json."
  value       = { for id, connection in orgmirror_integration.acme.connections : id => connection.derived_handle }
}
