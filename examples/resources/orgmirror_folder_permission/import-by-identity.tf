# By the permission's ID (Terraform 1.12 or later).
import {
  to = orgmirror_folder_permission.workloads
  identity = {
    id = "fp_k3v9x0q2m7c1z8b4t6n5"
  }
}
