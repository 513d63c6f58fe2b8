//! Who sees what, against a naive evaluation: for every connection and every workspace, up the tree, one grant at a time.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::model::folder_ref::FolderRef;
use orgmirror::model::grantee::Grantee;
use orgmirror::model::handle_assignment::assign_handles;
use orgmirror::model::impact::{AffectedConnection, Renamed, WorkspaceImpact, compare};
use orgmirror::model::mirror::Mirror;
use orgmirror::model::objects::workspace::Options;
use orgmirror::model::objects::{
    ConnectionOverride, ConnectionPermission, FolderOverride, FolderPermission, Integration,
    OverriddenSettings, Workspace,
};
use orgmirror::model::tenant::Tenant;
use orgmirror::model::visibility::{
    EffectiveConnection, Grant, GrantSource, Resolved, is_attached,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::generate::{ACCOUNTS, ROOT, UNITS, account_id, change, world};
use crate::world::{Past, World};
use crate::{all_handles, cases, integration};

const INTEGRATIONS: usize = 2;
const GRANTEES: [&str; 6] = [
    "*",
    "acme",
    "acme/security",
    "acme/finops",
    "other",
    "other/security",
];
/// The last two are of nobody.
const PATHS: [&str; 7] = [
    "/",
    "/Prod",
    "/prod",
    "/Prod/prod",
    "/acme",
    "/Nowhere",
    "/Prod/",
];

/// Everything in a tenant but its mirrors.
#[derive(Debug, Clone)]
struct Declared {
    organizations: Vec<Option<&'static str>>,
    own_permissions: Vec<Vec<&'static str>>,
    folder_permissions: Vec<OnFolder>,
    connection_permissions: Vec<(usize, String, &'static str)>,
    folder_overrides: Vec<(usize, FolderRef, Own)>,
    connection_overrides: Vec<(usize, String, Own)>,
    /// Organization, handle, what is attached.
    workspaces: BTreeMap<(&'static str, &'static str), Option<BTreeSet<String>>>,
}

/// Index of the integration, folder, grantee, tags to match.
type OnFolder = (
    usize,
    FolderRef,
    &'static str,
    Option<BTreeMap<String, String>>,
);

/// What an override has for itself; `role` is a role's name or ARN.
#[derive(Debug, Clone)]
struct Own {
    handle: Option<&'static str>,
    role: Option<&'static str>,
    settings: OverriddenSettings,
}

fn folder() -> impl Strategy<Value = FolderRef> {
    prop_oneof![
        4 => select(&UNITS[..]).prop_map(|id| FolderRef::Id(id.to_owned())),
        1 => Just(FolderRef::Id(ROOT.to_owned())),
        1 => Just(FolderRef::Id("ou-gone".to_owned())),
        4 => select(&PATHS[..]).prop_map(|path| FolderRef::Path(path.to_owned())),
    ]
}

fn account() -> impl Strategy<Value = String> {
    // One more than there can be.
    (0..=ACCOUNTS).prop_map(account_id)
}

fn tags() -> impl Strategy<Value = Option<BTreeMap<String, String>>> {
    let values = select(vec!["ann".to_owned(), "bob".to_owned()]);
    let keys = prop_oneof![3 => Just("owner".to_owned()), 1 => Just("team".to_owned())];
    prop_oneof![1 => Just(None), 1 => btree_map(keys, values, 0..3).prop_map(Some)]
}

fn own(
    handles: &'static [&'static str],
    roles: &'static [&'static str],
) -> impl Strategy<Value = Own> {
    use proptest::option::of;
    let words = |some: &'static [&'static str]| {
        of(select(some).prop_map(|word| BTreeSet::from([word.to_owned()])))
    };
    let settings = (
        of(select(vec!["one".to_owned(), "two".to_owned()])),
        words(&["eu-*", "us-east-1"]),
        of(select(vec!["eu-west-1".to_owned(), "us-west-2".to_owned()])),
        of(1..4_i64),
        of(10..13_i64),
        words(&["Throttled", "Denied"]),
        prop_oneof![3 => Just(true), 1 => Just(false)],
    )
        .prop_map(
            |(external_id, regions, default_region, attempts, delay, codes, enabled)| {
                OverriddenSettings {
                    external_id,
                    regions,
                    default_region,
                    max_error_retry_attempts: attempts,
                    min_error_retry_delay: delay,
                    ignore_error_codes: codes,
                    enabled,
                }
            },
        );
    (of(select(handles)), of(select(roles)), settings).prop_map(|(handle, role, settings)| Own {
        handle,
        role,
        settings,
    })
}

