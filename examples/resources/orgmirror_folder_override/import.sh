# By the integration's handle and the folder's path or ID.
terraform import orgmirror_folder_override.workloads acme:/Workloads
