use core::net::SocketAddr;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use handsel_core::chain::proof::{Disproof, VerifyMode};
use handsel_core::chain::{Address, BlockHash, ChainError, HeadTag};
use handsel_core::limits::BREAKER_OPENS_AFTER_FAILURES;
use handsel_core::port::ChainSource;
use handsel_net::egress::{NamedOptions, SetupError};
use handsel_net::evm::EvmSource;
use handsel_net::rpc::{Call, RpcClient, RpcError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{read_request, short};

const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// A node that answers each request by a function of its text; `ID` in the answer becomes the id of the call.
#[derive(Clone)]
pub(crate) struct FakeNode {
    pub(crate) url: String,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

type Script = Box<dyn Fn(&str) -> (u16, String) + Send + Sync>;

impl FakeNode {
    pub(crate) async fn start(script: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = requests.clone();
        let script: Arc<Script> = Arc::new(Box::new(script));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, script) = (seen.clone(), script.clone());
                tokio::spawn(async move {
                    while let Some((_, body)) = read_request(&mut stream).await {
                        let text = String::from_utf8(body).unwrap();
                        let id = text
                            .split(r#""id":"#)
                            .nth(1)
                            .and_then(|rest| rest.split(',').next())
                            .unwrap_or("0")
                            .to_owned();
                        let (status, answer) = script(&text);
                        seen.lock().unwrap().push(text);
                        let answer = answer.replace("ID", &id);
                        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len());
                        stream.write_all(head.as_bytes()).await.unwrap();
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        Self { url: format!("http://{address}"), requests }
    }

    async fn fixed(status: u16, answer: &'static str) -> Self {
        Self::start(move |_| (status, answer.to_owned())).await
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

pub(crate) fn options() -> NamedOptions {
    NamedOptions { deadlines: short(), extra_ca_pem: None }
}

/// A source whose blocks prove nothing.
fn source(nodes: &[&FakeNode]) -> EvmSource {
    verifying(nodes, VerifyMode::QuorumDigest)
}

pub(crate) fn verifying(nodes: &[&FakeNode], verify: VerifyMode) -> EvmSource {
    let urls: Vec<&str> = nodes.iter().map(|node| node.url.as_str()).collect();
    EvmSource::new(&urls, &options(), verify).unwrap()
}

fn word(byte: u8) -> String {
    format!("0x{}", format!("{byte:02x}").repeat(32))
}

fn log(block: u8, number: u64, tx: u8, index: u64) -> String {
    let (from, to) = (format!("0x{:064x}", 1), format!("0x{:064x}", 2));
    format!(
        r#"{{"address":"0x{}","topics":["{TRANSFER}","{from}","{to}"],"data":"0x{:064x}","blockHash":"{}","blockNumber":"0x{number:x}","transactionHash":"{}","logIndex":"0x{index:x}","removed":false}}"#,
        "aa".repeat(20),
        1000 + index,
        word(block),
        word(tx)
    )
}

pub(crate) fn result(value: &str) -> (u16, String) {
    (200, format!(r#"{{"jsonrpc":"2.0","id":ID,"result":{value}}}"#))
}

pub(crate) fn refusal(code: i64, message: &str) -> (u16, String) {
    (200, format!(r#"{{"jsonrpc":"2.0","id":ID,"error":{{"code":{code},"message":"{message}"}}}}"#))
}

#[tokio::test]
async fn transfers_are_asked_by_hash_and_counted_within_their_transaction() {
    let logs = format!("[{},{},{},{}]", log(7, 16, 1, 4), log(7, 16, 1, 2), log(7, 16, 2, 9), log(7, 16, 1, 3));
    let node = FakeNode::start(move |_| result(&logs)).await;
    let found = source(&[&node]).transfers(BlockHash([7; 32])).await.unwrap();
    let places: Vec<(u64, u32)> = found.iter().map(|t| (t.block_log_index, t.tx_position)).collect();
    assert_eq!(places, vec![(2, 0), (3, 1), (4, 2), (9, 0)]);
    assert_eq!(found[0].atomic(), Some(1002));
    let asked = node.requests.lock().unwrap().join("\n");
    assert!(asked.contains(r#""method":"eth_getLogs""#) && asked.contains(&format!(r#""blockHash":"{}""#, word(7))));
    assert!(!asked.contains("fromBlock"));
}

#[tokio::test]
async fn logs_of_another_block_removed_ones_and_doubles_are_refused() {
    let cases = [
        (format!("[{}]", log(8, 16, 1, 2)), ChainError::Disproved(Disproof::AnotherBlock)),
        (format!("[{}]", log(7, 16, 1, 2).replace("false", "true")), ChainError::UnknownBlock),
        (format!("[{},{}]", log(7, 16, 1, 2), log(7, 16, 2, 2)), ChainError::Malformed("two logs with one index")),
        ("null".to_owned(), ChainError::UnknownBlock),
        ("{}".to_owned(), ChainError::Malformed("a value of another type or form than promised")),
    ];
    for (answer, error) in cases {
        let node = FakeNode::start(move |_| result(&answer)).await;
        assert_eq!(source(&[&node]).transfers(BlockHash([7; 32])).await.unwrap_err(), error);
    }
}

#[tokio::test]
async fn an_unknown_block_is_asked_of_the_next_node() {
    let lagging = FakeNode::start(|_| refusal(-32_000, "unknown block")).await;
    let good = FakeNode::start(|_| result(&format!("[{}]", log(7, 16, 1, 0)))).await;
    assert_eq!(source(&[&lagging, &good]).transfers(BlockHash([7; 32])).await.unwrap().len(), 1);
    assert_eq!(source(&[&lagging]).transfers(BlockHash([7; 32])).await.unwrap_err(), ChainError::UnknownBlock);
}

#[tokio::test]
async fn receipts_serve_where_logs_are_not_to_be_had() {
    let node = FakeNode::start(|asked| {
        if asked.contains("eth_getLogs") {
            return refusal(-32_601, "the method eth_getLogs does not exist");
        }
        result(&format!(
            r#"[{{"status":"0x1","logs":[{}]}},{{"status":"0x0","logs":[{}]}}]"#,
            log(7, 16, 1, 0),
            log(7, 16, 2, 1)
        ))
    })
    .await;
    assert_eq!(source(&[&node]).transfers(BlockHash([7; 32])).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_range_is_halved_until_the_node_answers() {
    let node = FakeNode::start(|asked| {
        let bound = |name: &str| {
            let text = asked.split(&format!(r#""{name}":"0x"#)).nth(1).unwrap().split('"').next().unwrap();
            u64::from_str_radix(text, 16).unwrap()
        };
        let (from, to) = (bound("fromBlock"), bound("toBlock"));
        if to - from >= 4 {
            return refusal(-32_602, "exceed max block range: 4");
        }
        let logs: Vec<String> = (from..=to).map(|number| log(u8::try_from(number).unwrap(), number, 1, 0)).collect();
        result(&format!("[{}]", logs.join(",")))
    })
    .await;
    let found = source(&[&node]).transfers_between(10, 29).await.unwrap();
    let heights: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
    assert_eq!(heights, (10..=29).collect::<Vec<u64>>());
    let refusing = FakeNode::start(|_| refusal(-32_005, "limit exceeded")).await;
    assert_eq!(source(&[&refusing]).transfers_between(1, 8).await.unwrap_err(), ChainError::Refused { code: -32_005 });
}

#[tokio::test]
async fn headers_are_what_was_asked_for_or_nothing() {
    let header = format!(
        r#"{{"number":"0x10","hash":"{}","parentHash":"{}","timestamp":"0x5","stateRoot":"0x"}}"#,
        word(7),
        word(6)
    );
    let node = FakeNode::start(move |_| result(&header)).await;
    let source_of_one = source(&[&node]);
    assert_eq!(source_of_one.header(BlockHash([7; 32])).await.unwrap().unwrap().parent, BlockHash([6; 32]));
    assert_eq!(source_of_one.head(HeadTag::Finalized).await.unwrap().unwrap().number, 16);
    assert!(source_of_one.header_at(16).await.unwrap().is_some());
    assert_eq!(
        source_of_one.header(BlockHash([8; 32])).await.unwrap_err(),
        ChainError::Disproved(Disproof::AnotherBlock)
    );
    assert_eq!(source(&[&node]).header_at(17).await.unwrap_err(), ChainError::Disproved(Disproof::AnotherBlock));
    assert!(node.requests.lock().unwrap().iter().any(|asked| asked.contains(r#"["finalized",false]"#)));
    let empty = FakeNode::start(|_| result("null")).await;
    assert_eq!(source(&[&empty]).head(HeadTag::Latest).await, Ok(None));
    let young = FakeNode::start(|_| refusal(-39_001, "finalized block not found")).await;
    assert_eq!(source(&[&young]).head(HeadTag::Finalized).await, Ok(None));
}

#[tokio::test]
async fn chain_id_and_decimals_are_read_and_checked() {
    let node = FakeNode::start(|asked| {
        if asked.contains("eth_chainId") { result(r#""0x2b6653dc""#) } else { result(&format!(r#""0x{:064x}""#, 6)) }
    })
    .await;
    assert_eq!(source(&[&node]).chain_id().await, Ok(728_126_428));
    let decimals = async |node: &FakeNode| source(&[node]).token_decimals(Address([1; 20])).await;
    assert_eq!(decimals(&node).await, Ok(Some(6)));
    // What the contract says for sure …
    let absurd = format!(r#""0x{:064x}""#, 0x106);
    for answer in [result(r#""0x""#), result(&absurd), refusal(3, "execution reverted")] {
        let node = FakeNode::start(move |_| answer.clone()).await;
        assert_eq!(decimals(&node).await, Ok(None));
    }
    // … and what says nothing about it.
    for answer in [
        result(r#""0x06""#),
        result("null"),
        refusal(-32_000, "header not found"),
        refusal(-32_005, "limit exceeded"),
        refusal(-32_603, "internal error"),
    ] {
        let node = FakeNode::start(move |_| answer.clone()).await;
        assert!(decimals(&node).await.is_err());
    }
}

#[tokio::test]
async fn ill_nodes_are_named_clearly() {
    let cases = [
        (200, "<html>Bad gateway</html>", ChainError::Malformed("HTML in place of JSON")),
        (502, "<html>Bad gateway</html>", ChainError::Unavailable("an HTTP error status")),
        (200, r#"{"id":ID,"result":"0x"#, ChainError::Malformed("the JSON ends early")),
        (200, r#"{"id":ID,"result":1}"#, ChainError::Malformed("a value of another type or form than promised")),
        (200, r#"{"id":999999,"result":"0x1"}"#, ChainError::Malformed("the id is not that of the call")),
        (200, r#"{"Error":"lack of computing resources"}"#, ChainError::Unavailable("it limits the rate of calls")),
        (429, "slow down", ChainError::Unavailable("it limits the rate of calls")),
        (
            401,
            r#"{"id":ID,"error":{"code":-32000,"message":"invalid project id"}}"#,
            ChainError::Refused { code: -32_000 },
        ),
        (403, "no", ChainError::Unavailable("it refused the key in rpc_urls")),
        (500, r#"{"id":ID,"result":"0x1"}"#, ChainError::Unavailable("an HTTP error status")),
        (200, "", ChainError::Malformed("an empty answer")),
    ];
    for (status, answer, error) in cases {
        let node = FakeNode::fixed(status, answer).await;
        assert_eq!(source(&[&node]).chain_id().await.unwrap_err(), error, "{status} {answer}");
    }
}

#[tokio::test]
async fn a_failing_node_is_passed_over_and_then_left_alone() {
    let ill = FakeNode::fixed(500, "oops").await;
    let good = FakeNode::start(|_| result(r#""0x1""#)).await;
    let both = source(&[&ill, &good]);
    for _ in 0..10 {
        assert_eq!(both.chain_id().await, Ok(1));
    }
    assert_eq!(ill.count(), usize::try_from(BREAKER_OPENS_AFTER_FAILURES).unwrap());
    assert_eq!(good.count(), 10);
    let alone = source(&[&ill]);
    for _ in 0..BREAKER_OPENS_AFTER_FAILURES {
        assert_eq!(alone.chain_id().await.unwrap_err(), ChainError::Unavailable("an HTTP error status"));
    }
    assert_eq!(alone.chain_id().await.unwrap_err(), ChainError::Unavailable("every node was failing a moment ago"));
}

#[tokio::test]
async fn a_batch_is_one_request_and_comes_back_in_order() {
    let node = FakeNode::start(|asked| {
        let ids: Vec<&str> = asked.split(r#""id":"#).skip(1).map(|rest| rest.split(',').next().unwrap()).collect();
        let answers: Vec<String> = ids.iter().rev().map(|id| format!(r#"{{"id":{id},"result":"r{id}"}}"#)).collect();
        (200, format!("[{}]", answers.join(",")))
    })
    .await;
    let client = RpcClient::new(&[&node.url], &options()).unwrap();
    let calls = vec![Call::new("a", "[]".into()), Call::new("b", "[]".into()), Call::new("c", "[]".into())];
    let answers = client.batch::<String>(&calls, 1_000).await.unwrap();
    let texts: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
    assert_eq!((texts, node.count()), (vec!["r1".to_owned(), "r2".to_owned(), "r3".to_owned()], 1));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read() {
    let node = FakeNode::start(|_| result(&format!(r#""{}""#, "x".repeat(10_000)))).await;
    let client = RpcClient::new(&[&node.url], &options()).unwrap();
    let error = client.call::<String>(&Call::new("a", "[]".into()), 1_000).await.unwrap_err();
    assert_eq!(error, RpcError::Transport(handsel_net::egress::EgressError::ResponseTooLarge));
    let none: [&str; 0] = [];
    assert_eq!(
        RpcClient::new(&none, &options()).unwrap().call::<String>(&Call::new("a", "[]".into()), 1).await,
        Err(RpcError::AllOpen)
    );
}

#[tokio::test]
async fn a_new_head_ends_the_waiting_also_after_the_socket_broke() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket_url = format!("ws://{}", listener.local_addr().unwrap());
    let subscriptions = Arc::new(Mutex::new(Vec::new()));
    let seen = subscriptions.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let asked = socket.next().await.unwrap().unwrap().into_text().unwrap().to_string();
            seen.lock().unwrap().push(asked);
            socket.send(Message::text(r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#)).await.unwrap();
            let head = r#"{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{}}}"#;
            socket.send(Message::text(head)).await.unwrap();
            // One hint on each connection, then it breaks.
        }
    });
    let node = FakeNode::start(|_| result(r#""0x1""#)).await;
    let both = EvmSource::new(&[socket_url.as_str(), node.url.as_str()], &options(), VerifyMode::default()).unwrap();
    for _ in 0..2 {
        // Ends by a hint: the limit is far beyond what the test may last.
        tokio::time::timeout(Duration::from_secs(60), both.wait_for_hint(Duration::from_secs(3_600))).await.unwrap();
    }
    assert_eq!(both.chain_id().await, Ok(1));
    let asked = subscriptions.lock().unwrap().clone();
    assert!(asked.len() == 2 && asked.iter().all(|text| text.contains("newHeads")), "{asked:?}");
}

#[test]
fn a_list_without_an_http_url_is_refused() {
    for (urls, error) in [
        (vec![], SetupError::NoHttpUrl),
        (vec!["wss://node.example/"], SetupError::NoHttpUrl),
        (vec!["http://node.example/", "ftp://node.example/"], SetupError::EndpointUrl),
        (vec!["node.example:8545"], SetupError::EndpointUrl),
        (vec!["http://"], SetupError::EndpointUrl),
    ] {
        assert_eq!(EvmSource::new(&urls, &options(), VerifyMode::default()).unwrap_err(), error, "{urls:?}");
    }
}
