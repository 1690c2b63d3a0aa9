//! What is known of chains: headers, transfers, networks and tokens. The watcher's pure core is in [`watcher`], what a
//! block proves of itself in [`proof`], how a network stands in [`standing`], how a kind of chain writes its addresses in [`kind`].

pub mod kind;
pub mod proof;
pub mod standing;
pub mod watcher;

use core::fmt;

pub use kind::{AddressError, Kind};
use proof::Disproof;

/// A 20-byte account address. What people read and write of it is the network's [`Kind`]'s to say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address(pub [u8; 20]);
/// A block hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct BlockHash(pub [u8; 32]);
/// A transaction hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TxHash(pub [u8; 32]);

macro_rules! hex_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            /// `0x` and lower-case hex, as nodes take it; what people read is [`Kind::address_text`].
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "0x{}", hex::encode(self.0)) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl $name {
            /// Parses `0x` + hex of either case; the length must fit.
            pub fn parse(text: &str) -> Option<Self> {
                let mut bytes = Self::default();
                hex::decode_to_slice(text.strip_prefix("0x")?, &mut bytes.0).ok()?;
                Some(bytes)
            }
        }
    )*};
}
hex_text!(Address, BlockHash, TxHash);

impl Address {
    /// The text with its mixed-case checksum (EIP-55).
    pub fn checksummed(self) -> String {
        use sha3::{Digest, Keccak256};
        let lower = hex::encode(self.0);
        let digest = hex::encode(Keccak256::digest(lower.as_bytes()));
        let mixed = lower.bytes().zip(digest.bytes()).map(|(c, d)| match d {
            b'8'..=b'9' | b'a'..=b'f' => char::from(c.to_ascii_uppercase()),
            _ => char::from(c),
        });
        "0x".chars().chain(mixed).collect()
    }
}

/// What the watcher needs of a header. `time_seconds` is the block's own timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub number: u64,
    pub hash: BlockHash,
    pub parent: BlockHash,
    pub time_seconds: u64,
}

/// One ERC-20 `Transfer` log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    pub block: BlockHash,
    pub tx: TxHash,
    /// Position among ALL logs of the block, as the node gives it. Moves when a transaction is re-included.
    pub block_log_index: u64,
    /// Position among the transfers of its own transaction, from 0, in log order: part of a payment's identity.
    pub tx_position: u32,
    pub token: Address,
    pub from: Address,
    pub to: Address,
    /// Big-endian uint256 as logged; may exceed what we count in.
    pub value: [u8; 32],
}

impl Transfer {
    /// The value in atomic units where it fits 128 bits; larger ones are kept raw and never posted (13 section 1).
    pub fn atomic(&self) -> Option<u128> {
        let (high, low) = self.value.split_at(16);
        if high.iter().any(|b| *b != 0) {
            return None;
        }
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(low);
        Some(u128::from_be_bytes(bytes))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadTag {
    Latest,
    Finalized,
}

/// Why a chain's node gave no usable answer. Texts name the fix; the provider's own words stay in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainError {
    /// No connection, a timeout, an HTTP error or a breaker that is open.
    Unavailable(&'static str),
    /// An answer that is no JSON-RPC, or misses what it must have.
    Malformed(&'static str),
    /// The node's own error, by code.
    Refused { code: i64 },
    /// The node doesn't know the block that we asked for by hash: reorganised away or lagging.
    UnknownBlock,
    /// What the node says of a block contradicts the block's own hash or roots. Nothing of it is believed.
    Disproved(Disproof),
    /// Enough nodes answer, but too few of them say the same.
    Disagreed,
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the chain's node can't be reached ({why})"),
            Self::Malformed(what) => write!(f, "the chain's node answered nonsense ({what})"),
            Self::Refused { code } => write!(f, "the chain's node refused with code {code}"),
            Self::UnknownBlock => f.write_str("the chain's node doesn't know that block"),
            Self::Disagreed => f.write_str("the chain's nodes contradict each other; name more of them in rpc_urls"),
            Self::Disproved(what) => write!(
                f,
                "the chain's node answered what the chain disproves ({what}): use another node in rpc_urls; if every node says so, this \
                 network's blocks have another form: set verify for it"
            ),
        }
    }
}
impl std::error::Error for ChainError {}

/// Why a node is not asked again before a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ban {
    /// It holds another block as final than the quorum does.
    Equivocated,
    /// It is of another chain.
    OtherChain,
}

/// What a source of several nodes has to tell of one of them, or of what they say together; `node` is host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceNotice {
    Banned {
        node: String,
        ban: Ban,
    },
    Disproved {
        node: String,
        what: Disproof,
    },
    /// A block that is final now holds other transfers than were read of it before.
    Changed {
        block: BlockHash,
    },
}

/// One configured network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The slug of the API: `ethereum`, `sandbox-evm`, …
    pub name: String,
    pub kind: Kind,
    pub chain_id: u64,
    pub confirmations: u32,
    /// At least so many seconds after the block's time, beside the count (BSC: 10).
    pub min_seconds: u32,
    /// From this price in US cents upward the finalized tag is required too.
    pub finalized_above_usd_cents: u128,
    /// What a block is expected to take, for texts shown to people.
    pub block_time_ms: u64,
    pub tokens: Vec<Token>,
}

impl Network {
    /// CAIP-2 id, such as `eip155:1`.
    pub fn caip2(&self) -> String {
        self.kind.caip2(self.chain_id)
    }
    pub fn token(&self, asset: &str) -> Option<&Token> {
        self.tokens.iter().find(|t| t.asset == asset)
    }
    pub fn token_at(&self, contract: Address) -> Option<&Token> {
        self.tokens.iter().find(|t| t.contract == contract)
    }
}

/// A listed token: the pair (network, contract) is its identity, the symbol a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub asset: String,
    pub contract: Address,
    pub decimals: u8,
    /// The currency that it is worth 1:1, if the operator says so.
    pub pegged_to: Option<crate::money::Currency>,
}
