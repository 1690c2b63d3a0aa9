//! Ends checkouts whose time has passed, and deletes what is kept for a time only. A checkout ends when every chain that it could
//! be paid on has passed its end too, because a block's own time decides lateness (13 section 2); an outage delays that by an hour
//! at most.

use crate::{Engine, Refusal};
use handsel_core::checkout::Checkout;
use handsel_core::checkout::decide::Command;
use handsel_core::id::CheckoutId;
use handsel_core::limits;
use handsel_core::planted::{self, Bug};
use handsel_core::time::Timestamp;
use handsel_store::reader::ExpiryPlace;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::watch;

/// How often expired checkouts are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
const SECONDS_PER_DAY: u64 = 86_400;

pub(crate) async fn run(engine: Engine, mut stop: watch::Receiver<bool>) {
    let mut prune_due = engine.now();
    // Checkouts whose chains stand still wait for up to an hour: each sweep goes on behind the last one's, so that no number of
    // them keeps the others waiting.
    let mut place = ExpiryPlace::default();
    loop {
        place = engine.sweep_expired(&place).await.unwrap_or_else(|refusal| {
            tracing::error!(detail = %refusal.detail, "expired checkouts were not ended; trying again");
            ExpiryPlace::default()
        });
        let now = engine.now();
        if now >= prune_due {
            engine.prune(now).await;
            prune_due = now.plus(PRUNE_EVERY);
        }
        tokio::select! {
            () = engine.inner.clock.sleep_until(now.plus(SWEEP_EVERY)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

impl Engine {
    /// Ends every checkout whose end, with its grace, has passed here and on its chains.
    pub(crate) async fn sweep_all_expired(&self) -> Result<(), Refusal> {
        let mut place = self.sweep_expired(&ExpiryPlace::default()).await?;
        while place != ExpiryPlace::default() {
            place = self.sweep_expired(&place).await?;
        }
        Ok(())
    }

    /// The same for a bounded number behind `place`; tells where to go on.
    pub(crate) async fn sweep_expired(&self, place: &ExpiryPlace) -> Result<ExpiryPlace, Refusal> {
        let reader = &self.inner.reader;
        let (due, place) = reader.checkouts_to_expire(self.now(), place, limits::EXPIRY_SWEEP_MAX_CHECKOUTS).await?;
        let mut heights = HashMap::new();
        for checkout in &due {
            let passed = self.chains_have_passed(checkout, &mut heights).await? || planted::is(Bug::ExpiryByClock);
            if !passed && planted::is(Bug::OneDeadStopsAll) {
                return Ok(place);
            }
            // One that can't be ended now stands in nobody's way.
            if passed && let Err(refusal) = self.expire(checkout.id).await {
                tracing::error!(checkout = %checkout.id, detail = %refusal.detail, "it was not ended; trying again");
            }
        }
        Ok(place)
    }

    /// True where every network that the checkout offers has a block after its end, or waiting for one has lasted an hour.
    async fn chains_have_passed<'a>(
        &self,
        checkout: &'a Checkout,
        heights: &mut HashMap<&'a str, Timestamp>,
    ) -> Result<bool, Refusal> {
        let end = checkout.terms.expires_at.plus(Duration::from_secs(u64::from(checkout.terms.grace_seconds)));
        if self.now() > end.plus(Duration::from_secs(limits::EXPIRY_WAIT_MAX_SECONDS)) {
            return Ok(true);
        }
        for option in &checkout.options {
            let reached = match heights.get(option.network.as_str()) {
                Some(reached) => *reached,
                None => {
                    let cursor = self.inner.reader.cursor(&option.network).await?;
                    let seconds = cursor.map_or(0, |cursor| cursor.tip.time_seconds);
                    let reached = Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
                    heights.insert(&option.network, reached);
                    reached
                }
            };
            if reached <= end {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn expire(&self, id: CheckoutId) -> Result<(), Refusal> {
        let settled = self.settle(|now| async move {
            let Some(before) = self.inner.reader.checkout_of_anyone(id).await? else { return Ok(None) };
            // Whatever core refuses now was changed since the sweep read it.
            let Ok(step) = before.clone().apply(Command::Expire, now) else { return Ok(None) };
            self.own_step("checkout.expire", &before, step, now).await.map(Some)
        });
        settled.await.map(|_| ())
    }

    /// Deletes idempotent answers and request lines past their time.
    async fn prune(&self, now: Timestamp) {
        let days = |days: u64| now.minus(Duration::from_secs(days.saturating_mul(SECONDS_PER_DAY)));
        let pruned = self.inner.writer.prune(days(limits::IDEMPOTENCY_KEPT_DAYS), days(limits::REQUEST_LOG_KEPT_DAYS));
        match pruned.await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old answers and request lines are deleted"),
            Err(error) => tracing::error!(%error, "old rows were not deleted"),
        }
    }
}
