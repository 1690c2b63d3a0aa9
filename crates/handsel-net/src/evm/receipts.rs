//! The receipts of a block (`eth_getBlockReceipts`) with everything that their trie covers. They are encoded as they are read, one after
//! the other into one buffer; nothing of an answer is kept beside that and its transfers.

use core::fmt;

use handsel_core::chain::proof::{Disproof, Hash, Outcome, ReceiptHead, ReceiptList, keccak};
use handsel_core::chain::{BlockHash, TxHash};
use handsel_core::planted::{self, Bug};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::decode::{Bytes, LoggedTransfer, Quantity};
use super::hex::{fixed_bytes, quantity};
use super::sealed::ProvenHeader;
use super::whole_log::{LogSeed, Repeated, WholeLog};

/// The receipts of one block, not proven yet.
#[derive(Debug, Clone, Default)]
pub struct BlockReceipts {
    list: ReceiptList,
    /// Those of transactions that succeeded, with the places in which they stand.
    transfers: Vec<LoggedTransfer>,
    /// The hashes of the transactions, one after the other.
    transactions: Vec<u8>,
    /// The block that they name, with its number; none where there is no receipt.
    block: Option<(Hash, u64)>,
    /// The first contradiction within the answer.
    flaw: Option<Disproof>,
}

impl BlockReceipts {
    /// The transfers of the block, once everything is proven by its header.
    ///
    /// # Errors
    /// The first thing that is not as the header says.
    pub fn prove(self, header: &ProvenHeader) -> Result<Vec<LoggedTransfer>, Disproof> {
        if planted::is(Bug::EmptyAnswerBelieved) {
            return Ok(self.transfers);
        }
        if self.block.is_some_and(|named| named != (header.header.hash.0, header.header.number)) {
            return Err(Disproof::AnotherBlock);
        }
        // The cheaper one first.
        if self.list.bloom() != &header.bloom {
            return Err(Disproof::LogsBloom);
        }
        if self.list.root() != header.receipts_root {
            return Err(Disproof::ReceiptsRoot);
        }
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        if keccak(&self.transactions) != header.transactions {
            return Err(Disproof::Transactions);
        }
        Ok(self.transfers)
    }
}

impl<'de> Deserialize<'de> for BlockReceipts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(ReceiptsVisitor)
    }
}

struct ReceiptsVisitor;

impl<'de> Visitor<'de> for ReceiptsVisitor {
    type Value = BlockReceipts;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of receipts")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut receipts: A) -> Result<BlockReceipts, A::Error> {
        let mut reading = Reading::default();
        while receipts.next_element_seed(ReceiptSeed(&mut reading))?.is_some() {}
        Ok(reading.found)
    }
}

/// What is carried from receipt to receipt.
#[derive(Default)]
struct Reading<'de> {
    found: BlockReceipts,
    log: WholeLog<'de>,
    logs: u64,
    block: Repeated<'de>,
}

impl<'de> Reading<'de> {
    fn flaw(&mut self, is: bool, what: Disproof) {
        if is {
            self.found.flaw.get_or_insert(what);
        }
    }

