//! A source whose blocks prove themselves, before nodes that lie about a real block (recorded from anvil 1.7.1).

use handsel_core::chain::proof::{Disproof, VerifyMode};
use handsel_core::chain::{BlockHash, ChainError, HeadTag};
use handsel_core::port::ChainSource;
use handsel_net::quorum::QuorumSource;
use std::sync::Arc;

use crate::node::{FakeNode, refusal, result, verifying};

const HASH: &str = "0xe1c04c7ba884006b49f8a3c7392f7fdbc787f5f14b1aa3a58937ff6dd3328d60";
/// Transfers in it.
const TRANSFERS: usize = 7;

type Value = serde_json::Value;

fn recorded(answer: &str) -> Value {
    serde_json::from_str::<Value>(answer).unwrap()["result"].take()
}

fn block() -> Value {
    recorded(include_str!("../recorded/anvil_types_block.json"))
}

fn receipts() -> Value {
    recorded(include_str!("../recorded/anvil_types_receipts.json"))
}

fn logs() -> Value {
    recorded(include_str!("../recorded/anvil_types_all_logs.json"))
}

/// A node that knows this one block, as these values show it.
async fn node(block: Value, receipts: Value, logs: Value) -> FakeNode {
    FakeNode::start(move |asked| {
        result(&match asked.split('"').nth(9).unwrap() {
            "eth_getBlockByHash" | "eth_getBlockByNumber" => block.to_string(),
            "eth_getBlockReceipts" => receipts.to_string(),
            "eth_getLogs" => logs.to_string(),
            method => panic!("{method}"),
        })
    })
    .await
}

async fn honest() -> FakeNode {
    node(block(), receipts(), logs()).await
}

fn hash() -> BlockHash {
    BlockHash::parse(HASH).unwrap()
}

fn asked(node: &FakeNode, method: &str) -> usize {
    node.requests.lock().unwrap().iter().filter(|text| text.contains(method)).count()
}

#[tokio::test]
async fn a_followed_block_costs_one_more_question() {
    let node = honest().await;
    let source = verifying(&[&node], VerifyMode::ReceiptsRoot);
    let head = source.head(HeadTag::Latest).await.unwrap().unwrap();
    assert_eq!((head.hash, head.number), (hash(), 9));
    assert_eq!(source.transfers(head.hash).await.unwrap().len(), TRANSFERS);
    assert_eq!((asked(&node, "eth_getBlockReceipts"), node.count()), (1, 2));
    let fresh = verifying(&[&node], VerifyMode::ReceiptsRoot);
    assert_eq!(fresh.transfers(hash()).await.unwrap().len(), TRANSFERS);
    assert_eq!(asked(&node, "eth_getBlockByHash"), 1, "an unknown header is asked for and proven first");
    assert_eq!(asked(&node, "eth_getLogs"), 0);
}

/// Each way to lie about receipts, with how it is found out.
fn lies() -> Vec<(&'static str, Value, Disproof)> {
    let lie = |change: &dyn Fn(&mut Value)| {
        let mut receipts = receipts();
        change(&mut receipts);
        receipts
    };
    vec![
        ("nothing happened", Value::Array(Vec::new()), Disproof::LogsBloom),
        ("a receipt is dropped", lie(&|r| drop(r.as_array_mut().unwrap().pop())), Disproof::LogsBloom),
        ("a log is dropped", lie(&|r| drop(r[0]["logs"].as_array_mut().unwrap().pop())), Disproof::ReceiptsRoot),
        ("another amount", lie(&|r| r[0]["logs"][0]["data"] = format!("0x{:064x}", 1).into()), Disproof::ReceiptsRoot),
        ("the failed one succeeded", lie(&|r| r[3]["status"] = "0x1".into()), Disproof::ReceiptsRoot),
    ]
}

/// As the server puts its nodes together; all of them must agree on headers.
fn all_of(nodes: &[&FakeNode], verify: VerifyMode) -> QuorumSource {
    let member = |node: &&FakeNode| (node.url.clone(), Arc::new(verifying(&[node], verify)) as Arc<dyn ChainSource>);
    QuorumSource::new(nodes.iter().map(member).collect(), nodes.len(), verify.proves_contents()).unwrap()
}

