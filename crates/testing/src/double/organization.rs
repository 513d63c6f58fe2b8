//! The AWS organization that the double answers from. Tests change it while the double runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::faults::Failure;

use super::explorer::Explorer;
use super::policies::Controls;

/// A number generator with a fixed sequence per seed (SplitMix64), so that IDs are the same in every run.
#[derive(Debug, Clone)]
pub struct Sequence(u64);

impl Sequence {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }

    fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..length)
            .map(|_| char::from(LETTERS[self.below(LETTERS.len())]))
            .collect()
    }
}

/// One organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The name, which need not be ASCII.
    pub name: String,
    /// The OU or root that it is in.
    pub parent_id: String,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name, which others may have, too.
    pub name: String,
    /// The address of its root user.
    pub email: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, `CLOSED`, `PENDING_ACTIVATION`.
    pub state: String,
    /// The OU or root that it is in.
    pub parent_id: String,
    /// Milliseconds since the epoch.
    pub joined_at: i64,
    /// `INVITED` or `CREATED`.
    pub joined_method: String,
    /// Values by key.
    pub tags: BTreeMap<String, String>,
}

/// A role that AssumeRole may give.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// When set, AssumeRole must send exactly this external ID.
    pub external_id: Option<String>,
    /// Account IDs whose principals are trusted; none: everybody.
    pub trusted_accounts: Option<BTreeSet<String>>,
    /// When set, AssumeRole is answered with this.
    pub refusal: Option<Failure>,
    /// Whether AssumeRole is never answered.
    pub never_answers: bool,
    /// Account that its sessions are in; none: the one in its ARN.
    pub session_account: Option<String>,
}

/// What is wrong with an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// AWS does not know it.
    Unknown,
    /// It was temporary and is no longer valid.
    Expired,
}

/// An AWS organization, and who may call.
#[derive(Debug, Clone)]
pub struct Organization {
    /// `o-` and what is its own.
    pub id: String,
    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: String,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
    /// The account that AWS Organizations is asked in.
    pub management_account_id: String,
    /// `r-` and what is its own.
    pub root_id: String,
    units: BTreeMap<String, Unit>,
    accounts: BTreeMap<String, Account>,
    units_under: BTreeMap<String, BTreeSet<String>>,
    accounts_under: BTreeMap<String, BTreeSet<String>>,
    /// Member accounts that may read the organization.
    pub delegated_administrators: BTreeSet<String>,
    /// By role ARN. A role that is not here cannot be assumed.
    pub roles: BTreeMap<String, Role>,
    /// Account that an access key belongs to; keys that are not here belong to the management account.
    pub key_accounts: BTreeMap<String, String>,
    /// Access keys that are refused.
    pub key_faults: BTreeMap<String, KeyFault>,
    /// Trusted access and service control policies.
    pub controls: Controls,
    /// AWS Resource Explorer by account ID.
    pub explorers: BTreeMap<String, Explorer>,
    /// How many days ago an access key was made; keys that are not here: today.
    pub key_ages: BTreeMap<String, i64>,
    /// Accounts that the tagging API does not show, although they have tags.
    pub hidden_from_tagging: BTreeSet<String>,
    /// Accounts that had tags before: the tagging API shows them without.
    pub tagged_before: BTreeSet<String>,
    sequence: Sequence,
}

impl Organization {
    /// A new AWS organization with a root and its management account. The IDs follow from `seed`.
    pub fn new(seed: u64) -> Self {
        let mut sequence = Sequence::new(seed);
        let id = format!("o-{}", sequence.word(10));
        let root_id = format!("r-{}", sequence.word(4));
        let mut organization = Self {
            id,
            partition: "aws".to_owned(),
            feature_set: "ALL".to_owned(),
            management_account_id: String::new(),
            root_id: root_id.clone(),
            units: BTreeMap::new(),
            accounts: BTreeMap::new(),
            units_under: BTreeMap::new(),
            accounts_under: BTreeMap::new(),
            delegated_administrators: BTreeSet::new(),
            roles: BTreeMap::new(),
            key_accounts: BTreeMap::new(),
            key_faults: BTreeMap::new(),
            controls: Controls::default(),
            explorers: BTreeMap::new(),
            key_ages: BTreeMap::new(),
            hidden_from_tagging: BTreeSet::new(),
            tagged_before: BTreeSet::new(),
            sequence,
        };
        organization.management_account_id = organization.add_account(&root_id, "Management");
        organization
    }

