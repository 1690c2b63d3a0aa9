//! The hosted page in each of its states, with everything replaced that is another one each time.

use super::reviewed;
use crate::harness::{Reply, Server, field, run};
use serde_json::{Value, json};

/// Replaces what stands between two marks, everywhere.
fn between(text: &str, start: &str, end: &str, with: &str) -> String {
    let mut parts = text.split(start);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.find(end).map_or(part, |at| &part[at..]);
        out.push_str(&format!("{start}{with}{rest}"));
    }
    out
}

/// The page as it is read in review.
fn shown(page: &Reply, checkout: &Value) -> String {
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("no nonce");
    let token = field(checkout, "url").rsplit('/').next().unwrap().to_owned();
    let mut text = format!("{}\n{policy}\n\n{}", page.status, page.text());
    for (known, word) in [(nonce, "NONCE"), (token.as_str(), "TOKEN")] {
        text = text.replace(known, word);
    }
    let address = checkout["payment_options"][0]["evm"]["address"].as_str().unwrap();
    text = text.replace(address, "ADDRESS");
    for (start, end, word) in [
        ("/assets/", "\"", "ASSET"),
        ("data-now=\"", "\"", "TIME"),
        ("data-until=\"", "\"", "TIME"),
        (">about ", " minutes left", "SOME"),
        ("<code class=\"address\">", "</code>", "ADDRESS"),
        ("<path fill=\"#000\" d=\"", "\"", "DOTS"),
    ] {
        text = between(&text, start, end, word);
    }
    text
}

async fn page(s: &Server, checkout: &Value) -> String {
    let url = field(checkout, "url");
    let path = url.split_once(&s.address.to_string()).unwrap().1;
    shown(&s.anonymous().get(path).await, checkout)
}

async fn checkout(s: &Server, more: Value) -> Value {
    let mut body = json!({"amount": "20.00", "currency": "USD", "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    s.checkout_with(body).await
}

/// A checkout that got this much, and so many blocks.
async fn paid(s: &Server, how: Value, blocks: u64) -> Value {
    let checkout = checkout(s, json!({})).await;
    s.pay(&checkout, how).await;
    s.mined(blocks).await;
    checkout
}

#[test]
fn the_page_before_and_while_it_is_paid() {
    run(async |s| {
        let open = checkout(s, json!({})).await;
        reviewed!(assert_snapshot, "page_open", page(s, &open).await);
        let detected = paid(s, json!({}), 1).await;
        reviewed!(assert_snapshot, "page_detected", page(s, &detected).await);
        s.mined(1).await;
        reviewed!(assert_snapshot, "page_confirming", page(s, &detected).await);
        let large = checkout(s, json!({"amount": "500.00"})).await;
        s.pay(&large, json!({})).await;
        s.mined(3).await;
        reviewed!(assert_snapshot, "page_not_final", page(s, &large).await);
    });
}

#[test]
fn the_page_when_it_was_paid() {
    run(async |s| {
        let exact = paid(s, json!({}), 3).await;
        reviewed!(assert_snapshot, "page_paid", page(s, &exact).await);
        let over = paid(s, json!({"amount": "22.00"}), 3).await;
        reviewed!(assert_snapshot, "page_overpaid", page(s, &over).await);
        let under = paid(s, json!({"amount": "15.00"}), 3).await;
        reviewed!(assert_snapshot, "page_underpaid", page(s, &under).await);
        let wrong = paid(s, json!({"asset": "EURC"}), 3).await;
        reviewed!(assert_snapshot, "page_wrong_asset", page(s, &wrong).await);
    });
}

#[test]
fn the_page_when_it_is_over() {
    run(async |s| {
        let canceled = checkout(s, json!({})).await;
        s.act(&canceled, "cancel", json!({})).await.ok();
        reviewed!(assert_snapshot, "page_canceled", page(s, &canceled).await);
        let expired = checkout(s, json!({})).await;
        s.act(&expired, "expire", json!({})).await.ok();
        reviewed!(assert_snapshot, "page_expired", page(s, &expired).await);
        let late = checkout(s, json!({})).await;
        s.post(&format!("/v1/test/checkouts/{}/expire", field(&late, "id")), json!({})).await.ok();
        s.becomes(&late, "status", "expired").await;
        s.pay(&late, json!({})).await;
        s.mined(3).await;
        reviewed!(assert_snapshot, "page_late", page(s, &late).await);
        let nothing = s.anonymous().get("/c/chk_00000000000000000000000000.wrong").await;
        reviewed!(assert_snapshot, "page_nothing", shown(&nothing, &canceled));
    });
}