#[tokio::test]
async fn a_lie_is_not_believed_and_the_next_node_asked() {
    for (what, lie, how) in lies() {
        let (liar, honest) = (node(block(), lie, logs()).await, honest().await);
        let both = all_of(&[&liar, &honest], VerifyMode::ReceiptsRoot);
        assert_eq!(both.head(HeadTag::Latest).await.unwrap().unwrap().hash, hash());
        for _ in 0..3 {
            assert_eq!(both.transfers(hash()).await.unwrap().len(), TRANSFERS, "{what}");
        }
        assert!(asked(&liar, "eth_getBlockReceipts") <= 1, "{what}: it ranks last once it was caught");
        let alone = verifying(&[&liar], VerifyMode::ReceiptsRoot);
        for _ in 0..2 {
            assert_eq!(alone.transfers(hash()).await.unwrap_err(), ChainError::Disproved(how), "{what}");
        }
        let next = verifying(&[&liar, &honest], VerifyMode::ReceiptsRoot);
        assert_eq!(next.transfers(hash()).await.unwrap().len(), TRANSFERS, "{what}");
    }
}

#[tokio::test]
async fn a_header_that_is_not_its_hash_is_asked_of_the_next_node() {
    let mut forged = block();
    forged["parentHash"] = format!("0x{}", "11".repeat(32)).into();
    let (liar, honest) = (node(forged, receipts(), logs()).await, honest().await);
    let both = verifying(&[&liar, &honest], VerifyMode::ReceiptsRoot);
    let head = both.head(HeadTag::Latest).await.unwrap().unwrap();
    assert_eq!(Some(head.parent), BlockHash::parse(block()["parentHash"].as_str().unwrap()));
    for verify in [VerifyMode::ReceiptsRoot, VerifyMode::LogsBloom] {
        let alone = verifying(&[&liar], verify);
        assert_eq!(alone.header(hash()).await.unwrap_err(), ChainError::Disproved(Disproof::HeaderHash));
        assert_eq!(alone.transfers(hash()).await.unwrap_err(), ChainError::Disproved(Disproof::HeaderHash));
    }
    let believing = verifying(&[&liar], VerifyMode::QuorumDigest);
    assert!(believing.header(hash()).await.unwrap().is_some(), "where nothing can be proven, one node is believed");
}

#[tokio::test]
async fn a_node_without_receipts_is_never_silently_asked_for_logs() {
    let no_receipts = FakeNode::start(|asked| match asked.split('"').nth(9).unwrap() {
        "eth_getBlockReceipts" => refusal(-32_601, "the method eth_getBlockReceipts does not exist"),
        "eth_getLogs" => result(&logs().to_string()),
        _ => result(&block().to_string()),
    })
    .await;
    let error = verifying(&[&no_receipts], VerifyMode::ReceiptsRoot).transfers(hash()).await.unwrap_err();
    assert!(matches!(error, ChainError::Unavailable(why) if why.contains("verify")), "{error}");
    assert_eq!(asked(&no_receipts, "eth_getLogs"), 0);
    let configured = verifying(&[&no_receipts], VerifyMode::LogsBloom);
    assert_eq!(configured.transfers(hash()).await.unwrap().len(), TRANSFERS);
    let honest = honest().await;
    let both = verifying(&[&no_receipts, &honest], VerifyMode::ReceiptsRoot);
    assert_eq!(both.transfers(hash()).await.unwrap().len(), TRANSFERS);
}

#[tokio::test]
async fn logs_are_held_to_the_bloom_and_amounts_to_most_nodes() {
    let (one, two) = (honest().await, honest().await);
    let liar = node(block(), receipts(), Value::Array(Vec::new())).await;
    let alone = verifying(&[&liar], VerifyMode::LogsBloom);
    assert_eq!(alone.transfers(hash()).await.unwrap_err(), ChainError::Disproved(Disproof::LogsBloom));
    let mut richer = logs();
    richer[0]["data"] = format!("0x{:064x}", 9).into();
    let sly = node(block(), receipts(), richer).await;
    let alone = verifying(&[&sly], VerifyMode::LogsBloom).transfers(hash()).await.unwrap();
    assert_eq!(alone[0].atomic(), Some(9), "a bloom holds no amounts");
    let all = all_of(&[&sly, &one, &two], VerifyMode::LogsBloom);
    assert_eq!(all.transfers(hash()).await.unwrap()[0].atomic(), Some(1_500_000), "two say otherwise");
}

#[tokio::test]
async fn an_unknown_block_is_asked_of_every_node() {
    let lagging = FakeNode::start(|_| result("null")).await;
    let honest = honest().await;
    let both = verifying(&[&lagging, &honest], VerifyMode::ReceiptsRoot);
    assert_eq!(both.transfers(hash()).await.unwrap().len(), TRANSFERS);
    assert_eq!(both.header(hash()).await.unwrap().unwrap().number, 9);
    let alone = verifying(&[&lagging], VerifyMode::ReceiptsRoot);
    assert_eq!(alone.transfers(hash()).await.unwrap_err(), ChainError::UnknownBlock);
    assert_eq!(alone.header(hash()).await, Ok(None));
}
