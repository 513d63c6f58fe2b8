//! Configuration and state of a workspace, and their way to and from the model.

use std::collections::{BTreeMap, BTreeSet};

use describe::{Attribute, Describe, Described, Field, Kind, Nesting, NotKnown, whole};
use serde::{Deserialize, Serialize};

use crate::model::checks;
use crate::model::handle::HandleKind;
use crate::model::objects::Workspace;
use crate::model::objects::workspace::{OptionValue, Options, Publish};
use crate::publish::{FORMATS, Format, OptionKind};
use terraform_plugin::value::{Set, Value};

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    /// `ws_` and 20 characters.
    #[field(use_state_for_unknown)]
    pub(super) id: Value<String>,
    /// The organization (a group of workspaces, not the AWS organization) that owns the workspace. It need not be declared
    /// anywhere.
    #[field(
        required,
        requires_replace,
        check_string(checks::handle(HandleKind::Organization))
    )]
    pub(super) organization: Value<String>,
    /// Name of the workspace, unique in its organization.
    #[field(
        required,
        requires_replace,
        check_string(checks::handle(HandleKind::Workspace))
    )]
    pub(super) handle: Value<String>,
    /// What it takes of all that is visible to it: folder paths such as `/Workloads`, IDs of roots and OUs (each with all
    /// below), and account IDs. Default: all that is visible; `[]`: nothing. An entry that is nowhere in the catalog is no
    /// error, and takes effect once it is there.
    #[field(optional, check_string(checks::attachment))]
    pub(super) attach: Value<Set<String>>,
    /// The formats to publish. A format that another one needs comes along. What is published holds the connections that are
    /// visible, attached, `ACTIVE` and enabled, under their effective handles.
    #[field(optional)]
    pub(super) publish: Value<PublishState>,
    /// Where each format is published: a path that starts with the catalog's, as configured, never made absolute.
    pub(super) locations: Value<BTreeMap<String, Value<String>>>,
    /// Whether what is published is what the catalog says. A file that is missing, old or edited by hand reads as `false`; the
    /// plan then shows `false -> true`, and apply restores it.
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

impl Described for PublishState {
    fn kind() -> Kind {
        let format = |format: &&dyn Format| {
            let options = format.options().iter().map(|option| {
                let attribute = match option.kind {
                    OptionKind::Switch => Attribute::bool(option.name),
                    OptionKind::Text => Attribute::string(option.name),
                };
                attribute.optional().description(option.description)
            });
            Attribute::nested(format.name(), options.collect())
                .optional()
                .description(format.description())
        };
        Kind::Nested(Nesting::Single, FORMATS.iter().map(format).collect())
    }
}

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
    /// The names of the formats asked for; none where they are not known.
    fn names(&self) -> Option<Vec<&'static str>> {
        let mut names = Vec::new();
        for format in FORMATS {
            match self.0.get(format.name()) {
                Some(Value::Known(_)) => names.push(format.name()),
                Some(Value::Unknown) => return None,
                Some(Value::Null) | None => {}
            }
        }
        Some(names)
    }

    /// The formats asked for, each with its options; none where they are not known.
    pub(super) fn options(&self) -> impl Iterator<Item = (&'static dyn Format, Option<Options>)> {
        FORMATS.iter().filter_map(|format| {
            let options = self.0.get(format.name())?.known()?;
            Some((*format, known_options(options)))
        })
    }

    fn publish(&self) -> Option<Publish> {
        self.names()?;
        let options = self.options();
        options
            .map(|(format, options)| Some((format.name().to_owned(), options?)))
            .collect()
    }
}

fn known_options(options: &FormatOptions) -> Option<Options> {
    let set = options.iter().filter(|(_, value)| !value.is_null());
    set.map(|(name, value)| Some((name.clone(), value.known()?.clone())))
        .collect()
}

impl State {
    /// The workspace as the catalog keeps it, under `id`.
    ///
    /// # Errors
    /// If anything is not known.
    pub(super) fn workspace(&self, id: &str) -> Result<Workspace, NotKnown> {
        let publish = match &self.publish {
            Value::Null => Some(Publish::new()),
            Value::Unknown => None,
            Value::Known(publish) => publish.publish(),
        };
        Ok(Workspace {
            id: id.to_owned(),
            organization: known("organization", &self.organization)?,
            handle: known("handle", &self.handle)?,
            attach: known("attach", &self.attach)?,
            publish: publish.ok_or(NotKnown::here().below("publish"))?,
        })
    }

    /// What it takes of all that is visible, as far as known.
    pub(super) fn attach(&self) -> Value<BTreeSet<String>> {
        whole(&self.attach)
    }

    /// A workspace with this name and these formats, whatever their options; none if any of that is not known.
    pub(super) fn named(&self) -> Option<Workspace> {
        let names = match &self.publish {
            Value::Null => Vec::new(),
            Value::Unknown => return None,
            Value::Known(publish) => publish.names()?,
        };
        Some(Workspace {
            id: String::new(),
            organization: self.organization.known()?.clone(),
            handle: self.handle.known()?.clone(),
            attach: None,
            publish: names
                .into_iter()
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
        self.attach = attach.clone().into_value();
        if !(publish.is_empty() && self.publish.is_null()) {
            self.publish = Value::Known(publish.into());
        }
    }
}

/// A field that has to be known by now.
fn known<T: Field<Value: Clone>>(name: &str, value: &T::Value) -> Result<T, NotKnown> {
    T::from_value(value.clone()).map_err(|error| error.below(name))
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
        let formats = state.named().unwrap().publish;
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
        assert_eq!(state.named().unwrap().publish.len(), 2);
    }
}
