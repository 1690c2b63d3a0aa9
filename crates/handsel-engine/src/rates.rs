//! What currencies are worth in assets: one loop per source, so that a slow or dead one holds up nobody, and one book of what they
//! agreed on. A checkout in the currency that its asset is pegged to never waits for any of this.

use crate::Engine;
use handsel_core::chain::Token;
use handsel_core::limits::{RATE_REFRESH_SECONDS, RATE_STALE_AFTER_SECONDS};
use handsel_core::money::Currency;
use handsel_core::port::{Priced, RateError, RateSource};
use handsel_core::rate::{Agreed, Book, Offer, Pair, Stated};
use handsel_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

const REFRESH: Duration = Duration::from_secs(RATE_REFRESH_SECONDS);
/// How long a quote waits for sources whose turn it is: after a start, or when the clock was moved.
const PATIENCE: Duration = Duration::from_secs(2);

/// The book, and how far each source has come.
#[derive(Debug)]
pub(crate) struct Rates {
    book: Mutex<Book>,
    /// When the newest round of each source began, whatever it brought.
    rounds: watch::Sender<BTreeMap<String, Timestamp>>,
}

impl Rates {
    pub(crate) fn new() -> Self {
        Self { book: Mutex::default(), rounds: watch::Sender::new(BTreeMap::new()) }
    }

    /// A source that will be asked from now on.
    pub(crate) fn expect(&self, source: &str) {
        self.rounds.send_modify(|rounds| {
            rounds.insert(source.to_owned(), Timestamp::EPOCH);
        });
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks one source again and again.
pub(crate) async fn run(engine: Engine, source: Arc<dyn RateSource>, mut stop: watch::Receiver<bool>) {
    let pairs = engine.rate_pairs();
    loop {
        let begun = engine.now();
        let said = tokio::select! {
            said = source.rates(&pairs) => said,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        engine.hear(source.name(), begun, said);
        tokio::select! {
            () = engine.inner.clock.sleep_until(begun.plus(REFRESH)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

impl Engine {
    /// Every currency with every configured asset; a source answers what it knows of.
    fn rate_pairs(&self) -> Vec<Pair> {
        let tokens = self.inner.settings.networks.iter().flat_map(|network| &network.tokens);
        let assets: BTreeSet<&str> = tokens.map(|token| token.asset.as_str()).collect();
        let currencies = Currency::codes().filter_map(Currency::parse);
        currencies.flat_map(|from| assets.iter().map(move |to| Pair::new(from, *to))).collect()
    }

    fn hear(&self, source: &str, begun: Timestamp, said: Result<Vec<Priced>, RateError>) {
        let rates = &self.inner.rates;
        match said {
            Ok(said) => {
                let now = self.now();
                let mut book = rates.book();
                for Priced { pair, ratio, as_of } in said {
                    let stated = Stated { source: source.to_owned(), ratio, at: as_of.unwrap_or(begun) };
                    if let Err(why) = book.hear(&pair, [stated], now) {
                        tracing::debug!(%pair, %why, "no rate");
                    }
                }
            }
            Err(error) => tracing::warn!(source, %error, "a rate source said nothing"),
        }
        rates.rounds.send_modify(|rounds| {
            rounds.insert(source.to_owned(), begun);
        });
    }

    /// The rate of a pair now, or the last good one. Where that is old only because nobody asked the sources yet, they are
    /// waited for a moment.
    pub(crate) async fn rate(&self, pair: &Pair) -> Option<Agreed> {
        let known = |now: Timestamp| {
            let book = self.inner.rates.book();
            book.quote(pair, now).map(|quotable| (quotable.agreed.clone(), quotable.instead_of.is_none()))
        };
        match known(self.now()) {
            Some((agreed, true)) => Some(agreed),
            _ => {
                let due = self.now().minus(Duration::from_secs(RATE_STALE_AFTER_SECONDS));
                let mut rounds = self.inner.rates.rounds.subscribe();
                let all_asked = rounds.wait_for(|rounds| rounds.values().all(|begun| *begun >= due));
                // Whoever waits in vain takes what is known.
                let _ = tokio::time::timeout(PATIENCE, all_asked).await;
                known(self.now()).map(|(agreed, _)| agreed)
            }
        }
    }

    /// How a token is offered for a price in this currency.
    pub(crate) fn offer(&self, token: &Token, currency: Currency) -> Offer {
        if token.pegged_to != Some(currency) {
            return Offer::AtItsRate;
        }
        let standing = self.inner.rates.book().peg(&Pair::new(currency, token.asset.as_str()), self.now());
        self.inner.settings.peg_policy.for_new(standing)
    }
}
