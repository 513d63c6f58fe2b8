# By the external ID itself; any that AWS takes, also one that another product made.
terraform import orgmirror_external_id.acme acme:k3v9w2q8r5t1y7u4
