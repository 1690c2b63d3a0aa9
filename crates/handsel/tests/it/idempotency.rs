//! The same request twice is one effect and one answer.

use crate::harness::{Http, Reply, Server, field, listed, on_each_engine};
use handsel_core::audit::Leaf;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_each_engine! {
    run_on:
    a_replay_is_the_first_answer_byte_for_byte,
    refused_requests_are_not_remembered,
    keys_are_of_one_route_and_one_account,
    a_hundred_at_once_are_one,
    who_comes_while_the_first_still_runs_is_told_so,
    a_dry_run_writes_nothing,
}

async fn create(http: &Http, key: &str, body: &Value) -> Reply {
    http.request("POST", "/v1/checkouts").idempotent(key).json(body).send().await
}

fn order() -> Value {
    json!({"amount": "5.00", "currency": "USD", "reference": "order-1"})
}

async fn a_replay_is_the_first_answer_byte_for_byte(s: &Server) {
    let first = create(s, "a", &order()).await;
    first.ok();
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None));
    let id = field(&first.json(), "id");
    s.post(&format!("/v1/checkouts/{id}/cancel"), json!({})).await.ok();
    let again = create(s, "\"a\"", &order()).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    assert_eq!(listed(&s.get("/v1/checkouts").await).len(), 1);
    let secret = async || s.request("POST", "/v1/api_keys").idempotent("k").json(&json!({"name": "x"})).send().await;
    let (made, replayed) = (secret().await, secret().await);
    assert_eq!(field(&made.ok(), "secret"), field(&replayed.ok(), "secret"), "shown again to its asker");
}

async fn refused_requests_are_not_remembered(s: &Server) {
    let wrong = json!({"amount": "0", "currency": "USD"});
    create(s, "a", &wrong).await.refused(422, "amount_below_minimum");
    create(s, "a", &order()).await.ok();
}

async fn keys_are_of_one_route_and_one_account(s: &Server) {
    let other = crate::errors::another_account(s, handsel_core::account::Tier::Enterprise).await;
    create(s, "a", &order()).await.ok();
    let key = s.request("POST", "/v1/api_keys").idempotent("a").json(&json!({"name": "x"})).send().await;
    key.ok();
    let theirs = other.request("POST", "/v1/api_keys").idempotent("a").json(&json!({"name": "y"})).send().await;
    assert_eq!((theirs.ok()["name"].as_str(), theirs.header("idempotent-replayed")), (Some("y"), None));
    let second = s.with(&field(&key.json(), "secret"));
    let refused = create(&second, "a", &order()).await;
    let problem = refused.refused(422, "idempotency_key_reused");
    assert!(problem["detail"].as_str().unwrap().contains("API key"), "sealed under the asker's own key: {problem}");
}

async fn a_hundred_at_once_are_one(s: &Server) {
    let mut asked = Vec::new();
    for _ in 0..100 {
        let http: Http = (**s).clone();
        asked.push(tokio::spawn(async move { create(&http, "same", &order()).await }));
    }
    let mut answers = BTreeSet::new();
    let mut running = 0;
    for one in asked {
        let reply = one.await.unwrap();
        if reply.status == 409 {
            reply.refused(409, "idempotency_in_progress");
            running += 1;
        } else {
            reply.ok();
            answers.insert(reply.body);
        }
    }
    assert_eq!(answers.len(), 1, "identical answers ({running} were told to wait)");
    assert!(answers.contains(&create(s, "same", &order()).await.body));
    assert_eq!(listed(&s.get("/v1/checkouts").await).len(), 1);
    let told = s.events().await;
    assert_eq!(told.iter().filter(|e| e["type"] == "checkout.created").count(), 1);
}

async fn who_comes_while_the_first_still_runs_is_told_so(s: &Server) {
    // The hashing of a new key's secret takes long enough for somebody to come in between.
    let ask = |http: Http| async move {
        http.request("POST", "/v1/api_keys").idempotent("slow").json(&json!({"name": "x"})).send().await
    };
    for _ in 0..50 {
        let several: Vec<_> = (0..8).map(|_| tokio::spawn(ask((**s).clone()))).collect();
        let mut told = false;
        for one in several {
            let reply = one.await.unwrap();
            told |= reply.status == 409;
            if reply.status == 409 {
                reply.reviewed(409, "idempotency_in_progress");
            }
        }
        if told {
            return;
        }
    }
    panic!("nobody was told idempotency_in_progress");
}

/// How much there is of what a request may leave behind. That it was asked (`POST /v1/…`) is noted in any case, a little later.
async fn traces(s: &Server) -> (usize, usize, usize, usize) {
    let events = s.events().await.len();
    let leaves = s.leaves(s.store.reader.audit_head().await.unwrap().size).await;
    let deeds = leaves.iter().filter(|leaf| !Leaf::parse(leaf).unwrap().action.contains(' ')).count();
    let checkouts = listed(&s.get("/v1/checkouts?limit=100").await).len();
    let webhooks = listed(&s.get("/v1/webhooks?limit=100").await).len();
    (events, deeds, checkouts, webhooks)
}

async fn a_dry_run_writes_nothing(s: &Server) {
    let checkout = s.checkout("5.00").await;
    let id = field(&checkout, "id");
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({"enabled_events": ["payment.*"]})).await;
    let before = traces(s).await;
    let create = s.request("POST", "/v1/checkouts?dry_run=true").idempotent("dry").json(&order()).send().await;
    assert_eq!((create.status, &create.ok()["dry_run"]), (200, &json!(true)));
    assert_eq!(create.json()["status"], "open");
    s.post("/v1/checkouts?dry_run=true", json!({"amount": "0", "currency": "USD"}))
        .await
        .refused(422, "amount_below_minimum");
    assert_eq!(s.post(&format!("/v1/checkouts/{id}/cancel?dry_run=true"), json!({})).await.ok()["status"], "canceled");
    let patch = s.patch(&format!("/v1/checkouts/{id}?dry_run=true"), json!({"metadata": {"a": "b"}})).await;
    assert_eq!(patch.ok()["dry_run"], true);
    s.post("/v1/api_keys?dry_run=true", json!({"name": "x"})).await.ok();
    let deleted = s.delete(&format!("/v1/webhooks/{}?dry_run=true", field(&webhook, "id"))).await.ok();
    assert_eq!(deleted["dry_run"], true);
    let wet = traces(s).await;
    assert_eq!(before, wet);
    assert_eq!(s.again(&checkout).await, checkout);
    let real = s.request("POST", "/v1/checkouts").idempotent("dry").json(&order()).send().await;
    assert_eq!((real.status, real.header("idempotent-replayed")), (201, None), "a dry run takes no key");
    let index = |c: &Value| c["payment_options"][0]["evm"]["proof"]["derivation_index"].as_u64().unwrap();
    assert_eq!(index(&real.json()), index(&checkout) + 1, "a dry run takes no address");
}
