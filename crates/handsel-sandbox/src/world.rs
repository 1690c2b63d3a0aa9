//! The simulated world as a whole, behind core's port `TestWorld`: payments, mining, reorganisations, faults, the clock
//! and the receivers. One command on the chain at a time; the clock's own blocks stand in the same line.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use handsel_core::id::ReceiverId;
use handsel_core::port::{
    BoxFuture, Clock, Entropy, PaidTransaction, PayHow, PayOrder, ReceivedRequest, TestError, TestWorld,
};
use handsel_core::time::Timestamp;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::chain::{Chain, ChainError, Heights, Reorg};
use crate::clock::{ClockError, SandboxClock};
use crate::faults::Fault;
use crate::hash::{Hash, derived_address};
use crate::journal::JournalError;
use crate::likeness::Likeness;
use crate::limits;
use crate::node::Node;
use crate::rates::{RATES, RateFacts, RateFault, Rates};
use crate::receivers::{ReceiverError, Receivers};
use crate::remote::RemoteChain;
use crate::transaction::{Order, Transfer};

/// The slug of the simulated network.
pub const NETWORK: &str = "sandbox-evm";
/// Confirmations after which a payment on it counts.
pub const CONFIRMATIONS: u32 = 3;
/// Confirmations that a payment reaches before the reorganisation that it was sent with.
const CONFIRMATIONS_BEFORE_REORG: u8 = 2;
/// How long a planned reorganisation waits for the watcher to have seen what it will lose.
const WATCHER_PATIENCE: Duration = Duration::from_secs(3);

/// How a world is made.
#[derive(Debug)]
pub struct WorldConfig {
    /// Where chain and clock live; made when it isn't there.
    pub directory: PathBuf,
    /// The simulated chain; none where `--chain-rpc` names a real node (see [`World::with_node`]).
    pub chain: Option<ChainConfig>,
    /// The simulated chain that is like Tron.
    pub tron: Option<ChainConfig>,
    /// The wall's clock.
    pub system_clock: Arc<dyn Clock>,
    /// The system's randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// How a simulated chain is made.
#[derive(Debug, Clone, Copy)]
pub struct ChainConfig {
    /// A block comes after each such span of the sandbox clock; zero: only on command.
    pub block_time: Duration,
    /// The node's loopback port; 0: any.
    pub port: u16,
}

/// Why a world could not be made.
#[derive(Debug)]
pub enum WorldError {
    /// The chain's directory can't be used.
    Chain(ChainError),
    /// The clock's file can't be used.
    Clock(ClockError),
    /// A loopback port can't be bound.
    Listen(std::io::Error),
    /// The runtime is shutting down.
    Stopped,
}

impl std::fmt::Display for WorldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Chain(error) => error.fmt(f),
            Self::Clock(error) => error.fmt(f),
            Self::Listen(error) => write!(f, "a loopback port for the sandbox: {error}; free it or choose another"),
            Self::Stopped => f.write_str("the server is shutting down"),
        }
    }
}

impl std::error::Error for WorldError {}

/// The simulated world; dropping it ends its listeners and its blocks.
#[derive(Debug)]
pub struct World {
    clock: Arc<SandboxClock>,
    receivers: Receivers,
    rates: Rates,
    chains: Vec<Arc<Simulation>>,
    remote: Option<RemoteChain>,
    producers: Vec<JoinHandle<()>>,
}

/// The simulated chain with its node.
#[derive(Debug)]
struct Simulation {
    likeness: Likeness,
    chain: Arc<Chain>,
    node: Node,
    clock: Arc<SandboxClock>,
    turn: Mutex<()>,
}

impl World {
    /// Opens or begins the world of a directory.
    pub async fn start(config: WorldConfig) -> Result<Self, WorldError> {
        let WorldConfig { directory, chain, tron, system_clock, entropy } = config;
        let place = directory.clone();
        let clock = tokio::task::spawn_blocking(move || SandboxClock::open(&place, system_clock)).await;
        let clock = Arc::new(clock.map_err(|_| WorldError::Stopped)?.map_err(WorldError::Clock)?);
        let receivers = Receivers::start(Arc::clone(&clock), Arc::clone(&entropy)).await.map_err(WorldError::Listen)?;
        let rates = Rates::start(Arc::clone(&clock)).await.map_err(WorldError::Listen)?;
        let mut world = Self { clock, receivers, rates, chains: Vec::new(), remote: None, producers: Vec::new() };
        for (likeness, config) in [(Likeness::Evm, chain), (Likeness::Tron, tron)] {
            if let Some(config) = config {
                world.begin(likeness, config, &directory, &*entropy).await?;
            }
        }
        Ok(world)
    }

