//! All logs of a block (`eth_getLogs` by hash, unfiltered) for chains whose nodes give no receipts: together they must have the bloom of
//! the header. That holds addresses and topics, no amounts.

use core::fmt;

use handsel_core::chain::proof::{Bloom, Disproof, Hash};
use handsel_core::chain::{BlockHash, TxHash};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::decode::LoggedTransfer;
use super::hex::{fixed_bytes, quantity};
use super::sealed::ProvenHeader;
use super::whole_log::{LogSeed, Repeated, WholeLog};

/// The logs of one block, not compared yet.
#[derive(Debug, Clone, Default)]
pub struct BlockLogs {
    bloom: Bloom,
    transfers: Vec<LoggedTransfer>,
    block: Option<(Hash, u64)>,
    flaw: bool,
    logs: u64,
}

impl BlockLogs {
    /// The transfers of the block, once its logs have the bloom of the header.
    ///
    /// # Errors
    /// The first thing that is not as the header says.
    pub fn compare(self, header: &ProvenHeader) -> Result<Vec<LoggedTransfer>, Disproof> {
        if self.block.is_some_and(|named| named != (header.header.hash.0, header.header.number)) {
            return Err(Disproof::AnotherBlock);
        }
        if self.bloom != header.bloom {
            return Err(Disproof::LogsBloom);
        }
        if self.flaw { Err(Disproof::Place) } else { Ok(self.transfers) }
    }

    fn take(&mut self, log: &WholeLog<'_>, block: Hash) -> Result<(), &'static str> {
        let at = log.at.named()?;
        let number = quantity(at.number).ok_or("a block number in another form")?;
        let tx = fixed_bytes(at.tx).ok_or("a transaction hash in another form")?;
        self.flaw |= *self.block.get_or_insert((block, number)) != (block, number);
        self.flaw |= quantity(at.log_index) != Some(self.logs);
        self.bloom.add(&log.address);
        log.topics.iter().for_each(|topic| self.bloom.add(topic));
        self.transfers.extend(log.transfer(BlockHash(block), number, TxHash(tx), self.logs));
        self.logs = self.logs.saturating_add(1);
        Ok(())
    }
}

impl<'de> Deserialize<'de> for BlockLogs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(LogsVisitor)
    }
}

struct LogsVisitor;

impl<'de> Visitor<'de> for LogsVisitor {
    type Value = BlockLogs;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of logs")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut logs: A) -> Result<BlockLogs, A::Error> {
        let mut found = BlockLogs::default();
        let (mut log, mut block) = (WholeLog::default(), Repeated::default());
        while logs.next_element_seed(LogSeed(&mut log))?.is_some() {
            let named = log.at.block.and_then(|text| block.read(text));
            let named = named.ok_or_else(|| A::Error::custom("a log without the hash of its block"))?;
            found.take(&log, named).map_err(A::Error::custom)?;
        }
        Ok(found)
    }
}
