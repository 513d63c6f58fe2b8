//! Sign-in through AWS IAM Identity Center.

use describe::Describe;
use serde::{Deserialize, Serialize};

use super::checks;
use super::portal::Portal;

/// AWS IAM Identity Center sign-in facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedSso)]
pub struct Sso {
    /// The AWS access portal, such as `https://acme.awsapps.com/start`; in AWS GovCloud (US)
    /// `https://start.us-gov-home.awsapps.com/directory/acme`, in China
    /// `https://start.home.awsapps.cn/directory/acme`.
    #[field(required, check_string(checks::portal_url))]
    pub portal_url: String,
    /// Region of the IAM Identity Center instance, in the accounts' partition.
    #[field(required, check_string(checks::region))]
    pub region: String,
    /// Permission set that sign-in links open.
    #[field(optional, check_string(checks::not_empty))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
}

impl Sso {
    /// The access portal.
    pub fn portal(&self) -> Portal<'_> {
        Portal::of(&self.portal_url)
    }

    /// Link that opens an account in the portal.
    pub fn sign_in_url(&self, account_id: &str) -> String {
        self.portal()
            .sign_in_url(account_id, self.role_name.as_deref())
    }
}
