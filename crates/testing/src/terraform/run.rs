//! One command of Terraform, from its start to its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::text;
use super::turns::Turn;

/// How long one Terraform command may take before it counts as hung. Only a limit against hanging: it is minutes away from
/// what any of them takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// One finished Terraform command.
pub(super) struct Run {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// The command, and all of both.
    pub(super) transcript: String,
}

/// Runs a command in the directory of a workspace, and interrupts it once its output has a text.
pub(super) fn run(
    directory: &Path,
    environment: &BTreeMap<String, OsString>,
    arguments: &[&str],
    mut interrupt_at: Option<&str>,
) -> Run {
    let _turn = Turn::take();
    let started = Instant::now();
    let stdout = directory.join("home/stdout");
    let stderr = directory.join("home/stderr");
    let mut command = Command::new(&terraform().executable);
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .envs(
            ["PATH", "TMPDIR"]
                .into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(File::create(&stdout).expect("a file for the output"))
        .stderr(File::create(&stderr).expect("a file for the errors"));
    if interrupt_at.is_some() {
        // Ctrl-C reaches Terraform and the provider alike, and not the tests.
        command.process_group(0);
    }
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!(
            "{} cannot be started: {error}",
            terraform().executable.to_string_lossy()
        )
    });
    let status = loop {
        if let Some(status) = child.try_wait().expect("the command's status") {
            break Some(status);
        }
        if let Some(text) = interrupt_at
            && [&stdout, &stderr]
                .into_iter()
                .any(|stream| fs::read_to_string(stream).is_ok_and(|output| output.contains(text)))
        {
            interrupt_at = None;
            let group = format!("-{}", child.id());
            let sent = Command::new("kill").args(["-INT", "--", &group]).status();
            assert!(sent.expect("kill is there").success());
        }
        if started.elapsed() > LIMIT {
            child.kill().expect("the command can be killed");
            child.wait().expect("the command ends");
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let stdout = fs::read_to_string(&stdout).expect("the output is UTF-8");
    let stderr = fs::read_to_string(&stderr).expect("the errors are UTF-8");
    let transcript = format!(
        "$ terraform {}\n# in {}, {:.1} s, {}\n{}{stderr}",
        arguments.join(" "),
        directory.display(),
        started.elapsed().as_secs_f64(),
        status.map_or("hung and was killed".to_owned(), |status| status
            .to_string()),
        readable(&stdout),
    );
    let Some(status) = status else {
        panic!("{transcript}");
    };
    Run {
        code: status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal\n{transcript}")),
        stdout,
        stderr,
        transcript,
    }
}

/// The output of a command with `-json`, as a person can read it; other output as it is.
fn readable(output: &str) -> String {
    let mut text = String::new();
    for line in output.lines() {
        let parsed: Option<Value> = serde_json::from_str(line).ok();
        match parsed.as_ref().map(|line| (line, &line["@message"])) {
            Some((line, Value::String(message))) => {
                text.push_str(message);
                text.push('\n');
                let diagnostic = &line["diagnostic"];
                for part in [
                    &diagnostic["snippet"]["context"],
                    &diagnostic["snippet"]["code"],
                    &diagnostic["detail"],
                ] {
                    if let Value::String(part) = part {
                        text.push_str("    ");
                        text.push_str(&part.replace('\n', "\n    "));
                        text.push('\n');
                    }
                }
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

/// Whether the Terraform under test is of this version or a later one.
pub fn is_at_least(major: u64, minor: u64) -> bool {
    let version = &terraform().version;
    let mut numbers = version.split('.').map_while(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(its_major), Some(its_minor)) => (its_major, its_minor) >= (major, minor),
        _ => panic!("the Terraform under test has no version that can be compared: {version:?}"),
    }
}

struct Terraform {
    executable: OsString,
    version: String,
}

/// What serves as Terraform: `ORGMIRROR_TERRAFORM`, else `terraform` on the `PATH`.
fn terraform() -> &'static Terraform {
    static FOUND: OnceLock<Terraform> = OnceLock::new();
    FOUND.get_or_init(|| {
        let chosen =
            std::env::var_os("ORGMIRROR_TERRAFORM").unwrap_or_else(|| OsString::from("terraform"));
        // Commands run in other directories, so a path relative to this one has to be made absolute.
        let executable = if Path::new(&chosen).components().count() > 1 {
            fs::canonicalize(&chosen).map_or(chosen.clone(), PathBuf::into_os_string)
        } else {
            chosen.clone()
        };
        let answer = Command::new(&executable)
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_CLI_CONFIG_FILE")
            .stdin(Stdio::null())
            .output();
        match answer {
            Ok(answer) if answer.status.success() => Terraform {
                executable,
                version: serde_json::from_slice(&answer.stdout).map_or_else(
                    |_| String::new(),
                    |answer: Value| text(&answer["terraform_version"]).to_owned(),
                ),
            },
            Ok(answer) => panic!(
                "{} is not Terraform, or does not work: {}. `make test` finds or installs one; \
                 ORGMIRROR_TERRAFORM names another.",
                chosen.to_string_lossy(),
                String::from_utf8_lossy(&answer.stderr),
            ),
            Err(error) => panic!(
                "Terraform ({}) cannot be started: {error}. `make test` finds or installs one; \
                 ORGMIRROR_TERRAFORM names another.",
                chosen.to_string_lossy(),
            ),
        }
    })
}
