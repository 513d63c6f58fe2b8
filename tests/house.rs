//! Holds the rules of the house (`docs/design.md`): which room may use which, how files are named, and that tests do not
//! depend on whose machine it is.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every room of `src/`, and the rooms that it may use. `main.rs` and `lib.rs` put the rooms together and are free.
const ROOMS: [(&str, &[&str]); 6] = [
    ("aws", &["model"]),
    ("catalog", &["model", "publish"]),
    ("model", &[]),
    ("onboarding", &["aws", "model"]),
    (
        "provider",
        &["aws", "catalog", "model", "onboarding", "publish"],
    ),
    ("publish", &["model"]),
];

/// Crates and parts of `std` that a room must not use: the domain is pure, and only `provider` knows Terraform's
/// protocol, without its messages.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("aws", &["terraform_plugin"]),
    ("catalog", &["terraform_plugin"]),
    ("model", IMPURE),
    ("onboarding", IMPURE),
    ("provider", &["terraform_plugin::proto"]),
    ("publish", IMPURE),
];
const IMPURE: &[&str] = &[
    "async_trait",
    "aws_",
    "futures_util",
    "hyper",
    "prost",
    "rand",
    "rustls",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::time::SystemTime",
    "tempfile",
    "terraform_plugin",
    "tokio",
    "tonic",
];

/// The package that serves Terraform's protocol for any provider, and words that it does not know.
const PROTOCOL: &str = "crates/terraform-plugin";
const WORDS_OF_THE_PRODUCT: [&str; 4] = ["aws", "catalog", "orgmirror", "tenant"];