    /// An organization of `accounts` accounts (the management account among them) in a tree like a company's:
    /// about one OU per 15 accounts, at most 5 deep, with names that repeat and names that are not ASCII.
    pub fn generate(accounts: usize, seed: u64) -> Self {
        const WORDS: [&str; 16] = [
            "Prod",
            "Dev",
            "Staging",
            "Data",
            "Payments",
            "Éclair",
            "Zürich",
            "R&D",
            "Web / API",
            "100%",
            "Sandbox",
            "Logging",
            "security",
            "Shared Services",
            "EU West",
            "日本",
        ];
        let mut organization = Self::new(seed);
        let mut sequence = Sequence::new(seed ^ 0x5EED);
        let mut parents = vec![(organization.root_id.clone(), 0)];
        for number in 0..accounts.div_ceil(15) {
            let (parent, depth) = parents[sequence.below(parents.len())].clone();
            let name = format!("{} {number}", WORDS[sequence.below(WORDS.len())]);
            let unit = organization.add_unit(&parent, &name);
            if depth < 4 {
                parents.push((unit, depth + 1));
            } else {
                parents.push((unit, 5));
                parents.retain(|(_, depth)| *depth < 5);
            }
        }
        let units: Vec<String> = organization.units.keys().cloned().collect();
        for number in 1..accounts {
            let parent = if units.is_empty() || sequence.below(40) == 0 {
                organization.root_id.clone()
            } else {
                units[sequence.below(units.len())].clone()
            };
            let name = format!("{}-{}", WORDS[sequence.below(WORDS.len())], number / 2);
            let account = organization.add_account(&parent, &name);
            let state = match sequence.below(50) {
                0 => "SUSPENDED",
                1 => "PENDING_CLOSURE",
                2 => "CLOSED",
                3 => "PENDING_ACTIVATION",
                _ => "ACTIVE",
            };
            organization.set_state(&account, state);
            let env = ["prod", "dev", "test"][sequence.below(3)];
            organization.tag_account(&account, "env", env);
        }
        organization
    }

    /// Adds an OU and gives its ID (`ou-xxxx-` and 8 characters). OU names are unique under a parent at AWS; here
    /// the caller sees to it.
    pub fn add_unit(&mut self, parent_id: &str, name: &str) -> String {
        self.must_hold(parent_id);
        let root = self.root_id.trim_start_matches("r-").to_owned();
        let id = format!("ou-{root}-{}", self.sequence.word(8));
        let unit = Unit {
            name: name.to_owned(),
            parent_id: parent_id.to_owned(),
        };
        assert!(
            self.units.insert(id.clone(), unit).is_none(),
            "an OU ID came twice"
        );
        self.units_under
            .entry(parent_id.to_owned())
            .or_default()
            .insert(id.clone());
        id
    }

    /// Adds an active account and gives its ID (12 digits).
    pub fn add_account(&mut self, parent_id: &str, name: &str) -> String {
        let id = loop {
            let id = format!(
                "{:012}",
                100_000_000_000 + self.sequence.number() % 899_999_999_999
            );
            if !self.accounts.contains_key(&id) {
                break id;
            }
        };
        self.add_account_with_id(parent_id, name, &id);
        id
    }

    /// Adds an active account with an ID of the caller's choice.
    pub fn add_account_with_id(&mut self, parent_id: &str, name: &str, id: &str) {
        self.must_hold(parent_id);
        let account = Account {
            name: name.to_owned(),
            email: format!("aws+{id}@example.com"),
            state: "ACTIVE".to_owned(),
            parent_id: parent_id.to_owned(),
            joined_at: 1_577_836_800_000 + self.accounts.len() as i64 * 86_400_123,
            joined_method: ["CREATED", "INVITED"][self.accounts.len() % 2].to_owned(),
            tags: BTreeMap::new(),
        };
        assert!(
            self.accounts.insert(id.to_owned(), account).is_none(),
            "account {id} exists"
        );
        self.accounts_under
            .entry(parent_id.to_owned())
            .or_default()
            .insert(id.to_owned());
    }

