//! Identities, which name objects for good. Terraform 1.12 and later keep them beside states.

use crate::proto::tfplugin6::{ResourceIdentitySchema, resource_identity_schema};

use super::json;
use super::msgpack::{DecodeError, Head, Reader};
use super::path::Path;
use super::raw_value;
use super::schema::{Kind, Schema};
use super::types::Type;

/// Which attributes of a state are its object's identity: strings that an object has from its creation to its end, and
/// that together no other object of the type has.
#[derive(Debug, Clone)]
pub struct Identity {
    version: i64,
    names: Vec<&'static str>,
}

/// How an import names its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportBy<'a, S> {
    /// By the string of `terraform import` or of an import block's `id`; never empty.
    Id(&'a str),
    /// By an import block's `identity`: a state in which the attributes of the identity are known and all others null.
    Identity(S),
}

impl Identity {
    /// The identity that these attributes of the resource's schema make, of version 0.
    pub fn of(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            version: 0,
            names: names.into_iter().collect(),
        }
    }

    /// The version written into states. An identity of an older version is forgotten and made anew from the state.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// The version written into states.
    pub fn identity_version(&self) -> i64 {
        self.version
    }

    /// The attributes' names.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    pub(crate) fn to_proto(&self, schema: &Schema) -> ResourceIdentitySchema {
        let attributes = self.names.iter().map(|name| {
            let attribute = schema.attributes().iter().find(|a| a.name() == *name);
            resource_identity_schema::IdentityAttribute {
                name: (*name).to_owned(),
                r#type: Type::String.to_json().to_string().into_bytes(),
                required_for_import: true,
                optional_for_import: false,
                description: attribute
                    .map_or_else(String::new, |a| a.description_text().to_owned()),
            }
        });
        ResourceIdentitySchema {
            version: self.version,
            identity_attributes: attributes.collect(),
        }
    }

    /// Everything in which it contradicts the resource's schema.
    pub(crate) fn problems(&self, schema: &Schema) -> Vec<String> {
        let mut problems = Vec::new();
        if self.names.is_empty() {
            problems.push("the identity has no attributes".to_owned());
        }
        for (position, name) in self.names.iter().enumerate() {
            let mut problem = |text: &str| problems.push(format!("identity, {name}: {text}"));
            if self.names[..position].contains(name) {
                problem("is there twice");
            }
            let Some(attribute) = schema.attributes().iter().find(|a| a.name() == *name) else {
                problem("the schema has no such attribute");
                continue;
            };
            if !matches!(attribute.kind(), Kind::Value(Type::String)) {
                problem("only strings can be part of an identity");
            }
            if !attribute.is_required() && !attribute.is_computed() {
                problem("it may be null; it must be required or computed");
            }
            if !attribute.replaces() && (attribute.is_optional() || !attribute.keeps_state()) {
                problem(
                    "it may change; it must require a replacement, or only be computed, and kept from state",
                );
            }
            if attribute.is_sensitive() || attribute.is_write_only() {
                problem("identities are shown and stored");
            }
        }
        problems
    }

    /// The values in an encoded object that has the attributes of the resource; none unless each of them is known.
    fn values<'a>(&self, object: &'a [u8]) -> Result<Option<Vec<&'a str>>, DecodeError> {
        let entries = raw_value::entries(object)?.unwrap_or_default();
        let mut values = Vec::with_capacity(self.names.len());
        for name in &self.names {
            match Reader::new(raw_value::find_attribute(&entries, name)).head()? {
                Head::Str(value) => values.push(value),
                Head::Null | Head::Unknown => return Ok(None),
                other => {
                    return Err(DecodeError {
                        path: Path::of(*name),
                        message: format!("a string is needed, not {}", other.kind()),
                    });
                }
            }
        }
        Ok(Some(values))
    }

    /// The encoded identity of an encoded state, or of anything else that has the attributes of the resource. None
    /// unless it is whole: Terraform takes one with unknown parts for a creation, and then fails to show the plan as
    /// JSON.
    pub(crate) fn extract(&self, state: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
        Ok(self.values(state)?.map(|values| {
            let mut bytes = Vec::new();
            // Writing to a vector cannot fail.
            let _ = rmp::encode::write_map_len(&mut bytes, values.len() as u32);
            for (name, value) in self.names.iter().zip(values) {
                let _ = rmp::encode::write_str(&mut bytes, name);
                let _ = rmp::encode::write_str(&mut bytes, value);
            }
            bytes
        }))
    }

    /// The first attribute in which two objects are not the same one; none where one of them has no identity yet.
    pub(crate) fn difference(
        &self,
        one: &[u8],
        other: &[u8],
    ) -> Result<Option<&'static str>, DecodeError> {
        let (Some(one), Some(other)) = (self.values(one)?, self.values(other)?) else {
            return Ok(None);
        };
        let mut values = self.names.iter().zip(one.into_iter().zip(other));
        Ok(values.find_map(|(name, (one, other))| (one != other).then_some(*name)))
    }

    /// A stored identity, of this version or an older one. What is older is forgotten: the next state that is read or
    /// written says it anew.
    pub(crate) fn upgrade(
        &self,
        schema: &Schema,
        version: i64,
        stored: &[u8],
    ) -> Result<Option<Vec<u8>>, DecodeError> {
        if version < self.version || stored.is_empty() {
            return Ok(None);
        }
        self.extract(&json::to_msgpack(schema.attributes(), stored)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value as Json, json};

    use super::super::msgpack::{UNKNOWN, from_slice, to_vec};
    use super::super::schema::Attribute;
    use super::*;

    fn schema() -> Schema {
        let tags = Attribute::map("tags", Type::String).optional();
        Schema::new(
            "A thing.",
            vec![
                Attribute::string("id")
                    .computed()
                    .use_state_for_unknown()
                    .description("What it is called."),
                Attribute::string("owner").required().requires_replace(),
                Attribute::string("name").required(),
                Attribute::string("fresh").computed(),
                Attribute::string("note").optional().requires_replace(),
                Attribute::string("chosen")
                    .optional()
                    .computed()
                    .use_state_for_unknown(),
                Attribute::string("key")
                    .required()
                    .sensitive()
                    .requires_replace(),
                Attribute::number("size").required().requires_replace(),
                tags,
            ],
        )
    }

    #[test]
    fn contradictions_are_found() {
        let problems = |names: &[&'static str]| {
            let identity = Identity::of(names.iter().copied());
            identity.problems(&schema()).join("; ")
        };
        assert_eq!(problems(&["id"]), "");
        assert_eq!(problems(&["owner", "id"]), "");
        assert!(problems(&[]).contains("no attributes"));
        assert!(problems(&["id", "id"]).contains("twice"));
        assert!(problems(&["handle"]).contains("no such attribute"));
        assert!(problems(&["name"]).contains("name: it may change"));
        assert!(problems(&["fresh"]).contains("may change"));
        assert!(problems(&["chosen"]).contains("may change"));
        assert!(problems(&["note"]).contains("may be null"));
        assert!(problems(&["key"]).contains("shown"));
        assert!(problems(&["size"]).contains("only strings"));
        assert!(problems(&["tags"]).contains("only strings"));
    }

    #[test]
    fn its_schema_says_what_the_resources_says() {
        let proto = Identity::of(["id"]).version(3).to_proto(&schema());
        assert_eq!(proto.version, 3);
        let attribute = &proto.identity_attributes[0];
        assert_eq!(attribute.name, "id");
        assert_eq!(attribute.r#type, b"\"string\"");
        assert_eq!(attribute.description, "What it is called.");
        assert!(attribute.required_for_import && !attribute.optional_for_import);
    }

    #[test]
    fn is_in_a_state_whole_or_not_at_all() {
        let identity = Identity::of(["owner", "id"]);
        let of = |state: Json| identity.extract(&to_vec(&state).unwrap()).unwrap();
        let found = of(json!({"id": "1", "owner": "me", "name": "n"})).unwrap();
        let found: Json = from_slice(&found).unwrap();
        assert_eq!(found, json!({"id": "1", "owner": "me"}));
        assert_eq!(of(json!({"id": "1", "owner": null})), None);
        assert_eq!(of(json!({"id": "1"})), None);
        assert_eq!(of(Json::Null), None);
        let unknown = [b"\x82\xa5owner\xa2me\xa2id".as_slice(), &UNKNOWN].concat();
        assert_eq!(identity.extract(&unknown), Ok(None));
        let wrong = to_vec(&json!({"id": 1, "owner": "me"})).unwrap();
        let error = identity.extract(&wrong).unwrap_err();
        assert_eq!(error.to_string(), "id: a string is needed, not a number");
    }

    #[test]
    fn tells_objects_apart() {
        let identity = Identity::of(["owner", "id"]);
        let one = to_vec(&json!({"id": "1", "owner": "me", "name": "a"})).unwrap();
        let difference = |other: Json| {
            let other = to_vec(&other).unwrap();
            identity.difference(&one, &other).unwrap()
        };
        assert_eq!(difference(json!({"owner": "me", "id": "1"})), None);
        assert_eq!(difference(json!({"owner": "me", "id": "2"})), Some("id"));
        assert_eq!(difference(json!({"owner": "us", "id": "1"})), Some("owner"));
        assert_eq!(difference(json!({"owner": "us", "id": null})), None);
    }

    #[test]
    fn what_is_older_is_made_anew() {
        let identity = Identity::of(["id"]).version(2);
        let upgrade =
            |version, stored: &str| identity.upgrade(&schema(), version, stored.as_bytes());
        let kept = upgrade(2, r#"{"id": "1", "gone": 5}"#).unwrap().unwrap();
        assert_eq!(from_slice::<Json>(&kept).unwrap(), json!({"id": "1"}));
        assert_eq!(upgrade(1, r#"{"id": "1"}"#), Ok(None));
        assert_eq!(upgrade(2, ""), Ok(None));
        assert!(upgrade(2, "{").is_err());
    }
}
