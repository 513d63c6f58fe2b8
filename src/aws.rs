//! AWS: credentials, one consistent reading of an AWS organization, and tests of connections.
//!
//! [`Reader`] is the door for discovery: it opens a [`Session`] from [`Settings`] and reads a snapshot, identical
//! readings only once. A [`Session`] can also be opened and used by itself.
//!
//! Calls are paced and retried here, not by the SDK: its retry quota would fail a long reading under steady
//! throttling after some hundred retries in all, whatever the user's `max_retries` says.

pub mod connection_test;
pub mod credentials;
pub mod denial;
pub mod discovery;
pub mod reader;
pub mod resource_explorer;

mod calls;
mod service_control;

pub use credentials::{AssumeRole, ConnectError, Endpoints, Session, Settings};
pub use discovery::{DiscoveryError, Options};
pub use reader::Reader;

/// The IAM actions that discovery calls; a policy that allows exactly these is enough.
///
/// `ListAccountsForParent` is called only where the service does not return an account's `Paths`, `ListParents` only
/// for accounts that move during the reading, `ListTagsForResource` only with `include_tags`. `sts:GetCallerIdentity` is called too, and needs
/// no permission: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.
pub const REQUIRED_ACTIONS: [&str; 7] = [
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListParents",
    "organizations:ListRoots",
    "organizations:ListTagsForResource",
];
