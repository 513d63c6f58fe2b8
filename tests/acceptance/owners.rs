//! Who owns a connection, and what people are told about access.

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::terraform::{Workspace, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::catalogs::files;
use crate::configurations::{
    DATA, INTEGRATION, Integration, accounts_by_hand, arguments_for, security, snapshot,
};

const CONNECTIONS: &str = "data.orgmirror_connections.security";
const OWNERS: &str = r#"[{ attribute = "okta_group", values = ["platform", "cloud"] }]"#;
const RESOURCE_OWNERS: &str = r#"[{ tag_key = "owner", attribute = "user" }, { tag_key = "team", attribute = "okta_group" }]"#;

/// Two accounts with owners in their tags, one with an empty tag, and the management account with none.
fn company() -> Double {
    let mut organization = Organization::new(7);
    let root = organization.root_id.clone();
    for (name, tags) in [
        (
            "Shop",
            &[("owner", "mia@example.com"), ("team", "shop")][..],
        ),
        ("Data", &[("team", "data")]),
        ("Lab", &[("owner", "")]),
    ] {
        let id = organization.add_account(&root, name);
        for (key, value) in tags {
            organization.tag_account(&id, key, value);
        }
    }
    Double::start(organization)
}

/// The mirror with owners, and a workspace that sees all of it in files for programs.
fn owned(double: &Double) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(double));
    let parts = [
        snapshot("include_tags = true"),
        Integration::of(DATA)
            .set("permissions", r#"["*"]"#)
            .set("owners", OWNERS)
            .set("resource_owners", RESOURCE_OWNERS)
            .set_text("custom_access_details", "Ask in #cloud 👋")
            .hcl(),
        security("publish = { json = {}, c7n_org = {} }"),
        r#"
        data "orgmirror_connections" "security" {
          workspace  = "acme/security"
          depends_on = [orgmirror_integration.aws, orgmirror_workspace.security]
        }
        "#
        .to_owned(),
    ];
    workspace.configure(&parts.concat());
    workspace
}

/// An owner as states and JSON show it.
fn owner(attribute: &str, values: &[&str]) -> Value {
    json!({ "attribute": attribute, "values": values })
}

/// What each of the accounts must show, by handle.
fn expected() -> Value {
    let fallback = json!([owner("okta_group", &["cloud", "platform"])]);
    json!({
        "data": [owner("okta_group", &["data"])],
        "lab": fallback,
        "management": fallback,
        "shop": [owner("okta_group", &["shop"]), owner("user", &["mia@example.com"])],
    })
}

/// The connections of `connections.json`.
fn published(workspace: &Workspace) -> Vec<Value> {
    let document = &files(workspace)["connections.json"];
    let document: Value = serde_json::from_str(document).expect("it is JSON");
    document["connections"].as_array().expect("a list").clone()
}

/// Values of an attribute by handle, from any of the places that have both.
fn by_handle<'a>(connections: impl Iterator<Item = &'a Value>, handle: &str, key: &str) -> Value {
    let pairs = connections.map(|connection| {
        let handle = connection[handle].as_str().expect("a handle");
        (handle.to_owned(), connection[key].clone())
    });
    Value::Object(pairs.collect())
}

#[test]
fn owners_are_resolved_from_tags_with_fallback_and_shown_everywhere() {
    let double = company();
    let workspace = owned(&double);
    workspace.apply();

    let mirrored = workspace.attributes(INTEGRATION)["connections"].clone();
    let mirrored = mirrored.as_object().expect("a map").values();
    assert_eq!(by_handle(mirrored, "derived_handle", "owners"), expected());
    let effective = workspace.attributes(CONNECTIONS)["connections"].clone();
    let effective = effective.as_object().expect("a map").values();
    assert_eq!(by_handle(effective, "handle", "owners"), expected());
    let json = published(&workspace);
    assert_eq!(by_handle(json.iter(), "handle", "owners"), expected());

    let accounts = &files(&workspace)["accounts.yml"];
    let of_shop = "  vars:\n    owners:\n      okta_group:\n      - 'shop'\n      user:\n      - 'mia@example.com'\n";
    assert!(accounts.contains(of_shop), "{accounts}");
    let of_others =
        "  vars:\n    owners:\n      okta_group:\n      - 'cloud'\n      - 'platform'\n";
    assert_eq!(accounts.matches(of_others).count(), 2, "{accounts}");
}

