//! Rules for what users write in attributes.

use crate::model::arn::{Malformed, RoleArn, is_account_id, is_role_name};
use crate::model::handle::{self, HandleKind};
use crate::model::partition;
use crate::model::portal::Portal;
use describe::Violation;

/// Refuses handles of this kind that break the rules.
pub fn handle(kind: HandleKind) -> impl Fn(&str) -> Result<(), Violation> + Send + Sync + 'static {
    move |value| {
        handle::check(kind, value)
            .map_err(|error| Violation::new(sentence(&error), format!("Choose another {kind}.")))
    }
}

/// Checks an AWS account ID.
pub fn account_id(value: &str) -> Result<(), Violation> {
    if is_account_id(value) {
        return Ok(());
    }
    Err(Violation::new(
        sentence(&Malformed::AccountId),
        "Write it as a string with its leading zeros, such as \"012345678901\".",
    ))
}

/// Checks the state of an account. AWS may add states, so any name of their form is valid.
pub fn account_state(value: &str) -> Result<(), Violation> {
    let is_state = !value.is_empty() && value.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if is_state {
        return Ok(());
    }
    Err(Violation::new(
        "The states of accounts are written in capitals.",
        "Use \"ACTIVE\", \"SUSPENDED\", \"PENDING_CLOSURE\", \"CLOSED\" or \"PENDING_ACTIVATION\", or leave it out.",
    ))
}

/// Checks the ID of a root or an OU.
pub fn unit_id(value: &str) -> Result<(), Violation> {
    let lower = |part: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let is_unit = match value.split('-').collect::<Vec<_>>()[..] {
        ["r", root] => lower(root, 4..=32),
        ["ou", root, unit] => lower(root, 4..=32) && lower(unit, 8..=32),
        _ => false,
    };
    if is_unit {
        return Ok(());
    }
    Err(Violation::new(
        "It must be the ID of an organizational unit, such as \"ou-ab12-34cd56ef\", or of the root, such as \
         \"r-ab12\".",
        "Find the ID in the AWS Organizations console; a name or a path does not serve here.",
    ))
}

/// Refuses what cannot be the ID of a folder. Hand-written trees have IDs of their own, and `root`.
pub fn folder_id(value: &str) -> Result<(), Violation> {
    let rule = if value.is_empty() {
        "It must not be empty."
    } else if value.starts_with('/') {
        "It must be an ID, and what starts with / is a path."
    } else if is_account_id(value) {
        "It must be the ID of the root or of an OU, and 12 digits are an account's."
    } else {
        return Ok(());
    };
    Err(Violation::new(
        rule,
        "Give an ID such as \"ou-ab12-34cd56ef\" (\"root\" is the root of hand-written accounts), or use folder_path.",
    ))
}

/// Refuses what cannot be the path of a folder.
pub fn folder_path(value: &str) -> Result<(), Violation> {
    const FIX: &str = "Write \"/\" for the root, or a path such as \"/Workloads/Prod\", as the attribute folders of the \
                       integration has it.";
    let Some(names) = value.strip_prefix('/') else {
        return Err(Violation::new("A path starts with /.", FIX));
    };
    if !names.is_empty() && names.split('/').any(str::is_empty) {
        return Err(Violation::new(
            "There is a name after each / of a path, and no / at its end.",
            FIX,
        ));
    }
    let mut escapes = names.split('%').skip(1);
    if escapes.any(|rest| !rest.starts_with("2F") && !rest.starts_with("25")) {
        return Err(Violation::new(
            "In a path, % is the start of an escape: %2F stands for a / inside of a name, %25 for a %.",
            "Write %25 for a % in the name of an OU, and %2F for a /.",
        ));
    }
    Ok(())
}

