//! Whole headers, with every field that is under their hash, so that the hash can be computed again.

use core::fmt;

use handsel_core::chain::proof::{Bloom, Disproof, Hash, LaterField, SealedFields, keccak};
use handsel_core::chain::{BlockHash, Header};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::decode::{Bytes, Quantity, TextVisitor};
use super::hex::{bytes_into, word};

/// A header as `eth_getBlockBy…` shows it, not proven yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedHeader {
    hash: Bytes<32>,
    parent_hash: Bytes<32>,
    #[serde(rename = "sha3Uncles")]
    uncles_hash: Bytes<32>,
    miner: Bytes<20>,
    state_root: Bytes<32>,
    transactions_root: Bytes<32>,
    receipts_root: Bytes<32>,
    logs_bloom: Bytes<256>,
    difficulty: Word,
    number: Quantity,
    gas_limit: Quantity,
    gas_used: Quantity,
    timestamp: Quantity,
    extra_data: Blob,
    mix_hash: Bytes<32>,
    nonce: Bytes<8>,
    base_fee_per_gas: Option<Word>,
    withdrawals_root: Option<Bytes<32>>,
    blob_gas_used: Option<Quantity>,
    excess_blob_gas: Option<Quantity>,
    parent_beacon_block_root: Option<Bytes<32>>,
    requests_hash: Option<Bytes<32>>,
    /// Named so in the drafts of EIP-7928 and EIP-7843. Should the names or the order be others in the end, then headers don't hash to
    /// their hash: nothing is believed until the names here are put right.
    #[serde(alias = "balHash")]
    block_access_list_hash: Option<Bytes<32>>,
    slot_number: Option<Quantity>,
    transactions: TransactionHashes,
}

/// A header whose hash was computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenHeader {
    pub(super) header: Header,
    pub(super) receipts_root: Hash,
    pub(super) bloom: Bloom,
    /// Digest of the hashes of its transactions as the node listed them: beside the header, not proven by it.
    pub(super) transactions: Hash,
}

impl SealedHeader {
    /// Computes the hash again.
    ///
    /// # Errors
    /// When it is not the one that the node states.
    pub fn prove(self) -> Result<ProvenHeader, Disproof> {
        let fields = SealedFields {
            parent: self.parent_hash.0,
            uncles_hash: self.uncles_hash.0,
            miner: self.miner.0,
            state_root: self.state_root.0,
            transactions_root: self.transactions_root.0,
            receipts_root: self.receipts_root.0,
            bloom: Bloom(self.logs_bloom.0),
            difficulty: self.difficulty.0,
            number: self.number.0,
            gas_limit: self.gas_limit.0,
            gas_used: self.gas_used.0,
            time_seconds: self.timestamp.0,
            extra: self.extra_data.0,
            mix: self.mix_hash.0,
            nonce: self.nonce.0,
            base_fee: self.base_fee_per_gas.map(|fee| fee.0),
            withdrawals_root: self.withdrawals_root.map(|root| root.0),
            blob_gas_used: self.blob_gas_used.map(|gas| gas.0),
            excess_blob_gas: self.excess_blob_gas.map(|gas| gas.0),
            beacon_root: self.parent_beacon_block_root.map(|root| root.0),
            requests_hash: self.requests_hash.map(|hash| hash.0),
            later: [
                self.block_access_list_hash.map(|hash| LaterField::Hash(hash.0)),
                self.slot_number.map(|number| LaterField::Number(number.0)),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        if fields.hash() != self.hash.0 {
            return Err(Disproof::HeaderHash);
        }
        Ok(ProvenHeader {
            header: Header {
                number: fields.number,
                hash: BlockHash(self.hash.0),
                parent: BlockHash(fields.parent),
                time_seconds: fields.time_seconds,
            },
            receipts_root: fields.receipts_root,
            bloom: fields.bloom,
            transactions: self.transactions.0,
        })
    }
}

impl ProvenHeader {
    /// The header as the watcher knows it.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }
}

/// A number of at most 256 bits.
#[derive(Debug, Clone, Copy)]
struct Word([u8; 32]);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor("a 0x number", word)).map(Self)
    }
}

/// Bytes of any number.
#[derive(Debug, Clone)]
struct Blob(Vec<u8>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let read = |text: &str| {
            let mut bytes = Vec::new();
            bytes_into(text, &mut bytes).then_some(bytes)
        };
        from.deserialize_str(TextVisitor("0x text", read)).map(Self)
    }
}

/// The digest over the hashes of a block's transactions, one after the other.
#[derive(Debug, Clone, Copy)]
struct TransactionHashes(Hash);

impl<'de> Deserialize<'de> for TransactionHashes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(HashesVisitor).map(Self)
    }
}

struct HashesVisitor;

impl<'de> Visitor<'de> for HashesVisitor {
    type Value = Hash;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of transaction hashes")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut hashes: A) -> Result<Hash, A::Error> {
        let mut all = Vec::new();
        while let Some(hash) = hashes.next_element::<Bytes<32>>()? {
            all.extend_from_slice(&hash.0);
        }
        Ok(keccak(&all))
    }
}
