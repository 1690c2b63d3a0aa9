//! Reads what a block held once more when it is final, for chains whose blocks prove nothing: a block counts as final only if it still
//! holds what was read of it before. A difference is told and stays where it is: whatever hangs on finality waits for a person.
//!
//! What was read is in memory alone: blocks that were read before a restart and became final after it are not compared.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handsel_core::chain::proof::{Hash, keccak};
use handsel_core::chain::{Address, BlockHash, ChainError, HeadTag, Header, SourceNotice, Transfer};
use handsel_core::limits::{CHAIN_AGAIN_MAX_BLOCKS, CHAIN_AGAIN_PER_POLL_MAX_BLOCKS, QUORUM_NOTICES_MAX_ENTRIES};
use handsel_core::port::{BoxFuture, ChainSource};

use super::decode::number_in;

/// What was read and is not final yet.
#[derive(Debug, Default)]
struct Memory {
    /// By height the blocks that were read there, each with the digest of its transfers.
    read: BTreeMap<u64, Vec<(BlockHash, Hash)>>,
    /// The highest block that was given out as final.
    finalized: Option<Header>,
    /// Of this one a difference was told.
    told: Option<BlockHash>,
    notices: Vec<SourceNotice>,
}

/// What became of the blocks of one height.
enum Compared {
    Same,
    Different(BlockHash),
    /// There is nothing to compare with now.
    Unsettled,
}

/// A chain whose blocks are read again at finality.
#[derive(Debug)]
pub struct AgainAtFinality {
    inner: Arc<dyn ChainSource>,
    memory: Mutex<Memory>,
}

impl AgainAtFinality {
    pub fn new(inner: Arc<dyn ChainSource>) -> Self {
        Self { inner, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // No code panics while it holds the lock.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, block: BlockHash) -> Result<Vec<Transfer>, ChainError> {
        let transfers = self.inner.transfers(block).await?;
        let number = number_in(block);
        let mut memory = self.memory();
        let final_already = memory.finalized.is_some_and(|header| number <= header.number);
        if final_already {
            return Ok(transfers);
        }
        if memory.read.len() >= CHAIN_AGAIN_MAX_BLOCKS && !memory.read.contains_key(&number) {
            return Err(ChainError::Unavailable("its chain has not become final for too long"));
        }
        let blocks = memory.read.entry(number).or_default();
        // What was read first is what was counted.
        if !blocks.iter().any(|(known, _)| *known == block) {
            blocks.push((block, digest(&transfers)));
        }
        drop(memory);
        Ok(transfers)
    }

    /// The nodes' finalized block, or a lower one where something below it is not as it was read.
    async fn finalized(&self) -> Result<Option<Header>, ChainError> {
        let Some(seen) = self.inner.head(HeadTag::Finalized).await? else { return Ok(None) };
        let before = self.memory().finalized;
        if before.is_some_and(|before| seen.number <= before.number) {
            return Ok(Some(seen));
        }
        let heights: Vec<u64> = self
            .memory()
            .read
            .range(..=seen.number)
            .map(|(number, _)| *number)
            .take(CHAIN_AGAIN_PER_POLL_MAX_BLOCKS + 1)
            .collect();
        for (count, number) in heights.into_iter().enumerate() {
            let compared = if count == CHAIN_AGAIN_PER_POLL_MAX_BLOCKS {
                Compared::Unsettled
            } else {
                self.compare(number, seen).await.unwrap_or(Compared::Unsettled)
            };
            match compared {
                Compared::Same => {}
                Compared::Different(block) => {
                    self.tell(block);
                    return self.below(number, before).await;
                }
                Compared::Unsettled => return self.below(number, before).await,
            }
        }
        self.memory().finalized = Some(seen);
        Ok(Some(seen))
    }

    /// Compares what was read of the block of this height that is final now; those of other branches are forgotten.
    async fn compare(&self, number: u64, seen: Header) -> Result<Compared, ChainError> {
        let header = if seen.number == number { Some(seen) } else { self.inner.header_at(number).await? };
        let Some(header) = header else { return Ok(Compared::Unsettled) };
        let read = self.memory().read.get(&number).cloned().unwrap_or_default();
        let before = read.iter().find(|(block, _)| *block == header.hash);
        if let Some((block, before)) = before
            && digest(&self.inner.transfers(*block).await?) != *before
        {
            return Ok(Compared::Different(*block));
        }
        self.memory().read.remove(&number);
        Ok(Compared::Same)
    }

    /// The block below this height as final, unless a higher one was already.
    async fn below(&self, number: u64, before: Option<Header>) -> Result<Option<Header>, ChainError> {
        let Some(number) = number.checked_sub(1) else { return Ok(before) };
        if before.is_some_and(|before| before.number >= number) {
            return Ok(before);
        }
        let header = self.inner.header_at(number).await?;
        if header.is_some() {
            self.memory().finalized = header;
        }
        Ok(header.or(before))
    }

    fn tell(&self, block: BlockHash) {
        let mut memory = self.memory();
        if memory.told == Some(block) {
            return;
        }
        memory.told = Some(block);
        if memory.notices.len() < QUORUM_NOTICES_MAX_ENTRIES {
            memory.notices.push(SourceNotice::Changed { block });
        }
    }
}

/// Over all that a payment is made from.
fn digest(transfers: &[Transfer]) -> Hash {
    let mut bytes = Vec::with_capacity(transfers.len() * 192);
    for transfer in transfers {
        bytes.extend_from_slice(&transfer.tx.0);
        bytes.extend_from_slice(&transfer.tx_position.to_be_bytes());
        for address in [transfer.token, transfer.from, transfer.to] {
            bytes.extend_from_slice(&address.0);
        }
        bytes.extend_from_slice(&transfer.value);
    }
    keccak(&bytes)
}

impl ChainSource for AgainAtFinality {
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>> {
        self.inner.chain_id()
    }

    fn head(&self, tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        match tag {
            HeadTag::Latest => self.inner.head(tag),
            HeadTag::Finalized => Box::pin(self.finalized()),
        }
    }

    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.inner.header_at(number)
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.inner.header(hash)
    }

    fn transfers(&self, block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>> {
        Box::pin(self.read(block))
    }

    fn token_decimals(&self, token: Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>> {
        self.inner.token_decimals(token)
    }

    fn wait_for_hint(&self, limit: Duration) -> BoxFuture<'_, ()> {
        self.inner.wait_for_hint(limit)
    }

    fn notices(&self) -> Vec<SourceNotice> {
        let mut notices = self.inner.notices();
        notices.append(&mut self.memory().notices);
        notices
    }
}

#[cfg(test)]
#[path = "again_tests.rs"]
mod tests;
