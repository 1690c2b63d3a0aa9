#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::all_logs::BlockLogs;
use super::super::sealed::SealedHeader;
use super::*;
use crate::rpc::{RpcError, read_answer};
use serde_json::Value;

/// Blocks as a real node (anvil 1.7.1) gave them: one with transactions of all types there are (legacy, access list, dynamic fee, also a
/// failed one, set code, blob), six transfers in them; and the one of the other tests, with other logs beside its transfers.
const TYPES: [&str; 3] = [
    include_str!("../../tests/recorded/anvil_types_block.json"),
    include_str!("../../tests/recorded/anvil_types_receipts.json"),
    include_str!("../../tests/recorded/anvil_types_all_logs.json"),
];
const PLAIN: [&str; 3] = [
    include_str!("../../tests/recorded/anvil_block.json"),
    include_str!("../../tests/recorded/anvil_receipts.json"),
    include_str!("../../tests/recorded/anvil_all_logs.json"),
];

fn read<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, RpcError> {
    read_answer::<T>(answer.as_bytes(), 1).map(Option::unwrap)
}

fn header(block: &str) -> ProvenHeader {
    read::<SealedHeader>(block).unwrap().prove().unwrap()
}

fn prove(receipts: &Value, header: &ProvenHeader) -> Result<Vec<LoggedTransfer>, Disproof> {
    serde_json::from_str::<BlockReceipts>(&receipts.to_string()).unwrap().prove(header)
}

fn result(answer: &str) -> Value {
    serde_json::from_str::<Value>(answer).unwrap()["result"].take()
}

