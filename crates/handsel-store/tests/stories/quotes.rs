//! Quotes stay what they were, and the ends of locks are found.

use crate::rig::Rig;
use crate::support::*;
use handsel_core::change::{CommitError, Write};
use handsel_core::checkout::{Checkout, PaymentOption, State};
use handsel_core::id::QuoteId;
use handsel_core::money::Currency;
use handsel_core::rate::{Pair, Quote, Ratio, Stated};

pub(crate) async fn kept(rig: &Rig) {
    let (account, other) = (rig.account().await, rig.account().await);
    let stated = |source: &str, numerator: u128| Stated {
        source: source.to_owned(),
        ratio: Ratio::new(numerator, u128::MAX).unwrap(),
        at: at(-3),
    };
    let quote = Quote {
        id: QuoteId::from_bits(bits()),
        account,
        created: at(0),
        pair: Pair::new(Currency::parse("EUR").unwrap(), "USDC"),
        ratio: Ratio::new(u128::MAX, 7).unwrap(),
        rated_at: at(-3),
        expires_at: at(900),
        stated: vec![stated("one", 1), stated("two", 2)],
        digest: [5; 32],
        mac: [6; 32],
    };
    rig.write(vec![Write::InsertQuote(quote.clone())]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.quote(account, quote.id).await.unwrap(), Some(quote.clone()));
    assert_eq!(reader.quote(other, quote.id).await.unwrap(), None);
    assert_eq!(rig.write(vec![Write::InsertQuote(quote)]).await, Err(CommitError::Conflict));
    for text in ["UPDATE quote SET expires_at = 0", "DELETE FROM quote"] {
        assert!(rig.raw(text).await.is_err(), "{text}");
    }
}

pub(crate) async fn lock_ends(rig: &Rig) {
    let account = rig.account().await;
    let mut open = checkout(account);
    let end = open.options[0].quoted.unwrap().until.plus(core::time::Duration::ZERO);
    let later = PaymentOption { quoted: open.options[0].earlier[0].quoted, ..open.options[0].clone() };
    open.options.push(later);
    let first = open.options[1].quoted.unwrap().until;
    assert!(first < end);
    rig.write(vec![Write::InsertCheckout(open.clone())]).await.unwrap();
    let reader = &rig.store.reader;
    let before = first.minus(core::time::Duration::from_millis(1));
    assert!(reader.checkouts_to_requote(before, 10).await.unwrap().is_empty());
    assert_eq!(reader.checkouts_to_requote(first, 10).await.unwrap(), [open.clone()]);
    open.version = 2;
    open.options.truncate(1);
    rig.write(vec![Write::UpdateCheckout(open.clone())]).await.unwrap();
    assert!(reader.checkouts_to_requote(first, 10).await.unwrap().is_empty());
    assert_eq!(reader.checkouts_to_requote(end, 10).await.unwrap(), [open.clone()]);
    open = Checkout { version: 3, state: State::Canceled { at: at(9) }, ..open };
    rig.write(vec![Write::UpdateCheckout(open.clone())]).await.unwrap();
    assert!(reader.checkouts_to_requote(end, 10).await.unwrap().is_empty(), "what is over needs no lock");
    let mut pegged = checkout(account);
    pegged.options.iter_mut().for_each(|o| (o.quoted, o.earlier) = (None, Vec::new()));
    rig.write(vec![Write::InsertCheckout(pegged)]).await.unwrap();
    assert_eq!(rig.number("SELECT COUNT(*) FROM lock_end").await, 0);
}
