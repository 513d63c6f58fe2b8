//! Drives real Terraform in a directory of its own, with the provider that cargo built beside the tests.
//!
//! Terraform runs with `-json`, so that summaries, details and planned values are judged as they are and not as a
//! terminal of some width would wrap them.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::Provider;

/// How long one Terraform command may take before it counts as hung. Only a limit against hanging: it is minutes away from
/// what any of them takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// What a difference shows for a value that is known only after apply.
pub const UNKNOWN: &str = "(known after apply)";

/// What requires the provider.
const REQUIRED: &str = r#"
terraform {
  required_providers {
    orgmirror = {
      source = "orgmirror/orgmirror"
    }
  }
}
"#;

/// A directory with a Terraform configuration, its state and its catalog. It disappears with the value.
pub struct Workspace {
    directory: TempDir,
    environment: BTreeMap<String, OsString>,
    plans: Cell<usize>,
}

impl Provider {
    /// An empty workspace whose only provider is this one. Nothing of the machine's AWS or Terraform settings reaches
    /// it, and nothing can be installed into it.
    #[track_caller]
    pub fn workspace(self) -> Workspace {
        let directory = tempfile::Builder::new()
            .prefix("orgmirror-test-")
            .tempdir()
            .expect("a temporary directory");
        let home = directory.path().join("home");
        fs::create_dir(&home).expect("a home directory");
        let cli = home.join("terraform.rc");
        fs::write(&cli, self.cli_configuration()).expect("the CLI configuration");
        let environment = BTreeMap::from([
            ("HOME".to_owned(), home.into_os_string()),
            ("TF_CLI_CONFIG_FILE".to_owned(), cli.into_os_string()),
            ("TF_IN_AUTOMATION".to_owned(), "1".into()),
            ("CHECKPOINT_DISABLE".to_owned(), "1".into()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".into()),
        ]);
        let workspace = Workspace {
            directory,
            environment,
            plans: Cell::new(0),
        };
        workspace.write("terraform.tf", REQUIRED);
        workspace
    }

    /// [`Provider::workspace`] with the text of an example, which requires the provider itself.
    #[track_caller]
    pub fn workspace_of_example(self, text: &str) -> Workspace {
        let workspace = self.workspace();
        workspace.write("terraform.tf", "");
        workspace.write("main.tf", text);
        workspace
    }

    /// Terraform's CLI configuration that leads to this provider and to no other: there is no `direct` and no mirror in it,
    /// so that any other provider is an error and not a download.
    #[track_caller]
    pub fn cli_configuration(self) -> String {
        let directory = quoted(&self.directory().to_string_lossy());
        format!(
            r#"provider_installation {{
  dev_overrides {{
    "orgmirror/orgmirror" = {directory}
  }}
}}
"#
        )
    }
}

impl Workspace {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file of the configuration.
    pub fn write(&self, file: &str, content: &str) {
        let path = self.path().join(file);
        fs::write(&path, content)
            .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    }

    /// Sets an environment variable for every command from now on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// `terraform init`: finds the provider, where no override leads to it.
    #[track_caller]
    pub fn init(&self) {
        let run = self.run(&["init", "-input=false", "-no-color"]);
        assert_eq!(run.code, 0, "the init failed\n{}", run.transcript);
    }

    /// `terraform get`: takes in the modules of the configuration.
    #[track_caller]
    pub fn get_modules(&self) {
        let run = self.run(&["get", "-no-color"]);
        assert_eq!(run.code, 0, "the get failed\n{}", run.transcript);
    }

