use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

use super::SettingError;
use crate::{Error, ErrorKind};

/// Whom a client believes to be the server, and by which certificate it is known itself.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct Tls {
    /// In PEM form; without them, those of this machine.
    pub(crate) authorities: Option<Vec<u8>>,
    /// A chain of certificates and the key, in PEM form.
    pub(crate) identity: Option<Vec<u8>>,
    pub(crate) believes_anyone: bool,
}

const AUTHORITIES: &str = "the certificate authorities";
const IDENTITY: &str = "the client's certificate";

impl Tls {
    /// # Errors
    /// * [`Setting`](ErrorKind::Setting) if something is malformed, or wishes exclude each other
    /// * [`Io`](ErrorKind::Io) if the certificates of this machine cannot be used
    pub(crate) fn config(&self) -> Result<ClientConfig, Error> {
        let unusable = |error: rustls::Error| {
            Error::new(ErrorKind::Io, "use", "the certificates of this machine").with_source(error)
        };
        let provider = ring::default_provider();
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match &self.authorities {
            Some(_) if self.believes_anyone => {
                let other = "the acceptance of invalid certificates";
                return Err(Error::setting(AUTHORITIES, SettingError::Excludes { other }));
            }
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None if self.believes_anyone => {
                let verifier = Arc::new(BelievesAnyone(algorithms));
                builder.dangerous().with_custom_certificate_verifier(verifier)
            }
            None => builder.with_platform_verifier().map_err(unusable)?,
        };
        let Some(pem) = &self.identity else { return Ok(builder.with_no_client_auth()) };
        let no_key = |_| {
            let form = SettingError::Form { expected: "certificates and a key in PEM form" };
            Error::setting(IDENTITY, form)
        };
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(no_key)?;
        let chain = certificates(pem, IDENTITY)?;
        builder.with_client_auth_cert(chain, key).map_err(|_| {
            let form = SettingError::Form { expected: "certificates with the key of the first" };
            Error::setting(IDENTITY, form)
        })
    }
}

/// Whether nobody between here and there can read what is sent.
pub(crate) fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || is_here
}

fn roots(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, AUTHORITIES)? {
        roots.add(certificate).map_err(|_| malformed(AUTHORITIES))?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    certificates.ok().filter(|them| !them.is_empty()).ok_or_else(|| malformed(what))
}

fn malformed(what: &str) -> Error {
    Error::setting(what, SettingError::Form { expected: "certificates in PEM form" })
}

/// Believes every certificate; that its key was used it still checks.
#[derive(Debug)]
struct BelievesAnyone(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for BelievesAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
