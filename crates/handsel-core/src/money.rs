//! Amounts: checked integers only. A *currency* (ISO 4217) prices, an *asset* pays (13 section 1).

pub mod wide;

use core::fmt;

/// An ISO 4217 currency that Handsel prices in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(usize);

/// Code and minor-unit exponent (ISO 4217 list one).
const CURRENCIES: &[(&str, u8)] = &[
    ("AED", 2),
    ("ARS", 2),
    ("AUD", 2),
    ("BHD", 3),
    ("BRL", 2),
    ("CAD", 2),
    ("CHF", 2),
    ("CLP", 0),
    ("CNY", 2),
    ("COP", 2),
    ("CZK", 2),
    ("DKK", 2),
    ("EGP", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("GHS", 2),
    ("HKD", 2),
    ("HUF", 2),
    ("IDR", 2),
    ("ILS", 2),
    ("INR", 2),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KES", 2),
    ("KRW", 0),
    ("KWD", 3),
    ("MAD", 2),
    ("MXN", 2),
    ("MYR", 2),
    ("NGN", 2),
    ("NOK", 2),
    ("NZD", 2),
    ("OMR", 3),
    ("PEN", 2),
    ("PHP", 2),
    ("PKR", 2),
    ("PLN", 2),
    ("QAR", 2),
    ("RON", 2),
    ("RSD", 2),
    ("SAR", 2),
    ("SEK", 2),
    ("SGD", 2),
    ("THB", 2),
    ("TND", 3),
    ("TRY", 2),
    ("TWD", 2),
    ("TZS", 2),
    ("UAH", 2),
    ("UGX", 0),
    ("USD", 2),
    ("UYU", 2),
    ("VND", 0),
    ("XOF", 0),
    ("ZAR", 2),
];

impl Currency {
    /// Finds a currency by its upper-case code.
    pub fn parse(code: &str) -> Option<Self> {
        CURRENCIES.iter().position(|(c, _)| *c == code).map(Self)
    }
    pub fn code(self) -> &'static str {
        CURRENCIES.get(self.0).map_or("", |c| c.0)
    }
    /// Decimals of the minor unit.
    pub fn exponent(self) -> u8 {
        CURRENCIES.get(self.0).map_or(0, |c| c.1)
    }
    pub fn codes() -> impl Iterator<Item = &'static str> {
        CURRENCIES.iter().map(|c| c.0)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A price: minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: u128,
    pub currency: Currency,
}

/// Why a text is no amount. `Malformed` is a 400, the others are 422 (02 "money").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountError {
    Malformed,
    TooManyDecimals { allowed: u8 },
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("write the amount as a decimal string such as \"19.99\""),
            Self::TooManyDecimals { allowed } => write!(f, "at most {allowed} decimals are possible here"),
            Self::TooLarge => f.write_str("the amount is too large"),
        }
    }
}

/// Parses `[0-9]+(\.[0-9]+)?` into units of 10^-`decimals`.
pub fn parse_decimal(text: &str, decimals: u8) -> Result<u128, AmountError> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || fraction.is_some_and(|f| !digits(f)) {
        return Err(AmountError::Malformed);
    }
    let fraction = fraction.unwrap_or("");
    if fraction.len() > usize::from(decimals) {
        return Err(AmountError::TooManyDecimals { allowed: decimals });
    }
    let padding = usize::from(decimals) - fraction.len();
    let mut units: u128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()).chain(core::iter::repeat_n(b'0', padding)) {
        let digit = u128::from(byte - b'0');
        units = units.checked_mul(10).and_then(|u| u.checked_add(digit)).ok_or(AmountError::TooLarge)?;
    }
    Ok(units)
}

/// The decimal text of `units` of 10^-`decimals`, with all decimals: `19.990000`.
pub fn format_decimal(units: u128, decimals: u8) -> String {
    let digits = units.to_string();
    let decimals = usize::from(decimals);
    if decimals == 0 {
        return digits;
    }
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{whole}.{fraction}")
}

/// 10^`exponent`, where that fits.
pub const fn power_of_ten(exponent: u8) -> Option<u128> {
    10u128.checked_pow(exponent as u32)
}
