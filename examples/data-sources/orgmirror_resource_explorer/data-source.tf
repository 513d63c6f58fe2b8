# Where it is asked for, as in terraform plan -var check_search=true: whether resources of all accounts can be searched for
# in these Regions. A plan goes on when they cannot, with a warning that says what is missing where.
variable "check_search" {
  type    = bool
  default = false
}

data "orgmirror_integration" "acme" {
  handle = "acme"
}

data "orgmirror_resource_explorer" "all" {
  count = var.check_search ? 1 : 0

  integration_id    = data.orgmirror_integration.acme.id
  aggregator_region = "eu-west-1"
  regions           = ["eu-west-1", "eu-central-1", "us-east-1"]
}

check "search" {
  assert {
    condition     = alltrue(data.orgmirror_resource_explorer.all[*].ready)
    error_message = join("\n", [for problem in flatten(data.orgmirror_resource_explorer.all[*].problems) : "- ${problem}"])
  }
}

# What each account lacks, for those who own it.
output "search_problems" {
  value = merge([
    for readiness in data.orgmirror_resource_explorer.all : {
      for account_id, account in readiness.accounts : account.handle => account.problems if !account.ready
    }
  ]...)
}
