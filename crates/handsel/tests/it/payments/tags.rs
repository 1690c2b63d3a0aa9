//! One static address: the amount tells the checkout.

use super::{CONFIRMATIONS, now};
use crate::harness::{Server, field, listed, on_each_engine};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_each_engine! {
    run_on:
    the_last_digits_identify_the_order,
    the_untagged_amount_waits_for_a_match_by_hand,
}

const SHOP: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

/// A shop that has nothing but one static address.
async fn one_address(s: &Server) {
    for wallet in listed(&s.get("/v1/wallets").await) {
        s.act(&wallet, "retire", json!({})).await.ok();
    }
    s.post("/v1/wallets", json!({"type": "evm", "mode": "static", "evm": {"address": SHOP}})).await.ok();
}

fn evm(checkout: &Value) -> Value {
    checkout["payment_options"][0]["evm"].clone()
}

async fn the_last_digits_identify_the_order(s: &Server) {
    one_address(s).await;
    let mut seen = BTreeSet::new();
    let mut checkouts = Vec::new();
    for _ in 0..5 {
        let checkout = s.checkout("20.00").await;
        let option = evm(&checkout);
        let atomic: u128 = field(&option, "atomic").parse().unwrap();
        assert_eq!(option["address"], SHOP);
        assert!((19_990_001..20_000_000).contains(&atomic), "at most 0.009999 less, never more: {atomic}");
        assert!(seen.insert(atomic), "no two open checkouts share an amount");
        checkouts.push(checkout);
    }
    s.pay(&checkouts[3], json!({})).await;
    s.mined(CONFIRMATIONS).await;
    for (at, checkout) in checkouts.iter().enumerate() {
        let wanted = if at == 3 { "complete/paid" } else { "open/unpaid" };
        assert_eq!(now(s, checkout).await.1, wanted);
    }
    assert_eq!(now(s, &checkouts[3]).await.2, ["exact succeeded"]);
}

async fn the_untagged_amount_waits_for_a_match_by_hand(s: &Server) {
    one_address(s).await;
    let checkout = s.checkout("20.00").await;
    s.pay(&checkout, json!({"amount": "20.00"})).await;
    s.mined(CONFIRMATIONS + 2).await;
    assert_eq!(now(s, &checkout).await.1, "open/unpaid");
    let unmatched = listed(&s.get("/v1/payments").await);
    assert_eq!(unmatched.len(), 1);
    assert_eq!(super::verdict(&unmatched[0]), "unmatched rejected");
    assert_eq!(unmatched[0]["checkout"], Value::Null);
    let body = json!({"checkout": checkout["id"]});
    let matched = s.act(&unmatched[0], "match", body.clone()).await.ok();
    assert_eq!(matched["checkout"], checkout["id"]);
    let (_, standing, _) = now(s, &checkout).await;
    assert!(standing.starts_with("complete/"), "{standing}");
    assert!(s.story(&checkout).await.contains(&"payment.matched".to_owned()));
    s.act(&unmatched[0], "match", body).await.refused(409, "state_conflict");
}
