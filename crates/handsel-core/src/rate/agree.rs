//! One rate from what several sources say: the median, where enough of them spoke lately and most of them agree.

use super::{Pair, Ratio};
use crate::limits::{RATE_DEVIATION_MAX_BPS, RATE_SOURCES_MIN_COUNT, RATE_STALE_AFTER_SECONDS};
use crate::time::Timestamp;
use core::fmt;
use sha2::{Digest, Sha256};

/// What one source said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The source's configured name.
    pub source: String,
    pub ratio: Ratio,
    /// When it said so, or as of when, if it told.
    pub at: Timestamp,
}

impl Stated {
    /// True where this is not older than a rate may be. What claims to come from the future is as far from now as what is old.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let apart = now.millis().abs_diff(self.at.millis());
        apart <= RATE_STALE_AFTER_SECONDS.saturating_mul(1_000)
    }
}

/// A rate that enough sources stand behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    pub ratio: Ratio,
    /// The oldest statement that counted.
    pub at: Timestamp,
    /// All that was heard in time, one for each source, by name.
    pub stated: Vec<Stated>,
}

impl Agreed {
    /// True where the statement is near enough to the median to stand behind it.
    pub fn counts(&self, stated: &Stated) -> bool {
        stated.ratio.is_within(self.ratio, RATE_DEVIATION_MAX_BPS)
    }

    /// SHA-256 over the length-prefixed (32 bits, big-endian) members "handsel/rate/1", pair, rate, and each source's name, rate
    /// and time in milliseconds: what a quote was made of can be shown later and not changed.
    pub fn digest(&self, pair: &Pair) -> [u8; 32] {
        let fraction = |ratio: &Ratio| format!("{}/{}", ratio.numerator(), ratio.denominator());
        let mut digest = Sha256::new();
        let mut member = |text: &str| {
            // No member is longer than 4 GiB.
            digest.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            digest.update(text.as_bytes());
        };
        member("handsel/rate/1");
        member(&pair.to_string());
        member(&fraction(&self.ratio));
        for stated in &self.stated {
            member(&stated.source);
            member(&fraction(&stated.ratio));
            member(&stated.at.millis().to_string());
        }
        digest.finalize().into()
    }
}

/// Why there is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRate {
    /// So many sources spoke in time; three are needed.
    TooFew { fresh: usize },
    /// Most of those that spoke are further than the gate from their median.
    Apart,
}

impl fmt::Display for NoRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { fresh } => write!(
                f,
                "{fresh} of the rate sources spoke within {RATE_STALE_AFTER_SECONDS} s; {RATE_SOURCES_MIN_COUNT} are needed"
            ),
            Self::Apart => f.write_str("the rate sources differ too much"),
        }
    }
}
impl std::error::Error for NoRate {}

