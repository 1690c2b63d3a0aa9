//! A merchant's destination on a rail. Handsel holds addresses and public keys only; whatever could spend is refused.

pub mod decide;

use crate::chain::{Address, Kind};
use crate::id::{AccountId, WalletId};
use crate::secret::Sealed;
use crate::time::Timestamp;

/// What the wallet is made of, on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// One address for everything; a checkout is told by its unique amount.
    Static { address: Address },
    /// A public account key (depth 3, m/44'/60'/0', on Tron m/44'/195'/0'); every payment gets `0/index` of it, index 0 signs the proof.
    Xpub { xpub: Sealed, fingerprint: String, proof_address: Address },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing was signed yet; in live no checkout uses it.
    PendingProof,
    Active {
        from: Timestamp,
    },
    /// Being replaced; goes on serving until then.
    Retiring {
        until: Timestamp,
    },
    Retired {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    pub id: WalletId,
    pub account: AccountId,
    pub created: Timestamp,
    pub version: u64,
    /// Its networks are of this kind.
    pub kind: Kind,
    pub destination: Destination,
    /// Network slugs on which it takes payments; empty means every configured one.
    pub networks: Vec<String>,
    /// Asset symbols; empty means every listed one.
    pub assets: Vec<String>,
    /// The text that its owner is asked to sign (06 1.7).
    pub challenge: String,
    pub proved_at: Option<Timestamp>,
    pub state: State,
    /// Keyed MAC over what an attacker with a database would change (06 1.7); checked before use.
    pub mac: [u8; 32],
    pub metadata: Vec<(String, String)>,
}

impl Wallet {
    /// Its own addresses, for whose transfers somebody must answer once it has served, whether a checkout waits there or not: a
    /// static one, and the one that an xpub is proved by. Nothing before that: an address that was only claimed may be anybody's.
    pub fn own_addresses(&self) -> Vec<Address> {
        match self.state {
            // What retired was active before; what was refused never was.
            State::PendingProof | State::Retired { .. } => Vec::new(),
            State::Active { .. } | State::Retiring { .. } => match &self.destination {
                Destination::Static { address } => vec![*address],
                Destination::Xpub { proof_address, .. } => vec![*proof_address],
            },
        }
    }
}
