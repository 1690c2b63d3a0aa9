//! How a connection to PostgreSQL is protected: TLS with the server's name verified, always, but for loopback and Unix
//! sockets. There is no switch that turns verification off.

use crate::OpenError;
use crate::postgres::PostgresConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Reads the URL. `sslmode=verify-full` is what we do anyway; the driver has no such word.
pub(crate) fn parse(config: &PostgresConfig) -> Result<Config, OpenError> {
    let url = config.url.expose().replace("sslmode=verify-full", "sslmode=require");
    let mut parsed: Config = url.parse().map_err(|_| OpenError::Database {
        what: "the database URL can't be read: write postgres://user:password@host/database".to_owned(),
    })?;
    match foreign_host(&parsed) {
        None => {
            if parsed.get_ssl_mode() == SslMode::Prefer {
                parsed.ssl_mode(SslMode::Disable);
            }
        }
        Some(host) if parsed.get_ssl_mode() == SslMode::Disable => return Err(OpenError::Plaintext { host }),
        Some(_) => {
            parsed.ssl_mode(SslMode::Require);
        }
    }
    Ok(parsed)
}

/// The first host that is not this machine.
fn foreign_host(config: &Config) -> Option<String> {
    let address = config.get_hostaddrs().iter().find(|a| !a.is_loopback()).map(ToString::to_string);
    address.or_else(|| {
        config.get_hosts().iter().find_map(|host| match host {
            Host::Unix(_) => None,
            Host::Tcp(name) => {
                let loopback = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback());
                (!loopback).then(|| name.clone())
            }
        })
    })
}

/// The connector: roots of the web, or those of the configured file alone.
pub(crate) fn connector(config: &PostgresConfig) -> Result<MakeRustlsConnect, OpenError> {
    let mut roots = RootCertStore::empty();
    match &config.ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable = |_| OpenError::Database {
                what: format!("the CA file {} can't be read: it must hold PEM certificates", path.display()),
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                let refused = |_| OpenError::Database {
                    what: format!("a certificate in {} can't be a root: check the file", path.display()),
                };
                roots.add(certificate.map_err(unreadable)?).map_err(refused)?;
            }
            if roots.is_empty() {
                return Err(OpenError::Database {
                    what: format!("the CA file {} holds no certificate: it must hold PEM certificates", path.display()),
                });
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| OpenError::Database { what: format!("TLS can't be set up: {e}") })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(client))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use handsel_core::secret::SecretText;

    fn config(url: &str) -> PostgresConfig {
        PostgresConfig { url: SecretText::new(url), ca_file: None, connections: 1 }
    }

    #[test]
    fn plaintext_stays_at_home() {
        for url in
            ["postgres://u@127.0.0.1/d", "postgres://u@localhost/d", "postgres://u@[::1]/d", "host=/run/pg user=u"]
        {
            assert_eq!(parse(&config(url)).unwrap().get_ssl_mode(), SslMode::Disable, "{url}");
        }
        for url in ["postgres://u@db.example/d", "postgres://u@10.0.0.1/d?sslmode=prefer", "host=localhost,db.example"]
        {
            assert_eq!(parse(&config(url)).unwrap().get_ssl_mode(), SslMode::Require, "{url}");
        }
        let refused = parse(&config("postgres://u@db.example/d?sslmode=disable")).unwrap_err();
        assert_eq!(refused, OpenError::Plaintext { host: "db.example".to_owned() });
        let hidden = parse(&config("host=localhost hostaddr=10.0.0.1 sslmode=disable")).unwrap_err();
        assert_eq!(hidden, OpenError::Plaintext { host: "10.0.0.1".to_owned() });
        assert!(parse(&config("postgres://u@db.example/d?sslmode=verify-full")).is_ok());
        assert!(parse(&config("postgres://u@db.example/d?sslmode=whatever")).is_err());
    }

    #[test]
    fn an_unreadable_ca_file_is_named() {
        let missing = PostgresConfig { ca_file: Some("/nowhere/ca.pem".into()), ..config("") };
        assert!(connector(&missing).err().unwrap().to_string().contains("/nowhere/ca.pem"));
        assert!(connector(&config("")).is_ok());
    }
}
