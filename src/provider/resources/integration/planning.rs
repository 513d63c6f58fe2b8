//! Planning an integration: pure, from configuration and prior state alone, so that what was reviewed is what is
//! applied.

use std::collections::BTreeMap;

use describe::{Known, whole};

use crate::model::checks::sentence;
use crate::model::grantee::Grantee;
use crate::model::mirror::{
    Desired, Inventory, MirrorError, MirrorValues, PlannedMirror, Previous, Reconciled, reconcile,
};
use crate::model::partition::{self, Claim};
use crate::model::removal_guard::{Removal, RemovalGuard, other_organization, removal};
use crate::provider::messages::listed;
use crate::provider::regions;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::path::Path;
use terraform_plugin::resource::Plan;
use terraform_plugin::value::Value;

use super::GIVEN_HANDLES;
use super::state::{State, claims_of_sso, region_of_sso, warn_of_another_region};

const REGIONS: &str = "connection_settings.regions";
const DEFAULT_REGION: &str = "connection_settings.default_region";

/// Rules between attributes.
pub(super) fn validate(config: &State, diagnostics: &mut Diagnostics) {
    refuse_without_accounts(config, diagnostics);
    if let (Value::Known(permissions), false) = (
        &config.integration.permissions,
        config.integration.organization.is_unknown(),
    ) {
        let organization = config.integration.organization.known().map(String::as_str);
        for grantee in permissions.iter().filter_map(Value::known) {
            let Ok(parsed) = grantee.parse::<Grantee>() else {
                // The schema has reported it.
                continue;
            };
            if let Err(error) = parsed.check_scope(organization) {
                diagnostics.error_at(
                    Path::of("permissions"),
                    "Grantee out of scope",
                    format!(
                        "{} Remove it from permissions, or leave organization out for an integration at tenant level.",
                        sentence(&error)
                    ),
                );
            }
        }
    }
    regions::refuse_two_partitions(claims(config), diagnostics);
    let names_owners =
        matches!(&config.integration.resource_owners, Value::Known(owners) if !owners.is_empty());
    let has_none = match &config.integration.owners {
        Value::Null => true,
        Value::Unknown => false,
        Value::Known(owners) => owners.is_empty(),
    };
    if names_owners && has_none {
        diagnostics.error_at(
            Path::of("resource_owners"),
            "Resource owners without owners",
            "resource_owners is set and owners is not. Accounts that have none of the tags fall back to the owners of \
             the integration, so those are required. Set owners.",
        );
    }
}

fn organization(state: &State) -> String {
    match &state.integration.organization {
        Value::Null => "none".to_owned(),
        Value::Unknown => "one that is not known yet".to_owned(),
        Value::Known(handle) => format!("{handle:?}"),
    }
}

