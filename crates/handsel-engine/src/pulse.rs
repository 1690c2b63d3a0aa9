//! What the watchers tell the rest of the engine, in this process: how far each network is, whether detection is delayed, and
//! that a round which began after a given moment has ended. Hints and health only; the cursor in the store is the truth.

use crate::Engine;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

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
}

#[derive(Debug)]
struct Standing {
    tip: Option<u64>,
    health: Health,
    failures: u32,
}

/// One network's pulse.
#[derive(Debug)]
pub(crate) struct NetworkPulse {
    poke: Notify,
    begun: AtomicU64,
    ended: watch::Sender<u64>,
    standing: Mutex<Standing>,
}

impl NetworkPulse {
    fn new() -> Self {
        let standing = Standing { tip: None, health: Health::Starting, failures: 0 };
        Self {
            poke: Notify::new(),
            begun: AtomicU64::new(0),
            ended: watch::Sender::new(0),
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
        *self.lock() = Standing { tip: Some(tip), health: Health::Current, failures: 0 };
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
    pub(crate) fn failed(&self, why: String) {
        let mut standing = self.lock();
        standing.failures = standing.failures.saturating_add(1);
        if standing.failures >= DELAYED_AFTER_FAILURES {
            standing.health = Health::Delayed { why };
        }
    }
    pub(crate) fn halted(&self, why: String) {
        self.lock().health = Health::Halted { why };
    }
    /// Ends when somebody asked for a round at once.
    pub(crate) async fn poked(&self) {
        self.poke.notified().await;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Pulse {
    networks: Mutex<BTreeMap<String, Arc<NetworkPulse>>>,
    /// Assets, with their networks, whose contract states other decimals than the configuration.
    disabled: Mutex<BTreeSet<(String, String)>>,
}

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<NetworkPulse>>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Takes an asset out of service.
    pub(crate) fn disable(&self, network: &str, asset: &str) {
        let mut disabled = self.disabled.lock().unwrap_or_else(PoisonError::into_inner);
        disabled.insert((network.to_owned(), asset.to_owned()));
    }
    /// True where the asset must not be offered (13 section 6, property 13).
    pub(crate) fn is_disabled(&self, network: &str, asset: &str) -> bool {
        let disabled = self.disabled.lock().unwrap_or_else(PoisonError::into_inner);
        disabled.iter().any(|(n, a)| n == network && a == asset)
    }
    /// The pulse of a network that is watched from now on.
    pub(crate) fn watched(&self, network: &str) -> Arc<NetworkPulse> {
        Arc::clone(self.lock().entry(network.to_owned()).or_insert_with(|| Arc::new(NetworkPulse::new())))
    }
    fn of(&self, network: &str) -> Option<Arc<NetworkPulse>> {
        self.lock().get(network).cloned()
    }
}

impl Engine {
    /// How each watched network is doing.
    pub fn network_health(&self) -> Vec<NetworkHealth> {
        let networks = self.inner.pulse.lock();
        let health = networks.iter().map(|(network, pulse)| {
            let standing = pulse.lock();
            NetworkHealth { network: network.clone(), tip: standing.tip, health: standing.health.clone() }
        });
        health.collect()
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

    #[test]
    fn health_needs_several_failures_and_one_success() {
        let pulse = NetworkPulse::new();
        for _ in 1..DELAYED_AFTER_FAILURES {
            pulse.failed("no connection".to_owned());
        }
        assert_eq!(pulse.lock().health, Health::Starting);
        pulse.failed("no connection".to_owned());
        assert_eq!(pulse.lock().health, Health::Delayed { why: "no connection".to_owned() });
        let round = pulse.begin();
        pulse.end(round, 7);
        assert_eq!(pulse.lock().health, Health::Current);
        assert_eq!(pulse.lock().tip, Some(7));
    }
}
