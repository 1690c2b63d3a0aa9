//! The chain's promises: durability, linkage, finality, replay.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::state::FINALIZED_DEPTH_BLOCKS;
use crate::transaction::Transfer;

const SEED: Hash = [7; 32];
const TOKEN: [u8; 20] = [1; 20];
const PAYER: [u8; 20] = [2; 20];
const SHOP: [u8; 20] = [3; 20];

fn payment(amount: u128) -> Order {
    Order::transfer(Transfer { token: TOKEN, from: PAYER, to: SHOP, amount })
}

fn fresh() -> (tempfile::TempDir, Chain) {
    let directory = tempfile::tempdir().unwrap();
    let chain = Chain::open(directory.path(), SEED, 1_000).unwrap();
    (directory, chain)
}

fn hashes(chain: &Chain) -> Vec<Hash> {
    let state = chain.read();
    (state.first()..=state.head()).map(|number| state.block(number).unwrap().hash).collect()
}

#[test]
fn the_same_seed_clock_and_commands_give_the_same_chain() {
    let run = |seed| {
        let directory = tempfile::tempdir().unwrap();
        let chain = Chain::open(directory.path(), seed, 1_000).unwrap();
        chain.broadcast(payment(5)).unwrap();
        chain.mine(3, 1_001).unwrap();
        chain.reorg(&Reorg { depth: 2, ..Reorg::default() }, 1_002).unwrap();
        hashes(&chain)
    };
    assert_eq!(run(SEED), run(SEED));
    assert_ne!(run(SEED), run([8; 32]));
}

#[test]
fn what_was_answered_is_there_after_a_reopening_without_farewell() {
    let (directory, chain) = fresh();
    let mined = chain.broadcast(payment(5)).unwrap();
    chain.mine(2, 1_001).unwrap();
    let held = chain.broadcast(Order { held: true, ..payment(6) }).unwrap();
    let waiting = chain.broadcast(payment(7)).unwrap();
    chain.reorg(&Reorg { depth: 1, ..Reorg::default() }, 1_002).unwrap();
    let before = hashes(&chain);
    drop(chain);
    let chain = Chain::open(directory.path(), [9; 32], 5_000).unwrap();
    assert_eq!(hashes(&chain), before, "the journal's seed counts, not the new one");
    assert_eq!(chain.block_of(&mined), Some(1));
    assert_eq!(chain.block_of(&waiting), Some(2), "the reorganisation mined what was waiting");
    assert!(chain.read().pending(&held).is_some());
    chain.mine(5, 5_000).unwrap();
    assert_eq!(chain.block_of(&held), None, "held transactions are never mined");
}

#[test]
fn parents_link_and_time_never_runs_backwards() {
    let (_directory, chain) = fresh();
    chain.mine(2, 2_000).unwrap();
    chain.mine(1, 500).unwrap();
    let state = chain.read();
    for number in 1..=state.head() {
        assert_eq!(state.place(number).unwrap().parent, state.block(number - 1).unwrap().hash);
        assert!(state.block(number).unwrap().timestamp >= state.block(number - 1).unwrap().timestamp);
    }
}

#[test]
fn a_reorg_drops_the_named_and_mines_the_others_in_its_first_block() {
    let (_directory, chain) = fresh();
    chain.mine(3, 1_000).unwrap();
    let first = chain.broadcast(payment(1)).unwrap();
    chain.mine(1, 1_001).unwrap();
    let second = chain.broadcast(payment(2)).unwrap();
    let dropped = chain.broadcast(payment(3)).unwrap();
    chain.mine(1, 1_002).unwrap();
    let before = hashes(&chain);
    let heights = chain.reorg(&Reorg { depth: 2, drop: vec![dropped], break_finality: false }, 1_003).unwrap();
    assert_eq!(heights, Heights { head: 5, finalized: 1 });
    let after = hashes(&chain);
    assert_eq!(before[..4], after[..4]);
    assert_ne!(before[4], after[4]);
    assert_ne!(before[5], after[5]);
    assert_eq!((chain.block_of(&first), chain.block_of(&second)), (Some(4), Some(4)));
    assert_eq!(chain.block_of(&dropped), None);
    assert!(chain.read().pending(&dropped).is_none());
    assert_eq!(chain.read().number_of(&before[4]), None, "orphaned blocks are unknown");
}

