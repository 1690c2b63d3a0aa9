//! Ending, extending and deciding by hand.

use super::{CONFIRMATIONS, amount, matters, now, paid};
use crate::harness::{Server, field, on_each_engine};
use serde_json::json;

on_each_engine! {
    run_on:
    what_is_being_confirmed_can_not_be_ended,
    an_end_by_hand_is_told,
    time_is_added_to_the_end,
    what_is_short_can_be_accepted,
    time_runs_out_by_the_clock,
}

async fn what_is_being_confirmed_can_not_be_ended(s: &Server) {
    let checkout = s.checkout("5.00").await;
    s.pay(&checkout, json!({})).await;
    s.mined(1).await;
    s.act(&checkout, "expire", json!({})).await.refused(409, "checkout_processing");
    s.act(&checkout, "cancel", json!({})).await.reviewed(409, "checkout_processing");
    s.mined(CONFIRMATIONS).await;
    assert_eq!(now(s, &checkout).await.1, "complete/paid");
    s.act(&checkout, "cancel", json!({})).await.refused(409, "state_conflict");
}

async fn an_end_by_hand_is_told(s: &Server) {
    let canceled = s.checkout("5.00").await;
    let after = s.act(&canceled, "cancel", json!({})).await.ok();
    assert_eq!((super::standing(&after).as_str(), after["version"].as_u64()), ("canceled/unpaid", Some(2)));
    assert_eq!(s.story(&canceled).await, ["checkout.created", "checkout.canceled"]);
    let expired = s.checkout("5.00").await;
    let after = s.act(&expired, "expire", json!({})).await.ok();
    assert_eq!(super::standing(&after), "expired/unpaid");
    let again = s.act(&expired, "extend", json!({"seconds": 600})).await.ok();
    assert_eq!(super::standing(&again), "open/unpaid");
    assert!(again["expires_at"].as_i64() > after["expires_at"].as_i64());
    paid(s, &expired, json!({})).await;
    assert_eq!(now(s, &expired).await.1, "complete/paid");
    let late = s.checkout("5.00").await;
    s.act(&late, "cancel", json!({})).await.ok();
    paid(s, &late, json!({})).await;
    let (_, standing, verdicts) = now(s, &late).await;
    assert_eq!((standing.as_str(), verdicts), ("canceled/unpaid", vec!["late rejected".to_owned()]));
}

async fn time_is_added_to_the_end(s: &Server) {
    let checkout = s.checkout("5.00").await;
    let before = checkout["expires_at"].as_i64().unwrap();
    let after = s.act(&checkout, "extend", json!({"seconds": 600})).await.ok();
    assert_eq!(after["expires_at"].as_i64(), Some(before + 600));
    s.act(&checkout, "extend", json!({"seconds": 2_592_000})).await.refused(400, "parameter_invalid");
    s.act(&checkout, "extend", json!({"seconds": 0})).await.refused(400, "parameter_invalid");
}

async fn what_is_short_can_be_accepted(s: &Server) {
    let checkout = s.checkout("20.00").await;
    paid(s, &checkout, amount("12.00")).await;
    s.act(&checkout, "resolve", json!({"action": "accept"})).await.refused(400, "parameter_invalid");
    let accepted = s.act(&checkout, "resolve", json!({"action": "accept_as_paid"})).await.ok();
    assert_eq!(super::standing(&accepted), "complete/paid");
    assert_eq!(matters(&accepted), [""; 0]);
    let story = s.story(&checkout).await;
    assert!(story.ends_with(&["checkout.resolved".to_owned(), "checkout.completed".to_owned()]), "{story:?}");
}

async fn time_runs_out_by_the_clock(s: &Server) {
    let checkout = s.checkout_with(json!({"amount": "5.00", "currency": "USD", "expires_in": 60})).await;
    let expired = s.post(&format!("/v1/test/checkouts/{}/expire", field(&checkout, "id")), json!({})).await.ok();
    assert_eq!(expired["id"], checkout["id"]);
    let after = s.becomes(&checkout, "status", "expired").await;
    assert_eq!(after["payment_status"], "unpaid");
    assert_eq!(s.story(&checkout).await, ["checkout.created", "checkout.expired"]);
}
