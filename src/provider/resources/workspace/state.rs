//! Configuration and state of a workspace, and their way to and from the model.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::framework::value::{Set, Value};
use crate::model::late::Late;
use crate::model::workspace::{OptionValue, Options, Publish, Workspace};
use crate::provider::late;
use crate::publish::{FORMATS, Format, OptionKind};

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
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
/// An object of Terraform has all its attributes, so every format and every option there is has an entry, also where
/// what is read was written before there was such a format.
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
    let options = format.options().iter();
    options
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
        let formats = publish.iter().map(|(name, options)| {
            let options = options.iter();
            let options = options.map(|(name, value)| (name.clone(), Value::Known(value.clone())));
            (name.clone(), Value::Known(options.collect()))
        });
        formats.collect::<Formats>().into()
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
    /// The workspace as the catalog keeps it, under `id`, as far as known.
    pub(super) fn workspace(&self, id: &str) -> Late<Workspace> {
        let publish = late::optional(&self.publish).and_then(|publish| {
            publish.map_or(Late::Known(Publish::new()), |publish| publish.publish())
        });
        match (&self.organization, &self.handle, self.attach(), publish) {
            (
                Value::Known(organization),
                Value::Known(handle),
                Late::Known(attach),
                Late::Known(publish),
            ) => Late::Known(Workspace {
                id: id.to_owned(),
                organization: organization.clone(),
                handle: handle.clone(),
                attach,
                publish,
            }),
            _ => Late::Unknown,
        }
    }

    /// What it takes of all that is visible, as far as known.
    pub(super) fn attach(&self) -> Late<Option<BTreeSet<String>>> {
        late::set(&self.attach)
    }

    /// A workspace with this name and these formats, whatever their options.
    pub(super) fn outline(&self) -> Late<Workspace> {
        let names = late::optional(&self.publish)
            .and_then(|publish| publish.map_or(Late::Known(Vec::new()), |publish| publish.names()));
        match (&self.organization, &self.handle, names) {
            (Value::Known(organization), Value::Known(handle), Late::Known(names)) => {
                let names = names.into_iter();
                Late::Known(Workspace {
                    id: String::new(),
                    organization: organization.clone(),
                    handle: handle.clone(),
                    attach: None,
                    publish: names
                        .map(|name| (name.to_owned(), Options::new()))
                        .collect(),
                })
            }
            _ => Late::Unknown,
        }
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
