output "external_id" {
  value       = orgmirror_external_id.this.value
  description = "The external ID."
}

output "connection_settings" {
  value = {
    role_name   = var.role_name
    external_id = orgmirror_external_id.this.value
  }
  description = "For connection_settings of the integration."
}

output "cloudformation_account" {
  value       = data.orgmirror_onboarding.this.cloudformation_account
  description = "Template of CloudFormation for one account."
}

output "cloudformation_stackset" {
  value       = data.orgmirror_onboarding.this.cloudformation_stackset
  description = "Template of CloudFormation for the AWS organization; null where AWS has no StackSets for it."
}

output "terraform" {
  value       = data.orgmirror_onboarding.this.terraform
  description = "A Terraform module for one account."
}

output "policies" {
  value = {
    trust      = data.orgmirror_onboarding.this.trust_policy_json
    discovery  = data.orgmirror_onboarding.this.discovery_policy_json
    delegation = data.orgmirror_onboarding.this.delegation_policy_json
    caller     = data.orgmirror_onboarding.this.caller_policy_json
  }
  description = "The policies by themselves."
}
