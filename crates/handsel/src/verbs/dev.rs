//! `dev`: a sandbox in one command, without configuration and without network.

use crate::config::rates::{RatePair, RateSource};
use crate::config::{Chain, Config, Listen, Verb};
use crate::credentials::Credentials;
use crate::exit::{Failure, Outcome, print, say};
use crate::system::{OsEntropy, SystemClock};
use crate::{server, wire};
use clap::Args;
use handsel_core::chain::proof::VerifyMode;
use handsel_core::chain::{Address, Kind, Network, Token};
use handsel_core::money::Currency;
use handsel_core::port::Clock;
use handsel_core::rate::Pair;
use handsel_core::secret::SecretText;
use handsel_net::egress::NamedOptions;
use handsel_net::rpc::RpcClient;
use handsel_sandbox::{CONFIRMATIONS, ChainConfig, Likeness, RemoteChain, World, WorldConfig};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const FINALIZED_ABOVE_USD_CENTS: u128 = 10_000;
const TYPICAL_BLOCK_TIME_MS: u64 = 1_000;
/// What payers are told, however fast the simulated blocks come.
const TRON_BLOCK_TIME_MS: u64 = 3_000;

#[derive(Debug, Args)]
pub struct Dev {
    #[arg(long, default_value_t = 4400)]
    port: u16,
    /// Everything lives here; the same directory keeps the same keys.
    #[arg(long, value_name = "DIR", default_value = "handsel-dev")]
    data: PathBuf,
    /// Seconds between blocks; 0: only by `mine`.
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    block_time: u64,
    /// A real node instead of the simulated chain; the network and its tokens come from --config.
    #[arg(long, value_name = "URL")]
    chain_rpc: Option<String>,
    #[arg(long, value_name = "FILE", env = "HANDSEL_CONFIG")]
    config: Option<PathBuf>,
    /// One line of JSON when ready.
    #[arg(long)]
    json: bool,
}

pub async fn run(dev: Dev) -> Outcome {
    let mut config = super::read_config(Verb::Dev { port: dev.port }, dev.config.as_deref())?;
    super::make_private_directory(&dev.data)?;
    let mut credentials = Credentials::open(&dev.data, &OsEntropy)?;
    let (listener, base_url) = server::bind(&config).await?;
    // A port of 0 is known only now, and pages name it.
    if matches!(config.listen, Listen::Tcp(address) if address.port() == 0) {
        config.public_url.clone_from(&base_url);
    }
    named_chain(&dev, &mut config)?;
    let sandbox = sandbox(&dev.data, dev.block_time, &mut config).await?;
    let house =
        wire::house(&config, &dev.data, credentials.encryption_key()?, Arc::new(OsEntropy), Some(sandbox)).await?;
    credentials.seed(&house.engine, &config, &dev.data, &OsEntropy).await?;
    wire::check_chains(&house.chains).await?;
    let running = server::start(&config, &dev.data, house, listener, base_url)?;
    announce(&dev, &credentials, &running.base_url);
    running.until_told().await
}

/// The chain that the command line names: `--chain-rpc` and its network, or none.
fn named_chain(dev: &Dev, config: &mut Config) -> Result<(), Failure> {
    match (&dev.chain_rpc, config.chains.as_mut_slice()) {
        (None, []) => Ok(()),
        (None, _) => {
            Err(Failure::usage("dev simulates its chain; to use the [[chains]] of --config, add --chain-rpc URL"))
        }
        (Some(url), [chain]) => {
            (chain.rpc_urls, chain.quorum) = (vec![SecretText::new(url.as_str())], 1);
            Ok(())
        }
        (Some(_), _) => {
            Err(Failure::usage("--chain-rpc needs --config with exactly one [[chains]]: its name, chain_id and tokens"))
        }
    }
}

/// What a sandbox has beside a server: its clock, its receivers, and a chain of its own where the configuration names none. The
/// commands for a chain go to that one, or to the node of the first configured network.
pub(super) async fn sandbox(
    data: &Path,
    block_time_seconds: u64,
    config: &mut Config,
) -> Result<wire::Sandbox, Failure> {
    let chain = ChainConfig { block_time: Duration::from_secs(block_time_seconds), port: 0 };
    let simulated = config.chains.is_empty().then_some(chain);
    let world = World::start(WorldConfig {
        directory: data.to_owned(),
        chain: simulated,
        tron: simulated,
        system_clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    });
    let world = world.await.map_err(Failure::failed)?;
    let world = match config.chains.first() {
        None => {
            let chain = |likeness| sandbox_chain(&world, likeness, block_time_seconds);
            config.chains = [Likeness::Evm, Likeness::Tron].into_iter().filter_map(chain).collect();
            world
        }
        Some(chain) => world.with_node(remote(chain)?),
    };
    if config.rates.sources.is_empty() {
        config.rates.sources = sandbox_rates(&world);
    }
    let world = Arc::new(world);
    Ok(wire::Sandbox { clock: world.clock() as Arc<dyn Clock>, world })
}