    /// Moves an account to another OU or the root.
    pub fn move_account(&mut self, id: &str, parent_id: &str) {
        self.must_hold(parent_id);
        let before = std::mem::replace(&mut self.account_mut(id).parent_id, parent_id.to_owned());
        self.accounts_under.entry(before).or_default().remove(id);
        self.accounts_under
            .entry(parent_id.to_owned())
            .or_default()
            .insert(id.to_owned());
    }

    /// Gives an account another name.
    pub fn rename_account(&mut self, id: &str, name: &str) {
        self.account_mut(id).name = name.to_owned();
    }

    /// Gives an account another state.
    pub fn set_state(&mut self, id: &str, state: &str) {
        self.account_mut(id).state = state.to_owned();
    }

    /// Closes an account: it stays listed, as AWS does for 90 days.
    pub fn close_account(&mut self, id: &str) {
        self.set_state(id, "CLOSED");
    }

    /// Takes an account out of the organization.
    pub fn remove_account(&mut self, id: &str) {
        let parent_id = self.account_mut(id).parent_id.clone();
        self.accounts.remove(id);
        self.accounts_under.entry(parent_id).or_default().remove(id);
    }

    /// Sets a tag of an account.
    pub fn tag_account(&mut self, id: &str, key: &str, value: &str) {
        self.account_mut(id)
            .tags
            .insert(key.to_owned(), value.to_owned());
    }

    /// Takes all tags from an account.
    pub fn untag_account(&mut self, id: &str) {
        self.account_mut(id).tags.clear();
        self.tagged_before.insert(id.to_owned());
    }

    /// Moves an OU with everything below it. AWS cannot (yet): a harder case than the real service has.
    pub fn move_unit(&mut self, id: &str, parent_id: &str) {
        self.must_hold(parent_id);
        let mut above = Some(parent_id);
        while let Some(unit) = above {
            assert_ne!(unit, id, "an OU cannot be moved below itself");
            above = self.units.get(unit).map(|unit| unit.parent_id.as_str());
        }
        let before = std::mem::replace(&mut self.unit_mut(id).parent_id, parent_id.to_owned());
        self.units_under.entry(before).or_default().remove(id);
        self.units_under
            .entry(parent_id.to_owned())
            .or_default()
            .insert(id.to_owned());
    }

    /// Deletes an OU, which must be empty as at AWS.
    pub fn delete_unit(&mut self, id: &str) {
        let empty = |under: &BTreeMap<String, BTreeSet<String>>| {
            under.get(id).is_none_or(BTreeSet::is_empty)
        };
        assert!(
            empty(&self.units_under) && empty(&self.accounts_under),
            "OU {id} is not empty"
        );
        let parent_id = self.unit_mut(id).parent_id.clone();
        self.units.remove(id);
        self.units_under.entry(parent_id).or_default().remove(id);
    }

    /// Deletes an OU and leaves its accounts and OUs behind, with a parent that is not there: what moto makes of a deleted
    /// OU, and AWS never should.
    pub fn delete_unit_with_orphans(&mut self, id: &str) {
        let parent_id = self.unit_mut(id).parent_id.clone();
        self.units.remove(id);
        self.units_under.entry(parent_id).or_default().remove(id);
    }

    /// Takes an account from its parent's list, while ListAccounts and ListParents still know it: a list that lags behind.
    pub fn hide_account_from_parent(&mut self, id: &str) {
        let parent_id = self.account_mut(id).parent_id.clone();
        self.accounts_under.entry(parent_id).or_default().remove(id);
    }

    /// Lets `role_arn` be assumed by everybody who sends `external_id` (none: by everybody).
    pub fn add_role(&mut self, role_arn: &str, external_id: Option<&str>) {
        self.roles.insert(
            role_arn.to_owned(),
            Role {
                external_id: external_id.map(str::to_owned),
                ..Role::default()
            },
        );
    }

    /// Adds a role that wants an external ID and trusts nobody but the management account.
    pub fn add_trusting_role(&mut self, role_arn: &str, external_id: &str) {
        let role = Role {
            external_id: Some(external_id.to_owned()),
            trusted_accounts: Some([self.management_account_id.clone()].into()),
            ..Role::default()
        };
        self.roles.insert(role_arn.to_owned(), role);
    }

    /// All OUs by ID.
    pub fn units(&self) -> &BTreeMap<String, Unit> {
        &self.units
    }

    /// All accounts by ID.
    pub fn accounts(&self) -> &BTreeMap<String, Account> {
        &self.accounts
    }

