//! `accounts create|list`: the operator's, through the running server's socket or, where none runs, on the database itself.

use crate::config::Verb;
use crate::exit::{Failure, Outcome, print, say};
use crate::system::OsEntropy;
use crate::{operator, wire};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// Makes an account and shows its first secret key once.
    Create {
        #[arg(long)]
        name: String,
        #[arg(long)]
        email: String,
        /// us, eu or apac; fixed from then on.
        #[arg(long)]
        region: Option<String>,
        /// standard, scale or enterprise.
        #[arg(long)]
        tier: Option<String>,
        /// What checkouts accept by default, as network:ASSET; may be given several times.
        #[arg(long)]
        accept: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    List {
        #[command(flatten)]
        place: Place,
    },
}

/// Which server is asked.
#[derive(Debug, Args)]
pub struct Place {
    #[arg(long, value_name = "DIR", default_value = "handsel-data")]
    data: PathBuf,
    #[arg(long, value_name = "FILE", env = "HANDSEL_CONFIG")]
    config: Option<PathBuf>,
    #[arg(long)]
    pub(super) json: bool,
}

pub async fn run(accounts: Accounts) -> Outcome {
    match accounts {
        Accounts::Create { name, email, region, tier, accept, place } => {
            let ask = json!({"verb": "accounts.create", "name": name, "email": email, "region": region, "tier": tier,
                "accept": accept});
            let created = operate(&place, &ask).await?;
            if place.json {
                print(&created);
            } else {
                print(created["secret_key"].as_str().unwrap_or_default());
                let id = created["id"].as_str().unwrap_or_default();
                say(format_args!("{id} created; this is its first secret key, shown once"));
            }
        }
        Accounts::List { place } => {
            let list = operate(&place, &json!({"verb": "accounts.list"})).await?;
            if place.json {
                print(&list);
            } else {
                for account in list["data"].as_array().into_iter().flatten() {
                    let text = |name: &str| account[name].as_str().unwrap_or_default();
                    print(format_args!("{}  {:<9}  {}", text("id"), text("status"), text("name")));
                }
            }
        }
    }
    Ok(())
}

pub(super) async fn operate(place: &Place, ask: &Value) -> Result<Value, Failure> {
    let answer = match operator::ask(&place.data, ask).await? {
        Some(answer) => answer,
        None => offline(place, ask).await?,
    };
    match answer["error"].as_str() {
        Some(error) => Err(Failure::usage(error)),
        None => Ok(answer),
    }
}

async fn offline(place: &Place, ask: &Value) -> Result<Value, Failure> {
    let config = super::read_config(Verb::Serve, place.config.as_deref()).map_err(|failure| {
        Failure::new(failure.code, format!("no server runs on {}, and {}", place.data.display(), failure.message))
    })?;
    let key = config.encryption_key.clone().ok_or_else(|| Failure::usage("no encryption key"))?;
    let house = wire::house(&config, &place.data, key, Arc::new(OsEntropy), None).await?;
    let answer = operator::answer(&house.engine, &house.chains, ask).await;
    house.store.writer.close().await;
    Ok(answer)
}
