//! The simulated chain: the state behind a lock, the journal behind another. Every change is decided against the state,
//! written to the journal, and only then applied, so readers never see what a crash could take back.
//!
//! Finality is a promise here as on a real chain: blocks at or below what is final are never replaced, unless a test asks
//! for just that by name.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::block::GAS_LIMIT;
use crate::entry::{self, Base, Entry};
use crate::faults::Symptoms;
use crate::hash::{Hash, hex_data};
use crate::journal::{Journal, JournalError};
use crate::likeness::Likeness;
use crate::limits;
use crate::rpc::{self, Seen};
use crate::state::{OutOfOrder, State};
use crate::transaction::Order;
use crate::tron;

/// Entries in one record when the journal is rewritten.
const REWRITE_RECORD_ENTRIES: usize = 1_000;

/// Why the chain refused.
#[derive(Debug)]
pub enum ChainError {
    /// The journal can't be used.
    Journal(JournalError),
    /// The journal's records contradict each other.
    Nonsense,
    /// A transaction needs between one and `TRANSACTION_TRANSFERS` transfers.
    TransferCount,
    /// The mempool is full.
    PoolFull,
    /// More blocks than `MINE_BLOCKS`, or none.
    MineCount,
    /// A reorganisation must replace at least one block and can't go deeper than this.
    Depth {
        /// The deepest that is possible now.
        most: u64,
    },
    /// A hash to be dropped is neither in the replaced blocks nor in the mempool.
    DropUnknown(Hash),
    /// More hashes to be dropped than `REORG_DROPPED_TRANSACTIONS`.
    DropCount,
}

impl std::fmt::Display for ChainError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Nonsense => {
                f.write_str("the sandbox chain's journal contradicts itself; remove the directory to begin a new chain")
            }
            Self::TransferCount => write!(f, "give between 1 and {} transfers", limits::TRANSACTION_TRANSFERS),
            Self::PoolFull => f.write_str("the mempool is full; mine some blocks first"),
            Self::MineCount => write!(f, "mine between 1 and {} blocks in one call", limits::MINE_BLOCKS),
            Self::Depth { most } => write!(f, "the depth must be between 1 and {most} here: finalized blocks stay"),
            Self::DropUnknown(hash) => write!(
                f,
                "{} is not in the blocks that would be replaced; take a greater depth or leave it out of drop",
                hex_data(hash)
            ),
            Self::DropCount => write!(f, "drop at most {} transactions", limits::REORG_DROPPED_TRANSACTIONS),
        }
    }
}

impl std::error::Error for ChainError {}

impl From<JournalError> for ChainError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<OutOfOrder> for ChainError {
    fn from(_: OutOfOrder) -> Self {
        Self::Nonsense
    }
}

/// A reorganisation on command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reorg {
    /// Blocks that are replaced by as many new ones.
    pub depth: u64,
    /// Transactions that vanish; all others of the replaced blocks are mined again in the first new block.
    pub drop: Vec<Hash>,
    /// Go below what was finalized: for tests of what nobody should live to see.
    pub break_finality: bool,
}

/// The highest block and what is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heights {
    /// The highest block.
    pub head: u64,
    /// The highest block that is never replaced.
    pub finalized: u64,
}

impl Heights {
    fn of(state: &State) -> Self {
        let head = state.head();
        Self { head, finalized: head.saturating_sub(state.finality_depth()) }
    }
}

/// The simulated chain of one network.
#[derive(Debug)]
pub struct Chain {
    state: RwLock<State>,
    journal: Mutex<Tape>,
}

#[derive(Debug)]
struct Tape {
    /// None for a chain that is in memory alone.
    journal: Option<Journal>,
    rewritten_bytes: u64,
    kept_blocks: usize,
}

impl Chain {
    /// Opens the chain of a directory, or begins one from this seed with a first block of this time. An existing chain
    /// keeps its own seed. Blocking: reads and writes the disk.
    pub fn open(directory: &Path, seed: Hash, now_seconds: u64) -> Result<Self, ChainError> {
        Self::open_like(Likeness::Evm, directory, seed, now_seconds)
    }

    /// The same of another kind; a directory stays of the kind that it was begun with.
    pub fn open_like(likeness: Likeness, directory: &Path, seed: Hash, now_seconds: u64) -> Result<Self, ChainError> {
        Self::open_keeping(likeness, directory, seed, now_seconds, limits::KEPT_BLOCKS)
    }

    fn open_keeping(
        likeness: Likeness,
        directory: &Path,
        seed: Hash,
        now_seconds: u64,
        kept_blocks: usize,
    ) -> Result<Self, ChainError> {
        let (mut journal, records) = Journal::open(directory)?;
        let state = if records.is_empty() {
            let first = vec![
                Entry::Base(Base { seed, ..Base::default() }),
                Entry::Mine { timestamp: now_seconds, branch: 0, serials: Vec::new() },
            ];
            journal.append(&entry::encode(&first))?;
            replay(likeness, first.into_iter())?
        } else {
            let mut entries = Vec::new();
            for record in records {
                entries.append(&mut entry::decode(&record).ok_or(ChainError::Nonsense)?);
            }
            replay(likeness, entries.into_iter())?
        };
        let tape = Tape { rewritten_bytes: 0, journal: Some(journal), kept_blocks };
        Ok(Self { state: RwLock::new(state), journal: Mutex::new(tape) })
    }

