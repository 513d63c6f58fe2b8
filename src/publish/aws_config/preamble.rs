//! The preamble: what a user puts on top of the published profiles, such as the source profile itself.
//!
//! It is accepted only if all SDKs read the same from it. botocore reads it with Python's `configparser`, which fails on
//! a section or key that comes twice, takes a comment behind a value for a part of the value, and quotes likewise; the
//! SDKs for Rust and Go take every indented line for a part of the setting above it, and fail on an indented comment.

use std::collections::{BTreeMap, BTreeSet};

/// Names of settings that hold a credential, without the characters that are not letters. What ends in one is one.
const CREDENTIALS: [&str; 9] = [
    "accesskeyid",
    "accesskey",
    "secretaccesskey",
    "secretkey",
    "sessiontoken",
    "securitytoken",
    "accesstoken",
    "refreshtoken",
    "clientsecret",
];

/// Sections of the AWS CLI's own, without a name. Every SDK passes over them.
const PLAIN_SECTIONS: [&str; 2] = ["plugins", "preview"];

/// The content of a preamble.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Preamble<'p> {
    /// The names of its profiles; `default` for `[default]` as well.
    pub(super) profiles: BTreeSet<&'p str>,
    /// The names of its SSO sessions.
    pub(super) sessions: BTreeSet<&'p str>,
    /// By profile, its `source_profile`.
    pub(super) sources: BTreeMap<&'p str, &'p str>,
}

/// Why a preamble is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Whole sentence; never shows what may be a secret.
    pub(super) rule: String,
    /// Whole sentence.
    pub(super) fix: &'static str,
}

/// A section's kind and name.
type Section<'p> = (&'p str, &'p str);

/// Reads a preamble.
///
/// # Errors
/// The first thing that is a credential, else the first that some SDK would not read or read differently.
pub(super) fn read(text: &str) -> Result<Preamble<'_>, Fault> {
    refuse_credentials(text)?;
    refuse_characters(text)?;
    let mut preamble = Preamble::default();
    let mut sections: BTreeSet<Section<'_>> = BTreeSet::new();
    let mut section: Option<Section<'_>> = None;
    let mut keys: BTreeSet<String> = BTreeSet::new();
    // Whether the setting above is one that takes indented settings below it.
    let mut takes_nested = false;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let trimmed = line.trim();
        let is_indented = line.starts_with([' ', '\t']);
        if trimmed.is_empty() {
            continue;
        }
        if trimmed.starts_with(['#', ';']) {
            if is_indented {
                return Err(fault(
                    number,
                    "has an indented comment, which the SDKs for Rust and Go take for a part of the setting above",
                    "Move the comment to the beginning of its line.",
                ));
            }
            continue;
        }
        if is_indented {
            if !takes_nested {
                return Err(fault(
                    number,
                    "is indented, so SDKs take it for a part of the setting above",
                    "Begin each section and each setting at the beginning of its line.",
                ));
            }
            setting(number, trimmed)?;
            continue;
        }
        if trimmed.starts_with('[') {
            let (kind, name) = section_of(number, trimmed)?;
            if !sections.insert((kind, name)) {
                return Err(fault(
                    number,
                    &format!(
                        "begins [{}] again; botocore and the AWS CLI refuse the whole file then",
                        shown(kind, name)
                    ),
                    "Put all settings of a section below one header; [default] and [profile default] are one section.",
                ));
            }
            match kind {
                "profile" => {
                    preamble.profiles.insert(name);
                }
                "sso-session" => {
                    preamble.sessions.insert(name);
                }
                _ => {}
            }
            section = Some((kind, name));
            keys.clear();
            takes_nested = false;
            continue;
        }
        let Some((kind, name)) = section else {
            return Err(fault(
                number,
                "is above the first section",
                "Begin with a section, such as [profile hub].",
            ));
        };
        let (key, value) = setting(number, trimmed)?;
        if !keys.insert(key.to_ascii_lowercase()) {
            return Err(fault(
                number,
                &format!(
                    "sets {key} a second time; botocore and the AWS CLI refuse the whole file then"
                ),
                "Set it once.",
            ));
        }
        if kind == "profile" && key.eq_ignore_ascii_case("source_profile") {
            preamble.sources.insert(name, value);
        }
        takes_nested = value.is_empty();
    }
    Ok(preamble)
}

