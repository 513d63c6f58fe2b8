//! What differs between two states of a tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::{Action, Change, SettingChange, mirror};
use crate::model::folder_ref::FolderRef;
use crate::model::integration::Integration;
use crate::model::overriding::{ConnectionOverride, FolderOverride, OverriddenSettings};
use crate::model::permission::{ConnectionPermission, FolderPermission};
use crate::model::tenant::{Held, Tenant};
use crate::model::workspace::Workspace;

/// Attributes whose values are for those who need them, not for the record.
const WITHHELD: [&str; 3] = ["custom_access_details", "external_id", "preamble"];

/// Characters of JSON up to which a setting's value is recorded.
const SMALL: usize = 200;

/// What the history records of a kind of object.
trait Recorded: Held + PartialEq {
    /// The type of the resource that declares it.
    const RESOURCE_TYPE: &'static str;

    /// What it is called: its import ID.
    fn name(&self, tenant: &Tenant) -> String;

    /// What it sets.
    fn settings(&self) -> Settings;

    /// Adds what is more than settings.
    fn details(before: Option<&Self>, after: Option<&Self>, change: &mut Change) {
        let _ = (before, after, change);
    }
}

/// What differs between two states of a tenant, for the history.
///
/// External IDs and free text are named but not shown. What goes with an integration has changes of its own. Integrations
/// come first, then the other kinds, each by ID.
pub fn changes(before: &Tenant, after: &Tenant) -> Vec<Change> {
    // Taken apart in full, so that a new kind cannot be forgotten here.
    let Tenant {
        handle: _,
        integrations: _,
        folder_permissions: _,
        connection_permissions: _,
        folder_overrides: _,
        connection_overrides: _,
        workspaces: _,
    } = after;
    let mut changes = Vec::new();
    diff::<Integration>(before, after, &mut changes);
    diff::<FolderPermission>(before, after, &mut changes);
    diff::<ConnectionPermission>(before, after, &mut changes);
    diff::<FolderOverride>(before, after, &mut changes);
    diff::<ConnectionOverride>(before, after, &mut changes);
    diff::<Workspace>(before, after, &mut changes);
    changes
}

fn diff<T: Recorded>(before: &Tenant, after: &Tenant, changes: &mut Vec<Change>) {
    let (old, new) = (T::all(before), T::all(after));
    for id in union(old, new) {
        let pair = (old.get(id), new.get(id));
        // Only what was replaced is looked into.
        let is_same = match pair {
            (Some(was), Some(is)) => Arc::ptr_eq(was, is) || was == is,
            _ => false,
        };
        if is_same {
            continue;
        }
        let (was, is) = (pair.0.map(AsRef::as_ref), pair.1.map(AsRef::as_ref));
        let (action, name) = match (was, is) {
            (None, Some(is)) => (Action::Create, is.name(after)),
            (Some(was), None) => (Action::Delete, was.name(before)),
            (Some(_), Some(is)) => (Action::Update, is.name(after)),
            (None, None) => continue,
        };
        let mut change = Change {
            resource_type: T::RESOURCE_TYPE.to_owned(),
            id: id.clone(),
            handle: name,
            action,
            settings: Vec::new(),
            folders: Vec::new(),
            connections: Vec::new(),
            consequences: BTreeMap::new(),
        };
        let settings = [was, is].map(|side: Option<&T>| side.map(T::settings).unwrap_or_default());
        diff_settings(&settings[0], &settings[1], &mut change.settings);
        T::details(was, is, &mut change);
        changes.push(change);
    }
}

impl Recorded for Integration {
    const RESOURCE_TYPE: &'static str = "orgmirror_integration";

    fn name(&self, _tenant: &Tenant) -> String {
        self.handle.clone()
    }

    fn settings(&self) -> Settings {
        // Taken apart in full, so that a new field cannot be forgotten here; likewise below.
        let Self {
            id: _,
            handle,
            organization,
            handle_prefix,
            initial_handles,
            connection_settings,
            permissions,
            sso,
            owners,
            resource_owners,
            custom_access_details,
            removal_guard,
            deletion_protection,
            mirror,
            effective_handles: _,
        } = self;
        let mut settings = Settings::default();
        settings.add("handle", handle);
        settings.add("organization", organization);
        settings.add("handle_prefix", handle_prefix);
        settings.add("initial_handles", initial_handles);
        settings.add("connection_settings", connection_settings);
        settings.add("permissions", permissions);
        settings.add("sso", sso);
        settings.add("owners", owners);
        settings.add("resource_owners", resource_owners);
        settings.add("custom_access_details", custom_access_details);
        settings.add("removal_guard", removal_guard);
        settings.add("deletion_protection", deletion_protection);
        settings.add("aws_organization_id", &mirror.aws_organization_id);
        settings
    }

    fn details(before: Option<&Self>, after: Option<&Self>, change: &mut Change) {
        mirror::diff(before, after, change);
    }
}

impl Recorded for FolderPermission {
    const RESOURCE_TYPE: &'static str = "orgmirror_folder_permission";

    fn name(&self, tenant: &Tenant) -> String {
        let integration = integration(tenant, &self.integration_id);
        format!("{integration}:{}:{}", self.folder, self.grantee)
    }

