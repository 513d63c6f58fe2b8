//! The configuration of the catalog: the argument `catalog`, and the store that it names.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use describe::Describe;

use crate::aws::{ConnectError, Session, Settings};
use crate::catalog::{Catalog, Connect, Location, LocationError, NotConnected, S3Error, S3Place};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::schema::Violation;
use terraform_plugin::value::Value;

use super::credentials::{self, AssumeRoleArgument, Replacement};
use crate::model::checks;

/// Default directory of the catalog, relative to Terraform's working directory.
const DEFAULT: &str = ".orgmirror";
const VARIABLE: &str = "ORGMIRROR_CATALOG";
/// Single sign-on and credential processes may take their time.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(60);

/// `catalog = { ... }`
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(super) struct CatalogArgument {
    /// A directory, relative to where Terraform runs. Keep it where every run finds it again: the state refers to it.
    #[field(
        optional,
        check_string(checks::not_empty),
        check_string(check_directory)
    )]
    path: Value<String>,
    /// A prefix of an S3 bucket, for pipelines and teams: several may write at the same time. The [guide for
    /// teams](guides/teams.md) has the policy that it needs.
    #[field(optional)]
    s3: Value<S3Argument>,
}

/// `s3 = { ... }`
#[derive(Debug, Clone, PartialEq, Default, Describe)]
struct S3Argument {
    /// Name of the bucket. It must be there.
    #[field(required, check_string(check_bucket))]
    bucket: Value<String>,
    /// What all keys begin with, such as `prod`. Default: nothing.
    #[field(optional, check_string(check_prefix))]
    prefix: Value<String>,
    /// Region of the bucket. Default: the provider's.
    #[field(optional, check_string(checks::region))]
    region: Value<String>,
    /// ID, ARN or alias of the KMS key that encrypts what is written. Default: as the bucket says.
    #[field(optional, check_string(checks::not_empty))]
    kms_key_id: Value<String>,
    /// Profile for the catalog. Replaces the provider's credentials of any kind, its `assume_role` included.
    #[field(optional, check_string(checks::not_empty))]
    profile: Value<String>,
    /// Role to assume for the catalog. Replaces the provider's; the two are not chained.
    #[field(optional)]
    assume_role: Value<AssumeRoleArgument>,
    /// URL of S3. Default: `endpoints.s3` of the provider.
    #[field(optional, check_string(checks::url))]
    endpoint: Value<String>,
    /// Whether the bucket is named in the path of URLs instead of the host, as some emulators need it. Default `false`.
    #[field(optional)]
    use_path_style: Value<bool>,
}

impl S3Argument {
    /// Arguments that are not known yet.
    fn unknown_arguments(&self) -> Vec<&'static str> {
        let role = self.assume_role.known();
        let has_unknown_role =
            self.assume_role.is_unknown() || role.is_some_and(AssumeRoleArgument::has_unknown);
        [
            ("catalog.s3.bucket", self.bucket.is_unknown()),
            ("catalog.s3.prefix", self.prefix.is_unknown()),
            ("catalog.s3.region", self.region.is_unknown()),
            ("catalog.s3.kms_key_id", self.kms_key_id.is_unknown()),
            ("catalog.s3.profile", self.profile.is_unknown()),
            ("catalog.s3.assume_role", has_unknown_role),
            ("catalog.s3.endpoint", self.endpoint.is_unknown()),
            (
                "catalog.s3.use_path_style",
                self.use_path_style.is_unknown(),
            ),
        ]
        .into_iter()
        .filter_map(|(name, is_unknown)| is_unknown.then_some(name))
        .collect()
    }

    fn replacement(&self) -> Replacement {
        Replacement {
            assume_role: self.assume_role.clone(),
            profile: self.profile.clone(),
            region: self.region.clone(),
        }
    }

    /// The provider's settings, with values that the catalog has of its own.
    fn settings(&self, provider: &Settings) -> Settings {
        let mut settings = self.replacement().apply_to(provider);
        if let Some(endpoint) = self.endpoint.known() {
            settings.endpoints.s3 = Some(endpoint.clone());
        }
        settings
    }
}

/// The place of a catalog.
struct Place {
    location: Location,
    /// The argument `s3`; empty for a directory.
    s3: S3Argument,
    /// The attribute or variable that names the place.
    origin: &'static str,
}

/// Refuses a catalog that names no place, or two.
pub(super) fn validate(catalog: &Value<CatalogArgument>, diagnostics: &mut Diagnostics) {
    let Some(catalog) = catalog.known() else {
        return;
    };
    let problem = match (catalog.path.is_null(), catalog.s3.is_null()) {
        (true, true) => "names no place",
        (false, false) => "names two places, path and s3",
        _ => return,
    };
    diagnostics.error_at(
        Path::of("catalog"),
        "The catalog cannot be used",
        format!(
            "catalog {problem}; a tenant has one catalog. Set either path, to a directory, or s3, to a bucket and a prefix."
        ),
    );
}

