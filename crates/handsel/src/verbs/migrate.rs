//! `migrate`: brings a database's schema up to date. On PostgreSQL with the role that owns the tables (`database.migrate_url`), so that
//! the server's own role can neither change the schema nor the audit log.

use crate::config::Verb;
use crate::exit::{Failure, Outcome, print};
use crate::wire;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Migrate {
    #[arg(long, value_name = "FILE", env = "HANDSEL_CONFIG")]
    config: Option<PathBuf>,
    #[arg(long, value_name = "DIR", default_value = "handsel-data")]
    data: PathBuf,
    #[arg(long)]
    json: bool,
}

pub async fn run(migrate: Migrate) -> Outcome {
    let config = super::read_config(Verb::Serve, migrate.config.as_deref())?;
    if config.database.url.is_some() {
        wire::migrate_postgres(&config).await?;
    } else {
        if crate::operator::runs(&migrate.data).await {
            return Err(Failure::failed(
                "a server runs on this directory: stop it first; it migrates at its next start",
            ));
        }
        super::make_private_directory(&migrate.data)?;
        wire::open_store(&config, &migrate.data).await?.writer.close().await;
    }
    if migrate.json {
        print(json!({"migrated": true}))
    } else {
        print("the schema is up to date")
    }
    Ok(())
}
