//! The sandbox's magic cents.

use super::{CONFIRMATIONS, matters, now, payments};
use crate::harness::{Server, on_each_engine};
use serde_json::{Value, json};

on_each_engine! {
    run_on:
    short_over_late_and_in_the_wrong_coin,
    what_stays_in_the_mempool_is_no_payment,
    a_payment_that_the_chain_takes_back_once_is_the_same_payment_again,
}

async fn paid(s: &Server, price: &str) -> (Value, String, Vec<String>) {
    let checkout = s.checkout(price).await;
    s.pay(&checkout, json!({})).await;
    s.mined(CONFIRMATIONS).await;
    now(s, &checkout).await
}

async fn short_over_late_and_in_the_wrong_coin(s: &Server) {
    let (short, standing, verdicts) = paid(s, "20.01").await;
    assert_eq!((standing.as_str(), verdicts), ("open/partially_paid", vec!["under succeeded".to_owned()]));
    assert!(matters(&short)[0].starts_with("underpaid 10.0"), "{short}");
    let (over, standing, verdicts) = paid(s, "20.02").await;
    assert_eq!((standing.as_str(), verdicts), ("complete/overpaid", vec!["over succeeded".to_owned()]));
    assert!(matters(&over)[0].starts_with("overpaid 10.01"), "{over}");
    let (wrong, standing, verdicts) = paid(s, "20.04").await;
    assert_eq!((standing.as_str(), verdicts), ("open/unpaid", vec!["wrong_asset rejected".to_owned()]));
    assert!(matters(&wrong)[0].starts_with("wrong_asset "), "{wrong}");
    assert_eq!(payments(s, &wrong).await[0]["asset"], "EURC");
    assert!(s.story(&wrong).await.contains(&"checkout.wrong_asset".to_owned()));
    let (late, standing, verdicts) = paid(s, "20.03").await;
    assert_eq!((standing.as_str(), verdicts), ("expired/unpaid", vec!["late rejected".to_owned()]));
    assert!(s.story(&late).await.contains(&"checkout.late_payment".to_owned()));
}

async fn what_stays_in_the_mempool_is_no_payment(s: &Server) {
    let (checkout, standing, verdicts) = paid(s, "20.06").await;
    assert_eq!((standing.as_str(), verdicts.len()), ("open/unpaid", 0));
    assert_eq!(s.story(&checkout).await, ["checkout.created"]);
}

async fn a_payment_that_the_chain_takes_back_once_is_the_same_payment_again(s: &Server) {
    let checkout = s.checkout("20.05").await;
    s.pay(&checkout, json!({})).await;
    s.mined(1).await;
    let first = payments(s, &checkout).await.remove(0);
    s.mined(1).await;
    for _ in 0..6 {
        s.mined(1).await;
    }
    let (done, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
    assert_eq!(matters(&done), [""; 0]);
    let last = payments(s, &checkout).await.remove(0);
    assert_eq!(first["id"], last["id"]);
    assert_ne!(first["transaction"]["block_hash"], last["transaction"]["block_hash"]);
    assert_eq!(first["transaction"]["hash"], last["transaction"]["hash"]);
    let story = s.story(&checkout).await;
    let count = |kind: &str| story.iter().filter(|told| told.as_str() == kind).count();
    assert_eq!((count("payment.reversed"), count("checkout.reorged")), (1, 1), "{story:?}");
    assert_eq!((count("payment.detected"), count("checkout.processing")), (2, 2), "{story:?}");
    assert_eq!((count("payment.succeeded"), count("checkout.completed")), (1, 1), "{story:?}");
}
