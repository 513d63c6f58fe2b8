//! Objects that tests keep in catalogs: sound as they are made, for tests to change.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::catalog::Who;
use orgmirror::model::mirror::{Connection, Folder, Mirror};
use orgmirror::model::objects::workspace::Options;
use orgmirror::model::objects::{ConnectionSettings, Integration, Workspace};
use orgmirror::model::removal_guard::RemovalGuard;

/// A folder with a handle of its own.
pub fn folder(name: &str, handle: &str, parent: Option<&str>, path: &str) -> Folder {
    Folder {
        name: name.into(),
        derived_handle: handle.into(),
        parent_id: parent.map(Into::into),
        path: path.into(),
    }
}

/// An active account `id` in a folder, with an email address, a tag and the handle `aws_NAME`.
pub fn connection(id: &str, name: &str, folder: &str, path: &str) -> Connection {
    Connection {
        name: name.into(),
        email: Some(format!("{name}@example.com")),
        state: "ACTIVE".into(),
        tags: Some(BTreeMap::from([("env".into(), "prod".into())])),
        derived_handle: format!("aws_{name}"),
        folder_id: folder.into(),
        path: path.into(),
        derived_role_arn: format!("arn:aws:iam::{id}:role/readonly"),
        owners: None,
        sign_in_url: None,
    }
}

/// An integration of a mirror, with everything else as Terraform defaults it: no prefix, no owners, seen by nobody.
///
/// Integrations of the tests are made here and nowhere else, so that a new field of [`Integration`] needs one value. A test
/// sets what it is about:
///
/// ```
/// # use orgmirror::model::objects::Integration;
/// # use orgmirror::model::mirror::Mirror;
/// # use orgmirror_testing::objects::integration_of;
/// # let mirror = Mirror::default();
/// let integration = Integration {
///     handle_prefix: Some("aws_".to_owned()),
///     permissions: ["*".to_owned()].into(),
///     ..integration_of("in_1", "acme", mirror)
/// };
/// ```
pub fn integration_of(id: &str, handle: &str, mirror: Mirror) -> Integration {
    Integration {
        id: id.to_owned(),
        handle: handle.to_owned(),
        organization: None,
        handle_prefix: None,
        initial_handles: None,
        connection_settings: settings("orgmirror-readonly", None),
        permissions: BTreeSet::new(),
        sso: None,
        owners: None,
        resource_owners: None,
        custom_access_details: None,
        removal_guard: RemovalGuard::default(),
        deletion_protection: true,
        mirror,
        effective_handles: BTreeMap::new(),
    }
}

/// Settings of connections: the role, its external ID, and everything else as Terraform defaults it.
pub fn settings(role_name: &str, external_id: Option<&str>) -> ConnectionSettings {
    ConnectionSettings {
        role_name: role_name.to_owned(),
        external_id: external_id.map(str::to_owned),
        regions: ["*".to_owned()].into(),
        default_region: "us-east-1".to_owned(),
        max_error_retry_attempts: 9,
        min_error_retry_delay: 25,
        ignore_error_codes: BTreeSet::new(),
    }
}

/// An integration that everybody sees: two OUs below a root, and three accounts in them.
pub fn integration(id: &str, handle: &str) -> Integration {
    let folders = [
        ("r-ab12", folder("Root", "acme", None, "/")),
        (
            "ou-ab12-11111111",
            folder("Workloads", "aws_workloads", Some("r-ab12"), "/Workloads"),
        ),
        (
            "ou-ab12-22222222",
            folder("Sandbox", "aws_sandbox", Some("r-ab12"), "/Sandbox"),
        ),
    ];
    let connections = [
        ("111111111111", "billing", "ou-ab12-11111111", "/Workloads"),
        ("222222222222", "shop", "ou-ab12-11111111", "/Workloads"),
        ("333333333333", "lab", "ou-ab12-22222222", "/Sandbox"),
    ];
    let mirror = Mirror {
        aws_organization_id: Some("o-exampleorg1".into()),
        folders: folders.map(|(id, folder)| (id.to_owned(), folder)).into(),
        connections: connections
            .map(|(id, name, folder, path)| (id.to_owned(), connection(id, name, folder, path)))
            .into(),
    };
    Integration {
        handle_prefix: Some("aws_".into()),
        connection_settings: settings("readonly", Some("acme:3x4mpl3ext3rn4l1")),
        permissions: ["*".to_owned()].into(),
        ..integration_of(id, handle, mirror)
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