#[test]
fn real_blocks_of_every_type_are_proven() {
    let kinds: Vec<String> =
        result(TYPES[1]).as_array().unwrap().iter().map(|r| r["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["0x0", "0x1", "0x2", "0x2", "0x4", "0x3"]);
    for ([block, receipts, logs], amounts) in
        [(TYPES, vec![1_500_000, 2_500_000, 7, 7, 7, 3_500_000, 4_500_000]), (PLAIN, vec![1_500_000, 0])]
    {
        let header = header(block);
        let proven = read::<BlockReceipts>(receipts).unwrap().prove(&header).unwrap();
        let values: Vec<u64> = proven.iter().map(|t| u64::from_be_bytes(t.value[24..].try_into().unwrap())).collect();
        assert_eq!(values, amounts);
        assert!(proven.iter().all(|t| t.block == header.header().hash && t.number == header.header().number));
        assert_eq!(read::<BlockLogs>(logs).unwrap().compare(&header).unwrap(), proven, "both ways say the same");
    }
}

#[test]
fn each_field_of_a_header_is_under_its_hash() {
    let honest = result(TYPES[0]);
    let beside = ["totalDifficulty", "size", "uncles", "withdrawals", "transactions"];
    for (name, value) in honest.as_object().unwrap() {
        if beside.contains(&name.as_str()) {
            continue;
        }
        let mut lie = honest.clone();
        let text = value.as_str().unwrap();
        let flipped = if text.ends_with('1') { "2" } else { "1" };
        lie[name] = match text {
            "0x" => "0x01".into(),
            _ => format!("{}{flipped}", &text[..text.len() - 1]).into(),
        };
        let read: SealedHeader = serde_json::from_str(&lie.to_string()).unwrap();
        assert_eq!(read.prove(), Err(Disproof::HeaderHash), "{name}");
    }
    for missing in ["requestsHash", "parentBeaconBlockRoot", "baseFeePerGas"] {
        let mut lie = honest.clone();
        lie.as_object_mut().unwrap().remove(missing);
        let read: SealedHeader = serde_json::from_str(&lie.to_string()).unwrap();
        assert_eq!(read.prove(), Err(Disproof::HeaderHash), "{missing}");
    }
}

#[test]
fn what_later_forks_append_is_under_the_hash_too() {
    let mut later = result(TYPES[0]);
    later["slotNumber"] = "0x5".into();
    let read: SealedHeader = serde_json::from_str(&later.to_string()).unwrap();
    assert_eq!(read.prove(), Err(Disproof::HeaderHash));
    later["slotNumber"] = Value::Null;
    later["somethingElse"] = "0x5".into();
    let read: SealedHeader = serde_json::from_str(&later.to_string()).unwrap();
    assert!(read.prove().is_ok(), "fields beside the header change nothing");
}

/// Everything that a lying node could do to one leaf of the JSON: for every text in every receipt, another digit.
#[test]
fn no_text_of_the_receipts_can_be_altered_unseen() {
    // What neither the trie covers nor we read.
    const UNREAD: [&str; 9] = [
        "gasUsed",
        "effectiveGasPrice",
        "blobGasPrice",
        "blobGasUsed",
        "from",
        "to",
        "contractAddress",
        "blockTimestamp",
        "authorizationList",
    ];
    fn leaves(value: &Value, path: String, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                let read = fields.iter().filter(|(name, _)| !UNREAD.contains(&name.as_str()));
                read.for_each(|(name, value)| leaves(value, format!("{path}/{name}"), found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| leaves(item, format!("{path}/{at}"), found));
            }
            Value::String(_) => found.push(path),
            _ => {}
        }
    }
    let (header, honest) = (header(TYPES[0]), result(TYPES[1]));
    let mut paths = Vec::new();
    leaves(&honest, String::new(), &mut paths);
    assert!(paths.len() > 100, "{}", paths.len());
    for path in paths {
        let mut lie = honest.clone();
        let leaf = lie.pointer_mut(&path).unwrap();
        let text = leaf.as_str().unwrap().to_owned();
        let flipped = if text.ends_with('1') { "0" } else { "1" };
        *leaf = format!("{}{flipped}", &text[..text.len() - 1]).into();
        assert!(prove(&lie, &header).is_err(), "{path}");
    }
}

#[test]
fn receipts_and_logs_can_not_be_dropped_invented_or_moved() {
    let (header, honest) = (header(TYPES[0]), result(TYPES[1]));
    assert!(prove(&honest, &header).is_ok());
    let count = honest.as_array().unwrap().len();
    for at in 0..count {
        let mut dropped = honest.clone();
        dropped.as_array_mut().unwrap().remove(at);
        assert!(prove(&dropped, &header).is_err(), "without receipt {at}");
        let mut doubled = honest.clone();
        doubled.as_array_mut().unwrap().insert(at, honest[at].clone());
        assert!(prove(&doubled, &header).is_err(), "receipt {at} twice");
        let mut moved = honest.clone();
        moved.as_array_mut().unwrap().swap(at, (at + 1) % count);
        assert!(prove(&moved, &header).is_err(), "receipt {at} elsewhere");
        for log in 0..honest[at]["logs"].as_array().unwrap().len() {
            let mut dropped = honest.clone();
            dropped[at]["logs"].as_array_mut().unwrap().remove(log);
            assert!(prove(&dropped, &header).is_err(), "without log {log} of {at}");
            let mut doubled = honest.clone();
            doubled[at]["logs"].as_array_mut().unwrap().push(honest[at]["logs"][log].clone());
            assert!(prove(&doubled, &header).is_err(), "log {log} of {at} twice");
        }
    }
    assert_eq!(prove(&Value::Array(Vec::new()), &header).unwrap_err(), Disproof::LogsBloom, "an empty answer");
}

/// With all places and the bloom put right again, only the root tells.
#[test]
fn a_consistent_lie_is_caught_by_the_root_alone() {
    let (header, honest) = (header(TYPES[0]), result(TYPES[1]));
    let mut richer = honest.clone();
    richer[0]["logs"][0]["data"] = format!("0x{:064x}", 9_000_000).into();
    assert_eq!(prove(&richer, &header).unwrap_err(), Disproof::ReceiptsRoot);
    let mut failed = honest.clone();
    failed[3]["status"] = "0x1".into();
    assert_eq!(prove(&failed, &header).unwrap_err(), Disproof::ReceiptsRoot);
    let mut elsewhere = honest.clone();
    elsewhere[0]["logs"][0]["logIndex"] = "0x5".into();
    assert_eq!(prove(&elsewhere, &header).unwrap_err(), Disproof::Place);
    let mut renamed = honest.clone();
    renamed[0]["transactionHash"] = honest[1]["transactionHash"].clone();
    renamed[0]["logs"][0]["transactionHash"] = honest[1]["transactionHash"].clone();
    assert_eq!(prove(&renamed, &header).unwrap_err(), Disproof::Transactions);
    assert_eq!(read::<BlockReceipts>(PLAIN[1]).unwrap().prove(&header).unwrap_err(), Disproof::AnotherBlock);
}

#[test]
fn logs_alone_are_held_to_the_bloom_and_their_order() {
    let (header, honest) = (header(TYPES[0]), result(TYPES[2]));
    let compare = |logs: &Value| serde_json::from_str::<BlockLogs>(&logs.to_string()).unwrap().compare(&header);
    assert!(compare(&honest).is_ok());
    assert_eq!(compare(&Value::Array(Vec::new())).unwrap_err(), Disproof::LogsBloom);
    let mut dropped = honest.clone();
    dropped.as_array_mut().unwrap().remove(0);
    assert!(compare(&dropped).is_err());
    let mut stranger = honest.clone();
    stranger[0]["topics"][2] = format!("0x{:064x}", 7).into();
    assert_eq!(compare(&stranger).unwrap_err(), Disproof::LogsBloom);
    let mut moved = honest.clone();
    moved.as_array_mut().unwrap().swap(0, 1);
    assert_eq!(compare(&moved).unwrap_err(), Disproof::Place);
}

/// Whatever stands in place of a value: an error, never a panic, and never a proof.
#[test]
fn hostile_values_are_errors() {
    let (header, honest) = (header(TYPES[0]), result(TYPES[1]));
    let long = format!("0x{}", "f".repeat(4_096));
    let strange = [
        Value::Null,
        Value::Bool(true),
        5.into(),
        (-1).into(),
        "".into(),
        "0x".into(),
        "0xg".into(),
        long.as_str().into(),
        Value::Array(vec![Value::Array(Vec::new()); 3]),
        serde_json::json!({"a": {}}),
    ];
    let fields = [
        "/0",
        "/0/type",
        "/0/status",
        "/0/cumulativeGasUsed",
        "/0/logsBloom",
        "/0/logs",
        "/0/transactionHash",
        "/0/transactionIndex",
        "/0/blockHash",
        "/0/blockNumber",
        "/0/logs/0",
        "/0/logs/0/address",
        "/0/logs/0/topics",
        "/0/logs/0/topics/1",
        "/0/logs/0/data",
        "/0/logs/0/blockHash",
        "/0/logs/0/blockNumber",
        "/0/logs/0/transactionHash",
        "/0/logs/0/transactionIndex",
        "/0/logs/0/logIndex",
    ];
    for path in fields {
        for value in &strange {
            let mut lie = honest.clone();
            *lie.pointer_mut(path).unwrap() = value.clone();
            let read = serde_json::from_str::<BlockReceipts>(&lie.to_string());
            // A type that is null is that of a legacy transaction, as in receipts older than the field.
            let harmless = path == "/0/type" && value.is_null();
            assert_eq!(read.is_ok_and(|read| read.prove(&header).is_ok()), harmless, "{path} {value}");
        }
    }
    let answer = TYPES[1].as_bytes();
    for at in (0..answer.len()).step_by(61) {
        assert!(read_answer::<BlockReceipts>(&answer[..at], 1).is_err(), "{at}");
        for byte in [0_u8, b'"', b'0', b'[', b'}', b'\\', 0xff] {
            let mut damaged = answer.to_vec();
            damaged[at] = byte;
            // Whatever is proven in spite of it is the truth.
            if let Ok(Some(read)) = read_answer::<BlockReceipts>(&damaged, 1)
                && let Ok(proven) = read.prove(&header)
            {
                assert_eq!(proven.len(), 7, "{at} {byte}");
            }
        }
    }
}

#[test]
fn a_receipt_of_the_time_before_byzantium_holds_a_state_root() {
    let old = serde_json::json!([{
        "blockHash": format!("0x{}", "11".repeat(32)), "blockNumber": "0x1", "transactionHash": format!("0x{}", "22".repeat(32)),
        "transactionIndex": "0x0", "root": format!("0x{}", "33".repeat(32)), "cumulativeGasUsed": "0x5208", "status": null,
        "logsBloom": format!("0x{}", "00".repeat(256)), "logs": [],
    }]);
    let read: BlockReceipts = serde_json::from_str(&old.to_string()).unwrap();
    let mut expected = ReceiptList::default();
    let head =
        ReceiptHead { kind: 0, outcome: Outcome::StateRoot([0x33; 32]), cumulative_gas: 21_000, bloom: &[0; 256] };
    assert!(expected.close(&head));
    assert_eq!(read.list.root(), expected.root());
    let neither = old.to_string().replace("\"root\"", "\"boot\"");
    assert!(serde_json::from_str::<BlockReceipts>(&neither).is_err());
}
