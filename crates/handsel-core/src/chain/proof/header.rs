//! The sealed fields of a header and the hash over them, from Frontier to the rules of today.

use super::{Bloom, Hash, keccak, rlp};

/// Every field that a header's hash covers. Those since London are optional: a chain has them from the fork on that brought them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFields {
    pub parent: Hash,
    pub uncles_hash: Hash,
    pub miner: [u8; 20],
    pub state_root: Hash,
    pub transactions_root: Hash,
    pub receipts_root: Hash,
    pub bloom: Bloom,
    /// Big-endian; zero since the merge.
    pub difficulty: [u8; 32],
    pub number: u64,
    pub gas_limit: u64,
    pub gas_used: u64,
    pub time_seconds: u64,
    pub extra: Vec<u8>,
    pub mix: Hash,
    pub nonce: [u8; 8],
    /// Big-endian; London (EIP-1559).
    pub base_fee: Option<[u8; 32]>,
    /// Shanghai (EIP-4895).
    pub withdrawals_root: Option<Hash>,
    /// Cancun (EIP-4844, EIP-4788).
    pub blob_gas_used: Option<u64>,
    pub excess_blob_gas: Option<u64>,
    pub beacon_root: Option<Hash>,
    /// Prague (EIP-7685).
    pub requests_hash: Option<Hash>,
    /// What forks after Prague append, in their order.
    pub later: Vec<LaterField>,
}

/// A field that was added at the end of headers after Prague.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterField {
    Hash(Hash),
    Number(u64),
}

/// Bytes of a header with a short extra field, for the buffer.
const TYPICAL_BYTES: usize = 768;

impl SealedFields {
    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut fields = Vec::with_capacity(TYPICAL_BYTES);
        self.push_fields(&mut fields);
        let mut encoded = Vec::with_capacity(fields.len() + 9);
        rlp::push_list_prefix(&mut encoded, fields.len());
        encoded.extend_from_slice(&fields);
        keccak(&encoded)
    }

    fn push_fields(&self, out: &mut Vec<u8>) {
        for hash in [&self.parent, &self.uncles_hash] {
            rlp::push_string(out, hash);
        }
        rlp::push_string(out, &self.miner);
        for hash in [&self.state_root, &self.transactions_root, &self.receipts_root] {
            rlp::push_string(out, hash);
        }
        rlp::push_string(out, &self.bloom.0);
        rlp::push_word(out, &self.difficulty);
        for number in [self.number, self.gas_limit, self.gas_used, self.time_seconds] {
            rlp::push_number(out, number);
        }
        rlp::push_string(out, &self.extra);
        rlp::push_string(out, &self.mix);
        rlp::push_string(out, &self.nonce);
        if let Some(base_fee) = &self.base_fee {
            rlp::push_word(out, base_fee);
        }
        if let Some(root) = &self.withdrawals_root {
            rlp::push_string(out, root);
        }
        for number in [self.blob_gas_used, self.excess_blob_gas].into_iter().flatten() {
            rlp::push_number(out, number);
        }
        for hash in [&self.beacon_root, &self.requests_hash].into_iter().flatten() {
            rlp::push_string(out, hash);
        }
        for field in &self.later {
            match field {
                LaterField::Hash(hash) => rlp::push_string(out, hash),
                LaterField::Number(number) => rlp::push_number(out, *number),
            }
        }
    }
}
