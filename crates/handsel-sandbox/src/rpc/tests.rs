//! Whatever a client sends, the node answers JSON-RPC.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::entry::{Base, Entry};
use crate::transaction::{Order, Transfer};

const METHODS: [&str; 21] = [
    "eth_chainId",
    "net_version",
    "web3_clientVersion",
    "eth_syncing",
    "eth_accounts",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_blockNumber",
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_getLogs",
    "eth_getBlockReceipts",
    "eth_getTransactionReceipt",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getBalance",
    "eth_getCode",
    "eth_call",
    "",
    "eth_getUncleCountByBlockHash",
    "\u{0}",
];

/// A chain whose first kept block is 3: block 4 has one transfer, block 5 is empty.
fn state() -> State {
    let mut state = State::new(Base { first_number: 3, ..Base::default() });
    let transfer = Transfer { token: TOKENS[0].address, from: [1; 20], to: [2; 20], amount: 5 };
    let block = |serials: &[u64]| Entry::Mine { timestamp: 9, branch: 0, serials: serials.to_vec() };
    let broadcast = Entry::Broadcast { serial: 0, nonce: 0, order: Order::transfer(transfer) };
    for entry in [block(&[]), broadcast, block(&[0]), block(&[])] {
        state.apply(entry).unwrap();
    }
    state
}

fn ask(method: &str, params: &Value) -> Value {
    ask_of(&state(), method, params)
}

fn ask_of(state: &State, method: &str, params: &Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let (answer, _) = answer(state, Symptoms::default(), body.as_bytes());
    serde_json::from_slice(&answer.unwrap()).unwrap()
}

fn oddities() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("0x"),
        json!("0x0"),
        json!("0x+5"),
        json!("0xffffffffffffffff"),
        json!("0x10000000000000000"),
        json!("latest"),
        json!("pending"),
        json!("0x\u{fc}\u{fc}"),
        json!(hex_data(&[7; 20])),
        json!(hex_data(&[7; 32])),
        json!([]),
        json!([[[]]]),
        json!({}),
        json!({ "blockHash": null, "fromBlock": "0xffffffffffffffff", "toBlock": "0xffffffffffffffff" }),
        json!({ "fromBlock": "0x0", "toBlock": "0xffffffffffffffff", "topics": [[], null] }),
        json!({ "to": hex_data(&TOKENS[0].address), "data": "0x70a08231" }),
        json!({ "to": hex_data(&TOKENS[0].address), "data": "0x7", "input": 5 }),
    ]
}

#[test]
fn every_method_answers_every_oddity() {
    let state = state();
    for method in METHODS {
        for first in oddities() {
            for second in oddities() {
                let answer = ask_of(&state, method, &json!([first, second]));
                let fields = answer.as_object().unwrap();
                let error = answer["error"]["code"].as_i64();
                assert_eq!(fields.contains_key("result"), error.is_none(), "{method} {first} {second}: {answer}");
                assert_eq!(fields.len(), 3);
            }
        }
        assert_eq!(ask_of(&state, method, &json!({ "named": 1 }))["error"]["code"], -32602);
    }
}

#[test]
fn what_was_pruned_is_an_error_for_logs_and_null_for_blocks() {
    assert_eq!(ask("eth_getLogs", &json!([{ "fromBlock": "0x2" }]))["error"]["code"], 4444);
    assert_eq!(ask("eth_getLogs", &json!([{ "fromBlock": "earliest" }]))["result"].as_array().unwrap().len(), 1);
    assert_eq!(ask("eth_getBlockByNumber", &json!(["0x2", false]))["result"], Value::Null);
    assert_eq!(ask("eth_getBlockByNumber", &json!(["earliest", false]))["result"]["number"], "0x3");
}

#[test]
fn a_range_has_a_limit() {
    let wide = json!([{ "fromBlock": "0x3", "toBlock": "0x5" }]);
    assert_eq!(ask("eth_getLogs", &wide)["result"].as_array().unwrap().len(), 1);
    let mut state = state();
    for _ in 0..limits::RPC_LOG_RANGE_BLOCKS {
        state.apply(Entry::Mine { timestamp: 9, branch: 0, serials: Vec::new() }).unwrap();
    }
    let answer = ask_of(&state, "eth_getLogs", &json!([{ "fromBlock": "0x3" }]));
    assert_eq!(answer["error"]["code"], -32005);
}

#[test]
fn what_was_shown_is_noted() {
    let seen = |method: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        answer(&state(), Symptoms::default(), body.as_bytes()).1
    };
    let header = Seen { header: Some(5), contents: None };
    assert_eq!(seen("eth_getBlockByNumber", json!(["latest", false])), header);
    assert_eq!(seen("eth_getBlockReceipts", json!(["0x4"])), Seen { header: None, contents: Some(4) });
    assert_eq!(seen("eth_chainId", json!([])), Seen::default());
}
