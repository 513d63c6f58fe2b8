# By the workspace's ID (Terraform 1.12 or later).
import {
  to = orgmirror_workspace.security
  identity = {
    id = "ws_k3v9x0q2m7c1z8b4t6n5"
  }
}
