//! The pure watcher of one chain (03 b.1, b.2): `step(state, input) -> (state, effects)`.
//!
//! Headers come first and are accepted only where they link to what we have by parent hash; logs are asked for by block hash,
//! and only of linked blocks. Answers may come late, twice, in any order or as errors, and blocks may vanish between two
//! questions: every block of the canonical chain is handed on exactly once, in order, whatever happens. A fork below what was
//! recorded as finalized halts the chain.
//!
//! After each error nothing new is asked until the next poll, so a broken node costs one question per poll.

use super::{BlockHash, ChainError, Header, Transfer};
use crate::limits::{
    BLOCK_SKEW_MAX_SECONDS, CHAIN_IN_FLIGHT_MAX_REQUESTS, CHAIN_LOOKAHEAD_MAX_BLOCKS, CHAIN_START_DEPTH_BLOCKS,
    CHAIN_WINDOW_MAX_BLOCKS,
};
use crate::planted::{self, Bug};
use crate::time::Timestamp;
use core::fmt;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// What the shell brings.
#[derive(Debug, Clone)]
pub enum Input {
    /// What a poll saw (`None`: that tag gave no answer). Also wakes everything that waits after an error.
    Head { latest: Option<Header>, finalized: Option<Header>, now: Timestamp },
    /// The answer to [`Effect::FetchHeader`].
    Header { asked: BlockHash, answer: Result<Option<Header>, ChainError> },
    /// The answer to [`Effect::FetchHeaderAt`].
    HeaderAt { asked: u64, answer: Result<Option<Header>, ChainError> },
    /// The answer to [`Effect::FetchTransfers`].
    Transfers { block: BlockHash, answer: Result<Vec<Transfer>, ChainError> },
}

/// What the shell is to do. Each question must be answered by one input at least, be it an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    FetchHeader(BlockHash),
    FetchHeaderAt(u64),
    FetchTransfers(BlockHash),
    /// The canonical chain moved: to be committed as it is, before the next input. If that fails for good, resume from what is
    /// stored. Also given where only `finalized` moved.
    Advance(Advance),
    /// This chain stops until an operator has decided; no input changes that.
    Halt(Halt),
    /// No question is open: nothing to do until the next poll.
    Wait,
}

/// One move of the canonical chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Blocks that became canonical, oldest first, each with its transfers in log order.
    pub added: Vec<(Header, Vec<Transfer>)>,
    /// Blocks that left the canonical chain, newest first.
    pub orphaned: Vec<Header>,
    /// The tip after it.
    pub tip: Header,
    /// The highest number that is known to be finalized on this chain.
    pub finalized: u64,
}

/// Why a chain was halted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The node shows a branch that leaves ours below the block that we recorded as finalized.
    ForkBelowFinality { finalized: u64, theirs: Header },
    /// The node's finalized block is not the one that we hold as finalized.
    FinalityContradicted { number: u64, ours: BlockHash, theirs: BlockHash },
    /// The branch leaves ours below all that we remember.
    ForkBelowWindow { oldest: u64, theirs: Header },
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForkBelowFinality { finalized, theirs } => {
                write!(
                    f,
                    "the node's chain has another block {} below finality ({finalized}): {}",
                    theirs.number, theirs.hash
                )
            }
            Self::FinalityContradicted { number, ours, theirs } => {
                write!(f, "block {number} is finalized here as {ours}, at the node as {theirs}")
            }
            Self::ForkBelowWindow { oldest, theirs } => {
                write!(
                    f,
                    "the node's chain leaves ours below block {oldest}, the oldest that is remembered: {}",
                    theirs.hash
                )
            }
        }
    }
}

/// A block on its way to become canonical.
#[derive(Debug, Clone)]
struct Candidate {
    header: Header,
    transfers: Option<Vec<Transfer>>,
}

/// The state of one chain's watcher.
#[derive(Debug, Clone, Default)]
pub struct Watcher {
    /// The canonical chain as handed on, oldest first, gapless.
    canon: VecDeque<Header>,
    finalized: u64,
    /// The node's finalized block, until our chain has reached it.
    finalized_seen: Option<Header>,
    /// The newest head that a poll saw.
    head: Option<Header>,
    now: Timestamp,
    /// Linked among themselves, oldest first; the oldest one may not have met our chain yet.
    branch: VecDeque<Candidate>,
    /// Headers by number that came before their turn.
    gathered: BTreeMap<u64, Header>,
    asked_headers: HashSet<BlockHash>,
    asked_numbers: BTreeSet<u64>,
    asked_transfers: HashSet<BlockHash>,
    /// An answer was no use: ask nothing before the next poll.
    paused: bool,
    /// The block of this number is ahead of our time: go no higher before the next poll.
    too_early: Option<u64>,
    halted: bool,
}

