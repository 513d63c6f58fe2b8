# Accounts without an AWS organization, listed by hand. Needs no AWS credentials.
#
# Only the name is required. The IDs of the folders are yours to choose; they must stay, as AWS's would.

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

output "folders" {
  description = "Handle by path."
  value       = { for folder in orgmirror_integration.partners.folders : folder.path => folder.derived_handle }
}