fn declared() -> impl Strategy<Value = Declared> {
    let at = || 0..INTEGRATIONS;
    let grantee = || select(&GRANTEES[..]);
    let attached = prop_oneof![
        account(),
        folder().prop_map(|folder| folder.as_str().to_owned())
    ];
    let workspace = (
        select(vec!["acme", "other", "third"]),
        select(vec!["security", "finops"]),
    );
    (
        vec(
            select(vec![None, Some("acme"), Some("other")]),
            INTEGRATIONS,
        ),
        vec(vec(grantee(), 0..2), INTEGRATIONS),
        vec((at(), folder(), grantee(), tags()), 0..6),
        vec((at(), account(), grantee()), 0..4),
        vec(
            (
                at(),
                folder(),
                own(&["given", "prod", "held"], &["auditor", "team/auditor"]),
            ),
            0..4,
        ),
        vec(
            (
                at(),
                account(),
                own(&["special", "prod"], &["arn:aws:iam::1:role/own"]),
            ),
            0..3,
        ),
        btree_map(
            workspace,
            proptest::option::of(btree_set(attached, 0..4)),
            1..4,
        ),
    )
        .prop_map(
            |(
                organizations,
                own_permissions,
                folder_permissions,
                connection_permissions,
                folder_overrides,
                connection_overrides,
                workspaces,
            )| Declared {
                organizations,
                own_permissions,
                folder_permissions,
                connection_permissions,
                folder_overrides,
                connection_overrides,
                workspaces,
            },
        )
}

fn integration_id(index: usize) -> String {
    format!("in_{index}")
}

/// What stands in `kept` says of each object in turn whether it is declared.
fn tenant(worlds: &[World], declared: &Declared, kept: &[bool], before: Option<&Tenant>) -> Tenant {
    let mut kept = kept.iter().copied().cycle();
    let mut keep = || kept.next().unwrap();
    let mut tenant = Tenant::new("acme");
    for (index, world) in worlds.iter().enumerate() {
        let id = integration_id(index);
        let past = before.map(|before| before.get::<Integration>(&id).unwrap());
        let past = past.map(|past| Past {
            mirror: past.mirror.clone(),
            handle: past.handle.clone(),
            prefix: past.handle_prefix.clone().unwrap(),
            given: BTreeMap::new(),
        });
        // An account that is not active stays so only if it was mirrored before.
        let mut active = world.clone();
        for member in active.accounts.values_mut().filter(|_| past.is_none()) {
            member.state = "ACTIVE".to_owned();
        }
        let mut mirror = active.known_mirror(past.as_ref()).unwrap().mirror;
        for (id, connection) in &mut mirror.connections {
            connection.state.clone_from(&world.accounts[id].state);
        }
        let mut integration = integration(&id, world, mirror);
        integration.handle = format!("{}_{index}", world.handle);
        integration.organization = declared.organizations[index].map(str::to_owned);
        let own = declared.own_permissions[index].iter();
        integration.permissions = own.map(|grantee| (*grantee).to_owned()).collect();
        tenant.put(integration);
    }
    let grantee = |text: &str| text.parse::<Grantee>().unwrap();
    for (number, (index, folder, to, match_tags)) in declared.folder_permissions.iter().enumerate()
    {
        if keep() {
            tenant.put(FolderPermission {
                id: format!("fp_{number}"),
                integration_id: integration_id(*index),
                folder: folder.clone(),
                grantee: grantee(to),
                match_tags: match_tags.clone(),
            });
        }
    }
    for (number, (index, account_id, to)) in declared.connection_permissions.iter().enumerate() {
        if keep() {
            tenant.put(ConnectionPermission {
                id: format!("cp_{number}"),
                integration_id: integration_id(*index),
                account_id: account_id.clone(),
                grantee: grantee(to),
            });
        }
    }
    for (number, (index, folder, own)) in declared.folder_overrides.iter().enumerate() {
        if keep() {
            tenant.put(FolderOverride {
                id: format!("fo_{number}"),
                integration_id: integration_id(*index),
                folder: folder.clone(),
                handle: own.handle.map(str::to_owned),
                role_name: own.role.map(str::to_owned),
                settings: own.settings.clone(),
            });
        }
    }
    for (number, (index, account_id, own)) in declared.connection_overrides.iter().enumerate() {
        if keep() {
            tenant.put(ConnectionOverride {
                id: format!("co_{number}"),
                integration_id: integration_id(*index),
                account_id: account_id.clone(),
                handle: own.handle.map(str::to_owned),
                role_arn: own.role.map(str::to_owned),
                settings: own.settings.clone(),
            });
        }
    }
    for (number, ((organization, handle), attach)) in declared.workspaces.iter().enumerate() {
        if keep() {
            tenant.put(Workspace {
                id: format!("ws_{number}"),
                organization: (*organization).to_owned(),
                handle: (*handle).to_owned(),
                attach: attach.clone(),
                publish: BTreeMap::from([(format!("format_{number}"), Options::new())]),
            });
        }
    }
    assign_handles(&mut tenant, before.unwrap_or(&Tenant::new("acme")));
    assert_eq!(tenant.problem(), None);
    tenant
}

