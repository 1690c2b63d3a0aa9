//! One observed transfer and its finality. How it changes is in [`decide`], what finality asks for in [`policy`].

pub mod decide;
pub mod policy;

pub use decide::{Command, Refused, Step, identity};
pub use policy::Policy;

use crate::chain::{Address, BlockHash, Kind, TxHash};
use crate::checkout::Rate;
use crate::id::{AccountId, CheckoutId, PaymentId, QuoteId};
use crate::money::Currency;
use crate::time::Timestamp;

/// Where one payment stands (02, 13 section 3). A variant holds the facts that make it true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Included in a block of the canonical chain.
    Detected { block: Inclusion },
    /// Buried by at least one more block.
    Confirming { block: Inclusion },
    /// Final by the policy, and part of it was applied. `finalized` once the chain's own finality covers it.
    Succeeded { block: Inclusion, at: Timestamp, finalized: bool },
    /// Final, and none of it was applied.
    Rejected { block: Inclusion, at: Timestamp, finalized: bool },
    /// The chain took it back. A re-inclusion leads to `Detected` again.
    Reversed { was: Inclusion, at: Timestamp },
    /// Will never come (other rails).
    Failed { at: Timestamp },
}

/// The block that holds the transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inclusion {
    pub hash: BlockHash,
    pub number: u64,
    pub time: Timestamp,
    /// Position among all logs of that block.
    pub log_index: u64,
}

/// The price at which a payment is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedAt {
    /// Atomic units of the asset per minor unit of the currency.
    pub rate: Rate,
    pub currency: Currency,
    /// The quote behind it; none where the asset is worth the currency 1:1.
    pub quote: Option<QuoteId>,
}

/// The bucket that a transfer ends in (13 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Exact,
    WithinTolerance,
    Under,
    Over,
    Late,
    LateCold,
    Duplicate,
    WrongAsset,
    WrongNetwork,
    Unmatched,
    Reversed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub account: AccountId,
    pub created: Timestamp,
    pub version: u64,
    /// None while nothing explains the transfer.
    pub checkout: Option<CheckoutId>,
    /// Index of the checkout's payment option whose address and lock it used.
    pub option: Option<u32>,
    pub network: String,
    pub kind: Kind,
    pub chain_id: u64,
    pub asset: String,
    pub token: Address,
    pub decimals: u8,
    /// Atomic units of the asset, as logged.
    pub amount: u128,
    pub tx: TxHash,
    /// Position among the transfers of the transaction.
    pub tx_position: u32,
    pub from: Address,
    pub to: Address,
    /// The part of it (atomic units) that was or would be applied to the checkout's price.
    pub applied: u128,
    /// Its worth in 10^-6 minor units of the checkout's currency (13 section 1).
    pub value_micro: u128,
    /// The policy fixed when it was first seen.
    pub required_confirmations: u32,
    pub required_seconds: u32,
    pub requires_finalized: bool,
    /// What the transfer is, as far as is known; `None` before it settles.
    pub outcome: Option<Outcome>,
    pub state: State,
    /// At what it is counted: the lock that it used, as of when it was first seen.
    pub rate: Option<CountedAt>,
    pub detected_at: Timestamp,
    pub metadata: Vec<(String, String)>,
}
