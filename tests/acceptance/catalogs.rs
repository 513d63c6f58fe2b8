//! What is in a catalog, and in the directories of its workspaces.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use orgmirror_testing::terraform::Workspace;
use serde_json::{Value, json};

/// Where the files of `acme/security` are, with the default catalog and tenant.
pub const FILES: &str = ".orgmirror/tenants/default/workspaces/acme/security";

/// Where the default tenant's document is, with the default catalog.
pub fn place(workspace: &Workspace) -> PathBuf {
    workspace
        .path()
        .join(".orgmirror/tenants/default/catalog.json")
}

/// The default tenant's document.
pub fn document(workspace: &Workspace) -> Value {
    let content = fs::read(place(workspace)).expect("a document");
    serde_json::from_slice(&content).expect("the document is JSON")
}

/// Changes the default tenant's document as a person with an editor would.
pub fn edit(workspace: &Workspace, change: impl FnOnce(&mut Value)) {
    let mut document = document(workspace);
    change(&mut document);
    fs::write(place(workspace), format!("{document:#}\n")).expect("the document can be written");
}

/// The entries of a kind in the catalog.
pub fn entries(workspace: &Workspace, kind: &str) -> Vec<Value> {
    let document = document(workspace);
    let entries = document[kind].as_object().expect("the kind is there");
    entries.values().cloned().collect()
}

/// An ID is random, behind the prefix of its kind.
#[track_caller]
pub fn assert_id(id: &Value, prefix: &str) {
    let random = id.as_str().and_then(|id| id.strip_prefix(prefix));
    assert!(
        random.is_some_and(|random| random.len() == 20
            && random
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())),
        "{id}"
    );
}

/// Declares workspaces (`organization/handle`) in the catalog.
pub fn declare_workspaces(workspace: &Workspace, names: &[&str]) {
    edit(workspace, |document| {
        for name in names {
            let (organization, handle) = name.split_once('/').unwrap();
            let id = format!("ws_{organization}{handle}");
            document["workspaces"][&id] = json!({
                "id": id, "organization": organization, "handle": handle, "publish": {},
            });
        }
    });
}

/// All files of `acme/security` by name, with their content.
pub fn files(workspace: &Workspace) -> BTreeMap<String, String> {
    files_in(&workspace.path().join(FILES))
}

/// All files in a directory by name, with their content; a directory that is not there has none.
pub fn files_in(directory: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return BTreeMap::new();
    };
    entries
        .map(|entry| {
            let entry = entry.expect("the directory can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            let content = fs::read_to_string(entry.path()).expect("the file is text");
            (name, content)
        })
        .collect()
}

/// Every file below a directory.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}
