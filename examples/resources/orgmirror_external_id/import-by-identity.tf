# By the external ID itself (Terraform 1.12 or later).
import {
  to = orgmirror_external_id.acme
  identity = {
    value = "acme:k3v9w2q8r5t1y7u4"
  }
}
