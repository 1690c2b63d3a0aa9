//! `listen --forward-to URL`: brings events to a receiver on this machine. It pulls with the key alone, so the server needs no way
//! to it, and signs what it forwards with a secret of this run.

use super::Server;
use super::keys::text;
use crate::exit::{Failure, Outcome, print, say};
use crate::system::{OsEntropy, SystemClock};
use clap::Args;
use handsel_core::port::{Clock, Entropy};
use handsel_core::secret::SecretText;
use handsel_core::signature;
use handsel_net::egress::{NamedEndpoint, NamedOptions};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use std::time::Duration;

const PULL_INTERVAL_MS: u64 = 500;
const PULL_LIMIT_EVENTS: u32 = 100;
const ANSWER_MAX_BYTES: usize = 64 * 1024;

#[derive(Debug, Args)]
pub struct Listen {
    /// Where events go, such as http://localhost:3000/webhooks.
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// Only these types (names, or checkout.*); may be given several times.
    #[arg(long = "type")]
    kinds: Vec<String>,
    /// Begins after this sequence instead of now.
    #[arg(long)]
    after_sequence: Option<u64>,
    /// Ends once so many events were forwarded.
    #[arg(long)]
    count: Option<u64>,
    /// A file with the signing secret to use; without it one is made and shown.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<std::path::PathBuf>,
    /// One line of JSON for each event.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

pub async fn run(listen: Listen) -> Outcome {
    let client = listen.server.client()?;
    let target = NamedEndpoint::new(&listen.forward_to, &NamedOptions::default())
        .map_err(|_| Failure::usage(format!("--forward-to {} is no http or https URL", listen.forward_to)))?;
    let path = path_of(&listen.forward_to);
    let secret = match &listen.secret_file {
        Some(file) => super::read_secret(file)?,
        None => fresh_secret(),
    };
    say(format_args!("forwarding to {}; signing secret {}", target.label(), secret.expose()));
    let mut after = match listen.after_sequence {
        Some(sequence) => sequence,
        None => client.get("/v1/events?after_sequence=0&limit=1").await?["head"]["sequence"].as_u64().unwrap_or(0),
    };
    let mut forwarded = 0u64;
    loop {
        let page = client.get(&format!("/v1/events?after_sequence={after}&limit={PULL_LIMIT_EVENTS}")).await?;
        for event in page["data"].as_array().into_iter().flatten() {
            after = event["sequence"].as_u64().unwrap_or(after).max(after);
            if wanted(&listen.kinds, text(event, "type")) {
                let answer = forward(&target, &path, &secret, event).await;
                tell(event, answer, listen.json);
                forwarded += 1;
            }
            if listen.count.is_some_and(|count| forwarded >= count) {
                return Ok(());
            }
        }
        if page["has_more"].as_bool() != Some(true) {
            tokio::time::sleep(Duration::from_millis(PULL_INTERVAL_MS)).await;
        }
    }
}

fn wanted(kinds: &[String], kind: &str) -> bool {
    let fits = |pattern: &String| {
        pattern == "*"
            || pattern == kind
            || pattern.strip_suffix(".*").is_some_and(|p| kind.split('.').next() == Some(p))
    };
    kinds.is_empty() || kinds.iter().any(fits)
}

fn fresh_secret() -> SecretText {
    let mut bytes = [0u8; 32];
    OsEntropy.fill(&mut bytes);
    signature::secret_text(&bytes)
}

fn path_of(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or_else(|| "/".to_owned(), |at| after_scheme[at..].to_owned())
}

/// Gives the status that the receiver answered, or why there is none.
async fn forward(target: &NamedEndpoint, path: &str, secret: &SecretText, event: &Value) -> Result<u16, String> {
    let body = event.to_string().into_bytes();
    let unix = SystemClock.wall().seconds();
    let secrets = [secret.clone()];
    let id = text(event, "id");
    let pairs = [
        ("handsel-signature", signature::handsel(&secrets, unix, &body)),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", unix.to_string()),
        ("webhook-signature", signature::standard(&secrets, id, unix, &body)),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let answer = target.request(Method::POST, path, headers, body.into(), ANSWER_MAX_BYTES).await;
    answer.map(|a| a.status.as_u16()).map_err(|error| error.to_string())
}

fn tell(event: &Value, answer: Result<u16, String>, json: bool) {
    let (id, kind) = (text(event, "id"), text(event, "type"));
    if json {
        let (status, error) = (answer.as_ref().ok(), answer.as_ref().err());
        return print(json!({"event": id, "type": kind, "status_code": status, "error": error}));
    }
    print(format_args!("{id} {kind} -> {}", answer.map_or_else(|error| error, |status| status.to_string())));
}
