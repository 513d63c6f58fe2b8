# Declared in another configuration with the same catalog; in its own: orgmirror_integration.acme.id
data "orgmirror_integration" "acme" {
  handle = "acme"
}

# Every workspace of the organization acme may use what is in /Workloads, now and later.
resource "orgmirror_folder_permission" "workloads" {
  integration_id = data.orgmirror_integration.acme.id
  folder_path    = "/Workloads"
  grantee        = "acme"
}

# By ID it follows the folder through renames and moves; with tags it grants a part of it.
resource "orgmirror_folder_permission" "production" {
  integration_id = data.orgmirror_integration.acme.id
  folder_id      = "ou-ab12-34cd56ef"
  grantee        = "acme/security"
  match_tags     = { env = "prod" }
}
