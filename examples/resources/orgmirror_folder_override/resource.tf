data "orgmirror_integration" "acme" {
  handle = "acme"
}

# Accounts in /Workloads and below are read in two regions, with a role of their own.
resource "orgmirror_folder_override" "workloads" {
  integration_id = data.orgmirror_integration.acme.id
  folder_path    = "/Workloads"
  role_name      = "workloads-readonly"
  regions        = ["eu-central-1", "eu-west-1"]
  default_region = "eu-west-1"
}

# Nothing of what is suspended is published.
resource "orgmirror_folder_override" "suspended" {
  integration_id = data.orgmirror_integration.acme.id
  folder_path    = "/Suspended"
  enabled        = false
}
