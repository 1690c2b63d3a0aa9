//! `/v1/test/…`: the sandbox's commands. A live server has none of these routes.

use super::{api_keys, checkouts, wallets, webhooks};
use crate::extract::{de, json};
use crate::route::{Call, Outcome};
use handsel_core::chain::Kind;
use handsel_engine::test_world::TestPay as Pay;
use handsel_engine::trigger::{Terms, Thing, Trigger};
use handsel_engine::{Code, Refusal};
use handsel_types::asks::{MoveTestClock, TestFaults, TestMine, TestPay, TestReceivers, TestReorg, TestTrigger};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) async fn pay(mut call: Call) -> Outcome {
    let body: TestPay = call.body().await?;
    let ask = call.ask()?;
    let pay = Pay { amount: body.amount, asset: body.asset, network: body.network, from: body.from };
    Ok(call.app.engine().test_pay(&ask, call.id()?, pay).await?.into())
}

pub(crate) async fn expire(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_expire(&ask, call.id()?).await?.into())
}

pub(crate) async fn mine(mut call: Call) -> Outcome {
    let body: TestMine = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_mine(&ask, call.param("network"), body.blocks.unwrap_or(1)).await?.into())
}

pub(crate) async fn finalize(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_finalize(&ask, call.param("network")).await?.into())
}

pub(crate) async fn reorg(mut call: Call) -> Outcome {
    let body: TestReorg = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_reorg(&ask, call.param("network"), body.depth, body.drop).await?.into())
}

pub(crate) async fn faults(mut call: Call) -> Outcome {
    let body: TestFaults = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_fault(&ask, call.param("network"), &body.kind, body.seconds).await?.into())
}

pub(crate) async fn clock(mut call: Call) -> Outcome {
    let body: MoveTestClock = call.body().await?;
    let ask = call.ask()?;
    let engine = call.app.engine();
    let answer = match (body.advance_seconds, body.set) {
        (Some(seconds), None) => engine.test_clock_advance(&ask, seconds).await?,
        (None, Some(unix)) => engine.test_clock_set(&ask, unix).await?,
        (None, None) => {
            let detail = "send advance_seconds, or set";
            return Err(Refusal::new(Code::ParameterMissing, detail).at("/advance_seconds"));
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::new(Code::ParameterInvalid, "send advance_seconds or set, not both").at("/set"));
        }
    };
    Ok(answer.into())
}

pub(crate) async fn add_receiver(mut call: Call) -> Outcome {
    let body: TestReceivers = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_add_receiver(&ask, body.status, body.delay_ms.unwrap_or(0)).await?.into())
}

pub(crate) async fn receiver_requests(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().test_receiver_requests(&ask, call.id()?).await?.into())
}

pub(crate) async fn trigger(mut call: Call) -> Outcome {
    let body: TestTrigger = call.body().await?;
    let ask = call.ask()?;
    let engine = call.app.engine();
    let trigger = Trigger::parse(&body.kind)?;
    let terms = terms(&trigger, body.r#override, |kind| engine.made_up_address(kind));
    let terms = terms.map_err(|refused| refused.under("/override"))?;
    Ok(engine.test_trigger(&ask, trigger, terms).await?.into())
}

type Members = BTreeMap<String, Value>;

/// The terms of what a trigger makes: the house's own, with the given members in place of them.
fn terms(trigger: &Trigger, given: Members, address: impl Fn(Kind) -> String) -> Result<Terms, Refusal> {
    match trigger.thing() {
        Thing::Checkout => {
            let own = json!({"amount": "19.99", "currency": "USD"});
            Ok(Terms::Checkout(checkouts::terms(merged(own, given)?)?))
        }
        Thing::Wallet => {
            let kind = given.get("type").and_then(Value::as_str).and_then(Kind::parse).unwrap_or_default();
            let own = json!({"type": kind.name(), "mode": "static", kind.name(): {"address": address(kind)}});
            Ok(Terms::Wallet(wallets::terms(merged(own, given)?)?))
        }
        Thing::Webhook => {
            let own = json!({"url": "", "enabled_events": [trigger.name()]});
            Ok(Terms::Webhook(webhooks::terms(merged(own, given)?)?))
        }
        Thing::ApiKey => {
            let mut own = json!({"name": "Made by a trigger"});
            // The asker holds this scope, so it may grant it.
            if !given.contains_key("class") {
                own["scopes"] = json!(["test:write"]);
            }
            Ok(Terms::ApiKey(api_keys::terms(merged(own, given)?)?))
        }
    }
}

fn merged<T: DeserializeOwned>(own: Value, given: Members) -> Result<T, Refusal> {
    let Value::Object(mut members) = own else { return Err(Refusal::internal()) };
    members.extend(given);
    de::from_value(&json::parse(&handsel_view::json(&members))?)
}
