//! Python's side of the tests.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A Python without the environment of whoever runs the tests.
pub fn python(home: &Path) -> Command {
    let mut command = Command::new(crate::moto::python());
    command.env_clear().env("HOME", home).env("PYTHONUTF8", "1");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// What `tests/consumers/read.py` reads with one of its readers from a file.
pub fn read(reader: &str, file: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers/read.py");
    let home = file.parent().unwrap();
    let output = run(python(home).arg(script).arg(reader).arg(file));
    assert!(output.status.success(), "{}", complaint(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!(
            "{} cannot be started: {error}. `make test` sets up a Python with what these tests need; \
             ORGMIRROR_PYTHON names another.",
            command.get_program().to_string_lossy()
        )
    })
}

/// What a command had to say.
pub fn complaint(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
