# Onboarding of an AWS organization in two applies: first the external ID and the templates, and, once the role is in the
# accounts, the mirror, read and used through that role.

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

variable "management_account_id" {
  type        = string
  default     = null
  description = "Give it once the role is there."
}

module "onboarding" {
  source = "../modules/onboarding"

  role_name          = "orgmirror-readonly"
  trusted_principals = ["444455556666"] # where the pipeline and the tools run
}

# terraform output -raw cloudformation_stackset > stackset.yaml
output "cloudformation_stackset" {
  value = module.onboarding.cloudformation_stackset
}

data "orgmirror_aws_organization" "acme" {
  count = var.management_account_id == null ? 0 : 1

  assume_role = {
    role_arn    = "arn:aws:iam::${var.management_account_id}:role/orgmirror-readonly"
    external_id = module.onboarding.external_id
  }
}

resource "orgmirror_integration" "acme" {
  count = var.management_account_id == null ? 0 : 1

  handle              = "acme"
  aws_organization    = data.orgmirror_aws_organization.acme[0]
  connection_settings = module.onboarding.connection_settings
}