/// Completes the plan of a creation or change.
pub(super) fn plan(plan: &mut Plan<State>, diagnostics: &mut Diagnostics) {
    let prior_mirror = plan.prior.as_ref().and_then(State::mirror);
    if let Some(prior) = &plan.prior
        && prior.integration.organization != plan.planned.integration.organization
    {
        let what = format!(
            "replace it, because organization changes from {} to {} (if it was changed in the catalog by hand, correct \
             it there)",
            organization(prior),
            organization(&plan.planned)
        );
        refuse_if_protected(prior, &what, diagnostics);
    }
    if plan.config.integration.removal_guard.is_null() {
        plan.planned.integration.removal_guard =
            Value::Known(RemovalGuard::default().into_planned());
    }
    refuse_without_accounts(&plan.config, diagnostics);
    if diagnostics.has_errors() {
        return;
    }
    let argument = std::mem::take(&mut plan.config.aws_organization);
    let inventory = match (argument, &prior_mirror) {
        (Value::Known(argument), _) => argument.inventory(),
        (Value::Unknown, _) => None,
        (Value::Null, None) => {
            diagnostics.error_at(
                Path::of("aws_organization"),
                "No AWS organization to mirror",
                "aws_organization is null, and there is nothing to mirror without it. Set it to \
                 data.orgmirror_aws_organization.NAME, or to accounts written by hand: { accounts = { \"111122223333\" = \
                 { name = \"sandbox\" } } }.",
            );
            return;
        }
        (Value::Null, Some(prior)) => {
            diagnostics.warning_at(
                Path::of("aws_organization"),
                "The tree is kept as it is",
                "aws_organization is null (by ignore_changes, or because it was removed), so this plan follows no change \
                 of the AWS organization. Set it to data.orgmirror_aws_organization.NAME to follow it again.",
            );
            let region = plan.prior.as_ref().and_then(State::settings);
            let region = region.and_then(|settings| settings.default_region.known());
            Some(Inventory::of_mirror(prior, region.map(String::as_str)))
        }
    };
    let Some(inventory) = inventory else {
        defer(plan, prior_mirror.as_ref(), diagnostics);
        return;
    };
    plan_default_region(plan, &inventory);
    check_regions(plan, &inventory, diagnostics);
    match reconciled(plan, &inventory, prior_mirror.as_ref()) {
        Ok(mut next) => {
            if let Some(prior) = &prior_mirror {
                keep_organization(prior, &mut next.mirror);
                guard(plan, prior, &next.mirror, diagnostics);
            }
            keep_given_handles(plan, &next.given_handles);
            plan.planned.set_mirror(next.mirror);
        }
        Err(error) => refuse_inventory(&error, diagnostics),
    }
}

/// Terraform drops attributes that it does not know, so a misspelt `accounts` would empty the tree without a word.
fn refuse_without_accounts(config: &State, diagnostics: &mut Diagnostics) {
    if let Value::Known(argument) = &config.aws_organization
        && argument.lacks_accounts()
    {
        diagnostics.error_at(
            Path::of("aws_organization"),
            "No accounts in the snapshot",
            "aws_organization has no accounts, or null for them; Terraform drops attributes with other names. Set \
             aws_organization.accounts to a map of accounts by ID; to mirror none, write accounts = {}.",
        );
    }
}

/// A plan without the snapshot's structure knows nothing of the tree.
fn defer(plan: &mut Plan<State>, prior: Option<&PlannedMirror>, diagnostics: &mut Diagnostics) {
    let planned = &mut plan.planned;
    planned.integration.mirror = MirrorValues {
        aws_organization_id: Value::Unknown,
        folders: Value::Unknown,
        connections: Value::Unknown,
    };
    let configured = plan
        .config
        .settings()
        .map(|settings| &settings.default_region);
    if let Value::Known(settings) = &mut planned.integration.connection_settings
        && configured.is_some_and(Value::is_null)
    {
        settings.default_region = Value::Unknown;
    }
    let count = prior.map_or(0, |prior| prior.connections.len());
    if count > 0 {
        diagnostics.warning_at(
            Path::of("aws_organization"),
            "The plan cannot show the tree",
            format!(
                "The snapshot will only be known during the apply, so this plan cannot show what changes in the tree \
                 ({count} connections now); the removal guard is checked again then. The data source waits where it \
                 depends on a resource with pending changes, by a reference or by depends_on. To review the tree, give \
                 it role ARNs and other arguments as literals or variables, and remove depends_on; or apply the other \
                 resource first, and plan again."
            ),
        );
    }
}

/// The default region follows the partition where none is configured.
fn plan_default_region(plan: &mut Plan<State>, inventory: &Inventory) {
    let configured = plan
        .config
        .settings()
        .map(|settings| settings.default_region.clone());
    let Value::Known(settings) = &mut plan.planned.integration.connection_settings else {
        return;
    };
    if configured.is_some_and(|region| region.is_null()) {
        let partition = inventory.partition.clone().or(|| partition::AWS.to_owned());
        settings.default_region =
            partition.map(|partition| partition::default_region(&partition).to_owned());
    }
}

/// What says which partition the accounts are in, besides the snapshot.
fn claims(state: &State) -> impl Iterator<Item = Claim<'_>> {
    let settings = state.settings().into_iter();
    let of_settings = settings.flat_map(|settings| {
        regions::claims(REGIONS, &settings.regions)
            .chain(regions::claim(DEFAULT_REGION, &settings.default_region))
    });
    let sso = state.integration.sso.known().into_iter();
    of_settings.chain(sso.flat_map(claims_of_sso))
}

