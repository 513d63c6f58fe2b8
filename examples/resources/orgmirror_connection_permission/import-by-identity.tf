# By the permission's ID (Terraform 1.12 or later).
import {
  to = orgmirror_connection_permission.billing
  identity = {
    id = "cp_k3v9x0q2m7c1z8b4t6n5"
  }
}
