//! The disk and the process: when a COMMIT waits, fails, or is the last thing that happens; and what every Change must keep to,
//! whoever decided it.

use super::world::{SimClock, Trace};
use crate::harness::Chance;
use handsel_core::actor::Actor;
use handsel_core::chain::BlockHash;
use handsel_core::change::{Change, CursorMove, Write};
use handsel_core::checkout::{Checkout, State as CheckoutState};
use handsel_core::event::Kind;
use handsel_core::id::{CheckoutId, PaymentId};
use handsel_core::limits;
use handsel_core::payment::{Payment, State as PaymentState};
use handsel_core::port::{BoxFuture, Clock};
use handsel_core::time::Timestamp;
use handsel_store::gate::{Fate, Gate};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// Where the process ends at a COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    Before,
    /// Written, and nobody was told.
    After,
}

/// What is to go wrong.
#[derive(Debug, Default)]
struct Plan {
    dead: bool,
    /// After so many COMMITs.
    crash: Option<(u64, Crash)>,
    full: u64,
    breaks: Option<(u64, Fate)>,
    broken: bool,
    pause_max_ms: u64,
    last: Option<Fate>,
}

/// What Changes have said so far.
#[derive(Debug, Default)]
struct Seen {
    cursors: BTreeMap<String, CursorMove>,
    /// Canonical blocks by network, as Changes added and took them.
    blocks: BTreeMap<String, Vec<BlockHash>>,
    checkouts: BTreeMap<CheckoutId, &'static str>,
    finalized: BTreeSet<PaymentId>,
    settled: BTreeSet<PaymentId>,
    completed: BTreeMap<String, u32>,
    leases: Vec<(Vec<u8>, Timestamp)>,
}

#[derive(Debug)]
pub(crate) struct Keeper {
    plan: Mutex<Plan>,
    seen: Mutex<Seen>,
    problems: Mutex<Vec<String>>,
    chance: Chance,
    trace: Arc<Trace>,
    clock: Arc<SimClock>,
    ended: Notify,
}

impl Keeper {
    pub(crate) fn new(chance: Chance, trace: Arc<Trace>, clock: Arc<SimClock>) -> Self {
        Self {
            plan: Mutex::default(),
            seen: Mutex::default(),
            problems: Mutex::default(),
            chance,
            trace,
            clock,
            ended: Notify::new(),
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    /// A new process on a disk that works.
    pub(crate) fn reborn(&self) {
        *self.plan() = Plan::default();
    }
    /// Nothing goes wrong from now on. What is broken stays so until it is started again.
    pub(crate) fn calm(&self) {
        let mut plan = self.plan();
        *plan = Plan { dead: plan.dead, broken: plan.broken, ..Plan::default() };
    }
    pub(crate) fn pauses(&self, max_ms: u64) {
        self.plan().pause_max_ms = max_ms;
    }
    pub(crate) fn crash_after(&self, commits: u64, crash: Crash) {
        self.plan().crash = Some((commits, crash));
    }
    pub(crate) fn full_for(&self, commits: u64) {
        self.plan().full = commits;
    }
    pub(crate) fn break_after(&self, commits: u64, fate: Fate) {
        self.plan().breaks = Some((commits, fate));
    }
    pub(crate) fn is_broken(&self) -> bool {
        self.plan().broken
    }
    pub(crate) fn is_well(&self) -> bool {
        let plan = self.plan();
        !plan.dead && plan.crash.is_none() && plan.full == 0 && plan.breaks.is_none() && !plan.broken
    }
    /// The process is gone, right now.
    pub(crate) fn kill(&self) {
        self.plan().dead = true;
        self.ended.notify_one();
    }
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }
    /// Never ends for a process that is gone.
    pub(crate) async fn survive(&self) {
        if self.plan().dead {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn complain(&self, problem: String) {
        self.problems.lock().unwrap().push(problem);
    }
    pub(crate) fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap().clone()
    }

    fn drawn_fate(&self) -> Fate {
        let mut plan = self.plan();
        if plan.dead {
            return Fate::Failed;
        }
        if let Some((left, crash)) = plan.crash {
            if left == 0 {
                plan.dead = true;
                self.ended.notify_one();
                return if crash == Crash::Before { Fate::Failed } else { Fate::Written };
            }
            plan.crash = Some((left - 1, crash));
        }
        if let Some((left, fate)) = plan.breaks {
            if left == 0 {
                (plan.breaks, plan.broken) = (None, true);
                return fate;
            }
            plan.breaks = Some((left - 1, fate));
        }
        if plan.full > 0 {
            plan.full -= 1;
            return Fate::Full;
        }
        Fate::Written
    }
}

impl Gate for Keeper {
    fn turn(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let max = self.plan().pause_max_ms;
            if max > 0 && self.chance.below(2) == 0 {
                tokio::time::sleep(Duration::from_millis(self.chance.below(max))).await;
            }
            self.survive().await;
            // What became of the last one is no matter of this one.
            self.plan().last = None;
        })
    }

    fn fate(&self) -> Fate {
        let fate = self.drawn_fate();
        self.plan().last = Some(fate);
        fate
    }

