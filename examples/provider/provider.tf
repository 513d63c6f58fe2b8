terraform {
  required_version = ">= 1.11"

  required_providers {
    orgmirror = {
      source = "orgmirror/orgmirror"
    }
  }
}

provider "orgmirror" {
  tenant  = "acme"
  catalog = { path = ".orgmirror" }

  # Credentials of the management account or of a delegated administrator; without any of this, as the AWS CLI finds them.
  profile = "management"
}
