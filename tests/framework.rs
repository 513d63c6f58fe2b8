//! What the framework's server guarantees, with a provider that makes every mistake on request.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use orgmirror::framework::data_source::DataSourceType;
use orgmirror::framework::diagnostics::{Diagnostic, Diagnostics};
use orgmirror::framework::msgpack::{from_slice, to_vec};
use orgmirror::framework::path::Path;
use orgmirror::framework::private::Private;
use orgmirror::framework::provider::{Provider, problems};
use orgmirror::framework::resource::{Context, MoveSource, Plan, Resource, ResourceType};
use orgmirror::framework::schema::{Attribute, Schema};
use orgmirror::framework::server::Server;
use orgmirror::framework::value::Value;
use orgmirror::proto::tfplugin6::provider_server::Provider as Wire;
use orgmirror::proto::tfplugin6::{self as wire, DynamicValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

struct Toys;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Config {}

#[async_trait]
impl Provider for Toys {
    type Config = Config;
    type Data = ();

    fn name(&self) -> &'static str {
        "toy"
    }

    fn schema(&self) -> Schema {
        Schema::new("Toys.", Vec::new())
    }

    async fn configure(&self, _: Config, _: &CancellationToken, _: &mut Diagnostics) -> Option<()> {
        Some(())
    }

    fn resources(&self) -> Vec<ResourceType<()>> {
        vec![ResourceType::new(Ball)]
    }

    fn data_sources(&self) -> Vec<DataSourceType<()>> {
        Vec::new()
    }
}

struct Ball;

/// `act` says which mistake to make.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    id: Value<String>,
    act: Value<String>,
    color: Value<String>,
    size: Value<i64>,
    secret: Value<String>,
}

impl State {
    fn acts(&self, what: &str) -> bool {
        self.act.known().map(String::as_str) == Some(what)
    }
}

#[async_trait]
impl Resource for Ball {
    type Data = ();
    type State = State;

    fn name(&self) -> &'static str {
        "ball"
    }

    fn schema(&self) -> Schema {
        let described = |attribute: Attribute| attribute.description("Something.");
        Schema::new(
            "A ball.",
            vec![
                described(Attribute::string("id").computed().use_state_for_unknown()),
                described(Attribute::string("act").optional()),
                described(Attribute::string("color").optional().requires_replace()),
                described(Attribute::number("size").default(5)),
                described(Attribute::string("secret").optional().write_only()),
            ],
        )
        .version(2)
    }

    async fn plan(
        &self,
        _: Context<'_, ()>,
        plan: &mut Plan<State>,
        diagnostics: &mut Diagnostics,
    ) {
        if plan.config.acts("plan another color") {
            plan.planned.color = "plaid".into();
        }
        if plan.config.acts("keep the secret") {
            plan.planned.secret = plan.config.secret.clone();
        }
        if plan.config.acts("warn") {
            diagnostics.warning_at(Path::of("act"), "Careful", "It bounces.");
        }
        if plan.config.acts("panic") {
            panic!("a mistake in the provider");
        }
        plan.private.set("planned", &true);
    }

    async fn read(
        &self,
        _: Context<'_, ()>,
        state: State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        if state.acts("fail to read") {
            diagnostics.error("Lost", "It rolled away.");
            return None;
        }
        private.set("read", &true);
        (!state.acts("be gone")).then_some(state)
    }

    async fn create(
        &self,
        _: Context<'_, ()>,
        config: State,
        mut planned: State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        private.set("created", &true);
        if planned.acts("fail and keep the secret") {
            planned.id = "ball-1".into();
            planned.secret = config.secret;
            diagnostics.error("Burst", "Only half of it is there.");
            return Some(planned);
        }
        if planned.acts("keep the secret at last") {
            planned.id = "ball-1".into();
            planned.secret = config.secret;
            return Some(planned);
        }
        if planned.acts("fail half-way") {
            // The ID is still unknown: what is known is kept.
            planned.size = Value::Known(7);
            diagnostics.error("Burst", "Only half of it is there.");
            return Some(planned);
        }
        if planned.acts("fail") {
            diagnostics.error("Burst", "Nothing is there.");
            return None;
        }
        if !planned.acts("forget the id") {
            planned.id = "ball-1".into();
        }
        if planned.acts("apply another color") {
            planned.color = "plaid".into();
        }
        Some(planned)
    }

    async fn update(
        &self,
        _: Context<'_, ()>,
        _: State,
        _: State,
        planned: State,
        _: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        if planned.acts("fail") {
            diagnostics.error("Burst", "It is as it was.");
            return None;
        }
        Some(planned)
    }

    async fn delete(
        &self,
        _: Context<'_, ()>,
        prior: State,
        _: &mut Private,
        diagnostics: &mut Diagnostics,
    ) {
        if prior.acts("stay") {
            diagnostics.error("Stuck", "It is still there.");
        }
    }

    fn upgrade(&self, version: i64, state: Json) -> Result<State, Diagnostic> {
        if version != 1 {
            return Err(Diagnostic::error("Too old", format!("Version {version}.")));
        }
        Ok(State {
            id: state["name"].as_str().unwrap_or_default().into(),
            ..State::default()
        })
    }

    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<State, Diagnostic>> {
        (source.type_name == "other_ball").then(|| {
            Ok(State {
                id: "taken over".into(),
                ..State::default()
            })
        })
    }
}

