//! The simulated node and the watcher's proofs, which share no code: what the node says of its blocks is proven, and what it says while it
//! is told to lie is not believed.

use crate::harness::{holds, run, until};
use handsel_core::chain::proof::{Disproof, VerifyMode};
use handsel_core::chain::{ChainError, Header};
use handsel_core::port::{ChainSource, TestWorld};
use handsel_net::egress::NamedOptions;
use handsel_net::evm::EvmSource;
use handsel_sandbox::{NETWORK, Order, TOKENS, Transfer};
use serde_json::json;

const HOUR_SECONDS: u64 = 3_600;

fn source(url: &str, verify: VerifyMode) -> EvmSource {
    EvmSource::new(&[url], &NamedOptions::default(), verify).unwrap()
}

async fn header(source: &EvmSource, number: u64) -> Header {
    source.header_at(number).await.unwrap().unwrap()
}

#[test]
fn every_block_of_the_simulated_node_proves_itself() {
    run(async |s| {
        let transfer = |amount| Transfer { token: TOKENS[0].address, from: [2; 20], to: [3; 20], amount };
        // Many in one block, so that its trie has branches; several in one transaction; a failed one between them.
        for amount in 1..=140 {
            let transfers = (0..amount % 4 + 1).map(|more| transfer(amount + more)).collect();
            let order = Order { transfers, reverts: amount % 9 == 0, ..Order::transfer(transfer(1)) };
            s.chain().broadcast(order).unwrap();
        }
        s.mined(1).await;
        s.chain().broadcast(Order::transfer(transfer(5))).unwrap();
        s.mined(3).await;
        let url = s.world.node_url().unwrap();
        let (proving, asking) = (source(&url, VerifyMode::ReceiptsRoot), source(&url, VerifyMode::QuorumDigest));
        let by_bloom = source(&url, VerifyMode::LogsBloom);
        let heights = s.chain().heights();
        let mut found = Vec::new();
        for number in heights.head - 4..=heights.head {
            let block = header(&proving, number).await.hash;
            let proven = proving.transfers(block).await.unwrap();
            assert_eq!(asking.transfers(block).await.unwrap(), proven);
            assert_eq!(by_bloom.transfers(block).await.unwrap(), proven);
            found.push(proven.len());
        }
        let succeeded = (1..=140).filter(|amount| amount % 9 != 0).map(|amount| amount % 4 + 1).sum();
        assert_eq!(found, [0, succeeded, 1, 0, 0]);
    });
}

#[test]
fn a_node_that_hides_a_payment_is_not_believed_and_the_payment_not_missed() {
    run(async |s| {
        let checkout = s.checkout("19.99").await;
        s.watched().await;
        s.world.fault(NETWORK, "empty_logs", HOUR_SECONDS).await.unwrap();
        s.pay(&checkout, json!({})).await;
        let before = s.chain().heights().head;
        s.mine(1).await;
        until("the lie is noticed", async || holds("gave a false answer").then_some(())).await;
        let url = s.world.node_url().unwrap();
        let block = header(&source(&url, VerifyMode::ReceiptsRoot), before + 1).await.hash;
        let error = source(&url, VerifyMode::ReceiptsRoot).transfers(block).await.unwrap_err();
        assert_eq!(error, ChainError::Disproved(Disproof::LogsBloom));
        let cursor = s.store.reader.cursor(NETWORK).await.unwrap().unwrap();
        assert_eq!(cursor.tip.number, before, "the cursor stays below the block");
        assert_eq!(s.again(&checkout).await["payment_status"], "unpaid");
        s.world.fault(NETWORK, "empty_logs", 0).await.unwrap();
        s.watched().await;
        assert_eq!(s.again(&checkout).await["payment_status"], "detected");
    });
}
