//! What the server guarantees, with a provider that makes every mistake on request.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use terraform_plugin::data_source::DataSourceType;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::identity::{Identity, ImportBy};
use terraform_plugin::msgpack::{from_slice, to_vec};
use terraform_plugin::path::Path;
use terraform_plugin::private::Private;
use terraform_plugin::proto::tfplugin6::provider_server::Provider as Wire;
use terraform_plugin::proto::tfplugin6::{self as wire, DynamicValue};
use terraform_plugin::provider::{Provider, problems};
use terraform_plugin::resource::{Change, Context, MoveSource, Plan, Resource, ResourceType};
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::server::Server;
use terraform_plugin::simple::SimpleResource;
use terraform_plugin::value::Value;
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
        vec![
            ResourceType::new(Ball),
            ResourceType::new(Stone),
            ResourceType::simple::<Pebble>(),
        ]
    }

    fn data_sources(&self) -> Vec<DataSourceType<()>> {
        Vec::new()
    }
}

struct Ball;

/// What every configuration of the tests has in the write-only attribute.
const SECRET: &str = "hush";

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

/// Warns of what a change holds beside the planned state.
fn tell(change: &Change<'_, State>, diagnostics: &mut Diagnostics) -> Option<()> {
    let secret = diagnostics.record(change.config())?.secret;
    let size = diagnostics.record(change.prior())?.map(|prior| prior.size);
    diagnostics.warning("Told", format!("{secret:?} after {size:?}"));
    Some(())
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

    fn identity(&self) -> Identity {
        Identity::of(["id"]).version(1)
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
        if plan.config.acts("become another") && plan.prior.is_some() {
            plan.planned.id = "ball-2".into();
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
        mut state: State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        if state.acts("fail to read") {
            diagnostics.error("Lost", "It rolled away.");
            return None;
        }
        if state.acts("become another") {
            state.id = "ball-2".into();
        }
        private.set("read", &true);
        (!state.acts("be gone")).then_some(state)
    }

    async fn create(
        &self,
        _: Context<'_, ()>,
        mut planned: State,
        change: Change<'_, State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        private.set("created", &true);
        if planned.acts("tell") {
            tell(&change, diagnostics)?;
        }
        if planned.acts("fail and keep the secret") {
            planned.id = "ball-1".into();
            planned.secret = SECRET.into();
            diagnostics.error("Burst", "Only half of it is there.");
            return Some(planned);
        }
        if planned.acts("keep the secret at last") {
            planned.id = "ball-1".into();
            planned.secret = SECRET.into();
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
        planned: State,
        change: Change<'_, State>,
        _: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        if planned.acts("fail") {
            diagnostics.error("Burst", "It is as it was.");
            return None;
        }
        if planned.acts("tell") {
            tell(&change, diagnostics)?;
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

    async fn import(
        &self,
        _: Context<'_, ()>,
        by: ImportBy<'_, State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let id = match by {
            ImportBy::Id("nothing") => Value::Null,
            ImportBy::Id(name) => format!("ball-{name}").into(),
            ImportBy::Identity(identity) if identity.id == "mistaken".into() => "other".into(),
            ImportBy::Identity(identity) => {
                assert_eq!(
                    (&identity.act, &identity.size),
                    (&Value::Null, &Value::Null)
                );
                identity.id
            }
        };
        if id == "ball-lost".into() {
            diagnostics.error("Lost", "It rolled away.");
            return None;
        }
        private.set("imported", &true);
        Some(State {
            id,
            ..State::default()
        })
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

/// Does the least that a resource can do.
struct Stone;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct StoneState {
    id: Value<String>,
}

#[async_trait]
impl Resource for Stone {
    type Data = ();
    type State = StoneState;

    fn name(&self) -> &'static str {
        "stone"
    }

    fn schema(&self) -> Schema {
        let id = Attribute::string("id").computed().use_state_for_unknown();
        Schema::new("A stone.", vec![id.description("Something.")])
    }

    async fn read(
        &self,
        _: Context<'_, ()>,
        state: StoneState,
        _: &mut Private,
        _: &mut Diagnostics,
    ) -> Option<StoneState> {
        Some(state)
    }

    async fn create(
        &self,
        _: Context<'_, ()>,
        _: StoneState,
        _: Change<'_, StoneState>,
        _: &mut Private,
        _: &mut Diagnostics,
    ) -> Option<StoneState> {
        Some(StoneState { id: "stone".into() })
    }

    async fn update(
        &self,
        _: Context<'_, ()>,
        planned: StoneState,
        _: Change<'_, StoneState>,
        _: &mut Private,
        _: &mut Diagnostics,
    ) -> Option<StoneState> {
        Some(planned)
    }

    async fn delete(
        &self,
        _: Context<'_, ()>,
        _: StoneState,
        _: &mut Private,
        _: &mut Diagnostics,
    ) {
    }
}

/// Fails on request, in four methods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Pebble {
    id: Value<String>,
    act: Value<String>,
}

impl Pebble {
    fn of(act: &str) -> Self {
        Self {
            id: "pebble".into(),
            act: act.into(),
        }
    }

    fn unless(self, act: &str) -> Result<Self, Diagnostic> {
        if self.act == act.into() {
            return Err(Diagnostic::error("Hard", format!("It does not {act}.")));
        }
        Ok(self)
    }
}

#[async_trait]
impl SimpleResource for Pebble {
    type Data = ();
    const NAME: &'static str = "pebble";

    fn schema() -> Schema {
        let id = Attribute::string("id").computed().use_state_for_unknown();
        let act = Attribute::string("act").optional();
        Schema::new(
            "A pebble.",
            vec![id.description("Something."), act.description("Something.")],
        )
    }

    async fn read(self, _: &()) -> Result<Option<Self>, Diagnostic> {
        let read = self.unless("read")?;
        Ok((read.act != "be gone".into()).then_some(read))
    }

    async fn create(self, _: &()) -> Result<Self, Diagnostic> {
        let mut created = self.unless("create")?;
        created.id = "pebble".into();
        Ok(created)
    }

    async fn update(self, _: &()) -> Result<Self, Diagnostic> {
        self.unless("update")
    }

    async fn delete(self, _: &()) -> Result<(), Diagnostic> {
        self.unless("delete").map(drop)
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

fn identity(data: Option<wire::ResourceIdentityData>) -> Json {
    data.map_or(Json::Null, |data| {
        from_slice(&data.identity_data.unwrap().msgpack).unwrap()
    })
}

fn identified(value: Json) -> Option<wire::ResourceIdentityData> {
    Some(wire::ResourceIdentityData {
        identity_data: dynamic(&value),
    })
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
        secret: SECRET.into(),
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
        planned_identity: planned.planned_identity,
        ..Default::default()
    };
    let response = server
        .apply_resource_change(Request::new(request))
        .await
        .unwrap();
    response.into_inner()
}

/// Applies a plan beside a configuration that need not be that of the plan.
async fn apply_with(
    server: &Server<Toys>,
    prior: Option<&State>,
    planned: &State,
    config: DynamicValue,
) -> wire::apply_resource_change::Response {
    let request = wire::apply_resource_change::Request {
        type_name: "toy_ball".into(),
        prior_state: dynamic(&prior),
        planned_state: dynamic(planned),
        config: Some(config),
        ..Default::default()
    };
    let response = server.apply_resource_change(Request::new(request));
    response.await.unwrap().into_inner()
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
async fn write_only_values_are_there_when_they_are_applied() {
    let server = server().await;
    let told = |response: &wire::apply_resource_change::Response| {
        assert_eq!(errors(&response.diagnostics), Vec::<String>::new());
        response.diagnostics[0].detail.clone()
    };
    let created = apply(&server, None, Some(&doing("tell"))).await;
    assert_eq!(told(&created), "Known(\"hush\") after None");
    assert_eq!(state(created.new_state), Value::Known(existing("tell")));

    let updated = apply(&server, Some(&existing("well")), Some(&doing("tell"))).await;
    assert_eq!(told(&updated), "Known(\"hush\") after Some(Known(5))");
    assert_eq!(state(updated.new_state), Value::Known(existing("tell")));

    let json = DynamicValue {
        msgpack: Vec::new(),
        json: br#"{"id":null,"act":"tell","color":null,"size":null,"secret":"in JSON"}"#.to_vec(),
    };
    let updated = apply_with(&server, Some(&existing("well")), &existing("tell"), json).await;
    assert_eq!(told(&updated), "Known(\"in JSON\") after Some(Known(5))");
}

#[tokio::test]
async fn a_configuration_is_decoded_only_when_it_is_asked_for() {
    let server = server().await;
    let unreadable = || DynamicValue {
        msgpack: vec![0xc1],
        json: Vec::new(),
    };
    for prior in [None, Some(existing("well"))] {
        let applied = apply_with(&server, prior.as_ref(), &existing("well"), unreadable()).await;
        assert_eq!(errors(&applied.diagnostics), Vec::<String>::new());
        assert_eq!(state(applied.new_state), Value::Known(existing("well")));

        let applied = apply_with(&server, prior.as_ref(), &existing("tell"), unreadable()).await;
        let found = errors(&applied.diagnostics);
        assert!(
            found[0].contains("cannot read the configuration"),
            "{found:?}"
        );
        assert_eq!(state(applied.new_state), prior.into());
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
    assert!(!found[0].contains(SECRET));

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

async fn read(server: &Server<Toys>, prior: &State) -> wire::read_resource::Response {
    let request = wire::read_resource::Request {
        type_name: "toy_ball".into(),
        current_state: dynamic(prior),
        private: br#"{"kept":1}"#.to_vec(),
        ..Default::default()
    };
    let response = server.read_resource(Request::new(request));
    response.await.unwrap().into_inner()
}

#[tokio::test]
async fn what_cannot_be_read_is_not_forgotten_and_what_is_gone_is() {
    let server = server().await;
    let failed = read(&server, &existing("fail to read")).await;
    assert_eq!(errors(&failed.diagnostics), ["Lost: It rolled away."]);
    assert_eq!(
        state(failed.new_state),
        Value::Known(existing("fail to read"))
    );
    let gone = read(&server, &existing("be gone")).await;
    assert_eq!(
        (state(gone.new_state), gone.new_identity),
        (Value::Null, None)
    );
    let there = read(&server, &existing("well")).await;
    assert_eq!(identity(there.new_identity), json!({ "id": "ball-1" }));
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
        identity(known.target_identity),
        json!({ "id": "taken over" })
    );
    assert_eq!(
        state(known.target_state).known().unwrap().id,
        "taken over".into()
    );
    assert!(errors(&moved("other_box").await.diagnostics)[0].contains("import"));
}

async fn import(
    server: &Server<Toys>,
    type_name: &str,
    id: &str,
    identity: Option<wire::ResourceIdentityData>,
) -> wire::import_resource_state::Response {
    let request = wire::import_resource_state::Request {
        type_name: type_name.into(),
        id: id.into(),
        identity,
        ..Default::default()
    };
    let response = server.import_resource_state(Request::new(request));
    response.await.unwrap().into_inner()
}

#[tokio::test]
async fn importing_says_where_it_is_not_offered() {
    let server = server().await;
    let response = import(&server, "toy_stone", "x", None).await;
    assert!(response.imported_resources.is_empty());
    assert!(errors(&response.diagnostics)[0].contains("stone cannot be imported"));
}

#[tokio::test]
async fn objects_are_imported_by_id_and_by_identity() {
    let server = server().await;
    for (id, by, found) in [
        ("1", None, "ball-1"),
        ("", identified(json!({ "id": "ball-2" })), "ball-2"),
    ] {
        let mut response = import(&server, "toy_ball", id, by).await;
        assert_eq!(errors(&response.diagnostics), Vec::<String>::new());
        let imported = response.imported_resources.remove(0);
        assert_eq!(imported.type_name, "toy_ball");
        assert_eq!(identity(imported.identity), json!({ "id": found }));
        assert_eq!(state(imported.state).known().unwrap().id, found.into());
        assert_eq!(imported.private, br#"{"imported":true}"#);
    }
    let lost = import(&server, "toy_ball", "lost", None).await;
    assert_eq!(errors(&lost.diagnostics), ["Lost: It rolled away."]);
    assert!(lost.imported_resources.is_empty());
}

#[tokio::test]
async fn imports_of_nothing_and_of_another_object_are_errors() {
    let server = server().await;
    let refused = async |id: &str, by| {
        let response = import(&server, "toy_ball", id, by).await;
        let mut found = errors(&response.diagnostics);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    };
    let nothing = refused("", None).await;
    assert!(nothing.contains("Import without an ID") && nothing.contains("identity with id"));
    let null = refused("", identified(Json::Null)).await;
    assert!(null.contains("Import without an ID"), "{null}");
    let half = refused("", identified(json!({ "id": null }))).await;
    assert!(half.contains("Incomplete import identity") && half.contains("toy_ball"));
    let wrong = refused("", identified(json!({ "id": 5 }))).await;
    assert!(wrong.contains("id: a string is needed"), "{wrong}");
    let mistaken = refused("", identified(json!({ "id": "mistaken" }))).await;
    assert!(
        mistaken.contains("another object than asked for"),
        "{mistaken}"
    );
    let without = refused("nothing", None).await;
    assert!(without.contains("its identity is missing"), "{without}");
}

#[tokio::test]
async fn every_answer_with_a_whole_object_has_its_identity() {
    let server = server().await;
    let request = wire::get_resource_identity_schemas::Request {};
    let schemas = server.get_resource_identity_schemas(Request::new(request));
    let schemas = schemas.await.unwrap().into_inner().identity_schemas;
    assert_eq!(schemas.len(), 3);
    assert_eq!(schemas["toy_ball"].version, 1);
    assert_eq!(schemas["toy_pebble"].identity_attributes[0].name, "id");
    assert_eq!(schemas["toy_stone"].identity_attributes[0].name, "id");

    let ball = || json!({ "id": "ball-1" });
    // Nobody knows the ID of what will be created.
    let planned = plan(&server, None, &doing("well")).await;
    assert_eq!(planned.planned_identity, None);
    let created = apply(&server, None, Some(&doing("well"))).await;
    assert_eq!(identity(created.new_identity), ball());
    let half = apply(&server, None, Some(&doing("fail half-way"))).await;
    assert_eq!(half.new_identity, None);

    let planned = plan(&server, Some(&existing("well")), &doing("better")).await;
    assert_eq!(identity(planned.planned_identity), ball());
    let updated = apply(&server, Some(&existing("well")), Some(&doing("better"))).await;
    assert_eq!(identity(updated.new_identity), ball());
    let failed = apply(&server, Some(&existing("well")), Some(&doing("fail"))).await;
    assert_eq!(identity(failed.new_identity), ball());
    let deleted = apply(&server, Some(&existing("well")), None).await;
    assert_eq!(deleted.new_identity, None);
    let stuck = apply(&server, Some(&existing("stay")), None).await;
    assert_eq!(identity(stuck.new_identity), ball());
}

#[tokio::test]
async fn an_object_that_becomes_another_one_is_a_mistake_of_the_provider() {
    let server = server().await;
    let (prior, config) = (existing("become another"), doing("become another"));
    let planned = plan(&server, Some(&existing("well")), &config).await;
    let found = errors(&planned.diagnostics);
    assert!(found[0].contains("inconsistent plan: id:"), "{found:?}");
    let read = read(&server, &prior).await;
    let found = errors(&read.diagnostics);
    assert!(found[0].contains("inconsistent state: id:"), "{found:?}");
    assert_eq!(state(read.new_state), Value::Known(prior));

    let mut colored = config;
    colored.color = "red".into();
    let replaced = plan(&server, Some(&existing("well")), &colored).await;
    assert_eq!(errors(&replaced.diagnostics), Vec::<String>::new());
}

#[tokio::test]
async fn identities_of_older_versions_are_made_anew_and_newer_ones_refused() {
    let server = server().await;
    let upgrade = async |version, json: &str| {
        let request = wire::upgrade_resource_identity::Request {
            type_name: "toy_ball".into(),
            version,
            raw_identity: Some(wire::RawState {
                json: json.as_bytes().to_vec(),
                ..Default::default()
            }),
        };
        let response = server.upgrade_resource_identity(Request::new(request));
        response.await.unwrap().into_inner()
    };
    let kept = upgrade(1, r#"{"id": "ball-1"}"#).await;
    assert_eq!(identity(kept.upgraded_identity), json!({ "id": "ball-1" }));
    let old = upgrade(0, r#"{"name": "ball-1"}"#).await;
    assert_eq!(errors(&old.diagnostics), Vec::<String>::new());
    assert_eq!(old.upgraded_identity, None);
    let newer = upgrade(2, "{}").await;
    assert!(errors(&newer.diagnostics)[0].contains("identity of this toy_ball"));
}

#[tokio::test]
async fn a_simple_resource_succeeds_or_fails_as_a_whole() {
    let server = server().await;
    let apply = async |prior: Option<&Pebble>, planned: Option<&Pebble>| {
        let request = wire::apply_resource_change::Request {
            type_name: "toy_pebble".into(),
            prior_state: dynamic(&prior),
            planned_state: dynamic(&planned),
            config: dynamic(&planned),
            ..Default::default()
        };
        let response = server.apply_resource_change(Request::new(request));
        let response = response.await.unwrap().into_inner();
        let state: Value<Pebble> = from_slice(&response.new_state.unwrap().msgpack).unwrap();
        (state, errors(&response.diagnostics))
    };
    let read = async |state: &Pebble| {
        let request = wire::read_resource::Request {
            type_name: "toy_pebble".into(),
            current_state: dynamic(state),
            ..Default::default()
        };
        let response = server.read_resource(Request::new(request));
        let response = response.await.unwrap().into_inner();
        let state: Value<Pebble> = from_slice(&response.new_state.unwrap().msgpack).unwrap();
        (state, errors(&response.diagnostics))
    };
    let good = |state: Option<Pebble>| (Value::from(state), Vec::new());
    let failed = |act: &str, state: Option<Pebble>| {
        let error = format!("Hard: It does not {act}.");
        (Value::from(state), vec![error])
    };
    let well = Pebble::of("well");
    let planned = |act: &str| Pebble {
        id: Value::Unknown,
        ..Pebble::of(act)
    };
    assert_eq!(
        apply(None, Some(&planned("well"))).await,
        good(Some(well.clone()))
    );
    assert_eq!(
        apply(None, Some(&planned("create"))).await,
        failed("create", None)
    );
    assert_eq!(
        apply(Some(&Pebble::of("else")), Some(&well)).await,
        good(Some(well.clone()))
    );
    assert_eq!(
        apply(Some(&well), Some(&Pebble::of("update"))).await,
        failed("update", Some(well.clone()))
    );
    assert_eq!(apply(Some(&well), None).await, good(None));
    let stays = Pebble::of("delete");
    assert_eq!(
        apply(Some(&stays), None).await,
        failed("delete", Some(stays))
    );
    assert_eq!(read(&well).await, good(Some(well)));
    assert_eq!(read(&Pebble::of("be gone")).await, good(None));
    let unread = Pebble::of("read");
    assert_eq!(read(&unread).await, failed("read", Some(unread)));
}
