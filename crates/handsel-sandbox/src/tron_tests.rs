//! The answers that TRON's documentation describes, and what it says of what is not there.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::entry::{Base, Entry};
use crate::hash::keccak;
use crate::transaction::{Order, Transfer};

/// Blocks 0 to 24; block 3 holds a transfer and a transaction that failed.
fn state() -> State {
    let mut state = State::new(Base::default()).like(Likeness::Tron);
    let usdt = Likeness::Tron.token("USDT").unwrap().address;
    let order = |amount| Order::transfer(Transfer { token: usdt, from: [1; 20], to: [2; 20], amount });
    let failed = Order { reverts: true, ..order(6) };
    for (serial, order) in [(0, order(5)), (1, failed)] {
        state.apply(Entry::Broadcast { serial, nonce: serial, order }).unwrap();
    }
    for number in 0..25 {
        let serials = if number == 3 { vec![0, 1] } else { Vec::new() };
        state.apply(Entry::Mine { timestamp: 1_700_000_000 + 3 * number, branch: 0, serials }).unwrap();
    }
    state
}

fn ask_of(state: &State, symptoms: Symptoms, method: &str, params: &Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let (answer, _) = answer(state, symptoms, body.as_bytes());
    serde_json::from_slice(&answer.unwrap()).unwrap()
}

fn ask(method: &str, params: &Value) -> Value {
    ask_of(&state(), Symptoms::default(), method, params)
}

fn refused(method: &str, params: &Value) -> (i64, String) {
    let answer = ask(method, params);
    let error = &answer["error"];
    (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
}

#[test]
fn ids_begin_with_the_height_and_what_tron_has_not_is_zero() {
    let block = &ask("eth_getBlockByNumber", &json!(["0x3", false]))["result"];
    let text = |member: &str| block[member].as_str().unwrap().to_owned();
    assert!(text("hash").starts_with("0x0000000000000003") && text("parentHash").starts_with("0x0000000000000002"));
    assert_eq!((text("stateRoot").as_str(), block["transactions"].as_array().unwrap().len()), ("0x", 2));
    for member in ["logsBloom", "receiptsRoot", "sha3Uncles", "mixHash", "nonce"] {
        assert!(text(member).trim_start_matches("0x").bytes().all(|b| b == b'0'), "{member}");
    }
    let again = ask("eth_getBlockByHash", &json!([text("hash").trim_start_matches("0x"), false]));
    assert_eq!(&again["result"], block, "a hash with or without 0x");
}

#[test]
fn there_are_three_tags() {
    let number = |tag: &str| ask("eth_getBlockByNumber", &json!([tag, false]))["result"]["number"].clone();
    assert_eq!(
        [number("latest"), number("finalized"), number("earliest")],
        [json!("0x18"), json!("0x6"), json!("0x0")]
    );
    assert_eq!(refused("eth_getBlockByNumber", &json!(["safe", false])), (-32602, "TAG safe not supported".into()));
    assert_eq!(refused("eth_getBlockByNumber", &json!(["pending", false])).0, -32602);
    assert_eq!(ask("eth_getBlockByNumber", &json!(["0x19", false]))["result"], json!(null));
}

#[test]
fn receipts_are_those_of_every_transaction_or_null() {
    let all = ask("eth_getBlockReceipts", &json!(["0x3"]))["result"].clone();
    let statuses: Vec<_> = all.as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["0x1", "0x0"]);
    assert_eq!((all[0]["logs"].as_array().unwrap().len(), all[1]["logs"].as_array().unwrap().len()), (1, 0));
    assert_eq!(ask("eth_getBlockReceipts", &json!([all[0]["blockHash"]]))["result"], all);
    assert_eq!(ask("eth_getTransactionReceipt", &json!([all[1]["transactionHash"]]))["result"], all[1]);
    for nothing in ["0x0", "0x19", &hex_data(&[9; 32])] {
        assert_eq!(ask("eth_getBlockReceipts", &json!([nothing]))["result"], json!(null), "{nothing}");
    }
    assert_eq!(ask("eth_getBlockReceipts", &json!(["0x4"]))["result"], json!([]));
}

#[test]
fn logs_are_asked_by_hash_or_range() {
    let block = ask("eth_getBlockByNumber", &json!(["0x3", false]))["result"]["hash"].clone();
    let logs = ask("eth_getLogs", &json!([{"blockHash": block}]))["result"].clone();
    assert_eq!((logs.as_array().unwrap().len(), &logs[0]["blockHash"]), (1, &block));
    assert_eq!(ask("eth_getLogs", &json!([{"fromBlock": "0x0", "toBlock": "latest"}]))["result"], logs);
    assert_eq!(ask("eth_getLogs", &json!([{"fromBlock": "0x20", "toBlock": "0x30"}]))["result"], json!([]));
    assert_eq!(refused("eth_getLogs", &json!([{"blockHash": hex_data(&[9; 32])}])).0, -32602);
    assert_eq!(refused("eth_getLogs", &json!([{"fromBlock": "0x3", "toBlock": "0x2"}])).0, -32602);
    assert_eq!(refused("eth_getLogs", &json!([{"fromBlock": "safe"}])).0, -32602);
}

#[test]
fn a_node_that_lost_the_records_leaves_logs_out_without_a_word() {
    let lost = Symptoms { empty_logs: true, ..Symptoms::default() };
    let of = |method, params| ask_of(&state(), lost, method, &params)["result"].clone();
    let block = of("eth_getBlockByNumber", json!(["0x3", false]));
    assert_eq!(of("eth_getLogs", json!([{"blockHash": block["hash"]}])), json!([]));
    assert_eq!(of("eth_getBlockReceipts", json!([block["hash"]])), json!(null));
    assert_eq!(of("eth_getTransactionReceipt", json!([block["transactions"][0]])), json!(null));
}

#[test]
fn calls_go_to_the_latest_block_alone() {
    let token = hex_data(&Likeness::Tron.token("USDT").unwrap().address);
    let data = hex_data(&keccak(&[b"decimals()"])[..4]);
    let call = json!({"to": token, "data": data});
    assert_eq!(ask("eth_call", &json!([call, "latest"]))["result"], hex_data(&number_word(6)));
    assert_eq!(refused("eth_call", &json!([call, "0x3"])).0, -32602);
    assert_eq!(refused("eth_call", &json!([{"to": hex_data(&[9; 20]), "data": data}, "latest"])).0, -32600);
    assert_eq!(
        refused("eth_call", &json!([{"to": token, "data": "0x12345678"}, "latest"])).1,
        "REVERT opcode executed"
    );
}

#[test]
fn whatever_is_asked_there_is_an_answer() {
    let oddities = [json!(null), json!(true), json!(-1), json!("0x"), json!({}), json!([[]]), json!("latest")];
    let methods = [
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getBlockReceipts",
        "eth_getTransactionReceipt",
        "eth_getLogs",
        "eth_call",
        "eth_newFilter",
        "",
    ];
    for method in methods {
        for odd in &oddities {
            let answer = ask(method, &json!([odd, odd]));
            assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{method} {odd}");
        }
    }
    for body in ["", "x", "5", "[5]", "{}", r#"[{"id":1}]"#] {
        let (answer, _) = answer(&state(), Symptoms::default(), body.as_bytes());
        assert!(serde_json::from_slice::<Value>(&answer.unwrap()).is_ok(), "{body}");
    }
}
