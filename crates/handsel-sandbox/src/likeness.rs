//! What the simulated chains are made like. They share blocks, mempool, journal and reorganisations; how a node of them speaks, what
//! a block is called, what is final and which tokens there are is each one's own.

use crate::hash::Hash;
use crate::tokens::{TOKENS, TRON_TOKENS, TokenFacts};

/// A kind of simulated chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Likeness {
    /// Ethereum's rules and its nodes' JSON-RPC.
    #[default]
    Evm,
    /// Blocks with the height in their id, and java-tron's JSON-RPC.
    Tron,
}

impl Likeness {
    /// The slug of its network.
    pub const fn network(self) -> &'static str {
        match self {
            Self::Evm => "sandbox-evm",
            Self::Tron => "sandbox-tron",
        }
    }

    /// What its node states as the chain's id.
    pub const fn chain_id(self) -> u64 {
        match self {
            Self::Evm => crate::CHAIN_ID,
            Self::Tron => 0x5a4d_7206,
        }
    }

    /// Blocks below the head from which on nothing is replaced: on Tron a block is solid when 19 of 27 witnesses have built on it.
    pub const fn finality_depth_blocks(self) -> u64 {
        match self {
            Self::Evm => crate::FINALIZED_DEPTH_BLOCKS,
            Self::Tron => 18,
        }
    }

    /// The tokens that its contracts are.
    pub const fn tokens(self) -> &'static [TokenFacts] {
        match self {
            Self::Evm => &TOKENS,
            Self::Tron => &TRON_TOKENS,
        }
    }

    /// The token of a code.
    pub fn token(self, symbol: &str) -> Option<&'static TokenFacts> {
        self.tokens().iter().find(|token| token.symbol == symbol)
    }

    /// The id of a block whose header has this hash.
    pub(crate) fn block_id(self, number: u64, mut hash: Hash) -> Hash {
        if self == Self::Tron {
            hash[..8].copy_from_slice(&number.to_be_bytes());
        }
        hash
    }
}
