//! Locks that end: whoever sent in time gets what was shown, and only the unpaid rest is quoted anew (13 sections 1, 2, 6).

use crate::scene::{Chain, FINALITY_LAG, START, Scene, USDC, USDT, checkout, status_pair};
use handsel_core::checkout::lock::Requote;
use handsel_core::checkout::{Checkout, Command, LatePolicy, Quoted, Rate, Refused, Standing, State, terms};
use handsel_core::event::Kind;
use handsel_core::id::{PaymentId, QuoteId};
use handsel_core::money::Currency;
use handsel_core::money::wide::{mul_div_floor, product};
use handsel_core::payment::Outcome;
use handsel_core::rate::Ratio;
use handsel_core::time::Timestamp;
use proptest::prelude::*;

const MICRO: u128 = 1_000_000;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds((START + seconds) as i64)
}

fn rate(text: &str) -> Rate {
    Ratio::parse(text).unwrap().lock(Currency::parse("EUR").unwrap(), 6).unwrap()
}

/// A checkout in euros that is paid in USDT and USDC (6 decimals), both locked by a quote from the start.
fn quoted(minor: u128, text: &str) -> Checkout {
    let mut checkout = checkout(minor);
    checkout.price.currency = Currency::parse("EUR").unwrap();
    for option in &mut checkout.options {
        option.rate = rate(text);
        option.due = terms::due(minor, &option.rate, 6).unwrap();
        let (from, until) = (at(0), at(900));
        option.quoted = Some(Quoted { quote: QuoteId::from_bits(1), from, until, priced_micro: minor * MICRO });
    }
    checkout
}

fn requote(option: u32, text: &str, seconds: u64) -> Command {
    Command::Requote(Requote {
        option,
        quote: QuoteId::from_bits(u128::from(seconds)),
        rate: rate(text),
        from: at(seconds),
    })
}

fn pay(scene: &mut Scene, chain: &mut Chain, seconds: u64, token: u8, amount: u128) {
    scene.now = START + seconds;
    let send = scene.send(token, amount);
    scene.mine(chain, vec![send]);
    scene.mine_empty(chain, FINALITY_LAG as usize);
}

fn outcomes(scene: &Scene) -> Vec<Option<Outcome>> {
    scene.payments().iter().map(|p| p.outcome).collect()
}

#[test]
fn what_is_sent_in_time_counts_at_the_rate_that_was_shown() {
    let mut scene = Scene::new(quoted(1_000, "1.08"));
    let mut chain = Chain::new("one", 1);
    assert_eq!(scene.checkout().still_due(0), 10_800_000);
    pay(&mut scene, &mut chain, 10, USDT, 10_800_000);
    assert_eq!(outcomes(&scene), [Some(Outcome::Exact)]);
    assert_eq!(status_pair(scene.checkout()), "complete/paid");
    assert_eq!(scene.checkout().received_minor(), 1_000);
}

#[test]
fn only_the_unpaid_rest_is_quoted_anew() {
    let mut scene = Scene::new(quoted(1_000, "1.08"));
    let mut chain = Chain::new("one", 1);
    pay(&mut scene, &mut chain, 10, USDT, 5_400_000);
    assert_eq!(scene.command(requote(0, "2", 899)), Err(Refused::OldNews), "a lock is never repriced");
    scene.now = START + 900;
    scene.command(requote(0, "2", 900)).unwrap();
    // Half is paid at 1.08; the other five euros cost 10 now.
    assert_eq!(scene.checkout().options[0].due, 10_000_000);
    assert_eq!(scene.checkout().still_due(0), 10_000_000);
    pay(&mut scene, &mut chain, 1_000, USDT, 10_000_000);
    assert_eq!(outcomes(&scene), [Some(Outcome::Under), Some(Outcome::Exact)]);
    assert_eq!(status_pair(scene.checkout()), "complete/paid");
    assert_eq!(scene.checkout().received_minor(), 1_000);
    assert_eq!(scene.payments()[0].value_micro + scene.payments()[1].value_micro, 1_000 * MICRO);
}

