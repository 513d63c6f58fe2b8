//! The tree of folders and connections, drawn as text.

use std::collections::BTreeMap;

use super::late::Late;
use super::mirror::{ACTIVE, Mirror, MirrorError, ROOT_NAME, Source};

/// What is drawn for a value that is not known yet.
const UNKNOWN: &str = "(known after apply)";

/// One line of the tree, before its guides.
struct Line<'a> {
    /// Folders come before accounts, each by name, then by ID.
    rank: (bool, &'a str, &'a str),
    text: String,
}

/// A mirror as text: folders by name, then accounts by name, each with its ID and handle, and its state where that is
/// not `ACTIVE`. What hangs under a folder that is not there, as in an edited state, is drawn at the top.
pub fn draw(mirror: &Mirror) -> String {
    let mut below: BTreeMap<Option<&str>, Vec<Line<'_>>> = BTreeMap::new();
    let present = |id: &'_ str| mirror.folders.contains_key(id);
    for (id, folder) in &mirror.folders {
        let parent = folder.parent_id.as_deref().filter(|id| present(id));
        let name = shown(folder.name.as_ref());
        let handle = shown(folder.derived_handle.as_ref());
        below.entry(parent).or_default().push(Line {
            rank: (false, name, id),
            text: format!(
                "{} [{}] {}",
                printable(name),
                printable(id),
                printable(handle)
            ),
        });
    }
    for (id, connection) in &mirror.connections {
        let parent = Some(connection.folder_id.as_str()).filter(|id| present(id));
        let name = shown(connection.name.as_ref());
        let handle = shown(connection.derived_handle.as_ref());
        below.entry(parent).or_default().push(Line {
            rank: (true, name, id),
            text: format!(
                "{} ({}) {}{}",
                printable(name),
                printable(id),
                printable(handle),
                state(&connection.state)
            ),
        });
    }
    render(below)
}

/// A source as text: like [`draw`], without handles.
///
/// # Errors
/// A source that is not one tree.
pub fn draw_source(source: &Source) -> Result<String, MirrorError> {
    let lineage = source.lineage()?;
    let root_id = source.root_id();
    let mut below: BTreeMap<Option<&str>, Vec<Line<'_>>> = BTreeMap::new();
    below.entry(None).or_default().push(Line {
        rank: (false, ROOT_NAME, root_id),
        text: format!("{ROOT_NAME} [{}]", printable(root_id)),
    });
    for (id, parent, _) in lineage.descent {
        let Some(unit) = source.organizational_units.get(id) else {
            continue;
        };
        let name = shown(unit.name_or(id));
        below.entry(Some(parent)).or_default().push(Line {
            rank: (false, name, id),
            text: format!("{} [{}]", printable(name), printable(id)),
        });
    }
    for (id, account) in &source.accounts {
        let parent = account.parent_id.as_deref().unwrap_or(root_id);
        let name = shown(account.name.as_ref());
        below.entry(Some(parent)).or_default().push(Line {
            rank: (true, name, id),
            text: format!("{} ({id}){}", printable(name), state(account.state())),
        });
    }
    Ok(render(below))
}

fn shown<T: AsRef<str> + ?Sized>(value: Late<&T>) -> &str {
    match value {
        Late::Known(value) => value.as_ref(),
        Late::Unknown => UNKNOWN,
    }
}

fn state(state: &str) -> String {
    match state {
        ACTIVE => String::new(),
        state => format!(" {}", printable(state)),
    }
}

/// A name may hold anything; a line break or an escape sequence in it must not change the picture.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c.is_control() {
            true => c.escape_default().to_string(),
            false => c.to_string(),
        })
        .collect()
}

