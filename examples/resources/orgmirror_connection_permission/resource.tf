data "orgmirror_integration" "acme" {
  handle = "acme"
}

resource "orgmirror_connection_permission" "billing" {
  integration_id = data.orgmirror_integration.acme.id
  account_id     = "111122223333"
  grantee        = "acme/finops"
}
