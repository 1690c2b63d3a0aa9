//! What is known of every pair: the newest statement of each source, the rates that were agreed on lately, and the peg.

use super::{Agreed, NoRate, Pair, PegStanding, PegWatch, Stated, agree};
use crate::limits::{RATE_HISTORY_MAX_ENTRIES, RATE_LAST_GOOD_MAX_SECONDS, RATE_STALE_AFTER_SECONDS};
use crate::time::Timestamp;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

/// All pairs. Grows only with pairs that it is asked to remember.
#[derive(Debug, Clone, Default)]
pub struct Book {
    pages: BTreeMap<Pair, Page>,
}

#[derive(Debug, Clone, Default)]
struct Page {
    /// The newest of each source.
    latest: Vec<Stated>,
    /// Oldest first, each with the time at which it was agreed on.
    agreed: VecDeque<(Timestamp, Agreed)>,
    /// Why the newest look brought no rate.
    failing: Option<NoRate>,
    peg: PegWatch,
}

/// A rate that a price may be quoted at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotable<'a> {
    pub agreed: &'a Agreed,
    pub age_seconds: u64,
    /// Why a last good rate stands in for a new one; `None`: it is the newest.
    pub instead_of: Option<NoRate>,
}

impl Book {
    /// Takes what sources said of one pair and sees whether they agree.
    pub fn hear(&mut self, pair: &Pair, said: impl IntoIterator<Item = Stated>, now: Timestamp) -> Result<(), NoRate> {
        let page = self.pages.entry(pair.clone()).or_default();
        for stated in said {
            match page.latest.iter_mut().find(|known| known.source == stated.source) {
                Some(known) if known.at <= stated.at => *known = stated,
                Some(_) => {}
                None => page.latest.push(stated),
            }
        }
        match agree(&page.latest, now) {
            Ok(agreed) => {
                page.failing = None;
                page.peg.observe(&agreed, now);
                page.agreed.push_back((now, agreed));
                if page.agreed.len() > RATE_HISTORY_MAX_ENTRIES {
                    page.agreed.pop_front();
                }
                Ok(())
            }
            Err(why) => {
                page.failing = Some(why);
                Err(why)
            }
        }
    }

