//! Blocks, receipts and logs as java-tron writes them. Only what matters to us is read, and that strictly; zero roots, zero blooms and the
//! empty `stateRoot` are not even looked at.

use handsel_core::chain::proof::Disproof;
use handsel_core::chain::{Address, BlockHash, Header, TxHash};
use serde::{Deserialize, Deserializer};

use crate::evm::{Bytes, LoggedTransfer, Quantity, TextVisitor, fixed_bytes};

/// `keccak256("Transfer(address,address,uint256)")`.
const TRANSFER: [u8; 32] = [
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7,
    0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
];
/// The byte before an address in Tron's own form.
const PREFIX: u8 = 0x41;

/// The height that a block's id begins with.
pub(super) fn number_in(id: BlockHash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A block with the ids of its transactions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TronBlock {
    number: Quantity,
    hash: Bytes<32>,
    parent_hash: Bytes<32>,
    /// Seconds.
    timestamp: Quantity,
    transactions: Vec<Bytes<32>>,
}

impl TronBlock {
    /// The header, once number and ids fit together.
    ///
    /// # Errors
    /// Where they don't.
    pub fn header(&self) -> Result<Header, Disproof> {
        let (number, hash, parent) = (self.number.0, BlockHash(self.hash.0), BlockHash(self.parent_hash.0));
        let child_of = number.checked_sub(1);
        if number_in(hash) != number || child_of.is_some_and(|below| number_in(parent) != below) {
            return Err(Disproof::BlockId);
        }
        Ok(Header { number, hash, parent, time_seconds: self.timestamp.0 })
    }

    /// What its transactions are called, in order.
    pub(super) fn transactions(&self) -> impl ExactSizeIterator<Item = TxHash> {
        self.transactions.iter().map(|id| TxHash(id.0))
    }
}

/// An address of 20 bytes, or of 21 with Tron's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LogAddress(Address);

fn log_address(text: &str) -> Option<Address> {
    if let Some(address) = fixed_bytes::<20>(text) {
        return Some(Address(address));
    }
    let prefixed = match text.strip_prefix("0x") {
        Some(_) => fixed_bytes::<21>(text),
        None => fixed_bytes::<21>(&format!("0x{text}")),
    }?;
    let (prefix, address) = prefixed.split_first()?;
    (*prefix == PREFIX).then(|| address.try_into().ok().map(Address)).flatten()
}

impl<'de> Deserialize<'de> for LogAddress {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor("an address in hex", log_address)).map(Self)
    }
}

/// The one word that a transfer's data is; none where it is something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Data(Option<[u8; 32]>);

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let read = |text: &str| match text.len() {
            66 => fixed_bytes::<32>(text).map(Some),
            _ => text.starts_with("0x").then_some(None),
        };
        from.deserialize_str(TextVisitor("0x text", read)).map(Self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TronLog {
    address: LogAddress,
    topics: Vec<Bytes<32>>,
    data: Data,
    block_hash: Bytes<32>,
    block_number: Quantity,
    transaction_hash: Bytes<32>,
    log_index: Quantity,
    #[serde(default)]
    removed: bool,
}

impl TronLog {
    fn stands_in(&self, header: &Header) -> bool {
        (BlockHash(self.block_hash.0), self.block_number.0, self.removed) == (header.hash, header.number, false)
    }

    /// The log as a TRC-20 transfer, at this place among the block's logs.
    fn transfer(&self, header: &Header, log_index: u64) -> Option<LoggedTransfer> {
        let [Bytes(TRANSFER), from, to] = self.topics.as_slice() else { return None };
        Some(LoggedTransfer {
            block: header.hash,
            number: header.number,
            tx: TxHash(self.transaction_hash.0),
            log_index,
            token: self.address.0,
            from: address_in(&from.0)?,
            to: address_in(&to.0)?,
            value: self.data.0?,
            removed: false,
        })
    }
}

/// The address in a word, with or without Tron's prefix; none where the word holds more.
fn address_in(word: &[u8; 32]) -> Option<Address> {
    let (head, tail) = word.split_at(12);
    let plain = matches!(head, [.., 0 | PREFIX]) && head.iter().take(11).all(|byte| *byte == 0);
    plain.then(|| tail.try_into().ok().map(Address)).flatten()
}

/// The receipts of one block (`eth_getBlockReceipts`), not judged yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TronReceipts(Vec<TronReceipt>);

/// One receipt (`eth_getTransactionReceipt`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TronReceipt {
    transaction_hash: Bytes<32>,
    transaction_index: Quantity,
    block_hash: Bytes<32>,
    block_number: Quantity,
    status: Quantity,
    logs: Vec<TronLog>,
}