    /// `terraform plan`, which must succeed.
    #[track_caller]
    pub fn plan(&self) -> Plan<'_> {
        self.plan_with(&[])
    }

    /// `terraform plan` with more options, which must succeed.
    #[track_caller]
    pub fn plan_with(&self, options: &[&str]) -> Plan<'_> {
        match self.try_plan(options) {
            Ok(plan) => plan,
            Err(failure) => panic!("the plan failed\n{}", failure.transcript),
        }
    }

    /// `terraform plan`, which must fail.
    #[track_caller]
    pub fn plan_fails(&self) -> Failure {
        match self.try_plan(&[]) {
            Ok(plan) => panic!("the plan succeeded and should not\n{}", plan.transcript),
            Err(failure) => failure,
        }
    }

    fn try_plan(&self, options: &[&str]) -> Result<Plan<'_>, Failure> {
        let number = self.plans.get() + 1;
        self.plans.set(number);
        let file = format!("{number}.tfplan");
        let out = format!("-out={file}");
        let mut arguments = vec![
            "plan",
            "-input=false",
            "-json",
            "-detailed-exitcode",
            out.as_str(),
        ];
        arguments.extend(options);
        let run = self.run(&arguments);
        let empty = match run.code {
            0 => true,
            2 => false,
            _ => return Err(run.into_failure()),
        };
        Ok(Plan {
            workspace: self,
            file,
            json: OnceCell::new(),
            empty,
            warnings: run.diagnostics("warning"),
            transcript: run.transcript,
        })
    }

    /// `terraform apply`, which must succeed and leave nothing to do: a second plan says "No changes".
    /// Gives the warnings of the apply.
    #[track_caller]
    pub fn apply(&self) -> Warnings {
        self.apply_with(&[])
    }

    /// [`Workspace::apply`] with more options.
    #[track_caller]
    pub fn apply_with(&self, options: &[&str]) -> Warnings {
        let warnings = self.apply_only(options);
        self.plan().assert_no_changes();
        warnings
    }

    /// Applies exactly what was reviewed, then makes sure that nothing is left to do.
    #[track_caller]
    pub fn apply_saved(&self, plan: &Plan<'_>) -> Warnings {
        let warnings = self.apply_only(&[&plan.file]);
        self.plan().assert_no_changes();
        warnings
    }

    /// Applies exactly what was reviewed, where the world has changed since and something is left to do.
    #[track_caller]
    pub fn apply_saved_after_a_change(&self, plan: &Plan<'_>) -> Warnings {
        self.apply_only(&[&plan.file])
    }

    /// `terraform apply -refresh-only`: the state takes what the catalog holds.
    #[track_caller]
    pub fn refresh(&self) -> Warnings {
        self.apply_only(&["-refresh-only"])
    }

    #[track_caller]
    fn apply_only(&self, options: &[&str]) -> Warnings {
        let run = self.run_apply(options);
        assert_eq!(run.code, 0, "the apply failed\n{}", run.transcript);
        Warnings {
            all: run.diagnostics("warning"),
            transcript: run.transcript,
        }
    }

    /// `terraform apply`, which must fail.
    #[track_caller]
    pub fn apply_fails(&self) -> Failure {
        self.apply_fails_with(&[])
    }

    /// [`Workspace::apply_fails`] with more options.
    #[track_caller]
    pub fn apply_fails_with(&self, options: &[&str]) -> Failure {
        let run = self.run_apply(options);
        assert_ne!(
            run.code, 0,
            "the apply succeeded and should not\n{}",
            run.transcript
        );
        run.into_failure()
    }

    /// `terraform apply` that gets Ctrl-C once its output, its log included, has `text`, and must fail.
    #[track_caller]
    pub fn apply_interrupted_at(&self, text: &str) -> Failure {
        let arguments = ["apply", "-input=false", "-json", "-auto-approve"];
        let run = self.run_watched(&arguments, Some(text));
        assert_ne!(
            run.code, 0,
            "the apply succeeded and should not\n{}",
            run.transcript
        );
        run.into_failure()
    }

    fn run_apply(&self, options: &[&str]) -> Run {
        let mut arguments = vec!["apply", "-input=false", "-json", "-auto-approve"];
        arguments.extend(options);
        self.run(&arguments)
    }

    /// `terraform destroy`, which must succeed and leave an empty state.
    #[track_caller]
    pub fn destroy(&self) {
        self.destroy_with(&[]);
    }

    /// [`Workspace::destroy`] with more options.
    #[track_caller]
    pub fn destroy_with(&self, options: &[&str]) {
        let run = self.run_destroy(options);
        assert_eq!(run.code, 0, "the destroy failed\n{}", run.transcript);
        assert_eq!(
            self.state()["resources"],
            json!([]),
            "something is left\n{}",
            run.transcript
        );
    }

    /// `terraform destroy`, which must fail.
    #[track_caller]
    pub fn destroy_fails(&self) -> Failure {
        let run = self.run_destroy(&[]);
        assert_ne!(
            run.code, 0,
            "the destroy succeeded and should not\n{}",
            run.transcript
        );
        run.into_failure()
    }

    fn run_destroy(&self, options: &[&str]) -> Run {
        let mut arguments = vec!["destroy", "-input=false", "-json", "-auto-approve"];
        arguments.extend(options);
        self.run(&arguments)
    }

    /// `terraform import`, which must succeed.
    #[track_caller]
    pub fn import(&self, address: &str, id: &str) {
        let run = self.run(&["import", "-input=false", "-no-color", address, id]);
        assert_eq!(run.code, 0, "the import failed\n{}", run.transcript);
    }

    /// `terraform import`, which must fail.
    #[track_caller]
    pub fn import_fails(&self, address: &str, id: &str) -> Failure {
        let run = self.run(&["import", "-input=false", "-no-color", address, id]);
        assert_ne!(
            run.code, 0,
            "the import succeeded and should not\n{}",
            run.transcript
        );
        run.into_failure()
    }

    /// `terraform state rm`: Terraform forgets the resource, the catalog does not.
    #[track_caller]
    pub fn forget(&self, address: &str) {
        let run = self.run(&["state", "rm", address]);
        assert_eq!(run.code, 0, "the state rm failed\n{}", run.transcript);
    }

    /// Outputs by name.
    pub fn output(&self, name: &str) -> Value {
        self.state()["outputs"][name]["value"].clone()
    }

    /// Attributes of a resource (`orgmirror_integration.aws`) or data source (`data.` in front) in the state.
    #[track_caller]
    pub fn attributes(&self, address: &str) -> Value {
        let state = self.state();
        let (mode, rest) = match address.strip_prefix("data.") {
            Some(rest) => ("data", rest),
            None => ("managed", address),
        };
        let found = state["resources"].as_array().and_then(|resources| {
            resources.iter().find(|resource| {
                resource["mode"] == mode
                    && format!("{}.{}", text(&resource["type"]), text(&resource["name"])) == rest
            })
        });
        match found {
            Some(resource) => resource["instances"][0]["attributes"].clone(),
            None => panic!("{address} is not in the state:\n{state:#}"),
        }
    }

    /// Whether the state holds the resource.
    pub fn holds(&self, address: &str) -> bool {
        let state = self.state();
        state["resources"].as_array().is_some_and(|resources| {
            resources.iter().any(|resource| {
                resource["mode"] == "managed"
                    && format!("{}.{}", text(&resource["type"]), text(&resource["name"])) == address
                    // A creation that failed leaves the resource without instances.
                    && resource["instances"] != json!([])
            })
        })
    }

    /// The state file as it is.
    pub fn state(&self) -> Value {
        let path = self.path().join("terraform.tfstate");
        let content = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
        serde_json::from_str(&content).expect("the state is JSON")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_watched(arguments, None)
    }

    /// Runs a command, and interrupts it once its output has a text.
    fn run_watched(&self, arguments: &[&str], mut interrupt_at: Option<&str>) -> Run {
        let _turn = Turn::take();
        let started = Instant::now();
        let stdout = self.path().join("home/stdout");
        let stderr = self.path().join("home/stderr");
        let mut command = Command::new(&terraform().executable);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(
                ["PATH", "TMPDIR"]
                    .into_iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(&self.environment)
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
                && [&stdout, &stderr].into_iter().any(|stream| {
                    fs::read_to_string(stream).is_ok_and(|output| output.contains(text))
                })
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
            self.path().display(),
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
}

/// One finished Terraform command.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
    /// The command, and all of both.
    transcript: String,
}

