//! The reference: a page for the provider and for each resource and data source, in the layout of the Terraform Registry.

use std::fmt::Write;

use orgmirror::provider::Orgmirror;
use terraform_plugin::provider::Provider;
use terraform_plugin::schema::{Attribute, Kind, Nesting, Schema};
use terraform_plugin::types::Type;

use super::examples::IMPORT_BY_IDENTITY;
use super::{files, read, root, settle};

const PROVIDER: &str = "orgmirror";

/// On the page of each permission and override.
const PERMISSION_GUIDE: &str = "[Permissions and overrides](../guides/permissions.md) says who sees what, which setting comes \
                                first, and what happens when a folder or an account leaves.";

/// What the schemas do not say, by page.
const REMARKS: [(&str, &str); 6] = [
    (
        "docs/index.md",
        "The [getting started](guides/getting-started.md) guide leads from nothing to the first apply, \
         [onboarding](guides/onboarding.md) makes the roles and policies that it needs. Further guides: \
         [handles](guides/handles.md), \
         [permissions and overrides](guides/permissions.md), [publications](guides/publications.md), \
         [owners and tags](guides/owners.md), [accounts](guides/accounts.md), \
         [partitions and single sign-on](guides/partitions.md), [connection tests](guides/connection-tests.md), \
         [Resource Explorer](guides/resource-explorer.md), [teams and S3](guides/teams.md), \
         [pipelines](guides/pipelines.md), [troubleshooting](guides/troubleshooting.md).",
    ),
    ("docs/resources/folder_permission.md", PERMISSION_GUIDE),
    ("docs/resources/connection_permission.md", PERMISSION_GUIDE),
    ("docs/resources/folder_override.md", PERMISSION_GUIDE),
    ("docs/resources/connection_override.md", PERMISSION_GUIDE),
    (
        "docs/resources/integration.md",
        "Planning asks neither AWS nor the catalog: what the plan shows is what apply writes, even if the AWS organization \
         changed in between. [Handles](../guides/handles.md) has the rules of handles, \
         [pipelines](../guides/pipelines.md) the removal guard and saved plans, \
         [troubleshooting](../guides/troubleshooting.md) every error.",
    ),
];

#[test]
fn the_reference_is_what_the_schemas_say() {
    let pages = settle_pages();
    for directory in ["docs/resources", "docs/data-sources"] {
        for path in files(directory, ".md") {
            assert!(
                pages.contains(&path),
                "{path} is about something that the provider does not have; delete it"
            );
        }
    }
}

/// Gives the pages.
pub(super) fn settle_pages() -> Vec<String> {
    let mut pages = vec!["docs/index.md".to_owned()];
    settle(&pages[0], &provider_page());
    for resource in Orgmirror.resources() {
        let path = format!("docs/resources/{}.md", resource.name());
        let name = format!("{PROVIDER}_{}", resource.name());
        settle(&path, &page(&path, &name, "Resource", resource.schema()));
        pages.push(path);
    }
    for data_source in Orgmirror.data_sources() {
        let path = format!("docs/data-sources/{}.md", data_source.name());
        let name = format!("{PROVIDER}_{}", data_source.name());
        settle(
            &path,
            &page(&path, &name, "Data Source", data_source.schema()),
        );
        pages.push(path);
    }
    pages
}

fn provider_page() -> String {
    let path = "docs/index.md";
    let schema = Orgmirror.schema();
    let mut text = head(
        path,
        &format!("{PROVIDER} Provider"),
        &format!("{PROVIDER} Provider"),
        &schema,
    );
    example(&mut text, "examples/provider/provider.tf");
    attributes(&mut text, schema.attributes());
    text
}

fn page(path: &str, name: &str, what: &str, schema: &Schema) -> String {
    let mut text = head(
        path,
        &format!("{name} {what} - {PROVIDER}"),
        &format!("{name} ({what})"),
        schema,
    );
    let is_resource = what == "Resource";
    let directory = if is_resource {
        format!("examples/resources/{name}")
    } else {
        format!("examples/data-sources/{name}")
    };
    let file = if is_resource {
        "resource.tf"
    } else {
        "data-source.tf"
    };
    example(&mut text, &format!("{directory}/{file}"));
    attributes(&mut text, schema.attributes());
    imports(&mut text, &directory);
    text
}

