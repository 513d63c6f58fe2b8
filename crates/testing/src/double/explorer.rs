//! AWS Resource Explorer in the accounts of the organization.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::answers::{Caller, Page, listed};
use super::faults::{Failure, Faults};
use super::organization::Organization;

/// The API's limit on MaxResults, which is also its default here.
const PAGE: u64 = 100;

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

/// The answer to a call, in the Region that it is signed for.
pub(super) fn answer(
    organization: &Organization,
    faults: &mut Faults,
    action: &str,
    input: &Value,
    caller: &Caller,
) -> Result<Value, Failure> {
    let nothing = Explorer::default();
    let explorer = organization.explorers.get(&caller.account_id);
    let explorer = explorer.unwrap_or(&nothing);
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
    let partition = &organization.partition;
    explorer.answer(faults, action, input, caller, partition)
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
                let invalid = |what: &str| Failure::new(400, "ValidationException", what);
                let limit = match input.get("MaxResults") {
                    None | Some(Value::Null) => PAGE,
                    Some(limit) => limit
                        .as_u64()
                        .filter(|limit| (1..=PAGE).contains(limit))
                        .ok_or_else(|| invalid("MaxResults is from 1 to 100."))?,
                };
                let token = input.get("NextToken").and_then(Value::as_str);
                let page = Page::at(action.to_owned(), token, limit as usize)
                    .ok_or_else(|| invalid("The pagination token is invalid."))?;
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
                Ok(json!({ "ViewArn": arn(&caller.region, view) }))
            }
            _ => Err(Failure::new(
                400,
                "ValidationException",
                &format!("The double does not know {action}."),
            )),
        }
    }
}
