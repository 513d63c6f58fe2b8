# By the integration's handle. The catalog has what is imported; AWS is not asked.
terraform import orgmirror_integration.acme acme