fn imports(text: &mut String, directory: &str) {
    let mut heading = "\n## Import\n";
    for (file, language) in [("import.sh", "shell"), (IMPORT_BY_IDENTITY, "terraform")] {
        let path = format!("{directory}/{file}");
        if root().join(&path).exists() {
            write!(
                text,
                "{heading}\n```{language}\n{}\n```\n",
                read(&path).trim()
            )
            .unwrap();
            heading = "";
        }
    }
}

fn head(path: &str, title: &str, heading: &str, schema: &Schema) -> String {
    let description = schema.description_text();
    let remarks = REMARKS
        .iter()
        .find(|(page, _)| *page == path)
        .map(|(_, remarks)| format!("\n{remarks}\n"))
        .unwrap_or_default();
    format!(
        "---\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n  {description}\n---\n\n<!-- Written by `make docs` \
         from the schemas and examples/. -->\n\n# {heading}\n\n{description}\n{remarks}"
    )
}

fn example(text: &mut String, path: &str) {
    write!(
        text,
        "\n## Example Usage\n\n```terraform\n{}\n```\n",
        read(path).trim()
    )
    .unwrap();
}

fn attributes(text: &mut String, all: &[Attribute]) {
    text.push_str("\n## Schema\n");
    let mut nested = Vec::new();
    for (group, members) in groups(all) {
        write!(text, "\n### {group}\n\n").unwrap();
        for attribute in members {
            line(text, attribute, &[], &mut nested);
        }
    }
    // Sections in the order of their lines, each before what is nested in it.
    let mut at = 0;
    while at < nested.len() {
        let (path, attribute): (Vec<String>, &Attribute) = nested[at].clone();
        let Kind::Nested(_, below) = attribute.kind() else {
            unreachable!("only nested attributes have sections");
        };
        write!(
            text,
            "\n<a id=\"{}\"></a>\n\n### Nested Schema for `{}`\n",
            anchor(&path),
            path.join(".")
        )
        .unwrap();
        let mut deeper = Vec::new();
        for (group, members) in groups(below) {
            write!(text, "\n{group}:\n\n").unwrap();
            for attribute in members {
                line(text, attribute, &path, &mut deeper);
            }
        }
        at += 1;
        nested.splice(at..at, deeper);
    }
}

/// Attributes by what a reader may do with them.
fn groups(all: &[Attribute]) -> Vec<(&'static str, Vec<&Attribute>)> {
    let of = |wanted: fn(&Attribute) -> bool| all.iter().filter(|a| wanted(a)).collect::<Vec<_>>();
    [
        ("Required", of(Attribute::is_required)),
        ("Optional", of(Attribute::is_optional)),
        ("Read-Only", of(|a| a.is_computed() && !a.is_optional())),
    ]
    .into_iter()
    .filter(|(_, members)| !members.is_empty())
    .collect()
}

fn line<'a>(
    text: &mut String,
    attribute: &'a Attribute,
    above: &[String],
    nested: &mut Vec<(Vec<String>, &'a Attribute)>,
) {
    let mut traits = vec![kind(attribute.kind())];
    if attribute.is_sensitive() {
        traits.push("Sensitive".to_owned());
    }
    // What is nested in a write-only attribute is too; saying it once is enough.
    if attribute.is_write_only() && above.is_empty() {
        traits.push("Write-only".to_owned());
    }
    let name = attribute.name();
    write!(
        text,
        "- `{name}` ({}) {}",
        traits.join(", "),
        attribute.description_text()
    )
    .unwrap();
    if let Some(default) = attribute.default_value()
        && !attribute.description_text().contains("Default")
    {
        write!(text, " Default `{default}`.").unwrap();
    }
    if attribute.replaces() {
        text.push_str(" Forces replacement.");
    }
    if let Kind::Nested(..) = attribute.kind() {
        let mut path = above.to_vec();
        path.push(name.to_owned());
        write!(text, " (see [below](#{}))", anchor(&path)).unwrap();
        nested.push((path, attribute));
    }
    text.push('\n');
}

fn anchor(path: &[String]) -> String {
    format!("nestedatt--{}", path.join("--"))
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Value(ty) => type_name(ty),
        Kind::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        Kind::Nested(Nesting::List, _) => "Attributes List".to_owned(),
        Kind::Nested(Nesting::Set, _) => "Attributes Set".to_owned(),
        Kind::Nested(Nesting::Map, _) => "Attributes Map".to_owned(),
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
    }
}
