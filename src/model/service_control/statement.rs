//! One statement of a policy, and whether it speaks of a request.

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::model::partition;

/// Begins a policy variable in the values of a condition. Only AWS knows its value.
const VARIABLE: &str = "${";
/// The condition key that names the Region of a request. Keys are not case-sensitive.
const REQUESTED_REGION: &str = "aws:requestedregion";

/// A future request, as far as it is known.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// As in policies.
    pub(super) action: &'static str,
    /// The beginning of its resource's ARN; account and name follow, of any form.
    pub(super) resource_start: String,
    /// The Region of the request.
    pub(super) region: &'a str,
}

/// Whether a condition or statement applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judged {
    No,
    /// It depends on facts that are not in the policy.
    May,
    Yes,
}

impl From<bool> for Judged {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Judged {
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::May => Self::May,
            Self::Yes => Self::No,
        }
    }
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// A statement.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// Its `Sid`, else its number in the policy, from 1.
    pub(super) name: String,
    pub(super) effect: Effect,
    actions: Matching,
    resources: Matching,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone)]
enum Matching {
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
}

impl Matching {
    /// None unless there is exactly one.
    fn read(one_of: Option<OneOrMany<String>>, none_of: Option<OneOrMany<String>>) -> Option<Self> {
        match (one_of, none_of) {
            (Some(patterns), None) => Some(Self::OneOf(patterns.into_vec())),
            (None, Some(patterns)) => Some(Self::NoneOf(patterns.into_vec())),
            _ => None,
        }
    }

    /// What the patterns say, each judged by itself.
    fn judge(&self, judge: impl Fn(&str) -> Judged) -> Judged {
        let best = |patterns: &[String]| {
            let judged = patterns.iter().map(|pattern| judge(pattern));
            judged.max().unwrap_or(Judged::No)
        };
        match self {
            Self::OneOf(patterns) => best(patterns),
            Self::NoneOf(patterns) => best(patterns).not(),
        }
    }
}

