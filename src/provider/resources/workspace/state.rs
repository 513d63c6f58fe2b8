//! Configuration and state of a workspace, and their way to and from the model.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::late::Late;
use crate::model::objects::Workspace;
use crate::model::objects::workspace::{OptionValue, Options, Publish};
use crate::provider::late::{self, NotKnown, known_late, known_value};
use crate::publish::{FORMATS, Format, OptionKind};
use terraform_plugin::value::{Set, Value};

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    pub(super) id: Value<String>,
    pub(super) organization: Value<String>,
    pub(super) handle: Value<String>,
    pub(super) attach: Value<Set<String>>,
    pub(super) publish: Value<PublishState>,
    pub(super) locations: Value<BTreeMap<String, Value<String>>>,
    pub(super) in_sync: Value<bool>,
}

/// Formats by name, each with its options by name.
///
/// An object of Terraform has all its attributes, so every format and every option has an entry, also in a state from
/// before a format existed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Formats")]
pub(super) struct PublishState(Formats);

type Formats = BTreeMap<String, Value<FormatOptions>>;
type FormatOptions = BTreeMap<String, Value<OptionValue>>;

impl From<Formats> for PublishState {
    fn from(mut given: Formats) -> Self {
        let entry = |format: &&dyn Format| {
            let options = given.remove(format.name()).unwrap_or_default();
            let options = options.map(|options| with_all_options(*format, options));
            (format.name().to_owned(), options)
        };
        Self(FORMATS.iter().map(entry).collect())
    }
}

fn with_all_options(format: &dyn Format, mut given: FormatOptions) -> FormatOptions {
    format
        .options()
        .iter()
        .map(|option| {
            let value = given.remove(option.name).unwrap_or_default();
            // A catalog edited by hand may have another kind of value, which Terraform would not take.
            let is_of_kind = value.known().is_none_or(|value| {
                matches!(
                    (option.kind, value),
                    (OptionKind::Switch, OptionValue::Switch(_))
                        | (OptionKind::Text, OptionValue::Text(_))
                )
            });
            let value = if is_of_kind { value } else { Value::Null };
            (option.name.to_owned(), value)
        })
        .collect()
}

impl From<&Publish> for PublishState {
    fn from(publish: &Publish) -> Self {
        publish
            .iter()
            .map(|(name, options)| {
                let options = options
                    .iter()
                    .map(|(name, value)| (name.clone(), Value::Known(value.clone())));
                (name.clone(), Value::Known(options.collect()))
            })
            .collect::<Formats>()
            .into()
    }
}

impl PublishState {
    /// The names of the formats asked for, as far as known.
    fn names(&self) -> Late<Vec<&'static str>> {
        let mut names = Vec::new();
        for format in FORMATS {
            match self.0.get(format.name()) {
                Some(Value::Known(_)) => names.push(format.name()),
                Some(Value::Unknown) => return Late::Unknown,
                Some(Value::Null) | None => {}
            }
        }
        Late::Known(names)
    }

    /// The formats asked for, each with its options as far as known.
    pub(super) fn options(&self) -> impl Iterator<Item = (&'static dyn Format, Late<Options>)> {
        FORMATS.iter().filter_map(|format| {
            let options = self.0.get(format.name())?.known()?;
            Some((*format, known_options(options)))
        })
    }

    fn publish(&self) -> Late<Publish> {
        if self.names() == Late::Unknown {
            return Late::Unknown;
        }
        let mut publish = Publish::new();
        for (format, options) in self.options() {
            match options {
                Late::Known(options) => publish.insert(format.name().to_owned(), options),
                Late::Unknown => return Late::Unknown,
            };
        }
        Late::Known(publish)
    }
}

fn known_options(options: &FormatOptions) -> Late<Options> {
    let mut known = Options::new();
    for (name, value) in options {
        match value {
            Value::Known(value) => {
                known.insert(name.clone(), value.clone());
            }
            Value::Unknown => return Late::Unknown,
            Value::Null => {}
        }
    }
    Late::Known(known)
}

impl State {
    /// The workspace as the catalog keeps it, under `id`.
    ///
    /// # Errors
    /// If anything is not known.
    pub(super) fn workspace(&self, id: &str) -> Result<Workspace, NotKnown> {
        let publish = late::optional(&self.publish).and_then(|publish| {
            publish.map_or(Late::Known(Publish::new()), |publish| publish.publish())
        });
        Ok(Workspace {
            id: id.to_owned(),
            organization: known_value(&self.organization, "organization")?,
            handle: known_value(&self.handle, "handle")?,
            attach: known_late(self.attach(), "attach")?,
            publish: known_late(publish, "publish")?,
        })
    }

