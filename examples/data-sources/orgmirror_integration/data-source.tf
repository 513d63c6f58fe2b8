# The integration that the platform team declares in another configuration with the same catalog.
data "orgmirror_integration" "acme" {
  handle = "acme"
}

output "workload_accounts" {
  value = [
    for id, connection in data.orgmirror_integration.acme.connections : id
    if startswith(connection.path, "/Workloads")
  ]
}
