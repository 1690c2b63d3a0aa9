//! What blocks make of payments and checkouts: one pure function over what was loaded, in the order in which it happened.
//!
//! First what the chain took back (newest first), then what it added (oldest first), then what became final. The same payment
//! that comes back in another block is told as reversed and detected. Nothing is read here; what is missing is an error, and
//! after an error the world is not to be used.

use super::book::Match;
use crate::chain::{BlockHash, Header, Network, Token, Transfer};
use crate::checkout::{self, Checkout, Ruling};
use crate::event::Kind;
use crate::id::{AccountId, CheckoutId, PaymentId};
use crate::limits::BLOCK_SKEW_MAX_SECONDS;
use crate::money::power_of_ten;
use crate::payment::{self, Inclusion, Outcome, Payment, Policy, State};
use crate::planted::{self, Bug};
use crate::time::Timestamp;
use core::fmt;
use std::collections::{BTreeSet, HashMap, HashSet};

/// One move of one chain.
#[derive(Debug, Clone)]
pub struct BlockFacts<'a> {
    pub network: &'a Network,
    pub live: bool,
    /// The new tip.
    pub tip: Header,
    /// The highest finalized block's number.
    pub finalized: u64,
    /// Blocks that became canonical, oldest first.
    pub added: &'a [AddedBlock],
    /// Blocks that left the canonical chain.
    pub orphaned: &'a [BlockHash],
    /// An operator named this branch, also against blocks that were final: payments in those stay as they were told.
    pub named: bool,
    pub now: Timestamp,
}

/// A block with those of its transfers that the address book knew, in log order.
#[derive(Debug, Clone)]
pub struct AddedBlock {
    pub header: Header,
    pub transfers: Vec<Matched>,
}

#[derive(Debug, Clone, Copy)]
pub struct Matched {
    pub transfer: Transfer,
    pub to: Match,
}

/// What was loaded: the network's unfinal payments, and all that [`needed`] names and that exists; with every payment also its
/// checkout. More does no harm.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub checkouts: HashMap<CheckoutId, Checkout>,
    pub payments: HashMap<PaymentId, Payment>,
}

/// What must be looked up for the added blocks, beside the network's unfinal payments and their checkouts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    pub checkouts: BTreeSet<CheckoutId>,
    /// These may not exist yet: then they are new.
    pub payments: BTreeSet<PaymentId>,
}

/// An object as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    Checkout(Checkout),
    Payment(Payment),
}

/// One event to be: what happened, to what (as it was right after), and how it was before (`None`: it is new). All snapshots of
/// one object in one settlement bear the same version, the one that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    pub kind: Kind,
    pub object: Object,
    pub before: Option<Object>,
}

/// Something that an operator should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// A payment that was told as succeeded is gone (13 row 25).
    ReversedAfterSuccess { payment: PaymentId, checkout: Option<CheckoutId> },
    /// A transfer of more than 128 bits: not posted.
    Oversized { account: AccountId, transfer: Transfer },
    /// A transfer of a token whose contract states other decimals than are configured: not posted.
    Distrusted { account: AccountId, transfer: Transfer },
}

/// What the blocks changed. The values are in the world; ids are in the order of their first change.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    pub inserted_payments: Vec<PaymentId>,
    pub updated_payments: Vec<PaymentId>,
    pub updated_checkouts: Vec<CheckoutId>,
    pub happenings: Vec<Happening>,
    pub incidents: Vec<Incident>,
    /// Transfers to our addresses that are nobody's payment: zero values, unknown tokens, own sweeps, dust.
    pub ignored: u64,
}

impl Settlement {
    /// True where nothing has to be written but the cursor.
    pub fn is_empty(&self) -> bool {
        self.inserted_payments.is_empty() && self.updated_payments.is_empty() && self.updated_checkouts.is_empty()
    }
}

/// Why nothing could be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleError {
    /// Not loaded, or not there: load it and ask again.
    MissingCheckout(CheckoutId),
    /// A finalized payment lost its block: the chain must halt.
    BelowFinality(PaymentId),
}

impl fmt::Display for SettleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingCheckout(id) => write!(f, "{id} was not loaded"),
            Self::BelowFinality(id) => write!(f, "{id} was finalized and lost its block"),
        }
    }
}
impl std::error::Error for SettleError {}

