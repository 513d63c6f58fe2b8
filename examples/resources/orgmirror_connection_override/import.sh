# By the integration's handle and the account's ID.
terraform import orgmirror_connection_override.sandbox acme:111122223333
