//! `test/events/trigger`: every event that this release sends can be made to happen, with the real objects behind it.

use crate::harness::{Reply, Server, field, listed, run};
use handsel_core::event::Kind;
use handsel_engine::trigger::triggerable;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TRIGGER: &str = "/v1/test/events/trigger";

async fn trigger(s: &Server, kind: &str, members: Value) -> Reply {
    s.post(TRIGGER, json!({"type": kind, "override": members})).await
}

/// The triggered event, after what holds for every one: it is in the list of events, and its object is as it says.
async fn triggered(s: &Server, kind: &str, members: Value) -> Value {
    let reply = trigger(s, kind, members).await;
    assert_eq!(reply.status, 200, "{kind}: {}", reply.text());
    let event = reply.json();
    assert_eq!((&event["object"], &event["type"]), (&json!("event"), &json!(kind)));
    assert_eq!(s.get(&format!("/v1/events/{}", field(&event, "id"))).await.ok(), event);
    event["data"]["object"].clone()
}

#[test]
fn every_event_that_is_sent_can_be_triggered() {
    run(async |s| {
        for kind in triggerable() {
            let object = triggered(s, kind, json!({})).await;
            let noun = kind.split_once('.').unwrap().0;
            let known = s.get(&format!("/v1/{noun}s/{}", field(&object, "id"))).await;
            match noun {
                // Its receiver was the sandbox's own.
                "webhook" => known.refused(404, "resource_missing"),
                _ => known.ok(),
            };
        }
        let told: BTreeSet<String> = s.events().await.iter().map(|event| field(event, "type")).collect();
        let known: BTreeSet<String> = triggerable().map(str::to_owned).collect();
        assert_eq!(told.difference(&known).count(), 0, "sent, and not to be triggered: {told:?}");
        let wallets = listed(&s.get("/v1/wallets?status=active").await);
        assert_eq!(wallets[wallets.len() - 1]["mode"], "xpub", "the account's own wallet still comes first");
    });
}

#[test]
fn other_events_are_refused_with_what_is_possible() {
    run(async |s| {
        let before = s.events().await.len();
        let possible: BTreeSet<&str> = triggerable().collect();
        for kind in Kind::ALL.iter().map(|kind| kind.name()).filter(|kind| !possible.contains(kind)) {
            let refused = trigger(s, kind, json!({})).await.refused(400, "parameter_invalid");
            assert_eq!(refused["errors"][0]["pointer"], "/type");
            assert!(refused["detail"].as_str().unwrap().contains(kind), "{refused}");
            assert!(refused["hint"].as_str().unwrap().contains("checkout.completed, "), "{refused}");
        }
        let refused = trigger(s, "checkout.complete", json!({})).await.refused(400, "parameter_invalid");
        assert!(refused["detail"].as_str().unwrap().contains("did you mean checkout.completed?"), "{refused}");
        s.post(TRIGGER, json!({})).await.refused(400, "parameter_missing");
        assert_eq!(s.events().await.len(), before, "nothing was made");
    });
}

#[test]
fn what_is_made_takes_the_given_members() {
    run(async |s| {
        let members = json!({"amount": "5.00", "reference": "order-7", "metadata": {"a": "b"}});
        let checkout = triggered(s, "checkout.completed", members.clone()).await;
        assert_eq!((&checkout["amount"], &checkout["currency"]), (&json!("5.00"), &json!("USD")));
        assert_eq!((&checkout["status"], &checkout["payment_status"]), (&json!("complete"), &json!("paid")));
        assert_eq!(
            (&checkout["metadata"], &checkout["amount_received"]["amount"]),
            (&json!({"a": "b"}), &json!("5.00"))
        );
        assert_eq!(listed(&s.get("/v1/checkouts?reference=order-7").await)[0]["id"], checkout["id"]);
        // The price is no magic one: the event's own story is what goes wrong.
        let short = triggered(s, "checkout.underpaid", members).await;
        assert_eq!(
            (&short["payment_status"], &short["exceptions"][0]["amount"]),
            (&json!("partially_paid"), &json!("2.50"))
        );
        let payment = triggered(
            s,
            "payment.succeeded",
            json!({"amount": "7.00", "accept": [{"network": "sandbox-evm", "asset": "USDT"}]}),
        )
        .await;
        assert_eq!((&payment["asset"], &payment["amount"]["amount"]), (&json!("USDT"), &json!("7.000000")));
        let matched = triggered(s, "payment.matched", json!({"amount": "8.00"})).await;
        assert_eq!(matched["amount"]["amount"], "8.000000");
        let key = triggered(
            s,
            "api_key.created",
            json!({"class": "publishable", "allowed_origins": ["https://shop.example"]}),
        )
        .await;
        assert_eq!((&key["class"], &key["secret"]), (&json!("publishable"), &Value::Null));
        let wallet = triggered(s, "wallet.retired", json!({"assets": ["USDT"]})).await;
        assert_eq!((&wallet["status"], &wallet["assets"]), (&json!("retired"), &json!(["USDT"])));
    });
}

