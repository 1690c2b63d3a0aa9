//! What chains do: several transfers in one transaction, transfers that are none of ours, reorganisations.

use super::{CONFIRMATIONS, matters, now, payments};
use crate::harness::{Server, field, on_each_engine};
use handsel_sandbox::{Address, Order, Transfer, token};
use serde_json::{Value, json};

on_each_engine! {
    run_on:
    one_transaction_pays_many,
    what_is_worth_nothing_changes_nothing,
    a_reversed_payment_is_not_paid,
    a_reorganisation_that_keeps_the_payment_credits_it_once,
    a_settled_payment_that_is_taken_back_is_told_and_stays_complete,
}

fn address(text: &str) -> Address {
    let mut out = [0; 20];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap().to_lowercase(), &mut out).unwrap();
    out
}

/// To the address of a checkout's first option.
fn to(checkout: &Value) -> Address {
    address(checkout["payment_options"][0]["evm"]["address"].as_str().unwrap())
}

fn send(s: &Server, transfers: &[(Address, &Value, u128)]) {
    let sender = [0x77; 20];
    let transfers = transfers.iter().map(|(token, checkout, amount)| Transfer {
        token: *token,
        from: sender,
        to: to(checkout),
        amount: *amount,
    });
    let order = Order {
        sender,
        transfers: transfers.collect(),
        reverts: false,
        held: false,
        reorged_at_confirmations: None,
        quirks: Default::default(),
    };
    s.chain().broadcast(order).unwrap();
}

async fn one_transaction_pays_many(s: &Server) {
    let (first, second) = (s.checkout("5.00").await, s.checkout("7.00").await);
    let usdc = token("USDC").unwrap().address;
    let usdt = token("USDT").unwrap().address;
    send(
        s,
        &[
            (usdc, &first, 5_000_000),
            ([0x99; 20], &first, 5_000_000),
            (usdt, &second, 3_000_000),
            (usdc, &first, 0),
            (usdc, &second, 4_000_000),
        ],
    );
    s.mined(CONFIRMATIONS).await;
    let (_, standing, verdicts) = now(s, &first).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
    let (_, standing, verdicts) = now(s, &second).await;
    assert_eq!(standing, "complete/paid");
    assert_eq!(verdicts, ["under succeeded", "exact succeeded"]);
    let mut all = payments(s, &first).await;
    all.extend(payments(s, &second).await);
    let hashes: std::collections::BTreeSet<_> = all.iter().map(|p| field(&p["transaction"], "hash")).collect();
    let logs: std::collections::BTreeSet<_> = all.iter().map(|p| p["transaction"]["log_index"].as_u64()).collect();
    let ids: std::collections::BTreeSet<_> = all.iter().map(|p| field(p, "id")).collect();
    assert_eq!((hashes.len(), logs.len(), ids.len()), (1, 3, 3));
    assert_eq!(crate::harness::listed(&s.get("/v1/payments").await).len(), 3);
}

async fn what_is_worth_nothing_changes_nothing(s: &Server) {
    let checkout = s.checkout("5.00").await;
    let before = s.events().await.len();
    send(s, &[(token("USDC").unwrap().address, &checkout, 0)]);
    send(s, &[([0x99; 20], &checkout, 5_000_000)]);
    let failed = Order {
        reverts: true,
        ..Order::transfer(Transfer {
            token: token("USDC").unwrap().address,
            from: [0x78; 20],
            to: to(&checkout),
            amount: 5_000_000,
        })
    };
    s.chain().broadcast(failed).unwrap();
    s.mined(CONFIRMATIONS + 2).await;
    let (checkout, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts.len()), ("open/unpaid", 0));
    assert_eq!((checkout["version"].as_u64(), s.events().await.len()), (Some(1), before));
    assert_eq!(s.get("/v1/payments").await.ok()["data"], json!([]));
}

async fn a_reversed_payment_is_not_paid(s: &Server) {
    let checkout = s.checkout("5.00").await;
    let hash = s.pay(&checkout, json!({})).await;
    s.mined(2).await;
    assert_eq!(now(s, &checkout).await.1, "processing/detected");
    s.reorg(2, &[&hash]).await;
    s.mined(1).await;
    let (undone, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("open/unpaid", vec!["reversed reversed".to_owned()]));
    assert!(matters(&undone)[0].starts_with("reorged "), "{undone}");
    s.mined(8).await;
    assert_eq!(now(s, &checkout).await.1, "open/unpaid");
    super::paid(s, &checkout, json!({})).await;
    let (_, standing, verdicts) = now(s, &checkout).await;
    assert_eq!(standing, "complete/paid");
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts.contains(&"exact succeeded".to_owned()));
}

async fn a_reorganisation_that_keeps_the_payment_credits_it_once(s: &Server) {
    let checkout = s.checkout("5.00").await;
    s.pay(&checkout, json!({})).await;
    s.mined(2).await;
    let before = payments(s, &checkout).await.remove(0);
    s.reorg(2, &[]).await;
    s.mined(CONFIRMATIONS).await;
    let (_, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
    assert_eq!(payments(s, &checkout).await[0]["id"], before["id"]);
    let story = s.story(&checkout).await;
    assert_eq!(story.iter().filter(|kind| kind.as_str() == "checkout.completed").count(), 1, "{story:?}");
}

async fn a_settled_payment_that_is_taken_back_is_told_and_stays_complete(s: &Server) {
    let checkout = s.checkout("5.00").await;
    let hash = s.pay(&checkout, json!({})).await;
    s.mined(CONFIRMATIONS).await;
    assert_eq!(now(s, &checkout).await.1, "complete/paid");
    s.reorg(3, &[&hash]).await;
    s.mined(1).await;
    let (undone, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/unpaid", vec!["reversed reversed".to_owned()]));
    assert!(matters(&undone)[0].starts_with("reorged "), "{undone}");
    assert!(s.story(&checkout).await.contains(&"checkout.reorged".to_owned()));
}
