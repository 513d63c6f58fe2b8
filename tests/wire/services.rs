//! The services that go-plugin's host uses beside the provider.

use futures_util::FutureExt;
use orgmirror_testing::plugin::provider_client;
use terraform_plugin::proto::go_plugin::ConnInfo;
use terraform_plugin::proto::go_plugin::grpc_broker_client::GrpcBrokerClient;
use terraform_plugin::proto::go_plugin::grpc_stdio_client::GrpcStdioClient;
use terraform_plugin::proto::health::HealthCheckRequest;
use terraform_plugin::proto::health::health_check_response::ServingStatus;
use terraform_plugin::proto::health::health_client::HealthClient;
use terraform_plugin::proto::tfplugin6::get_provider_schema;
use tonic::Code;

use crate::PROVIDER;

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn the_plugin_is_healthy() {
    let plugin = PROVIDER.start(&[]);
    let mut health = HealthClient::new(plugin.channel().await);
    for service in ["plugin", ""] {
        let answer = health.check(ask(service)).await.unwrap();
        assert_eq!(answer.get_ref().status(), ServingStatus::Serving);
    }
    let unknown = health.check(ask("other")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn health_can_be_watched() {
    let mut plugin = PROVIDER.start(&[]);
    let mut health = HealthClient::new(plugin.channel().await);
    let mut watch = health.watch(ask("plugin")).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    plugin.shutdown().await;
    assert!(watch.message().await.unwrap().is_none());
}

#[tokio::test]
async fn stdio_opens_and_carries_nothing() {
    // The log is not for this stream, either.
    let mut plugin = PROVIDER.start(&[("TF_LOG", "trace")]);
    let channel = plugin.channel().await;
    let mut stdio = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap()
        .into_inner();
    let schema = get_provider_schema::Request {};
    let schema = provider_client(channel).get_provider_schema(schema).await;
    assert!(schema.is_ok());
    assert!(stdio.message().now_or_never().is_none(), "it is open");
    assert!(plugin.shutdown().await.success());
    assert!(stdio.message().await.unwrap().is_none());
}

#[tokio::test]
async fn the_broker_takes_what_it_is_told_and_closes_with_its_client() {
    let plugin = PROVIDER.start(&[]);
    let mut broker = GrpcBrokerClient::new(plugin.channel().await);
    let announcements = tokio_stream::iter([ConnInfo {
        service_id: 1,
        network: "unix".to_owned(),
        address: "/nowhere".to_owned(),
        knock: None,
    }]);
    let mut answers = broker
        .start_stream(announcements)
        .await
        .unwrap()
        .into_inner();
    assert!(answers.message().await.unwrap().is_none());
}
