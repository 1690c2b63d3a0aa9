//! A rate that was given to somebody: what it was, who stood behind it, and until when it holds.

use super::{Pair, Ratio, Stated};
use crate::id::{AccountId, QuoteId};
use crate::time::Timestamp;

/// Never changed once it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub id: QuoteId,
    pub account: AccountId,
    pub created: Timestamp,
    pub pair: Pair,
    /// Units of the asset for one unit of the currency.
    pub ratio: Ratio,
    /// The oldest statement behind it.
    pub rated_at: Timestamp,
    pub expires_at: Timestamp,
    /// What the sources said; none where the asset counts 1:1.
    pub stated: Vec<Stated>,
    /// [`super::Agreed::digest`] of it; zeros where there is nothing to digest.
    pub digest: [u8; 32],
    /// Keyed MAC over all of it.
    pub mac: [u8; 32],
}
