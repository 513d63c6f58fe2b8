//! The handshake line, and every start that is refused.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use orgmirror_testing::plugin::{ClientIdentity, MAGIC_COOKIE};

use crate::PROVIDER;

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Nothing that could be taken for a handshake, the reason on both outputs, exit code 1.
fn assert_refused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(1));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(stderr.contains(reason), "{stderr}");
    assert!(stdout.contains(reason), "{stdout}");
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert!(!stdout.contains('|'), "{stdout}");
}

#[test]
fn the_handshake_line_says_where_and_who() {
    let plugin = PROVIDER.start(&[]);
    let fields = &plugin.handshake.fields;
    assert_eq!(fields.len(), 6, "{fields:?}");
    assert_eq!(fields[..3], ["1", "6", "unix"]);
    assert_eq!(fields[4], "grpc");
    let directory = plugin.handshake.socket.parent().unwrap();
    assert_eq!(directory.parent().unwrap(), plugin.temporary_directory());
    let mode = directory.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn the_socket_is_where_the_host_wants_it_and_the_broker_is_not_multiplexed() {
    let wanted = tempfile::tempdir().unwrap();
    let mut plugin = PROVIDER.start(&[
        ("PLUGIN_UNIX_SOCKET_DIR", wanted.path().to_str().unwrap()),
        ("PLUGIN_MULTIPLEX_GRPC", "true"),
    ]);
    assert!(plugin.handshake.socket.starts_with(wanted.path()));
    assert_eq!(plugin.handshake.fields.len(), 7);
    assert_eq!(plugin.handshake.fields[6], "false");
    plugin.shutdown().await;
    assert_eq!(std::fs::read_dir(wanted.path()).unwrap().count(), 0);
}

#[test]
fn each_process_has_its_own_certificate() {
    let (one, other) = (PROVIDER.start(&[]), PROVIDER.start(&[]));
    assert_ne!(one.handshake.fields[5], other.handshake.fields[5]);
}

#[test]
fn without_the_magic_cookie_it_introduces_itself() {
    let wrong = "x".repeat(MAGIC_COOKIE.1.len());
    for cookie in [None, Some(wrong.as_str())] {
        let output = PROVIDER.run_with(|command| {
            match cookie {
                Some(cookie) => command.env(MAGIC_COOKIE.0, cookie),
                None => command.env_remove(MAGIC_COOKIE.0),
            };
        });
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        let stderr = text(&output.stderr);
        for word in ["dev_overrides", "required_providers", "AWS organization"] {
            assert!(stderr.contains(word), "{stderr}");
        }
    }
}

#[test]
fn without_a_client_certificate_it_does_not_listen() {
    let output = PROVIDER.run_with(|command| {
        command.env_remove("PLUGIN_CLIENT_CERT");
    });
    assert_refused(&output, "PLUGIN_CLIENT_CERT");

    let two = ClientIdentity::generate().pem + &ClientIdentity::generate().pem;
    for certificate in ["garbage", &two] {
        let output = PROVIDER.run_with(|command| {
            command.env("PLUGIN_CLIENT_CERT", certificate);
        });
        assert_refused(&output, "exactly one certificate");
    }
}

#[test]
fn without_protocol_6_it_does_not_listen() {
    for versions in ["5", "", "60"] {
        let output = PROVIDER.run_with(|command| {
            command.env("PLUGIN_PROTOCOL_VERSIONS", versions);
        });
        assert_refused(&output, "plugin protocol 6");
    }
}

#[test]
fn version_and_help_are_answered_on_standard_output() {
    let run = |argument| {
        Command::new(PROVIDER.executable())
            .arg(argument)
            .output()
            .unwrap()
    };
    let version = run("--version");
    assert!(version.status.success());
    assert_eq!(
        text(&version.stdout),
        format!(
            "terraform-provider-orgmirror {}\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    let help = run("--help");
    assert!(help.status.success());
    assert!(text(&help.stdout).contains("dev_overrides"));
}
