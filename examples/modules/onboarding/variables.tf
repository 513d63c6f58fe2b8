variable "role_name" {
  type        = string
  default     = "orgmirror-readonly"
  description = "Name of the role, the same in each account."
}

variable "trusted_principals" {
  type        = set(string)
  description = "Who may assume the role: IDs of accounts, ARNs of roles and users."
}

variable "permissions_policy_arns" {
  type        = set(string)
  default     = null
  description = "ARNs of the managed policies that the role gets; null: SecurityAudit."
}

variable "delegated_administrator_id" {
  type        = string
  default     = null
  description = "ID of the member account that reads the AWS organization; null: the management account."
}

variable "keepers" {
  type        = map(string)
  default     = null
  description = "Other values make another external ID."
}
