//! `replay_missing`: exactly what a webhook should have had and never took, under the same event ids; and the small commands.

use super::{body, header, kinds, last};
use crate::harness::{Receiver, Server, field, run, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn now(s: &Server) -> i64 {
    s.post("/v1/test/clock", json!({"advance_seconds": 0})).await.ok()["now"].as_i64().unwrap()
}

async fn replayed(s: &Server, webhook: &Value, since: i64) -> u64 {
    let done = s.act(webhook, "replay_missing", json!({"since": since})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let done = done.json();
    assert_eq!((done["object"].as_str(), &done["webhook"]), (Some("requeued"), &webhook["id"]));
    done["requeued"].as_u64().unwrap()
}

fn ids(requests: &[Value]) -> Vec<String> {
    requests.iter().map(|request| header(request, "webhook-id")).collect()
}

/// Creates a checkout and waits until the receiver was asked to take its event.
async fn sent(s: &Server, receiver: &Receiver, count: usize) -> String {
    s.checkout_with(json!({"amount": "5.00", "currency": "USD", "expires_in": 2_592_000})).await;
    header(&last(s, receiver, count).await, "webhook-id")
}

#[test]
fn exactly_what_was_lost_comes_again() {
    run(async |s| {
        let start = now(s).await;
        let receiver = s.receiver(&[200, 500, 200, 500, 200]).await;
        let webhook = s.webhook(&receiver, json!({"enabled_events": ["checkout.*"]})).await;
        let mut events = Vec::new();
        for count in 1..=5 {
            events.push(sent(s, &receiver, count).await);
        }
        s.delivered().await;
        assert_eq!(replayed(s, &webhook, start - 1).await, 2);
        let got = s.receives(&receiver, 7).await;
        let lost: BTreeSet<&String> = [&events[1], &events[3]].into();
        assert_eq!(ids(&got[5..]).iter().collect::<BTreeSet<_>>(), lost, "under the same ids");
        until("all are there", async || {
            let done = crate::harness::listed(&s.get("/v1/deliveries?status=succeeded").await);
            (done.len() == 5).then_some(())
        })
        .await;
        assert_eq!(replayed(s, &webhook, start - 1).await, 0, "nothing is missing");
        s.delivered().await;
        assert_eq!(s.received(&receiver).await.len(), 7);
    });
}

#[test]
fn what_came_before_the_webhook_or_while_it_rested_is_missing() {
    run(async |s| {
        let start = now(s).await;
        let receiver = s.receiver(&[]).await;
        let early = s.checkout("5.00").await;
        let webhook = s.webhook(&receiver, json!({"enabled_events": ["checkout.created"]})).await;
        let other = s.webhook(&s.receiver(&[]).await, json!({})).await;
        s.act(&webhook, "disable", json!({})).await.ok();
        s.act(&other, "test", json!({})).await.ok();
        let resting = s.checkout("6.00").await;
        s.act(&resting, "cancel", json!({})).await.ok();
        s.act(&webhook, "replay_missing", json!({"since": start})).await.refused(409, "state_conflict");
        s.act(&webhook, "enable", json!({})).await.ok();
        assert_eq!(replayed(s, &webhook, start - 1).await, 2, "neither what it does not want nor another's test");
        let got = s.receives(&receiver, 2).await;
        assert_eq!(kinds(&got), ["checkout.created", "checkout.created"]);
        let about: BTreeSet<_> = got.iter().map(|request| field(&body(request)["data"]["object"], "id")).collect();
        assert_eq!(about, [field(&early, "id"), field(&resting, "id")].into());
        s.delivered().await;
        assert_eq!(replayed(s, &webhook, start - 1).await, 0);
        let numbers: BTreeSet<_> = got.iter().map(|request| body(request)["endpoint_sequence"].as_u64()).collect();
        assert_eq!(numbers, [Some(1), Some(2)].into(), "numbered as everything else that it gets");
    });
}

#[test]
fn any_time_is_a_since_and_nothing_else_is() {
    run(async |s| {
        let receiver = s.receiver(&[]).await;
        s.checkout("5.00").await;
        let webhook = s.webhook(&receiver, json!({"enabled_events": ["checkout.created"]})).await;
        for since in [now(s).await + 3_600, i64::MAX, 9_999_999_999_999] {
            assert_eq!(replayed(s, &webhook, since).await, 0, "{since}");
            assert_eq!(s.act(&webhook, "recover", json!({"since": since})).await.ok()["requeued"], 0);
        }
        for since in [0, -1, i64::MIN] {
            assert_eq!(s.act(&webhook, "recover", json!({"since": since})).await.ok()["requeued"], 0);
        }
        assert_eq!(replayed(s, &webhook, i64::MIN).await, 1);
        s.receives(&receiver, 1).await;
        s.delivered().await;
        assert_eq!(replayed(s, &webhook, 0).await, 0);
        for action in ["replay_missing", "recover"] {
            s.act(&webhook, action, json!({})).await.refused(400, "parameter_missing");
            s.act(&webhook, action, json!({"since": "yesterday"})).await.refused(400, "parameter_invalid");
            s.act(&webhook, action, json!({"since": 1.5})).await.refused(400, "parameter_invalid");
            let nobody = format!("/v1/webhooks/whk_00000000000000000000000000/{action}");
            s.post(&nobody, json!({"since": 0})).await.refused(404, "resource_missing");
        }
    });
}

#[test]
fn a_replay_that_is_asked_twice_is_one() {
    run(async |s| {
        let receiver = s.receiver(&[500, 200]).await;
        let webhook = s.webhook(&receiver, json!({"enabled_events": ["checkout.created"]})).await;
        sent(s, &receiver, 1).await;
        s.delivered().await;
        let path = format!("/v1/webhooks/{}/replay_missing", field(&webhook, "id"));
        let dry = s.post(&format!("{path}?dry_run=true"), json!({"since": 0})).await.ok();
        assert_eq!((&dry["requeued"], &dry["dry_run"]), (&json!(1), &json!(true)));
        s.delivered().await;
        assert_eq!(s.received(&receiver).await.len(), 1, "a dry run sends nothing");
        let again = async || s.request("POST", &path).idempotent("once").json(&json!({"since": 0})).send().await;
        let (first, second) = (again().await, again().await);
        assert_eq!((first.ok()["requeued"].as_u64(), &first.body), (Some(1), &second.body));
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        s.receives(&receiver, 2).await;
        s.delivered().await;
        assert_eq!(s.received(&receiver).await.len(), 2);
    });
}

#[test]
fn a_test_goes_to_its_webhook_alone() {
    run(async |s| {
        let (mine, others) = (s.receiver(&[]).await, s.receiver(&[]).await);
        let webhook = s.webhook(&mine, json!({"enabled_events": ["checkout.created"]})).await;
        s.webhook(&others, json!({})).await;
        let event = s.act(&webhook, "test", json!({})).await.ok();
        assert_eq!((&event["type"], &event["data"]["object"]["id"]), (&json!("webhook.test"), &webhook["id"]));
        let got = last(s, &mine, 1).await;
        assert_eq!((header(&got, "webhook-id"), kinds(&[got])), (field(&event, "id"), vec!["webhook.test".to_owned()]));
        s.delivered().await;
        assert_eq!(s.received(&others).await.len(), 0);
        assert!(s.events().await.iter().any(|e| e["id"] == event["id"]), "numbered like any other");
    });
}

#[test]
fn commands_that_change_nothing_say_so() {
    run(async |s| {
        let webhook = s.webhook(&s.receiver(&[]).await, json!({})).await;
        s.act(&webhook, "promote_secret", json!({})).await.refused(409, "state_conflict");
        let same = s.act(&webhook, "enable", json!({})).await.ok();
        assert_eq!((&same["status"], &same["version"]), (&json!("enabled"), &webhook["version"]));
        let off = s.act(&webhook, "disable", json!({})).await.ok();
        let still = s.act(&webhook, "disable", json!({})).await.ok();
        assert_eq!((&off["status"], &still["version"]), (&json!("disabled"), &off["version"]));
        for action in ["test", "recover", "replay_missing"] {
            let body = if action == "test" { json!({}) } else { json!({"since": 0}) };
            s.act(&webhook, action, body).await.refused(409, "state_conflict");
        }
        s.act(&webhook, "enable", json!({"now": true})).await.refused(400, "parameter_unknown");
    });
}
