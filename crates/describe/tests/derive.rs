//! What the derive macro makes of a struct.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use describe::{
    Attribute, Attributes, Describe, Described, Field, Kind, Known, Nesting, NotKnown, Scalar,
    StringCheck, Type, Value, Violation,
};
use serde_json::json;

/// A name that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name(String);

fn check_name(name: &str) -> Result<(), Violation> {
    if name.is_empty() {
        return Err(Violation::new("It must not be empty.", "Give a name."));
    }
    Ok(())
}

impl Described for Name {
    fn kind() -> Kind {
        String::kind()
    }

    fn check() -> Option<StringCheck> {
        Some(check_name)
    }
}

impl Known for Name {
    type Planned = String;

    fn into_planned(self) -> String {
        self.0
    }

    fn from_planned(planned: String) -> Result<Self, NotKnown> {
        Ok(Self(planned))
    }
}

#[derive(Debug, Clone, PartialEq, Describe)]
#[describe(planned = PlannedSize)]
struct Size {
    /// How wide.
    #[field(default(5), at_least(1))]
    width: i64,
    /// How high.
    height: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Describe)]
#[describe(planned = PlannedThing)]
struct Thing {
    /// `t_` and a number.
    #[field(use_state_for_unknown)]
    id: String,
    /// What it is called,
    /// on two lines.
    #[field(required, requires_replace)]
    name: Name,
    #[field(flatten)]
    size: Size,
    /// By name.
    #[field(optional)]
    parts: BTreeMap<Name, Size>,
    /// Words.
    words: Option<BTreeSet<String>>,
    /// In order.
    names: Vec<Name>,
    #[field(skip)]
    seen: bool,
}

fn thing() -> Thing {
    let name = |text: &str| Name(text.to_owned());
    Thing {
        id: "t_1".to_owned(),
        name: name("chair"),
        size: Size {
            width: 3,
            height: None,
        },
        parts: BTreeMap::from([(
            name("leg"),
            Size {
                width: 1,
                height: Some(9),
            },
        )]),
        words: Some(BTreeSet::from(["wood".to_owned()])),
        names: vec![name("a")],
        seen: false,
    }
}

fn attribute(name: &str) -> Attribute {
    let attributes = Thing::attributes();
    let found = attributes.into_iter().find(|each| each.name() == name);
    found.unwrap()
}

#[test]
fn attributes_follow_from_the_fields() {
    let attributes = Thing::attributes();
    let names: Vec<&str> = attributes.iter().map(Attribute::name).collect();
    assert_eq!(
        names,
        ["id", "name", "width", "height", "parts", "words", "names"]
    );
    assert_eq!(
        PlannedThing::attributes().len(),
        attributes.len(),
        "the counterpart has the same ones"
    );
    let name = attribute("name");
    assert_eq!(name.description_text(), "What it is called, on two lines.");
    assert!(name.is_required() && name.replaces() && !name.is_computed());
    let width = attribute("width");
    assert_eq!(width.default_value(), Some(&json!(5)));
    assert!(width.is_optional() && width.is_computed());
    assert!((width.checks()[0])(Scalar::Int(0)).is_err());
}

#[test]
fn what_nobody_can_set_is_computed_and_has_no_rules() {
    let names = attribute("names");
    assert!(names.is_computed() && !names.is_optional());
    assert!(names.checks().is_empty());
    assert!(attribute("id").keeps_state());
}

#[test]
fn types_bring_their_rules_along() {
    let name = attribute("name");
    assert!((name.checks()[0])(Scalar::String("")).is_err());
    assert!((name.checks()[0])(Scalar::String("a")).is_ok());
    let parts = attribute("parts");
    assert!((parts.key_checks()[0])(Scalar::String("")).is_err());
    assert!(parts.checks().is_empty());
}

#[test]
fn kinds_follow_from_the_types() {
    assert!(matches!(
        attribute("width").kind(),
        Kind::Value(Type::Number)
    ));
    assert!(matches!(
        attribute("parts").kind(),
        Kind::Nested(Nesting::Map, inner) if inner.len() == 2
    ));
    let Kind::Value(words) = attribute("words").kind().clone() else {
        panic!("words are a value");
    };
    assert_eq!(words, Type::set(Type::String));
}

