//! A log read to its last byte, for proofs: what the block's tries and blooms cover, and the places that it states of itself.

use core::fmt;

use handsel_core::chain::proof::Hash;
use handsel_core::chain::{Address, BlockHash, TxHash};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::decode::{Bytes, LoggedTransfer};
use super::hex::{bytes_into, fixed_bytes};

/// `keccak256("Transfer(address,address,uint256)")`.
const TRANSFER: Hash = [
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7,
    0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
];
/// The machine's LOG4 is the largest.
const TOPICS_MAX: usize = 4;

/// One log. Used again for the next one, so that a block's logs need no memory of their own.
#[derive(Debug, Default)]
pub(super) struct WholeLog<'de> {
    pub(super) address: [u8; 20],
    pub(super) topics: Vec<Hash>,
    pub(super) data: Vec<u8>,
    pub(super) at: LogPlace<'de>,
}

/// What a log says of where it stands; texts, since those of one block are the same ones again and again.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LogPlace<'de> {
    pub(super) block: Option<&'de str>,
    pub(super) number: Option<&'de str>,
    pub(super) tx: Option<&'de str>,
    pub(super) tx_index: Option<&'de str>,
    pub(super) log_index: Option<&'de str>,
    pub(super) removed: bool,
}

impl WholeLog<'_> {
    /// The log as an ERC-20 transfer; its place is the caller's, who knows the proven one.
    pub(super) fn transfer(&self, block: BlockHash, number: u64, tx: TxHash, log_index: u64) -> Option<LoggedTransfer> {
        let [signature, from, to] = self.topics.as_slice() else { return None };
        if *signature != TRANSFER {
            return None;
        }
        Some(LoggedTransfer {
            block,
            number,
            tx,
            log_index,
            token: Address(self.address),
            from: address_in(from)?,
            to: address_in(to)?,
            value: self.data.as_slice().try_into().ok()?,
            removed: self.at.removed,
        })
    }
}

/// The address in a word, unless the word holds more.
fn address_in(word: &Hash) -> Option<Address> {
    let (head, tail) = word.split_at(12);
    head.iter().all(|byte| *byte == 0).then(|| tail.try_into().ok().map(Address)).flatten()
}

/// A log's place, complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedPlace<'de> {
    pub(super) block: &'de str,
    pub(super) number: &'de str,
    pub(super) tx: &'de str,
    pub(super) tx_index: &'de str,
    pub(super) log_index: &'de str,
}

impl<'de> LogPlace<'de> {
    /// Every field of the place, which logs of a mined block have.
    pub(super) fn named(&self) -> Result<NamedPlace<'de>, &'static str> {
        const MISSING: &str = "a log without its place";
        Ok(NamedPlace {
            block: self.block.ok_or(MISSING)?,
            number: self.number.ok_or(MISSING)?,
            tx: self.tx.ok_or(MISSING)?,
            tx_index: self.tx_index.ok_or(MISSING)?,
            log_index: self.log_index.ok_or(MISSING)?,
        })
    }
}

/// Reads a log into what is there.
pub(super) struct LogSeed<'a, 'de>(pub(super) &'a mut WholeLog<'de>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum LogField {
    Address,
    Topics,
    Data,
    BlockHash,
    BlockNumber,
    TransactionHash,
    TransactionIndex,
    LogIndex,
    Removed,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for LogSeed<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LogSeed<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let log = self.0;
        let (mut address, mut topics, mut data) = (false, false, false);
        log.at = LogPlace::default();
        while let Some(field) = fields.next_key()? {
            match field {
                LogField::Address => {
                    log.address = fields.next_value::<Bytes<20>>()?.0;
                    address = true;
                }
                LogField::Topics => {
                    fields.next_value_seed(TopicsSeed(&mut log.topics))?;
                    topics = true;
                }
                LogField::Data => {
                    data = bytes_into(fields.next_value()?, &mut log.data);
                    if !data {
                        return Err(A::Error::custom("data in another form"));
                    }
                }
                LogField::BlockHash => log.at.block = fields.next_value()?,
                LogField::BlockNumber => log.at.number = fields.next_value()?,
                LogField::TransactionHash => log.at.tx = fields.next_value()?,
                LogField::TransactionIndex => log.at.tx_index = fields.next_value()?,
                LogField::LogIndex => log.at.log_index = fields.next_value()?,
                LogField::Removed => log.at.removed = fields.next_value()?,
                LogField::Other => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        if address && topics && data { Ok(()) } else { Err(A::Error::custom("a log without one of its fields")) }
    }
}

struct TopicsSeed<'a>(&'a mut Vec<Hash>);

impl<'de> DeserializeSeed<'de> for TopicsSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for TopicsSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of topics")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut topics: A) -> Result<(), A::Error> {
        self.0.clear();
        while let Some(topic) = topics.next_element::<&'de str>()? {
            if self.0.len() == TOPICS_MAX {
                return Err(A::Error::custom("more topics than a log can have"));
            }
            self.0.push(fixed_bytes(topic).ok_or_else(|| A::Error::custom("a topic in another form"))?);
        }
        Ok(())
    }
}

/// A hash that is given as the same text over and over.
#[derive(Debug, Default)]
pub(super) struct Repeated<'de> {
    text: &'de str,
    hash: Option<Hash>,
}

impl<'de> Repeated<'de> {
    /// The hash that a text stands for.
    pub(super) fn read(&mut self, text: &'de str) -> Option<Hash> {
        if self.text != text || self.hash.is_none() {
            *self = Self { text, hash: fixed_bytes(text) };
        }
        self.hash
    }
}
