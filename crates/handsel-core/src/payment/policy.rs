//! When a transfer counts as final (03 b.4).
//!
//! Below the limit `succeeded` means confirmed: enough blocks and enough seconds. From the limit on, and where the price is not
//! known in US dollars, the chain's own finality is asked for as well.

use super::{Inclusion, Payment, State};
use crate::chain::{Header, Network};
use crate::money::Money;
use crate::planted::{self, Bug};

/// What is asked of one payment, fixed when it is first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub confirmations: u32,
    pub seconds: u32,
    pub finalized: bool,
}

impl Policy {
    /// The network's tier for a price; `None` (nothing explains the transfer) and other currencies get the upper tier.
    pub fn choose(network: &Network, price: Option<Money>) -> Self {
        let cents = price.filter(|p| p.currency.code() == "USD").map(|p| p.minor);
        Self {
            confirmations: network.confirmations.max(1),
            seconds: network.min_seconds,
            finalized: cents.is_none_or(|cents| cents >= network.finalized_above_usd_cents),
        }
    }
}

impl State {
    /// The block that holds it, while one does.
    pub const fn inclusion(&self) -> Option<&Inclusion> {
        match self {
            Self::Detected { block }
            | Self::Confirming { block }
            | Self::Succeeded { block, .. }
            | Self::Rejected { block, .. } => Some(block),
            Self::Reversed { .. } | Self::Failed { .. } => None,
        }
    }

    /// True once the chain's own finality covers it.
    pub const fn finalized(&self) -> bool {
        matches!(self, Self::Succeeded { finalized: true, .. } | Self::Rejected { finalized: true, .. })
    }

    /// The public name (02).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Detected { .. } => "detected",
            Self::Confirming { .. } => "confirming",
            Self::Succeeded { .. } => "succeeded",
            Self::Rejected { .. } => "rejected",
            Self::Reversed { .. } => "reversed",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Payment {
    /// Confirmations at a tip: the including block is the first. 0 while no block holds it, or while the tip is below it.
    pub fn confirmations(&self, tip: u64) -> u64 {
        self.state.inclusion().map_or(0, |block| tip.saturating_add(1).saturating_sub(block.number))
    }

    /// True where policy is satisfied at this tip: blocks, seconds by the chain's own clock, and the finalized tag.
    pub fn is_final(&self, tip: &Header, finalized: u64) -> bool {
        let Some(block) = self.state.inclusion() else { return false };
        if planted::is(Bug::SuccessAtFirstSight) {
            return true;
        }
        let age = i64::try_from(tip.time_seconds).unwrap_or(i64::MAX).saturating_sub(block.time.seconds());
        self.confirmations(tip.number) >= u64::from(self.required_confirmations)
            && age >= i64::from(self.required_seconds)
            && (!self.requires_finalized || block.number <= finalized)
    }
}
