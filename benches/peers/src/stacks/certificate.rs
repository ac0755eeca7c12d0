//! Certificates, and what rustls is told. All stacks with rustls are told the same.

use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::order::{KeyExchange, Setup, Tuning};

/// Whose the certificate is.
pub(super) const NAME: &str = "localhost";

/// A certificate that signs itself, with its key: both as DER and as PEM.
pub(super) struct Certificate {
    pub(super) der: CertificateDer<'static>,
    pub(super) key_der: Vec<u8>,
    pub(super) pem: String,
    #[cfg(any(feature = "quiche", feature = "s2n"))]
    pub(super) key_pem: String,
}

impl Certificate {
    /// ECDSA over P-256.
    pub(super) fn generate() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        Ok(Self {
            der: made.cert.der().clone(),
            key_der: made.signing_key.serialize_der(),
            pem: made.cert.pem(),
            #[cfg(any(feature = "quiche", feature = "s2n"))]
            key_pem: made.signing_key.serialize_pem(),
        })
    }
}

/// Only aws-lc-rs has ML-KEM, and it is the faster one; ring is what most use otherwise.
pub(super) fn provider(setup: &Setup) -> Arc<CryptoProvider> {
    let key_exchange = setup.key_exchange;
    let by_aws_lc = setup.tuning != Tuning::Defaults || key_exchange == KeyExchange::X25519MlKem768;
    let (mut provider, x25519) = if by_aws_lc {
        (aws_lc_rs::default_provider(), aws_lc_rs::kx_group::X25519)
    } else {
        (ring::default_provider(), ring::kx_group::X25519)
    };
    match key_exchange {
        KeyExchange::Default => {}
        KeyExchange::X25519 => provider.kx_groups = vec![x25519],
        KeyExchange::X25519MlKem768 => {
            provider.kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768];
        }
    }
    Arc::new(provider)
}

/// A server with a new certificate, and the certificate as text.
pub(super) fn server(setup: &Setup, alpn: &[&[u8]]) -> Result<(ServerConfig, String)> {
    let certificate = Certificate::generate()?;
    let key = PrivatePkcs8KeyDer::from(certificate.key_der);
    let mut config = ServerConfig::builder_with_provider(provider(setup))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der], key.into())?;
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok((config, certificate.pem))
}

/// A client that trusts that certificate. It never resumes a session: handshakes are to be whole ones. rustls prefers
/// AES-256-GCM, and its servers take what the client prefers.
pub(super) fn client(setup: &Setup, pem: &str, alpn: &[&[u8]]) -> Result<ClientConfig> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = RootCertStore::empty();
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).context("no certificate")?;
    roots.add(der)?;
    let mut config = ClientConfig::builder_with_provider(provider(setup))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
