//! JSON-RPC 2.0 to the nodes that the operator named: several of them in order, each behind its breaker.
//!
//! A node's answer is foreign text: whatever it holds becomes a value or an error of the closed list, never a panic, and its own words
//! never leave this module.

mod breaker;
mod client;
mod envelope;
mod error;
mod hint;
mod transport;

pub use breaker::Breaker;
pub use client::{Call, RpcClient};
pub use envelope::read_single as read_answer;
pub use error::{NodeRefusal, RpcError};
pub use hint::HeadHints;
pub use transport::Transport;
