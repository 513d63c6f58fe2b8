//! A directory with a configuration, and what is done in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::diagnostics::{Failure, Warnings};
use super::plan::Plan;
use super::run::{Run, run};
use super::{provider, quoted, text};
use crate::Provider;

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

    /// Makes this the configuration: all that is in `main.tf`. What other files hold stays.
    pub fn configure(&self, hcl: &str) -> &Self {
        self.write("main.tf", hcl);
        self
    }

    /// Puts the block of the provider with these arguments in front of the configuration, into a file of its own.
    pub fn configure_provider(&self, arguments: &str) -> &Self {
        self.write("provider.tf", &provider(arguments));
        self
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
        Ok(Plan::saved(self, file, empty, run))
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
        Warnings::of(run)
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

    /// Runs a command to its end.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        self.run_watched(arguments, None)
    }

    /// Runs a command, and interrupts it once its output has a text.
    fn run_watched(&self, arguments: &[&str], interrupt_at: Option<&str>) -> Run {
        run(self.path(), &self.environment, arguments, interrupt_at)
    }
}