/// Seen long after the lock's end, mined before it or in its grace: the block's own time decides. What was shown last also counts
/// from its beginning, whatever the older lock's grace.
#[test]
fn the_blocks_time_says_which_lock_was_used() {
    for (mined, amount, outcome) in [
        (900, 10_800_000, Outcome::Exact),
        (1_020, 10_800_000, Outcome::Exact),
        (1_021, 10_800_000, Outcome::Under),
        (905, 12_000_000, Outcome::Exact),
        (1_500, 12_000_000, Outcome::Exact),
        (1_500, 12_500_000, Outcome::Over),
    ] {
        let mut scene = Scene::new(quoted(1_000, "1.08"));
        let mut chain = Chain::new("one", 1);
        scene.now = START + 900;
        scene.command(requote(0, "1.2", 900)).unwrap();
        let send = scene.send(USDT, amount);
        let block = chain.grow(START + mined, vec![send]);
        scene.now = START + 1_700;
        scene.feed(&chain, &[block], &[]);
        scene.mine_empty(&mut chain, FINALITY_LAG as usize);
        assert_eq!(outcomes(&scene), [Some(outcome)], "{mined} {amount}");
    }
}

#[test]
fn after_a_lock_without_a_new_one_the_late_policy_decides() {
    for (policy, renewed, outcome, status) in [
        (LatePolicy::Hold, false, Outcome::Late, "open/unpaid"),
        (LatePolicy::AcceptLocked, false, Outcome::Late, "complete/paid"),
        (LatePolicy::Requote, false, Outcome::Late, "open/unpaid"),
        (LatePolicy::Requote, true, Outcome::Exact, "complete/paid"),
    ] {
        let mut terms = quoted(1_000, "1.08");
        terms.terms.late_policy = policy;
        let mut scene = Scene::new(terms);
        let mut chain = Chain::new("one", 1);
        if renewed {
            scene.command(requote(0, "1.08", 1_500)).unwrap();
        }
        pay(&mut scene, &mut chain, 1_500, USDT, 10_800_000);
        assert_eq!(outcomes(&scene), [Some(outcome)], "{policy:?}");
        assert_eq!(status_pair(scene.checkout()), status, "{policy:?} {renewed}");
    }
}

/// 13 row 10: the checkout is over, its policy is to requote, and a lock of the block's time is there.
#[test]
fn a_late_payment_is_worth_what_it_was_at_its_time() {
    let mut terms = quoted(1_000, "1.08");
    terms.terms.late_policy = LatePolicy::Requote;
    let mut scene = Scene::new(terms);
    let mut chain = Chain::new("one", 1);
    scene.now = START + 4_000;
    scene.command(Command::Expire).unwrap();
    scene.command(requote(0, "1.2", 4_000)).unwrap();
    pay(&mut scene, &mut chain, 4_000, USDT, 12_000_000);
    assert_eq!(outcomes(&scene), [Some(Outcome::Late)]);
    assert_eq!(status_pair(scene.checkout()), "complete/paid");
    assert_eq!((scene.told(Kind::CheckoutLatePayment), scene.told(Kind::CheckoutCompleted)), (1, 1));
}

#[test]
fn a_peg_a_paid_price_and_a_live_lock_are_not_quoted_anew() {
    let mut pegged = checkout(1_000);
    assert_eq!(pegged.clone().apply(requote(0, "1", 4_000), at(4_000)).unwrap_err(), Refused::OldNews);
    pegged.options.clear();
    assert_eq!(pegged.apply(requote(0, "1", 4_000), at(4_000)).unwrap_err(), Refused::NothingOpen);
    let mut scene = Scene::new(quoted(1_000, "1.08"));
    let mut chain = Chain::new("one", 1);
    pay(&mut scene, &mut chain, 10, USDC, 10_800_000);
    assert_eq!(scene.command(requote(0, "1", 900)), Err(Refused::OldNews));
}

#[test]
fn of_a_months_locks_those_that_were_used_are_kept() {
    let mut checkout = quoted(1_000, "1.08");
    checkout.terms.expires_at = at(2_592_000);
    let (payment, block_time) = (PaymentId::from_bits(1), at(5));
    let seen = Command::Seen { payment, option: Some(0), amount: 1_080_000, block_time };
    checkout = checkout.apply(seen, at(6)).unwrap().checkout;
    for n in 1..500 {
        checkout = checkout.apply(requote(0, "1.2", n * 900), at(n * 900)).unwrap().checkout;
    }
    assert_eq!(checkout.options[0].earlier.len(), 95);
    assert_eq!(checkout.options[0].earlier[0].due, 10_800_000, "the lock that was paid on is there");
    let settled = Command::Settled { payment, wrong: None, seen_at: at(6) };
    let step = checkout.apply(settled, at(500 * 900)).unwrap();
    assert_eq!(step.rulings[0].value_micro, 100 * MICRO);
    assert_eq!(step.checkout.still_due(0), 10_800_000, "nine euros at 1.2");
}

