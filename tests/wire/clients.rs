//! Who gets in: the holder of the one certificate, and nobody else.

use orgmirror_testing::plugin::{Channel, ClientIdentity, Error, PATIENCE, PluginProcess};
use std::error::Error as _;
use terraform_plugin::proto::tfplugin6::{RawState, provider_client::ProviderClient};

use terraform_plugin::proto::go_plugin::ConnInfo;
use terraform_plugin::proto::tfplugin6::{
    get_provider_schema, stop_provider, upgrade_resource_state,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use crate::PROVIDER;

const DEBUG: [(&str, &str); 1] = [("TF_LOG", "debug")];

/// No RPC of this client gets an answer from the provider.
async fn assert_shut_out(channel: Result<Channel, Error>) {
    let Ok(channel) = channel else { return };
    let mut client = ProviderClient::new(channel);
    for _ in 0..2 {
        let status = client
            .get_provider_schema(get_provider_schema::Request {})
            .await
            .unwrap_err();
        // The connection failed. What a server answers has no source.
        let source = status
            .source()
            .and_then(|source| source.downcast_ref::<Error>());
        assert!(source.is_some(), "{status:?}");
    }
}

/// Terraform itself still gets its answer.
async fn assert_serving(plugin: &PluginProcess) {
    let schema = plugin
        .client()
        .await
        .get_provider_schema(get_provider_schema::Request {})
        .await
        .unwrap();
    assert!(schema.get_ref().provider.is_some());
}

/// Nobody was let in so far, and somebody was turned away.
async fn assert_only_refusals(plugin: &PluginProcess) {
    plugin.logged("a client was refused").await;
    assert!(
        !plugin.stderr_text().contains("connected"),
        "{}",
        plugin.stderr_text()
    );
}

#[tokio::test]
async fn terraforms_certificate_is_let_in() {
    let plugin = PROVIDER.start(&[]);
    assert_serving(&plugin).await;
    assert_serving(&plugin).await;
}

#[tokio::test]
async fn a_client_without_certificate_is_refused() {
    let plugin = PROVIDER.start(&DEBUG);
    assert_shut_out(plugin.channel_as(None).await).await;
    assert_only_refusals(&plugin).await;
    assert_serving(&plugin).await;
}

#[tokio::test]
async fn another_certificate_of_the_same_kind_is_refused() {
    let plugin = PROVIDER.start(&DEBUG);
    assert_shut_out(plugin.channel_as(Some(&ClientIdentity::generate())).await).await;
    assert_only_refusals(&plugin).await;
    assert_serving(&plugin).await;
}

#[tokio::test]
async fn the_right_certificate_without_its_key_is_refused() {
    let plugin = PROVIDER.start(&DEBUG);
    let thief = plugin.certificate_with_another_key();
    assert_shut_out(plugin.channel_as(Some(&thief)).await).await;
    assert_only_refusals(&plugin).await;
    assert_serving(&plugin).await;
}

#[tokio::test]
async fn plaintext_is_refused() {
    let plugin = PROVIDER.start(&DEBUG);
    assert_shut_out(plugin.channel_in_plaintext().await).await;
    assert_only_refusals(&plugin).await;
    assert_serving(&plugin).await;
}

#[tokio::test]
async fn silent_and_garbled_clients_keep_nobody_out() {
    let plugin = PROVIDER.start(&DEBUG);
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(UnixStream::connect(&plugin.handshake.socket).await.unwrap());
    }
    for garbage in [&b"\0"[..], &[0xff; 4096], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = UnixStream::connect(&plugin.handshake.socket).await.unwrap();
        stream.write_all(garbage).await.unwrap();
    }
    assert_serving(&plugin).await;

    // Terraform's own certificate, and not HTTP/2 inside.
    let mut stream = plugin.raw_tls().await;
    stream.write_all(&[0xff; 4096]).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_serving(&plugin).await;
    assert!(
        !plugin.stderr_text().contains("panic"),
        "{}",
        plugin.stderr_text()
    );
}

#[tokio::test]
async fn a_silent_client_is_turned_away_in_time() {
    let plugin = PROVIDER.start(&DEBUG);
    // The connection of Terraform, for which the server lives on meanwhile.
    assert_serving(&plugin).await;
    let mut silent = UnixStream::connect(&plugin.handshake.socket).await.unwrap();
    // Ends when the server closes the connection.
    let mut said = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut said)).await;
    closed.expect("it is never turned away").unwrap();
    assert_serving(&plugin).await;
}

#[tokio::test]
async fn malformed_protobuf_is_an_error_of_its_call() {
    let plugin = PROVIDER.start(&DEBUG);
    let mut client = tonic::client::Grpc::new(plugin.channel().await);
    for rpc in ["ConfigureProvider", "ApplyResourceChange"] {
        client.ready().await.unwrap();
        // The first field is a number here and a string there.
        let request = Request::new(ConnInfo {
            service_id: 7,
            ..ConnInfo::default()
        });
        let codec = ProstCodec::<ConnInfo, ConnInfo>::default();
        let path = format!("/tfplugin6.Provider/{rpc}").parse().unwrap();
        let status = client.unary(request, path, codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{status:?}");
    }
    assert_serving(&plugin).await;
    assert!(
        !plugin.stderr_text().contains("panic"),
        "{}",
        plugin.stderr_text()
    );
}

#[tokio::test]
async fn a_message_of_20_mib_reaches_the_provider() {
    let plugin = PROVIDER.start(&[]);
    let request = upgrade_resource_state::Request {
        type_name: "orgmirror_no_such_type".to_owned(),
        raw_state: Some(RawState {
            json: vec![b' '; 20 << 20],
            ..RawState::default()
        }),
        ..upgrade_resource_state::Request::default()
    };
    // Whatever the provider thinks of it, nothing on the way there minds its size.
    if let Err(status) = plugin.client().await.upgrade_resource_state(request).await {
        assert!(
            !matches!(
                status.code(),
                Code::OutOfRange | Code::ResourceExhausted | Code::Unavailable
            ),
            "{status:?}"
        );
    }
    assert_serving(&plugin).await;
}

#[tokio::test]
async fn stop_provider_is_answered_and_the_server_goes_on() {
    let plugin = PROVIDER.start(&[]);
    let mut client = plugin.client().await;
    for _ in 0..2 {
        let stopped = client
            .stop_provider(stop_provider::Request {})
            .await
            .unwrap();
        assert_eq!(stopped.get_ref().error, "");
    }
    assert_serving(&plugin).await;
}