    /// Opens one chain, with its node and its blocks.
    async fn begin(
        &mut self,
        likeness: Likeness,
        config: ChainConfig,
        directory: &Path,
        entropy: &dyn Entropy,
    ) -> Result<(), WorldError> {
        let mut seed: Hash = [0; 32];
        entropy.fill(&mut seed);
        let (place, now) = (directory.join(likeness.network()), self.clock.unix_seconds());
        let opened = tokio::task::spawn_blocking(move || Chain::open_like(likeness, &place, seed, now)).await;
        let chain = Arc::new(opened.map_err(|_| WorldError::Stopped)?.map_err(WorldError::Chain)?);
        let clock = Arc::clone(&self.clock);
        let node = Node::start(config.port, Arc::clone(&chain), Arc::clone(&clock)).await;
        let node = node.map_err(WorldError::Listen)?;
        let simulation = Arc::new(Simulation { likeness, chain, node, clock, turn: Mutex::new(()) });
        if !config.block_time.is_zero() {
            self.producers.push(tokio::spawn(produce(Arc::clone(&simulation), config.block_time)));
        }
        self.chains.push(simulation);
        Ok(())
    }

    /// Lets the commands for one network go to a real node.
    #[must_use]
    pub fn with_node(mut self, remote: RemoteChain) -> Self {
        self.remote = Some(remote);
        self
    }

    /// The clock of the whole server.
    pub fn clock(&self) -> Arc<SandboxClock> {
        Arc::clone(&self.clock)
    }

    /// Where the simulated node answers; `None` where there is none.
    pub fn node_url(&self) -> Option<String> {
        self.node_url_of(Likeness::Evm)
    }

    /// Where the node of the chain of this kind answers.
    pub fn node_url_of(&self, likeness: Likeness) -> Option<String> {
        self.simulation(likeness.network()).map(|simulation| simulation.node.url())
    }

    fn simulation(&self, network: &str) -> Option<&Arc<Simulation>> {
        self.chains.iter().find(|simulation| simulation.likeness.network() == network)
    }

    /// The simulated rate sources.
    pub fn rate_sources(&self) -> Vec<RateFacts> {
        self.rates.facts()
    }

    /// The chain itself, for tests that need more than the port offers: several transfers in one transaction, failed
    /// transactions, reorganisations below finality.
    pub fn chain(&self) -> Option<&Chain> {
        self.chain_of(Likeness::Evm)
    }

    /// The same of the chain of this kind.
    pub fn chain_of(&self, likeness: Likeness) -> Option<&Chain> {
        self.simulation(likeness.network()).map(|simulation| &*simulation.chain)
    }

    fn rate_fault(&self, kind: &str, seconds: u64) -> Result<(), TestError> {
        let fault = RateFault::parse(kind).ok_or(TestError::UnknownFault { known: RateFault::NAMES })?;
        if seconds > limits::FAULT_SECONDS {
            return Err(TestError::Invalid("a fault lasts at most 86400 seconds"));
        }
        self.rates.fault(fault, seconds);
        Ok(())
    }

    /// Where the commands for a network go.
    fn network(&self, network: &str) -> Result<Network<'_>, TestError> {
        match (self.simulation(network), &self.remote) {
            (Some(simulation), _) => Ok(Network::Simulated(simulation)),
            (_, Some(remote)) if network == remote.network => Ok(Network::Node(remote)),
            _ => Err(TestError::UnknownNetwork),
        }
    }
}

