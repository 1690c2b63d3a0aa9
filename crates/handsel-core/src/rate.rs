//! What one currency is worth in an asset, as exact fractions: how the statements of several sources become one rate
//! ([`agree`]), what is remembered of it ([`Book`]), and when an asset that should be worth 1:1 is not ([`PegPolicy`]).
//! No float comes near this; sources' numbers are read as text.

mod agree;
mod book;
mod peg;
mod quote;
mod ratio;

pub use agree::{Agreed, NoRate, Stated, agree};
pub use book::{Book, Quotable};
pub use peg::{Offer, PegPolicy, PegStanding, PegWatch};
pub use quote::Quote;
pub(crate) use ratio::gcd;
pub use ratio::{Ratio, RatioError};

use crate::money::Currency;
use core::fmt;

/// What is asked of a source: how much of `to` one unit of `from` is worth.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    pub from: Currency,
    /// The asset's symbol, as the configuration writes it.
    pub to: String,
}

impl Pair {
    pub fn new(from: Currency, to: impl Into<String>) -> Self {
        Self { from, to: to.into() }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.from.code(), self.to)
    }
}
