//! Validation of configurations by their schema, before the provider's own rules.

use super::diagnostics::Diagnostics;
use super::msgpack::{DecodeError, Head, Reader};
use super::path::{Path, Step};
use super::raw_value;
use super::schema::{Attribute, Check, Kind, Nesting, Scalar, Schema, Violation};
use super::types::Type;

/// Reports every value that the schema refuses.
pub(crate) fn validate(
    schema: &Schema,
    config: &[u8],
    diagnostics: &mut Diagnostics,
) -> Result<(), DecodeError> {
    validate_object(schema.attributes(), config, &mut Path::root(), diagnostics)
}

fn validate_object(
    attributes: &[Attribute],
    value: &[u8],
    path: &mut Path,
    diagnostics: &mut Diagnostics,
) -> Result<(), DecodeError> {
    let Some(entries) = locate(raw_value::entries(value), path)? else {
        return Ok(());
    };
    for attribute in attributes {
        path.push(Step::Attribute(attribute.name().to_owned()));
        let value = raw_value::find_attribute(&entries, attribute.name());
        if raw_value::is_null(value) {
            // Terraform itself lets null through in nested attributes.
            if attribute.is_required() {
                diagnostics.error_at(
                    path.clone(),
                    "Missing required argument",
                    format!("{path} is required and null is no value for it. Set it."),
                );
            }
        } else {
            validate_value(attribute, value, path, diagnostics)?;
        }
        path.pop();
    }
    Ok(())
}

fn validate_value(
    attribute: &Attribute,
    value: &[u8],
    path: &mut Path,
    diagnostics: &mut Diagnostics,
) -> Result<(), DecodeError> {
    if let (Some(least), Some(count)) = (attribute.least_items(), length(value))
        && count < least
    {
        let fix = if attribute.is_required() {
            "Add what is missing.".to_owned()
        } else {
            format!("Add what is missing, or leave {path} out.")
        };
        diagnostics.error_at(
            path.clone(),
            "Too few elements",
            format!("{path} has {count} elements and needs at least {least}. {fix}"),
        );
    }
    match attribute.kind() {
        Kind::Value(Type::Map(_)) | Kind::Nested(Nesting::Map, _) => {
            let entries = locate(raw_value::entries(value), path)?;
            for (key, element) in entries.into_iter().flatten() {
                path.push(Step::Key(key.to_owned()));
                report(
                    attribute,
                    attribute.key_checks(),
                    Scalar::String(key),
                    path,
                    diagnostics,
                );
                validate_element(attribute, element, path, diagnostics)?;
                path.pop();
            }
        }
        Kind::Value(Type::List(_)) | Kind::Nested(Nesting::List, _) => {
            let elements = locate(raw_value::elements(value), path)?;
            for (index, element) in (0..).zip(elements.into_iter().flatten()) {
                path.push(Step::Index(index));
                validate_element(attribute, element, path, diagnostics)?;
                path.pop();
            }
        }
        Kind::Value(Type::Set(_)) | Kind::Nested(Nesting::Set, _) => {
            let elements = locate(raw_value::elements(value), path)?;
            for element in elements.into_iter().flatten() {
                validate_element(attribute, element, path, diagnostics)?;
            }
        }
        Kind::Value(_) => validate_scalar(attribute, value, path, diagnostics)?,
        Kind::Nested(Nesting::Single, inner) => validate_object(inner, value, path, diagnostics)?,
    }
    Ok(())
}

/// Validates one element of a collection.
fn validate_element(
    attribute: &Attribute,
    element: &[u8],
    path: &mut Path,
    diagnostics: &mut Diagnostics,
) -> Result<(), DecodeError> {
    let Kind::Nested(_, inner) = attribute.kind() else {
        return validate_scalar(attribute, element, path, diagnostics);
    };
    if raw_value::is_null(element) {
        report_null_element(path, diagnostics);
        return Ok(());
    }
    validate_object(inner, element, path, diagnostics)
}

fn report_null_element(path: &Path, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        path.clone(),
        "Null element",
        format!(
            "{path} is or holds a null element, which stands for nothing. Leave the element out."
        ),
    );
}

