# What the last runs did, for the log of a pipeline.
data "orgmirror_catalog_history" "last" {
  limit = 10
}

output "last_changes" {
  value = [
    for change in data.orgmirror_catalog_history.last.changes :
    "${change.at} ${change.who}: ${change.action} ${change.resource_type} ${change.handle}"
  ]
}
