//! Every page is well formed, and every link in it leads somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use super::{files, read, root, updated};

/// Every page there is.
pub(super) fn pages() -> Vec<String> {
    updated();
    let mut pages = files("docs", ".md");
    let others = [
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "crates/terraform-plugin/README.md",
    ];
    pages.extend(others.map(str::to_owned));
    pages
}

#[test]
fn pages_are_well_formed() {
    let problems: Vec<String> = pages()
        .iter()
        .flat_map(|page| {
            problems(&read(page))
                .into_iter()
                .map(move |problem| format!("{page}:{problem}"))
        })
        .collect();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in links(&read(&page)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                root().join(&page)
            } else {
                root().join(Path::new(&page).parent().unwrap()).join(path)
            };
            if !target.exists() {
                broken.push(format!("{page}: {link}: there is no such file"));
            } else if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                if !anchors(&text).contains(anchor) {
                    broken.push(format!("{page}: {link}: there is no such place in it"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// The checks are worth as much as they find.
#[test]
fn broken_pages_are_noticed() {
    let found = |text: &str| problems(text).len();
    assert_eq!(
        found("# A\n\nText with `code`.\n\n## B\n\n| a | b |\n|---|---|\n| `x|y` | 2 |\n"),
        0
    );
    assert_eq!(found("# A\n\n```\nopen\n"), 1);
    assert_eq!(found("# A\n\nA `tick.\n"), 1);
    assert_eq!(found("# A\n\n### C\n"), 1);
    assert_eq!(found("# A\n\n| a | b |\n|---|---|\n| 1 |\n"), 1);
    assert_eq!(found("# A\n\nUse <NAME> here.\n"), 1);
    assert_eq!(found("No heading.\n"), 1);
    assert_eq!(links("[a](b.md#c) `[no](link)` [d](e)"), ["b.md#c", "e"]);
    let anchors = anchors(
        "# The `code`, and more\n\n<a id=\"here\"></a>\n\n```\n# not one\n```\n## Same\n## Same\n",
    );
    let expected = ["here", "same", "same-1", "the-code-and-more"];
    assert_eq!(
        anchors.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}

/// Fenced code, by the word behind its fence.
pub(super) fn code(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info == language, String::new())),
            (Some((is_wanted, code)), Some(_)) => {
                if *is_wanted {
                    found.push(std::mem::take(code));
                }
                open = None;
            }
            (Some((_, code)), None) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// A page without its front matter and fenced code; lines keep their numbers.
fn prose(text: &str) -> (Vec<&str>, bool) {
    let mut is_code = false;
    let mut is_front = false;
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| {
            if line == "---" && (number == 0 || is_front) {
                is_front = !is_front;
                return "";
            }
            if line.starts_with("```") {
                is_code = !is_code;
                return "";
            }
            if is_code || is_front { "" } else { line }
        })
        .collect();
    (lines, is_code || is_front)
}

fn problems(text: &str) -> Vec<String> {
    let (lines, is_open) = prose(text);
    let mut problems = Vec::new();
    if is_open {
        return vec![" a fence is not closed".to_owned()];
    }
    let mut level = 0;
    let mut titles = 0;
    let mut columns = None;
    let mut ticks = 0;
    for (number, line) in lines.iter().enumerate() {
        let number = number + 1;
        if let Some(depth) = heading(line).map(|(depth, _)| depth) {
            if depth > level + 1 {
                problems.push(format!(
                    "{number}: a heading of level {depth} below one of level {level}"
                ));
            }
            level = depth;
            titles += usize::from(depth == 1);
        }
        ticks += line.matches('`').count();
        if line.trim().is_empty() || line.starts_with("- ") || number == lines.len() {
            let of_this_line = if line.starts_with("- ") {
                line.matches('`').count()
            } else {
                0
            };
            let is_last = number == lines.len();
            if !(ticks - if is_last { 0 } else { of_this_line }).is_multiple_of(2) {
                problems.push(format!(
                    "{number}: a backtick without its other one, here or just above"
                ));
            }
            ticks = if is_last { 0 } else { of_this_line };
        }
        let bare = without_code(line);
        if line.starts_with('|') {
            let count = bare.matches('|').count();
            if columns.is_some_and(|columns| columns != count) {
                problems.push(format!(
                    "{number}: a row with other columns than the row above"
                ));
            }
            columns = Some(count);
        } else {
            columns = None;
        }
        for (at, _) in bare.match_indices('<') {
            let rest = &bare[at..];
            if !["<a id=", "</a>", "<!--"]
                .iter()
                .any(|tag| rest.starts_with(tag))
            {
                problems.push(format!(
                    "{number}: a bare `<`, which browsers take for HTML"
                ));
            }
        }
    }
    if titles != 1 {
        problems.push(format!("1: {titles} headings of level 1"));
    }
    problems
}

/// A line with `code` blanked.
fn without_code(line: &str) -> String {
    line.split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 0 { part } else { "" })
        .collect()
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let depth = line.bytes().take_while(|&b| b == b'#').count();
    let text = line.get(depth..)?.strip_prefix(' ')?;
    (depth > 0).then_some((depth, text))
}

fn links(text: &str) -> Vec<String> {
    let (lines, _) = prose(text);
    let bare = without_code(&lines.join("\n"));
    bare.match_indices("](")
        .filter_map(|(at, _)| bare[at + 2..].split_once(')'))
        .map(|(link, _)| link.to_owned())
        .collect()
}

/// What can stand behind `#`, as GitHub and the Terraform Registry make it.
fn anchors(text: &str) -> BTreeSet<String> {
    let (lines, _) = prose(text);
    let mut found = BTreeSet::new();
    for line in lines {
        if let Some((_, id)) = line.split_once("<a id=\"") {
            found.insert(id.split('"').next().unwrap().to_owned());
        }
        let Some((_, text)) = heading(line) else {
            continue;
        };
        let slug: String = text
            .to_lowercase()
            .chars()
            .filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let mut unique = slug.clone();
        let mut count = 0;
        while found.contains(&unique) {
            count += 1;
            unique = format!("{slug}-{count}");
        }
        found.insert(unique);
    }
    found
}
