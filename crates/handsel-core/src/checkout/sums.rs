//! What a checkout's credits are worth (13 section 1). Everything here is a pure function of price, terms, options and credits;
//! it decides nothing.
//!
//! The sum `S` on one lock of due `D`, which stands for `P` of the price, is worth `floor(P * 10^6 * min(S, D) / D)` micro-minor
//! units; one payment is worth the difference of its lock's sums, so that rounding errors never add up.

use super::{Checkout, Credit, ExceptionKind, LatePolicy, Lock, PaymentOption, PaymentStatus, Standing, State};
use crate::limits::LATE_WINDOW_DAYS;
use crate::money::wide::{mul_div_ceil, mul_div_floor, product};
use crate::time::Timestamp;

/// Micro-minor units in one minor unit.
pub const MICRO_PER_MINOR: u128 = 1_000_000;
const BASIS_POINTS: u128 = 10_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// How a block's time stands to a checkout's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    OnTime,
    Late,
    /// After the window in which late payments are looked at by policy.
    Cold,
}

/// What the sums on all locks are worth together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) value_micro: u128,
    /// What is forgiven without tolerance: tags, and one micro unit for each further lock.
    pub(super) slack_micro: u128,
}

impl Checkout {
    pub(super) const fn price_micro(&self) -> u128 {
        self.price.minor.saturating_mul(MICRO_PER_MINOR)
    }

    pub(super) fn option_of(&self, credit: &Credit) -> Option<&PaymentOption> {
        self.options.get(usize::try_from(credit.option?).ok()?)
    }

