//! Who gets in: the order of checks and every way to be refused at the door.

use crate::harness::{Server, Setup, field, run, run_with};
use handsel::system::OsEntropy;
use handsel_core::account::{Region, Tier};
use handsel_core::api_key::Class;
use handsel_core::api_key::text::generate;
use handsel_engine::accounts::NewAccount;
use serde_json::{Value, json};

async fn key(s: &Server, more: Value) -> Value {
    let mut body = json!({"name": "another"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    s.post("/v1/api_keys", body).await.ok()
}

/// Another merchant on the same server.
pub(crate) async fn another_account(s: &Server, tier: Tier) -> crate::harness::Http {
    let new = NewAccount {
        name: "Other Shop".to_owned(),
        email: "other@shop.example".to_owned(),
        region: Region::Eu,
        tier,
        default_accept: Vec::new(),
    };
    s.with(s.engine.create_account(new).await.unwrap().secret_key.expose())
}

#[test]
fn a_bearer_key_is_the_only_way_in() {
    run(async |s| {
        let with =
            async |value: &str| s.anonymous().request("GET", "/v1/account").header("Authorization", value).send().await;
        with("Basic c2tfdGVzdDo=").await.reviewed(401, "authentication_required");
        with("Bearer").await.refused(401, "authentication_required");
        with(&s.secret_key).await.refused(401, "authentication_required");
        with(&format!("bearer {}", s.secret_key)).await.ok();
        let twice = s.request("GET", "/v1/account").header("Authorization", "Bearer other").send().await;
        twice.refused(401, "authentication_required");
        let url = format!("/v1/account?api_key={}", s.publishable_key);
        s.anonymous().get(&url).await.refused(401, "authentication_required");
    });
}

#[test]
fn keys_that_are_none() {
    run(async |s| {
        let mut typo = s.secret_key.clone();
        let last = typo.pop().unwrap();
        typo.push(if last == '0' { '1' } else { '0' });
        let unknown = generate(Class::Restricted, false, &OsEntropy);
        for text in ["hello", "sk_test_", &typo, unknown.secret.expose(), &s.secret_key[1..]] {
            let refused = s.with(text).get("/v1/account").await;
            let problem = refused.refused(401, "api_key_invalid");
            assert!(text.len() < 20 || !problem.to_string().contains(text), "no key is repeated");
            assert!(refused.header("www-authenticate").unwrap().contains("invalid_token"));
        }
        s.with("hello").get("/v1/account").await.reviewed(401, "api_key_invalid");
        let live = generate(Class::Publishable, true, &OsEntropy);
        s.with(live.secret.expose()).get("/v1/account").await.reviewed(401, "api_key_wrong_mode");
    });
}

#[test]
fn keys_that_were() {
    run(async |s| {
        let revoked = key(s, json!({})).await;
        s.post(&format!("/v1/api_keys/{}/revoke", field(&revoked, "id")), json!({})).await.ok();
        s.with(&field(&revoked, "secret")).get("/v1/account").await.reviewed(401, "api_key_revoked");
        let rolled = key(s, json!({})).await;
        let roll = format!("/v1/api_keys/{}/roll", field(&rolled, "id"));
        let successor = s.post(&roll, json!({"grace_seconds": 0})).await.ok();
        s.with(&field(&rolled, "secret")).get("/v1/account").await.reviewed(401, "api_key_expired");
        s.with(&field(&successor, "secret")).get("/v1/account").await.ok();
        assert_ne!(rolled["id"], successor["id"]);
    });
}

#[test]
fn keys_with_an_end_end_with_the_clock() {
    run(async |s| {
        let now = s.post("/v1/test/clock", json!({"advance_seconds": 0})).await.ok()["now"].as_i64().unwrap();
        let ending = key(s, json!({"expires_at": now + 100})).await;
        let http = s.with(&field(&ending, "secret"));
        http.get("/v1/account").await.ok();
        s.advance(101).await;
        http.get("/v1/account").await.refused(401, "api_key_expired");
    });
}

#[test]
fn keys_for_somewhere_else() {
    run(async |s| {
        let elsewhere = key(s, json!({"allowed_ips": ["192.0.2.0/24", "2001:db8::/32"]})).await;
        s.with(&field(&elsewhere, "secret")).get("/v1/account").await.reviewed(403, "ip_not_allowed");
        let here = key(s, json!({"allowed_ips": ["127.0.0.0/8"]})).await;
        s.with(&field(&here, "secret")).get("/v1/account").await.ok();
        let page = key(s, json!({"class": "publishable", "allowed_origins": ["https://shop.example"]})).await;
        let from = async |origin: &str| {
            s.with(&field(&page, "secret")).request("GET", "/v1/account").header("Origin", origin).send().await
        };
        from("https://evil.example").await.reviewed(403, "origin_not_allowed");
        from("https://shop.example").await.refused(403, "permission_denied");
    });
}

#[test]
fn a_key_in_a_query_or_a_body_is_revoked() {
    run(async |s| {
        let fresh = async || field(&key(s, json!({})).await, "secret");
        let percent = |key: &str| key.replace('_', "%5f");
        let escaped = |key: &str| key.replace('_', "\\u005f");
        let in_query = fresh().await;
        let problem = s.get(&format!("/v1/checkouts?reference={in_query}")).await.reviewed(400, "api_key_leaked");
        assert!(!problem.to_string().contains(&in_query));
        s.with(&in_query).get("/v1/account").await.refused(401, "api_key_revoked");
        let encoded = fresh().await;
        let anonymous = s.anonymous().get(&format!("/v1/x?y={}", percent(&encoded))).await;
        anonymous.refused(400, "api_key_leaked");
        s.with(&encoded).get("/v1/account").await.refused(401, "api_key_revoked");
        let in_body = fresh().await;
        let body = json!({"amount": "1.00", "currency": "USD", "metadata": {"note": format!("key:{in_body}.")}});
        s.post("/v1/checkouts", body).await.refused(400, "api_key_leaked");
        s.with(&in_body).get("/v1/account").await.refused(401, "api_key_revoked");
        let hidden = fresh().await;
        let body = format!("{{\"amount\":\"1.00\",\"currency\":\"USD\",\"reference\":\"{}\"}}", escaped(&hidden));
        let sent = s.request("POST", "/v1/checkouts").body("application/json", body).send().await;
        sent.refused(400, "api_key_leaked");
        s.with(&hidden).get("/v1/account").await.refused(401, "api_key_revoked");
        let stranger = generate(Class::Secret, false, &OsEntropy);
        s.get(&format!("/v1/checkouts?x={}", stranger.secret.expose())).await.refused(400, "api_key_leaked");
        let page = s.with(&s.publishable_key).get(&format!("/v1/x?k={}", s.publishable_key)).await;
        page.refused(403, "origin_not_allowed");
        let told: Vec<_> = s.events().await.into_iter().filter(|e| e["type"] == "api_key.revoked").collect();
        assert_eq!(told.len(), 4, "the owner is told of each");
    });
}

#[test]
fn a_key_grants_no_more_than_it_has() {
    run(async |s| {
        let small = s.restricted(&["keys:write", "checkouts:read"]).await;
        let make = async |scope: &str| {
            small.post("/v1/api_keys", json!({"name": "x", "class": "restricted", "scopes": [scope]})).await
        };
        make("checkouts:read").await.ok();
        let denied = make("checkouts:write").await.reviewed(403, "permission_denied");
        assert!(denied["detail"].as_str().unwrap().contains("checkouts:write"));
        small.post("/v1/api_keys", json!({"name": "x"})).await.refused(403, "permission_denied");
        let unknown =
            s.post("/v1/api_keys", json!({"name": "x", "class": "restricted", "scopes": ["checkout:read"]})).await;
        unknown.refused(400, "parameter_invalid");
    });
}

#[test]
fn another_tenants_objects_are_not_there() {
    run(async |s| {
        let other = another_account(s, Tier::Enterprise).await;
        let checkout = s.checkout("5.00").await;
        let path = format!("/v1/checkouts/{}", field(&checkout, "id"));
        let nothing = "/v1/checkouts/chk_00000000000000000000000000";
        let (theirs, none) = (other.get(&path).await, other.get(nothing).await);
        let words = |problem: Value| (problem["code"].clone(), problem["title"].clone(), problem["detail"].clone());
        assert_eq!(words(theirs.refused(404, "resource_missing")), words(none.reviewed(404, "resource_missing")));
        for action in ["expire", "cancel", "extend"] {
            other.post(&format!("{path}/{action}"), json!({})).await.refused(404, "resource_missing");
        }
        other.patch(&path, json!({"metadata": {"a": "b"}})).await.refused(404, "resource_missing");
        let key = s.get("/v1/api_keys").await.ok()["data"][0].clone();
        other.get(&format!("/v1/api_keys/{}", field(&key, "id"))).await.refused(404, "resource_missing");
        let wallet = s.get("/v1/wallets").await.ok()["data"][0].clone();
        other.get(&format!("/v1/wallets/{}", field(&wallet, "id"))).await.refused(404, "resource_missing");
        for list in ["checkouts", "payments", "wallets", "webhooks", "deliveries"] {
            assert_eq!(other.get(&format!("/v1/{list}")).await.ok()["data"], json!([]), "{list}");
        }
        let theirs = other.get(&format!("/v1/checkouts?starting_after={}", field(&checkout, "id"))).await;
        assert!(theirs.status == 400 || theirs.json()["data"] == json!([]));
        assert_eq!(s.again(&checkout).await["version"], 1);
    });
}

#[test]
fn whoever_asks_too_much_waits() {
    let slow = Setup::default().set("HANDSEL_LIMITS__WRITES_PER_SECOND", "1");
    run_with(slow, async |s| {
        let http = another_account(s, Tier::Standard).await;
        let create = async || http.post("/v1/api_keys", json!({})).await;
        let first = create().await;
        first.refused(400, "parameter_missing");
        for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit", "ratelimit-policy"] {
            assert!(first.header(name).is_some(), "{name} on every answer to a valid key");
        }
        let mut refused = None;
        for _ in 0..60 {
            let reply = create().await;
            if reply.status == 429 {
                refused = Some(reply);
                break;
            }
        }
        let refused = refused.unwrap();
        refused.reviewed(429, "rate_limited");
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        http.get("/v1/account").await.ok();
        s.checkout("1.00").await;
    });
}
