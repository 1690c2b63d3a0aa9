#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::{Value, json};

const TOKEN: &str = "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c";

fn id(number: u64, tail: u8) -> String {
    format!("0x{number:016x}{}", format!("{tail:02x}").repeat(24))
}

fn tx(n: u8) -> String {
    format!("0x{}", format!("{n:02x}").repeat(32))
}

fn block_json(transactions: &[u8]) -> Value {
    let zeros = |bytes: usize| format!("0x{}", "00".repeat(bytes));
    json!({"number": "0x10", "hash": id(16, 7), "parentHash": id(15, 6), "nonce": zeros(8), "sha3Uncles": zeros(32),
        "logsBloom": zeros(256), "transactionsRoot": tx(9), "stateRoot": "0x", "receiptsRoot": zeros(32),
        "miner": "0xa234e405a2c6fd67cdd4d0ea2f6188f65534c8b1", "difficulty": "0x0", "totalDifficulty": "0x0",
        "extraData": "0x", "size": "0x73d", "gasLimit": "0x0", "gasUsed": "0x0", "timestamp": "0x69f18a5c",
        "transactions": transactions.iter().map(|n| tx(*n)).collect::<Vec<_>>(), "uncles": [], "baseFeePerGas": "0x0",
        "mixHash": zeros(32)})
}

fn block(transactions: &[u8]) -> TronBlock {
    serde_json::from_value(block_json(transactions)).unwrap()
}

fn log(of: u8, index: u64, amount: u8) -> Value {
    json!({"address": TOKEN, "data": format!("0x{amount:064x}"), "blockHash": id(16, 7), "blockNumber": "0x10",
        "topics": [BlockHash(TRANSFER).to_string(), format!("0x{:064x}", 1), format!("0x{:064x}", 2)],
        "transactionHash": tx(of), "transactionIndex": "0x0", "logIndex": format!("0x{index:x}"), "removed": false})
}

fn receipt(of: u8, index: u64, status: &str, logs: &[Value]) -> Value {
    json!({"blockHash": id(16, 7), "blockNumber": "0x10", "transactionHash": tx(of), "status": status,
        "transactionIndex": format!("0x{index:x}"), "logs": logs, "logsBloom": format!("0x{}", "00".repeat(256)),
        "from": "0xdd791d6b49e190062d650e6a23c575510d35f2f9", "contractAddress": null, "type": "0x0", "gasUsed": "0x0"})
}

fn amounts(found: &[LoggedTransfer]) -> Vec<(u64, u8)> {
    found.iter().map(|log| (log.log_index, log.value[31])).collect()
}

fn read(receipts: Value, block: &TronBlock) -> Result<Vec<LoggedTransfer>, Disproof> {
    serde_json::from_value::<TronReceipts>(receipts).unwrap().transfers(block)
}

#[test]
fn zero_roots_and_an_empty_state_root_are_nothing_special() {
    let header = block(&[1]).header().unwrap();
    assert_eq!((header.number, header.time_seconds), (16, 0x69f1_8a5c));
    assert_eq!((header.hash.to_string(), header.parent.to_string()), (id(16, 7), id(15, 6)));
}

#[test]
fn a_blocks_id_begins_with_its_height_and_its_parents_with_the_one_below() {
    for (member, wrong) in [("number", json!("0x11")), ("hash", json!(id(17, 7))), ("parentHash", json!(id(14, 6)))] {
        let mut other = block_json(&[]);
        other[member] = wrong;
        let other: TronBlock = serde_json::from_value(other).unwrap();
        assert_eq!(other.header(), Err(Disproof::BlockId), "{member}");
    }
    let mut genesis = block_json(&[]);
    (genesis["number"], genesis["hash"], genesis["parentHash"]) = (json!("0x0"), json!(id(0, 5)), json!(tx(0)));
    assert!(serde_json::from_value::<TronBlock>(genesis).unwrap().header().is_ok(), "nothing is below the first block");
}

#[test]
fn logs_count_only_under_a_status_of_one_and_are_counted_over_all() {
    let receipts = json!([
        receipt(1, 0, "0x0", &[log(1, 0, 10)]),
        receipt(2, 1, "0x1", &[log(2, 0, 20), log(2, 1, 21)]),
        receipt(3, 2, "0x1", &[]),
        receipt(4, 3, "0x1", &[log(4, 0, 40)]),
    ]);
    // Each transaction's logs begin at 0, as older nodes write them: the places are counted here.
    assert_eq!(amounts(&read(receipts, &block(&[1, 2, 3, 4])).unwrap()), [(1, 20), (2, 21), (3, 40)]);
}

