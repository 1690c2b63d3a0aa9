//! Where webhooks may not go, in every notation that some parser somewhere understands.

use crate::harness::{Setup, run, run_with};
use serde_json::json;

/// Never reachable, whatever the operator allows: metadata services, link-local, multicast, documentation, …
const NEVER: &[&str] = &[
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[64:ff9b::a9fe:a9fe]",
    "[fe80::1]",
    "100.100.100.200",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "[ff02::1]",
    "[::]",
    "metadata.google.internal",
];

/// Private and loopback in many dresses.
const PRIVATE: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "foo.localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "%31%32%37.0.0.1",
    "10.0.0.1",
    "10.1",
    "167772161",
    "172.16.0.1",
    "192.168.1.1",
    "0300.0250.1.1",
    "100.64.0.1",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::10.0.0.1]",
];

#[test]
fn webhooks_never_go_where_metadata_is() {
    run(async |s| {
        for host in NEVER {
            for scheme in ["https", "http"] {
                let url = format!("{scheme}://{host}/hook");
                let reply = s.post("/v1/webhooks", json!({"url": url, "enabled_events": ["*"]})).await;
                assert_eq!(reply.json()["code"], "url_not_allowed", "{url}: {}", reply.text());
                assert_eq!(reply.refused(422, "url_not_allowed")["param"], "url");
            }
        }
        assert_eq!(s.get("/v1/webhooks").await.ok()["data"], json!([]));
    });
}

#[test]
fn webhooks_go_inside_only_where_the_operator_says() {
    let closed = Setup::default().set("HANDSEL_EGRESS__ALLOWED_CIDRS", "");
    run_with(closed, async |s| {
        for host in PRIVATE {
            let url = format!("https://{host}/hook");
            let reply = s.post("/v1/webhooks", json!({"url": url, "enabled_events": ["*"]})).await;
            assert_eq!(reply.json()["code"], "url_not_allowed", "{url}: {}", reply.text());
        }
        assert_eq!(s.get("/v1/webhooks").await.ok()["data"], json!([]));
    });
    run(async |s| {
        let reply = s.post("/v1/webhooks", json!({"url": "http://192.168.1.1/", "enabled_events": ["*"]})).await;
        reply.refused(422, "url_not_allowed");
        for url in ["http://127.0.0.1:9/hook", "http://localhost:9/hook", "http://[::1]:9/hook"] {
            s.post("/v1/webhooks", json!({"url": url, "enabled_events": ["*"]})).await.ok();
        }
    });
}

#[test]
fn webhook_urls_are_whole_and_plain() {
    run(async |s| {
        for url in [
            "",
            "hook",
            "/hook",
            "https://",
            "https:///hook",
            "ftp://shop.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://user:password@shop.example/",
            "https://shop.example:22/",
            "https://shop.example:0/",
            "https://shop.example:99999/",
            "https://shop .example/",
            "https://shop.example/\r\nX: y",
            "gopher://127.0.0.1/",
        ] {
            let reply = s.post("/v1/webhooks", json!({"url": url, "enabled_events": ["*"]})).await;
            reply.refused(422, "url_not_allowed");
        }
        let inside = s.post("/v1/webhooks", json!({"url": "ftp://shop.example/", "enabled_events": ["*"]})).await;
        inside.reviewed(422, "url_not_allowed");
        let many = format!("https://shop.example/{}", "x".repeat(10_000));
        let reply = s.post("/v1/webhooks", json!({"url": many, "enabled_events": ["*"]})).await;
        assert!(matches!(reply.status, 400 | 422), "{}", reply.text());
        s.post("/v1/webhooks", json!({"url": "https://does-not-resolve.invalid/h", "enabled_events": ["*"]}))
            .await
            .ok();
    });
}
