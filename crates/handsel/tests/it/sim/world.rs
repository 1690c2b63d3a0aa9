//! One seed's world: everything that outlives the program's lives. What varies from seed to seed is the swarm's; what happens in a
//! seed is drawn from its dice alone.

use super::gate::Keeper;
use super::hooks::Hooks;
use super::nodes::Net;
use super::shop::Shop;
use crate::harness::{Chance, directory};
use handsel_core::port::{BoxFuture, Clock, Entropy};
use handsel_core::time::Timestamp;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) const START_SECONDS: i64 = 1_795_600_000;

/// What one seed is like.
#[derive(Debug, Clone)]
pub(crate) struct Swarm {
    pub(crate) steps: u64,
    pub(crate) providers: [u64; 2],
    pub(crate) finality: [u64; 2],
    /// How often each kind of action comes.
    pub(crate) weights: [u64; 10],
    /// Of 10 checkouts so many have an amount of their own at the shop's one address.
    pub(crate) of_ten_static: u64,
    /// The longest wait for a COMMIT.
    pub(crate) pause_max_ms: u64,
    /// The longest time between two actions.
    pub(crate) rest_max_ms: u64,
    /// Tags are drawn from few.
    pub(crate) narrow: bool,
}

impl Swarm {
    fn of(chance: &Chance) -> Self {
        let pick = |list: &[u64]| list[usize::try_from(chance.below(list.len() as u64)).unwrap()];
        let mut weights = [8, 14, 8, 5, 4, 8, 4, 4, 4, 2];
        // A seed without some of the faults goes deeper into the others; buying and paying is never left out.
        for weight in &mut weights[2..] {
            *weight *= pick(&[0, 1, 1, 3]);
        }
        Self {
            steps: 10 + chance.below(16),
            providers: [1 + chance.below(3), 1 + chance.below(3)],
            finality: [pick(&[4, 4, 8, 16, 70]), pick(&[4, 8, 16])],
            weights,
            of_ten_static: pick(&[0, 2, 5]),
            pause_max_ms: pick(&[0, 1, 40, 900]),
            rest_max_ms: pick(&[500, 4_000, 9_000]),
            narrow: chance.below(2) == 0,
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) swarm: Swarm,
    /// What the script draws from.
    pub(crate) dice: Chance,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) entropy: Arc<SimEntropy>,
    pub(crate) trace: Arc<Trace>,
    pub(crate) gate: Arc<Keeper>,
    pub(crate) nets: [Arc<Net>; 2],
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) shop: Mutex<Shop>,
    pub(crate) directory: TempDir,
    steps: AtomicU64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let swarm = Swarm::of(&Chance::branch(seed, 0));
        let clock = Arc::new(SimClock::default());
        let trace = Arc::new(Trace::default());
        let gate = Arc::new(Keeper::new(Chance::branch(seed, 2), Arc::clone(&trace), Arc::clone(&clock)));
        let net = |at: usize| {
            let chance = Chance::branch(seed, 3 + at as u64);
            Net::new(at, swarm.finality[at], swarm.providers[at], chance, Arc::clone(&gate))
        };
        Arc::new(Self {
            dice: Chance::branch(seed, 1),
            clock,
            entropy: Arc::new(SimEntropy { chance: Chance::branch(seed, 5), narrow: swarm.narrow }),
            nets: [net(0), net(1)],
            hooks: Arc::new(Hooks::new(Chance::branch(seed, 6), Arc::clone(&gate), Arc::clone(&trace))),
            trace,
            gate,
            shop: Mutex::default(),
            directory: directory(),
            steps: AtomicU64::new(0),
            swarm,
        })
    }

    /// The number of the next step, while there is one. A step that a crash cut off is not made again.
    pub(crate) fn next_step(&self) -> Option<u64> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        (step < self.swarm.steps).then_some(step)
    }

    pub(crate) fn now_seconds(&self) -> u64 {
        u64::try_from(self.clock.now().seconds()).unwrap()
    }

    /// From 0 to below `bound`, by the script's dice.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.dice.below(bound)
    }

    pub(crate) fn one_in(&self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// Something that must not be.
    pub(crate) fn complain(&self, problem: String) {
        self.gate.complain(problem);
    }
}

/// A clock that goes with the runtime's paused time, and jumps.
#[derive(Debug, Default)]
pub(crate) struct SimClock {
    /// Beside what has passed in the present life.
    millis: AtomicI64,
    life: Mutex<Option<Instant>>,
    moved: Notify,
}

impl SimClock {
    pub(crate) fn begin(&self) {
        *self.life.lock().unwrap() = Some(Instant::now());
    }
    /// Time goes on from here in the next life.
    pub(crate) fn end(&self) {
        let lived = self.life.lock().unwrap().take().map_or(Duration::ZERO, |since| since.elapsed());
        self.millis.fetch_add(i64::try_from(lived.as_millis()).unwrap(), Ordering::SeqCst);
    }
    pub(crate) fn jump(&self, span: Duration) {
        self.millis.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let lived = self.life.lock().unwrap().map_or(Duration::ZERO, |since| since.elapsed());
        let millis = Duration::from_millis(u64::try_from(self.millis.load(Ordering::SeqCst)).unwrap());
        Timestamp::from_seconds(START_SECONDS).plus(millis).plus(lived)
    }
    fn wall(&self) -> Timestamp {
        self.now()
    }
    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let moved = self.moved.notified();
                let left = until.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    biased;
                    () = moved => {}
                    () = tokio::time::sleep(left) => {}
                }
            }
        })
    }
}

/// The program's chance. Where it is narrow, whoever draws a number of 64 bits (the tag of a unique amount) gets one of few.
#[derive(Debug)]
pub(crate) struct SimEntropy {
    chance: Chance,
    narrow: bool,
}

impl Entropy for SimEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if self.narrow && bytes.len() == 8 {
            bytes.copy_from_slice(&self.chance.below(3).to_be_bytes());
            return;
        }
        self.chance.fill(bytes);
    }
}

/// Everything that happened, as one digest.
#[derive(Debug, Default)]
pub(crate) struct Trace(Mutex<(Sha256, u64)>);

impl Trace {
    pub(crate) fn add(&self, what: &str) {
        let mut trace = self.0.lock().unwrap();
        trace.0.update((what.len() as u64).to_be_bytes());
        trace.0.update(what.as_bytes());
        trace.1 += 1;
    }
    pub(crate) fn digest(&self) -> String {
        let trace = self.0.lock().unwrap();
        format!("{} of {} steps", hex::encode(&trace.0.clone().finalize()[..16]), trace.1)
    }
}
