//! Who gets in, in which order, and what everybody is told.

use crate::harness::{House, Seen};
use axum::body::Body;
use handsel_core::account::Tier;
use handsel_web::ROUTES;
use http::Request;
use std::time::Duration;

/// A path with something at every `{…}`.
fn filled(path: &str) -> String {
    path.replace("{id}", "chk_00000000000000000000000001").replace("{network}", "sandbox-evm")
}

fn assert_common_headers(seen: &Seen) {
    assert_eq!(seen.header("x-content-type-options"), "nosniff");
    assert_eq!(seen.header("x-frame-options"), "DENY");
    assert_eq!(seen.header("referrer-policy"), "strict-origin-when-cross-origin");
    assert_eq!(seen.header("handsel-version"), "2026-12-01");
    assert!(seen.header("request-id").starts_with("req_"), "{:?}", seen.headers);
    assert!(seen.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(!seen.header("cache-control").is_empty());
}

#[tokio::test]
async fn every_route_refuses_who_has_no_key() {
    let house = House::open().await;
    for route in ROUTES {
        let seen = house.anonymous(route.verb.name(), &filled(route.path)).await;
        assert_eq!(seen.problem(), (401, "authentication_required".to_owned(), None), "{route:?}");
        assert!(seen.header("www-authenticate").starts_with("Bearer"), "{route:?}");
        assert!(!seen.header("ratelimit-remaining").is_empty(), "{route:?}");
        assert_common_headers(&seen);
    }
}

#[tokio::test]
async fn every_route_refuses_a_key_of_another_scope_and_names_the_scope() {
    let house = House::open().await;
    let key = house.restricted_key(&["incidents:read"]).await;
    for route in ROUTES {
        let request = Request::builder()
            .method(route.verb.name())
            .uri(filled(route.path))
            .header("authorization", format!("Bearer {key}"))
            .body(Body::empty())
            .unwrap();
        let seen = house.send(request).await;
        assert_eq!(seen.problem(), (403, "permission_denied".to_owned(), None), "{route:?}");
        assert!(seen.text().contains(&route.scope.to_string()), "{route:?}: {}", seen.text());
        assert_common_headers(&seen);
    }
}

#[tokio::test]
async fn without_a_key_nobody_learns_which_routes_exist() {
    let house = House::open().await;
    assert_eq!(house.anonymous("GET", "/v1/nothing").await.problem().0, 401);
    assert_eq!(house.anonymous("PUT", "/v1/checkouts").await.problem().0, 401);
    assert_eq!(house.get("/v1/nothing").await.problem().1, "route_missing");
    assert_eq!(house.get("/v1").await.problem().1, "route_missing");
    let put = house.send(house.request("PUT", "/v1/checkouts").body(Body::empty()).unwrap()).await;
    assert_eq!(put.problem().1, "method_not_allowed");
    assert!(put.header("allow").contains("POST") && put.header("allow").contains("GET"), "{:?}", put.headers);
    assert_common_headers(&put);
    let elsewhere = house.anonymous("GET", "/nothing").await;
    assert_eq!(elsewhere.problem().1, "route_missing");
    assert_common_headers(&elsewhere);
}

#[tokio::test]
async fn keys_that_are_not_keys() {
    let house = House::open().await;
    let with = |value: String| {
        let request = Request::builder().uri("/v1/account").header("authorization", value).body(Body::empty()).unwrap();
        house.send(request)
    };
    assert_eq!(with("Basic abc".to_owned()).await.problem().1, "authentication_required");
    assert_eq!(with("Bearer sk_test_nonsense".to_owned()).await.problem().1, "api_key_invalid");
    assert_eq!(with(format!("bearer {}", house.secret.expose())).await.status, 200);
}

#[tokio::test]
async fn a_live_server_has_no_sandbox() {
    let house = House::open_as(true, Tier::Enterprise).await;
    assert_eq!(house.post("/v1/test/clock", r#"{"advance_seconds":1}"#).await.problem().1, "route_missing");
    assert_eq!(house.get("/v1/account").await.json()["livemode"], true);
}

#[tokio::test]
async fn a_key_in_a_query_is_leaked_before_anything_else_is_looked_at() {
    let house = House::open().await;
    let key = house.restricted_key(&["account:read"]).await;
    let seen = house.anonymous("GET", &format!("/v1/nothing?x=1&token={}", key.replace('_', "%5F"))).await;
    assert_eq!(seen.problem().1, "api_key_leaked");
    let request = Request::builder().uri("/v1/account").header("authorization", format!("Bearer {key}"));
    let after = house.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(after.problem().1, "api_key_revoked");
}

#[tokio::test]
async fn a_key_in_a_body_is_leaked_also_when_it_is_escaped() {
    let house = House::open().await;
    for escape in [false, true] {
        let key = house.restricted_key(&["account:read"]).await;
        let hidden = if escape { key.replacen('_', "\\u005f", 2) } else { key };
        let body = format!(r#"{{"amount":"1.00","currency":"USD","reference":"{hidden}"}}"#);
        assert_eq!(house.post("/v1/checkouts", &body).await.problem().1, "api_key_leaked");
    }
}

#[tokio::test]
async fn the_version_is_checked() {
    let house = House::open().await;
    let ask = |version: &'static str| {
        let request = house.request("GET", "/v1/account").header("handsel-version", version);
        house.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask("2026-12-01").await.status, 200);
    let problem = ask("2020-01-01").await.problem();
    assert_eq!(problem, (400, "parameter_invalid".to_owned(), Some("Handsel-Version".to_owned())));
}

#[tokio::test]
async fn one_too_many_is_refused_and_costs_nothing() {
    let house = House::open_as(false, Tier::Standard).await;
    let mut passed = 0;
    let refused = loop {
        let seen = house.post("/v1/wallets", "{}").await;
        if seen.status == 429 {
            break seen;
        }
        assert_eq!(seen.header("ratelimit-policy"), "\"write\";q=1250;w=10");
        passed += 1;
    };
    assert_eq!(passed, 125);
    assert_eq!(refused.problem().1, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(house.get("/v1/account").await.status, 200, "reads have a bucket of their own");
    house.clock.advance(Duration::from_millis(1_100));
    assert_ne!(house.post("/v1/wallets", "{}").await.status, 429);
}

#[tokio::test]
async fn an_address_that_only_fails_is_refused_before_its_key_is_looked_at() {
    let house = House::open().await;
    let mut failed = 0;
    while house.anonymous("GET", "/v1/account").await.status == 401 {
        failed += 1;
    }
    assert_eq!(failed, 600);
    let seen = house.anonymous("GET", "/v1/account").await;
    assert_eq!(seen.problem().1, "rate_limited");
    house.clock.advance(Duration::from_secs(2));
    assert_eq!(house.anonymous("GET", "/v1/account").await.status, 401);
}
