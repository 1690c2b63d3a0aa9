//! The headers that were proven lately, so that a block's receipts can be checked without asking for its header again. Bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handsel_core::chain::BlockHash;
use handsel_core::limits::CHAIN_PROVEN_MAX_HEADERS;

use super::sealed::ProvenHeader;

#[derive(Debug, Default)]
struct Kept {
    by_hash: HashMap<BlockHash, Arc<ProvenHeader>>,
    /// Oldest first.
    order: VecDeque<BlockHash>,
}

#[derive(Debug, Default)]
pub(super) struct ProvenHeaders(Mutex<Kept>);

impl ProvenHeaders {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, hash: BlockHash) -> Option<Arc<ProvenHeader>> {
        self.kept().by_hash.get(&hash).cloned()
    }

    /// Keeps a header in place of the oldest ones; the one that is there already stays.
    pub(super) fn keep(&self, header: ProvenHeader) -> Arc<ProvenHeader> {
        let hash = header.header().hash;
        let mut kept = self.kept();
        if let Some(known) = kept.by_hash.get(&hash) {
            return Arc::clone(known);
        }
        while kept.order.len() >= CHAIN_PROVEN_MAX_HEADERS
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.by_hash.remove(&oldest);
        }
        let header = Arc::new(header);
        kept.order.push_back(hash);
        kept.by_hash.insert(hash, Arc::clone(&header));
        header
    }

    /// Asks for it again the next time: what stands beside the header is in doubt.
    pub(super) fn forget(&self, hash: BlockHash) {
        let mut kept = self.kept();
        kept.by_hash.remove(&hash);
        kept.order.retain(|kept| *kept != hash);
    }
}