    /// What it takes of all that is visible, as far as known.
    pub(super) fn attach(&self) -> Late<Option<BTreeSet<String>>> {
        late::set(&self.attach)
    }

    /// A workspace with this name and these formats, whatever their options.
    ///
    /// # Errors
    /// If any of that is not known.
    pub(super) fn outline(&self) -> Result<Workspace, NotKnown> {
        let names = late::optional(&self.publish)
            .and_then(|publish| publish.map_or(Late::Known(Vec::new()), |publish| publish.names()));
        let names = known_late(names, "publish")?.into_iter();
        Ok(Workspace {
            id: String::new(),
            organization: known_value(&self.organization, "organization")?,
            handle: known_value(&self.handle, "handle")?,
            attach: None,
            publish: names
                .map(|name| (name.to_owned(), Options::new()))
                .collect(),
        })
    }

    /// Takes over what the catalog has. `publish = {}` and no `publish` are the same to it; what the state has stays.
    pub(super) fn take(&mut self, workspace: &Workspace) {
        let Workspace {
            id,
            organization,
            handle,
            attach,
            publish,
        } = workspace;
        self.id = id.clone().into();
        self.organization = organization.clone().into();
        self.handle = handle.clone().into();
        self.attach = attach.clone().map_or(Value::Null, late::set_value);
        if !(publish.is_empty() && self.publish.is_null()) {
            self.publish = Value::Known(publish.into());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn publish(text: &str) -> PublishState {
        serde_json::from_str::<Formats>(text).unwrap().into()
    }

    #[test]
    fn every_format_and_every_option_has_an_entry() {
        let state =
            publish(r#"{ "steampipe": { "aggregators": true, "gone": true }, "gone": {} }"#);
        let names: Vec<&str> = state.0.keys().map(String::as_str).collect();
        let mut expected: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(state.0["aws_config"], Value::Null);
        let options = state.0["steampipe"].known().unwrap();
        assert_eq!(options.len(), 1);
        assert_eq!(options["aggregators"], OptionValue::Switch(true).into());
        let state = publish(r#"{ "aws_config": {} }"#);
        let options = state.0["aws_config"].known().unwrap();
        assert_eq!(options["preamble"], Value::Null);
    }

    #[test]
    fn values_of_another_kind_are_none() {
        let state = publish(r#"{ "steampipe": { "aggregators": "yes" } }"#);
        let options = state.0["steampipe"].known().unwrap();
        assert_eq!(options["aggregators"], Value::Null);
    }

    #[test]
    fn what_is_asked_for_survives_the_way_through_the_state() {
        let held = Workspace {
            id: "ws_1".to_owned(),
            organization: "acme".to_owned(),
            handle: "security".to_owned(),
            attach: Some(BTreeSet::new()),
            publish: serde_json::from_str(
                r#"{ "json": {}, "aws_config": { "sso": false, "region": "eu-west-1" } }"#,
            )
            .unwrap(),
        };
        let mut state = State::default();
        state.take(&held);
        assert_eq!(state.workspace("ws_1").as_ref(), Ok(&held));
        assert_eq!(state.attach, Value::Known(Set::default()));
        let formats = state.outline().unwrap().publish;
        assert!(formats.into_keys().eq(["aws_config", "json"]));
    }

    #[test]
    fn no_publish_and_an_empty_one_both_stay_as_they_are() {
        let mut state = State {
            organization: "acme".into(),
            handle: "security".into(),
            ..State::default()
        };
        let held = state.workspace("ws_1").unwrap();
        state.take(&held);
        assert_eq!(state.publish, Value::Null);
        state.publish = Value::Known(PublishState::default());
        state.take(&held);
        assert!(matches!(state.publish, Value::Known(_)));
    }

    #[test]
    fn an_option_that_is_not_known_hides_the_options_of_its_format_and_not_its_name() {
        let mut formats = publish(r#"{ "json": {}, "steampipe": {} }"#).0;
        let unknown = BTreeMap::from([("aggregators".to_owned(), Value::Unknown)]);
        formats.insert("steampipe".to_owned(), Value::Known(unknown));
        let state = State {
            organization: "acme".into(),
            handle: "security".into(),
            publish: Value::Known(PublishState(formats)),
            ..State::default()
        };
        assert!(state.workspace("ws_1").is_err());
        assert_eq!(state.outline().unwrap().publish.len(), 2);
    }
}
