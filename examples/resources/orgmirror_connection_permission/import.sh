# By the integration's handle, the account's ID and the grantee.
terraform import orgmirror_connection_permission.billing acme:111122223333:acme/finops
