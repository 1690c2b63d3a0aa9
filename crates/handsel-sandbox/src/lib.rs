//! The simulated world of `handsel dev`: a chain node, a clock and webhook receivers, all of them real listeners on the
//! loopback interface, so that the server reaches them by the same paths as in live.
//!
//! Never: anything a live server needs; a type or table shared with the watcher's decoder; a private key.

mod block;
mod chain;
mod clock;
mod entry;
mod faults;
mod filter;
mod hash;
mod journal;
mod likeness;
pub mod limits;
mod listener;
mod node;
mod rates;
mod receivers;
mod remote;
mod rlp;
mod rpc;
mod shapes;
mod state;
#[cfg(test)]
mod testing;
mod tokens;
mod transaction;
mod trie;
mod tron;
mod world;

pub use chain::{Chain, ChainError, Heights, Reorg};
pub use clock::{ClockError, SandboxClock};
pub use faults::Fault;
pub use hash::{Address, Hash, hex_data, parse_hex};
pub use journal::JournalError;
pub use likeness::Likeness;
pub use node::Node;
pub use rates::{RATES, RateFacts, RateFault, Rates, TIME_POINTER};
pub use receivers::{ReceiverError, Receivers};
pub use remote::{NodeCaller, RemoteChain};
pub use state::{FINALIZED_DEPTH_BLOCKS, SAFE_DEPTH_BLOCKS};
pub use tokens::{TOKENS, TRON_TOKENS, TokenFacts, token};
pub use transaction::{Order, Quirks, Transfer};
pub use world::{CONFIRMATIONS, ChainConfig, NETWORK, World, WorldConfig, WorldError};

/// Chain id of `sandbox-evm` (0x4c731).
pub const CHAIN_ID: u64 = 313_137;
