//! Quotes the unpaid rest of open checkouts anew when a lock has ended (13 section 2). Without a rate the old lock stays ended:
//! what comes then is late, and nobody is promised a price that nobody stands behind.

use crate::{Engine, Refusal};
use handsel_core::change::Write;
use handsel_core::checkout::lock::Requote;
use handsel_core::checkout::{Checkout, Command, State, Step};
use handsel_core::id::CheckoutId;
use handsel_core::limits;
use handsel_core::rate::{Pair, Quote};
use handsel_core::time::Timestamp;
use std::time::Duration;
use tokio::sync::watch;

/// How often ended locks are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn run(engine: Engine, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(refusal) = engine.sweep_locks().await {
            tracing::error!(detail = %refusal.detail, "ended locks were not renewed; trying again");
        }
        let next = engine.now().plus(SWEEP_EVERY);
        tokio::select! {
            () = engine.inner.clock.sleep_until(next) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

impl Engine {
    async fn sweep_locks(&self) -> Result<(), Refusal> {
        let ended = self.inner.reader.checkouts_to_requote(self.now(), limits::EXPIRY_SWEEP_MAX_CHECKOUTS).await?;
        for checkout in ended.iter().filter(|checkout| checkout.state == State::Open) {
            self.requote(checkout.id).await?;
        }
        Ok(())
    }

    async fn requote(&self, id: CheckoutId) -> Result<(), Refusal> {
        let settled = self.settle(|now| async move {
            let Some(before) = self.inner.reader.checkout_of_anyone(id).await? else { return Ok(None) };
            let (step, quotes) = self.with_new_locks(&before, now).await;
            if quotes.is_empty() {
                return Ok(None);
            }
            let mut change = self.own_step("checkout.requote", &before, step, now).await?;
            change.writes.extend(quotes.into_iter().map(Write::InsertQuote));
            Ok(Some(change))
        });
        settled.await.map(|_| ())
    }

    /// The checkout with a new lock wherever one has ended and a rate is known, and the quotes behind them.
    async fn with_new_locks(&self, before: &Checkout, now: Timestamp) -> (Step, Vec<Quote>) {
        let mut step = Step { checkout: before.clone(), events: Vec::new(), rulings: Vec::new() };
        let mut quotes: Vec<Quote> = Vec::new();
        for (index, option) in (0u32..).zip(&before.options).filter(|(_, option)| option.has_lapsed(now)) {
            let pair = Pair::new(before.price.currency, option.asset.as_str());
            let known = quotes.iter().find(|quote| quote.pair == pair).cloned();
            let quote = match known {
                Some(quote) => quote,
                None => {
                    let Some(agreed) = self.rate(&pair).await else { continue };
                    self.new_quote(before.account, &pair, &agreed, now)
                }
            };
            let Some(rate) = quote.ratio.lock(before.price.currency, option.decimals) else { continue };
            let new = Requote { option: index, quote: quote.id, rate, from: now };
            // Refused where nothing is unpaid any more.
            let Ok(next) = step.checkout.clone().apply(Command::Requote(new), now) else { continue };
            step.checkout = next.checkout;
            step.events.extend(next.events);
            if !quotes.iter().any(|known| known.id == quote.id) {
                quotes.push(quote);
            }
        }
        // However many locks are new, it is one change.
        step.checkout.version = before.version.saturating_add(1);
        (step, quotes)
    }
}
