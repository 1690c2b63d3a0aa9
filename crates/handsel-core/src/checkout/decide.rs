//! How a checkout changes: one command, one decision (13 section 3). What is told to the merchant follows from the change and
//! from nothing else; `Complete` is never left, and `checkout.completed` goes out at most once.

use super::lock::Requote;
use super::sums::{Lateness, MICRO_PER_MINOR};
use super::{Checkout, Credit, Exception, ExceptionKind, PaymentOption, Standing, State};
use crate::event::Kind;
use crate::id::PaymentId;
use crate::limits::{CHECKOUT_EXPIRES_MAX_SECONDS, TAG_COOLDOWN_DAYS};
use crate::payment::Outcome;
use crate::planted::{self, Bug};
use crate::time::Timestamp;
use core::fmt;
use core::time::Duration;

/// What happens to a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A transfer to one of its addresses is in the canonical chain; again after a re-inclusion.
    Seen {
        payment: PaymentId,
        option: Option<u32>,
        amount: u128,
        block_time: Timestamp,
    },
    /// The payment is final by its policy: what was it? `wrong` says why no option explains it, `seen_at` is when it was first
    /// seen (decides after a cancel).
    Settled {
        payment: PaymentId,
        wrong: Option<Outcome>,
        seen_at: Timestamp,
    },
    /// The chain took the payment back.
    Reversed {
        payment: PaymentId,
    },
    /// The timer: every offered network's cursor has passed the end and its grace.
    Expire,
    /// The merchant ends it now: `expires_at` becomes now, and the payers' grace runs from there.
    ExpireNow,
    Cancel,
    /// Open: so much longer. Expired: open again for so long from now.
    Extend {
        seconds: u64,
    },
    Resolve(Resolution),
    /// A quote for what is still unpaid, after its lock has ended.
    Requote(Requote),
}

/// What an operator makes of the open matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Held late payments are applied at their lock, what is still missing is written off.
    AcceptAsPaid,
    /// What is held or too much goes back to its payer: the matters are closed here, the merchant pays back.
    Refund,
    /// The claims are dropped.
    Ignore,
}

/// What a payment turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    pub payment: PaymentId,
    pub outcome: Outcome,
    /// Atomic units that count towards the price; 0: the payment is rejected (held).
    pub applied: u128,
    /// Their worth in micro-minor units.
    pub value_micro: u128,
}

/// One decision: the new checkout (its version raised by one), what to tell, and what it means for payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub checkout: Checkout,
    pub events: Vec<Kind>,
    pub rulings: Vec<Ruling>,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Payments that would cover it are being confirmed.
    Processing,
    /// Not in this state; what is possible instead.
    State { is: &'static str, allowed: &'static [&'static str] },
    /// Its end has not come.
    NotDue,
    /// It would stay open for longer than a checkout may.
    TooLong,
    /// Its unique amount may be another checkout's by now.
    AmountReleased,
    /// There is no open matter that this resolves.
    NothingOpen,
    /// The payment is not one of its credits.
    UnknownPayment,
    /// The credit is not in the standing that the command is about: the fact is old news.
    OldNews,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processing => {
                f.write_str("payments that cover this checkout are being confirmed: wait for their outcome")
            }
            Self::State { is, allowed: [] } => {
                write!(f, "the checkout is {is}; nothing can change that")
            }
            Self::State { is, allowed } => write!(f, "the checkout is {is}; possible now: {}", allowed.join(", ")),
            Self::NotDue => f.write_str("the checkout has not reached its end yet"),
            Self::TooLong => f.write_str("a checkout stays open for at most 30 days from now: extend it by less"),
            Self::AmountReleased => f.write_str(
                "this checkout expired so long ago that its unique amount was given up: create a new checkout",
            ),
            Self::NothingOpen => f.write_str("the checkout has no open exception that this action resolves"),
            Self::UnknownPayment => f.write_str("the payment does not belong to this checkout"),
            Self::OldNews => f.write_str("the checkout knows that about the payment already"),
        }
    }
}
impl std::error::Error for Refused {}

