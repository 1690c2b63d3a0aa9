//! Watcher, address book and decisions together, against a naive reading of the final chain (13 section 6, properties 1 to 3, 5,
//! 10 and 11).

use crate::scene::{ACCOUNT, CHECKOUT, SHOP, Scene, Send, USDC, USDT, checkout, network, tx_hash};
use crate::watcher::{Node, failure};
use handsel_core::chain::watcher::{Effect, Watcher};
use handsel_core::chain::{BlockHash, Header, Network, Transfer, TxHash};
use handsel_core::checkout::{ExceptionKind, PaymentStatus, State};
use handsel_core::event::Kind;
use handsel_core::payment::{Outcome, Payment};
use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};

const PRICE_CENTS: u128 = 10_000;
const DUE: u128 = 100_000_000;
/// Amounts that people send: all, half, odd parts, too much, a cent too much, dust.
const AMOUNTS: [u128; 8] = [DUE, DUE / 2, 30_000_001, DUE + 10_000, DUE + 10_001, 123_456_789, 9_999, 40_000_000];
const FINALITY_LAG: u64 = 12;

/// Everything that a process with its store would be.
struct House {
    network: Network,
    scene: Scene,
    watcher: Watcher,
    open: VecDeque<Effect>,
    headers: Vec<Header>,
    finalized: u64,
    /// The earliest block time at which each transaction was handed on.
    earliest: HashMap<TxHash, u64>,
}

impl House {
    fn new() -> Self {
        Self {
            network: network("one", 1),
            scene: Scene::new(checkout(PRICE_CENTS)),
            watcher: Watcher::resume(&[], 0, false),
            open: VecDeque::new(),
            headers: Vec::new(),
            finalized: 0,
            earliest: HashMap::new(),
        }
    }

    fn input(&mut self, input: handsel_core::chain::watcher::Input) {
        let (watcher, effects) = core::mem::take(&mut self.watcher).step(input);
        self.watcher = watcher;
        for effect in effects {
            match effect {
                Effect::Advance(advance) => {
                    let kept = self.headers.len() - advance.orphaned.len();
                    self.headers.truncate(kept);
                    self.headers.extend(advance.added.iter().map(|(h, _)| *h));
                    self.finalized = advance.finalized;
                    for (header, transfers) in &advance.added {
                        for transfer in transfers {
                            let time = self.earliest.entry(transfer.tx).or_insert(header.time_seconds);
                            *time = (*time).min(header.time_seconds);
                        }
                    }
                    let orphaned: Vec<BlockHash> = advance.orphaned.iter().map(|h| h.hash).collect();
                    self.scene.now += 1;
                    let at = (advance.tip, advance.finalized);
                    self.scene.advance(&self.network, at, &advance.added, &orphaned);
                }
                Effect::Halt(halt) => panic!("{halt}"),
                Effect::Wait => {}
                question => self.open.push_back(question),
            }
        }
    }

    /// Runs until the node's head and its finality are reached.
    fn arrive(&mut self, node: &Node) {
        for _ in 0..100 {
            self.input(node.poll());
            while let Some(question) = self.open.pop_front() {
                self.input(node.answer(&question).unwrap());
            }
            if self.watcher.tip() == Some(node.latest()) && self.finalized >= node.finalized().number {
                return;
            }
        }
        panic!("never arrives");
    }
}

#[derive(Debug, Clone)]
enum Act {
    Send(usize, bool),
    /// Two transfers in one transaction.
    SendTwice(usize),
    Mine(u64),
    /// Depth, new blocks, does the node forget, which transactions vanish (bit mask).
    Reorg(u64, u64, bool, u8),
    Poll,
    /// Polls and answers until the head is reached.
    Arrive,
    Answer(usize, bool),
    Fail(usize),
    Restart,
    /// The clock runs past the checkout's end.
    Sleep,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0..AMOUNTS.len(), any::<bool>()).prop_map(|(n, other)| Act::Send(n, other)),
        1 => (0..AMOUNTS.len()).prop_map(Act::SendTwice),
        4 => (1u64..5).prop_map(Act::Mine),
        2 => (1u64..8, 1u64..10, any::<bool>(), any::<u8>()).prop_map(|(d, n, f, m)| Act::Reorg(d, n, f, m)),
        6 => Just(Act::Poll),
        4 => Just(Act::Arrive),
        16 => (any::<usize>(), proptest::bool::weighted(0.2)).prop_map(|(n, twice)| Act::Answer(n, twice)),
        1 => any::<usize>().prop_map(Act::Fail),
        1 => Just(Act::Restart),
        1 => Just(Act::Sleep),
    ];
    proptest::collection::vec(act, 1..100)
}

