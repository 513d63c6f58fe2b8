//! The provider: its arguments, and what every resource and data source gets from them.

use async_trait::async_trait;
use describe::Describe;
use tokio_util::sync::CancellationToken;

use tokio::sync::OnceCell;

use crate::aws::{Endpoints, Reader, Settings};
use crate::model::handle::{self, HandleKind};
use terraform_plugin::data_source::DataSourceType;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::provider::Provider;
use terraform_plugin::resource::ResourceType;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use super::catalog_config::{self, CatalogArgument, OpenCatalog};
use super::credentials::AssumeRoleArgument;
use super::data::{Data, Unknown};
use super::environment::variable;
use super::{data_sources, resources};
use crate::model::checks;

/// The tenant unless said otherwise.
const DEFAULT_TENANT: &str = "default";
const TENANT_VARIABLE: &str = "ORGMIRROR_TENANT";

/// The `orgmirror` provider.
#[derive(Debug)]
pub struct Orgmirror;

/// The `provider` block.
#[derive(Clone, PartialEq, Default, Describe)]
pub struct Config {
    /// The isolation boundary of the catalog: handles are unique within it. Default: the environment variable
    /// `ORGMIRROR_TENANT`, else `default`.
    #[field(optional, check_string(checks::handle(HandleKind::Tenant)))]
    tenant: Value<String>,
    /// Where the catalog is kept: exactly one of `path` and `s3`. Default: the environment variable `ORGMIRROR_CATALOG` (a
    /// path, or `s3://bucket/prefix`), else `{ path = ".orgmirror" }`.
    #[field(optional)]
    catalog: Value<CatalogArgument>,
    /// Region whose partition is meant; AWS Organizations is one service per partition. Default: as the AWS CLI finds it, else
    /// one of the partition of `assume_role`, else `us-east-1`.
    #[field(optional, check_string(checks::region))]
    region: Value<String>,
    /// Profile of the shared AWS configuration files.
    #[field(optional, check_string(checks::not_empty))]
    profile: Value<String>,
    /// AWS access key ID, with `secret_key`. Without it, the default chain of the AWS SDKs applies: environment, shared files,
    /// SSO, container, instance.
    #[field(optional, sensitive, check_string(checks::not_empty))]
    access_key: Value<String>,
    /// AWS secret access key, with `access_key`. May be an ephemeral value.
    #[field(optional, sensitive, check_string(checks::not_empty))]
    secret_key: Value<String>,
    /// Session token that belongs to temporary keys.
    #[field(optional, sensitive, check_string(checks::not_empty))]
    token: Value<String>,
    /// Role to assume with these credentials, for discovery.
    #[field(optional)]
    assume_role: Value<AssumeRoleArgument>,
    /// Other endpoints than AWS's own, for emulators and private networks.
    #[field(optional)]
    endpoints: Value<EndpointsArgument>,
    /// How often a call of AWS that was throttled or failed in passing is repeated. Default 25.
    #[field(optional, at_least(0))]
    max_retries: Value<i64>,
    /// Warns when `orgmirror_aws_organization` is read with a long-lived access key that is older than this, in days, or with a
    /// role that such a key assumed. Asks IAM for the key's age; where that is not allowed (`iam:ListAccessKeys`), there is no
    /// warning. Default: no check.
    #[field(optional, at_least(1))]
    credential_rotation_days: Value<i64>,
}

// It holds keys.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("tenant", &self.tenant)
            .field("catalog", &self.catalog)
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("assume_role", &self.assume_role)
            .field("endpoints", &self.endpoints)
            .field("max_retries", &self.max_retries)
            .field("credential_rotation_days", &self.credential_rotation_days)
            .finish_non_exhaustive()
    }
}

/// `endpoints = { ... }`
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub struct EndpointsArgument {
    /// URL of AWS Organizations.
    #[field(optional, check_string(checks::url))]
    organizations: Value<String>,
    /// URL of AWS STS.
    #[field(optional, check_string(checks::url))]
    sts: Value<String>,
    /// URL of Amazon S3.
    #[field(optional, check_string(checks::url))]
    s3: Value<String>,
    /// URL of AWS IAM.
    #[field(optional, check_string(checks::url))]
    iam: Value<String>,
    /// URL of the Resource Groups Tagging API. Where `organizations` is set and this is not, tags are read account by account.
    #[field(optional, check_string(checks::url))]
    resourcegroupstaggingapi: Value<String>,
    /// URL of AWS Resource Explorer.
    #[field(optional, check_string(checks::url))]
    resourceexplorer2: Value<String>,
}

impl EndpointsArgument {
    fn has_unknown(&self) -> bool {
        // Taken apart in full, so that a new one cannot be forgotten here.
        let Self {
            organizations,
            sts,
            s3,
            iam,
            resourcegroupstaggingapi,
            resourceexplorer2,
        } = self;
        [
            organizations,
            sts,
            s3,
            iam,
            resourcegroupstaggingapi,
            resourceexplorer2,
        ]
        .into_iter()
        .any(Value::is_unknown)
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints {
            organizations: self.organizations.known().cloned(),
            sts: self.sts.known().cloned(),
            s3: self.s3.known().cloned(),
            iam: self.iam.known().cloned(),
            tagging: self.resourcegroupstaggingapi.known().cloned(),
            resource_explorer: self.resourceexplorer2.known().cloned(),
        }
    }
}

#[async_trait]
impl Provider for Orgmirror {
    type Config = Config;
    type Data = Data;

