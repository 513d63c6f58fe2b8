//! `data "orgmirror_resource_explorer"`: readiness for searching resources in many Regions.

mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use describe::{Known, whole};
use tokio_util::sync::CancellationToken;

use crate::aws::resource_explorer::{Reading, ReadingError, SERVICE_PRINCIPAL};
use crate::aws::{ConnectError, Discovered, DiscoveryError, Options, Session, Settings};
use crate::catalog::{Catalog, Document};
use crate::model::checks;
use crate::model::mirror::ACTIVE;
use crate::model::objects::Integration;
use crate::model::partition;
use crate::model::readiness::{Indexes, Readings, WantedIndexes};
use crate::model::service_control::{Obstacles, ServiceControlPolicies};
use crate::model::snapshot::{Selection, Snapshot};
use crate::model::visibility::EffectiveConnection;
use crate::provider::catalog_ops::{open_catalog, read_document};
use crate::provider::data::Data;
use crate::provider::selection;
use crate::provider::timeouts::read_timeout;
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use super::aws_organization::{failed, not_selected};
use super::connection_test::target;
use state::{Arguments, Found, Results, State};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// The feature set without which an AWS organization has neither trusted access nor policies.
const ALL_FEATURES: &str = "ALL";

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct ResourceExplorer;

#[async_trait]
impl DataSource for ResourceExplorer {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "resource_explorer"
    }

    fn schema(&self) -> Schema {
        Schema::of::<State>(
            "Whether accounts are ready for searching their resources in many Regions with AWS Resource Explorer: trusted \
             access, an index in each wanted Region and none elsewhere, the aggregator and its default view, and service \
             control policies that stand in the way. Each account is asked through the role of its connection, which the \
             provider's credentials assume. What is not as it should be is a result, not an error. [The \
             guide](../guides/resource-explorer.md) says what to do about it.",
        )
    }

    fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        let arguments = &config.arguments;
        let aggregator = arguments.aggregator_region.known();
        let regions = whole::<BTreeSet<String>>(&arguments.regions).into_known();
        let (Some(aggregator), Some(regions)) = (aggregator, regions) else {
            return;
        };
        let expected = partition::of_region(aggregator);
        if let Some(other) = regions
            .iter()
            .find(|region| partition::of_region(region) != expected)
        {
            diagnostics.error_at(
                Path::of("regions"),
                "Regions in several partitions",
                format!(
                    "regions holds {other:?} of the partition {}, and aggregator_region {aggregator:?} is of {expected}. An \
                     aggregator index gathers Regions of its own partition only. Ask for each partition in a data source \
                     of its own.",
                    partition::of_region(other)
                ),
            );
        }
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(read_document(context.data).await)?;
        let timeout = read_timeout(&config.arguments.timeouts).unwrap_or(DEFAULT_TIMEOUT);
        let look = Look {
            data: context.data,
            cancelled: context.cancelled,
            arguments: &config.arguments,
            timeout,
        };
        let looked = tokio::select! {
            biased;
            () = context.cancelled.cancelled() => Err(Diagnostic::error(
                "Resource Explorer check cancelled",
                "Nothing is known about it. Plan again to look at it.",
            )),
            looked = tokio::time::timeout(timeout, look.look(catalog, &document)) => {
                looked.unwrap_or_else(|_| Err(too_late(timeout)))
            }
        };
        let found = diagnostics.record(looked)?;
        Some(State {
            results: Results::from(found).into_planned(),
            ..config
        })
    }
}

/// One reading in the making.
struct Look<'a> {
    data: &'a Data,
    cancelled: &'a CancellationToken,
    arguments: &'a Arguments,
    timeout: Duration,
}

/// What there is to know of the AWS organization before its policies.
struct Organization {
    settings: Settings,
    discovered: Arc<Discovered>,
}