    fn answered(&self, change: &Change, written: bool) {
        let unknown = self.plan().last == Some(Fate::Unknown);
        self.trace.add(&format!("{} {written} {change:?}", self.clock.now().millis()));
        if written || unknown {
            self.plan().last = None;
            self.seen.lock().unwrap().check(change, self);
        }
    }

    fn is_alive(&self) -> bool {
        !self.plan().dead
    }
}

impl Seen {
    fn check(&mut self, change: &Change, keeper: &Keeper) {
        if let Some(cursor) = &change.cursor {
            self.check_blocks(cursor, keeper);
            self.cursors.insert(cursor.network.clone(), cursor.clone());
        }
        for write in &change.writes {
            match write {
                Write::InsertPayment(payment) | Write::UpdatePayment(payment) => {
                    self.check_payment(payment, change.cursor.as_ref(), keeper);
                }
                Write::InsertCheckout(checkout) => self.check_lease(checkout, keeper),
                Write::UpdateCheckout(checkout) => self.check_checkout(checkout, change, keeper),
                _ => {}
            }
        }
        for event in change.events.iter().filter(|event| event.kind == Kind::CheckoutCompleted) {
            let count = self.completed.entry(event.object.clone()).or_default();
            *count += 1;
            if *count > 1 {
                keeper.complain(format!("{} is told as completed {count} times", event.object));
            }
        }
    }

    /// Every block stands on the one before it.
    fn check_blocks(&mut self, cursor: &CursorMove, keeper: &Keeper) {
        let blocks = self.blocks.entry(cursor.network.clone()).or_default();
        for gone in &cursor.orphaned {
            if blocks.pop() != Some(*gone) {
                keeper.complain(format!("{}: a block left that was not the newest", cursor.network));
            }
        }
        for added in &cursor.added {
            if blocks.last().is_some_and(|last| *last != added.parent) {
                keeper.complain(format!(
                    "{}: block {} does not stand on the one before it",
                    cursor.network, added.number
                ));
            }
            blocks.push(added.hash);
        }
        if cursor.halted {
            keeper.complain(format!("{} is halted", cursor.network));
        }
    }

    /// Final by its own policy when it is settled, and never taken back once the chain's finality covered it.
    fn check_payment(&mut self, payment: &Payment, cursor: Option<&CursorMove>, keeper: &Keeper) {
        let id = payment.id;
        match payment.state {
            PaymentState::Succeeded { block, finalized, .. } | PaymentState::Rejected { block, finalized, .. } => {
                let Some(cursor) = cursor.filter(|cursor| cursor.network == payment.network) else { return };
                let confirmations = (cursor.tip.number + 1).saturating_sub(block.number);
                let covered = block.number <= cursor.finalized;
                if self.settled.insert(id)
                    && (confirmations < u64::from(payment.required_confirmations)
                        || (payment.requires_finalized && !covered))
                {
                    keeper.complain(format!("{id} is settled after {confirmations} confirmations"));
                }
                if finalized {
                    self.finalized.insert(id);
                }
            }
            PaymentState::Reversed { .. } if self.finalized.contains(&id) => {
                keeper.complain(format!("{id} was finalized and is reversed"));
            }
            _ => {
                self.settled.remove(&id);
            }
        }
    }

    /// Nobody else has its amount at its address, nor had in the cooldown.
    fn check_lease(&mut self, checkout: &Checkout, keeper: &Keeper) {
        self.checkouts.insert(checkout.id, checkout.state.name());
        for option in checkout.options.iter().filter(|option| option.derivation.is_none()) {
            let amount = option.payable().to_be_bytes();
            let key = [option.network.as_bytes(), &option.token.0, &option.address.0, &amount].concat();
            if self.leases.iter().any(|(taken, until)| *taken == key && *until > checkout.created) {
                keeper.complain(format!("{} has the amount of another checkout", checkout.id));
            }
            let kept = Duration::from_secs(limits::TAG_COOLDOWN_DAYS * 86_400);
            self.leases.push((key, checkout.terms.expires_at.plus(kept)));
        }
    }

    /// `complete` is never left, and nobody expires before his chains have passed his end.
    fn check_checkout(&mut self, checkout: &Checkout, change: &Change, keeper: &Keeper) {
        let id = checkout.id;
        let before = self.checkouts.insert(id, checkout.state.name());
        if before == Some("complete") && checkout.state.name() != "complete" {
            keeper.complain(format!("{id} was complete and is {}", checkout.state.name()));
        }
        let by_timer = |entry: &handsel_core::change::AuditEntry| {
            entry.leaf.actor == Actor::System && entry.leaf.action == "checkout.expire"
        };
        let CheckoutState::Expired { at } = checkout.state else { return };
        if !change.audit.iter().any(by_timer) {
            return;
        }
        let end = checkout.terms.expires_at.plus(Duration::from_secs(u64::from(checkout.terms.grace_seconds)));
        let late = at > end.plus(Duration::from_secs(limits::EXPIRY_WAIT_MAX_SECONDS));
        for option in &checkout.options {
            let tip = self.cursors.get(&option.network).map_or(0, |cursor| cursor.tip.time_seconds);
            if !late && i64::try_from(tip).unwrap() <= end.seconds() {
                keeper.complain(format!("{id} expired before {} had passed its end", option.network));
            }
        }
    }
}
