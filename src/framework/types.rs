//! Terraform's type constraints.

use serde_json::{Value as Json, json};

/// A type constraint, as in HCL's `type = ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `list(T)`
    List(Box<Type>),
    /// `set(T)`
    Set(Box<Type>),
    /// `map(T)`
    Map(Box<Type>),
    /// `tuple([T, ...])`
    Tuple(Vec<Type>),
    /// `object({ name = T, ... })`
    Object(Vec<(String, Type)>),
    /// `any`: each value carries its own type.
    Dynamic,
}

impl Type {
    /// `list(element)`
    pub fn list(element: Type) -> Self {
        Type::List(Box::new(element))
    }

    /// `set(element)`
    pub fn set(element: Type) -> Self {
        Type::Set(Box::new(element))
    }

    /// `map(element)`
    pub fn map(element: Type) -> Self {
        Type::Map(Box::new(element))
    }

    /// Whether it is, or holds, [`Type::Dynamic`].
    pub fn is_dynamic(&self) -> bool {
        match self {
            Type::Dynamic => true,
            Type::Bool | Type::Number | Type::String => false,
            Type::List(element) | Type::Set(element) | Type::Map(element) => element.is_dynamic(),
            Type::Tuple(elements) => elements.iter().any(Type::is_dynamic),
            Type::Object(attributes) => attributes.iter().any(|(_, ty)| ty.is_dynamic()),
        }
    }

    /// The JSON form of the protocol: `"string"`, `["list","string"]`, `["object",{...}]`.
    pub fn to_json(&self) -> Json {
        match self {
            Type::Bool => json!("bool"),
            Type::Number => json!("number"),
            Type::String => json!("string"),
            Type::Dynamic => json!("dynamic"),
            Type::List(element) => json!(["list", element.to_json()]),
            Type::Set(element) => json!(["set", element.to_json()]),
            Type::Map(element) => json!(["map", element.to_json()]),
            Type::Tuple(elements) => {
                json!([
                    "tuple",
                    elements.iter().map(Type::to_json).collect::<Vec<_>>()
                ])
            }
            Type::Object(attributes) => {
                let attributes = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json()));
                json!(["object", Json::Object(attributes.collect())])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_protocol_says() {
        let ty = Type::map(Type::Object(vec![
            ("name".into(), Type::String),
            ("tags".into(), Type::set(Type::Number)),
        ]));
        assert_eq!(
            ty.to_json().to_string(),
            r#"["map",["object",{"name":"string","tags":["set","number"]}]]"#
        );
        assert!(!ty.is_dynamic());
        assert!(Type::list(Type::Dynamic).is_dynamic());
    }
}