/// A network that takes commands.
enum Network<'a> {
    Simulated(&'a Simulation),
    Node(&'a RemoteChain),
}

impl Drop for World {
    fn drop(&mut self) {
        for producer in &self.producers {
            producer.abort();
        }
        // The aborted tasks end a little later; a next start on this directory need not wait for them.
        for simulation in &self.chains {
            simulation.chain.close();
        }
    }
}

/// Mines a block each time the clock has gone on by `every`. A clock that was moved far ahead makes one block, not many.
async fn produce(simulation: Arc<Simulation>, every: Duration) {
    let mut due = simulation.clock.now().plus(every);
    loop {
        simulation.clock.sleep_until(due).await;
        if let Err(error) = simulation.mine(1).await {
            tracing::error!(?error, "the sandbox chain stands still");
            return;
        }
        let now = simulation.clock.now();
        let next = due.plus(every);
        due = if next > now { next } else { now.plus(every) };
    }
}

impl Simulation {
    /// Runs one of the chain's durable changes off the runtime's own threads.
    async fn durable<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Chain, u64) -> Result<T, ChainError> + Send + 'static,
    ) -> Result<T, TestError> {
        let chain = Arc::clone(&self.chain);
        let now = self.clock.unix_seconds();
        let done = tokio::task::spawn_blocking(move || change(&chain, now)).await;
        done.map_err(|_| TestError::Node("the server is shutting down".into()))?.map_err(refusal)
    }

    async fn mine(&self, blocks: u64) -> Result<Heights, TestError> {
        let _turn = self.turn.lock().await;
        self.mine_in_turn(blocks).await
    }

    /// Mines with planned reorganisations in between, each before the block that would have come next.
    async fn mine_in_turn(&self, blocks: u64) -> Result<Heights, TestError> {
        if !(1..=limits::MINE_BLOCKS).contains(&blocks) {
            return Err(refusal(ChainError::MineCount));
        }
        let mut left = blocks;
        loop {
            self.reorg_if_due().await?;
            let step = if self.chain.has_plans() { 1 } else { left };
            let heights = self.durable(move |chain, now| chain.mine(step, now)).await?;
            left -= step;
            if left == 0 {
                return Ok(heights);
            }
        }
    }

    async fn reorg_if_due(&self) -> Result<(), TestError> {
        while let Some(fork) = self.chain.due_reorg() {
            self.node.watched(fork, self.chain.heights().head, WATCHER_PATIENCE).await;
            self.durable(Chain::run_due_reorg).await?;
            self.node.forget_from(fork);
        }
        Ok(())
    }

    async fn finalize(&self) -> Result<Heights, TestError> {
        let _turn = self.turn.lock().await;
        let mut heights = self.chain.heights();
        // Every round mines a block, and the pool is bounded, so this ends long before the limit.
        for _ in 0..limits::MINE_BLOCKS {
            if !self.chain.has_pending() && !self.chain.has_plans() {
                break;
            }
            heights = self.mine_in_turn(1).await?;
        }
        let target = self.chain.last_filled_block().map_or(0, |filled| filled + self.likeness.finality_depth_blocks());
        match target.saturating_sub(heights.head) {
            0 => Ok(heights),
            missing => self.mine_in_turn(missing).await,
        }
    }

    async fn reorg(&self, depth: u64, drop: Vec<Hash>) -> Result<Heights, TestError> {
        let _turn = self.turn.lock().await;
        let reorg = Reorg { depth, drop, break_finality: false };
        let heights = self.durable(move |chain, now| chain.reorg(&reorg, now)).await?;
        self.node.forget_from((heights.head + 1).saturating_sub(depth));
        Ok(heights)
    }

    async fn pay(&self, order: PayOrder) -> Result<PaidTransaction, TestError> {
        let token = self.likeness.token(&order.asset).ok_or(TestError::UnknownAsset)?;
        let from = order.from.map_or_else(|| derived_address(self.chain.read().seed(), "payer"), |address| address.0);
        let transfer = Transfer { token: token.address, from, to: order.to.0, amount: order.amount };
        let plain = Order::transfer(transfer);
        let order_on_chain = match order.how {
            PayHow::Mined => plain,
            PayHow::ReorgedOnce => Order { reorged_at_confirmations: Some(CONFIRMATIONS_BEFORE_REORG), ..plain },
            PayHow::Pending => Order { held: true, ..plain },
        };
        let transaction = self.durable(move |chain, _| chain.broadcast(order_on_chain)).await?;
        Ok(PaidTransaction { network: order.network, transaction })
    }
}

/// What the caller is told; the disk's own words go to the log.
fn refusal(error: ChainError) -> TestError {
    match error {
        ChainError::Journal(JournalError::TooLong) => TestError::Invalid("too much at once; do it in smaller steps"),
        ChainError::Journal(_) | ChainError::Nonsense => {
            tracing::error!(%error, "the sandbox chain refused a change");
            TestError::Node("the sandbox chain can't write its journal; see the server's log".into())
        }
        ChainError::TransferCount => TestError::Invalid("give at least one transfer, and no more than a block holds"),
        ChainError::PoolFull => TestError::Invalid("the mempool is full; mine some blocks first"),
        ChainError::MineCount => TestError::Invalid("blocks must be between 1 and 10000"),
        ChainError::Depth { .. } => TestError::Invalid(
            "depth must be at least 1 and can't reach finalized blocks (head - 4 and below, on sandbox-tron head - 18) or the first block",
        ),
        ChainError::DropUnknown(_) => {
            TestError::Invalid("drop names a transaction that is not in the replaced blocks; take a greater depth")
        }
        ChainError::DropCount => TestError::Invalid("drop names too many transactions"),
    }
}

