//! What Terraform says went wrong, or may.

use serde_json::Value;

use super::run::Run;
use super::text;

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

/// Warnings of a plan or an apply.
pub struct Warnings {
    all: Vec<Diagnostic>,
    transcript: String,
}

impl Warnings {
    pub(super) fn of(run: Run) -> Self {
        Self {
            all: run.diagnostics("warning"),
            transcript: run.transcript,
        }
    }

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

    /// No warning holds the fragment.
    #[track_caller]
    pub fn assert_nothing_about(&self, fragment: &str) -> &Self {
        assert!(
            !self.all.iter().any(|warning| warning.contains(&[fragment])),
            "a warning holds {fragment:?}\n{}",
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

impl Run {
    /// What the command said with a severity, `error` or `warning`.
    pub(super) fn diagnostics(&self, severity: &str) -> Vec<Diagnostic> {
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

    /// The errors of a command that failed.
    pub(super) fn into_failure(self) -> Failure {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stdout: &str, stderr: &str) -> Run {
        Run {
            code: 1,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            transcript: String::new(),
        }
    }

    const SAID: &str = r#"{"@message":"Terraform 1.15.5","type":"version"}
{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"Provider development overrides are in effect","detail":"as always"}}
{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"Renamed","detail":"Two accounts\nhave new names."}}
{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Handle taken","detail":"acme is taken.","snippet":{"context":"resource \"x\" \"y\"","code":"  handle = \"acme\""}}}
not JSON
"#;

    #[test]
    fn errors_and_warnings_are_told_apart_and_the_override_is_no_news() {
        let warnings = Warnings::of(run(SAID, ""));
        assert_eq!(warnings.all.len(), 1);
        warnings
            .assert_warning(&["Renamed", "accounts have new"])
            .assert_nothing_about("override");
        let failure = run(SAID, "").into_failure();
        failure
            .assert_only_error(&["Handle taken", "acme is"])
            .assert_error_at(r#"resource "x" "y""#, r#"handle = "acme""#, &["taken"])
            .assert_nothing_about("Renamed");
    }

    #[test]
    fn a_command_without_json_has_its_errors_in_a_frame() {
        let framed = "╷\n│ Error: Not found\n│ \n│ There is no such\n│ integration.\n╵\n";
        let failure = run("", framed).into_failure();
        failure.assert_only_error(&["Error: Not found", "no such integration."]);
    }

    #[test]
    #[should_panic = "no error holds all of"]
    fn fragments_of_different_errors_are_not_one_error() {
        run(SAID, "")
            .into_failure()
            .assert_error(&["Handle taken", "Renamed"]);
    }
}
