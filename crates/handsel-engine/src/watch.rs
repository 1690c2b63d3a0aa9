//! One loop per network: it carries questions and answers between the pure watcher and the chain's node, and commits every move of
//! the chain before the next one. A network that fails backs off by itself; the others don't notice. After anything that was not
//! committed it goes on from what is stored.

use crate::Engine;
use crate::pulse::{NetworkPulse, TokenCheck};
use crate::watch_book::WatchBook;
use crate::watch_commit::{Lost, Place};
use handsel_core::chain::watcher::{Advance, Effect, Input, Watcher};
use handsel_core::chain::{BlockHash, ChainError, HeadTag, Network, SourceNotice, Token};
use handsel_core::change::{Change, Write};
use handsel_core::limits;
use handsel_core::port::ChainSource;
use handsel_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Pauses after failures: the first, and the longest.
const BACKOFF: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// How often a halted network's cursor is looked at.
const HALTED_LOOK_AGAIN: Duration = Duration::from_secs(10);
/// Polls come twice per block, within these bounds.
const POLL_MIN_MS: u64 = 250;
const POLL_MAX_MS: u64 = 4_000;
/// Blocks that are committed together while catching up.
const BLOCKS_PER_CHANGE: usize = 256;

/// Why a network's watching ended for now.
#[derive(Debug)]
enum End {
    /// The server stops.
    Stopped,
    /// Go on from what is stored after a pause. `disagreed`: its nodes contradict each other.
    Failed { why: String, disagreed: bool },
    /// Not before an operator has named a block to go on from.
    Halted,
}

/// One network with what its loop works on.
#[derive(Debug)]
struct Loop {
    engine: Engine,
    network: Network,
    source: Arc<dyn ChainSource>,
    book: Arc<WatchBook>,
    pulse: Arc<NetworkPulse>,
    /// When its tokens were checked last.
    checked_at: Option<Timestamp>,
    stop: watch::Receiver<bool>,
}

/// The watcher's state between two commits.
#[derive(Debug)]
struct Progress {
    watcher: Watcher,
    /// The stored cursor's block.
    committed: Option<BlockHash>,
    /// A move that is decided but not committed yet.
    pending: Option<Advance>,
    /// What failed in this round.
    error: Option<ChainError>,
}

pub(crate) async fn run(
    engine: Engine,
    network: Network,
    source: Arc<dyn ChainSource>,
    book: Arc<WatchBook>,
    stop: watch::Receiver<bool>,
) {
    let pulse = engine.inner.pulse.watched(&network.name);
    let mut this = Loop { engine, network, source, book, pulse, checked_at: None, stop };
    this.recall_tokens().await;
    let mut pause = BACKOFF;
    loop {
        let before = this.pulse.ended();
        match this.watch().await {
            End::Stopped => return,
            End::Halted => {
                if this.until_resumed().await {
                    return;
                }
                pause = BACKOFF;
                continue;
            }
            End::Failed { why, disagreed } => {
                tracing::warn!(network = this.network.name, why, "this network's watcher tries again");
                this.pulse.checked();
                this.pulse.failed(why, disagreed, this.engine.now());
            }
        }
        // A round that ended since then was a success: the pauses begin anew.
        pause = if this.pulse.ended() > before { BACKOFF } else { pause };
        if this.pause(pause).await {
            return;
        }
        pause = BACKOFF_MAX.min(pause * 2);
    }
}

impl Loop {
    /// Watches until something fails.
    async fn watch(&mut self) -> End {
        if let Err(end) = self.check_node().await {
            return end;
        }
        let mut progress = match self.resume().await {
            Ok(progress) => progress,
            Err(end) => return end,
        };
        loop {
            if self.tokens_are_due()
                && let Err(end) = self.check_tokens().await
            {
                return end;
            }
            let ended = self.round(&mut progress).await;
            self.take_notices().await;
            if let Err(end) = ended {
                return end;
            }
            if self.wait().await {
                return End::Stopped;
            }
        }
    }

