//! `networks list|resume`: the operator's, through the running server's socket or, where none runs, on the database itself.

use crate::exit::{Outcome, print, say};
use crate::verbs::accounts::{Place, operate};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub enum Networks {
    /// Where each network stands, and which are halted.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Lets a halted network go on from a block, which counts as final from then on.
    Resume {
        /// The network's name.
        name: String,
        /// The block's hash: of the branch that you trust, as a node of your own or a block explorer shows it.
        #[arg(long, value_name = "HASH")]
        from_block: String,
        #[command(flatten)]
        place: Place,
    },
}

pub async fn run(networks: Networks) -> Outcome {
    match networks {
        Networks::List { place } => {
            let list = operate(&place, &json!({"verb": "networks.list"})).await?;
            if place.json {
                print(&list);
            } else {
                list["data"].as_array().into_iter().flatten().for_each(|network| print(line(network)));
            }
        }
        Networks::Resume { name, from_block, place } => {
            let ask = json!({"verb": "networks.resume", "network": name, "from_block": from_block});
            let resumed = operate(&place, &ask).await?;
            if place.json {
                print(&resumed);
            } else {
                say(format_args!(
                    "{name} goes on from block {}; {} blocks were taken back, {} of the named branch were read",
                    resumed["block_number"], resumed["taken_back"], resumed["added"]
                ));
            }
        }
    }
    Ok(())
}

fn line(network: &Value) -> String {
    let text = |name: &str| network[name].as_str().unwrap_or_default();
    let at = match network["block_number"].as_u64() {
        Some(number) => format!("block {number} {}", text("block_hash")),
        None => "nothing read yet".to_owned(),
    };
    let degraded =
        if text("degraded").is_empty() { String::new() } else { format!("  degraded: {}", text("degraded")) };
    let why = if text("detail").is_empty() { String::new() } else { format!("  {}", text("detail")) };
    format!("{:<16}  {:<8}  {at}{degraded}{why}", text("network"), text("state"))
}
