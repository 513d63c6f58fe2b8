//! Configuration and state of an integration.

use describe::Describe;

use crate::model::mirror::PlannedMirror;
use crate::model::objects::{PlannedConnectionSettings, PlannedIntegration};
use crate::model::partition::Claim;
use crate::model::portal::Portal;
use crate::model::removal_guard::RemovalGuard;
use crate::model::sso::PlannedSso;
use crate::provider::regions;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::path::Path;
use terraform_plugin::value::Value;

use super::argument::InventoryArgument;

const SSO_REGION: &str = "sso.region";

/// Configuration, plan and state: the integration, and what it is made from.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    /// What to mirror: `data.orgmirror_aws_organization`, the same value filtered or merged in HCL, or hand-written accounts: `{
    /// accounts = { "111122223333" = { name = "sandbox" } } }`. Write-only: the state holds the tree that follows from it, in
    /// clear also where a name or tag comes from a sensitive value. Required to create; null later keeps the tree as it is.
    #[field(optional, write_only)]
    pub(super) aws_organization: Value<InventoryArgument>,
    #[field(flatten)]
    pub(super) integration: PlannedIntegration,
}

impl State {
    /// The guard; where it is not given or not known, the default.
    pub(super) fn guard(&self) -> RemovalGuard {
        let defaults = RemovalGuard::default();
        let Value::Known(guard) = &self.integration.removal_guard else {
            return defaults;
        };
        RemovalGuard {
            percent: guard.percent.known().copied().unwrap_or(defaults.percent),
            count: guard.count.known().copied().unwrap_or(defaults.count),
        }
    }

    /// The settings, where the object itself is known.
    pub(super) fn settings(&self) -> Option<&PlannedConnectionSettings> {
        self.integration.connection_settings.known()
    }

    /// The mirror that a state holds; none where it holds none that is known.
    pub(super) fn mirror(&self) -> Option<PlannedMirror> {
        self.integration.mirror.mirror()
    }

    /// Takes a mirror into the plan.
    pub(super) fn set_mirror(&mut self, mirror: PlannedMirror) {
        self.integration.mirror = mirror.into();
    }
}

/// What says which partition the portal is in.
pub(super) fn claims_of_sso(sso: &PlannedSso) -> impl Iterator<Item = Claim<'_>> {
    let portal = sso.portal_url.known().and_then(|url| {
        Some(Claim {
            attribute: "sso.portal_url",
            value: url,
            partition: Portal::of(url).partition?,
        })
    });
    portal
        .into_iter()
        .chain(regions::claim(SSO_REGION, &sso.region))
}

/// The Region of IAM Identity Center, with its attribute.
pub(super) fn region_of_sso(sso: &PlannedSso) -> Option<(&'static str, &str)> {
    Some((SSO_REGION, sso.region.known()?))
}

/// Warns of a portal of another Region.
pub(super) fn warn_of_another_region(sso: &PlannedSso, diagnostics: &mut Diagnostics) {
    if let (Value::Known(url), Value::Known(region)) = (&sso.portal_url, &sso.region)
        && let Some(of_portal) = Portal::of(url).region
        && of_portal != region
    {
        diagnostics.warning_at(
            Path::of("sso").attribute("region"),
            "Portal in another Region",
            format!(
                "sso.region is {region:?}, and sso.portal_url, {url:?}, is the portal of {of_portal:?}. Tools sign in \
                 in the Region of the portal: set sso.region to {of_portal:?}, or take the portal of {region:?}."
            ),
        );
    }
}