    fn tokens_are_due(&self) -> bool {
        let every = Duration::from_secs(limits::TOKEN_CHECK_EVERY_SECONDS);
        self.checked_at.is_none_or(|at| self.engine.now() >= at.plus(every))
    }

    /// The node is of the chain that is configured, and its tokens have the decimals that are configured: else nothing is credited.
    async fn check_node(&mut self) -> Result<(), End> {
        let stated = self.source.chain_id().await.map_err(failed)?;
        if stated != self.network.chain_id {
            let configured = self.network.chain_id;
            tracing::error!(
                network = self.network.name,
                stated,
                configured,
                "the node is of another chain: mend rpc_urls"
            );
            return Err(broke(format!("the node states chain id {stated}, configured is {configured}")));
        }
        self.check_tokens().await
    }

    /// Compares every token with its contract. One that contradicts its configuration is neither offered nor counted until a check
    /// says otherwise; one whose node can't say it now keeps the standing that it had.
    async fn check_tokens(&mut self) -> Result<(), End> {
        let (name, chain_id) = (self.network.name.clone(), self.network.chain_id);
        let mut change = Change::default();
        for token in &self.network.tokens {
            let stated = self.source.token_decimals(token.contract).await.map_err(failed)?;
            let agrees = stated == Some(token.decimals);
            if !agrees {
                let (asset, configured) = (&token.asset, token.decimals);
                let text = "the token's decimals are not as configured: it is neither offered nor credited";
                tracing::error!(network = name, asset, configured, ?stated, text);
            }
            self.token_is(token, agrees);
            let network = name.clone();
            let note = |decimals| Write::NoteDecimals {
                network,
                chain_id,
                token: token.contract,
                decimals,
                at: self.engine.now(),
            };
            change.writes.extend(stated.map(note));
        }
        if !change.writes.is_empty() {
            self.engine.commit(change).await.map_err(broke)?;
        }
        self.pulse.checked();
        self.checked_at = Some(self.engine.now());
        Ok(())
    }

    fn token_is(&self, token: &Token, agrees: bool) {
        let check = if agrees { TokenCheck::Agrees } else { TokenCheck::Contradicts };
        self.engine.inner.pulse.token_is(&self.network.name, &token.asset, check);
        self.book.trust(&self.network.name, token.contract, agrees);
    }

    /// What the tokens said before this start: a node that is down then takes no asset out of service.
    async fn recall_tokens(&self) {
        let noted = self.engine.inner.reader.noted_decimals(&self.network.name, self.network.chain_id).await;
        let noted = noted.unwrap_or_else(|error| {
            tracing::warn!(network = self.network.name, %error, "what tokens said before was not read");
            Vec::new()
        });
        for token in &self.network.tokens {
            if let Some((_, decimals)) = noted.iter().find(|(contract, _)| *contract == token.contract) {
                self.token_is(token, *decimals == token.decimals);
            }
        }
    }

    /// The watcher as of the stored cursor.
    async fn resume(&self) -> Result<Progress, End> {
        let reader = &self.engine.inner.reader;
        let cursor = reader.cursor(&self.network.name).await.map_err(broke)?;
        let window = u32::try_from(limits::CHAIN_WINDOW_MAX_BLOCKS).unwrap_or(u32::MAX);
        let headers = reader.recent_headers(&self.network.name, window).await;
        let headers = headers.map_err(broke)?;
        let (finalized, halted) = cursor.as_ref().map_or((0, false), |cursor| (cursor.finalized, cursor.halted));
        if halted {
            tracing::error!(
                network = self.network.name,
                "this network was halted before: look at its nodes, then `handsel networks resume`"
            );
            self.pulse.halted("halted before this start".to_owned());
            return Err(End::Halted);
        }
        let committed = cursor.map(|cursor| cursor.tip.hash);
        Ok(Progress { watcher: Watcher::resume(&headers, finalized, false), committed, pending: None, error: None })
    }

