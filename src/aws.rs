//! AWS: credentials, one consistent reading of an AWS organization, tests of connections, and what Resource Explorer and
//! service control policies say.
//!
//! [`Reader`] is the door for discovery: it opens a [`Session`] from [`Settings`] and reads a snapshot, identical
//! readings only once. A [`Session`] can also be opened and used by itself.
//!
//! Calls are paced and retried here, not by the SDK: its retry quota would fail a long reading under steady
//! throttling after some hundred retries in all, whatever the user's `max_retries` says.

pub mod connection_test;
pub mod discovery;
pub mod key_age;
pub mod reader;
pub mod resource_explorer;

mod calls;
mod connect_error;
mod credentials;
mod denial;
mod long_lived_key;
mod region;
mod service_control;
mod session;
mod settings;

pub use connect_error::ConnectError;
pub use discovery::{DiscoveryError, Options};
pub use key_age::KeyAge;
pub use reader::{Discovered, Reader};
pub use session::Session;
pub use settings::{AssumeRole, Endpoints, Settings};

/// An IAM action that the provider calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// As policies name it.
    pub name: &'static str,
    /// What it is called for.
    pub purpose: Purpose,
    /// When it is called, as the rest of a sentence.
    pub when: &'static str,
}

/// What an action is called for. Each is a statement of its own in the policies, so that one that is not needed can be
/// left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Reading the tree of an AWS organization.
    Discovery,
    /// Reading the tags of accounts, with `include_tags`.
    Tags,
    /// Telling how old an access key is, with `credential_rotation_days`.
    KeyAge,
    /// Reading trusted access and service control policies, for readiness for Resource Explorer.
    Readiness,
    /// Reading the indexes of Resource Explorer in each account, for the same.
    Indexes,
}

/// Whose credentials an action is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Those that read the AWS organization.
    Reader,
    /// The user whose access key it is, who may assume the role of the reader.
    KeyOwner,
    /// The role of each connection.
    Connection,
}

impl Purpose {
    /// The name of its statement.
    pub fn sid(self) -> &'static str {
        match self {
            Self::Discovery => "ReadOrganization",
            Self::Tags => "ReadTags",
            Self::KeyAge => "ReadOwnAccessKeys",
            Self::Readiness => "ReadPolicies",
            Self::Indexes => "ReadResourceExplorer",
        }
    }

    /// Whose credentials its actions are called with.
    pub fn caller(self) -> Caller {
        match self {
            Self::Discovery | Self::Tags | Self::Readiness => Caller::Reader,
            Self::KeyAge => Caller::KeyOwner,
            Self::Indexes => Caller::Connection,
        }
    }

    /// What its actions are allowed on, in this partition.
    pub fn resource(self, partition: &str) -> String {
        match self {
            // IAM puts the name of the caller in, who is nobody else's business.
            Self::KeyAge => format!("arn:{partition}:iam::*:user/${{aws:username}}"),
            _ => "*".to_owned(),
        }
    }
}

/// What has to be allowed, to whom [`Purpose::caller`] says, and nothing more.
///
/// The policies that users copy are made from this list; `tests/discovery/reading.rs` and `readiness.rs` hold it to the
/// calls. `sts:GetCallerIdentity` is called too, and needs no permission:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.
pub const REQUIRED_ACTIONS: &[Action] = &[
    Action {
        name: "organizations:DescribeOrganization",
        purpose: Purpose::Discovery,
        when: "always",
    },
    Action {
        name: "organizations:ListAccounts",
        purpose: Purpose::Discovery,
        when: "always",
    },
    Action {
        name: "organizations:ListAccountsForParent",
        purpose: Purpose::Discovery,
        when: "where the service does not say where an account is",
    },
    Action {
        name: "organizations:ListOrganizationalUnitsForParent",
        purpose: Purpose::Discovery,
        when: "always",
    },
    Action {
        name: "organizations:ListParents",
        purpose: Purpose::Discovery,
        when: "for accounts that move during the reading",
    },
    Action {
        name: "organizations:ListRoots",
        purpose: Purpose::Discovery,
        when: "always",
    },
    Action {
        name: "organizations:ListTagsForResource",
        purpose: Purpose::Tags,
        when: "with include_tags",
    },
    Action {
        name: "tag:GetResources",
        purpose: Purpose::Tags,
        when: "with include_tags; may be refused",
    },
    Action {
        name: "iam:ListAccessKeys",
        purpose: Purpose::KeyAge,
        when: "with credential_rotation_days, by the access key itself; may be refused",
    },
    Action {
        name: "organizations:DescribePolicy",
        purpose: Purpose::Readiness,
        when: "with data.orgmirror_resource_explorer",
    },
    Action {
        name: "organizations:ListAWSServiceAccessForOrganization",
        purpose: Purpose::Readiness,
        when: "with data.orgmirror_resource_explorer",
    },
    Action {
        name: "organizations:ListPolicies",
        purpose: Purpose::Readiness,
        when: "with data.orgmirror_resource_explorer",
    },
    Action {
        name: "organizations:ListTargetsForPolicy",
        purpose: Purpose::Readiness,
        when: "with data.orgmirror_resource_explorer",
    },
    Action {
        name: "resource-explorer-2:GetDefaultView",
        purpose: Purpose::Indexes,
        when: "with data.orgmirror_resource_explorer",
    },
    Action {
        name: "resource-explorer-2:GetIndex",
        purpose: Purpose::Indexes,
        when: "with data.orgmirror_resource_explorer",
    },
    Action {
        name: "resource-explorer-2:ListIndexes",
        purpose: Purpose::Indexes,
        when: "with data.orgmirror_resource_explorer",
    },
];
