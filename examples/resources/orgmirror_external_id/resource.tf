resource "orgmirror_external_id" "acme" {
  keepers = { made_for = "audit of 2026" } # another text makes another external ID
}

# The same for discovery and for every connection.
data "orgmirror_aws_organization" "acme" {
  assume_role = {
    role_arn    = "arn:aws:iam::111122223333:role/orgmirror-readonly"
    external_id = orgmirror_external_id.acme.value
  }
}

resource "orgmirror_integration" "acme" {
  handle           = "acme"
  aws_organization = data.orgmirror_aws_organization.acme

  connection_settings = {
    role_name   = "orgmirror-readonly"
    external_id = orgmirror_external_id.acme.value
  }
}
