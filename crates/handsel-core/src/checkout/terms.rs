//! What one option asks for: the due amount of an asset for a price, and the tag that makes it unique (13 sections 1, 2).

use super::Rate;
use super::sums::MICRO_PER_MINOR;
use crate::limits::TAG_MAX;
use crate::money::wide::mul_div_ceil;
use crate::money::{Currency, power_of_ten};
use crate::rate::gcd;

/// Decimals that exchange forms let people type: amounts are rounded up to 10^-6 (13 "rounding").
const TYPABLE_DECIMALS: u8 = 6;
/// A tag is at most so many hundredths of what is due.
const TAG_SHARE_MAX_PERCENT: u128 = 1;

/// The rate of an asset that is pegged to the price's currency: exactly 1:1. `None` where the powers don't fit.
pub fn pegged_rate(currency: Currency, decimals: u8) -> Option<Rate> {
    let exponent = currency.exponent();
    Some(Rate {
        numerator: power_of_ten(decimals.saturating_sub(exponent))?,
        denominator: power_of_ten(exponent.saturating_sub(decimals))?,
    })
}

/// What is due in atomic units: the price at the rate, rounded up to the asset's quantum (the payer pays less than one quantum
/// too much). `None` where the amount overflows or comes to nothing: the option is left out.
pub fn due(price_minor: u128, rate: &Rate, decimals: u8) -> Option<u128> {
    due_micro(price_minor.checked_mul(MICRO_PER_MINOR)?, rate, decimals)
}

/// The same for an unpaid rest, which need not be whole minor units.
pub fn due_micro(price_micro: u128, rate: &Rate, decimals: u8) -> Option<u128> {
    let quantum = power_of_ten(decimals.saturating_sub(TYPABLE_DECIMALS))?;
    // A whole price keeps small parts, so that the division fits where it can.
    let common = gcd(price_micro, MICRO_PER_MINOR);
    let (price, per_minor) = (price_micro / common, MICRO_PER_MINOR / common);
    let exact = mul_div_ceil(price, rate.numerator, rate.denominator.checked_mul(per_minor)?)?;
    let due = exact.div_ceil(quantum).checked_mul(quantum)?;
    (due > 0).then_some(due)
}

/// The smallest tag that makes `due - tag` unique among `leased` payable amounts, searching upwards from the `start`-th (any
/// number; a random one spreads the tags). `None` where the option must be left out: no tag is free, or the asset has fewer
/// than 6 decimals. Only for assets pegged to the price's currency. `due` itself is never leased.
pub fn free_tag(due: u128, decimals: u8, leased: &[u128], start: u128) -> Option<u128> {
    let unit = power_of_ten(decimals.checked_sub(TYPABLE_DECIMALS)?)?;
    let tags = TAG_MAX.min(due / 100 * TAG_SHARE_MAX_PERCENT / unit);
    if tags == 0 {
        return None;
    }
    let mut taken = leased.to_vec();
    taken.sort_unstable();
    let candidates = (0..tags).map(|n| ((start % tags) + n) % tags + 1).map(|n| n * unit);
    candidates
        .into_iter()
        .find(|tag| due.checked_sub(*tag).is_some_and(|payable| taken.binary_search(&payable).is_err()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn usd() -> Currency {
        Currency::parse("USD").unwrap()
    }

    #[test]
    fn pegged_amounts_are_exact() {
        for (decimals, expected) in [(2, 1_999), (6, 19_990_000), (18, 19_990_000_000_000_000_000)] {
            let rate = pegged_rate(usd(), decimals).unwrap();
            assert_eq!(due(1_999, &rate, decimals), Some(expected));
        }
        // A coin with fewer decimals than the currency rounds up.
        let rate = pegged_rate(Currency::parse("KWD").unwrap(), 2).unwrap();
        assert_eq!(due(1_001, &rate, 2), Some(101));
    }

    #[test]
    fn a_rate_rounds_up_to_the_quantum() {
        // 1 USD = 0.0003… of an 18-decimal asset: 10^18 / 300000 atomic units per cent.
        let rate = Rate { numerator: 10u128.pow(18), denominator: 300_000 };
        assert_eq!(due(1_999, &rate, 18), Some(6_664_000_000_000_000));
        assert_eq!(due(u128::MAX, &rate, 18), None);
        // A rest of 3.3333333 cents.
        assert_eq!(due_micro(3_333_333, &rate, 18), Some(12_000_000_000_000));
        assert_eq!(due(1, &Rate { numerator: 0, denominator: 1 }, 6), None);
        assert_eq!(due(1, &Rate { numerator: 1, denominator: 0 }, 6), None);
    }

    #[test]
    fn tags_are_unique_small_and_never_the_untagged_amount() {
        let due = 19_990_000;
        let mut leased = Vec::new();
        while let Some(tag) = free_tag(due, 6, &leased, 777) {
            assert!((1..=9_999).contains(&tag));
            assert!(!leased.contains(&(due - tag)));
            leased.push(due - tag);
        }
        assert_eq!(leased.len(), 9_999);
        assert_eq!(leased.first(), Some(&(due - 778)));
        // One per cent of 50 cents is half a cent.
        assert!(free_tag(500_000, 6, &[], 4_999).unwrap() <= 5_000);
        assert_eq!(free_tag(99, 6, &[], 0), None);
        assert_eq!(free_tag(1_000_000, 5, &[], 0), None);
        assert_eq!(free_tag(10u128.pow(18), 18, &[], 0), Some(10u128.pow(12)));
    }

    proptest! {
        /// 13 section 6, property 7.
        #[test]
        fn due_is_less_than_a_quantum_above_the_price(
            price in 1u128..10u128.pow(14), numerator in 1u128..10u128.pow(18), denominator in 1u128..10u128.pow(9),
            decimals in 0u8..=24,
        ) {
            let rate = Rate { numerator, denominator };
            let quantum = 10u128.pow(u32::from(decimals.saturating_sub(6)));
            let due = due(price, &rate, decimals).unwrap();
            prop_assert_eq!(due_micro(price * MICRO_PER_MINOR, &rate, decimals), Some(due));
            prop_assert_eq!(due % quantum, 0);
            // price * rate <= due < price * rate + quantum, without dividing.
            use crate::money::wide::product;
            prop_assert!(product(price, numerator) <= product(due, denominator));
            if let Some(below) = due.checked_sub(quantum) {
                prop_assert!(product(below, denominator) < product(price, numerator));
            }
        }
    }
}
