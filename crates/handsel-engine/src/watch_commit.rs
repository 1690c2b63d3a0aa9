//! One move of one chain as one Change: what it makes of payments and checkouts (core decides), their events, their audit leaves,
//! and the cursor. On a conflict everything is read and decided again; the cursor never runs ahead of a match.

use crate::checkouts::timeline_entry;
use crate::shell::{Deed, Happening as EventFacts};
use crate::watch_book::WatchBook;
use crate::{Engine, Refusal};
use handsel_core::chain::watcher::Advance;
use handsel_core::chain::{BlockHash, Header, Network};
use handsel_core::change::{AuditEntry, Change, CommitError, CursorMove, Write};
use handsel_core::checkout::Checkout;
use handsel_core::event::NewEvent;
use handsel_core::id::CheckoutId;
use handsel_core::limits;
use handsel_core::matching::{BlockFacts, Happening, Incident, Object, SettleError, Settlement, World, needed, settle};
use handsel_core::planted::{self, Bug};
use handsel_core::time::Timestamp;
use handsel_view::types::answers as shapes;
use std::collections::HashMap;

/// Why a move was not committed.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The stored cursor stands elsewhere, or too many conflicts: go on from what is stored.
    Moved,
    /// The store has no answer now.
    Store(Refusal),
    /// Core refuses to decide: the chain must halt.
    Halt(String),
}

impl From<Refusal> for Lost {
    fn from(refusal: Refusal) -> Self {
        Self::Store(refusal)
    }
}

/// A network as its watcher works on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) network: &'a Network,
    pub(crate) book: &'a WatchBook,
    /// The stored cursor's block; `None` before the first.
    pub(crate) committed: Option<BlockHash>,
}