/// Refuses what is in another partition than the inventory, and warns of Regions that may not be meant where they change.
fn check_regions(plan: &Plan<State>, inventory: &Inventory, diagnostics: &mut Diagnostics) {
    let configured = plan.config.settings();
    let unknown = Value::Unknown;
    let configured = configured.map_or(&unknown, |settings| &settings.default_region);
    let Value::Known(partition) = inventory.partition_with(configured) else {
        return;
    };
    regions::refuse_other_partition(&partition, claims(&plan.planned), diagnostics);
    let before: Vec<_> = plan.prior.iter().flat_map(named).collect();
    let new = named(&plan.planned).filter(|region| !before.contains(region));
    regions::warn_of_regions(Some(&partition), new, diagnostics);
    if plan.prior.as_ref().map(|prior| &prior.integration.sso)
        != Some(&plan.planned.integration.sso)
        && let Some(sso) = plan.planned.integration.sso.known()
    {
        warn_of_another_region(sso, diagnostics);
    }
}

/// All names and globs of regions, each with its attribute.
fn named(state: &State) -> impl Iterator<Item = (&'static str, &str)> {
    let settings = state.settings().into_iter();
    let of_settings = settings.flat_map(|settings| {
        regions::each(
            (REGIONS, &settings.regions),
            (DEFAULT_REGION, &settings.default_region),
        )
    });
    of_settings.chain(state.integration.sso.known().and_then(region_of_sso))
}

fn reconciled(
    plan: &Plan<State>,
    inventory: &Inventory,
    prior_mirror: Option<&PlannedMirror>,
) -> Result<Reconciled, MirrorError> {
    let planned = &plan.planned;
    let settings = planned.settings();
    let unknown = Value::Unknown;
    let default_region = plan
        .config
        .settings()
        .map_or(&unknown, |settings| &settings.default_region);
    let desired = Desired {
        inventory,
        handle: planned.integration.handle.clone(),
        prefix: planned.integration.handle_prefix.clone(),
        initial_handles: whole(&planned.integration.initial_handles),
        role_name: settings.map_or(Value::Unknown, |settings| settings.role_name.clone()),
        default_region: default_region.clone(),
        sso: whole(&planned.integration.sso),
        owners: whole(&planned.integration.owners),
        resource_owners: whole(&planned.integration.resource_owners),
    };
    let given_handles: BTreeMap<String, String> =
        plan.private.get(GIVEN_HANDLES).unwrap_or_default();
    let previous = plan
        .prior
        .as_ref()
        .zip(prior_mirror)
        .map(|(state, mirror)| Previous {
            mirror,
            handle: state.integration.handle.known().map_or("", String::as_str),
            prefix: state
                .integration
                .handle_prefix
                .known()
                .map_or("", String::as_str),
            given_handles: &given_handles,
        });
    reconcile(&desired, previous.as_ref())
}

/// An integration mirrors one AWS organization for good, also where a snapshot merged in HCL does not say which: else
/// the next snapshot could be of any.
fn keep_organization(prior: &PlannedMirror, next: &mut PlannedMirror) {
    if next.aws_organization_id.is_null() {
        next.aws_organization_id = prior.aws_organization_id.clone();
    }
}

fn keep_given_handles(plan: &mut Plan<State>, given: &BTreeMap<String, String>) {
    if given.is_empty() {
        plan.private.remove(GIVEN_HANDLES);
    } else {
        plan.private.set(GIVEN_HANDLES, given);
    }
}

