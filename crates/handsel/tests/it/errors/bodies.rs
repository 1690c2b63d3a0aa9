//! What is wrong with the request as such: JSON, members, paths, sizes.

use crate::harness::{Http, Reply, Server, run};
use serde_json::{Value, json};

/// Posts text as JSON.
async fn text(http: &Http, body: impl Into<Vec<u8>>) -> Reply {
    http.request("POST", "/v1/checkouts").body("application/json", body).send().await
}

fn nested(levels: usize) -> String {
    format!("{{\"metadata\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
}

/// No checkout came of any of it.
async fn nothing_was_made(s: &Server) {
    assert_eq!(s.get("/v1/checkouts").await.ok()["data"], json!([]));
}

#[test]
fn json_is_json() {
    run(async |s| {
        for body in [
            "{\"amount\":\"1.00\",",
            "{\"amount\":\"1.00\",\"amount\":\"2.00\",\"currency\":\"USD\"}",
            "{\"metadata\":{\"a\":\"1\",\"\\u0061\":\"2\"}}",
            "{\"amount\":\"1.00\",\"currency\":\"USD\"} {}",
            "{\"amount\":\"1.00\",\"currency\":\"USD\",}",
            "{'amount':'1.00'}",
            "{\"amount\":NaN}",
            "{\"amount\":\"\\ud800\"}",
            "\u{feff}{}",
            "   ",
        ] {
            let refused = text(s, body).await;
            refused.refused(400, "json_invalid");
        }
        text(s, b"{\"amount\":\"1\xff\"}".to_vec()).await.refused(400, "json_invalid");
        text(s, nested(33)).await.reviewed(400, "json_invalid");
        text(s, nested(32)).await.refused(400, "parameter_invalid");
        text(s, "[".repeat(900_000)).await.refused(400, "json_invalid");
        nothing_was_made(s).await;
    });
}

#[test]
fn members_are_checked_by_name() {
    run(async |s| {
        let refused = async |body: Value, code: &str, param: &str| {
            let problem = s.post("/v1/checkouts", body).await.refused(400, code);
            assert_eq!(problem["param"], param, "{problem}");
            problem
        };
        refused(json!({"amount": "1.00"}), "parameter_missing", "currency").await;
        refused(json!({}), "parameter_missing", "amount").await;
        let unknown = refused(json!({"amout": "1.00", "currency": "USD"}), "parameter_unknown", "amout").await;
        assert!(unknown["detail"].as_str().unwrap().contains("amount"), "{unknown}");
        assert_eq!(unknown["errors"][0]["pointer"], "/amout");
        let inner =
            json!({"amount": "1.00", "currency": "USD", "accept": [{"netwrk": "sandbox-evm", "asset": "USDC"}]});
        let inner = refused(inner, "parameter_unknown", "accept[0][netwrk]").await;
        assert!(inner["detail"].as_str().unwrap().contains("network"), "{inner}");
        let other = json!({"amount": "1.00", "currency": "USD", "customer": "chk_00000000000000000000000001"});
        assert!(refused(other, "wrong_id_type", "customer").await["detail"].as_str().unwrap().contains("cus_"));
        for (member, value) in [
            ("amount", json!(19.99)),
            ("amount", json!(19)),
            ("amount", json!(-1)),
            ("amount", json!("-1.00")),
            ("amount", json!("1e3")),
            ("amount", json!("1.")),
            ("amount", json!(" 1")),
            ("amount", json!("١")),
            ("amount", Value::Null),
            ("currency", json!(840)),
            ("expires_in", json!(59)),
            ("expires_in", json!(2_592_001)),
            ("expires_in", json!("3600")),
            ("expires_in", json!(3600.5)),
            ("tolerance_bps", json!(1001)),
            ("tolerance_bps", json!(-1)),
            ("matching", json!("xpubb")),
            ("reference", json!("x".repeat(501))),
            ("metadata", json!("none")),
            ("accept", json!({})),
        ] {
            let mut body = json!({"amount": "1.00", "currency": "USD"});
            body[member] = value;
            refused(body, "parameter_invalid", member).await;
        }
        s.post("/v1/checkouts", json!([])).await.reviewed(400, "parameter_invalid");
        s.post("/v1/checkouts", json!({"amount": "1.00"})).await.reviewed(400, "parameter_missing");
        s.post("/v1/checkouts", json!({"amout": "1.00"})).await.reviewed(400, "parameter_unknown");
        nothing_was_made(s).await;
    });
}

#[test]
fn metadata_has_its_bounds() {
    run(async |s| {
        let with = async |metadata: Value| {
            s.post("/v1/checkouts", json!({"amount": "1.00", "currency": "USD", "metadata": metadata})).await
        };
        let many = |count: usize| (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>();
        with(Value::Object(many(51))).await.refused(400, "parameter_invalid");
        with(json!({"k".repeat(41): "v"})).await.refused(400, "parameter_invalid");
        with(json!({"k": "v".repeat(501)})).await.refused(400, "parameter_invalid");
        with(json!({"k": 1})).await.refused(400, "parameter_invalid");
        with(json!({"card": "4242 4242 4242 4242"})).await.refused(400, "parameter_invalid");
        nothing_was_made(s).await;
        with(Value::Object(many(50))).await.ok();
        with(json!({"ü".repeat(40): "ü".repeat(500)})).await.ok();
    });
}

#[test]
fn ids_name_their_kind() {
    run(async |s| {
        let problem = s.get("/v1/checkouts/pay_01j0000000000000000000abcd").await.reviewed(400, "wrong_id_type");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("pay") && detail.contains("chk"), "{detail}");
        assert!(!detail.contains("01j0"), "by prefix alone: {detail}");
        s.get("/v1/payments/chk_00000000000000000000000000").await.refused(400, "wrong_id_type");
        s.get("/v1/checkouts?starting_after=pay_00000000000000000000000000").await.refused(400, "wrong_id_type");
        s.get("/v1/checkouts/chk_00000000000000000000000000").await.refused(404, "resource_missing");
        s.get("/v1/checkouts/chk_0000000000000000000000000U").await.refused(404, "resource_missing");
    });
}

#[test]
fn paths_and_methods_are_known_ones() {
    run(async |s| {
        s.get("/v1/chekouts").await.reviewed(404, "route_missing");
        s.get("/v1").await.refused(404, "route_missing");
        s.get("/v1/checkouts/").await.refused(404, "route_missing");
        let not_allowed = s.delete("/v1/checkouts").await;
        not_allowed.reviewed(405, "method_not_allowed");
        let allow = not_allowed.header("allow").unwrap();
        assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
        s.request("PUT", "/v1/account").send().await.refused(405, "method_not_allowed");
        assert_eq!(s.anonymous().get("/nowhere").await.status, 404);
        s.anonymous().get("/v1/nowhere").await.refused(401, "authentication_required");
    });
}

#[test]
fn bodies_are_json_of_a_bounded_size() {
    run(async |s| {
        let head = |length: &str| {
            format!(
                "POST /v1/checkouts HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
                 {length}\r\nConnection: close\r\n\r\n",
                s.address, s.secret_key
            )
        };
        s.raw(head("Content-Length: 1048577").as_bytes()).await.reviewed(413, "body_too_large");
        let mut chunked = head("Transfer-Encoding: chunked").into_bytes();
        for _ in 0..17 {
            chunked.extend_from_slice(format!("10000\r\n{}\r\n", " ".repeat(0x10000)).as_bytes());
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        s.raw(&chunked).await.refused(413, "body_too_large");
        let body = r#"{"amount":"1.00","currency":"USD"}"#;
        let largest = format!("{body}{}", " ".repeat(1024 * 1024 - body.len()));
        text(s, largest).await.ok();
        for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            let sent = s.request("POST", "/v1/checkouts").body(kind, body).send().await;
            sent.refused(415, "content_type_unsupported");
        }
        let untyped = s.request("POST", "/v1/checkouts").body("", body).send().await;
        untyped.reviewed(415, "content_type_unsupported");
        s.request("POST", "/v1/checkouts").body("application/json; charset=utf-8", body).send().await.ok();
    });
}

#[test]
fn queries_are_known_ones() {
    run(async |s| {
        let unknown = s.get("/v1/checkouts?limt=1").await.refused(400, "parameter_unknown");
        assert!(unknown["detail"].as_str().unwrap().contains("limit"), "{unknown}");
        assert_eq!(unknown["param"], "limt");
        s.get("/v1/account?verbose=1").await.refused(400, "parameter_unknown");
        s.request("POST", "/v1/checkouts?dry_run=maybe").json(&json!({"amount": "1.00", "currency": "USD"}));
        for query in ["limit=0", "limit=101", "limit=ten", "limit=1&limit=2", "created[gte]=yesterday", "%ff=1"] {
            s.get(&format!("/v1/checkouts?{query}")).await.refused(400, "parameter_invalid");
        }
        let both = "starting_after=chk_00000000000000000000000000&ending_before=chk_00000000000000000000000000";
        s.get(&format!("/v1/checkouts?{both}")).await.refused(400, "parameter_invalid");
        s.get("/v1/checkouts?created[since]=1").await.refused(400, "parameter_unknown");
        s.get("/v1/checkouts?expand[]=customers").await.refused(400, "parameter_invalid");
        let version = s.request("GET", "/v1/account").header("Handsel-Version", "2020-01-01").send().await;
        version.refused(400, "parameter_invalid");
    });
}
