# People sign in through the AWS access portal: a link for each account, and profiles for the AWS CLI. The accounts are
# written by hand here; a discovered AWS organization does as well.

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

resource "orgmirror_integration" "acme" {
  handle      = "acme"
  permissions = ["acme/people"]

  aws_organization = {
    accounts = {
      "111122223333" = { name = "Sandbox" }
      "222233334444" = { name = "Shop" }
    }
  }

  # The role that tools assume; people do not.
  connection_settings = {
    role_name = "orgmirror-readonly"
  }

  sso = {
    portal_url = "https://acme.awsapps.com/start"
    region     = "eu-west-1" # of the instance of IAM Identity Center
    role_name  = "ReadOnly"  # the permission set
  }
}

resource "orgmirror_workspace" "people" {
  organization = "acme"
  handle       = "people"

  publish = {
    aws_config = { sso = true }
  }
}

output "sign_in" {
  description = "Links that open an account's console, for a wiki."
  value       = { for connection in orgmirror_integration.acme.connections : connection.name => connection.sign_in_url }
}

output "aws_config" {
  description = "What AWS_CONFIG_FILE is for: aws sso login --sso-session acme-eu-west-1, then aws --profile shop s3 ls."
  value       = orgmirror_workspace.people.locations.aws_config
}
