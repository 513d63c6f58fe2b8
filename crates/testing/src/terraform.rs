//! Drives real Terraform in a directory of its own, with the provider that cargo built for the tests.
//!
//! Terraform runs with `-json`, so that summaries, details and planned values are judged as they are and not as a
//! terminal of some width would wrap them.
//!
//! ```no_run
//! # use orgmirror_testing::Provider;
//! # const PROVIDER: Provider = Provider::at("target/debug/terraform-provider-orgmirror");
//! let workspace = PROVIDER.workspace();
//! workspace.configure_provider(r#"tenant = "acme""#).configure(
//!     r#"
//!     resource "orgmirror_workspace" "security" {
//!       organization = "acme"
//!       handle       = "security"
//!     }
//!     "#,
//! );
//! let plan = workspace.plan();
//! plan.assert_actions("orgmirror_workspace.security", &["create"]);
//! workspace.apply_saved(&plan).assert_none();
//! ```

mod diagnostics;
mod plan;
mod run;
mod turns;
mod workspace;

use serde_json::{Value, json};

pub use diagnostics::{Diagnostic, Failure, Warnings};
pub use plan::{Plan, UNKNOWN};
pub use run::is_at_least;
pub use workspace::Workspace;

/// The block of the provider with these arguments.
pub fn provider(arguments: &str) -> String {
    format!(
        r#"
        provider "orgmirror" {{
          {arguments}
        }}
        "#
    )
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