/// Everything there is to say of an effective connection.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    place: (String, String),
    handle: String,
    role_arn: String,
    external_id: Option<String>,
    regions: BTreeSet<String>,
    default_region: String,
    attempts: i64,
    delay: i64,
    codes: BTreeSet<String>,
    enabled: bool,
    folders: Vec<String>,
    granted_by: Vec<String>,
}

/// A grant as text: where it was declared, for which folder, to whom.
fn told(grant: &Grant<'_>) -> String {
    let source = match grant.source {
        GrantSource::Integration(integration) => integration.id.clone(),
        GrantSource::Folder {
            permission,
            folder_id,
            folder,
        } => {
            format!("{} on {folder_id} {}", permission.id, folder.path)
        }
        GrantSource::Connection(permission) => permission.id.clone(),
    };
    format!("{source} to {}", grant.grantee)
}

impl From<&EffectiveConnection<'_>> for Seen {
    fn from(connection: &EffectiveConnection<'_>) -> Self {
        Self {
            place: (
                connection.integration.id.clone(),
                connection.account_id.to_owned(),
            ),
            handle: connection.handle.to_owned(),
            role_arn: connection.role_arn.to_owned(),
            external_id: connection.settings.external_id.clone(),
            regions: connection.settings.regions.clone(),
            default_region: connection.settings.default_region.clone(),
            attempts: connection.settings.max_error_retry_attempts,
            delay: connection.settings.min_error_retry_delay,
            codes: connection.settings.ignore_error_codes.clone(),
            enabled: connection.settings.enabled,
            folders: connection.folders().map(|(id, _)| id.to_owned()).collect(),
            granted_by: connection.granted_by.iter().map(told).collect(),
        }
    }
}

// The naive evaluation.

/// IDs from the root down to a folder.
fn lineage(mirror: &Mirror, folder_id: &str) -> Vec<String> {
    let mut ids = match &mirror.folders[folder_id].parent_id {
        Some(parent) => lineage(mirror, parent),
        None => vec![],
    };
    ids.push(folder_id.to_owned());
    ids
}

/// Whether a reference means the folder with this ID.
fn means(folder: &FolderRef, mirror: &Mirror, id: &str) -> bool {
    match folder {
        FolderRef::Id(wanted) => wanted == id,
        FolderRef::Path(wanted) => {
            let mut there = mirror.folders.iter();
            let first = there.find(|(_, folder)| folder.path == *wanted);
            first.is_some_and(|(first, _)| first == id)
        }
    }
}

fn naive_covers(grantee: &str, workspace: &Workspace, organization: Option<&str>) -> bool {
    let name = format!("{}/{}", workspace.organization, workspace.handle);
    organization.is_none_or(|own| own == workspace.organization)
        && ["*", &workspace.organization, &name].contains(&grantee)
}

