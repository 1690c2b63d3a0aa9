//! No sequence of commands and blocks reaches an illegal state, loses or doubles a payment, or changes a state untold (13 section 6).

use crate::scene::{CONFIRMATIONS, Chain, EURC, Scene, USDC, USDT, address, checkout};
use handsel_core::checkout::{Command, ExceptionKind, LatePolicy, PaymentStatus, Rate, Resolution, Standing, State};
use handsel_core::event::Kind;
use handsel_core::id::PaymentId;
use handsel_core::payment::{Outcome, State as PaymentState};
use handsel_core::time::Timestamp;
use proptest::prelude::*;

const AMOUNTS: [u128; 7] = [20_000_000, 10_000_000, 19_990_000, 20_010_000, 25_000_000, 9_999, 7_777_777];

#[derive(Debug, Clone)]
enum Act {
    Pay(usize, u8),
    Mine(usize),
    /// Deeper than the confirmations of the lower tier; never below finality.
    Reorg(usize, u8),
    Sleep(u64),
    Say(Command),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let command = prop_oneof![
        Just(Command::Expire),
        Just(Command::ExpireNow),
        Just(Command::Cancel),
        (1u64..5_000).prop_map(|seconds| Command::Extend { seconds }),
        Just(Command::Resolve(Resolution::AcceptAsPaid)),
        Just(Command::Resolve(Resolution::Refund)),
        Just(Command::Resolve(Resolution::Ignore)),
    ];
    let token = prop_oneof![4 => Just(USDT), 3 => Just(USDC), 1 => Just(EURC)];
    let act = prop_oneof![
        6 => (0..AMOUNTS.len(), token).prop_map(|(n, token)| Act::Pay(n, token)),
        5 => (1usize..4).prop_map(Act::Mine),
        2 => (1usize..6, any::<u8>()).prop_map(|(depth, vanish)| Act::Reorg(depth, vanish)),
        1 => (100u64..4_000).prop_map(Act::Sleep),
        3 => command.prop_map(Act::Say),
    ];
    proptest::collection::vec(act, 1..60)
}

