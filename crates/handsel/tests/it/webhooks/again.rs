//! Sending again: one delivery, one event, what a webhook missed.

use super::{body, kinds, last, verified};
use crate::harness::{Server, field, listed, on_each_engine, until};
use serde_json::{Value, json};

on_each_engine! {
    run_on:
    what_failed_can_be_recovered,
    events_are_sent_again_on_request,
}

/// A checkout that doesn't expire while the clock is moved.
async fn lasting(s: &Server, amount: &str) -> Value {
    s.checkout_with(json!({"amount": amount, "currency": "USD", "expires_in": 2_592_000})).await
}

async fn what_failed_can_be_recovered(s: &Server) {
    let start = s.post("/v1/test/clock", json!({"advance_seconds": 0})).await.ok()["now"].as_i64().unwrap();
    let receiver = s.receiver(&[500, 500, 200]).await;
    let webhook = s.webhook(&receiver, json!({"ordering": "none"})).await;
    lasting(s, "5.00").await;
    lasting(s, "6.00").await;
    s.receives(&receiver, 2).await;
    let requeued = until("both wait for their retry", async || {
        let both = listed(&s.get("/v1/deliveries").await);
        both.iter().all(|d| d["attempts"].as_array().unwrap().len() == 1).then_some(())
    });
    requeued.await;
    let done = s.act(&webhook, "recover", json!({"since": start - 1})).await.ok();
    assert_eq!(done["requeued"], 2);
    let got = s.receives(&receiver, 4).await;
    assert_eq!(kinds(&got[2..]), ["checkout.created", "checkout.created"]);
    until("both succeeded", async || {
        let both = listed(&s.get("/v1/deliveries?status=succeeded").await);
        (both.len() == 2).then_some(())
    })
    .await;
    let nothing = s.act(&webhook, "recover", json!({"since": start - 1})).await.ok();
    assert_eq!(nothing["requeued"], 0);
}

async fn events_are_sent_again_on_request(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({})).await;
    s.checkout("5.00").await;
    let event = body(&last(s, &receiver, 1).await);
    let path = format!("/v1/events/{}/resend", field(&event, "id"));
    s.post(&path, json!({"webhook": webhook["id"]})).await.ok();
    let again = last(s, &receiver, 2).await;
    assert_eq!(super::header(&again, "webhook-id"), field(&event, "id"));
    verified(&field(&webhook, "signing_secret"), &again);
    let deliveries = listed(&s.get("/v1/deliveries").await);
    let path = format!("/v1/deliveries/{}/resend", field(&deliveries[0], "id"));
    s.post(&path, json!({})).await.ok();
    let third = last(s, &receiver, 3).await;
    assert_eq!(body(&third)["id"], event["id"]);
}