async fn server() -> Server<Toys> {
    let server = Server::new(Toys);
    let request = wire::configure_provider::Request {
        config: dynamic(&json!({})),
        ..Default::default()
    };
    server
        .configure_provider(Request::new(request))
        .await
        .unwrap();
    server
}

fn dynamic<T: Serialize>(value: &T) -> Option<DynamicValue> {
    Some(DynamicValue {
        msgpack: to_vec(value).unwrap(),
        json: Vec::new(),
    })
}

fn state(value: Option<DynamicValue>) -> Value<State> {
    from_slice(&value.unwrap().msgpack).unwrap()
}

fn errors(diagnostics: &[wire::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .filter(|d| d.severity() == wire::diagnostic::Severity::Error)
        .map(|d| format!("{}: {}", d.summary, d.detail))
        .collect()
}

fn doing(act: &str) -> State {
    State {
        act: act.into(),
        secret: "hush".into(),
        ..State::default()
    }
}

async fn plan(
    server: &Server<Toys>,
    prior: Option<&State>,
    config: &State,
) -> wire::plan_resource_change::Response {
    let mut proposed = config.clone();
    if let Some(prior) = prior {
        proposed.id = prior.id.clone();
        if config.size.is_null() {
            proposed.size = prior.size.clone();
        }
    }
    let request = wire::plan_resource_change::Request {
        type_name: "toy_ball".into(),
        prior_state: dynamic(&prior),
        proposed_new_state: dynamic(&proposed),
        config: dynamic(config),
        ..Default::default()
    };
    let response = server
        .plan_resource_change(Request::new(request))
        .await
        .unwrap();
    response.into_inner()
}

async fn apply(
    server: &Server<Toys>,
    prior: Option<&State>,
    config: Option<&State>,
) -> wire::apply_resource_change::Response {
    let planned = match config {
        Some(config) => plan(server, prior, config).await,
        None => wire::plan_resource_change::Response {
            planned_state: dynamic(&Json::Null),
            ..Default::default()
        },
    };
    assert_eq!(errors(&planned.diagnostics), Vec::<String>::new());
    let request = wire::apply_resource_change::Request {
        type_name: "toy_ball".into(),
        prior_state: dynamic(&prior),
        planned_state: planned.planned_state,
        config: dynamic(&config),
        planned_private: planned.planned_private,
        ..Default::default()
    };
    let response = server
        .apply_resource_change(Request::new(request))
        .await
        .unwrap();
    response.into_inner()
}

fn existing(act: &str) -> State {
    State {
        id: "ball-1".into(),
        act: act.into(),
        size: 5.into(),
        ..State::default()
    }
}

#[test]
fn the_toys_themselves_are_sound() {
    assert_eq!(problems(&Toys), Vec::<String>::new());
}

#[tokio::test]
async fn a_good_resource_is_created_with_its_defaults_and_without_its_secrets() {
    let server = server().await;
    let response = apply(&server, None, Some(&doing("well"))).await;
    assert_eq!(errors(&response.diagnostics), Vec::<String>::new());
    assert_eq!(state(response.new_state), Value::Known(existing("well")));
    let private: Json = serde_json::from_slice(&response.private).unwrap();
    assert_eq!(private, json!({ "planned": true, "created": true }));
}

#[tokio::test]
async fn partial_state_beside_errors_is_kept_and_what_is_unknown_in_it_becomes_null() {
    let server = server().await;
    let response = apply(&server, None, Some(&doing("fail half-way"))).await;
    assert_eq!(
        errors(&response.diagnostics),
        ["Burst: Only half of it is there."]
    );
    let mut kept = existing("fail half-way");
    kept.id = Value::Null;
    kept.size = 7.into();
    assert_eq!(state(response.new_state), Value::Known(kept));
}

#[tokio::test]
async fn write_only_values_do_not_cost_the_rest_of_the_state() {
    let server = server().await;
    for act in ["fail and keep the secret", "keep the secret at last"] {
        let response = apply(&server, None, Some(&doing(act))).await;
        assert_ne!(errors(&response.diagnostics), Vec::<String>::new());
        assert_eq!(state(response.new_state), Value::Known(existing(act)));
    }
}

#[tokio::test]
async fn without_a_state_nothing_changed() {
    let server = server().await;
    let created = apply(&server, None, Some(&doing("fail"))).await;
    assert_eq!(errors(&created.diagnostics).len(), 1);
    assert_eq!(state(created.new_state), Value::Null);

    let prior = existing("well");
    let updated = apply(&server, Some(&prior), Some(&doing("fail"))).await;
    assert_eq!(errors(&updated.diagnostics).len(), 1);
    assert_eq!(state(updated.new_state), Value::Known(prior));

    let prior = existing("stay");
    let deleted = apply(&server, Some(&prior), None).await;
    assert_eq!(errors(&deleted.diagnostics).len(), 1);
    assert_eq!(state(deleted.new_state), Value::Known(prior));

    let deleted = apply(&server, Some(&existing("well")), None).await;
    assert_eq!(errors(&deleted.diagnostics), Vec::<String>::new());
    assert_eq!(state(deleted.new_state), Value::Null);
}

#[tokio::test]
async fn mistakes_of_the_provider_are_named_with_their_attribute() {
    let server = server().await;
    let mut colored = doing("plan another color");
    colored.color = "red".into();
    let planned = plan(&server, None, &colored).await;
    let found = errors(&planned.diagnostics);
    assert!(found[0].contains("inconsistent plan: color:"), "{found:?}");

    let planned = plan(&server, None, &doing("keep the secret")).await;
    let found = errors(&planned.diagnostics);
    assert!(
        found[0].contains("secret: a write-only value is planned"),
        "{found:?}"
    );
    assert!(!found[0].contains("hush"));

    let applied = apply(&server, None, Some(&doing("apply another color"))).await;
    let found = errors(&applied.diagnostics);
    assert!(
        found[0].contains("inconsistent result: color:"),
        "{found:?}"
    );

    let applied = apply(&server, None, Some(&doing("forget the id"))).await;
    let found = errors(&applied.diagnostics);
    assert!(
        found[0].contains("id: the value is still unknown"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_panic_fails_the_call_and_nothing_else() {
    let server = server().await;
    let request = wire::plan_resource_change::Request {
        type_name: "toy_ball".into(),
        prior_state: dynamic(&Json::Null),
        proposed_new_state: dynamic(&doing("panic")),
        config: dynamic(&doing("panic")),
        ..Default::default()
    };
    let status = server
        .plan_resource_change(Request::new(request))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(
        errors(&plan(&server, None, &doing("well")).await.diagnostics),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn plans_say_what_changes_and_what_is_replaced() {
    let server = server().await;
    let unchanged = plan(&server, Some(&existing("well")), &doing("well")).await;
    assert_eq!(
        state(unchanged.planned_state),
        Value::Known(existing("well"))
    );
    assert_eq!(unchanged.requires_replace, []);

    let mut colored = doing("well");
    colored.color = "red".into();
    let replaced = plan(&server, Some(&existing("well")), &colored).await;
    assert_eq!(
        replaced.requires_replace,
        [Path::of("color")].map(|path| proto_path(&path))
    );

    let warned = plan(&server, Some(&existing("well")), &doing("warn")).await;
    let warning = &warned.diagnostics[0];
    assert_eq!(warning.severity(), wire::diagnostic::Severity::Warning);
    assert_eq!(warning.attribute, Some(proto_path(&Path::of("act"))));
}

fn proto_path(path: &Path) -> wire::AttributePath {
    use wire::attribute_path::{Step, step::Selector};
    wire::AttributePath {
        steps: vec![Step {
            selector: Some(Selector::AttributeName(path.to_string())),
        }],
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_forgotten_and_what_is_gone_is() {
    let server = server().await;
    let read = async |act: &str| {
        let request = wire::read_resource::Request {
            type_name: "toy_ball".into(),
            current_state: dynamic(&existing(act)),
            private: br#"{"kept":1}"#.to_vec(),
            ..Default::default()
        };
        server
            .read_resource(Request::new(request))
            .await
            .unwrap()
            .into_inner()
    };
    let failed = read("fail to read").await;
    assert_eq!(errors(&failed.diagnostics), ["Lost: It rolled away."]);
    assert_eq!(
        state(failed.new_state),
        Value::Known(existing("fail to read"))
    );
    assert_eq!(state(read("be gone").await.new_state), Value::Null);
    let there = read("well").await;
    assert_eq!(state(there.new_state), Value::Known(existing("well")));
    let private: Json = serde_json::from_slice(&there.private).unwrap();
    assert_eq!(private, json!({ "kept": 1, "read": true }));
}

#[tokio::test]
async fn older_states_are_upgraded() {
    let server = server().await;
    let upgrade = async |version, json: &str| {
        let request = wire::upgrade_resource_state::Request {
            type_name: "toy_ball".into(),
            version,
            raw_state: Some(wire::RawState {
                json: json.as_bytes().to_vec(),
                ..Default::default()
            }),
        };
        let response = server
            .upgrade_resource_state(Request::new(request))
            .await
            .unwrap();
        response.into_inner()
    };
    let upgraded = upgrade(1, r#"{"name": "old"}"#).await;
    let expected = State {
        id: "old".into(),
        ..State::default()
    };
    assert_eq!(state(upgraded.upgraded_state), Value::Known(expected));
    assert!(errors(&upgrade(0, "{}").await.diagnostics)[0].contains("Too old"));
    assert!(errors(&upgrade(3, "{}").await.diagnostics)[0].contains("schema version 3"));
    let current = upgrade(2, r#"{"id": "x", "act": null, "was_removed": [1]}"#).await;
    let expected = State {
        id: "x".into(),
        ..State::default()
    };
    assert_eq!(state(current.upgraded_state), Value::Known(expected));
}

#[tokio::test]
async fn another_types_state_is_taken_over_where_the_resource_knows_it() {
    let server = server().await;
    let moved = async |from: &str| {
        let request = wire::move_resource_state::Request {
            source_type_name: from.into(),
            target_type_name: "toy_ball".into(),
            source_state: Some(wire::RawState {
                json: b"{}".to_vec(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let response = server
            .move_resource_state(Request::new(request))
            .await
            .unwrap();
        response.into_inner()
    };
    let known = moved("other_ball").await;
    assert_eq!(
        state(known.target_state).known().unwrap().id,
        "taken over".into()
    );
    assert!(errors(&moved("other_box").await.diagnostics)[0].contains("import"));
}

#[tokio::test]
async fn importing_says_where_it_is_not_offered() {
    let server = server().await;
    let request = wire::import_resource_state::Request {
        type_name: "toy_ball".into(),
        id: "x".into(),
        ..Default::default()
    };
    let response = server
        .import_resource_state(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    assert!(response.imported_resources.is_empty());
    assert!(errors(&response.diagnostics)[0].contains("ball cannot be imported"));
}
