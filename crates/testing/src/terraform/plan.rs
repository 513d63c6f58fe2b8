//! A saved plan: what it does, and the differences that it shows.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::diagnostics::Warnings;
use super::run::Run;
use super::workspace::Workspace;

/// What a difference shows for a value that is known only after apply.
pub const UNKNOWN: &str = "(known after apply)";

/// A saved plan that was made without an error.
pub struct Plan<'a> {
    workspace: &'a Workspace,
    /// Name of the saved plan in the workspace.
    pub file: String,
    json: OnceCell<Value>,
    empty: bool,
    warnings: Warnings,
    /// The command and its whole output.
    pub(super) transcript: String,
}

impl<'a> Plan<'a> {
    /// The plan that a run of `terraform plan` saved in a file.
    pub(super) fn saved(workspace: &'a Workspace, file: String, empty: bool, run: Run) -> Self {
        Self {
            workspace,
            file,
            json: OnceCell::new(),
            empty,
            transcript: run.transcript.clone(),
            warnings: Warnings::of(run),
        }
    }
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
        self.warnings.assert_warning(fragments);
        self
    }

    /// No warning holds the fragment.
    #[track_caller]
    pub fn assert_no_warning_of(&self, fragment: &str) -> &Self {
        self.warnings.assert_nothing_about(fragment);
        self
    }

    /// There are no warnings.
    #[track_caller]
    pub fn assert_no_warnings(&self) -> &Self {
        self.warnings.assert_none();
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

/// What [`Plan::difference`] shows; none: they are equal.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_differs_and_nothing_else() {
        let before = json!({
            "name": "shop",
            "regions": ["*"],
            "tags": { "env": "prod", "old": "1" },
            "same": { "in": { "it": 1 } },
        });
        let after = json!({
            "name": "store",
            "regions": ["eu-*"],
            "tags": { "env": "test", "new": "2" },
            "same": { "in": { "it": 1 } },
        });
        let expected = json!({
            "name": ["shop", "store"],
            "regions": [["*"], ["eu-*"]],
            "tags": { "env": ["prod", "test"], "old": "-", "new": "+" },
        });
        assert_eq!(difference(&before, &after), Some(expected));
        assert_eq!(difference(&before, &before), None);
        assert_eq!(
            difference(&Value::Null, &after),
            Some(json!([null, after])),
            "nothing is not an empty object"
        );
    }

    #[test]
    fn what_is_not_known_yet_is_named_wherever_it_is() {
        let change = json!({
            "after": { "name": "shop", "list": ["a", null], "inner": { "kept": 1 } },
            "after_unknown": { "id": true, "list": [false, true], "inner": { "arn": true } },
        });
        let expected = json!({
            "id": UNKNOWN,
            "name": "shop",
            "list": ["a", UNKNOWN],
            "inner": { "arn": UNKNOWN, "kept": 1 },
        });
        assert_eq!(known_or_not(&change), expected);
    }
}
