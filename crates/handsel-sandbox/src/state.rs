//! The chain's state: pure, in memory, made by applying entries in order. Nothing here reads a clock, a file or a rng.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::block::{Block, Body, Place};
use crate::entry::{Base, Entry, Totals};
use crate::hash::{Address, Hash};
use crate::likeness::Likeness;
use crate::transaction::{Order, Transaction};

/// Blocks below the head from which on nothing is replaced any more.
pub const FINALIZED_DEPTH_BLOCKS: u64 = 4;
/// Blocks below the head that the tag `safe` stands for.
pub const SAFE_DEPTH_BLOCKS: u64 = 2;
/// What every account that has ever sent a token is taken to have had, in minor units.
const RICHES_MINOR_UNITS: u128 = 1_000_000_000_000_000;

/// An entry that can't follow the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfOrder;

/// Where a mined transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) number: u64,
    pub(crate) index: usize,
}

/// A transaction that waits for the reorganisation it asked for.
#[derive(Debug, Clone, Copy)]
struct Plan {
    serial: u64,
    hash: Hash,
    confirmations: u64,
}

/// The chain.
#[derive(Debug)]
pub(crate) struct State {
    seed: Hash,
    first: u64,
    parent: Hash,
    blocks: VecDeque<Block>,
    numbers: HashMap<Hash, u64>,
    positions: HashMap<Hash, Position>,
    /// Waiting to be mined, in the order in which they will be.
    pool: Vec<Arc<Transaction>>,
    /// Offer too little; never mined.
    held: Vec<Arc<Transaction>>,
    nonces: HashMap<Address, u64>,
    ledger: HashMap<(Address, Address), Totals>,
    plans: Vec<Plan>,
    next_serial: u64,
    branches: u32,
    likeness: Likeness,
    /// Blocks below the head from which on nothing is replaced.
    finality_depth: u64,
}

impl State {
    pub(crate) fn new(base: Base) -> Self {
        Self {
            seed: base.seed,
            first: base.first_number,
            parent: base.parent,
            blocks: VecDeque::new(),
            numbers: HashMap::new(),
            positions: HashMap::new(),
            pool: Vec::new(),
            held: Vec::new(),
            nonces: base.nonces.into_iter().collect(),
            ledger: base.ledger.into_iter().map(|(token, account, totals)| ((token, account), totals)).collect(),
            plans: Vec::new(),
            next_serial: base.next_serial,
            branches: base.branches,
            likeness: Likeness::Evm,
            finality_depth: FINALIZED_DEPTH_BLOCKS,
        }
    }

    /// The beginning of a chain of another kind.
    pub(crate) fn like(self, likeness: Likeness) -> Self {
        Self { likeness, finality_depth: likeness.finality_depth_blocks(), ..self }
    }

    pub(crate) const fn likeness(&self) -> Likeness {
        self.likeness
    }

    pub(crate) fn with_finality_depth(self, blocks: u64) -> Self {
        Self { finality_depth: blocks, ..self }
    }

    pub(crate) const fn finality_depth(&self) -> u64 {
        self.finality_depth
    }

    pub(crate) fn seed(&self) -> &Hash {
        &self.seed
    }

    /// The lowest block that is still kept.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The highest block.
    pub(crate) fn head(&self) -> u64 {
        (self.first + self.blocks.len() as u64).saturating_sub(1)
    }

