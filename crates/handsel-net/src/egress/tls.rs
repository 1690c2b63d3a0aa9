//! The TLS settings: ring, TLS 1.2 and 1.3, the public roots and, if the operator gives one, his own root beside them.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::error::SetupError;

/// Makes the connector. Tickets are kept in memory, so that a second connection to a host is cheap.
pub(super) fn connector(extra_ca_pem: Option<&[u8]>) -> Result<TlsConnector, SetupError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = extra_ca_pem {
        let mut added = 0_usize;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| SetupError::ExtraCa)?;
            roots.add(certificate).map_err(|_| SetupError::ExtraCa)?;
            added = added.saturating_add(1);
        }
        if added == 0 {
            return Err(SetupError::ExtraCa);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| SetupError::Tls)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