#[derive(Debug, Clone)]
enum Act {
    /// Option, amount, seconds since the last act.
    Pay(u32, u128, u64),
    /// Option and the rate in millionths.
    Requote(u32, u128),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0u32..2, 1u128..8_000_000, 1u64..400).prop_map(|(o, amount, s)| Act::Pay(o, amount, s)),
        2 => (0u32..2, 500_000u128..2_000_000).prop_map(|(o, rate)| Act::Requote(o, rate)),
    ];
    proptest::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Properties 6, 7 and 8 of 13 section 6 over locks that end: no requote changes what a payment was worth, every lock asks for
    /// its part of the price and less than a quantum more, and however the price is paid, the payer is forgiven the tolerance once.
    #[test]
    fn however_locks_follow_each_other_nobody_gains(acts in acts(), tolerance_bps in 0u32..300, price in 100u128..3_000) {
        let mut checkout = quoted(price, "1.08");
        checkout.terms.tolerance_bps = tolerance_bps;
        checkout.terms.expires_at = at(1_000_000);
        let mut seconds = 0;
        let mut worth: Vec<(PaymentId, u128)> = Vec::new();
        for (n, act) in (1u128..).zip(acts) {
            match act {
                Act::Pay(option, amount, later) => {
                    seconds += later;
                    let (payment, now) = (PaymentId::from_bits(n), at(seconds));
                    let seen = Command::Seen { payment, option: Some(option), amount, block_time: now };
                    checkout = checkout.apply(seen, now).unwrap().checkout;
                    let step = checkout.apply(Command::Settled { payment, wrong: None, seen_at: now }, now).unwrap();
                    checkout = step.checkout;
                    worth.push((payment, step.rulings[0].value_micro));
                }
                Act::Requote(option, millionths) => {
                    seconds += 900;
                    let rate = Ratio::new(millionths, MICRO).unwrap().lock(checkout.price.currency, 6).unwrap();
                    let quote = QuoteId::from_bits(n);
                    let new = Command::Requote(Requote { option, quote, rate, from: at(seconds) });
                    match checkout.clone().apply(new, at(seconds)) {
                        Ok(step) => checkout = step.checkout,
                        Err(why) => prop_assert_eq!(why, Refused::OldNews),
                    }
                }
            }
            for lock in checkout.options.iter().flat_map(|o| o.locks()) {
                let priced = lock.quoted.unwrap().priced_micro;
                let exact = product(priced, lock.rate.numerator);
                prop_assert!(product(lock.due, lock.rate.denominator * MICRO) >= exact);
                prop_assert!(product(lock.due - 1, lock.rate.denominator * MICRO) < exact);
            }
        }
        for credit in &checkout.credits {
            let Standing::Settled { value_micro, .. } = credit.standing else { panic!("all are settled") };
            prop_assert!(worth.contains(&(credit.payment, value_micro)));
        }
        let total: u128 = worth.iter().map(|(_, value)| value).sum();
        let locks: usize = checkout.options.iter().map(|o| o.locks().count()).sum();
        // The last payment may be worth more than the rest by less than one atomic unit of its asset.
        let unit = |lock: handsel_core::checkout::Lock| lock.quoted.unwrap().priced_micro.div_ceil(lock.due);
        let unit = checkout.options.iter().flat_map(|o| o.locks()).map(unit).max().unwrap();
        prop_assert!(total < price * MICRO + unit);
        let tolerance = mul_div_floor(price, u128::from(tolerance_bps), 10_000).unwrap().min(500) * MICRO;
        let complete = matches!(checkout.state, State::Complete { .. });
        prop_assert_eq!(complete, total + tolerance + locks as u128 > price * MICRO || checkout.still_due(0) == 0);
        if complete {
            prop_assert!(total + tolerance + locks as u128 > price * MICRO);
        }
    }
}
