//! A fresh database for each story, gone afterwards.

use handsel_core::change::{Change, CommitError, Receipt, Write};
use handsel_core::id::AccountId;
use handsel_store::{Store, StoreConfig};
use std::future::Future;

pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) config: StoreConfig,
    place: Place,
}

enum Place {
    Directory(tempfile::TempDir),
    #[cfg(feature = "postgres")]
    Server {
        server: String,
        database: String,
    },
}

/// The server that tests may make databases on, such as `postgres://postgres@127.0.0.1:5432`. Without it those stories are
/// not told; `./test` sets it.
#[cfg(feature = "postgres")]
pub(crate) fn server() -> Option<String> {
    std::env::var("HANDSEL_TEST_PG").ok().filter(|url| !url.is_empty())
}

#[cfg(feature = "postgres")]
pub(crate) async fn connect(server: &str, database: &str) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(&format!("{server}/{database}"), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A sandbox on the database that `url` names.
#[cfg(feature = "postgres")]
pub(crate) fn postgres_config(url: &str) -> StoreConfig {
    let url = handsel_core::secret::SecretText::new(url);
    let postgres = handsel_store::postgres::PostgresConfig { url, ca_file: None, connections: 4 };
    StoreConfig { database: handsel_store::Database::Postgres(postgres), live: false }
}

impl Rig {
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = StoreConfig::sqlite(directory.path());
        let store = Store::open(config.clone()).await.unwrap();
        Self { store, config, place: Place::Directory(directory) }
    }

    #[cfg(feature = "postgres")]
    pub(crate) async fn postgres(server: &str) -> Self {
        let database = format!("handsel_test_{}", crate::support::bits());
        connect(server, "postgres").await.batch_execute(&format!("CREATE DATABASE {database}")).await.unwrap();
        let config = postgres_config(&format!("{server}/{database}"));
        let store = Store::open(config.clone()).await.unwrap();
        Self { store, config, place: Place::Server { server: server.to_owned(), database } }
    }

    pub(crate) async fn commit(&self, change: Change) -> Result<Receipt, CommitError> {
        self.store.writer.commit(change).await
    }

    /// Commits `writes` and nothing else.
    pub(crate) async fn write(&self, writes: Vec<Write>) -> Result<Receipt, CommitError> {
        self.commit(Change { writes, ..Change::default() }).await
    }

    /// A new account that is there.
    pub(crate) async fn account(&self) -> AccountId {
        let account = crate::support::account();
        self.write(vec![Write::InsertAccount(account.clone())]).await.unwrap();
        account.id
    }

    /// Waits until everything committed so far has its numbers.
    pub(crate) async fn settle(&self) {
        loop {
            if self
                .number(
                    "SELECT (SELECT COUNT(*) FROM event WHERE sequence IS NULL) + (SELECT COUNT(*) FROM audit \
                WHERE leaf_index IS NULL) + (SELECT COUNT(*) FROM delivery WHERE endpoint_sequence = 0)",
                )
                .await
                == 0
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Directory(_))
    }

    /// Runs a statement behind the store's back, with the settings of a well-meaning tool.
    pub(crate) async fn raw(&self, text: &str) -> Result<(), String> {
        match &self.place {
            Place::Directory(directory) => {
                let connection = rusqlite::Connection::open(directory.path().join("handsel.db")).unwrap();
                connection.execute_batch("PRAGMA recursive_triggers = ON; PRAGMA foreign_keys = ON").unwrap();
                connection.execute_batch(text).map_err(|e| e.to_string())
            }
            #[cfg(feature = "postgres")]
            Place::Server { server, database } => {
                connect(server, database).await.batch_execute(text).await.map_err(|e| e.to_string())
            }
        }
    }

    /// One number, asked behind the store's back.
    pub(crate) async fn number(&self, text: &str) -> i64 {
        match &self.place {
            Place::Directory(directory) => {
                let connection = rusqlite::Connection::open(directory.path().join("handsel.db")).unwrap();
                connection.query_row(text, [], |r| r.get(0)).unwrap()
            }
            #[cfg(feature = "postgres")]
            Place::Server { server, database } => connect(server, database)
                .await
                .query_one(&format!("SELECT ({text})::bigint"), &[])
                .await
                .unwrap()
                .get(0),
        }
    }

    async fn end(place: Place) {
        match place {
            Place::Directory(directory) => directory.close().unwrap(),
            #[cfg(feature = "postgres")]
            Place::Server { server, database } => {
                let drop = format!("DROP DATABASE {database} WITH (FORCE)");
                connect(&server, "postgres").await.batch_execute(&drop).await.unwrap();
            }
        }
    }
}

/// Runs one story and removes its database, also when it fails.
pub(crate) async fn tell<F: Future<Output = Rig> + Send + 'static>(story: F) {
    let rig = match tokio::spawn(story).await {
        Ok(rig) => rig,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    };
    rig.store.writer.close().await;
    drop(rig.store);
    Rig::end(rig.place).await;
}
