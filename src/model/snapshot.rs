//! One consistent reading of an AWS organization.
//!
//! Paths are `/` for the root and `/Workloads/Prod` for an OU; inside a name, `%` is written `%25` and `/` is written
//! `%2F`, so that a path splits at its slashes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use describe::Describe;
use thiserror::Error;

use super::suggestions::{Suggestion, suggest};
use super::tree::{TopologicalOrder, TreeError};

/// OUs nest at most this deep below the root ("Quotas for AWS Organizations", AWS Organizations User Guide).
pub const MAX_DEPTH: usize = 5;

/// The root's path.
pub const ROOT_PATH: &str = "/";

/// One consistent reading of an AWS organization, as discovery makes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Describe)]
#[describe(planned = PlannedSnapshot)]
pub struct Snapshot {
    /// ID of the AWS organization, such as `o-a1b2c3d4e5`.
    pub id: String,
    /// ARN of the AWS organization.
    pub arn: String,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
    /// ID of the management account.
    pub management_account_id: String,
    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: String,
    /// ID of the root, such as `r-ab12`.
    pub root_id: String,
    /// The OUs by ID; the root is not among them.
    pub organizational_units: BTreeMap<String, OrganizationalUnit>,
    /// The accounts by ID, in every state.
    pub accounts: BTreeMap<String, Account>,
}

/// One organizational unit of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Describe)]
#[describe(planned = PlannedOrganizationalUnit)]
pub struct OrganizationalUnit {
    /// ARN of the OU.
    pub arn: String,
    /// Name of the OU.
    pub name: String,
    /// ID of the root or of the OU above.
    pub parent_id: String,
    /// Names from the root on, such as `/Workloads/Prod`; `/` and `%` inside a name are written `%2F` and `%25`.
    pub path: String,
}

/// One account of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Describe)]
#[describe(planned = PlannedAccount)]
pub struct Account {
    /// ARN of the account.
    pub arn: String,
    /// Name of the account.
    pub name: String,
    /// E-mail address of the account's root user.
    pub email: String,
    /// `PENDING_ACTIVATION`, `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or `CLOSED`.
    pub state: String,
    /// ID of the root or OU that holds the account.
    pub parent_id: String,
    /// Path of the root or OU that holds the account.
    pub path: String,
    /// When the account joined the AWS organization: RFC 3339, UTC.
    pub joined_at: Option<String>,
    /// `INVITED` or `CREATED`.
    pub joined_method: Option<String>,
    /// The account's tags; null unless `include_tags`.
    pub tags: Option<BTreeMap<String, String>>,
}

/// The parts of a snapshot as discovery read them, before they are known to be complete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotParts {
    /// The AWS organization, without OUs and accounts.
    pub organization: Snapshot,
    /// OUs with their IDs, in any order and without paths. The same OU twice is fine as long as both readings agree.
    pub organizational_units: Vec<(String, OrganizationalUnit)>,
    /// Accounts with their IDs, in any order and without paths. The same account twice is fine as long as both readings agree.
    /// An account without parent was listed, and found under none.
    pub accounts: Vec<(String, Account)>,
}

/// An OU or account whose parent is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// OU or account ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The missing parent; none: it was found under no parent at all.
    pub parent_id: Option<String>,
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.id, self.name)?;
        match &self.parent_id {
            Some(parent) => write!(f, " has the parent {parent}, which is not there"),
            None => f.write_str(" is under no parent"),
        }
    }
}

/// The first few of a list, and how many more there are.
pub(crate) fn listed<T: fmt::Display>(items: &[T], separator: &str) -> String {
    const SHOWN: usize = 5;
    let mut text = items
        .iter()
        .take(SHOWN)
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(separator);
    if items.len() > SHOWN {
        text.push_str(&format!("{separator}and {} more", items.len() - SHOWN));
    }
    text
}

