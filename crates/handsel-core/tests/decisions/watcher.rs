//! The pure watcher against a node that reorganises, forgets, lags, answers twice and out of order.

use crate::scene::{Send, word};
use handsel_core::chain::watcher::{Advance, Effect, Halt, Input, Watcher};
use handsel_core::chain::{Address, BlockHash, ChainError, Header, Transfer, TxHash};
use handsel_core::time::Timestamp;
use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};

const BASE: u64 = 1_700_000_000;

/// A node: its canonical chain, every block that it ever had, and what waits for the next block.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) chain: Vec<Header>,
    pub(crate) known: HashMap<BlockHash, (Header, Vec<Transfer>)>,
    pub(crate) mempool: Vec<Send>,
    pub(crate) sent: HashMap<BlockHash, Vec<Send>>,
    /// The time of the next block.
    pub(crate) clock: u64,
    salt: u64,
    finality_lag: u64,
}

fn transfer(block: BlockHash, n: u64) -> Transfer {
    Transfer {
        block,
        tx: TxHash(block.0),
        block_log_index: n,
        tx_position: n as u32,
        token: Address([1; 20]),
        from: Address([2; 20]),
        to: Address([3; 20]),
        value: word(u128::from(n) + 1),
    }
}

impl Node {
    pub(crate) fn new(blocks: u64, finality_lag: u64) -> Self {
        let mut node = Self {
            chain: Vec::new(),
            known: HashMap::new(),
            mempool: Vec::new(),
            sent: HashMap::new(),
            clock: BASE,
            salt: 0,
            finality_lag,
        };
        node.mine(blocks);
        node
    }
    pub(crate) fn mine(&mut self, blocks: u64) {
        for _ in 0..blocks {
            let number = self.chain.len() as u64;
            let mut hash = [0u8; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            hash[8..16].copy_from_slice(&self.salt.to_be_bytes());
            hash[16] = 1;
            let parent = self.chain.last().map_or(BlockHash([0; 32]), |h| h.hash);
            let header = Header { number, hash: BlockHash(hash), parent, time_seconds: self.clock };
            self.clock += 1;
            let mut transfers: Vec<Transfer> = (0..number % 3).map(|n| transfer(header.hash, n)).collect();
            let sends = core::mem::take(&mut self.mempool);
            transfers.extend((10..).zip(&sends).map(|(n, send)| send.transfer(header.hash, n)));
            self.sent.insert(header.hash, sends);
            self.chain.push(header);
            self.known.insert(header.hash, (header, transfers));
        }
    }
    /// Replaces the newest `depth` blocks by `blocks` others; `forget` drops the old ones. What was sent in them is sent again.
    pub(crate) fn reorg(&mut self, depth: u64, blocks: u64, forget: bool) {
        self.salt += 1;
        for _ in 0..depth.min(self.chain.len() as u64 - 1) {
            let gone = self.chain.pop().unwrap();
            self.mempool.extend(self.sent[&gone.hash].clone());
            if forget {
                self.known.remove(&gone.hash);
            }
        }
        self.mine(blocks);
    }
    pub(crate) fn latest(&self) -> Header {
        *self.chain.last().unwrap()
    }
    pub(crate) fn finalized(&self) -> Header {
        self.chain[self.latest().number.saturating_sub(self.finality_lag) as usize]
    }
    pub(crate) fn poll(&self) -> Input {
        let now = Timestamp::from_seconds(self.clock as i64);
        Input::Head { latest: Some(self.latest()), finalized: Some(self.finalized()), now }
    }
    pub(crate) fn answer(&self, effect: &Effect) -> Option<Input> {
        Some(match effect {
            Effect::FetchHeader(asked) => {
                Input::Header { asked: *asked, answer: Ok(self.known.get(asked).map(|(h, _)| *h)) }
            }
            Effect::FetchHeaderAt(asked) => {
                Input::HeaderAt { asked: *asked, answer: Ok(self.chain.get(*asked as usize).copied()) }
            }
            Effect::FetchTransfers(block) => Input::Transfers {
                block: *block,
                answer: self.known.get(block).map(|(_, t)| t.clone()).ok_or(ChainError::UnknownBlock),
            },
            Effect::Advance(_) | Effect::Halt(_) | Effect::Wait => return None,
        })
    }
}

pub(crate) fn failure(effect: &Effect) -> Option<Input> {
    let error = ChainError::Unavailable("test");
    Some(match effect {
        Effect::FetchHeader(asked) => Input::Header { asked: *asked, answer: Err(error) },
        Effect::FetchHeaderAt(asked) => Input::HeaderAt { asked: *asked, answer: Err(error) },
        Effect::FetchTransfers(block) => Input::Transfers { block: *block, answer: Err(error) },
        Effect::Advance(_) | Effect::Halt(_) | Effect::Wait => return None,
    })
}

/// What the engine would have stored.
#[derive(Debug, Clone, Default)]
struct Store {
    chain: Vec<(Header, Vec<Transfer>)>,
    finalized: u64,
}

impl Store {
    /// Each Advance fits onto what is there: nothing is skipped, doubled, or taken from below finality.
    fn commit(&mut self, advance: &Advance) {
        for gone in &advance.orphaned {
            let (header, _) = self.chain.pop().unwrap();
            assert_eq!(header, *gone, "newest first");
            assert!(gone.number > self.finalized, "finalized blocks stay");
        }
        for (header, transfers) in &advance.added {
            if let Some((tip, _)) = self.chain.last() {
                assert_eq!((header.parent, header.number), (tip.hash, tip.number + 1));
            }
            assert!(transfers.iter().all(|t| t.block == header.hash));
            self.chain.push((*header, transfers.clone()));
        }
        assert_eq!(self.chain.last().unwrap().0, advance.tip);
        assert!(advance.finalized >= self.finalized && advance.finalized <= advance.tip.number);
        self.finalized = advance.finalized;
    }
    fn resume(&self, window: usize) -> Watcher {
        let recent: Vec<Header> = self.chain.iter().rev().take(window).map(|(h, _)| *h).collect();
        Watcher::resume(&recent, self.finalized, false)
    }
}

struct Run {
    watcher: Watcher,
    store: Store,
    open: VecDeque<Effect>,
    halted: Option<Halt>,
}

impl Run {
    fn new() -> Self {
        let watcher = Watcher::resume(&[], 0, false);
        Self { watcher, store: Store::default(), open: VecDeque::new(), halted: None }
    }
    fn input(&mut self, input: Input) {
        let (watcher, effects) = core::mem::take(&mut self.watcher).step(input);
        self.watcher = watcher;
        for effect in effects {
            match effect {
                Effect::Advance(advance) => self.store.commit(&advance),
                Effect::Halt(halt) => self.halted = Some(halt),
                Effect::Wait => assert!(self.open.is_empty(), "it waits only while no question is open"),
                question => self.open.push_back(question),
            }
        }
        assert!(self.open.len() <= 16, "a bounded number of questions");
    }
    /// Answers everything that is asked until nothing is open; a poll wakes it.
    fn settle(&mut self, node: &Node) {
        for _ in 0..200 {
            self.input(node.poll());
            while let Some(question) = self.open.pop_front() {
                self.input(node.answer(&question).unwrap());
            }
            if self.watcher.tip() == Some(node.latest()) && self.watcher.finalized() == node.finalized().number {
                return;
            }
        }
        panic!("never arrives: {:?} of {:?}", self.watcher.tip(), node.latest());
    }
    fn assert_is(&self, node: &Node) {
        for (header, transfers) in &self.store.chain {
            let (theirs, expected) = &node.known[&header.hash];
            assert_eq!((header, transfers), (theirs, expected));
            assert_eq!(node.chain[header.number as usize], *header);
        }
        assert_eq!(self.store.chain.last().map(|(h, _)| *h), Some(node.latest()));
    }
}

#[test]
fn a_new_chain_begins_at_its_finalized_block() {
    let node = Node::new(50, 10);
    let mut run = Run::new();
    run.settle(&node);
    run.assert_is(&node);
    assert_eq!(run.store.chain.first().unwrap().0, node.finalized());
    assert_eq!(run.store.finalized, 39);
}

#[test]
fn a_node_without_finality_begins_below_its_head() {
    let node = Node::new(100, 0);
    let mut run = Run::new();
    let now = Timestamp::from_seconds(BASE as i64 + 100);
    run.input(Input::Head { latest: Some(node.latest()), finalized: None, now });
    while let Some(question) = run.open.pop_front() {
        run.input(node.answer(&question).unwrap());
    }
    run.assert_is(&node);
    assert_eq!(run.store.chain.first().unwrap().0.number, 99 - 64);
    assert_eq!(run.store.finalized, 0);
}

#[test]
fn downtime_is_caught_up_block_by_block() {
    let mut node = Node::new(20, 5);
    let mut run = Run::new();
    run.settle(&node);
    node.mine(500);
    run.watcher = run.store.resume(100);
    run.settle(&node);
    run.assert_is(&node);
}

#[test]
fn a_reorg_during_downtime_is_walked_back_by_hash() {
    let mut node = Node::new(40, 20);
    let mut run = Run::new();
    run.settle(&node);
    node.reorg(15, 300, true);
    run.watcher = run.store.resume(100);
    run.settle(&node);
    run.assert_is(&node);
}

#[test]
fn a_shorter_branch_is_followed_too() {
    let mut node = Node::new(40, 20);
    let mut run = Run::new();
    run.settle(&node);
    node.reorg(5, 2, false);
    // The finalized tag went back with the head; what we recorded stays.
    run.input(node.poll());
    while let Some(question) = run.open.pop_front() {
        run.input(node.answer(&question).unwrap());
    }
    run.assert_is(&node);
    assert_eq!(run.store.finalized, 19);
}

/// Deeper than the watcher looks ahead: the branch is shorter than ours at first, and its node goes on while it is read.
#[test]
fn a_deep_reorg_that_grows_while_it_is_read_is_followed() {
    for (depth, blocks) in [(100, 80), (100, 64), (100, 99), (64, 64), (70, 1)] {
        let mut node = Node::new(300, 250);
        let mut run = Run::new();
        run.settle(&node);
        node.reorg(depth, blocks, false);
        run.input(node.poll());
        // The headers are answered, the transfers are not.
        while let Some(question) = run.open.pop_front() {
            let answer = match question {
                Effect::FetchTransfers(_) => failure(&question),
                _ => node.answer(&question),
            };
            run.input(answer.unwrap());
        }
        node.mine(200);
        run.settle(&node);
        run.assert_is(&node);
    }
}

#[test]
fn a_lagging_node_changes_nothing() {
    let node = Node::new(40, 20);
    let mut run = Run::new();
    run.settle(&node);
    let mut lagging = node.clone();
    lagging.chain.truncate(30);
    run.input(lagging.poll());
    assert!(run.open.is_empty());
    run.assert_is(&node);
}

/// Restored from a backup, or still syncing: it shows blocks that are older than all that we remember.
#[test]
fn a_node_far_behind_changes_nothing() {
    let mut node = Node::new(60, 20);
    let mut run = Run::new();
    run.settle(&node);
    run.watcher = run.store.resume(10);
    for blocks in [1, 20, 45] {
        let mut behind = node.clone();
        behind.chain.truncate(blocks);
        run.input(behind.poll());
        assert_eq!((run.halted, run.open.len()), (None, 0), "{blocks} blocks");
    }
    node.mine(25);
    run.settle(&node);
    run.assert_is(&node);
}

#[test]
fn a_fork_below_finality_halts_for_good() {
    let mut node = Node::new(40, 5);
    let mut run = Run::new();
    run.settle(&node);
    let stored = run.store.chain.clone();
    node.reorg(10, 12, false);
    // The node's own finalized tag contradicts ours or its headers do: either way nothing moves.
    run.input(Input::Head {
        latest: Some(node.latest()),
        finalized: None,
        now: Timestamp::from_seconds(BASE as i64 + 99),
    });
    while let Some(question) = run.open.pop_front() {
        run.input(node.answer(&question).unwrap());
    }
    assert!(matches!(run.halted, Some(Halt::ForkBelowFinality { finalized: 34, .. })), "{:?}", run.halted);
    node.mine(50);
    run.input(node.poll());
    assert!(run.open.is_empty());
    assert_eq!(run.store.chain, stored);
}

#[test]
fn a_contradicted_finality_halts() {
    let mut node = Node::new(40, 5);
    let mut run = Run::new();
    run.settle(&node);
    let ours = node.finalized();
    node.reorg(10, 10, false);
    let theirs = node.finalized();
    run.input(Input::Head { latest: None, finalized: Some(theirs), now: Timestamp::from_seconds(BASE as i64 + 99) });
    assert_eq!(
        run.halted,
        Some(Halt::FinalityContradicted { number: ours.number, ours: ours.hash, theirs: theirs.hash })
    );
}

#[test]
fn a_fork_below_the_window_halts() {
    let mut node = Node::new(60, 60);
    let mut run = Run::new();
    run.settle(&node);
    run.watcher = run.store.resume(10);
    node.reorg(20, 21, false);
    run.input(node.poll());
    while let Some(question) = run.open.pop_front() {
        run.input(node.answer(&question).unwrap());
    }
    assert!(matches!(run.halted, Some(Halt::ForkBelowWindow { oldest: 50, .. })), "{:?}", run.halted);
}

#[test]
fn a_header_from_the_future_waits() {
    let mut node = Node::new(20, 5);
    let mut run = Run::new();
    run.settle(&node);
    let before = run.store.chain.len();
    node.mine(100);
    // Its time is 100 s ahead of ours; the last one that may be taken is 60 s ahead.
    let now = Timestamp::from_seconds((BASE + 19) as i64);
    run.input(Input::Head { latest: Some(node.latest()), finalized: None, now });
    while let Some(question) = run.open.pop_front() {
        run.input(node.answer(&question).unwrap());
    }
    assert_eq!(run.store.chain.last().unwrap().0.number, 79);
    assert_eq!(run.store.chain.len(), before + 60);
    run.settle(&node);
    run.assert_is(&node);
}

#[test]
fn a_block_that_vanishes_before_its_logs_is_polled_again() {
    let mut node = Node::new(20, 10);
    let mut run = Run::new();
    run.settle(&node);
    node.mine(1);
    run.input(node.poll());
    assert_eq!(run.open.len(), 1);
    node.reorg(1, 2, true);
    let question = run.open.pop_front().unwrap();
    run.input(node.answer(&question).unwrap());
    assert!(run.open.is_empty(), "nothing is asked before the next poll");
    run.settle(&node);
    run.assert_is(&node);
}

#[test]
fn a_longer_branch_replaces_ours_in_one_move() {
    let mut node = Node::new(40, 20);
    let mut run = Run::new();
    run.settle(&node);
    let mut lowest = node.latest().number;
    node.reorg(5, 9, false);
    run.input(node.poll());
    while let Some(question) = run.open.pop_front() {
        run.input(node.answer(&question).unwrap());
        lowest = lowest.min(run.store.chain.last().unwrap().0.number);
    }
    assert_eq!(lowest, 39, "the tip never goes down on the way");
    run.assert_is(&node);
}

/// The head that a poll saw is old by the time its gap is filled, and a fork by then: nobody goes back to it.
#[test]
fn an_old_poll_is_no_reason_to_change_branches() {
    let mut node = Node::new(40, 20);
    let mut run = Run::new();
    run.settle(&node);
    node.mine(5);
    run.input(node.poll());
    node.reorg(2, 4, false);
    while let Some(question) = run.open.pop_front() {
        assert!(!matches!(question, Effect::FetchHeader(_)), "nothing is walked back");
        run.input(node.answer(&question).unwrap());
    }
    assert_eq!(run.store.chain.last().unwrap().0, node.chain[44]);
}

/// What a test does to node and questions.
#[derive(Debug, Clone)]
enum Act {
    Mine(u64),
    Reorg(u64, u64, bool),
    Poll,
    /// A poll that a lagging node answers.
    PollLagging(u64),
    /// Answers the n-th open question, and keeps it open too if told so.
    Answer(usize, bool),
    Fail(usize),
    /// The process is killed and resumes from what is stored.
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => (1u64..5).prop_map(Act::Mine),
        1 => (20u64..90).prop_map(Act::Mine),
        2 => (1u64..8, 1u64..10, any::<bool>()).prop_map(|(d, n, f)| Act::Reorg(d, n, f)),
        4 => Just(Act::Poll),
        1 => (1u64..6).prop_map(Act::PollLagging),
        12 => (any::<usize>(), proptest::bool::weighted(0.2)).prop_map(|(n, twice)| Act::Answer(n, twice)),
        2 => any::<usize>().prop_map(Act::Fail),
        1 => Just(Act::Restart),
    ];
    proptest::collection::vec(act, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever happens on the way, every block of the final chain was handed on once, with its transfers.
    #[test]
    fn the_nodes_chain_is_what_is_handed_on(acts in acts()) {
        // Finality lags further than any reorg goes, so nothing may halt.
        let mut node = Node::new(30, 1_000);
        let mut run = Run::new();
        for act in acts {
            match act {
                Act::Mine(blocks) => node.mine(blocks),
                Act::Reorg(depth, blocks, forget) => node.reorg(depth.min(node.latest().number - 1), blocks, forget),
                Act::Poll => run.input(node.poll()),
                Act::PollLagging(blocks) => {
                    let mut lagging = node.clone();
                    lagging.chain.truncate(node.chain.len() - (blocks as usize).min(node.chain.len() - 1));
                    run.input(lagging.poll());
                }
                Act::Answer(n, twice) => {
                    if run.open.is_empty() { continue }
                    let question = run.open.remove(n % run.open.len()).unwrap();
                    let answer = node.answer(&question).unwrap();
                    if twice { run.input(answer.clone()); }
                    run.input(answer);
                }
                Act::Fail(n) => {
                    if run.open.is_empty() { continue }
                    let question = run.open.remove(n % run.open.len()).unwrap();
                    run.input(failure(&question).unwrap());
                }
                Act::Restart => {
                    run.open.clear();
                    run.watcher = run.store.resume(4_096);
                }
            }
            prop_assert_eq!(run.halted, None);
        }
        run.settle(&node);
        run.assert_is(&node);
    }
}
