//! What the watchers tell the rest of the engine, in this process: how far each network is, whether detection is delayed, and
//! that a round which began after a given moment has ended. Hints and health only; the cursor in the store is the truth.

use crate::Engine;
use crate::resume::ResumeAsk;
use handsel_core::chain::standing::{Noticed, Reason};
use handsel_core::limits;
use handsel_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// Failures in a row after which detection counts as delayed.
const DELAYED_AFTER_FAILURES: u32 = 3;

/// How one network is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Its watcher has not asked its node yet.
    Starting,
    /// The last round reached the node's head.
    Current,
    /// Several rounds in a row failed: payments are seen later than they should be.
    Delayed { why: String },
    /// Nothing is credited until an operator has looked.
    Halted { why: String },
}

/// For `/readyz`, pages and operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkHealth {
    pub network: String,
    pub tip: Option<u64>,
    pub health: Health,
    /// Why its accounts were told that it is degraded, if it is.
    pub degraded: Option<Reason>,
}

#[derive(Debug)]
struct Standing {
    tip: Option<u64>,
    health: Health,
    failures: u32,
    noticed: Noticed,
}

/// One network's pulse.
#[derive(Debug)]
pub(crate) struct NetworkPulse {
    poke: Notify,
    begun: AtomicU64,
    ended: watch::Sender<u64>,
    /// True once its tokens were checked for the first time, or could not be.
    checked: watch::Sender<bool>,
    /// One operator at a time may let it go on.
    asks: mpsc::Sender<ResumeAsk>,
    asked: tokio::sync::Mutex<mpsc::Receiver<ResumeAsk>>,
    standing: Mutex<Standing>,
}

impl NetworkPulse {
    fn new() -> Self {
        let (asks, asked) = mpsc::channel(1);
        let standing = Standing { tip: None, health: Health::Starting, failures: 0, noticed: Noticed::default() };
        Self {
            poke: Notify::new(),
            begun: AtomicU64::new(0),
            ended: watch::Sender::new(0),
            checked: watch::Sender::new(false),
            asks,
            asked: tokio::sync::Mutex::new(asked),
            standing: Mutex::new(standing),
        }
    }
    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// A round begins: whatever the node shows from now on is its matter.
    pub(crate) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }
    /// The round has reached the head that its node showed.
    pub(crate) fn end(&self, round: u64, tip: u64) {
        {
            let mut standing = self.lock();
            (standing.tip, standing.health, standing.failures) = (Some(tip), Health::Current, 0);
        }
        self.ended.send_replace(round);
    }
    /// The last round that ended well.
    pub(crate) fn ended(&self) -> u64 {
        *self.ended.borrow()
    }
    /// The tip moved within a round.
    pub(crate) fn reached(&self, tip: u64) {
        self.lock().tip = Some(tip);
    }
    /// A round was answered, whether it reached the head or not; so many blocks of it are not final yet.
    pub(crate) fn answered(&self, unfinalized_blocks: u64) {
        let noticed = &mut self.lock().noticed;
        (noticed.answered, noticed.failing_since, noticed.disagreed) = (true, None, false);
        noticed.unfinalized_blocks = unfinalized_blocks;
    }
    /// `disagreed`: its nodes contradict each other.
    pub(crate) fn failed(&self, why: String, disagreed: bool, now: Timestamp) {
        let mut standing = self.lock();
        standing.failures = standing.failures.saturating_add(1);
        standing.noticed.failing_since.get_or_insert(now);
        standing.noticed.disagreed = disagreed;
        if standing.failures >= DELAYED_AFTER_FAILURES {
            standing.health = Health::Delayed { why };
        }
    }
    /// A node of it is not asked again.
    pub(crate) fn banned(&self, now: Timestamp) {
        self.lock().noticed.banned_at = Some(now);
    }
    /// Its tokens were checked, or the try failed: nobody needs to wait for it any more.
    pub(crate) fn checked(&self) {
        self.checked.send_replace(true);
    }
    pub(crate) fn halted(&self, why: String) {
        let mut standing = self.lock();
        (standing.health, standing.noticed.halted) = (Health::Halted { why }, true);
    }
    /// It was halted and goes on.
    pub(crate) fn resumed(&self) {
        let mut standing = self.lock();
        (standing.health, standing.failures) = (Health::Starting, 0);
        (standing.noticed.halted, standing.noticed.answered) = (false, false);
    }
    /// False where somebody else asks already.
    pub(crate) fn ask_to_resume(&self, ask: ResumeAsk) -> bool {
        self.asks.try_send(ask).is_ok()
    }
    /// Ends when an operator wants the halted network to go on.
    pub(crate) async fn resume_asked(&self) -> Option<ResumeAsk> {
        self.asked.lock().await.recv().await
    }
    /// Ends when somebody asked for a round at once.
    pub(crate) async fn poked(&self) {
        self.poke.notified().await;
    }
}

/// What is known of a token's decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenCheck {
    /// Its contract states what is configured.
    Agrees,
    Contradicts,
}

