//! A thing to be paid once: its terms, its ways to pay, and where it stands. How it changes is in [`decide`], what its credits
//! are worth in [`sums`], what its options ask for in [`terms`] and for how long in [`lock`].

pub mod decide;
pub mod lock;
pub mod sums;
pub mod terms;

pub use decide::{Command, Refused, Resolution, Ruling, Step};
pub use lock::{Lock, Quoted};

use crate::chain::{Address, Kind};
use crate::id::{AccountId, CheckoutId, PaymentId, WalletId};
use crate::money::Money;
use crate::payment::Outcome;
use crate::secret::Sealed;
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub id: CheckoutId,
    pub account: AccountId,
    pub created: Timestamp,
    pub version: u64,
    pub price: Money,
    pub terms: Terms,
    /// Customer, reference, URLs, line items and metadata: sealed JSON that only engine and view read.
    pub private: Sealed,
    /// Keyed HMACs of reference, customer and each `metadata[k]=v`, for equality filters over sealed members (06 1.8).
    pub lookups: Vec<[u8; 32]>,
    pub options: Vec<PaymentOption>,
    pub state: State,
    /// Every payment that was ever put to this checkout, in the order in which they were seen.
    pub credits: Vec<Credit>,
    /// Matters still open.
    pub exceptions: Vec<Exception>,
    /// The worth (atomic minor units) that `accept_as_paid` or tolerance wrote off.
    pub written_off: u128,
}

/// What was agreed when it was created; never changes but for `expires_at` (by `extend`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub expires_at: Timestamp,
    pub grace_seconds: u32,
    /// Payer's favour, on the sum: basis points of the price …
    pub tolerance_bps: u32,
    /// … but at most so many minor units.
    pub tolerance_max_minor: u128,
    /// Merchant's favour: an excess up to so many minor units is kept.
    pub over_dust_minor: u128,
    pub late_policy: LatePolicy,
    pub matching: Matching,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePolicy {
    Hold,
    AcceptLocked,
    Requote,
}

/// How a transfer finds its checkout (03 2.1); modes that have no wallet yet are refused at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    Auto,
    Xpub,
    Static,
    Pool,
    Router,
    Forwarder,
}

/// One way to pay: a locked amount of one asset to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentOption {
    pub network: String,
    pub kind: Kind,
    pub chain_id: u64,
    pub asset: String,
    pub token: Address,
    pub decimals: u8,
    pub address: Address,
    pub wallet: WalletId,
    /// Derivation index under the wallet's xpub; none for a static address.
    pub derivation: Option<u32>,
    /// What is due before the tag, atomic units.
    pub due: u128,
    /// Subtracted from `due` in static mode so that the amount is unique; else 0.
    pub tag: u128,
    /// The asset's locked price: `numerator / denominator` atomic units per minor unit.
    pub rate: Rate,
    /// The quote behind due and rate, and its end; none: worth the price's currency 1:1, for the checkout's life.
    pub quoted: Option<Quoted>,
    /// What was locked before, oldest first.
    pub earlier: Vec<Lock>,
    /// Keyed MAC over (account, wallet, mode, network, derivation, address), checked before display (06 1.7).
    pub mac: [u8; 32],
}

impl PaymentOption {
    /// What the payer is asked to send.
    pub const fn payable(&self) -> u128 {
        self.due.saturating_sub(self.tag)
    }
}

/// A rate as an exact fraction: atomic units of the asset per minor unit of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub numerator: u128,
    pub denominator: u128,
}

/// What the merchant was told (`Complete` is never left).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Processing,
    Complete { at: Timestamp },
    Expired { at: Timestamp },
    Canceled { at: Timestamp },
}

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    Unpaid,
    Detected,
    PartiallyPaid,
    Paid,
    Overpaid,
}

/// One payment's place in a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    pub payment: PaymentId,
    /// The option whose lock it used; `None` for a transfer that no option explains (wrong asset, wrong network).
    pub option: Option<u32>,
    /// Atomic units of the payment's own asset.
    pub amount: u128,
    /// The block's own time (of the earliest recorded inclusion): decides lateness.
    pub block_time: Timestamp,
    pub standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Seen, not final yet.
    Pending,
    /// Final; `applied` atomic units of it count towards the price (0: held), worth `value_micro`.
    Settled { outcome: Outcome, applied: u128, value_micro: u128 },
    /// Taken back by the chain.
    Reversed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExceptionKind {
    Underpaid,
    Overpaid,
    Late,
    Duplicate,
    WrongAsset,
    WrongNetwork,
    Reorged,
    Returned,
}

/// A matter still open. `amount` is in atomic units of the payment's asset, or minor units for `Underpaid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    pub kind: ExceptionKind,
    pub amount: u128,
    pub payment: Option<PaymentId>,
    pub created: Timestamp,
}
