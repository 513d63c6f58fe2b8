//! An onboarding with everything in it.

use super::{Onboarding, security_audit};

/// One in this partition.
#[allow(clippy::unwrap_used)]
pub(super) fn onboarding(partition: &str) -> Onboarding {
    let pipeline = format!("arn:{partition}:iam::777788889999:role/ci/pipeline");
    Onboarding {
        partition: partition.to_owned(),
        role_name: "audit/orgmirror-readonly".to_owned(),
        external_id: Some("acme:k3v9w2q8r5t1y7u4".to_owned()),
        trusted_principals: ["444455556666".parse().unwrap(), pipeline.parse().unwrap()].into(),
        permissions_policies: [security_audit(partition).parse().unwrap()].into(),
        delegated_administrator_id: None,
    }
}