async fn moved(
    clock: Arc<SandboxClock>,
    change: impl FnOnce(&SandboxClock) -> Result<Timestamp, ClockError> + Send + 'static,
) -> Result<Timestamp, TestError> {
    let done = tokio::task::spawn_blocking(move || change(&clock)).await;
    let done = done.map_err(|_| TestError::Node("the server is shutting down".into()))?;
    done.map_err(|error| match error {
        ClockError::Backwards { .. } => TestError::Invalid("the clock only moves forward; give a later time"),
        ClockError::TooFar => TestError::Invalid("the clock moves by at most ten years at once and not beyond 2199"),
        ClockError::Io(_) | ClockError::Corrupt => {
            tracing::error!(%error, "the sandbox clock was not moved");
            TestError::Node("the sandbox clock can't be written; see the server's log".into())
        }
    })
}

impl TestWorld for World {
    fn pay(&self, order: PayOrder) -> BoxFuture<'_, Result<PaidTransaction, TestError>> {
        Box::pin(async move {
            match self.network(&order.network)? {
                Network::Simulated(simulation) => simulation.pay(order).await,
                Network::Node(remote) => remote.pay(order).await,
            }
        })
    }

    fn mine(&self, network: &str, blocks: u64) -> BoxFuture<'_, Result<u64, TestError>> {
        let network = self.network(network);
        Box::pin(async move {
            match network? {
                Network::Simulated(simulation) => Ok(simulation.mine(blocks).await?.head),
                Network::Node(remote) => remote.mine(blocks).await,
            }
        })
    }

    fn finalize(&self, network: &str) -> BoxFuture<'_, Result<u64, TestError>> {
        let network = self.network(network);
        Box::pin(async move {
            match network? {
                Network::Simulated(simulation) => Ok(simulation.finalize().await?.head),
                Network::Node(remote) => remote.finalize().await,
            }
        })
    }

    fn reorg(&self, network: &str, depth: u64, drop: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u64, TestError>> {
        let network = self.network(network);
        Box::pin(async move {
            match network? {
                Network::Simulated(simulation) => Ok(simulation.reorg(depth, drop).await?.head),
                Network::Node(_) => {
                    Err(TestError::Invalid("a real node replaces no blocks for us; command it directly (anvil_reorg)"))
                }
            }
        })
    }

    fn fault(&self, network: &str, kind: &str, seconds: u64) -> BoxFuture<'_, Result<(), TestError>> {
        if network == RATES {
            return Box::pin(std::future::ready(self.rate_fault(kind, seconds)));
        }
        let set = self.network(network).and_then(|network| {
            let fault = Fault::parse(kind).ok_or(TestError::UnknownFault { known: Fault::NAMES })?;
            let Network::Simulated(simulation) = network else {
                return Err(TestError::Invalid("a real node has no faults on command; use the simulated chain"));
            };
            if seconds > limits::FAULT_SECONDS {
                return Err(TestError::Invalid("a fault lasts at most 86400 seconds"));
            }
            simulation.node.fault(fault, seconds);
            Ok(())
        });
        Box::pin(std::future::ready(set))
    }

    fn advance_clock(&self, seconds: u64) -> BoxFuture<'_, Result<Timestamp, TestError>> {
        Box::pin(moved(self.clock(), move |clock| clock.advance(seconds)))
    }

    fn set_clock(&self, to: Timestamp) -> BoxFuture<'_, Result<Timestamp, TestError>> {
        Box::pin(moved(self.clock(), move |clock| clock.set(to)))
    }

    fn add_receiver(
        &self,
        statuses: Vec<u16>,
        delay_ms: u64,
    ) -> BoxFuture<'_, Result<(ReceiverId, String), TestError>> {
        let added = self.receivers.add(&statuses, delay_ms).map_err(|error| match error {
            ReceiverError::Statuses => TestError::Invalid("status holds at most 1000 codes between 200 and 599"),
            ReceiverError::Delay => TestError::Invalid("delay_ms is at most 120000"),
        });
        Box::pin(std::future::ready(added))
    }

    fn receiver_requests(&self, id: ReceiverId) -> BoxFuture<'_, Result<Vec<ReceivedRequest>, TestError>> {
        Box::pin(std::future::ready(self.receivers.requests(id).ok_or(TestError::UnknownReceiver)))
    }
}
