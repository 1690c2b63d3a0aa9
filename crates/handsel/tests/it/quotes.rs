//! Prices in a currency that no asset is pegged to here: quoted, locked for fifteen minutes, and the unpaid rest quoted anew; and
//! that nobody who pays dollars in dollars notices when every rate source is gone.

use crate::harness::{Server, field, on_each_engine, until};
use crate::payments::{CONFIRMATIONS, now, payments};
use serde_json::{Value, json};

on_each_engine! {
    run_on:
    a_quote_says_what_it_is_made_of,
    euros_are_paid_in_dollars,
    the_unpaid_rest_is_quoted_anew,
    dead_sources_stop_no_dollars,
    a_liar_moves_nothing,
    a_coin_off_its_peg_is_not_offered,
}

async fn quote(s: &Server, from: &str, to: &str) -> crate::harness::Reply {
    s.post("/v1/quotes", json!({"from": from, "to": to})).await
}

async fn fault(s: &Server, kind: &str, seconds: u64) {
    s.post("/v1/test/networks/rates/faults", json!({"kind": kind, "seconds": seconds})).await.ok();
}

async fn euros(s: &Server, amount: &str) -> Value {
    s.checkout_with(json!({"amount": amount, "currency": "EUR"})).await
}

fn asked(checkout: &Value) -> String {
    field(&checkout["payment_options"][0]["evm"], "amount")
}

/// Pays and lets the chain's own finality cover it: a price that nobody knows in dollars waits for it.
async fn settle(s: &Server, checkout: &Value, how: Value) {
    s.pay(checkout, how).await;
    s.mined(CONFIRMATIONS).await;
    s.finalize().await;
    s.watched().await;
}

async fn a_quote_says_what_it_is_made_of(s: &Server) {
    let made = quote(s, "EUR", "USDC").await.ok();
    assert_eq!((field(&made, "from"), field(&made, "to")), ("EUR".to_owned(), "USDC".to_owned()));
    assert_eq!(made["rate"], json!({"numerator": "217", "denominator": "200", "decimal": "1.085000000000"}));
    let names: Vec<String> = made["sources"].as_array().unwrap().iter().map(|source| field(source, "name")).collect();
    assert_eq!(names, ["sandbox-one", "sandbox-three", "sandbox-two"]);
    assert_eq!(made["expires_at"].as_i64(), made["created"].as_i64().map(|created| created + 900));
    assert_eq!(field(&made, "digest").len(), 64);
    assert_eq!(s.get(&format!("/v1/quotes/{}", field(&made, "id"))).await.ok(), made);
    let pegged = quote(s, "USD", "USDC").await.ok();
    assert_eq!((&pegged["rate"]["decimal"], &pegged["sources"]), (&json!("1.000000000000"), &json!([])));
    quote(s, "XXX", "USDC").await.refused(422, "currency_unsupported");
    quote(s, "EUR", "USDCC").await.refused(400, "parameter_invalid");
    // A currency that no source knows.
    quote(s, "ISK", "USDC").await.refused(503, "dependency_unavailable");
    s.get("/v1/quotes/qte_00000000000000000000000000").await.refused(404, "resource_missing");
}

async fn euros_are_paid_in_dollars(s: &Server) {
    let checkout = euros(s, "10.00").await;
    assert_eq!(asked(&checkout), "10.850000");
    settle(s, &checkout, json!({})).await;
    let (after, standing, verdicts) = now(s, &checkout).await;
    assert_eq!((standing.as_str(), verdicts), ("complete/paid", vec!["exact succeeded".to_owned()]));
    assert_eq!(after["amount_received"], json!({"amount": "10.00", "currency": "EUR"}));
    let payment = &payments(s, &checkout).await[0];
    let rate = &payment["rate"];
    assert_eq!(
        (&rate["numerator"], &rate["denominator"], &rate["currency"]),
        (&json!("10850"), &json!("1"), &json!("EUR"))
    );
    let behind = s.get(&format!("/v1/quotes/{}", field(rate, "quote"))).await.ok();
    assert_eq!(behind["rate"]["decimal"], "1.085000000000");
    let dollars = s.checkout("5.00").await;
    settle(s, &dollars, json!({})).await;
    assert_eq!(payments(s, &dollars).await[0]["rate"]["quote"], Value::Null, "1:1 needs no quote");
}

