//! Tron by java-tron's JSON-RPC, which looks like Ethereum's and is not: roots and blooms are zero, `stateRoot` is `0x`, there are no tags
//! but `latest` and `finalized`, filters lose logs, and nothing of a block proves itself but its number, which its id begins with.
//!
//! So every answer is held to all that it can be held to, [`crate::quorum`] asks for two equal ones, and what a block held is read once
//! more when it is final ([`AgainAtFinality`]).

mod again;
mod decode;
mod source;

pub use again::AgainAtFinality;
pub use decode::{TronBlock, TronLogs, TronReceipts};
pub use source::TronSource;
