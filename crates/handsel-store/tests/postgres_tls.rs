//! TLS to a real PostgreSQL: a cluster of the test's own with certificates of its own. Told where `HANDSEL_TEST_PG` is set and
//! PostgreSQL's programs are installed, which `./test` sees to.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

use handsel_core::secret::SecretText;
use handsel_store::postgres::PostgresConfig;
use handsel_store::{Database, OpenError, Store, StoreConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    std::env::var("HANDSEL_TEST_PG").ok().filter(|url| !url.is_empty())?;
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let version = |path: &PathBuf| -> Option<u32> { path.parent()?.file_name()?.to_str()?.parse().ok() };
    versions.filter(|path| path.join("initdb").is_file()).max_by_key(version)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// A cluster refuses to run as root.
fn run(program: &Path, arguments: &[&str]) {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // The server keeps what it inherits: a pipe would never end.
    let done = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(done.unwrap().success(), "{} {arguments:?}", program.display());
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A running server, stopped when dropped.
struct Cluster {
    programs: PathBuf,
    directory: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    /// With TLS for these names, or without any.
    fn start(programs: PathBuf, tls: Option<(&CertifiedIssuer<'static, KeyPair>, &[&str])>) -> Self {
        let directory = tempfile::Builder::new().prefix("handsel-pg").tempdir_in("/tmp").unwrap();
        let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let own = |path: &Path| {
            if is_root() {
                assert!(Command::new("chown").args(["-R", "postgres"]).arg(path).status().unwrap().success());
            }
        };
        own(directory.path());
        run(&programs.join("initdb"), &["-D", &place("data"), "-U", "postgres", "-A", "trust", "--no-sync"]);
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\n",
            directory.path().display()
        );
        if let Some((issuer, names)) = tls {
            let key = KeyPair::generate().unwrap();
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let leaf = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
            fs::write(place("data/server.crt"), leaf.pem()).unwrap();
            fs::write(place("data/server.key"), key.serialize_pem()).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(place("data/server.key"), private).unwrap();
            settings.push_str("ssl = on\n");
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        settings.push_str(&format!("port = {port}\n"));
        fs::write(place("data/postgresql.auto.conf"), settings).unwrap();
        own(directory.path());
        run(&programs.join("pg_ctl"), &["-D", &place("data"), "-w", "-l", &place("log"), "start"]);
        Self { programs, directory, port }
    }

    /// Opens the database at this name, which is the cluster's own address whatever it says.
    async fn open(&self, host: &str, more: &str, ca_file: Option<PathBuf>) -> Result<Store, OpenError> {
        let url = format!("postgres://postgres@{host}:{}/postgres?hostaddr=127.0.0.1{more}", self.port);
        let config = PostgresConfig { url: SecretText::new(url), ca_file, connections: 2 };
        Store::open(StoreConfig { database: Database::Postgres(config), live: false }).await
    }

    fn ca_file(&self, name: &str, issuer: &CertifiedIssuer<'static, KeyPair>) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, issuer.as_ref().pem()).unwrap();
        path
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.directory.path().join("data");
        run(&self.programs.join("pg_ctl"), &["-D", data.to_str().unwrap(), "-m", "immediate", "-w", "stop"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_elsewhere_is_believed_only_by_its_certificate() {
    let Some(programs) = programs() else { return };
    let (issuer, stranger) = (authority(), authority());
    let cluster = Cluster::start(programs, Some((&issuer, &["db.example", "127.0.0.1"])));
    let (known, unknown) = (cluster.ca_file("known.pem", &issuer), cluster.ca_file("unknown.pem", &stranger));

    let store = cluster.open("db.example", "", Some(known.clone())).await.unwrap();
    assert_eq!(seen_by(&cluster).await, ["TLSv1.3"], "every connection of the store is encrypted");
    store.writer.close().await;

    for (host, more, ca_file) in [
        ("db.example", "", Some(unknown.clone())),
        ("db.example", "&sslmode=prefer", Some(unknown.clone())),
        ("db.example", "&sslmode=verify-full", Some(unknown)),
        ("db.example", "", None),
        ("other.example", "", Some(known.clone())),
        ("other.example", "&sslmode=require", Some(known.clone())),
    ] {
        let error = cluster.open(host, more, ca_file).await.unwrap_err();
        assert!(error.to_string().contains("can't be reached"), "{host}{more}: {error}");
    }
    let asked = cluster.open("127.0.0.1", "&sslmode=verify-full", Some(known)).await.unwrap();
    asked.writer.close().await;
}

/// The TLS versions of all sessions but our own, as the server sees them.
async fn seen_by(cluster: &Cluster) -> Vec<String> {
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", cluster.port);
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let text = "SELECT DISTINCT coalesce(s.version, 'none') FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                WHERE a.backend_type = 'client backend' AND pid <> pg_backend_pid()";
    client.query(text, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_unless_it_is_here() {
    let Some(programs) = programs() else { return };
    let issuer = authority();
    let cluster = Cluster::start(programs, None);
    let known = cluster.ca_file("known.pem", &issuer);
    for (host, more) in [("db.example", ""), ("db.example", "&sslmode=prefer"), ("127.0.0.1", "&sslmode=verify-full")] {
        let error = cluster.open(host, more, Some(known.clone())).await.unwrap_err();
        assert!(error.to_string().contains("can't be reached"), "{host}{more}: {error}");
    }
    let refused = cluster.open("db.example", "&sslmode=disable", Some(known)).await.unwrap_err();
    assert_eq!(refused, OpenError::Plaintext { host: "db.example".to_owned() });
    let here = cluster.open("127.0.0.1", "", None).await.unwrap();
    here.writer.close().await;
}
