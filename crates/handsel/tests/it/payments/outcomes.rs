//! Exact, short, over, twice, late.

use super::{CONFIRMATIONS, amount, matters, now, paid, payments};
use crate::harness::{Server, field, on_each_engine};
use serde_json::json;

on_each_engine! {
    run_on:
    an_exact_payment_is_told_step_by_step,
    several_steps_at_once_are_all_told,
    short_payments_are_topped_up_in_any_asset,
    tolerance_is_the_payers_and_dust_the_shops,
    too_much_and_twice_are_the_payers_claim,
    large_amounts_wait_for_finality,
    late_money_is_held_until_somebody_decides,
    grace_is_given_but_not_shown,
}

async fn an_exact_payment_is_told_step_by_step(s: &Server) {
    let checkout = s.checkout("19.99").await;
    assert_eq!((&checkout["status"], &checkout["payment_status"]), (&json!("open"), &json!("unpaid")));
    let hash = s.pay(&checkout, json!({})).await;
    s.mined(1).await;
    let (seen, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("processing/detected", vec!["- detected".to_owned()]));
    assert_eq!(seen["amount_received"]["amount"], "0.00");
    let first = payments(s, &checkout).await.remove(0);
    assert_eq!((&first["confirmations"], &first["required_confirmations"]), (&json!(1), &json!(3)));
    assert_eq!((&first["requires_finalized"], &first["finalized"]), (&json!(false), &json!(false)));
    assert_eq!(first["transaction"]["hash"], hash);
    assert_eq!(
        first["amount"],
        json!({"amount": "19.990000", "asset": first["asset"], "network": "sandbox-evm", "atomic": "19990000", "decimals": 6})
    );
    s.mined(1).await;
    assert_eq!(now(s, &checkout).await.1, "processing/detected");
    let second = s.again(&first).await;
    assert_eq!((&second["status"], &second["confirmations"]), (&json!("confirming"), &json!(2)));
    s.mined(1).await;
    let (done, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
    assert_eq!(done["amount_received"], json!({"amount": "19.99", "currency": "USD"}));
    assert_eq!((matters(&done).len(), done["payments"].as_array().unwrap().len()), (0, 1));
    let told = s.story(&checkout).await;
    let wanted = [
        "checkout.created",
        "payment.detected",
        "checkout.processing",
        "payment.confirming",
        "payment.succeeded",
        "checkout.completed",
    ];
    assert_eq!(told, wanted);
    let settled = s.again(&first).await;
    s.mined(2).await;
    let later = s.again(&first).await;
    assert_eq!((&later["finalized"], later["confirmations"].as_u64()), (&json!(true), Some(5)));
    assert_eq!(settled["succeeded_at"], later["succeeded_at"]);
    assert_eq!(s.story(&checkout).await.len(), wanted.len(), "a new confirmation alone is no event");
    let timeline: Vec<_> = done["timeline"].as_array().unwrap().iter().map(|t| field(t, "type")).collect();
    assert_eq!(timeline, ["checkout.created", "checkout.processing", "checkout.completed"]);
}

async fn several_steps_at_once_are_all_told(s: &Server) {
    let checkout = s.checkout("19.99").await;
    s.pay(&checkout, json!({"asset": "USDT"})).await;
    s.finalize().await;
    s.watched().await;
    s.becomes(&checkout, "status", "complete").await;
    let wanted = [
        "checkout.created",
        "payment.detected",
        "checkout.processing",
        "payment.confirming",
        "payment.succeeded",
        "checkout.completed",
    ];
    assert_eq!(s.story(&checkout).await, wanted);
    let expanded = s.get(&format!("/v1/checkouts/{}?expand[]=payments", field(&checkout, "id"))).await.ok();
    assert_eq!(
        (&expanded["payments"][0]["object"], &expanded["payments"][0]["asset"]),
        (&json!("payment"), &json!("USDT"))
    );
}

async fn short_payments_are_topped_up_in_any_asset(s: &Server) {
    let checkout = s.checkout("20.00").await;
    paid(s, &checkout, amount("12.00")).await;
    let (short, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("open/partially_paid", vec!["under succeeded".to_owned()]));
    assert_eq!(matters(&short), ["underpaid 8.00"]);
    assert_eq!(short["amount_received"]["amount"], "12.00");
    paid(s, &checkout, json!({"amount": "8.00", "asset": "USDT"})).await;
    let (done, standing, verdicts) = now(s, &checkout).await;
    assert_eq!(
        (standing.as_str(), verdicts.as_slice()),
        ("complete/paid", &["under succeeded".into(), "exact succeeded".into()][..])
    );
    assert_eq!(matters(&done), [""; 0]);
    let story = s.story(&checkout).await;
    assert_eq!(story.iter().filter(|kind| kind.as_str() == "checkout.underpaid").count(), 1);
    assert_eq!(story.iter().filter(|kind| kind.as_str() == "checkout.completed").count(), 1);
}

async fn tolerance_is_the_payers_and_dust_the_shops(s: &Server) {
    let tolerant = s.checkout_with(json!({"amount": "20.00", "currency": "USD", "tolerance_bps": 50})).await;
    let strict = s.checkout("20.00").await;
    let dusty = s.checkout("20.00").await;
    s.pay(&tolerant, amount("19.90")).await;
    s.pay(&strict, amount("19.999999")).await;
    s.pay(&dusty, amount("20.01")).await;
    s.mined(CONFIRMATIONS).await;
    for (checkout, standing, verdict) in [
        (&tolerant, "complete/paid", "within_tolerance succeeded"),
        (&strict, "open/partially_paid", "under succeeded"),
        (&dusty, "complete/paid", "within_tolerance succeeded"),
    ] {
        let (_, stands, verdicts) = now(s, checkout).await;
        assert_eq!((stands.as_str(), verdicts), (standing, vec![verdict.to_owned()]));
    }
}

async fn too_much_and_twice_are_the_payers_claim(s: &Server) {
    let over = s.checkout("10.00").await;
    let twice = s.checkout("10.00").await;
    s.pay(&over, amount("12.50")).await;
    s.pay(&twice, json!({})).await;
    s.pay(&twice, json!({})).await;
    s.mined(CONFIRMATIONS).await;
    let (checkout, standing, verdicts) = now(s, &over).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/overpaid", vec!["over succeeded".to_owned()]));
    assert!(matters(&checkout)[0].starts_with("overpaid 2.5"), "{checkout}");
    let (checkout, standing, verdicts) = now(s, &twice).await;
    assert_eq!(standing, "complete/overpaid");
    assert_eq!(verdicts, ["exact succeeded", "duplicate rejected"]);
    assert!(matters(&checkout)[0].starts_with("duplicate 10"), "{checkout}");
    let story = s.story(&twice).await;
    for kind in ["checkout.duplicate_payment", "checkout.overpaid", "payment.rejected"] {
        assert!(story.contains(&kind.to_owned()), "{kind} in {story:?}");
    }
    let resolved = s.act(&over, "resolve", json!({"action": "refund"})).await.ok();
    assert_eq!(matters(&resolved), [""; 0]);
    assert!(s.story(&over).await.contains(&"checkout.resolved".to_owned()));
    s.act(&over, "resolve", json!({"action": "refund"})).await.refused(409, "state_conflict");
}

async fn large_amounts_wait_for_finality(s: &Server) {
    let large = s.checkout("100.00").await;
    let below = s.checkout("99.99").await;
    s.pay(&large, json!({})).await;
    s.pay(&below, json!({})).await;
    s.mined(CONFIRMATIONS).await;
    assert_eq!(now(s, &below).await.1, "complete/paid");
    let (_, standing, verdicts) = now(s, &large).await;
    assert_eq!((standing.as_str(), verdicts), ("processing/detected", vec!["- confirming".to_owned()]));
    assert_eq!(payments(s, &large).await[0]["requires_finalized"], true);
    s.mined(2).await;
    let (_, standing, verdicts) = now(s, &large).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
    assert_eq!(payments(s, &large).await[0]["finalized"], true);
}

async fn late_money_is_held_until_somebody_decides(s: &Server) {
    let checkout = s.checkout("10.00").await;
    s.post(&format!("/v1/test/checkouts/{}/expire", field(&checkout, "id")), json!({})).await.ok();
    s.becomes(&checkout, "status", "expired").await;
    paid(s, &checkout, json!({})).await;
    let (held, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("expired/unpaid", vec!["late rejected".to_owned()]));
    assert!(matters(&held)[0].starts_with("late 10"), "{held}");
    let accepted = s.act(&checkout, "resolve", json!({"action": "accept_as_paid"})).await.ok();
    assert_eq!(super::standing(&accepted), "complete/paid");
    assert_eq!(now(s, &checkout).await.2, ["late succeeded"]);
    let story = s.story(&checkout).await;
    let wanted = ["checkout.expired", "checkout.late_payment", "checkout.resolved", "checkout.completed"];
    let kept: Vec<_> = story.iter().filter(|kind| wanted.contains(&kind.as_str())).collect();
    assert_eq!(kept.len(), 4, "{story:?}");
}

async fn grace_is_given_but_not_shown(s: &Server) {
    let checkout = s.checkout_with(json!({"amount": "10.00", "currency": "USD", "expires_in": 60})).await;
    s.advance(60 + 100).await;
    s.pay(&checkout, json!({})).await;
    s.mined(1).await;
    s.advance(3_600).await;
    s.mined(CONFIRMATIONS).await;
    let (_, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
}