/// What must hold after everything.
fn check(scene: &Scene, before: &State) {
    let checkout = scene.checkout();
    if matches!(before, State::Complete { .. }) {
        assert_eq!(&checkout.state, before, "complete is never left");
    }
    let completed = scene.told(Kind::CheckoutCompleted);
    assert_eq!(completed, usize::from(matches!(checkout.state, State::Complete { .. })), "told once, and only if so");
    // Never more is applied to a lock than was due on it, and never more than the price in all.
    let mut value = 0;
    for (index, option) in (0u32..).zip(&checkout.options) {
        let applied = |c: &handsel_core::checkout::Credit| match c.standing {
            Standing::Settled { applied, value_micro, .. } if c.option == Some(index) => Some((applied, value_micro)),
            _ => None,
        };
        let sums: Vec<(u128, u128)> = checkout.credits.iter().filter_map(applied).collect();
        assert!(sums.iter().map(|s| s.0).sum::<u128>() <= option.due);
        value += sums.iter().map(|s| s.1).sum::<u128>();
    }
    assert!(value <= checkout.price.minor * 1_000_000);
    let status = checkout.payment_status();
    if status == PaymentStatus::Paid || status == PaymentStatus::Overpaid {
        assert!(matches!(checkout.state, State::Complete { .. }), "what is paid is complete");
        assert_eq!(checkout.still_due(0), 0);
    }
    if checkout.state == State::Processing {
        assert!(checkout.credits.iter().any(|c| c.standing == Standing::Pending));
    }
    for exception in &checkout.exceptions {
        let payment = exception.payment.map(|id| &scene.world.payments[&id]);
        let state = payment.map(|p| p.state.name());
        match exception.kind {
            ExceptionKind::Reorged => assert_eq!(state, Some("reversed")),
            ExceptionKind::Overpaid | ExceptionKind::Underpaid => assert_eq!(state, Some("succeeded")),
            _ => assert_eq!(state, Some("rejected")),
        }
    }
    assert!(checkout.exceptions.iter().filter(|e| e.kind == ExceptionKind::Underpaid).count() <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn nothing_illegal_is_ever_reached(acts in acts(), policy in 0u8..3, tolerance_bps in 0u32..200) {
        let mut terms = checkout(2_000);
        terms.terms.tolerance_bps = tolerance_bps;
        terms.terms.late_policy = [LatePolicy::Hold, LatePolicy::AcceptLocked, LatePolicy::Requote][policy as usize];
        let mut scene = Scene::new(terms);
        let mut chain = Chain::new("one", 1);
        for act in acts {
            let before = scene.checkout().state;
            match act {
                Act::Pay(n, token) => {
                    let send = scene.send(token, AMOUNTS[n]);
                    scene.mine(&mut chain, vec![send]);
                }
                Act::Mine(blocks) => scene.mine_empty(&mut chain, blocks),
                Act::Reorg(depth, vanish) => {
                    let depth = depth.min(chain.blocks.len() - 1);
                    scene.reorg(&mut chain, depth, |send| vanish & (1 << (send.tx % 8)) == 0);
                }
                Act::Sleep(seconds) => scene.now += seconds,
                // What is refused changes nothing, and that is checked below.
                Act::Say(command) => {
                    let untouched = scene.checkout().clone();
                    if scene.command(command).is_err() {
                        prop_assert_eq!(scene.checkout(), &untouched);
                    }
                }
            }
            check(&scene, &before);
        }
        // In the end every payment has come to rest: in the chain and ruled, or taken back.
        scene.mine_empty(&mut chain, CONFIRMATIONS as usize + 8);
        for payment in scene.payments() {
            let there = chain.blocks.iter().flat_map(|b| &b.sends).any(|s| crate::scene::tx_hash(s.tx) == payment.tx);
            let rested = match payment.state {
                PaymentState::Succeeded { finalized, .. } | PaymentState::Rejected { finalized, .. } => finalized && there,
                PaymentState::Reversed { .. } => !there,
                _ => false,
            };
            prop_assert!(rested, "{:?}", payment);
        }
    }

    /// 13 section 6, property 6: however a sum is split, its worth on one lock is the same.
    #[test]
    fn splitting_changes_no_value(
        price in 1u128..10_000_000, numerator in 1u128..10u128.pow(14), denominator in 1u128..1_000,
        parts in proptest::collection::vec(1u128..10u128.pow(13), 1..8),
    ) {
        let settle = |amounts: &[u128]| {
            let mut checkout = checkout(price);
            checkout.options.truncate(1);
            checkout.options[0].rate = Rate { numerator, denominator };
            checkout.options[0].due = handsel_core::checkout::terms::due(price, &Rate { numerator, denominator }, 6)?;
            let now = Timestamp::from_seconds(crate::scene::START as i64);
            let (mut value, mut applied) = (0, 0);
            for (n, amount) in (1u128..).zip(amounts) {
                let payment = PaymentId::from_bits(n);
                let seen = Command::Seen { payment, option: Some(0), amount: *amount, block_time: now };
                checkout = checkout.apply(seen, now).unwrap().checkout;
                let step = checkout.apply(Command::Settled { payment, wrong: None, seen_at: now }, now).unwrap();
                value += step.rulings[0].value_micro;
                applied += step.rulings[0].applied;
                checkout = step.checkout;
            }
            Some((value, applied, checkout.payment_status() != PaymentStatus::PartiallyPaid))
        };
        let whole: u128 = parts.iter().sum();
        if let (Some(split), Some(whole)) = (settle(&parts), settle(&[whole])) {
            // `over_dust` may complete the price one minor unit early and leave the rest a duplicate: sums are the same.
            prop_assert_eq!(split, whole);
        }
    }
}

#[test]
fn what_a_payer_is_asked_for_completes_exactly() {
    let mut scene = Scene::new(checkout(1_999));
    let mut chain = Chain::new("one", 1);
    assert_eq!(scene.checkout().still_due(0), 19_990_000);
    let send = scene.send(USDT, 7_000_001);
    scene.mine(&mut chain, vec![send]);
    let rest = scene.checkout().still_due(1);
    assert_eq!(rest, 12_989_999);
    assert_eq!(scene.checkout().still_due(7), 0);
    let send = scene.send(USDC, rest);
    scene.mine(&mut chain, vec![send]);
    scene.mine_empty(&mut chain, 3);
    assert_eq!(scene.payments()[1].outcome, Some(Outcome::Exact));
    assert_eq!(scene.checkout().received_minor(), 1_999);
    assert_eq!(scene.payments()[0].to, address(crate::scene::SHOP));
}