fn naive_override<'t>(
    tenant: &'t Tenant,
    integration: &Integration,
    id: &str,
) -> Option<&'t FolderOverride> {
    let all: Vec<&FolderOverride> = tenant
        .each::<FolderOverride>()
        .filter(|o| o.integration_id == integration.id && means(&o.folder, &integration.mirror, id))
        .collect();
    let by_id = all.iter().find(|o| matches!(o.folder, FolderRef::Id(_)));
    by_id.or(all.first()).copied()
}

fn naive_handle(integration: &Integration, id: &str) -> String {
    let derived = &all_handles(&integration.mirror)[id];
    integration
        .effective_handles
        .get(id)
        .unwrap_or(derived)
        .clone()
}

/// A connection as everybody (no workspace) or one workspace sees it.
fn naive(
    tenant: &Tenant,
    integration: &Integration,
    account_id: &str,
    workspace: Option<&Workspace>,
) -> Seen {
    let mirror = &integration.mirror;
    let connection = &mirror.connections[account_id];
    let folders = lineage(mirror, &connection.folder_id);
    let tags = connection.tags.clone().unwrap_or_default();
    let scope = integration.organization.as_deref();
    let counts = |grantee: &str| workspace.is_none_or(|w| naive_covers(grantee, w, scope));

    let mut granted_by = vec![];
    for folder_id in &folders {
        if folder_id == ROOT {
            for grantee in integration
                .permissions
                .iter()
                .filter(|grantee| counts(grantee))
            {
                granted_by.push(format!("{} to {grantee}", integration.id));
            }
        }
        for permission in tenant.each::<FolderPermission>() {
            let wanted = permission.match_tags.clone().unwrap_or_default();
            if permission.integration_id == integration.id
                && means(&permission.folder, mirror, folder_id)
                && wanted
                    .iter()
                    .all(|(key, value)| tags.get(key) == Some(value))
                && counts(&permission.grantee.to_string())
            {
                granted_by.push(format!(
                    "{} on {folder_id} {} to {}",
                    permission.id, &mirror.folders[folder_id].path, permission.grantee
                ));
            }
        }
    }
    for permission in tenant.each::<ConnectionPermission>() {
        if permission.integration_id == integration.id
            && permission.account_id == account_id
            && counts(&permission.grantee.to_string())
        {
            granted_by.push(format!("{} to {}", permission.id, permission.grantee));
        }
    }

    // From the nearest to the farthest.
    let connection_override = tenant
        .each::<ConnectionOverride>()
        .find(|o| o.integration_id == integration.id && o.account_id == account_id);
    let folder_overrides: Vec<&FolderOverride> = folders
        .iter()
        .rev()
        .filter_map(|id| naive_override(tenant, integration, id))
        .collect();
    let settings: Vec<&OverriddenSettings> = connection_override
        .map(|o| &o.settings)
        .into_iter()
        .chain(folder_overrides.iter().map(|o| &o.settings))
        .collect();
    fn nearest<T: Clone>(
        settings: &[&OverriddenSettings],
        of: impl Fn(&OverriddenSettings) -> Option<T>,
    ) -> Option<T> {
        settings.iter().find_map(|settings| of(settings))
    }
    let default = &integration.connection_settings;
    let derived_arn = connection.derived_role_arn.clone();
    let role_name = folder_overrides.iter().find_map(|o| o.role_name.clone());
    let role_arn = connection_override
        .and_then(|o| o.role_arn.clone())
        .or(role_name.map(|name| {
            let (front, _) = derived_arn.split_once(":role/").unwrap();
            format!("{front}:role/{name}")
        }))
        .unwrap_or(derived_arn);
    Seen {
        place: (integration.id.clone(), account_id.to_owned()),
        handle: naive_handle(integration, account_id),
        role_arn,
        external_id: nearest(&settings, |s| s.external_id.clone()).or(default.external_id.clone()),
        regions: nearest(&settings, |s| s.regions.clone()).unwrap_or(default.regions.clone()),
        default_region: nearest(&settings, |s| s.default_region.clone())
            .unwrap_or(default.default_region.clone()),
        attempts: nearest(&settings, |s| s.max_error_retry_attempts)
            .unwrap_or(default.max_error_retry_attempts),
        delay: nearest(&settings, |s| s.min_error_retry_delay)
            .unwrap_or(default.min_error_retry_delay),
        codes: nearest(&settings, |s| s.ignore_error_codes.clone())
            .unwrap_or(default.ignore_error_codes.clone()),
        enabled: settings.iter().all(|settings| settings.enabled),
        folders,
        granted_by,
    }
}