    /// Asks the node for its head and follows it until there is nothing more to ask.
    async fn round(&mut self, progress: &mut Progress) -> Result<(), End> {
        let round = self.pulse.begin();
        let latest = self.source.head(HeadTag::Latest).await.map_err(failed)?;
        // A node without that tag still shows blocks; what needs finality waits.
        let finalized = self.source.head(HeadTag::Finalized).await.unwrap_or(None);
        progress.error = None;
        let mut asked: JoinSet<Input> = JoinSet::new();
        let input = Input::Head { latest, finalized, now: self.engine.now() };
        self.feed(progress, input, &mut asked).await?;
        loop {
            while let Some(answer) = asked.try_join_next() {
                let input = answer.map_err(broke)?;
                self.feed(progress, input, &mut asked).await?;
            }
            self.commit_pending(progress).await?;
            let answer = tokio::select! {
                answer = asked.join_next() => answer,
                _ = self.stop.wait_for(|stop| *stop) => return Err(End::Stopped),
            };
            let Some(answer) = answer else { break };
            let input = answer.map_err(broke)?;
            self.feed(progress, input, &mut asked).await?;
        }
        if let Some(error) = progress.error.take() {
            return Err(failed(error));
        }
        let behind = latest.zip(finalized).map(|(latest, finalized)| latest.number.saturating_sub(finalized.number));
        self.pulse.answered(behind.unwrap_or(0));
        let (tip, latest) = (progress.watcher.tip(), latest.map(|header| header.hash));
        if let Some(tip) = tip.filter(|tip| Some(tip.hash) == latest || progress.watcher.lag_blocks() == 0) {
            self.pulse.end(round, tip.number);
        }
        Ok(())
    }

    /// One step of the watcher, and what it asks for.
    async fn feed(&self, progress: &mut Progress, input: Input, asked: &mut JoinSet<Input>) -> Result<(), End> {
        if let Some(error) = failure(&input) {
            progress.error = Some(error.clone());
        }
        let (watcher, effects) = std::mem::take(&mut progress.watcher).step(input);
        progress.watcher = watcher;
        for effect in effects {
            match effect {
                Effect::FetchHeader(hash) => {
                    let source = Arc::clone(&self.source);
                    asked.spawn(async move { Input::Header { asked: hash, answer: source.header(hash).await } });
                }
                Effect::FetchHeaderAt(number) => {
                    let source = Arc::clone(&self.source);
                    asked.spawn(
                        async move { Input::HeaderAt { asked: number, answer: source.header_at(number).await } },
                    );
                }
                Effect::FetchTransfers(block) => {
                    let source = Arc::clone(&self.source);
                    asked.spawn(async move { Input::Transfers { block, answer: source.transfers(block).await } });
                }
                Effect::Advance(advance) => self.take_advance(progress, advance).await?,
                Effect::Halt(halt) => {
                    self.commit_pending(progress).await?;
                    return Err(self.halt(progress, halt.to_string()).await);
                }
                Effect::Wait => {}
            }
        }
        Ok(())
    }

    /// What its source has to tell of its nodes: a ban is an operator's matter, and its accounts should know.
    async fn take_notices(&self) {
        for notice in self.source.notices() {
            let network = &self.network.name;
            match notice {
                SourceNotice::Disproved { node, what } => {
                    tracing::warn!(network, node, %what, "a node answered what the chain disproves");
                }
                SourceNotice::Banned { node, ban } => {
                    tracing::error!(network, node, ?ban, "a node is not asked again before a restart: mend rpc_urls");
                    self.pulse.banned(self.engine.now());
                    self.engine.note_ban(network, &node).await;
                }
                // Finality stalls from here on, which its accounts are told.
                SourceNotice::Changed { block } => {
                    let text = "a final block holds other transfers than were read of it before: nothing from it on counts as final; \
                                look at its block, and mend rpc_urls";
                    tracing::error!(network, %block, text);
                }
            }
        }
    }

