//! The node of a chain that is like Tron: java-tron's JSON-RPC as TRON's documentation has it, with its peculiarities. Zero roots and
//! blooms, `stateRoot` `0x`, no tags but `latest`, `earliest` and `finalized`, no receipts of the first block, times in seconds.
//!
//! Its limits: no virtual machine, no energy, no REST methods; what a contract answers to a call is Ethereum's.

use serde_json::{Value, json};

use crate::block::Block;
use crate::faults::Symptoms;
use crate::filter::{Blocks, Filter};
use crate::hash::{Hash, hex_data, hex_quantity, number_word, parse_hex};
use crate::likeness::Likeness;
use crate::limits;
use crate::rpc::{RpcError, Seen, quantity};
use crate::shapes::{self, Mined};
use crate::state::State;
use crate::tokens::{self, Question};
use crate::transaction::Log;

/// The chain id that the node states while the fault `wrong_chain` is on: that of the Nile test network.
const WRONG_CHAIN_ID: u64 = 0xcd86_90dc;

/// Answers one request body, single or batch.
pub(crate) fn answer(state: &State, symptoms: Symptoms, body: &[u8]) -> (Option<Vec<u8>>, Seen) {
    let head = symptoms.stuck_head.map_or(state.head(), |stuck| stuck.min(state.head()));
    let mut view = View { state, symptoms, head, seen: Seen::default() };
    let answer = match serde_json::from_slice::<Value>(body) {
        Err(_) => failure(&Value::Null, &RpcError::new(-32700, "JSON parse error")),
        Ok(Value::Array(calls)) if calls.len() > limits::TRON_BATCH_CALLS => {
            failure(&Value::Null, &RpcError::new(-32005, "Batch size exceeds the limit"))
        }
        Ok(Value::Array(calls)) => calls.iter().map(|call| view.call(call)).collect(),
        Ok(call) => view.call(&call),
    };
    (Some(answer.to_string().into_bytes()), view.seen)
}

fn failure(id: &Value, error: &RpcError) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": error.code, "message": error.message(), "data": "{}" } })
}

/// One moment of the chain as the node shows it.
struct View<'a> {
    state: &'a State,
    symptoms: Symptoms,
    head: u64,
    seen: Seen,
}

