//! `aws_config`: a shared config file of the AWS SDKs and the AWS CLI, with a profile for each connection.
//!
//! The SDKs differ in how they read such files, so this one has only syntax that all of them read alike: no quotes, no
//! comments behind values, no section twice. The formats of settings are in the AWS SDKs and Tools Reference Guide, "Shared config
//! and credentials files".

mod preamble;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use super::{
    Format, OptionError, OptionKind, OptionSpec, RenderError, Rendered, formats_of, is_on, text,
};
use crate::model::objects::workspace::Options;
use crate::model::objects::{Integration, Workspace};
use crate::model::partition;
use crate::model::sso::Sso;
use crate::model::visibility::{EffectiveConnection, View};
use preamble::Preamble;
use sessions::Sessions;

/// The name of the format.
pub const NAME: &str = "aws_config";

/// The sources of credentials that an SDK may assume a role with, besides a profile.
const CREDENTIAL_SOURCES: [&str; 3] = ["Environment", "Ec2InstanceMetadata", "EcsContainer"];

/// The profile whose credentials are used where no source is chosen.
const DEFAULT_SOURCE: &str = "default";

/// Most characters of a role's session name, by the API of STS.
const MAX_SESSION_NAME_LENGTH: usize = 64;

/// The format.
#[derive(Debug)]
pub(super) struct AwsConfig;

impl Format for AwsConfig {
    fn name(&self) -> &'static str {
        NAME
    }

    fn file(&self) -> &'static str {
        "aws_config"
    }

    fn description(&self) -> &'static str {
        "A shared config file for the AWS CLI and the AWS SDKs, with a profile for each connection, named by its handle. \
         Point `AWS_CONFIG_FILE` at it; that hides the user's own `~/.aws/config`, but not `~/.aws/credentials`. A profile \
         assumes the connection's role with the credentials of one source: `source_profile`, `credential_source`, or \
         none of both but the user's own sign-in with `sso`. Where none of the three is set, it is the profile \
         `default`. A connection whose handle is the name of the source profile or of a profile in `preamble` is left \
         out, with a warning."
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[
            OptionSpec {
                name: "source_profile",
                kind: OptionKind::Text,
                description: "Profile whose credentials assume the roles: one in `preamble`, or in the user's \
                              `~/.aws/credentials`.",
            },
            OptionSpec {
                name: "credential_source",
                kind: OptionKind::Text,
                description: "Where the credentials come from that assume the roles, if from no profile: `Environment`, \
                              `Ec2InstanceMetadata` or `EcsContainer`.",
            },
            OptionSpec {
                name: "sso",
                kind: OptionKind::Switch,
                description: "Whether users sign in to the accounts with AWS IAM Identity Center instead of assuming \
                              the connections' roles. It takes what is in the integration's `sso`, `role_name` \
                              included; connections of an integration without it are left out, with a warning.",
            },
            OptionSpec {
                name: "region",
                kind: OptionKind::Text,
                description: "Region of the profiles, in place of each connection's `default_region`. Connections in \
                              another partition than this region's keep theirs.",
            },
            OptionSpec {
                name: "preamble",
                kind: OptionKind::Text,
                description: "What goes on top of the file as it is, such as the source profile itself. It must be \
                              what all SDKs read alike, and hold no credential.",
            },
        ]
    }

    fn check(&self, options: &Options) -> Result<(), OptionError> {
        Settings::of(options).map(drop)
    }

    fn render(&self, view: &View<'_>, options: &Options) -> Result<Rendered, RenderError> {
        let settings = Settings::of(options).map_err(|source| RenderError::Options {
            format: NAME,
            source,
        })?;
        let classified = settings.classify(view);
        let sessions = Sessions::of(&classified.published, &settings.preamble);
        let mut file = Ini::new(text(options, "preamble").unwrap_or_default());
        if matches!(settings.source, Source::Sso) {
            for ((address, region), name) in &sessions.names {
                file.section("sso-session", name);
                file.set("sso_start_url", address);
                file.set("sso_region", region);
                file.set("sso_registration_scopes", "sso:account:access");
            }
        }
        let session_name = session_name(view.workspace);
        for connection in &classified.published {
            file.section("profile", connection.handle);
            settings.write_access(&mut file, connection, &session_name, &sessions);
            file.set("region", settings.region_of(connection));
            file.set("retry_mode", "standard");
            file.set("max_attempts", connection.settings.max_error_retry_attempts);
        }
        Ok(Rendered {
            bytes: file.text.into_bytes(),
            notices: classified.notices(),
        })
    }
}

