//! The node's answers and errors, over TCP.

use std::time::Duration;

use handsel_core::port::{PayHow, TestWorld};
use handsel_sandbox::{NETWORK, Order, TOKENS, Transfer};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{SHOP, ask, call, hex, http, payment, world};

const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

fn word(address: &[u8; 20]) -> String {
    format!("0x{}{}", "0".repeat(24), hex(address).trim_start_matches("0x"))
}

#[tokio::test]
async fn it_introduces_itself_and_knows_its_tags() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    world.mine(NETWORK, 10).await.unwrap();
    assert_eq!(ask(&world, "eth_chainId", json!([])).await, "0x4c731");
    assert_eq!(ask(&world, "net_version", json!([])).await, "313137");
    assert!(ask(&world, "web3_clientVersion", Value::Null).await.as_str().unwrap().starts_with("handsel-sandbox/"));
    assert_eq!(ask(&world, "eth_blockNumber", json!([])).await, "0xa");
    for (tag, number) in
        [("latest", "0xa"), ("safe", "0x8"), ("finalized", "0x6"), ("earliest", "0x0"), ("pending", "0xb")]
    {
        assert_eq!(ask(&world, "eth_getBlockByNumber", json!([tag, false])).await["number"], number, "{tag}");
    }
    assert_eq!(ask(&world, "eth_getBlockByNumber", json!(["0xb", false])).await, Value::Null);
    assert_eq!(ask(&world, "eth_getBlockByHash", json!([hex(&[1; 32]), false])).await, Value::Null);
    assert_eq!(ask(&world, "eth_getBlockReceipts", json!([hex(&[1; 32])])).await, Value::Null);
}

#[tokio::test]
async fn a_payment_is_pending_and_then_mined() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    let paid = hex(&world.pay(payment(5_000_000, PayHow::Mined)).await.unwrap().transaction);
    assert_eq!(ask(&world, "eth_getTransactionByHash", json!([paid])).await["blockHash"], Value::Null);
    assert_eq!(ask(&world, "eth_getTransactionReceipt", json!([paid])).await, Value::Null);
    assert_eq!(ask(&world, "eth_getBlockByNumber", json!(["pending", false])).await["transactions"], json!([paid]));
    world.mine(NETWORK, 1).await.unwrap();
    let block = ask(&world, "eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(block["transactions"], json!([paid]));
    let receipt = ask(&world, "eth_getTransactionReceipt", json!([paid])).await;
    assert_eq!((&receipt["status"], &receipt["blockHash"]), (&json!("0x1"), &block["hash"]));
    let payer = receipt["from"].as_str().unwrap();
    assert_eq!(ask(&world, "eth_getTransactionCount", json!([payer, "latest"])).await, "0x1");
    assert_eq!(receipt["logs"][0]["topics"][2], word(&SHOP));
    let whole = ask(&world, "eth_getBlockReceipts", json!(["0x1"])).await;
    assert_eq!(whole, json!([receipt]));
}

#[tokio::test]
async fn log_filters_work_by_hash_range_address_and_topic() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    let chain = world.chain().unwrap();
    for (token, to) in [(0, [1; 20]), (1, [2; 20]), (2, [3; 20])] {
        let transfer = Transfer { token: TOKENS[token].address, from: [9; 20], to, amount: 7 };
        chain.broadcast(Order::transfer(transfer)).unwrap();
        world.mine(NETWORK, 1).await.unwrap();
    }
    let count = async |filter: Value| ask(&world, "eth_getLogs", json!([filter])).await.as_array().unwrap().len();
    let token = |index: usize| hex(&TOKENS[index].address);
    assert_eq!(count(json!({ "fromBlock": "earliest", "toBlock": "0xff" })).await, 3, "the end is clipped");
    assert_eq!(count(json!({ "fromBlock": "0x2", "toBlock": "0x1" })).await, 0);
    let beyond = call(&world, "eth_getLogs", json!([{ "fromBlock": "0x9", "toBlock": "0x12" }])).await;
    assert_eq!(beyond["error"]["code"], -32602, "no logs of blocks that don't exist would be a lie");
    assert_eq!(count(json!({})).await, 1, "latest by default");
    assert_eq!(count(json!({ "fromBlock": "0x0", "address": [token(0), token(2)] })).await, 2);
    assert_eq!(
        count(json!({ "fromBlock": "0x0", "topics": [TRANSFER, null, [word(&[1; 20]), word(&[2; 20])]] })).await,
        2
    );
    let second = ask(&world, "eth_getBlockByNumber", json!(["0x2", false])).await;
    assert_eq!(count(json!({ "blockHash": second["hash"], "address": token(1) })).await, 1);
    assert_eq!(count(json!({ "blockHash": second["hash"], "address": token(0) })).await, 0);
    let unknown = call(&world, "eth_getLogs", json!([{ "blockHash": hex(&[5; 32]) }])).await;
    assert_eq!(unknown["error"], json!({ "code": -32000, "message": "unknown block" }));
    world.reorg(NETWORK, 2, Vec::new()).await.unwrap();
    let orphan = call(&world, "eth_getLogs", json!([{ "blockHash": second["hash"] }])).await;
    assert_eq!(orphan["error"]["code"], -32000);
}

