//! `trigger EVENT`: makes the real objects whose life sends an event (02 "Sandbox only").

use super::Server;
use crate::exit::{Failure, Outcome, print};
use clap::Args;
use handsel_engine::trigger::triggerable;
use serde_json::{Map, Value, json};

#[derive(Debug, Args)]
pub struct Trigger {
    /// Such as checkout.completed; --list names them all.
    #[arg(required_unless_present = "list")]
    event: Option<String>,
    /// A member of what is made for it: NAME=TEXT, or NAME:=JSON. May be there several times.
    #[arg(long = "override", value_name = "NAME=VALUE")]
    overrides: Vec<String>,
    /// The events that can be triggered.
    #[arg(long, conflicts_with_all = ["event", "overrides"])]
    list: bool,
    /// On one line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

pub async fn run(trigger: Trigger) -> Outcome {
    let Some(event) = trigger.event.filter(|_| !trigger.list) else {
        if trigger.json {
            print(json!(triggerable().collect::<Vec<_>>()));
        } else {
            triggerable().for_each(print);
        }
        return Ok(());
    };
    let body = json!({"type": event, "override": members(&trigger.overrides)?});
    let sent = trigger.server.client()?.post("/v1/test/events/trigger", &body).await?;
    if trigger.json {
        print(sent)
    } else {
        print(format_args!("{sent:#}"))
    }
    Ok(())
}

/// `NAME=TEXT` and `NAME:=JSON` as the members of an object.
pub(super) fn members(given: &[String]) -> Result<Map<String, Value>, Failure> {
    let member = |text: &String| -> Result<(String, Value), Failure> {
        let (name, value) = text.split_once('=').ok_or_else(|| Failure::usage(format!("{text:?} is no NAME=VALUE")))?;
        match name.strip_suffix(':') {
            None => Ok((name.to_owned(), Value::String(value.to_owned()))),
            Some(name) => {
                let value = serde_json::from_str(value);
                let value = value.map_err(|error| Failure::usage(format!("{name} is no JSON: {error}")))?;
                Ok((name.to_owned(), value))
            }
        }
    };
    given.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn members_are_texts_or_json() {
        let given = ["amount=5.00", "metadata:={\"a\":\"b=c\"}", "reference=a=b"].map(str::to_owned);
        let want = json!({"amount": "5.00", "metadata": {"a": "b=c"}, "reference": "a=b"});
        assert_eq!(Value::Object(members(&given).unwrap()), want);
        for wrong in ["amount", "expires_in:=", "expires_in:=x"] {
            assert!(members(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