    fn settings(&self) -> Settings {
        let Self {
            id: _,
            integration_id,
            folder,
            grantee,
            match_tags,
        } = self;
        let mut settings = Settings::default();
        settings.add("integration_id", integration_id);
        settings.add_folder(folder);
        settings.add("grantee", grantee);
        settings.add_whole("match_tags", match_tags);
        settings
    }
}

impl Recorded for ConnectionPermission {
    const RESOURCE_TYPE: &'static str = "orgmirror_connection_permission";

    fn name(&self, tenant: &Tenant) -> String {
        let integration = integration(tenant, &self.integration_id);
        format!("{integration}:{}:{}", self.account_id, self.grantee)
    }

    fn settings(&self) -> Settings {
        let Self {
            id: _,
            integration_id,
            account_id,
            grantee,
        } = self;
        let mut settings = Settings::default();
        settings.add("integration_id", integration_id);
        settings.add("account_id", account_id);
        settings.add("grantee", grantee);
        settings
    }
}

impl Recorded for FolderOverride {
    const RESOURCE_TYPE: &'static str = "orgmirror_folder_override";

    fn name(&self, tenant: &Tenant) -> String {
        let integration = integration(tenant, &self.integration_id);
        format!("{integration}:{}", self.folder)
    }

    fn settings(&self) -> Settings {
        let Self {
            id: _,
            integration_id,
            folder,
            handle,
            role_name,
            settings: overridden,
        } = self;
        let mut settings = Settings::default();
        settings.add("integration_id", integration_id);
        settings.add_folder(folder);
        settings.add("handle", handle);
        settings.add("role_name", role_name);
        settings.add_overridden(overridden);
        settings
    }
}

impl Recorded for ConnectionOverride {
    const RESOURCE_TYPE: &'static str = "orgmirror_connection_override";

    fn name(&self, tenant: &Tenant) -> String {
        let integration = integration(tenant, &self.integration_id);
        format!("{integration}:{}", self.account_id)
    }

    fn settings(&self) -> Settings {
        let Self {
            id: _,
            integration_id,
            account_id,
            handle,
            role_arn,
            settings: overridden,
        } = self;
        let mut settings = Settings::default();
        settings.add("integration_id", integration_id);
        settings.add("account_id", account_id);
        settings.add("handle", handle);
        settings.add("role_arn", role_arn);
        settings.add_overridden(overridden);
        settings
    }
}

impl Recorded for Workspace {
    const RESOURCE_TYPE: &'static str = "orgmirror_workspace";

    fn name(&self, _tenant: &Tenant) -> String {
        self.to_string()
    }

    fn settings(&self) -> Settings {
        let Self {
            id: _,
            organization,
            handle,
            attach,
            publish,
        } = self;
        let mut settings = Settings::default();
        settings.add("organization", organization);
        settings.add("handle", handle);
        settings.add("attach", attach);
        for (format, options) in publish {
            let name = format!("publish.{format}");
            // A format without options is asked for all the same.
            match options.is_empty() {
                true => settings.add_whole(&name, options),
                false => settings.add(&name, options),
            }
        }
        settings
    }
}

/// The handle of an integration; its ID where it is not there.
fn integration<'a>(tenant: &'a Tenant, id: &'a str) -> &'a str {
    tenant
        .get::<Integration>(id)
        .map_or(id, |integration| &integration.handle)
}

/// Settings by the path of their attribute; what is not set is not there.
#[derive(Default)]
struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// Adds an attribute, and each of those below it by itself.
    fn add(&mut self, name: &str, value: impl Serialize) {
        self.flatten(name, json(value));
    }

    /// Adds an attribute with all below it, such as a map whose keys are the user's.
    fn add_whole(&mut self, name: &str, value: impl Serialize) {
        let value = json(value);
        if !value.is_null() {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn add_folder(&mut self, folder: &FolderRef) {
        match folder {
            FolderRef::Id(id) => self.add("folder_id", id),
            FolderRef::Path(path) => self.add("folder_path", path),
        }
    }

    fn add_overridden(&mut self, overridden: &OverriddenSettings) {
        let OverriddenSettings {
            external_id,
            regions,
            default_region,
            max_error_retry_attempts,
            min_error_retry_delay,
            ignore_error_codes,
            enabled,
        } = overridden;
        self.add("external_id", external_id);
        self.add("regions", regions);
        self.add("default_region", default_region);
        self.add("max_error_retry_attempts", max_error_retry_attempts);
        self.add("min_error_retry_delay", min_error_retry_delay);
        self.add("ignore_error_codes", ignore_error_codes);
        self.add("enabled", enabled);
    }

    fn flatten(&mut self, name: &str, value: Value) {
        match value {
            Value::Null => {}
            Value::Object(object) => {
                for (key, value) in object {
                    self.flatten(&format!("{name}.{key}"), value);
                }
            }
            value => {
                self.0.insert(name.to_owned(), value);
            }
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

pub(super) fn union<'a, V>(
    before: &'a BTreeMap<String, V>,
    after: &'a BTreeMap<String, V>,
) -> BTreeSet<&'a String> {
    before.keys().chain(after.keys()).collect()
}
