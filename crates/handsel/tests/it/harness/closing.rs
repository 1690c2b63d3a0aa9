//! What must hold whenever a server is done: nothing owed, sequences without gaps, an audit log that verifies.

use super::setup::Server;
use super::shop::{field, listed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handsel_core::audit::Leaf;
use handsel_core::audit::merkle::{self, Frontier, Hash, leaf_hash};
use handsel_core::port::Clock;
use serde_json::Value;
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

/// What a checkpoint says of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

fn hash(text: &Value) -> Hash {
    STANDARD.decode(text.as_str().unwrap()).unwrap().try_into().unwrap()
}

fn hashes(proof: &Value) -> Vec<Hash> {
    proof["hashes"].as_array().unwrap().iter().map(hash).collect()
}

impl Server {
    /// Ends the server after the checks of the house.
    pub(crate) async fn finish(self) {
        self.delivered().await;
        self.numbered().await;
        self.verified().await;
        self.stop().await;
    }

    /// Waits until everything that was committed has its numbers.
    pub(crate) async fn settled(&self) {
        until("everything has its number", async || (self.data.unnumbered().await == 0).then_some(())).await;
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
        self.settled().await;
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

    /// Every leaf is canonical, the tree over them has the root that a stranger is told, and the proofs that he is given hold.
    pub(crate) async fn verified(&self) {
        let entry = listed(&self.get("/v1/audit?limit=1").await).remove(0);
        self.settled().await;
        let told = self.checkpoint().await;
        let leaves = self.leaves(told.size).await;
        let before = Seen { size: told.size / 2, root: root(&leaves[..leaves.len() / 2]) };
        assert_eq!(root(&leaves), told.root, "the log is not what its checkpoint says");
        self.grew(before, told).await;
        self.includes(&field(&entry, "id"), &leaves, told).await;
    }

    /// The log as it is told to everybody.
    pub(crate) async fn checkpoint(&self) -> Seen {
        let told = self.get("/v1/audit/checkpoint").await.ok();
        let seen = Seen { size: told["size"].as_u64().unwrap(), root: hash(&told["root"]) };
        let signed = format!("{}\n{}\n{}\n\n", field(&told, "origin"), seen.size, field(&told, "root"));
        assert!(field(&told, "note").starts_with(&signed), "the signed note says the same: {told}");
        seen
    }

    /// The older log is the beginning of the newer one, by a proof.
    pub(crate) async fn grew(&self, from: Seen, to: Seen) {
        let path = format!("/v1/audit/proof/consistency?from={}&to={}", from.size, to.size);
        let proof = hashes(&self.get(&path).await.ok());
        let holds = merkle::verify_consistency(from.size, &from.root, to.size, &to.root, &proof);
        assert!(holds, "{} entries are no beginning of {}", from.size, to.size);
    }

    /// The entry is in the log, by a proof.
    async fn includes(&self, entry: &str, leaves: &[Vec<u8>], log: Seen) {
        let proof = self.get(&format!("/v1/audit/proof/inclusion?entry={entry}&size={}", log.size)).await.ok();
        let index = proof["index"].as_u64().unwrap();
        let leaf = leaf_hash(&leaves[usize::try_from(index).unwrap()]);
        assert_eq!(hash(&proof["leaf_hash"]), leaf);
        let holds = merkle::verify_inclusion(&leaf, index, log.size, &hashes(&proof), &log.root);
        assert!(holds, "entry {entry} is not proved");
    }

    /// The first `size` leaves.
    pub(crate) async fn leaves(&self, size: u64) -> Vec<Vec<u8>> {
        let mut leaves = Vec::new();
        let size = usize::try_from(size).unwrap();
        while leaves.len() < size {
            let more = self.store.reader.audit_leaves(leaves.len() as u64, LEAVES_AT_ONCE).await.unwrap();
            assert!(!more.is_empty(), "leaf {} of {size} is missing", leaves.len());
            leaves.extend(more);
        }
        leaves.truncate(size);
        leaves.iter().for_each(|leaf| drop(Leaf::parse(leaf).unwrap()));
        leaves
    }
}

fn root(leaves: &[Vec<u8>]) -> Hash {
    let mut tree = Frontier::default();
    for leaf in leaves {
        tree.append(leaf_hash(leaf));
    }
    tree.root()
}