impl Look<'_> {
    async fn look(&self, catalog: &Catalog, document: &Document) -> Result<Found, Diagnostic> {
        let selection = selection::Selection {
            integration_id: self.arguments.integration_id.clone(),
            ..selection::Selection::default()
        };
        let integration = selection.integration(document, catalog)?;
        let connections = selection.of(document, catalog)?.connections;

        let wanted = self.wanted_indexes();
        let organization = self.organization(integration, &wanted).await?;
        let snapshot = organization
            .as_ref()
            .map(|known| &known.discovered.snapshot);
        let scope = self.scope(snapshot)?;
        let is_asked = |connection: &&EffectiveConnection<'_>| {
            scope
                .as_ref()
                .is_none_or(|accounts| accounts.contains(connection.account_id))
        };
        let asked: Vec<_> = connections.iter().filter(is_asked).collect();
        let (read, skipped): (Vec<_>, Vec<_>) = asked
            .into_iter()
            .partition(|connection| connection.is_publishable());
        let mut skipped_ids: BTreeSet<String> =
            skipped.iter().map(|it| it.account_id.to_owned()).collect();
        skipped_ids.extend(without_connection(snapshot, scope.as_ref(), &connections));

        let (controls, accounts) = tokio::try_join!(
            controls(organization.as_ref(), self.timeout),
            self.accounts(&read, &wanted)
        )?;
        let handles = read.iter().map(|connection| {
            (
                connection.account_id.to_owned(),
                connection.handle.to_owned(),
            )
        });
        Ok(Found {
            handles: handles.collect(),
            skipped: skipped_ids,
            readings: Readings {
                trusted_access: organization.is_some().then_some(controls.trusted_access),
                obstacles: obstacles(snapshot, controls.policies.as_ref(), &read, &wanted),
                accounts,
            },
            wanted,
        })
    }

    fn wanted_indexes(&self) -> WantedIndexes {
        let aggregator_region = self
            .arguments
            .aggregator_region
            .known()
            .cloned()
            .unwrap_or_default();
        let regions = whole::<BTreeSet<String>>(&self.arguments.regions).into_known();
        let mut regions = regions.unwrap_or_default();
        regions.insert(aggregator_region.clone());
        WantedIndexes {
            aggregator_region,
            regions,
        }
    }

    /// The AWS organization of an integration; none of one with hand-written accounts.
    async fn organization(
        &self,
        integration: Option<&Integration>,
        wanted: &WantedIndexes,
    ) -> Result<Option<Organization>, Diagnostic> {
        let Some(integration) = integration else {
            return Ok(None);
        };
        let Some(mirrored) = &integration.mirror.aws_organization_id else {
            return Ok(None);
        };
        let settings = self
            .data
            .settings_with(&self.arguments.replacement)
            .map_err(|unknown| unknown.diagnostic("Reading the AWS organization"))?;
        // As the snapshot's data source reads it, so that one reading serves both.
        let options = Options {
            key_age: self.data.credential_rotation_days().is_some(),
            timeout: self.timeout,
            ..Options::default()
        };
        let reader = self.data.reader();
        let discovered = reader
            .read(&settings, &options, self.cancelled)
            .await
            .map_err(|error| failed(&error))?;
        let snapshot = &discovered.snapshot;
        if snapshot.id != *mirrored {
            return Err(another_organization(snapshot, integration, mirrored));
        }
        let partition = partition::of_region(&wanted.aggregator_region);
        if snapshot.partition != partition {
            return Err(another_partition(snapshot, wanted, partition));
        }
        Ok(Some(Organization {
            settings,
            discovered,
        }))
    }

    /// The accounts that are asked for; none: all of the integration.
    fn scope(&self, snapshot: Option<&Snapshot>) -> Result<Option<BTreeSet<String>>, Diagnostic> {
        let unit_ids = whole::<BTreeSet<String>>(&self.arguments.organizational_unit_ids);
        let Value::Known(unit_ids) = unit_ids else {
            return Ok(None);
        };
        let Some(snapshot) = snapshot else {
            return Err(without_organization());
        };
        let selection = Selection {
            organizational_unit_ids: Some(unit_ids),
            ..Selection::default()
        };
        let selected = snapshot
            .select(&selection)
            .map_err(|error| not_selected(&error))?;
        Ok(Some(selected.snapshot.accounts.into_keys().collect()))
    }

    async fn accounts(
        &self,
        connections: &[&EffectiveConnection<'_>],
        wanted: &WantedIndexes,
    ) -> Result<BTreeMap<String, Result<Indexes, String>>, Diagnostic> {
        if connections.is_empty() {
            return Ok(BTreeMap::new());
        }
        let settings = self
            .data
            .settings(&[])
            .map_err(|unknown| unknown.diagnostic("The Resource Explorer check"))?;
        let concurrency = self.arguments.concurrency.at_once();
        let read = async {
            let session = Session::open(settings, self.timeout).await?;
            let targets = connections.iter().map(|connection| target(connection));
            session
                .indexes(targets.collect(), wanted, concurrency)
                .await
        };
        let read = read.await.map_err(|error| not_connected(&error))?;
        Ok(read
            .into_iter()
            .map(|(account_id, reading)| (account_id, in_words(reading)))
            .collect())
    }
}

