//! What a mirror follows from, in plain strings, and the model asked for it.

use std::collections::{BTreeMap, BTreeSet};

use describe::{Field, Known, Value};
use orgmirror::model::mirror::{
    Desired, Inventory, InventoryAccount, InventoryUnit, Mirror, MirrorError, Previous, Reconciled,
    reconcile,
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

pub(crate) fn unless<T>(hidden: bool, value: impl Into<Value<T>>) -> Value<T> {
    if hidden { Value::Unknown } else { value.into() }
}

impl World {
    pub(crate) fn inventory(&self, hidden: &Hidden) -> Inventory {
        Inventory {
            aws_organization_id: Value::Known("o-a".to_owned()),
            root_id: Some(ROOT.to_owned()),
            partition: unless(
                hidden.settings.contains("partition"),
                self.partition.clone(),
            ),
            organizational_units: self
                .units
                .iter()
                .map(|(id, (name, parent))| {
                    let unit = InventoryUnit {
                        name: unless(hidden.names.contains(id), name.clone()),
                        parent_id: parent.clone().into(),
                    };
                    (id.clone(), unit)
                })
                .collect(),
            accounts: self
                .accounts
                .iter()
                .map(|(id, member)| {
                    let account = InventoryAccount {
                        name: unless(hidden.names.contains(id), member.name.clone()),
                        email: Value::Null,
                        state: member.state.clone().into(),
                        parent_id: member.parent.clone().into(),
                        joined_at: unless(hidden.joined.contains(id), member.joined.clone()),
                        tags: unless(hidden.tags.contains(id), member.tags.clone().into_value()),
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
        let inventory = self.inventory(hidden);
        let hides = |setting| hidden.settings.contains(setting);
        let desired = Desired {
            inventory: &inventory,
            handle: unless(hides("handle"), self.handle.clone()),
            prefix: unless(hides("prefix"), self.prefix.clone()),
            initial_handles: unless(hides("initial"), self.initial.clone()),
            role_name: unless(hides("role"), self.role.clone()),
            default_region: unless(hides("region"), self.region.clone()),
            sso: unless(hides("sso"), self.sso.clone()),
            owners: unless(hides("owners"), self.owners.clone()),
            resource_owners: unless(hides("resource_owners"), self.resource_owners.clone()),
        };
        let mirror = past.and_then(|past| past.mirror.clone().into_planned().mirror());
        let previous = past.zip(mirror.as_ref()).map(|(past, mirror)| Previous {
            mirror,
            handle: &past.handle,
            prefix: &past.prefix,
            given_handles: &past.given,
        });
        reconcile(&desired, previous.as_ref())
    }

    /// The mirror with nothing hidden.
    pub(crate) fn known_mirror(&self, past: Option<&Past>) -> Result<KnownMirror, MirrorError> {
        let reconciled = self.mirror(&Hidden::default(), past)?;
        Ok(KnownMirror {
            mirror: reconciled.mirror.known().expect("nothing is hidden"),
            given_handles: reconciled.given_handles,
        })
    }
}

/// A mirror of which everything is known, and the handles that were given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownMirror {
    pub(crate) mirror: Mirror,
    pub(crate) given_handles: BTreeMap<String, String>,
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
    pub(crate) fn of(world: &World, mirrored: KnownMirror) -> Self {
        Self {
            mirror: mirrored.mirror,
            handle: world.handle.clone(),
            prefix: world.prefix.clone(),
            given: mirrored.given_handles,
        }
    }
}
