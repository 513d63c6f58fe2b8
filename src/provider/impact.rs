//! Warnings of what a change does to workspaces, before it is applied.

use std::collections::BTreeMap;

use crate::model::impact::{AffectedConnection, Renamed, WorkspaceImpact};
use terraform_plugin::diagnostics::Diagnostics;

use super::messages::listed;

/// Warns of connections that workspaces gain, lose or get under another handle: once for all workspaces with the same
/// changes.
pub(super) fn warn_of_impact(impacts: &[WorkspaceImpact], diagnostics: &mut Diagnostics) {
    type Changes<'a> = (
        &'a [AffectedConnection],
        &'a [AffectedConnection],
        &'a [Renamed],
    );
    let mut groups: BTreeMap<Changes<'_>, Vec<&WorkspaceImpact>> = BTreeMap::new();
    for impact in impacts {
        let changes = (&*impact.gained, &*impact.lost, &*impact.renamed);
        groups.entry(changes).or_default().push(impact);
    }
    for ((gained, lost, renamed), group) in groups {
        let counts: Vec<String> = [
            (gained.len(), "gained"),
            (lost.len(), "lost"),
            (renamed.len(), "renamed"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        let first = group.first().map_or("", |impact| impact.workspace.as_str());
        let workspaces = match group.len() {
            1 => first.to_owned(),
            2 => format!("{first} and 1 more workspace"),
            count => format!("{first} and {} more workspaces", count - 1),
        };
        // Terraform shows warnings with one summary as one, so each has its own.
        let summary = format!("Connections of {workspaces}: {}", counts.join(", "));
        let mut parts = Vec::new();
        if group.len() > 1 {
            let workspaces = listed(group.iter().map(|impact| &impact.workspace));
            parts.push(format!(
                "This change affects these workspaces:\n{workspaces}"
            ));
        }
        if !gained.is_empty() {
            parts.push(format!(
                "Gained, published with the apply, and usable where IAM allows it:\n{}",
                connections(gained)
            ));
        }
        if !lost.is_empty() {
            parts.push(format!(
                "Lost, gone from what is published with the apply:\n{}",
                connections(lost)
            ));
        }
        if !renamed.is_empty() {
            parts.push(renamings(renamed, &group));
        }
        diagnostics.warning(summary, parts.join("\n\n"));
    }
}

fn connections(connections: &[AffectedConnection]) -> String {
    listed(connections.iter().map(|connection| {
        let AffectedConnection {
            handle,
            account_id,
            name,
            path,
        } = connection;
        format!("{handle} ({account_id} {name:?} in {path})")
    }))
}

fn renamings(renamed: &[Renamed], group: &[&WorkspaceImpact]) -> String {
    let list = listed(
        renamed
            .iter()
            .map(|renamed| format!("{} -> {} ({})", renamed.from, renamed.to, renamed.id)),
    );
    let publishes = |format: &str| {
        let mut formats = group.iter().flat_map(|impact| &impact.formats);
        formats.any(|published| published == format)
    };
    let mut breaks = Vec::new();
    if publishes("aws_config") || publishes("steampipe") {
        breaks.push("commands that use --profile or AWS_PROFILE with the old name");
    }
    if publishes("steampipe") {
        breaks.push(
            "queries, dashboards, search paths and wildcards that name the old one (a connection is a schema in Steampipe)",
        );
    }
    if publishes("c7n_org") {
        breaks.push("c7n-org runs that pick the old name with -a, and their output directories");
    }
    let breaks = if breaks.is_empty() {
        "whatever names the old one".to_owned()
    } else {
        breaks.join("; ")
    };
    format!(
        "Renamed:\n{list}\nThis breaks {breaks}. To keep an old name, give it to the account or folder by an override with \
         handle."
    )
}
