# An external ID, and the templates and policies of onboarding that ask for it.

terraform {
  required_version = ">= 1.11"

  required_providers {
    orgmirror = {
      source = "orgmirror/orgmirror"
    }
  }
}

resource "orgmirror_external_id" "this" {
  keepers = var.keepers
}

data "orgmirror_onboarding" "this" {
  role_name                  = var.role_name
  external_id                = orgmirror_external_id.this.value
  trusted_principals         = var.trusted_principals
  permissions_policy_arns    = var.permissions_policy_arns
  delegated_administrator_id = var.delegated_administrator_id
}
