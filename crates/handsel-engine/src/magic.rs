//! The sandbox's magic cents (02): the price tells how a payment without an amount goes wrong. Pure.

use handsel_core::chain::Network;
use handsel_core::checkout::Checkout;
use handsel_core::money::{Money, power_of_ten};
use handsel_core::port::PayOrder;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Magic {
    Short,
    Over,
    Late,
    WrongAsset,
    Reorged,
    Pending,
}

/// What the price's last two digits say, in currencies with two decimals.
pub(crate) fn magic(price: Money) -> Option<Magic> {
    if price.currency.exponent() != 2 {
        return None;
    }
    match price.minor % 100 {
        1 => Some(Magic::Short),
        2 => Some(Magic::Over),
        3 => Some(Magic::Late),
        4 => Some(Magic::WrongAsset),
        5 => Some(Magic::Reorged),
        6 => Some(Magic::Pending),
        _ => None,
    }
}

/// A listed asset of the order's network that the checkout does not take there, with as much of it.
pub(crate) fn wrong_asset(network: &Network, checkout: &Checkout, order: &PayOrder) -> Option<(String, u128)> {
    let taken = |asset: &str| checkout.options.iter().any(|o| o.network == network.name && o.asset == asset);
    let token = network.tokens.iter().find(|token| !taken(&token.asset))?;
    let from = network.token(&order.asset)?.decimals;
    Some((token.asset.clone(), rescaled(order.amount, from, token.decimals)))
}

/// The same decimal amount in units of another number of decimals; what does not fit is cut.
pub(crate) fn rescaled(units: u128, from: u8, to: u8) -> u128 {
    let factor = power_of_ten(from.abs_diff(to)).unwrap_or(u128::MAX);
    if to >= from { units.saturating_mul(factor) } else { units / factor }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use handsel_core::money::Currency;

    #[test]
    fn only_the_last_two_digits_of_cents_are_magic() {
        let price = |minor, code| Money { minor, currency: Currency::parse(code).unwrap() };
        assert_eq!(magic(price(1_901, "USD")), Some(Magic::Short));
        assert_eq!(magic(price(6, "EUR")), Some(Magic::Pending));
        assert_eq!(magic(price(1_999, "USD")), None);
        assert_eq!(magic(price(1_901, "JPY")), None);
    }

    #[test]
    fn amounts_keep_their_worth_in_other_decimals() {
        assert_eq!(rescaled(19_990_000, 6, 18), 19_990_000_000_000_000_000);
        assert_eq!(rescaled(19_990_000_000_000_000_001, 18, 6), 19_990_000);
        assert_eq!(rescaled(5, 6, 6), 5);
    }
}
