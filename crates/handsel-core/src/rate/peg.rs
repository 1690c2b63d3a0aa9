//! The peg guard (13 section 2): an asset that the operator pegs to a currency counts 1:1 while the sources say so, or say
//! nothing.

use super::{Agreed, Ratio};
use crate::limits::{PEG_BROKEN_BPS, PEG_OFF_AFTER_SECONDS, PEG_OFF_BPS, RATE_LAST_GOOD_MAX_SECONDS};
use crate::time::Timestamp;
use core::time::Duration;

/// What new checkouts do with an asset that is off its peg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PegPolicy {
    /// It is not offered.
    #[default]
    Block,
    /// It is offered at its rate.
    Reprice,
    /// It is offered 1:1 all the same.
    Accept,
}

/// How an asset stands to its peg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PegStanding {
    /// It is worth 1:1, or nobody says otherwise.
    Held,
    /// It has been off for too long.
    Off,
    /// The same, and so far that open pages don't offer it either.
    Broken,
}

/// How an asset is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    OneToOne,
    AtItsRate,
    Withheld,
}

impl PegPolicy {
    /// For a new checkout.
    pub const fn for_new(self, standing: PegStanding) -> Offer {
        match (standing, self) {
            (PegStanding::Held, _) | (_, Self::Accept) => Offer::OneToOne,
            (_, Self::Block) => Offer::Withheld,
            (_, Self::Reprice) => Offer::AtItsRate,
        }
    }

    /// True where an open page goes on offering what it locked 1:1: a lock is never repriced.
    pub const fn keeps_open(self, standing: PegStanding) -> bool {
        !matches!((standing, self), (PegStanding::Broken, Self::Block | Self::Reprice))
    }
}

/// What was seen of one asset and its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PegWatch {
    off_since: Option<Timestamp>,
    last: Option<(Ratio, Timestamp)>,
}

impl PegWatch {
    /// Hears what the sources agreed on.
    pub fn observe(&mut self, agreed: &Agreed, now: Timestamp) {
        // What one unit of the asset is worth, in its currency.
        let price = agreed.ratio.inverse();
        let silent = self.last.is_some_and(|(_, at)| is_old(at, now));
        if price.is_within(Ratio::ONE, PEG_OFF_BPS) {
            self.off_since = None;
        } else if self.off_since.is_none() || silent {
            self.off_since = Some(now);
        }
        self.last = Some((price, now));
    }

    /// How it stands. Where no source has spoken for as long as a last good rate serves, 1:1 stays.
    pub fn standing(&self, now: Timestamp) -> PegStanding {
        let (Some(since), Some((price, at))) = (self.off_since, self.last) else { return PegStanding::Held };
        if is_old(at, now) || now.since(since) < Duration::from_secs(PEG_OFF_AFTER_SECONDS) {
            PegStanding::Held
        } else if price.is_within(Ratio::ONE, PEG_BROKEN_BPS) {
            PegStanding::Off
        } else {
            PegStanding::Broken
        }
    }
}

fn is_old(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) > Duration::from_secs(RATE_LAST_GOOD_MAX_SECONDS)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds)
    }

    /// Sees one coin's price at these seconds, and tells how it stands at the last of them.
    fn after(prices: &[(i64, &str)], now: i64) -> PegStanding {
        let mut watch = PegWatch::default();
        for (seconds, price) in prices {
            let ratio = Ratio::parse(price).unwrap().inverse();
            watch.observe(&Agreed { ratio, at: at(*seconds), stated: Vec::new() }, at(*seconds));
        }
        watch.standing(at(now))
    }

    #[test]
    fn it_is_off_only_after_five_minutes_without_a_break() {
        assert_eq!(after(&[], 0), PegStanding::Held);
        assert_eq!(after(&[(0, "0.98"), (299, "0.98")], 299), PegStanding::Held);
        assert_eq!(after(&[(0, "0.98"), (300, "0.98")], 300), PegStanding::Off);
        assert_eq!(after(&[(0, "1.02"), (300, "1.011")], 300), PegStanding::Off);
        assert_eq!(after(&[(0, "0.98"), (200, "0.99"), (300, "0.98")], 300), PegStanding::Held);
        assert_eq!(after(&[(0, "0.99"), (600, "1.01")], 600), PegStanding::Held);
        assert_eq!(after(&[(0, "0.98"), (400, "1")], 400), PegStanding::Held);
    }

    #[test]
    fn far_off_is_broken_and_near_again_is_only_off() {
        assert_eq!(after(&[(0, "0.98"), (300, "0.94")], 300), PegStanding::Broken);
        assert_eq!(after(&[(0, "0.5"), (299, "0.5")], 299), PegStanding::Held);
        assert_eq!(after(&[(0, "0.5"), (300, "0.95")], 300), PegStanding::Off);
    }

    #[test]
    fn without_a_source_one_to_one_stays() {
        assert_eq!(after(&[(0, "0.5"), (300, "0.5")], 1_200), PegStanding::Broken);
        assert_eq!(after(&[(0, "0.5"), (300, "0.5")], 1_201), PegStanding::Held);
        // After a silence the five minutes begin anew.
        assert_eq!(after(&[(0, "0.5"), (2_000, "0.5")], 2_000), PegStanding::Held);
        assert_eq!(after(&[(0, "0.5"), (2_000, "0.5")], 2_300), PegStanding::Broken);
    }

    #[test]
    fn the_policy_decides_what_is_offered() {
        use PegPolicy::{Accept, Block, Reprice};
        use PegStanding::{Broken, Held, Off};
        for (standing, new, open) in [
            (Held, [Offer::OneToOne, Offer::OneToOne, Offer::OneToOne], [true, true, true]),
            (Off, [Offer::Withheld, Offer::AtItsRate, Offer::OneToOne], [true, true, true]),
            (Broken, [Offer::Withheld, Offer::AtItsRate, Offer::OneToOne], [false, false, true]),
        ] {
            assert_eq!([Block, Reprice, Accept].map(|policy| policy.for_new(standing)), new);
            assert_eq!([Block, Reprice, Accept].map(|policy| policy.keeps_open(standing)), open);
        }
    }
}
