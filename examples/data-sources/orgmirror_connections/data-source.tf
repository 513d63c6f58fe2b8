# What a workspace may use, and why.
data "orgmirror_connections" "security" {
  workspace = "acme/security"
}

output "why" {
  value = {
    for handle, connection in data.orgmirror_connections.security.connections : handle => [
      for grant in connection.granted_by :
      "${grant.resource_type} to ${grant.grantee} on ${coalesce(grant.folder_path, grant.account_id)}"
    ]
  }
}

# The connections below a folder of one integration, for one provider or module each.
data "orgmirror_integration" "acme" {
  handle = "acme"
}

data "orgmirror_connections" "workloads" {
  integration_id = data.orgmirror_integration.acme.id
  folder_path    = "/Workloads"
}

output "workload_roles" {
  value = { for handle, connection in data.orgmirror_connections.workloads.connections : handle => connection.role_arn }
}
