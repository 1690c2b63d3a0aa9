//! Puts the rooms together. No logic: what is decided here is only who gets what.

use crate::config::rates::RateSource as ConfiguredSource;
use crate::config::{Chain, Config};
use crate::exit::Failure;
use crate::system::SystemClock;
use handsel_core::chain::{Kind, Network};
use handsel_core::egress_rules::{AddressPolicy, UrlPolicy};
use handsel_core::port::{BoxFuture, ChainSource, Clock, Entropy, HookSender, HostJudge, RateSource, TestWorld};
use handsel_core::secret::{SecretBytes, SecretText};
use handsel_core::vault::Vault;
use handsel_engine::{Engine, Parts, Settings};
use handsel_net::egress::{Egress, EgressConfig, NamedOptions, SetupError};
use handsel_net::evm::EvmSource;
use handsel_net::hook_sender::WebhookSender;
use handsel_net::quorum::QuorumSource;
use handsel_net::rates::{JsonFeed, JsonQuote, JsonRates};
use handsel_net::rpc::{Call, RpcClient};
use handsel_net::tron::{AgainAtFinality, TronSource};
use handsel_sandbox::NodeCaller;
use handsel_store::reader::Reader;
use handsel_store::{Database as StoreDatabase, Store, StoreConfig};
use std::path::Path;
use std::sync::Arc;

/// The rooms, put together; nothing runs yet.
#[derive(Debug)]
pub struct House {
    pub engine: Engine,
    pub store: Store,
    pub chains: Vec<(Network, Arc<dyn ChainSource>)>,
    pub sender: Arc<dyn HookSender>,
    pub rates: Vec<Arc<dyn RateSource>>,
    pub entropy: Arc<dyn Entropy>,
}

/// What `dev` adds to a server: the clock and the world of the sandbox.
#[derive(Debug)]
pub struct Sandbox {
    pub clock: Arc<dyn Clock>,
    pub world: Arc<dyn TestWorld>,
}

/// Opens the database, checks that it belongs to this key and environment, and wires every room.
pub async fn house(
    config: &Config,
    data: &Path,
    key: SecretBytes<32>,
    entropy: Arc<dyn Entropy>,
    sandbox: Option<Sandbox>,
) -> Result<House, Failure> {
    let store = open_store(config, data).await?;
    check_key(&store, &key).await?;
    let (clock, world): (Arc<dyn Clock>, _) = match sandbox {
        Some(Sandbox { clock, world }) => (clock, Some(world)),
        None => (Arc::new(SystemClock), None),
    };
    let egress = egress(config)?;
    let sender = Arc::new(WebhookSender::new(egress));
    let engine = Engine::new(Parts {
        settings: settings(config, key),
        reader: store.reader.clone(),
        writer: store.writer.clone(),
        clock,
        entropy: Arc::clone(&entropy),
        judge: Arc::clone(&sender) as Arc<dyn HostJudge>,
        world,
    });
    let chains = config.chains.iter().map(|chain| Ok((chain.network.clone(), chain_source(chain)?)));
    let rates = config.rates.sources.iter().map(rate_source).collect::<Result<_, Failure>>()?;
    Ok(House { engine, store, chains: chains.collect::<Result<_, Failure>>()?, sender, rates, entropy })
}

/// A configured source: what it says at one URL is one feed.
fn rate_source(source: &ConfiguredSource) -> Result<Arc<dyn RateSource>, Failure> {
    let mut feeds: Vec<JsonFeed> = Vec::new();
    for pair in &source.pairs {
        let quote = JsonQuote { pair: pair.pair.clone(), pointer: pair.pointer.clone(), invert: pair.invert };
        match feeds.iter_mut().find(|feed| feed.url == pair.url.expose()) {
            Some(feed) => feed.quotes.push(quote),
            None => feeds.push(JsonFeed {
                url: pair.url.expose().to_owned(),
                quotes: vec![quote],
                time_pointer: source.time_pointer.clone(),
            }),
        }
    }
    let made = JsonRates::new(source.name.clone(), feeds, JsonRates::DEADLINES);
    let made = made.map_err(|error| Failure::usage(format!("rates.sources: {}: {error}", source.name)))?;
    Ok(Arc::new(made))
}

