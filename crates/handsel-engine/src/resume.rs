//! The way on for a network that halted: its operator names the block that it goes on from. What we hold beside or above that block is
//! taken back, what the named branch holds is credited, and the block counts as final, so that a node which shows another branch halts
//! the network again. Payments that were final stay as they were told, whatever branch they were on.
//!
//! The server's own watcher does it where one runs, else the verb on the stopped database.

use crate::pulse::Health;
use crate::shell::Deed;
use crate::watch_book::WatchBook;
use crate::watch_commit::{Lost, Place};
use crate::{Code, Engine, Refusal};
use handsel_core::actor::Actor;
use handsel_core::chain::watcher::Advance;
use handsel_core::chain::{BlockHash, Header, Network, Transfer};
use handsel_core::limits;
use handsel_core::port::ChainSource;
use std::time::Duration;
use tokio::sync::oneshot;

/// Where a network goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    pub from: Header,
    /// Blocks of ours that were taken back.
    pub taken_back: usize,
    /// Blocks of the named branch that became ours.
    pub added: usize,
}

/// Where a network stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPlace {
    pub network: String,
    pub chain_id: u64,
    /// `None`: nothing of it was read yet.
    pub tip: Option<Header>,
    pub finalized: u64,
    pub halted: bool,
}

impl Engine {
    /// Every configured network, for the operator.
    pub async fn network_places(&self) -> Result<Vec<NetworkPlace>, Refusal> {
        let mut places = Vec::with_capacity(self.inner.settings.networks.len());
        for network in &self.inner.settings.networks {
            let cursor = self.inner.reader.cursor(&network.name).await?;
            places.push(NetworkPlace {
                network: network.name.clone(),
                chain_id: network.chain_id,
                tip: cursor.as_ref().map(|cursor| cursor.tip),
                finalized: cursor.as_ref().map_or(0, |cursor| cursor.finalized),
                halted: cursor.is_some_and(|cursor| cursor.halted),
            });
        }
        Ok(places)
    }

    /// Lets a halted network go on. `source` is its node where no server runs on this database; in a server its watcher has one.
    pub async fn resume_network(
        &self,
        name: &str,
        from: BlockHash,
        source: Option<&dyn ChainSource>,
    ) -> Result<Resumed, Refusal> {
        let network = self.inner.settings.networks.iter().find(|network| network.name == name);
        let Some(network) = network else { return Err(Refusal::missing("network")) };
        match source {
            Some(source) => {
                let mut seed = [0u8; 8];
                self.inner.entropy.fill(&mut seed);
                let book = WatchBook::new(u64::from_le_bytes(seed));
                for (token, decimals) in self.inner.reader.noted_decimals(name, network.chain_id).await? {
                    let agrees = network.token_at(token).is_none_or(|token| token.decimals == decimals);
                    book.trust(name, token, agrees);
                }
                self.go_on_from(network, &book, source, from).await
            }
            None => self.ask_watcher_to_resume(name, from).await,
        }
    }

    pub(crate) async fn go_on_from(
        &self,
        network: &Network,
        book: &WatchBook,
        source: &dyn ChainSource,
        from: BlockHash,
    ) -> Result<Resumed, Refusal> {
        let reader = &self.inner.reader;
        let cursor = reader.cursor(&network.name).await?.filter(|cursor| cursor.halted);
        let Some(cursor) = cursor else { return Err(conflict(format!("{} is not halted", network.name))) };
        let window = u32::try_from(limits::CHAIN_WINDOW_MAX_BLOCKS).unwrap_or(u32::MAX);
        let ours = reader.recent_headers(&network.name, window).await?;
        let (branch, kept) = branch_to(source, &ours, from).await?;
        let added = with_transfers(source, branch).await?;
        let orphaned: Vec<Header> = ours.iter().copied().take(kept).collect();
        let tip = added.last().map(|(header, _)| *header).or_else(|| ours.get(kept).copied());
        let Some(tip) = tip else { return Err(Refusal::internal()) };
        let resumed = Resumed { from: tip, taken_back: orphaned.len(), added: added.len() };
        let advance = Advance { added, orphaned, tip, finalized: tip.number };
        let place = Place { network, book, committed: Some(cursor.tip.hash) };
        let object = format!("{}/{from}", network.name);
        let deed = Deed {
            actor: Actor::Operator,
            action: "chain.resume",
            object: Some(&object),
            account: None,
            request: None,
            result: "ok",
            detail: Some(&from.0),
        };
        let leaf = self.audit_entry_of(self.now(), deed);
        match self.commit_resumption(place, &advance, leaf).await {
            Ok(()) => Ok(resumed),
            Err(Lost::Store(refusal)) => Err(refusal),
            Err(Lost::Moved) => Err(conflict("somebody else let the network go on at the same time".to_owned())),
            Err(Lost::Halt(why)) => Err(conflict(why)),
        }
    }
}

