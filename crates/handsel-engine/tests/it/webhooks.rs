//! Webhooks, events, deliveries, the audit log and noted requests over a real store.

use crate::fakes::{FakeChain, FakeSender, Receiver};
use crate::harness::{Bench, json, text};
use crate::loops::{Running, until, webhook};
use handsel_core::audit::merkle;
use handsel_core::audit::note::{self, Checkpoint};
use handsel_core::change::RequestRow;
use handsel_core::delivery::Delivery;
use handsel_core::id::{AccountId, AuditId, EventId, RequestId, WebhookId};
use handsel_core::secret::SecretBytes;
use handsel_core::time::Timestamp;
use handsel_core::vault::Vault;
use handsel_core::webhook::{Ordering, Payload, Retry, SignatureForm};
use handsel_engine::webhooks::{NewWebhook, WebhookPatch};
use handsel_engine::{Code, Refusal};
use serde_json::Value;
use std::sync::Arc;

const URL: &str = "https://shop.example.com/hook";

fn new(url: &str, events: &[&str]) -> NewWebhook {
    NewWebhook {
        url: url.to_owned(),
        enabled_events: events.iter().map(|e| (*e).to_owned()).collect(),
        description: None,
        payload: Payload::Snapshot,
        signatures: Vec::new(),
        ordering: Ordering::PerObject,
        retry: Retry::default(),
        metadata: Vec::new(),
    }
}

async fn refused(bench: &Bench, new: NewWebhook) -> Refusal {
    bench.engine.create_webhook(&bench.ask("POST /v1/webhooks"), new).await.unwrap_err()
}

