//! What is accepted as a preamble is read alike by botocore and by the SDK for Rust; what is refused is not.

use orgmirror::publish::format;
use orgmirror_testing::double::Sequence;
use serde_json::Value;

use crate::organization::options;
use crate::read::with_python;
use crate::sdks::{Sections, with_rust};

/// Lines that preambles are made of, sound ones more often than others.
const LINES: &[&str] = &[
    "[profile a]",
    "[profile b]",
    "[default]",
    "[sso-session a]",
    "region = eu-west-1",
    "role_arn = arn:aws:iam::111122223333:role/x",
    "source_profile=b",
    "external_id = a=b",
    "sso_session = a",
    "",
    "# comment",
    "; comment",
    "",
    "region = us-east-1 ",
    "sso_region = eu-west-1",
    "[profile  a]",
    "[profile a ]",
    "[profile \"a\"]",
    "[profile default]",
    "[a]",
    "[profilex a]",
    "[profile a] # b",
    "[profile a",
    "Region = eu-west-2",
    "region: eu-west-3",
    "region",
    "= x",
    "region = x # y",
    "region = x#y",
    "region = \"x\"",
    "  region = z",
    "  # indented",
    "role_arn",
    "region\t=\tz",
    "region = é\u{a0}",
    "region = a\rb",
    "region = a\u{2028}b",
];

/// Each of these is why a rule is there: one of the two fails on it, or they read different things.
const READ_DIFFERENTLY: &[&str] = &[
    "[profile a]\nregion = x\n[profile a]\n",
    "[profile a]\nregion = x\nRegion = y\n",
    "[profile \"a\"]\nregion = x\n",
    "[profilex a]\nregion = x\n",
    "[profile a]\nregion = x # y\n",
    "[profile a]\nregion: x\n",
    "[profile a]\nregion: x = y\n",
    "[profile a]\n  region = x\n",
    "[profile default]\nrole_arn = y\n[default]\nregion = x\n",
    "[profile a]\nregion = x\r[profile b]\n",
    "\u{feff}[profile a]\nregion = x\n",
];

fn is_accepted(preamble: &str) -> bool {
    let options = options(&[("preamble", preamble)]);
    format("aws_config").unwrap().check(&options).is_ok()
}

/// What both read of each text.
async fn read(texts: &[String]) -> Vec<(Option<Sections>, Option<Sections>)> {
    let directory = tempfile::tempdir().unwrap();
    for (number, text) in texts.iter().enumerate() {
        std::fs::write(directory.path().join(number.to_string()), text).unwrap();
    }
    let with_botocore = with_python("many", directory.path());
    let mut read = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let found = &with_botocore[number.to_string()];
        let found = (*found != Value::Null).then(|| serde_json::from_value(found.clone()).unwrap());
        read.push((found, with_rust(text).await));
    }
    read
}

#[tokio::test]
async fn what_is_accepted_is_read_alike() {
    let mut sequence = Sequence::new(1);
    let mut accepted = Vec::new();
    for _ in 0..20_000 {
        let mut text = String::new();
        // The shorter, the likelier that it is sound; half of them have sound lines only.
        let lines = if sequence.below(2) == 0 {
            15
        } else {
            LINES.len()
        };
        for _ in 0..1 + sequence.below(7) {
            text.push_str(LINES[sequence.below(lines)]);
            text.push('\n');
        }
        if is_accepted(&text) {
            accepted.push(text);
        }
    }
    accepted.sort();
    accepted.dedup();
    assert!(accepted.len() > 200, "{}", accepted.len());
    for (text, (with_botocore, with_rust)) in accepted.iter().zip(read(&accepted).await) {
        assert!(with_botocore.is_some(), "{text:?}");
        assert_eq!(with_botocore, with_rust, "{text:?}");
    }
}

#[tokio::test]
async fn what_is_refused_is_read_differently() {
    let texts: Vec<String> = READ_DIFFERENTLY
        .iter()
        .map(|text| (*text).to_owned())
        .collect();
    for (text, (with_botocore, with_rust)) in texts.iter().zip(read(&texts).await) {
        assert!(!is_accepted(text), "{text:?}");
        assert!(
            with_botocore.is_none() || with_rust.is_none() || with_botocore != with_rust,
            "{text:?}: {with_botocore:?}"
        );
    }
}
