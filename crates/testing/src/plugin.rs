//! A stand-in for Terraform on the wire: starts the provider as go-plugin does and talks to it over mutual TLS.
//!
//! It knows nothing of the provider's own client or server code beyond the generated messages.

mod channel;

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use serde_json::{Map, Value};
use tempfile::TempDir;
use terraform_plugin::proto::go_plugin::Empty;
use terraform_plugin::proto::go_plugin::grpc_controller_client::GrpcControllerClient;
use terraform_plugin::proto::tfplugin6::provider_client::ProviderClient;
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::Provider;

pub use channel::{Channel, Error};

/// Terraform's magic cookie.
pub const MAGIC_COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// Terraform's own limit for a message, in bytes.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// What takes this long hangs: a limit for tests that fail, far beyond what any machine needs.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// How often to look whether something is there.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Variables of this process that must not reach the plugin.
const REMOVED: [&str; 9] = [
    "TF_LOG",
    "TF_LOG_PROVIDER",
    "TF_LOG_PROVIDER_ORGMIRROR",
    "TF_PLUGIN_MAGIC_COOKIE",
    "PLUGIN_CLIENT_CERT",
    "PLUGIN_PROTOCOL_VERSIONS",
    "PLUGIN_UNIX_SOCKET_DIR",
    "PLUGIN_UNIX_SOCKET_GROUP",
    "PLUGIN_MULTIPLEX_GRPC",
];

/// A key and a certificate of the kind that go-plugin makes for each plugin it starts: P-521, self-signed, `CA:TRUE`.
pub struct ClientIdentity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    /// The certificate as `PLUGIN_CLIENT_CERT` carries it.
    pub pem: String,
}

impl ClientIdentity {
    /// A new one.
    pub fn generate() -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "HashiCorp");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let certificate = CertificateDer::from(params.self_signed(&key).unwrap());
        Self {
            pem: pem(&certificate),
            certificate,
            key: key.serialize_der(),
        }
    }

    /// What a thief of the certificate would have: not its key.
    fn with_another_key(&self) -> Self {
        Self {
            certificate: self.certificate.clone(),
            pem: self.pem.clone(),
            key: Self::generate().key,
        }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

/// What the plugin's handshake line says.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// The fields of the line, split at `|`.
    pub fields: Vec<String>,
    /// Where the plugin listens.
    pub socket: PathBuf,
    certificate: CertificateDer<'static>,
}

impl Handshake {
    fn parse(line: &str) -> Self {
        let fields: Vec<String> = line
            .trim_end_matches('\n')
            .split('|')
            .map(str::to_owned)
            .collect();
        assert!(fields.len() >= 6, "not a handshake line: {line:?}");
        let certificate = STANDARD_NO_PAD.decode(&fields[5]).unwrap();
        Self {
            socket: PathBuf::from(&fields[3]),
            certificate: certificate.into(),
            fields,
        }
    }
}

/// A plugin process and what is needed to talk to it. Killed on drop.
pub struct PluginProcess {
    child: Child,
    identity: ClientIdentity,
    /// What it said when it was ready.
    pub handshake: Handshake,
    stderr: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
    temporary: TempDir,
    /// The first authenticated connection. Terraform has one all the time, and the plugin ends some seconds after the last
    /// one is gone.
    connection: OnceLock<Channel>,
}

impl Provider {
    /// Starts the provider with `env` on top of what Terraform would set, and waits for its handshake line.
    pub fn start(self, env: &[(&str, &str)]) -> PluginProcess {
        let mut command = Command::new(self.executable());
        PluginProcess::start(command.stderr(Stdio::piped()), env)
    }

    /// The same with nobody at the other end of its standard error.
    pub fn start_with_closed_stderr(self, env: &[(&str, &str)]) -> PluginProcess {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(self.executable());
        PluginProcess::start(command.stderr(writer), env)
    }

    /// The same, as a child of a shell: [`PluginProcess::pid`] is the shell's.
    pub fn start_under_shell(self, env: &[(&str, &str)]) -> PluginProcess {
        let mut shell = Command::new("sh");
        // The second command keeps the shell from replacing itself by the provider.
        shell.args(["-c", "\"$0\"; true"]).arg(self.executable());
        PluginProcess::start(shell.stderr(Stdio::piped()), env)
    }

    /// Runs the provider to its end with a complete invitation that `change` then changes.
    pub fn run_with(self, change: impl FnOnce(&mut Command)) -> Output {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(self.executable());
        invite(
            &mut command,
            &ClientIdentity::generate().pem,
            temporary.path(),
        );
        change(&mut command);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
        output
    }
}

impl PluginProcess {
    fn start(command: &mut Command, env: &[(&str, &str)]) -> Self {
        let identity = ClientIdentity::generate();
        let temporary = tempfile::tempdir().unwrap();
        invite(command, &identity.pem, temporary.path());
        command.envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let (pipe, stderr) = (child.stderr.take(), stderr.clone());
            move || {
                let Some(mut pipe) = pipe else { return };
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                    stderr.lock().unwrap().extend_from_slice(&buffer[..length]);
                }
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.is_empty() {
            let _ = child.wait();
            let _ = reader.join();
            let stderr = stderr.lock().unwrap();
            panic!("no handshake line: {}", String::from_utf8_lossy(&stderr));
        }
        Self {
            child,
            identity,
            handshake: Handshake::parse(&line),
            stderr,
            reader: Some(reader),
            temporary,
            connection: OnceLock::new(),
        }
    }

