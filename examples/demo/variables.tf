variable "exclude_organizational_unit_ids" {
  description = "OUs to leave out, with everything below them."
  type        = set(string)
  default     = []
}

variable "deletion_protection" {
  description = "Whether destroying the integration is refused."
  type        = bool
  default     = true
}
