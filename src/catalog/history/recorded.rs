//! What differs between two states of a tenant.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::mirror::union;
use super::{Action, Change, SettingChange, mirror};
use crate::model::objects::{Integration, Scoped};
use crate::model::tenant::{ForEachKind, Kind, Tenant, for_each_kind};

/// Attributes whose values are for those who need them, not for the record.
const WITHHELD: [&str; 3] = ["custom_access_details", "external_id", "preamble"];

/// Characters of JSON up to which a setting's value is recorded.
const SMALL: usize = 200;

/// What differs between two states of a tenant, for the history.
///
/// External IDs and free text are named but not shown. What goes with an integration has changes of its own. Integrations
/// come first, then the other kinds, each by ID.
pub fn changes(before: &Tenant, after: &Tenant) -> Vec<Change> {
    let mut differences = Differences {
        before,
        after,
        found: Vec::new(),
    };
    for_each_kind(&mut differences);
    differences.found
}

struct Differences<'a> {
    before: &'a Tenant,
    after: &'a Tenant,
    found: Vec<Change>,
}

impl ForEachKind for Differences<'_> {
    fn kind<T: Kind>(&mut self) {
        let (old, new) = (T::all(self.before), T::all(self.after));
        for id in union(old, new) {
            let pair = (old.get(id), new.get(id));
            // Looks only into replaced objects.
            let is_same = match pair {
                (Some(was), Some(is)) => Arc::ptr_eq(was, is) || was == is,
                _ => false,
            };
            if is_same {
                continue;
            }
            let (was, is) = (pair.0.map(AsRef::as_ref), pair.1.map(AsRef::as_ref));
            let (action, name) = match (was, is) {
                (None, Some(is)) => (Action::Create, name(is, self.after)),
                (Some(was), None) => (Action::Delete, name(was, self.before)),
                (Some(_), Some(is)) => (Action::Update, name(is, self.after)),
                (None, None) => continue,
            };
            let mut change = Change {
                resource_type: format!("orgmirror_{}", T::TYPE),
                id: id.clone(),
                handle: name,
                action,
                settings: Vec::new(),
                folders: Vec::new(),
                connections: Vec::new(),
                consequences: BTreeMap::new(),
            };
            let settings = [was, is].map(|side| side.map(Settings::of::<T>).unwrap_or_default());
            diff_settings(&settings[0], &settings[1], &mut change.settings);
            // Folders and connections have events of their own.
            let integrations = [was, is].map(|side| side.and_then(as_integration));
            mirror::diff(integrations[0], integrations[1], &mut change);
            self.found.push(change);
        }
    }
}

fn as_integration<T: Kind>(object: &T) -> Option<&Integration> {
    (object as &dyn Any).downcast_ref()
}

/// The name of an object. If its integration is missing, the integration's ID replaces the handle in it.
fn name<T: Kind>(object: &T, tenant: &Tenant) -> String {
    let integration_id = object.scoped().map_or("", Scoped::integration_id);
    let integration = tenant.get::<Integration>(integration_id);
    object.name(integration.map_or(integration_id, |integration| &integration.handle))
}

/// Settings by the path of their attribute, without those that are not set.
#[derive(Default)]
struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// The settings of an object: everything that its entry in the catalog has, but for its ID and its mirror.
    fn of<T: Kind>(object: &T) -> Self {
        let mut settings = Self::default();
        if let Value::Object(fields) = json(object.declared().as_ref()) {
            for (name, value) in fields {
                settings.add_field(&name, value);
            }
        }
        settings
    }

    fn add_field(&mut self, name: &str, value: Value) {
        match (name, value) {
            ("id", _) => {}
            // The user's own keys: a map is one setting.
            ("match_tags", value) => self.add_whole(name, value),
            // Not attributes themselves: their fields are.
            ("mirror" | "settings", Value::Object(fields)) => {
                for (name, value) in fields {
                    self.add(&name, value);
                }
            }
            ("folder", Value::Object(fields)) => {
                for (name, value) in fields {
                    self.add(&format!("folder_{name}"), value);
                }
            }
            ("publish", Value::Object(formats)) => {
                for (format, options) in formats {
                    let name = format!("publish.{format}");
                    // A format without options is a setting, too.
                    if options.as_object().is_some_and(Map::is_empty) {
                        self.add_whole(&name, options);
                    } else {
                        self.add(&name, options);
                    }
                }
            }
            (name, value) => self.add(name, value),
        }
    }

    /// Adds an attribute with all below it.
    fn add_whole(&mut self, name: &str, value: Value) {
        if !value.is_null() {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Adds an attribute, and each of those below it by itself.
    fn add(&mut self, name: &str, value: Value) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    self.add(&format!("{name}.{key}"), value);
                }
            }
            value => self.add_whole(name, value),
        }
    }
}

/// What cannot be written down is never in the catalog.
fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Whether a setting's values are for those who need them, not for the record.
fn is_withheld(name: &str) -> bool {
    let attribute = name.rsplit('.').next().unwrap_or(name);
    WITHHELD.contains(&attribute)
}

fn diff_settings(
    Settings(before): &Settings,
    Settings(after): &Settings,
    into: &mut Vec<SettingChange>,
) {
    for name in union(before, after) {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        let small = |value: Option<&Value>| {
            value.is_none_or(|value| value.to_string().chars().count() <= SMALL)
        };
        let withheld = is_withheld(name) || !small(old) || !small(new);
        into.push(SettingChange {
            name: name.clone(),
            before: old.filter(|_| !withheld).cloned(),
            after: new.filter(|_| !withheld).cloned(),
            withheld,
        });
    }
}
