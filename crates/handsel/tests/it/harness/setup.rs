//! Starting and stopping: the wiring of `dev`, with the parts within reach of the test.

use super::chance;
use super::client::Http;
use super::data::Data;
use handsel::config::{Config, Verb};
use handsel::credentials::Credentials;
use handsel::server::{self, Running};
use handsel::system::SystemClock;
use handsel::verbs::dev::{sandbox_chain, sandbox_rates};
use handsel::wire;
use handsel_core::port::{Clock, Entropy};
use handsel_engine::Engine;
use handsel_sandbox::{Chain as SimulatedChain, ChainConfig, Likeness, World, WorldConfig};
use handsel_store::Store;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a test wants otherwise than `dev` does it: configuration as environment variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    variables: Vec<(String, String)>,
    tron: bool,
}

impl Setup {
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }
    /// With `sandbox-tron` beside `sandbox-evm`, as `dev` has it.
    pub(crate) fn with_tron() -> Self {
        Self { tron: true, ..Self::default() }
    }
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server; as a client it speaks with the account's secret key.
#[derive(Debug)]
pub(crate) struct Server {
    http: Http,
    pub(crate) secret_key: String,
    pub(crate) publishable_key: String,
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) world: Arc<World>,
    pub(crate) data: Data,
    setup: Setup,
    pub(crate) running: Option<Running>,
}

impl Deref for Server {
    type Target = Http;
    fn deref(&self) -> &Http {
        &self.http
    }
}

impl Server {
    pub(crate) async fn start(setup: Setup, data: Data) -> Self {
        super::log::keep();
        let entropy: Arc<dyn Entropy> = Arc::new(data.chance());
        let mut variables = setup.variables.clone();
        variables.extend(data.url().map(|url| ("HANDSEL_DATABASE__URL".to_owned(), url)));
        let mut config = Config::read(Verb::Dev { port: 0 }, None, &variables).unwrap();
        let mut credentials = Credentials::open(data.path(), &*entropy).unwrap();
        let (listener, base_url) = server::bind(&config).await.unwrap();
        config.public_url.clone_from(&base_url);
        let world = Arc::new(world(data.path(), setup.tron, Arc::clone(&entropy)).await);
        let chain = |likeness| sandbox_chain(&world, likeness, 0);
        config.chains = [Likeness::Evm, Likeness::Tron].into_iter().filter_map(chain).collect();
        config.rates.sources = sandbox_rates(&world);
        let sandbox = wire::Sandbox { clock: world.clock() as Arc<dyn Clock>, world: Arc::clone(&world) as Arc<_> };
        let key = credentials.encryption_key().unwrap();
        let house = wire::house(&config, data.path(), key, Arc::clone(&entropy), Some(sandbox)).await.unwrap();
        credentials.seed(&house.engine, &config, data.path(), &*entropy).await.unwrap();
        let (engine, store) = (house.engine.clone(), house.store.clone());
        let running = server::start(&config, data.path(), house, listener, base_url).unwrap();
        let address: SocketAddr = running.base_url.split_once("://").unwrap().1.parse().unwrap();
        let secret_key = credentials.secret_key().to_owned();
        Self {
            http: Http { address, key: Some(secret_key.clone()) },
            secret_key,
            publishable_key: credentials.publishable_key().to_owned(),
            engine,
            store,
            world,
            data,
            setup,
            running: Some(running),
        }
    }

    pub(crate) fn chain(&self) -> &SimulatedChain {
        self.world.chain().unwrap()
    }

    /// Ends the server without any check; its directory can be started again.
    pub(crate) async fn stop(mut self) {
        self.end(|_| ()).await;
    }

    /// Another server with the same settings on the same data.
    pub(crate) async fn restart(self) -> Self {
        self.restart_while(|_| ()).await
    }

    /// The same; in between, the chain goes on without its server.
    pub(crate) async fn restart_while(mut self, meanwhile: impl FnOnce(&World)) -> Self {
        self.end(meanwhile).await;
        let (setup, data) = (self.setup.clone(), self.data.clone());
        drop(self);
        Self::start(setup, data).await
    }

    async fn end(&mut self, meanwhile: impl FnOnce(&World)) {
        self.running.take().unwrap().stop().await;
        meanwhile(&self.world);
        // A task that still ends may hold the world: the next one need not wait for it.
        for chain in [Likeness::Evm, Likeness::Tron].into_iter().filter_map(|likeness| self.world.chain_of(likeness)) {
            chain.close();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprint!("{}", super::log::worries());
            eprintln!("{}", chance::told(self.data.seed()));
        }
        assert!(
            self.running.is_none() || std::thread::panicking(),
            "end the server with finish() or stop(): what it still owes must be looked at"
        );
    }
}

async fn world(directory: &Path, tron: bool, entropy: Arc<dyn Entropy>) -> World {
    let chain = ChainConfig { block_time: Duration::ZERO, port: 0 };
    let config = WorldConfig {
        directory: directory.to_owned(),
        chain: Some(chain),
        tron: tron.then_some(chain),
        system_clock: Arc::new(SystemClock),
        entropy,
    };
    World::start(config).await.unwrap()
}