/// Why a reading is not a whole AWS organization.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// OUs or accounts whose parent was not read.
    #[error("the reading is not complete: {}", listed(.0, "; "))]
    Orphans(Vec<Orphan>),
    /// OUs that are each other's ancestors.
    #[error("the reading is not a tree: the OUs {} are each other's ancestors", .0.join(", "))]
    Cycle(Vec<String>),
    /// Deeper than AWS allows, so something was misread.
    #[error(
        "the OU {id} ({name:?}) is {depth} levels below the root; AWS Organizations nests OUs at most {MAX_DEPTH} deep"
    )]
    TooDeep {
        /// OU ID.
        id: String,
        /// Its name.
        name: String,
        /// Its level; 1 is directly below the root.
        depth: usize,
    },
    /// Two readings of one OU or account that do not agree.
    #[error(
        "{id} ({name:?}) was read twice with different facts: under {first} and under {second}"
    )]
    Contradiction {
        /// OU or account ID.
        id: String,
        /// Its name.
        name: String,
        /// Parent in one reading.
        first: String,
        /// Parent in the other.
        second: String,
    },
    /// The root among the OUs.
    #[error("the root {id} was also read as an OU")]
    RootIsUnit {
        /// The root's ID.
        id: String,
    },
    /// Every AWS organization contains its management account.
    #[error(
        "the reading is not complete: the management account {id} is not among the {accounts} accounts"
    )]
    ManagementAccountMissing {
        /// Its ID.
        id: String,
        /// How many accounts were read.
        accounts: usize,
    },
}

/// Name of one OU inside a path; an OU without a name goes by its ID.
pub fn path_segment(name: &str, id: &str) -> String {
    let name = if name.is_empty() { id } else { name };
    name.replace('%', "%25").replace('/', "%2F")
}

/// Path of an OU, from its parent's path and its own [`path_segment`].
pub fn path_below(parent: &str, segment: &str) -> String {
    match parent {
        ROOT_PATH => format!("/{segment}"),
        parent => format!("{parent}/{segment}"),
    }
}

impl Snapshot {
    /// Assembles a complete snapshot from a reading.
    ///
    /// # Errors
    /// If the reading is incomplete or inconsistent. The error names the orphans or contradictions.
    pub fn assemble(parts: SnapshotParts) -> Result<Self, SnapshotError> {
        let mut snapshot = parts.organization;
        let mut units: BTreeMap<String, OrganizationalUnit> = BTreeMap::new();
        for (id, unit) in parts.organizational_units {
            if id == snapshot.root_id {
                return Err(SnapshotError::RootIsUnit { id });
            }
            if let Some(first) = units.get(&id)
                && *first != unit
            {
                return Err(SnapshotError::Contradiction {
                    first: first.parent_id.clone(),
                    second: unit.parent_id,
                    id,
                    name: unit.name,
                });
            }
            units.insert(id, unit);
        }
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        for (id, account) in parts.accounts {
            if let Some(first) = accounts.get(&id)
                && *first != account
            {
                let shown = |parent: &str| match parent {
                    "" => "no parent".to_owned(),
                    parent => parent.to_owned(),
                };
                return Err(SnapshotError::Contradiction {
                    first: shown(&first.parent_id),
                    second: shown(&account.parent_id),
                    id,
                    name: account.name,
                });
            }
            accounts.insert(id, account);
        }
        check_parents(&snapshot.root_id, &units, &accounts)?;
        if !accounts.contains_key(&snapshot.management_account_id) {
            return Err(SnapshotError::ManagementAccountMissing {
                id: snapshot.management_account_id,
                accounts: accounts.len(),
            });
        }
        let paths = paths(&snapshot.root_id, &units)?;
        let path_of = |id: &str| paths.get(id).cloned().unwrap_or_default();
        for (id, unit) in &mut units {
            unit.path = path_of(id);
        }
        for account in accounts.values_mut() {
            account.path = path_of(&account.parent_id);
        }
        snapshot.organizational_units = units;
        snapshot.accounts = accounts;
        Ok(snapshot)
    }
}