/// What happens to a node and to the house that watches it.
struct Play {
    node: Node,
    house: House,
    /// No reorg goes below what was ever shown as finalized.
    shown_final: u64,
}

impl Play {
    fn new() -> Self {
        let node = Node::new(30, FINALITY_LAG);
        let mut house = House::new();
        house.arrive(&node);
        Self { shown_final: node.finalized().number, node, house }
    }

    fn send(&mut self, token: u8, amounts: &[u128]) {
        let first = self.house.scene.send(token, 0);
        let sends = (0u32..).zip(amounts).map(|(n, a)| Send { position: n, amount: *a, ..first });
        self.node.mempool.extend(sends);
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Send(n, other) => self.send(if other { USDC } else { USDT }, &[AMOUNTS[n]]),
            Act::SendTwice(n) => self.send(USDT, &[AMOUNTS[n], AMOUNTS[n]]),
            Act::Mine(blocks) => self.node.mine(blocks),
            Act::Reorg(depth, blocks, forget, vanish) => {
                let depth = depth.min(self.node.latest().number - self.shown_final);
                if depth == 0 {
                    return;
                }
                let Self { node, .. } = self;
                // The transfers wait again, and those that vanish never come.
                let pending = core::mem::take(&mut node.mempool);
                node.reorg(depth, 0, forget);
                node.mempool.retain(|send| vanish & (1 << (send.tx % 8)) == 0);
                node.mempool.extend(pending);
                node.mine(blocks);
            }
            Act::Poll => {
                self.shown_final = self.shown_final.max(self.node.finalized().number);
                self.house.input(self.node.poll());
            }
            Act::Arrive => {
                self.shown_final = self.shown_final.max(self.node.finalized().number);
                self.house.arrive(&self.node);
            }
            Act::Answer(n, twice) => {
                if self.house.open.is_empty() {
                    return;
                }
                let question = self.house.open.remove(n % self.house.open.len()).unwrap();
                let answer = self.node.answer(&question).unwrap();
                if twice {
                    self.house.input(answer.clone());
                }
                self.house.input(answer);
            }
            Act::Fail(n) => {
                if self.house.open.is_empty() {
                    return;
                }
                let question = self.house.open.remove(n % self.house.open.len()).unwrap();
                self.house.input(failure(&question).unwrap());
            }
            Act::Restart => {
                self.house.open.clear();
                let recent: Vec<Header> = self.house.headers.iter().rev().copied().collect();
                self.house.watcher = Watcher::resume(&recent, self.house.finalized, false);
            }
            Act::Sleep => self.node.clock += 4_000,
        }
    }

    /// Everything that is in the final chain becomes final.
    fn finish(&mut self) {
        self.node.mempool.clear();
        self.node.mine(FINALITY_LAG + 1);
        self.house.arrive(&self.node);
    }

    /// The final chain's transfers to the shop, in order.
    fn final_transfers(&self) -> Vec<Transfer> {
        let all = self.node.chain.iter().flat_map(|h| self.node.known[&h.hash].1.clone());
        all.filter(|t| t.to == crate::scene::address(SHOP)).collect()
    }
}

