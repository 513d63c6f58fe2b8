//! Schemas as the protocol's messages.

use crate::proto::tfplugin6;

use super::{Attribute, Kind, Nesting, Schema};

impl Schema {
    pub(crate) fn to_proto(&self) -> tfplugin6::Schema {
        tfplugin6::Schema {
            version: self.version,
            block: Some(tfplugin6::schema::Block {
                version: self.version,
                attributes: self.attributes.iter().map(attribute_to_proto).collect(),
                description: self.description.clone(),
                description_kind: tfplugin6::StringKind::Markdown.into(),
                ..Default::default()
            }),
        }
    }
}

fn attribute_to_proto(attribute: &Attribute) -> tfplugin6::schema::Attribute {
    let (r#type, nested_type) = match attribute.kind() {
        Kind::Value(ty) => (ty.to_json().to_string().into_bytes(), None),
        Kind::Nested(nesting, attributes) => {
            use tfplugin6::schema::object::NestingMode;
            let nesting = match nesting {
                Nesting::Single => NestingMode::Single,
                Nesting::List => NestingMode::List,
                Nesting::Set => NestingMode::Set,
                Nesting::Map => NestingMode::Map,
            };
            // `type` must stay empty beside a nested type: Terraform takes one of the two only.
            let object = tfplugin6::schema::Object {
                attributes: attributes.iter().map(attribute_to_proto).collect(),
                nesting: nesting.into(),
                ..Default::default()
            };
            (Vec::new(), Some(object))
        }
    };
    tfplugin6::schema::Attribute {
        name: attribute.name().to_owned(),
        r#type,
        nested_type,
        description: attribute.description_text().to_owned(),
        description_kind: tfplugin6::StringKind::Markdown.into(),
        required: attribute.is_required(),
        optional: attribute.is_optional(),
        computed: attribute.is_computed(),
        sensitive: attribute.is_sensitive(),
        write_only: attribute.is_write_only(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_attribute_sends_no_type() {
        let nested = Attribute::nested("a", vec![Attribute::bool("b").optional()]).optional();
        let proto = attribute_to_proto(&nested);
        assert!(proto.r#type.is_empty());
        assert!(proto.nested_type.is_some());
    }
}
