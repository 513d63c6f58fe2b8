//! Mutual TLS that lets in the holder of one certificate.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature,
    verify_tls13_signature,
};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};

/// The name under which go-plugin's client verifies the server.
const SERVER_NAME: &str = "localhost";

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("the server's certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS could not be set up: {0}")]
    Configuration(#[from] Error),
}

/// The server's side of mutual TLS: its own new certificate, and the one client it accepts.
pub(super) struct Tls {
    certificate: CertificateDer<'static>,
    acceptor: TlsAcceptor,
}

impl Tls {
    pub(super) fn new(client_certificate: CertificateDer<'static>) -> Result<Self, TlsError> {
        // P-256, of which aws-lc makes a key in well under a millisecond.
        let key = KeyPair::generate()?;
        let certificate = make_server_certificate(&key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(OneClient::new(client_certificate, &provider));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Every connection proves itself anew; there is one per process anyway.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            certificate,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// The server's certificate as the handshake line carries it: base64 of the DER, without padding.
    pub(super) fn certificate_base64(&self) -> String {
        STANDARD_NO_PAD.encode(&self.certificate)
    }
}

/// A self-signed certificate that Go accepts with itself as the only root.
///
/// It is valid from 1975 to 4096 (rcgen's default): it lives as long as its process, and no clock can be wrong about
/// it.
fn make_server_certificate(key: &KeyPair) -> Result<CertificateDer<'static>, rcgen::Error> {
    let mut params = CertificateParams::new([SERVER_NAME.to_owned()])?;
    params
        .distinguished_name
        .push(DnType::CommonName, SERVER_NAME);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.self_signed(key)?.into())
}

/// Accepts the client that holds the key of one given certificate, and nobody else.
///
/// rustls' own verifier cannot be used: the certificate is self-signed with `CA:TRUE` (go-plugin's
/// `mtls.go`), which WebPKI rejects as `CaUsedAsEndEntity`. There is no chain to build and no name to check:
/// the host passes the certificate itself, so the whole certificate is compared. It is
/// public, so an ordinary comparison tells nobody anything; the signature of the handshake, verified by
/// rustls, proves the key. The key is on P-521, which aws-lc-rs verifies and ring does not.
#[derive(Debug)]
struct OneClient {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl OneClient {
    fn new(certificate: CertificateDer<'static>, provider: &CryptoProvider) -> Self {
        Self {
            certificate,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ClientCertVerifier for OneClient {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn verifier(certificate: &[u8]) -> OneClient {
        OneClient::new(
            CertificateDer::from(certificate.to_vec()),
            &aws_lc_rs::default_provider(),
        )
    }

    #[test]
    fn only_the_very_certificate_is_accepted() {
        let verifier = verifier(&[1, 2, 3]);
        let verify = |der: &[u8]| {
            verifier.verify_client_cert(&CertificateDer::from(der), &[], UnixTime::now())
        };
        assert!(verify(&[1, 2, 3]).is_ok());
        for other in [&[1, 2][..], &[1, 2, 3, 4], &[1, 2, 4], &[]] {
            assert!(verify(other).is_err());
        }
    }

    #[test]
    fn a_client_without_certificate_is_refused_and_p521_is_supported() {
        let verifier = verifier(&[1]);
        assert!(verifier.offer_client_auth() && verifier.client_auth_mandatory());
        assert!(
            verifier
                .supported_verify_schemes()
                .contains(&SignatureScheme::ECDSA_NISTP521_SHA512)
        );
    }

    #[test]
    fn the_handshake_line_carries_the_certificate_without_padding() {
        let tls = Tls::new(CertificateDer::from(vec![1])).unwrap();
        let text = tls.certificate_base64();
        assert!(!text.contains(['=', '\n', '|']));
        assert_eq!(
            STANDARD_NO_PAD.decode(text).unwrap(),
            tls.certificate.as_ref()
        );
    }
}