#[test]
fn finality_holds_unless_broken_by_name() {
    let (_directory, chain) = fresh();
    chain.mine(10, 1_000).unwrap();
    let deep = Reorg { depth: 5, ..Reorg::default() };
    assert!(matches!(chain.reorg(&deep, 1_000), Err(ChainError::Depth { most: 4 })));
    chain.reorg(&Reorg { break_finality: true, ..deep }, 1_000).unwrap();
    let unknown = Reorg { depth: 1, drop: vec![[1; 32]], break_finality: false };
    assert!(matches!(chain.reorg(&unknown, 1_000), Err(ChainError::DropUnknown(_))));
    let whole = Reorg { depth: 11, break_finality: true, ..Reorg::default() };
    assert!(matches!(chain.reorg(&whole, 1_000), Err(ChainError::Depth { most: 10 })));
}

#[test]
fn a_block_holds_what_its_gas_allows_and_the_next_takes_the_rest() {
    let (_directory, chain) = fresh();
    let transfer = Transfer { token: TOKEN, from: PAYER, to: SHOP, amount: 1 };
    let big = Order { transfers: vec![transfer; limits::TRANSACTION_TRANSFERS], ..payment(1) };
    let all: Vec<_> = (0..5).map(|_| chain.broadcast(big.clone()).unwrap()).collect();
    chain.mine(2, 1_000).unwrap();
    let places: Vec<_> = all.iter().map(|hash| chain.block_of(hash).unwrap()).collect();
    assert_eq!(places, [1, 1, 1, 2, 2]);
}

#[test]
fn old_blocks_go_and_balances_and_nonces_stay() {
    let directory = tempfile::tempdir().unwrap();
    let chain = Chain::open_keeping(Likeness::Evm, directory.path(), SEED, 1_000, 10).unwrap();
    chain.broadcast(payment(5)).unwrap();
    let held = chain.broadcast(Order { held: true, ..payment(6) }).unwrap();
    for second in 0..40 {
        chain.mine(1, 1_000 + second).unwrap();
    }
    let (first, head) = (chain.read().first(), chain.read().head());
    assert!(first > 0 && head == 40);
    assert!((10..=20).contains(&chain.read().kept_blocks()));
    assert_eq!(chain.read().balance(&TOKEN, &SHOP, head), 5);
    let before = hashes(&chain);
    drop(chain);
    let chain = Chain::open_keeping(Likeness::Evm, directory.path(), SEED, 1_000, 10).unwrap();
    assert_eq!(hashes(&chain), before);
    assert_eq!(chain.read().balance(&TOKEN, &SHOP, head), 5);
    assert_eq!(chain.read().next_nonce(&PAYER), 2);
    assert!(chain.read().pending(&held).is_some());
}

#[test]
fn an_asked_for_reorg_comes_once_and_includes_the_transaction_again() {
    let (directory, chain) = fresh();
    let hash = chain.broadcast(Order { reorged_at_confirmations: Some(2), ..payment(5) }).unwrap();
    chain.mine(1, 1_000).unwrap();
    assert_eq!(chain.due_reorg(), None);
    chain.mine(1, 1_001).unwrap();
    assert_eq!(chain.due_reorg(), Some(1));
    let before = hashes(&chain);
    drop(chain);
    let chain = Chain::open(directory.path(), SEED, 1_001).unwrap();
    assert_eq!(chain.due_reorg(), Some(1), "the plan survives");
    chain.run_due_reorg(1_002).unwrap();
    assert_ne!(hashes(&chain)[1], before[1]);
    assert_eq!(chain.block_of(&hash), Some(1));
    chain.mine(5, 1_003).unwrap();
    assert_eq!(chain.due_reorg(), None);
    assert!(!chain.has_plans());
}

