//! What a store refuses to open, and that it says what to do.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the stories")]
mod support;

use handsel_core::change::{Change, CommitError, Write};
use handsel_store::reader::Reader;
use handsel_store::{OpenError, Store, StoreConfig};
use std::path::Path;

fn raw(directory: &Path, text: &str) {
    rusqlite::Connection::open(directory.join("handsel.db")).unwrap().execute_batch(text).unwrap();
}

async fn made() -> (tempfile::TempDir, StoreConfig) {
    let directory = tempfile::tempdir().unwrap();
    let config = StoreConfig::sqlite(directory.path());
    Store::open(config.clone()).await.unwrap().writer.close().await;
    (directory, config)
}

#[tokio::test]
async fn a_second_writer_is_refused() {
    let (directory, config) = made().await;
    let first = Store::open(config.clone()).await.unwrap();
    let error = Store::open(config.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another handsel process"), "{error}");
    // Whoever only looks is welcome.
    let looker = Reader::open_sqlite(directory.path()).unwrap();
    let account = support::account();
    let change = Change { writes: vec![Write::InsertAccount(account.clone())], ..Change::default() };
    first.writer.commit(change).await.unwrap();
    assert_eq!(looker.account(account.id).await.unwrap(), Some(account));
    first.writer.close().await;
    assert_eq!(first.writer.commit(Change::default()).await, Err(CommitError::Unavailable("the store is closed")));
    let second = Store::open(config).await.unwrap();
    drop(second);
}

#[tokio::test]
async fn dropping_the_last_writer_frees_the_directory() {
    let (_directory, config) = made().await;
    for _ in 0..3 {
        drop(Store::open(config.clone()).await.unwrap());
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let (directory, config) = made().await;
    raw(directory.path(), "INSERT INTO migration VALUES (1000, 'x', '7.3.0')");
    let error = Store::open(config).await.unwrap_err();
    assert_eq!(error, OpenError::NewerDatabase { migration: 1000, program: "7.3.0".to_owned() });
    assert!(error.to_string().contains("start handsel 7.3.0 or newer"), "{error}");
    assert_eq!(Reader::open_sqlite(directory.path()).unwrap_err(), error);
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let (directory, config) = made().await;
    raw(directory.path(), "UPDATE migration SET checksum = 'x'");
    assert_eq!(Store::open(config).await.unwrap_err(), OpenError::ChangedMigration { migration: 1 });
}

#[tokio::test]
async fn sandbox_and_live_never_share() {
    let (_directory, config) = made().await;
    let live = StoreConfig { live: true, ..config.clone() };
    let error = Store::open(live).await.unwrap_err();
    assert_eq!(error, OpenError::WrongEnvironment { found: "sandbox".to_owned(), wanted: "live" });
    Store::open(config).await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("handsel.db"), [b'x'; 5000]).unwrap();
    let error = Store::open(StoreConfig::sqlite(directory.path())).await.unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error}");
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(StoreConfig::sqlite(file)).await.unwrap_err();
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
}