#[test]
fn another_owner_in_the_tags_is_a_change_of_that_connection_alone() {
    let double = company();
    let workspace = owned(&double);
    workspace.apply();
    let shop = double.organization().account_named("Shop");
    double
        .organization()
        .tag_account(&shop, "owner", "zoe@example.com");
    let plan = workspace.plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { (&shop): {
            "owners": [
                [owner("okta_group", &["shop"]), owner("user", &["mia@example.com"])],
                [owner("okta_group", &["shop"]), owner("user", &["zoe@example.com"])],
            ],
            "tags": { "owner": ["mia@example.com", "zoe@example.com"] },
        } } }),
    );
    workspace.apply_saved(&plan);
    let json = published(&workspace);
    assert_eq!(
        by_handle(json.iter(), "handle", "owners")["shop"][1],
        owner("user", &["zoe@example.com"])
    );
}

#[test]
fn tags_that_were_not_read_are_an_error_and_not_the_owners_of_the_integration() {
    let double = company();
    let workspace = owned(&double);
    workspace.apply();
    let mirror = Integration::of(DATA)
        .set("owners", OWNERS)
        .set("resource_owners", RESOURCE_OWNERS)
        .hcl();
    workspace
        .configure(&format!("{}{mirror}", snapshot("")))
        .plan_fails()
        .assert_only_error(&["resource_owners", "include_tags", "Shop"]);
}

#[test]
fn without_resource_owners_the_integration_owns_all_and_without_owners_nobody_does() {
    let owners = |integration: Integration| {
        let workspace = PROVIDER.workspace();
        workspace.configure(&integration.hcl()).apply();
        workspace.attributes(INTEGRATION)["connections"]["111122223333"]["owners"].clone()
    };
    let by_hand = Integration::of(&accounts_by_hand([("111122223333", "sandbox")]));
    assert_eq!(owners(by_hand.clone()), Value::Null);
    assert_eq!(
        owners(by_hand.set("owners", OWNERS)),
        json!([owner("okta_group", &["cloud", "platform"])])
    );
}

#[test]
fn custom_access_details_are_shown_where_people_and_programs_look() {
    let double = company();
    let workspace = owned(&double);
    workspace.apply();
    let details = "Ask in #cloud 👋";
    assert_eq!(
        workspace.attributes(INTEGRATION)["custom_access_details"],
        details
    );
    let effective = workspace.attributes(CONNECTIONS)["connections"].clone();
    for connection in effective.as_object().expect("a map").values() {
        assert_eq!(connection["custom_access_details"], details);
    }
    for connection in published(&workspace) {
        assert_eq!(connection["custom_access_details"], details);
    }
}

/// Terraform makes one character of a letter and its accent where Unicode has one for both.
#[test]
fn custom_access_details_have_at_most_400_characters_however_many_bytes() {
    let with = |details: &str| {
        let integration = Integration::of_accounts([("111122223333", "sandbox")]);
        let workspace = PROVIDER.workspace();
        let integration = integration.set("custom_access_details", &quoted(details));
        workspace.configure(&integration.hcl());
        workspace
    };
    for character in ["x", "é", "e\u{301}", "日", "👋"] {
        with(&character.repeat(400)).apply();
        with(&character.repeat(401)).plan_fails().assert_error(&[
            "custom_access_details",
            "401",
            "400",
        ]);
    }
    // A letter and an accent that Unicode has no character for are two.
    with(&"x\u{301}".repeat(200)).apply();
    with(&"x\u{301}".repeat(201)).plan_fails().assert_error(&[
        "custom_access_details",
        "402",
        "400",
    ]);
}
