//! Parts of messages that several resources need.

use std::fmt::Display;

use crate::model::folder_ref::FolderRef;
use crate::model::objects::Target;

/// Things that a message lists by name; beyond that it says how many more there are.
const LISTED: usize = 20;

/// The attribute that says what a permission or override is for.
pub(super) fn path_of(target: &Target<'_>) -> &'static str {
    match target {
        Target::Folder(FolderRef::Id(_)) => "folder_id",
        Target::Folder(FolderRef::Path(_)) => "folder_path",
        Target::Account(_) => "account_id",
    }
}

/// A line for each item, up to [`LISTED`] of them.
pub(super) fn listed(items: impl ExactSizeIterator<Item: Display>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let mut lines: Vec<String> = items.take(LISTED).map(|item| format!("- {item}")).collect();
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}

/// Says which objects of a kind the catalog has, in order: the end of a sentence.
pub(super) fn what_it_has(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    if names.is_empty() {
        return "it has none".to_owned();
    }
    names.sort_unstable();
    format!("it has {}", names.join(", "))
}