impl State {
    /// The public name (02).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Processing => "processing",
            Self::Complete { .. } => "complete",
            Self::Expired { .. } => "expired",
            Self::Canceled { .. } => "canceled",
        }
    }
    const fn allowed(&self) -> &'static [&'static str] {
        match self {
            Self::Open => &["expire", "cancel", "extend", "resolve"],
            Self::Processing => &["extend"],
            Self::Complete { .. } | Self::Canceled { .. } => &["resolve"],
            Self::Expired { .. } => &["extend", "resolve"],
        }
    }
    const fn refuse(&self) -> Refused {
        match self {
            Self::Processing => Refused::Processing,
            other => Refused::State { is: other.name(), allowed: other.allowed() },
        }
    }
}

impl Checkout {
    /// Decides one command at `now`.
    pub fn apply(mut self, command: Command, now: Timestamp) -> Result<Step, Refused> {
        let mut events = Vec::new();
        let mut rulings = Vec::new();
        match command {
            Command::Seen { payment, option, amount, block_time } => {
                self.see(Credit { payment, option, amount, block_time, standing: Standing::Pending })?;
                self.review(now, &mut events);
            }
            Command::Settled { payment, wrong, seen_at } => {
                rulings.push(self.settle(payment, wrong, seen_at, now, &mut events)?);
            }
            Command::Requote(new) => {
                self.requote(&new)?;
                self.review(now, &mut events);
            }
            Command::Reversed { payment } => self.reverse(payment, now, &mut events)?,
            Command::Expire | Command::ExpireNow | Command::Cancel => self.end(command, now, &mut events)?,
            Command::Extend { seconds } => self.extend(seconds, now, &mut events)?,
            Command::Resolve(Resolution::AcceptAsPaid) => self.accept_as_paid(now, &mut events, &mut rulings)?,
            Command::Resolve(action) => {
                self.close_matters(action)?;
                events.push(Kind::CheckoutResolved);
            }
        }
        self.version = self.version.saturating_add(1);
        Ok(Step { checkout: self, events, rulings })
    }

    fn see(&mut self, seen: Credit) -> Result<(), Refused> {
        let Some(known) = self.credits.iter_mut().find(|c| c.payment == seen.payment) else {
            self.credits.push(seen);
            return Ok(());
        };
        if known.standing != Standing::Reversed {
            return Err(Refused::OldNews);
        }
        // Lateness goes by the earliest recorded inclusion: a reorg makes nobody late.
        known.block_time = known.block_time.min(seen.block_time);
        known.standing = Standing::Pending;
        self.exceptions.retain(|e| !(e.kind == ExceptionKind::Reorged && e.payment == Some(seen.payment)));
        Ok(())
    }

    fn settle(
        &mut self,
        payment: PaymentId,
        wrong: Option<Outcome>,
        seen_at: Timestamp,
        now: Timestamp,
        events: &mut Vec<Kind>,
    ) -> Result<Ruling, Refused> {
        let at = self.credits.iter().position(|c| c.payment == payment).ok_or(Refused::UnknownPayment)?;
        let credit = *self.credits.get(at).ok_or(Refused::UnknownPayment)?;
        if credit.standing != Standing::Pending {
            return Err(Refused::OldNews);
        }
        let covered_before = self.covered(&self.worth(&self.settled_sums()));
        let option = self.option_of(&credit).cloned();
        let ruling = match (option, wrong) {
            (None, _) | (_, Some(_)) => hold(&credit, wrong.unwrap_or(Outcome::WrongAsset)),
            (Some(_), None) if covered_before => hold(&credit, Outcome::Duplicate),
            (Some(option), None) => match self.lateness_of(&option, &credit, seen_at) {
                Lateness::OnTime => self.take(&credit, now, events),
                Lateness::Late if self.accepts_late(&option, &credit) && !self.is_canceled() => {
                    events.push(Kind::CheckoutLatePayment);
                    Ruling { outcome: Outcome::Late, ..self.take(&credit, now, events) }
                }
                Lateness::Late => hold(&credit, Outcome::Late),
                Lateness::Cold => hold(&credit, Outcome::LateCold),
            },
        };
        self.rule(at, &ruling);
        let quiet = self.is_dust(credit.option, credit.amount);
        if ruling.applied == 0 && !quiet {
            self.open_held(&credit, ruling.outcome, now, events);
        }
        let fresh_under = ruling.applied > 0 && !quiet;
        self.review_settled(fresh_under, now, events);
        Ok(ruling)
    }