/// The median of what was said in time. Of an even number it is the lower of the two in the middle, so that a rate is always one
/// that a source stated; sources off the median don't spoil it while most agree.
pub fn agree(stated: &[Stated], now: Timestamp) -> Result<Agreed, NoRate> {
    let mut fresh: Vec<&Stated> = stated.iter().filter(|s| s.is_fresh(now)).collect();
    // One voice each: the newest.
    fresh.sort_by(|a, b| (&a.source, b.at).cmp(&(&b.source, a.at)));
    fresh.dedup_by(|later, kept| later.source == kept.source);
    if fresh.len() < RATE_SOURCES_MIN_COUNT {
        return Err(NoRate::TooFew { fresh: fresh.len() });
    }
    let mut ratios: Vec<Ratio> = fresh.iter().map(|s| s.ratio).collect();
    ratios.sort_unstable();
    let Some(ratio) = ratios.get((ratios.len() - 1) / 2).copied() else { return Err(NoRate::Apart) };
    let stated: Vec<Stated> = fresh.into_iter().cloned().collect();
    let mut agreed = Agreed { ratio, at: now, stated };
    let near: Vec<Timestamp> = agreed.stated.iter().filter(|s| agreed.counts(s)).map(|s| s.at).collect();
    if near.len() * 2 <= agreed.stated.len() {
        return Err(NoRate::Apart);
    }
    agreed.at = near.into_iter().min().unwrap_or(now);
    Ok(agreed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn said(source: &str, text: &str, seconds_ago: i64) -> Stated {
        let at = Timestamp::from_seconds(NOW.seconds() - seconds_ago);
        Stated { source: source.to_owned(), ratio: Ratio::parse(text).unwrap(), at }
    }

    fn rate(stated: &[Stated]) -> Result<Ratio, NoRate> {
        agree(stated, NOW).map(|agreed| agreed.ratio)
    }

    #[test]
    fn the_middle_of_three_counts_and_one_liar_does_not() {
        let honest = [said("b", "1.0873", 3), said("a", "1.0860", 1), said("c", "1.0880", 2)];
        let agreed = agree(&honest, NOW).unwrap();
        assert_eq!(agreed.ratio, Ratio::parse("1.0873").unwrap());
        assert_eq!(agreed.at, Timestamp::from_seconds(NOW.seconds() - 3));
        let names: Vec<_> = agreed.stated.iter().map(|s| s.source.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        for lie in ["0.0001", "999999"] {
            let mut one_lies = honest.clone();
            one_lies[1] = said("a", lie, 50);
            let agreed = agree(&one_lies, NOW).unwrap();
            assert!(agreed.ratio.is_within(Ratio::parse("1.0873").unwrap(), 20));
            assert!(!agreed.counts(&agreed.stated[0]) && agreed.counts(&agreed.stated[1]));
            assert_eq!(agreed.at, Timestamp::from_seconds(NOW.seconds() - 3), "the liar's age is of no matter");
        }
    }

    #[test]
    fn too_few_too_old_or_too_far_apart_are_no_rate() {
        let (a, b) = (said("a", "1", 0), said("b", "1", 60));
        assert_eq!(rate(&[]), Err(NoRate::TooFew { fresh: 0 }));
        assert_eq!(rate(&[a.clone(), b.clone(), said("c", "1", 61)]), Err(NoRate::TooFew { fresh: 2 }));
        assert_eq!(rate(&[a.clone(), b.clone(), said("c", "1", -61)]), Err(NoRate::TooFew { fresh: 2 }));
        // One source speaks often, and has one voice.
        assert_eq!(rate(&[a.clone(), a.clone(), a.clone(), b.clone()]), Err(NoRate::TooFew { fresh: 2 }));
        assert_eq!(rate(&[a.clone(), b.clone(), said("c", "1", 60)]), Ok(Ratio::ONE));
        assert_eq!(rate(&[a.clone(), said("b", "1.03", 0), said("c", "0.97", 0)]), Err(NoRate::Apart));
        // Of four, two and two stand against each other.
        let camps = [a, b, said("c", "2", 0), said("d", "2", 0)];
        assert_eq!(rate(&camps), Err(NoRate::Apart));
    }

    #[test]
    fn a_source_corrects_itself() {
        let stated =
            [said("a", "5", 30), said("a", "1.01", 10), said("b", "1.01", 1), said("c", "1.01", 1), said("a", "7", 20)];
        assert_eq!(rate(&stated), Ok(Ratio::parse("1.01").unwrap()));
    }

    #[test]
    fn the_digest_moves_with_everything() {
        let pair = |code: &str, to: &str| Pair::new(Currency::parse(code).unwrap(), to);
        let agreed = agree(&[said("a", "1", 0), said("b", "1", 0), said("c", "1", 0)], NOW).unwrap();
        let digest = agreed.digest(&pair("EUR", "USDC"));
        let mut others = vec![agreed.digest(&pair("EUR", "USDT")), agreed.digest(&pair("USD", "USDC"))];
        let mut changed = agreed.clone();
        changed.stated[2].at = NOW.plus(core::time::Duration::from_millis(1));
        others.push(changed.digest(&pair("EUR", "USDC")));
        let mut changed = agreed.clone();
        changed.stated[0].source.push('x');
        others.push(changed.digest(&pair("EUR", "USDC")));
        assert!(!others.contains(&digest));
        // For ever: what was exported must still be what it says.
        assert_eq!(hex::encode(&digest[..8]), "c5ab4a150e1964f2");
    }

    proptest! {
        /// However few lie, and whatever they say: the rate lies between what honest sources said.
        #[test]
        fn a_minority_never_moves_the_rate_out_of_the_honest_range(
            honest in proptest::collection::vec(100_000u128..101_000, 2..6),
            lies in proptest::collection::vec(1u128..10u128.pow(12), 0..5),
        ) {
            prop_assume!(lies.len() < honest.len());
            let (low, high) = (honest.iter().min().copied().unwrap(), honest.iter().max().copied().unwrap());
            let statement = |(n, units): (usize, &u128)| Stated {
                source: n.to_string(),
                ratio: Ratio::new(*units, 100_000).unwrap(),
                at: NOW,
            };
            let all: Vec<Stated> = honest.iter().chain(&lies).enumerate().map(statement).collect();
            match rate(&all) {
                Ok(rate) => {
                    let bound = |units| Ratio::new(units, 100_000).unwrap();
                    prop_assert!(bound(low) <= rate && rate <= bound(high), "{:?}", rate);
                }
                Err(why) => prop_assert_eq!(why, NoRate::TooFew { fresh: all.len() }),
            }
        }

        #[test]
        fn the_order_in_which_they_speak_is_of_no_matter(
            units in proptest::collection::vec(99_000u128..102_000, 3..8), turn in 0usize..8,
        ) {
            let statement = |(n, units): (usize, &u128)| Stated {
                source: n.to_string(),
                ratio: Ratio::new(*units, 100_000).unwrap(),
                at: NOW,
            };
            let mut all: Vec<Stated> = units.iter().enumerate().map(statement).collect();
            let first = agree(&all, NOW);
            all.rotate_left(turn % units.len());
            prop_assert_eq!(agree(&all, NOW), first);
        }
    }
}
