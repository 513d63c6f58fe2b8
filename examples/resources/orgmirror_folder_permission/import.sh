# By the integration's handle, the folder's path or ID, and the grantee.
terraform import orgmirror_folder_permission.workloads acme:/Workloads:acme

# Where two are equal but for their tags or configurations: by the permission's own ID.
terraform import orgmirror_folder_permission.workloads fp_k3v9x0q2m7c1z8b4t6n5
