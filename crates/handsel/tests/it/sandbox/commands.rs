//! The commands on the chain, the clock and a checkout's end: what they answer, what they do, what they refuse.

use crate::harness::{Server, field, listed, run};
use serde_json::{Value, json};

const UNKNOWN: &str = "chk_00000000000000000000000000";

fn on(verb: &str) -> String {
    format!("/v1/test/networks/sandbox-evm/{verb}")
}

/// The payments of a checkout.
async fn payments(s: &Server, checkout: &Value) -> Vec<Value> {
    listed(&s.get(&format!("/v1/payments?checkout={}", field(checkout, "id"))).await)
}

async fn now(s: &Server) -> i64 {
    s.post("/v1/test/clock", json!({"advance_seconds": 0})).await.ok()["now"].as_i64().unwrap()
}

#[test]
fn blocks_are_mined_and_counted() {
    run(async |s| {
        let head = s.post(&on("mine"), json!({})).await.ok();
        let first = head["block_number"].as_u64().unwrap();
        assert_eq!(head, json!({"network": "sandbox-evm", "block_number": first}));
        assert_eq!(s.post(&on("mine"), json!({"blocks": 3})).await.ok()["block_number"], first + 3);
        for body in [json!({"blocks": 0}), json!({"blocks": 10_001}), json!({"blocks": "3"})] {
            s.post(&on("mine"), body).await.refused(400, "parameter_invalid");
        }
        s.post(&on("mine"), json!({"block": 3})).await.refused(400, "parameter_unknown");
        s.post(&format!("{}?dry_run=true", on("mine")), json!({})).await.refused(400, "parameter_invalid");
        for (verb, body) in [
            ("mine", json!({})),
            ("finalize", json!({})),
            ("reorg", json!({"depth": 1})),
            ("faults", json!({"kind": "lag", "seconds": 1})),
        ] {
            let path = format!("/v1/test/networks/moon/{verb}");
            s.post(&path, body).await.refused(404, "resource_missing");
        }
    });
}

#[test]
fn finalizing_confirms_all_that_is_there() {
    run(async |s| {
        let (small, large) = (s.checkout("5.00").await, s.checkout("500.00").await);
        s.pay(&small, json!({})).await;
        s.pay(&large, json!({})).await;
        let head = s.post(&on("finalize"), json!({})).await.ok();
        assert_eq!(head["network"], "sandbox-evm");
        for checkout in [&small, &large] {
            s.becomes(checkout, "status", "complete").await;
            assert_eq!(payments(s, checkout).await[0]["finalized"], true);
        }
        let again = s.post(&on("finalize"), json!({})).await.ok();
        assert_eq!(again["block_number"], head["block_number"], "nothing was left to do");
        s.post(&on("finalize"), json!({"blocks": 1})).await.refused(400, "parameter_unknown");
    });
}

#[test]
fn a_reorganisation_drops_what_it_names_and_mines_the_rest_again() {
    run(async |s| {
        let (lost, kept) = (s.checkout("5.00").await, s.checkout("6.00").await);
        let gone = s.pay(&lost, json!({})).await;
        let stays = s.pay(&kept, json!({})).await;
        s.mined(2).await;
        let before = payments(s, &kept).await.remove(0);
        let head = s.post(&on("reorg"), json!({"depth": 2, "drop": [gone]})).await.ok();
        assert_eq!(head["network"], "sandbox-evm");
        s.watched().await;
        let after = payments(s, &kept).await.remove(0);
        assert_eq!((&after["id"], after["transaction"]["hash"].as_str()), (&before["id"], Some(stays.as_str())));
        assert_ne!(after["transaction"]["block_hash"], before["transaction"]["block_hash"]);
        assert_eq!(
            after["transaction"]["block_number"], before["transaction"]["block_number"],
            "in the first new block"
        );
        assert_eq!(payments(s, &lost).await[0]["status"], "reversed");
        assert_eq!(s.again(&lost).await["status"], "open");
        for (body, at) in [
            (json!({"depth": 1, "drop": ["0x12"]}), Some("/drop/0")),
            (json!({"depth": 1, "drop": [format!("0x{}", "1".repeat(64))]}), None),
            (json!({"depth": 0}), None),
            (json!({"depth": 1_000}), None),
        ] {
            let refused = s.post(&on("reorg"), body).await.refused(400, "parameter_invalid");
            assert_eq!(refused["errors"][0]["pointer"].as_str(), at, "{refused}");
        }
        s.post(&on("reorg"), json!({})).await.refused(400, "parameter_missing");
    });
}