    fn name(&self) -> &'static str {
        super::ABOUT.provider
    }

    fn schema(&self) -> Schema {
        Schema::of::<Config>(
            "Mirrors an AWS organization as folders (one per organizational unit) and connections (one per account).",
        )
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        catalog_config::validate(&config.catalog, diagnostics);
        for (name, value, other_name, other) in [
            (
                "access_key",
                &config.access_key,
                "secret_key",
                &config.secret_key,
            ),
            (
                "secret_key",
                &config.secret_key,
                "access_key",
                &config.access_key,
            ),
            ("token", &config.token, "access_key", &config.access_key),
        ] {
            if !value.is_null() && other.is_null() {
                diagnostics.error_at(
                    Path::of(name),
                    "Incomplete AWS credentials",
                    format!("{name} is set and {other_name} is not; they belong together. Set {other_name}, or remove {name}."),
                );
            }
        }
    }

    async fn configure(
        &self,
        config: Config,
        _cancelled: &CancellationToken,
        diagnostics: &mut Diagnostics,
    ) -> Option<Data> {
        let (settings, unknown_settings) = settings(&config);
        let tenant = diagnostics.record(tenant_if_known(&config))?;
        let catalog = diagnostics.record(catalog(&config, (&settings, &unknown_settings)))?;
        Some(Data {
            tenant,
            catalog,
            settings,
            unknown_settings,
            reader: Reader::new(),
            // The schema refuses what is below 1.
            credential_rotation_days: config
                .credential_rotation_days
                .known()
                .and_then(|days| u64::try_from(*days).ok()),
            who: OnceCell::new(),
        })
    }

    fn resources(&self) -> Vec<ResourceType<Data>> {
        resources::all()
    }

    fn data_sources(&self) -> Vec<DataSourceType<Data>> {
        data_sources::all()
    }
}

/// The outer error ends the configuration, the inner one only what needs the catalog.
fn catalog(
    config: &Config,
    settings: (&Settings, &[&'static str]),
) -> Result<Result<OpenCatalog, Unknown>, Diagnostic> {
    let opened =
        catalog_config::open(&config.catalog, &config.tenant, settings, || tenant(config))?;
    Ok(opened.map_err(Unknown))
}

fn tenant_if_known(config: &Config) -> Result<Result<String, Unknown>, Diagnostic> {
    if config.tenant.is_unknown() {
        return Ok(Err(Unknown(vec!["tenant"])));
    }
    tenant(config).map(Ok)
}

fn tenant(config: &Config) -> Result<String, Diagnostic> {
    match (config.tenant.known(), variable(TENANT_VARIABLE)) {
        (Some(tenant), _) => Ok(tenant.clone()),
        (None, Some(tenant)) => {
            handle::check(HandleKind::Tenant, &tenant).map_err(|error| {
                Diagnostic::error(
                    "Invalid tenant",
                    format!(
                        "{} It comes from the environment variable {TENANT_VARIABLE}. Correct it there, or set tenant \
                         in the provider block.",
                        checks::sentence(&error)
                    ),
                )
            })?;
            Ok(tenant)
        }
        (None, None) => Ok(DEFAULT_TENANT.to_owned()),
    }
}

/// The settings as far as known, and the arguments that are not.
fn settings(config: &Config) -> (Settings, Vec<&'static str>) {
    let mut unknown = Vec::new();
    for (name, value) in [
        ("region", &config.region),
        ("profile", &config.profile),
        ("access_key", &config.access_key),
        ("secret_key", &config.secret_key),
        ("token", &config.token),
    ] {
        if value.is_unknown() {
            unknown.push(name);
        }
    }
    if config.max_retries.is_unknown() {
        unknown.push("max_retries");
    }
    let role = config.assume_role.known();
    if config.assume_role.is_unknown() || role.is_some_and(AssumeRoleArgument::has_unknown) {
        unknown.push("assume_role");
    }
    let endpoints = config.endpoints.known();
    if config.endpoints.is_unknown() || endpoints.is_some_and(EndpointsArgument::has_unknown) {
        unknown.push("endpoints");
    }
    let defaults = Settings::default();
    let settings = Settings {
        region: config.region.known().cloned(),
        profile: config.profile.known().cloned(),
        access_key: config.access_key.known().cloned(),
        secret_key: config.secret_key.known().cloned(),
        token: config.token.known().cloned(),
        assume_role: role.map(AssumeRoleArgument::role),
        endpoints: endpoints
            .map(EndpointsArgument::endpoints)
            .unwrap_or_default(),
        max_retries: config
            .max_retries
            .known()
            // The schema refuses what is below 0.
            .map_or(defaults.max_retries, |count| {
                u32::try_from(*count).unwrap_or(u32::MAX)
            }),
    };
    (settings, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn very_many_retries_are_not_the_default() {
        let retries = |count: Value<i64>| {
            let config = Config {
                max_retries: count,
                ..Config::default()
            };
            let (settings, unknown) = settings(&config);
            unknown.is_empty().then_some(settings.max_retries)
        };
        assert_eq!(retries(Value::Null), Some(25));
        assert_eq!(retries(0.into()), Some(0));
        assert_eq!(retries(i64::MAX.into()), Some(u32::MAX));
        assert_eq!(retries(Value::Unknown), None);
    }

    #[test]
    fn keys_and_external_ids_are_not_for_debugging() {
        let secret = || Value::from("s3cr3t");
        let config = Config {
            profile: "management".into(),
            access_key: secret(),
            secret_key: secret(),
            token: secret(),
            assume_role: Value::Known(AssumeRoleArgument::with_external_id("s3cr3t")),
            ..Config::default()
        };
        let shown = format!("{config:?}");
        assert!(shown.contains("management") && !shown.contains("s3cr3t"));
    }
}
