# By organization and handle.
terraform import orgmirror_workspace.security acme/security
