# Everything that is granted to acme/security, for the AWS CLI, Steampipe and IAM.
resource "orgmirror_workspace" "security" {
  organization = "acme"
  handle       = "security"

  publish = {
    aws_config = {
      source_profile = "hub"
      region         = "eu-west-1"
      preamble       = <<-EOT
        [profile hub]
        credential_process = /usr/local/bin/hub-credentials
      EOT
    }
    steampipe  = { aggregators = true }
    iam_policy = {}
  }
}

# A part of what is granted to acme/finops, for people who sign in with AWS IAM Identity Center.
resource "orgmirror_workspace" "finops" {
  organization = "acme"
  handle       = "finops"
  attach       = ["/Workloads", "111122223333"]

  publish = {
    aws_config = { sso = true }
    json       = {}
  }
}

output "security_files" {
  value = orgmirror_workspace.security.locations
}