/// Names what [`settle`] will want to know of the added blocks.
pub fn needed(facts: &BlockFacts<'_>) -> Needed {
    let caip2 = facts.network.caip2();
    let mut needed = Needed::default();
    for matched in facts.added.iter().flat_map(|b| &b.transfers) {
        let Some((account, checkout)) = matched.to.payee() else { continue };
        needed.checkouts.extend(checkout);
        needed.payments.insert(payment::identity(facts.live, account, &caip2, &matched.transfer));
    }
    needed
}

/// Decides everything that `facts` change in `world`.
pub fn settle(facts: &BlockFacts<'_>, world: &mut World) -> Result<Settlement, SettleError> {
    let mut run =
        Run { facts, caip2: facts.network.caip2(), world, out: Settlement::default(), versions: HashMap::new() };
    run.take_back()?;
    for block in facts.added {
        for matched in &block.transfers {
            run.receive(&block.header, matched)?;
        }
    }
    run.advance()?;
    Ok(run.out)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum ObjectId {
    Checkout(CheckoutId),
    Payment(PaymentId),
}

struct Run<'a> {
    facts: &'a BlockFacts<'a>,
    caip2: String,
    world: &'a mut World,
    out: Settlement,
    /// The version that each changed object is written with.
    versions: HashMap<ObjectId, u64>,
}

