resource "orgmirror_external_id" "acme" {}

data "orgmirror_onboarding" "acme" {
  role_name          = "orgmirror-readonly"
  external_id        = orgmirror_external_id.acme.value
  trusted_principals = ["444455556666", "arn:aws:iam::777788889999:role/ci/pipeline"]
}

# For `aws cloudformation deploy`: terraform output -raw stackset > stackset.yaml
output "stackset" {
  value = data.orgmirror_onboarding.acme.cloudformation_stackset
}