impl TronReceipt {
    /// It is that of the block's transaction `index`, and its logs are its own.
    pub(super) fn judge(&self, header: &Header, index: usize, tx: TxHash) -> Result<(), Disproof> {
        if (BlockHash(self.block_hash.0), self.block_number.0) != (header.hash, header.number) {
            return Err(Disproof::AnotherBlock);
        }
        if TxHash(self.transaction_hash.0) != tx || usize::try_from(self.transaction_index.0) != Ok(index) {
            return Err(Disproof::Transactions);
        }
        if !self.logs.iter().all(|log| log.stands_in(header)) {
            return Err(Disproof::AnotherBlock);
        }
        if !self.logs.iter().all(|log| TxHash(log.transaction_hash.0) == tx) {
            return Err(Disproof::Place);
        }
        Ok(())
    }

    pub(super) const fn succeeded(&self) -> bool {
        self.status.0 == 1
    }

    /// Its transfers, where the first of its logs has this place among those of the block.
    pub(super) fn transfers(&self, header: &Header, first: u64) -> Vec<LoggedTransfer> {
        (first..).zip(&self.logs).filter_map(|(at, log)| log.transfer(header, at)).collect()
    }
}

impl TronReceipts {
    /// The transfers of the block's successful transactions, once there is one receipt of each transaction, in order. Logs are counted
    /// here: what a node states as their index differs between its versions.
    ///
    /// # Errors
    /// The first thing that is not as the block says.
    pub fn transfers(&self, block: &TronBlock) -> Result<Vec<LoggedTransfer>, Disproof> {
        let header = block.header()?;
        if self.0.len() != block.transactions().len() {
            return Err(Disproof::Transactions);
        }
        let mut transfers = Vec::new();
        let mut first = 0_u64;
        for (index, (receipt, tx)) in self.0.iter().zip(block.transactions()).enumerate() {
            receipt.judge(&header, index, tx)?;
            if receipt.succeeded() {
                transfers.extend(receipt.transfers(&header, first));
            }
            first = first.saturating_add(u64::try_from(receipt.logs.len()).unwrap_or(u64::MAX));
        }
        Ok(transfers)
    }
}

/// The transfer logs of one block (`eth_getLogs`), not judged yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TronLogs(Vec<TronLog>);

impl TronLogs {
    /// The transfers, once every log stands in this block and in one of its transactions.
    ///
    /// # Errors
    /// The first thing that is not as the block says.
    pub fn transfers(&self, block: &TronBlock) -> Result<Vec<LoggedTransfer>, Disproof> {
        let header = block.header()?;
        // java-tron looks the hash up as a number and reads what is canonical there now.
        if !self.0.iter().all(|log| log.stands_in(&header)) {
            return Err(Disproof::AnotherBlock);
        }
        let transactions: std::collections::HashSet<TxHash> = block.transactions().collect();
        if !self.0.iter().all(|log| transactions.contains(&TxHash(log.transaction_hash.0))) {
            return Err(Disproof::Transactions);
        }
        Ok(self.0.iter().filter_map(|log| log.transfer(&header, log.log_index.0)).collect())
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
