# Tests every connection of the catalog: a configuration of its own, for a pipeline that runs it on a schedule. It has
# nothing to apply; a plan fails when a role cannot be assumed, and says why.

terraform {
  required_version = ">= 1.11"

  required_providers {
    orgmirror = {
      source = "orgmirror/orgmirror"
    }
  }
}

variable "catalog" {
  type        = string
  description = "The catalog that the organization is mirrored in."
  default     = ".orgmirror"
}

provider "orgmirror" {
  tenant  = "acme"
  catalog = { path = var.catalog }
}

data "orgmirror_connection_test" "all" {
  concurrency        = 32
  connection_timeout = "20s"

  lifecycle {
    postcondition {
      condition = length(self.failed) == 0
      error_message = join("\n", concat(
        ["${length(self.failed)} of ${length(self.connections)} connections cannot be used:"],
        [for handle, connection in self.connections : "- ${handle}: ${connection.error}" if !connection.ok],
      ))
    }
  }
}
