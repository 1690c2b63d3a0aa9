//! What an Ethereum-like block proves about itself (03 b.2 rule 4). The hash of a header covers all of its fields, one of them is the
//! root of the trie over the receipts, and these hold every log: whoever knows a block's hash can check that no log of it was dropped,
//! invented, altered or moved. Encoders only, nothing of foreign texts; shared with nobody: the simulated node has encoders of its own,
//! so that an error in one of them shows.
//!
//! What receipts do NOT hold is the hash of their transaction, which follows from the transaction itself.

mod bloom;
mod header;
mod receipts;
mod rlp;
mod trie;

use core::fmt;

use sha3::{Digest as _, Keccak256};

pub use bloom::Bloom;
pub use header::{LaterField, SealedFields};
pub use receipts::{Outcome, ReceiptHead, ReceiptList};

/// A Keccak-256 digest.
pub type Hash = [u8; 32];

/// Keccak-256.
#[must_use]
pub fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

/// How the blocks of a chain are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VerifyMode {
    /// Headers hash to their hash, receipts to the header's root: one provider can't lie about a block.
    #[default]
    ReceiptsRoot,
    /// Headers hash to their hash, the block's logs give the header's bloom, and two providers say the same. For nodes without
    /// `eth_getBlockReceipts`: a bloom holds addresses and topics but no amounts, so a single provider is trusted for those.
    LogsBloom,
    /// Two providers say the same. For chains whose headers or receipts have another form (deposits of the OP stack, Arbitrum, Tron).
    QuorumDigest,
}

impl VerifyMode {
    /// True where a header must hash to its hash.
    #[must_use]
    pub const fn seals(self) -> bool {
        matches!(self, Self::ReceiptsRoot | Self::LogsBloom)
    }

    /// True where one node's answer about a block's contents is enough, because the block proves all of it.
    #[must_use]
    pub const fn proves_contents(self) -> bool {
        matches!(self, Self::ReceiptsRoot)
    }
}

/// In what a provider's answer contradicts what the block proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disproof {
    /// The header's fields have another hash than it states.
    HeaderHash,
    /// The block's id does not begin with its number, or its parent's not with the number below (Tron).
    BlockId,
    /// The answer is about another block than was asked for.
    AnotherBlock,
    /// The receipts have another root than the header holds.
    ReceiptsRoot,
    /// The logs give another bloom than the header holds.
    LogsBloom,
    /// A receipt or a log names another block, transaction or place than it stands in.
    Place,
    /// The transactions of the receipts are not those that the block lists.
    Transactions,
}

impl fmt::Display for Disproof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeaderHash => "the fields of a header do not have its hash",
            Self::BlockId => "a block whose id is not of its height",
            Self::AnotherBlock => "an answer about another block",
            Self::ReceiptsRoot => "receipts that are not those of the block",
            Self::LogsBloom => "logs that are not those of the block",
            Self::Place => "a log in another place than it states",
            Self::Transactions => "receipts of other transactions than the block's",
        })
    }
}

#[cfg(test)]
mod tests;