    /// A receipt or a log names its block: all of them the same one.
    fn names_block(&mut self, hash: &'de str, number: &'de str) -> Result<(), &'static str> {
        let hash = self.block.read(hash).ok_or("a block hash in another form")?;
        let number = quantity(number).ok_or("a block number in another form")?;
        let first = *self.found.block.get_or_insert((hash, number));
        self.flaw(first != (hash, number), Disproof::Place);
        Ok(())
    }

    /// A log of the receipt that is being read.
    fn take_log(&mut self, own: &mut ReceiptTexts<'de>) -> Result<(), &'static str> {
        let at = self.log.at.named()?;
        self.names_block(at.block, at.number)?;
        let (log_tx, log_tx_index) = *own.log.get_or_insert((at.tx, at.tx_index));
        self.flaw(!log_tx.eq_ignore_ascii_case(at.tx) || log_tx_index != at.tx_index, Disproof::Place);
        self.flaw(quantity(at.log_index) != Some(self.logs), Disproof::Place);
        self.found.list.log(&self.log.address, &self.log.topics, &self.log.data);
        // Block and transaction are put in when the receipt is closed.
        let found = self.log.transfer(BlockHash::default(), 0, TxHash::default(), self.logs);
        let odd = self.found.transfers.len() as u64 != self.logs;
        self.found.transfers.extend(found.filter(|_| !(odd && planted::is(Bug::OddLogEndsTransaction))));
        self.logs = self.logs.saturating_add(1);
        Ok(())
    }

    /// Ends a receipt, whose transfers are those from `first` on.
    fn close(&mut self, own: &ReceiptTexts<'de>, first: usize) -> Result<(), &'static str> {
        const NO_PLACE: &str = "a receipt without its place";
        self.names_block(own.block.ok_or(NO_PLACE)?, own.number.ok_or(NO_PLACE)?)?;
        let tx: Hash = fixed_bytes(own.tx.ok_or(NO_PLACE)?).ok_or("a transaction hash in another form")?;
        let place = u64::try_from(self.found.list.len()).ok();
        self.flaw(quantity(own.tx_index.ok_or(NO_PLACE)?) != place, Disproof::Place);
        let fits = |(log_tx, log_tx_index)| fixed_bytes(log_tx) == Some(tx) && quantity(log_tx_index) == place;
        self.flaw(!own.log.is_none_or(fits), Disproof::Place);
        let outcome = own.outcome()?;
        let head = ReceiptHead {
            kind: u8::try_from(own.kind).map_err(|_| "a type of receipt that can't be")?,
            outcome,
            cumulative_gas: own.cumulative_gas.ok_or("a receipt without its gas")?,
            bloom: own.bloom.as_ref().ok_or("a receipt without its bloom")?,
        };
        if !self.found.list.close(&head) {
            return Err("a type of receipt that can't be");
        }
        if outcome == Outcome::Failed && !planted::is(Bug::RevertedCounts) {
            self.found.transfers.truncate(first);
        }
        let (block, number) = self.found.block.unwrap_or_default();
        for transfer in self.found.transfers.iter_mut().skip(first) {
            (transfer.block, transfer.number, transfer.tx) = (BlockHash(block), number, TxHash(tx));
        }
        self.found.transactions.extend_from_slice(&tx);
        Ok(())
    }
}

/// A receipt without its logs, as it stands in the answer.
#[derive(Default)]
struct ReceiptTexts<'de> {
    kind: u64,
    status: Option<Quantity>,
    root: Option<&'de str>,
    cumulative_gas: Option<u64>,
    bloom: Option<[u8; 256]>,
    tx: Option<&'de str>,
    tx_index: Option<&'de str>,
    block: Option<&'de str>,
    number: Option<&'de str>,
    /// The transaction and its index as the first log names them.
    log: Option<(&'de str, &'de str)>,
}

impl ReceiptTexts<'_> {
    fn outcome(&self) -> Result<Outcome, &'static str> {
        match (self.status, self.root) {
            (Some(Quantity(0)), _) => Ok(Outcome::Failed),
            (Some(Quantity(1)), _) => Ok(Outcome::Succeeded),
            (None, Some(root)) => fixed_bytes(root).map(Outcome::StateRoot).ok_or("a state root in another form"),
            (Some(_), _) | (None, None) => Err("a receipt without a status"),
        }
    }
}

struct ReceiptSeed<'a, 'de>(&'a mut Reading<'de>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ReceiptField {
    Type,
    Status,
    Root,
    CumulativeGasUsed,
    LogsBloom,
    Logs,
    TransactionHash,
    TransactionIndex,
    BlockHash,
    BlockNumber,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for ReceiptSeed<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ReceiptSeed<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a receipt")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let first = self.0.found.transfers.len();
        let mut own = ReceiptTexts::default();
        while let Some(field) = fields.next_key()? {
            match field {
                ReceiptField::Type => own.kind = fields.next_value::<Option<Quantity>>()?.map_or(0, |kind| kind.0),
                ReceiptField::Status => own.status = fields.next_value()?,
                ReceiptField::Root => own.root = fields.next_value()?,
                ReceiptField::CumulativeGasUsed => own.cumulative_gas = Some(fields.next_value::<Quantity>()?.0),
                ReceiptField::LogsBloom => own.bloom = Some(fields.next_value::<Bytes<256>>()?.0),
                ReceiptField::Logs => fields.next_value_seed(LogsSeed(self.0, &mut own))?,
                ReceiptField::TransactionHash => own.tx = fields.next_value()?,
                ReceiptField::TransactionIndex => own.tx_index = fields.next_value()?,
                ReceiptField::BlockHash => own.block = fields.next_value()?,
                ReceiptField::BlockNumber => own.number = fields.next_value()?,
                ReceiptField::Other => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.0.close(&own, first).map_err(A::Error::custom)
    }
}

struct LogsSeed<'a, 'de>(&'a mut Reading<'de>, &'a mut ReceiptTexts<'de>);

impl<'de> DeserializeSeed<'de> for LogsSeed<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for LogsSeed<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of logs")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut logs: A) -> Result<(), A::Error> {
        while logs.next_element_seed(LogSeed(&mut self.0.log))?.is_some() {
            self.0.take_log(self.1).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "receipts_tests.rs"]
mod tests;
