//! The room over real loopback sockets: hostile receivers, changing name servers, certificates.
#![expect(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod judge;
mod node;
mod peer;
mod proof;
mod rates;
mod recorded;
mod tls;
mod tron;