impl Run {
    fn diagnostics(&self, severity: &str) -> Vec<Diagnostic> {
        self.stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line["type"] == "diagnostic")
            .map(|line| line["diagnostic"].clone())
            .filter(|diagnostic| diagnostic["severity"] == severity)
            .filter(|diagnostic| {
                diagnostic["summary"] != "Provider development overrides are in effect"
            })
            .map(|diagnostic| Diagnostic {
                summary: text(&diagnostic["summary"]).to_owned(),
                detail: text(&diagnostic["detail"]).to_owned(),
                block: text(&diagnostic["snippet"]["context"]).to_owned(),
                code: text(&diagnostic["snippet"]["code"]).to_owned(),
            })
            .collect()
    }

    fn into_failure(self) -> Failure {
        let mut errors = self.diagnostics("error");
        if errors.is_empty() {
            // Commands without `-json` draw a frame around their errors.
            let detail = self
                .stderr
                .lines()
                .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']))
                .collect::<Vec<_>>()
                .join("\n");
            errors.push(Diagnostic {
                summary: String::new(),
                detail,
                block: String::new(),
                code: String::new(),
            });
        }
        Failure {
            errors,
            transcript: self.transcript,
        }
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

/// An error or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What happened.
    pub summary: String,
    /// To what, why, and what to do.
    pub detail: String,
    /// The block of the configuration it points into, such as `resource "orgmirror_integration" "aws"`.
    pub block: String,
    /// The lines it points at. Inside of nested attributes Terraform finds only the head of the block.
    pub code: String,
}

