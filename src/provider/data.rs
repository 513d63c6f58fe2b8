//! The data that every resource and data source gets from the `provider` block.

use std::time::Duration;

use tokio::sync::OnceCell;

use crate::aws::{Reader, Session, Settings};
use crate::catalog::{Catalog, Who};
use terraform_plugin::diagnostics::Diagnostic;

use super::catalog_config::OpenCatalog;
use super::credentials::Replacement;
use super::environment::variable;

/// Limits how long an apply waits for the name of the caller in the history.
const CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// The configured provider. Arguments may be unknown while planning: operations that do not need them go on.
#[derive(Debug)]
pub struct Data {
    pub(super) tenant: Result<String, Unknown>,
    pub(super) catalog: Result<OpenCatalog, Unknown>,
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
    /// The error of an operation that needs these arguments.
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

    /// The catalog, or the arguments that must be known first.
    pub fn catalog(&self) -> Result<&Catalog, &Unknown> {
        self.catalog.as_ref().map(|opened| &opened.catalog)
    }

    /// The settings for AWS, or the arguments that must be known first. The caller has its own values for `replaced`.
    pub fn settings(&self, replaced: &[&str]) -> Result<&Settings, Unknown> {
        let waits: Vec<_> = self
            .unknown_settings
            .iter()
            .copied()
            .filter(|name| !replaced.contains(name))
            .collect();
        if waits.is_empty() {
            Ok(&self.settings)
        } else {
            Err(Unknown(waits))
        }
    }

    /// The settings for AWS with what a data source replaces, or the arguments that must be known first.
    pub(super) fn settings_with(&self, replacement: &Replacement) -> Result<Settings, Unknown> {
        Ok(replacement.apply_to(self.settings(&replacement.replaced_arguments())?))
    }

    /// Makes readings of AWS organizations, identical ones once.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// After how many days an access key should be replaced; none: not configured, or not known yet.
    pub fn credential_rotation_days(&self) -> Option<u64> {
        self.credential_rotation_days
    }

    /// The author of changes: the AWS caller that writes the catalog, else the configured one, else the user of this
    /// machine.
    pub async fn who(&self) -> &Who {
        self.who
            .get_or_init(|| async {
                let here = Who::here();
                let writer = self
                    .catalog
                    .as_ref()
                    .ok()
                    .and_then(|opened| opened.caller.as_ref());
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

/// Whether AWS credentials are configured. If not, a call to AWS would search for credentials that a configuration of
/// hand-written accounts does not have.
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
