//! States, versions, and what is the same request again.

use crate::harness::{field, run};
use serde_json::json;

#[test]
fn states_are_named_with_what_is_allowed() {
    run(async |s| {
        let checkout = s.checkout("5.00").await;
        s.act(&checkout, "cancel", json!({})).await.ok();
        for action in ["cancel", "expire", "extend"] {
            let problem = s.act(&checkout, action, json!({})).await.refused(409, "state_conflict");
            assert!(problem["detail"].as_str().unwrap().contains("canceled"), "{action}: {problem}");
        }
        let key = s.post("/v1/api_keys", json!({"name": "x"})).await.ok();
        let revoke = format!("/v1/api_keys/{}/revoke", field(&key, "id"));
        s.post(&revoke, json!({})).await.ok();
        s.post(&revoke, json!({})).await.reviewed(409, "state_conflict");
    });
}

#[test]
fn versions_guard_changes() {
    run(async |s| {
        let checkout = s.checkout("5.00").await;
        let path = format!("/v1/checkouts/{}", field(&checkout, "id"));
        let read = s.get(&path).await;
        assert_eq!(read.header("etag"), Some("\"1\""));
        let change = async |etag: &str| {
            let body = json!({"metadata": {"a": "b"}});
            s.request("PATCH", &path).header("If-Match", etag).json(&body).send().await
        };
        change("\"7\"").await.reviewed(412, "version_mismatch");
        let changed = change("\"1\"").await;
        assert_eq!((changed.ok()["version"].as_u64(), changed.header("etag")), (Some(2), Some("\"2\"")));
        change("\"1\"").await.refused(412, "version_mismatch");
        change("soon").await.refused(400, "parameter_invalid");
        change("*").await.ok();
        let cancel = s.request("POST", &format!("{path}/cancel")).header("If-Match", "\"1\"").send().await;
        cancel.refused(412, "version_mismatch");
        assert_eq!(s.get(&path).await.ok()["status"], "open");
    });
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    run(async |s| {
        let create = async |key: &str, amount: &str| {
            let body = json!({"amount": amount, "currency": "USD"});
            s.request("POST", "/v1/checkouts").idempotent(key).json(&body).send().await
        };
        create("order-1", "1.00").await.ok();
        create("order-1", "2.00").await.reviewed(422, "idempotency_key_reused");
        create("\"order-1\"", "2.00").await.refused(422, "idempotency_key_reused");
        create(&"k".repeat(256), "1.00").await.refused(400, "parameter_invalid");
        create("", "1.00").await.refused(400, "parameter_invalid");
        create(&"k".repeat(255), "1.00").await.ok();
        assert_eq!(s.get("/v1/checkouts").await.ok()["data"].as_array().unwrap().len(), 2);
    });
}
