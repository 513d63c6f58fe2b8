# Who uses the connections. A workspace of orgmirror is a consumer, such as a team; it has nothing to do with
# Terraform's workspaces.

# Security sees everything.
resource "orgmirror_folder_permission" "security" {
  integration_id = orgmirror_integration.acme.id
  folder_path    = "/"
  grantee        = "acme/security"
}

resource "orgmirror_workspace" "security" {
  organization = "acme"
  handle       = "security"

  publish = {
    aws_config = { source_profile = "default" }
    steampipe  = { aggregators = true }
    c7n_org    = {}
    json       = {}
  }
}

# FinOps sees Workloads and everything below it, also what is created or moved there later.
resource "orgmirror_folder_permission" "finops" {
  integration_id = orgmirror_integration.acme.id
  folder_path    = "/Workloads"
  grantee        = "acme/finops"
}

resource "orgmirror_workspace" "finops" {
  organization = "acme"
  handle       = "finops"

  publish = {
    aws_config = { source_profile = "default" }
    iam_policy = {}
    json       = {}
  }
}