    const fn is_canceled(&self) -> bool {
        matches!(self.state, State::Canceled { .. })
    }

    /// After a cancel everything that was first seen later is late; else the block's clock decides.
    fn lateness_of(&self, option: &PaymentOption, credit: &Credit, seen_at: Timestamp) -> Lateness {
        match (self.state, self.lateness_on(option, credit)) {
            (State::Canceled { at }, Lateness::OnTime) if seen_at >= at => Lateness::Late,
            (_, lateness) => lateness,
        }
    }

    fn rule(&mut self, at: usize, ruling: &Ruling) {
        if let Some(credit) = self.credits.get_mut(at) {
            let Ruling { outcome, applied, value_micro, .. } = *ruling;
            credit.standing = Standing::Settled { outcome, applied, value_micro };
        }
    }

    /// Applies a credit to the price: how much of it counts, what that is worth, and what it makes of the checkout.
    fn take(&mut self, credit: &Credit, now: Timestamp, events: &mut Vec<Kind>) -> Ruling {
        let Some((index, lock)) = self.lock_of(credit) else { return hold(credit, Outcome::WrongAsset) };
        let mut sums = self.settled_sums();
        let before = self.worth(&sums);
        let own = sums.get(index).copied().unwrap_or(0);
        let applied = credit.amount.min(self.required_sum(&lock, own, &before).saturating_sub(own));
        let excess = credit.amount.saturating_sub(applied);
        if let Some(sum) = sums.get_mut(index) {
            *sum = sum.saturating_add(applied);
        }
        let after = self.worth(&sums);
        let value_micro =
            self.lock_value(&lock, own.saturating_add(applied)).saturating_sub(self.lock_value(&lock, own));
        let short = self.shortfall_micro(&after);
        let outcome = if !self.covered(&after) {
            Outcome::Under
        } else if excess > 0 && !self.excess_is_kept(&lock, excess) {
            self.open(ExceptionKind::Overpaid, excess, Some(credit.payment), now);
            Outcome::Over
        } else if excess > 0 || short > 0 {
            self.written_off = self.written_off.max(short.div_ceil(MICRO_PER_MINOR));
            Outcome::WithinTolerance
        } else {
            Outcome::Exact
        };
        self.complete_if(outcome != Outcome::Under, now, events);
        if outcome == Outcome::Over {
            events.push(Kind::CheckoutOverpaid);
        }
        Ruling { payment: credit.payment, outcome, applied, value_micro }
    }

    fn complete_if(&mut self, covered: bool, now: Timestamp, events: &mut Vec<Kind>) {
        if !covered {
            return;
        }
        self.exceptions.retain(|e| !matches!(e.kind, ExceptionKind::Underpaid | ExceptionKind::Reorged));
        if !matches!(self.state, State::Complete { .. }) || planted::is(Bug::CompletedTwice) {
            self.state = State::Complete { at: now };
            events.push(Kind::CheckoutCompleted);
        }
    }

    /// Opens the matter of a payment of which nothing was applied.
    fn open_held(&mut self, credit: &Credit, outcome: Outcome, now: Timestamp, events: &mut Vec<Kind>) {
        let (kind, told): (ExceptionKind, &[Kind]) = match outcome {
            Outcome::Duplicate => (ExceptionKind::Duplicate, &[Kind::CheckoutDuplicatePayment, Kind::CheckoutOverpaid]),
            Outcome::WrongAsset => (ExceptionKind::WrongAsset, &[Kind::CheckoutWrongAsset]),
            Outcome::WrongNetwork => (ExceptionKind::WrongNetwork, &[Kind::CheckoutWrongNetwork]),
            _ => (ExceptionKind::Late, &[Kind::CheckoutLatePayment]),
        };
        self.open(kind, credit.amount, Some(credit.payment), now);
        events.extend_from_slice(told);
    }