/// Refuses OUs and accounts whose parent was not read.
fn check_parents(
    root_id: &str,
    units: &BTreeMap<String, OrganizationalUnit>,
    accounts: &BTreeMap<String, Account>,
) -> Result<(), SnapshotError> {
    let is_orphan = |parent: &str| parent != root_id && !units.contains_key(parent);
    let orphan = |id: &String, name: &String, parent: &String| {
        is_orphan(parent).then(|| Orphan {
            id: id.clone(),
            name: name.clone(),
            parent_id: (!parent.is_empty()).then(|| parent.clone()),
        })
    };
    let orphans: Vec<Orphan> = units
        .iter()
        .filter_map(|(id, unit)| orphan(id, &unit.name, &unit.parent_id))
        .chain(
            accounts
                .iter()
                .filter_map(|(id, account)| orphan(id, &account.name, &account.parent_id)),
        )
        .collect();
    if orphans.is_empty() {
        Ok(())
    } else {
        Err(SnapshotError::Orphans(orphans))
    }
}

/// The paths of the root and of all OUs, by ID.
fn paths(
    root_id: &str,
    units: &BTreeMap<String, OrganizationalUnit>,
) -> Result<BTreeMap<String, String>, SnapshotError> {
    let parents: BTreeMap<&str, &str> = units
        .iter()
        .map(|(id, unit)| (id.as_str(), unit.parent_id.as_str()))
        .collect();
    let order = TopologicalOrder::of(root_id, &parents).map_err(|error| match error {
        TreeError::Cycle(ids) | TreeError::Orphans(ids) => SnapshotError::Cycle(ids),
    })?;
    let mut paths = BTreeMap::from([(root_id.to_owned(), ROOT_PATH.to_owned())]);
    for (id, parent, depth) in order.units {
        let name = units.get(id).map_or("", |unit| unit.name.as_str());
        if depth > MAX_DEPTH {
            return Err(SnapshotError::TooDeep {
                id: id.to_owned(),
                name: name.to_owned(),
                depth,
            });
        }
        let above = paths.get(parent).map_or(ROOT_PATH, String::as_str);
        let path = path_below(above, &path_segment(name, id));
        paths.insert(id.to_owned(), path);
    }
    Ok(paths)
}

/// Which part of an AWS organization is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Only these subtrees; their ancestors stay as folders without their accounts. None: all. May hold the root's ID.
    pub organizational_unit_ids: Option<BTreeSet<String>>,
    /// Not these, with everything below them; wins.
    pub exclude_organizational_unit_ids: BTreeSet<String>,
    /// Not these accounts.
    pub exclude_account_ids: BTreeSet<String>,
    /// Whether the management account is wanted.
    pub include_management_account: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            organizational_unit_ids: None,
            exclude_organizational_unit_ids: BTreeSet::new(),
            exclude_account_ids: BTreeSet::new(),
            include_management_account: true,
        }
    }
}

/// The part of a snapshot that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// That part.
    pub snapshot: Snapshot,
    /// Excluded OU IDs that are not in the AWS organization: harmless, but maybe mistyped.
    pub absent_unit_ids: Vec<String>,
    /// Excluded account IDs that are not in the AWS organization.
    pub absent_account_ids: Vec<String>,
}

/// A selected OU that is not in the AWS organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownUnit {
    /// The ID as given.
    pub id: String,
    /// What the user may have meant, best first.
    pub suggestions: Vec<Suggestion>,
}

impl fmt::Display for UnknownUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.id)?;
        let suggestions: Vec<String> = self
            .suggestions
            .iter()
            .map(|suggestion| format!("{} ({})", suggestion.id, suggestion.path))
            .collect();
        if suggestions.is_empty() {
            Ok(())
        } else {
            write!(f, " (similar: {})", suggestions.join(", "))
        }
    }
}

