//! Python's side of the tests: moto, the AWS CLI and whatever else reads what is published.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What to do when [`executable`] is not there or lacks a package.
pub const MISSING: &str =
    "`make test` sets up a Python with what these tests need; ORGMIRROR_PYTHON names another";

/// The Python of the tests: `ORGMIRROR_PYTHON`, else the one that `make test` sets up.
pub fn executable() -> OsString {
    std::env::var_os("ORGMIRROR_PYTHON")
        .unwrap_or_else(|| crate::root().join(".venv/bin/python").into_os_string())
}

/// A script of this crate, which is in its `python` directory.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(name)
}

/// A Python without the environment of whoever runs the tests.
pub fn command(home: &Path) -> Command {
    let mut command = Command::new(executable());
    command.env_clear().env("HOME", home).env("PYTHONUTF8", "1");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs a command to its end.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        let program = command.get_program().to_string_lossy();
        panic!("{program} cannot be started: {error}. {MISSING}.")
    })
}

/// How a command ended, and what it had to say.
pub fn complaint(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