/// A connection that cannot be published, because its handle is the name of another profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileNameConflict {
    /// ID of the account.
    pub account_id: String,
    /// Name of the account.
    pub name: String,
    /// Handle of its integration.
    pub integration: String,
    /// Handle of the connection.
    pub handle: String,
    /// Whether the other profile is one that assumes the roles, not just one in the preamble.
    pub is_source: bool,
}

/// A clause that names the connection and the profile.
impl fmt::Display for ProfileNameConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account_id,
            name,
            integration,
            handle,
            is_source,
        } = self;
        let with = if *is_source {
            "the name of a profile that the roles are assumed with"
        } else {
            "the name of a profile in the preamble"
        };
        write!(
            f,
            "the account {account_id} ({name:?}) of the integration {integration:?} has the handle {handle:?}, which is \
             {with}"
        )
    }
}

/// The connections of a workspace that get no profile, because its name is taken. Empty if the workspace publishes no
/// profiles.
///
/// # Errors
/// The options are invalid.
pub fn profile_name_conflicts(view: &View<'_>) -> Result<Vec<ProfileNameConflict>, OptionError> {
    if !formats_of(view.workspace).contains(&NAME) {
        return Ok(Vec::new());
    }
    Ok(Settings::of(options_of(view.workspace))?
        .classify(view)
        .conflicts)
}

/// The connections of a workspace that have a profile, by handle.
///
/// # Errors
/// The options are invalid.
pub(super) fn with_profiles<'v, 't>(
    view: &'v View<'t>,
) -> Result<Vec<&'v EffectiveConnection<'t>>, OptionError> {
    Ok(Settings::of(options_of(view.workspace))?
        .classify(view)
        .published)
}

/// The options of this format, which may be implied by another one.
fn options_of(workspace: &Workspace) -> &Options {
    static DEFAULTS: Options = Options::new();
    workspace.publish.get(NAME).unwrap_or(&DEFAULTS)
}

/// Where the credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source<'o> {
    Profile(&'o str),
    Environment(&'o str),
    Sso,
}

/// Options that have been checked.
#[derive(Debug)]
struct Settings<'o> {
    source: Source<'o>,
    region: Option<&'o str>,
    preamble: Preamble<'o>,
}

impl<'o> Settings<'o> {
    fn of(options: &'o Options) -> Result<Self, OptionError> {
        let profile = text(options, "source_profile");
        let environment = text(options, "credential_source");
        let sso = is_on(options, "sso");
        let source = match (profile, environment, sso) {
            (None, None, false) => Source::Profile(DEFAULT_SOURCE),
            (Some(profile), None, false) => Source::Profile(source_profile(profile)?),
            (None, Some(environment), false) => {
                Source::Environment(credential_source(environment)?)
            }
            (None, None, true) => Source::Sso,
            _ => {
                return Err(OptionError {
                    option: None,
                    rule: "Credentials come from one source, but more than one of source_profile, credential_source \
                           and sso is set."
                        .to_owned(),
                    fix: "Keep one of the three.".to_owned(),
                });
            }
        };
        let region = text(options, "region");
        if let Some(region) = region.filter(|region| !partition::is_region(region)) {
            return Err(OptionError {
                option: Some("region"),
                rule: format!("{region:?} is not the name of an AWS Region."),
                fix: "Write it like \"eu-west-1\".".to_owned(),
            });
        }
        let preamble = preamble::read(text(options, "preamble").unwrap_or_default());
        let preamble = preamble.map_err(|fault| OptionError {
            option: Some("preamble"),
            rule: fault.rule,
            fix: fault.fix.to_owned(),
        })?;
        Ok(Self {
            source,
            region,
            preamble,
        })
    }