#[tokio::test]
async fn tokens_answer_for_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    world.pay(payment(5_000_000, PayHow::Mined)).await.unwrap();
    world.mine(NETWORK, 1).await.unwrap();
    let to = hex(&TOKENS[0].address);
    let ask_token = async |data: String| ask(&world, "eth_call", json!([{ "to": to, "data": data }, "latest"])).await;
    assert_eq!(ask_token("0x313ce567".into()).await, format!("0x{}6", "0".repeat(63)));
    assert!(ask_token("0x95d89b41".into()).await.as_str().unwrap().contains(&::hex::encode("USDC")));
    let balance = ask_token(format!("0x70a08231{}", word(&SHOP).trim_start_matches("0x"))).await;
    assert_eq!(balance, format!("0x{:064x}", 5_000_000));
    let stranger = ask(&world, "eth_call", json!([{ "to": hex(&[1; 20]), "data": "0x313ce567" }, "latest"])).await;
    assert_eq!(stranger, "0x");
    let reverted = call(&world, "eth_call", json!([{ "to": to, "data": "0xdeadbeef" }, "latest"])).await;
    assert_eq!(reverted["error"]["code"], 3);
}

#[tokio::test]
async fn batches_notifications_and_nonsense() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    let url = world.node_url().unwrap();
    let post = async |body: String| {
        let (status, answer) = http(&url, body.into()).await;
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice::<Value>(&answer).unwrap_or(Value::Null)
    };
    let one = |id: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_blockNumber" });
    let note = json!({ "jsonrpc": "2.0", "method": "eth_blockNumber" });
    let batch = post(json!([one(json!(1)), note, 5, one(json!("b"))]).to_string()).await;
    let ids: Vec<&Value> = batch.as_array().unwrap().iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!(1), &Value::Null, &json!("b")]);
    assert_eq!(batch[1]["error"]["code"], -32600);
    assert_eq!(post(note.to_string()).await, Value::Null);
    assert_eq!(post("{".into()).await["error"]["code"], -32700);
    assert_eq!(post("[]".into()).await["error"]["code"], -32600);
    assert_eq!(post("[".repeat(100_000)).await["error"]["code"], -32700);
    assert_eq!(call(&world, "eth_sendTransaction", json!([])).await["error"]["code"], -32601);
    assert_eq!(call(&world, "eth_getBlockByNumber", json!(["newest"])).await["error"]["code"], -32602);
    assert_eq!(call(&world, "eth_getBlockByHash", json!(["0x1", false])).await["error"]["code"], -32602);
    assert_eq!(http(&url, vec![b' '; 1024 * 1024 + 1].into()).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn faults_show_and_end_with_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    let paid = world.pay(payment(1, PayHow::Mined)).await.unwrap().transaction;
    world.mine(NETWORK, 1).await.unwrap();
    let url = world.node_url().unwrap();
    let raw =
        async || http(&url, json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" }).to_string().into()).await;
    world.fault(NETWORK, "outage", 60).await.unwrap();
    assert_eq!(raw().await.0, StatusCode::SERVICE_UNAVAILABLE);
    world.advance_clock(60).await.unwrap();
    world.fault(NETWORK, "garbage", 60).await.unwrap();
    assert!(raw().await.1.starts_with(b"<!doctype html>"));
    world.fault(NETWORK, "garbage", 0).await.unwrap();
    world.fault(NETWORK, "wrong_chain", 60).await.unwrap();
    assert_eq!(ask(&world, "eth_chainId", json!([])).await, "0x4c732");
    world.fault(NETWORK, "empty_logs", 60).await.unwrap();
    assert_eq!(ask(&world, "eth_getLogs", json!([{ "fromBlock": "0x0" }])).await, json!([]));
    assert_eq!(ask(&world, "eth_getBlockReceipts", json!(["0x1"])).await, json!([]));
    world.fault(NETWORK, "lag", 60).await.unwrap();
    let head = world.mine(NETWORK, 5).await.unwrap();
    assert_eq!(ask(&world, "eth_blockNumber", json!([])).await, "0x1");
    assert_eq!(ask(&world, "eth_getBlockByNumber", json!([format!("{head:#x}"), false])).await, Value::Null);
    world.advance_clock(61).await.unwrap();
    assert_eq!(ask(&world, "eth_blockNumber", json!([])).await, format!("{head:#x}"));
    assert_eq!(ask(&world, "eth_getLogs", json!([{ "fromBlock": "0x0" }])).await[0]["transactionHash"], hex(&paid));
    world.fault(NETWORK, "slow", 60).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), raw()).await.is_err());
}
