//! An exact fraction, in lowest terms.

use crate::checkout::Rate;
use crate::limits::{RATE_DIGITS_MAX_COUNT, RATE_EXPONENT_MAX, RATE_TEXT_MAX_BYTES};
use crate::money::wide::{mul_div_floor, product, scaled};
use crate::money::{Currency, format_decimal, power_of_ten};
use core::cmp::Ordering;
use core::fmt;

const BASIS_POINTS: u128 = 10_000;

/// A positive fraction in lowest terms, so that equal values are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u128,
    denominator: u128,
}

/// Why a text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatioError {
    /// Not a decimal number as JSON writes it.
    Malformed,
    /// Zero or below: nothing has such a price.
    NotPositive,
    /// Beyond anything that has a price.
    OutOfBounds,
}

impl fmt::Display for RatioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no decimal number",
            Self::NotPositive => "not above zero",
            Self::OutOfBounds => "too large or too small for a price",
        })
    }
}
impl std::error::Error for RatioError {}

impl Ratio {
    /// One to one.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `None` where a part is zero.
    pub const fn new(numerator: u128, denominator: u128) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let common = gcd(numerator, denominator);
        Some(Self { numerator: numerator / common, denominator: denominator / common })
    }

    pub const fn numerator(&self) -> u128 {
        self.numerator
    }
    pub const fn denominator(&self) -> u128 {
        self.denominator
    }

    /// The other way round.
    #[must_use]
    pub const fn inverse(self) -> Self {
        Self { numerator: self.denominator, denominator: self.numerator }
    }

    /// Reads a number as JSON and people write it (`1.0873`, `9.2e-1`), exactly; digits after the eighteenth significant one
    /// are dropped (13 section 1: all else floors).
    pub fn parse(text: &str) -> Result<Self, RatioError> {
        if text.len() > RATE_TEXT_MAX_BYTES {
            return Err(RatioError::Malformed);
        }
        let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
        let exponent = exponent.map_or(Ok(0), whole_exponent)?;
        let (positive, mantissa) = mantissa.strip_prefix('-').map_or((true, mantissa), |rest| (false, rest));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || fraction.is_some_and(|f| !digits(f)) {
            return Err(RatioError::Malformed);
        }
        let fraction = fraction.unwrap_or("");
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let places = i64::try_from(fraction.len()).map_err(|_| RatioError::Malformed)?;
        let Some(first) = all.iter().position(|b| *b != b'0').filter(|_| positive) else {
            return Err(RatioError::NotPositive);
        };
        let significant = all.get(first..).unwrap_or(&[]);
        let kept = significant.len().min(RATE_DIGITS_MAX_COUNT);
        let dropped = i64::try_from(significant.len() - kept).map_err(|_| RatioError::Malformed)?;
        let digits = significant.get(..kept).unwrap_or(&[]);
        let units = digits.iter().fold(0u128, |units, byte| units * 10 + u128::from(byte - b'0'));
        Self::shifted(units, exponent - places + dropped)
    }

    /// `units` (at most eighteen digits) times ten to `exponent`.
    fn shifted(units: u128, exponent: i64) -> Result<Self, RatioError> {
        let magnitude = u8::try_from(exponent.unsigned_abs()).ok().filter(|e| *e <= RATE_EXPONENT_MAX);
        let power = magnitude.and_then(power_of_ten).ok_or(RatioError::OutOfBounds)?;
        let ratio = if exponent < 0 {
            Self::new(units, power)
        } else {
            units.checked_mul(power).and_then(|numerator| Self::new(numerator, 1))
        };
        ratio.ok_or(RatioError::OutOfBounds)
    }

    /// True where this is at most `bps` hundredths of a per cent above or below `middle`.
    pub fn is_within(self, middle: Self, bps: u128) -> bool {
        let (ours, theirs) = (product(self.numerator, middle.denominator), product(middle.numerator, self.denominator));
        let (Some(ours), Some(above), Some(below)) = (
            scaled(ours, BASIS_POINTS),
            scaled(theirs, BASIS_POINTS.saturating_add(bps)),
            scaled(theirs, BASIS_POINTS.saturating_sub(bps)),
        ) else {
            // Beyond 256 bits: of no use for a price.
            return false;
        };
        below <= ours && ours <= above
    }

    /// The rate as a lock has it: atomic units of an asset with `decimals` per minor unit of `currency`. `None` where the
    /// parts don't fit.
    pub fn lock(self, currency: Currency, decimals: u8) -> Option<Rate> {
        let exponent = currency.exponent();
        let up = power_of_ten(decimals.saturating_sub(exponent))?;
        let down = power_of_ten(exponent.saturating_sub(decimals))?;
        let (common_up, common_down) = (gcd(up, self.denominator), gcd(down, self.numerator));
        Some(Rate {
            numerator: (self.numerator / common_down).checked_mul(up / common_up)?,
            denominator: (self.denominator / common_up).checked_mul(down / common_down)?,
        })
    }

    /// The value as a decimal text with so many places, rounded down: for people, never to reckon with.
    pub fn to_decimal(self, places: u8) -> Option<String> {
        let units = mul_div_floor(self.numerator, power_of_ten(places)?, self.denominator)?;
        Some(format_decimal(units, places))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        product(self.numerator, other.denominator).cmp(&product(other.numerator, self.denominator))
    }
}
impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