    fn open(&mut self, kind: ExceptionKind, amount: u128, payment: Option<PaymentId>, now: Timestamp) {
        self.exceptions.push(Exception { kind, amount, payment, created: now });
    }

    fn reverse(&mut self, payment: PaymentId, now: Timestamp, events: &mut Vec<Kind>) -> Result<(), Refused> {
        let at = self.credits.iter().position(|c| c.payment == payment).ok_or(Refused::UnknownPayment)?;
        let credit = *self.credits.get(at).ok_or(Refused::UnknownPayment)?;
        let counted = match credit.standing {
            Standing::Reversed => return Err(Refused::OldNews),
            Standing::Settled { applied, .. } => applied > 0,
            Standing::Pending => credit.option.is_some(),
        };
        if let Some(credit) = self.credits.get_mut(at) {
            credit.standing = Standing::Reversed;
        }
        self.exceptions.retain(|e| e.payment != Some(payment) || e.kind == ExceptionKind::Underpaid);
        if !self.is_dust(credit.option, credit.amount) {
            events.push(Kind::CheckoutReorged);
            if counted && !self.covered(&self.worth(&self.settled_sums())) {
                self.open(ExceptionKind::Reorged, credit.amount, Some(payment), now);
            }
        }
        self.review(now, events);
        Ok(())
    }

    /// Brings state and the underpaid matter in line with the sums, after anything but a settlement.
    fn review(&mut self, now: Timestamp, events: &mut Vec<Kind>) {
        self.review_settled(false, now, events);
    }

    fn review_settled(&mut self, fresh_under: bool, now: Timestamp, events: &mut Vec<Kind>) {
        let worth = self.worth(&self.settled_sums());
        if self.covered(&worth) {
            // The last bit may have been dust, or the cover may have come back.
            let paid = worth.value_micro > 0;
            self.complete_if(paid, now, events);
            return;
        }
        match (self.state, self.pending_covers()) {
            (State::Open | State::Expired { .. }, true) => {
                self.state = State::Processing;
                events.push(Kind::CheckoutProcessing);
            }
            (State::Processing, false) => self.state = State::Open,
            _ => {}
        }
        self.review_underpaid(fresh_under, worth.value_micro, now, events);
    }

    /// A final sum that is short is an open matter, unless what is pending will fill it (or the merchant was told `complete`).
    fn review_underpaid(&mut self, fresh: bool, value_micro: u128, now: Timestamp, events: &mut Vec<Kind>) {
        let known = self.exceptions.iter().position(|e| e.kind == ExceptionKind::Underpaid);
        let matters =
            !matches!(self.state, State::Processing | State::Complete { .. }) && value_micro >= MICRO_PER_MINOR;
        if !matters {
            self.exceptions.retain(|e| e.kind != ExceptionKind::Underpaid);
            return;
        }
        let amount = self.price_micro().saturating_sub(value_micro).div_ceil(MICRO_PER_MINOR);
        let settled = |c: &&Credit| matches!(c.standing, Standing::Settled { applied, .. } if applied > 0);
        let payment = self.credits.iter().rev().find(settled).map(|c| c.payment);
        match known.and_then(|at| self.exceptions.get_mut(at)) {
            Some(exception) => {
                exception.amount = amount;
                exception.payment = payment;
            }
            None => self.open(ExceptionKind::Underpaid, amount, payment, now),
        }
        if fresh || known.is_none() {
            events.push(Kind::CheckoutUnderpaid);
        }
    }

    fn end(&mut self, command: Command, now: Timestamp, events: &mut Vec<Kind>) -> Result<(), Refused> {
        if self.state != State::Open {
            return Err(self.state.refuse());
        }
        let grace = Duration::from_secs(u64::from(self.terms.grace_seconds));
        match command {
            Command::Expire if now <= self.terms.expires_at.plus(grace) => return Err(Refused::NotDue),
            Command::Cancel => {
                self.state = State::Canceled { at: now };
                events.push(Kind::CheckoutCanceled);
            }
            _ => {
                self.terms.expires_at = self.terms.expires_at.min(now);
                self.state = State::Expired { at: now };
                events.push(Kind::CheckoutExpired);
            }
        }
        Ok(())
    }

