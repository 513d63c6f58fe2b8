//! What every resource and data source gets from the `provider` block.

use std::time::Duration;

use tokio::sync::OnceCell;

use crate::aws::{Reader, Session, Settings};
use crate::catalog::{Catalog, Who};
use terraform_plugin::diagnostics::Diagnostic;

use super::environment::variable;
use super::storage::Opened;

/// Who commits is a nicety of the history; it must not hold up an apply.
const CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// What resources and data sources work with. Arguments may be unknown while planning: what does not need them goes on.
#[derive(Debug)]
pub struct Data {
    pub(super) tenant: Result<String, Unknown>,
    pub(super) catalog: Result<Opened, Unknown>,
    pub(super) settings: Settings,
    /// Arguments of `settings` that are not known yet.
    pub(super) unknown_settings: Vec<&'static str>,
    pub(super) reader: Reader,
    pub(super) credential_rotation_days: Option<u64>,
    pub(super) who: OnceCell<Who>,
}

/// Provider arguments that are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown(pub(super) Vec<&'static str>);

impl Unknown {
    /// Why work that needs these arguments cannot be done now.
    pub fn diagnostic(&self, what: &str) -> Diagnostic {
        let names = self.0.join(", ");
        Diagnostic::error(
            "Provider argument not known yet",
            format!(
                "{what} needs {names} of the provider, which will only be known once other resources of this run have \
                 been applied. Apply those first (terraform apply -target=...), or give {names} as a literal or a \
                 variable."
            ),
        )
    }
}

impl Data {
    /// The tenant, or that it is not known yet.
    pub fn tenant(&self) -> Result<&str, &Unknown> {
        self.tenant.as_ref().map(String::as_str)
    }

    /// The catalog, or which arguments it waits for.
    pub fn catalog(&self) -> Result<&Catalog, &Unknown> {
        self.catalog.as_ref().map(|opened| &opened.catalog)
    }

    /// How to talk to AWS, or which arguments that waits for; `replaced` are those that the caller has values of its own
    /// for.
    pub fn settings(&self, replaced: &[&str]) -> Result<&Settings, Unknown> {
        let waits = self.unknown_settings.iter().copied();
        let waits: Vec<_> = waits.filter(|name| !replaced.contains(name)).collect();
        if waits.is_empty() {
            Ok(&self.settings)
        } else {
            Err(Unknown(waits))
        }
    }

    /// Makes readings of AWS organizations, identical ones once.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// After how many days an access key is to be replaced; none: not asked for, or not known yet.
    pub fn credential_rotation_days(&self) -> Option<u64> {
        self.credential_rotation_days
    }

    /// Who makes changes: the AWS caller that the catalog is written as, else the one that is configured, else the user of
    /// this machine.
    pub async fn who(&self) -> &Who {
        self.who
            .get_or_init(|| async {
                let here = Who::here();
                let writer = self.catalog.as_ref().ok();
                let writer = writer.and_then(|opened| opened.caller.as_ref());
                let configured = || self.settings(&[]).ok().filter(|s| is_aws_configured(s));
                let Some(settings) = writer.or_else(configured) else {
                    return here;
                };
                let caller = async {
                    let session = Session::open(settings, CALLER_TIMEOUT).await?;
                    session.caller_arn(CALLER_TIMEOUT).await
                };
                match tokio::time::timeout(CALLER_TIMEOUT, caller).await {
                    Ok(Ok(arn)) => here.with_arn(arn),
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "the AWS caller is not known; the history names the user");
                        here
                    }
                    Err(_) => here,
                }
            })
            .await
    }
}

/// Whether someone said which AWS credentials to use. Without, asking AWS would search for credentials that a
/// configuration of hand-written accounts does not have.
fn is_aws_configured(settings: &Settings) -> bool {
    const VARIABLES: [&str; 5] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    settings.profile.is_some()
        || settings.access_key.is_some()
        || settings.assume_role.is_some()
        || VARIABLES.iter().any(|name| variable(name).is_some())
}
