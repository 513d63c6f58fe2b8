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