impl View<'_> {
    fn call(&mut self, call: &Value) -> Value {
        let id = call.get("id").unwrap_or(&Value::Null);
        let params = call.get("params").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let result = match call.get("method").and_then(Value::as_str) {
            Some(method) => self.dispatch(method, params),
            None => Err(RpcError::new(-32600, "invalid request")),
        };
        match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => failure(id, &error),
        }
    }

    fn dispatch(&mut self, method: &str, params: &[Value]) -> Result<Value, RpcError> {
        let first = params.first().unwrap_or(&Value::Null);
        match method {
            "eth_chainId" | "net_version" => {
                let chain_id = if self.symptoms.wrong_chain { WRONG_CHAIN_ID } else { Likeness::Tron.chain_id() };
                Ok(json!(hex_quantity(chain_id)))
            }
            "web3_clientVersion" => Ok(json!(concat!("TRON/handsel-sandbox/", env!("CARGO_PKG_VERSION")))),
            "eth_blockNumber" => {
                self.seen.header = self.seen.header.max(Some(self.head));
                Ok(json!(hex_quantity(self.head)))
            }
            "eth_getBlockByNumber" => {
                let number = self.number(first)?;
                Ok(self.block(number))
            }
            "eth_getBlockByHash" => {
                let number = self.number_of(&hash(first)?);
                Ok(self.block(number))
            }
            "eth_getBlockReceipts" => self.block_receipts(first),
            "eth_getTransactionReceipt" => self.receipt(&hash(first)?),
            "eth_getLogs" => self.logs(first),
            "eth_call" => self.eth_call(params),
            _ => Err(RpcError::new(-32601, format!("the method {method} does not exist/is not available"))),
        }
    }

    /// The height that a name stands for; `None` for a block that isn't there.
    fn number(&self, name: &Value) -> Result<Option<u64>, RpcError> {
        let number = match name.as_str() {
            Some("latest") => self.head,
            Some("earliest") => 0,
            Some("finalized") => self.head.saturating_sub(self.state.finality_depth()),
            Some(tag @ ("safe" | "pending")) => return Err(RpcError::invalid(format!("TAG {tag} not supported"))),
            Some(text) => quantity(text).ok_or_else(|| RpcError::invalid("invalid block number"))?,
            None => return Err(RpcError::invalid("invalid block number")),
        };
        Ok((self.state.first()..=self.head).contains(&number).then_some(number))
    }

    fn number_of(&self, hash: &Hash) -> Option<u64> {
        self.state.number_of(hash).filter(|number| *number <= self.head)
    }

    fn home(&self, number: u64) -> Option<(Home, &Block)> {
        let block = self.state.block(number)?;
        Some((Home { number, hash: block.hash, timestamp: block.timestamp }, block))
    }

    fn block(&mut self, number: Option<u64>) -> Value {
        self.seen.header = self.seen.header.max(number);
        let found = number.and_then(|number| Some((self.state.place(number)?, self.home(number)?)));
        let Some((place, (home, block))) = found else { return Value::Null };
        let zeros = |bytes: usize| hex_data(&vec![0; bytes]);
        json!({
            "number": hex_quantity(home.number),
            "hash": hex_data(&home.hash),
            "parentHash": hex_data(&place.parent),
            "nonce": zeros(8),
            "sha3Uncles": zeros(32),
            "logsBloom": zeros(256),
            "transactionsRoot": hex_data(&block.body().transactions_root),
            "stateRoot": "0x",
            "receiptsRoot": zeros(32),
            "miner": hex_data(&[0xa2; 20]),
            "difficulty": "0x0",
            "totalDifficulty": "0x0",
            "extraData": "0x",
            "size": "0x2d1",
            "gasLimit": "0x0",
            "gasUsed": "0x0",
            "timestamp": hex_quantity(home.timestamp),
            "transactions": block.body().transactions.iter().map(|one| hex_data(&one.hash)).collect::<Vec<_>>(),
            "uncles": [],
            "baseFeePerGas": "0x0",
            "mixHash": zeros(32),
        })
    }

    fn block_receipts(&mut self, given: &Value) -> Result<Value, RpcError> {
        let number = match given.as_str().and_then(parse_hex::<32>) {
            Some(hash) => self.number_of(&hash),
            None => self.number(given)?,
        };
        // Nothing of the first block, and nothing of what a node has lost.
        let Some(number) = number.filter(|number| *number > 0 && !self.symptoms.empty_logs) else {
            return Ok(Value::Null);
        };
        self.seen.contents = self.seen.contents.max(Some(number));
        let Some((home, block)) = self.home(number) else { return Ok(Value::Null) };
        Ok(shapes::mined(block.body()).map(|mined| home.receipt(mined)).collect())
    }

    fn receipt(&self, transaction: &Hash) -> Result<Value, RpcError> {
        let position = self.state.position_of(transaction).filter(|position| position.number <= self.head);
        let found = position.filter(|_| !self.symptoms.empty_logs).and_then(|position| {
            let (home, block) = self.home(position.number)?;
            Some(home.receipt(shapes::mined(block.body()).nth(position.index)?))
        });
        Ok(found.unwrap_or(Value::Null))
    }

    fn logs(&mut self, given: &Value) -> Result<Value, RpcError> {
        let filter = Filter::parse(given)?;
        let (from, to) = match &filter.blocks {
            Blocks::Hash(hash) => {
                let number = self.number_of(hash).ok_or_else(|| RpcError::invalid("invalid block hash"))?;
                (number, number)
            }
            Blocks::Range(..) => {
                let bound = |name| self.number(given.get(name).unwrap_or(&json!("latest")));
                let from = bound("fromBlock")?.unwrap_or(self.head + 1);
                (from, bound("toBlock")?.unwrap_or(self.head))
            }
        };
        if from > to && from <= self.head {
            return Err(RpcError::invalid("please verify: fromBlock <= toBlock"));
        }
        if to.saturating_sub(from) > limits::TRON_LOG_RANGE_BLOCKS {
            return Err(RpcError::invalid(format!("exceed max block range: {}", limits::TRON_LOG_RANGE_BLOCKS)));
        }
        let mut found = Vec::new();
        for number in from..=to {
            let Some((home, block)) = self.home(number).filter(|_| !self.symptoms.empty_logs) else { continue };
            for mined in shapes::mined(block.body()) {
                let logs = mined.transaction.logs();
                let wanted = logs.iter().enumerate().filter(|(_, log)| filter.wants(log));
                found.extend(wanted.map(|(position, log)| home.log(mined, position, log)));
            }
            if found.len() > limits::RPC_LOG_RESULTS {
                let message = format!("query returned more than {} results", limits::RPC_LOG_RESULTS);
                return Err(RpcError::new(-32005, message));
            }
        }
        self.seen.contents = self.seen.contents.max(Some(to.min(self.head)));
        Ok(Value::Array(found))
    }

    fn eth_call(&self, params: &[Value]) -> Result<Value, RpcError> {
        if params.get(1).and_then(Value::as_str) != Some("latest") {
            return Err(RpcError::invalid("QUANTITY not supported, just support TAG as latest"));
        }
        let call = params.first().unwrap_or(&Value::Null);
        let to = call.get("to").and_then(Value::as_str).and_then(parse_hex::<20>);
        let to = to.ok_or_else(|| RpcError::invalid("invalid address"))?;
        let data = call.get("data").and_then(Value::as_str).and_then(|text| text.strip_prefix("0x"));
        let data = data.and_then(|digits| hex::decode(digits).ok()).ok_or_else(|| RpcError::invalid("invalid data"))?;
        let token = Likeness::Tron.tokens().iter().find(|token| token.address == to);
        let token = token.ok_or_else(|| RpcError::new(-32600, "Smart contract is not exist."))?;
        let question = Question::parse(&data).ok_or_else(|| RpcError::new(-32000, "REVERT opcode executed"))?;
        Ok(json!(hex_data(&match question {
            Question::Decimals => number_word(token.decimals.into()).to_vec(),
            Question::Symbol => tokens::abi_string(token.symbol),
            Question::Name => tokens::abi_string(token.name),
            Question::TotalSupply => number_word(tokens::TOTAL_SUPPLY_MINOR_UNITS).to_vec(),
            Question::BalanceOf(account) => number_word(self.state.balance(&to, &account, self.head)).to_vec(),
        })))
    }
}

