# Where it is asked for, as in terraform plan -var test_connections=true: whether the roles of all connections can be
# assumed. A plan goes on when some cannot, with a warning that names them.
variable "test_connections" {
  type    = bool
  default = false
}

data "orgmirror_connection_test" "all" {
  count = var.test_connections ? 1 : 0
}

check "connections" {
  assert {
    condition = alltrue([for test in data.orgmirror_connection_test.all : length(test.failed) == 0])
    error_message = join("\n", flatten([
      for test in data.orgmirror_connection_test.all : [
        for handle, connection in test.connections : "- ${handle}: ${connection.error}" if !connection.ok
      ]
    ]))
  }
}
