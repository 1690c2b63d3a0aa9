//! What must hold whenever a server is done: nothing owed, sequences without gaps, an audit log that verifies.

use super::setup::Server;
use handsel_core::audit::Leaf;
use handsel_core::audit::merkle::{Frontier, leaf_hash};
use handsel_core::port::Clock;
use std::time::Duration;

/// How often a condition is looked at, and how long it may take to become true.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(20);
const LEAVES_AT_ONCE: u32 = 1_000;

/// Looks again and again until there is a value.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("it never came to this: {what}"))
}

impl Server {
    /// Ends the server after the checks of the house.
    pub(crate) async fn finish(self) {
        self.delivered().await;
        self.numbered().await;
        self.verified().await;
        self.stop().await;
    }

    /// No delivery is due.
    pub(crate) async fn delivered(&self) {
        until("no delivery is due", async || {
            let due = self.store.reader.next_delivery_due().await.unwrap();
            due.is_none_or(|at| at > self.world.clock().now()).then_some(())
        })
        .await;
    }

    /// Every account's events are numbered 1, 2, 3, …; gives how many there are of all.
    pub(crate) async fn numbered(&self) -> u64 {
        let mut all = 0;
        for account in self.store.reader.accounts().await.unwrap() {
            let last = self.store.reader.last_sequence(account.id).await.unwrap();
            let mut seen = 0;
            while seen < last {
                for event in self.store.reader.events_after(account.id, seen, 500).await.unwrap() {
                    assert_eq!(event.sequence, Some(seen + 1), "a gap in the events of {}", account.id);
                    seen += 1;
                }
            }
            all += last;
        }
        all
    }

    /// Every leaf is canonical and has its place, and the tree over them has the root that the stored nodes give.
    pub(crate) async fn verified(&self) {
        until("every audit entry has its place", async || {
            (self.store.reader.audit_head().await.unwrap().waiting == 0).then_some(())
        })
        .await;
        let size = self.store.reader.audit_head().await.unwrap().size;
        assert!(size > 0);
        let mut tree = Frontier::load(0, Vec::new()).unwrap();
        let mut read = 0;
        while read < size {
            let leaves = self.store.reader.audit_leaves(read, LEAVES_AT_ONCE).await.unwrap();
            assert!(!leaves.is_empty(), "leaf {read} of {size} is missing");
            for leaf in leaves.iter().take(usize::try_from(size - read).unwrap()) {
                Leaf::parse(leaf).unwrap();
                tree.append(leaf_hash(leaf));
                read += 1;
            }
        }
        assert_eq!(self.stored_root(size).await, tree.root(), "the log is not what its nodes say");
    }

    /// The root of the first `size` leaves, from the peaks that the store keeps.
    async fn stored_root(&self, size: u64) -> [u8; 32] {
        let mut peaks = Vec::new();
        for id in Frontier::node_ids(size) {
            peaks.push(self.store.reader.audit_node(id.level, id.index).await.unwrap().unwrap());
        }
        Frontier::load(size, peaks).unwrap().root()
    }
}
