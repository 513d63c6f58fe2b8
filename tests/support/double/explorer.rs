//! AWS Resource Explorer in the accounts of the organization: REST with JSON, an endpoint for all Regions. The Region is
//! the one that a call is signed for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State as Served;
use axum::http::{HeaderMap, Response, Uri};
use serde_json::{Map, Value, json};

use super::answers::{Caller, Page, caller, listed, signer};
use super::faults::{Failure, Faults};
use super::{Call, State, lock};

/// The API's limit on MaxResults.
const PAGE: usize = 100;

/// What Resource Explorer has in one account.
#[derive(Debug, Clone, Default)]
pub struct Explorer {
    /// By Region.
    pub indexes: BTreeMap<String, Index>,
    /// Regions that are switched off in the account.
    pub disabled_regions: BTreeSet<String>,
    /// When set, every call in the account is answered with this.
    pub refusal: Option<Failure>,
}

/// An index.
#[derive(Debug, Clone)]
pub struct Index {
    /// `LOCAL` or `AGGREGATOR`.
    pub kind: String,
    /// `CREATING`, `ACTIVE`, `DELETING`, `DELETED` or `UPDATING`; only those that are in use are listed.
    pub state: String,
    /// Whether its Region has a default view.
    pub default_view: bool,
}

impl Explorer {
    /// Active indexes in all `regions`, the first of them the aggregator; all with a default view.
    pub fn ready(regions: &[&str]) -> Self {
        let mut explorer = Self::default();
        for (number, region) in regions.iter().enumerate() {
            let kind = if number == 0 { "AGGREGATOR" } else { "LOCAL" };
            explorer.set(region, kind, "ACTIVE");
        }
        explorer
    }

    /// Puts an index with a default view into a Region.
    pub fn set(&mut self, region: &str, kind: &str, state: &str) {
        let index = Index {
            kind: kind.to_owned(),
            state: state.to_owned(),
            default_view: true,
        };
        self.indexes.insert(region.to_owned(), index);
    }
}

/// Answers one request.
pub(super) async fn answer(
    Served(state): Served<Arc<State>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let action = uri.path().trim_start_matches('/').to_owned();
    let input: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (access_key, region) = signer(&headers);
    let number = state.begin(Call {
        service: "resource-explorer-2",
        action: action.clone(),
        input: input.clone(),
        access_key: access_key.clone(),
        region: region.clone(),
        error: None,
        at: Instant::now(),
    });
    let delay = lock(&state.faults).delay(&action);
    if delay > Duration::ZERO {
        tokio::time::sleep(delay).await;
    }
    let outcome = decide(&state, &action, &input, access_key, region);
    state.end(number, outcome.as_ref().err());
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("x-amzn-RequestId", super::request_id(number));
    let response = match outcome {
        Ok(answer) => response.body(Body::from(answer.to_string())),
        Err(failure) => response
            .status(failure.status)
            .header("x-amzn-ErrorType", failure.code)
            .body(Body::from(
                json!({ "Message": failure.message }).to_string(),
            )),
    };
    response.expect("an answer with plain headers")
}

fn decide(
    state: &State,
    action: &str,
    input: &Value,
    access_key: String,
    region: String,
) -> Result<Value, Failure> {
    let organization = lock(&state.organization);
    let mut faults = lock(&state.faults);
    if let Some(failure) = faults.failure(action, false) {
        return Err(failure);
    }
    let caller = caller(state, &organization, true, access_key, region)?;
    if faults.is_denied(action) {
        return Err(denied(action, &caller));
    }
    let nothing = Explorer::default();
    let explorer = organization
        .explorers
        .get(&caller.account_id)
        .unwrap_or(&nothing);
    if let Some(refusal) = &explorer.refusal {
        return Err(refusal.clone());
    }
    if explorer.disabled_regions.contains(&caller.region) {
        return Err(Failure::new(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    explorer.answer(&mut faults, action, input, &caller, &organization.partition)
}

fn denied(action: &str, caller: &Caller) -> Failure {
    let action = format!("resource-explorer-2:{action}");
    Failure::new(
        403,
        "AccessDeniedException",
        &format!(
            "User: {} is not authorized to perform: {action} on resource: * because no identity-based policy allows the {action} action",
            caller.arn
        ),
    )
}

fn not_there() -> Failure {
    Failure::new(
        404,
        "ResourceNotFoundException",
        "The specified resource could not be found.",
    )
}

impl Explorer {
    fn answer(
        &self,
        faults: &mut Faults,
        action: &str,
        input: &Value,
        caller: &Caller,
        partition: &str,
    ) -> Result<Value, Failure> {
        let arn = |region: &str, resource: &str| {
            let account_id = &caller.account_id;
            format!("arn:{partition}:resource-explorer-2:{region}:{account_id}:{resource}")
        };
        let index_arn = |region: &str| arn(region, "index/00000000-0000-4000-8000-000000000001");
        let here = self.indexes.get(&caller.region);
        match action {
            "ListIndexes" => {
                let page = Page::read_within(PAGE, action, "", input)?;
                let in_use = self
                    .indexes
                    .iter()
                    .filter(|(_, index)| index.state == "ACTIVE");
                let regions = in_use.map(|(region, _)| region);
                let (regions, next) =
                    page.cut(faults, regions.filter(|region| **region > page.after));
                let indexes = regions.iter().map(|region| {
                    let kind = &self.indexes[*region].kind;
                    json!({ "Region": region, "Arn": index_arn(region), "Type": kind })
                });
                Ok(listed("Indexes", indexes.collect(), next))
            }
            "GetIndex" => {
                let index = here.ok_or_else(not_there)?;
                let mut answer = json!({
                    "Arn": index_arn(&caller.region),
                    "Type": index.kind,
                    "State": index.state,
                    "CreatedAt": "2026-01-02T03:04:05Z",
                    "LastUpdatedAt": "2026-01-02T03:04:05Z",
                    "Tags": {},
                });
                let others = self
                    .indexes
                    .iter()
                    .filter(|(region, _)| **region != caller.region);
                if index.kind == "AGGREGATOR" {
                    let regions: Vec<&String> = others.map(|(region, _)| region).collect();
                    answer["ReplicatingFrom"] = json!(regions);
                } else {
                    let mut aggregators = others.filter(|(_, index)| index.kind == "AGGREGATOR");
                    let regions: Vec<&String> =
                        aggregators.next().map(|it| it.0).into_iter().collect();
                    answer["ReplicatingTo"] = json!(regions);
                }
                Ok(answer)
            }
            "GetDefaultView" => {
                here.filter(|index| index.default_view)
                    .ok_or_else(not_there)?;
                let view = "view/all-resources/00000000-0000-4000-8000-000000000002";
                let mut answer = Map::new();
                answer.insert("ViewArn".to_owned(), json!(arn(&caller.region, view)));
                Ok(Value::Object(answer))
            }
            _ => Err(Failure::new(
                400,
                "ValidationException",
                &format!("The double does not know {action}."),
            )),
        }
    }
}