#[test]
fn bad_orders_are_refused() {
    let (_directory, chain) = fresh();
    let none = Order { transfers: Vec::new(), ..payment(1) };
    assert!(matches!(chain.broadcast(none), Err(ChainError::TransferCount)));
    assert!(matches!(chain.mine(0, 1_000), Err(ChainError::MineCount)));
    assert!(matches!(chain.mine(limits::MINE_BLOCKS + 1, 1_000), Err(ChainError::MineCount)));
}

/// A small generator, so that a run can be told again by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Lets one random thing happen; gives what `broadcast` answered and what was dropped.
fn random_step(chain: &Chain, dice: &mut Dice, now: u64, alive: &mut Vec<Hash>) {
    match dice.roll(10) {
        0..=3 => {
            let how = dice.roll(6);
            let order = Order {
                sender: [u8::try_from(dice.roll(3)).unwrap(); 20],
                held: how == 0,
                reverts: how == 1,
                reorged_at_confirmations: (how == 2).then_some(2),
                ..payment(dice.roll(100).into())
            };
            alive.push(chain.broadcast(order).unwrap());
        }
        4..=7 => {
            chain.run_due_reorg(now).unwrap();
            chain.mine(1 + dice.roll(3), now).unwrap();
        }
        _ => {
            let most = FINALIZED_DEPTH_BLOCKS.min(chain.heights().head);
            if most == 0 {
                return;
            }
            let depth = 1 + dice.roll(most);
            let fork = chain.heights().head + 1 - depth;
            let droppable =
                |hash: &&Hash| chain.block_of(hash).is_some_and(|number| number >= fork) || chain.is_pending(hash);
            let drop: Vec<Hash> = alive.iter().filter(droppable).take(1).copied().collect();
            chain.reorg(&Reorg { depth, drop: drop.clone(), break_finality: false }, now).unwrap();
            alive.retain(|hash| !drop.contains(hash));
        }
    }
}

#[test]
fn whatever_happens_a_reopened_chain_is_the_same_and_has_lost_nothing() {
    for seed in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let mut dice = Dice(seed);
        let mut alive = Vec::new();
        let mut chain = Chain::open_keeping(Likeness::Evm, directory.path(), SEED, 1_000, 200).unwrap();
        for step in 0..60 {
            random_step(&chain, &mut dice, 1_000 + step / 3, &mut alive);
            if dice.roll(8) == 0 {
                let before = (hashes(&chain), format!("{:?}", chain.read().entries()));
                drop(chain);
                chain = Chain::open_keeping(Likeness::Evm, directory.path(), SEED, 1_000, 200).unwrap();
                assert_eq!(
                    (hashes(&chain), format!("{:?}", chain.read().entries())),
                    before,
                    "seed {seed}, step {step}"
                );
            }
            for hash in &alive {
                assert!(chain.block_of(hash).is_some() ^ chain.is_pending(hash), "seed {seed}, step {step}");
            }
        }
        let unique: std::collections::HashSet<_> = alive.iter().collect();
        assert_eq!(unique.len(), alive.len(), "seed {seed}");
    }
}

#[test]
fn a_closed_chain_frees_its_directory_and_refuses_changes() {
    let (directory, chain) = fresh();
    chain.close();
    assert!(matches!(chain.mine(1, 1_000), Err(ChainError::Journal(JournalError::Poisoned))));
    assert_eq!(Chain::open(directory.path(), SEED, 1_000).unwrap().heights().head, 0);
}

#[test]
fn a_planned_reorg_that_came_too_late_is_given_up_for_finality() {
    let (_directory, chain) = fresh();
    chain.broadcast(Order { reorged_at_confirmations: Some(2), ..payment(5) }).unwrap();
    chain.mine(8, 1_000).unwrap();
    let before = hashes(&chain);
    chain.run_due_reorg(1_001).unwrap();
    assert_eq!(hashes(&chain), before);
    assert!(!chain.has_plans());
}