fn remote(chain: &Chain) -> Result<RemoteChain, Failure> {
    let urls: Vec<&str> = chain.rpc_urls.iter().map(|url| url.expose()).collect();
    let client = RpcClient::new(&urls, &NamedOptions::default()).map_err(Failure::usage)?;
    let tokens = chain.network.tokens.iter().map(|t| (t.asset.clone(), handsel_sandbox::Address::from(t.contract.0)));
    Ok(RemoteChain {
        network: chain.network.name.clone(),
        tokens: tokens.collect(),
        caller: Arc::new(wire::Caller(client)),
    })
}

/// The simulated rate sources, as a configuration would name them.
pub fn sandbox_rates(world: &World) -> Vec<RateSource> {
    let source = |facts: handsel_sandbox::RateFacts| {
        let url = SecretText::new(facts.url);
        let pair = |(from, to, pointer): (&str, &str, String)| {
            let pair = Pair::new(Currency::parse(from)?, to);
            Some(RatePair { pair, url: url.clone(), pointer, invert: false })
        };
        RateSource {
            name: facts.name.to_owned(),
            time_pointer: Some(handsel_sandbox::TIME_POINTER.to_owned()),
            pairs: facts.pairs.into_iter().filter_map(pair).collect(),
        }
    };
    world.rate_sources().into_iter().map(source).collect()
}

/// A simulated chain, as a configuration would name it; none where the world hasn't it.
pub fn sandbox_chain(world: &World, likeness: Likeness, block_time_seconds: u64) -> Option<Chain> {
    let url = world.node_url_of(likeness)?;
    let verify = match likeness {
        Likeness::Evm => VerifyMode::ReceiptsRoot,
        Likeness::Tron => VerifyMode::QuorumDigest,
    };
    Some(Chain {
        network: sandbox_network(likeness, block_time_seconds),
        rpc_urls: vec![SecretText::new(url)],
        quorum: 1,
        verify,
    })
}

fn sandbox_network(likeness: Likeness, block_time_seconds: u64) -> Network {
    let (kind, block_time_ms) = match likeness {
        Likeness::Evm if block_time_seconds == 0 => (Kind::Evm, TYPICAL_BLOCK_TIME_MS),
        Likeness::Evm => (Kind::Evm, block_time_seconds * 1000),
        Likeness::Tron => (Kind::Tron, TRON_BLOCK_TIME_MS),
    };
    let peg = |symbol: &str| Currency::parse(if symbol == "EURC" { "EUR" } else { "USD" });
    let token = |t: &handsel_sandbox::TokenFacts| Token {
        asset: t.symbol.to_owned(),
        contract: Address(t.address),
        decimals: t.decimals,
        pegged_to: peg(t.symbol),
    };
    Network {
        name: likeness.network().to_owned(),
        kind,
        chain_id: likeness.chain_id(),
        confirmations: CONFIRMATIONS,
        min_seconds: 0,
        finalized_above_usd_cents: FINALIZED_ABOVE_USD_CENTS,
        block_time_ms,
        tokens: likeness.tokens().iter().map(token).collect(),
    }
}

fn announce(dev: &Dev, credentials: &Credentials, base_url: &str) {
    let dashboard = format!("{base_url}/dashboard");
    let (secret, publishable) = (credentials.secret_key(), credentials.publishable_key());
    if dev.json {
        return print(json!({"base_url": base_url, "secret_key": secret, "publishable_key": publishable,
            "dashboard_url": dashboard}));
    }
    print(format_args!("Handsel sandbox on {base_url}"));
    print(format_args!("  secret key       {secret}"));
    print(format_args!("  publishable key  {publishable}"));
    print("Try it:");
    print(format_args!("  export HANDSEL_URL={base_url} HANDSEL_API_KEY={secret}"));
    print("  handsel post /v1/checkouts amount=19.99 currency=USD");
    print("  handsel simulate pay chk_…        # then open the checkout's url");
    say("Ctrl-C ends it; the same --data directory goes on where it was.");
}
