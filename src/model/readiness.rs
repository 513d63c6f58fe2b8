//! Whether accounts are ready for searching their resources in many Regions with AWS Resource Explorer.
//!
//! An index in a Region lists its resources. The aggregator index lists those of all Regions, and users search in its default
//! view: <https://docs.aws.amazon.com/resource-explorer/latest/userguide/manage-aggregator-region.html>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::service_control::{Obstacle, Obstacles};

/// Accounts that a problem names.
const NAMED: usize = 10;
/// The type of the index that gathers those of the other Regions.
const AGGREGATOR: &str = "AGGREGATOR";
/// The state of an index that is in use.
const ACTIVE: &str = "ACTIVE";
/// The state of an index that is being deleted.
const DELETING: &str = "DELETING";
/// The state of a deleted index.
const DELETED: &str = "DELETED";

/// The Regions that should have an index; no other Region should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedIndexes {
    /// The Region of the aggregator.
    pub aggregator_region: String,
    /// All of them, including that of the aggregator.
    pub regions: BTreeSet<String>,
}

/// An index, as Resource Explorer describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// `LOCAL` or `AGGREGATOR`.
    pub kind: String,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `DELETED`.
    pub state: String,
    /// The view for searches in the Region that name no view, if there is one.
    pub default_view_arn: Option<String>,
}

/// The indexes of an account by Region, or why a Region could not be read. Regions without an index are absent.
pub type Indexes<E = String> = BTreeMap<String, Result<Index, E>>;

/// The readings of an AWS organization and its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// Whether Resource Explorer has trusted access; none: there is no AWS organization.
    pub trusted_access: Option<bool>,
    /// By account ID the indexes, or why the account could not be read.
    pub accounts: BTreeMap<String, Result<Indexes, String>>,
    /// Actions that service control policies stop in the accounts.
    pub obstacles: Obstacles,
}

/// The problems that keep accounts from being ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readiness {
    /// All problems, each with its accounts. Empty: all accounts are ready.
    pub problems: Vec<String>,
    /// The problems of each account, by the account's ID.
    pub accounts: BTreeMap<String, Vec<String>>,
}

/// Finds the problems in readings.
pub fn readiness(readings: &Readings, wanted: &WantedIndexes) -> Readiness {
    let mut readiness = Readiness::default();
    if readings.trusted_access == Some(false) {
        readiness.problems.push(
            "Resource Explorer has no trusted access to the AWS organization, which searching across accounts needs"
                .to_owned(),
        );
    }
    let mut having: BTreeMap<IndexProblem, (Vec<&str>, Option<&str>)> = BTreeMap::new();
    for (account_id, indexes) in &readings.accounts {
        let mut words = Vec::new();
        for (problem, error) in problems(indexes, wanted) {
            words.push(with_error(&problem, error));
            let (account_ids, first_error) = having.entry(problem).or_default();
            account_ids.push(account_id);
            *first_error = first_error.or(error);
        }
        readiness.accounts.insert(account_id.clone(), words);
    }
    for (problem, (account_ids, error)) in having {
        let who = accounts(&account_ids);
        let example = match (error, account_ids.len()) {
            (Some(error), 2..) => format!(" The first one: {error}"),
            (Some(error), _) => format!(" {error}"),
            (None, _) => String::new(),
        };
        readiness
            .problems
            .push(format!("{problem}: {who}{example}"));
    }
    for (place, stopped) in &readings.obstacles {
        if !place.verdict.is_problem() {
            continue;
        }
        let obstacle = Obstacle(place, stopped).to_string();
        let account_ids: Vec<&str> = stopped.account_ids.iter().map(String::as_str).collect();
        for account_id in &account_ids {
            if let Some(words) = readiness.accounts.get_mut(*account_id) {
                words.push(obstacle.clone());
            }
        }
        readiness
            .problems
            .push(format!("{obstacle}: {}", accounts(&account_ids)));
    }
    readiness
}

fn with_error(problem: &IndexProblem, error: Option<&str>) -> String {
    match error {
        Some(error) => format!("{problem}: {error}"),
        None => problem.to_string(),
    }
}

/// Accounts in a sentence; beyond some, how many more there are.
fn accounts(ids: &[&str]) -> String {
    let named = ids
        .iter()
        .copied()
        .take(NAMED)
        .collect::<Vec<_>>()
        .join(", ");
    match ids.len() {
        1 => format!("account {named}."),
        count @ ..=NAMED => format!("{count} accounts ({named})."),
        count => format!("{count} accounts ({named} and {} more).", count - NAMED),
    }
}