#[derive(Debug, Default)]
pub(crate) struct Pulse {
    networks: Mutex<BTreeMap<String, Arc<NetworkPulse>>>,
    /// Assets, with their networks, whose contracts were asked for their decimals, now or before this start.
    tokens: Mutex<BTreeMap<(String, String), TokenCheck>>,
}

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<NetworkPulse>>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// What an asset's contract said.
    pub(crate) fn token_is(&self, network: &str, asset: &str, check: TokenCheck) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert((network.to_owned(), asset.to_owned()), check);
    }
    fn token(&self, network: &str, asset: &str) -> Option<TokenCheck> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&(network.to_owned(), asset.to_owned())).copied()
    }
    /// The pulse of a network that is watched from now on.
    pub(crate) fn watched(&self, network: &str) -> Arc<NetworkPulse> {
        Arc::clone(self.lock().entry(network.to_owned()).or_insert_with(|| Arc::new(NetworkPulse::new())))
    }
    pub(crate) fn of(&self, network: &str) -> Option<Arc<NetworkPulse>> {
        self.lock().get(network).cloned()
    }
}

/// Why an asset is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withheld {
    Halted,
    Contradicted,
    Unchecked,
}

impl Withheld {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Halted => "the network is halted until its operator has decided",
            Self::Contradicted => "its contract states other decimals than are configured",
            Self::Unchecked => "its contract was never asked for its decimals, for the network's node does not answer",
        }
    }
}

impl Engine {
    /// How each watched network is doing.
    pub fn network_health(&self) -> Vec<NetworkHealth> {
        let now = self.now();
        let networks = self.inner.pulse.lock();
        let health = networks.iter().map(|(network, pulse)| {
            let standing = pulse.lock();
            let degraded = standing.noticed.judge(now);
            NetworkHealth { network: network.clone(), tip: standing.tip, health: standing.health.clone(), degraded }
        });
        health.collect()
    }

    /// What the watchers of all networks noticed.
    pub(crate) fn noticed(&self) -> Vec<(String, Noticed)> {
        let networks = self.inner.pulse.lock();
        networks.iter().map(|(network, pulse)| (network.clone(), pulse.lock().noticed)).collect()
    }

    /// True where a payment on this network is seen later than it should be.
    pub(crate) fn is_detection_delayed(&self, network: &str) -> bool {
        let now = self.now();
        self.inner.pulse.of(network).is_some_and(|pulse| {
            let standing = pulse.lock();
            let degraded = standing.noticed.judge(now).is_some_and(Reason::delays_detection);
            degraded || matches!(standing.health, Health::Delayed { .. } | Health::Halted { .. })
        })
    }

    /// Why an asset must not be offered now, if it must not. A token whose contract contradicts its configuration never serves
    /// (13 section 6, property 13), and so doesn't one of which nobody knows yet: right after a start that is waited for. Where
    /// nobody watches, as in a verb, nothing is known and nothing is credited either.
    pub(crate) async fn withheld(&self, network: &str, asset: &str) -> Option<Withheld> {
        let pulse = self.inner.pulse.of(network)?;
        if matches!(pulse.lock().health, Health::Halted { .. }) {
            return Some(Withheld::Halted);
        }
        if self.inner.pulse.token(network, asset).is_none() {
            let mut checked = pulse.checked.subscribe();
            let limit = Duration::from_millis(limits::TOKEN_CHECK_WAIT_MS);
            // Whatever ends the waiting, what is known then counts.
            let _ = tokio::time::timeout(limit, checked.wait_for(|checked| *checked)).await;
        }
        match self.inner.pulse.token(network, asset) {
            Some(TokenCheck::Agrees) => None,
            Some(TokenCheck::Contradicts) => Some(Withheld::Contradicted),
            None => Some(Withheld::Unchecked),
        }
    }

    /// Waits until the watcher of `network` has seen what its node shows now, at most for `limit`; at once where nobody watches.
    pub(crate) async fn watcher_caught_up(&self, network: &str, limit: Duration) {
        let Some(pulse) = self.inner.pulse.of(network) else { return };
        let wanted = pulse.begun.load(Ordering::SeqCst) + 1;
        let mut ended = pulse.ended.subscribe();
        pulse.poke.notify_one();
        // A hint only: who asked reads the store in any case.
        let _ = tokio::time::timeout(limit, ended.wait_for(|round| *round >= wanted)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn health_needs_several_failures_and_one_success() {
        let pulse = NetworkPulse::new();
        for _ in 1..DELAYED_AFTER_FAILURES {
            pulse.failed("no connection".to_owned(), false, NOW);
        }
        assert_eq!(pulse.lock().health, Health::Starting);
        pulse.failed("no connection".to_owned(), false, NOW);
        assert_eq!(pulse.lock().health, Health::Delayed { why: "no connection".to_owned() });
        let round = pulse.begin();
        pulse.end(round, 7);
        assert_eq!(pulse.lock().health, Health::Current);
        assert_eq!(pulse.lock().tip, Some(7));
    }
}
