//! Names that accounts could have, hostile ones first.

use std::collections::BTreeSet;

use orgmirror_testing::double::Sequence;

/// Most characters of an account's name, by the API of AWS Organizations.
const MAX_LENGTH: usize = 50;

/// What breaks files, parsers and shells, or means something else to some tool.
const HOSTILE: &[&str] = &[
    "default",
    "Default",
    "aws",
    "public",
    "pg_catalog",
    "steampipe_internal",
    "profile",
    "[profile x]",
    "profile x]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE",
    "x\nrole_arn = arn:aws:iam::999999999999:role/evil",
    "a\r\nb",
    "sso-session acme",
    "plugins",
    "a = b",
    "a: b",
    "# comment",
    "; comment",
    "a # b",
    "a ; b",
    "\"quoted\"",
    "'quoted'",
    "it's \"both\"",
    "back\\slash\\",
    "${env.HOME}",
    "%{ if true }",
    "$${x}",
    "%(here)s",
    "$(id)",
    "`id`",
    "{{ template }}",
    "<<EOT",
    "//comment",
    "/* comment */",
    "\"}\nconnection \"evil\" {",
    "*",
    "aws_*",
    "null",
    "true",
    "no",
    "~",
    "-",
    "--profile",
    "- item",
    "&anchor",
    "!!python/object",
    "1e3",
    "0x1F",
    "012345678901",
    "123456",
    "000000000000",
    "1.0",
    "_",
    "__",
    "   ",
    "\t",
    " leading",
    "trailing ",
    "a  b",
    "a__b",
    "a_b",
    "A-B",
    "a.b",
    "a/b",
    "🙂",
    "🏳️‍🌈 team",
    "日本語",
    "Ελλάδα",
    "Москва",
    "İstanbul",
    "ẞtraße",
    "e\u{301}clair",
    "\u{202e}gnitirw",
    "zero\u{200b}width",
    "nbsp\u{a0}here",
    "line\u{2028}separator",
    "next\u{85}line",
    "bell\u{7}",
    "nul\u{0}",
    "\u{feff}bom",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "0123456789 0123456789 0123456789 0123456789 0123456",
    "ああああああああああああああああああああああああああああああああああああああああああああああああああ",
    "CON",
    "select",
    "user",
    "information_schema",
];

/// Pieces that generated names are made of.
const PIECES: &[&str] = &[
    "prod",
    "dev",
    "Data",
    "EU",
    "team",
    "7",
    "42",
    " ",
    "  ",
    "-",
    "_",
    ".",
    "/",
    "\\",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    "#",
    ";",
    ":",
    "\n",
    "\r",
    "\t",
    "$",
    "%",
    "${",
    "%{",
    "*",
    "?",
    "&",
    "<",
    ">",
    "|",
    "é",
    "ß",
    "日",
    "🙂",
    "\u{301}",
    "\u{200d}",
    "\u{2028}",
    "default",
    "aws",
    "profile",
    "pg_",
    "connection",
];

/// A thousand different names, the same in every run, some of which get the same handle from their name alone.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = HOSTILE.iter().map(|name| (*name).to_owned()).collect();
    let mut seen: BTreeSet<String> = names.iter().cloned().collect();
    let mut sequence = Sequence::new(24);
    while names.len() < 1000 {
        let pieces = 1 + sequence.below(12);
        let name: String = (0..pieces)
            .map(|_| PIECES[sequence.below(PIECES.len())])
            .collect();
        let name: String = name.chars().take(MAX_LENGTH).collect();
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

#[test]
fn there_are_a_thousand_names_and_some_want_the_same_handle() {
    let names = names();
    assert_eq!(names.len(), 1000);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 1000);
    let handles: BTreeSet<_> = names
        .iter()
        .map(|name| orgmirror::model::handle::derive(name, "", "111122223333"))
        .collect();
    assert!(handles.len() < 990, "{}", handles.len());
}
