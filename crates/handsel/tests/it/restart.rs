//! Servers that end and come again on the same data: what was answered holds, and is done once.

mod kills;

use crate::harness::{Base, Data, Server, Setup, field, listed, on_each_engine, runtime};
use crate::payments::{CONFIRMATIONS, now, payments};
use handsel_core::port::Clock;
use handsel_sandbox::World;
use serde_json::{Value, json};

on_each_engine! {
    data_on:
    an_open_checkout_keeps_its_address,
    a_payment_from_before_the_stop_is_credited_once,
    answers_are_replayed_byte_for_byte,
    events_go_on_without_a_gap,
    the_audit_log_goes_on,
    time_that_passed_meanwhile_is_made_up_for,
}

async fn start(data: Data) -> Server {
    Server::start(Setup::default(), data).await
}

/// A block while nobody looks.
fn unseen(world: &World) {
    let time = u64::try_from(world.clock().now().seconds()).unwrap();
    world.chain().unwrap().mine(1, time).unwrap();
}

pub(super) fn address(checkout: &Value) -> String {
    field(&checkout["payment_options"][0]["evm"], "address")
}

async fn an_open_checkout_keeps_its_address(data: Data) {
    let s = start(data).await;
    let checkout = s.checkout_with(json!({"amount": "5.00", "currency": "USD", "reference": "order-1"})).await;
    let s = s.restart().await;
    let mut after = s.again(&checkout).await;
    // The port is another one, and nothing else.
    after["url"] = checkout["url"].clone();
    assert_eq!(after, checkout);
    assert_ne!(address(&s.checkout("5.00").await), address(&checkout), "no address is given twice");
    s.pay(&checkout, json!({})).await;
    s.mined(CONFIRMATIONS).await;
    assert_eq!(now(&s, &checkout).await.1, "complete/paid");
    s.finish().await;
}

async fn a_payment_from_before_the_stop_is_credited_once(data: Data) {
    let s = start(data).await;
    let (waiting, seen) = (s.checkout("5.00").await, s.checkout("6.00").await);
    s.pay(&seen, json!({})).await;
    s.mined(1).await;
    assert_eq!(now(&s, &seen).await.1, "processing/detected");
    s.pay(&waiting, json!({})).await;
    let s = s.restart_while(unseen).await;
    s.watched().await;
    let s = s.restart_while(unseen).await;
    s.mined(CONFIRMATIONS).await;
    let told = s.events().await.len();
    let s = s.restart().await;
    s.mined(CONFIRMATIONS).await;
    for checkout in [&waiting, &seen] {
        let (_, standing, verdicts) = now(&s, checkout).await;
        assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
        let story = s.story(checkout).await;
        for once in ["payment.detected", "checkout.processing", "payment.succeeded", "checkout.completed"] {
            assert_eq!(story.iter().filter(|kind| *kind == once).count(), 1, "{once} in {story:?}");
        }
        assert_eq!(payments(&s, checkout).await[0]["finalized"], true);
    }
    assert_eq!(s.events().await.len(), told, "what is settled is not told again");
    s.finish().await;
}

async fn answers_are_replayed_byte_for_byte(data: Data) {
    let asked = [
        ("/v1/checkouts", json!({"amount": "5.00", "currency": "USD"})),
        ("/v1/api_keys", json!({"name": "x"})),
        ("/v1/webhooks", json!({"url": "https://shop.example/hook", "enabled_events": ["payment.*"]})),
    ];
    let s = start(data).await;
    let mut first = Vec::new();
    for (path, body) in &asked {
        let answer = s.request("POST", path).idempotent("once").json(body).send().await;
        answer.ok();
        first.push(answer);
    }
    let s = s.restart().await;
    for ((path, body), first) in asked.iter().zip(&first) {
        let again = s.request("POST", path).idempotent("once").json(body).send().await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")), "{path}");
        assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")), "{path}");
    }
    let other =
        s.request("POST", "/v1/checkouts").idempotent("once").json(&json!({"amount": "6.00", "currency": "USD"}));
    other.send().await.refused(422, "idempotency_key_reused");
    assert_eq!(listed(&s.get("/v1/checkouts").await).len(), 1);
    s.finish().await;
}

async fn events_go_on_without_a_gap(data: Data) {
    let mut s = start(data).await;
    let mut before = Vec::new();
    for _ in 0..3 {
        let checkout = s.checkout("5.00").await;
        s.act(&checkout, "cancel", json!({})).await.ok();
        let all = s.events().await;
        assert_eq!(all[..before.len()], before, "what was told stays as it was");
        let numbers: Vec<_> = all.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<_>>());
        before = all;
        s = s.restart().await;
    }
    s.finish().await;
}

async fn the_audit_log_goes_on(data: Data) {
    let s = start(data).await;
    s.checkout("5.00").await;
    s.settled().await;
    let before = s.checkpoint().await;
    let s = s.restart().await;
    s.settled().await;
    let between = s.checkpoint().await;
    s.grew(before, between).await;
    s.checkout("6.00").await;
    s.settled().await;
    let after = s.checkpoint().await;
    assert!(after.size > between.size);
    s.grew(before, after).await;
    s.grew(between, after).await;
    s.finish().await;
}

#[test]
fn the_same_seed_makes_the_same_server() {
    runtime().block_on(async {
        let mut keys = Vec::new();
        for seed in [7, 7, 8] {
            let s = start(Data::seeded(Base::Sqlite, seed).await.unwrap()).await;
            keys.push((s.secret_key.clone(), s.publishable_key.clone()));
            s.finish().await;
        }
        assert_eq!(keys[0], keys[1]);
        assert_ne!(keys[1], keys[2]);
    });
}

async fn time_that_passed_meanwhile_is_made_up_for(data: Data) {
    let s = start(data).await;
    let short = s.checkout_with(json!({"amount": "5.00", "currency": "USD", "expires_in": 60})).await;
    let long = s.checkout("5.00").await;
    let s = s
        .restart_while(|world| {
            world.clock().advance(600).unwrap();
            unseen(world);
        })
        .await;
    s.becomes(&short, "status", "expired").await;
    assert_eq!(s.story(&short).await, ["checkout.created", "checkout.expired"]);
    assert_eq!(s.again(&long).await["status"], "open");
    s.finish().await;
}
