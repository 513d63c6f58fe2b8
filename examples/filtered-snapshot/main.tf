# A part of an AWS organization, chosen in HCL: here the accounts with the tag env = prod.
#
# Of the OUs, those stay that hold such an account, and every OU above them: an account without its OU, or an OU without
# the one above, is an error. For whole OUs, the data source's organizational_unit_ids and
# exclude_organizational_unit_ids do without all this.

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

data "orgmirror_aws_organization" "all" {
  include_tags = true
}

locals {
  all = data.orgmirror_aws_organization.all

  accounts = { for id, account in local.all.accounts : id => account if lookup(account.tags, "env", "") == "prod" }

  # A path tells everything above it: what starts with "/Workloads/" is below /Workloads.
  organizational_units = {
    for id, unit in local.all.organizational_units : id => unit
    if anytrue([for account in local.accounts : startswith("${account.path}/", "${unit.path}/")])
  }
}

resource "orgmirror_integration" "prod" {
  handle        = "prod"
  handle_prefix = "prod_"

  aws_organization = merge(local.all, {
    accounts             = local.accounts
    organizational_units = local.organizational_units
  })

  connection_settings = {
    role_name = "orgmirror-readonly"
  }
}

output "connections" {
  value = { for connection in orgmirror_integration.prod.connections : connection.derived_handle => connection.path }
}
