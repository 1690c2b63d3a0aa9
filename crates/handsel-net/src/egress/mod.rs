//! The only HTTP client. Two doors: [`Egress`] for URLs that merchants gave us, [`NamedEndpoint`] for what the operator named.
//!
//! Neither follows redirects, reads proxies from the environment or unpacks compressed answers; both bound every phase in time and
//! every answer in bytes while reading it.

mod error;
mod lookup;
mod merchant;
mod named;
mod pool;
mod tls;
mod trace;
mod wire;

pub use error::{EgressError, Phase, SetupError};
pub use lookup::{DnsLookup, LookupError, NameLookup};
pub use merchant::{Egress, EgressConfig, Outcome};
pub use named::{NamedEndpoint, NamedOptions};
pub use wire::{Answer, Deadlines};