#[test]
fn what_is_known_survives_the_way_through_the_counterpart() {
    let planned = thing().into_planned();
    assert_eq!(planned.size.height, Value::Null);
    assert_eq!(Thing::from_planned(planned), Ok(thing()));
}

#[test]
fn what_is_not_known_is_named() {
    let path = |planned: PlannedThing| Thing::from_planned(planned).unwrap_err().to_string();
    let mut planned = thing().into_planned();
    planned.size.width = Value::Unknown;
    assert_eq!(path(planned), "width is not known");

    let mut planned = thing().into_planned();
    let Value::Known(parts) = &mut planned.parts else {
        panic!("parts are known");
    };
    let Some(Value::Known(leg)) = parts.values_mut().next() else {
        panic!("there is a leg");
    };
    leg.height = Value::Unknown;
    assert_eq!(path(planned), "parts.leg.height is not known");

    let mut planned = thing().into_planned();
    planned.names = Value::Known(vec![Value::Unknown]);
    assert_eq!(path(planned), "names.0 is not known");
}

#[test]
fn a_value_is_whole_if_all_in_it_is_known() {
    let names = |values: Vec<Value<String>>| describe::whole::<Vec<Name>>(&Value::Known(values));
    let name = Name("a".to_owned());
    assert_eq!(names(vec!["a".into()]), Value::Known(vec![name]));
    assert_eq!(names(vec!["a".into(), Value::Unknown]), Value::Unknown);
    assert_eq!(describe::whole::<String>(&Value::Null), Value::Null);
}

#[test]
fn the_counterpart_is_read_and_written_with_the_parts_of_its_parts_beside_its_own() {
    let json = serde_json::to_value(thing().into_planned()).unwrap();
    assert_eq!(
        json,
        json!({
            "id": "t_1", "name": "chair", "width": 3, "height": null,
            "parts": { "leg": { "width": 1, "height": 9 } },
            "words": ["wood"], "names": ["a"],
        })
    );
    let text = json!({ "name": "chair", "width": 3, "height": null, "other": [1] }).to_string();
    let planned: PlannedSize = serde_json::from_str(&text).unwrap();
    assert_eq!(planned.into_fields(), (Value::Known(3), Value::Null));
}

impl PlannedSize {
    fn into_fields(self) -> (Value<i64>, Value<i64>) {
        (self.width, self.height)
    }
}

/// A configuration: its fields are values.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
struct Arguments {
    /// How many.
    #[field(optional, at_least(1))]
    limit: Value<i64>,
    #[field(flatten, reworded("How", "Exactly how"))]
    size: PlannedSize,
    /// How big the box is.
    #[field(optional, reworded("How", "About how"))]
    package: Value<PlannedSize>,
}

#[test]
fn an_object_that_others_have_as_a_part_is_described_in_their_words() {
    let attributes = Arguments::attributes();
    let package = attributes.iter().find(|each| each.name() == "package");
    let package = package.unwrap();
    let words = |attributes: &[Attribute]| -> Vec<String> {
        let texts = attributes.iter().map(Attribute::description_text);
        texts.map(str::to_owned).collect()
    };
    assert_eq!(
        words(&attributes),
        [
            "How many.",
            "Exactly how wide.",
            "Exactly how high.",
            "About how big the box is."
        ]
    );
    assert_eq!(
        words(package.nested_attributes()),
        ["About how wide.", "About how high."]
    );
}

#[test]
fn a_struct_of_values_is_described_and_read_as_it_is() {
    let names: Vec<String> = Arguments::attributes()
        .iter()
        .map(|each| each.name().to_owned())
        .collect();
    assert_eq!(names, ["limit", "width", "height", "package"]);
    let arguments: Arguments = serde_json::from_str(r#"{ "limit": 2, "width": 3 }"#).unwrap();
    assert_eq!(arguments.limit, Value::Known(2));
    assert_eq!(arguments.size.width, Value::Known(3));
    assert_eq!(arguments.size.height, Value::Null);
}

#[test]
fn an_optional_field_is_null_where_it_is_none() {
    assert_eq!(Option::<i64>::into_value(None), Value::Null);
    assert_eq!(Option::<i64>::from_value(Value::Null), Ok(None));
    assert!(i64::from_value(Value::Null).is_err());
}