fn render<'a>(mut below: BTreeMap<Option<&'a str>, Vec<Line<'a>>>) -> String {
    for lines in below.values_mut() {
        lines.sort_unstable_by(|a, b| a.rank.cmp(&b.rank));
    }
    let mut text = String::new();
    // A stack of its own: a hand-written tree may be deeper than the thread's.
    let mut stack: Vec<(String, std::vec::IntoIter<Line<'_>>)> = Vec::new();
    stack.push((
        String::new(),
        below.remove(&None).unwrap_or_default().into_iter(),
    ));
    while let Some((guides, lines)) = stack.last_mut() {
        let Some(line) = lines.next() else {
            stack.pop();
            continue;
        };
        let is_last = lines.len() == 0;
        let guides = guides.clone();
        let is_top = stack.len() == 1;
        let (branch, passing) = match (is_top, is_last) {
            (true, _) => ("", ""),
            (false, true) => ("└── ", "    "),
            (false, false) => ("├── ", "│   "),
        };
        text.push_str(&format!("{guides}{branch}{}\n", line.text));
        let (is_account, _, id) = line.rank;
        if !is_account {
            let children = below.remove(&Some(id)).unwrap_or_default();
            stack.push((format!("{guides}{passing}"), children.into_iter()));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::model::mirror::{Held, SourceAccount, SourceUnit, Wanted, mirror};

    fn source() -> Source {
        let unit = |name: &str, parent_id: Option<&str>| SourceUnit {
            name: Late::Known(Some(name.to_owned())),
            parent_id: parent_id.map(str::to_owned),
        };
        let account = |name: &str, parent_id: Option<&str>| SourceAccount {
            name: Late::Known(name.to_owned()),
            parent_id: parent_id.map(str::to_owned),
            ..SourceAccount::default()
        };
        Source {
            root_id: Some("r-a".to_owned()),
            organizational_units: [
                ("ou-1", unit("Workloads", None)),
                ("ou-2", unit("Sandbox", None)),
                ("ou-3", unit("Prod", Some("ou-1"))),
            ]
            .map(|(id, unit)| (id.to_owned(), unit))
            .into(),
            accounts: [
                ("111111111111", account("management", None)),
                ("222222222222", account("Shop\u{1b}[31m\n", Some("ou-3"))),
                ("333333333333", account("Billing", Some("ou-3"))),
                ("444444444444", account("Lab", Some("ou-2"))),
            ]
            .map(|(id, account)| (id.to_owned(), account))
            .into(),
            ..Source::default()
        }
    }

    fn wanted(source: &Source) -> Wanted<'_> {
        Wanted {
            source,
            handle: Late::Known("acme".to_owned()),
            prefix: Late::default(),
            initial_handles: Late::default(),
            role_name: Late::Known("reader".to_owned()),
            default_region: Late::default(),
            sso: Late::default(),
            owners: Late::default(),
            resource_owners: Late::default(),
        }
    }

    #[test]
    fn a_mirror_is_drawn_with_its_handles() {
        let active = source();
        let first = mirror(&wanted(&active), None).unwrap();
        let mut changed = active.clone();
        let lab = changed.accounts.get_mut("444444444444").unwrap();
        lab.state = Some("SUSPENDED".to_owned());
        let held = Held {
            mirror: &first.mirror,
            handle: "acme",
            prefix: "",
            given_handles: &first.given_handles,
        };
        let second = mirror(&wanted(&changed), Some(&held)).unwrap();
        assert_eq!(
            draw(&second.mirror),
            "\
Root [r-a] acme
├── Sandbox [ou-2] sandbox
│   └── Lab (444444444444) lab SUSPENDED
├── Workloads [ou-1] workloads
│   └── Prod [ou-3] prod
│       ├── Billing (333333333333) billing
│       └── Shop\\u{1b}[31m\\n (222222222222) shop_31m
└── management (111111111111) management
"
        );
    }

    #[test]
    fn a_source_is_drawn_or_refused() {
        let mut source = source();
        source.organizational_units.get_mut("ou-2").unwrap().name = Late::Unknown;
        assert_eq!(
            draw_source(&source).unwrap(),
            "\
Root [r-a]
├── (known after apply) [ou-2]
│   └── Lab (444444444444)
├── Workloads [ou-1]
│   └── Prod [ou-3]
│       ├── Billing (333333333333)
│       └── Shop\\u{1b}[31m\\n (222222222222)
└── management (111111111111)
"
        );
        source.organizational_units.remove("ou-3");
        assert!(matches!(
            draw_source(&source),
            Err(MirrorError::MissingParents(missing)) if missing.len() == 2
        ));
    }

    #[test]
    fn what_hangs_in_the_air_is_drawn_at_the_top() {
        let source = source();
        let mut torn = mirror(&wanted(&source), None).unwrap().mirror;
        torn.folders.remove("ou-1");
        let drawn = draw(&torn);
        assert_eq!(drawn.lines().count(), 7);
        assert!(drawn.contains("\nRoot [r-a] acme\n") || drawn.starts_with("Root [r-a] acme\n"));
        assert!(drawn.contains("Prod [ou-3] prod\n├── Billing"), "{drawn}");
    }
}
