//! Handles: what makes one valid, and what the rules make of a name.
//!
//! A folder's or connection's handle is used as a Steampipe connection, an AWS profile and a c7n-org account name, so
//! it obeys the narrowest of their rules.

use std::fmt;

use any_ascii::any_ascii;
use thiserror::Error;

use super::arn::is_account_id;

/// Most characters of an integration, folder or connection handle.
pub const MAX_HANDLE_LENGTH: usize = 39;

/// Most characters of a handle prefix.
pub const MAX_PREFIX_LENGTH: usize = 20;

/// Most characters of a tenant, organization or workspace handle.
pub const MAX_GROUP_HANDLE_LENGTH: usize = 63;

/// Characters kept of a derived handle that is too long, before `_` and the ID's suffix.
const KEPT_OF_LONG_HANDLE: usize = 30;

/// Characters of an ID that serve as its suffix.
const ID_SUFFIX_LENGTH: usize = 8;

/// What a handle names; decides which rules it must obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandleKind {
    /// An integration.
    Integration,
    /// A folder: the mirror of the root or of an OU.
    Folder,
    /// A connection: the mirror of an account.
    Connection,
    /// `handle_prefix`, put in front of derived handles.
    Prefix,
    /// A tenant.
    Tenant,
    /// An organization, the group that owns workspaces.
    Organization,
    /// A workspace, without its organization.
    Workspace,
}

impl fmt::Display for HandleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HandleKind::Integration => "integration handle",
            HandleKind::Folder => "folder handle",
            HandleKind::Connection => "connection handle",
            HandleKind::Prefix => "handle prefix",
            HandleKind::Tenant => "tenant handle",
            HandleKind::Organization => "organization handle",
            HandleKind::Workspace => "workspace handle",
        })
    }
}

/// Why a handle is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandleError {
    /// Nothing there.
    #[error("the {kind} is empty")]
    Empty {
        /// What it was to name.
        kind: HandleKind,
    },
    /// More characters than the kind allows.
    #[error("the {kind} {value:?} has {length} characters; at most {max} are allowed")]
    TooLong {
        /// What it was to name.
        kind: HandleKind,
        /// The offending value.
        value: String,
        /// Its characters.
        length: usize,
        /// Most characters allowed.
        max: usize,
    },
    /// Characters, or an order of them, that the kind does not allow.
    #[error("the {kind} {value:?} {}; {suggestion:?} would do", pattern_rule(*kind))]
    Malformed {
        /// What it was to name.
        kind: HandleKind,
        /// The offending value.
        value: String,
        /// A valid handle near it.
        suggestion: String,
    },
    /// A name that Steampipe keeps for itself or that the published files use.
    #[error(
        "the {kind} {value:?} is reserved: aws, public, pg_* and steampipe_* mean something else to Steampipe; \
         {suggestion:?} would do"
    )]
    Reserved {
        /// What it was to name.
        kind: HandleKind,
        /// The offending value.
        value: String,
        /// A valid handle near it.
        suggestion: String,
    },
}

fn pattern_rule(kind: HandleKind) -> &'static str {
    match kind {
        HandleKind::Integration | HandleKind::Folder | HandleKind::Connection => {
            "must start with a letter and hold only a-z, 0-9 and single underscores, none at the end"
        }
        HandleKind::Prefix => {
            "must start with a letter and hold only a-z, 0-9 and single underscores"
        }
        HandleKind::Tenant | HandleKind::Organization | HandleKind::Workspace => {
            "must start and end with a letter or digit and hold only a-z, 0-9, - and _"
        }
    }
}