    /// Gathers moves that only add blocks, up to a bound; a move that takes blocks back begins a Change of its own.
    async fn take_advance(&self, progress: &mut Progress, advance: Advance) -> Result<(), End> {
        let joins = |pending: &Advance| {
            advance.orphaned.is_empty() && pending.added.len() + advance.added.len() <= BLOCKS_PER_CHANGE
        };
        if !progress.pending.as_ref().is_none_or(joins) {
            self.commit_pending(progress).await?;
        }
        match &mut progress.pending {
            Some(pending) => {
                pending.added.extend(advance.added);
                (pending.tip, pending.finalized) = (advance.tip, advance.finalized);
            }
            empty => *empty = Some(advance),
        }
        Ok(())
    }

    async fn commit_pending(&self, progress: &mut Progress) -> Result<(), End> {
        let Some(advance) = progress.pending.take() else { return Ok(()) };
        let place = Place { network: &self.network, book: &self.book, committed: progress.committed };
        match self.engine.commit_advance(place, &advance).await {
            Ok(()) => {
                progress.committed = Some(advance.tip.hash);
                self.pulse.reached(advance.tip.number);
                Ok(())
            }
            Err(Lost::Moved) => Err(broke("the stored cursor was moved by somebody else")),
            Err(Lost::Store(refusal)) => Err(broke(refusal.detail)),
            Err(Lost::Halt(why)) => Err(self.halt(progress, why).await),
        }
    }

    /// Stops this chain in the store, so that a restart finds it stopped too.
    async fn halt(&self, progress: &Progress, why: String) -> End {
        let reader = &self.engine.inner.reader;
        let stored = reader.cursor(&self.network.name).await.ok().flatten();
        let place = Place { network: &self.network, book: &self.book, committed: progress.committed };
        let finalized = stored.as_ref().map_or(0, |cursor| cursor.finalized);
        self.engine.commit_halt(place, stored.map(|cursor| cursor.tip), finalized, &why).await;
        self.pulse.halted(why);
        End::Halted
    }

    /// Until the halted network may go on; true where the server stops.
    async fn until_resumed(&mut self) -> bool {
        loop {
            let ask = tokio::select! {
                ask = self.pulse.resume_asked() => ask,
                // Another process on the same database may have been told.
                () = tokio::time::sleep(HALTED_LOOK_AGAIN) => None,
                _ = self.stop.wait_for(|stop| *stop) => return true,
            };
            if let Some(ask) = ask {
                let done = self.engine.go_on_from(&self.network, &self.book, &*self.source, ask.from).await;
                if let Err(refusal) = &done {
                    tracing::warn!(network = self.network.name, detail = %refusal.detail, "the network stays halted");
                }
                // Whoever asked may have gone; what is done is done.
                let _ = ask.answer.send(done);
            }
            let cursor = self.engine.inner.reader.cursor(&self.network.name).await;
            if matches!(cursor, Ok(Some(cursor)) if !cursor.halted) {
                self.pulse.resumed();
                return false;
            }
        }
    }

    /// Until the next poll; true where the server stops.
    async fn wait(&mut self) -> bool {
        let every = Duration::from_millis((self.network.block_time_ms / 2).clamp(POLL_MIN_MS, POLL_MAX_MS));
        tokio::select! {
            () = self.source.wait_for_hint(every) => false,
            () = self.pulse.poked() => false,
            _ = self.stop.wait_for(|stop| *stop) => true,
        }
    }

    /// After a failure; true where the server stops.
    async fn pause(&mut self, span: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(span) => false,
            () = self.pulse.poked() => false,
            _ = self.stop.wait_for(|stop| *stop) => true,
        }
    }
}

/// The node's failure that an answer reports; a block that it doesn't know (any more) is none.
fn failure(input: &Input) -> Option<&ChainError> {
    let error = match input {
        Input::Head { .. } => None,
        Input::Header { answer, .. } | Input::HeaderAt { answer, .. } => answer.as_ref().err(),
        Input::Transfers { answer, .. } => answer.as_ref().err(),
    };
    error.filter(|error| **error != ChainError::UnknownBlock)
}

fn failed(error: ChainError) -> End {
    End::Failed { why: error.to_string(), disagreed: error == ChainError::Disagreed }
}

fn broke(why: impl ToString) -> End {
    End::Failed { why: why.to_string(), disagreed: false }
}
