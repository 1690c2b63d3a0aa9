//! What needs no key.

use crate::harness::House;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

async fn path_of_page(house: &House) -> String {
    house.wallet().await;
    let checkout = house.checkout().await;
    checkout["url"].as_str().unwrap().strip_prefix("https://pay.example.com").unwrap().to_owned()
}

#[tokio::test]
async fn the_hosted_page_stands_under_a_strict_policy() {
    let house = House::open().await;
    let path = path_of_page(&house).await;
    let seen = house.anonymous("GET", &path).await;
    assert_eq!((seen.status.as_u16(), seen.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = seen.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(seen.header("x-frame-options"), "DENY");
    assert_eq!(seen.header("cache-control"), "no-store");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    let html = seen.text();
    assert!(html.contains(&format!("nonce=\"{nonce}\"")));
    assert!(html.contains("Acorn &#60;Books&#62;") && !html.contains("<Books>"), "{html}");
    let again = house.anonymous("GET", &path).await;
    assert_ne!(again.header("content-security-policy"), policy, "a nonce is used once");
    for asset in html.split("/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let file = house.anonymous("GET", &format!("/assets/{asset}")).await;
        assert_eq!(file.status, 200, "{asset}");
        assert!(file.header("cache-control").contains("immutable"));
    }
}

#[tokio::test]
async fn a_wrong_mac_is_a_page_of_nothing() {
    let house = House::open().await;
    let path = path_of_page(&house).await;
    let (start, mac) = path.rsplit_once('.').unwrap();
    let wrong = format!("{start}.{}{}", if mac.starts_with('a') { 'b' } else { 'a' }, &mac[1..]);
    for bad in [wrong, start.to_owned(), format!("{start}."), "/c/x".to_owned()] {
        let seen = house.anonymous("GET", &bad).await;
        assert_eq!((seen.status.as_u16(), seen.header("content-type")), (404, "text/html; charset=utf-8"), "{bad}");
        assert_eq!(house.anonymous("GET", &format!("{bad}/status")).await.problem().1, "resource_missing");
        assert_eq!(house.anonymous("GET", &format!("{bad}/events")).await.problem().1, "resource_missing");
    }
}

#[tokio::test]
async fn polling_and_streaming_tell_the_same() {
    let house = House::open().await;
    let path = path_of_page(&house).await;
    let polled = house.anonymous("GET", &format!("{path}/status?option=1")).await.json();
    assert_eq!((polled["stage"].as_str(), polled["payable"].as_bool()), (Some("open"), Some(true)));
    assert!(polled["due"].as_str().unwrap().contains("USDT"), "{polled}");
    let request = Request::builder().uri(format!("{path}/events?option=1")).body(Body::empty()).unwrap();
    let response = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(streamed(&first), polled);
    let id = path.trim_start_matches("/c/").split('.').next().unwrap();
    let canceled = house.post(&format!("/v1/checkouts/{id}/cancel"), "").await;
    assert_eq!(canceled.status, 200, "{}", canceled.text());
    let second = streamed(&body.frame().await.unwrap().unwrap().into_data().unwrap());
    assert_eq!((second["stage"].as_str(), second["done"].as_bool()), (Some("canceled"), Some(true)));
    assert!(body.frame().await.is_none(), "nothing more will happen");
}

fn streamed(bytes: &[u8]) -> Value {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.contains("event: status\n") && text.ends_with("\n\n"), "{text}");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn the_api_streams_a_checkout_and_ends_when_the_server_stops() {
    let house = House::open().await;
    house.wallet().await;
    let id = house.checkout().await["id"].as_str().unwrap().to_owned();
    let request = house.request("GET", &format!("/v1/checkouts/{id}/stream")).body(Body::empty()).unwrap();
    let response = house.router.clone().oneshot(request).await.unwrap();
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let text = std::str::from_utf8(&first).unwrap();
    assert!(text.starts_with("retry: ") && text.contains("event: checkout\n") && text.contains(&id), "{text}");
    house.stopper.stop();
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn health_readiness_and_where_to_report() {
    let house = House::open().await;
    assert_eq!(house.anonymous("GET", "/healthz").await.status, 200);
    assert_eq!(house.anonymous("GET", "/readyz").await.status, 200);
    let security = house.anonymous("GET", "/.well-known/security.txt").await;
    assert!(security.text().contains("Contact: mailto:security@example.com\nExpires: 20"), "{}", security.text());
    let keys = house.anonymous("GET", "/.well-known/jwks.json").await.json();
    for (at, kid) in ["audit-checkpoint", "event-head"].into_iter().enumerate() {
        let key = &keys["keys"][at];
        assert_eq!((&key["kid"], &key["kty"], &key["crv"]), (&json!(kid), &json!("OKP"), &json!("Ed25519")), "{keys}");
        assert_eq!(key["x"].as_str().map(str::len), Some(43), "{keys}");
    }
    let document = house.anonymous("GET", "/openapi.json").await;
    assert_eq!(document.json()["openapi"], "3.1.0");
    let wrong = house.anonymous("POST", "/healthz").await;
    assert_eq!((wrong.problem().1.as_str(), wrong.header("x-content-type-options")), ("method_not_allowed", "nosniff"));
    house.stopper.stop();
    assert_eq!(house.anonymous("GET", "/readyz").await.status, 503);
    assert_eq!(house.anonymous("GET", "/healthz").await.status, 200);
}

#[tokio::test]
async fn a_browser_that_is_lost_gets_a_page() {
    let house = House::open().await;
    let request = Request::builder().uri("/nowhere").header("accept", "text/html").body(Body::empty()).unwrap();
    let seen = house.send(request).await;
    assert_eq!((seen.status.as_u16(), seen.header("content-type")), (404, "text/html; charset=utf-8"));
}