/// Names that say nothing.
const EMPTY_NAMES: [&str; 8] = [
    "common", "commons", "helper", "helpers", "misc", "mod", "util", "utils",
];

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut broken = Vec::new();
    for (file, source) in sources() {
        let module = module_of(&file);
        let Some(room) = module.first() else { continue };
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
            broken.push(format!(
                "{}: {room} is a new room; give it a place in this test and in docs/design.md",
                file.display()
            ));
            continue;
        };
        for path in paths(&source, &module) {
            let Some(target) = path.strip_prefix("crate::") else {
                continue;
            };
            let target = target.split("::").next().unwrap();
            let known = ROOMS.iter().any(|(name, _)| *name == target);
            if known && target != room && !allowed.contains(&target) {
                broken.push(format!(
                    "{}: {path}: {room} may use {allowed:?}, not {target}",
                    file.display()
                ));
            }
            if target == "*" {
                broken.push(format!(
                    "{}: {path}: name the room that is used",
                    file.display()
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn pure_rooms_stay_pure() {
    let mut broken = Vec::new();
    for (file, source) in sources() {
        let module = module_of(&file);
        let Some((room, forbidden)) = FORBIDDEN
            .iter()
            .find(|(name, _)| module.first().is_some_and(|room| room == name))
        else {
            continue;
        };
        for path in paths(&source, &module) {
            if let Some(found) = forbidden.iter().find(|start| names(&path, start)) {
                broken.push(format!(
                    "{}: {path}: {room} must not use {found}",
                    file.display()
                ));
            }
        }
        if *room == "model" && tokens(&source).iter().any(|token| token == "async") {
            broken.push(format!("{}: the model is not async", file.display()));
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_protocol_is_of_no_product() {
    let files = files(&root().join(PROTOCOL));
    assert!(files.len() > 40, "{PROTOCOL} is not where it was");
    let mut broken = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap().to_lowercase();
        // The one cryptography has a name of its own.
        let text = text.replace("aws-lc", "").replace("aws_lc", "");
        let words = text.split(|character: char| !character.is_alphanumeric());
        let found: BTreeSet<_> = words
            .filter(|word| WORDS_OF_THE_PRODUCT.contains(word))
            .collect();
        if !found.is_empty() {
            broken.push(format!("{}: {found:?}", file.display()));
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn files_have_names_that_say_something() {
    let broken: Vec<_> = ["src", "crates"]
        .into_iter()
        .flat_map(|directory| below(directory).into_keys())
        .filter(|file| {
            file.iter().any(|part| {
                let part = part.to_string_lossy();
                EMPTY_NAMES.contains(&part.trim_end_matches(".rs"))
            })
        })
        .collect();
    assert!(
        broken.is_empty(),
        "name these after what they hold: {broken:?}"
    );
}

/// A module that is included from elsewhere is compiled once for each target that does, and found by nobody who looks for
/// it. What several targets use is in `crates/testing`.
#[test]
fn modules_are_where_their_names_say() {
    let broken: Vec<_> = ["src", "crates", "tests", "benches"]
        .into_iter()
        .flat_map(below)
        .filter(|(_, source)| {
            let tokens = tokens(source);
            tokens.windows(3).any(|three| three == ["#", "[", "path"])
        })
        .map(|(file, _)| file)
        .collect();
    assert!(
        broken.is_empty(),
        "take #[path] out of these, and put shared modules into crates/testing: {broken:?}"
    );
}

#[test]
fn the_design_names_every_room() {
    let design = fs::read_to_string(root().join("docs/design.md")).unwrap();
    for (room, _) in ROOMS {
        assert!(
            design.contains(&format!("`{room}`")),
            "docs/design.md says nothing of `{room}`"
        );
    }
}

#[test]
fn every_dependency_is_defended() {
    let page = fs::read_to_string(root().join("docs/decisions/dependencies.md")).unwrap();
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let packages = crates.map(|package| package.unwrap().path());
    let mut dependencies = BTreeSet::new();
    for package in packages.chain([root()]) {
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        let mut section = "";
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line;
            } else if let Some((name, what)) = line.split_once(" = ")
                && section.ends_with("dependencies]")
                // Our own crates are no dependencies in this sense.
                && !what.contains("path = ")
                // Those are listed for the whole workspace.
                && !name.ends_with(".workspace")
            {
                dependencies.insert(name.to_owned());
            }
        }
    }
    assert!(
        dependencies.contains("tonic"),
        "Cargo.toml was not understood"
    );
    let silent: Vec<_> = dependencies
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(
        silent.is_empty(),
        "docs/decisions/dependencies.md says nothing of {silent:?}"
    );
}

#[test]
fn tests_have_no_home_and_no_settings_of_their_user() {
    let home = std::env::var("HOME").unwrap_or_default();
    assert_eq!(
        home, "/proc/no-home",
        "scripts/without-settings did not start this test: does a setting of cargo, or a debugger, come before?"
    );
    let settings: Vec<_> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        // Of the build of a dependency.
        .filter(|name| !name.starts_with("AWS_LC_"))
        .filter(|name| {
            ["AWS_", "GIT_", "PYTHON", "TF_"]
                .iter()
                .any(|start| name.starts_with(start))
                || ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"]
                    .contains(&name.to_ascii_uppercase().as_str())
        })
        .collect();
    assert!(settings.is_empty(), "{settings:?}");
}

/// The rules are worth as much as the reading of paths.
#[test]
fn paths_are_found_wherever_they_stand() {
    let source = r##"
        //! crate::comment
        use crate::{aws, model::{mirror::Mirror, snapshot as taken}};
        pub use super::late::Late;
        use orgmirror::catalog::Document;
        /* crate::block /* crate::nested */ */
        fn f<'a>(x: &'a crate::publish::File) -> char { let _ = "crate::text"; let _ = r#"crate::raw""#; '"' }
        impl super::super::plugin::Serve for X {}
        mod tests { use super::*; use super::super::framework::Value; mod deeper { type T = super::super::Here; } }
        use self::inside::Thing;
        use tokio::{fs, time::sleep};
        const X: std::time::Duration = ::std::time::Duration::ZERO;
    "##;
    let found = paths(source, &["model".into(), "integration".into()]);
    let expected = [
        "crate::aws",
        "crate::catalog::Document",
        // Within `mod tests` of model::integration, super::super is model.
        "crate::model::framework::Value",
        "crate::model::integration::*",
        "crate::model::integration::Here",
        "crate::model::integration::inside::Thing",
        "crate::model::late::Late",
        "crate::model::mirror::Mirror",
        "crate::model::snapshot",
        "crate::plugin::Serve",
        "crate::publish::File",
        "std::time::Duration",
        "std::time::Duration::ZERO",
        "tokio::fs",
        "tokio::time::sleep",
    ];
    let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
    assert_eq!(found, expected);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `src/`, by its path from there.
fn sources() -> BTreeMap<PathBuf, String> {
    let found = below("src");
    assert!(found.len() > 8, "src/ is not where it was");
    found
}

/// Every Rust file below a directory of the repository, by its path from there.
fn below(directory: &str) -> BTreeMap<PathBuf, String> {
    let base = root().join(directory);
    files(&base)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.strip_prefix(&base).unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The module that a file is: `aws/walk.rs` is `[aws, walk]`; `main.rs` and `lib.rs` are the crate itself.
fn module_of(file: &Path) -> Vec<String> {
    let module: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if module == ["main"] || module == ["lib"] {
        Vec::new()
    } else {
        module
    }
}

/// Whether a path starts with what is forbidden; a trailing `_` stands for all crates whose names start so.
fn names(path: &str, start: &str) -> bool {
    path.strip_prefix(start)
        .is_some_and(|rest| start.ends_with('_') || rest.is_empty() || rest.starts_with("::"))
}

/// Every path of two or more parts in a file, `use` trees taken apart, those into this crate from `crate`.
fn paths(source: &str, module: &[String]) -> BTreeSet<String> {
    let tokens = tokens(source);
    let mut found = BTreeSet::new();
    // One entry per open brace; a name where the brace opens an inline module.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => {
                let inline = at >= 2 && tokens[at - 2] == "mod";
                open.push(inline.then(|| tokens[at - 1].clone()));
                at += 1;
            }
            "}" => {
                open.pop();
                at += 1;
            }
            token if is_name(token) => {
                let here: Vec<&str> = module
                    .iter()
                    .map(String::as_str)
                    .chain(open.iter().flatten().map(String::as_str))
                    .collect();
                let in_use = at > 0
                    && (tokens[at - 1] == "use"
                        || tokens[at - 1] == "::" && at > 1 && tokens[at - 2] == "use");
                let mut leaves = Vec::new();
                at = take_tree(&tokens, at, &[], in_use, &mut leaves);
                for leaf in leaves.into_iter().filter(|leaf| leaf.len() > 1) {
                    found.insert(absolute(&leaf, &here));
                }
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads one path, or in a `use` the tree below it, from `at`; gives where it ends.
fn take_tree(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    in_use: bool,
    leaves: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") if in_use => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    match token.as_str() {
                        "}" => return at + 1,
                        "," => at += 1,
                        _ => at = take_tree(tokens, at, &path, in_use, leaves),
                    }
                }
                return at;
            }
            Some(name) if is_name(name) || (name == "*" && in_use) => {
                if name != "self" || path.is_empty() {
                    path.push(name.to_owned());
                }
                at += 1;
            }
            _ => break,
        }
        if tokens.get(at).is_some_and(|token| token == "::") {
            at += 1;
        } else {
            break;
        }
    }
    if in_use && tokens.get(at).is_some_and(|token| token == "as") {
        at += 2;
    }
    leaves.push(path);
    at
}

/// A path as seen from the crate's root.
fn absolute(path: &[String], here: &[&str]) -> String {
    let mut base: Vec<&str> = here.to_vec();
    let mut rest = path;
    match path[0].as_str() {
        "crate" | "orgmirror" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        _ => return path.join("::"),
    }
    base.insert(0, "crate");
    base.extend(rest.iter().map(String::as_str));
    base.join("::")
}

fn is_name(token: &str) -> bool {
    token
        .chars()
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
}

/// Names, `::` and single characters; no comments, no texts, no numbers.
fn tokens(source: &str) -> Vec<String> {
    let characters: Vec<char> = source.chars().collect();
    let starts = |at: usize, text: &str| {
        text.chars()
            .enumerate()
            .all(|(offset, character)| characters.get(at + offset) == Some(&character))
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        if starts(at, "//") {
            while at < characters.len() && characters[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            loop {
                if starts(at, "/*") {
                    depth += 1;
                    at += 2;
                } else if starts(at, "*/") {
                    depth -= 1;
                    at += 2;
                } else {
                    at += 1;
                }
                if depth == 0 || at >= characters.len() {
                    break;
                }
            }
        } else if character == '"' {
            at += 1;
            while at < characters.len() && characters[at] != '"' {
                at += if characters[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if character == '\'' {
            // A lifetime has no closing quote right after its one character.
            if characters.get(at + 1) == Some(&'\\') {
                at += 3;
                while at < characters.len() && characters[at] != '\'' {
                    at += 1;
                }
                at += 1;
            } else if characters.get(at + 2) == Some(&'\'') {
                at += 3;
            } else {
                at += 1;
            }
        } else if character.is_alphanumeric() || character == '_' {
            let start = at;
            while at < characters.len()
                && (characters[at].is_alphanumeric() || characters[at] == '_')
            {
                at += 1;
            }
            let name: String = characters[start..at].iter().collect();
            let hashes = characters[at..].iter().take_while(|&&c| c == '#').count();
            if matches!(name.as_str(), "r" | "br" | "cr")
                && characters.get(at + hashes) == Some(&'"')
            {
                let end = format!("\"{}", "#".repeat(hashes));
                at += hashes + 1;
                while at < characters.len() && !starts(at, &end) {
                    at += 1;
                }
                at += end.len();
            } else if is_name(&name) {
                found.push(name);
            }
        } else if starts(at, "::") {
            found.push("::".to_owned());
            at += 2;
        } else {
            if !character.is_whitespace() {
                found.push(character.to_string());
            }
            at += 1;
        }
    }
    found
}
