# Accounts without an AWS organization, listed by hand, and a workspace that uses them. Terraform needs no AWS credentials
# for it; whoever uses what is published does.
#
# Only the name of an account is required. The IDs of the folders are yours to choose; they must stay, as AWS's would.

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

resource "orgmirror_integration" "partners" {
  handle = "partners"

  aws_organization = {
    organizational_units = {
      europe = { name = "Europe" }
      france = { name = "France", parent_id = "europe" }
    }

    accounts = {
      "111122223333" = { name = "Sandbox" }
      "222233334444" = { name = "Lyon", parent_id = "france" }
      "333344445555" = {
        name      = "Paris"
        email     = "aws-paris@partner.example"
        parent_id = "france"
        tags      = { owner = "paris" }
      }
    }
  }

  connection_settings = {
    role_name   = "orgmirror-readonly"
    external_id = "acme:k3v9w2q8r5t1y7u4"
    regions     = ["eu-west-3"]
  }
}

# Lyon's role has another name, and wants another external ID.
resource "orgmirror_connection_override" "lyon" {
  integration_id = orgmirror_integration.partners.id
  account_id     = "222233334444"
  role_arn       = "arn:aws:iam::222233334444:role/audit"
  external_id    = "lyon:x7c5v3b1n9m2l4k6"
}

# Audit sees what is below /Europe: Lyon and Paris.
resource "orgmirror_folder_permission" "audit" {
  integration_id = orgmirror_integration.partners.id
  folder_path    = "/Europe"
  grantee        = "acme/audit"
}

# The roles are assumed with the profile "me" of the user's ~/.aws/credentials.
resource "orgmirror_workspace" "audit" {
  organization = "acme"
  handle       = "audit"

  publish = {
    aws_config = { source_profile = "me" }
    json       = {}
  }
}

output "folders" {
  description = "Handle by path."
  value       = { for folder in orgmirror_integration.partners.folders : folder.path => folder.derived_handle }
}

output "aws_config" {
  description = "What AWS_CONFIG_FILE is for: aws --profile lyon sts get-caller-identity."
  value       = orgmirror_workspace.audit.locations.aws_config
}
