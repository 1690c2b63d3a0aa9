//! Sends what is due. Deliveries are claimed from the store with a lease, wait in memory per webhook, and fly in bounded numbers: so
//! many in all, so many to one webhook. A receiver that answers slowly or not at all holds its own places only; what it can't take
//! now stays with the store until the lease ends. Stopping lets what flies land and leaves the rest to their leases.

use crate::Engine;
use handsel_core::delivery::Delivery;
use handsel_core::id::{DeliveryId, WebhookId};
use handsel_core::limits;
use handsel_core::port::HookSender;
use handsel_store::reader::Claimed;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

/// How long the loop rests where the store says that something is due but gives nothing.
const REST: Duration = Duration::from_millis(200);
/// What other processes put into the same database is found at this beat.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// After a store that doesn't answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long flying attempts may take when the server stops; an attempt's own deadlines are shorter.
const LANDING: Duration = Duration::from_secs(20);

/// What is claimed: waiting by webhook, and flying.
#[derive(Debug, Default)]
struct Board {
    waiting: BTreeMap<WebhookId, VecDeque<Claimed>>,
    flying: HashMap<WebhookId, usize>,
    in_flight: usize,
    /// Everything waiting or flying: the store may give it again once its lease has ended.
    held: HashSet<DeliveryId>,
    /// Whose turn was last, so that all webhooks come round.
    last: Option<WebhookId>,
}

impl Board {
    /// Takes a claimed delivery, unless its webhook has enough waiting: then it stays with the store until its lease ends.
    fn take(&mut self, claimed: Claimed) {
        let Delivery { id, webhook, .. } = claimed.delivery;
        let queue = self.waiting.entry(webhook).or_default();
        if queue.len() < limits::HOOKS_WAITING_PER_WEBHOOK_MAX_DELIVERIES && self.held.insert(id) {
            queue.push_back(claimed);
        }
    }

    /// The next one to fly, webhooks by turns.
    fn next(&mut self) -> Option<Claimed> {
        if self.in_flight >= limits::HOOKS_IN_FLIGHT_MAX_ATTEMPTS {
            return None;
        }
        let flying = &self.flying;
        let ready = |(webhook, queue): &(&WebhookId, &VecDeque<Claimed>)| {
            let busy = flying.get(webhook).copied().unwrap_or(0);
            !queue.is_empty() && busy < limits::HOOKS_IN_FLIGHT_PER_WEBHOOK_MAX_ATTEMPTS
        };
        let after = |(webhook, _): &(&WebhookId, &VecDeque<Claimed>)| self.last.is_none_or(|last| **webhook > last);
        let turn = self.waiting.iter().filter(ready).find(after).or_else(|| self.waiting.iter().find(ready));
        let webhook = *turn?.0;
        let claimed = self.waiting.get_mut(&webhook)?.pop_front()?;
        self.last = Some(webhook);
        *self.flying.entry(webhook).or_insert(0) += 1;
        self.in_flight += 1;
        Some(claimed)
    }

    fn landed(&mut self, webhook: WebhookId, delivery: DeliveryId) {
        self.held.remove(&delivery);
        self.in_flight = self.in_flight.saturating_sub(1);
        let left = self.flying.get_mut(&webhook).map_or(0, |count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == 0 {
            self.flying.remove(&webhook);
            if self.waiting.get(&webhook).is_some_and(VecDeque::is_empty) {
                self.waiting.remove(&webhook);
            }
        }
    }
}

/// Which attempt each task makes.
type Flights = HashMap<Id, (WebhookId, DeliveryId)>;

pub(crate) async fn run(engine: Engine, sender: Arc<dyn HookSender>, mut stop: watch::Receiver<bool>) {
    let mut board = Board::default();
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut flights = Flights::new();
    loop {
        while let Some(landed) = tasks.try_join_next_with_id() {
            settle_landing(&mut board, &mut flights, landed);
        }
        let claimed = claim(&engine, &mut board).await;
        while let Some(next) = board.next() {
            let flight = (next.delivery.webhook, next.delivery.id);
            let task = tasks.spawn(attempt(engine.clone(), Arc::clone(&sender), next));
            flights.insert(task.id(), flight);
        }
        if *stop.borrow() {
            break;
        }
        if matches!(claimed, Ok(count) if count >= limits::HOOK_CLAIM_MAX_DELIVERIES as usize) {
            continue;
        }
        // In this order, so that a simulated run can be had again.
        tokio::select! {
            biased;
            Some(landed) = tasks.join_next_with_id() => settle_landing(&mut board, &mut flights, landed),
            () = engine.inner.deliveries_made.notified() => {}
            () = until_due(&engine, claimed) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    let landing = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(LANDING, landing).await.is_err() {
        tracing::warn!("webhook attempts that did not end in time are left to their leases");
    }
}

/// Frees the places of an attempt that has ended. One that broke is taken up again once its lease has ended: a bug that must be
/// seen, but not one that keeps a delivery from ever being sent.
fn settle_landing(board: &mut Board, flights: &mut Flights, landed: Result<(Id, ()), JoinError>) {
    let id = match landed {
        Ok((id, ())) => id,
        Err(error) => {
            tracing::error!(%error, "a webhook attempt broke");
            error.id()
        }
    };
    if let Some((webhook, delivery)) = flights.remove(&id) {
        board.landed(webhook, delivery);
    }
}

/// Claims what is due; gives how many, or nothing where the store has no answer.
async fn claim(engine: &Engine, board: &mut Board) -> Result<usize, ()> {
    if board.in_flight >= limits::HOOKS_IN_FLIGHT_MAX_ATTEMPTS {
        return Ok(0);
    }
    let now = engine.now();
    let lease_until = now.plus(Duration::from_secs(limits::HOOK_LEASE_SECONDS));
    match engine.inner.writer.claim_deliveries(now, lease_until, limits::HOOK_CLAIM_MAX_DELIVERIES).await {
        Ok(claimed) => {
            let count = claimed.len();
            claimed.into_iter().for_each(|one| board.take(one));
            Ok(count)
        }
        Err(error) => {
            tracing::error!(%error, "due deliveries were not claimed");
            Err(())
        }
    }
}

/// Ends when it is worth to look again.
async fn until_due(engine: &Engine, claimed: Result<usize, ()>) {
    if claimed.is_err() {
        return tokio::time::sleep(STORE_PAUSE).await;
    }
    match engine.inner.reader.next_delivery_due().await {
        Ok(Some(due)) if due <= engine.now() => tokio::time::sleep(REST).await,
        Ok(Some(due)) => {
            // Both ends mean the same: look.
            let _ = tokio::time::timeout(LOOK_AGAIN, engine.inner.clock.sleep_until(due)).await;
        }
        Ok(None) => tokio::time::sleep(LOOK_AGAIN).await,
        Err(_) => tokio::time::sleep(STORE_PAUSE).await,
    }
}

async fn attempt(engine: Engine, sender: Arc<dyn HookSender>, claimed: Claimed) {
    let id = claimed.delivery.id;
    if let Err(refusal) = engine.attempt_delivery(&*sender, claimed).await {
        tracing::error!(delivery = %id, detail = %refusal.detail, "what came of an attempt was not recorded; it will be made again");
    }
}