/// One node of a chain, by its label; the sockets bring hints at its new heads.
pub fn one_node(chain: &Chain, sockets: &[&str], node: &str) -> Result<(String, Arc<dyn ChainSource>), SetupError> {
    let options = NamedOptions::default();
    Ok(match chain.network.kind {
        Kind::Evm => {
            let source = EvmSource::new(&[sockets, &[node]].concat(), &options, chain.verify)?;
            (source.label(), Arc::new(source))
        }
        Kind::Tron => {
            let source = TronSource::new(node, &options)?;
            (source.label(), Arc::new(source))
        }
    })
}

/// All nodes of a chain as one source. Hints at new heads come with the first of them.
fn chain_source(chain: &Chain) -> Result<Arc<dyn ChainSource>, Failure> {
    let refused = |error: &dyn core::fmt::Display| Failure::usage(format!("chain {}: {error}", chain.network.name));
    let urls = chain.rpc_urls.iter().map(|url| url.expose());
    let (mut sockets, nodes): (Vec<&str>, Vec<&str>) = urls.partition(|url| url.starts_with("ws"));
    let mut members: Vec<(String, Arc<dyn ChainSource>)> = Vec::with_capacity(nodes.len());
    for node in nodes {
        members.push(one_node(chain, &sockets, node).map_err(|error| refused(&error))?);
        sockets.clear();
    }
    let source = QuorumSource::new(members, chain.quorum, chain.verify.proves_contents());
    let source = Arc::new(source.map_err(|_| refused(&"quorum asks for more nodes than there are"))?);
    Ok(match chain.network.kind {
        Kind::Evm => source,
        Kind::Tron => Arc::new(AgainAtFinality::new(source)),
    })
}

/// How long a node may take to say which chain it is of.
const CHAIN_ID_WAIT: std::time::Duration = std::time::Duration::from_secs(3);

