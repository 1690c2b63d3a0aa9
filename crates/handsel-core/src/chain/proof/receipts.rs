//! Receipts as the trie holds them: EIP-2718 type byte, then status (or the state root of the time before Byzantium), gas so far, bloom
//! and logs. They are encoded one after the other into one buffer, as they come, and hashed in the end.

use super::{Bloom, Hash, rlp, trie};

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Failed,
    Succeeded,
    /// Before Byzantium: the state after it. Such a receipt tells nothing of success, but a failed transaction left no logs.
    StateRoot(Hash),
}

/// A receipt without its logs.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptHead<'a> {
    /// EIP-2718: 0 for legacy transactions.
    pub kind: u8,
    pub outcome: Outcome,
    pub cumulative_gas: u64,
    pub bloom: &'a [u8; 256],
}

/// The bloom with its prefix.
const BLOOM_LENGTH: usize = 3 + 256;
/// An address or a topic with its prefix.
const ADDRESS_LENGTH: usize = 1 + 20;
const TOPIC_LENGTH: usize = 1 + 32;
/// The highest type that EIP-2718 allows: beyond it the first byte would be that of a list.
const KIND_MAX: u8 = 0x7f;

/// The receipts of a block, in order.
#[derive(Debug, Clone, Default)]
pub struct ReceiptList {
    /// The encoded receipts, without gaps, and where each one ends.
    encoded: Vec<u8>,
    ends: Vec<usize>,
    /// The logs of the receipt that is not closed yet.
    logs: Vec<u8>,
    bloom: Bloom,
}

impl ReceiptList {
    /// Adds a log to the receipt that the next [`Self::close`] ends.
    pub fn log(&mut self, address: &[u8; 20], topics: &[Hash], data: &[u8]) {
        let out = &mut self.logs;
        let topics_payload = TOPIC_LENGTH * topics.len();
        let topics_length = rlp::prefix_length(topics_payload) + topics_payload;
        rlp::push_list_prefix(out, ADDRESS_LENGTH + topics_length + rlp::string_length(data));
        rlp::push_string(out, address);
        rlp::push_list_prefix(out, topics_payload);
        for topic in topics {
            rlp::push_string(out, topic);
        }
        rlp::push_string(out, data);
    }

    /// Ends a receipt. False where no such type can be encoded.
    #[must_use]
    pub fn close(&mut self, head: &ReceiptHead<'_>) -> bool {
        if head.kind > KIND_MAX {
            return false;
        }
        let out = &mut self.encoded;
        if head.kind > 0 {
            out.push(head.kind);
        }
        let outcome_length = match head.outcome {
            Outcome::Failed | Outcome::Succeeded => 1,
            Outcome::StateRoot(_) => 1 + 32,
        };
        let logs_length = rlp::prefix_length(self.logs.len()) + self.logs.len();
        let payload = outcome_length + rlp::number_length(head.cumulative_gas) + BLOOM_LENGTH + logs_length;
        rlp::push_list_prefix(out, payload);
        match &head.outcome {
            Outcome::Failed => rlp::push_number(out, 0),
            Outcome::Succeeded => rlp::push_number(out, 1),
            Outcome::StateRoot(root) => rlp::push_string(out, root),
        }
        rlp::push_number(out, head.cumulative_gas);
        rlp::push_string(out, head.bloom);
        rlp::push_list_prefix(out, self.logs.len());
        out.extend_from_slice(&self.logs);
        self.logs.clear();
        self.bloom.merge(head.bloom);
        self.ends.push(out.len());
        true
    }

    /// How many receipts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All blooms together: that of the block's header.
    #[must_use]
    pub const fn bloom(&self) -> &Bloom {
        &self.bloom
    }

    /// The root that a header holds of them.
    #[must_use]
    pub fn root(&self) -> Hash {
        trie::ordered_root(&self.encoded, &self.ends)
    }
}