/// The block that a receipt or a log belongs to.
#[derive(Debug, Clone, Copy)]
struct Home {
    number: u64,
    hash: Hash,
    timestamp: u64,
}

impl Home {
    fn receipt(self, mined: Mined<'_>) -> Value {
        let transaction = mined.transaction;
        let logs = transaction.logs();
        json!({
            "blockHash": hex_data(&self.hash),
            "blockNumber": hex_quantity(self.number),
            "transactionHash": hex_data(&transaction.hash),
            "transactionIndex": hex_quantity(mined.index as u64),
            "from": hex_data(&transaction.order.sender),
            "to": transaction.order.transfers.first().map(|one| hex_data(&one.token)),
            "cumulativeGasUsed": hex_quantity(mined.cumulative_gas),
            "effectiveGasPrice": "0x64",
            "gasUsed": hex_quantity(transaction.gas_used()),
            "contractAddress": null,
            "logs": logs.iter().enumerate().map(|(position, log)| self.log(mined, position, log)).collect::<Vec<_>>(),
            "logsBloom": hex_data(&[0; 256]),
            "status": if transaction.order.reverts { "0x0" } else { "0x1" },
            "type": "0x0",
        })
    }

    fn log(self, mined: Mined<'_>, position: usize, log: &Log) -> Value {
        json!({
            "address": hex_data(&log.address),
            "topics": log.topics.map(|topic| hex_data(&topic)),
            "data": hex_data(&log.data),
            "blockHash": hex_data(&self.hash),
            "blockNumber": hex_quantity(self.number),
            "blockTimestamp": hex_quantity(self.timestamp),
            "transactionHash": hex_data(&mined.transaction.hash),
            "transactionIndex": hex_quantity(mined.index as u64),
            "logIndex": hex_quantity((mined.first_log + position) as u64),
            "removed": false,
        })
    }
}

fn hash(value: &Value) -> Result<Hash, RpcError> {
    // With or without 0x.
    let text = value.as_str().map(|text| text.strip_prefix("0x").unwrap_or(text));
    let hash = text.and_then(|digits| parse_hex(&format!("0x{digits}")));
    hash.ok_or_else(|| RpcError::invalid("invalid hash value"))
}

#[cfg(test)]
#[path = "tron_tests.rs"]
mod tests;
