//! What a mirror follows from, in plain strings, and the model asked for it.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::model::late::Late;
use orgmirror::model::mirror::{
    Desired, Inventory, InventoryAccount, InventoryUnit, Mirror, MirrorError, Previous, Reconciled,
    mirror,
};
use orgmirror::model::owners::{Owner, ResourceOwner};
use orgmirror::model::sso::Sso;

use crate::generate::ROOT;

/// All that a mirror follows from, in plain strings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct World {
    pub(crate) handle: String,
    pub(crate) prefix: String,
    pub(crate) initial: BTreeMap<String, String>,
    pub(crate) role: String,
    pub(crate) partition: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) sso: Option<Sso>,
    pub(crate) owners: Option<Vec<Owner>>,
    pub(crate) resource_owners: Option<Vec<ResourceOwner>>,
    /// ID to name and parent.
    pub(crate) units: BTreeMap<String, (String, Option<String>)>,
    pub(crate) accounts: BTreeMap<String, Member>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) parent: Option<String>,
    pub(crate) joined: Option<String>,
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

/// Which inputs are not known yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hidden {
    pub(crate) settings: BTreeSet<&'static str>,
    pub(crate) names: BTreeSet<String>,
    pub(crate) joined: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
}

pub(crate) const SETTINGS: [&str; 9] = [
    "handle",
    "prefix",
    "initial",
    "role",
    "partition",
    "region",
    "sso",
    "owners",
    "resource_owners",
];

pub(crate) fn late<T>(value: T, hidden: bool) -> Value<T> {
    if hidden {
        Value::Unknown
    } else {
        Value::Known(value)
    }
}

impl World {
    pub(crate) fn source(&self, hidden: &Hidden) -> Inventory {
        Inventory {
            aws_organization_id: Value::Known("o-a".to_owned()),
            root_id: Some(ROOT.to_owned()),
            partition: late(
                self.partition.clone(),
                hidden.settings.contains("partition"),
            ),
            organizational_units: self
                .units
                .iter()
                .map(|(id, (name, parent))| {
                    let unit = InventoryUnit {
                        name: late(Some(name.clone()), hidden.names.contains(id)),
                        parent_id: parent.clone(),
                    };
                    (id.clone(), unit)
                })
                .collect(),
            accounts: self
                .accounts
                .iter()
                .map(|(id, member)| {
                    let account = InventoryAccount {
                        name: late(member.name.clone(), hidden.names.contains(id)),
                        email: Value::Null,
                        state: Some(member.state.clone()),
                        parent_id: member.parent.clone(),
                        joined_at: late(member.joined.clone(), hidden.joined.contains(id)),
                        tags: late(member.tags.clone(), hidden.tags.contains(id)),
                    };
                    (id.clone(), account)
                })
                .collect(),
        }
    }

    pub(crate) fn mirror(
        &self,
        hidden: &Hidden,
        past: Option<&Past>,
    ) -> Result<Reconciled, MirrorError> {
        let source = self.source(hidden);
        let hides = |setting| hidden.settings.contains(setting);
        let wanted = Desired {
            source: &source,
            handle: late(self.handle.clone(), hides("handle")),
            prefix: late(self.prefix.clone(), hides("prefix")),
            initial_handles: late(self.initial.clone(), hides("initial")),
            role_name: late(self.role.clone(), hides("role")),
            default_region: late(self.region.clone(), hides("region")),
            sso: late(self.sso.clone(), hides("sso")),
            owners: late(self.owners.clone(), hides("owners")),
            resource_owners: late(self.resource_owners.clone(), hides("resource_owners")),
        };
        let held = past.map(|past| Previous {
            mirror: &past.mirror,
            handle: &past.handle,
            prefix: &past.prefix,
            given_handles: &past.given,
        });
        mirror(&wanted, held.as_ref())
    }
}

/// What is held from before.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) mirror: Mirror,
    pub(crate) handle: String,
    pub(crate) prefix: String,
    pub(crate) given: BTreeMap<String, String>,
}

impl Past {
    pub(crate) fn of(world: &World, mirrored: Reconciled) -> Self {
        Self {
            mirror: mirrored.mirror,
            handle: world.handle.clone(),
            prefix: world.prefix.clone(),
            given: mirrored.given_handles,
        }
    }
}
