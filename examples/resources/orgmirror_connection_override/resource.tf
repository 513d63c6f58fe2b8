data "orgmirror_integration" "acme" {
  handle = "acme"
}

# The account keeps this handle whatever it is called, and is read in one region.
resource "orgmirror_connection_override" "sandbox" {
  integration_id = data.orgmirror_integration.acme.id
  account_id     = "111122223333"
  handle         = "sandbox"
  regions        = ["eu-west-1"]
  role_arn       = "arn:aws:iam::111122223333:role/sandbox-readonly"
}
