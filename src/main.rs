//! Started by Terraform: serve. Started by hand: say what this is and how to use it.

use std::io::{self, Write};
use std::process::ExitCode;

use orgmirror::provider::{self, ABOUT};
use terraform_plugin::plugin;

fn main() -> ExitCode {
    let argument = std::env::args_os().nth(1);
    match argument.as_deref().and_then(|argument| argument.to_str()) {
        Some("--version" | "-V" | "version") => tell(
            &mut io::stdout(),
            &format!("{} {}\n", ABOUT.executable(), ABOUT.version),
        ),
        Some("--help" | "-h" | "help") => tell(&mut io::stdout(), &introduction()),
        _ if plugin::is_started_by_terraform() => provider::serve(),
        _ => {
            tell(&mut io::stderr(), &introduction());
            ExitCode::FAILURE
        }
    }
}

/// Writes for a person; success even when nobody reads it.
fn tell(output: &mut impl Write, text: &str) -> ExitCode {
    let _ = output.write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// What this program is, and how to install and use it.
fn introduction() -> String {
    let directory = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.parent()?.display().to_string()))
        .unwrap_or_else(|| "/path/to/the/directory/of/this/file".to_owned());
    let (name, version) = (ABOUT.executable(), ABOUT.version);
    format!(
        r#"{name} {version}

A provider for Terraform and OpenTofu, 1.11 and later. It mirrors an AWS organization as a tree
of folders (one per organizational unit) and connections (one per account), says which workspaces
may use which of them, and publishes the files that their tools read: terraform plan shows what
changed and whom it reaches, and terraform apply writes what was reviewed.

It is a plugin: Terraform starts it. To use the copy in this place, tell Terraform where it is, in
~/.terraformrc (OpenTofu: ~/.tofurc):

    provider_installation {{
      dev_overrides {{
        "orgmirror/orgmirror" = "{directory}"
      }}
      direct {{}}
    }}

and ask for it in a configuration:

    terraform {{
      required_providers {{
        orgmirror = {{
          source = "orgmirror/orgmirror"
        }}
      }}
    }}

    provider "orgmirror" {{}}

    data "orgmirror_aws_organization" "this" {{}}

Then run `terraform plan`; with dev_overrides, `terraform init` is not needed for this provider.

Options:
    --help       show this text
    --version    show the version
"#
    )
}