fn fault(number: usize, what: &str, fix: &'static str) -> Fault {
    Fault {
        rule: format!("Line {number} of the preamble {what}."),
        fix,
    }
}

/// Also looks into comments and indented lines, because everybody in the workspace reads the file.
fn refuse_credentials(text: &str) -> Result<(), Fault> {
    for (index, line) in text.lines().enumerate() {
        if names_credential(line) || holds_access_key_id(line) {
            return Err(fault(
                index + 1,
                "holds a credential, or a place for one; everybody who uses the workspace reads what is published",
                "Leave credentials in ~/.aws/credentials, where profiles find them by name, or use credential_process, \
                 an sso-session or credential_source.",
            ));
        }
    }
    Ok(())
}

/// Whether there is a place for a credential, or what may be one with its name in words in front: `# no access key: we use
/// SSO` is neither.
fn names_credential(line: &str) -> bool {
    line.match_indices(['=', ':']).any(|(at, _)| {
        let (before, behind) = line.split_at(at);
        let word = bare(before.split_whitespace().last().unwrap_or_default());
        let words = bare(before);
        CREDENTIALS.iter().any(|name| word.ends_with(name))
            || (CREDENTIALS.iter().any(|name| words.contains(name)) && holds_secret(behind))
    })
}

/// `AWS_SECRET_ACCESS_KEY`, `"SecretAccessKey"` and `secret-access-key` become one.
fn bare(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Whether there is a word like a secret access key, which has 40 characters of Base64. A path of a URL has no capitals.
fn holds_secret(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/'))
        .any(|word| word.len() >= 40 && word.contains(|c: char| c.is_ascii_uppercase()))
}

/// Whether there is an access key's ID: 20 characters that begin with `AKIA` or `ASIA`.
fn holds_access_key_id(line: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            word.len() == 20
                && (word.starts_with("AKIA") || word.starts_with("ASIA"))
                && word
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
}

/// Refuses what one SDK takes for a blank or the end of a line and another does not.
fn refuse_characters(text: &str) -> Result<(), Fault> {
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let strange = line.chars().find(|&c| {
            c != '\t' && c != ' ' && (c.is_control() || c.is_whitespace() || c == '\u{feff}')
        });
        if let Some(strange) = strange {
            return Err(fault(
                index + 1,
                &format!(
                    "holds the character {}, which SDKs read in different ways",
                    strange.escape_unicode()
                ),
                "Use blanks, tabs and ends of lines only.",
            ));
        }
    }
    Ok(())
}

fn section_of(number: usize, line: &str) -> Result<Section<'_>, Fault> {
    let Some(header) = line
        .strip_prefix('[')
        .and_then(|line| line.strip_suffix(']'))
    else {
        return Err(fault(
            number,
            "begins a section that does not end with ]",
            "Write the header alone on its line, such as [profile hub].",
        ));
    };
    let mut words = header.split([' ', '\t']).filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some("default"), None, None) => Ok(("profile", "default")),
        (Some(plain), None, None) if PLAIN_SECTIONS.contains(&plain) => Ok((plain, "")),
        (Some(kind @ ("profile" | "sso-session" | "services")), Some(name), None) => {
            if !is_name(name) {
                return Err(fault(
                    number,
                    &format!("begins a section with the name {name:?}, which not every SDK reads"),
                    "Use letters, digits, _ and - in names, without quotes.",
                ));
            }
            Ok((kind, name))
        }
        _ => Err(fault(
            number,
            &format!("begins the section {header:?}, which not every SDK supports"),
            "Use [default], [profile NAME], [sso-session NAME] or [services NAME].",
        )),
    }
}

