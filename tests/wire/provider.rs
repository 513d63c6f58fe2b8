//! The provider's own RPCs: what Terraform sends, what no Terraform sends, and what happens while it is stopped.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use orgmirror_testing::plugin::{Channel, PATIENCE, PluginProcess};
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;
use terraform_plugin::msgpack::{from_slice, to_vec};
use terraform_plugin::proto::tfplugin6::provider_client::ProviderClient;
use terraform_plugin::proto::tfplugin6::{self as wire, DynamicValue};

use crate::PROVIDER;
use crate::lifetime::LEFT_TO_TERRAFORM;

const DEBUG: [(&str, &str); 1] = [("TF_LOG", "debug")];
const INTEGRATION: &str = "orgmirror_integration";

fn dynamic(value: &Json) -> Option<DynamicValue> {
    Some(DynamicValue {
        msgpack: to_vec(value).unwrap(),
        json: Vec::new(),
    })
}

fn null() -> Option<DynamicValue> {
    dynamic(&Json::Null)
}

fn json_of(value: &Option<DynamicValue>) -> Json {
    from_slice(&value.as_ref().unwrap().msgpack).unwrap()
}

/// Summaries and details of errors; warnings are left out.
fn errors(diagnostics: &[wire::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .filter(|d| d.severity() == wire::diagnostic::Severity::Error)
        .map(|d| format!("{}: {}", d.summary, d.detail))
        .collect()
}

/// Terraform sends every attribute, and null where nothing is set.
fn with_nulls(mut object: Json, names: &[&str]) -> Json {
    for name in names {
        object
            .as_object_mut()
            .unwrap()
            .entry(*name)
            .or_insert(Json::Null);
    }
    object
}

fn accounts(names: impl Iterator<Item = String>) -> Json {
    const UNSET: [&str; 5] = ["email", "state", "parent_id", "joined_at", "tags"];
    let accounts = names
        .enumerate()
        .map(|(index, name)| {
            (
                format!("{index:012}"),
                with_nulls(json!({ "name": name }), &UNSET),
            )
        })
        .collect::<Map<_, _>>();
    with_nulls(
        json!({ "accounts": accounts }),
        &["id", "root_id", "partition", "organizational_units"],
    )
}

fn config(handle: &str, aws_organization: Json) -> Json {
    let settings = with_nulls(
        json!({ "role_name": "readonly" }),
        &[
            "external_id",
            "regions",
            "default_region",
            "max_error_retry_attempts",
            "min_error_retry_delay",
            "ignore_error_codes",
        ],
    );
    let config = json!({
        "handle": handle,
        "aws_organization": aws_organization,
        "connection_settings": settings,
        "deletion_protection": false,
    });
    with_nulls(
        config,
        &[
            "id",
            "organization",
            "aws_organization_id",
            "handle_prefix",
            "initial_handles",
            "permissions",
            "sso",
            "owners",
            "resource_owners",
            "custom_access_details",
            "removal_guard",
            "folders",
            "connections",
        ],
    )
}

/// What Terraform proposes: the configuration, and the prior value of what is computed and left out.
fn proposed(prior: &Json, config: &Json) -> Json {
    let (Json::Object(prior), Json::Object(config)) = (prior, config) else {
        return config.clone();
    };
    let mut proposed = prior.clone();
    const COMPUTED: [&str; 14] = [
        "id",
        "aws_organization_id",
        "permissions",
        "removal_guard",
        "folders",
        "connections",
        "regions",
        "default_region",
        "max_error_retry_attempts",
        "min_error_retry_delay",
        "ignore_error_codes",
        "percent",
        "count",
        "deletion_protection",
    ];
    for (name, value) in config {
        let before = prior.get(name).unwrap_or(&Json::Null);
        if !value.is_null() || !COMPUTED.contains(&name.as_str()) {
            proposed.insert(name.clone(), self::proposed(before, value));
        }
    }
    Json::Object(proposed)
}

/// A configured provider process with a catalog of its own.
struct Provider {
    process: PluginProcess,
    client: ProviderClient<Channel>,
    directory: TempDir,
}

impl Provider {
    async fn start() -> Self {
        Self::of(PROVIDER.start(&[]), json!({})).await
    }

    async fn of(process: PluginProcess, mut config: Json) -> Self {
        let directory = tempfile::tempdir().unwrap();
        if config["catalog"].is_null() {
            config["catalog"] = json!({ "path": directory.path() });
        }
        let mut client = process.client().await;
        let request = wire::configure_provider::Request {
            terraform_version: "1.11.4".into(),
            config: dynamic(&config),
            client_capabilities: None,
        };
        let response = client
            .configure_provider(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(errors(&response.diagnostics), Vec::<String>::new());
        Self {
            process,
            client,
            directory,
        }
    }

    fn catalog(&self) -> PathBuf {
        self.directory.path().join("tenants/default/catalog.json")
    }

    /// Keeps every commit waiting until the file is dropped. What is written to it names the holder.
    fn lock_catalog(&self) -> File {
        let path = self.directory.path().join("tenants/default/catalog.lock");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        file.lock().unwrap();
        file
    }

    fn plan_request(prior: &Json, config: &Json) -> wire::plan_resource_change::Request {
        wire::plan_resource_change::Request {
            type_name: INTEGRATION.into(),
            prior_state: dynamic(prior),
            proposed_new_state: dynamic(&proposed(prior, config)),
            config: dynamic(config),
            ..Default::default()
        }
    }

    async fn plan(&mut self, prior: &Json, config: &Json) -> wire::plan_resource_change::Response {
        let request = Self::plan_request(prior, config);
        let response = self.client.plan_resource_change(request).await.unwrap();
        response.into_inner()
    }

    fn apply_request(
        prior: &Json,
        config: &Json,
        plan: wire::plan_resource_change::Response,
    ) -> wire::apply_resource_change::Request {
        wire::apply_resource_change::Request {
            type_name: INTEGRATION.into(),
            prior_state: dynamic(prior),
            planned_state: plan.planned_state,
            config: dynamic(config),
            planned_private: plan.planned_private,
            ..Default::default()
        }
    }

    /// Plans and applies without errors, and gives the new state.
    async fn apply(&mut self, prior: &Json, config: &Json) -> Json {
        let plan = self.plan(prior, config).await;
        assert_eq!(errors(&plan.diagnostics), Vec::<String>::new());
        let request = Self::apply_request(prior, config, plan);
        let response = self.client.apply_resource_change(request).await.unwrap();
        let response = response.into_inner();
        assert_eq!(errors(&response.diagnostics), Vec::<String>::new());
        json_of(&response.new_state)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_write_only_attributes_is_refused_with_that_reason() {
    let mut provider = Provider::start().await;
    let mut validate = async |capabilities| {
        let request = wire::validate_resource_config::Request {
            type_name: INTEGRATION.into(),
            config: dynamic(&config("acme", accounts(["a".to_owned()].into_iter()))),
            client_capabilities: capabilities,
        };
        let response = provider
            .client
            .validate_resource_config(request)
            .await
            .unwrap();
        errors(&response.into_inner().diagnostics)
    };
    let refused = validate(None).await;
    assert_eq!(refused.len(), 1);
    assert!(
        refused[0].contains("write_only_attributes_allowed"),
        "{refused:?}"
    );
    assert!(refused[0].contains("1.11 or later"), "{refused:?}");
    let accepted = validate(Some(wire::ClientCapabilities {
        write_only_attributes_allowed: true,
        ..Default::default()
    }));
    assert_eq!(accepted.await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_plans_are_asked_for() {
    let mut provider = Provider::start().await;
    let schema = provider
        .client
        .get_provider_schema(wire::get_provider_schema::Request {});
    let capabilities = schema
        .await
        .unwrap()
        .into_inner()
        .server_capabilities
        .unwrap();
    assert!(capabilities.plan_destroy);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_has_an_identity_and_is_imported_by_it() {
    let mut provider = Provider::start().await;
    let schemas = provider
        .client
        .get_resource_identity_schemas(wire::get_resource_identity_schemas::Request {});
    let schemas = schemas.await.unwrap().into_inner().identity_schemas;
    let attributes = &schemas[INTEGRATION].identity_attributes;
    let names: Vec<_> = attributes.iter().map(|attribute| &attribute.name).collect();
    assert_eq!(names, ["id"]);

    let config = config("acme", accounts(["a".to_owned()].into_iter()));
    let planned = provider.plan(&Json::Null, &config).await;
    assert_eq!(planned.planned_identity, None);
    let request = Provider::apply_request(&Json::Null, &config, planned);
    let applied = provider.client.apply_resource_change(request).await;
    let applied = applied.unwrap().into_inner();
    let created = json_of(&applied.new_state);
    let identity = applied.new_identity.unwrap().identity_data;
    assert_eq!(json_of(&identity), json!({ "id": created["id"] }));

    let as_json = Some(DynamicValue {
        msgpack: Vec::new(),
        json: json_of(&identity).to_string().into_bytes(),
    });
    for identity_data in [identity, as_json] {
        let request = wire::import_resource_state::Request {
            type_name: INTEGRATION.into(),
            identity: Some(wire::ResourceIdentityData { identity_data }),
            ..Default::default()
        };
        let imported = provider.client.import_resource_state(request).await;
        let imported = imported.unwrap().into_inner();
        assert_eq!(errors(&imported.diagnostics), Vec::<String>::new());
        let imported = &imported.imported_resources[0];
        assert_eq!(json_of(&imported.state), created);
        let identity = imported.identity.as_ref().unwrap();
        assert_eq!(json_of(&identity.identity_data)["id"], created["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_20_mib_is_planned_updated_and_destroyed() {
    let mut provider = Provider::start().await;
    let names = || (0..1100).map(|i| format!("{i}{}", "x".repeat(20_000)));
    let created = provider
        .apply(&Json::Null, &config("acme", accounts(names())))
        .await;
    assert!(to_vec(&created).unwrap().len() > 20 << 20);

    let request = wire::read_resource::Request {
        type_name: INTEGRATION.into(),
        current_state: dynamic(&created),
        ..Default::default()
    };
    let read = provider
        .client
        .read_resource(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(errors(&read.diagnostics), Vec::<String>::new());
    assert_eq!(json_of(&read.new_state), created);

    let unchanged = provider
        .plan(&created, &config("acme", accounts(names())))
        .await;
    assert_eq!(json_of(&unchanged.planned_state), created);

    let updated = provider
        .apply(&created, &config("acme2", accounts(names())))
        .await;
    assert_eq!(updated["id"], created["id"]);
    assert_eq!(updated["handle"], "acme2");
    assert_eq!(updated["connections"].as_object().unwrap().len(), 1100);

    assert_eq!(provider.apply(&updated, &Json::Null).await, Json::Null);
    let catalog: Json = serde_json::from_slice(&fs::read(provider.catalog()).unwrap()).unwrap();
    assert_eq!(catalog["integrations"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_values_are_errors_and_never_end_the_process() {
    let mut provider = Provider::start().await;
    let good = to_vec(&config("acme", accounts(["a".to_owned()].into_iter()))).unwrap();
    let mut malformed: Vec<Vec<u8>> = vec![
        vec![0xc1],
        vec![0xdf, 0xff, 0xff, 0xff, 0xff],
        vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        b"\x81\xa6handle".to_vec(),
        b"\x81\xc0\xc0".to_vec(),
        b"\x93\x01\x02\x03".to_vec(),
        b"\xa3abc".to_vec(),
        b"\x81\xa6handle\xa2\xff\xfe".to_vec(),
        [vec![0x91; 100_000], vec![0xc0]].concat(),
    ];
    malformed.extend(
        (0..good.len())
            .step_by(7)
            .map(|end| good[..end].to_vec())
            .skip(1),
    );
    for bytes in malformed {
        let value = Some(DynamicValue {
            msgpack: bytes.clone(),
            json: Vec::new(),
        });
        let request = wire::validate_resource_config::Request {
            type_name: INTEGRATION.into(),
            config: value.clone(),
            client_capabilities: Some(wire::ClientCapabilities {
                write_only_attributes_allowed: true,
                ..Default::default()
            }),
        };
        let response = provider
            .client
            .validate_resource_config(request)
            .await
            .unwrap();
        assert_ne!(
            errors(&response.into_inner().diagnostics),
            Vec::<String>::new(),
            "{bytes:x?}"
        );

        for (prior, config, proposed) in [
            (value.clone(), dynamic(&json!({})), dynamic(&json!({}))),
            (null(), value.clone(), value.clone()),
            (null(), dynamic(&json!({})), value.clone()),
        ] {
            let request = wire::plan_resource_change::Request {
                type_name: INTEGRATION.into(),
                prior_state: prior,
                proposed_new_state: proposed,
                config,
                ..Default::default()
            };
            let response = provider.client.plan_resource_change(request).await.unwrap();
            let diagnostics = response.into_inner().diagnostics;
            assert_ne!(errors(&diagnostics), Vec::<String>::new(), "{bytes:x?}");
        }
        let request = wire::apply_resource_change::Request {
            type_name: INTEGRATION.into(),
            prior_state: null(),
            planned_state: value.clone(),
            config: value.clone(),
            ..Default::default()
        };
        let response = provider
            .client
            .apply_resource_change(request)
            .await
            .unwrap();
        assert_ne!(
            errors(&response.into_inner().diagnostics),
            Vec::<String>::new(),
            "{bytes:x?}"
        );

        let request = wire::import_resource_state::Request {
            type_name: INTEGRATION.into(),
            identity: Some(wire::ResourceIdentityData {
                identity_data: value.clone(),
            }),
            ..Default::default()
        };
        let response = provider.client.import_resource_state(request).await;
        let diagnostics = response.unwrap().into_inner().diagnostics;
        assert_ne!(errors(&diagnostics), Vec::<String>::new(), "{bytes:x?}");

        let request = wire::upgrade_resource_identity::Request {
            type_name: INTEGRATION.into(),
            version: 0,
            raw_identity: Some(wire::RawState {
                json: bytes.clone(),
                ..Default::default()
            }),
        };
        let response = provider.client.upgrade_resource_identity(request).await;
        let diagnostics = response.unwrap().into_inner().diagnostics;
        assert_ne!(errors(&diagnostics), Vec::<String>::new(), "{bytes:x?}");

        let request = wire::read_resource::Request {
            type_name: INTEGRATION.into(),
            current_state: value.clone(),
            ..Default::default()
        };
        let response = provider.client.read_resource(request).await.unwrap();
        assert_ne!(
            errors(&response.into_inner().diagnostics),
            Vec::<String>::new(),
            "{bytes:x?}"
        );

        let request = wire::upgrade_resource_state::Request {
            type_name: INTEGRATION.into(),
            version: 0,
            raw_state: Some(wire::RawState {
                json: bytes.clone(),
                ..Default::default()
            }),
        };
        let response = provider
            .client
            .upgrade_resource_state(request)
            .await
            .unwrap();
        assert_ne!(
            errors(&response.into_inner().diagnostics),
            Vec::<String>::new(),
            "{bytes:x?}"
        );
    }
    // Still there, and nothing was written.
    assert!(!provider.catalog().exists());
    let schema = provider
        .client
        .get_provider_schema(wire::get_provider_schema::Request {});
    assert!(schema.await.unwrap().into_inner().provider.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_json_is_understood() {
    let mut provider = Provider::start().await;
    let config = config("acme", accounts(["a".to_owned()].into_iter()));
    let request = wire::validate_resource_config::Request {
        type_name: INTEGRATION.into(),
        config: Some(DynamicValue {
            msgpack: Vec::new(),
            json: config.to_string().into_bytes(),
        }),
        client_capabilities: Some(wire::ClientCapabilities {
            write_only_attributes_allowed: true,
            ..Default::default()
        }),
    };
    let response = provider
        .client
        .validate_resource_config(request)
        .await
        .unwrap();
    assert_eq!(
        errors(&response.into_inner().diagnostics),
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_upgraded_from_json_and_newer_ones_refused() {
    let mut provider = Provider::start().await;
    let created = provider
        .apply(
            &Json::Null,
            &config("acme", accounts(["a".to_owned()].into_iter())),
        )
        .await;
    let mut upgrade = async |version, json: &Json| {
        let request = wire::upgrade_resource_state::Request {
            type_name: INTEGRATION.into(),
            version,
            raw_state: Some(wire::RawState {
                json: json.to_string().into_bytes(),
                ..Default::default()
            }),
        };
        let response = provider
            .client
            .upgrade_resource_state(request)
            .await
            .unwrap();
        response.into_inner()
    };
    let same = upgrade(0, &created).await;
    assert_eq!(json_of(&same.upgraded_state), created);
    let newer = upgrade(7, &created).await;
    let found = errors(&newer.diagnostics);
    assert!(found[0].contains("schema version 7"), "{found:?}");
    assert!(newer.upgraded_state.is_none());
    let mut wrong = created.clone();
    wrong["connections"]["000000000000"]["name"] = json!(["no", "string"]);
    let located = upgrade(0, &wrong).await;
    let path = located.diagnostics[0].attribute.as_ref().unwrap();
    // The part that Terraform finds in a configuration; the text has the rest.
    assert_eq!(path.steps.len(), 2, "{path:?}");
    let detail = &located.diagnostics[0].detail;
    assert!(
        detail.contains(r#"connections["000000000000"].name"#),
        "{detail}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_says_so() {
    let mut provider = Provider::start().await;
    let client = &mut provider.client;
    let name = || "orgmirror_nothing".to_owned();

    let function = client.call_function(wire::call_function::Request {
        name: "nothing".into(),
        arguments: Vec::new(),
    });
    let error = function.await.unwrap().into_inner().error.unwrap();
    assert!(error.text.contains("nothing"), "{error:?}");

    let ephemeral = client.open_ephemeral_resource(wire::open_ephemeral_resource::Request {
        type_name: name(),
        ..Default::default()
    });
    let mut found = vec![ephemeral.await.unwrap().into_inner().diagnostics];
    let action = client.plan_action(wire::plan_action::Request {
        action_type: name(),
        ..Default::default()
    });
    found.push(action.await.unwrap().into_inner().diagnostics);
    let list = client.list_resource(wire::list_resource::Request {
        type_name: name(),
        ..Default::default()
    });
    let event = list
        .await
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    found.push(event.diagnostic);
    let store = client.get_states(wire::get_states::Request { type_name: name() });
    found.push(store.await.unwrap().into_inner().diagnostics);
    let moved = client.move_resource_state(wire::move_resource_state::Request {
        target_type_name: INTEGRATION.into(),
        source_type_name: "aws_organizations_organization".into(),
        ..Default::default()
    });
    found.push(moved.await.unwrap().into_inner().diagnostics);
    let resource = client.read_resource(wire::read_resource::Request {
        type_name: name(),
        ..Default::default()
    });
    found.push(resource.await.unwrap().into_inner().diagnostics);
    for diagnostics in found {
        assert_eq!(errors(&diagnostics).len(), 1, "{diagnostics:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_waits_survives_ctrl_c_and_is_given_up_when_stopped() {
    let mut provider = Provider::of(PROVIDER.start(&DEBUG), json!({})).await;
    let config = config("acme", accounts(["a".to_owned()].into_iter()));
    let plan = provider.plan(&Json::Null, &config).await;
    let request = Provider::apply_request(&Json::Null, &config, plan);
    let mut lock = provider.lock_catalog();
    lock.write_all(b"before").unwrap();
    let mut client = provider.client.clone();
    let apply = tokio::spawn(async move { client.apply_resource_change(request).await });
    provider.process.lock_was_refused("before").await;
    // Ctrl-C reaches the whole process group; whether to stop is for Terraform to say.
    for times in [1, 2] {
        provider.process.signal("INT");
        let process = &provider.process;
        process.logged_often(LEFT_TO_TERRAFORM, times).await;
    }
    // The apply goes on waiting.
    lock.write_all(b" and after").unwrap();
    provider.process.lock_was_refused("before and after").await;
    assert!(!apply.is_finished());
    let stop = provider
        .client
        .stop_provider(wire::stop_provider::Request {});
    assert_eq!(stop.await.unwrap().into_inner().error, "");
    let response = apply.await.unwrap().unwrap().into_inner();
    let errors = errors(&response.diagnostics);
    assert!(
        errors.len() == 1 && errors[0].contains("it was given up"),
        "{errors:?}"
    );
    assert!(json_of(&response.new_state).is_null());
    drop(lock);
    assert!(!provider.catalog().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_in_flight_is_finished_when_terraform_is_killed() {
    let process = PROVIDER.start_under_shell(&DEBUG);
    let mut provider = Provider::of(process, json!({})).await;
    let config = config("acme", accounts(["a".to_owned()].into_iter()));
    let plan = provider.plan(&Json::Null, &config).await;
    let request = Provider::apply_request(&Json::Null, &config, plan);
    let mut lock = provider.lock_catalog();
    lock.write_all(b"the test").unwrap();
    let mut client = provider.client.clone();
    let apply = tokio::spawn(async move { client.apply_resource_change(request).await });
    provider.process.lock_was_refused("the test").await;
    provider.process.signal("KILL");
    apply.abort();
    provider.process.logged("provider is ending").await;
    assert!(!provider.catalog().exists());
    drop(lock);
    // The shell was killed; the provider holds the other end of standard error until it ends.
    provider.process.stderr_closed().await;
    let catalog: Json = serde_json::from_slice(&fs::read(provider.catalog()).unwrap()).unwrap();
    assert_eq!(catalog["integrations"].as_object().unwrap().len(), 1);
}

/// Takes connections and never answers; and a provider that is to ask there.
async fn asking_in_vain(catalog: Json) -> (tokio::net::TcpListener, Provider) {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let provider = json!({
        "region": "us-east-1",
        "access_key": "AKIAIOSFODNN7EXAMPLE",
        "secret_key": "not-a-secret",
        "endpoints": { "organizations": url, "sts": url, "s3": url },
        "catalog": catalog,
    });
    let provider = Provider::of(PROVIDER.start(&[]), provider).await;
    (silent, provider)
}

/// Stops the provider once it waits for an answer: the request ends, with its answer.
async fn stopped<T: Send + 'static>(
    request: impl Future<Output = Result<tonic::Response<T>, tonic::Status>> + Send + 'static,
    silent: &tokio::net::TcpListener,
    provider: &mut Provider,
) -> T {
    let waiting = tokio::spawn(request);
    let (_held, _) = tokio::time::timeout(PATIENCE, silent.accept())
        .await
        .unwrap()
        .unwrap();
    assert!(!waiting.is_finished());
    let stop = provider
        .client
        .stop_provider(wire::stop_provider::Request {});
    stop.await.unwrap();
    let response = tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap()
        .unwrap();
    response.unwrap().into_inner()
}

/// Reads a data source while nobody answers, and stops the provider: the reading ends, and says so.
async fn assert_stopping_cancels(
    type_name: &str,
    silent: &tokio::net::TcpListener,
    provider: &mut Provider,
) {
    let mut client = provider.client.clone();
    let request = wire::read_data_source::Request {
        type_name: type_name.to_owned(),
        config: dynamic(&json!({})),
        ..Default::default()
    };
    let reading = async move { client.read_data_source(request).await };
    let response = stopped(reading, silent, provider).await;
    let found = errors(&response.diagnostics);
    assert!(found[0].contains("cancelled"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_a_plan_that_looks_into_a_silent_catalog() {
    let in_s3 = json!({ "s3": { "bucket": "acme-orgmirror", "use_path_style": true } });
    let (silent, mut provider) = asking_in_vain(in_s3).await;
    let config = config("acme", accounts(["a".to_owned()].into_iter()));
    let request = Provider::plan_request(&Json::Null, &config);
    let mut client = provider.client.clone();
    let planning = async move { client.plan_resource_change(request).await };
    let response = stopped(planning, &silent, &mut provider).await;
    let found = errors(&response.diagnostics);
    assert!(found[0].starts_with("Operation cancelled: "), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_cancels_a_reading_and_the_server_goes_on() {
    let (silent, mut provider) = asking_in_vain(Json::Null).await;
    assert_stopping_cancels("orgmirror_aws_organization", &silent, &mut provider).await;
    // What comes after the stop is served.
    provider
        .apply(
            &Json::Null,
            &config("acme", accounts(["a".to_owned()].into_iter())),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_cancels_a_test_of_connections() {
    let mut mirrored = Provider::start().await;
    let accounts = accounts(["a".to_owned()].into_iter());
    mirrored.apply(&Json::Null, &config("acme", accounts)).await;
    let (silent, mut provider) = asking_in_vain(Json::Null).await;
    fs::create_dir_all(provider.catalog().parent().unwrap()).unwrap();
    fs::copy(mirrored.catalog(), provider.catalog()).unwrap();
    assert_stopping_cancels("orgmirror_connection_test", &silent, &mut provider).await;
}
