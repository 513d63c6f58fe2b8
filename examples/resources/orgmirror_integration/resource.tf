data "orgmirror_aws_organization" "acme" {
  include_tags = true
}

resource "orgmirror_integration" "acme" {
  handle           = "acme"
  handle_prefix    = "aws_"
  aws_organization = data.orgmirror_aws_organization.acme

  connection_settings = {
    role_name   = "orgmirror-readonly"
    external_id = "acme:k3v9w2q8r5t1y7u4"
    regions     = ["eu-west-1", "us-*"]
  }

  sso = {
    portal_url = "https://acme.awsapps.com/start"
    region     = "eu-west-1"
    role_name  = "ReadOnly"
  }

  owners          = [{ attribute = "okta_group", values = ["platform"] }]
  resource_owners = [{ tag_key = "owner", attribute = "okta_group" }]

  custom_access_details = "Ask in #cloud-access."
}

# What tools need, by handle.
output "roles" {
  value = {
    for id, connection in orgmirror_integration.acme.connections : connection.derived_handle => connection.derived_role_arn
  }
}