fn whole_exponent(text: &str) -> Result<i64, RatioError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(RatioError::Malformed);
    }
    let magnitude = digits.parse::<i16>().map_err(|_| RatioError::OutOfBounds)?;
    Ok(i64::from(if text.starts_with('-') { -magnitude } else { magnitude }))
}

pub(crate) const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::checkout::terms::{due, pegged_rate};
    use proptest::prelude::*;

    fn ratio(numerator: u128, denominator: u128) -> Ratio {
        Ratio::new(numerator, denominator).unwrap()
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, numerator, denominator) in [
            ("1", 1, 1),
            ("1.0873", 10_873, 10_000),
            ("0.920", 23, 25),
            ("000.50", 1, 2),
            ("9.2e-1", 23, 25),
            ("1E+3", 1_000, 1),
            ("12.5e1", 125, 1),
            ("0.1", 1, 10),
            ("3000.12", 75_003, 25),
            // What a float would turn into something else.
            ("0.30000000000000001", 30_000_000_000_000_001, 100_000_000_000_000_000),
            // Nineteen digits: the last is dropped.
            ("1.234567890123456789", 123_456_789_012_345_678, 100_000_000_000_000_000),
            ("0.0000000000000000000000000000001", 1, 10u128.pow(31)),
        ] {
            assert_eq!(Ratio::parse(text), Ok(ratio(numerator, denominator)), "{text}");
        }
        for (text, error) in [
            ("", RatioError::Malformed),
            (".5", RatioError::Malformed),
            ("1.", RatioError::Malformed),
            ("+1", RatioError::Malformed),
            ("1,5", RatioError::Malformed),
            ("0x10", RatioError::Malformed),
            ("1e", RatioError::Malformed),
            ("1e5.5", RatioError::Malformed),
            ("NaN", RatioError::Malformed),
            ("Infinity", RatioError::Malformed),
            ("1 ", RatioError::Malformed),
            ("0", RatioError::NotPositive),
            ("0.000", RatioError::NotPositive),
            ("0e99", RatioError::NotPositive),
            ("-1", RatioError::NotPositive),
            ("1e99", RatioError::OutOfBounds),
            ("1e-99", RatioError::OutOfBounds),
            ("1e99999999999999999999", RatioError::OutOfBounds),
        ] {
            assert_eq!(Ratio::parse(text), Err(error), "{text}");
        }
        assert_eq!(Ratio::parse(&"1".repeat(RATE_TEXT_MAX_BYTES + 1)), Err(RatioError::Malformed));
    }

    #[test]
    fn the_gate_is_exact_at_its_edge() {
        assert!(ratio(102, 100).is_within(Ratio::ONE, 200));
        assert!(ratio(98, 100).is_within(Ratio::ONE, 200));
        assert!(!ratio(1_020_001, 1_000_000).is_within(Ratio::ONE, 200));
        assert!(!ratio(979_999, 1_000_000).is_within(Ratio::ONE, 200));
        assert!(!ratio(u128::MAX, 1).is_within(ratio(1, u128::MAX), 200));
    }

    #[test]
    fn one_to_one_locks_as_a_peg_does() {
        for (code, decimals) in [("USD", 6), ("USD", 18), ("USD", 2), ("KWD", 2), ("JPY", 0), ("USD", 24)] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(Ratio::ONE.lock(currency, decimals), pegged_rate(currency, decimals), "{code} {decimals}");
        }
        let eur = Currency::parse("EUR").unwrap();
        // 1.0873 USDC for a euro: 10873 atomic units for a cent; 10.00 euros are 10.873000 USDC.
        let rate = Ratio::parse("1.0873").unwrap().lock(eur, 6).unwrap();
        assert_eq!(rate, Rate { numerator: 10_873, denominator: 1 });
        assert_eq!(due(1_000, &rate, 6), Some(10_873_000));
        // One coin costs 3000.12 euros.
        let rate = Ratio::parse("3000.12").unwrap().inverse().lock(eur, 18).unwrap();
        assert_eq!(due(300_012, &rate, 18), Some(10u128.pow(18)));
        assert_eq!(ratio(u128::MAX, 3).lock(eur, 18), None);
    }

    #[test]
    fn people_see_it_rounded_down() {
        assert_eq!(ratio(2, 3).to_decimal(6).as_deref(), Some("0.666666"));
        assert_eq!(ratio(u128::MAX, 1).to_decimal(6), None);
    }

    fn any_ratio() -> impl Strategy<Value = Ratio> {
        (1u128..10u128.pow(18), 1u128..10u128.pow(18)).prop_map(|(n, d)| ratio(n, d))
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(units in 1u128..10u128.pow(17), places in 0u8..18) {
            let power = 10u128.pow(u32::from(places));
            prop_assert_eq!(Ratio::parse(&format_decimal(units, places)), Ok(ratio(units, power)));
            prop_assert_eq!(Ratio::parse(&format!("{units}e-{places}")), Ok(ratio(units, power)));
        }

        /// No text makes it panic, and what it reads is above zero.
        #[test]
        fn any_text_is_a_ratio_or_an_error(text in "[-+0-9.eE ]{0,40}|\\PC{0,20}") {
            if let Ok(ratio) = Ratio::parse(&text) {
                prop_assert!(ratio.numerator() > 0 && ratio.denominator() > 0);
                prop_assert_eq!(gcd(ratio.numerator(), ratio.denominator()), 1);
            }
        }

        #[test]
        fn order_and_gate_follow_the_value(a in any_ratio(), b in any_ratio(), bps in 0u128..10_000) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b), b.inverse().cmp(&a.inverse()));
            prop_assert_eq!(a.is_within(b, 0), a == b);
            prop_assert!(a.is_within(a, bps));
            if a.is_within(b, bps) {
                prop_assert!(a.is_within(b, bps + 1));
            }
        }

        /// 13 section 6, property 7, from the source's own fraction: the lock loses nothing of it.
        #[test]
        fn a_lock_is_the_rate_and_nothing_else(rate in any_ratio(), price in 1u128..10u128.pow(12), decimals in 2u8..=18) {
            let eur = Currency::parse("EUR").unwrap();
            let Some(lock) = rate.lock(eur, decimals) else { return Ok(()) };
            let Some(due) = due(price, &lock, decimals) else { return Ok(()) };
            let quantum = 10u128.pow(u32::from(decimals.saturating_sub(6)));
            // due/10^decimals >= price/100 * rate > (due - quantum)/10^decimals, cross-multiplied.
            let (atoms, cents) = (10u128.pow(u32::from(decimals)), 100);
            let exact = scaled(product(price, rate.numerator()), atoms).unwrap();
            prop_assert!(scaled(product(due, rate.denominator()), cents).unwrap() >= exact);
            if let Some(below) = due.checked_sub(quantum) {
                prop_assert!(scaled(product(below, rate.denominator()), cents).unwrap() < exact);
            }
        }
    }
}
