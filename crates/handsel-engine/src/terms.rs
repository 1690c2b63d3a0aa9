//! From what is asked of a new checkout to checked terms. Pure but for the settings; refusals name the member.

use crate::check::{self, invalid};
use crate::checkouts::{LineItem, NewCheckout};
use crate::{Code, Engine, Refusal};
use handsel_core::checkout::{LatePolicy, Matching, Terms};
use handsel_core::limits;
use handsel_core::money::{AmountError, Currency, Money, parse_decimal, power_of_ten};
use handsel_core::time::Timestamp;
use handsel_view::{Private, PrivateItem};
use std::time::Duration;

/// Decimals that any amount could have: for telling nonsense from a wrong number of decimals.
const ANY_DECIMALS: u8 = 24;
const CUSTOMER_MAX_CHARS: usize = 200;
const REFERENCE_MAX_CHARS: usize = 200;
const LINE_ITEM_NAME_MAX_CHARS: usize = 200;
const LINE_ITEMS_MAX_ENTRIES: usize = 100;
const LINE_ITEM_QUANTITY_MAX: u64 = 1_000_000;
/// Private members together: an event's body holds them beside the rest.
const PRIVATE_MAX_BYTES: usize = limits::EVENT_BODY_MAX_BYTES * 3 / 4;

/// The price, or the code that says what is wrong with it: 400 for nonsense, 422 for what can't be accepted.
pub(crate) fn price(amount: &str, currency: &str) -> Result<Money, Refusal> {
    let malformed = |error: AmountError| invalid("/amount", error.to_string());
    if let Err(error @ AmountError::Malformed) = parse_decimal(amount, ANY_DECIMALS) {
        return Err(malformed(error));
    }
    let known = Currency::parse(currency).ok_or_else(|| {
        let guess = check::did_you_mean(currency, Currency::codes());
        Refusal::new(Code::CurrencyUnsupported, format!("this currency is not supported{guess}"))
            .at("/currency")
            .hint("give an ISO 4217 code in upper case, such as \"USD\"")
    })?;
    let minor = parse_decimal(amount, known.exponent()).map_err(|error| match error {
        AmountError::Malformed => malformed(error),
        AmountError::TooManyDecimals { allowed } => {
            let detail = format!("{} has {allowed} decimals; the amount has more", known.code());
            Refusal::new(Code::AmountBelowMinimum, detail).at("/amount")
        }
        AmountError::TooLarge => too_large(),
    })?;
    if minor == 0 {
        return Err(Refusal::new(Code::AmountBelowMinimum, "the amount must be more than zero").at("/amount"));
    }
    let max = power_of_ten(known.exponent()).and_then(|unit| limits::PRICE_MAX_MAJOR.checked_mul(unit));
    if max.is_none_or(|max| minor > max) {
        return Err(too_large());
    }
    Ok(Money { minor, currency: known })
}

fn too_large() -> Refusal {
    Refusal::new(Code::AmountAboveMaximum, "the amount is above 1000000000000").at("/amount")
}

/// Times, tolerance and matching.
pub(crate) fn terms(new: &NewCheckout, now: Timestamp) -> Result<Terms, Refusal> {
    let (min, max) = (limits::CHECKOUT_EXPIRES_MIN_SECONDS, limits::CHECKOUT_EXPIRES_MAX_SECONDS);
    let expires_in = new.expires_in_seconds.unwrap_or(limits::CHECKOUT_EXPIRES_DEFAULT_SECONDS);
    if !(min..=max).contains(&expires_in) {
        return Err(invalid("/expires_in", format!("{min} to {max} seconds are possible")));
    }
    let tolerance_bps = new.tolerance_bps.unwrap_or(0);
    if tolerance_bps > limits::TOLERANCE_MAX_BPS {
        let max = limits::TOLERANCE_MAX_BPS;
        return Err(invalid("/tolerance_bps", format!("0 to {max} basis points are possible")));
    }
    if matches!(new.matching, Matching::Pool | Matching::Router | Matching::Forwarder) {
        let detail = "no wallet of this mode is possible here yet; use auto, xpub or static";
        return Err(Refusal::new(Code::NoPaymentOption, detail).at("/matching"));
    }
    Ok(Terms {
        expires_at: now.plus(Duration::from_secs(expires_in)),
        grace_seconds: limits::CHECKOUT_GRACE_SECONDS,
        tolerance_bps,
        tolerance_max_minor: limits::TOLERANCE_MAX_MINOR,
        over_dust_minor: limits::OVER_DUST_MINOR,
        late_policy: LatePolicy::Hold,
        matching: new.matching,
    })
}