/// What a person with a pencil makes of the final chain.
fn naive(transfers: &[Transfer], earliest: &HashMap<TxHash, u64>, end: u64) -> Vec<(Outcome, u128)> {
    let mut rest = DUE;
    let judge = |transfer: &Transfer| {
        let amount = transfer.atomic().unwrap();
        if rest == 0 {
            return (Outcome::Duplicate, 0);
        }
        if earliest[&transfer.tx] > end {
            return (Outcome::Late, 0);
        }
        let applied = amount.min(rest);
        rest -= applied;
        let outcome = match (rest, amount - applied) {
            (1.., _) => Outcome::Under,
            (0, 0) => Outcome::Exact,
            (0, 1..=10_000) => Outcome::WithinTolerance,
            (0, _) => Outcome::Over,
        };
        (outcome, applied)
    };
    transfers.iter().map(judge).collect()
}

fn payment_of<'a>(scene: &'a Scene, transfer: &Transfer) -> &'a Payment {
    let same = |p: &&&Payment| p.tx == transfer.tx && p.tx_position == transfer.tx_position;
    let payments = scene.payments();
    payments.iter().find(same).copied().expect("no payment is lost")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn the_final_chain_alone_decides(acts in acts()) {
        let mut play = Play::new();
        acts.iter().for_each(|act| play.act(act));
        play.finish();
        let transfers = play.final_transfers();
        let scene = &play.house.scene;
        let end = scene.checkout().terms.expires_at.seconds() as u64 + 120;
        let expected = naive(&transfers, &play.house.earliest, end);
        for (transfer, (outcome, applied)) in transfers.iter().zip(&expected) {
            let payment = payment_of(scene, transfer);
            prop_assert_eq!((payment.outcome, payment.applied), (Some(*outcome), *applied));
            prop_assert!(payment.state.finalized());
        }
        // Every other payment was taken back; none was made up.
        let there = scene.payments().iter().filter(|p| p.outcome != Some(Outcome::Reversed)).count();
        prop_assert_eq!(there, transfers.len());
        let total: u128 = expected.iter().map(|(_, applied)| applied).sum();
        let checkout = scene.checkout();
        prop_assert_eq!(matches!(checkout.state, State::Complete { .. }), total == DUE);
        prop_assert_eq!(scene.told(Kind::CheckoutCompleted), usize::from(total == DUE));
        let open = |kind| checkout.exceptions.iter().filter(|e| e.kind == kind).count();
        let named = |outcome| expected.iter().filter(|(o, _)| *o == outcome).count();
        let dust = |outcome| {
            let tiny = |(t, (o, _)): &(&Transfer, &(Outcome, u128))| *o == outcome && t.atomic().unwrap() < 10_000;
            transfers.iter().zip(&expected).filter(tiny).count()
        };
        prop_assert_eq!(open(ExceptionKind::Duplicate), named(Outcome::Duplicate) - dust(Outcome::Duplicate));
        prop_assert_eq!(open(ExceptionKind::Late), named(Outcome::Late) - dust(Outcome::Late));
        prop_assert_eq!(open(ExceptionKind::Overpaid), named(Outcome::Over));
        let status = checkout.payment_status();
        let surplus = open(ExceptionKind::Duplicate) + open(ExceptionKind::Overpaid) > 0;
        let wanted = match total {
            DUE if surplus => PaymentStatus::Overpaid,
            DUE => PaymentStatus::Paid,
            10_000.. => PaymentStatus::PartiallyPaid,
            _ => PaymentStatus::Unpaid,
        };
        prop_assert_eq!(status, wanted);
        // What was told of each payment: it was detected once more than it was reversed, or as often.
        let reversed = scene.told(Kind::PaymentReversed);
        prop_assert!(scene.told(Kind::PaymentDetected) >= reversed);
    }
}

#[test]
fn the_scene_is_what_the_acts_think() {
    let mut play = Play::new();
    play.act(&Act::Send(0, false));
    play.act(&Act::Mine(1));
    play.finish();
    assert_eq!(play.house.scene.checkout().id, CHECKOUT);
    assert_eq!(play.house.scene.payments()[0].account, ACCOUNT);
    assert_eq!(play.house.scene.payments()[0].tx, tx_hash(1));
    assert!(matches!(play.house.scene.checkout().state, State::Complete { .. }));
}
