//! The guide to troubleshooting: a heading for every summary that Terraform can show.

use std::collections::BTreeSet;

use super::{files, read};

const GUIDE: &str = "docs/guides/troubleshooting.md";

/// Texts in `src/provider` that have the shape of a summary and are none.
const NO_SUMMARIES: [&str; 7] = [
    "An external ID",
    "Reading the AWS organization",
    "Testing connections",
    "The Resource Explorer check",
    "The catalog",
    // Words of a description.
    "Region whose",
    "Region whose STS is asked, and whose",
];

#[test]
fn every_summary_has_a_heading() {
    let headings = headings();
    let summaries = summaries("src/provider");
    assert!(
        summaries.len() > 30,
        "summaries were not found: {summaries:?}"
    );
    let silent: Vec<_> = summaries
        .iter()
        .filter(|summary| !headings.iter().any(|heading| fits(heading, summary)))
        .collect();
    assert!(silent.is_empty(), "{GUIDE} has no heading for {silent:#?}");
    for text in NO_SUMMARIES {
        let is_there = files("src/provider", ".rs")
            .iter()
            .any(|file| literals(&read(file)).contains(text));
        assert!(
            is_there,
            "{text:?} is not in src/provider any more; remove it from the test"
        );
    }
}

#[test]
fn every_heading_is_a_summary() {
    let mut summaries = summaries("src/provider");
    summaries.extend(self::summaries("crates/terraform-plugin/src"));
    let stale: Vec<_> = headings()
        .into_iter()
        .filter(|heading| !summaries.iter().any(|summary| fits(heading, summary)))
        .collect();
    assert!(
        stale.is_empty(),
        "{GUIDE} has headings that Terraform never shows: {stale:#?}"
    );
}

/// The test is worth as much as the reading of source.
#[test]
fn texts_are_found_where_they_stand() {
    let source = r##"
        // "A comment" and 'c'
        fn f<'a>() { error("Something went wrong", "A sentence."); g('"', "a \"b\" c", "one \
            two"); }
        #[cfg(test)] mod tests { fn t() { x("Only a test"); } }
    "##;
    let found = literals(source);
    let expected = [
        "A sentence.",
        "Something went wrong",
        "a \"b\" c",
        "one two",
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    assert!(
        is_summary("Excluded {what} are gone")
            && !is_summary("A sentence.")
            && !is_summary("lower case")
    );
    assert!(fits("Excluded OUs are gone", "Excluded {what} are gone"));
    assert!(!fits("Excluded are gone", "Excluded {what} are gone"));
    assert!(!fits(
        "Excluded OUs are gone now",
        "Excluded {what} are gone"
    ));
}

fn headings() -> Vec<String> {
    let headings: Vec<String> = read(GUIDE)
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(|heading| heading.replace('`', ""))
        .collect();
    let distinct: BTreeSet<_> = headings.iter().collect();
    assert_eq!(
        distinct.len(),
        headings.len(),
        "{GUIDE} has a heading twice"
    );
    headings
}

fn summaries(directory: &str) -> BTreeSet<String> {
    files(directory, ".rs")
        .iter()
        .flat_map(|file| literals(&read(file)))
        .filter(|text| is_summary(text) && !NO_SUMMARIES.contains(&text.as_str()))
        .collect()
}

/// Summaries are short, start like a sentence and do not end like one; descriptions, rules and fixes are sentences, and
/// forms of import IDs start with parts that colons separate.
fn is_summary(text: &str) -> bool {
    let first_word = text.split(' ').next().unwrap_or_default();
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.contains(' ')
        && !first_word.contains(':')
        && text.len() <= 90
        && text.ends_with(|c: char| c.is_alphanumeric() || c == '}')
        && !text.contains(". ")
        && !text.contains('\n')
}

/// Whether a heading is a summary, in which `{...}` stands for anything.
fn fits(heading: &str, summary: &str) -> bool {
    let mut parts = Vec::new();
    let mut rest = summary;
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    let Some(mut left) = heading.strip_prefix(*parts.first().unwrap_or(&rest)) else {
        return false;
    };
    if parts.is_empty() {
        return left.is_empty();
    }
    for part in parts.iter().skip(1).copied() {
        match left.get(1..).and_then(|left| left.find(part)) {
            Some(at) => left = &left[1 + at + part.len()..],
            None => return false,
        }
    }
    left.len() > rest.len() && left.ends_with(rest)
}

/// The texts in a file's code, up to its unit tests.
fn literals(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let mut found = BTreeSet::new();
    let mut characters = code.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '/' if characters.peek() == Some(&'/') => {
                characters.by_ref().find(|&c| c == '\n');
            }
            // A character, not a lifetime, if it is closed.
            '\'' => {
                let mut ahead = characters.clone();
                let first = ahead.next();
                if first == Some('\\') || ahead.next() == Some('\'') {
                    characters.next();
                    characters.by_ref().find(|&c| c == '\'');
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(character) = characters.next() {
                    match character {
                        '"' => break,
                        '\\' => match characters.next() {
                            Some('\n') => {
                                while characters.next_if(|c| c.is_whitespace()).is_some() {}
                            }
                            Some('n') => text.push('\n'),
                            Some(other) => text.push(other),
                            None => break,
                        },
                        other => text.push(other),
                    }
                }
                found.insert(text);
            }
            _ => {}
        }
    }
    found
}
