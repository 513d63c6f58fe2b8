# The sandbox account has its own handle and one region, and FinOps sees it as well. `make demo` adds this file for its
# second apply.

locals {
  sandbox = one([for id, connection in orgmirror_integration.acme.connections : id if connection.name == "sandbox"])
}

resource "orgmirror_connection_override" "sandbox" {
  integration_id = orgmirror_integration.acme.id
  account_id     = local.sandbox
  handle         = "playground"
  regions        = ["eu-west-1"]
}

resource "orgmirror_connection_permission" "finops_sandbox" {
  integration_id = orgmirror_integration.acme.id
  account_id     = local.sandbox
  grantee        = "acme/finops"
}
