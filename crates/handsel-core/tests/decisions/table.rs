//! The decision table, row by row, and what it says between the rows.

use crate::chain_rows::CHAIN_ROWS;
use crate::rows::{Do, Do::*, ROWS, Row, USD};
use crate::scene::{
    CONFIRMATIONS, Chain, FINALITY_LAG, FIXED, ISSUER, SHOP, Scene, Send, USDC, USDT, checkout, status_pair,
};
use handsel_core::checkout::{Checkout, Command, Refused, Resolution};
use handsel_core::matching::{Incident, SettleError};
use handsel_core::payment::State;
use handsel_core::time::Timestamp;

struct Play {
    scene: Scene,
    one: Chain,
    two: Chain,
}

impl Play {
    fn new(row: &Row) -> Self {
        let mut checkout = checkout(row.price_cents);
        (row.terms)(&mut checkout);
        Self { scene: Scene::new(checkout), one: Chain::new("one", 1), two: Chain::new("two", 2) }
    }

    fn act(&mut self, step: Do) {
        let Self { scene, one, two } = self;
        match step {
            Pay(token, amount) => {
                let send = scene.send(token, amount);
                scene.mine(one, vec![send]);
            }
            PayBoth(first, second) => {
                let sends = vec![scene.send(USDT, first), scene.send(USDC, second)];
                scene.mine(one, sends);
            }
            PayElsewhere(token, amount) => {
                let send = scene.send(token, amount);
                scene.mine(two, vec![send]);
            }
            Sweep(amount) => {
                let send = Send { from: SHOP, ..scene.send(USDT, amount) };
                scene.mine(one, vec![send]);
            }
            PayLess(amount, kept) => {
                let net = scene.send(USDT, amount - kept);
                let fee = Send { position: 1, to: ISSUER, amount: kept, ..net };
                scene.mine(one, vec![net, fee]);
            }
            PayFixed(amount) => {
                let send = Send { to: FIXED, ..scene.send(USDT, amount) };
                scene.mine(one, vec![send]);
            }
            Leave(amount) => {
                let send = Send { from: SHOP, to: ISSUER, ..scene.send(USDT, amount) };
                scene.mine(one, vec![send]);
            }
            Halts(depth) => {
                let gone = &one.blocks[one.blocks.len() - depth..];
                let refused = scene.refused(one, gone);
                assert!(matches!(refused, SettleError::BelowFinality(_)), "{refused:?}");
            }
            Named(depth) => {
                scene.named = true;
                scene.reorg(one, depth, |_| true);
                scene.named = false;
            }
            Confirm => scene.mine_empty(one, CONFIRMATIONS as usize - 1),
            Finalize => {
                scene.mine_empty(one, FINALITY_LAG as usize);
                scene.mine_empty(two, FINALITY_LAG as usize);
            }
            After(seconds) => {
                scene.now = scene.checkout().terms.expires_at.seconds() as u64 + seconds;
            }
            PayMinedBefore(seconds, amount) => {
                let send = scene.send(USDT, amount);
                let block = one.grow(scene.checkout().terms.expires_at.seconds() as u64 - seconds, vec![send]);
                scene.feed(one, &[block], &[]);
            }
            Expire => self.scene.command(Command::Expire).unwrap(),
            ExpireNow => self.scene.command(Command::ExpireNow).unwrap(),
            Cancel => self.scene.command(Command::Cancel).unwrap(),
            Extend(seconds) => self.scene.command(Command::Extend { seconds }).unwrap(),
            Accept => self.scene.command(Command::Resolve(Resolution::AcceptAsPaid)).unwrap(),
            Refund => self.scene.command(Command::Resolve(Resolution::Refund)).unwrap(),
            Ignore => self.scene.command(Command::Resolve(Resolution::Ignore)).unwrap(),
            RefusedProcessing => {
                for command in [Command::Cancel, Command::ExpireNow, Command::Expire] {
                    assert_eq!(scene.command(command), Err(Refused::Processing));
                }
            }
            Drop(depth) => scene.reorg(one, depth, |_| false),
            Remine(depth) => scene.reorg(one, depth, |_| true),
            RemineNow => {
                let gone = one.cut(1);
                let block = one.grow(scene.now, gone[0].sends.clone());
                scene.feed(one, &[block], &gone);
            }
        }
    }
}

