//! When the process ends, when it does not, and what it leaves behind: nothing.

use orgmirror_testing::plugin::PluginProcess;
use terraform_plugin::proto::go_plugin::ConnInfo;
use terraform_plugin::proto::go_plugin::grpc_broker_client::GrpcBrokerClient;
use terraform_plugin::proto::go_plugin::grpc_stdio_client::GrpcStdioClient;
use terraform_plugin::proto::tfplugin6::get_provider_schema;

use crate::PROVIDER;

/// What the plugin says of a Ctrl-C.
pub(crate) const LEFT_TO_TERRAFORM: &str = "SIGINT is left to Terraform, which says when to stop";

fn assert_left_nothing(plugin: &PluginProcess) {
    let left: Vec<_> = std::fs::read_dir(plugin.temporary_directory())
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

async fn assert_serving(plugin: &PluginProcess) {
    plugin
        .client()
        .await
        .get_provider_schema(get_provider_schema::Request {})
        .await
        .unwrap();
}

#[tokio::test]
async fn shutdown_ends_the_process() {
    let mut plugin = PROVIDER.start(&[]);
    assert_serving(&plugin).await;
    assert!(plugin.shutdown().await.success());
    assert_left_nothing(&plugin);
}

#[tokio::test]
async fn shutdown_ends_the_streams_that_terraform_keeps_open() {
    let mut plugin = PROVIDER.start(&[("TF_LOG", "debug")]);
    let channel = plugin.channel().await;
    let mut stdio = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap()
        .into_inner();
    let mut broker = GrpcBrokerClient::new(channel)
        .start_stream(tokio_stream::pending::<ConnInfo>())
        .await
        .unwrap()
        .into_inner();
    assert!(plugin.shutdown().await.success());
    assert!(stdio.message().await.unwrap().is_none());
    assert!(broker.message().await.unwrap().is_none());
    assert_left_nothing(&plugin);
}

#[tokio::test]
async fn ctrl_c_is_for_terraform() {
    let mut plugin = PROVIDER.start(&[("TF_LOG", "debug")]);
    assert_serving(&plugin).await;
    for times in 1..=3 {
        plugin.signal("INT");
        plugin.logged_often(LEFT_TO_TERRAFORM, times).await;
        assert_serving(&plugin).await;
    }
    assert!(plugin.shutdown().await.success());
}

#[tokio::test]
async fn termination_and_hangup_end_it_in_order() {
    for signal in ["TERM", "HUP"] {
        let mut plugin = PROVIDER.start(&[]);
        assert_serving(&plugin).await;
        plugin.signal(signal);
        assert!(plugin.exited().await.success());
        assert_left_nothing(&plugin);
    }
}

#[tokio::test]
async fn it_ends_when_its_parent_is_killed() {
    let mut plugin = PROVIDER.start_under_shell(&[]);
    // The connection stays, so only the parent can tell.
    let mut client = plugin.client().await;
    client
        .get_provider_schema(get_provider_schema::Request {})
        .await
        .unwrap();
    plugin.signal("KILL");
    plugin.stderr_closed().await;
    assert_left_nothing(&plugin);
}

#[tokio::test]
async fn it_ends_when_its_only_client_is_gone() {
    let mut plugin = PROVIDER.start(&[]);
    assert_serving(&plugin).await;
    plugin.disconnect();
    assert!(plugin.exited().await.success());
    assert_left_nothing(&plugin);
}