/// One thing that is not as it should be in an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum IndexProblem {
    /// Nothing is known of the account.
    NotRead,
    /// Nothing is known of a Region.
    RegionNotRead {
        /// The Region.
        region: String,
    },
    /// No index where one is wanted.
    NoIndex {
        /// The Region.
        region: String,
    },
    /// An index that is not in use yet, or not any more.
    NotActive {
        /// The Region.
        region: String,
        /// Its state.
        state: String,
    },
    /// An index where none is wanted.
    Unwanted {
        /// The Region.
        region: String,
    },
    /// The aggregator is in another Region than wanted.
    AggregatorElsewhere {
        /// Where it is.
        region: String,
        /// Where it is wanted.
        wanted: String,
    },
    /// No Region has the aggregator.
    NoAggregator {
        /// Where it is wanted.
        wanted: String,
    },
    /// The aggregator has no default view.
    NoDefaultView {
        /// Where it is.
        region: String,
    },
}

impl fmt::Display for IndexProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead => write!(f, "the account could not be read"),
            Self::RegionNotRead { region } => write!(f, "{region} could not be read"),
            Self::NoIndex { region } => write!(f, "{region} has no index"),
            Self::NotActive { region, state } => {
                write!(f, "the index in {region} is {state}, not ACTIVE")
            }
            Self::Unwanted { region } => {
                write!(f, "{region} has an index and is not among the regions")
            }
            Self::AggregatorElsewhere { region, wanted } => {
                write!(f, "the aggregator index is in {region}, not in {wanted}")
            }
            Self::NoAggregator { wanted } => {
                write!(f, "no index is the aggregator, which is wanted in {wanted}")
            }
            Self::NoDefaultView { region } => {
                write!(f, "the aggregator index in {region} has no default view")
            }
        }
    }
}

/// The aggregator, and the Region it is in.
pub fn aggregator(indexes: &Indexes) -> Option<(&str, &Index)> {
    let read = indexes
        .iter()
        .filter_map(|(region, index)| Some((region.as_str(), index.as_ref().ok()?)));
    let mut there = read.filter(|(_, index)| index.is_there());
    there.find(|(_, index)| index.kind == AGGREGATOR)
}

impl Index {
    fn is_there(&self) -> bool {
        self.state != DELETING && self.state != DELETED
    }
}

