//! What only PostgreSQL has: several processes on one database, and roles that own nothing. Told where HANDSEL_TEST_PG names
//! a server.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/rig.rs"]
#[expect(dead_code, reason = "shared with the stories")]
mod rig;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the stories")]
mod support;

use handsel_core::change::{Change, Write};
use handsel_core::secret::SecretText;
use handsel_store::postgres::{PostgresConfig, run_migrations};
use handsel_store::reader::WatchPlace;
use handsel_store::{Database, OpenError, Store, StoreConfig};
use rig::Rig;
use std::collections::HashSet;
use support::*;

/// Two stores commit at once; every delivery is claimed once, and no number is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_work() {
    let Some(server) = rig::server() else { return };
    rig::tell(async move {
        let rig = Rig::postgres(&server).await;
        let account = rig.account().await;
        rig.write(vec![Write::InsertWebhook(webhook(account, &["*"]))]).await.unwrap();
        let other = Store::open(rig.config.clone()).await.unwrap();
        let mut tasks = Vec::new();
        for n in 0..16 {
            let store = if n % 2 == 0 { rig.store.clone() } else { other.clone() };
            tasks.push(tokio::spawn(async move {
                for _ in 0..8 {
                    store.writer.commit(creation(checkout(account))).await.unwrap();
                }
                let mut claimed = Vec::new();
                loop {
                    let batch = store.writer.claim_deliveries(at(1000), at(9000), 5).await.unwrap();
                    if batch.is_empty() {
                        return claimed;
                    }
                    claimed.extend(batch.into_iter().map(|c| c.delivery.id));
                }
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        rig.settle().await;
        all.extend(
            rig.store.writer.claim_deliveries(at(1000), at(9000), 500).await.unwrap().iter().map(|c| c.delivery.id),
        );
        assert_eq!(all.len(), 128);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 128, "nothing was claimed twice");
        let events = rig.store.reader.events_after(account, 0, 1000).await.unwrap();
        let sequences: Vec<_> = events.iter().filter_map(|e| e.sequence).collect();
        assert_eq!(sequences, (1..=128).collect::<Vec<_>>());
        assert_eq!(rig.number("SELECT MAX(endpoint_sequence) FROM delivery").await, 128);
        assert_eq!(rig.store.reader.audit_head().await.unwrap().size, 128);
        other.writer.close().await;
        rig
    })
    .await;
}

/// A transaction that wrote its row early and ends late hides it from whoever reads meanwhile, but not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_watched_option_is_missed_however_commits_cross() {
    let Some(server) = rig::server() else { return };
    rig::tell(async move {
        let rig = Rig::postgres(&server).await;
        let account = rig.account().await;
        rig.write(vec![Write::InsertCheckout(checkout(account))]).await.unwrap();
        let reader = &rig.store.reader;
        let read = async |place: &mut WatchPlace| {
            let mut rows = Vec::new();
            *place = reader.watched_since(NETWORK, *place, 10, |page| rows.extend(page)).await.unwrap();
            rows.iter().map(|row| row.option).collect::<Vec<_>>()
        };
        let mut place = WatchPlace::default();
        assert_eq!(read(&mut place).await, [0]);
        let Database::Postgres(config) = &rig.config.database else { unreachable!() };
        let (host, database) = config.url.expose().rsplit_once('/').unwrap();
        let slow = rig::connect(host, database).await;
        let row = "INSERT INTO watch (account, checkout, option_index, network, token, address, payable, unique_amount, created) \
            SELECT account, checkout, 7, network, token, address, payable, unique_amount, created FROM watch LIMIT 1";
        slow.batch_execute(&format!("BEGIN; SELECT pg_current_xact_id(); {row}")).await.unwrap();
        rig.write(vec![Write::InsertCheckout(checkout(account))]).await.unwrap();
        assert!(read(&mut place).await.contains(&0), "the one that was quicker");
        read(&mut place).await;
        slow.batch_execute("COMMIT").await.unwrap();
        assert!(read(&mut place).await.contains(&7), "the one that was slower");
        // Once nobody can come in between, nothing is given again.
        for _ in 0..1_000 {
            if read(&mut place).await.is_empty() {
                return rig;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("rows are given again for ever");
    })
    .await;
}

/// A live server runs as a role that owns nothing, and can then do all of its work but rewrite nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_server_owns_nothing() {
    let Some(server) = rig::server() else { return };
    rig::tell(async move {
        let rig = Rig::postgres(&server).await;
        rig.store.writer.close().await;
        let role = format!("handsel_test_role_{}", bits());
        let Database::Postgres(owner) = &rig.config.database else { unreachable!() };
        let live = |config: PostgresConfig| StoreConfig { database: Database::Postgres(config), live: true };
        rig.raw("DELETE FROM meta").await.unwrap();
        assert_eq!(Store::open(live(owner.clone())).await.unwrap_err(), OpenError::OwnerRole);
        rig.raw(&format!("CREATE ROLE {role} LOGIN")).await.unwrap();
        run_migrations(owner, Some(&role)).await.unwrap();
        let url = SecretText::new(owner.url.expose().replace("postgres@", &format!("{role}@")));
        let served = PostgresConfig { url, ..owner.clone() };
        let store = Store::open(live(served)).await.unwrap();
        let account = account();
        let setup = vec![Write::InsertAccount(account.clone()), Write::InsertWebhook(webhook(account.id, &["*"]))];
        store.writer.commit(Change { writes: setup, ..Change::default() }).await.unwrap();
        let mut change = creation(static_checkout(account.id, 1));
        change.answer = Some(answer(account.id, 1));
        change.cursor = Some(cursor(None, header(9000, 0)));
        store.writer.commit(change).await.unwrap();
        rig.settle().await;
        let claimed = store.writer.claim_deliveries(at(1000), at(9000), 5).await.unwrap();
        assert_eq!(claimed.len(), 1);
        store.writer.prune(at(1_000_000), at(1_000_000)).await.unwrap();
        for text in [
            "UPDATE audit SET created = 0",
            "DELETE FROM audit",
            "TRUNCATE audit",
            "ALTER TABLE audit DISABLE TRIGGER ALL",
            "DROP TABLE audit",
            "UPDATE event SET kind = 'x'",
            "DELETE FROM event",
            "UPDATE attempt SET number = 1",
        ] {
            let refused = rig.raw(&format!("SET ROLE {role}; {text}")).await.unwrap_err();
            assert!(!refused.is_empty(), "{text}");
        }
        store.writer.close().await;
        rig.raw(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
        rig
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let url = SecretText::new("postgres://nobody:secret@127.0.0.1:1/none");
    let config = PostgresConfig { url, ca_file: None, connections: 2 };
    let error = Store::open(StoreConfig { database: Database::Postgres(config), live: false }).await.unwrap_err();
    assert!(error.to_string().contains("can't be reached"), "{error}");
    assert!(!format!("{error:?}").contains("secret"));
}