    /// A chain of this process alone: nothing of it is on a disk, and finality may be deeper than the sandbox's.
    pub fn in_memory(seed: Hash, now_seconds: u64, finality_depth: u64) -> Result<Self, ChainError> {
        let first = Entry::Mine { timestamp: now_seconds, branch: 0, serials: Vec::new() };
        let state = replay(Likeness::Evm, [Entry::Base(Base { seed, ..Base::default() }), first].into_iter())?;
        let tape = Tape { rewritten_bytes: 0, journal: None, kept_blocks: limits::KEPT_BLOCKS };
        Ok(Self { state: RwLock::new(state.with_finality_depth(finality_depth)), journal: Mutex::new(tape) })
    }

    /// The answer of a node of this chain to one JSON-RPC request, single or batch. `stuck_at`: it has seen no block above.
    pub fn answer(&self, body: &[u8], stuck_at: Option<u64>) -> Vec<u8> {
        let symptoms = Symptoms { stuck_head: stuck_at, ..Symptoms::default() };
        self.answered(symptoms, body).0.unwrap_or_default()
    }

    /// The answer of a node in this condition, and what was shown by it.
    pub(crate) fn answered(&self, symptoms: Symptoms, body: &[u8]) -> (Option<Vec<u8>>, Seen) {
        let state = self.read();
        match state.likeness() {
            Likeness::Evm => rpc::answer(&state, symptoms, body),
            Likeness::Tron => tron::answer(&state, symptoms, body),
        }
    }

    /// The state as of now. Readers hold it only for as long as one answer takes.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, Tape> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Head and finality as of now.
    pub fn heights(&self) -> Heights {
        Heights::of(&self.read())
    }

    /// Whether transactions wait to be mined, held ones apart.
    pub fn has_pending(&self) -> bool {
        !self.read().pool().is_empty()
    }

    /// The highest block with a transaction in it.
    pub fn last_filled_block(&self) -> Option<u64> {
        self.read().last_filled()
    }

    /// The block that a transaction is in now.
    pub fn block_of(&self, transaction: &Hash) -> Option<u64> {
        self.read().position_of(transaction).map(|position| position.number)
    }

    /// Whether a transaction waits in the mempool, held ones included.
    pub fn is_pending(&self, transaction: &Hash) -> bool {
        self.read().pending(transaction).is_some()
    }

    /// Frees the directory for another process or a next start; from now on every change is refused. What was answered
    /// is on the disk anyway, so this is a courtesy, never a duty.
    pub fn close(&self) {
        if let Some(journal) = &mut self.turn().journal {
            journal.close();
        }
    }

    /// Takes a transaction into the mempool; it is durable when its hash is answered.
    pub fn broadcast(&self, order: Order) -> Result<Hash, ChainError> {
        let mut tape = self.turn();
        let (serial, nonce) = {
            let state = self.read();
            if !(1..=limits::TRANSACTION_TRANSFERS).contains(&order.transfers.len()) {
                return Err(ChainError::TransferCount);
            }
            if state.pool().len() + state.held().len() >= limits::POOL_TRANSACTIONS {
                return Err(ChainError::PoolFull);
            }
            (state.next_serial(), state.next_nonce(&order.sender))
        };
        let held = order.held;
        self.commit(&mut tape, vec![Entry::Broadcast { serial, nonce, order }])?;
        let state = self.read();
        let newest = if held { state.held() } else { state.pool() }.last();
        newest.map(|transaction| transaction.hash).ok_or(ChainError::Nonsense)
    }

    /// Mines blocks; the first ones take what waits in the mempool. `now_seconds` becomes their time, unless the chain
    /// is ahead of it.
    pub fn mine(&self, blocks: u64, now_seconds: u64) -> Result<Heights, ChainError> {
        if !(1..=limits::MINE_BLOCKS).contains(&blocks) {
            return Err(ChainError::MineCount);
        }
        let mut tape = self.turn();
        let entries = {
            let state = self.read();
            let waiting: Vec<_> = state.pool().iter().map(|one| (one.serial, one.gas_used())).collect();
            let timestamp = state.head_timestamp().max(now_seconds);
            packed(&waiting, blocks, timestamp, state.branches())
        };
        self.commit(&mut tape, entries)?;
        Ok(self.heights())
    }

    /// Replaces blocks at the top by as many new ones.
    pub fn reorg(&self, reorg: &Reorg, now_seconds: u64) -> Result<Heights, ChainError> {
        let mut tape = self.turn();
        let entries = planned_reorg(&self.read(), reorg, now_seconds)?;
        self.commit(&mut tape, entries)?;
        Ok(self.heights())
    }

    /// Whether a transaction is in the chain or waiting that asks for a reorganisation.
    pub fn has_plans(&self) -> bool {
        self.read().has_plans()
    }