/// Every connection, by handle, as a workspace or everybody sees it, with and without grants.
fn naive_all(tenant: &Tenant, workspace: Option<&Workspace>) -> Vec<Seen> {
    let mut all: Vec<Seen> = tenant
        .each::<Integration>()
        .flat_map(|integration| {
            let ids = integration.mirror.connections.keys();
            ids.map(|id| naive(tenant, integration, id, workspace))
                .collect::<Vec<_>>()
        })
        .collect();
    all.sort_by_key(|seen| seen.handle.clone());
    all
}

fn naive_takes(tenant: &Tenant, workspace: &Workspace, seen: &Seen) -> bool {
    let Some(attach) = &workspace.attach else {
        return true;
    };
    let mirror = &tenant.get::<Integration>(&seen.place.0).unwrap().mirror;
    let names_folder = |id: &String| {
        let path = &mirror.folders[id].path;
        attach
            .iter()
            .any(|attached| attached == id || attached == path)
    };
    attach.iter().any(|attached| *attached == seen.place.1) || seen.folders.iter().any(names_folder)
}

/// What is published for a workspace.
fn naive_published(tenant: &Tenant, workspace: &Workspace) -> Vec<Seen> {
    let mut all = naive_all(tenant, Some(workspace));
    all.retain(|seen| {
        let mirror = &tenant.get::<Integration>(&seen.place.0).unwrap().mirror;
        !seen.granted_by.is_empty()
            && seen.enabled
            && mirror.connections[&seen.place.1].state == "ACTIVE"
            && naive_takes(tenant, workspace, seen)
    });
    all
}

/// Integration, ID and handle of each folder that holds any of `published`, with the handles of those, by handle.
fn naive_folders(
    tenant: &Tenant,
    published: &[Seen],
) -> Vec<(String, String, String, Vec<String>)> {
    let mut folders = vec![];
    for integration in tenant.each::<Integration>() {
        for id in integration.mirror.folders.keys() {
            let inside = published
                .iter()
                .filter(|seen| seen.place.0 == integration.id && seen.folders.contains(id));
            let handles: Vec<String> = inside.map(|seen| seen.handle.clone()).collect();
            if !handles.is_empty() {
                let handle = naive_handle(integration, id);
                folders.push((handle, integration.id.clone(), id.clone(), handles));
            }
        }
    }
    folders.sort();
    folders
}

fn naive_compare(before: &Tenant, after: &Tenant) -> Vec<WorkspaceImpact> {
    let names: BTreeSet<String> = [before, after]
        .iter()
        .flat_map(|tenant| tenant.each::<Workspace>().map(ToString::to_string))
        .collect();
    let mut impacts = vec![];
    for name in names {
        let side = |tenant: &Tenant| {
            let workspace = tenant.each::<Workspace>().find(|w| w.to_string() == name);
            let published = workspace
                .map(|w| naive_published(tenant, w))
                .unwrap_or_default();
            let formats: BTreeSet<String> = workspace
                .iter()
                .flat_map(|w| w.publish.keys().cloned())
                .collect();
            (naive_folders(tenant, &published), published, formats)
        };
        let (folders_before, old, formats_before) = side(before);
        let (folders_after, new, formats_after) = side(after);
        let affected_connection = |tenant: &Tenant, seen: &Seen| {
            let mirror = &tenant.get::<Integration>(&seen.place.0).unwrap().mirror;
            let connection = &mirror.connections[&seen.place.1];
            AffectedConnection {
                handle: seen.handle.clone(),
                account_id: seen.place.1.clone(),
                name: connection.name.clone(),
                path: connection.path.clone(),
            }
        };
        let has = |those: &[Seen], this: &Seen| those.iter().any(|seen| seen.place == this.place);
        let mut renamed = vec![];
        for (was, is) in old
            .iter()
            .flat_map(|was| new.iter().map(move |is| (was, is)))
        {
            if was.place == is.place && was.handle != is.handle {
                renamed.push(Renamed {
                    from: was.handle.clone(),
                    to: is.handle.clone(),
                    id: is.place.1.clone(),
                });
            }
        }
        for (was, is) in folders_before
            .iter()
            .flat_map(|was| folders_after.iter().map(move |is| (was, is)))
        {
            if (&was.1, &was.2) == (&is.1, &is.2) && was.0 != is.0 {
                renamed.push(Renamed {
                    from: was.0.clone(),
                    to: is.0.clone(),
                    id: is.2.clone(),
                });
            }
        }
        renamed.sort();
        let impact = WorkspaceImpact {
            workspace: name,
            formats: formats_before.union(&formats_after).cloned().collect(),
            gained: new
                .iter()
                .filter(|seen| !has(&old, seen))
                .map(|seen| affected_connection(after, seen))
                .collect(),
            lost: old
                .iter()
                .filter(|seen| !has(&new, seen))
                .map(|seen| affected_connection(before, seen))
                .collect(),
            renamed,
        };
        if !(impact.gained.is_empty() && impact.lost.is_empty() && impact.renamed.is_empty()) {
            impacts.push(impact);
        }
    }
    impacts
}

