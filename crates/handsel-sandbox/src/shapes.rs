//! The chain's things as a node's JSON: blocks, transactions, receipts and logs with every field that a real node shows.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::CHAIN_ID;
use crate::block::{Block, Body, GAS_LIMIT, Header, Place};
use crate::hash::{Hash, hex_data, hex_quantity};
use crate::state::State;
use crate::transaction::{BASE_FEE_WEI, GAS_PRICE_WEI, HELD_GAS_PRICE_WEI, Log, Transaction};

/// The block that a receipt or a log belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) number: u64,
    pub(crate) hash: Hash,
    pub(crate) timestamp: u64,
}

impl Home {
    pub(crate) fn of(number: u64, block: &Block) -> Self {
        Self { number, hash: block.hash, timestamp: block.timestamp }
    }
}

/// A mined transaction with what its block knows of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mined<'a> {
    pub(crate) transaction: &'a Transaction,
    pub(crate) index: usize,
    pub(crate) cumulative_gas: u64,
    pub(crate) first_log: usize,
}

/// All transactions of a block, in order.
pub(crate) fn mined(body: &Body) -> impl Iterator<Item = Mined<'_>> {
    let mut cumulative_gas = 0_u64;
    let mut next_log = 0;
    body.transactions.iter().enumerate().map(move |(index, transaction)| {
        cumulative_gas = cumulative_gas.saturating_add(transaction.gas_used());
        let first_log = next_log;
        next_log += transaction.logs().len();
        Mined { transaction, index, cumulative_gas, first_log }
    })
}

/// `eth_getBlockBy…` for a kept block.
pub(crate) fn block(state: &State, number: u64, full: bool) -> Option<Value> {
    let block = state.block(number)?;
    let header = Header::new(state.seed(), state.place(number)?, block.body());
    let mut fields = header_fields(state.seed(), &header, block.body());
    let transactions = block.body().transactions.iter().enumerate().map(|(index, one)| {
        if full {
            transaction(state.seed(), one, Some((number, block.hash, index)))
        } else {
            json!(hex_data(&one.hash))
        }
    });
    fields.insert("transactions".into(), transactions.collect());
    fields.insert("hash".into(), json!(hex_data(&block.hash)));
    Some(Value::Object(fields))
}

/// `eth_getBlockByNumber("pending")`: what the next block would be if it were mined now.
pub(crate) fn pending_block(state: &State, number: u64, full: bool) -> Option<Value> {
    let parent = state.block(number.checked_sub(1)?)?;
    let place = Place { number, parent: parent.hash, timestamp: parent.timestamp, branch: state.branches() };
    let body = Body::new(state.seed(), state.pool().iter().map(Arc::clone).collect());
    let header = Header::new(state.seed(), place, &body);
    let mut fields = header_fields(state.seed(), &header, &body);
    let transactions = body
        .transactions
        .iter()
        .map(|one| if full { transaction(state.seed(), one, None) } else { json!(hex_data(&one.hash)) });
    fields.insert("transactions".into(), transactions.collect());
    for unknown in ["hash", "nonce", "miner", "logsBloom"] {
        fields.insert(unknown.into(), Value::Null);
    }
    Some(Value::Object(fields))
}

fn header_fields(seed: &Hash, header: &Header, body: &Body) -> Map<String, Value> {
    let size = header.block_size(seed, body) as u64;
    let fields = [
        ("number", hex_quantity(header.place.number)),
        ("parentHash", hex_data(&header.place.parent)),
        ("sha3Uncles", hex_data(&header.uncles_hash)),
        ("miner", hex_data(&header.miner)),
        ("stateRoot", hex_data(&header.state_root)),
        ("transactionsRoot", hex_data(&header.transactions_root)),
        ("receiptsRoot", hex_data(&header.receipts_root)),
        ("logsBloom", hex_data(&header.bloom.0)),
        ("difficulty", hex_quantity(0)),
        ("gasLimit", hex_quantity(GAS_LIMIT)),
        ("gasUsed", hex_quantity(header.gas_used)),
        ("timestamp", hex_quantity(header.place.timestamp)),
        ("extraData", hex_data(header.extra)),
        ("mixHash", hex_data(&header.mix)),
        ("nonce", hex_data(&[0; 8])),
        ("baseFeePerGas", hex_quantity(BASE_FEE_WEI)),
        ("withdrawalsRoot", hex_data(&header.withdrawals_root)),
        ("blobGasUsed", hex_quantity(0)),
        ("excessBlobGas", hex_quantity(0)),
        ("parentBeaconBlockRoot", hex_data(&header.beacon_root)),
        ("requestsHash", hex_data(&header.requests_hash)),
        ("size", hex_quantity(size)),
    ];
    let mut fields: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.into(), json!(value))).collect();
    fields.insert("uncles".into(), json!([]));
    fields.insert("withdrawals".into(), json!([]));
    fields
}

