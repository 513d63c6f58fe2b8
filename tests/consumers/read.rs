//! Readers of published files that are Python's.

use std::path::Path;

use orgmirror_testing::python;
use serde_json::Value;

use crate::c7n_org::script;

/// What one of the readers of `read.py` reads from a file.
pub fn with_python(reader: &str, file: &Path) -> Value {
    let home = file.parent().unwrap();
    let output = python::run(
        python::command(home)
            .arg(script("read.py"))
            .arg(reader)
            .arg(file),
    );
    assert!(output.status.success(), "{}", python::complaint(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}