#[test]
fn a_webhook_of_ones_own_gets_the_event_and_stays() {
    run(async |s| {
        let receiver = s.receiver(&[]).await;
        let made = triggered(s, "webhook.test", json!({"url": receiver.url, "description": "mine"})).await;
        let got = s.receives(&receiver, 1).await;
        let body: Value = serde_json::from_str(&field(&got[0], "body")).unwrap();
        assert_eq!((&body["type"], &body["data"]["object"]["id"]), (&json!("webhook.test"), &made["id"]));
        assert_eq!(s.again(&made).await["description"], "mine");
    });
}

#[test]
fn members_that_nobody_knows_name_the_nearest() {
    run(async |s| {
        for (kind, members, at, code, says) in [
            ("checkout.completed", json!({"amuont": "5.00"}), "/override/amuont", "parameter_unknown", "\"amount\""),
            ("wallet.added", json!({"mod": "static"}), "/override/mod", "parameter_unknown", "\"mode\""),
            ("webhook.test", json!({"uri": "x"}), "/override/uri", "parameter_unknown", "\"url\""),
            ("api_key.created", json!({"nam": "x"}), "/override/nam", "parameter_unknown", "\"name\""),
            ("checkout.completed", json!({"amount": 5}), "/override/amount", "parameter_invalid", "not a JSON number"),
            ("checkout.completed", json!({"amount": "x"}), "/override/amount", "parameter_invalid", ""),
            (
                "checkout.completed",
                json!({"accept": [{"network": "moon"}]}),
                "/override/accept/0/asset",
                "parameter_missing",
                "",
            ),
            (
                "api_key.created",
                json!({"scopes": ["test:rite"]}),
                "/override/scopes/0",
                "parameter_invalid",
                "test:write",
            ),
        ] {
            let refused = trigger(s, kind, members).await.refused(400, code);
            assert_eq!(refused["errors"][0]["pointer"], at, "{refused}");
            assert!(refused["detail"].as_str().unwrap().contains(says), "{refused}");
        }
        let refused =
            trigger(s, "checkout.created", json!({"currency": "XXX"})).await.refused(422, "currency_unsupported");
        assert_eq!(refused["param"], "override[currency]");
        let refused = s.post(TRIGGER, json!({"type": "checkout.created", "override": []})).await;
        refused.refused(400, "parameter_invalid");
        assert_eq!(listed(&s.get("/v1/checkouts").await).len(), 0);
    });
}

#[test]
fn a_repeated_trigger_is_one() {
    run(async |s| {
        let again = async || {
            s.request("POST", TRIGGER).idempotent("once").json(&json!({"type": "checkout.completed"})).send().await
        };
        let (first, second) = (again().await, again().await);
        assert_eq!((first.ok(), second.header("idempotent-replayed")), (second.ok(), Some("true")));
        assert_eq!(listed(&s.get("/v1/checkouts").await).len(), 1);
        s.post(&format!("{TRIGGER}?dry_run=true"), json!({"type": "checkout.created"}))
            .await
            .refused(400, "parameter_invalid");
    });
}

#[test]
fn a_key_for_tests_alone_grants_nothing_by_it() {
    run(async |s| {
        let tester = s.restricted(&["test:write"]).await;
        let body = json!({"type": "api_key.created"});
        tester.post(TRIGGER, body).await.ok();
        let body = json!({"type": "api_key.created", "override": {"class": "secret"}});
        tester.post(TRIGGER, body).await.refused(403, "permission_denied");
    });
}
