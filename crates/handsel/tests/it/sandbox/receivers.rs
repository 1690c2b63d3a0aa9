//! Receivers inside the sandbox.

use crate::harness::{field, run, until};
use serde_json::json;

#[test]
fn a_receiver_is_created_and_keeps_what_comes() {
    run(async |s| {
        let made = s.post("/v1/test/receivers", json!({})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        let members: Vec<&String> = made.as_object().unwrap().keys().collect();
        assert_eq!(members, ["id", "url"]);
        assert!(field(&made, "id").starts_with("rcv_") && field(&made, "url").starts_with("http://127.0.0.1:"));
        let path = format!("/v1/test/receivers/{}/requests", field(&made, "id"));
        assert_eq!(s.get(&path).await.ok(), json!({"data": []}));
        let hook = json!({"url": made["url"], "enabled_events": ["checkout.created"]});
        s.post("/v1/webhooks", hook).await.ok();
        s.checkout("5.00").await;
        let got = until("the receiver has it", async || {
            s.get(&path).await.ok()["data"].as_array().and_then(|all| all.first().cloned())
        });
        let got = got.await;
        assert_eq!((&got["method"], got["at"].as_i64().is_some()), (&json!("POST"), true));
        assert_eq!(got["headers"]["content-type"], "application/json");
        assert!(field(&got, "body").starts_with("{\"id\":\"evt_"), "the body is raw text: {got}");
    });
}

#[test]
fn statuses_come_in_turn_and_the_last_one_stays() {
    run(async |s| {
        let receiver = s.receiver(&[500, 204]).await;
        let webhook = s.webhook(&receiver, json!({"ordering": "none"})).await;
        for amount in ["1.00", "2.00", "3.00"] {
            s.checkout(amount).await;
        }
        let path = format!("/v1/webhooks/{}/deliveries", field(&webhook, "id"));
        let codes = until("three attempts", async || {
            let all = crate::harness::listed(&s.get(&path).await);
            let attempts = all.iter().flat_map(|d| d["attempts"].as_array().unwrap().clone());
            let mut codes: Vec<u64> = attempts.map(|a| a["status_code"].as_u64().unwrap()).collect();
            codes.sort_unstable();
            Some(codes).filter(|codes| codes.len() == 3)
        });
        assert_eq!(codes.await, [204, 204, 500]);
    });
}

#[test]
fn nonsense_is_refused() {
    run(async |s| {
        for body in [
            json!({"status": [199]}),
            json!({"status": [600]}),
            json!({"status": 500}),
            json!({"delay_ms": 120_001}),
            json!({"delay_ms": -1}),
        ] {
            s.post("/v1/test/receivers", body).await.refused(400, "parameter_invalid");
        }
        let refused = s.post("/v1/test/receivers", json!({"statuses": [500]})).await.refused(400, "parameter_unknown");
        assert!(refused["detail"].as_str().unwrap().contains("\"status\""), "{refused}");
        let unknown = "/v1/test/receivers/rcv_00000000000000000000000000/requests";
        s.get(unknown).await.refused(404, "resource_missing");
        s.get("/v1/test/receivers/chk_00000000000000000000000000/requests").await.refused(400, "wrong_id_type");
    });
}
