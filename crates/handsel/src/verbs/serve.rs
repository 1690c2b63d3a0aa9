//! `serve`: the server of a configuration. In sandbox mode it has the sandbox's clock and commands too, and where no `[[chains]]` is
//! named, its simulated chain.

use super::dev;
use crate::config::{Listen, Verb};
use crate::exit::{Failure, Outcome, print, say};
use crate::system::OsEntropy;
use crate::{server, wire};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Serve {
    #[arg(long, value_name = "FILE", env = "HANDSEL_CONFIG")]
    config: Option<PathBuf>,
    /// Where the database and the operator's socket live.
    #[arg(long, value_name = "DIR", default_value = "handsel-data")]
    data: PathBuf,
    /// One line of JSON when ready.
    #[arg(long)]
    json: bool,
}

const SANDBOX_BLOCK_TIME_SECONDS: u64 = 1;

pub async fn run(serve: Serve) -> Outcome {
    let mut config = super::read_config(Verb::Serve, serve.config.as_deref())?;
    super::make_private_directory(&serve.data)?;
    let key = config.encryption_key.clone().ok_or_else(|| Failure::usage("encryption_key is missing"))?;
    let (listener, base_url) = server::bind(&config).await?;
    // A port of 0 is known only now, and pages name it.
    if matches!(config.listen, Listen::Tcp(address) if address.port() == 0 && config.public_url.ends_with(":0")) {
        config.public_url.clone_from(&base_url);
    }
    let sandbox = match config.live {
        true => None,
        false => Some(dev::sandbox(&serve.data, SANDBOX_BLOCK_TIME_SECONDS, &mut config).await?),
    };
    let house = wire::house(&config, &serve.data, key, Arc::new(OsEntropy), sandbox).await?;
    wire::check_chains(&house.chains).await?;
    let running = server::start(&config, &serve.data, house, listener, base_url)?;
    if serve.json {
        print(json!({"base_url": running.base_url}));
    }
    say(format_args!("handsel {} listens on {}", env!("CARGO_PKG_VERSION"), running.base_url));
    running.until_told().await
}
