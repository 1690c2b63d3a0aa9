//! The decision table of 13 section 3, row by row, as data.

use crate::scene::{
    CONFIRMATIONS, Chain, EURC, FINALITY_LAG, SHOP, Scene, Send, UNLISTED, USDC, USDT, checkout, status_pair,
};
use handsel_core::checkout::{Checkout, Command, LatePolicy, Refused, Resolution};
use handsel_core::matching::Incident;
use handsel_core::payment::State;

const USD: u128 = 1_000_000;
const DAY: u64 = 86_400;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
enum Do {
    /// A transfer to the checkout's address, in the next block.
    Pay(u8, u128),
    /// Two transfers in one block, the second one first in time of writing only.
    PayBoth(u128, u128),
    /// On the other network.
    PayElsewhere(u8, u128),
    /// From the shop's own address to itself.
    Sweep(u128),
    /// Until everything is confirmed (not finalized).
    Confirm,
    /// Until everything is finalized.
    Finalize,
    /// The clock moves to so many seconds after `expires_at`.
    After(u64),
    /// A block that was mined on time is only seen now: its time is so many seconds before `expires_at`.
    PayMinedBefore(u64, u128),
    Expire,
    ExpireNow,
    Cancel,
    Extend(u64),
    Accept,
    Refund,
    Ignore,
    /// Cancel or expire is refused while what is pending covers the price.
    RefusedProcessing,
    /// The newest blocks go, with their transfers.
    Drop(usize),
    /// The newest blocks go; their transfers are in the first new block.
    Remine(usize),
    /// The newest block goes; its transfers are in a block of the present time.
    RemineNow,
}
use Do::*;

struct Row {
    row: &'static str,
    price_cents: u128,
    terms: fn(&mut Checkout),
    steps: &'static [Do],
    status: &'static str,
    exceptions: &'static [&'static str],
    /// `outcome state` of each payment, in the order of sending.
    payments: &'static [&'static str],
    /// `checkout.` events, in order.
    events: &'static [&'static str],
}

const PLAIN: fn(&mut Checkout) = |_| {};
const STATIC: fn(&mut Checkout) = |c| {
    c.options.truncate(1);
    c.options[0].tag = 4_321;
};

