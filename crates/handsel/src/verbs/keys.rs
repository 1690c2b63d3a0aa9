//! `keys create|list|roll|revoke`.

use super::Server;
use crate::exit::{Outcome, print, say};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Makes a key and shows its text once.
    Create {
        #[arg(long)]
        name: String,
        /// secret, restricted or publishable; restricted where scopes are given, secret otherwise.
        #[arg(long)]
        class: Option<String>,
        /// Such as checkouts:write; may be given several times.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// A CIDR that may use the key; may be given several times.
        #[arg(long = "allow-ip")]
        allowed_ips: Vec<String>,
        #[arg(long = "allow-origin")]
        allowed_origins: Vec<String>,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    List {
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Makes a successor; the old key goes on for the grace.
    Roll {
        id: String,
        #[arg(long, default_value_t = 86_400)]
        grace_seconds: u64,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// At once and for ever.
    Revoke {
        id: String,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
}

pub async fn run(keys: Keys) -> Outcome {
    match keys {
        Keys::Create { name, class, scopes, allowed_ips, allowed_origins, json, server } => {
            let mut body = json!({"name": name, "scopes": scopes, "allowed_ips": allowed_ips,
                "allowed_origins": allowed_origins});
            if let Some(class) = class {
                body["class"] = class.into();
            }
            show_new(&server.client()?.post("/v1/api_keys", &body).await?, json);
        }
        Keys::List { json, server } => list(&server.client()?.get("/v1/api_keys?limit=100").await?, json),
        Keys::Roll { id, grace_seconds, json, server } => {
            let body = json!({"grace_seconds": grace_seconds});
            show_new(&server.client()?.post(&format!("/v1/api_keys/{id}/roll"), &body).await?, json);
        }
        Keys::Revoke { id, json, server } => {
            let key = server.client()?.post(&format!("/v1/api_keys/{id}/revoke"), &json!({})).await?;
            if json { print(&key) } else { print(format_args!("{id} revoked")) }
        }
    }
    Ok(())
}

fn show_new(key: &Value, json: bool) {
    if json {
        return print(key);
    }
    print(key["secret"].as_str().unwrap_or_default());
    say(format_args!("{} — shown once; keep it in your server's environment", text(key, "id")));
}

fn list(page: &Value, json: bool) {
    if json {
        return print(page);
    }
    for key in page["data"].as_array().into_iter().flatten() {
        print(format_args!(
            "{}  {:<11}  {:<8}  {}…  {}",
            text(key, "id"),
            text(key, "class"),
            text(key, "status"),
            text(key, "prefix"),
            text(key, "name")
        ));
    }
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