impl Diagnostic {
    /// Whether summary and detail hold all the fragments, wherever their lines break.
    fn contains(&self, fragments: &[&str]) -> bool {
        let all = one_line(&format!("{} {}", self.summary, self.detail));
        fragments
            .iter()
            .all(|fragment| all.contains(&one_line(fragment)))
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a command that failed said.
pub struct Failure {
    /// All errors.
    pub errors: Vec<Diagnostic>,
    /// The command and its whole output.
    pub transcript: String,
}

impl Failure {
    /// One of the errors holds all of the fragments.
    #[track_caller]
    pub fn assert_error(&self, fragments: &[&str]) -> &Self {
        assert!(
            self.errors.iter().any(|error| error.contains(fragments)),
            "no error holds all of {fragments:?}\n{}",
            self.transcript
        );
        self
    }

    /// One of the errors points at `code` in a block of the configuration and holds all of the fragments.
    #[track_caller]
    pub fn assert_error_at(&self, block: &str, code: &str, fragments: &[&str]) -> &Self {
        assert!(
            self.errors.iter().any(|error| error.block == block
                && one_line(&error.code).contains(code)
                && error.contains(fragments)),
            "no error points at {code:?} in {block:?} and holds all of {fragments:?}\n{}",
            self.transcript
        );
        self
    }

    /// There is one error, and it holds all of the fragments.
    #[track_caller]
    pub fn assert_only_error(&self, fragments: &[&str]) -> &Self {
        assert_eq!(
            self.errors.len(),
            1,
            "there should be one error\n{}",
            self.transcript
        );
        self.assert_error(fragments)
    }

    /// No error holds the fragment.
    #[track_caller]
    pub fn assert_nothing_about(&self, fragment: &str) -> &Self {
        assert!(
            !self.errors.iter().any(|error| error.contains(&[fragment])),
            "an error holds {fragment:?}\n{}",
            self.transcript
        );
        self
    }
}

/// Warnings of an apply.
pub struct Warnings {
    all: Vec<Diagnostic>,
    transcript: String,
}

impl Warnings {
    /// One of the warnings holds all of the fragments.
    #[track_caller]
    pub fn assert_warning(&self, fragments: &[&str]) -> &Self {
        assert!(
            self.all.iter().any(|warning| warning.contains(fragments)),
            "no warning holds all of {fragments:?}\n{}",
            self.transcript
        );
        self
    }

    /// There are none.
    #[track_caller]
    pub fn assert_none(&self) -> &Self {
        assert!(
            self.all.is_empty(),
            "there are warnings\n{}",
            self.transcript
        );
        self
    }
}

/// A saved plan that was made without an error.
pub struct Plan<'a> {
    workspace: &'a Workspace,
    /// Name of the saved plan in the workspace.
    pub file: String,
    json: OnceCell<Value>,
    empty: bool,
    warnings: Vec<Diagnostic>,
    transcript: String,
}

impl Plan<'_> {
    /// The plan as a person reads it.
    #[track_caller]
    pub fn text(&self) -> String {
        let run = self
            .workspace
            .run(&["show", "-no-color", self.file.as_str()]);
        assert_eq!(run.code, 0, "{}", run.transcript);
        run.stdout
    }

    /// Nothing is to be done: Terraform itself says so, with its exit code.
    #[track_caller]
    pub fn assert_no_changes(&self) -> &Self {
        assert!(
            self.empty,
            "the plan should say \"No changes\"\n{}\n{}",
            self.transcript,
            self.text(),
        );
        self
    }

    /// The plan does with the resource exactly this: `["create"]`, `["update"]`, `["delete", "create"]`, ...
    #[track_caller]
    pub fn assert_actions(&self, address: &str, actions: &[&str]) -> &Self {
        let change = self.change(address);
        assert_eq!(
            change["actions"],
            json!(actions),
            "{address}\n{}\n{}",
            self.transcript,
            self.text()
        );
        self
    }

    /// The plan changes the resource in place, and the difference is exactly this; see [`Plan::difference`].
    #[track_caller]
    pub fn assert_in_place(&self, address: &str, difference: &Value) -> &Self {
        self.assert_actions(address, &["update"]);
        let found = self.difference(address);
        assert_eq!(
            &found, difference,
            "the difference is not as expected: {found:#}\nbut should be {difference:#}\n{}",
            self.transcript
        );
        self
    }

    /// What changes: an object of the attributes that differ. A value that changes is `[before, after]`, an element
    /// that joins a map or object is `"+"`, one that leaves is `"-"`; inside of objects that stay, only what differs
    /// is shown. A value known only after apply is [`UNKNOWN`].
    pub fn difference(&self, address: &str) -> Value {
        let change = self.change(address);
        difference(&change["before"], &known_or_not(change)).unwrap_or_else(|| json!({}))
    }