    /// The block of the transaction whose asked-for reorganisation is due now.
    pub fn due_reorg(&self) -> Option<u64> {
        let state = self.read();
        state.due_plan().map(|(_, confirmations)| state.head() + 1 - confirmations)
    }

    /// Carries out the reorganisation that is due, if one is.
    pub fn run_due_reorg(&self, now_seconds: u64) -> Result<(), ChainError> {
        let mut tape = self.turn();
        let entries = {
            let state = self.read();
            let Some((serial, depth)) = state.due_plan() else { return Ok(()) };
            let mut entries = Vec::new();
            // Late only where blocks were mined past this function; finality goes before the plan.
            if depth <= state.finality_depth() {
                let reorg = Reorg { depth, ..Reorg::default() };
                entries = planned_reorg(&state, &reorg, now_seconds)?;
            }
            entries.push(Entry::PlanDone { serial });
            entries
        };
        self.commit(&mut tape, entries)
    }

    fn commit(&self, tape: &mut Tape, entries: Vec<Entry>) -> Result<(), ChainError> {
        if let Some(journal) = &mut tape.journal {
            journal.append(&entry::encode(&entries))?;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            state.apply(entry)?;
        }
        drop(state);
        if let Err(error) = self.rewrite_if_grown(tape) {
            // What was asked for is durable all the same; a journal that can't be written says so at the next change.
            tracing::warn!(%error, "the sandbox chain's journal could not be rewritten");
        }
        Ok(())
    }

    /// Forgets old blocks and shortens the journal once either has grown enough.
    fn rewrite_if_grown(&self, tape: &mut Tape) -> Result<(), JournalError> {
        let Some(journal) = &mut tape.journal else { return Ok(()) };
        let grown = limits::JOURNAL_REWRITE_BYTES.max(tape.rewritten_bytes.saturating_mul(2));
        if self.read().kept_blocks() <= tape.kept_blocks.saturating_mul(2) && journal.length() <= grown {
            return Ok(());
        }
        self.state.write().unwrap_or_else(PoisonError::into_inner).prune(tape.kept_blocks);
        let entries = self.read().entries();
        let records: Vec<_> = entries.chunks(REWRITE_RECORD_ENTRIES).map(entry::encode).collect();
        journal.replace(&records)?;
        tape.rewritten_bytes = journal.length();
        Ok(())
    }
}

fn replay(likeness: Likeness, mut entries: impl Iterator<Item = Entry>) -> Result<State, ChainError> {
    let Some(Entry::Base(base)) = entries.next() else { return Err(ChainError::Nonsense) };
    let mut state = State::new(base).like(likeness);
    for entry in entries {
        state.apply(entry)?;
    }
    if state.kept_blocks() == 0 { Err(ChainError::Nonsense) } else { Ok(state) }
}

/// Packs what waits (serial number and gas, in order) into so many blocks.
fn packed(waiting: &[(u64, u64)], blocks: u64, timestamp: u64, branch: u32) -> Vec<Entry> {
    let mut waiting = waiting.iter().copied().peekable();
    let mut entries = Vec::new();
    for _ in 0..blocks {
        let mut serials = Vec::new();
        let mut room = GAS_LIMIT;
        while let Some((serial, gas)) = waiting.next_if(|(_, gas)| *gas <= room) {
            room -= gas;
            serials.push(serial);
        }
        entries.push(Entry::Mine { timestamp, branch, serials });
    }
    entries
}

fn planned_reorg(state: &State, reorg: &Reorg, now_seconds: u64) -> Result<Vec<Entry>, ChainError> {
    let deepest = if reorg.break_finality { limits::REORG_BLOCKS } else { state.finality_depth() };
    let most = deepest.min(state.kept_blocks() as u64 - 1);
    if !(1..=most).contains(&reorg.depth) {
        return Err(ChainError::Depth { most });
    }
    if reorg.drop.len() > limits::REORG_DROPPED_TRANSACTIONS {
        return Err(ChainError::DropCount);
    }
    let fork = state.head() + 1 - reorg.depth;
    for hash in &reorg.drop {
        let replaced = state.position_of(hash).is_some_and(|position| position.number >= fork);
        if !replaced && state.pending(hash).is_none() {
            return Err(ChainError::DropUnknown(*hash));
        }
    }
    let mut waiting = Vec::new();
    let orphans = (fork..=state.head()).filter_map(|number| state.block(number));
    for transaction in orphans.flat_map(|block| &block.body().transactions).chain(state.pool()) {
        if !reorg.drop.contains(&transaction.hash) {
            waiting.push((transaction.serial, transaction.gas_used()));
        }
    }
    let ancestor = state.block(fork - 1).map_or(0, |block| block.timestamp);
    let mut entries = vec![Entry::Unwind { depth: reorg.depth, drop: reorg.drop.clone() }];
    entries.append(&mut packed(&waiting, reorg.depth, ancestor.max(now_seconds), state.branches() + 1));
    Ok(entries)
}

#[cfg(test)]
mod tests;
