# By the integration's ID and the account's (Terraform 1.12 or later).
import {
  to = orgmirror_connection_override.sandbox
  identity = {
    integration_id = "in_k3v9x0q2m7c1z8b4t6n5"
    account_id     = "111122223333"
  }
}