fn shown(kind: &str, name: &str) -> String {
    format!("{kind} {name}").trim_end().to_owned()
}

/// Whether every SDK takes it for the name of a profile or session.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-/.%@:+".contains(&b))
}

fn setting(number: usize, line: &str) -> Result<(&str, &str), Fault> {
    let is_key = |key: &str| {
        !key.is_empty()
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let parts = line.split_once('=');
    let Some((key, value)) = parts
        .map(|(key, value)| (key.trim(), value.trim()))
        .filter(|(key, _)| is_key(key))
    else {
        return Err(fault(
            number,
            "is no setting",
            "Write settings as name = value.",
        ));
    };
    if value.starts_with(['#', ';'])
        || [" #", "\t#", " ;", "\t;"]
            .iter()
            .any(|comment| value.contains(comment))
    {
        return Err(fault(
            number,
            &format!(
                "has a comment behind the value of {key}; botocore and the AWS CLI take it for a part of the value"
            ),
            "Put the comment on a line of its own.",
        ));
    }
    let is_quoted = ['"', '\'']
        .iter()
        .any(|&quote| value.starts_with(quote) && value.ends_with(quote));
    if is_quoted && !key.eq_ignore_ascii_case("credential_process") {
        return Err(fault(
            number,
            &format!(
                "has quotes around the value of {key}; SDKs take them for a part of the value"
            ),
            "Leave the quotes out.",
        ));
    }
    Ok((key, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn what_every_sdk_reads_is_accepted() {
        let text = "# The hub.\n[default]\nregion = eu-west-1\n\n[profile hub]\r\nSource_Profile=base\n\
                    credential_process = \"/opt/a tool\" \"x\"\nservices = local\ns3 =\n  max_concurrent_requests = 20\n\
                    \taddressing_style = path\n[services local]\nsts =\n    endpoint_url = http://127.0.0.1:4566/#/\n\
                    [sso-session acme]\nsso_start_url = https://acme.awsapps.com/start#/\n[plugins]\n\
                    endpoint = awscli_plugin_endpoint\n; é\n";
        let preamble = read(text).unwrap();
        assert_eq!(preamble.profiles, ["default", "hub"].into());
        assert_eq!(preamble.sessions, ["acme"].into());
        assert_eq!(preamble.sources, [("hub", "base")].into());
        assert_eq!(read(""), Ok(Preamble::default()));
    }

    #[test]
    fn what_some_sdk_reads_differently_is_refused() {
        for (text, start) in [
            ("a = b", "Line 1 of the preamble is above the first section"),
            (
                "[profile a]\n[ default ]\n\n[profile  default]\n",
                "Line 4 of the preamble begins [profile default] again",
            ),
            (
                "[profile a]\nx = 1\n[profile a]",
                "Line 3 of the preamble begins [profile a] again",
            ),
            (
                "[profile a]\nx = 1\nX = 2",
                "Line 3 of the preamble sets X a second time",
            ),
            (
                "[hub]\nx = 1",
                "Line 1 of the preamble begins the section \"hub\"",
            ),
            (
                "[DEFAULT]",
                "Line 1 of the preamble begins the section \"DEFAULT\"",
            ),
            (
                "[profilex a]",
                "Line 1 of the preamble begins the section \"profilex a\"",
            ),
            (
                "[profile a b]",
                "Line 1 of the preamble begins the section \"profile a b\"",
            ),
            ("[]", "Line 1 of the preamble begins the section \"\""),
            (
                "[profile \"a\"]",
                "Line 1 of the preamble begins a section with the name \"\\\"a\\\"\"",
            ),
            (
                "[profile a] # b",
                "Line 1 of the preamble begins a section that does not end with ]",
            ),
            (
                "[profile a\nx = 1",
                "Line 1 of the preamble begins a section that does not end with ]",
            ),
            ("[profile a]\nx", "Line 2 of the preamble is no setting"),
            ("[profile a]\n= x", "Line 2 of the preamble is no setting"),
            (
                "[profile a]\nx: y = z",
                "Line 2 of the preamble is no setting",
            ),
            (
                "[profile a]\nx = 1 # one",
                "Line 2 of the preamble has a comment behind the value of x",
            ),
            (
                "[profile a]\nx = # one",
                "Line 2 of the preamble has a comment behind the value of x",
            ),
            (
                "[profile a]\nx = 1\t; one",
                "Line 2 of the preamble has a comment behind the value of x",
            ),
            (
                "[profile a]\nx = \"1\"",
                "Line 2 of the preamble has quotes around the value of x",
            ),
            ("[profile a]\n  x = 1", "Line 2 of the preamble is indented"),
            (
                "[profile a]\nx = 1\n  y = 2",
                "Line 3 of the preamble is indented",
            ),
            ("  [profile a]", "Line 1 of the preamble is indented"),
            (
                "[profile a]\nx =\n  # y\n  y = 2",
                "Line 3 of the preamble has an indented comment",
            ),
            (
                "[profile a]\nx =\n  y",
                "Line 3 of the preamble is no setting",
            ),
            (
                "[profile a]\rx = 1",
                "Line 1 of the preamble holds the character \\u{d}",
            ),
            (
                "[profile a]\nx = 1\u{a0}",
                "Line 2 of the preamble holds the character \\u{a0}",
            ),
            (
                "\u{feff}[profile a]",
                "Line 1 of the preamble holds the character \\u{feff}",
            ),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.rule.starts_with(start), "{text:?}: {fault:?}");
        }
    }

    #[test]
    fn a_credential_is_refused_wherever_it_stands_and_never_shown() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        for line in [
            "aws_secret_access_key = SECRET",
            "aws_secret_access_key=SECRET",
            "AWS_Secret_Access_Key\t:  SECRET",
            "export AWS_SESSION_TOKEN=SECRET",
            "# aws_secret_access_key = SECRET",
            "  aws_access_key_id = SECRET",
            "aws_security_token = SECRET",
            "secret_key = SECRET",
            "credential_process = echo '{\"Version\": 1, \"SecretAccessKey\": \"SECRET\"}'",
            "accessToken = SECRET",
            "client-secret: SECRET",
            "refreshToken = SECRET",
            "# secret access key: SECRET",
            "# The AWS secret access key of the hub = \"SECRET\"",
            "# access key (the old one) and secret access key: AKIAX SECRET",
            "user = AKIAIOSFODNN7EXAMPLE # SECRET",
            "; ASIAIOSFODNN7EXAMPLE SECRET",
        ] {
            for text in [
                format!("[profile a]\n{}\n", line.replace("SECRET", secret)),
                format!(
                    "[services x]\nsts =\n  {}\n",
                    line.replace("SECRET", secret)
                ),
                line.replace("SECRET", secret),
            ] {
                let fault = read(&text).unwrap_err();
                assert!(
                    fault.rule.contains("holds a credential"),
                    "{text:?}: {fault:?}"
                );
                assert!(!format!("{fault:?}").contains(&secret[..8]), "{fault:?}");
            }
        }
        for harmless in [
            "[profile a]\nweb_identity_token_file = /var/token\n",
            "[profile a]\nmfa_serial = arn:aws:iam::111122223333:mfa/ada\n",
            "# aws configure sets aws_secret_access_key in ~/.aws/credentials\n",
            "[profile AKIAX]\n",
            "# no access key\n",
            "# No access key: people sign in, see https://wiki.acme.example/sso-for-everybody-who-works-here\n",
            "# Secret access keys = forbidden here\n",
        ] {
            assert!(read(harmless).is_ok(), "{harmless:?}");
        }
    }
}