    /// The profiles that the chosen one stands on, itself first: a connection of that name would assume its role with
    /// itself.
    fn sources(&self) -> BTreeSet<&'o str> {
        let mut sources = BTreeSet::new();
        let mut next = match self.source {
            Source::Profile(profile) => Some(profile),
            Source::Environment(_) | Source::Sso => None,
        };
        while let Some(profile) = next
            && sources.insert(profile)
        {
            next = self.preamble.sources.get(profile).copied();
        }
        sources
    }

    fn classify<'v, 't>(&self, view: &'v View<'t>) -> Classification<'v, 't> {
        let sources = self.sources();
        let mut classified = Classification::default();
        for connection in &view.connections {
            let is_source = sources.contains(connection.handle);
            if is_source || self.preamble.profiles.contains(connection.handle) {
                classified.conflicts.push(ProfileNameConflict {
                    account_id: connection.account_id.to_owned(),
                    name: connection.name().to_owned(),
                    integration: connection.integration.handle.clone(),
                    handle: connection.handle.to_owned(),
                    is_source,
                });
                continue;
            }
            if self.source == Source::Sso && permission_set(connection).is_none() {
                let (_, count) = classified
                    .without_sso
                    .entry(&connection.integration.id)
                    .or_insert((connection.integration, 0));
                *count += 1;
                continue;
            }
            if let Some(setting) = self.unwritable(connection) {
                classified.unwritable.push((connection, setting));
                continue;
            }
            classified.published.push(connection);
        }
        classified
    }

    /// The first setting whose value the SDKs would not read as it is. Arguments are checked when they are declared; a
    /// path of a role may hold quotes, though.
    fn unwritable(&self, connection: &EffectiveConnection<'_>) -> Option<&'static str> {
        let values = match permission_set(connection) {
            Some((sso, role_name)) if self.source == Source::Sso => [
                (
                    "the integration's sso.portal_url",
                    Some(sso.portal().address),
                ),
                ("the integration's sso.region", Some(&sso.region)),
                ("the integration's sso.role_name", Some(role_name)),
            ],
            _ => [
                ("role_arn", Some(connection.role_arn)),
                ("external_id", connection.settings.external_id.as_deref()),
                (
                    "default_region",
                    Some(connection.settings.default_region.as_str()),
                ),
            ],
        };
        let mut refused = values
            .into_iter()
            .filter(|(_, value)| value.is_some_and(|value| !is_writable(value)));
        refused.next().map(|(setting, _)| setting)
    }

    fn write_access(
        &self,
        file: &mut Ini,
        connection: &EffectiveConnection<'_>,
        session_name: &str,
        sessions: &Sessions<'_>,
    ) {
        let (key, source) = match self.source {
            Source::Profile(profile) => ("source_profile", profile),
            Source::Environment(environment) => ("credential_source", environment),
            Source::Sso => {
                if let Some((sso, role_name)) = permission_set(connection) {
                    file.set("sso_session", sessions.name(sso));
                    file.set("sso_account_id", connection.account_id);
                    file.set("sso_role_name", role_name);
                }
                return;
            }
        };
        file.set("role_arn", connection.role_arn);
        file.set(key, source);
        if let Some(external_id) = &connection.settings.external_id {
            file.set("external_id", external_id);
        }
        file.set("role_session_name", session_name);
    }

    fn region_of<'a>(&self, connection: &EffectiveConnection<'a>) -> &'a str
    where
        'o: 'a,
    {
        self.region
            .filter(|region| partition::of_region(region) == connection.partition())
            .unwrap_or(&connection.settings.default_region)
    }
}

fn source_profile(profile: &str) -> Result<&str, OptionError> {
    if preamble::is_name(profile) {
        return Ok(profile);
    }
    Err(OptionError {
        option: Some("source_profile"),
        rule: format!("{profile:?} is not the name of a profile that every SDK reads."),
        fix: "Use letters, digits, _ and -, without quotes.".to_owned(),
    })
}