#[test]
fn a_node_that_is_away_delays_and_loses_nothing() {
    run(async |s| {
        let checkout = s.checkout("5.00").await;
        let fault = json!({"network": "sandbox-evm", "kind": "outage", "seconds": 600});
        assert_eq!(s.post(&on("faults"), json!({"kind": "outage", "seconds": 600})).await.ok(), fault);
        s.pay(&checkout, json!({})).await;
        s.mine(3).await;
        assert_eq!(s.again(&checkout).await["status"], "open", "nobody could see it");
        s.post(&on("faults"), json!({"kind": "outage", "seconds": 0})).await.ok();
        s.becomes(&checkout, "status", "complete").await;
        let refused = s.post(&on("faults"), json!({"kind": "outrage", "seconds": 1})).await;
        let refused = refused.refused(400, "parameter_invalid");
        assert!(refused["detail"].as_str().unwrap().contains("outage, lag, "), "{refused}");
        assert_eq!(refused["errors"][0]["pointer"], "/kind");
        s.post(&on("faults"), json!({"kind": "lag", "seconds": 86_401})).await.refused(400, "parameter_invalid");
        s.post(&on("faults"), json!({"kind": "lag"})).await.refused(400, "parameter_missing");
    });
}

#[test]
fn one_clock_for_everything() {
    run(async |s| {
        let start = now(s).await;
        let moved = s.post("/v1/test/clock", json!({"advance_seconds": 3_600})).await.ok();
        assert!(moved["now"].as_i64().unwrap() >= start + 3_600, "{moved}");
        assert_eq!(moved.as_object().unwrap().len(), 1);
        let set = s.post("/v1/test/clock", json!({"set": start + 10_000})).await.ok();
        assert!((start + 10_000..start + 10_060).contains(&set["now"].as_i64().unwrap()), "{set}");
        let checkout = s.checkout("5.00").await;
        assert!(checkout["created"].as_i64().unwrap() >= start + 10_000, "objects follow the clock");
        for body in [
            json!({"set": start}),
            json!({"set": 1, "advance_seconds": 1}),
            json!({"advance_seconds": -1}),
            json!({"advance_seconds": 400_000_000}),
            json!({"set": "now"}),
        ] {
            s.post("/v1/test/clock", body).await.refused(400, "parameter_invalid");
        }
        s.post("/v1/test/clock", json!({})).await.refused(400, "parameter_missing");
        s.post("/v1/test/clock", json!({"advance": 1})).await.refused(400, "parameter_unknown");
    });
}

#[test]
fn a_checkouts_end_is_reached_by_the_clock() {
    run(async |s| {
        let checkout = s.checkout_with(json!({"amount": "5.00", "currency": "USD", "expires_in": 600})).await;
        let height = s.post(&on("mine"), json!({})).await.ok()["block_number"].as_u64().unwrap();
        let expired = s.post(&format!("/v1/test/checkouts/{}/expire", field(&checkout, "id")), json!({})).await;
        assert_eq!(expired.status, 200);
        let expired = expired.json();
        assert_eq!((&expired["id"], &expired["object"]), (&checkout["id"], &json!("checkout")));
        assert_eq!((&expired["status"], &expired["payment_status"]), (&json!("expired"), &json!("unpaid")));
        assert!(now(s).await > checkout["expires_at"].as_i64().unwrap());
        assert_eq!(s.post(&on("mine"), json!({})).await.ok()["block_number"], height + 2, "one block was mined");
        let path = format!("/v1/test/checkouts/{UNKNOWN}/expire");
        s.post(&path, json!({})).await.refused(404, "resource_missing");
        s.post("/v1/test/checkouts/pay_00000000000000000000000000/expire", json!({}))
            .await
            .refused(400, "wrong_id_type");
    });
}

#[test]
fn a_payment_is_as_asked() {
    run(async |s| {
        let checkout = s.checkout("5.00").await;
        let path = format!("/v1/test/checkouts/{}/pay", field(&checkout, "id"));
        let from = "0x00000000000000000000000000000000000000aa";
        let paid = s.post(&path, json!({"amount": "4.50", "asset": "USDT", "from": from})).await;
        assert_eq!(paid.status, 200);
        let paid = paid.json();
        let hash = field(&paid, "transaction");
        assert_eq!(paid, json!({"transaction": hash, "network": "sandbox-evm"}));
        assert!(hash.len() == 66 && hash.starts_with("0x"));
        assert_eq!(payments(s, &checkout).await.len(), 0, "it is in the next block");
        s.mined(1).await;
        let payment = payments(s, &checkout).await.remove(0);
        assert_eq!((&payment["asset"], &payment["amount"]["amount"]), (&json!("USDT"), &json!("4.500000")));
        assert_eq!(payment["transaction"]["hash"], hash.as_str());
        assert_eq!(field(&payment["transaction"], "from").to_lowercase(), from);
        for (body, status, code, at) in [
            (json!({"network": "moon"}), 400, "parameter_invalid", "/network"),
            (json!({"asset": "DOGE"}), 400, "parameter_invalid", "/asset"),
            (json!({"amount": "x"}), 400, "parameter_invalid", "/amount"),
            (json!({"amount": 5}), 400, "parameter_invalid", "/amount"),
            (json!({"from": "me"}), 422, "address_invalid", "/from"),
            (json!({"amonut": "5.00"}), 400, "parameter_unknown", "/amonut"),
        ] {
            let refused = s.post(&path, body).await.refused(status, code);
            assert_eq!(refused["errors"][0]["pointer"], at, "{refused}");
        }
        s.post(&format!("/v1/test/checkouts/{UNKNOWN}/pay"), json!({})).await.refused(404, "resource_missing");
    });
}
