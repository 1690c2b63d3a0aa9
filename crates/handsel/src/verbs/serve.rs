//! `serve`: the server of a configuration.

use crate::config::Verb;
use crate::exit::{Failure, Outcome, say};
use crate::system::OsEntropy;
use crate::{server, wire};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Serve {
    #[arg(long, value_name = "FILE", env = "HANDSEL_CONFIG")]
    config: Option<PathBuf>,
    /// Where the database and the operator's socket live.
    #[arg(long, value_name = "DIR", default_value = "handsel-data")]
    data: PathBuf,
}

pub async fn run(serve: Serve) -> Outcome {
    let config = super::read_config(Verb::Serve, serve.config.as_deref())?;
    super::make_private_directory(&serve.data)?;
    let key = config.encryption_key.clone().ok_or_else(|| Failure::usage("encryption_key is missing"))?;
    let (listener, base_url) = server::bind(&config).await?;
    let house = wire::house(&config, &serve.data, key, Arc::new(OsEntropy), None).await?;
    wire::check_chains(&house.chains).await?;
    let running = server::start(&config, &serve.data, house, listener, base_url)?;
    say(format_args!("handsel {} listens on {}", env!("CARGO_PKG_VERSION"), running.base_url));
    running.until_told().await
}
