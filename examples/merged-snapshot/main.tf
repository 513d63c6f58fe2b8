# An AWS organization, and accounts outside of it, in one integration.
#
# The accounts outside get a folder of their own, with a role and external ID of their own; without parent_id it is below
# the root.

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

variable "partner_accounts" {
  description = "Names of accounts outside of the AWS organization, by account ID."
  type        = map(string)
  default     = { "999900001111" = "Partner Lab" }
}

data "orgmirror_aws_organization" "acme" {}

locals {
  discovered = data.orgmirror_aws_organization.acme
}

resource "orgmirror_integration" "acme" {
  handle        = "acme"
  handle_prefix = "aws_"

  aws_organization = merge(local.discovered, {
    organizational_units = merge(local.discovered.organizational_units, {
      partners = { name = "Partners" }
    })

    accounts = merge(local.discovered.accounts, {
      for id, name in var.partner_accounts : id => { name = name, parent_id = "partners" }
    })
  })

  connection_settings = {
    role_name = "orgmirror-readonly"
  }
}

resource "orgmirror_folder_override" "partners" {
  integration_id = orgmirror_integration.acme.id
  folder_id      = "partners"
  role_name      = "acme-audit"
  external_id    = "acme:k3v9w2q8r5t1y7u4"
}

output "partners" {
  value = [for connection in orgmirror_integration.acme.connections : connection.derived_handle if connection.path == "/Partners"]
}
