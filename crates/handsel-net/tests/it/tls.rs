use std::sync::Arc;

use bytes::Bytes;
use core::net::SocketAddr;
use handsel_net::egress::{Egress, EgressConfig, EgressError, SetupError};
use http::HeaderMap;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::peer::{Manner, Scripted, listen, policy, read_request, short};

struct World {
    ca_pem: String,
    address: SocketAddr,
    names: tokio::sync::mpsc::UnboundedReceiver<(Option<String>, String)>,
}

/// A TLS receiver for `hooks.example.com` under a root of its own; reports SNI and the head of each request.
async fn world() -> World {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let leaf_key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["hooks.example.com".to_owned()]).unwrap().signed_by(&leaf_key, &issuer).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, names) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, tell) = (acceptor.clone(), tell.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let sni = stream.get_ref().1.server_name().map(str::to_owned);
                while let Some((head, _)) = read_request(&mut stream).await {
                    tell.send((sni.clone(), head)).unwrap();
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                }
            });
        }
    });
    World { ca_pem: issuer.as_ref().pem(), address, names }
}

fn client(ca_pem: Option<&str>) -> Egress {
    let extra_ca_pem = ca_pem.map(|pem| pem.as_bytes().to_vec());
    let config = EgressConfig { deadlines: short(), extra_ca_pem, ..EgressConfig::new(policy(&["127.0.0.1"])) };
    Egress::with_lookup(config, Scripted::new(&[&["127.0.0.1"]])).unwrap()
}

#[tokio::test]
async fn a_root_of_the_operator_is_trusted_and_the_names_come_from_the_url() {
    let mut world = world().await;
    let url = format!("https://hooks.example.com:{}/a?b", world.address.port());
    let egress = client(Some(&world.ca_pem));
    let first = egress.post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await;
    assert_eq!(first.result.unwrap().status.as_u16(), 204);
    assert!(first.timing.dns_ms.is_some() && first.timing.connect_ms.is_some() && first.timing.tls_ms.is_some());
    let second = egress.post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await;
    assert!(second.result.is_ok() && second.timing.tls_ms.is_none());
    let (sni, head) = world.names.recv().await.unwrap();
    assert_eq!(sni.as_deref(), Some("hooks.example.com"));
    assert!(head.starts_with("POST /a?b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: hooks.example.com:{}", world.address.port())), "{head}");
}

#[tokio::test]
async fn an_unknown_root_another_name_and_no_tls_at_all_are_refused() {
    let world = world().await;
    let port = world.address.port();
    let strange =
        client(None).post(&format!("https://hooks.example.com:{port}/"), HeaderMap::new(), Bytes::new()).await;
    assert_eq!(strange.result.unwrap_err(), EgressError::TlsFailed);
    let other = client(Some(&world.ca_pem))
        .post(&format!("https://other.example.com:{port}/"), HeaderMap::new(), Bytes::new())
        .await;
    assert_eq!(other.result.unwrap_err(), EgressError::TlsFailed);
    let (plain, _) = listen(Manner::AnswerAndClose(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    let none = client(None)
        .post(&format!("https://hooks.example.com:{}/", plain.port()), HeaderMap::new(), Bytes::new())
        .await;
    assert!(matches!(none.result.unwrap_err(), EgressError::TlsFailed | EgressError::Timeout(_)));
}

#[test]
fn an_extra_root_that_is_none_is_refused_at_the_start() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let config = EgressConfig { extra_ca_pem: Some(pem.as_bytes().to_vec()), ..EgressConfig::new(policy(&[])) };
        assert_eq!(Egress::new(config).unwrap_err(), SetupError::ExtraCa, "{pem}");
    }
}

#[test]
fn a_client_is_made_outside_of_any_runtime() {
    assert!(Egress::new(EgressConfig::new(policy(&[]))).is_ok());
    let asked = EgressConfig { resolver: Some("127.0.0.1:53".parse().unwrap()), ..EgressConfig::new(policy(&[])) };
    assert!(Egress::new(asked).is_ok());
}
