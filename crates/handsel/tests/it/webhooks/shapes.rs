//! What a receiver gets.

use super::{body, kinds, last, verified};
use crate::harness::{Server, field, listed, on_each_engine, until};
use serde_json::{Value, json};

on_each_engine! {
    run_on:
    an_event_arrives_signed_in_both_forms,
    a_payment_is_told_in_order_without_gaps,
    only_what_was_asked_for_is_sent,
    thin_payloads_name_the_object_alone,
    the_old_body_signature_is_there_when_asked_for,
    a_test_event_goes_to_one_webhook_and_is_numbered,
}

async fn an_event_arrives_signed_in_both_forms(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({})).await;
    let secret = field(&webhook, "signing_secret");
    assert!(secret.starts_with("whsec_") && secret.starts_with(&field(&webhook, "secret_prefix")));
    let checkout = s.checkout("5.00").await;
    let request = last(s, &receiver, 1).await;
    verified(&secret, &request);
    let event = body(&request);
    assert_eq!((&event["type"], &event["object"]), (&json!("checkout.created"), &json!("event")));
    assert_eq!(event["data"]["object"]["id"], checkout["id"]);
    assert_eq!((&event["endpoint_sequence"], &event["previous_event"]), (&json!(1), &Value::Null));
    assert_eq!((&event["object_version"], &event["api_version"]), (&json!(1), &json!("2026-12-01")));
    let listed = s.get(&format!("/v1/events/{}", field(&event, "id"))).await.ok();
    assert_eq!(listed["sequence"], event["sequence"]);
    assert!(listed.get("endpoint_sequence").is_none());
    assert_eq!(listed["data"], event["data"]);
    let foreign = format!("whsec_{}=", "A".repeat(43));
    assert_eq!(super::place_of(&foreign, &request), None);
    let delivery = s.get(&format!("/v1/webhooks/{}/deliveries", field(&webhook, "id"))).await;
    let delivery = listed_one(&delivery);
    assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("succeeded"), &Value::Null));
    let attempt = &delivery["attempts"][0];
    assert_eq!(
        (&attempt["number"], &attempt["status_code"], &attempt["error"]),
        (&json!(1), &json!(200), &Value::Null)
    );
}

fn listed_one(reply: &crate::harness::Reply) -> Value {
    let mut all = listed(reply);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

async fn a_payment_is_told_in_order_without_gaps(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({})).await;
    let checkout = s.checkout("19.99").await;
    s.pay(&checkout, json!({})).await;
    s.mined(3).await;
    let got = s.receives(&receiver, 6).await;
    let mut told = kinds(&got);
    let of_checkout: Vec<_> = got.iter().map(body).filter(|e| e["data"]["object"]["object"] == "checkout").collect();
    let order: Vec<_> = of_checkout.iter().map(|e| field(e, "type")).collect();
    assert_eq!(order, ["checkout.created", "checkout.processing", "checkout.completed"], "per object in order");
    told.sort();
    let mut wanted = s.story(&checkout).await;
    wanted.sort();
    assert_eq!(told, wanted);
    let mut by_number: Vec<Value> = got.iter().map(body).collect();
    by_number.sort_by_key(|e| e["endpoint_sequence"].as_u64());
    for (at, event) in by_number.iter().enumerate() {
        assert_eq!(event["endpoint_sequence"].as_u64(), Some(at as u64 + 1));
        let before = if at == 0 { Value::Null } else { by_number[at - 1]["id"].clone() };
        assert_eq!(event["previous_event"], before);
    }
    let completed = by_number.iter().find(|e| e["type"] == "checkout.completed").unwrap();
    assert_eq!(completed["data"]["previous_attributes"]["status"], "processing");
    for request in &got {
        verified(&field(&webhook, "signing_secret"), request);
    }
}

async fn only_what_was_asked_for_is_sent(s: &Server) {
    let (some, all) = (s.receiver(&[]).await, s.receiver(&[]).await);
    s.webhook(&some, json!({"enabled_events": ["checkout.canceled", "payment.*"]})).await;
    s.webhook(&all, json!({})).await;
    let checkout = s.checkout("5.00").await;
    s.act(&checkout, "cancel", json!({})).await.ok();
    s.receives(&all, 2).await;
    let got = s.receives(&some, 1).await;
    assert_eq!(kinds(&got), ["checkout.canceled"]);
    assert_eq!(body(&got[0])["endpoint_sequence"], 1, "numbered per webhook");
    for names in [json!(["checkout.cancelled"]), json!(["chekout.*"]), json!([])] {
        let made = s.post("/v1/webhooks", json!({"url": some.url, "enabled_events": names})).await;
        made.refused(400, "parameter_invalid");
    }
}

async fn thin_payloads_name_the_object_alone(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({"payload": "thin"})).await;
    let checkout = s.checkout_with(json!({"amount": "5.00", "currency": "USD", "reference": "order-77"})).await;
    let request = last(s, &receiver, 1).await;
    verified(&field(&webhook, "signing_secret"), &request);
    let event = body(&request);
    assert_eq!(event["data"]["object"]["id"], checkout["id"]);
    assert!(!field(&request, "body").contains("order-77"), "no content: {event}");
    assert!(event["data"]["object"].get("amount").is_none(), "{event}");
}

async fn the_old_body_signature_is_there_when_asked_for(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({"signatures": ["handsel", "standard", "sha256_body"]})).await;
    s.checkout("5.00").await;
    let request = last(s, &receiver, 1).await;
    let secret = handsel_core::secret::SecretText::new(field(&webhook, "signing_secret"));
    let wanted = handsel_core::signature::sha256_body(&secret, field(&request, "body").as_bytes());
    assert_eq!(super::header(&request, "x-webhook-signature"), wanted);
}

async fn a_test_event_goes_to_one_webhook_and_is_numbered(s: &Server) {
    let (one, other) = (s.receiver(&[]).await, s.receiver(&[]).await);
    let webhook = s.webhook(&one, json!({"enabled_events": ["payment.succeeded"]})).await;
    s.webhook(&other, json!({})).await;
    let sent = s.act(&webhook, "test", json!({})).await.ok();
    let got = s.receives(&one, 1).await;
    assert_eq!(kinds(&got), ["webhook.test"]);
    assert_eq!(body(&got[0])["id"], sent["id"]);
    until("the test event is numbered", async || {
        s.events().await.iter().any(|e| e["id"] == sent["id"] && e["sequence"].is_u64()).then_some(())
    })
    .await;
    s.delivered().await;
    assert_eq!(kinds(&s.received(&other).await), [""; 0]);
}