    fn extend(&mut self, seconds: u64, now: Timestamp, events: &mut Vec<Kind>) -> Result<(), Refused> {
        let span = Duration::from_secs(seconds);
        let until = match self.state {
            State::Open | State::Processing => self.terms.expires_at.plus(span),
            State::Expired { .. } if self.amount_released(now) => return Err(Refused::AmountReleased),
            State::Expired { .. } => now.plus(span),
            State::Complete { .. } | State::Canceled { .. } => return Err(self.state.refuse()),
        };
        if until > now.plus(Duration::from_secs(CHECKOUT_EXPIRES_MAX_SECONDS)) {
            return Err(Refused::TooLong);
        }
        self.terms.expires_at = until;
        if self.state != State::Processing {
            self.state = State::Open;
        }
        self.review(now, events);
        Ok(())
    }

    /// True where an amount that told this checkout apart is not kept for it any more.
    fn amount_released(&self, now: Timestamp) -> bool {
        let kept = Duration::from_secs(TAG_COOLDOWN_DAYS * 86_400);
        self.options.iter().any(|o| o.derivation.is_none()) && self.terms.expires_at.plus(kept) <= now
    }

    fn accept_as_paid(
        &mut self,
        now: Timestamp,
        events: &mut Vec<Kind>,
        rulings: &mut Vec<Ruling>,
    ) -> Result<(), Refused> {
        let undone = |e: &Exception| matches!(e.kind, ExceptionKind::Reorged | ExceptionKind::Returned);
        match self.state {
            State::Processing => return Err(Refused::Processing),
            State::Complete { .. } if !self.exceptions.iter().any(undone) => return Err(self.state.refuse()),
            _ => events.push(Kind::CheckoutResolved),
        }
        for at in 0..self.credits.len() {
            if self.covered(&self.worth(&self.settled_sums())) {
                break;
            }
            let Some(credit) = self.credits.get(at).copied() else { break };
            let Standing::Settled { outcome, applied: 0, .. } = credit.standing else { continue };
            if self.option_of(&credit).is_none() {
                continue;
            }
            self.exceptions.retain(|e| e.payment != Some(credit.payment));
            let mut ruling = self.take(&credit, now, events);
            if matches!(outcome, Outcome::Late | Outcome::LateCold) {
                ruling.outcome = outcome;
            }
            self.rule(at, &ruling);
            rulings.push(ruling);
        }
        let worth = self.worth(&self.settled_sums());
        if !self.covered(&worth) {
            self.written_off = self.shortfall_micro(&worth).div_ceil(MICRO_PER_MINOR);
        }
        self.exceptions.retain(|e| {
            use ExceptionKind::{Reorged, Returned, Underpaid, WrongAsset, WrongNetwork};
            !matches!(e.kind, Underpaid | Reorged | Returned | WrongAsset | WrongNetwork)
        });
        self.complete_if(true, now, events);
        Ok(())
    }

    /// Closes what a refund or an ignore closes; a partial payment can be given back only once the checkout has ended.
    fn close_matters(&mut self, action: Resolution) -> Result<(), Refused> {
        let ended = matches!(self.state, State::Expired { .. } | State::Canceled { .. });
        let before = self.exceptions.len();
        self.exceptions.retain(|e| match e.kind {
            ExceptionKind::Overpaid
            | ExceptionKind::Duplicate
            | ExceptionKind::Late
            | ExceptionKind::WrongAsset
            | ExceptionKind::WrongNetwork => false,
            ExceptionKind::Underpaid => !(ended && action == Resolution::Refund),
            ExceptionKind::Reorged | ExceptionKind::Returned => true,
        });
        if self.exceptions.len() == before { Err(Refused::NothingOpen) } else { Ok(()) }
    }
}

/// Nothing of the credit is applied.
const fn hold(credit: &Credit, outcome: Outcome) -> Ruling {
    Ruling { payment: credit.payment, outcome, applied: 0, value_micro: 0 }
}