/// An open catalog.
#[derive(Debug)]
pub(super) struct OpenCatalog {
    pub(super) catalog: Catalog,
    /// The AWS caller that reads and writes it, if it is in S3.
    pub(super) caller: Option<Settings>,
}

/// Opens the catalog of `tenant`. The inner error has the arguments that must be known first; `unknown` are those of
/// `provider`.
///
/// # Errors
/// When the configuration names no valid place.
pub(super) fn open(
    argument: &Value<CatalogArgument>,
    tenant: &Value<String>,
    (provider, unknown): (&Settings, &[&'static str]),
    tenant_name: impl FnOnce() -> Result<String, Diagnostic>,
) -> Result<Result<OpenCatalog, Vec<&'static str>>, Diagnostic> {
    let mut waits = Vec::new();
    match argument {
        Value::Unknown => waits.push("catalog"),
        Value::Known(argument) => {
            if argument.path.is_unknown() {
                waits.push("catalog.path");
            }
            match &argument.s3 {
                Value::Unknown => waits.push("catalog.s3"),
                Value::Known(s3) => waits.extend(s3.unknown_arguments()),
                Value::Null => {}
            }
        }
        Value::Null => {}
    }
    if tenant.is_unknown() {
        waits.push("tenant");
    }
    if !waits.is_empty() {
        return Ok(Err(waits));
    }
    let place = find_place(argument.known())?;
    let tenant = tenant_name()?;
    let failed = |error: &dyn std::fmt::Display| unusable(error, place.origin);
    let mut caller = None;
    let opened = match &place.location {
        Location::Disk(directory) => Catalog::on_disk(directory, &tenant),
        Location::S3 { bucket, prefix } => {
            let replaced = place.s3.replacement().replaced_arguments();
            let waits: Vec<_> = unknown
                .iter()
                .copied()
                .filter(|name| !replaced.contains(name))
                .collect();
            if !waits.is_empty() {
                return Ok(Err(waits));
            }
            let settings = place.s3.settings(provider);
            caller = Some(settings.clone());
            let s3_place = S3Place {
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                kms_key_id: place.s3.kms_key_id.known().cloned(),
                max_retries: settings.max_retries,
            };
            let access = Access {
                settings,
                use_path_style: place.s3.use_path_style.known().is_some_and(|is_on| *is_on),
            };
            Catalog::on_s3(s3_place, Arc::new(access), &tenant)
        }
    };
    let catalog = opened.map_err(|error| failed(&error))?;
    Ok(Ok(OpenCatalog { catalog, caller }))
}

fn find_place(argument: Option<&CatalogArgument>) -> Result<Place, Diagnostic> {
    if let Some(s3) = argument.and_then(|argument| argument.s3.known()) {
        let prefix = s3
            .prefix
            .known()
            .map_or("", |prefix| prefix.trim_matches('/'));
        return Ok(Place {
            location: Location::S3 {
                bucket: s3.bucket.known().cloned().unwrap_or_default(),
                prefix: prefix.to_owned(),
            },
            s3: s3.clone(),
            origin: "catalog.s3",
        });
    }
    let path = argument.and_then(|argument| argument.path.known());
    let (text, origin) = match (path, super::environment::variable(VARIABLE)) {
        (Some(path), _) => (path.clone(), "catalog.path"),
        (None, Some(text)) => (text, VARIABLE),
        (None, None) => (DEFAULT.to_owned(), "catalog"),
    };
    let location = text
        .parse()
        .map_err(|error: LocationError| unusable(&error, origin))?;
    if let Location::S3 {
        bucket: name,
        prefix: below,
    } = &location
    {
        check_bucket(name)
            .and_then(|()| check_prefix(below))
            .map_err(|violation| {
                unusable(
                    &format!(
                        "{text:?} cannot be used. {} {}",
                        violation.rule, violation.fix
                    ),
                    origin,
                )
            })?;
    }
    Ok(Place {
        location,
        s3: S3Argument::default(),
        origin,
    })
}

fn unusable(error: &dyn std::fmt::Display, origin: &str) -> Diagnostic {
    Diagnostic::error(
        "The catalog cannot be used",
        format!(
            "{} It was set by {origin}. Set catalog in the provider block to {{ path = \"...\" }}, a directory, or to \
             {{ s3 = {{ bucket = \"...\", prefix = \"...\" }} }}.",
            checks::sentence(&error)
        ),
    )
    .at(Path::of("catalog"))
}

fn check_directory(path: &str) -> Result<(), Violation> {
    match path.parse::<Location>() {
        Ok(Location::Disk(_)) => Ok(()),
        Ok(Location::S3 { .. }) => Err(Violation::new(
            "It must be a directory.",
            "For S3, write catalog = { s3 = { bucket = \"...\", prefix = \"...\" } } instead of path.",
        )),
        Err(error) => Err(Violation::new(
            checks::sentence(&error),
            "Give a directory.",
        )),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn check_bucket(name: &str) -> Result<(), Violation> {
    if name.ends_with("--x-s3") {
        return Err(Violation::new(
            "It must be a general purpose bucket; the name of a directory bucket ends so.",
            "Give the name of a general purpose bucket.",
        ));
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let has_ends = [bytes.first(), bytes.last()]
        .iter()
        .all(|end| end.is_some_and(|b| allowed(*b)));
    let is_name = (3..=63).contains(&name.len())
        && has_ends
        && bytes.iter().all(|b| allowed(*b) || b"-.".contains(b));
    if is_name {
        return Ok(());
    }
    Err(Violation::new(
        "The name of a bucket has 3 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends.",
        "Give the name alone, without s3:// and without a prefix.",
    ))
}

fn check_prefix(text: &str) -> Result<(), Violation> {
    // A key of S3 has at most 1,024 bytes, and names follow the prefix.
    const LONGEST: usize = 512;
    let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(char::is_control);
    let names = text.trim_matches('/');
    if text.len() <= LONGEST && (names.is_empty() || names.split('/').all(is_name)) {
        return Ok(());
    }
    Err(Violation::new(
        "A prefix has names with a / between them, none of which is empty, . or .., and 512 bytes at most.",
        "Write it like \"orgmirror/prod\".",
    ))
}

/// Opens S3 with the provider's credentials, or those of the catalog.
#[derive(Debug)]
struct Access {
    settings: Settings,
    use_path_style: bool,
}

#[async_trait]
impl Connect for Access {
    async fn connect(&self) -> Result<aws_sdk_s3::Client, NotConnected> {
        let session = Session::open(&self.settings, CREDENTIALS_TIMEOUT)
            .await
            .map_err(|error| NotConnected {
                advice: error.fix(),
                source: error.into(),
            })?;
        Ok(session.s3(self.use_path_style))
    }
}

/// The summary of an error of the catalog: its own if S3 or its credentials caused the error, else `otherwise`.
pub(super) fn summary(error: &(dyn Error + 'static), otherwise: &'static str) -> &'static str {
    let mut at = Some(error);
    while let Some(cause) = at {
        if let Some(error) = cause.downcast_ref::<ConnectError>() {
            return credentials::summary(error);
        }
        if let Some(error) = cause.downcast_ref::<S3Error>() {
            return match error {
                S3Error::NoBucket { .. } => "No such S3 bucket",
                S3Error::Denied { .. } => "S3 denies access to the catalog",
                S3Error::OtherRegion { .. } => "The S3 bucket is in another Region",
                S3Error::Key { .. } => "The KMS key of the catalog cannot be used",
                S3Error::NoCredentials(_) => "AWS credentials cannot be obtained",
                S3Error::InvalidCredentials { .. } => "AWS does not accept the credentials",
                S3Error::Clock(_) => "The system clock is wrong",
                S3Error::Unreachable { .. } => "S3 cannot be reached",
                S3Error::NoConditions { .. } => "S3 endpoint without conditional writes",
                S3Error::Throttled { .. } | S3Error::Contended(_) | S3Error::Service { .. } => {
                    otherwise
                }
            };
        }
        at = cause.source();
    }
    otherwise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets_and_prefixes() {
        for name in ["acme", "acme.orgmirror-1", "0a0"] {
            assert_eq!(check_bucket(name).err(), None, "{name}");
        }
        for name in [
            "",
            "ab",
            "Acme",
            "acme_x",
            "-acme",
            "acme.",
            "s3://acme",
            "acme/prod",
            "arn:aws:s3:::acme",
            "acme--use1-az4--x-s3",
        ] {
            assert!(check_bucket(name).is_err(), "{name}");
        }
        for text in ["", "/", "prod", "a b/ä", "/prod/eu/", ".../.a", " "] {
            assert_eq!(check_prefix(text).err(), None, "{text}");
        }
        for text in [
            "a//b",
            "../x",
            "a/./b",
            "a\nb",
            "..",
            "a/..",
            &"ä".repeat(257),
        ] {
            assert!(check_prefix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn settings_of_the_catalog_replace_the_provider_s() {
        let provider = Settings {
            region: Some("us-east-1".into()),
            access_key: Some("key".into()),
            secret_key: Some("secret".into()),
            ..Settings::default()
        };
        let nothing = S3Argument::default();
        assert_eq!(nothing.settings(&provider), provider);
        let own = S3Argument {
            profile: "catalog".into(),
            region: "eu-west-1".into(),
            endpoint: "https://s3.example.com".into(),
            ..S3Argument::default()
        };
        let settings = own.settings(&provider);
        assert_eq!(settings.profile.as_deref(), Some("catalog"));
        assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
        assert_eq!((settings.access_key, settings.secret_key), (None, None));
        let endpoint = settings.endpoints.s3;
        assert_eq!(endpoint.as_deref(), Some("https://s3.example.com"));
        assert!(
            own.replacement()
                .replaced_arguments()
                .contains(&"access_key")
        );
    }
}
