//! java-tron's JSON-RPC as its documentation has it, and as it goes wrong.

use std::sync::Arc;

use handsel_core::chain::proof::Disproof;
use handsel_core::chain::{Address, BlockHash, ChainError, HeadTag};
use handsel_core::port::ChainSource;
use handsel_net::egress::NamedOptions;
use handsel_net::quorum::QuorumSource;
use handsel_net::tron::TronSource;

use crate::node::{FakeNode, options, refusal, result};

const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const TOKEN: &str = "a614f803b6fd780986a42c78ec9c7f77e6ded13c";
const NUMBER: u64 = 0x3fe_1ca0;

fn id(number: u64, tail: u8) -> String {
    format!("0x{number:016x}{}", format!("{tail:02x}").repeat(24))
}

fn hash() -> BlockHash {
    BlockHash::parse(&id(NUMBER, 7)).unwrap()
}

fn tx(n: u8) -> String {
    format!("0x{}", format!("{n:02x}").repeat(32))
}

fn block(transactions: &[u8]) -> String {
    let zeros = |bytes: usize| "00".repeat(bytes);
    let transactions: Vec<String> = transactions.iter().map(|n| format!("{:?}", tx(*n))).collect();
    format!(
        r#"{{"number":"0x{NUMBER:x}","hash":"{}","parentHash":"{}","nonce":"0x{}","sha3Uncles":"0x{}","logsBloom":"0x{}","transactionsRoot":"{}","stateRoot":"0x","receiptsRoot":"0x{}","timestamp":"0x69f18a5c","transactions":[{}],"uncles":[],"gasLimit":"0x0"}}"#,
        id(NUMBER, 7),
        id(NUMBER - 1, 6),
        zeros(8),
        zeros(32),
        zeros(256),
        tx(9),
        zeros(32),
        transactions.join(",")
    )
}

fn log(of: u8, index: u64, amount: u64, address: &str) -> String {
    format!(
        r#"{{"address":"{address}","topics":["{TRANSFER}","0x{:064x}","0x{:064x}"],"data":"0x{amount:064x}","blockHash":"{}","blockNumber":"0x{NUMBER:x}","transactionHash":"{}","transactionIndex":"0x0","logIndex":"0x{index:x}","removed":false}}"#,
        1,
        2,
        id(NUMBER, 7),
        tx(of)
    )
}

fn receipt(of: u8, index: u64, status: u8, logs: &str) -> String {
    format!(
        r#"{{"blockHash":"{}","blockNumber":"0x{NUMBER:x}","transactionHash":"{}","transactionIndex":"0x{index:x}","status":"0x{status}","logs":[{logs}],"logsBloom":"0x00"}}"#,
        id(NUMBER, 7),
        tx(of)
    )
}

/// What a node has of the block.
#[derive(Clone)]
struct Held {
    block: String,
    receipts: Option<String>,
    logs: String,
    single: fn(u8) -> String,
}

/// Two transactions: one that failed with a log all the same, one with two transfers.
fn held() -> Held {
    let token = format!("0x{TOKEN}");
    let good = format!("{},{}", log(2, 1, 500, &token), log(2, 2, 700, &token));
    Held {
        block: block(&[1, 2]),
        receipts: Some(format!("[{},{}]", receipt(1, 0, 0, &log(1, 0, 9, &token)), receipt(2, 1, 1, &good))),
        logs: format!("[{},{good}]", log(1, 0, 9, &token)),
        single: |n| {
            let token = format!("0x41{TOKEN}");
            let logs = format!("{},{}", log(2, 1, 500, &token), log(2, 2, 700, &token));
            if n == 1 { receipt(1, 0, 0, &log(1, 0, 9, &token)) } else { receipt(2, 1, 1, &logs) }
        },
    }
}

