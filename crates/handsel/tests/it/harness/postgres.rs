//! A database of its own on the server that HANDSEL_TEST_PG names; it goes with its last house, also when the test fails.

use super::chance;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, NoTls};

/// Houses at once: each holds a pool of connections, and the server has a hundred in all.
const HOUSES_MAX: usize = 4;

static PLACES: Semaphore = Semaphore::const_new(HOUSES_MAX);

#[derive(Debug)]
pub(super) struct Database {
    server: String,
    name: String,
    /// Behind the store's back.
    client: Client,
    _place: SemaphorePermit<'static>,
}

/// The server that tests may make databases on, such as `postgres://postgres@127.0.0.1:5432`; `./test` sets it.
fn server() -> Option<String> {
    std::env::var("HANDSEL_TEST_PG").ok().filter(|url| !url.is_empty())
}

async fn connect(server: &str, database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&format!("{server}/{database}"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Database {
    pub(super) async fn make() -> Option<Self> {
        let server = server()?;
        let place = PLACES.acquire().await.unwrap();
        let name = format!("handsel_test_{:016x}", chance::fresh());
        let making = connect(&server, "postgres").await;
        making.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        // What a sync costs is the benchmarks' matter.
        making.batch_execute(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await.unwrap();
        let client = connect(&server, &name).await;
        Some(Self { server, name, client, _place: place })
    }

    pub(super) fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    pub(super) async fn run(&self, text: &str) {
        self.client.batch_execute(text).await.unwrap();
    }

    /// Rows that were committed and have no number yet.
    pub(super) async fn waiting(&self) -> i64 {
        let text = "SELECT (SELECT COUNT(*) FROM event WHERE sequence IS NULL) + (SELECT COUNT(*) FROM audit WHERE leaf_index \
            IS NULL) + (SELECT COUNT(*) FROM delivery WHERE endpoint_sequence = 0)";
        self.client.query_one(text, &[]).await.unwrap().get(0)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's runtime may be the one that is dropping us: it can't wait for itself.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                connect(&server, "postgres").await.batch_execute(&drop).await.unwrap();
            });
        });
        assert!(dropped.join().is_ok() || std::thread::panicking(), "{} was not dropped", self.name);
    }
}
