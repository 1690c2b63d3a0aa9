//! `events list|get|resend`.

use super::Server;
use super::keys::text;
use crate::exit::{Outcome, print};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub enum Events {
    /// The newest events, or those after a sequence, oldest first.
    List {
        #[arg(long)]
        after_sequence: Option<u64>,
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Such as checkout.completed or checkout.*.
        #[arg(long = "type")]
        kind: Option<String>,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    Get {
        id: String,
        /// On one line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Sends an event to a webhook again.
    Resend {
        id: String,
        #[arg(long)]
        webhook: String,
        /// On one line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
}

pub async fn run(events: Events) -> Outcome {
    match events {
        Events::List { after_sequence, limit, kind, json, server } => {
            let mut path = format!("/v1/events?limit={limit}");
            if let Some(sequence) = after_sequence {
                path.push_str(&format!("&after_sequence={sequence}"));
            }
            if let Some(kind) = kind {
                path.push_str(&format!("&type={kind}"));
            }
            let page = server.client()?.get(&path).await?;
            if json { print(&page) } else { lines(&page) }
        }
        Events::Get { id, json, server } => {
            let event = server.client()?.get(&format!("/v1/events/{id}")).await?;
            show(&event, json);
        }
        Events::Resend { id, webhook, json, server } => {
            let body = json!({"webhook": webhook});
            let delivery = server.client()?.post(&format!("/v1/events/{id}/resend"), &body).await?;
            show(&delivery, json);
        }
    }
    Ok(())
}

fn show(value: &Value, json: bool) {
    if json { print(value) } else { print(format_args!("{value:#}")) }
}

fn lines(page: &Value) {
    for event in page["data"].as_array().into_iter().flatten() {
        let object = &event["data"]["object"]["id"];
        print(format_args!(
            "{:>6}  {}  {:<28}  {}",
            event["sequence"].to_string(),
            text(event, "id"),
            text(event, "type"),
            object.as_str().unwrap_or_default()
        ));
    }
}