/// One key of one operator.
#[derive(Debug, Clone)]
struct Condition {
    /// In lower case, without `ForAnyValue:`, `ForAllValues:` and `IfExists`: a request has exactly one Region.
    operator: String,
    /// In lower case.
    key: String,
    values: Vec<String>,
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("it is no policy document: {0}")]
pub struct DocumentError(String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenDocument {
    statement: OneOrMany<WrittenStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenStatement {
    sid: Option<String>,
    effect: Effect,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

/// The statements of a policy document.
pub(super) fn statements(document: &str) -> Result<Vec<Statement>, DocumentError> {
    let written: WrittenDocument =
        serde_json::from_str(document).map_err(|error| DocumentError(error.to_string()))?;
    let written = written.statement.into_vec().into_iter().enumerate();
    written
        .map(|(index, statement)| read(index + 1, statement))
        .collect()
}

fn read(number: usize, written: WrittenStatement) -> Result<Statement, DocumentError> {
    let sid = written.sid.filter(|sid| !sid.is_empty());
    let name = sid.unwrap_or_else(|| number.to_string());
    let actions = Matching::read(written.action, written.not_action).ok_or_else(|| {
        DocumentError(format!(
            "statement {name} needs one of Action and NotAction"
        ))
    })?;
    let resources = match (written.resource, written.not_resource) {
        (None, None) => Some(Matching::OneOf(vec!["*".to_owned()])),
        (one_of, none_of) => Matching::read(one_of, none_of),
    };
    let resources = resources.ok_or_else(|| {
        DocumentError(format!(
            "statement {name} has both Resource and NotResource"
        ))
    })?;
    let mut conditions = Vec::new();
    for (operator, keys) in written.condition {
        let Value::Object(keys) = keys else {
            return Err(DocumentError(format!(
                "{operator} of statement {name} is no object of condition keys"
            )));
        };
        for (key, values) in keys {
            conditions.push(Condition::read(&operator, &key, values));
        }
    }
    Ok(Statement {
        name,
        effect: written.effect,
        actions,
        resources,
        conditions,
    })
}

impl Statement {
    /// Whether it speaks of the request.
    pub(super) fn judge(&self, request: &Request<'_>) -> Judged {
        let action = request.action.to_lowercase();
        let actions = self.actions.judge(|pattern| {
            let pattern = pattern.to_lowercase();
            partition::matches(&pattern, &action).into()
        });
        let resources = self
            .resources
            .judge(|pattern| beginning(pattern, &request.resource_start));
        actions.min(resources).min(self.conditions(request.region))
    }

    /// Whether it may speak of any request in a Region, and does so by the Region.
    pub(super) fn restricts(&self, region: &str) -> bool {
        let mut keys = self.conditions.iter().map(|condition| &condition.key);
        keys.any(|key| key == REQUESTED_REGION) && self.conditions(region) != Judged::No
    }

    fn conditions(&self, region: &str) -> Judged {
        let judged = self
            .conditions
            .iter()
            .map(|condition| condition.judge(region));
        judged.min().unwrap_or(Judged::Yes)
    }
}

impl Condition {
    fn read(operator: &str, key: &str, values: Value) -> Self {
        let operator = operator.to_lowercase();
        let operator = operator.trim_start_matches("forallvalues:");
        let operator = operator.trim_start_matches("foranyvalue:");
        let values = match values {
            Value::Array(values) => values,
            value => vec![value],
        };
        Self {
            operator: operator.trim_end_matches("ifexists").to_owned(),
            key: key.to_lowercase(),
            values: values
                .into_iter()
                .map(|value| match value {
                    Value::String(text) => text,
                    value => value.to_string(),
                })
                .collect(),
        }
    }

    /// Whether it applies to a request in a Region. Only the effect of the Region is known.
    fn judge(&self, region: &str) -> Judged {
        let unknown = self.values.iter().any(|value| value.contains(VARIABLE));
        if self.key != REQUESTED_REGION || unknown {
            return Judged::May;
        }
        let any = |holds: &dyn Fn(&str) -> bool| self.values.iter().any(|value| holds(value));
        match self.operator.as_str() {
            "stringequals" => any(&|value| value == region).into(),
            "stringnotequals" => (!any(&|value| value == region)).into(),
            "stringequalsignorecase" => any(&|value| value.eq_ignore_ascii_case(region)).into(),
            "stringnotequalsignorecase" => {
                (!any(&|value| value.eq_ignore_ascii_case(region))).into()
            }
            "stringlike" => any(&|value| partition::matches(value, region)).into(),
            "stringnotlike" => (!any(&|value| partition::matches(value, region))).into(),
            // Whether the key is absent; it never is.
            "null" => any(&|value| value == "false").into(),
            _ => Judged::May,
        }
    }
}

/// Whether a pattern for ARNs fits those that begin with `start`: all of them, some, or none.
fn beginning(pattern: &str, start: &str) -> Judged {
    // A policy variable may have any value.
    if let Some((known, _)) = pattern.split_once(VARIABLE) {
        return beginning(&format!("{known}*"), start).min(Judged::May);
    }
    let pattern = pattern.as_bytes();
    // How much of the pattern may be used up where the start ends.
    let mut used = vec![0];
    for byte in start.bytes() {
        used = used
            .into_iter()
            .flat_map(|at| step(pattern, at, byte))
            .collect();
        used.sort_unstable();
        used.dedup();
    }
    let rests = used.into_iter().map(|at| &pattern[at..]);
    // Something always follows the start: a pattern that ends with it fits nothing.
    let judged = rests.map(|rest| match rest {
        [] => Judged::No,
        rest if rest.iter().all(|byte| *byte == b'*') => Judged::Yes,
        _ => Judged::May,
    });
    judged.max().unwrap_or(Judged::No)
}

/// Where in the pattern one may be behind a byte, from `at`.
fn step(pattern: &[u8], at: usize, byte: u8) -> Vec<usize> {
    let mut reached = Vec::new();
    let mut at = at;
    // A `*` matches the byte and stays, or matches nothing more.
    while pattern.get(at) == Some(&b'*') {
        reached.push(at);
        at += 1;
    }
    if pattern
        .get(at)
        .is_some_and(|wanted| *wanted == b'?' || *wanted == byte)
    {
        reached.push(at + 1);
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of these letters up to a length.
    fn texts(letters: &[char], length: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut last = texts.clone();
        for _ in 0..length {
            last = last
                .iter()
                .flat_map(|text| letters.iter().map(move |letter| format!("{text}{letter}")))
                .collect();
            texts.extend(last.iter().cloned());
        }
        texts
    }

    #[test]
    fn a_pattern_is_judged_as_trying_what_may_follow_would() {
        let follows = texts(&['a', 'b'], 4);
        for pattern in texts(&['a', 'b', '*', '?'], 4) {
            for start in ["a", "ab", "ba", "aab"] {
                let mut fits = follows
                    .iter()
                    .filter(|text| !text.is_empty())
                    .map(|text| partition::matches(&pattern, &format!("{start}{text}")));
                let all = fits.clone().all(|fits| fits);
                let some = fits.any(|fits| fits);
                let judged = beginning(&pattern, start);
                assert_eq!(judged != Judged::No, some, "{pattern} {start}");
                assert!(judged != Judged::Yes || all, "{pattern} {start}");
            }
        }
        assert_eq!(beginning("*", "aab"), Judged::Yes);
        assert_eq!(beginning("a?*", "aab"), Judged::Yes);
    }
}
