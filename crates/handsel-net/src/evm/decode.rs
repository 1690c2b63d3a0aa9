//! Headers, logs and receipts as nodes write them. Strings are borrowed from the answer and decoded only when a log turns out to be a
//! transfer; everything else is skipped without being looked at.

use core::fmt;

use handsel_core::chain::{Address, BlockHash, Header, TxHash};
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::hex::{fixed_bytes, quantity};

/// `keccak256("Transfer(address,address,uint256)")`.
pub(crate) const TRANSFER_TOPIC: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// A header with the fields that matter to us. Tron's empty `stateRoot` and zero roots are not even read:
/// for chains whose headers prove nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct WireHeader {
    number: Quantity,
    hash: Bytes<32>,
    #[serde(rename = "parentHash")]
    parent_hash: Bytes<32>,
    timestamp: Quantity,
}

impl WireHeader {
    /// The header as the watcher knows it.
    #[must_use]
    pub const fn header(&self) -> Header {
        Header {
            number: self.number.0,
            hash: BlockHash(self.hash.0),
            parent: BlockHash(self.parent_hash.0),
            time_seconds: self.timestamp.0,
        }
    }
}

/// A `0x` number of at most 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity(pub(crate) u64);

/// Exactly `N` bytes as `0x` text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes<const N: usize>(pub(crate) [u8; N]);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor("a 0x number", quantity)).map(Self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor("0x text of the right length", fixed_bytes::<N>)).map(Self)
    }
}

/// What `eth_call` gives for a function that returns one word; nothing where no contract answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CallWord(pub(super) Option<[u8; 32]>);

impl<'de> Deserialize<'de> for CallWord {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let read = |text: &str| if text == "0x" { Some(None) } else { fixed_bytes::<32>(text).map(Some) };
        from.deserialize_str(TextVisitor("one word of 0x text", read)).map(Self)
    }
}

pub(crate) struct TextVisitor<T>(pub(crate) &'static str, pub(crate) fn(&str) -> Option<T>);

impl<T> Visitor<'_> for TextVisitor<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        self.1(text).ok_or_else(|| E::custom(self.0))
    }
}

/// An ERC-20 transfer as logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedTransfer {
    /// The block's hash.
    pub block: BlockHash,
    /// The block's height.
    pub number: u64,
    /// The transaction.
    pub tx: TxHash,
    /// Position among all logs of the block.
    pub log_index: u64,
    /// The contract.
    pub token: Address,
    /// Sender.
    pub from: Address,
    /// Receiver.
    pub to: Address,
    /// Big-endian.
    pub value: [u8; 32],
    /// The node says that the block was reorganised away.
    pub removed: bool,
}

/// The transfers of a list of logs (`eth_getLogs`); other logs are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferLogs(pub Vec<LoggedTransfer>);

impl<'de> Deserialize<'de> for TransferLogs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(LogsVisitor).map(Self)
    }
}

struct LogsVisitor;

impl<'de> Visitor<'de> for LogsVisitor {
    type Value = Vec<LoggedTransfer>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of logs")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut logs: A) -> Result<Self::Value, A::Error> {
        let mut transfers = Vec::new();
        while let Some(MaybeTransfer(found)) = logs.next_element()? {
            transfers.extend(found);
        }
        Ok(transfers)
    }
}

/// The transfers of a list of receipts (`eth_getBlockReceipts`): those of successful transactions only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTransfers(pub Vec<LoggedTransfer>);

#[derive(Deserialize)]
struct WireReceipt {
    /// Absent in receipts older than the field.
    #[serde(default)]
    status: Option<Quantity>,
    logs: TransferLogs,
}

impl<'de> Deserialize<'de> for ReceiptTransfers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(ReceiptsVisitor).map(Self)
    }
}

struct ReceiptsVisitor;

impl<'de> Visitor<'de> for ReceiptsVisitor {
    type Value = Vec<LoggedTransfer>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of receipts")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut receipts: A) -> Result<Self::Value, A::Error> {
        let mut transfers = Vec::new();
        while let Some(receipt) = receipts.next_element::<WireReceipt>()? {
            if receipt.status.is_none_or(|status| status == Quantity(1)) {
                transfers.extend(receipt.logs.0);
            }
        }
        Ok(transfers)
    }
}

/// One log, or nothing where it is no ERC-20 transfer.
struct MaybeTransfer(Option<LoggedTransfer>);