    /// The rate to quote now: the newest that was agreed on, while it is young enough to serve.
    pub fn quote(&self, pair: &Pair, now: Timestamp) -> Option<Quotable<'_>> {
        let page = self.pages.get(pair)?;
        let (_, agreed) = page.agreed.back()?;
        let age = now.since(agreed.at);
        let stale = age > Duration::from_secs(RATE_STALE_AFTER_SECONDS);
        let instead_of = page.failing.or(stale.then_some(NoRate::TooFew { fresh: 0 }));
        (age <= Duration::from_secs(RATE_LAST_GOOD_MAX_SECONDS)).then_some(Quotable {
            agreed,
            age_seconds: age.as_secs(),
            instead_of,
        })
    }

    /// The rate that was agreed on nearest to a block's time, at most a minute away from it; a late payment is worth that.
    pub fn near(&self, pair: &Pair, time: Timestamp) -> Option<&Agreed> {
        let apart = |at: &Timestamp| at.millis().abs_diff(time.millis());
        let (at, agreed) = self.pages.get(pair)?.agreed.iter().min_by_key(|(at, _)| apart(at))?;
        (apart(at) <= RATE_STALE_AFTER_SECONDS.saturating_mul(1_000)).then_some(agreed)
    }

    /// How the pair's asset stands to the pair's currency.
    pub fn peg(&self, pair: &Pair, now: Timestamp) -> PegStanding {
        self.pages.get(pair).map_or(PegStanding::Held, |page| page.peg.standing(now))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::money::Currency;
    use crate::rate::Ratio;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds)
    }
    fn pair() -> Pair {
        Pair::new(Currency::parse("EUR").unwrap(), "USDC")
    }
    fn said(source: &str, text: &str, seconds: i64) -> Stated {
        Stated { source: source.to_owned(), ratio: Ratio::parse(text).unwrap(), at: at(seconds) }
    }
    fn all(text: &str, seconds: i64) -> [Stated; 3] {
        ["a", "b", "c"].map(|source| said(source, text, seconds))
    }
    fn rate(book: &Book, seconds: i64) -> Option<(Ratio, u64, bool)> {
        let quotable = book.quote(&pair(), at(seconds))?;
        Some((quotable.agreed.ratio, quotable.age_seconds, quotable.instead_of.is_some()))
    }

    #[test]
    fn the_last_good_rate_serves_until_it_is_too_old() {
        let mut book = Book::default();
        assert_eq!(rate(&book, 0), None);
        assert_eq!(book.hear(&pair(), all("1.08", 0), at(0)), Ok(()));
        let good = Ratio::parse("1.08").unwrap();
        assert_eq!(rate(&book, 5), Some((good, 5, false)));
        // Two of three sources die, and the third lies.
        let alone = book.hear(&pair(), [said("a", "9", 90)], at(90));
        assert_eq!(alone, Err(NoRate::TooFew { fresh: 1 }));
        assert_eq!(rate(&book, 90), Some((good, 90, true)));
        assert_eq!(rate(&book, 900), Some((good, 900, true)));
        assert_eq!(rate(&book, 901), None);
        assert_eq!(book.hear(&pair(), all("1.09", 902), at(902)), Ok(()));
        assert_eq!(rate(&book, 902), Some((Ratio::parse("1.09").unwrap(), 0, false)));
    }

    #[test]
    fn a_rate_that_nobody_renews_is_called_old() {
        let mut book = Book::default();
        book.hear(&pair(), all("1.08", 0), at(0)).unwrap();
        assert_eq!(rate(&book, 61), Some((Ratio::parse("1.08").unwrap(), 61, true)));
    }

    #[test]
    fn an_old_answer_never_replaces_a_newer_one() {
        let mut book = Book::default();
        book.hear(&pair(), all("1.08", 10), at(10)).unwrap();
        book.hear(&pair(), all("1.01", 5), at(11)).unwrap();
        assert_eq!(rate(&book, 11).unwrap().0, Ratio::parse("1.08").unwrap());
    }

    #[test]
    fn late_payments_find_the_rate_of_their_minute_or_none() {
        let mut book = Book::default();
        for n in 0..400 {
            book.hear(&pair(), all(&format!("1.{:03}", n % 10), n * 20), at(n * 20)).unwrap();
        }
        let near = |seconds: i64| book.near(&pair(), at(seconds)).map(|agreed| agreed.ratio);
        assert_eq!(near(399 * 20 + 60), Some(Ratio::parse("1.009").unwrap()));
        assert_eq!(near(399 * 20 + 61), None);
        assert_eq!(near(391 * 20 + 4), Some(Ratio::parse("1.001").unwrap()));
        // What is older than the history is forgotten.
        assert_eq!(near(0), None);
        assert_eq!(book.near(&Pair::new(pair().from, "USDT"), at(0)), None);
    }

    #[test]
    fn the_peg_is_watched_pair_by_pair() {
        let usd = |asset: &str| Pair::new(Currency::parse("USD").unwrap(), asset);
        let mut book = Book::default();
        for seconds in [0, 300] {
            book.hear(&usd("USDC"), all("1.0001", seconds), at(seconds)).unwrap();
            book.hear(&usd("USDX"), all("1.10", seconds), at(seconds)).unwrap();
        }
        assert_eq!(book.peg(&usd("USDC"), at(300)), PegStanding::Held);
        assert_eq!(book.peg(&usd("USDX"), at(300)), PegStanding::Broken);
        assert_eq!(book.peg(&usd("USDT"), at(300)), PegStanding::Held);
    }
}