    /// A provider client on a connection of its own, with Terraform's limits.
    pub async fn client(&self) -> ProviderClient<Channel> {
        provider_client(self.channel().await)
    }

    /// An authenticated connection, for any service.
    pub async fn channel(&self) -> Channel {
        let channel = self.channel_as(Some(&self.identity)).await.unwrap();
        let _ = self.connection.set(channel.clone());
        channel
    }

    /// Gives up the connection that is kept, as Terraform never does.
    pub fn disconnect(&mut self) {
        self.connection.take();
    }

    /// A connection as somebody else, or with no certificate at all.
    pub async fn channel_as(&self, identity: Option<&ClientIdentity>) -> Result<Channel, Error> {
        let connector = self.connector(identity);
        Channel::over(connect_tls(&self.handshake.socket, &connector).await?).await
    }

    /// A connection without TLS.
    pub async fn channel_in_plaintext(&self) -> Result<Channel, Error> {
        Channel::over(UnixStream::connect(&self.handshake.socket).await?).await
    }

    /// The certificate that is let in, with a key that is not its own.
    pub fn certificate_with_another_key(&self) -> ClientIdentity {
        self.identity.with_another_key()
    }

    /// An authenticated TLS stream, to send on it what no client would.
    pub async fn raw_tls(&self) -> TlsStream<UnixStream> {
        connect_tls(
            &self.handshake.socket,
            &self.connector(Some(&self.identity)),
        )
        .await
        .unwrap()
    }

    /// Trusts exactly the certificate of the handshake line under the name `localhost`, as go-plugin does.
    fn connector(&self, identity: Option<&ClientIdentity>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.handshake.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            // Not checked for a key that fits: one test wants one that does not.
            Some(identity) => {
                let key = aws_lc_rs::sign::any_supported_type(&identity.key()).unwrap();
                let certified = CertifiedKey::new(vec![identity.certificate.clone()], key);
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsConnector::from(Arc::new(config))
    }

    /// The process ID of what was started.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the plugin puts temporary files; nothing else does.
    pub fn temporary_directory(&self) -> &Path {
        self.temporary.path()
    }

    /// Sends a signal by name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Ends the plugin as Terraform does, and waits for it.
    pub async fn shutdown(&mut self) -> ExitStatus {
        let mut controller = GrpcControllerClient::new(self.channel().await);
        controller.shutdown(Empty {}).await.unwrap();
        self.exited().await
    }

    /// Waits until the process has ended.
    pub async fn exited(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            self.look_again(start, "the process goes on").await;
        }
    }

    /// Waits until nobody holds the plugin's standard error any more, which is to say until it has ended, whoever
    /// started it.
    pub async fn stderr_closed(&mut self) {
        let start = Instant::now();
        while !self.reader.as_ref().unwrap().is_finished() {
            self.look_again(start, "the process goes on").await;
        }
    }

    async fn look_again(&self, start: Instant, complaint: &str) {
        let log = || self.stderr_text();
        assert!(start.elapsed() < PATIENCE, "{complaint}: {}", log());
        tokio::time::sleep(LOOK_EVERY).await;
    }

    /// What the plugin has written to standard error so far; after its end, all of it.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// The complete lines of the log so far.
    pub fn log(&self) -> Vec<Map<String, Value>> {
        let text = self.stderr_text();
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// Waits until the log has a line with this message.
    pub async fn logged(&self, message: &str) {
        self.logged_often(message, 1).await;
    }

    /// Waits until the log has so many lines with this message.
    pub async fn logged_often(&self, message: &str, times: usize) {
        let is_it = |line: &&Map<String, Value>| line["@message"] == message;
        let complaint = format!("not {times} of {message:?}");
        self.log_has(&complaint, |log| log.iter().filter(is_it).count() >= times)
            .await;
    }

    /// Waits until somebody has found the catalog's lock to be held by this holder, a part of what the lock says. Needs
    /// `TF_LOG=debug`.
    pub async fn lock_was_refused(&self, holder: &str) {
        let is_it = |line: &Map<String, Value>| {
            line["@message"] == "the lock is held by another writer"
                && line["holder"].as_str().unwrap().contains(holder)
        };
        let complaint = format!("nobody found the lock held by {holder:?}");
        self.log_has(&complaint, |log| log.iter().any(is_it)).await;
    }

    /// Waits until the log is so.
    async fn log_has(&self, complaint: &str, is_so: impl Fn(&[Map<String, Value>]) -> bool) {
        let start = Instant::now();
        loop {
            // Looked at first: what comes after its end is nothing.
            let has_ended = self.reader.as_ref().unwrap().is_finished();
            if is_so(&self.log()) {
                return;
            }
            assert!(!has_ended, "{complaint}: {}", self.stderr_text());
            self.look_again(start, complaint).await;
        }
    }
}

impl Drop for PluginProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A provider client with Terraform's limits.
pub fn provider_client(channel: Channel) -> ProviderClient<Channel> {
    ProviderClient::new(channel)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

/// Sets what Terraform sets for a plugin.
fn invite(command: &mut Command, certificate: &str, temporary: &Path) {
    for name in REMOVED {
        command.env_remove(name);
    }
    command
        .env(MAGIC_COOKIE.0, MAGIC_COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .env("PLUGIN_CLIENT_CERT", certificate)
        .env("TMPDIR", temporary);
}

fn pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

async fn connect_tls(socket: &Path, connector: &TlsConnector) -> io::Result<TlsStream<UnixStream>> {
    let stream = UnixStream::connect(socket).await?;
    connector
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
}