impl<'de> Deserialize<'de> for MaybeTransfer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(LogVisitor).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum LogField {
    Address,
    Topics,
    Data,
    BlockHash,
    BlockNumber,
    TransactionHash,
    LogIndex,
    Removed,
    #[serde(other)]
    Other,
}

/// The texts of a log, as they stand in the answer.
#[derive(Default)]
struct LogTexts<'de> {
    address: Option<&'de str>,
    ends: Option<(&'de str, &'de str)>,
    data: Option<&'de str>,
    block_hash: Option<&'de str>,
    block_number: Option<&'de str>,
    transaction_hash: Option<&'de str>,
    log_index: Option<&'de str>,
    removed: bool,
}

struct LogVisitor;

impl<'de> Visitor<'de> for LogVisitor {
    type Value = Option<LoggedTransfer>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut log: A) -> Result<Self::Value, A::Error> {
        let mut texts = LogTexts::default();
        while let Some(field) = log.next_key()? {
            match field {
                LogField::Address => texts.address = Some(log.next_value()?),
                LogField::Topics => match log.next_value()? {
                    Topics::Transfer(from, to) => texts.ends = Some((from, to)),
                    Topics::Other => {
                        while log.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                        return Ok(None);
                    }
                },
                LogField::Data => texts.data = Some(log.next_value()?),
                LogField::BlockHash => texts.block_hash = log.next_value()?,
                LogField::BlockNumber => texts.block_number = log.next_value()?,
                LogField::TransactionHash => texts.transaction_hash = log.next_value()?,
                LogField::LogIndex => texts.log_index = log.next_value()?,
                LogField::Removed => texts.removed = log.next_value()?,
                LogField::Other => {
                    log.next_value::<IgnoredAny>()?;
                }
            }
        }
        texts.transfer().map_err(A::Error::custom)
    }
}

impl LogTexts<'_> {
    /// The transfer; `Ok(None)` where the log has a transfer's topics without being an ERC-20 transfer.
    fn transfer(&self) -> Result<Option<LoggedTransfer>, &'static str> {
        const MISSING: &str = "a log without one of its fields";
        const FORM: &str = "a field of a log in another form";
        let (from, to) = self.ends.ok_or(MISSING)?;
        let data = self.data.ok_or(MISSING)?;
        let (Some(from), Some(to)) = (address_in_word(from)?, address_in_word(to)?) else { return Ok(None) };
        if data.len() != 66 {
            return Ok(None);
        }
        Ok(Some(LoggedTransfer {
            block: BlockHash(fixed_bytes(self.block_hash.ok_or(MISSING)?).ok_or(FORM)?),
            number: quantity(self.block_number.ok_or(MISSING)?).ok_or(FORM)?,
            tx: TxHash(fixed_bytes(self.transaction_hash.ok_or(MISSING)?).ok_or(FORM)?),
            log_index: quantity(self.log_index.ok_or(MISSING)?).ok_or(FORM)?,
            token: Address(fixed_bytes(self.address.ok_or(MISSING)?).ok_or(FORM)?),
            from,
            to,
            value: fixed_bytes(data).ok_or(FORM)?,
            removed: self.removed,
        }))
    }
}

/// The address in a 32-byte word; `Ok(None)` where the first twelve bytes hold something, so that it is none.
fn address_in_word(text: &str) -> Result<Option<Address>, &'static str> {
    let word: [u8; 32] = fixed_bytes(text).ok_or("a topic in another form")?;
    let (head, tail) = word.split_at(12);
    let mut address = [0_u8; 20];
    address.copy_from_slice(tail);
    Ok(head.iter().all(|byte| *byte == 0).then_some(Address(address)))
}

enum Topics<'de> {
    /// Sender and receiver of an event with exactly the three topics of a transfer.
    Transfer(&'de str, &'de str),
    Other,
}

impl<'de> Deserialize<'de> for Topics<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(TopicsVisitor)
    }
}

struct TopicsVisitor;

impl<'de> Visitor<'de> for TopicsVisitor {
    type Value = Topics<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of topics")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut topics: A) -> Result<Self::Value, A::Error> {
        let found = match topics.next_element::<&'de str>()? {
            Some(first) if first.eq_ignore_ascii_case(TRANSFER_TOPIC) => {
                topics.next_element()?.zip(topics.next_element()?).map(|(from, to)| Topics::Transfer(from, to))
            }
            _ => None,
        };
        let mut rest = 0_usize;
        while topics.next_element::<IgnoredAny>()?.is_some() {
            rest = rest.saturating_add(1);
        }
        Ok(found.filter(|_| rest == 0).unwrap_or(Topics::Other))
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
