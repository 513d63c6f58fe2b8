//! go-plugin's handshake: the variables that the host sets for the process that it starts, and the line that answers.

use std::ffi::OsString;
use std::path::PathBuf;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The version of go-plugin's own protocol: the first field of the handshake line.
const CORE_PROTOCOL: u32 = 1;

/// The major version of Terraform's plugin protocol that this process serves.
const PROVIDER_PROTOCOL: u32 = 6;

/// Terraform's handshake: a fixed pair that tells a plugin's start from a start by hand. It is no secret.
const MAGIC_COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
const MAGIC_COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

const PROTOCOL_VERSIONS: &str = "PLUGIN_PROTOCOL_VERSIONS";
const CLIENT_CERTIFICATE: &str = "PLUGIN_CLIENT_CERT";
const SOCKET_DIRECTORY: &str = "PLUGIN_UNIX_SOCKET_DIR";
const SOCKET_GROUP: &str = "PLUGIN_UNIX_SOCKET_GROUP";
const MULTIPLEX: &str = "PLUGIN_MULTIPLEX_GRPC";

/// Why a start is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "this is a plugin of Terraform and OpenTofu, which start it themselves; \
         the variable {MAGIC_COOKIE_NAME} that they set is missing or different"
    )]
    NoMagicCookie,
    #[error(
        "it speaks plugin protocol {PROVIDER_PROTOCOL}, and the program that started it offers {offered}; \
         use {hosts}"
    )]
    ProtocolVersions {
        offered: String,
        hosts: &'static str,
    },
    #[error(
        "it talks only over mutual TLS, and {CLIENT_CERTIFICATE} holds no certificate of the program that \
         started it; unset TF_DISABLE_PLUGIN_TLS if it is set"
    )]
    NoClientCertificate,
    #[error("{CLIENT_CERTIFICATE} must hold exactly one certificate in PEM form: {reason}")]
    ClientCertificate { reason: String },
}

/// The wishes of a host that speaks our protocol.
#[derive(Debug)]
pub(super) struct Handshake {
    /// The one certificate whose holder may connect.
    pub(super) client_certificate: CertificateDer<'static>,
    /// Where the host wants the socket.
    pub(super) socket_directory: Option<PathBuf>,
    /// The group, by name or number, that may use the socket too.
    pub(super) socket_group: Option<String>,
    /// Whether the host wants to know if the broker is multiplexed. It is not: Terraform does not use the broker.
    pub(super) asks_for_multiplexing: bool,
}

impl Handshake {
    /// Reads the variables; `hosts` are the programs that the provider works with.
    ///
    /// # Errors
    /// If the provider cannot serve this host.
    pub(super) fn read(
        hosts: &'static str,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Refusal> {
        let text = |name| {
            environment(name)
                .map(|value| value.to_string_lossy().into_owned())
                .filter(|value| !value.is_empty())
        };
        if !has_magic_cookie(environment) {
            return Err(Refusal::NoMagicCookie);
        }
        let offered = text(PROTOCOL_VERSIONS).unwrap_or_default();
        if !offered
            .split(',')
            .any(|version| version.trim().parse() == Ok(PROVIDER_PROTOCOL))
        {
            let offered = if offered.is_empty() {
                format!("none ({PROTOCOL_VERSIONS} is not set)")
            } else {
                format!("{offered:?}")
            };
            return Err(Refusal::ProtocolVersions { offered, hosts });
        }
        let pem = text(CLIENT_CERTIFICATE).ok_or(Refusal::NoClientCertificate)?;
        Ok(Self {
            client_certificate: parse_certificate(&pem)?,
            socket_directory: environment(SOCKET_DIRECTORY)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            socket_group: text(SOCKET_GROUP),
            asks_for_multiplexing: text(MULTIPLEX).is_some(),
        })
    }

    /// The line that answers, with its line end: it names the socket, and has the process's certificate in base64.
    pub(super) fn line(&self, socket: &str, certificate: &str) -> String {
        // Only hosts that ask about broker multiplexing can parse a seventh field.
        let multiplexing = if self.asks_for_multiplexing {
            "|false"
        } else {
            ""
        };
        format!(
            "{CORE_PROTOCOL}|{PROVIDER_PROTOCOL}|unix|{socket}|grpc|{certificate}{multiplexing}\n"
        )
    }
}

