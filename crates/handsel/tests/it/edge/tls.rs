//! The TLS listener, and the configurations that may not listen at all.
#![expect(clippy::disallowed_methods, reason = "a test's own client, to the server that it started on loopback")]

use crate::harness::{Base, Server, Setup, data_on, directory, run};
use handsel::config::{Config, Verb};
use handsel::exit::Code;
use handsel::server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{IpAddr, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate for 127.0.0.1 with its key in files, and the root that stands behind it.
struct Papers {
    directory: TempDir,
    roots: RootCertStore,
}

impl Papers {
    fn new() -> Self {
        let directory = directory();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        fs::write(directory.path().join("cert.pem"), leaf.pem()).unwrap();
        fs::write(directory.path().join("key.pem"), key.serialize_pem()).unwrap();
        fs::write(directory.path().join("other.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        fs::write(directory.path().join("empty.pem"), "").unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(issuer.as_ref().der().clone()).unwrap();
        Self { directory, roots }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn setup(&self, cert: &str, key: &str) -> Setup {
        let set = |setup: Setup, name: &str, file: &str| setup.set(name, self.path(file).to_str().unwrap());
        set(set(Setup::default(), "HANDSEL_TLS__CERT", cert), "HANDSEL_TLS__KEY", key)
    }

    async fn connect(
        &self,
        server: &Server,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::IpAddress(IpAddr::try_from("127.0.0.1").unwrap());
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

/// A server with these papers. The checks of the house at its end are made in the clear, so they are not made here.
fn serve(papers: &Papers, test: impl AsyncFnOnce(&Server)) {
    data_on(Base::Sqlite, async |data| {
        let server = Server::start(papers.setup("cert.pem", "key.pem"), data).await;
        test(&server).await;
        server.stop().await;
    });
}

fn head(server: &Server) -> String {
    format!("GET /v1/account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", server.secret_key)
}

#[test]
fn a_request_comes_through_tls_13_and_its_answer_asks_for_tls_for_ever() {
    let papers = Papers::new();
    serve(&papers, async |s| {
        assert!(s.running.as_ref().unwrap().base_url.starts_with("https://127.0.0.1:"));
        let mut stream = papers.connect(s, &[&TLS12, &TLS13], &["http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        stream.write_all(format!("{}Connection: close\r\n\r\n", head(s)).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let strict = "\r\nstrict-transport-security: max-age=63072000; includeSubDomains; preload\r\n";
        assert!(answer.contains(strict), "{answer}");
        let both = papers.connect(s, &[&TLS13], &["http/1.1", "h2"]).await.unwrap();
        assert_eq!(both.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()), "HTTP/2 is preferred where both have it");
    });
}

#[test]
fn tls_12_is_refused() {
    let papers = Papers::new();
    serve(&papers, async |s| {
        let refused = papers.connect(s, &[&TLS12], &[]).await.unwrap_err().to_string();
        assert!(refused.contains("ProtocolVersion"), "{refused}");
        papers.connect(s, &[&TLS13], &[]).await.unwrap();
    });
}

#[test]
fn who_speaks_http_to_the_tls_port_gets_no_byte() {
    let papers = Papers::new();
    serve(&papers, async |s| {
        for text in [format!("{}\r\n", head(s)), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()] {
            let mut stream = TcpStream::connect(s.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // What was sent is thrown away unread, so the end may come as a reset.
            let _ = stream.read_to_end(&mut answer).await;
            assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
        }
    });
}

#[test]
fn in_the_clear_no_answer_asks_for_tls() {
    run(async |s| {
        assert_eq!(s.get("/v1/account").await.header("strict-transport-security"), None);
        assert_eq!(s.anonymous().get("/c/nothing").await.header("strict-transport-security"), None);
    });
}

async fn bound(setup: &Setup) -> Result<(), handsel::exit::Failure> {
    let config = Config::read(Verb::Dev { port: 0 }, None, setup.variables()).unwrap();
    server::bind(&config).await.map(drop)
}

#[tokio::test]
async fn certificates_that_are_none_refuse_to_start_and_say_which_setting() {
    let papers = Papers::new();
    bound(&papers.setup("cert.pem", "key.pem")).await.unwrap();
    for (cert, key, named, why) in [
        ("cert.pem", "other.pem", "tls.key", "don't fit"),
        ("nowhere.pem", "key.pem", "tls.cert", "can't be read"),
        ("cert.pem", "nowhere.pem", "tls.key", "can't be read"),
        ("key.pem", "key.pem", "tls.cert", "don't fit"),
        ("empty.pem", "key.pem", "tls.cert", "don't fit"),
        ("cert.pem", "empty.pem", "tls.key", "no usable PEM"),
    ] {
        let refused = bound(&papers.setup(cert, key)).await.unwrap_err();
        assert_eq!(refused.code, Code::Usage);
        let told = refused.message;
        assert!(told.contains(named) && told.contains(why), "{cert} {key}: {told}");
        assert!(!told.contains("PRIVATE"), "{told}");
    }
}

#[test]
fn in_the_clear_only_loopback_and_declared_proxies_are_served() {
    let read = |setup: Setup| Config::read(Verb::Dev { port: 0 }, None, setup.variables());
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let refused = read(Setup::default().set("HANDSEL_LISTEN", open)).unwrap_err();
        assert_eq!(refused.key, "listen", "{open}");
        assert!(refused.problem.contains("tls.cert") && refused.problem.contains("trusted_proxies"), "{refused}");
        read(Setup::default().set("HANDSEL_LISTEN", open).set("HANDSEL_TRUSTED_PROXIES", "10.0.0.0/8")).unwrap();
    }
    let half = read(Setup::default().set("HANDSEL_TLS__CERT", "/some/cert.pem")).unwrap_err();
    assert!(half.to_string().contains("tls.key"), "{half}");
}
