//! Everything that runs without being asked: a watcher per network and how they stand, the sender, rate sources, expiry, and the request log's writer. Started by the
//! binary, ended by its stop signal; each loop ends its work in progress first.

use crate::watch_book::WatchBook;
use crate::{Engine, deliver, expire, notes, rates, requote, standings, watch};
use handsel_core::chain::Network;
use handsel_core::port::{ChainSource, HookSender, RateSource};
use std::sync::Arc;
use tokio::task::JoinSet;

/// The doors that the loops reach out through.
#[derive(Debug)]
pub struct Doors {
    /// Every network that is watched, with its node.
    pub networks: Vec<(Network, Arc<dyn ChainSource>)>,
    pub sender: Arc<dyn HookSender>,
    /// Where rates are asked for, each by itself; may be none.
    pub rates: Vec<Arc<dyn RateSource>>,
}

impl Engine {
    /// Runs all loops; ends when `stop` has become true and every loop has ended. From the call on, before anything runs, the
    /// networks count as watched: what is known of them is waited for.
    pub fn run(self, doors: Doors, stop: tokio::sync::watch::Receiver<bool>) -> impl Future<Output = ()> + Send {
        for (network, _) in &doors.networks {
            self.inner.pulse.watched(&network.name);
        }
        self.run_all(doors, stop)
    }

    async fn run_all(self, doors: Doors, stop: tokio::sync::watch::Receiver<bool>) {
        let mut seed = [0u8; 8];
        self.inner.entropy.fill(&mut seed);
        let book = Arc::new(WatchBook::new(u64::from_le_bytes(seed)));
        let mut loops = JoinSet::new();
        for (network, source) in doors.networks {
            loops.spawn(watch::run(self.clone(), network, source, Arc::clone(&book), stop.clone()));
        }
        for source in &doors.rates {
            self.inner.rates.expect(source.name());
        }
        for source in doors.rates {
            loops.spawn(rates::run(self.clone(), source, stop.clone()));
        }
        loops.spawn(requote::run(self.clone(), stop.clone()));
        loops.spawn(deliver::run(self.clone(), doors.sender, stop.clone()));
        loops.spawn(expire::run(self.clone(), stop.clone()));
        loops.spawn(standings::run(self.clone(), stop.clone()));
        loops.spawn(notes::run(self, stop));
        while let Some(ended) = loops.join_next().await {
            if let Err(error) = ended {
                // A server without one of its loops would look alive and miss payments: end all, so that the process ends.
                tracing::error!(%error, "a loop broke");
                return;
            }
        }
    }
}