/// Refuses what cannot be meant by an entry of `attach`. Hand-written folders have IDs of any form.
pub fn attachment(value: &str) -> Result<(), Violation> {
    if value.starts_with('/') {
        return folder_path(value);
    }
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return account_id(value);
    }
    if !value.is_empty() && value == value.trim() && !value.contains('/') {
        return Ok(());
    }
    Err(Violation::new(
        "It must be the path of a folder, the ID of a root or OU, or the ID of an account.",
        "Write it like \"/Workloads\", \"ou-ab12-34cd56ef\" or \"111122223333\"; a folder whose ID has another form \
         is given by its path.",
    ))
}

/// Checks the name of a Region.
pub fn region(value: &str) -> Result<(), Violation> {
    if partition::is_region(value) {
        return Ok(());
    }
    if partition::is_glob(value) {
        return Err(Violation::new(
            "It must be one AWS Region, and a glob may mean several.",
            "Name one, such as \"eu-west-1\".",
        ));
    }
    Err(Violation::new(
        "It must be the name of an AWS Region.",
        "Write it like \"eu-west-1\", without the letter of an Availability Zone.",
    ))
}

/// Checks the name of a Region or a glob.
pub fn region_or_glob(value: &str) -> Result<(), Violation> {
    let is_glob = partition::is_glob(value)
        && value
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-*?".contains(&b));
    if is_glob || region(value).is_ok() {
        return Ok(());
    }
    Err(Violation::new(
        "It must be the name of an AWS Region, \"*\" for all of them, or a glob.",
        "Write it like \"eu-west-1\", \"*\" or \"us-*\".",
    ))
}

/// Checks the ARN of an IAM role.
pub fn role_arn(value: &str) -> Result<(), Violation> {
    value.parse::<RoleArn>().map(drop).map_err(|error| {
        Violation::new(
            sentence(&error),
            "Write it like \"arn:aws:iam::111122223333:role/orgmirror-discovery\".",
        )
    })
}

/// Checks the name of an IAM role, with its path if it has one.
pub fn role_name(value: &str) -> Result<(), Violation> {
    let fix = "Give the role's name, such as \"orgmirror-readonly\", with its path if it has one, such as \
               \"audit/orgmirror-readonly\".";
    if value.starts_with("arn:") {
        return Err(Violation::new(
            "It must be the name of an IAM role, which is the same in every account, not an ARN.",
            fix,
        ));
    }
    if is_role_name(value) {
        return Ok(());
    }
    Err(Violation::new(
        "The name of an IAM role has 1 to 64 letters, digits and +=,.@_-; a path in front of it ends with / and does \
         not start with it.",
        fix,
    ))
}

/// Checks an external ID by the rules of STS.
pub fn external_id(value: &str) -> Result<(), Violation> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@:/-_".contains(&b);
    if (2..=1224).contains(&value.len()) && value.bytes().all(allowed) {
        return Ok(());
    }
    Err(Violation::new(
        "An external ID has 2 to 1224 letters, digits and +=,.@:/-_.",
        "Use the one in the role's trust policy.",
    ))
}

/// Checks a URL of HTTP or HTTPS.
pub fn url(value: &str) -> Result<(), Violation> {
    let host = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace)) {
        return Ok(());
    }
    Err(Violation::new(
        "It must be a URL that starts with https:// or http://.",
        "Write it with its scheme and host.",
    ))
}

/// Refuses what cannot be the address of an AWS access portal. An address of somebody's own domain may be one.
pub fn portal_url(value: &str) -> Result<(), Violation> {
    url(value)?;
    if Portal::of(value).is_whole() {
        return Ok(());
    }
    Err(Violation::new(
        "It must be the address of an AWS access portal.",
        "Copy it from the Settings page of IAM Identity Center. It is like \"https://acme.awsapps.com/start\" or \
         \"https://ssoins-0123456789abcdef.portal.us-east-1.app.aws\", in AWS GovCloud (US) \
         \"https://start.us-gov-home.awsapps.com/directory/acme\", in China \
         \"https://start.home.awsapps.cn/directory/acme\".",
    ))
}