#[test]
fn receipts_that_are_not_the_blocks_are_disproved() {
    let good = json!([receipt(1, 0, "0x1", &[log(1, 0, 10)]), receipt(2, 1, "0x1", &[log(2, 1, 20)])]);
    let block = block(&[1, 2]);
    assert_eq!(amounts(&read(good.clone(), &block).unwrap()), [(0, 10), (1, 20)]);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut receipts = good.clone();
        change(&mut receipts);
        read(receipts, &block).unwrap_err()
    };
    let fewer = changed(&|all| drop(all.as_array_mut().unwrap().pop()));
    let swapped = changed(&|all| all.as_array_mut().unwrap().swap(0, 1));
    let foreign = changed(&|all| all[0]["transactionHash"] = json!(tx(9)));
    assert_eq!([fewer, swapped, foreign], [Disproof::Transactions; 3]);
    let elsewhere = changed(&|all| all[1]["blockHash"] = json!(id(16, 8)));
    let other_height = changed(&|all| all[1]["blockNumber"] = json!("0x11"));
    let log_elsewhere = changed(&|all| all[1]["logs"][0]["blockHash"] = json!(id(16, 8)));
    let removed = changed(&|all| all[1]["logs"][0]["removed"] = json!(true));
    assert_eq!([elsewhere, other_height, log_elsewhere, removed], [Disproof::AnotherBlock; 4]);
    assert_eq!(changed(&|all| all[1]["logs"][0]["transactionHash"] = json!(tx(1))), Disproof::Place);
}

#[test]
fn logs_of_another_block_or_of_no_transaction_of_it_are_disproved() {
    let read = |log: Value, block: &TronBlock| {
        serde_json::from_value::<TronLogs>(json!([log])).unwrap().transfers(block).map(|found| amounts(&found))
    };
    assert_eq!(read(log(1, 3, 10), &block(&[1])), Ok(vec![(3, 10)]));
    assert_eq!(read(log(1, 3, 10), &block(&[2])), Err(Disproof::Transactions));
    let mut elsewhere = log(1, 3, 10);
    elsewhere["blockHash"] = json!(id(16, 8));
    assert_eq!(read(elsewhere, &block(&[1])), Err(Disproof::AnotherBlock));
}

#[test]
fn addresses_are_20_bytes_or_21_with_trons_prefix() {
    let bare = TOKEN.trim_start_matches("0x");
    let expected = Address::parse(TOKEN);
    for text in [TOKEN.to_owned(), format!("0x41{bare}"), format!("41{bare}"), TOKEN.to_uppercase().replace("0X", "0x")]
    {
        assert_eq!(log_address(&text), expected, "{text}");
    }
    for text in ["", "0x", bare, &format!("0x42{bare}"), &format!("0x4141{bare}"), "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"]
    {
        assert_eq!(log_address(text), None, "{text}");
    }
    let mut word = [0; 32];
    word[31] = 5;
    assert_eq!(address_in(&word).map(|address| address.0[19]), Some(5));
    word[11] = PREFIX;
    assert_eq!(address_in(&word).map(|address| address.0[19]), Some(5));
    word[11] = 1;
    assert_eq!(address_in(&word), None);
    (word[11], word[0]) = (0, 1);
    assert_eq!(address_in(&word), None);
}

#[test]
fn what_is_no_transfer_is_passed_over_but_counted() {
    let (mut approval, mut nft, mut long) = (log(1, 0, 1), log(1, 1, 2), log(1, 2, 3));
    approval["topics"][0] = json!(tx(8));
    nft["topics"] = json!([nft["topics"][0], nft["topics"][1], nft["topics"][2], tx(3)]);
    long["data"] = json!(format!("0x{:0128x}", 3));
    let receipts = json!([receipt(1, 0, "0x1", &[approval, nft, long, log(1, 3, 4)])]);
    assert_eq!(amounts(&read(receipts, &block(&[1])).unwrap()), [(3, 4)]);
}

#[test]
fn half_answers_are_no_answers() {
    let whole = receipt(1, 0, "0x1", &[log(1, 0, 1)]);
    for member in ["status", "transactionHash", "transactionIndex", "blockHash", "blockNumber", "logs"] {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(member);
        assert!(serde_json::from_value::<TronReceipts>(json!([part])).is_err(), "{member}");
    }
    for wrong in [json!(null), json!([null]), json!({}), json!(["x"])] {
        assert!(serde_json::from_value::<TronReceipts>(wrong).is_err());
    }
    for member in ["number", "hash", "parentHash", "timestamp", "transactions"] {
        let mut part = block_json(&[1]);
        part.as_object_mut().unwrap().remove(member);
        assert!(serde_json::from_value::<TronBlock>(part).is_err(), "{member}");
    }
}