fn outcome_and_state(scene: &Scene) -> Vec<String> {
    let snake = |debug: String| {
        let mut name = String::new();
        for c in debug.chars() {
            if c.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(c.to_lowercase());
        }
        name
    };
    let outcome = |o| match o {
        Some(outcome) => snake(format!("{outcome:?}")),
        None => "-".to_owned(),
    };
    scene.payments().iter().map(|p| format!("{} {}", outcome(p.outcome), p.state.name())).collect()
}

fn open_matters(checkout: &Checkout) -> Vec<String> {
    use handsel_core::checkout::ExceptionKind::*;
    let name = |kind| match kind {
        Underpaid => "underpaid",
        Overpaid => "overpaid",
        Late => "late",
        Duplicate => "duplicate",
        WrongAsset => "wrong_asset",
        WrongNetwork => "wrong_network",
        Reorged => "reorged",
        Returned => "returned",
    };
    checkout.exceptions.iter().map(|e| format!("{} {}", name(e.kind), e.amount)).collect()
}

#[test]
fn every_row_comes_out_as_the_table_says() {
    for row in ROWS.iter().chain(CHAIN_ROWS) {
        let mut play = Play::new(row);
        row.steps.iter().for_each(|step| play.act(*step));
        let scene = &play.scene;
        assert_eq!(status_pair(scene.checkout()), row.status, "row {}", row.row);
        assert_eq!(open_matters(scene.checkout()), row.exceptions, "row {}", row.row);
        assert_eq!(outcome_and_state(scene), row.payments, "row {}", row.row);
        assert_eq!(scene.checkout_events(), row.events, "row {}", row.row);
    }
}

/// `payment.<status>` is always sent, each transition once, also where several happen in one step.
#[test]
fn every_transition_of_a_payment_is_told() {
    let mut scene = Scene::new(checkout(2_000));
    let mut one = Chain::new("one", 1);
    let sends = vec![scene.send(USDT, 20 * USD)];
    let mut blocks = vec![one.grow(scene.now, sends)];
    blocks.extend((0..CONFIRMATIONS).map(|_| one.grow(scene.now, Vec::new())));
    scene.feed(&one, &blocks, &[]);
    let all: Vec<&str> = scene.events.iter().map(|k| k.name()).collect();
    assert_eq!(
        all,
        ["payment.detected", "checkout.processing", "payment.confirming", "payment.succeeded", "checkout.completed"]
    );
    // A further confirmation alone is no change, the finalized mark raises the version and tells nobody.
    let version = scene.payments()[0].version;
    scene.mine_empty(&mut one, 1);
    assert_eq!(scene.payments()[0].version, version);
    scene.mine_empty(&mut one, FINALITY_LAG as usize);
    assert!(matches!(scene.payments()[0].state, State::Succeeded { finalized: true, .. }));
    assert_eq!(scene.payments()[0].version, version + 1);
    assert_eq!(scene.events.len(), 5);
}

#[test]
fn a_reversed_success_is_an_incident() {
    let mut scene = Scene::new(checkout(2_000));
    let mut one = Chain::new("one", 1);
    let send = scene.send(USDT, 20 * USD);
    scene.mine(&mut one, vec![send]);
    scene.reorg(&mut one, 1, |_| true);
    assert_eq!(scene.incidents, []);
    scene.mine_empty(&mut one, 2);
    scene.reorg(&mut one, 4, |_| false);
    let payment = scene.payment_id(send.tx);
    assert_eq!(scene.incidents, [Incident::ReversedAfterSuccess { payment, checkout: Some(crate::scene::CHECKOUT) }]);
}

