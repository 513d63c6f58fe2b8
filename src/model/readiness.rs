//! Whether accounts are ready for searching their resources in many Regions with AWS Resource Explorer.
//!
//! An index in a Region makes its resources known; the aggregator index holds those of all Regions, and its default view
//! is where people search: <https://docs.aws.amazon.com/resource-explorer/latest/userguide/manage-aggregator-region.html>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The type of the index that gathers those of the other Regions.
pub const AGGREGATOR: &str = "AGGREGATOR";
/// The state of an index that is in use.
const ACTIVE: &str = "ACTIVE";
/// The state of an index that is going.
const DELETING: &str = "DELETING";
/// The state of an index that is gone.
const DELETED: &str = "DELETED";

/// The Regions that are to have an index, and only they.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedIndexes {
    /// Where the aggregator is to be.
    pub aggregator_region: String,
    /// All of them, that one among them.
    pub regions: BTreeSet<String>,
}

/// An index, as Resource Explorer describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// `LOCAL` or `AGGREGATOR`.
    pub kind: String,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `DELETED`.
    pub state: String,
    /// The view that searches in the Region use when they name none; none: there is none.
    pub default_view_arn: Option<String>,
}

/// What was read of an account: by Region an index, or why the Region could not be read. Regions without an index are
/// absent.
pub type Indexes = BTreeMap<String, Result<Index, String>>;

/// One thing that is not as it should be in an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexProblem {
    /// Nothing is known of the account.
    NotRead(String),
    /// Nothing is known of a Region.
    RegionNotRead {
        /// The Region.
        region: String,
        /// Why.
        error: String,
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
            Self::NotRead(error) => write!(f, "the account could not be read: {error}"),
            Self::RegionNotRead { region, error } => {
                write!(f, "{region} could not be read: {error}")
            }
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

/// Where the aggregator is.
pub fn aggregator(indexes: &Indexes) -> Option<&str> {
    let mut read = indexes
        .iter()
        .filter_map(|(region, index)| Some((region, index.as_ref().ok()?)));
    let (region, _) = read.find(|(_, index)| index.kind == AGGREGATOR && index.is_there())?;
    Some(region)
}

impl Index {
    fn is_there(&self) -> bool {
        self.state != DELETING && self.state != DELETED
    }
}

/// What keeps an account from being ready. A Region that could not be read is not said to lack what may be there.
pub fn index_problems(indexes: &Indexes, wanted: &WantedIndexes) -> Vec<IndexProblem> {
    let mut problems = Vec::new();
    for region in &wanted.regions {
        let region = region.clone();
        match indexes.get(&region) {
            None => problems.push(IndexProblem::NoIndex { region }),
            Some(Ok(index)) if index.state == DELETED => {
                problems.push(IndexProblem::NoIndex { region });
            }
            Some(Ok(index)) if index.state != ACTIVE => problems.push(IndexProblem::NotActive {
                region,
                state: index.state.clone(),
            }),
            Some(_) => {}
        }
    }
    for (region, index) in indexes {
        let region = region.clone();
        match index {
            Err(error) => problems.push(IndexProblem::RegionNotRead {
                region,
                error: error.clone(),
            }),
            Ok(index) if index.is_there() && !wanted.regions.contains(&region) => {
                problems.push(IndexProblem::Unwanted { region });
            }
            Ok(_) => {}
        }
    }
    let at = &wanted.aggregator_region;
    match aggregator(indexes) {
        Some(region) if region != at => problems.push(IndexProblem::AggregatorElsewhere {
            region: region.to_owned(),
            wanted: at.clone(),
        }),
        Some(region) => {
            if let Some(Ok(Index {
                default_view_arn: None,
                ..
            })) = indexes.get(region)
            {
                problems.push(IndexProblem::NoDefaultView { region: at.clone() });
            }
        }
        None if indexes.values().any(Result::is_err) => {}
        None => problems.push(IndexProblem::NoAggregator { wanted: at.clone() }),
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn problems(indexes: &Indexes) -> Vec<String> {
        let wanted = WantedIndexes {
            aggregator_region: "eu-west-1".to_owned(),
            regions: BTreeSet::from(["eu-west-1", "us-east-1"].map(str::to_owned)),
        };
        let problems = index_problems(indexes, &wanted).into_iter();
        problems.map(|problem| problem.to_string()).collect()
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
        assert_eq!(aggregator(&ready), Some("eu-west-1"));
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
}