    /// Every lock of every option, in the order in which sums are kept.
    pub(super) fn locks(&self) -> impl Iterator<Item = Lock> + '_ {
        self.options.iter().flat_map(PaymentOption::locks)
    }

    /// The place of an option's first lock among all of them.
    fn first_lock_of(&self, option: usize) -> usize {
        self.options.iter().take(option).map(|o| o.earlier.len() + 1).sum()
    }

    /// The lock that a credit used, and its place among all of them; `None` for a transfer that no option explains.
    pub(super) fn lock_of(&self, credit: &Credit) -> Option<(usize, Lock)> {
        let option = self.option_of(credit)?;
        let (at, _) = option.used(credit.amount, credit.block_time, self.terms.grace_seconds);
        let first = self.first_lock_of(usize::try_from(credit.option?).ok()?);
        Some((first + at, option.locks().nth(at)?))
    }

    /// The worth of `sum` on one lock, at most what the lock stands for.
    pub(super) fn lock_value(&self, lock: &Lock, sum: u128) -> u128 {
        mul_div_floor(self.priced_micro(lock), sum.min(lock.due), lock.due).unwrap_or(0)
    }

    /// Sums per lock over what `counts` says of each credit.
    pub(super) fn sums(&self, counts: impl Fn(&Credit) -> u128) -> Vec<u128> {
        let mut sums = vec![0u128; self.first_lock_of(self.options.len())];
        for credit in &self.credits {
            let slot = self.lock_of(credit).and_then(|(at, _)| sums.get_mut(at));
            if let Some(sum) = slot {
                *sum = sum.saturating_add(counts(credit));
            }
        }
        sums
    }

    /// Sums of what is settled and applied.
    pub(super) fn settled_sums(&self) -> Vec<u128> {
        self.sums(|credit| match credit.standing {
            Standing::Settled { applied, .. } => applied,
            Standing::Pending | Standing::Reversed => 0,
        })
    }

    /// Sums of what is settled and applied, and of what will be once it is final.
    pub(super) fn pending_sums(&self) -> Vec<u128> {
        self.sums(|credit| match credit.standing {
            Standing::Settled { applied, .. } => applied,
            Standing::Pending if self.will_count(credit) => credit.amount,
            Standing::Pending | Standing::Reversed => 0,
        })
    }

    pub(super) fn worth(&self, sums: &[u128]) -> Worth {
        let (mut value_micro, mut slack_micro, mut locks) = (0u128, 0u128, 0u128);
        for (lock, sum) in self.locks().zip(sums).filter(|(_, sum)| **sum > 0) {
            value_micro = value_micro.saturating_add(self.lock_value(&lock, *sum));
            locks += 1;
            if lock.tag > 0 && *sum >= lock.payable() {
                let tag_worth = self.priced_micro(&lock).saturating_sub(self.lock_value(&lock, lock.payable()));
                slack_micro = slack_micro.saturating_add(tag_worth);
            }
        }
        Worth { value_micro, slack_micro: slack_micro.saturating_add(locks.saturating_sub(1)) }
    }

    /// What the price may be short of in the payer's favour.
    fn tolerance_micro(&self) -> u128 {
        let share = mul_div_floor(self.price.minor, u128::from(self.terms.tolerance_bps), BASIS_POINTS).unwrap_or(0);
        share.min(self.terms.tolerance_max_minor).saturating_mul(MICRO_PER_MINOR)
    }

    /// What is missing to the price without any tolerance; 0: exact.
    pub(super) fn shortfall_micro(&self, worth: &Worth) -> u128 {
        self.price_micro().saturating_sub(worth.value_micro.saturating_add(worth.slack_micro))
    }

    pub(super) fn covered(&self, worth: &Worth) -> bool {
        let allowance = self.tolerance_micro().max(self.written_off.saturating_mul(MICRO_PER_MINOR));
        self.shortfall_micro(worth) <= allowance
    }

    /// The sum on `lock` at which the price would be exactly covered, given the sums on all locks; at most what is due on it.
    pub(super) fn required_sum(&self, lock: &Lock, own_sum: u128, worth: &Worth) -> u128 {
        let rest = self.price_micro().saturating_sub(worth.value_micro);
        let target = self.lock_value(lock, own_sum).saturating_add(rest);
        let required = mul_div_ceil(target, lock.due, self.priced_micro(lock)).unwrap_or(lock.due);
        required.min(lock.due).max(own_sum)
    }

    /// True where `amount` on this option is worth less than one minor unit: posted and summed, but told to nobody unless
    /// it completes the sum.
    pub fn is_dust(&self, option: Option<u32>, amount: u128) -> bool {
        let option = option.and_then(|o| self.options.get(usize::try_from(o).ok()?));
        option
            .map(PaymentOption::lock)
            .is_some_and(|lock| product(self.priced_micro(&lock), amount) < product(MICRO_PER_MINOR, lock.due))
    }

    /// True where an excess is small enough for the merchant to keep.
    pub(super) fn excess_is_kept(&self, lock: &Lock, excess: u128) -> bool {
        let kept_micro = self.terms.over_dust_minor.saturating_mul(MICRO_PER_MINOR);
        product(self.priced_micro(lock), excess) <= product(kept_micro, lock.due)
    }

    /// On time or not, by the block's own clock (13 section 2), in whole seconds: anyone can recompute it.
    pub fn lateness(&self, block_time: Timestamp) -> Lateness {
        let end = self.terms.expires_at.seconds();
        let block = block_time.seconds();
        let days = i64::try_from(LATE_WINDOW_DAYS).unwrap_or(i64::MAX);
        if block <= end.saturating_add(i64::from(self.terms.grace_seconds)) {
            Lateness::OnTime
        } else if block <= end.saturating_add(days.saturating_mul(SECONDS_PER_DAY)) {
            Lateness::Late
        } else {
            Lateness::Cold
        }
    }

    /// The same for a credit: what comes after its lock has ended is late too.
    pub(super) fn lateness_on(&self, option: &PaymentOption, credit: &Credit) -> Lateness {
        match self.lateness(credit.block_time) {
            Lateness::OnTime if !self.is_in_lock(option, credit) => Lateness::Late,
            lateness => lateness,
        }
    }

    fn is_in_lock(&self, option: &PaymentOption, credit: &Credit) -> bool {
        option.used(credit.amount, credit.block_time, self.terms.grace_seconds).1
    }

    /// True where the policy takes a late payment. `Requote` does so at the rate of its time: 1:1 where the asset is pegged, and
    /// otherwise where a lock of that time is there; without one the payment is held.
    pub(super) fn accepts_late(&self, option: &PaymentOption, credit: &Credit) -> bool {
        match self.terms.late_policy {
            LatePolicy::Hold => false,
            LatePolicy::AcceptLocked => true,
            LatePolicy::Requote => self.is_in_lock(option, credit),
        }
    }

    /// True where a pending credit will be applied if nothing else comes first.
    pub(super) fn will_count(&self, credit: &Credit) -> bool {
        let Some(option) = self.option_of(credit) else { return false };
        if matches!(self.state, State::Canceled { .. }) {
            return false;
        }
        match self.lateness_on(option, credit) {
            Lateness::OnTime => true,
            Lateness::Late => self.accepts_late(option, credit),
            Lateness::Cold => false,
        }
    }

    pub(super) fn pending_covers(&self) -> bool {
        self.covered(&self.worth(&self.pending_sums()))
    }

    /// What is there: a pure function of credits, write-offs and open matters.
    pub fn payment_status(&self) -> PaymentStatus {
        let worth = self.worth(&self.settled_sums());
        if self.covered(&worth) {
            let surplus = |e: &super::Exception| matches!(e.kind, ExceptionKind::Overpaid | ExceptionKind::Duplicate);
            return if self.exceptions.iter().any(surplus) { PaymentStatus::Overpaid } else { PaymentStatus::Paid };
        }
        if worth.value_micro >= MICRO_PER_MINOR {
            return PaymentStatus::PartiallyPaid;
        }
        let pending = |c: &Credit| c.standing == Standing::Pending && self.will_count(c);
        if self.credits.iter().any(pending) { PaymentStatus::Detected } else { PaymentStatus::Unpaid }
    }

    /// What final payments brought, in minor units of the checkout's currency at the locked rates, rounded down: surplus and
    /// held payments included, transfers that no option explains left out.
    pub fn received_minor(&self) -> u128 {
        let sums = self.sums(|credit| match credit.standing {
            Standing::Settled { .. } => credit.amount,
            Standing::Pending | Standing::Reversed => 0,
        });
        let worth = |(lock, sum): (Lock, &u128)| mul_div_floor(self.priced_micro(&lock), *sum, lock.due).unwrap_or(0);
        let total = self.locks().zip(&sums).map(worth).fold(0u128, u128::saturating_add);
        // What further locks lost by rounding down belongs to the payer.
        let locks = sums.iter().filter(|s| **s > 0).count();
        let slack = u128::try_from(locks.saturating_sub(1)).unwrap_or(0);
        total.saturating_add(slack) / MICRO_PER_MINOR
    }

    /// What a payer still has to send on option `index`, atomic units, so that the price is exactly covered by what is final
    /// and what is pending; 0 where nothing is missing.
    pub fn still_due(&self, index: u32) -> u128 {
        let Some(option) = usize::try_from(index).ok().and_then(|at| self.options.get(at)) else { return 0 };
        let sums = self.pending_sums();
        let worth = self.worth(&sums);
        if self.covered(&worth) {
            return 0;
        }
        let lock = option.lock();
        if sums.iter().all(|s| *s == 0) {
            return lock.payable();
        }
        let newest = self.first_lock_of(usize::try_from(index).unwrap_or(0)) + option.earlier.len();
        let sum = sums.get(newest).copied().unwrap_or(0);
        self.required_sum(&lock, sum, &worth).saturating_sub(sum)
    }
}