    /// The ID of the one OU or root at a path of names, such as `/Workloads/Prod`.
    pub fn unit_at(&self, path: &str) -> String {
        path.split('/').filter(|name| !name.is_empty()).fold(
            self.root_id.clone(),
            |parent, name| {
                let mut found = self
                    .units_under
                    .get(&parent)
                    .into_iter()
                    .flatten()
                    .filter(|id| self.units[*id].name == name);
                match (found.next(), found.next()) {
                    (Some(id), None) => id.clone(),
                    (found, _) => panic!(
                        "{path}: {name} is there {}",
                        found.map_or("not", |_| "twice")
                    ),
                }
            },
        )
    }

    /// The ID of the one account with this name.
    pub fn account_named(&self, name: &str) -> String {
        let mut found = self
            .accounts
            .iter()
            .filter(|(_, account)| account.name == name);
        match (found.next(), found.next()) {
            (Some((id, _)), None) => id.clone(),
            (found, _) => panic!(
                "account {name} is there {}",
                found.map_or("not", |_| "twice")
            ),
        }
    }

    /// The Region that AWS Organizations is in.
    pub fn region(&self) -> &'static str {
        match self.partition.as_str() {
            "aws-cn" => "cn-northwest-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        }
    }

    /// ARN of the AWS organization.
    pub fn arn(&self) -> String {
        self.arn_of("organization", "")
    }

    /// ARN of the root.
    pub(super) fn root_arn(&self) -> String {
        self.arn_of("root", &self.root_id)
    }

    /// ARN of an OU.
    pub fn unit_arn(&self, id: &str) -> String {
        self.arn_of("ou", id)
    }

    /// ARN of an account.
    pub fn account_arn(&self, id: &str) -> String {
        self.arn_of("account", id)
    }

    fn arn_of(&self, kind: &str, id: &str) -> String {
        let slash = if id.is_empty() { "" } else { "/" };
        format!(
            "arn:{}:organizations::{}:{kind}/{}{slash}{id}",
            self.partition, self.management_account_id, self.id
        )
    }

    /// `o-.../r-.../ou-.../` down to `id`, an OU or the root: the API's Path, IDs only.
    pub(super) fn id_path(&self, id: &str) -> String {
        let mut chain = vec![id];
        let mut at = id;
        while let Some(unit) = self.units.get(at) {
            at = &unit.parent_id;
            chain.push(at);
        }
        chain.push(&self.id);
        chain.reverse();
        format!("{}/", chain.join("/"))
    }

    /// Whether `id` is the root or an OU.
    pub fn holds(&self, id: &str) -> bool {
        id == self.root_id || self.units.contains_key(id)
    }

    pub(super) fn units_page<'a>(
        &'a self,
        parent_id: &str,
        after: &str,
    ) -> impl Iterator<Item = &'a String> + use<'a> {
        following(self.units_under.get(parent_id), after)
    }

    pub(super) fn accounts_page<'a>(
        &'a self,
        parent_id: &str,
        after: &str,
    ) -> impl Iterator<Item = &'a String> + use<'a> {
        following(self.accounts_under.get(parent_id), after)
    }

    pub(super) fn all_accounts_page<'a>(
        &'a self,
        after: &str,
    ) -> impl Iterator<Item = &'a String> + use<'a> {
        let range = (Bound::Excluded(after.to_owned()), Bound::Unbounded);
        self.accounts.range(range).map(|(id, _)| id)
    }

    fn account_mut(&mut self, id: &str) -> &mut Account {
        self.accounts
            .get_mut(id)
            .unwrap_or_else(|| panic!("there is no account {id}"))
    }

    fn unit_mut(&mut self, id: &str) -> &mut Unit {
        self.units
            .get_mut(id)
            .unwrap_or_else(|| panic!("there is no OU {id}"))
    }

    fn must_hold(&self, parent_id: &str) {
        assert!(self.holds(parent_id), "there is no OU or root {parent_id}");
    }
}

fn following<'a>(
    ids: Option<&'a BTreeSet<String>>,
    after: &str,
) -> impl Iterator<Item = &'a String> + use<'a> {
    let range = (Bound::Excluded(after.to_owned()), Bound::Unbounded);
    ids.into_iter()
        .flat_map(move |ids| ids.range(range.clone()))
}