impl Engine {
    /// The members that are sealed, checked; URLs in their canonical form.
    pub(crate) fn private_members(&self, new: &NewCheckout, currency: Currency) -> Result<Private, Refusal> {
        check::optional_text("/customer", new.customer.as_deref(), CUSTOMER_MAX_CHARS)?;
        check::optional_text("/reference", new.reference.as_deref(), REFERENCE_MAX_CHARS)?;
        check::metadata("/metadata", &new.metadata)?;
        let url = |param, url: &Option<String>| url.as_deref().map(|u| self.redirect_url(param, u)).transpose();
        let private = Private {
            customer: new.customer.clone(),
            reference: new.reference.clone(),
            success_url: url("/success_url", &new.success_url)?,
            cancel_url: url("/cancel_url", &new.cancel_url)?,
            line_items: line_items(&new.line_items, currency)?,
            metadata: new.metadata.clone(),
        };
        bounded(&private)?;
        Ok(private)
    }
}

/// Refuses members that together would not fit an event's body.
pub(crate) fn bounded(private: &Private) -> Result<(), Refusal> {
    if private.encode().len() <= PRIVATE_MAX_BYTES {
        return Ok(());
    }
    let detail = format!("texts, line items and metadata together take more than {PRIVATE_MAX_BYTES} bytes");
    Err(Refusal::new(Code::ParameterInvalid, detail))
}

fn line_items(items: &[LineItem], currency: Currency) -> Result<Vec<PrivateItem>, Refusal> {
    if items.len() > LINE_ITEMS_MAX_ENTRIES {
        return Err(invalid("/line_items", format!("at most {LINE_ITEMS_MAX_ENTRIES} items are possible")));
    }
    let checked = |(at, item): (usize, &LineItem)| {
        let root = format!("/line_items/{at}");
        check::text(&format!("{root}/name"), &item.name, LINE_ITEM_NAME_MAX_CHARS)?;
        if !(1..=LINE_ITEM_QUANTITY_MAX).contains(&item.quantity) {
            let detail = format!("1 to {LINE_ITEM_QUANTITY_MAX} are possible");
            return Err(invalid(&format!("{root}/quantity"), detail));
        }
        if let Some(amount) = &item.amount {
            parse_decimal(amount, currency.exponent())
                .map_err(|error| invalid(&format!("{root}/amount"), error.to_string()))?;
        }
        Ok(PrivateItem { name: item.name.clone(), quantity: item.quantity, amount: item.amount.clone() })
    };
    items.iter().enumerate().map(checked).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn amounts_have_the_code_of_what_is_wrong_with_them() {
        assert_eq!(price("19.99", "USD").unwrap().minor, 1_999);
        assert_eq!(price("1000000000000", "USD").unwrap().minor, 100_000_000_000_000);
        for (amount, currency, code) in [
            ("-1", "USD", Code::ParameterInvalid),
            ("1e3", "USD", Code::ParameterInvalid),
            ("", "USD", Code::ParameterInvalid),
            ("1.", "XXX", Code::ParameterInvalid),
            ("0", "USD", Code::AmountBelowMinimum),
            ("0.00", "USD", Code::AmountBelowMinimum),
            ("1.001", "USD", Code::AmountBelowMinimum),
            ("1.5", "JPY", Code::AmountBelowMinimum),
            ("1000000000000.01", "USD", Code::AmountAboveMaximum),
            ("99999999999999999999999999999999999999999999", "USD", Code::AmountAboveMaximum),
            ("1", "usd", Code::CurrencyUnsupported),
            ("1", "BTC", Code::CurrencyUnsupported),
        ] {
            assert_eq!(price(amount, currency).unwrap_err().code, code, "{amount} {currency}");
        }
        assert!(price("1", "usd").unwrap_err().detail.contains("USD"));
    }
}