pub(super) fn has_magic_cookie(environment: &impl Fn(&str) -> Option<OsString>) -> bool {
    environment(MAGIC_COOKIE_NAME).is_some_and(|value| value == MAGIC_COOKIE_VALUE)
}

/// Reads the one certificate in a text of PEM.
fn parse_certificate(pem: &str) -> Result<CertificateDer<'static>, Refusal> {
    let refusal = |reason: String| Refusal::ClientCertificate { reason };
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| refusal(error.to_string()))?;
    match (certificates.pop(), certificates.len()) {
        (Some(certificate), 0) => Ok(certificate),
        (_, others) => Err(refusal(format!(
            "it holds {}",
            if others == 0 { 0 } else { others + 1 }
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAQIDBA==\n-----END CERTIFICATE-----\n";

    fn read(changes: &[(&str, Option<&str>)]) -> Result<Handshake, Refusal> {
        let mut variables = HashMap::from([
            (MAGIC_COOKIE_NAME, MAGIC_COOKIE_VALUE),
            (PROTOCOL_VERSIONS, "5,6"),
            (CLIENT_CERTIFICATE, PEM),
        ]);
        for (name, value) in changes {
            match value {
                Some(value) => variables.insert(name, value),
                None => variables.remove(name),
            };
        }
        Handshake::read("Terraform 9", &|name| {
            variables.get(name).map(OsString::from)
        })
    }

    #[test]
    fn the_environment_of_terraform_is_read() {
        let handshake = read(&[]).unwrap();
        assert_eq!(handshake.client_certificate.as_ref(), [1, 2, 3, 4]);
        assert_eq!(handshake.socket_directory, None);
        assert_eq!(handshake.socket_group, None);
        assert!(!handshake.asks_for_multiplexing);

        let handshake = read(&[
            (SOCKET_DIRECTORY, Some("/run/x")),
            (SOCKET_GROUP, Some("staff")),
            (MULTIPLEX, Some("true")),
        ])
        .unwrap();
        assert_eq!(handshake.socket_directory, Some(PathBuf::from("/run/x")));
        assert_eq!(handshake.socket_group.as_deref(), Some("staff"));
        assert!(handshake.asks_for_multiplexing);
    }

    #[test]
    fn the_line_says_where_and_who() {
        let line = |changes: &[_]| read(changes).unwrap().line("/run/x", "AQID");
        assert_eq!(line(&[]), "1|6|unix|/run/x|grpc|AQID\n");
        let multiplexed = line(&[(MULTIPLEX, Some("true"))]);
        assert_eq!(multiplexed, "1|6|unix|/run/x|grpc|AQID|false\n");
    }

    #[test]
    fn the_magic_cookie_must_be_exact() {
        for cookie in [None, Some(""), Some("x"), Some(&MAGIC_COOKIE_VALUE[1..])] {
            assert_eq!(
                read(&[(MAGIC_COOKIE_NAME, cookie)]).unwrap_err(),
                Refusal::NoMagicCookie
            );
        }
    }

    #[test]
    fn protocol_6_must_be_among_the_versions() {
        for versions in ["6", "6,5", "4, 6"] {
            assert!(read(&[(PROTOCOL_VERSIONS, Some(versions))]).is_ok());
        }
        for versions in ["5", "16", "5,", "x", "6.0", "-6"] {
            let refusal = read(&[(PROTOCOL_VERSIONS, Some(versions))]).unwrap_err();
            let text = refusal.to_string();
            assert!(
                text.contains(versions) && text.ends_with("use Terraform 9"),
                "{text}"
            );
        }
        let refusal = read(&[(PROTOCOL_VERSIONS, None)]).unwrap_err();
        assert!(refusal.to_string().contains("is not set"), "{refusal}");
    }

    #[test]
    fn there_must_be_exactly_one_client_certificate() {
        for absent in [None, Some("")] {
            assert_eq!(
                read(&[(CLIENT_CERTIFICATE, absent)]).unwrap_err(),
                Refusal::NoClientCertificate
            );
        }
        let (none, two) = ("no PEM".to_owned(), PEM.repeat(2));
        let broken = PEM.replace("AQIDBA==", "A*");
        for (pem, reason) in [
            (none, "it holds 0"),
            (two, "it holds 2"),
            (broken, "PEM form: "),
        ] {
            let refusal = read(&[(CLIENT_CERTIFICATE, Some(&pem))]).unwrap_err();
            assert!(refusal.to_string().contains(reason), "{refusal}");
        }
    }
}
