//! The log on standard error.

use terraform_plugin::proto::tfplugin6::{DynamicValue, configure_provider, get_provider_schema};
use tonic::Request;

use crate::PROVIDER;

#[tokio::test]
async fn lines_are_json_with_the_fields_of_go_plugin() {
    let mut plugin = PROVIDER.start(&[("TF_LOG", "trace")]);
    plugin.shutdown().await;
    plugin.stderr_closed().await;
    let log = plugin.log();
    assert!(log.len() >= 3, "{log:?}");
    for line in &log {
        for name in ["@level", "@message", "@module", "@timestamp"] {
            assert!(line[name].is_string(), "{line:?}");
        }
    }
    let listening = log
        .iter()
        .find(|line| line["@message"] == "provider is listening")
        .unwrap();
    // The provider does not list the crate that this comes from.
    assert_eq!(listening["@module"], "terraform_plugin.plugin");
    assert_eq!(listening["name"], "terraform-provider-orgmirror");
}

#[tokio::test]
async fn the_variables_of_terraform_filter() {
    for (env, is_written) in [
        (&[][..], false),
        (&[("TF_LOG", "warn")], false),
        (&[("TF_LOG", "trace"), ("TF_LOG_PROVIDER", "error")], false),
        (&[("TF_LOG", "off"), ("TF_LOG_PROVIDER", "info")], true),
        (&[("TF_LOG_PROVIDER_ORGMIRROR", "debug")], true),
    ] {
        let mut plugin = PROVIDER.start(env);
        plugin.shutdown().await;
        plugin.stderr_closed().await;
        assert_eq!(
            !plugin.log().is_empty(),
            is_written,
            "{env:?}: {}",
            plugin.stderr_text()
        );
    }
}

#[tokio::test]
async fn headers_and_bodies_are_logged_at_no_level() {
    const SECRET: &str = "AKIASECRETSECRET";
    let mut plugin = PROVIDER.start(&[("TF_LOG", "trace"), ("RUST_LOG", "trace")]);
    let mut client = plugin.client().await;
    let mut request = Request::new(configure_provider::Request {
        terraform_version: SECRET.to_owned(),
        config: Some(DynamicValue {
            msgpack: SECRET.as_bytes().to_vec(),
            json: Vec::new(),
        }),
        ..configure_provider::Request::default()
    });
    request
        .metadata_mut()
        .insert("authorization", SECRET.parse().unwrap());
    // The answer does not matter: this is no valid configuration.
    let _ = client.configure_provider(request).await;
    plugin.shutdown().await;
    plugin.stderr_closed().await;
    assert!(
        !plugin.stderr_text().contains(SECRET),
        "{}",
        plugin.stderr_text()
    );
    for line in plugin.log() {
        let module = line["@module"].as_str().unwrap();
        let package = module.split('.').next().unwrap();
        assert!(
            ["orgmirror", "terraform_plugin"].contains(&package),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn a_closed_standard_error_is_no_failure() {
    let mut plugin = PROVIDER.start_with_closed_stderr(&[("TF_LOG", "trace")]);
    let schema = plugin
        .client()
        .await
        .get_provider_schema(get_provider_schema::Request {})
        .await;
    assert!(schema.is_ok());
    assert!(plugin.shutdown().await.success());
}
