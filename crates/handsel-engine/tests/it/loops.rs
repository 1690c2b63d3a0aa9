//! The loops over a real store, with a chain and receivers moved by hand.

use crate::fakes::{FakeChain, FakeSender, Pay, Receiver};
use crate::harness::{Bench, json, new_checkout, text};
use handsel_core::chain::Address;
use handsel_core::delivery::{HookError, State};
use handsel_core::id::{CheckoutId, WebhookId};
use handsel_core::port::{ChainSource, HookSender};
use handsel_core::signature;
use handsel_core::webhook::{Ordering, Payload, Retry, SignatureForm};
use handsel_engine::webhooks::NewWebhook;
use handsel_engine::{Doors, Health};
use handsel_store::reader::ListQuery;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const URL: &str = "https://shop.example.com/hook";
const PRICE: u128 = 19_990_000;

pub(crate) struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(bench: &Bench, chain: &Arc<FakeChain>, sender: &Arc<FakeSender>) -> Self {
        let network = bench.engine.settings().networks[0].clone();
        let doors = Doors {
            networks: vec![(network, Arc::clone(chain) as Arc<dyn ChainSource>)],
            sender: Arc::clone(sender) as Arc<dyn HookSender>,
            rates: Vec::new(),
        };
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(bench.engine.clone().run(doors, stopped)) }
    }
    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
    /// Everything ends wherever it is.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Waits for something that must come about.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} never came about");
}

pub(crate) async fn webhook(bench: &Bench, url: &str) -> Value {
    let new = NewWebhook {
        url: url.to_owned(),
        enabled_events: vec!["*".to_owned()],
        description: None,
        payload: Payload::Snapshot,
        signatures: vec![SignatureForm::Handsel, SignatureForm::Standard, SignatureForm::Sha256Body],
        ordering: Ordering::PerObject,
        retry: Retry::default(),
        metadata: Vec::new(),
    };
    json(&bench.engine.create_webhook(&bench.ask("POST /v1/webhooks"), new).await.unwrap())
}

async fn checkout(bench: &Bench, amount: &str) -> (CheckoutId, Address) {
    let made = bench.engine.create_checkout(&bench.ask("POST /v1/checkouts"), new_checkout(amount)).await.unwrap();
    let made = json(&made);
    let address = Address::parse(text(&made, "/payment_options/0/evm/address")).unwrap();
    (CheckoutId::parse(text(&made, "/id")).unwrap(), address)
}

async fn shown(bench: &Bench, id: CheckoutId) -> Value {
    json(&bench.engine.checkout(&bench.ask("GET /v1/checkouts/{id}"), id).await.unwrap())
}

async fn has_status(bench: &Bench, id: CheckoutId, status: &str) -> bool {
    text(&shown(bench, id).await, "/status") == status
}

async fn has_payment_status(bench: &Bench, id: CheckoutId, status: &str) -> bool {
    text(&shown(bench, id).await, "/payment_status") == status
}

async fn settled(bench: &Bench) -> bool {
    let query = ListQuery { limit: 100, status: Some("pending".to_owned()), ..ListQuery::default() };
    bench.reader.deliveries(bench.account, &query).await.unwrap().data.is_empty()
}

fn header<'a>(request: &'a handsel_core::delivery::HookRequest, name: &str) -> &'a str {
    let found = request.headers.iter().find(|(n, _)| n == name);
    &found.unwrap_or_else(|| panic!("no header {name}")).1
}