/// Why a part of an AWS organization cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// Selected OUs that do not exist.
    #[error("not in the AWS organization {organization_id}: {}", listed(.units, "; "))]
    UnknownUnits {
        /// `o-...`
        organization_id: String,
        /// The missing OUs.
        units: Vec<UnknownUnit>,
    },
    /// An empty set of subtrees.
    #[error("organizational_unit_ids is an empty set, which would select nothing")]
    NothingIncluded,
    /// The root among the excluded OUs.
    #[error("the root {root_id} is excluded, which would select nothing")]
    RootExcluded {
        /// The root's ID.
        root_id: String,
    },
}

impl Snapshot {
    /// Takes the wanted part of an AWS organization.
    ///
    /// # Errors
    /// If selected OUs do not exist, or the selection can only be empty.
    pub fn select(&self, selection: &Selection) -> Result<Selected, SelectionError> {
        if selection
            .exclude_organizational_unit_ids
            .contains(&self.root_id)
        {
            return Err(SelectionError::RootExcluded {
                root_id: self.root_id.clone(),
            });
        }
        if let Some(included) = &selection.organizational_unit_ids {
            if included.is_empty() {
                return Err(SelectionError::NothingIncluded);
            }
            let units: Vec<UnknownUnit> = included
                .iter()
                .filter(|id| **id != self.root_id && !self.organizational_units.contains_key(*id))
                .map(|id| UnknownUnit {
                    id: id.clone(),
                    suggestions: suggest(
                        id,
                        self.organizational_units
                            .iter()
                            .map(|(id, unit)| (id.as_str(), unit.path.as_str()))
                            .chain([(self.root_id.as_str(), ROOT_PATH)]),
                    ),
                })
                .collect();
            if !units.is_empty() {
                return Err(SelectionError::UnknownUnits {
                    organization_id: self.id.clone(),
                    units,
                });
            }
        }

        let wanted_by_name = |id: &str| match &selection.organizational_unit_ids {
            Some(included) => included.contains(id),
            None => id == self.root_id,
        };
        // Both are inherited, so a walk up answers for a unit; units are few and at most five deep.
        let is_excluded = |id: &str| {
            self.upwards(id)
                .any(|id| selection.exclude_organizational_unit_ids.contains(id))
        };
        let is_wanted = |id: &str| self.upwards(id).any(wanted_by_name) && !is_excluded(id);

        let with_accounts: BTreeSet<&str> = self
            .organizational_units
            .keys()
            .map(String::as_str)
            .chain([self.root_id.as_str()])
            .filter(|id| is_wanted(id))
            .collect();
        let folders: BTreeSet<&str> = with_accounts
            .iter()
            .flat_map(|id| self.upwards(id))
            .collect();

        let snapshot = Self {
            id: self.id.clone(),
            arn: self.arn.clone(),
            feature_set: self.feature_set.clone(),
            management_account_id: self.management_account_id.clone(),
            partition: self.partition.clone(),
            root_id: self.root_id.clone(),
            organizational_units: self
                .organizational_units
                .iter()
                .filter(|(id, _)| folders.contains(id.as_str()))
                .map(|(id, unit)| (id.clone(), unit.clone()))
                .collect(),
            accounts: self
                .accounts
                .iter()
                .filter(|(id, account)| {
                    with_accounts.contains(account.parent_id.as_str())
                        && !selection.exclude_account_ids.contains(*id)
                        && (selection.include_management_account
                            || **id != self.management_account_id)
                })
                .map(|(id, account)| (id.clone(), account.clone()))
                .collect(),
        };
        Ok(Selected {
            snapshot,
            absent_unit_ids: selection
                .exclude_organizational_unit_ids
                .iter()
                .filter(|id| !self.organizational_units.contains_key(*id))
                .cloned()
                .collect(),
            absent_account_ids: selection
                .exclude_account_ids
                .iter()
                .filter(|id| !self.accounts.contains_key(*id))
                .cloned()
                .collect(),
        })
    }

    /// The IDs from the root down to an account, its own included; none if the account is missing.
    pub fn ids_to<'a>(&'a self, account_id: &'a str) -> Option<Vec<&'a str>> {
        let account = self.accounts.get(account_id)?;
        let mut ids = vec![account_id];
        ids.extend(self.upwards(&account.parent_id));
        ids.reverse();
        Some(ids)
    }

