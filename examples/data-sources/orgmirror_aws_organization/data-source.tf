data "orgmirror_aws_organization" "acme" {
  # With everything below it; the sandboxes come and go too fast to mirror.
  exclude_organizational_unit_ids = ["ou-ab12-5andb0x1"]

  # Owners, permissions by tag and filters may need them.
  include_tags = true
}

output "active_accounts" {
  value = {
    for id, account in data.orgmirror_aws_organization.acme.accounts : id => "${account.path} ${account.name}"
    if account.state == "ACTIVE"
  }
}