/// A node that has just that; without receipts it does not know `eth_getBlockReceipts`.
async fn node(held: Held) -> FakeNode {
    FakeNode::start(move |asked| {
        if asked.starts_with('[') {
            let calls: Vec<serde_json::Value> = serde_json::from_str(asked).unwrap();
            let answers = calls.iter().map(|call| {
                let n = u8::from(call["params"][0] == tx(2)) + 1;
                format!(r#"{{"jsonrpc":"2.0","id":{},"result":{}}}"#, call["id"], (held.single)(n))
            });
            return (200, format!("[{}]", answers.collect::<Vec<_>>().join(",")));
        }
        match asked.split('"').nth(9).unwrap() {
            "eth_chainId" => result(r#""0x2b6653dc""#),
            "eth_call" => result(&format!(r#""0x{:064x}""#, 6)),
            "eth_getBlockByHash" if asked.contains(&id(NUMBER, 7)) => result(&held.block),
            "eth_getBlockByNumber" if asked.contains("safe") || asked.contains("pending") => {
                refusal(-32_602, "TAG safe not supported")
            }
            "eth_getBlockByNumber" => result(&held.block),
            "eth_getBlockByHash" => result("null"),
            "eth_getBlockReceipts" => match &held.receipts {
                Some(receipts) => result(receipts),
                None => refusal(-32_601, "the method eth_getBlockReceipts does not exist/is not available"),
            },
            "eth_getLogs" => result(&held.logs),
            method => panic!("{method} is none that java-tron is asked"),
        }
    })
    .await
}

fn source(node: &FakeNode) -> TronSource {
    TronSource::new(&node.url, &options()).unwrap()
}

async fn amounts(held: Held) -> Result<Vec<(u64, u32, u128)>, ChainError> {
    let found = source(&node(held).await).transfers(hash()).await?;
    Ok(found.iter().map(|t| (t.block_log_index, t.tx_position, t.atomic().unwrap())).collect())
}

#[tokio::test]
async fn a_block_is_read_alike_from_receipts_and_from_logs() {
    let expected = Ok(vec![(1, 0, 500), (2, 1, 700)]);
    assert_eq!(amounts(held()).await, expected);
    assert_eq!(amounts(Held { receipts: None, ..held() }).await, expected);
    assert_eq!(amounts(Held { receipts: Some("null".to_owned()), ..held() }).await, expected);
    let nothing = Held { block: block(&[]), receipts: None, logs: "[]".to_owned(), ..held() };
    assert_eq!(amounts(nothing).await, Ok(vec![]));
}

#[tokio::test]
async fn heads_identity_and_decimals_are_read_and_no_other_tag_is_asked() {
    let node = node(held()).await;
    let tron = source(&node);
    let head = tron.head(HeadTag::Latest).await.unwrap().unwrap();
    assert_eq!((head.number, head.hash, head.time_seconds), (NUMBER, hash(), 0x69f1_8a5c));
    assert_eq!(tron.head(HeadTag::Finalized).await, Ok(Some(head)));
    assert_eq!((tron.header(head.hash).await, tron.header_at(NUMBER).await), (Ok(Some(head)), Ok(Some(head))));
    assert_eq!(tron.header_at(NUMBER + 1).await, Err(ChainError::Disproved(Disproof::AnotherBlock)));
    assert_eq!(tron.header(BlockHash([9; 32])).await, Ok(None));
    assert_eq!(tron.transfers(BlockHash([9; 32])).await, Err(ChainError::UnknownBlock));
    assert_eq!(tron.chain_id().await, Ok(728_126_428));
    assert_eq!(tron.token_decimals(Address::parse(&format!("0x{TOKEN}")).unwrap()).await, Ok(Some(6)));
    let asked = node.requests.lock().unwrap().join("\n");
    assert!(!asked.contains("safe") && !asked.contains("pending") && !asked.contains("eth_newFilter"), "{asked}");
}

#[tokio::test]
async fn logs_without_receipts_behind_them_are_not_believed() {
    let token = format!("0x{TOKEN}");
    let short = Held { receipts: None, logs: format!("[{}]", log(2, 1, 500, &token)), ..held() };
    assert_eq!(amounts(short).await, Err(ChainError::Disproved(Disproof::Place)), "a log was left out");
    let other = format!("[{},{}]", log(2, 1, 500, &token), log(2, 2, 701, &token));
    let altered = Held { receipts: None, logs: other, ..held() };
    assert_eq!(amounts(altered).await, Err(ChainError::Disproved(Disproof::Place)), "an amount differs");
    let lost = Held { receipts: None, logs: "[]".to_owned(), single: |_| "null".to_owned(), ..held() };
    assert!(matches!(amounts(lost).await, Err(ChainError::Unavailable(_))), "a node that lost what transactions did");
    let quiet = Held { receipts: None, logs: "[]".to_owned(), single: |_| receipt(1, 0, 1, ""), ..held() };
    assert_eq!(amounts(quiet).await, Ok(vec![]));
}

#[tokio::test]
async fn fewer_receipts_than_transactions_are_no_block() {
    let missing = Held { receipts: Some(format!("[{}]", receipt(1, 0, 1, ""))), ..held() };
    assert_eq!(amounts(missing).await, Err(ChainError::Disproved(Disproof::Transactions)));
    let stray = Held { block: block(&[1, 2]).replace(&id(NUMBER, 7), &id(NUMBER + 1, 7)), ..held() };
    assert_eq!(amounts(stray).await, Err(ChainError::Disproved(Disproof::BlockId)));
}

#[tokio::test]
async fn answers_outside_of_json_rpc_are_errors() {
    let limited = r#"{"Error":"class java.lang.IllegalAccessException : lack of computing resources"}"#;
    for (status, answer, expected) in [
        (200, limited.to_owned(), ChainError::Unavailable("it limits the rate of calls")),
        (429, String::new(), ChainError::Unavailable("it limits the rate of calls")),
        (200, "<html>502</html>".to_owned(), ChainError::Malformed("HTML in place of JSON")),
        (200, result(r#"{"number":5}"#).1, ChainError::Malformed("a value of another type or form than promised")),
        (200, result(&block(&[1])[..200]).1[..150].to_owned(), ChainError::Malformed("the JSON ends early")),
    ] {
        let node = FakeNode::start(move |_| (status, answer.clone())).await;
        assert_eq!(source(&node).header(hash()).await, Err(expected));
    }
}

/// Nothing of a block proves itself: one node that leaves a log out is found by another one, and two outvote it.
#[tokio::test]
async fn a_log_that_one_of_the_nodes_leaves_out_is_not_lost() {
    let token = format!("0x{TOKEN}");
    let lying = Held {
        receipts: Some(format!("[{},{}]", receipt(1, 0, 0, ""), receipt(2, 1, 1, &log(2, 1, 500, &token)))),
        ..held()
    };
    let liar = node(lying).await;
    assert_eq!(source(&liar).transfers(hash()).await.map(|all| all.len()), Ok(1), "alone it is believed");
    let (one, two) = (node(held()).await, node(held()).await);
    let together = |nodes: &[&FakeNode]| {
        let named = nodes.iter().map(|node| {
            let source: Arc<dyn ChainSource> = Arc::new(TronSource::new(&node.url, &NamedOptions::default()).unwrap());
            (node.url.clone(), source)
        });
        QuorumSource::new(named.collect(), nodes.len() / 2 + 1, false).unwrap()
    };
    assert_eq!(together(&[&liar, &one]).transfers(hash()).await, Err(ChainError::Disagreed));
    let found = together(&[&liar, &one, &two]).transfers(hash()).await.unwrap();
    assert_eq!(found.iter().filter_map(|t| t.atomic()).sum::<u128>(), 1_200);
}
