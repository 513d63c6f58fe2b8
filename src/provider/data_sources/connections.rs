//! `data "orgmirror_connections"`: effective connections, and why they are visible.

mod state;

use std::collections::BTreeMap;

use async_trait::async_trait;
use describe::Field;

use crate::provider::catalog_ops::{open_catalog, read_document};
use crate::provider::data::Data;
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::Schema;

use state::{ConnectionEntry, State};

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct Connections;

#[async_trait]
impl DataSource for Connections {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "connections"
    }

    fn schema(&self) -> Schema {
        Schema::of::<State>(
            "Effective connections of the catalog: with overrides and inheritance worked out, under the handles they are \
             published under, each with the permissions that make it visible. Without arguments: all of the tenant.",
        )
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        mut config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(read_document(context.data).await)?;
        let selected = diagnostics.record(config.selection.of(&document, catalog))?;
        let entries = selected.connections.iter().map(|connection| {
            let entry = ConnectionEntry::of(connection, selected.is_published(connection));
            (connection.handle.to_owned(), entry)
        });
        config.connections = entries.collect::<BTreeMap<_, _>>().into_value();
        Some(config)
    }
}
