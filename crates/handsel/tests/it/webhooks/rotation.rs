//! Secrets: shown once, rotated with a grace, sealed at rest.

use super::{last, place_of, verified};
use crate::harness::{Server, field, on_each_engine, run};
use serde_json::json;
use std::path::Path;

on_each_engine! {
    run_on:
    two_secrets_sign_during_the_grace,
    no_grace_means_at_once,
}

async fn two_secrets_sign_during_the_grace(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({"enabled_events": ["checkout.created"]})).await;
    let old = field(&webhook, "signing_secret");
    let rotated = s.act(&webhook, "rotate_secret", json!({"grace_seconds": 3600})).await.ok();
    let new = field(&rotated, "signing_secret");
    assert_ne!(old, new);
    s.checkout("1.00").await;
    let both = last(s, &receiver, 1).await;
    assert_eq!((place_of(&new, &both), place_of(&old, &both)), (Some(0), Some(1)), "new first, old last");
    verified(&old, &both);
    verified(&new, &both);
    s.act(&webhook, "promote_secret", json!({})).await.ok();
    s.checkout("2.00").await;
    let flipped = last(s, &receiver, 2).await;
    assert_eq!((place_of(&new, &flipped), place_of(&old, &flipped)), (Some(1), Some(0)), "the order is flipped");
    s.advance(3601).await;
    s.checkout("3.00").await;
    let after = last(s, &receiver, 3).await;
    assert_eq!((place_of(&new, &after), place_of(&old, &after)), (Some(0), None));
    assert!(s.events().await.iter().any(|e| e["type"] == "webhook.secret_rotated"));
    s.act(&webhook, "promote_secret", json!({})).await.refused(409, "state_conflict");
}

async fn no_grace_means_at_once(s: &Server) {
    let receiver = s.receiver(&[]).await;
    let webhook = s.webhook(&receiver, json!({"enabled_events": ["checkout.created"]})).await;
    let old = field(&webhook, "signing_secret");
    let new = field(&s.act(&webhook, "rotate_secret", json!({"grace_seconds": 0})).await.ok(), "signing_secret");
    s.checkout("1.00").await;
    let request = last(s, &receiver, 1).await;
    assert_eq!((place_of(&new, &request), place_of(&old, &request)), (Some(0), None));
    s.act(&webhook, "rotate_secret", json!({"grace_seconds": 604_801})).await.refused(400, "parameter_invalid");
}

/// Every file under a directory.
fn files(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

#[test]
fn secrets_are_shown_once_and_sealed_at_rest() {
    run(async |s| {
        let receiver = s.receiver(&[]).await;
        let webhook = s.webhook(&receiver, json!({})).await;
        let rotated = s.act(&webhook, "rotate_secret", json!({})).await.ok();
        let key =
            s.request("POST", "/v1/api_keys").idempotent("once").json(&json!({"name": "canary"})).send().await.ok();
        let body = json!({"amount": "5.00", "currency": "USD", "reference": "canary-order-8841", "customer": "cus_00000000000000000000000007",
            "metadata": {"note": "canary-note-5520"}});
        let checkout = s.checkout_with(body).await;
        s.receives(&receiver, 2).await;
        let sealed = [
            field(&webhook, "signing_secret"),
            field(&rotated, "signing_secret"),
            field(&key, "secret"),
            receiver.url.clone(),
        ];
        let private = ["canary-order-8841", "cus_00000000000000000000000007", "canary-note-5520"].map(str::to_owned);
        for path in [
            "/v1/webhooks".to_owned(),
            format!("/v1/webhooks/{}", field(&webhook, "id")),
            "/v1/api_keys".to_owned(),
            "/v1/events?limit=100".to_owned(),
            "/v1/deliveries?limit=100".to_owned(),
            "/v1/requests?limit=100".to_owned(),
            "/v1/audit?limit=100".to_owned(),
        ] {
            let answer = s.get(&path).await;
            answer.ok();
            assert!(sealed[..3].iter().all(|secret| !answer.text().contains(secret)), "{path} shows a secret");
        }
        assert_eq!(s.again(&checkout).await["reference"], "canary-order-8841");
        let log = sealed.iter().chain(&private).find(|canary| crate::harness::holds(canary));
        assert_eq!(log, None, "the log holds a secret");
        let mut found = Vec::new();
        files(s.data.path(), &mut found);
        assert!(found.iter().any(|path| path.ends_with("handsel.db")));
        for path in found.iter().filter(|path| !path.ends_with("dev-credentials.json")) {
            let bytes = std::fs::read(path).unwrap();
            for canary in sealed.iter().chain(&private) {
                let hit = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
                assert!(!hit, "{} holds {canary} in the clear", path.display());
            }
        }
    });
}
