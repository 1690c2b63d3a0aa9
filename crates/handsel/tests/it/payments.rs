//! A payment, from the transfer on the chain to what the merchant is told: rows of the decision table (13 section 3), through the front door.

mod chain;
mod commands;
mod magic;
mod outcomes;
mod tags;
mod tron;

use crate::harness::{Server, field};
use serde_json::{Value, json};

/// Blocks until a payment on the sandbox chain counts, and until its block is final.
pub(crate) const CONFIRMATIONS: u64 = 3;

/// `status/payment_status`.
fn standing(checkout: &Value) -> String {
    format!("{}/{}", field(checkout, "status"), field(checkout, "payment_status"))
}

/// `type amount` of each open matter.
fn matters(checkout: &Value) -> Vec<String> {
    let all = checkout["exceptions"].as_array().unwrap();
    all.iter().map(|e| format!("{} {}", field(e, "type"), field(e, "amount"))).collect()
}

/// A checkout's payments in the order of the chain.
pub(crate) async fn payments(s: &Server, checkout: &Value) -> Vec<Value> {
    let list = s.get(&format!("/v1/payments?checkout={}", field(checkout, "id"))).await;
    let mut all = crate::harness::listed(&list);
    let number = |payment: &Value, name: &str| payment["transaction"][name].as_u64();
    all.sort_by_key(|payment| (number(payment, "block_number"), number(payment, "log_index")));
    all
}

/// `outcome status` of a payment.
fn verdict(payment: &Value) -> String {
    format!("{} {}", payment["outcome"].as_str().unwrap_or("-"), field(payment, "status"))
}

/// Pays by the sandbox and mines until it counts (final or not).
async fn paid(s: &Server, checkout: &Value, how: Value) {
    s.pay(checkout, how).await;
    s.mined(CONFIRMATIONS).await;
}

/// A checkout's JSON, where it stands, and its payments' verdicts.
pub(crate) async fn now(s: &Server, checkout: &Value) -> (Value, String, Vec<String>) {
    let checkout = s.again(checkout).await;
    let verdicts = payments(s, &checkout).await.iter().map(verdict).collect();
    let standing = standing(&checkout);
    (checkout, standing, verdicts)
}

/// A transfer of USDC to the first option of a checkout.
fn amount(text: &str) -> Value {
    json!({"amount": text})
}
