//! Grantees: who a permission is for.

use std::fmt;
use std::str::FromStr;

use describe::{Described, Kind, Known, NotKnown, StringCheck, Violation};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::checks;
use super::handle::{self, HandleError, HandleKind};

/// Who a permission is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// `*`: every workspace in the integration's scope.
    Everyone,
    /// `acme`: every workspace of an organization.
    Organization(String),
    /// `acme/security`: one workspace.
    Workspace {
        /// Handle of the organization that owns the workspace.
        organization: String,
        /// Handle of the workspace.
        workspace: String,
    },
}

/// Why a grantee is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GranteeError {
    /// Not of any of the three forms.
    #[error(
        "the grantee {value:?} is none of \"*\" (every workspace in scope), an organization's handle such as \
         \"acme\", and a workspace such as \"acme/security\""
    )]
    Malformed {
        /// The offending value.
        value: String,
    },
    /// A workspace of any name in an organization: the organization alone says so.
    #[error(
        "the grantee {value:?} has a * for a workspace; {organization:?} alone means every workspace of it"
    )]
    EveryWorkspace {
        /// The offending value.
        value: String,
        /// Handle of the organization.
        organization: String,
    },
    /// A workspace in any organization: nothing says so.
    #[error(
        "the grantee {value:?} has a * for an organization; workspaces of one name in several organizations are \
         granted one by one, and \"*\" alone means every workspace in scope"
    )]
    EveryOrganization {
        /// The offending value.
        value: String,
    },
    /// One of its handles is not valid.
    #[error("in the grantee {value:?}, {source}")]
    Handle {
        /// The offending value.
        value: String,
        /// The rule it breaks.
        source: HandleError,
    },
    /// An organization-level integration cannot be shared outside its organization.
    #[error(
        "the grantee \"{grantee}\" is not in scope: the integration belongs to the organization {organization:?} and \
         can be shared with \"*\" (all of its workspaces), {organization:?} and \"{organization}/WORKSPACE\" only"
    )]
    OutOfScope {
        /// The offending grantee.
        grantee: Grantee,
        /// The organization that the integration belongs to.
        organization: String,
    },
}

/// The rule for grantees.
pub fn check(value: &str) -> Result<(), Violation> {
    value.parse::<Grantee>().map(drop).map_err(|error| {
        Violation::new(
            checks::sentence(&error),
            "Write \"*\", \"acme\" or \"acme/security\".",
        )
    })
}

impl Described for Grantee {
    fn kind() -> Kind {
        String::kind()
    }

    fn check() -> Option<StringCheck> {
        Some(check)
    }
}

impl Known for Grantee {
    type Planned = String;

    fn into_planned(self) -> String {
        self.to_string()
    }

    /// The attribute's check has reported one that cannot be parsed.
    fn from_planned(planned: String) -> Result<Self, NotKnown> {
        planned.parse().map_err(|_| NotKnown::here())
    }
}

impl Grantee {
    /// Whether this workspace is among those that are meant, within the scope of an integration that belongs to
    /// `scope`; none: to the tenant.
    pub fn covers(&self, organization: &str, workspace: &str, scope: Option<&str>) -> bool {
        if scope.is_some_and(|scope| scope != organization) {
            return false;
        }
        match self {
            Grantee::Everyone => true,
            Grantee::Organization(granted) => granted == organization,
            Grantee::Workspace {
                organization: owner,
                workspace: granted,
            } => owner == organization && granted == workspace,
        }
    }

