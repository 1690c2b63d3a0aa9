//! The store without threads that simulations use: what its gate does to a COMMIT is what a disk would do.
#![expect(clippy::unwrap_used, reason = "tests")]

use handsel_core::actor::Actor;
use handsel_core::audit::Leaf;
use handsel_core::change::{AuditEntry, Change, CommitError};
use handsel_core::id::AuditId;
use handsel_core::port::BoxFuture;
use handsel_core::time::Timestamp;
use handsel_store::Store;
use handsel_store::gate::{Fate, Gate};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

#[derive(Debug, Default)]
struct Script {
    fates: Mutex<Vec<Fate>>,
    told: Mutex<Vec<bool>>,
    gone: AtomicBool,
}

impl Gate for Script {
    fn turn(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    fn fate(&self) -> Fate {
        self.fates.lock().unwrap().pop().unwrap_or(Fate::Written)
    }
    fn answered(&self, _: &Change, written: bool) {
        self.told.lock().unwrap().push(written);
    }
    fn is_alive(&self) -> bool {
        !self.gone.load(Ordering::SeqCst)
    }
}

fn leaf(number: u128) -> Change {
    let leaf = Leaf {
        time: Timestamp::from_seconds(1_795_600_000),
        live: false,
        region: "eu",
        actor: Actor::System,
        action: "test".to_owned(),
        object: None,
        account: None,
        request: None,
        result: "ok".to_owned(),
        detail: None,
    };
    Change { audit: vec![AuditEntry { id: AuditId::from_bits(number), account: None, leaf }], ..Change::default() }
}

async fn size(store: &Store) -> u64 {
    store.reader.audit_head().await.unwrap().size
}

#[tokio::test]
async fn a_full_disk_takes_nothing_and_the_next_one_is_written_without_a_gap() {
    let (directory, script) = (tempfile::tempdir().unwrap(), Arc::new(Script::default()));
    let store = Store::open_inline(directory.path(), Arc::clone(&script) as Arc<dyn Gate>).await.unwrap();
    script.fates.lock().unwrap().push(Fate::Full);
    assert_eq!(store.writer.commit(leaf(1)).await, Err(CommitError::StorageFull));
    assert_eq!(size(&store).await, 0);
    store.writer.commit(leaf(2)).await.unwrap();
    assert_eq!(size(&store).await, 1);
    assert_eq!(store.reader.audit_leaves(0, 10).await.unwrap().len(), 1);
    assert_eq!(*script.told.lock().unwrap(), [false, true]);
}

#[tokio::test]
async fn a_disk_that_failed_is_not_written_to_until_it_is_opened_again() {
    for (fate, stands) in [(Fate::Failed, 0), (Fate::Unknown, 1)] {
        let (directory, script) = (tempfile::tempdir().unwrap(), Arc::new(Script::default()));
        let store = Store::open_inline(directory.path(), Arc::clone(&script) as Arc<dyn Gate>).await.unwrap();
        script.fates.lock().unwrap().push(fate);
        for number in 1..=2 {
            assert!(matches!(store.writer.commit(leaf(number)).await, Err(CommitError::Unavailable(_))));
        }
        drop(store);
        let store = Store::open_inline(directory.path(), script as Arc<dyn Gate>).await.unwrap();
        assert_eq!(size(&store).await, stands, "{fate:?}");
        store.writer.commit(leaf(3)).await.unwrap();
    }
}

#[tokio::test]
async fn who_is_gone_hears_nothing() {
    let (directory, script) = (tempfile::tempdir().unwrap(), Arc::new(Script::default()));
    let store = Store::open_inline(directory.path(), Arc::clone(&script) as Arc<dyn Gate>).await.unwrap();
    script.gone.store(true, Ordering::SeqCst);
    let mut commit = pin!(store.writer.commit(leaf(1)));
    assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(size(&store).await, 1, "what was written stays");
}