    pub(crate) fn kept_blocks(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Where a block stands; its header follows from this and its body.
    pub(crate) fn place(&self, number: u64) -> Option<Place> {
        let block = self.block(number)?;
        let parent = if number == self.first { self.parent } else { self.block(number - 1)?.hash };
        Some(Place { number, parent, timestamp: block.timestamp, branch: block.branch })
    }

    pub(crate) fn number_of(&self, hash: &Hash) -> Option<u64> {
        self.numbers.get(hash).copied()
    }

    pub(crate) fn position_of(&self, transaction: &Hash) -> Option<Position> {
        self.positions.get(transaction).copied()
    }

    /// The transaction at a position.
    pub(crate) fn at(&self, position: Position) -> Option<&Arc<Transaction>> {
        self.block(position.number)?.body().transactions.get(position.index)
    }

    pub(crate) fn pool(&self) -> &[Arc<Transaction>] {
        &self.pool
    }

    pub(crate) fn held(&self) -> &[Arc<Transaction>] {
        &self.held
    }

    /// A transaction of the mempool, held or not.
    pub(crate) fn pending(&self, hash: &Hash) -> Option<&Arc<Transaction>> {
        self.pool.iter().chain(&self.held).find(|transaction| transaction.hash == *hash)
    }

    pub(crate) fn next_serial(&self) -> u64 {
        self.next_serial
    }

    /// The nonce that the account's next transaction gets.
    pub(crate) fn next_nonce(&self, account: &Address) -> u64 {
        self.nonces.get(account).copied().unwrap_or(0)
    }

    pub(crate) fn branches(&self) -> u32 {
        self.branches
    }

    /// Timestamp of the highest block, in seconds.
    pub(crate) fn head_timestamp(&self) -> u64 {
        self.blocks.back().map_or(0, |block| block.timestamp)
    }

    pub(crate) fn has_plans(&self) -> bool {
        !self.plans.is_empty()
    }

    /// The first transaction whose asked-for reorganisation is due: its serial number and its confirmations.
    pub(crate) fn due_plan(&self) -> Option<(u64, u64)> {
        self.plans.iter().find_map(|plan| {
            let mined = self.positions.get(&plan.hash)?.number;
            let confirmations = self.head() - mined + 1;
            (confirmations >= plan.confirmations).then_some((plan.serial, confirmations))
        })
    }

    /// The highest kept block that has transactions.
    pub(crate) fn last_filled(&self) -> Option<u64> {
        (self.first..=self.head())
            .rev()
            .find(|number| self.block(*number).is_some_and(|block| !block.body().transactions.is_empty()))
    }

    /// What an account holds of a token, in minor units. Whoever has sent any is taken to have been rich before.
    pub(crate) fn balance(&self, token: &Address, account: &Address, head: u64) -> u128 {
        let mut totals = self.ledger.get(&(*token, *account)).copied().unwrap_or_default();
        for block in self.blocks.iter().take(usize::try_from((head + 1).saturating_sub(self.first)).unwrap_or(0)) {
            for transfer in successful(block.body()) {
                if transfer.token == *token && transfer.to == *account {
                    totals.received = totals.received.saturating_add(transfer.amount);
                }
                if transfer.token == *token && transfer.from == *account {
                    totals.sent = totals.sent.saturating_add(transfer.amount);
                }
            }
        }
        let before = if totals.sent > 0 { RICHES_MINOR_UNITS } else { 0 };
        before.saturating_add(totals.received).saturating_sub(totals.sent)
    }

    /// Lets one thing happen.
    pub(crate) fn apply(&mut self, entry: Entry) -> Result<(), OutOfOrder> {
        match entry {
            Entry::Base(_) => return Err(OutOfOrder),
            Entry::Broadcast { serial, nonce, order } => self.broadcast(serial, nonce, order),
            Entry::Mine { timestamp, branch, serials } => self.mine(timestamp, branch, &serials)?,
            Entry::Unwind { depth, drop } => self.unwind(depth, &drop)?,
            Entry::PlanDone { serial } => self.plans.retain(|plan| plan.serial != serial),
        }
        Ok(())
    }

    fn broadcast(&mut self, serial: u64, nonce: u64, order: Order) {
        let next = self.nonces.entry(order.sender).or_default();
        *next = (*next).max(nonce + 1);
        self.next_serial = self.next_serial.max(serial + 1);
        let transaction = Arc::new(Transaction::new(&self.seed, serial, nonce, order));
        // A held transaction never gets confirmations, so its plan would never be done.
        if let (Some(confirmations), false) = (transaction.order.reorged_at_confirmations, transaction.order.held) {
            self.plans.push(Plan { serial, hash: transaction.hash, confirmations: confirmations.into() });
        }
        if transaction.order.held { self.held.push(transaction) } else { self.pool.push(transaction) }
    }

    fn mine(&mut self, timestamp: u64, branch: u32, serials: &[u64]) -> Result<(), OutOfOrder> {
        let asked: HashSet<u64> = serials.iter().copied().collect();
        let (mined, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pool).into_iter().partition(|transaction| asked.contains(&transaction.serial));
        self.pool = left;
        if mined.len() != serials.len() {
            return Err(OutOfOrder);
        }
        let number = self.first + self.blocks.len() as u64;
        let parent = self.blocks.back().map_or(self.parent, |block| block.hash);
        for (index, transaction) in mined.iter().enumerate() {
            self.positions.insert(transaction.hash, Position { number, index });
        }
        let mut block = Block::seal(&self.seed, Place { number, parent, timestamp, branch }, mined);
        block.hash = self.likeness.block_id(number, block.hash);
        self.branches = self.branches.max(branch);
        self.numbers.insert(block.hash, number);
        self.blocks.push_back(block);
        Ok(())
    }

    fn unwind(&mut self, depth: u64, drop: &[Hash]) -> Result<(), OutOfOrder> {
        let depth = usize::try_from(depth).map_err(|_| OutOfOrder)?;
        let keep = self.blocks.len().checked_sub(depth).filter(|kept| *kept > 0).ok_or(OutOfOrder)?;
        let dropped: HashSet<&Hash> = drop.iter().collect();
        let mut back = Vec::new();
        for block in self.blocks.drain(keep..) {
            self.numbers.remove(&block.hash);
            for transaction in &block.body().transactions {
                self.positions.remove(&transaction.hash);
                back.push(Arc::clone(transaction));
            }
        }
        back.append(&mut self.pool);
        back.retain(|transaction| !dropped.contains(&transaction.hash));
        self.pool = back;
        self.held.retain(|transaction| !dropped.contains(&transaction.hash));
        self.plans.retain(|plan| !dropped.contains(&plan.hash));
        Ok(())
    }

    /// Forgets the oldest blocks until `keep` are left; their transfers go into the ledger.
    pub(crate) fn prune(&mut self, keep: usize) {
        while self.blocks.len() > keep.max(1) {
            let Some(block) = self.blocks.pop_front() else { return };
            self.numbers.remove(&block.hash);
            for transaction in &block.body().transactions {
                self.positions.remove(&transaction.hash);
                self.plans.retain(|plan| plan.serial != transaction.serial);
            }
            for transfer in successful(block.body()) {
                let received = &mut self.ledger.entry((transfer.token, transfer.to)).or_default().received;
                *received = received.saturating_add(transfer.amount);
                let sent = &mut self.ledger.entry((transfer.token, transfer.from)).or_default().sent;
                *sent = sent.saturating_add(transfer.amount);
            }
            self.parent = block.hash;
            self.first += 1;
        }
    }

    /// The entries that make this state again.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut nonces: Vec<_> = self.nonces.iter().map(|(account, nonce)| (*account, *nonce)).collect();
        nonces.sort_unstable();
        let mut ledger: Vec<_> =
            self.ledger.iter().map(|((token, account), totals)| (*token, *account, *totals)).collect();
        ledger.sort_unstable_by_key(|(token, account, _)| (*token, *account));
        let mut entries = vec![Entry::Base(Base {
            seed: self.seed,
            first_number: self.first,
            parent: self.parent,
            next_serial: self.next_serial,
            branches: self.branches,
            nonces,
            ledger,
        })];
        for block in &self.blocks {
            let transactions = &block.body().transactions;
            entries.extend(transactions.iter().map(|transaction| self.broadcast_entry(transaction)));
            let serials = transactions.iter().map(|transaction| transaction.serial).collect();
            entries.push(Entry::Mine { timestamp: block.timestamp, branch: block.branch, serials });
        }
        entries.extend(self.pool.iter().chain(&self.held).map(|transaction| self.broadcast_entry(transaction)));
        entries
    }

    fn broadcast_entry(&self, transaction: &Transaction) -> Entry {
        let mut order = transaction.order.clone();
        if !self.plans.iter().any(|plan| plan.serial == transaction.serial) {
            order.reorged_at_confirmations = None;
        }
        Entry::Broadcast { serial: transaction.serial, nonce: transaction.nonce, order }
    }
}

fn successful(body: &Body) -> impl Iterator<Item = &crate::transaction::Transfer> {
    body.transactions.iter().filter(|transaction| !transaction.order.reverts).flat_map(|one| &one.order.transfers)
}
