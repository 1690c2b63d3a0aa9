//! `get|post|patch|delete PATH`: the raw API call.

use super::Server;
use crate::exit::{Failure, Outcome, print};
use clap::Args;
use http::Method;
use serde_json::{Map, Value};

#[derive(Debug, Args)]
pub struct Call {
    /// Such as /v1/checkouts.
    path: String,
    /// Members of the body as name=value, or one JSON text with --data.
    #[arg(value_name = "NAME=VALUE")]
    members: Vec<String>,
    /// The whole body as JSON.
    #[arg(long, short, conflicts_with = "members")]
    data: Option<String>,
    /// On one line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

pub async fn run(method: Method, call: Call) -> Outcome {
    if !call.path.starts_with('/') {
        return Err(Failure::usage(format!("a path begins with a slash: /v1/{}", call.path)));
    }
    let body = body(&call)?;
    let body = if method == Method::GET || method == Method::DELETE { None } else { Some(body) };
    let value = call.server.client()?.call(method, &call.path, body.as_ref()).await?;
    if call.json {
        print(value)
    } else {
        print(format_args!("{value:#}"))
    }
    Ok(())
}

fn body(call: &Call) -> Result<Value, Failure> {
    if let Some(text) = &call.data {
        return serde_json::from_str(text).map_err(|error| Failure::usage(format!("--data is no JSON: {error}")));
    }
    let mut body = Map::new();
    for member in &call.members {
        let (name, value) =
            member.split_once('=').ok_or_else(|| Failure::usage(format!("{member:?} is no NAME=VALUE")))?;
        body.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    Ok(Value::Object(body))
}
