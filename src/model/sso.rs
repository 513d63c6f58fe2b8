//! Sign-in through AWS IAM Identity Center.

use serde::{Deserialize, Serialize};

use super::portal::Portal;

/// AWS IAM Identity Center sign-in facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sso {
    /// `https://acme.awsapps.com/start`
    pub portal_url: String,
    /// Region of the Identity Center instance.
    pub region: String,
    /// Permission set that sign-in links and profiles use.
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
