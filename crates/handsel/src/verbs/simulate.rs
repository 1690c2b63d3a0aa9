//! `simulate …`: the sandbox's commands (02 "Sandbox only").

use super::Server;
use crate::exit::{Failure, Outcome, print};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

#[derive(Debug, Args)]
pub struct Simulate {
    #[command(subcommand)]
    what: What,
    /// The answer on one line.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Pays a checkout: by default its first option, exact.
    Pay {
        checkout: String,
        #[arg(long)]
        amount: Option<String>,
        #[arg(long)]
        asset: Option<String>,
        #[arg(long)]
        network: Option<String>,
        #[arg(long)]
        from: Option<String>,
    },
    /// Mines blocks.
    Mine {
        #[arg(default_value = "sandbox-evm")]
        network: String,
        #[arg(default_value_t = 1)]
        blocks: u64,
    },
    /// Mines until all that is there is confirmed and finalized.
    Finalize {
        #[arg(default_value = "sandbox-evm")]
        network: String,
    },
    /// Replaces the newest blocks; transactions named by --drop vanish.
    Reorg {
        #[arg(default_value = "sandbox-evm")]
        network: String,
        #[arg(long, default_value_t = 1)]
        depth: u64,
        #[arg(long)]
        drop: Vec<String>,
    },
    /// Makes the network's node misbehave: outage, lag, empty_logs, wrong_chain, garbage, slow.
    Fault {
        kind: String,
        #[arg(long, default_value = "sandbox-evm")]
        network: String,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Moves the clock past a checkout's end and mines a block.
    Expire { checkout: String },
    /// Moves the server's clock.
    Clock {
        #[arg(long, conflicts_with = "set")]
        advance: Option<u64>,
        #[arg(long, value_name = "UNIX")]
        set: Option<i64>,
    },
    /// Opens a receiver that answers with these statuses, one after the other.
    Receiver {
        #[arg(long = "status")]
        status: Vec<u16>,
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
    },
    /// What a receiver got.
    Requests { receiver: String },
}

pub async fn run(simulate: Simulate) -> Outcome {
    let client = simulate.server.client()?;
    let answer = match simulate.what {
        What::Requests { receiver } => client.get(&format!("/v1/test/receivers/{receiver}/requests")).await?,
        what => {
            let (path, body) = request(what)?;
            client.post(&path, &body).await?
        }
    };
    if simulate.json {
        print(answer)
    } else {
        print(format_args!("{answer:#}"))
    }
    Ok(())
}

fn request(what: What) -> Result<(String, Value), Failure> {
    let network = |network: &str, verb: &str| format!("/v1/test/networks/{network}/{verb}");
    Ok(match what {
        What::Pay { checkout, amount, asset, network, from } => {
            let given = [("amount", amount), ("asset", asset), ("network", network), ("from", from)];
            let members = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
            (format!("/v1/test/checkouts/{checkout}/pay"), Value::Object(members.collect::<Map<_, _>>()))
        }
        What::Mine { network: name, blocks } => (network(&name, "mine"), json!({"blocks": blocks})),
        What::Finalize { network: name } => (network(&name, "finalize"), json!({})),
        What::Reorg { network: name, depth, drop } => (network(&name, "reorg"), json!({"depth": depth, "drop": drop})),
        What::Fault { kind, network: name, seconds } => {
            (network(&name, "faults"), json!({"kind": kind, "seconds": seconds}))
        }
        What::Expire { checkout } => (format!("/v1/test/checkouts/{checkout}/expire"), json!({})),
        What::Clock { advance: Some(seconds), .. } => {
            ("/v1/test/clock".to_owned(), json!({"advance_seconds": seconds}))
        }
        What::Clock { set: Some(unix), .. } => ("/v1/test/clock".to_owned(), json!({"set": unix})),
        What::Clock { .. } => return Err(Failure::usage("say --advance SECONDS or --set UNIX")),
        What::Receiver { status, delay_ms } => {
            ("/v1/test/receivers".to_owned(), json!({"status": status, "delay_ms": delay_ms}))
        }
        What::Requests { receiver } => return Err(Failure::usage(format!("{receiver} is read, not made"))),
    })
}