/// Refuses to start where a node contradicts the configuration. A node that does not answer is no reason: it may come back, and the
/// watcher asks again before it believes anything.
pub async fn check_chains(chains: &[(Network, Arc<dyn ChainSource>)]) -> Result<(), Failure> {
    for (network, source) in chains {
        match tokio::time::timeout(CHAIN_ID_WAIT, source.chain_id()).await {
            Ok(Ok(stated)) if stated != network.chain_id => {
                return Err(Failure::usage(format!(
                    "chains: {}: its node states chain_id {stated}, the configuration says {}: mend rpc_urls or chain_id",
                    network.name, network.chain_id
                )));
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(network = network.name, %error, "starting without its node"),
            Err(_) => tracing::warn!(network = network.name, "starting without its node, which does not answer"),
        }
    }
    Ok(())
}

/// The database that the configuration names, or SQLite in the data directory.
pub async fn open_store(config: &Config, data: &Path) -> Result<Store, Failure> {
    let database = match &config.database.url {
        None => StoreDatabase::Sqlite { directory: data.to_owned() },
        Some(url) => postgres(config, url)?,
    };
    Store::open(StoreConfig { database, live: config.live }).await.map_err(Failure::failed)
}

/// For verbs that look at a database beside its server.
pub async fn open_reader(config: &Config, data: &Path) -> Result<Reader, Failure> {
    match &config.database.url {
        None => Reader::open_sqlite(data).map_err(Failure::failed),
        Some(_) => Ok(open_store(config, data).await?.reader),
    }
}

#[cfg(feature = "postgres")]
const POSTGRES_CONNECTIONS: usize = 8;

#[cfg(feature = "postgres")]
fn postgres_config(config: &Config, url: &SecretText) -> handsel_store::postgres::PostgresConfig {
    handsel_store::postgres::PostgresConfig {
        url: url.clone(),
        ca_file: config.database.ca_file.clone(),
        connections: POSTGRES_CONNECTIONS,
    }
}

#[cfg(feature = "postgres")]
fn postgres(config: &Config, url: &SecretText) -> Result<StoreDatabase, Failure> {
    Ok(StoreDatabase::Postgres(postgres_config(config, url)))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &Config, _: &SecretText) -> Result<StoreDatabase, Failure> {
    Err(Failure::usage(
        "database.url: this program was built without PostgreSQL: take a release, or build with its default features",
    ))
}

/// With the role that owns the tables; what the server's own role needs is granted to it.
#[cfg(feature = "postgres")]
pub async fn migrate_postgres(config: &Config) -> Result<(), Failure> {
    let Some(url) = config.database.migrate_url.as_ref().or(config.database.url.as_ref()) else {
        return Err(Failure::usage("database.migrate_url: name the role that owns the tables"));
    };
    let role = match (&config.database.migrate_url, &config.database.url) {
        (Some(_), Some(server)) => handsel_store::postgres::role_of(server),
        _ => None,
    };
    let migrated = handsel_store::postgres::run_migrations(&postgres_config(config, url), role.as_deref()).await;
    migrated.map_err(Failure::failed)
}

#[cfg(not(feature = "postgres"))]
pub async fn migrate_postgres(config: &Config) -> Result<(), Failure> {
    postgres(config, &SecretText::new("")).map(drop)
}

/// A database sealed under another key is refused before anything is read or written.
async fn check_key(store: &Store, key: &SecretBytes<32>) -> Result<(), Failure> {
    let wanted = hex::encode(Vault::new(key).check_value());
    let found = store.set_meta_once("encryption_key_check", &wanted).await.map_err(Failure::failed)?;
    if found == wanted {
        return Ok(());
    }
    Err(Failure::failed(
        "the encryption key is not the one that this database was sealed under: restore the right HANDSEL_ENCRYPTION_KEY",
    ))
}

fn settings(config: &Config, encryption_key: SecretBytes<32>) -> Settings {
    Settings {
        live: config.live,
        region: config.region,
        public_url: config.public_url.clone(),
        peg_policy: config.rates.peg_policy,
        networks: config.chains.iter().map(|chain| chain.network.clone()).collect(),
        encryption_key,
        allow_http_webhooks: config.allow_http_webhooks,
        allowed_cidrs: config.egress.allowed_cidrs.clone(),
        extra_ports: config.egress.extra_ports.clone(),
        reads_per_second: config.reads_per_second,
        writes_per_second: config.writes_per_second,
    }
}

fn egress(config: &Config) -> Result<Egress, Failure> {
    let addresses = AddressPolicy::from_texts::<_, &str>(&config.egress.allowed_cidrs, &[]);
    let policy = UrlPolicy {
        live: config.live,
        allow_http: config.allow_http_webhooks,
        extra_ports: config.egress.extra_ports.clone(),
        own_hosts: Vec::new(),
        addresses: addresses.map_err(|error| Failure::usage(format!("egress.allowed_cidrs: {error}")))?,
    };
    let mut egress = EgressConfig::new(policy);
    egress.resolver = config.egress.resolver;
    egress.extra_ca_pem = match &config.egress.extra_ca {
        None => None,
        Some(path) => Some(std::fs::read(path).map_err(|error| {
            Failure::usage(format!("egress.extra_ca: {} can't be read: {}", path.display(), error.kind()))
        })?),
    };
    Egress::new(egress).map_err(Failure::usage)
}

/// The sandbox's way to a real node (`dev --chain-rpc`).
#[derive(Debug)]
pub struct Caller(pub RpcClient);

const CALL_ANSWER_MAX_BYTES: usize = 1024 * 1024;

impl NodeCaller for Caller {
    fn call(&self, method: &'static str, params: String) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let answer = self.0.call::<serde_json::Value>(&Call::new(method, params), CALL_ANSWER_MAX_BYTES).await;
            let answer = answer.map_err(|error| format!("{method}: {error}"))?;
            Ok(answer.unwrap_or_default().to_string())
        })
    }
}