#[test]
fn what_cannot_be_resolved_says_so() {
    let mut scene = Scene::new(checkout(2_000));
    let resolve = |scene: &mut Scene, how| scene.command(Command::Resolve(how));
    assert_eq!(resolve(&mut scene, Resolution::Refund), Err(Refused::NothingOpen));
    assert_eq!(resolve(&mut scene, Resolution::Ignore), Err(Refused::NothingOpen));
    assert_eq!(scene.command(Command::Expire), Err(Refused::NotDue));
    assert_eq!(scene.command(Command::Extend { seconds: 2_592_000 }), Err(Refused::TooLong));
    let mut one = Chain::new("one", 1);
    let send = scene.send(USDT, 20 * USD);
    scene.mine(&mut one, vec![send]);
    assert_eq!(resolve(&mut scene, Resolution::AcceptAsPaid), Err(Refused::Processing));
    scene.mine_empty(&mut one, 2);
    let Err(refused) = scene.command(Command::Cancel) else { panic!("complete is never left") };
    assert_eq!(refused.to_string(), "the checkout is complete; possible now: resolve");
    assert!(matches!(resolve(&mut scene, Resolution::AcceptAsPaid), Err(Refused::State { .. })));
    assert!(matches!(scene.command(Command::Extend { seconds: 60 }), Err(Refused::State { .. })));
}

/// A unique amount is kept for seven days after the end; whoever pays it later may pay another checkout.
#[test]
fn a_checkout_whose_amount_was_given_up_is_not_opened_again() {
    const WEEK: i64 = 7 * 86_400;
    let expired = |derivation| {
        let mut checkout = checkout(2_000);
        checkout.options.iter_mut().for_each(|option| option.derivation = derivation);
        let end = checkout.terms.expires_at.seconds();
        (checkout.apply(Command::ExpireNow, Timestamp::from_seconds(end)).unwrap().checkout, end)
    };
    let again = Command::Extend { seconds: 60 };
    let (own_amount, end) = expired(None);
    let at = |seconds| Timestamp::from_seconds(seconds);
    assert!(own_amount.clone().apply(again, at(end + WEEK - 1)).is_ok());
    assert_eq!(own_amount.apply(again, at(end + WEEK)).unwrap_err(), Refused::AmountReleased);
    let (own_address, _) = expired(Some(1));
    assert!(own_address.apply(again, at(end + WEEK)).is_ok());
}

#[test]
fn seconds_are_asked_for_beside_blocks() {
    let mut scene = Scene::new(checkout(2_000));
    let mut one = Chain::new("one", 1);
    one.network.min_seconds = 30;
    let send = scene.send(USDT, 20 * USD);
    scene.mine(&mut one, vec![send]);
    scene.mine_empty(&mut one, 2);
    assert_eq!(scene.payments()[0].state.name(), "confirming", "24 seconds after its block");
    scene.mine_empty(&mut one, 1);
    assert_eq!(scene.payments()[0].state.name(), "succeeded", "36 seconds after its block");
}

/// A block that holds a payment which we believe in another one: the chain's word counts, and the pair is told.
#[test]
fn a_payment_that_moved_untold_is_reversed_and_detected() {
    let mut scene = Scene::new(checkout(2_000));
    let mut one = Chain::new("one", 1);
    let send = scene.send(USDT, 20 * USD);
    scene.mine(&mut one, vec![send]);
    one.cut(1);
    let block = one.grow(scene.now, vec![send]);
    scene.feed(&one, &[block], &[]);
    let all: Vec<&str> = scene.events.iter().filter_map(|k| k.name().strip_prefix("payment.")).collect();
    assert_eq!(all, ["detected", "reversed", "detected"]);
    assert_eq!(scene.payments()[0].state.inclusion().unwrap().hash, one.tip().hash);
    assert_eq!(status_pair(scene.checkout()), "processing/detected");
}

/// Two locks that each round down by less than a micro unit complete the price between them.
#[test]
fn rounding_on_several_locks_is_forgiven() {
    let mut odd = checkout(1);
    odd.options.iter_mut().for_each(|o| o.due = 3);
    let mut scene = Scene::new(odd);
    let mut one = Chain::new("one", 1);
    let sends = vec![scene.send(USDT, 1), scene.send(USDC, 2)];
    scene.mine(&mut one, sends);
    scene.mine_empty(&mut one, 2);
    assert_eq!(outcome_and_state(&scene), ["under succeeded", "exact succeeded"]);
    assert_eq!(scene.checkout().received_minor(), 1);
}