impl Watcher {
    /// Goes on from the stored cursor: recent canonical headers, newest first (the tip is the first one; they should reach down
    /// to the finalized block), and the recorded finalized number. Without headers the chain begins at the node's finalized
    /// block.
    pub fn resume(newest_first: &[Header], finalized: u64, halted: bool) -> Self {
        let mut canon: VecDeque<Header> = VecDeque::new();
        for header in newest_first.iter().take(CHAIN_WINDOW_MAX_BLOCKS) {
            if canon.front().is_some_and(|newer| !links(header, newer)) {
                break;
            }
            canon.push_front(*header);
        }
        Self { canon, finalized, halted, ..Self::default() }
    }

    /// The last block that was handed on.
    pub fn tip(&self) -> Option<Header> {
        self.canon.back().copied()
    }

    pub const fn finalized(&self) -> u64 {
        self.finalized
    }

    /// How many blocks the newest seen head is ahead of what was handed on.
    pub fn lag_blocks(&self) -> u64 {
        let head = self.head.map_or(0, |h| h.number);
        head.saturating_sub(self.tip().map_or(head, |t| t.number))
    }

    /// One input, and what is to be done now.
    #[must_use]
    pub fn step(mut self, input: Input) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        if self.halted {
            return (self, effects);
        }
        match input {
            Input::Head { latest, finalized, now } => {
                self.paused = false;
                self.too_early = None;
                self.now = now;
                self.head = latest.or(self.head);
                self.finalized_seen = finalized.or(self.finalized_seen);
                self.follow_head();
            }
            Input::Header { asked, answer } => self.take_parent(asked, answer),
            Input::HeaderAt { asked, answer } => self.take_number(asked, answer),
            Input::Transfers { block, answer } => self.take_transfers(block, answer),
        }
        match self.drive(&mut effects) {
            Ok(()) if self.in_flight() == 0 => effects.push(Effect::Wait),
            Ok(()) => {}
            Err(halt) => {
                self.halted = true;
                effects.push(Effect::Halt(halt));
            }
        }
        (self, effects)
    }

    fn in_flight(&self) -> usize {
        self.asked_headers.len() + self.asked_numbers.len() + self.asked_transfers.len()
    }

    /// Starts over from the next poll: what was gathered may be of a branch that is gone.
    fn forget_branch(&mut self) {
        self.branch.clear();
        self.gathered.clear();
        self.paused = true;
    }

    fn take_parent(&mut self, asked: BlockHash, answer: Result<Option<Header>, ChainError>) {
        self.asked_headers.remove(&asked);
        let wanted = self.branch.front().is_some_and(|c| c.header.parent == asked) && !self.is_linked();
        match answer {
            _ if !wanted => {}
            Ok(Some(parent))
                if parent.hash == asked && self.branch.front().is_some_and(|c| links(&parent, &c.header)) =>
            {
                self.branch.push_front(Candidate { header: parent, transfers: None });
            }
            Ok(_) | Err(ChainError::UnknownBlock) => self.forget_branch(),
            Err(_) => self.paused = true,
        }
    }

    fn take_number(&mut self, asked: u64, answer: Result<Option<Header>, ChainError>) {
        self.asked_numbers.remove(&asked);
        match answer {
            Ok(Some(header)) if header.number == asked => {
                if self.top().is_none_or(|top| top.number < asked) {
                    self.gathered.insert(asked, header);
                }
            }
            Ok(_) | Err(_) => self.paused = true,
        }
    }

    fn take_transfers(&mut self, block: BlockHash, answer: Result<Vec<Transfer>, ChainError>) {
        self.asked_transfers.remove(&block);
        let Some(candidate) = self.branch.iter_mut().find(|c| c.header.hash == block) else { return };
        match answer {
            Ok(mut transfers) if transfers.iter().all(|t| t.block == block) => {
                transfers.sort_by_key(|t| t.block_log_index);
                candidate.transfers.get_or_insert(transfers);
            }
            Err(ChainError::UnknownBlock) => self.forget_branch(),
            Err(_) if planted::is(Bug::ErrorIsEmptyBlock) => candidate.transfers = Some(Vec::new()),
            Ok(_) | Err(_) => self.paused = true,
        }
    }

    /// The newest block that we hold, handed on or not.
    fn top(&self) -> Option<Header> {
        self.branch.back().map(|c| c.header).or_else(|| self.tip())
    }

    /// How many blocks of our chain stay below the branch; `None` while the branch has not met it.
    fn ancestor(&self) -> Option<usize> {
        let Some(oldest) = self.branch.front() else { return Some(self.canon.len()) };
        if self.canon.is_empty() {
            return Some(0);
        }
        let at = self.position(oldest.header.number.checked_sub(1)?)?;
        let parent = self.canon.get(at)?.hash == oldest.header.parent;
        (parent || planted::is(Bug::HeadWithoutParents)).then_some(at + 1)
    }

    fn is_linked(&self) -> bool {
        self.ancestor().is_some()
    }

    fn position(&self, number: u64) -> Option<usize> {
        let at = usize::try_from(number.checked_sub(self.canon.front()?.number)?).ok()?;
        (at < self.canon.len()).then_some(at)
    }

    fn ours_at(&self, number: u64) -> Option<Header> {
        self.canon.get(self.position(number)?).copied()
    }

    fn holds(&self, header: &Header) -> bool {
        self.ours_at(header.number).is_some_and(|ours| ours.hash == header.hash)
            || self.branch.iter().any(|c| c.header.hash == header.hash)
    }

    /// Older than all that we remember: its node lags or still syncs, which says nothing about our chain.
    fn is_before_memory(&self, header: &Header) -> bool {
        self.canon.front().is_some_and(|oldest| header.number < oldest.number)
    }

    /// A header whose time is too far ahead of ours waits.
    fn is_ahead_of_time(&self, header: &Header) -> bool {
        let now = u64::try_from(self.now.seconds()).unwrap_or(0);
        header.time_seconds > now.saturating_add(BLOCK_SKEW_MAX_SECONDS)
    }

    /// Everything that can be done now.
    fn drive(&mut self, effects: &mut Vec<Effect>) -> Result<(), Halt> {
        self.check_finality()?;
        self.link_gathered();
        self.check_branch()?;
        self.hand_on(effects);
        if self.paused {
            return Ok(());
        }
        if self.is_linked() {
            self.ask_upwards(effects);
            self.ask_transfers(effects);
        } else {
            self.ask_parent(effects);
        }
        Ok(())
    }

    /// What we hold as finalized is what the node holds as finalized.
    fn check_finality(&self) -> Result<(), Halt> {
        let Some(theirs) = self.finalized_seen.filter(|h| h.number <= self.finalized) else { return Ok(()) };
        match self.ours_at(theirs.number) {
            Some(ours) if ours.hash != theirs.hash => {
                Err(Halt::FinalityContradicted { number: ours.number, ours: ours.hash, theirs: theirs.hash })
            }
            _ => Ok(()),
        }
    }

    /// A head that we don't hold: on top of ours, or the tip of another branch.
    fn follow_head(&mut self) {
        let news = |h: &Header| !self.is_ahead_of_time(h) && !self.holds(h) && !self.is_before_memory(h);
        let Some(head) = self.head.filter(news) else { return };
        match self.top() {
            Some(top) if planted::is(Bug::GapAfterDowntime) && head.number > top.number.saturating_add(12) => {
                self.canon.clear();
                self.start_branch(head);
            }
            Some(top) if links(&top, &head) => self.branch.push_back(Candidate { header: head, transfers: None }),
            // Another branch, even a shorter one: the node's word is what is canonical. Only a poll's word, for an older head
            // may be of a branch that is gone by now.
            Some(top) if head.number <= top.number.saturating_add(1) => self.start_branch(head),
            // Above: the headers between come by number. A chain that was never watched begins by number too.
            _ => {}
        }
    }

    /// Goes on from a header that doesn't link to our top.
    fn start_branch(&mut self, header: Header) {
        self.gathered.clear();
        let parent = self.branch.iter().position(|c| links(&c.header, &header));
        self.branch.truncate(parent.map_or(0, |at| at + 1));
        self.branch.push_back(Candidate { header, transfers: None });
    }

    /// Puts the gathered headers on top, as far as they go.
    fn link_gathered(&mut self) {
        while self.is_linked() {
            let next = self.top().map(|top| top.number.saturating_add(1));
            let Some(number) = next.or_else(|| self.gathered.keys().next().copied()) else { return };
            self.gathered = self.gathered.split_off(&number);
            let Some(header) = self.gathered.get(&number).copied() else { return };
            if self.is_ahead_of_time(&header) {
                self.gathered.clear();
                self.too_early = Some(number);
                return;
            }
            self.gathered.remove(&number);
            match self.top() {
                Some(top) if !links(&top, &header) => self.start_branch(header),
                _ => self.branch.push_back(Candidate { header, transfers: None }),
            }
        }
    }

    /// The branch may not leave our chain below what is final, or below what we remember.
    fn check_branch(&self) -> Result<(), Halt> {
        let (Some(oldest), Some(first)) = (self.branch.front().map(|c| c.header), self.canon.front()) else {
            return Ok(());
        };
        if oldest.number <= self.finalized {
            return Err(Halt::ForkBelowFinality { finalized: self.finalized, theirs: oldest });
        }
        if !self.is_linked() && oldest.number <= first.number {
            return Err(Halt::ForkBelowWindow { oldest: first.number, theirs: oldest });
        }
        Ok(())
    }

    /// Hands on the blocks that are complete, oldest first, and what became final.
    fn hand_on(&mut self, effects: &mut Vec<Effect>) {
        let Some(kept) = self.ancestor() else { return };
        let ready = self.branch.iter().take_while(|c| c.transfers.is_some()).count();
        let leaving = self.canon.len().saturating_sub(kept);
        let reached = self.branch.back().is_some_and(|c| self.head.is_none_or(|h| c.header.number >= h.number));
        // A branch replaces ours when it is longer, or when there is no more of it.
        let replaces = leaving == 0 || ready > leaving || (ready == self.branch.len() && reached);
        let ready = if replaces { ready } else { 0 };
        let mut orphaned: Vec<Header> = Vec::new();
        if ready > 0 {
            orphaned.extend(self.canon.drain(kept..).rev());
        }
        let added: Vec<(Header, Vec<Transfer>)> =
            self.branch.drain(..ready).map(|c| (c.header, c.transfers.unwrap_or_default())).collect();
        self.canon.extend(added.iter().map(|(header, _)| *header));
        let moved = self.reach_finalized();
        let excess = self.canon.len().saturating_sub(CHAIN_WINDOW_MAX_BLOCKS);
        self.canon.drain(..excess);
        if let Some(tip) = self.tip().filter(|_| moved || !added.is_empty()) {
            effects.push(Effect::Advance(Advance { added, orphaned, tip, finalized: self.finalized }));
        }
    }

    /// Records the node's finalized block once it is on our chain.
    fn reach_finalized(&mut self) -> bool {
        let Some(seen) = self.finalized_seen.filter(|h| h.number > self.finalized) else { return false };
        let same = |ours: Header| ours.hash == seen.hash || planted::is(Bug::FinalityByNumber);
        let ours = self.ours_at(seen.number).is_some_and(same);
        if ours {
            self.finalized = seen.number;
        }
        ours
    }

    fn may_ask(&self) -> bool {
        self.in_flight() < CHAIN_IN_FLIGHT_MAX_REQUESTS
    }

    fn ask_parent(&mut self, effects: &mut Vec<Effect>) {
        let Some(parent) = self.branch.front().map(|c| c.header.parent) else { return };
        if self.may_ask() && self.asked_headers.insert(parent) {
            effects.push(Effect::FetchHeader(parent));
        }
    }

    /// Asks for the headers between our top and the head, by number.
    fn ask_upwards(&mut self, effects: &mut Vec<Effect>) {
        let Some(head) = self.head else { return };
        let first = match (self.top(), self.finalized_seen) {
            (Some(top), _) => top.number.saturating_add(1),
            (None, Some(finalized)) => finalized.number.min(head.number),
            (None, None) => head.number.saturating_sub(CHAIN_START_DEPTH_BLOCKS),
        };
        // A chain that was never watched begins with one header.
        // A branch that replaces ours must outgrow it first, however deep it begins.
        let leaving = self.canon.len().saturating_sub(self.ancestor().unwrap_or(0));
        let room = CHAIN_LOOKAHEAD_MAX_BLOCKS.saturating_add(leaving).saturating_sub(self.branch.len());
        let room = if self.top().is_none() { 1 } else { u64::try_from(room).unwrap_or(0) };
        let end = head.number.min(first.saturating_add(room).saturating_sub(1));
        let early = self.is_ahead_of_time(&head).then_some(head.number);
        let end = [early, self.too_early].into_iter().flatten().fold(end, |end, n| end.min(n.saturating_sub(1)));
        self.ask_numbers(first, end, effects);
    }

    fn ask_numbers(&mut self, first: u64, last: u64, effects: &mut Vec<Effect>) {
        for number in first..=last {
            if !self.may_ask() {
                return;
            }
            if !self.gathered.contains_key(&number) && self.asked_numbers.insert(number) {
                effects.push(Effect::FetchHeaderAt(number));
            }
        }
    }

    fn ask_transfers(&mut self, effects: &mut Vec<Effect>) {
        let missing: Vec<BlockHash> =
            self.branch.iter().filter(|c| c.transfers.is_none()).map(|c| c.header.hash).collect();
        for block in missing {
            if !self.may_ask() {
                return;
            }
            if self.asked_transfers.insert(block) {
                effects.push(Effect::FetchTransfers(block));
            }
        }
    }
}

/// True where `child` is built on `parent`.
fn links(parent: &Header, child: &Header) -> bool {
    (child.parent == parent.hash || planted::is(Bug::HeadWithoutParents))
        && child.number.checked_sub(1) == Some(parent.number)
}