    /// Checks that an integration may be shared with this grantee; `organization` is the one it belongs to, none for a
    /// tenant-level integration, which may be shared with everyone.
    ///
    /// # Errors
    /// [`GranteeError::OutOfScope`] for another organization, or a workspace of one.
    pub fn check_scope(&self, organization: Option<&str>) -> Result<(), GranteeError> {
        let named = match self {
            Grantee::Everyone => return Ok(()),
            Grantee::Organization(handle) => handle,
            Grantee::Workspace { organization, .. } => organization,
        };
        match organization {
            Some(own) if own != named => Err(GranteeError::OutOfScope {
                grantee: self.clone(),
                organization: own.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// As it is written in HCL.
impl Serialize for Grantee {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grantee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl FromStr for Grantee {
    type Err = GranteeError;

    fn from_str(value: &str) -> Result<Self, GranteeError> {
        let checked = |kind, part: &str| match handle::check(kind, part) {
            Ok(()) => Ok(part.to_owned()),
            Err(source) => Err(GranteeError::Handle {
                value: value.to_owned(),
                source,
            }),
        };
        if value == "*" {
            return Ok(Grantee::Everyone);
        }
        match value.split('/').collect::<Vec<_>>().as_slice() {
            [""] => Err(GranteeError::Malformed {
                value: value.to_owned(),
            }),
            [organization] => Ok(Grantee::Organization(checked(
                HandleKind::Organization,
                organization,
            )?)),
            ["*", _] => Err(GranteeError::EveryOrganization {
                value: value.to_owned(),
            }),
            [organization, "*"] => Err(GranteeError::EveryWorkspace {
                value: value.to_owned(),
                organization: checked(HandleKind::Organization, organization)?,
            }),
            [organization, workspace] => Ok(Grantee::Workspace {
                organization: checked(HandleKind::Organization, organization)?,
                workspace: checked(HandleKind::Workspace, workspace)?,
            }),
            _ => Err(GranteeError::Malformed {
                value: value.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grantee::Everyone => f.write_str("*"),
            Grantee::Organization(organization) => f.write_str(organization),
            Grantee::Workspace {
                organization,
                workspace,
            } => write!(f, "{organization}/{workspace}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_parse_and_print() {
        for text in ["*", "acme", "acme/security", "0/a-b_c"] {
            assert_eq!(text.parse::<Grantee>().unwrap().to_string(), text);
        }
        for text in ["", "a/b/c"] {
            let error = text.parse::<Grantee>().unwrap_err();
            assert!(matches!(error, GranteeError::Malformed { .. }), "{error}");
        }
        for text in ["Acme", "acme/", "/security", "**", "Acme/*"] {
            let error = text.parse::<Grantee>().unwrap_err();
            assert!(matches!(error, GranteeError::Handle { .. }), "{error}");
        }
    }

    #[test]
    fn a_star_for_half_a_workspace_is_told_what_to_write() {
        let told = |text: &str| text.parse::<Grantee>().unwrap_err().to_string();
        assert_eq!(
            told("acme/*"),
            "the grantee \"acme/*\" has a * for a workspace; \"acme\" alone means every workspace of it"
        );
        for text in ["*/security", "*/*"] {
            assert!(
                told(text).ends_with("\"*\" alone means every workspace in scope"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_organization_shares_inside_itself_only() {
        let scope_of =
            |text: &str, organization| text.parse::<Grantee>().unwrap().check_scope(organization);
        for text in ["*", "acme", "acme/security"] {
            assert_eq!(scope_of(text, Some("acme")), Ok(()));
            assert_eq!(scope_of(text, None), Ok(()));
        }
        for text in ["other", "other/acme", "acme2"] {
            assert_eq!(scope_of(text, None), Ok(()));
            assert_eq!(
                scope_of(text, Some("acme")).unwrap_err().to_string(),
                format!(
                    "the grantee \"{text}\" is not in scope: the integration belongs to the organization \"acme\" \
                     and can be shared with \"*\" (all of its workspaces), \"acme\" and \"acme/WORKSPACE\" only"
                )
            );
        }
    }

    #[test]
    fn a_grantee_covers_its_workspaces_within_the_integration_s_scope() {
        let grantee = |text: &str| text.parse::<Grantee>().unwrap();
        let covered = |text: &str, scope: Option<&str>| -> Vec<String> {
            ["acme/security", "acme/finops", "other/security"]
                .into_iter()
                .filter(|name| {
                    let (organization, workspace) = name.split_once('/').unwrap();
                    grantee(text).covers(organization, workspace, scope)
                })
                .map(str::to_owned)
                .collect()
        };
        let acme = ["acme/security", "acme/finops"];
        assert_eq!(
            covered("*", None),
            ["acme/security", "acme/finops", "other/security"]
        );
        assert_eq!(covered("*", Some("acme")), acme);
        assert_eq!(covered("acme", None), acme);
        assert_eq!(covered("acme", Some("acme")), acme);
        assert_eq!(covered("acme/security", None), ["acme/security"]);
        // Out of scope, as only an edit by hand can have it, nobody is covered.
        assert_eq!(covered("other", Some("acme")), [""; 0]);
        assert_eq!(covered("acme/security", Some("other")), [""; 0]);
        // Neither half alone is the workspace.
        assert_eq!(covered("security", None), [""; 0]);
        assert_eq!(covered("acme/sec", None), [""; 0]);
        assert!(!grantee("acme").covers("security", "acme", None));
    }
}