async fn the_unpaid_rest_is_quoted_anew(s: &Server) {
    let checkout = euros(s, "10.00").await;
    settle(s, &checkout, json!({"amount": "5.425"})).await;
    assert_eq!(now(s, &checkout).await.1, "open/partially_paid");
    fault(s, "higher", 7_200).await;
    s.advance(901).await;
    // Five euros are missing; a euro is 1.1935 dollars now.
    let renewed = until("the rest is quoted anew", async || {
        Some(s.again(&checkout).await).filter(|now| asked(now) == "5.967500")
    });
    settle(s, &renewed.await, json!({})).await;
    let (after, standing, verdicts) = now(s, &checkout).await;
    assert_eq!(
        (standing.as_str(), verdicts),
        ("complete/paid", vec!["under succeeded".to_owned(), "exact succeeded".to_owned()])
    );
    assert_eq!(after["amount_received"]["amount"], "10.00");
}

/// 13 section 6, property 17.
async fn dead_sources_stop_no_dollars(s: &Server) {
    let before = euros(s, "10.00").await;
    fault(s, "outage", 7_200).await;
    s.advance(120).await;
    // The last good rate serves for a while.
    assert_eq!(asked(&euros(s, "10.00").await), "10.850000");
    s.advance(1_000).await;
    s.post("/v1/checkouts", json!({"amount": "10.00", "currency": "EUR"})).await.refused(422, "no_payment_option");
    let refused = quote(s, "EUR", "USDC").await;
    assert!(refused.header("retry-after").is_some());
    refused.refused(503, "dependency_unavailable");
    let dollars = s.checkout("10.00").await;
    settle(s, &dollars, json!({})).await;
    assert_eq!(now(s, &dollars).await.1, "complete/paid");
    // The lock is over and nobody says what a euro is worth: what comes now is held for a person to decide.
    settle(s, &before, json!({})).await;
    assert_eq!(now(s, &before).await.2, ["late rejected"]);
}

async fn a_liar_moves_nothing(s: &Server) {
    fault(s, "one_lies", 7_200).await;
    s.advance(90).await;
    let made = quote(s, "EUR", "USDC").await.ok();
    assert_eq!(field(&made["rate"], "decimal"), "1.084457500000", "the lower of the two honest ones");
    assert!(made["sources"].as_array().unwrap().iter().any(|source| source["rate"]["decimal"] == "0.108500000000"));
    fault(s, "apart", 7_200).await;
    s.advance(1_000).await;
    quote(s, "EUR", "USDC").await.refused(503, "dependency_unavailable");
}

async fn a_coin_off_its_peg_is_not_offered(s: &Server) {
    fault(s, "off_peg", 7_200).await;
    s.advance(60).await;
    // Seen, and not yet for long enough.
    let seen =
        async || Some(quote(s, "GBP", "USDC").await.ok()).filter(|made| made["rate"]["decimal"] != "1.270000000000");
    until("the sources say so", seen).await;
    s.checkout("5.00").await;
    s.advance(301).await;
    let body = json!({"amount": "5.00", "currency": "USD"});
    let refused = until("it is off for five minutes", async || {
        Some(s.post("/v1/checkouts", body.clone()).await).filter(|reply| reply.status != 201)
    });
    let problem = refused.await.refused(422, "no_payment_option");
    assert!(field(&problem, "detail").contains("off its peg"), "{problem}");
    quote(s, "USD", "USDC").await.refused(422, "no_payment_option");
    fault(s, "off_peg", 0).await;
    s.advance(60).await;
    until("it is worth a dollar again", async || {
        Some(s.post("/v1/checkouts", body.clone()).await).filter(|reply| reply.status == 201)
    })
    .await;
}