/// What a halted watcher is asked for.
#[derive(Debug)]
pub(crate) struct ResumeAsk {
    pub(crate) from: BlockHash,
    pub(crate) answer: oneshot::Sender<Result<Resumed, Refusal>>,
}

impl Engine {
    async fn ask_watcher_to_resume(&self, name: &str, from: BlockHash) -> Result<Resumed, Refusal> {
        let halted =
            self.network_health().iter().any(|n| n.network == name && matches!(n.health, Health::Halted { .. }));
        let pulse = self.inner.pulse.of(name).filter(|_| halted);
        let Some(pulse) = pulse else { return Err(conflict(format!("{name} is not halted"))) };
        let (answer, answered) = oneshot::channel();
        if !pulse.ask_to_resume(ResumeAsk { from, answer }) {
            return Err(conflict(format!("{name} is being resumed already")));
        }
        let limit = Duration::from_secs(limits::NETWORK_RESUME_WAIT_SECONDS);
        match tokio::time::timeout(limit, answered).await {
            Ok(Ok(done)) => done,
            _ => Err(Refusal::new(
                Code::DependencyUnavailable,
                "the network's watcher did not answer in time; list shows where it stands",
            )),
        }
    }
}

/// The named branch, oldest first, and how many of our newest blocks are not on it.
async fn branch_to(
    source: &dyn ChainSource,
    ours: &[Header],
    from: BlockHash,
) -> Result<(Vec<Header>, usize), Refusal> {
    let oldest = ours.last().map_or(0, |header| header.number);
    let mut branch: Vec<Header> = Vec::new();
    let mut wanted = from;
    loop {
        if let Some(kept) = ours.iter().position(|header| header.hash == wanted) {
            branch.reverse();
            return Ok((branch, kept));
        }
        let header = source.header(wanted).await.map_err(|error| node(&error))?;
        let header = header.filter(|header| header.hash == wanted);
        let Some(header) = header else {
            return Err(conflict(format!("the network's node knows no block {wanted}")));
        };
        if header.number <= oldest || branch.len() >= limits::CHAIN_WINDOW_MAX_BLOCKS {
            return Err(conflict(format!(
                "the branch leaves ours below block {oldest}, the oldest that is remembered, or is longer than {} blocks: \
                 name an older block of it",
                limits::CHAIN_WINDOW_MAX_BLOCKS
            )));
        }
        branch.push(header);
        wanted = header.parent;
    }
}

async fn with_transfers(
    source: &dyn ChainSource,
    branch: Vec<Header>,
) -> Result<Vec<(Header, Vec<Transfer>)>, Refusal> {
    let mut added = Vec::with_capacity(branch.len());
    for header in branch {
        let mut transfers = source.transfers(header.hash).await.map_err(|error| node(&error))?;
        if transfers.iter().any(|transfer| transfer.block != header.hash) {
            return Err(conflict(format!("the network's node gave transfers of another block than {}", header.hash)));
        }
        transfers.sort_by_key(|transfer| transfer.block_log_index);
        added.push((header, transfers));
    }
    Ok(added)
}

fn node(error: &handsel_core::chain::ChainError) -> Refusal {
    Refusal::new(Code::DependencyUnavailable, error.to_string())
}

pub(crate) fn conflict(detail: String) -> Refusal {
    Refusal::new(Code::StateConflict, detail)
}
