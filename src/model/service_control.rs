//! Service control policies: what in them stands in the way of Resource Explorer, as far as their text says.
//!
//! An action is permitted in an account when, at every level from the root down to the account itself, some attached
//! policy allows it, and no attached policy of any level denies it:
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>.
//! The management account is not subject to them.

mod statement;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use statement::DocumentError;
use statement::{Effect, Judged, Request, Statement, statements};

/// The actions that setting up Resource Explorer takes, each with the service in the ARNs of what it makes: stack sets create
/// stacks, which create indexes.
const ACTIONS: [(&str, &str); 2] = [
    ("cloudformation:CreateStack", "cloudformation"),
    ("resource-explorer-2:CreateIndex", "resource-explorer-2"),
];

/// The policies of an AWS organization, and where each is attached.
#[derive(Debug, Clone, Default)]
pub struct ServiceControlPolicies {
    by_id: BTreeMap<String, Policy>,
    /// Policy IDs by the ID of a root, OU or account.
    attached: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone)]
struct Policy {
    name: String,
    statements: Vec<Statement>,
}

/// How a policy, or the lack of one, stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A statement denies it.
    Denies,
    /// No policy of a level allows it.
    DoesNotAllow,
    /// A statement denies it on a condition, or for resources, that its text alone does not decide.
    MayDeny,
    /// A level allows it only on a condition, or for resources, that the text alone does not decide.
    MayNotAllow,
    /// A statement denies other actions in the Region, by `aws:RequestedRegion`. Resource Explorer can be set up all the
    /// same.
    RestrictsRegion,
}

impl Verdict {
    /// All of them, the surest first.
    pub const ALL: [Self; 5] = [
        Self::Denies,
        Self::DoesNotAllow,
        Self::MayDeny,
        Self::MayNotAllow,
        Self::RestrictsRegion,
    ];

    /// Whether it keeps an account from being ready.
    pub fn is_problem(self) -> bool {
        self != Self::RestrictsRegion
    }

    /// As users meet it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Denies => "denies",
            Self::DoesNotAllow => "does_not_allow",
            Self::MayDeny => "may_deny",
            Self::MayNotAllow => "may_not_allow",
            Self::RestrictsRegion => "restricts_region",
        }
    }
}

/// Where accounts meet an obstacle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What stands in the way, and how surely.
    pub verdict: Verdict,
    /// The statement; none where it is that no policy allows.
    pub statement: Option<StatementName>,
    /// Root, OU or account that the policy is attached to, or that has none which allows.
    pub target_id: String,
}

/// A statement as a person finds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementName {
    /// `p-...`
    pub policy_id: String,
    /// Name of the policy.
    pub policy_name: String,
    /// Its `Sid`, else its number in the policy, from 1.
    pub statement: String,
}

/// Actions and Regions that one statement stops.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stopped {
    /// The actions, as in policies; empty where a Region is restricted for others.
    pub actions: BTreeSet<&'static str>,
    /// The Regions.
    pub regions: BTreeSet<String>,
    /// The accounts.
    pub account_ids: BTreeSet<String>,
}

/// Everything that stands in the way, by place.
pub type Obstacles = BTreeMap<Place, Stopped>;

impl ServiceControlPolicies {
    /// Adds a policy as AWS Organizations describes it.
    ///
    /// # Errors
    /// When its document is no policy.
    pub fn add(
        &mut self,
        id: &str,
        name: &str,
        document: &str,
        target_ids: impl IntoIterator<Item = String>,
    ) -> Result<(), DocumentError> {
        let policy = Policy {
            name: name.to_owned(),
            statements: statements(document)?,
        };
        self.by_id.insert(id.to_owned(), policy);
        for target_id in target_ids {
            let attached = self.attached.entry(target_id).or_default();
            attached.insert(id.to_owned());
        }
        Ok(())
    }