/// `eth_getTransactionBy…`; the place is null while it waits.
pub(crate) fn transaction(seed: &Hash, transaction: &Transaction, place: Option<(u64, Hash, usize)>) -> Value {
    let wire = transaction.wire(seed);
    json!({
        "type": "0x0",
        "hash": hex_data(&transaction.hash),
        "nonce": hex_quantity(transaction.nonce),
        "blockHash": place.map(|(_, hash, _)| hex_data(&hash)),
        "blockNumber": place.map(|(number, _, _)| hex_quantity(number)),
        "transactionIndex": place.map(|(_, _, index)| hex_quantity(index as u64)),
        "from": hex_data(&transaction.order.sender),
        "to": hex_data(&wire.to),
        "value": "0x0",
        "gas": hex_quantity(wire.gas),
        "gasPrice": hex_quantity(wire.gas_price),
        "input": hex_data(&wire.data),
        "chainId": hex_quantity(CHAIN_ID),
        "v": hex_quantity(wire.v),
        "r": hex_word(&wire.r),
        "s": hex_word(&wire.s),
    })
}

/// A 256-bit quantity: no leading zeros.
fn hex_word(word: &Hash) -> String {
    let digits = hex::encode(word);
    let digits = digits.trim_start_matches('0');
    format!("0x{}", if digits.is_empty() { "0" } else { digits })
}

/// `eth_getTransactionReceipt`.
pub(crate) fn receipt(seed: &Hash, home: Home, mined: Mined<'_>) -> Value {
    let transaction = mined.transaction;
    let price = if transaction.order.held { HELD_GAS_PRICE_WEI } else { GAS_PRICE_WEI };
    json!({
        "type": "0x0",
        "status": if transaction.order.reverts { "0x0" } else { "0x1" },
        "transactionHash": hex_data(&transaction.hash),
        "transactionIndex": hex_quantity(mined.index as u64),
        "blockHash": hex_data(&home.hash),
        "blockNumber": hex_quantity(home.number),
        "from": hex_data(&transaction.order.sender),
        "to": hex_data(&transaction.wire(seed).to),
        "contractAddress": null,
        "cumulativeGasUsed": hex_quantity(mined.cumulative_gas),
        "gasUsed": hex_quantity(transaction.gas_used()),
        "effectiveGasPrice": hex_quantity(price),
        "logs": logs(home, mined),
        "logsBloom": hex_data(&transaction.bloom().0),
    })
}

/// All logs of one transaction.
pub(crate) fn logs(home: Home, mined: Mined<'_>) -> Vec<Value> {
    let logs = mined.transaction.logs();
    logs.iter().enumerate().map(|(position, found)| log(home, mined, position, found)).collect()
}

/// One log, by its position among those of its transaction.
pub(crate) fn log(home: Home, mined: Mined<'_>, position: usize, log: &Log) -> Value {
    json!({
        "address": hex_data(&log.address),
        "topics": log.topics.map(|topic| hex_data(&topic)),
        "data": hex_data(&log.data),
        "blockNumber": hex_quantity(home.number),
        "blockHash": hex_data(&home.hash),
        "blockTimestamp": hex_quantity(home.timestamp),
        "transactionHash": hex_data(&mined.transaction.hash),
        "transactionIndex": hex_quantity(mined.index as u64),
        "logIndex": hex_quantity((mined.first_log + position) as u64),
        "removed": false,
    })
}
