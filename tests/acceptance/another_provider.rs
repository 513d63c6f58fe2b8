//! The provider that the README of `terraform-plugin` shows, with real Terraform.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orgmirror_testing::root;
use orgmirror_testing::terraform::{Workspace, quoted};
use serde_json::Value;

use crate::PROVIDER;

const NAME: &str = "terraform-provider-files";
const VERSION: &str = "0.1.0";

/// The example, which cargo builds for tests of its own package only.
fn example() -> PathBuf {
    let target = PROVIDER.directory().parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--workspace", "--example", NAME])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo is there");
    assert!(
        built.status.success(),
        "cargo did not build {NAME}:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let messages = String::from_utf8(built.stdout).unwrap();
    messages
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|message| message["target"]["name"] == NAME)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .unwrap_or_else(|| panic!("cargo did not say where {NAME} is:\n{messages}"))
}

/// Operating system and architecture as Terraform names them, such as `linux_amd64`.
fn platform() -> String {
    let system = if OS == "macos" { "darwin" } else { OS };
    let architecture = match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{architecture}")
}

/// A workspace whose only provider is the example, from a mirror in a directory.
fn workspace() -> Workspace {
    let mut workspace = PROVIDER.workspace();
    let mirror = workspace.path().join("mirror");
    let place = mirror.join("example.com/demo/files");
    let place = place.join(VERSION).join(platform());
    fs::create_dir_all(&place).unwrap();
    fs::copy(example(), place.join(format!("{NAME}_v{VERSION}"))).unwrap();
    let mirror = quoted(&mirror.to_string_lossy());
    workspace.write(
        "mirror.rc",
        &format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror}\n  }}\n}}\n"
        ),
    );
    let settings = workspace.path().join("mirror.rc");
    workspace.set_env("TF_CLI_CONFIG_FILE", &settings.to_string_lossy());
    workspace.write("terraform.tf", "");
    workspace
}

/// The configuration that the README shows, for another directory.
fn configuration(directory: &Path) -> String {
    let readme = root().join("crates/terraform-plugin/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once("```terraform\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    assert_eq!(block.matches("\"/srv/texts\"").count(), 1, "{block}");
    block.replace("\"/srv/texts\"", &quoted(&directory.to_string_lossy()))
}

#[test]
fn the_provider_of_the_readme_keeps_texts_in_files() {
    const GREETING: &str = "files_text.greeting";
    let workspace = workspace();
    let directory = workspace.path().join("texts");
    let file = directory.join("greeting.txt");
    let text = || fs::read_to_string(&file).unwrap();
    let configuration = configuration(&directory);

    workspace.configure(&configuration).init();
    let plan = workspace.plan();
    plan.assert_actions(GREETING, &["create"]);
    workspace
        .apply_fails()
        .assert_error(&["The file cannot be used", "No such file"]);
    fs::create_dir(&directory).unwrap();
    workspace.apply().assert_none();
    assert_eq!(text(), "Hello.\n");

    workspace.configure(&configuration.replace("Hello", "Good evening"));
    let plan = workspace.plan();
    plan.assert_actions(GREETING, &["update"]);
    workspace.apply_saved(&plan).assert_none();
    assert_eq!(text(), "Good evening.\n");

    // What somebody changed is changed back, and what somebody deleted is there again.
    fs::write(&file, "Nothing.\n").unwrap();
    workspace.plan().assert_actions(GREETING, &["update"]);
    fs::remove_file(&file).unwrap();
    workspace.plan().assert_actions(GREETING, &["create"]);
    workspace.apply().assert_none();
    assert_eq!(text(), "Good evening.\n");

    workspace.destroy();
    assert!(!file.exists());
}
