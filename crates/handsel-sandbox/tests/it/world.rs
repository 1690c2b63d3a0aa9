//! The commands of the port `TestWorld`, as the engine gives them.

use std::time::Duration;

use handsel_core::id::ReceiverId;
use handsel_core::port::{BoxFuture, Clock, PayHow, PayOrder, TestError, TestWorld};
use handsel_core::time::Timestamp;
use handsel_sandbox::{NETWORK, NodeCaller, RemoteChain};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{START_SECONDS, ask, hex, http, payment, world, world_with};

#[tokio::test]
async fn unknown_things_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    let elsewhere = PayOrder { network: "base".into(), ..payment(1, PayHow::Mined) };
    assert_eq!(world.pay(elsewhere).await, Err(TestError::UnknownNetwork));
    let doge = PayOrder { asset: "DOGE".into(), ..payment(1, PayHow::Mined) };
    assert_eq!(world.pay(doge).await, Err(TestError::UnknownAsset));
    assert_eq!(world.mine("base", 1).await, Err(TestError::UnknownNetwork));
    assert_eq!(
        world.fault(NETWORK, "gremlins", 1).await,
        Err(TestError::UnknownFault { known: "outage, lag, empty_logs, wrong_chain, garbage or slow" })
    );
    assert_eq!(world.receiver_requests(ReceiverId::from_bits(1)).await, Err(TestError::UnknownReceiver));
    assert!(matches!(world.mine(NETWORK, 0).await, Err(TestError::Invalid(_))));
    assert!(matches!(world.reorg(NETWORK, 1, Vec::new()).await, Err(TestError::Invalid(_))), "the first block stays");
    assert!(matches!(world.fault(NETWORK, "lag", u64::MAX).await, Err(TestError::Invalid(_))));
    assert!(matches!(world.set_clock(Timestamp::EPOCH).await, Err(TestError::Invalid(_))));
    assert!(matches!(world.add_receiver(vec![99], 0).await, Err(TestError::Invalid(_))));
}