fn credential_source(source: &str) -> Result<&str, OptionError> {
    if CREDENTIAL_SOURCES.contains(&source) {
        return Ok(source);
    }
    Err(OptionError {
        option: Some("credential_source"),
        rule: format!("{source:?} is no source of credentials."),
        fix:
            "Use \"Environment\", \"Ec2InstanceMetadata\" or \"EcsContainer\", written exactly so."
                .to_owned(),
    })
}

/// Whether all SDKs read a value literally: it has no blanks, which may begin a comment, and no quotes.
fn is_writable(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\'')
        && !value.starts_with(['#', ';'])
}

/// The SSO settings and the permission set of a connection.
fn permission_set<'t>(connection: &EffectiveConnection<'t>) -> Option<(&'t Sso, &'t str)> {
    let sso = connection.integration.sso.as_ref()?;
    Some((sso, sso.role_name.as_deref()?))
}

/// The name of a session, by which CloudTrail shows its workspace. Handles have no dot, so the dot separates the two. Long
/// handles are cut.
fn session_name(workspace: &Workspace) -> String {
    let (organization, handle) = (&workspace.organization, &workspace.handle);
    let room = MAX_SESSION_NAME_LENGTH - 1;
    // Each may have what the other leaves, and half of it in any case.
    let first = (room / 2).max(room.saturating_sub(handle.len()));
    let organization = organization.get(..first).unwrap_or(organization);
    let handle = handle.get(..room - organization.len()).unwrap_or(handle);
    format!("{organization}.{handle}")
}

/// The connections of a view, by whether they get a profile.
#[derive(Debug, Default)]
struct Classification<'v, 't> {
    /// Those with a profile.
    published: Vec<&'v EffectiveConnection<'t>>,
    conflicts: Vec<ProfileNameConflict>,
    /// By ID, integrations without the arguments for SSO, and the number of their connections.
    without_sso: BTreeMap<&'t str, (&'t Integration, usize)>,
    /// With the setting that cannot be written.
    unwritable: Vec<(&'v EffectiveConnection<'t>, &'static str)>,
}

impl Classification<'_, '_> {
    fn notices(&self) -> Vec<String> {
        let conflicts = self.conflicts.iter().map(|conflict| {
            sentence(&format!(
                "{conflict}, so no profile is published for it. Give it another handle with an orgmirror_connection_override, \
                 or choose another name for that profile."
            ))
        });
        let without_sso = self.without_sso.values().map(|(integration, count)| {
            format!(
                "The integration {:?} has no sso with a role_name, so no profile is published for its connections \
                 ({count} of this workspace). Set sso there, or choose source_profile or credential_source here.",
                integration.handle
            )
        });
        let unwritable = self.unwritable.iter().map(|(connection, setting)| {
            format!(
                "No profile is published for the account {} ({:?}) of the integration {:?}: {setting} is empty or has \
                 blanks, quotes or characters that are not ASCII, which SDKs read in different ways. Change it, with \
                 an orgmirror_connection_override if it is for this account only.",
                connection.account_id,
                connection.name(),
                connection.integration.handle
            )
        });
        let default = self.published.iter().find(|c| c.handle == DEFAULT_SOURCE);
        let default = default.map(|connection| {
            format!(
                "The account {} ({:?}) of the integration {:?} has the handle \"default\", so it is what the AWS CLI and \
                 the SDKs use with this file when no profile is named. Give it another handle with an \
                 orgmirror_connection_override if that is not meant.",
                connection.account_id,
                connection.name(),
                connection.integration.handle
            )
        });
        conflicts
            .chain(without_sso)
            .chain(unwritable)
            .chain(default)
            .collect()
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// A file of sections, set apart by blank lines.
#[derive(Debug)]
struct Ini {
    text: String,
}

impl Ini {
    fn new(preamble: &str) -> Self {
        let mut text = preamble.to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Self { text }
    }

    fn section(&mut self, kind: &str, name: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(format_args!("[{kind} {name}]"));
    }

    fn set(&mut self, key: &str, value: impl fmt::Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