    /// Finds obstacles for Resource Explorer in `regions` of the accounts, each given with the IDs from the root down to its
    /// own. Certain obstacles come first.
    pub fn obstacles<'a>(
        &self,
        accounts: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>,
        partition: &str,
        regions: &BTreeSet<&str>,
    ) -> Obstacles {
        // Most levels have the same few policies: each set of them is judged once.
        let mut judged: BTreeMap<Option<&BTreeSet<String>>, Vec<Stop<'_>>> = BTreeMap::new();
        let mut obstacles = Obstacles::new();
        for (account_id, path) in accounts {
            for target_id in path {
                let policy_ids = self.attached.get(target_id);
                let stops = judged
                    .entry(policy_ids)
                    .or_insert_with(|| self.stops(policy_ids, partition, regions));
                for stop in stops {
                    let place = Place {
                        verdict: stop.verdict,
                        statement: stop.statement.clone(),
                        target_id: target_id.to_owned(),
                    };
                    let stopped = obstacles.entry(place).or_default();
                    stopped.actions.extend(stop.action);
                    stopped.regions.insert(stop.region.to_owned());
                    stopped.account_ids.insert(account_id.to_owned());
                }
            }
        }
        obstacles
    }

    /// Finds what these policies stop at a level.
    fn stops<'r>(
        &self,
        policy_ids: Option<&BTreeSet<String>>,
        partition: &str,
        regions: &BTreeSet<&'r str>,
    ) -> Vec<Stop<'r>> {
        let policies = policy_ids
            .into_iter()
            .flatten()
            .filter_map(|id| Some((id, self.by_id.get(id)?)));
        let statements: Vec<(StatementName, &Statement)> = policies
            .flat_map(|(id, policy)| policy.statements.iter().map(move |it| (id, policy, it)))
            .map(|(id, policy, statement)| {
                let name = StatementName {
                    policy_id: id.clone(),
                    policy_name: policy.name.clone(),
                    statement: statement.name.clone(),
                };
                (name, statement)
            })
            .collect();
        let mut stops = Vec::new();
        for region in regions.iter().copied() {
            let requests = ACTIONS.map(|(action, service)| Request {
                action,
                resource_start: format!("arn:{partition}:{service}:{region}:"),
                region,
            });
            let mut stop = |verdict, statement: Option<&StatementName>, action| {
                stops.push(Stop {
                    verdict,
                    statement: statement.cloned(),
                    action,
                    region,
                });
            };
            let mut allowed = requests.each_ref().map(|_| Judged::No);
            for (name, statement) in &statements {
                let judged = requests.each_ref().map(|request| statement.judge(request));
                if statement.effect == Effect::Allow {
                    for (so_far, judged) in allowed.iter_mut().zip(judged) {
                        *so_far = judged.max(*so_far);
                    }
                    continue;
                }
                for (request, judged) in requests.iter().zip(judged) {
                    match judged {
                        Judged::Yes => stop(Verdict::Denies, Some(name), Some(request.action)),
                        Judged::May => stop(Verdict::MayDeny, Some(name), Some(request.action)),
                        Judged::No => {}
                    }
                }
                if judged.iter().all(|judged| *judged == Judged::No) && statement.restricts(region)
                {
                    stop(Verdict::RestrictsRegion, Some(name), None);
                }
            }
            for (request, allowed) in requests.iter().zip(allowed) {
                match allowed {
                    Judged::Yes => {}
                    Judged::May => stop(Verdict::MayNotAllow, None, Some(request.action)),
                    Judged::No => stop(Verdict::DoesNotAllow, None, Some(request.action)),
                }
            }
        }
        stops
    }
}

/// One thing that the policies of a level stop.
#[derive(Debug)]
struct Stop<'r> {
    verdict: Verdict,
    statement: Option<StatementName>,
    /// None: others than those asked about.
    action: Option<&'static str>,
    region: &'r str,
}

/// An entry of [`Obstacles`] in words.
#[derive(Debug, Clone, Copy)]
pub struct Obstacle<'a>(pub &'a Place, pub &'a Stopped);

impl fmt::Display for Obstacle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, stopped) = (self.0, self.1);
        let actions: Vec<&str> = stopped.actions.iter().copied().collect();
        let (actions, target) = (actions.join(" and "), &place.target_id);
        match &place.statement {
            Some(name) => write!(
                f,
                "the service control policy {:?} ({}), statement {}, at {target} ",
                name.policy_name, name.policy_id, name.statement
            )?,
            None => write!(f, "at {target} ")?,
        }
        match place.verdict {
            Verdict::Denies => write!(f, "denies {actions}")?,
            Verdict::MayDeny => write!(
                f,
                "may deny {actions}, depending on conditions or resources,"
            )?,
            Verdict::DoesNotAllow => write!(f, "no service control policy allows {actions}")?,
            Verdict::MayNotAllow => write!(
                f,
                "service control policies allow {actions} only on conditions or for resources that may not hold,"
            )?,
            Verdict::RestrictsRegion => write!(f, "denies other actions")?,
        }
        let regions: Vec<&str> = stopped.regions.iter().map(String::as_str).collect();
        write!(f, " in {}", regions.join(", "))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
