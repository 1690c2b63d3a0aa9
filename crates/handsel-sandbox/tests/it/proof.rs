//! Blocks as the node shows them, verified from their JSON alone by a second hand: its own RLP, a trie that inserts pair
//! after pair instead of splitting a sorted list, its own bloom. Nothing here calls the room's encoders.

use std::collections::BTreeMap;

use handsel_core::port::{PayHow, TestWorld};
use handsel_sandbox::{NETWORK, Order, TOKENS, Transfer, World};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};

use crate::support::{SHOP, ask, hex, payment, world};

fn keccak(bytes: &[u8]) -> Vec<u8> {
    Keccak256::digest(bytes).to_vec()
}

enum Item {
    Bytes(Vec<u8>),
    List(Vec<Item>),
    Raw(Vec<u8>),
}

fn rlp(item: &Item) -> Vec<u8> {
    let prefixed = |base: u8, payload: Vec<u8>| {
        let mut out = if payload.len() < 56 {
            vec![base + payload.len() as u8]
        } else {
            let digits: Vec<u8> = payload.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            [vec![base + 55 + digits.len() as u8], digits].concat()
        };
        out.extend(payload);
        out
    };
    match item {
        Item::Bytes(bytes) if bytes.len() == 1 && bytes[0] < 0x80 => bytes.clone(),
        Item::Bytes(bytes) => prefixed(0x80, bytes.clone()),
        Item::List(items) => prefixed(0xc0, items.iter().flat_map(rlp).collect()),
        Item::Raw(encoded) => encoded.clone(),
    }
}

/// A trie node as a tree of nibbles: a value, and children by digit.
#[derive(Default)]
struct Tree {
    value: Option<Vec<u8>>,
    children: BTreeMap<u8, Tree>,
}

impl Tree {
    fn insert(&mut self, path: &[u8], value: Vec<u8>) {
        match path {
            [] => self.value = Some(value),
            [digit, rest @ ..] => self.children.entry(*digit).or_default().insert(rest, value),
        }
    }

    fn encode(&self) -> Vec<u8> {
        if self.value.is_none() && self.children.is_empty() {
            return rlp(&Item::Bytes(Vec::new()));
        }
        let mut path = Vec::new();
        let mut node = self;
        while node.value.is_none() && node.children.len() == 1 {
            let (digit, child) = node.children.iter().next().unwrap();
            path.push(*digit);
            node = child;
        }
        if node.children.is_empty() {
            let value = node.value.clone().unwrap_or_default();
            return rlp(&Item::List(vec![Item::Bytes(compact(&path, true)), Item::Bytes(value)]));
        }
        let mut slots: Vec<Item> =
            (0..16).map(|digit| node.children.get(&digit).map_or(Item::Bytes(vec![]), pointer)).collect();
        slots.push(Item::Bytes(node.value.clone().unwrap_or_default()));
        let branch = rlp(&Item::List(slots));
        if path.is_empty() {
            return branch;
        }
        rlp(&Item::List(vec![Item::Bytes(compact(&path, false)), shorten(branch)]))
    }
}

fn pointer(tree: &Tree) -> Item {
    shorten(tree.encode())
}

fn shorten(encoded: Vec<u8>) -> Item {
    if encoded.len() < 32 { Item::Raw(encoded) } else { Item::Bytes(keccak(&encoded)) }
}