fn validate_scalar(
    attribute: &Attribute,
    value: &[u8],
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<(), DecodeError> {
    let value = match locate(Reader::new(value).head(), path)? {
        Head::Null => {
            report_null_element(path, diagnostics);
            return Ok(());
        }
        Head::Bool(value) => Scalar::Bool(value),
        Head::Int(value) => Scalar::Int(value),
        Head::UInt(value) => Scalar::Float(value as f64),
        Head::Float(value) => Scalar::Float(value),
        Head::Str(value) => Scalar::String(value),
        // An unknown value is checked once it is known. Values that are not scalars are the provider's to check.
        Head::Unknown | Head::Bin(_) | Head::Array(_) | Head::Map(_) => return Ok(()),
    };
    report(attribute, attribute.checks(), value, path, diagnostics);
    Ok(())
}

fn report(
    attribute: &Attribute,
    checks: &[Check],
    value: Scalar<'_>,
    path: &Path,
    diagnostics: &mut Diagnostics,
) {
    for check in checks {
        if let Err(Violation { rule, fix }) = check(value) {
            let shown = if attribute.is_sensitive() {
                "The sensitive value".to_owned()
            } else {
                shorten(format!("{value}"))
            };
            diagnostics.error_at(
                path.clone(),
                format!("Invalid value for {}", attribute.name()),
                format!("{shown} cannot be used for {path}. {rule} {fix}"),
            );
        }
    }
}

/// Cuts a long value: its beginning is enough to recognise it.
fn shorten(shown: String) -> String {
    const MOST: usize = 80;
    match shown.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn length(value: &[u8]) -> Option<usize> {
    match Reader::new(value).head() {
        Ok(Head::Array(length) | Head::Map(length)) => Some(length),
        _ => None,
    }
}

/// Puts `path` in front of the path of an error.
fn locate<T>(result: Result<T, DecodeError>, path: &Path) -> Result<T, DecodeError> {
    result.map_err(|mut error| {
        for step in path.steps().iter().rev() {
            error.path.prepend(step.clone());
        }
        error
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::msgpack::to_vec;
    use super::*;

    fn found(attribute: Attribute, value: serde_json::Value) -> Vec<(String, String)> {
        let schema = Schema::new("A thing.", vec![attribute]);
        let mut diagnostics = Diagnostics::new();
        validate(
            &schema,
            &to_vec(&json!({ "a": value })).unwrap(),
            &mut diagnostics,
        )
        .unwrap();
        diagnostics
            .iter()
            .map(|d| (d.path.to_string(), d.detail.clone()))
            .collect()
    }

    fn no_x(value: &str) -> Result<(), Violation> {
        if value == "x" {
            Err(Violation::new("It must not be x.", "Use y."))
        } else {
            Ok(())
        }
    }

    #[test]
    fn names_attribute_value_rule_and_fix() {
        let found = found(
            Attribute::string("a").optional().check_string(no_x),
            json!("x"),
        );
        assert_eq!(
            found,
            [(
                "a".into(),
                "\"x\" cannot be used for a. It must not be x. Use y.".into()
            )]
        );
    }

    #[test]
    fn leaving_out_is_no_fix_for_what_is_required() {
        let set = || Attribute::set("a", Type::String);
        let empty = |attribute: Attribute| found(attribute.min_items(1), json!([]));
        let few = "a has 0 elements and needs at least 1. Add what is missing";
        assert_eq!(
            empty(set().optional()),
            [("a".into(), format!("{few}, or leave a out."))]
        );
        assert_eq!(empty(set().required()), [("a".into(), format!("{few}."))]);
    }

    #[test]
    fn shortens_long_values() {
        let attribute = Attribute::string("a")
            .optional()
            .check_string(|_| Err(Violation::new("No.", "Never.")));
        let found = found(attribute, json!("é".repeat(400)));
        assert!(found[0].1.chars().count() < 130, "{found:?}");
    }

    #[test]
    fn hides_sensitive_values() {
        let attribute = Attribute::string("a")
            .optional()
            .sensitive()
            .check_string(no_x);
        assert!(
            found(attribute, json!("x"))[0]
                .1
                .starts_with("The sensitive value")
        );
    }

    #[test]
    fn refuses_null_where_terraform_lets_it_through() {
        let map =
            || Attribute::nested_map("a", vec![Attribute::string("name").required()]).optional();
        assert_eq!(
            found(map(), json!({"k": {"name": null}}))[0].0,
            r#"a["k"].name"#
        );
        assert_eq!(found(map(), json!({"k": null}))[0].0, r#"a["k"]"#);
        assert!(found(map(), json!({"k": {"name": "n"}})).is_empty());
        assert!(found(map(), json!(null)).is_empty());
        let tags = Attribute::map("a", Type::String).optional();
        assert_eq!(found(tags, json!({"k": null}))[0].0, r#"a["k"]"#);
    }

    #[test]
    fn checks_keys_elements_and_sizes() {
        let keys = Attribute::map("a", Type::String)
            .optional()
            .check_keys(no_x);
        assert_eq!(found(keys, json!({"x": "y"}))[0].0, r#"a["x"]"#);
        let list = Attribute::list("a", Type::String)
            .optional()
            .check_string(no_x);
        assert_eq!(found(list, json!(["y", "x"]))[0].0, "a[1]");
        let set = Attribute::set("a", Type::String).optional().min_items(1);
        assert!(found(set, json!([]))[0].1.contains("at least 1"));
        let number = || Attribute::number("a").optional().at_least(1);
        assert!(found(number(), json!(0))[0].1.contains("at least 1"));
        assert!(found(number(), json!(1.5))[0].1.contains("whole number"));
        assert!(found(number(), json!(1)).is_empty());
    }
}
