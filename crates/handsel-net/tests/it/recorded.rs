//! Answers that a real node (anvil 1.7.1) gave, replayed through the same door: one block with a transfer, an approval, a zero-value
//! transfer, a native transfer and a failed transfer of a token with USDT's habits.

use handsel_core::chain::proof::VerifyMode;
use handsel_core::chain::{Address, BlockHash, ChainError, HeadTag};
use handsel_core::port::ChainSource;

use crate::node::{FakeNode, verifying};

const BLOCK: &str = "0x5269593c8c2f1353acff190cc05b9e536837d58b135b1e7e29549a1f8bb6b003";
const PARENT: &str = "0x608cf3f0463bd573a0c764df0aadf39358cd49eef6a997a77d212b74a4ff636a";
const TOKEN: &str = "0x5fbdb2315678afecb367f032d93f642f64180aa3";

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../recorded/anvil_", $name, ".json"))
    };
}

/// `logs`: what `eth_getLogs` answers.
async fn anvil(logs: &'static str) -> FakeNode {
    FakeNode::start(move |asked| {
        let known = asked.contains(BLOCK) || asked.contains("\"latest\"") || asked.contains("\"finalized\"");
        let answer = match (asked.split('"').nth(9).unwrap(), known) {
            ("eth_chainId", _) => recorded!("chain_id"),
            ("eth_call", _) => recorded!("decimals"),
            ("eth_getBlockByHash" | "eth_getBlockByNumber", true) => recorded!("block"),
            ("eth_getBlockByHash" | "eth_getBlockByNumber", false) => recorded!("unknown_block"),
            ("eth_getLogs", true) => logs,
            ("eth_getLogs", false) => recorded!("unknown_logs"),
            ("eth_getBlockReceipts", true) => recorded!("receipts"),
            ("eth_getBlockReceipts", false) => recorded!("unknown_receipts"),
            (method, _) => panic!("{method}"),
        };
        (200, answer.replacen(r#""id":1"#, r#""id":ID"#, 1))
    })
    .await
}

#[tokio::test]
async fn a_real_block_is_read_alike_from_logs_and_from_receipts() {
    let block = BlockHash::parse(BLOCK).unwrap();
    const NO_LOGS: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#;
    let mut read = Vec::new();
    for (logs, verify) in [
        (recorded!("logs"), VerifyMode::QuorumDigest),
        (recorded!("all_logs"), VerifyMode::QuorumDigest),
        (NO_LOGS, VerifyMode::QuorumDigest),
        (NO_LOGS, VerifyMode::ReceiptsRoot),
        (recorded!("all_logs"), VerifyMode::LogsBloom),
    ] {
        read.push(verifying(&[&anvil(logs).await], verify).transfers(block).await.unwrap());
    }
    assert!(read.iter().all(|other| *other == read[0]));
    let transfers = &read[0];
    assert_eq!(transfers.len(), 2);
    let paid = transfers[0];
    assert_eq!((paid.atomic(), paid.tx_position, paid.block), (Some(1_500_000), 0, block));
    assert_eq!(paid.token, Address::parse(TOKEN).unwrap());
    assert_eq!(paid.from, Address::parse("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266").unwrap());
    assert_eq!(paid.to, Address::parse("0x70997970c51812dc3a010c7d01b50e0d17dc79c8").unwrap());
    assert_eq!(transfers[1].atomic(), Some(0));
    assert_ne!(transfers[0].tx, transfers[1].tx);
}

#[tokio::test]
async fn heads_identity_and_the_unknown_are_read() {
    let node = anvil(recorded!("logs")).await;
    let anvil = verifying(&[&node], VerifyMode::ReceiptsRoot);
    let head = anvil.head(HeadTag::Latest).await.unwrap().unwrap();
    assert_eq!(
        (head.number, head.hash, head.parent),
        (2, BlockHash::parse(BLOCK).unwrap(), BlockHash::parse(PARENT).unwrap())
    );
    assert_eq!(anvil.header(head.hash).await, Ok(Some(head)));
    assert_eq!(anvil.chain_id().await, Ok(31_337));
    assert_eq!(anvil.token_decimals(Address::parse(TOKEN).unwrap()).await, Ok(Some(6)));
    let unknown = BlockHash([0xab; 32]);
    assert_eq!(anvil.header(unknown).await, Ok(None));
    assert_eq!(anvil.transfers(unknown).await, Err(ChainError::UnknownBlock));
}
