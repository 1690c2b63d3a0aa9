//! The simulated world of `handsel dev`: a chain node, a clock and webhook receivers, all of them real listeners on the
//! loopback interface, so that the server reaches them by the same paths as in live.
//!
//! Never: anything a live server needs; a type or table shared with the watcher's decoder; a private key.

mod block;
mod chain;
mod entry;
mod hash;
mod journal;
pub mod limits;
mod rlp;
mod state;
mod transaction;
mod trie;

pub use chain::{Chain, ChainError, Heights, Reorg};
pub use hash::{Address, Hash, hex_data, parse_hex};
pub use journal::JournalError;
pub use state::{FINALIZED_DEPTH_BLOCKS, SAFE_DEPTH_BLOCKS};
pub use transaction::{Order, Transfer};

/// Chain id of `sandbox-evm` (0x4c731).
pub const CHAIN_ID: u64 = 313_137;
