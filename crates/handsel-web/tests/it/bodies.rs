//! What a body may be, and what is said about one that isn't.

use crate::harness::House;
use axum::body::Body;

#[tokio::test]
async fn bad_bodies_are_refused_by_name_and_nothing_is_written() {
    let house = House::open().await;
    let cases = [
        ("{", 400, "json_invalid", None),
        (r#"{"amount":"1","amount":"2"}"#, 400, "json_invalid", Some("amount")),
        ("[]", 400, "parameter_invalid", None),
        (r#"{"currency":"USD"}"#, 400, "parameter_missing", Some("amount")),
        (r#"{"amount":19.99,"currency":"USD"}"#, 400, "parameter_invalid", Some("amount")),
        (r#"{"amount":"-1","currency":"USD"}"#, 400, "parameter_invalid", Some("amount")),
        (r#"{"amount":"1e3","currency":"USD"}"#, 400, "parameter_invalid", Some("amount")),
        (r#"{"amount":"19.999","currency":"USD"}"#, 422, "", Some("amount")),
        (r#"{"amount":"1","currency":"XXX"}"#, 422, "currency_unsupported", Some("currency")),
        (r#"{"amonut":"1","currency":"USD"}"#, 400, "parameter_unknown", Some("amonut")),
        (r#"{"amount":"1","currency":"USD","expires_in":-5}"#, 400, "parameter_invalid", Some("expires_in")),
        (r#"{"amount":"1","currency":"USD","expires_in":1.5}"#, 400, "parameter_invalid", Some("expires_in")),
        (r#"{"amount":"1","currency":"USD","metadata":{"a":1}}"#, 400, "parameter_invalid", Some("metadata[a]")),
        (
            r#"{"amount":"1","currency":"USD","line_items":[{"name":"x"},{"nmae":"y"}]}"#,
            400,
            "parameter_unknown",
            Some("line_items[1][nmae]"),
        ),
        (r#"{"amount":"1","currency":"USD","matching":"automatic"}"#, 400, "parameter_invalid", Some("matching")),
    ];
    for (body, status, code, param) in cases {
        let seen = house.post("/v1/checkouts", body).await;
        let (found_status, found_code, found_param) = seen.problem();
        assert_eq!(found_status, status, "{body}: {}", seen.text());
        assert!(code.is_empty() || found_code == code, "{body}: {}", seen.text());
        assert_eq!(found_param.as_deref(), param, "{body}: {}", seen.text());
    }
    let deep = format!(r#"{{"metadata":{}}}"#, "[".repeat(40));
    assert_eq!(house.post("/v1/checkouts", &deep).await.problem().1, "json_invalid");
    assert_eq!(house.get("/v1/checkouts").await.json()["data"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_problem_points_at_the_member_and_offers_the_nearest_name() {
    let house = House::open().await;
    let problem = house.post("/v1/checkouts", r#"{"amount":"1","curency":"USD"}"#).await.json();
    assert_eq!(problem["errors"][0]["pointer"], "/curency");
    assert!(problem["detail"].as_str().unwrap().contains("\"currency\""), "{problem}");
    let number = house.post("/v1/checkouts", r#"{"amount":19.99,"currency":"USD"}"#).await.json();
    assert!(number["detail"].as_str().unwrap().contains("not a JSON number"), "{number}");
}

#[tokio::test]
async fn size_and_kind_of_a_body() {
    let house = House::open().await;
    let large = format!(r#"{{"reference":"{}"}}"#, "x".repeat(1024 * 1024));
    let seen = house.post("/v1/checkouts", &large).await;
    assert_eq!(seen.problem().1, "body_too_large");
    assert_eq!(seen.header("x-frame-options"), "DENY");
    let plain = house.request("POST", "/v1/checkouts").header("content-type", "text/plain").body(Body::from("{}"));
    assert_eq!(house.send(plain.unwrap()).await.problem().1, "content_type_unsupported");
    let none = house.request("POST", "/v1/checkouts").body(Body::empty()).unwrap();
    assert_eq!(house.send(none).await.problem().1, "parameter_missing");
}

#[tokio::test]
async fn ids_of_other_kinds_are_told_by_their_prefix() {
    let house = House::open().await;
    let seen = house.get("/v1/checkouts/pay_00000000000000000000000001").await;
    assert_eq!(seen.problem(), (400, "wrong_id_type".to_owned(), Some("id".to_owned())));
    assert_eq!(house.get("/v1/checkouts/chk_00000000000000000000000001").await.problem().1, "resource_missing");
    let matched = house.post("/v1/payments/pay_00000000000000000000000001/match", r#"{"checkout":"whk_1"}"#).await;
    assert_eq!(matched.problem().1, "wrong_id_type");
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_bare_or_quoted() {
    let house = House::open().await;
    house.wallet().await;
    let body = r#"{"amount":"19.99","currency":"USD"}"#;
    let first = house.post_with("/v1/checkouts", body, &[("idempotency-key", "order-1")]).await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (201, ""));
    let again = house.post_with("/v1/checkouts", body, &[("idempotency-key", "\"order-1\"")]).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(first.body, again.body, "byte for byte");
    let other =
        house.post_with("/v1/checkouts", r#"{"amount":"20.00","currency":"USD"}"#, &[("idempotency-key", "order-1")]);
    assert_eq!(other.await.problem().1, "idempotency_key_reused");
    let long = "x".repeat(256);
    let seen = house.post_with("/v1/checkouts", body, &[("idempotency-key", &long)]).await;
    assert_eq!(seen.problem(), (400, "parameter_invalid".to_owned(), Some("idempotency-key".to_owned())));
}

#[tokio::test]
async fn a_dry_run_says_so_and_writes_nothing() {
    let house = House::open().await;
    house.wallet().await;
    let seen = house.post("/v1/checkouts?dry_run=true", r#"{"amount":"19.99","currency":"USD"}"#).await;
    assert_eq!(seen.json()["dry_run"], true, "{}", seen.text());
    assert_eq!(house.get("/v1/checkouts").await.json()["data"].as_array().unwrap().len(), 0);
    assert_eq!(
        house.post("/v1/checkouts?dry_run=yes", "{}").await.problem().1,
        "parameter_missing",
        "the body comes first"
    );
}

#[tokio::test]
async fn an_etag_is_given_and_honoured() {
    let house = House::open().await;
    house.wallet().await;
    let checkout = house.checkout().await;
    let path = format!("/v1/checkouts/{}", checkout["id"].as_str().unwrap());
    let etag = house.get(&path).await.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", checkout["version"]));
    let cancel = format!("{path}/cancel");
    assert_eq!(house.post_with(&cancel, "", &[("if-match", "\"99\"")]).await.problem().1, "version_mismatch");
    assert_eq!(house.post_with(&cancel, "", &[("if-match", "three")]).await.problem().1, "parameter_invalid");
    let canceled = house.post_with(&cancel, "{}", &[("if-match", &etag)]).await;
    assert_eq!(canceled.json()["status"], "canceled", "{}", canceled.text());
    assert_eq!(house.post(&cancel, r#"{"why":"x"}"#).await.problem().1, "parameter_unknown");
}