impl Engine {
    /// Commits one move.
    pub(crate) async fn commit_advance(&self, place: Place<'_>, advance: &Advance) -> Result<(), Lost> {
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            if !planted::is(Bug::BookBeforeRows) {
                place.book.refresh(self).await?;
            }
            let mut change = self.advance_change(place, advance, false).await?;
            if planted::is(Bug::BookBeforeRows) {
                place.book.refresh(self).await?;
            }
            if planted::is(Bug::CursorFirst) {
                let cursor = change.cursor.take();
                self.commit(Change { cursor, ..Change::default() }).await.map_err(Refusal::from)?;
            }
            match self.commit(change).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict) => {
                    let cursor = self.inner.reader.cursor(&place.network.name).await.map_err(Refusal::from)?;
                    if cursor.map(|cursor| cursor.tip.hash) != place.committed {
                        return Err(Lost::Moved);
                    }
                }
                Err(other) => return Err(Lost::Store(other.into())),
            }
        }
        Err(Lost::Moved)
    }

    /// Commits the move that an operator named for a halted chain, with the leaf that says so.
    pub(crate) async fn commit_resumption(
        &self,
        place: Place<'_>,
        advance: &Advance,
        leaf: AuditEntry,
    ) -> Result<(), Lost> {
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            place.book.refresh(self).await?;
            let mut change = self.advance_change(place, advance, true).await?;
            change.audit.push(leaf.clone());
            match self.commit(change).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict) => {}
                Err(other) => return Err(Lost::Store(other.into())),
            }
        }
        Err(Lost::Moved)
    }

    /// Records that the chain stands still until an operator has looked.
    pub(crate) async fn commit_halt(&self, place: Place<'_>, tip: Option<Header>, finalized: u64, why: &str) {
        tracing::error!(network = place.network.name, why, "this network is halted: nothing of it is credited");
        let Some(tip) = tip else { return };
        let now = self.now();
        let audit = vec![self.audit_entry_of(
            now,
            Deed { detail: Some(why.as_bytes()), ..Deed::by_itself("chain.halt", &place.network.name, None) },
        )];
        let cursor = CursorMove {
            network: place.network.name.clone(),
            expected_tip: place.committed,
            tip,
            finalized,
            added: Vec::new(),
            orphaned: Vec::new(),
            halted: true,
            resumes: false,
            at: now,
        };
        if let Err(error) = self.commit(Change { audit, cursor: Some(cursor), ..Change::default() }).await {
            tracing::error!(network = place.network.name, %error, "the halt was not recorded");
        }
    }

    async fn advance_change(&self, place: Place<'_>, advance: &Advance, named: bool) -> Result<Change, Lost> {
        let Place { network, book, committed } = place;
        let now = self.now();
        let added = book.matched(network, &advance.added);
        let orphaned: Vec<BlockHash> = advance.orphaned.iter().map(|header| header.hash).collect();
        let (tip, finalized) = (advance.tip, advance.finalized);
        let live = self.inner.settings.live;
        let facts = BlockFacts { network, live, tip, finalized, added: &added, orphaned: &orphaned, named, now };
        let mut world = self.load_world(&facts).await?;
        let settlement = match settle(&facts, &mut world) {
            Ok(settlement) => settlement,
            Err(error @ SettleError::BelowFinality(_)) => return Err(Lost::Halt(error.to_string())),
            Err(error @ SettleError::MissingCheckout(_)) => {
                tracing::error!(network = network.name, %error, "a watched checkout is not in the store");
                return Err(Lost::Store(Refusal::internal()));
            }
        };
        report(&network.name, &settlement);
        let mut change = self.settled_change(&world, settlement, now).await?;
        if !orphaned.is_empty() {
            tracing::warn!(network = network.name, blocks = orphaned.len(), tip = tip.number, "blocks left the chain");
            let blocks = orphaned.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
            change.audit.push(self.audit_entry_of(
                now,
                Deed { detail: Some(&blocks), ..Deed::by_itself("chain.reorg", &network.name, None) },
            ));
        }
        change.cursor = Some(CursorMove {
            network: network.name.clone(),
            expected_tip: committed,
            tip,
            finalized,
            added: advance.added.iter().map(|(header, _)| *header).collect(),
            orphaned,
            halted: false,
            resumes: named,
            at: now,
        });
        Ok(change)
    }

    /// What core wants to know for this move.
    async fn load_world(&self, facts: &BlockFacts<'_>) -> Result<World, Refusal> {
        let reader = &self.inner.reader;
        let mut world = World::default();
        for payment in reader.unfinal_payments(&facts.network.name).await? {
            world.payments.insert(payment.id, payment);
        }
        let needed = needed(facts);
        for id in needed.payments {
            if !world.payments.contains_key(&id)
                && let Some(payment) = reader.payment_of_anyone(id).await?
            {
                world.payments.insert(id, payment);
            }
        }
        let of_payments = world.payments.values().filter_map(|payment| payment.checkout);
        let checkouts: Vec<CheckoutId> = needed.checkouts.into_iter().chain(of_payments).collect();
        for id in checkouts {
            if !world.checkouts.contains_key(&id)
                && let Some(checkout) = reader.checkout_of_anyone(id).await?
            {
                world.checkouts.insert(id, checkout);
            }
        }
        Ok(world)
    }

    /// Writes, events and leaves of a settlement.
    async fn settled_change(&self, world: &World, settlement: Settlement, now: Timestamp) -> Result<Change, Refusal> {
        let mut change = Change::default();
        let payment = |id| world.payments.get(id).cloned();
        change.writes.extend(settlement.inserted_payments.iter().filter_map(payment).map(Write::InsertPayment));
        change.writes.extend(settlement.updated_payments.iter().filter_map(payment).map(Write::UpdatePayment));
        let checkout = |id| world.checkouts.get(id).cloned();
        change.writes.extend(settlement.updated_checkouts.iter().filter_map(checkout).map(Write::UpdateCheckout));
        let mut timelines = HashMap::new();
        for happening in &settlement.happenings {
            let event = self.happening_event(world, happening, &mut timelines, now).await?;
            let deed = Deed {
                detail: Some(&event.body.0),
                ..Deed::by_itself(event.kind.name(), &event.object, Some(event.account))
            };
            change.audit.push(self.audit_entry_of(now, deed));
            change.events.push(event);
        }
        // What changed without an event (dust, finality reached) has its leaf too.
        let silent = settlement.updated_payments.iter().filter_map(|id| world.payments.get(id));
        for payment in silent {
            let object = payment.id.to_string();
            if !change.events.iter().any(|event| event.object == object) {
                let deed = Deed::by_itself("payment.update", &object, Some(payment.account));
                change.audit.push(self.audit_entry_of(now, deed));
            }
        }
        Ok(change)
    }

    async fn happening_event(
        &self,
        world: &World,
        happening: &Happening,
        timelines: &mut HashMap<CheckoutId, Vec<shapes::TimelineEntry>>,
        now: Timestamp,
    ) -> Result<NewEvent, Refusal> {
        match &happening.object {
            Object::Payment(payment) => {
                let key = self.data_key(payment.account).await?;
                let before = match &happening.before {
                    Some(Object::Payment(before)) => Some(before),
                    Some(Object::Checkout(_)) | None => None,
                };
                Ok(self.payment_event(&key, happening.kind, payment, before, None, now))
            }
            Object::Checkout(checkout) => {
                let before = match &happening.before {
                    Some(Object::Checkout(before)) => Some(before),
                    Some(Object::Payment(_)) | None => None,
                };
                let timeline = match timelines.remove(&checkout.id) {
                    Some(timeline) => timeline,
                    None => self.timeline(checkout).await?,
                };
                let (event, timeline) =
                    self.checkout_event(world, happening, (before, checkout), timeline, now).await?;
                timelines.insert(checkout.id, timeline);
                Ok(event)
            }
        }
    }

    /// The event about a checkout, and its timeline with the event at its end.
    async fn checkout_event(
        &self,
        world: &World,
        happening: &Happening,
        (before, after): (Option<&Checkout>, &Checkout),
        mut timeline: Vec<shapes::TimelineEntry>,
        now: Timestamp,
    ) -> Result<(NewEvent, Vec<shapes::TimelineEntry>), Refusal> {
        let key = self.data_key(after.account).await?;
        let mut payments = self.inner.reader.payments_of_checkout(after.id).await?;
        payments.extend(world.payments.values().filter(|payment| payment.checkout == Some(after.id)).cloned());
        let new = self.checkout_shape(&key, after, &payments, timeline.clone())?;
        let old = before.map(|before| self.checkout_shape(&key, before, &payments, timeline.clone())).transpose()?;
        let object = after.id.to_string();
        let facts = EventFacts {
            account: after.account,
            kind: happening.kind,
            object: &object,
            version: after.version,
            request: None,
            now,
            only_to: None,
        };
        let event = self.event_of(&key, facts, |facts| handsel_view::event_body(facts, &new, old.as_ref()));
        timeline.push(timeline_entry(&event));
        Ok((event, timeline))
    }
}

/// What an operator should read in the log.
fn report(network: &str, settlement: &Settlement) {
    for incident in &settlement.incidents {
        match incident {
            Incident::ReversedAfterSuccess { payment, checkout } => {
                tracing::error!(network, %payment, ?checkout, "a payment that was told as succeeded left the chain");
            }
            Incident::Distrusted { account, transfer } => {
                let text = "a transfer in a token whose decimals are not as configured: nothing is credited, mend the configuration";
                tracing::error!(network, %account, tx = %transfer.tx, text);
            }
            Incident::Oversized { account, transfer } => {
                tracing::error!(network, %account, tx = %transfer.tx, "a transfer is too large to be counted");
            }
        }
    }
    if settlement.ignored > 0 {
        tracing::info!(network, transfers = settlement.ignored, "transfers to our addresses that are no payments");
    }
}
