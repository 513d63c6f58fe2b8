output "handles" {
  description = "The account behind every handle."
  value       = { for id, connection in orgmirror_integration.acme.connections : connection.derived_handle => id }
}