const PAID: [&str; 6] = [
    "checkout.created",
    "payment.detected",
    "checkout.processing",
    "payment.confirming",
    "payment.succeeded",
    "checkout.completed",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_seen_confirmed_and_told_by_signed_webhooks() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let hook = webhook(&bench, URL).await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    let (id, address) = checkout(&bench, "19.99").await;
    chain.mine(&[Pay { tx: 1, to: address, value: PRICE }]);
    until("detection", || has_payment_status(&bench, id, "detected")).await;
    chain.mine_empty(2);
    until("completion", || has_status(&bench, id, "complete")).await;
    until("delivery", || async { sender.received(URL).len() >= PAID.len() && settled(&bench).await }).await;
    running.stop().await;
    let kinds = bench.event_kinds().await;
    let told: Vec<&str> =
        kinds.into_iter().filter(|kind| kind.starts_with("checkout.") || kind.starts_with("payment.")).collect();
    assert_eq!(told, PAID);
    let secret = handsel_core::secret::SecretText::new(text(&hook, "/signing_secret"));
    let mut numbers = Vec::new();
    for request in sender.received(URL) {
        let unix: i64 = header(&request, "webhook-timestamp").parse().unwrap();
        let secrets = [secret.clone()];
        assert_eq!(header(&request, "handsel-signature"), signature::handsel(&secrets, unix, &request.body));
        let id = header(&request, "webhook-id");
        assert_eq!(header(&request, "webhook-signature"), signature::standard(&secrets, id, unix, &request.body));
        assert_eq!(header(&request, "x-webhook-signature"), signature::sha256_body(&secret, &request.body));
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["id"], id);
        numbers.push(body["endpoint_sequence"].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=PAID.len() as u64).collect::<Vec<_>>());
    let hook = WebhookId::parse(text(&hook, "/id")).unwrap();
    let list = json(&bench.engine.deliveries(&bench.list("/v1/deliveries"), Some(hook)).await.unwrap());
    let first = &list["data"][0];
    assert_eq!((text(first, "/status"), text(first, "/attempts/0/response_body")), ("succeeded", "thanks"));
    assert_eq!(text(first, "/attempts/0/response_headers/content-type"), "text/plain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_takes_a_payment_back_and_credits_it_once_when_it_returns() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    let (id, address) = checkout(&bench, "19.99").await;
    let pay = Pay { tx: 1, to: address, value: PRICE };
    chain.mine(&[pay]);
    until("detection", || has_payment_status(&bench, id, "detected")).await;
    chain.take_back(1);
    chain.mine_empty(2);
    until("the reversal", || has_payment_status(&bench, id, "unpaid")).await;
    assert_eq!(text(&shown(&bench, id).await, "/exceptions/0/type"), "reorged");
    chain.mine(&[pay]);
    chain.mine_empty(2);
    until("completion", || has_status(&bench, id, "complete")).await;
    running.stop().await;
    let page = bench.reader.payments(bench.account, &ListQuery { limit: 10, ..ListQuery::default() }).await.unwrap();
    assert_eq!(page.data.len(), 1, "the same payment, reversed and back");
    let kinds = bench.event_kinds().await;
    let count = |kind: &str| kinds.iter().filter(|k| **k == kind).count();
    assert_eq!((count("payment.detected"), count("payment.reversed"), count("payment.succeeded")), (2, 1, 1));
    assert_eq!((count("checkout.reorged"), count("checkout.completed")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_goes_on_from_what_is_stored() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    webhook(&bench, URL).await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    let (id, address) = checkout(&bench, "19.99").await;
    chain.mine(&[Pay { tx: 1, to: address, value: PRICE / 2 }]);
    until("detection", || has_payment_status(&bench, id, "detected")).await;
    running.kill().await;
    let bench = bench.reopened().await;
    // Down while the rest is paid and the chain goes on.
    chain.mine(&[Pay { tx: 2, to: address, value: PRICE - PRICE / 2 }]);
    chain.mine_empty(5);
    let running = Running::start(&bench, &chain, &sender);
    until("completion", || has_status(&bench, id, "complete")).await;
    until("delivery", || settled(&bench)).await;
    running.stop().await;
    let events = bench.reader.events_after(bench.account, 0, 100).await.unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence.unwrap()).collect();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>());
    let completed = events.iter().filter(|event| event.new.kind.name() == "checkout.completed").count();
    assert_eq!(completed, 1);
    let page = bench.reader.payments(bench.account, &ListQuery { limit: 10, ..ListQuery::default() }).await.unwrap();
    assert_eq!(page.data.len(), 2);
    let cursor = bench.reader.cursor("sandbox-evm").await.unwrap().unwrap();
    assert_eq!(cursor.tip.number, chain.height());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_receiver_is_tried_again_and_a_gone_one_is_disabled() {
    let bench = Bench::open().await;
    let hook = webhook(&bench, URL).await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    sender.answers(URL, Receiver::Status(500));
    let running = Running::start(&bench, &chain, &sender);
    bench.xpub_wallet().await;
    until("a first try", || async { sender.received(URL).len() == 1 }).await;
    let hook = WebhookId::parse(text(&hook, "/id")).unwrap();
    let first = sender.received(URL)[0].headers.clone();
    sender.answers(URL, Receiver::Status(410));
    until("the try's record", || async {
        let list = json(&bench.engine.deliveries(&bench.list("/v1/deliveries"), Some(hook)).await.unwrap());
        let deliveries = list["data"].as_array().unwrap();
        deliveries.iter().any(|delivery| delivery["attempts"][0]["status_code"] == 500)
    })
    .await;
    bench.clock.advance(60);
    until("a second try", || async { sender.received(URL).len() == 2 }).await;
    until("the end of the webhook", || async {
        let shown = json(&bench.engine.webhook(&bench.ask("GET /v1/webhooks/{id}"), hook).await.unwrap());
        text(&shown, "/status") == "disabled"
    })
    .await;
    running.stop().await;
    let second = &sender.received(URL)[1].headers;
    assert_eq!(first.iter().find(|h| h.0 == "webhook-id"), second.iter().find(|h| h.0 == "webhook-id"));
    assert_ne!(first, *second, "every attempt signs anew");
    assert!(bench.event_kinds().await.contains(&"webhook.disabled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_does_not_slow_the_others() {
    const HOLE: &str = "https://hole.example.com/";
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    webhook(&bench, HOLE).await;
    webhook(&bench, URL).await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    sender.answers(HOLE, Receiver::BlackHole);
    let running = Running::start(&bench, &chain, &sender);
    for _ in 0..100 {
        checkout(&bench, "5").await;
    }
    until("everything at the healthy receiver", || async { sender.received(URL).len() == 100 }).await;
    assert_eq!(sender.received(HOLE).len(), 8, "so many at once to one webhook");
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_expires_when_its_chain_has_passed_its_end() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    let new = handsel_engine::checkouts::NewCheckout { expires_in_seconds: Some(60), ..new_checkout("5") };
    let made = json(&bench.engine.create_checkout(&bench.ask("POST /v1/checkouts"), new).await.unwrap());
    let id = CheckoutId::parse(text(&made, "/id")).unwrap();
    bench.clock.advance(181);
    chain.mine_empty(100);
    bench.clock.advance(1);
    until("the chain's catch-up", || async {
        bench.reader.cursor("sandbox-evm").await.unwrap().is_some_and(|c| c.tip.number == chain.height())
    })
    .await;
    assert!(has_status(&bench, id, "open").await, "its chain has not passed the end");
    chain.mine_empty(100);
    until("expiry", || async {
        bench.clock.advance(1);
        has_status(&bench, id, "expired").await
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_is_not_followed_and_a_wrong_token_is_not_offered() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = (Arc::new(FakeChain::new(1)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    until("the complaint", || async {
        matches!(&bench.engine.network_health()[..], [only] if matches!(&only.health, Health::Delayed { why } if why.contains("chain id 1")))
    })
    .await;
    running.stop().await;
    assert_eq!(bench.reader.cursor("sandbox-evm").await.unwrap(), None, "nothing was followed");

    let chain = Arc::new(FakeChain::new(313_137));
    let running = Running::start(&bench, &chain, &sender);
    until("the first round", || async { bench.engine.network_health()[0].health == Health::Current }).await;
    let made = bench.engine.create_checkout(&bench.ask("POST /v1/checkouts"), new_checkout("5")).await.unwrap();
    let options = json(&made)["payment_options"].as_array().unwrap().len();
    assert_eq!(options, 1, "USDT states 18 decimals, configured are 6");
    chain.set_broken(true);
    until("delayed detection", || async { matches!(bench.engine.network_health()[0].health, Health::Delayed { .. }) })
        .await;
    chain.set_broken(false);
    until("recovery", || async { bench.engine.network_health()[0].health == Health::Current }).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_at_first_costs_no_token_its_place() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    chain.refuse_decimals(2);
    let running = Running::start(&bench, &chain, &sender);
    until("the first round", || async {
        bench.engine.network_health().iter().any(|network| network.health == Health::Current)
    })
    .await;
    let made = bench.engine.create_checkout(&bench.ask("POST /v1/checkouts"), new_checkout("5")).await.unwrap();
    assert_eq!(text(&json(&made), "/payment_options/0/evm/asset"), "USDC");
    running.stop().await;
}

fn behind_its_back(bench: &Bench, statement: &str) {
    let database = rusqlite::Connection::open(bench.directory().join("handsel.db")).unwrap();
    assert_ne!(database.execute(statement, []).unwrap(), 0, "{statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_cannot_be_ended_stands_in_nobodys_way() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let (broken, _) = checkout(&bench, "5").await;
    behind_its_back(&bench, &format!("UPDATE checkout SET private = x'00', closes_at = 1 WHERE id = '{broken}'"));
    let (whole, _) = checkout(&bench, "5").await;
    let running = Running::start(&bench, &chain, &sender);
    until("expiry", || async {
        bench.clock.advance(3_600);
        has_status(&bench, whole, "expired").await
    })
    .await;
    running.stop().await;
}

/// Another process on the same database may have queued it and be gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_somebody_else_queued_is_sent() {
    let bench = Bench::open().await;
    webhook(&bench, URL).await;
    bench.xpub_wallet().await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    until("everything sent", || settled(&bench)).await;
    let sent = sender.received(URL).len();
    behind_its_back(
        &bench,
        "UPDATE delivery SET state = 'pending', version = version + 1, wake = 1 \
        WHERE id = (SELECT MIN(id) FROM delivery)",
    );
    until("the other's delivery", || async { sender.received(URL).len() == sent + 1 }).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoilt_webhook_fails_alone_and_says_why() {
    const SPOILT: &str = "https://spoilt.example.com/";
    let bench = Bench::open().await;
    webhook(&bench, URL).await;
    let spoilt = webhook(&bench, SPOILT).await;
    let id = text(&spoilt, "/id");
    bench.xpub_wallet().await;
    behind_its_back(&bench, &format!("UPDATE webhook SET rest = '{{}}' WHERE id = '{id}'"));
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    let running = Running::start(&bench, &chain, &sender);
    until("an end of all deliveries", || settled(&bench)).await;
    running.stop().await;
    assert!(!sender.received(URL).is_empty());
    assert!(sender.received(SPOILT).is_empty());
    let hook = WebhookId::parse(id).unwrap();
    let query = ListQuery { limit: 100, webhook: Some(hook), ..ListQuery::default() };
    let deliveries = bench.reader.deliveries(bench.account, &query).await.unwrap().data;
    assert_eq!(deliveries.len(), sender.received(URL).len(), "as many as the other one's");
    for delivery in deliveries {
        assert!(matches!(delivery.state, State::Failed { .. }), "{delivery:?}");
        let attempts = bench.reader.attempts(delivery.id).await.unwrap();
        assert_eq!(attempts.iter().map(|attempt| attempt.error).collect::<Vec<_>>(), [Some(HookError::Unreadable)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_breaks_is_made_again_after_its_lease() {
    let bench = Bench::open().await;
    webhook(&bench, URL).await;
    let (chain, sender) = (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()));
    sender.answers(URL, Receiver::Breaks);
    let running = Running::start(&bench, &chain, &sender);
    bench.xpub_wallet().await;
    until("a first try", || async { !sender.received(URL).is_empty() }).await;
    sender.answers(URL, Receiver::Status(200));
    until("the next ones", || async {
        bench.clock.advance(handsel_core::limits::HOOK_LEASE_SECONDS);
        settled(&bench).await
    })
    .await;
    running.stop().await;
}
