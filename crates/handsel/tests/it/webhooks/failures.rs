//! Receivers that fail, and what is done about it.

use super::{HOURS, body, last, verified};
use crate::harness::{Server, field, listed, on_each_engine, until};
use serde_json::{Value, json};

on_each_engine! {
    run_on:
    what_failed_is_tried_again_when_its_time_has_come,
    gone_means_gone,
    redirects_are_not_followed,
    a_failing_head_holds_back_its_own_object_only,
    a_deleted_webhook_gets_nothing_more,
    a_disabled_webhook_rests_until_it_is_enabled,
    a_webhook_has_a_schedule_of_its_own,
}

/// A checkout that doesn't expire while the clock is moved.
async fn lasting(s: &Server, amount: &str) -> Value {
    s.checkout_with(json!({"amount": amount, "currency": "USD", "expires_in": 2_592_000})).await
}

async fn delivery(s: &Server) -> Value {
    listed(&s.get("/v1/deliveries").await).pop().unwrap()
}

/// Waits until a delivery has so many attempts.
async fn tried(s: &Server, attempts: usize) -> Value {
    until(&format!("{attempts} attempts"), async || {
        Some(delivery(s).await).filter(|d| d["attempts"].as_array().unwrap().len() >= attempts)
    })
    .await
}

async fn what_failed_is_tried_again_when_its_time_has_come(s: &Server) {
    let receiver = s.receiver(&[500, 503, 200]).await;
    let webhook = s.webhook(&receiver, json!({})).await;
    lasting(s, "5.00").await;
    let first = tried(s, 1).await;
    assert_eq!((&first["status"], &first["attempts"][0]["status_code"]), (&json!("pending"), &json!(500)));
    assert!(first["next_attempt_at"].as_i64() > first["attempts"][0]["at"].as_i64());
    assert_eq!(s.received(&receiver).await.len(), 1);
    s.advance(HOURS).await;
    tried(s, 2).await;
    s.advance(HOURS).await;
    let third = tried(s, 3).await;
    assert_eq!(third["status"], "succeeded");
    let got = s.received(&receiver).await;
    assert_eq!(got.len(), 3);
    let ids: std::collections::BTreeSet<_> = got.iter().map(|r| super::header(r, "webhook-id")).collect();
    assert_eq!(ids.len(), 1, "the same id on every try");
    for request in &got {
        verified(&field(&webhook, "signing_secret"), request);
    }
    let numbers: Vec<_> = third["attempts"].as_array().unwrap().iter().map(|a| a["number"].as_u64()).collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
}

async fn gone_means_gone(s: &Server) {
    let receiver = s.receiver(&[410]).await;
    let webhook = s.webhook(&receiver, json!({})).await;
    lasting(s, "5.00").await;
    s.becomes(&webhook, "status", "disabled").await;
    let told = s.events().await;
    assert!(told.iter().any(|e| e["type"] == "webhook.disabled"), "the owner is told");
    lasting(s, "6.00").await;
    s.advance(HOURS).await;
    s.delivered().await;
    assert_eq!(s.received(&receiver).await.len(), 1, "nothing more is sent");
    s.act(&webhook, "test", json!({})).await.refused(409, "state_conflict");
}

async fn redirects_are_not_followed(s: &Server) {
    let receiver = s.receiver(&[302, 307, 200]).await;
    s.webhook(&receiver, json!({})).await;
    lasting(s, "5.00").await;
    let first = tried(s, 1).await;
    assert_eq!((&first["status"], &first["attempts"][0]["status_code"]), (&json!("pending"), &json!(302)));
    s.advance(HOURS).await;
    assert_eq!(tried(s, 2).await["attempts"][1]["status_code"], 307);
    s.advance(HOURS).await;
    assert_eq!(tried(s, 3).await["status"], "succeeded");
}

