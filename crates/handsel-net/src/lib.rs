//! Everything that leaves this process over the network.
//!
//! Merchants' URLs go through [`egress::Egress`] alone: names are resolved here, every address is judged, the connection goes to
//! exactly the judged address. What the operator names (chain nodes) goes through [`egress::NamedEndpoint`]. This crate must never
//! touch the store, follow a redirect, use an unjudged address, or log a body, a secret or a whole URL.

pub mod egress;
pub mod evm;
pub mod hook_sender;
pub mod quorum;
pub mod rates;
pub mod rpc;
pub mod tron;
