# By the integration's ID, which stays when the handle changes (Terraform 1.12 or later).
import {
  to = orgmirror_integration.acme
  identity = {
    id = "in_k3v9x0q2m7c1z8b4t6n5"
  }
}
