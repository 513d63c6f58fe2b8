//! One consistent reading of an AWS organization.

use std::collections::BTreeMap;

/// One consistent reading of an AWS organization, as discovery makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// `o-...`
    pub id: String,
    /// ARN of the AWS organization.
    pub arn: String,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
    /// Twelve digits.
    pub management_account_id: String,
    /// `aws`, `aws-us-gov` or `aws-cn`, as in the ARNs.
    pub partition: String,
    /// `r-...`
    pub root_id: String,
    /// By OU ID (`ou-...`); the root is not among them.
    pub organizational_units: BTreeMap<String, OrganizationalUnit>,
    /// By account ID, in every state.
    pub accounts: BTreeMap<String, Account>,
}

/// One organizational unit of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationalUnit {
    /// ARN of the OU.
    pub arn: String,
    /// Name as AWS has it.
    pub name: String,
    /// The root's or another OU's ID.
    pub parent_id: String,
    /// `/Workloads/Prod`; see [`crate::model::snapshot`] for the escapes.
    pub path: String,
}

/// One account of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// ARN of the account.
    pub arn: String,
    /// Name as AWS has it.
    pub name: String,
    /// E-mail address of the account's root user.
    pub email: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, `CLOSED`, `PENDING_ACTIVATION`.
    pub state: String,
    /// The root's or an OU's ID.
    pub parent_id: String,
    /// Path of the folder that holds the account.
    pub path: String,
    /// RFC 3339, UTC, whole seconds; when the account joined the AWS organization.
    pub joined_at: Option<String>,
    /// `INVITED` or `CREATED`.
    pub joined_method: Option<String>,
    /// None unless tags were asked for.
    pub tags: Option<BTreeMap<String, String>>,
}
