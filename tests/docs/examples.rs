//! Every example is one that Terraform accepts, with the provider as it is.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::markdown::{code, pages};
use super::{files, read, root};

/// Where nothing says otherwise, a configuration uses the provider like this.
const PROVIDER: &str = "examples/provider/provider.tf";

/// How examples name the modules that are beside them.
const MODULES: &str = "\"../modules/";

/// What Terraform accepts from 1.12 on only.
pub(super) const IMPORT_BY_IDENTITY: &str = "import-by-identity.tf";

#[test]
fn every_example_is_valid() {
    let directories: BTreeSet<String> = files("examples", ".tf")
        .iter()
        .map(|file| {
            Path::new(file)
                .parent()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let refused: Vec<String> = directories
        .iter()
        .filter_map(|directory| {
            let mut all = with_names(directory);
            all.retain(|(name, _)| name != IMPORT_BY_IDENTITY);
            validate(&all).map(|why| format!("{directory}: {why}"))
        })
        .collect();
    assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
}

/// The files of an example; what is read by file() too.
fn with_names(directory: &str) -> Vec<(String, String)> {
    files(directory, "")
        .iter()
        .map(|file| {
            let name = file.strip_prefix(directory).unwrap()[1..].to_owned();
            (name, read(file))
        })
        .collect()
}

/// An older Terraform has nothing against them but the argument that it does not know.
#[test]
fn imports_by_identity_are_valid() {
    for file in files("examples", IMPORT_BY_IDENTITY) {
        let directory = Path::new(&file).parent().unwrap().to_str().unwrap();
        if let Some(why) = validate(&with_names(directory)) {
            let is_too_old = why.contains("An argument named \"identity\" is not expected here");
            let elsewhere =
                why.matches("Error: ").count() - why.matches(IMPORT_BY_IDENTITY).count();
            assert!(is_too_old && elsewhere == 0, "{file}: {why}");
        }
    }
}

#[test]
fn examples_say_what_they_are() {
    for file in files("examples", "main.tf") {
        assert!(
            read(&file).starts_with("# "),
            "{file} has no comment on top"
        );
    }
}

/// What a page shows as `hcl` is, taken together, a whole configuration, and formatted.
#[test]
fn configurations_in_pages_are_valid() {
    let mut refused = Vec::new();
    let mut count = 0;
    for page in pages() {
        let blocks = code(&read(&page), "hcl");
        for block in &blocks {
            count += 1;
            if let Some(why) = unformatted(block) {
                refused.push(format!("{page}: {why}\n{block}"));
            }
        }
        let named: Vec<_> = (0..)
            .map(|index| format!("{index}.tf"))
            .zip(blocks)
            .collect();
        if !named.is_empty()
            && let Some(why) = validate(&named)
        {
            refused.push(format!("{page}: {why}"));
        }
    }
    assert!(count > 0, "no configuration was found in the pages");
    assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
}

/// Why Terraform refuses a configuration; none if it does not.
fn validate(parts: &[(String, String)]) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let configuration = home.path().join("configuration");
    fs::create_dir(&configuration).unwrap();
    for (name, text) in parts {
        fs::write(configuration.join(name), text).unwrap();
    }
    if !parts
        .iter()
        .any(|(_, text)| text.contains("required_providers"))
    {
        fs::write(configuration.join("provider.tf"), read(PROVIDER)).unwrap();
    }
    let uses_modules = parts.iter().any(|(_, text)| text.contains(MODULES));
    if uses_modules {
        for file in files("examples/modules", "") {
            let copy = home.path().join(file.strip_prefix("examples/").unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::write(copy, read(&file)).unwrap();
        }
    }
    let settings = home.path().join("terraform.rc");
    fs::write(&settings, super::PROVIDER.cli_configuration()).unwrap();
    let run = |arguments: &[&str]| terraform(arguments, &configuration, home.path(), &settings, "");
    if uses_modules {
        let (is_fine, said) = run(&["get", "-no-color"]);
        assert!(is_fine, "{said}");
    }
    let (is_fine, said) = run(&["validate", "-no-color"]);
    (!is_fine).then_some(said)
}

/// How `terraform fmt` would write it; none if it is so already.
fn unformatted(text: &str) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join("terraform.rc");
    fs::write(&settings, "").unwrap();
    let (is_fine, said) = terraform(
        &["fmt", "-check", "-diff", "-"],
        home.path(),
        home.path(),
        &settings,
        text,
    );
    (!is_fine).then_some(said)
}

fn terraform(
    arguments: &[&str],
    directory: &Path,
    home: &Path,
    settings: &Path,
    input: &str,
) -> (bool, String) {
    let chosen = std::env::var_os("ORGMIRROR_TERRAFORM").unwrap_or_else(|| "terraform".into());
    // It runs in another directory, so a path relative to this one has to be made absolute.
    let executable = if Path::new(&chosen).components().count() > 1 {
        std::fs::canonicalize(&chosen).map_or(chosen, std::path::PathBuf::into_os_string)
    } else {
        chosen
    };
    let mut command = Command::new(&executable);
    for (name, _) in std::env::vars_os() {
        // Nothing of the user's Terraform, AWS or orgmirror settings takes part.
        let text = name.to_string_lossy();
        if ["TF_", "AWS_", "ORGMIRROR_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            command.env_remove(&name);
        }
    }
    let mut child = command
        .args(arguments)
        .current_dir(directory)
        .env("HOME", home)
        .env("TF_CLI_CONFIG_FILE", settings)
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "{} cannot be started ({error}). `make test` and `make lint` find Terraform or install one; by \
                 hand, set ORGMIRROR_TERRAFORM",
                executable.display()
            )
        });
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), said)
}

/// The files of the registry's pages are there, and no others.
#[test]
fn registry_examples_are_used() {
    let known = [
        IMPORT_BY_IDENTITY,
        "import.sh",
        "resource.tf",
        "data-source.tf",
        "provider.tf",
    ];
    for directory in [
        "examples/provider",
        "examples/resources",
        "examples/data-sources",
    ] {
        for file in files(directory, "") {
            let name = Path::new(&file)
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            assert!(known.contains(&name.as_str()), "{file} is on no page");
        }
    }
    assert!(root().join(PROVIDER).exists());
}
