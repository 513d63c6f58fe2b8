//! How to reach AWS.

use std::fmt;
use std::time::Duration;

/// How to reach AWS, as the provider's arguments say it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// None: the environment's, the profile's, the instance's, else `us-east-1`, or where AWS Organizations is in the
    /// partition of `assume_role`.
    pub region: Option<String>,
    /// Profile of the shared files; wins over keys in the environment.
    pub profile: Option<String>,
    /// Access key ID; with `secret_key` it wins over `profile`.
    pub access_key: Option<String>,
    /// Secret access key.
    pub secret_key: Option<String>,
    /// Session token of temporary keys.
    pub token: Option<String>,
    /// Role to assume with the credentials found.
    pub assume_role: Option<AssumeRole>,
    /// Endpoints other than the AWS ones.
    pub endpoints: Endpoints,
    /// How often a call that AWS throttles, or that fails inside AWS, is made again.
    pub max_retries: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            access_key: None,
            secret_key: None,
            token: None,
            assume_role: None,
            endpoints: Endpoints::default(),
            max_retries: 25,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "(sensitive)");
        f.debug_struct("Settings")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("access_key", &hidden(&self.access_key))
            .field("secret_key", &hidden(&self.secret_key))
            .field("token", &hidden(&self.token))
            .field("assume_role", &self.assume_role)
            .field("endpoints", &self.endpoints)
            .field("max_retries", &self.max_retries)
            .finish()
    }
}

/// A role to assume.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// ARN of the role.
    pub role_arn: String,
    /// External ID that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// None: `orgmirror`.
    pub session_name: Option<String>,
    /// 15 minutes to 12 hours; none: one hour.
    pub duration: Option<Duration>,
}

// An external ID is no secret to AWS, but people treat it as one.
impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole")
            .field("role_arn", &self.role_arn)
            .field("external_id", &self.external_id.as_ref().map(|_| "(given)"))
            .field("session_name", &self.session_name)
            .field("duration", &self.duration)
            .finish()
    }
}

/// Endpoint URLs that replace those of AWS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Endpoints {
    /// AWS Organizations.
    pub organizations: Option<String>,
    /// AWS Security Token Service.
    pub sts: Option<String>,
    /// Amazon S3.
    pub s3: Option<String>,
    /// AWS Identity and Access Management.
    pub iam: Option<String>,
    /// Resource Groups Tagging API.
    pub tagging: Option<String>,
    /// AWS Resource Explorer.
    pub resource_explorer: Option<String>,
}