/// What AWS Organizations says of services and policies.
#[derive(Default)]
struct Controls {
    trusted_access: bool,
    policies: Option<ServiceControlPolicies>,
}

async fn controls(
    organization: Option<&Organization>,
    timeout: Duration,
) -> Result<Controls, Diagnostic> {
    let Some(Organization {
        settings,
        discovered,
    }) = organization
    else {
        return Ok(Controls::default());
    };
    if discovered.snapshot.feature_set != ALL_FEATURES {
        return Ok(Controls::default());
    }
    let read = async {
        let session = Session::open(settings, timeout).await?;
        let (trusted_access, policies) = tokio::try_join!(
            session.has_trusted_access(SERVICE_PRINCIPAL),
            session.service_control_policies()
        )?;
        Ok(Controls {
            trusted_access,
            policies,
        })
    };
    read.await.map_err(|error| failed(&error))
}

/// Active accounts of the AWS organization that are asked for and have no connection.
fn without_connection(
    snapshot: Option<&Snapshot>,
    scope: Option<&BTreeSet<String>>,
    connections: &[EffectiveConnection<'_>],
) -> Vec<String> {
    let connected: BTreeSet<&str> = connections.iter().map(|it| it.account_id).collect();
    let accounts = snapshot.into_iter().flat_map(|snapshot| &snapshot.accounts);
    accounts
        .filter(|(id, account)| {
            account.state == ACTIVE
                && !connected.contains(id.as_str())
                && scope.is_none_or(|accounts| accounts.contains(*id))
        })
        .map(|(id, _)| id.clone())
        .collect()
}

/// What policies stop in the accounts. The management account is not subject to them, and accounts from elsewhere are
/// subject to others.
fn obstacles(
    snapshot: Option<&Snapshot>,
    policies: Option<&ServiceControlPolicies>,
    connections: &[&EffectiveConnection<'_>],
    wanted: &WantedIndexes,
) -> Obstacles {
    let (Some(snapshot), Some(policies)) = (snapshot, policies) else {
        return Obstacles::new();
    };
    let accounts = connections
        .iter()
        .map(|connection| connection.account_id)
        .filter(|id| *id != snapshot.management_account_id)
        .filter_map(|id| Some((id, snapshot.ids_to(id)?)));
    let regions = wanted.regions.iter().map(String::as_str).collect();
    policies.obstacles(accounts, &snapshot.partition, &regions)
}

fn in_words(reading: Reading) -> Result<Indexes, String> {
    let words = |error: ReadingError| format!("{} {}", checks::sentence(&error), error.fix());
    let indexes = reading.map_err(words)?;
    Ok(indexes
        .into_iter()
        .map(|(region, index)| (region, index.map_err(words)))
        .collect())
}

fn not_connected(error: &ConnectError) -> Diagnostic {
    failed(&DiscoveryError::Connect(error.clone()))
}

fn too_late(timeout: Duration) -> Diagnostic {
    Diagnostic::error(
        "Resource Explorer check timed out",
        format!(
            "Not all accounts had answered within {} seconds. Allow more time with timeouts = {{ read = \"...\" }}, raise \
             concurrency, or ask for some OUs at a time with organizational_unit_ids.",
            timeout.as_secs_f64().ceil()
        ),
    )
}

fn another_organization(snapshot: &Snapshot, integration: &Integration, id: &str) -> Diagnostic {
    Diagnostic::error(
        "Credentials of another AWS organization",
        format!(
            "The credentials are of the AWS organization {}, and the integration {:?} mirrors {id}. Use credentials of that \
             one (assume_role or profile), or give the ID of the integration that mirrors {}.",
            snapshot.id, integration.handle, snapshot.id
        ),
    )
    .at(Path::of("integration_id"))
}

fn another_partition(snapshot: &Snapshot, wanted: &WantedIndexes, partition: &str) -> Diagnostic {
    Diagnostic::error(
        "Region in another partition",
        format!(
            "aggregator_region is {:?}, of the partition {partition}, and the AWS organization {} is in {}. Give a Region of \
             that partition.",
            wanted.aggregator_region, snapshot.id, snapshot.partition
        ),
    )
    .at(Path::of("aggregator_region"))
}

fn without_organization() -> Diagnostic {
    Diagnostic::error(
        "The integration has no AWS organization",
        "organizational_unit_ids selects OUs of an AWS organization, and the integration mirrors accounts that are written \
         by hand. Leave organizational_unit_ids out to ask all its accounts.",
    )
    .at(Path::of("organizational_unit_ids"))
}