#[tokio::test]
async fn finalize_mines_until_everything_is_final_and_no_further() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    world.pay(payment(1, PayHow::Mined)).await.unwrap();
    let held = world.pay(payment(2, PayHow::Pending)).await.unwrap().transaction;
    assert_eq!(world.finalize(NETWORK).await, Ok(5), "block 1 and four on top");
    assert_eq!(world.finalize(NETWORK).await, Ok(5));
    assert_eq!(ask(&world, "eth_getTransactionByHash", json!([hex(&held)])).await["blockNumber"], Value::Null);
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart_on_the_same_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = world(directory.path()).await;
    let paid = first.pay(payment(5, PayHow::Mined)).await.unwrap().transaction;
    first.advance_clock(1_000).await.unwrap();
    let head = ask(&first, "eth_getBlockByNumber", json!(["latest", false])).await;
    drop(first);
    let again = world(directory.path()).await;
    assert!(again.clock().now() >= Timestamp::from_seconds(START_SECONDS + 1_000));
    assert_eq!(ask(&again, "eth_getBlockByNumber", json!(["latest", false])).await, head);
    again.mine(NETWORK, 1).await.unwrap();
    let receipt = ask(&again, "eth_getTransactionReceipt", json!([hex(&paid)])).await;
    assert_eq!(receipt["blockNumber"], "0x1");
    let block = ask(&again, "eth_getBlockByNumber", json!(["latest", false])).await;
    let time = u64::from_str_radix(block["timestamp"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    assert!(time >= START_SECONDS as u64 + 1_000, "blocks follow the clock");
}

#[tokio::test]
async fn a_planned_reorg_lets_the_watcher_see_the_loss() {
    let directory = tempfile::tempdir().unwrap();
    let world = std::sync::Arc::new(world(directory.path()).await);
    let paid = world.pay(payment(5, PayHow::ReorgedOnce)).await.unwrap().transaction;
    let miner = tokio::spawn({
        let world = std::sync::Arc::clone(&world);
        async move { world.mine(NETWORK, 4).await }
    });
    // A watcher: it follows the head and reads the contents of each block by hash.
    let mut homes = Vec::new();
    while homes.len() < 2 {
        let block = ask(&world, "eth_getBlockByNumber", json!(["latest", false])).await;
        let receipt = ask(&world, "eth_getTransactionReceipt", json!([hex(&paid)])).await;
        ask(&world, "eth_getBlockReceipts", json!([block["hash"]])).await;
        if let Some(home) = receipt["blockHash"].as_str() {
            ask(&world, "eth_getBlockReceipts", json!([home])).await;
            if homes.last().map(String::as_str) != Some(home) {
                homes.push(home.to_owned());
            }
        }
    }
    assert_eq!(miner.await.unwrap(), Ok(4));
    assert_eq!(ask(&world, "eth_getBlockByHash", json!([homes[0], false])).await, Value::Null);
    assert_eq!(ask(&world, "eth_getTransactionReceipt", json!([hex(&paid)])).await["blockHash"], homes[1].as_str());
}

#[tokio::test]
async fn blocks_come_with_the_clock_and_a_leap_makes_one_not_many() {
    let directory = tempfile::tempdir().unwrap();
    let world = world_with(directory.path(), Duration::from_secs(3_600)).await;
    tokio::task::yield_now().await;
    world.advance_clock(30 * 86_400).await.unwrap();
    while ask(&world, "eth_blockNumber", json!([])).await == "0x0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&world, "eth_blockNumber", json!([])).await, "0x1");
}

#[tokio::test]
async fn receivers_answer_as_told_and_record_what_came() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    let (id, url) = world.add_receiver(vec![503, 200], 0).await.unwrap();
    let (other, _) = world.add_receiver(Vec::new(), 0).await.unwrap();
    let body = "{\"id\":\"evt_1\", \"text\":\"\u{fc}\"}";
    let statuses = [http(&url, body.into()).await.0, http(&url, body.into()).await.0, http(&url, body.into()).await.0];
    assert_eq!(statuses, [StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK, StatusCode::OK]);
    let got = world.receiver_requests(id).await.unwrap();
    assert_eq!(got.len(), 3);
    assert_eq!((got[0].method.as_str(), got[0].body.as_str()), ("POST", body));
    assert!(got[0].headers.contains(&("x-test".into(), "One".into())));
    assert!(got[0].at >= Timestamp::from_seconds(START_SECONDS));
    assert!(world.receiver_requests(other).await.unwrap().is_empty());
    let gone = url.replace(&id.to_string(), &ReceiverId::from_bits(7).to_string());
    assert_eq!(http(&gone, body.into()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(http(&url, vec![b'x'; 1024 * 1024 + 1].into()).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[derive(Debug)]
struct MiningNode;

impl NodeCaller for MiningNode {
    fn call(&self, method: &'static str, params: String) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            match method {
                "anvil_mine" => Ok("null".to_owned()),
                "eth_blockNumber" => Ok("\"0x11\"".to_owned()),
                _ => Err(format!("{method} {params}: not here")),
            }
        })
    }
}

#[tokio::test]
async fn commands_for_a_real_network_go_to_its_node() {
    let directory = tempfile::tempdir().unwrap();
    let remote = RemoteChain { network: "anvil".into(), tokens: Vec::new(), caller: std::sync::Arc::new(MiningNode) };
    let world = world(directory.path()).await.with_node(remote);
    assert_eq!(world.mine("anvil", 3).await, Ok(17));
    assert_eq!(world.mine(NETWORK, 3).await, Ok(3));
    assert!(matches!(world.finalize("anvil").await, Err(TestError::Node(_))));
    assert!(matches!(world.reorg("anvil", 1, Vec::new()).await, Err(TestError::Invalid(_))));
    assert!(matches!(world.fault("anvil", "lag", 1).await, Err(TestError::Invalid(_))));
    assert_eq!(world.fault("base", "lag", 1).await, Err(TestError::UnknownNetwork));
}