const ROWS: &[Row] = &[
    Row {
        row: "1 exact, on time",
        price_cents: 1_999,
        terms: PLAIN,
        steps: &[Pay(USDT, 19_990_000), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["processing", "completed"],
    },
    Row {
        row: "1 exact, in grace",
        price_cents: 1_999,
        terms: PLAIN,
        steps: &[After(120), Pay(USDC, 19_990_000), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["processing", "completed"],
    },
    Row {
        row: "1 exact, upper tier waits for finality",
        price_cents: 10_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 100 * USD), Finalize],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["processing", "completed"],
    },
    Row {
        row: "2 short within tolerance",
        price_cents: 2_000,
        terms: |c| c.terms.tolerance_bps = 50,
        steps: &[Pay(USDT, 19_900_000), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["within_tolerance succeeded"],
        events: &["processing", "completed"],
    },
    Row {
        row: "2 over by dust",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20_010_000), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["within_tolerance succeeded"],
        events: &["processing", "completed"],
    },
    Row {
        row: "3 under",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 12 * USD), Confirm],
        status: "open/partially_paid",
        exceptions: &["underpaid 800"],
        payments: &["under succeeded"],
        events: &["underpaid"],
    },
    Row {
        row: "3 just beyond the tolerance",
        price_cents: 2_000,
        terms: |c| c.terms.tolerance_bps = 50,
        steps: &[Pay(USDT, 19_899_999), Confirm],
        status: "open/partially_paid",
        exceptions: &["underpaid 11"],
        payments: &["under succeeded"],
        events: &["underpaid"],
    },
    Row {
        row: "4 partials in two assets, one after the other",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 12 * USD), Confirm, Pay(USDC, 8 * USD), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["under succeeded", "exact succeeded"],
        events: &["underpaid", "processing", "completed"],
    },
    Row {
        row: "4 partials in one block",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[PayBoth(12 * USD, 8 * USD), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["under succeeded", "exact succeeded"],
        events: &["processing", "completed"],
    },
    Row {
        row: "5 partial, then expired",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 12 * USD), After(121), Expire, Confirm],
        status: "expired/partially_paid",
        exceptions: &["underpaid 800"],
        payments: &["under succeeded"],
        events: &["expired", "underpaid"],
    },
    Row {
        row: "5 partial, then canceled",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 12 * USD), Cancel, Confirm],
        status: "canceled/partially_paid",
        exceptions: &["underpaid 800"],
        payments: &["under succeeded"],
        events: &["canceled", "underpaid"],
    },
    Row {
        row: "5 the rest comes late",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 12 * USD), Confirm, After(121), Expire, Pay(USDT, 8 * USD), Confirm],
        status: "expired/partially_paid",
        exceptions: &["underpaid 800", "late 8000000"],
        payments: &["under succeeded", "late rejected"],
        events: &["underpaid", "expired", "late_payment"],
    },
    Row {
        row: "5 extended, then the rest",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 12 * USD), Confirm, After(121), Expire, Extend(600), Pay(USDT, 8 * USD), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["under succeeded", "exact succeeded"],
        events: &["underpaid", "expired", "processing", "completed"],
    },
    Row {
        row: "5 A",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 12 * USD), Confirm, After(121), Expire, Accept],
        status: "complete/paid",
        exceptions: &[],
        payments: &["under succeeded"],
        events: &["underpaid", "expired", "resolved", "completed"],
    },
    Row {
        row: "6 over",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 25 * USD), Confirm],
        status: "complete/overpaid",
        exceptions: &["overpaid 5000000"],
        payments: &["over succeeded"],
        events: &["processing", "completed", "overpaid"],
    },
    Row {
        row: "6 one unit beyond the dust",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20_010_001), Confirm],
        status: "complete/overpaid",
        exceptions: &["overpaid 10001"],
        payments: &["over succeeded"],
        events: &["processing", "completed", "overpaid"],
    },
    Row {
        row: "6 I",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 25 * USD), Confirm, Ignore],
        status: "complete/paid",
        exceptions: &[],
        payments: &["over succeeded"],
        events: &["processing", "completed", "overpaid", "resolved"],
    },
    Row {
        row: "6 over by a partial on another lock",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[PayBoth(15 * USD, 15 * USD), Confirm],
        status: "complete/overpaid",
        exceptions: &["overpaid 10000000"],
        payments: &["under succeeded", "over succeeded"],
        events: &["processing", "completed", "overpaid"],
    },
    Row {
        row: "7 two full payments in one block",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[PayBoth(20 * USD, 20 * USD), Confirm],
        status: "complete/overpaid",
        exceptions: &["duplicate 20000000"],
        payments: &["exact succeeded", "duplicate rejected"],
        events: &["processing", "completed", "duplicate_payment", "overpaid"],
    },
    Row {
        row: "7 the second one much later",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Confirm, After(9_000), Pay(USDC, 20 * USD), Confirm, Refund],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded", "duplicate rejected"],
        events: &["processing", "completed", "duplicate_payment", "overpaid", "resolved"],
    },
    Row {
        row: "8 late, held",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[After(121), Expire, Pay(USDT, 20 * USD), Confirm],
        status: "expired/unpaid",
        exceptions: &["late 20000000"],
        payments: &["late rejected"],
        events: &["expired", "late_payment"],
    },
    Row {
        row: "8 A",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[After(121), Expire, Pay(USDT, 20 * USD), Confirm, Accept],
        status: "complete/paid",
        exceptions: &[],
        payments: &["late succeeded"],
        events: &["expired", "late_payment", "resolved", "completed"],
    },
    Row {
        row: "8 two late ones, A takes what is needed and leaves the other open",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[After(121), Expire, PayBoth(20 * USD, 20 * USD), Confirm, Accept],
        status: "complete/paid",
        exceptions: &["late 20000000"],
        payments: &["late succeeded", "late rejected"],
        events: &["expired", "late_payment", "late_payment", "resolved", "completed"],
    },
    Row {
        row: "9 long after",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[After(121), Expire, After(90 * DAY + 1), Pay(USDT, 20 * USD), Confirm],
        status: "expired/unpaid",
        exceptions: &["late 20000000"],
        payments: &["late_cold rejected"],
        events: &["expired", "late_payment"],
    },
    Row {
        row: "10 late, accepted at the lock",
        price_cents: 2_000,
        terms: |c| c.terms.late_policy = LatePolicy::AcceptLocked,
        steps: &[After(121), Expire, Pay(USDT, 20 * USD), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["late succeeded"],
        events: &["expired", "processing", "late_payment", "completed"],
    },
    Row {
        row: "10 late, requoted: a pegged asset is worth its lock",
        price_cents: 2_000,
        terms: |c| c.terms.late_policy = LatePolicy::Requote,
        steps: &[After(121), Expire, Pay(USDT, 20 * USD), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["late succeeded"],
        events: &["expired", "processing", "late_payment", "completed"],
    },
    Row {
        row: "10 late and short",
        price_cents: 2_000,
        terms: |c| c.terms.late_policy = LatePolicy::AcceptLocked,
        steps: &[After(121), Expire, Pay(USDT, 15 * USD), Confirm],
        status: "expired/partially_paid",
        exceptions: &["underpaid 500"],
        payments: &["late succeeded"],
        events: &["expired", "late_payment", "underpaid"],
    },
    Row {
        row: "11 mined on time, seen after expired",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[After(121), Expire, PayMinedBefore(1, 20 * USD), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["expired", "processing", "completed"],
    },
    Row {
        row: "12 cancel or expire while what is pending covers",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), RefusedProcessing],
        status: "processing/detected",
        exceptions: &[],
        payments: &["- detected"],
        events: &["processing"],
    },
    Row {
        row: "13 seen after cancel",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Cancel, Pay(USDT, 20 * USD), Confirm],
        status: "canceled/unpaid",
        exceptions: &["late 20000000"],
        payments: &["late rejected"],
        events: &["canceled", "late_payment"],
    },
    Row {
        row: "13 A",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Cancel, Pay(USDT, 20 * USD), Confirm, Accept],
        status: "complete/paid",
        exceptions: &[],
        payments: &["late succeeded"],
        events: &["canceled", "late_payment", "resolved", "completed"],
    },
    Row {
        row: "14 listed asset that is not taken here",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(EURC, 20 * USD), Finalize],
        status: "open/unpaid",
        exceptions: &["wrong_asset 20000000"],
        payments: &["wrong_asset rejected"],
        events: &["wrong_asset"],
    },
    Row {
        row: "14 A: the rest is written off",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(EURC, 20 * USD), Finalize, Accept],
        status: "complete/paid",
        exceptions: &[],
        payments: &["wrong_asset rejected"],
        events: &["wrong_asset", "resolved", "completed"],
    },
    Row {
        row: "15 same address, other network",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[PayElsewhere(USDT, 20 * USD), Finalize],
        status: "open/unpaid",
        exceptions: &["wrong_network 20000000"],
        payments: &["wrong_network rejected"],
        events: &["wrong_network"],
    },
    Row {
        row: "16 unknown token",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(UNLISTED, 20 * USD), Finalize],
        status: "open/unpaid",
        exceptions: &[],
        payments: &[],
        events: &[],
    },
    Row {
        row: "17 zero value",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 0), Finalize],
        status: "open/unpaid",
        exceptions: &[],
        payments: &[],
        events: &[],
    },
    Row {
        row: "18 between the account's own wallets",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Sweep(20 * USD), Finalize],
        status: "open/unpaid",
        exceptions: &[],
        payments: &[],
        events: &[],
    },
    Row {
        row: "22 reorg before settlement",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Drop(1)],
        status: "open/unpaid",
        exceptions: &["reorged 20000000"],
        payments: &["reversed reversed"],
        events: &["processing", "reorged"],
    },
    Row {
        row: "23 re-included",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Remine(1)],
        status: "processing/detected",
        exceptions: &[],
        payments: &["- confirming"],
        events: &["processing", "reorged", "processing"],
    },
    Row {
        row: "23 re-included and settled",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Remine(1), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["processing", "reorged", "processing", "completed"],
    },
    Row {
        row: "23 re-included after the end: a reorg makes nobody late",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[After(120), Pay(USDT, 20 * USD), After(200), RemineNow, Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["processing", "reorged", "processing", "completed"],
    },
    Row {
        row: "25 reorg after settling on the confirmed tier",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Confirm, Drop(CONFIRMATIONS as usize)],
        status: "complete/unpaid",
        exceptions: &["reorged 20000000"],
        payments: &["reversed reversed"],
        events: &["processing", "completed", "reorged"],
    },
    Row {
        row: "25 and it returns: completed is told once",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Confirm, Remine(CONFIRMATIONS as usize), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["processing", "completed", "reorged"],
    },
    Row {
        row: "25 A",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Confirm, Drop(CONFIRMATIONS as usize), Accept],
        status: "complete/paid",
        exceptions: &[],
        payments: &["reversed reversed"],
        events: &["processing", "completed", "reorged", "resolved"],
    },
    Row {
        row: "22 and another payment takes its place",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 20 * USD), Drop(1), Pay(USDC, 20 * USD), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["reversed reversed", "exact succeeded"],
        events: &["processing", "reorged", "processing", "completed"],
    },
    Row {
        row: "27 confirmed, not finalized",
        price_cents: 10_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 100 * USD), Confirm],
        status: "processing/detected",
        exceptions: &[],
        payments: &["- confirming"],
        events: &["processing"],
    },
    Row {
        row: "30 a unique amount, exact",
        price_cents: 2_000,
        terms: STATIC,
        steps: &[Pay(USDT, 19_995_679), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["exact succeeded"],
        events: &["processing", "completed"],
    },
    Row {
        row: "30 a unique amount, in its cooldown",
        price_cents: 2_000,
        terms: STATIC,
        steps: &[After(121), Expire, Pay(USDT, 19_995_679), Confirm],
        status: "expired/unpaid",
        exceptions: &["late 19995679"],
        payments: &["late rejected"],
        events: &["expired", "late_payment"],
    },
    Row {
        row: "30 an amount that nobody leased",
        price_cents: 2_000,
        terms: STATIC,
        steps: &[Pay(USDT, 20 * USD), Finalize],
        status: "open/unpaid",
        exceptions: &[],
        payments: &["unmatched rejected"],
        events: &[],
    },
    Row {
        row: "47 marked paid by hand, then paid",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Accept, Pay(USDT, 20 * USD), Confirm],
        status: "complete/overpaid",
        exceptions: &["duplicate 20000000"],
        payments: &["duplicate rejected"],
        events: &["resolved", "completed", "duplicate_payment", "overpaid"],
    },
    Row {
        row: "dust that completes nothing is told to nobody",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 9_999), Confirm],
        status: "open/unpaid",
        exceptions: &[],
        payments: &["under succeeded"],
        events: &[],
    },
    Row {
        row: "dust that completes the sum",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[Pay(USDT, 19_990_001), Confirm, Pay(USDT, 9_999), Confirm],
        status: "complete/paid",
        exceptions: &[],
        payments: &["under succeeded", "exact succeeded"],
        events: &["underpaid", "processing", "completed"],
    },
    Row {
        row: "expired by a call",
        price_cents: 2_000,
        terms: PLAIN,
        steps: &[ExpireNow, After(121), Pay(USDT, 20 * USD), Confirm],
        status: "expired/unpaid",
        exceptions: &["late 20000000"],
        payments: &["late rejected"],
        events: &["expired", "late_payment"],
    },
];

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
    for row in ROWS {
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