    /// Planned values of a resource; what is known only after apply is [`UNKNOWN`].
    pub fn after(&self, address: &str) -> Value {
        known_or_not(self.change(address))
    }

    /// The attributes that force a replacement.
    pub fn replace_paths(&self, address: &str) -> Value {
        self.change(address)["replace_paths"].clone()
    }

    /// What `terraform show -json` says of it.
    fn json(&self) -> &Value {
        self.json.get_or_init(|| {
            let shown = self.workspace.run(&["show", "-json", &self.file]);
            assert_eq!(
                shown.code, 0,
                "the plan cannot be shown\n{}",
                shown.transcript
            );
            serde_json::from_str(&shown.stdout)
                .unwrap_or_else(|error| panic!("the plan is no JSON: {error}\n{}", shown.stdout))
        })
    }

    #[track_caller]
    fn change(&self, address: &str) -> &Value {
        let changes = self.json()["resource_changes"].as_array();
        changes
            .into_iter()
            .flatten()
            .find(|change| change["address"] == address)
            .map_or_else(
                || panic!("{address} is not in the plan\n{}", self.transcript),
                |change| &change["change"],
            )
    }

    /// One of the warnings holds all of the fragments.
    #[track_caller]
    pub fn assert_warning(&self, fragments: &[&str]) -> &Self {
        assert!(
            self.warnings
                .iter()
                .any(|warning| warning.contains(fragments)),
            "no warning holds all of {fragments:?}\n{}",
            self.transcript
        );
        self
    }

    /// No warning holds the fragment.
    #[track_caller]
    pub fn assert_no_warning_of(&self, fragment: &str) -> &Self {
        assert!(
            !self
                .warnings
                .iter()
                .any(|warning| warning.contains(&[fragment])),
            "a warning holds {fragment:?}\n{}",
            self.transcript
        );
        self
    }

    /// There are no warnings.
    #[track_caller]
    pub fn assert_no_warnings(&self) -> &Self {
        assert!(
            self.warnings.is_empty(),
            "there are warnings\n{}",
            self.transcript
        );
        self
    }
}

/// The values after a change, with [`UNKNOWN`] where they are not known yet.
fn known_or_not(change: &Value) -> Value {
    fn overlay(after: &Value, unknown: &Value) -> Value {
        match (after, unknown) {
            (_, Value::Bool(true)) => json!(UNKNOWN),
            (Value::Object(after), Value::Object(unknown)) => {
                let keys: BTreeSet<&String> = after.keys().chain(unknown.keys()).collect();
                let members: Map<String, Value> = keys
                    .into_iter()
                    .map(|key| {
                        let member = overlay(
                            after.get(key).unwrap_or(&Value::Null),
                            unknown.get(key).unwrap_or(&Value::Null),
                        );
                        (key.clone(), member)
                    })
                    .collect();
                Value::Object(members)
            }
            (Value::Array(after), Value::Array(unknown)) => {
                let count = after.len().max(unknown.len());
                Value::Array(
                    (0..count)
                        .map(|index| {
                            overlay(
                                after.get(index).unwrap_or(&Value::Null),
                                unknown.get(index).unwrap_or(&Value::Null),
                            )
                        })
                        .collect(),
                )
            }
            _ => after.clone(),
        }
    }
    overlay(&change["after"], &change["after_unknown"])
}

fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return Some(json!([before, after]));
    };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut members = Map::new();
    for key in keys {
        let member = match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) => difference(old, new),
            (Some(_), None) => Some(json!("-")),
            _ => Some(json!("+")),
        };
        if let Some(member) = member {
            members.insert(key.clone(), member);
        }
    }
    Some(Value::Object(members))
}

/// A string of HCL: quoted, with nothing in it that HCL would evaluate.
pub fn quoted(text: &str) -> String {
    json!(text)
        .to_string()
        .replace("${", "$${")
        .replace("%{", "%%{")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
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

/// A turn to run Terraform: a few at a time, so that they do not take memory and processors from each other.
struct Turn;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

impl Turn {
    fn take() -> Self {
        let at_once = thread::available_parallelism().map_or(3, |cores| cores.get().max(3));
        let running = RUNNING.lock().expect("no test panics with it");
        let mut running = ENDED
            .wait_while(running, |running| *running >= at_once)
            .expect("no test panics with it");
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().expect("no test panics with it") -= 1;
        ENDED.notify_one();
    }
}