impl Run<'_> {
    /// Reverses the payments of orphaned blocks, newest first.
    fn take_back(&mut self) -> Result<(), SettleError> {
        if planted::is(Bug::NoRollback) {
            return Ok(());
        }
        let gone: HashSet<BlockHash> = self.facts.orphaned.iter().copied().collect();
        let in_gone = |p: &&Payment| p.state.inclusion().is_some_and(|b| gone.contains(&b.hash));
        let mut ids = self.in_block_order(in_gone);
        ids.reverse();
        ids.into_iter().try_for_each(|id| self.reverse(id))
    }

    /// Payments of this network that `wanted` picks, by place in the chain.
    fn in_block_order(&self, wanted: impl Fn(&&Payment) -> bool) -> Vec<PaymentId> {
        let here = |p: &&Payment| p.network == self.facts.network.name;
        let picked = self.world.payments.values().filter(here).filter(wanted);
        let mut places: Vec<(u64, u64, PaymentId)> =
            picked.filter_map(|p| p.state.inclusion().map(|b| (b.number, b.log_index, p.id))).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, _, id)| id).collect()
    }

    fn reverse(&mut self, id: PaymentId) -> Result<(), SettleError> {
        let Some(before) = self.world.payments.get(&id).cloned() else { return Ok(()) };
        let step = match before.clone().apply(payment::Command::Orphaned, self.facts.now) {
            Ok(step) => step,
            Err(payment::Refused::BelowFinality) if self.facts.named => return Ok(()),
            Err(payment::Refused::BelowFinality) => return Err(SettleError::BelowFinality(id)),
            Err(payment::Refused::OldNews) => return Ok(()),
        };
        if matches!(before.state, State::Succeeded { .. }) {
            self.out.incidents.push(Incident::ReversedAfterSuccess { payment: id, checkout: before.checkout });
        }
        let change = self.decide(before.checkout, checkout::Command::Reversed { payment: id })?;
        self.tell_both(before, step, change);
        Ok(())
    }

    /// One transfer of an added block.
    fn receive(&mut self, header: &Header, matched: &Matched) -> Result<(), SettleError> {
        let matched = &self.unless_older(header, matched)?;
        let transfer = &matched.transfer;
        if let Match::Oversized { account } = matched.to {
            self.out.incidents.push(Incident::Oversized { account, transfer: *transfer });
        }
        if let Match::Distrusted { account } = matched.to {
            self.out.incidents.push(Incident::Distrusted { account, transfer: *transfer });
        }
        let (Some((account, checkout)), Some(amount)) = (matched.to.payee(), transfer.atomic()) else {
            self.out.ignored += u64::from(matched.to != Match::Nobody);
            return Ok(());
        };
        let amount = if planted::is(Bug::SixtyFourBits) { amount & u128::from(u64::MAX) } else { amount };
        let expired = |id| matches!(self.checkout(id).map(|c| c.state), Ok(checkout::State::Expired { .. }));
        if planted::is(Bug::LateIsInvisible) && checkout.is_some_and(expired) {
            return Ok(());
        }
        let block = Inclusion {
            hash: header.hash,
            number: header.number,
            time: Timestamp::from_seconds(i64::try_from(header.time_seconds).unwrap_or(i64::MAX)),
            log_index: transfer.block_log_index,
        };
        let mut id = payment::identity(self.facts.live, account, &self.caip2, transfer);
        if planted::is(Bug::NewIdPerBlock) {
            id = PaymentId::from_bits(id.bits() ^ u128::from(header.hash.0[0]));
        }
        let other = |p: &Payment| p.tx == transfer.tx && p.id != id;
        if planted::is(Bug::OneTransferPerTransaction) && self.world.payments.values().any(other) {
            return Ok(());
        }
        if let Some(known) = self.world.payments.get(&id) {
            let held_by = known.state.inclusion().map(|b| b.hash);
            return match held_by {
                Some(hash) if hash == header.hash => Ok(()),
                // Final on a branch that an operator left: credited once, and told for good.
                Some(_) if known.state.finalized() => Ok(()),
                // Nobody told us that its block is gone, yet here it is again: the chain's word counts.
                Some(_) => self.reverse(id).and_then(|()| self.include_again(id, block, matched)),
                None => self.include_again(id, block, matched),
            };
        }
        if self.is_foreign_dust(matched, amount) {
            self.out.ignored += 1;
            return Ok(());
        }
        let payment = self.observed(id, (account, checkout), block, matched, amount)?;
        self.detect(None, payment)
    }

    /// A shared address lends its amounts again and again, and after an outage blocks come late: what is in a block from before
    /// the checkout was sent to somebody who had the amount earlier. A block's time may lag a little behind ours.
    fn unless_older(&self, header: &Header, matched: &Matched) -> Result<Matched, SettleError> {
        let Match::Option { account, checkout, option } = matched.to else { return Ok(*matched) };
        let checkout = self.checkout(checkout)?;
        let lent = usize::try_from(option).ok().and_then(|at| checkout.options.get(at)?.derivation).is_none();
        let created = u64::try_from(checkout.created.seconds()).unwrap_or(0);
        let older = header.time_seconds.saturating_add(BLOCK_SKEW_MAX_SECONDS) < created;
        Ok(if lent && older { Matched { to: Match::Unmatched { account }, ..*matched } } else { *matched })
    }

    fn include_again(&mut self, id: PaymentId, block: Inclusion, matched: &Matched) -> Result<(), SettleError> {
        let Some(before) = self.world.payments.get(&id).cloned() else { return Ok(()) };
        let wrong = match (before.option, before.checkout) {
            (Some(_), _) => None,
            (None, None) => Some(Outcome::Unmatched),
            (None, Some(_)) => Some(wrong_outcome(&matched.to).unwrap_or(Outcome::WrongAsset)),
        };
        match before.clone().apply(payment::Command::Included { block, wrong }, self.facts.now) {
            Ok(step) => self.detect(Some(before), step.payment),
            Err(_) => Ok(()),
        }
    }

    /// Tells of a payment that a block holds now, for the first time or again.
    fn detect(&mut self, before: Option<Payment>, payment: Payment) -> Result<(), SettleError> {
        let Some(block) = payment.state.inclusion().copied() else { return Ok(()) };
        let seen = checkout::Command::Seen {
            payment: payment.id,
            option: payment.option,
            amount: payment.amount,
            block_time: block.time,
        };
        let change = self.decide(payment.checkout, seen)?;
        let step = payment::Step { payment, event: Some(Kind::PaymentDetected) };
        match before {
            Some(before) => self.tell_both(before, step, change),
            None => self.tell_new(step.payment, change),
        }
        Ok(())
    }

    /// A payment as it is first seen.
    fn observed(
        &self,
        id: PaymentId,
        (account, checkout): (AccountId, Option<CheckoutId>),
        block: Inclusion,
        matched: &Matched,
        amount: u128,
    ) -> Result<Payment, SettleError> {
        let network = self.facts.network;
        let transfer = &matched.transfer;
        let checkout = checkout.map(|id| self.checkout(id)).transpose()?;
        let option = match matched.to {
            Match::Option { option, .. } => Some(option),
            _ => None,
        };
        let lock = checkout.zip(option).and_then(|(c, o)| c.options.get(usize::try_from(o).ok()?));
        let token = network.token_at(transfer.token);
        let policy = Policy::choose(network, checkout.map(|c| c.price));
        Ok(Payment {
            id,
            account,
            created: self.facts.now,
            version: 1,
            checkout: checkout.map(|c| c.id),
            option,
            network: network.name.clone(),
            kind: network.kind,
            chain_id: network.chain_id,
            asset: lock.map(|l| l.asset.clone()).or(token.map(|t| t.asset.clone())).unwrap_or_default(),
            token: transfer.token,
            decimals: lock.map(|l| l.decimals).or(token.map(|t| t.decimals)).unwrap_or(0),
            amount,
            tx: transfer.tx,
            tx_position: transfer.tx_position,
            from: transfer.from,
            to: transfer.to,
            applied: 0,
            value_micro: 0,
            required_confirmations: policy.confirmations,
            required_seconds: policy.seconds,
            requires_finalized: policy.finalized,
            outcome: wrong_outcome(&matched.to),
            state: State::Detected { block },
            rate: checkout.zip(option).and_then(|(c, o)| c.counted_at(o, amount, block.time)),
            detected_at: self.facts.now,
            metadata: Vec::new(),
        })
    }

    /// Less than one minor unit of a pegged asset, to nobody's option: no payment (13 "dust").
    fn is_foreign_dust(&self, matched: &Matched, amount: u128) -> bool {
        let minor_unit = |token: &Token| {
            let currency = token.pegged_to?;
            power_of_ten(token.decimals.checked_sub(currency.exponent())?)
        };
        let token = self.facts.network.token_at(matched.transfer.token);
        !matches!(matched.to, Match::Option { .. }) && token.and_then(minor_unit).is_some_and(|unit| amount < unit)
    }

    /// Moves every payment of the network on to the new tip, in block order: first to settle counts first.
    fn advance(&mut self) -> Result<(), SettleError> {
        let waits = |p: &&Payment| p.state.inclusion().is_some() && !p.state.finalized();
        for id in self.in_block_order(waits) {
            self.bury(id);
            self.rule(id)?;
            self.finalize(id);
        }
        Ok(())
    }

    /// The payment, where `wanted` says so of it: most payments of most blocks want nothing.
    fn payment_if(&self, id: PaymentId, wanted: impl Fn(&Payment) -> bool) -> Option<Payment> {
        self.world.payments.get(&id).filter(|p| wanted(p)).cloned()
    }

    fn bury(&mut self, id: PaymentId) {
        let Some(before) = self.payment_if(id, |p| matches!(p.state, State::Detected { .. })) else { return };
        let tip = payment::Command::Tip { number: self.facts.tip.number };
        if let Ok(step) = before.clone().apply(tip, self.facts.now) {
            self.tell_both(before, step, None);
        }
    }

    fn rule(&mut self, id: PaymentId) -> Result<(), SettleError> {
        let (tip, finalized) = (self.facts.tip, self.facts.finalized);
        let ripe = |p: &Payment| {
            matches!(p.state, State::Detected { .. } | State::Confirming { .. }) && p.is_final(&tip, finalized)
        };
        let Some(before) = self.payment_if(id, ripe) else { return Ok(()) };
        let wrong = before.wrong();
        let settled = checkout::Command::Settled { payment: id, wrong, seen_at: before.detected_at };
        let change = self.decide(before.checkout, settled)?;
        let held = Ruling { payment: id, outcome: wrong.unwrap_or(Outcome::Unmatched), applied: 0, value_micro: 0 };
        let ruling = change.as_ref().and_then(|c| c.1.rulings.first().copied()).unwrap_or(held);
        let finalized = self.is_covered(&before);
        if let Ok(step) = before.clone().apply(payment::Command::Ruled { ruling, finalized }, self.facts.now) {
            self.tell_both(before, step, change);
        }
        Ok(())
    }

    /// True where the chain's own finality covers the payment's block.
    fn is_covered(&self, payment: &Payment) -> bool {
        payment.state.inclusion().is_some_and(|b| b.number <= self.facts.finalized)
    }

    fn finalize(&mut self, id: PaymentId) {
        let Some(before) = self.payment_if(id, |p| self.is_covered(p) && !p.state.finalized()) else { return };
        if let Ok(step) = before.clone().apply(payment::Command::Finalized, self.facts.now) {
            self.tell_both(before, step, None);
        }
    }

    fn checkout(&self, id: CheckoutId) -> Result<&Checkout, SettleError> {
        self.world.checkouts.get(&id).ok_or(SettleError::MissingCheckout(id))
    }

    /// What a checkout makes of a command: how it was, and its step. `None`: there is none, or it is no news to it.
    fn decide(
        &self,
        id: Option<CheckoutId>,
        command: checkout::Command,
    ) -> Result<Option<(Checkout, checkout::Step)>, SettleError> {
        let Some(id) = id else { return Ok(None) };
        let before = self.checkout(id)?.clone();
        Ok(before.clone().apply(command, self.facts.now).ok().map(|step| (before, step)))
    }

    fn tell_new(&mut self, payment: Payment, change: Option<(Checkout, checkout::Step)>) {
        self.versions.insert(ObjectId::Payment(payment.id), payment.version);
        self.out.inserted_payments.push(payment.id);
        if !self.is_quiet(&payment, &change) {
            let object = Object::Payment(payment.clone());
            self.out.happenings.push(Happening { kind: Kind::PaymentDetected, object, before: None });
        }
        self.world.payments.insert(payment.id, payment);
        self.tell_checkout(change);
    }

    /// Writes a payment's step and what its checkout made of it, the payment's event first.
    fn tell_both(&mut self, before: Payment, step: payment::Step, change: Option<(Checkout, checkout::Step)>) {
        let mut payment = step.payment;
        let id = payment.id;
        payment.version = *self.versions.entry(ObjectId::Payment(id)).or_insert_with(|| {
            self.out.updated_payments.push(id);
            before.version.saturating_add(1)
        });
        if let Some(kind) = step.event.filter(|_| !self.is_quiet(&payment, &change)) {
            let object = Object::Payment(payment.clone());
            self.out.happenings.push(Happening { kind, object, before: Some(Object::Payment(before)) });
        }
        self.world.payments.insert(id, payment);
        self.tell_checkout(change);
    }

    /// Dust is told only where its checkout has something to tell of it, or waits for it to complete the sum.
    fn is_quiet(&self, payment: &Payment, change: &Option<(Checkout, checkout::Step)>) -> bool {
        let dust = |c: &Checkout| c.is_dust(payment.option, payment.amount);
        match change {
            Some((before, step)) => step.events.is_empty() && dust(before),
            None => {
                let checkout = payment.checkout.and_then(|id| self.world.checkouts.get(&id));
                checkout.is_some_and(|c| c.state != checkout::State::Processing && dust(c))
            }
        }
    }

    fn tell_checkout(&mut self, change: Option<(Checkout, checkout::Step)>) {
        let Some((before, step)) = change else { return };
        let mut checkout = step.checkout;
        let id = checkout.id;
        checkout.version = *self.versions.entry(ObjectId::Checkout(id)).or_insert_with(|| {
            self.out.updated_checkouts.push(id);
            before.version.saturating_add(1)
        });
        for kind in step.events {
            let object = Object::Checkout(checkout.clone());
            let before = Some(Object::Checkout(before.clone()));
            self.out.happenings.push(Happening { kind, object, before });
        }
        self.world.checkouts.insert(id, checkout);
    }
}

const fn wrong_outcome(to: &Match) -> Option<Outcome> {
    match to {
        Match::WrongAsset { .. } => Some(Outcome::WrongAsset),
        Match::WrongNetwork { .. } => Some(Outcome::WrongNetwork),
        Match::Unmatched { .. } => Some(Outcome::Unmatched),
        _ => None,
    }
}