fn guard(
    plan: &Plan<State>,
    prior: &PlannedMirror,
    next: &PlannedMirror,
    diagnostics: &mut Diagnostics,
) {
    if let Some((was, is)) = other_organization(prior, next) {
        diagnostics.error_at(
            Path::of("aws_organization"),
            "Another AWS organization",
            format!(
                "This integration mirrors the AWS organization {was}, and aws_organization is now of {is}. That is what \
                 a wrong profile or role looks like: check whose credentials the data source uses. An integration \
                 mirrors one AWS organization for good; for another one, add another integration."
            ),
        );
        return;
    }
    if let Some(removal) = removal(prior, next, plan.planned.guard()) {
        diagnostics.error_at(
            Path::of("aws_organization"),
            "Too many connections would be removed",
            removal_text(&removal),
        );
    }
}

fn removal_text(removal: &Removal) -> String {
    let count = removal.removed.len();
    let list = listed(removal.removed.iter().map(|removed| {
        let (id, handle, name) = (&removed.account_id, &removed.handle, &removed.name);
        format!("{id} {handle} ({name:?})")
    }));
    format!(
        "This plan would remove {count} of {held} connections ({percent} %); removal_guard stops above {allowed_percent} \
         % or {allowed_count}. That is what a wide exclude, a wrong profile or a lost permission looks like. It would \
         remove:\n{list}\n\nIf that is what you want, allow it in this integration for this one apply: removal_guard = {{ \
         percent = {percent}, count = {allow_count} }}. If you are destroying, use terraform destroy -refresh=false.",
        held = removal.held,
        percent = removal.percent(),
        allowed_percent = removal.guard.percent,
        allowed_count = removal.guard.count,
        allow_count = i64::try_from(count)
            .unwrap_or(i64::MAX)
            .max(removal.guard.count),
    )
}

fn refuse_inventory(error: &MirrorError, diagnostics: &mut Diagnostics) {
    let (path, summary, fix) = match error {
        MirrorError::AccountId { .. } => (
            Path::of("aws_organization").attribute("accounts"),
            "Not an account ID",
            "Use the account's ID as the key, as a string with its leading zeros.",
        ),
        MirrorError::UnitId { .. } => (
            Path::of("aws_organization").attribute("organizational_units"),
            "Not an ID of an OU",
            "Use the OU's ID as the key.",
        ),
        MirrorError::MissingParents(_) => (
            Path::of("aws_organization"),
            "Parent not in the snapshot",
            "Add the OU to organizational_units, correct parent_id, or leave it out for the root. Where the snapshot is \
             filtered in HCL, keep the ancestors of what stays.",
        ),
        MirrorError::Cycle(_) => (
            Path::of("aws_organization").attribute("organizational_units"),
            "Cycle of OUs",
            "Correct their parent_id.",
        ),
        MirrorError::JoinedAt { .. } => (
            Path::of("aws_organization").attribute("accounts"),
            "Not a time",
            "Write it like \"2026-01-31T00:00:00Z\", or leave it out.",
        ),
        MirrorError::InitialHandleKey { .. }
        | MirrorError::InitialHandle { .. }
        | MirrorError::InitialHandleTwice { .. }
        | MirrorError::InitialHandleTaken { .. } => (
            Path::of("initial_handles"),
            "Initial handle cannot be given",
            "Choose another handle for that account, or remove the entry.",
        ),
        MirrorError::TagsNotRead(_) => (
            Path::of("resource_owners"),
            "Tags were not read",
            "Set include_tags = true in data.orgmirror_aws_organization, or give the accounts tags.",
        ),
        MirrorError::ResourceOwnersWithoutOwners => (
            Path::of("resource_owners"),
            "Resource owners without owners",
            "Set owners.",
        ),
    };
    diagnostics.error_at(path, summary, format!("{} {fix}", sentence(error)));
}

/// Refuses where the state protects the integration.
pub(super) fn refuse_if_protected(prior: &State, what: &str, diagnostics: &mut Diagnostics) {
    if prior.integration.deletion_protection == Value::Known(false) {
        return;
    }
    let handle = prior.integration.handle.known().map_or("", String::as_str);
    diagnostics.error_at(
        Path::of("deletion_protection"),
        "The integration is protected",
        format!(
            "The integration {handle:?} has deletion_protection, and this plan would {what}: its folders, connections, \
             permissions and what is published for them would be gone. If that is what you want, set deletion_protection \
             = false, apply that first, and plan again."
        ),
    );
}