/// Checks a handle, or a prefix of handles, as a user writes it.
///
/// # Errors
/// The first rule that `value` breaks. The empty prefix is valid.
pub fn check(kind: HandleKind, value: &str) -> Result<(), HandleError> {
    if value.is_empty() {
        return match kind {
            HandleKind::Prefix => Ok(()),
            _ => Err(HandleError::Empty { kind }),
        };
    }
    let (max, matches) = match kind {
        HandleKind::Integration | HandleKind::Folder | HandleKind::Connection => {
            (MAX_HANDLE_LENGTH, matches_handle(value))
        }
        HandleKind::Prefix => (
            MAX_PREFIX_LENGTH,
            matches_handle(value.strip_suffix('_').unwrap_or(value)),
        ),
        HandleKind::Tenant | HandleKind::Organization | HandleKind::Workspace => {
            (MAX_GROUP_HANDLE_LENGTH, matches_group_handle(value))
        }
    };
    let length = value.chars().count();
    if length > max {
        return Err(HandleError::TooLong {
            kind,
            value: value.to_owned(),
            length,
            max,
        });
    }
    if !matches {
        return Err(HandleError::Malformed {
            kind,
            value: value.to_owned(),
            suggestion: suggest(kind, value),
        });
    }
    if matches!(kind, HandleKind::Folder | HandleKind::Connection) && is_reserved(value) {
        return Err(HandleError::Reserved {
            kind,
            value: value.to_owned(),
            suggestion: suggest(kind, value),
        });
    }
    Ok(())
}

/// `^[a-z](_?[a-z0-9])*$`
fn matches_handle(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_lowercase())
        && !value.ends_with('_')
        && !value.contains("__")
        && value.bytes().all(|b| is_word(b) || b == b'_')
}

/// `^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$`
fn matches_group_handle(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.first().copied().is_some_and(is_word)
        && bytes.last().copied().is_some_and(is_word)
        && bytes
            .iter()
            .all(|&b| is_word(b) || matches!(b, b'_' | b'-'))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// A valid value of that kind near `value`.
fn suggest(kind: HandleKind, value: &str) -> String {
    match kind {
        HandleKind::Integration | HandleKind::Folder | HandleKind::Connection => {
            derive(value, "", value)
        }
        HandleKind::Prefix => {
            let stem = derive(value, "", value);
            format!("{}_", cut(&stem, MAX_PREFIX_LENGTH - 1))
        }
        HandleKind::Tenant | HandleKind::Organization | HandleKind::Workspace => {
            let word = match slug(&any_ascii(value)) {
                word if word.is_empty() => id_suffix(value),
                word => word,
            };
            cut(&word, MAX_GROUP_HANDLE_LENGTH).replace('_', "-")
        }
    }
}

/// Whether Steampipe keeps that name for itself, or the published files use it.
fn is_reserved(handle: &str) -> bool {
    handle == "aws"
        || handle == "public"
        || handle.starts_with("pg_")
        || handle.starts_with("steampipe_")
}

/// The handle that the rules make of a name.
///
/// The result is valid for every name and ID, also for those that AWS would never give. `prefix` is meant to have
/// passed [`check`]; anything else in it is treated like the name's characters.
pub fn derive(name: &str, prefix: &str, id: &str) -> String {
    let mut word = slug(&any_ascii(name));
    if word.is_empty() {
        word = id_suffix(id);
    }
    let mut handle = slug(&format!("{prefix}{word}"));
    if !handle.starts_with(|c: char| c.is_ascii_lowercase()) || is_reserved(&handle) {
        handle.insert_str(0, "a_");
    }
    if handle.len() > MAX_HANDLE_LENGTH {
        handle = format!("{}_{}", cut(&handle, KEPT_OF_LONG_HANDLE), id_suffix(id));
    }
    handle
}

/// `handle` with `_` and `suffix` behind it, the stem cut so that the whole fits.
///
/// Where that makes a reserved name (`pg` and a suffix), `a_` goes in front, as for any derived handle.
pub fn with_suffix(handle: &str, suffix: &str) -> String {
    let suffix = slug(suffix);
    if suffix.is_empty() {
        return handle.to_owned();
    }
    // At least the stem's first letter stays, whatever the suffix.
    let suffix = cut(&suffix, MAX_HANDLE_LENGTH - 2);
    let room = MAX_HANDLE_LENGTH - 1 - suffix.len();
    let whole = format!("{}_{suffix}", cut(handle, room));
    if is_reserved(&whole) {
        return format!("{}_{suffix}", cut(&format!("a_{handle}"), room));
    }
    whole
}

/// The last 8 of an ID's characters `a-z0-9`.
///
/// An ID without any, which only a hand-written tree can have, is hashed, so that the suffix is never empty.
pub fn id_suffix(id: &str) -> String {
    let kept: Vec<u8> = id.bytes().filter(|&b| is_word(b)).collect();
    let start = kept.len().saturating_sub(ID_SUFFIX_LENGTH);
    let suffix: String = kept[start..].iter().map(|&b| char::from(b)).collect();
    if !suffix.is_empty() {
        return suffix;
    }
    // FNV-1a: short, and the same on every machine and in every release.
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}

/// What tells an object from another of the same name: an account's ID, a folder's ID suffix.
fn distinction(kind: HandleKind, id: &str) -> String {
    match kind {
        HandleKind::Connection if is_account_id(id) => id.to_owned(),
        _ => id_suffix(id),
    }
}

/// The handles an object may get, best first: the derived one, then with its ID, then with its ID and 2, 3, ...
///
/// The numbered ones are for hand-written IDs with equal suffixes and for one account in three integrations. The
/// iterator never ends.
pub fn candidates<'a>(
    derived: &'a str,
    kind: HandleKind,
    id: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let distinction = distinction(kind, id);
    let suffixed = with_suffix(derived, &distinction);
    [derived.to_owned(), suffixed].into_iter().chain(
        (2_u32..).map(move |number| with_suffix(derived, &format!("{distinction}_{number}"))),
    )
}

