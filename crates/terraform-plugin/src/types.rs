//! Terraform's type constraints.

use serde_json::{Value as Json, json};

/// A type constraint, as in HCL's `type = ...`. Objects are nested attributes
/// ([`Attribute::nested`](super::schema::Attribute::nested) and its siblings), whose attributes have descriptions.
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

    /// The JSON form of the protocol: `"string"`, `["list","string"]`.
    pub fn to_json(&self) -> Json {
        match self {
            Type::Bool => json!("bool"),
            Type::Number => json!("number"),
            Type::String => json!("string"),
            Type::List(element) => json!(["list", element.to_json()]),
            Type::Set(element) => json!(["set", element.to_json()]),
            Type::Map(element) => json!(["map", element.to_json()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_protocol_says() {
        let ty = Type::map(Type::list(Type::set(Type::Number)));
        assert_eq!(
            ty.to_json().to_string(),
            r#"["map",["list",["set","number"]]]"#
        );
    }
}
