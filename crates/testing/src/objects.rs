//! Objects that tests keep in catalogs: sound as they are made, for tests to change.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::catalog::Who;
use orgmirror::model::integration::{ConnectionSettings, Integration, RemovalGuard};
use orgmirror::model::late::Late;
use orgmirror::model::mirror::{Connection, Folder, Mirror};
use orgmirror::model::workspace::{Options, Workspace};

/// A value that is known.
pub fn known<T>(value: T) -> Late<T> {
    Late::Known(value)
}

/// A folder with a handle of its own.
pub fn folder(name: &str, handle: &str, parent: Option<&str>, path: &str) -> Folder {
    Folder {
        name: known(name.into()),
        derived_handle: known(handle.into()),
        parent_id: parent.map(Into::into),
        path: known(path.into()),
    }
}

/// An active account `id` in a folder, with an email address, a tag and the handle `aws_NAME`.
pub fn connection(id: &str, name: &str, folder: &str, path: &str) -> Connection {
    Connection {
        name: known(name.into()),
        email: known(Some(format!("{name}@example.com"))),
        state: "ACTIVE".into(),
        tags: known(Some(BTreeMap::from([("env".into(), "prod".into())]))),
        derived_handle: known(format!("aws_{name}")),
        folder_id: folder.into(),
        path: known(path.into()),
        derived_role_arn: known(format!("arn:aws:iam::{id}:role/readonly")),
        owners: known(None),
        sign_in_url: known(None),
    }
}

/// An integration that everybody sees: two OUs below a root, and three accounts in them.
pub fn integration(id: &str, handle: &str) -> Integration {
    Integration {
        id: id.into(),
        handle: handle.into(),
        organization: None,
        handle_prefix: Some("aws_".into()),
        initial_handles: None,
        connection_settings: ConnectionSettings {
            role_name: "readonly".into(),
            external_id: Some("acme:3x4mpl3ext3rn4l1".into()),
            regions: ["*".to_owned()].into(),
            default_region: "us-east-1".into(),
            max_error_retry_attempts: 9,
            min_error_retry_delay: 25,
            ignore_error_codes: BTreeSet::new(),
        },
        permissions: ["*".to_owned()].into(),
        sso: None,
        owners: None,
        resource_owners: None,
        custom_access_details: None,
        removal_guard: RemovalGuard::default(),
        deletion_protection: true,
        mirror: Mirror {
            aws_organization_id: known(Some("o-exampleorg1".into())),
            folders: [
                ("r-ab12", folder("Root", "acme", None, "/")),
                (
                    "ou-ab12-11111111",
                    folder("Workloads", "aws_workloads", Some("r-ab12"), "/Workloads"),
                ),
                (
                    "ou-ab12-22222222",
                    folder("Sandbox", "aws_sandbox", Some("r-ab12"), "/Sandbox"),
                ),
            ]
            .map(|(id, folder)| (id.to_owned(), folder))
            .into(),
            connections: [
                connection("111111111111", "billing", "ou-ab12-11111111", "/Workloads"),
                connection("222222222222", "shop", "ou-ab12-11111111", "/Workloads"),
                connection("333333333333", "lab", "ou-ab12-22222222", "/Sandbox"),
            ]
            .map(|c| {
                let arn = c.derived_role_arn.known().unwrap();
                (arn[13..25].to_owned(), c)
            })
            .into(),
        },
        effective_handles: BTreeMap::new(),
    }
}

/// A person who is not known to AWS.
pub fn ada() -> Who {
    Who {
        arn: None,
        user: "ada".into(),
        host: "ci-7".into(),
    }
}

/// A workspace `organization/handle` that publishes these formats, with no options.
pub fn workspace(id: &str, name: &str, formats: &[&str]) -> Workspace {
    let (organization, handle) = name.split_once('/').unwrap();
    let formats = formats.iter();
    Workspace {
        id: id.into(),
        organization: organization.into(),
        handle: handle.into(),
        attach: None,
        publish: formats
            .map(|format| ((*format).to_owned(), Options::new()))
            .collect(),
    }
}