fn compact(path: &[u8], leaf: bool) -> Vec<u8> {
    let odd = path.len() % 2;
    let mut digits = vec![2 * u8::from(leaf) + odd as u8];
    if odd == 0 {
        digits.push(0);
    }
    digits.extend(path);
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

fn list_root(values: Vec<Vec<u8>>) -> String {
    let mut tree = Tree::default();
    for (index, value) in values.into_iter().enumerate() {
        let key = rlp(&number(index as u64));
        let path: Vec<u8> = key.iter().flat_map(|byte| [byte / 16, byte % 16]).collect();
        tree.insert(&path, value);
    }
    hex(&keccak(&tree.encode()))
}

fn number(value: u64) -> Item {
    Item::Bytes(value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect())
}

fn data(value: &Value) -> Item {
    Item::Bytes(hex_bytes(value))
}

fn quantity(value: &Value) -> Item {
    let digits = value.as_str().unwrap().strip_prefix("0x").unwrap();
    assert!(digits == "0" || !digits.starts_with('0'), "a quantity with leading zeros: {value}");
    let even = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    Item::Bytes(::hex::decode(even).unwrap().into_iter().skip_while(|byte| *byte == 0).collect())
}

fn hex_bytes(value: &Value) -> Vec<u8> {
    ::hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

fn header_hash(block: &Value) -> String {
    let fields = [
        data(&block["parentHash"]),
        data(&block["sha3Uncles"]),
        data(&block["miner"]),
        data(&block["stateRoot"]),
        data(&block["transactionsRoot"]),
        data(&block["receiptsRoot"]),
        data(&block["logsBloom"]),
        quantity(&block["difficulty"]),
        quantity(&block["number"]),
        quantity(&block["gasLimit"]),
        quantity(&block["gasUsed"]),
        quantity(&block["timestamp"]),
        data(&block["extraData"]),
        data(&block["mixHash"]),
        data(&block["nonce"]),
        quantity(&block["baseFeePerGas"]),
        data(&block["withdrawalsRoot"]),
        quantity(&block["blobGasUsed"]),
        quantity(&block["excessBlobGas"]),
        data(&block["parentBeaconBlockRoot"]),
        data(&block["requestsHash"]),
    ];
    hex(&keccak(&rlp(&Item::List(fields.into()))))
}

fn transaction_bytes(transaction: &Value) -> Vec<u8> {
    rlp(&Item::List(vec![
        quantity(&transaction["nonce"]),
        quantity(&transaction["gasPrice"]),
        quantity(&transaction["gas"]),
        data(&transaction["to"]),
        quantity(&transaction["value"]),
        data(&transaction["input"]),
        quantity(&transaction["v"]),
        quantity(&transaction["r"]),
        quantity(&transaction["s"]),
    ]))
}

fn receipt_bytes(receipt: &Value) -> Vec<u8> {
    let logs = receipt["logs"].as_array().unwrap().iter().map(|log| {
        let topics = log["topics"].as_array().unwrap().iter().map(data).collect();
        Item::List(vec![data(&log["address"]), Item::List(topics), data(&log["data"])])
    });
    rlp(&Item::List(vec![
        quantity(&receipt["status"]),
        quantity(&receipt["cumulativeGasUsed"]),
        data(&receipt["logsBloom"]),
        Item::List(logs.collect()),
    ]))
}

fn bloom(logs: &[&Value]) -> String {
    let mut bits = vec![0_u8; 256];
    for log in logs {
        for item in std::iter::once(&log["address"]).chain(log["topics"].as_array().unwrap()) {
            let digest = keccak(&hex_bytes(item));
            for pair in 0..3 {
                let bit = (usize::from(digest[2 * pair]) * 256 + usize::from(digest[2 * pair + 1])) % 2048;
                bits[255 - bit / 8] |= 1 << (bit % 8);
            }
        }
    }
    hex(&bits)
}

async fn verify_block(world: &World, number: u64) -> usize {
    let name = format!("{number:#x}");
    let block = ask(world, "eth_getBlockByNumber", json!([name, true])).await;
    assert_eq!(block["hash"], header_hash(&block));
    if number > 0 {
        let parent = ask(world, "eth_getBlockByNumber", json!([format!("{:#x}", number - 1), false])).await;
        assert_eq!(block["parentHash"], parent["hash"]);
    }
    let transactions = block["transactions"].as_array().unwrap();
    for transaction in transactions {
        assert_eq!(transaction["hash"], hex(&keccak(&transaction_bytes(transaction))));
        assert_eq!(transaction["blockHash"], block["hash"]);
    }
    assert_eq!(block["transactionsRoot"], list_root(transactions.iter().map(transaction_bytes).collect()));
    let receipts = ask(world, "eth_getBlockReceipts", json!([block["hash"]])).await;
    let receipts = receipts.as_array().unwrap();
    assert_eq!(receipts.len(), transactions.len());
    assert_eq!(block["receiptsRoot"], list_root(receipts.iter().map(receipt_bytes).collect()));
    let logs: Vec<&Value> = receipts.iter().flat_map(|receipt| receipt["logs"].as_array().unwrap()).collect();
    assert_eq!(block["logsBloom"], bloom(&logs));
    for (index, log) in logs.iter().enumerate() {
        assert_eq!(log["logIndex"], format!("{index:#x}"));
        assert_eq!((&log["blockHash"], &log["removed"]), (&block["hash"], &json!(false)));
    }
    let by_hash = ask(world, "eth_getLogs", json!([{ "blockHash": block["hash"] }])).await;
    assert_eq!(by_hash.as_array().unwrap().iter().collect::<Vec<_>>(), logs);
    transactions.len()
}

#[tokio::test]
async fn hashes_roots_and_blooms_hold_for_empty_mixed_and_crowded_blocks() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path()).await;
    world.mine(NETWORK, 1).await.unwrap();
    let transfer = |amount| Transfer { token: TOKENS[1].address, from: [9; 20], to: SHOP, amount };
    let chain = world.chain().unwrap();
    chain
        .broadcast(Order {
            transfers: vec![transfer(1), transfer(0), transfer(u128::MAX)],
            ..Order::transfer(transfer(1))
        })
        .unwrap();
    chain.broadcast(Order { reverts: true, ..Order::transfer(transfer(2)) }).unwrap();
    chain.broadcast(Order { sender: [8; 20], ..Order::transfer(transfer(3)) }).unwrap();
    world.mine(NETWORK, 1).await.unwrap();
    for amount in 1..=150 {
        world.pay(payment(amount, PayHow::Mined)).await.unwrap();
    }
    world.mine(NETWORK, 1).await.unwrap();
    world.reorg(NETWORK, 1, Vec::new()).await.unwrap();
    let mut counts = Vec::new();
    for number in 0..=3 {
        counts.push(verify_block(&world, number).await);
    }
    assert_eq!(counts, [0, 0, 3, 150]);
}
