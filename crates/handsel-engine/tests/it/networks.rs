//! What is watched beside checkouts, and networks that can't be relied on.

use crate::fakes::{FakeChain, FakeSender, Pay};
use crate::harness::{Bench, json, new_checkout, new_wallet, text};
use crate::loops::{Running, until};
use handsel_core::chain::{Address, BlockHash};
use handsel_core::id::{CheckoutId, WalletId};
use handsel_core::limits;
use handsel_engine::{Code, Health};
use handsel_store::reader::ListQuery;
use serde_json::Value;
use std::sync::Arc;

const FIXED: &str = "0x52908400098527886E0F7030069857D2E4169EE7";
const PRICE: u128 = 5_000_000;

fn doors() -> (Arc<FakeChain>, Arc<FakeSender>) {
    (Arc::new(FakeChain::new(313_137)), Arc::new(FakeSender::default()))
}

async fn payments(bench: &Bench) -> Vec<Value> {
    let list = bench.engine.payments(&bench.list("/v1/payments")).await.unwrap();
    json(&list)["data"].as_array().unwrap().clone()
}

async fn current(bench: &Bench) -> bool {
    bench.engine.network_health().iter().any(|network| network.health == Health::Current)
}

async fn create(bench: &Bench) -> Result<Value, Code> {
    let made = bench.engine.create_checkout(&bench.ask("POST /v1/checkouts"), new_checkout("5")).await;
    made.map(|made| json(&made)).map_err(|refusal| refusal.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_at_a_static_address_without_a_checkout_is_an_unmatched_payment() {
    let bench = Bench::open().await;
    let new = new_wallet("static", FIXED);
    let wallet = json(&bench.engine.create_wallet(&bench.ask("POST /v1/wallets"), new).await.unwrap());
    let xpub = bench.xpub_wallet().await;
    let proof = Address::parse(text(&xpub, "/evm/proof_address")).unwrap();
    let (chain, sender) = doors();
    let running = Running::start(&bench, &chain, &sender);
    until("the first round", || current(&bench)).await;
    let to = Address::parse(FIXED).unwrap();
    chain.mine(&[Pay { tx: 1, to, value: PRICE }, Pay { tx: 2, to: proof, value: PRICE }]);
    until("detection", || async { payments(&bench).await.len() == 2 }).await;
    // Nor does it get lost once the wallet is retired.
    let id = WalletId::parse(text(&wallet, "/id")).unwrap();
    bench.engine.retire_wallet(&bench.ask("POST /v1/wallets/{id}/retire"), id).await.unwrap();
    chain.mine(&[Pay { tx: 3, to, value: PRICE }]);
    chain.mine_empty(8);
    until("the end", || async {
        let payments = payments(&bench).await;
        payments.len() == 3 && payments.iter().all(|payment| payment["status"] == "rejected")
    })
    .await;
    running.stop().await;
    for payment in payments(&bench).await {
        assert_eq!((text(&payment, "/outcome"), &payment["checkout"]), ("unmatched", &Value::Null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_never_checked_is_not_offered_and_one_that_was_stays_while_its_node_is_down() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = doors();
    chain.set_broken(true);
    let running = Running::start(&bench, &chain, &sender);
    assert_eq!(create(&bench).await, Err(Code::NoPaymentOption));
    chain.set_broken(false);
    until("the first round", || current(&bench)).await;
    create(&bench).await.unwrap();
    running.stop().await;
    let bench = bench.reopened().await;
    chain.set_broken(true);
    let running = Running::start(&bench, &chain, &sender);
    create(&bench).await.unwrap();
    running.stop().await;
}

/// Property 13: also through an option that was made while the contract said something else.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_contradicts_its_configuration_is_neither_offered_nor_credited() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = doors();
    let running = Running::start(&bench, &chain, &sender);
    let made = create(&bench).await.unwrap();
    let to = Address::parse(text(&made, "/payment_options/0/evm/address")).unwrap();
    running.stop().await;
    let bench = bench.reopened().await;
    chain.set_usdc_decimals(18);
    let running = Running::start(&bench, &chain, &sender);
    until("the first round", || current(&bench)).await;
    assert_eq!(create(&bench).await, Err(Code::NoPaymentOption));
    chain.mine(&[Pay { tx: 1, to, value: PRICE }]);
    until("the block", || async {
        let cursor = bench.reader.cursor("sandbox-evm").await.unwrap();
        cursor.is_some_and(|cursor| cursor.tip.number == chain.height())
    })
    .await;
    running.stop().await;
    let page = bench.reader.payments(bench.account, &ListQuery { limit: 10, ..ListQuery::default() }).await.unwrap();
    assert_eq!(page.data, []);
}

async fn paid_for(bench: &Bench) -> (CheckoutId, Address) {
    let made = create(bench).await.unwrap();
    let address = Address::parse(text(&made, "/payment_options/0/evm/address")).unwrap();
    (CheckoutId::parse(text(&made, "/id")).unwrap(), address)
}

async fn status(bench: &Bench, id: CheckoutId) -> (String, String) {
    let shown = json(&bench.engine.checkout(&bench.ask("GET /v1/checkouts/{id}"), id).await.unwrap());
    (text(&shown, "/status").to_owned(), text(&shown, "/payment_status").to_owned())
}

fn halted(bench: &Bench) -> bool {
    bench.engine.network_health().iter().any(|network| matches!(network.health, Health::Halted { .. }))
}

/// What was told of networks, in order.
async fn told(bench: &Bench) -> Vec<&'static str> {
    bench.event_kinds().await.into_iter().filter(|kind| kind.starts_with("network.")).collect()
}

/// Three checkouts: of a payment that is final, of one that is on the old branch alone, and of one that is on the new branch alone. The
/// first one's payment is on both.
struct Split {
    both: CheckoutId,
    old: CheckoutId,
    new: CheckoutId,
    /// A block of the new branch above all three.
    from: BlockHash,
}

async fn split(bench: &Bench, chain: &FakeChain) -> Split {
    let ((both, one), (old, two), (new, three)) = (paid_for(bench).await, paid_for(bench).await, paid_for(bench).await);
    chain.mine(&[Pay { tx: 1, to: one, value: PRICE }]);
    chain.mine_empty(5);
    until("finality", || async {
        let payments = payments(bench).await;
        payments.len() == 1 && payments[0]["finalized"] == true
    })
    .await;
    chain.mine(&[Pay { tx: 2, to: two, value: PRICE }]);
    until("the last payment of the old branch", || async { payments(bench).await.len() == 2 }).await;
    // The node replaces everything above its first block.
    chain.take_back(usize::try_from(chain.height()).unwrap());
    chain.mine(&[Pay { tx: 1, to: one, value: PRICE }]);
    chain.mine(&[Pay { tx: 3, to: three, value: PRICE }]);
    let from = chain.mine(&[]).hash;
    chain.mine_empty(8);
    until("the halt", || async { halted(bench) }).await;
    until("its news", || async { told(bench).await == ["network.degraded"] }).await;
    Split { both, old, new, from }
}

async fn goes_on(bench: &Bench, split: &Split) {
    until("the end of it is told", || async { told(bench).await == ["network.degraded", "network.recovered"] }).await;
    let paid = ("complete".to_owned(), "paid".to_owned());
    until("the new branch's payment", || async { status(bench, split.new).await == paid }).await;
    assert_eq!(status(bench, split.both).await, paid, "what was final stays as it was told");
    assert_eq!(status(bench, split.old).await, ("open".to_owned(), "unpaid".to_owned()));
    let payments = payments(bench).await;
    assert_eq!(payments.len(), 3, "what is on both branches is one payment");
    let leaves = bench.reader.audit_leaves(0, 1_000).await.unwrap();
    let noted = |action: &str| leaves.iter().any(|leaf| String::from_utf8_lossy(leaf).contains(action));
    assert!(noted("chain.halt") && noted("chain.resume"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_network_is_not_offered_and_goes_on_from_the_block_that_its_operator_names() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = doors();
    let running = Running::start(&bench, &chain, &sender);
    let split = split(&bench, &chain).await;
    assert_eq!(create(&bench).await, Err(Code::NetworkUnavailable));
    assert!(bench.engine.network_places().await.unwrap()[0].halted);
    let unknown = bench.engine.resume_network("sandbox-evm", BlockHash([9; 32]), None).await.unwrap_err();
    assert!(unknown.detail.contains("knows no block"), "{}", unknown.detail);
    let resumed = bench.engine.resume_network("sandbox-evm", split.from, None).await.unwrap();
    assert_eq!((resumed.from.hash, resumed.taken_back, resumed.added), (split.from, 7, 3));
    goes_on(&bench, &split).await;
    create(&bench).await.unwrap();
    let again = bench.engine.resume_network("sandbox-evm", split.from, None).await.unwrap_err();
    assert!(again.detail.contains("is not halted"), "{}", again.detail);
    let (degraded, _) = standing_of(&bench, "network.degraded").await;
    assert_eq!((text(&degraded, "/reason"), text(&degraded, "/network")), ("halted", "sandbox-evm"));
    // The named block counts as final: a node that leaves it halts the network again.
    chain.take_back(usize::try_from(chain.height()).unwrap());
    chain.mine_empty(20);
    until("the next halt", || async { halted(&bench) }).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_resumed_on_a_stopped_database_too() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = doors();
    let running = Running::start(&bench, &chain, &sender);
    let split = split(&bench, &chain).await;
    running.stop().await;
    let bench = bench.reopened().await;
    let running = Running::start(&bench, &chain, &sender);
    until("the halt of before", || async { halted(&bench) }).await;
    running.stop().await;
    let bench = bench.reopened().await;
    bench.engine.resume_network("sandbox-evm", split.from, Some(&*chain)).await.unwrap();
    let running = Running::start(&bench, &chain, &sender);
    goes_on(&bench, &split).await;
    running.stop().await;
}

async fn standing_of(bench: &Bench, kind: &str) -> (Value, u64) {
    let events = bench.reader.events_after(bench.account, 0, 1_000).await.unwrap();
    let event = events.iter().find(|event| event.new.kind.name() == kind).unwrap();
    let shown = bench.engine.event(&bench.ask("GET /v1/events/{id}"), event.new.id).await.unwrap();
    (json(&shown)["data"]["object"].clone(), event.new.object_version)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_is_told_once_and_its_recovery_too_and_checkouts_stay_payable() {
    let bench = Bench::open().await;
    bench.xpub_wallet().await;
    let (chain, sender) = doors();
    let running = Running::start(&bench, &chain, &sender);
    until("the first round", || current(&bench)).await;
    chain.set_broken(true);
    until("failures", || async { !current(&bench).await }).await;
    assert!(told(&bench).await.is_empty(), "a short silence is nobody's matter");
    bench.clock.advance(limits::NETWORK_SILENT_AFTER_SECONDS);
    until("the news", || async { told(&bench).await == ["network.degraded"] }).await;
    let (degraded, version) = standing_of(&bench, "network.degraded").await;
    assert_eq!((text(&degraded, "/status"), text(&degraded, "/reason")), ("degraded", "nodes_silent"));
    create(&bench).await.unwrap();
    // Another start on the same database tells nobody again.
    running.stop().await;
    let bench = bench.reopened().await;
    let running = Running::start(&bench, &chain, &sender);
    until("failures", || async {
        bench.engine.network_health().iter().any(|network| matches!(network.health, Health::Delayed { .. }))
    })
    .await;
    chain.set_broken(false);
    until("the good news", || async { told(&bench).await == ["network.degraded", "network.recovered"] }).await;
    running.stop().await;
    let (recovered, later) = standing_of(&bench, "network.recovered").await;
    assert_eq!((text(&recovered, "/status"), &recovered["reason"]), ("operational", &Value::Null));
    assert!(later > version);
}