/// What a tenant shows to each of its workspaces, and in all, is what the naive evaluation says.
fn is_as_naive(tenant: &Tenant) -> Result<(), TestCaseError> {
    let resolved = Resolved::of(tenant);
    let all: Vec<Seen> = resolved.connections().iter().map(Seen::from).collect();
    prop_assert_eq!(all, naive_all(tenant, None));
    for workspace in tenant.each::<Workspace>() {
        let mut wanted = naive_all(tenant, Some(workspace));
        wanted.retain(|seen| !seen.granted_by.is_empty());
        let visible = resolved.visible(workspace);
        prop_assert_eq!(visible.iter().map(Seen::from).collect::<Vec<_>>(), wanted);
        for connection in &visible {
            prop_assert_eq!(
                is_attached(workspace, connection),
                naive_takes(tenant, workspace, &Seen::from(connection))
            );
        }
        let view = resolved.view(workspace);
        prop_assert_eq!(view.tenant, "acme");
        prop_assert_eq!(view.workspace, workspace);
        let published = naive_published(tenant, workspace);
        let seen: Vec<Seen> = view.connections.iter().map(Seen::from).collect();
        prop_assert_eq!(&seen, &published);
        let folders: Vec<_> = view
            .folders
            .iter()
            .map(|folder| {
                assert_eq!(&folder.integration.mirror.folders[folder.id], folder.folder);
                let connections = folder.connections.iter().map(|handle| (*handle).to_owned());
                (
                    folder.handle.to_owned(),
                    folder.integration.id.clone(),
                    folder.id.to_owned(),
                    connections.collect::<Vec<_>>(),
                )
            })
            .collect();
        prop_assert_eq!(folders, naive_folders(tenant, &published));
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(256))]

    /// Random trees, grants, overrides and workspaces, before and after random changes: every view, and what a change
    /// does to workspaces, is what the naive evaluation says.
    #[test]
    fn views_are_what_a_naive_evaluation_says(
        worlds in vec(world(), INTEGRATIONS),
        declared in declared(),
        kept_before in vec(proptest::bool::weighted(0.8), 20),
        kept_after in vec(proptest::bool::weighted(0.8), 20),
        organizations in vec(select(vec![None, Some("acme")]), INTEGRATIONS),
        changes in vec((0..INTEGRATIONS, change()), 0..6),
    ) {
        let mut worlds = worlds;
        for world in &mut worlds {
            world.initial.clear();
        }
        let before = tenant(&worlds, &declared, &kept_before, None);
        is_as_naive(&before)?;
        prop_assert_eq!(compare(&before, &before), vec![]);

        for (index, change) in &changes {
            worlds[*index].change(change);
            worlds[*index].initial.clear();
        }
        let declared = Declared { organizations, ..declared };
        let after = tenant(&worlds, &declared, &kept_after, Some(&before));
        is_as_naive(&after)?;
        prop_assert_eq!(compare(&before, &after), naive_compare(&before, &after));
        prop_assert_eq!(compare(&after, &before), naive_compare(&after, &before));
    }
}