async fn a_failing_head_holds_back_its_own_object_only(s: &Server) {
    let receiver = s.receiver(&[500, 200]).await;
    s.webhook(&receiver, json!({})).await;
    let stuck = lasting(s, "5.00").await;
    tried(s, 1).await;
    s.act(&stuck, "cancel", json!({})).await.ok();
    let free = lasting(s, "6.00").await;
    let got = s.receives(&receiver, 2).await;
    let about: Vec<_> = got.iter().map(|r| body(r)["data"]["object"]["id"].clone()).collect();
    assert_eq!(about, [stuck["id"].clone(), free["id"].clone()]);
    s.advance(HOURS).await;
    let got = s.receives(&receiver, 4).await;
    let told: Vec<_> = got.iter().map(body).filter(|e| e["data"]["object"]["id"] == stuck["id"]).collect();
    let told: Vec<_> = told.iter().map(|e| field(e, "type")).collect();
    assert_eq!(told, ["checkout.created", "checkout.created", "checkout.canceled"]);
}

async fn a_deleted_webhook_gets_nothing_more(s: &Server) {
    let receiver = s.receiver(&[500]).await;
    let webhook = s.webhook(&receiver, json!({})).await;
    lasting(s, "5.00").await;
    let waiting = tried(s, 1).await;
    let deleted = s.delete(&format!("/v1/webhooks/{}", field(&webhook, "id"))).await.ok();
    assert_eq!(deleted, json!({"id": webhook["id"], "object": "webhook", "deleted": true}));
    let canceled = s.get(&format!("/v1/deliveries/{}", field(&waiting, "id"))).await.ok();
    assert_eq!((&canceled["status"], &canceled["next_attempt_at"]), (&json!("canceled"), &Value::Null));
    lasting(s, "6.00").await;
    s.advance(HOURS).await;
    s.delivered().await;
    assert_eq!(s.received(&receiver).await.len(), 1);
    s.get(&format!("/v1/webhooks/{}", field(&webhook, "id"))).await.refused(404, "resource_missing");
}

async fn a_disabled_webhook_rests_until_it_is_enabled(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({})).await;
    assert_eq!(s.act(&webhook, "disable", json!({})).await.ok()["status"], "disabled");
    lasting(s, "5.00").await;
    s.delivered().await;
    assert_eq!(s.received(&receiver).await.len(), 0);
    assert_eq!(s.act(&webhook, "enable", json!({})).await.ok()["status"], "enabled");
    lasting(s, "6.00").await;
    let request = last(s, &receiver, 1).await;
    assert_eq!(body(&request)["type"], "checkout.created");
}

async fn a_webhook_has_a_schedule_of_its_own(s: &Server) {
    let receiver = s.receiver(&[500]).await;
    let usual = s.webhook(&receiver, json!({"enabled_events": ["payment.failed"]})).await;
    assert_eq!(usual["retry"]["schedule_seconds"].as_array().map(Vec::len), Some(13));
    let webhook = s.webhook(&receiver, json!({"retry": {"schedule_seconds": [60]}})).await;
    assert_eq!(webhook["retry"], json!({"schedule_seconds": [60]}));
    lasting(s, "5.00").await;
    let waiting = tried(s, 1).await;
    let due = waiting["next_attempt_at"].as_i64().unwrap() - waiting["attempts"][0]["at"].as_i64().unwrap();
    assert!((54..=67).contains(&due), "{waiting}");
    s.advance(70).await;
    assert_eq!(tried(s, 2).await["status"], "failed");
    let path = format!("/v1/webhooks/{}", field(&webhook, "id"));
    let back = s.patch(&path, json!({"retry": {}})).await.ok();
    assert_eq!(back["retry"], usual["retry"]);
    for wrong in [json!({"schedule_seconds": [0]}), json!({"schedule_seconds": [1, 86_401]})] {
        let problem = s.patch(&path, json!({"retry": wrong})).await.refused(400, "parameter_invalid");
        assert!(problem["param"].as_str().unwrap().starts_with("retry[schedule_seconds]"), "{problem}");
    }
    s.patch(&path, json!({"retry": {"max": 1}})).await.refused(400, "parameter_unknown");
}