    /// The unit itself, its parent, and so on up to the root.
    fn upwards<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(id), |id| {
            self.organizational_units
                .get(*id)
                .map(|unit| unit.parent_id.as_str())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn unit(id: &str, name: &str, parent_id: &str) -> (String, OrganizationalUnit) {
        let unit = OrganizationalUnit {
            arn: format!("arn:aws:organizations::111111111111:ou/o-a/{id}"),
            name: name.to_owned(),
            parent_id: parent_id.to_owned(),
            path: String::new(),
        };
        (id.to_owned(), unit)
    }

    fn account(id: &str, name: &str, parent_id: &str) -> (String, Account) {
        let account = Account {
            name: name.to_owned(),
            state: "ACTIVE".to_owned(),
            parent_id: parent_id.to_owned(),
            ..Account::default()
        };
        (id.to_owned(), account)
    }

    fn parts() -> SnapshotParts {
        let organization = Snapshot {
            id: "o-a".to_owned(),
            management_account_id: "111111111111".to_owned(),
            root_id: "r-a".to_owned(),
            ..Snapshot::default()
        };
        SnapshotParts {
            organization,
            organizational_units: vec![
                unit("ou-a-prod", "50% / Prod", "ou-a-work"),
                unit("ou-a-work", "Workloads", "r-a"),
                unit("ou-a-sand", "Sandbox", "r-a"),
                unit("ou-a-eu", "EU", "ou-a-prod"),
            ],
            accounts: vec![
                account("111111111111", "management", "r-a"),
                account("222222222222", "work", "ou-a-work"),
                account("333333333333", "prod", "ou-a-prod"),
                account("444444444444", "eu", "ou-a-eu"),
                account("555555555555", "sand", "ou-a-sand"),
            ],
        }
    }

    #[test]
    fn paths_are_computed_and_escaped() {
        let snapshot = Snapshot::assemble(parts()).unwrap();
        let units = &snapshot.organizational_units;
        assert_eq!(units["ou-a-work"].path, "/Workloads");
        assert_eq!(units["ou-a-eu"].path, "/Workloads/50%25 %2F Prod/EU");
        assert_eq!(snapshot.accounts["111111111111"].path, "/");
        assert_eq!(
            snapshot.accounts["333333333333"].path,
            "/Workloads/50%25 %2F Prod"
        );
    }

    #[test]
    fn a_reading_is_complete_or_an_error() {
        let message = |change: &dyn Fn(&mut SnapshotParts)| {
            let mut parts = parts();
            change(&mut parts);
            Snapshot::assemble(parts).unwrap_err().to_string()
        };
        assert_eq!(
            message(&|parts| {
                parts.organizational_units.remove(1);
            }),
            "the reading is not complete: ou-a-prod (\"50% / Prod\") has the parent ou-a-work, which is not there; \
             222222222222 (\"work\") has the parent ou-a-work, which is not there"
        );
        assert_eq!(
            message(&|parts| parts.accounts[4].1.parent_id.clear()),
            "the reading is not complete: 555555555555 (\"sand\") is under no parent"
        );
        assert_eq!(
            message(&|parts| parts.organizational_units[1].1.parent_id = "ou-a-eu".to_owned()),
            "the reading is not a tree: the OUs ou-a-eu, ou-a-prod, ou-a-work are each other's ancestors"
        );
        assert_eq!(
            message(&|parts| parts.accounts.push(account("333333333333", "prod", "r-a"))),
            "333333333333 (\"prod\") was read twice with different facts: under ou-a-prod and under r-a"
        );
        assert_eq!(
            message(&|parts| parts.organizational_units.push(unit("r-a", "Root", "r-a"))),
            "the root r-a was also read as an OU"
        );
        assert_eq!(
            message(&|parts| {
                parts.accounts.remove(0);
            }),
            "the reading is not complete: the management account 111111111111 is not among the 4 accounts"
        );
        assert_eq!(
            message(&|parts| {
                for (child, parent) in [("4", "ou-a-eu"), ("5", "4"), ("6", "5")] {
                    parts.organizational_units.push(unit(child, "deep", parent));
                }
            }),
            "the OU 6 (\"deep\") is 6 levels below the root; AWS Organizations nests OUs at most 5 deep"
        );
        let mut twice = parts();
        twice.accounts.push(twice.accounts[2].clone());
        twice
            .organizational_units
            .push(twice.organizational_units[2].clone());
        assert_eq!(Snapshot::assemble(twice), Snapshot::assemble(parts()));
    }

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn ids(selection: &Selection) -> (Vec<String>, Vec<String>) {
        let selected = Snapshot::assemble(parts())
            .unwrap()
            .select(selection)
            .unwrap();
        (
            selected.snapshot.organizational_units.into_keys().collect(),
            selected.snapshot.accounts.into_keys().collect(),
        )
    }

    #[test]
    fn subtrees_keep_their_ancestors_as_folders() {
        let (units, accounts) = ids(&Selection {
            organizational_unit_ids: Some(set(&["ou-a-prod"])),
            ..Selection::default()
        });
        assert_eq!(units, ["ou-a-eu", "ou-a-prod", "ou-a-work"]);
        assert_eq!(accounts, ["333333333333", "444444444444"]);
        let everything = ids(&Selection::default());
        assert_eq!((everything.0.len(), everything.1.len()), (4, 5));
        assert_eq!(
            ids(&Selection {
                organizational_unit_ids: Some(set(&["r-a", "ou-a-prod"])),
                ..Selection::default()
            }),
            everything
        );
    }

    #[test]
    fn exclusion_wins_and_reaches_down() {
        let (units, accounts) = ids(&Selection {
            organizational_unit_ids: Some(set(&["ou-a-eu", "ou-a-sand"])),
            exclude_organizational_unit_ids: set(&["ou-a-prod"]),
            ..Selection::default()
        });
        assert_eq!(units, ["ou-a-sand"]);
        assert_eq!(accounts, ["555555555555"]);
        let (_, accounts) = ids(&Selection {
            exclude_account_ids: set(&["222222222222"]),
            include_management_account: false,
            ..Selection::default()
        });
        assert_eq!(accounts, ["333333333333", "444444444444", "555555555555"]);
    }

    #[test]
    fn what_is_not_there_is_an_error_or_a_note() {
        let snapshot = Snapshot::assemble(parts()).unwrap();
        let refused = |selection: Selection| snapshot.select(&selection).unwrap_err().to_string();
        assert_eq!(
            refused(Selection {
                organizational_unit_ids: Some(set(&[
                    "/Workloads",
                    "ou-b-nowhere-near",
                    "ou-a-pro"
                ])),
                ..Selection::default()
            }),
            "not in the AWS organization o-a: \"/Workloads\" (similar: ou-a-work (/Workloads)); \"ou-a-pro\" (similar: \
             ou-a-prod (/Workloads/50%25 %2F Prod)); \"ou-b-nowhere-near\""
        );
        assert_eq!(
            refused(Selection {
                organizational_unit_ids: Some(BTreeSet::new()),
                ..Selection::default()
            }),
            "organizational_unit_ids is an empty set, which would select nothing"
        );
        assert_eq!(
            refused(Selection {
                exclude_organizational_unit_ids: set(&["r-a"]),
                ..Selection::default()
            }),
            "the root r-a is excluded, which would select nothing"
        );
        let selected = snapshot
            .select(&Selection {
                exclude_organizational_unit_ids: set(&["ou-a-sand", "ou-gone"]),
                exclude_account_ids: set(&["222222222222", "999999999999"]),
                ..Selection::default()
            })
            .unwrap();
        assert_eq!(selected.absent_unit_ids, ["ou-gone"]);
        assert_eq!(selected.absent_account_ids, ["999999999999"]);
    }
}