/// Whether `handle` is among the [`candidates`] of an object.
pub fn is_candidate(handle: &str, derived: &str, kind: HandleKind, id: &str) -> bool {
    if handle == derived {
        return true;
    }
    let distinction = distinction(kind, id);
    if handle == with_suffix(derived, &distinction) {
        return true;
    }
    let Some((_, digits)) = handle.rsplit_once('_') else {
        return false;
    };
    digits.parse::<u32>().is_ok_and(|number| {
        number >= 2
            && number.to_string() == digits
            && handle == with_suffix(derived, &format!("{distinction}_{number}"))
    })
}

/// Lower case, every run of anything but `a-z0-9` one `_`, none at the ends.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for byte in text.bytes() {
        let byte = byte.to_ascii_lowercase();
        if is_word(byte) {
            slug.push(char::from(byte));
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    if slug.ends_with('_') {
        slug.pop();
    }
    slug
}

/// The first `length` bytes of an ASCII text, without trailing `_`.
fn cut(text: &str, length: usize) -> &str {
    text.get(..length).unwrap_or(text).trim_end_matches('_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn names_become_handles() {
        let account = "111122223333";
        for (name, prefix, handle) in [
            ("Payments Prod", "", "payments_prod"),
            ("Payments -- Prod!", "aws_", "aws_payments_prod"),
            ("Zürich Café", "", "zurich_cafe"),
            ("北京", "", "beijing"),
            ("1st", "", "a_1st"),
            ("1st", "x", "x1st"),
            ("aws", "", "a_aws"),
            ("AWS", "aws_", "aws_aws"),
            ("public", "", "a_public"),
            ("pg temp", "", "a_pg_temp"),
            ("pg", "", "pg"),
            ("temp", "pg_", "a_pg_temp"),
            ("steampipe internal", "", "a_steampipe_internal"),
            ("---", "", "a_22223333"),
            ("", "aws_", "aws_22223333"),
            (
                "abcdefghijklmnopqrstuvwxyz abcdefghijkl",
                "",
                "abcdefghijklmnopqrstuvwxyz_abcdefghijkl",
            ),
            (
                "abcdefghijklmnopqrstuvwxyz abcdefghijklm",
                "",
                "abcdefghijklmnopqrstuvwxyz_abc_22223333",
            ),
            (
                "abcdefghijklmnopqrstuvwxyz abc defghijklm",
                "",
                "abcdefghijklmnopqrstuvwxyz_abc_22223333",
            ),
            (
                "abcdefghijklmnopqrstuvwxyz ab c defghijklm",
                "",
                "abcdefghijklmnopqrstuvwxyz_ab_22223333",
            ),
        ] {
            assert_eq!(derive(name, prefix, account), handle, "{name:?} {prefix:?}");
        }
    }

    #[test]
    fn suffixes_fit() {
        assert_eq!(with_suffix("prod", "111122223333"), "prod_111122223333");
        let long = "abcdefghijklmnopqrstuvwxyz_abc_22223333";
        assert_eq!(
            with_suffix(long, "111122223333"),
            "abcdefghijklmnopqrstuvwxyz_111122223333"
        );
        assert_eq!(with_suffix("pg", "11112222"), "a_pg_11112222");
        assert_eq!(id_suffix("ou-ab12-cdefgh34"), "cdefgh34");
        assert_eq!(id_suffix("r-ab12"), "rab12");
        assert_eq!(id_suffix("---").len(), 8);
        assert_ne!(id_suffix("---"), id_suffix("----"));
    }

    #[test]
    fn candidates_are_recognized() {
        let id = "111122223333";
        for derived in ["prod", "pg", "abcdefghijklmnopqrstuvwxyz_abc_22223333"] {
            for handle in candidates(derived, HandleKind::Connection, id).take(12) {
                assert!(
                    is_candidate(&handle, derived, HandleKind::Connection, id),
                    "{handle}"
                );
                check(HandleKind::Connection, &handle).unwrap();
            }
        }
        for handle in [
            "other",
            "prod_",
            "prod_1",
            "prod_111122223333_1",
            "prod_111122223333_02",
        ] {
            assert!(!is_candidate(handle, "prod", HandleKind::Connection, id));
        }
    }

    #[test]
    fn what_users_write_is_checked() {
        for (kind, value) in [
            (HandleKind::Integration, "aws"),
            (HandleKind::Integration, "a"),
            (
                HandleKind::Connection,
                "abcdefghijklmnopqrstuvwxyz_abcdefghijkl",
            ),
            (HandleKind::Prefix, ""),
            (HandleKind::Prefix, "aws_"),
            (HandleKind::Prefix, "abcdefghijklmnopqrs_"),
            (HandleKind::Tenant, "0"),
            (HandleKind::Workspace, "a--_b"),
        ] {
            assert_eq!(check(kind, value), Ok(()), "{kind} {value:?}");
        }
        for (kind, value, error) in [
            (
                HandleKind::Integration,
                "",
                "the integration handle is empty".to_owned(),
            ),
            (
                HandleKind::Folder,
                "Prod",
                format!(
                    "the folder handle \"Prod\" {}; \"prod\" would do",
                    pattern_rule(HandleKind::Folder)
                ),
            ),
            (
                HandleKind::Prefix,
                "aws__",
                format!(
                    "the handle prefix \"aws__\" {}; \"a_aws_\" would do",
                    pattern_rule(HandleKind::Prefix)
                ),
            ),
            (
                HandleKind::Organization,
                "Acme Inc",
                format!(
                    "the organization handle \"Acme Inc\" {}; \"acme-inc\" would do",
                    pattern_rule(HandleKind::Organization)
                ),
            ),
            (
                HandleKind::Connection,
                "abcdefghijklmnopqrstuvwxyz_abcdefghijklm",
                "the connection handle \"abcdefghijklmnopqrstuvwxyz_abcdefghijklm\" has 40 characters; at most 39 \
                 are allowed"
                    .to_owned(),
            ),
            (
                HandleKind::Connection,
                "aws",
                "the connection handle \"aws\" is reserved: aws, public, pg_* and steampipe_* mean something else to \
                 Steampipe; \"a_aws\" would do"
                    .to_owned(),
            ),
        ] {
            assert_eq!(check(kind, value).unwrap_err().to_string(), error);
        }
        for value in ["a_", "_a", "a__b", "1a", "a-b", "ä"] {
            assert!(check(HandleKind::Connection, value).is_err(), "{value}");
        }
        for value in ["-a", "a_", "A", "a b", "a/b"] {
            assert!(check(HandleKind::Workspace, value).is_err(), "{value}");
        }
    }

    #[test]
    fn suggestions_are_valid() {
        for kind in [
            HandleKind::Integration,
            HandleKind::Folder,
            HandleKind::Connection,
            HandleKind::Prefix,
            HandleKind::Tenant,
            HandleKind::Organization,
            HandleKind::Workspace,
        ] {
            for value in ["Ä b", "-", "*", "pg_", "__", "0123456789 0123456789 X"] {
                let suggestion = suggest(kind, value);
                assert_eq!(check(kind, &suggestion), Ok(()), "{kind} {value:?}");
            }
        }
    }
}