/// What keeps an account from being ready, with the error behind it. Where something could not be read, nothing is said to
/// be lacking that may be there.
fn problems<'a>(
    indexes: &'a Result<Indexes, String>,
    wanted: &WantedIndexes,
) -> Vec<(IndexProblem, Option<&'a str>)> {
    let indexes = match indexes {
        Ok(indexes) => indexes,
        Err(error) => return vec![(IndexProblem::NotRead, Some(error))],
    };
    let mut problems = Vec::new();
    for region in &wanted.regions {
        let region = region.clone();
        let problem = match indexes.get(&region) {
            Some(Ok(index)) if index.state == ACTIVE => continue,
            Some(Ok(index)) if index.state != DELETED => IndexProblem::NotActive {
                region,
                state: index.state.clone(),
            },
            Some(Err(_)) => continue,
            _ => IndexProblem::NoIndex { region },
        };
        problems.push((problem, None));
    }
    for (region, index) in indexes {
        let region = region.clone();
        match index {
            Err(error) => {
                problems.push((IndexProblem::RegionNotRead { region }, Some(error.as_str())))
            }
            Ok(index) if index.is_there() && !wanted.regions.contains(&region) => {
                problems.push((IndexProblem::Unwanted { region }, None));
            }
            Ok(_) => {}
        }
    }
    let region = wanted.aggregator_region.clone();
    let problem = match aggregator(indexes) {
        None if indexes.values().any(Result::is_err) => return problems,
        None => IndexProblem::NoAggregator { wanted: region },
        Some((at, _)) if at != region => IndexProblem::AggregatorElsewhere {
            region: at.to_owned(),
            wanted: region,
        },
        Some((_, index)) if index.default_view_arn.is_none() => {
            IndexProblem::NoDefaultView { region }
        }
        Some(_) => return problems,
    };
    problems.push((problem, None));
    problems
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::service_control::{Place, Stopped, Verdict};

    fn index(kind: &str, state: &str) -> Index {
        Index {
            kind: kind.to_owned(),
            state: state.to_owned(),
            default_view_arn: Some("arn:view".to_owned()),
        }
    }

    fn indexes<const N: usize>(indexes: [(&str, Index); N]) -> Indexes {
        indexes
            .into_iter()
            .map(|(region, index)| (region.to_owned(), Ok(index)))
            .collect()
    }

    fn judge(readings: &Readings) -> Readiness {
        let wanted = WantedIndexes {
            aggregator_region: "eu-west-1".to_owned(),
            regions: BTreeSet::from(["eu-west-1", "us-east-1"].map(str::to_owned)),
        };
        readiness(readings, &wanted)
    }

    fn of_accounts<'a>(
        accounts: impl IntoIterator<Item = (&'a str, Result<Indexes, String>)>,
    ) -> Readings {
        let accounts = accounts.into_iter();
        Readings {
            trusted_access: None,
            accounts: accounts
                .map(|(id, indexes)| (id.to_owned(), indexes))
                .collect(),
            obstacles: Obstacles::new(),
        }
    }

    fn problems(indexes: &Indexes) -> Vec<String> {
        let readings = of_accounts([("111", Ok(indexes.clone()))]);
        judge(&readings).accounts.remove("111").unwrap()
    }

    #[test]
    fn an_index_in_each_region_and_the_aggregator_with_a_view_are_ready() {
        let mut local = index("LOCAL", "ACTIVE");
        local.default_view_arn = None;
        let ready = indexes([
            ("eu-west-1", index("AGGREGATOR", "ACTIVE")),
            ("us-east-1", local),
        ]);
        assert_eq!(problems(&ready), [""; 0]);
        assert_eq!(aggregator(&ready).unwrap().0, "eu-west-1");
    }

    #[test]
    fn an_account_without_any_index_lacks_all_and_the_aggregator() {
        assert_eq!(
            problems(&Indexes::new()),
            [
                "eu-west-1 has no index",
                "us-east-1 has no index",
                "no index is the aggregator, which is wanted in eu-west-1",
            ]
        );
    }

    #[test]
    fn an_aggregator_elsewhere_is_named_and_an_index_too_many_as_well() {
        let elsewhere = indexes([
            ("ap-south-1", index("AGGREGATOR", "ACTIVE")),
            ("eu-west-1", index("LOCAL", "ACTIVE")),
            ("us-east-1", index("LOCAL", "ACTIVE")),
        ]);
        assert_eq!(
            problems(&elsewhere),
            [
                "ap-south-1 has an index and is not among the regions",
                "the aggregator index is in ap-south-1, not in eu-west-1",
            ]
        );
    }

    #[test]
    fn an_index_on_its_way_is_not_ready_and_one_that_goes_is_not_too_many() {
        let mut without_view = index("AGGREGATOR", "UPDATING");
        without_view.default_view_arn = None;
        let moving = indexes([
            ("ap-south-1", index("LOCAL", "DELETING")),
            ("eu-west-1", without_view),
            ("us-east-1", index("LOCAL", "CREATING")),
        ]);
        assert_eq!(
            problems(&moving),
            [
                "the index in eu-west-1 is UPDATING, not ACTIVE",
                "the index in us-east-1 is CREATING, not ACTIVE",
                "the aggregator index in eu-west-1 has no default view",
            ]
        );
        let gone = indexes([
            ("ap-south-1", index("AGGREGATOR", "DELETED")),
            ("eu-west-1", index("AGGREGATOR", "ACTIVE")),
            ("us-east-1", index("LOCAL", "DELETED")),
        ]);
        assert_eq!(problems(&gone), ["us-east-1 has no index"]);
    }

    #[test]
    fn a_region_that_could_not_be_read_is_not_said_to_lack_anything() {
        let mut partly = indexes([("us-east-1", index("LOCAL", "ACTIVE"))]);
        partly.insert("eu-west-1".to_owned(), Err("it is switched off".to_owned()));
        assert_eq!(
            problems(&partly),
            ["eu-west-1 could not be read: it is switched off"]
        );
    }

    #[test]
    fn accounts_with_the_same_problem_are_told_of_together() {
        let ids: Vec<String> = (1..=12).map(|number| number.to_string()).collect();
        let denied = |id: &String| Err(format!("Role {id} is missing."));
        let readings = of_accounts(ids.iter().map(|id| (id.as_str(), denied(id))));
        assert_eq!(
            judge(&readings).problems,
            [
                "the account could not be read: 12 accounts (1, 10, 11, 12, 2, 3, 4, 5, 6, 7 and 2 more). The first one: \
              Role 1 is missing."
            ]
        );
        assert_eq!(
            judge(&readings).accounts["12"],
            ["the account could not be read: Role 12 is missing."]
        );
    }

    #[test]
    fn trusted_access_and_policies_are_problems_and_a_restricted_region_is_none() {
        let place = |verdict| Place {
            verdict,
            statement: None,
            target_id: "r-1".to_owned(),
        };
        let stopped = Stopped {
            actions: BTreeSet::from(["cloudformation:CreateStack"]),
            regions: BTreeSet::from(["eu-west-1".to_owned()]),
            account_ids: BTreeSet::from(["111".to_owned()]),
        };
        let ready = indexes([
            ("eu-west-1", index("AGGREGATOR", "ACTIVE")),
            ("us-east-1", index("LOCAL", "ACTIVE")),
        ]);
        let mut readings = of_accounts([("111", Ok(ready))]);
        readings.trusted_access = Some(true);
        readings
            .obstacles
            .insert(place(Verdict::RestrictsRegion), stopped.clone());
        assert_eq!(judge(&readings).problems, [""; 0]);
        readings.trusted_access = Some(false);
        readings
            .obstacles
            .insert(place(Verdict::DoesNotAllow), stopped);
        let words =
            "at r-1 no service control policy allows cloudformation:CreateStack in eu-west-1";
        assert_eq!(judge(&readings).accounts["111"], [words]);
        assert_eq!(
            judge(&readings).problems,
            [
                "Resource Explorer has no trusted access to the AWS organization, which searching across accounts needs",
                &format!("{words}: account 111."),
            ]
        );
    }
}
