//! The model against a slow, obvious one, over generated organizations and sequences of changes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod generate;
mod handle_assignment;
mod properties;
mod reference;
mod visibility;
mod world;

use std::collections::BTreeMap;

use orgmirror::model::handle_assignment::effective_handle;
use orgmirror::model::mirror::Mirror;
use orgmirror::model::objects::Integration;
use orgmirror_testing::objects::{integration_of, settings};
use proptest::prelude::ProptestConfig;

use world::World;

/// So many cases of a property.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // What failed once becomes a test of its own, not a file of seeds.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Derived handles by OU and account ID.
fn all_handles(mirror: &Mirror) -> BTreeMap<String, String> {
    let folders = mirror
        .folders
        .iter()
        .map(|(id, folder)| (id, &folder.derived_handle));
    let connections = mirror
        .connections
        .iter()
        .map(|(id, connection)| (id, &connection.derived_handle));
    folders
        .chain(connections)
        .map(|(id, handle)| (id.clone(), handle.clone()))
        .collect()
}

/// The integration of a world's mirror.
fn integration(id: &str, world: &World, mirror: Mirror) -> Integration {
    Integration {
        handle_prefix: Some(world.prefix.clone()),
        connection_settings: settings(&world.role, None),
        ..integration_of(id, &world.handle, mirror)
    }
}

/// Published handles by OU and account ID.
fn effective_handles(integration: &Integration) -> BTreeMap<String, String> {
    all_handles(&integration.mirror)
        .into_keys()
        .map(|id| {
            let handle = effective_handle(integration, &id).unwrap().to_owned();
            (id, handle)
        })
        .collect()
}