/// Refuses empty text.
pub fn not_empty(value: &str) -> Result<(), Violation> {
    if value.trim().is_empty() {
        return Err(Violation::new(
            "It must not be empty.",
            "Give a value, or leave the argument out.",
        ));
    }
    Ok(())
}

/// An error as a sentence. It starts with a capital letter, unless with an ID or the name of an argument.
pub fn sentence(error: &impl ToString) -> String {
    let mut sentence = error.to_string();
    let first_word = sentence.split_whitespace().next().unwrap_or_default();
    if first_word.chars().all(char::is_alphabetic)
        && let Some(first) = sentence.chars().next()
    {
        sentence.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    }
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names() {
        assert!(account_id("012345678901").is_ok());
        assert!(account_id("12345").is_err());
        assert!(unit_id("ou-ab12-34cd56ef").is_ok());
        assert!(unit_id("r-ab12").is_ok());
        assert!(unit_id("Workloads").is_err());
        for id in ["ou-ab12-34cd56ef", "r-ab12", "root", "team a"] {
            assert!(folder_id(id).is_ok(), "{id}");
        }
        for id in ["", "/", "/Workloads", "111122223333"] {
            assert!(folder_id(id).is_err(), "{id}");
        }
        for path in [
            "/",
            "/Workloads",
            "/Workloads/Prod",
            "/A%2FB 100%25",
            "/Zoë: x",
        ] {
            assert!(folder_path(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "Workloads",
            "//",
            "/A/",
            "/A//B",
            "/100%",
            "/A%2fB",
            "/A%20B",
        ] {
            assert!(folder_path(path).is_err(), "{path}");
        }
        for attached in ["/", "/Workloads", "r-ab12", "sandbox", "012345678901"] {
            assert!(attachment(attached).is_ok(), "{attached}");
        }
        for nothing in [
            "",
            " ",
            "ou-ab12-34cd56ef ",
            "12345",
            "/Workloads/",
            "Workloads/Prod",
        ] {
            assert!(attachment(nothing).is_err(), "{nothing}");
        }
        assert!(region("eu-west-1").is_ok());
        assert!(region("us-gov-west-1").is_ok());
        assert!(region("Europe").is_err());
        assert!(region("us-*").is_err());
        assert!(region_or_glob("us-*").is_ok());
        assert!(region_or_glob("*").is_ok());
        assert!(region_or_glob("").is_err());
        assert!(role_arn("arn:aws-cn:iam::111122223333:role/path/name").is_ok());
        assert!(role_arn("arn:aws:iam::111122223333:user/name").is_err());
        assert!(role_arn("arn:aws:iam::111122223333:role/a name # with more").is_err());
        assert!(role_name("path/name").is_ok());
        assert!(role_name("/name").is_err());
        assert!(role_name("arn:aws:iam::111122223333:role/name").is_err());
        assert!(external_id("acme:0123456789abcdef").is_ok());
        assert!(external_id("a b").is_err());
        assert!(url("https://acme.awsapps.com/start").is_ok());
        assert!(url("acme.awsapps.com/start").is_err());
        assert!(portal_url("https://acme.awsapps.com/start").is_ok());
        assert!(portal_url("https://sso.acme.example").is_ok());
        assert!(portal_url("https://acme.awsapps.com").is_err());
        assert!(portal_url("acme.awsapps.com/start").is_err());
        assert!(account_state("PENDING_CLOSURE").is_ok());
        assert!(account_state("active").is_err());
        assert!(account_state("").is_err());
    }

    #[test]
    fn sentences_keep_ids_and_arguments_as_they_are() {
        assert_eq!(sentence(&"the end"), "The end.");
        assert_eq!(sentence(&"ou-ab12-34cd56ef ends"), "ou-ab12-34cd56ef ends.");
        assert_eq!(
            sentence(&"resource_owners requires owners"),
            "resource_owners requires owners."
        );
    }
}
