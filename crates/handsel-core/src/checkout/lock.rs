//! For how long an amount stands (13 section 2). An asset that is pegged to the price's currency is locked 1:1 for the checkout's
//! life. Any other is locked by a quote for some minutes; then the unpaid rest is quoted anew. Earlier locks are kept, because a
//! block's own time says which of them a transfer used: whoever sent in time gets what was shown.

use super::sums::MICRO_PER_MINOR;
use super::{Checkout, PaymentOption, Rate, Refused, terms};
use crate::id::QuoteId;
use crate::limits::{LOCKS_PER_OPTION_MAX_ENTRIES, RATE_LOCK_SECONDS};
use crate::payment::CountedAt;
use crate::time::Timestamp;
use core::time::Duration;

/// The quote behind a lock, and the time for which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted {
    pub quote: QuoteId,
    pub from: Timestamp,
    pub until: Timestamp,
    /// What of the price it stands for: all of it, or the rest that was unpaid then, in micro-minor units.
    pub priced_micro: u128,
}

/// A price turned into one asset, for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    pub due: u128,
    pub tag: u128,
    pub rate: Rate,
    pub quoted: Option<Quoted>,
}

impl Lock {
    /// What the payer was asked to send.
    pub const fn payable(&self) -> u128 {
        self.due.saturating_sub(self.tag)
    }

    /// True where a block of this time, in whole seconds, is within the lock or the payers' grace after it.
    fn covers(&self, block_time: Timestamp, grace_seconds: u32) -> bool {
        self.quoted.is_none_or(|quoted| {
            let block = block_time.seconds();
            quoted.from.seconds() <= block && block <= quoted.until.seconds().saturating_add(i64::from(grace_seconds))
        })
    }
}

impl PaymentOption {
    /// What is shown now.
    pub const fn lock(&self) -> Lock {
        Lock { due: self.due, tag: self.tag, rate: self.rate, quoted: self.quoted }
    }

    /// All locks, oldest first.
    pub fn locks(&self) -> impl DoubleEndedIterator<Item = Lock> + '_ {
        self.earlier.iter().copied().chain(core::iter::once(self.lock()))
    }

    /// The place among [`Self::locks`] of the one that a transfer used, and whether it was in time for it: a lock of which it is
    /// the exact amount, else the newest that had begun.
    pub(super) fn used(&self, amount: u128, block_time: Timestamp, grace_seconds: u32) -> (usize, bool) {
        if self.earlier.is_empty() {
            return (0, self.lock().covers(block_time, grace_seconds));
        }
        let locks: Vec<(usize, Lock)> = self.locks().enumerate().collect();
        let covers = |lock: &Lock| lock.covers(block_time, grace_seconds);
        let exact = locks.iter().rev().find(|(_, lock)| covers(lock) && lock.payable() == amount);
        let begun = |lock: &Lock| lock.quoted.is_none_or(|q| q.from.seconds() <= block_time.seconds());
        let newest = locks.iter().rev().find(|(_, lock)| begun(lock));
        exact.or(newest).or(locks.first()).map_or((0, false), |(at, lock)| (*at, covers(lock)))
    }

    /// True where the lock has ended and the rest must be quoted anew before anybody else is shown it.
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        self.quoted.is_some_and(|quoted| quoted.until <= now)
    }
}

/// A rate for what is still unpaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requote {
    pub option: u32,
    pub quote: QuoteId,
    pub rate: Rate,
    /// From when on: now, or the time of the block that brought a late payment.
    pub from: Timestamp,
}

impl Requote {
    /// How long a lock of a quote holds.
    pub const SPAN: Duration = Duration::from_secs(RATE_LOCK_SECONDS);
}

impl Checkout {
    /// Locks the unpaid rest at a new rate; what is pending counts as paid. Locks that nobody used and that are long over make
    /// room when there are many.
    pub(super) fn requote(&mut self, new: &Requote) -> Result<(), Refused> {
        let index = usize::try_from(new.option).unwrap_or(usize::MAX);
        let worth = self.worth(&self.pending_sums());
        let rest = self.price_micro().saturating_sub(worth.value_micro.saturating_add(worth.slack_micro));
        let option = self.options.get(index).ok_or(Refused::NothingOpen)?;
        if rest == 0 || !option.has_lapsed(new.from) {
            return Err(Refused::OldNews);
        }
        let due = terms::due_micro(rest, &new.rate, option.decimals).ok_or(Refused::NothingOpen)?;
        let ours = self.credits.iter().filter(|c| c.option == Some(new.option));
        let used: Vec<usize> = ours.map(|c| option.used(c.amount, c.block_time, self.terms.grace_seconds).0).collect();
        let Some(option) = self.options.get_mut(index) else { return Err(Refused::NothingOpen) };
        option.earlier.push(option.lock());
        if option.earlier.len() >= LOCKS_PER_OPTION_MAX_ENTRIES {
            let idle = (0..option.earlier.len()).find(|at| !used.contains(at)).ok_or(Refused::OldNews)?;
            option.earlier.remove(idle);
        }
        option.due = due;
        option.tag = 0;
        option.rate = new.rate;
        option.quoted =
            Some(Quoted { quote: new.quote, from: new.from, until: new.from.plus(Requote::SPAN), priced_micro: rest });
        Ok(())
    }

    /// At what a transfer to this option would be counted.
    pub fn counted_at(&self, option: u32, amount: u128, block_time: Timestamp) -> Option<CountedAt> {
        let option = self.options.get(usize::try_from(option).ok()?)?;
        let (at, _) = option.used(amount, block_time, self.terms.grace_seconds);
        let lock = option.locks().nth(at)?;
        let quote = lock.quoted.map(|quoted| quoted.quote);
        Some(CountedAt { rate: lock.rate, currency: self.price.currency, quote })
    }

    /// What of the price a lock stands for.
    pub(super) const fn priced_micro(&self, lock: &Lock) -> u128 {
        match lock.quoted {
            Some(quoted) => quoted.priced_micro,
            None => self.price.minor.saturating_mul(MICRO_PER_MINOR),
        }
    }
}