fn hook_id(shown: &Value) -> WebhookId {
    WebhookId::parse(text(shown, "/id")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_checked_and_its_secret_is_shown_once() {
    let bench = Bench::open().await;
    let made = webhook(&bench, URL).await;
    let secret = text(&made, "/signing_secret");
    assert!(secret.starts_with(text(&made, "/secret_prefix")) && secret.starts_with("whsec_"));
    let read = bench.engine.webhook(&bench.ask("GET /v1/webhooks/{id}"), hook_id(&made)).await.unwrap();
    let read = json(&read);
    assert_eq!(read.get("signing_secret"), None);
    assert_eq!(text(&read, "/url"), URL);
    let database = std::fs::read(bench.directory().join("handsel.db")).unwrap_or_default();
    let log = std::fs::read(bench.directory().join("handsel.db-wal")).unwrap_or_default();
    let stored = [database, log].concat();
    assert!(!stored.is_empty(), "the database is where this test looks for it");
    for hidden in [secret, "/hook"] {
        assert!(
            !stored.windows(hidden.len()).any(|w| w == hidden.as_bytes()),
            "{hidden} is in the database in the clear"
        );
    }
    for (url, code) in [
        ("https://10.0.0.1/", Code::UrlNotAllowed),
        ("https://0x7f.1.example/#x", Code::UrlNotAllowed),
        ("https://[::ffff:169.254.169.254]/", Code::UrlNotAllowed),
        ("https://2852039166/latest", Code::UrlNotAllowed),
        ("ftp://shop.example.com/", Code::UrlNotAllowed),
        ("https://user:pass@shop.example.com/", Code::UrlNotAllowed),
        ("not a url", Code::UrlNotAllowed),
    ] {
        let refusal = refused(&bench, new(url, &["*"])).await;
        assert_eq!((refusal.code, refusal.param.as_deref()), (code, Some("/url")), "{url}");
    }
    let refusal = refused(&bench, new(URL, &["checkout.complete"])).await;
    assert_eq!((refusal.code, refusal.param.as_deref()), (Code::ParameterInvalid, Some("/enabled_events/0")));
    let ed25519 = NewWebhook { signatures: vec![SignatureForm::Ed25519], ..new(URL, &["*"]) };
    assert_eq!(refused(&bench, ed25519).await.param.as_deref(), Some("/signatures"));
    let page = bench.engine.webhooks(&bench.list("/v1/webhooks")).await.unwrap();
    assert_eq!(json(&page)["data"].as_array().unwrap().len(), 1, "nothing refused was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_takes_https_alone() {
    let bench = Bench::open_as(true).await;
    let refusal = refused(&bench, new("http://shop.example.com/", &["*"])).await;
    assert_eq!(refusal.code, Code::UrlNotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_patched_rotated_promoted_and_deleted() {
    let bench = Bench::open().await;
    let made = webhook(&bench, URL).await;
    let id = hook_id(&made);
    let ask = bench.ask("POST /v1/webhooks/{id}/rotate_secret");
    let patch = WebhookPatch { description: Some(Some("mine".to_owned())), ..WebhookPatch::default() };
    let patched = json(&bench.engine.patch_webhook(&ask, id, patch).await.unwrap());
    assert_eq!((text(&patched, "/description"), patched["version"].as_u64()), ("mine", Some(2)));
    let alone = bench.engine.promote_webhook_secret(&ask, id).await.unwrap_err();
    assert_eq!(alone.code, Code::StateConflict);
    let long = bench.engine.rotate_webhook_secret(&ask, id, Some(604_801)).await.unwrap_err();
    assert_eq!(long.param.as_deref(), Some("/grace_seconds"));
    let rotated = json(&bench.engine.rotate_webhook_secret(&ask, id, Some(60)).await.unwrap());
    assert_ne!(text(&rotated, "/signing_secret"), text(&made, "/signing_secret"));
    let promoted = json(&bench.engine.promote_webhook_secret(&ask, id).await.unwrap());
    assert_eq!(text(&promoted, "/secret_prefix"), text(&made, "/secret_prefix"), "the old one signs first now");
    assert!(bench.event_kinds().await.contains(&"webhook.secret_rotated"));
    let gone = json(&bench.engine.delete_webhook(&ask, id).await.unwrap());
    assert_eq!((text(&gone, "/object"), gone["deleted"].as_bool()), ("webhook", Some(true)));
    assert_eq!(bench.engine.webhook(&ask, id).await.unwrap_err().code, Code::ResourceMissing);
    for action in
        ["webhook.create", "webhook.update", "webhook.rotate_secret", "webhook.promote_secret", "webhook.delete"]
    {
        assert!(bench.audit_actions().await.contains(&action.to_owned()), "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_missed_is_sent_again() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let made = webhook(&bench, URL).await;
    let (id, ask) = (hook_id(&made), bench.ask("POST /v1/webhooks/{id}/replay_missing"));
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    sender.answers(URL, Receiver::Status(410));
    let running = Running::start(&bench, &chain, &sender);
    bench.engine.test_webhook(&ask, id).await.unwrap();
    until("the webhook's end", || async {
        let shown = bench.engine.webhook(&bench.ask(""), id).await.unwrap();
        text(&json(&shown), "/status") == "disabled"
    })
    .await;
    let since = Timestamp::EPOCH;
    assert_eq!(bench.engine.replay_missing(&ask, id, since).await.unwrap_err().code, Code::StateConflict);
    bench.engine.enable_webhook(&ask, id).await.unwrap();
    sender.answers(URL, Receiver::Status(204));
    let events = bench.reader.events_after(bench.account, 0, 100).await.unwrap();
    let answer = json(&bench.engine.replay_missing(&ask, id, since).await.unwrap());
    assert_eq!(answer["requeued"].as_u64(), Some(events.len() as u64), "those of before its time too");
    until("all events", || async {
        let received = sender.received(URL);
        events.iter().all(|event| {
            let id = event.new.id.to_string();
            received.iter().skip(1).any(|r| r.headers.iter().any(|(n, v)| n == "webhook-id" && *v == id))
        })
    })
    .await;
    let first = events[0].new.id;
    until("their record", || async {
        let stored = bench.reader.delivery(bench.account, Delivery::identity(first, id)).await.unwrap();
        stored.is_some_and(|delivery| matches!(delivery.state, handsel_core::delivery::State::Succeeded { .. }))
    })
    .await;
    let count = sender.received(URL).len();
    let again = json(&bench.engine.resend_event(&ask, first, id).await.unwrap());
    assert_eq!((text(&again, "/object"), text(&again, "/status")), ("delivery", "pending"));
    until("the event again", || async { sender.received(URL).len() == count + 1 }).await;
    let delivery = Delivery::identity(first, id);
    until("its reason", || async {
        let shown = json(&bench.engine.delivery(&bench.ask(""), delivery).await.unwrap());
        shown["attempts"].as_array().unwrap().last().is_some_and(|a| text(a, "/trigger") == "resend")
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_in_order_with_a_signed_head() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let made = webhook(&bench, URL).await;
    let ask = bench.ask("POST /v1/webhooks/{id}/test");
    let shown = json(&bench.engine.test_webhook(&ask, hook_id(&made)).await.unwrap());
    assert_eq!(text(&shown, "/type"), "webhook.test");
    let all = json(&bench.engine.events_after(&ask.grant, 0, 100).await.unwrap());
    let data = all["data"].as_array().unwrap();
    let sequences: Vec<u64> = data.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=data.len() as u64).collect::<Vec<_>>());
    assert_eq!((all["head"]["sequence"].as_u64(), all["has_more"].as_bool()), (Some(data.len() as u64), Some(false)));
    let part = json(&bench.engine.events_after(&ask.grant, 0, 1).await.unwrap());
    assert_eq!((part["data"].as_array().unwrap().len(), part["has_more"].as_bool()), (1, Some(true)));
    assert_eq!(part["head"], all["head"], "the head does not depend on the page");
    let id = EventId::parse(text(data.last().unwrap(), "/id")).unwrap();
    assert_eq!(&json(&bench.engine.event(&ask, id).await.unwrap()), data.last().unwrap());
    let mut filtered = bench.list("/v1/events");
    filtered.query.event_type = Some("webhook.*".to_owned());
    let filtered = json(&bench.engine.events(&filtered).await.unwrap());
    assert_eq!(filtered["data"].as_array().unwrap().len(), 1);
    let mut wrong = bench.list("/v1/events");
    wrong.query.event_type = Some("webhook.tested".to_owned());
    assert!(bench.engine.events(&wrong).await.unwrap_err().detail.contains("webhook.test"));
}

fn noted(bench: &Bench, method: &str, code: Option<&str>) -> RequestRow {
    RequestRow {
        id: RequestId::from_bits(77),
        account: bench.account,
        created: bench.engine.clock().now(),
        method: method.to_owned(),
        route: "/v1/webhooks".to_owned(),
        status: 200,
        code: code.map(str::to_owned),
        key: Some(bench.caller.key.id),
        duration_ms: 3,
        ip_prefix: "203.0.113.0/24".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_hold_and_noted_requests_have_their_leaves() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    let before = bench.audit_actions().await;
    bench.engine.note_request(noted(&bench, "GET", None)).await.unwrap();
    for n in 0..20 {
        let id = RequestId::from_bits(100 + n);
        let refused = noted(&bench, "GET", Some("api_key_invalid"));
        let nobody = RequestRow { id, account: AccountId::from_bits(0), key: None, ..refused };
        bench.engine.note_request(nobody).await.unwrap();
    }
    running.stop().await;
    let actions = bench.audit_actions().await;
    assert_eq!(actions.len(), before.len() + 1, "what nobody asked is in nobody's account");
    assert!(actions.contains(&"GET /v1/webhooks".to_owned()));
    let row = bench.engine.request(&bench.ask(""), RequestId::from_bits(77)).await.unwrap();
    assert_eq!(text(&json(&row), "/route"), "/v1/webhooks");

    let grant = bench.ask("").grant;
    let checkpoint = json(&bench.engine.audit_checkpoint(&grant).await.unwrap());
    let vault = Vault::new(&SecretBytes::new([7; 32]));
    let key = note::signing_key(&vault.derive("audit/checkpoint")).verifying_key();
    assert_eq!(bench.engine.audit_verifier(), note::verifier_text("pay.example.com/audit", &key));
    assert_eq!(bench.engine.public_keys()[0], ("audit-checkpoint", key.to_bytes()));
    let signed = Checkpoint::verify(text(&checkpoint, "/note"), &key).unwrap();
    assert_eq!(Some(signed.size), checkpoint["size"].as_u64());
    let entries = json(&bench.engine.audit_entries(&bench.list("/v1/audit")).await.unwrap());
    for entry in entries["data"].as_array().unwrap() {
        let id = AuditId::parse(text(entry, "/id")).unwrap();
        let proof = json(&bench.engine.audit_inclusion(&grant, id, None).await.unwrap());
        let hashes = hashes(&proof);
        let leaf = hash(text(&proof, "/leaf_hash"));
        let (index, size) = (proof["index"].as_u64().unwrap(), proof["size"].as_u64().unwrap());
        assert!(merkle::verify_inclusion(&leaf, index, size, &hashes, &signed.root));
    }
    bench.engine.create_webhook(&bench.ask("POST /v1/webhooks"), new(URL, &["*"])).await.unwrap();
    let larger = json(&bench.engine.audit_checkpoint(&grant).await.unwrap());
    let larger = Checkpoint::verify(text(&larger, "/note"), &key).unwrap();
    assert!(larger.size > signed.size);
    let proof = json(&bench.engine.audit_consistency(&grant, signed.size, None).await.unwrap());
    assert!(merkle::verify_consistency(signed.size, &signed.root, larger.size, &larger.root, &hashes(&proof)));
    let beyond = bench.engine.audit_consistency(&grant, 0, Some(larger.size + 1)).await.unwrap_err();
    assert_eq!(beyond.param.as_deref(), Some("to"));
}

fn hashes(proof: &Value) -> Vec<[u8; 32]> {
    proof["hashes"].as_array().unwrap().iter().map(|h| hash(h.as_str().unwrap())).collect()
}

fn hash(base64: &str) -> [u8; 32] {
    // 43 characters and one "=": 32 bytes.
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = base64.trim_end_matches('=').bytes().map(|c| ALPHABET.iter().position(|a| *a == c).unwrap());
    let mut bits = 0u32;
    let (mut have, mut out) = (0, Vec::new());
    for digit in digits {
        bits = (bits << 6) | u32::try_from(digit).unwrap();
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push(u8::try_from((bits >> have) & 0xff).unwrap());
        }
    }
    out.try_into().unwrap()
}
