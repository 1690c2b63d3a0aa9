//! The JSON-RPC 2.0 methods of the node, as a function from request bytes to answer bytes over one view of the chain.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::CHAIN_ID;
use crate::faults::Symptoms;
use crate::filter::{Blocks, Filter};
use crate::hash::{Address, Hash, hex_data, hex_quantity, number_word, parse_hex};
use crate::limits;
use crate::shapes::{self, Home};
use crate::state::{SAFE_DEPTH_BLOCKS, State};
use crate::tokens::{self, Question, TOKENS};
use crate::transaction::{BASE_FEE_WEI, GAS_PRICE_WEI};

/// The chain id that the node states while the fault `wrong_chain` is on.
const WRONG_CHAIN_ID: u64 = CHAIN_ID + 1;
/// What every account has in the chain's own coin, in wei.
const RICHES_WEI: u64 = 10_000_000_000_000_000_000;

/// An error object of JSON-RPC.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    message: Cow<'static, str>,
}

impl RpcError {
    pub(crate) fn new(code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Parameters that can't be used.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32602, message)
    }
}

/// A block as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockName {
    Number(u64),
    Earliest,
    Latest,
    Safe,
    Finalized,
    Pending,
}

impl BlockName {
    pub(crate) fn parse(value: &Value) -> Result<Self, RpcError> {
        match value.as_str() {
            Some("earliest") => Ok(Self::Earliest),
            Some("latest") => Ok(Self::Latest),
            Some("safe") => Ok(Self::Safe),
            Some("finalized") => Ok(Self::Finalized),
            Some("pending") => Ok(Self::Pending),
            Some(text) => {
                quantity(text).map(Self::Number).ok_or_else(|| RpcError::invalid("not a block number or tag"))
            }
            None => Err(RpcError::invalid("a block number or tag is wanted")),
        }
    }
}

/// Reads a quantity: `0x`, no leading zeros, at most 64 bits.
pub(crate) fn quantity(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    let strict = digits == "0" || !digits.starts_with('0');
    let plain = strict && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// What a client asked to see, so that commands which wait for the watcher know how far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The highest block whose header was shown.
    pub(crate) header: Option<u64>,
    /// The highest block whose logs or receipts were shown.
    pub(crate) contents: Option<u64>,
}

/// One moment of the chain as the node shows it.
#[derive(Debug)]
pub(crate) struct View<'a> {
    state: &'a State,
    symptoms: Symptoms,
    head: u64,
    seen: Seen,
}

/// Answers one request body, single or batch. `None`: nothing but notifications, nothing to say.
pub(crate) fn answer(state: &State, symptoms: Symptoms, body: &[u8]) -> (Option<Vec<u8>>, Seen) {
    let head = symptoms.stuck_head.map_or(state.head(), |stuck| stuck.min(state.head()));
    let mut view = View { state, symptoms, head, seen: Seen::default() };
    let answer = match serde_json::from_slice::<Value>(body) {
        Err(_) => Some(failure(&Value::Null, &RpcError::new(-32700, "the body is not JSON"))),
        Ok(Value::Array(calls)) if calls.is_empty() || calls.len() > limits::RPC_BATCH_CALLS => {
            let message = format!("a batch holds between 1 and {} calls", limits::RPC_BATCH_CALLS);
            Some(failure(&Value::Null, &RpcError::new(-32600, message)))
        }
        Ok(Value::Array(calls)) => {
            let answers: Vec<Value> = calls.iter().filter_map(|call| view.call(call)).collect();
            (!answers.is_empty()).then_some(Value::Array(answers))
        }
        Ok(call) => view.call(&call),
    };
    (answer.map(|answer| answer.to_string().into_bytes()), view.seen)
}

fn failure(id: &Value, error: &RpcError) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": error.code, "message": error.message } })
}

impl View<'_> {
    fn call(&mut self, call: &Value) -> Option<Value> {
        let invalid = || RpcError::new(-32600, "not a JSON-RPC 2.0 request");
        let Some(fields) = call.as_object() else { return Some(failure(&Value::Null, &invalid())) };
        let id = fields.get("id");
        let shown = id.unwrap_or(&Value::Null);
        let well_formed = fields.get("jsonrpc").and_then(Value::as_str) == Some("2.0")
            && !matches!(shown, Value::Array(_) | Value::Object(_));
        let method = fields.get("method").and_then(Value::as_str).filter(|_| well_formed);
        let Some(method) = method else { return Some(failure(&Value::Null, &invalid())) };
        let result = match fields.get("params") {
            None | Some(Value::Null) => self.dispatch(method, &[]),
            Some(Value::Array(params)) => self.dispatch(method, params),
            Some(_) => Err(RpcError::invalid("params must be an array")),
        };
        // Without an id it is a notification, which gets no answer.
        id.map(|id| match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => failure(id, &error),
        })
    }

    fn dispatch(&mut self, method: &str, params: &[Value]) -> Result<Value, RpcError> {
        let chain_id = if self.symptoms.wrong_chain { WRONG_CHAIN_ID } else { CHAIN_ID };
        match method {
            "eth_chainId" => Ok(json!(hex_quantity(chain_id))),
            "net_version" => Ok(json!(chain_id.to_string())),
            "web3_clientVersion" => Ok(json!(concat!("handsel-sandbox/", env!("CARGO_PKG_VERSION")))),
            "eth_syncing" => Ok(json!(false)),
            "eth_accounts" => Ok(json!([])),
            "eth_gasPrice" => Ok(json!(hex_quantity(GAS_PRICE_WEI))),
            "eth_maxPriorityFeePerGas" => Ok(json!(hex_quantity(GAS_PRICE_WEI - BASE_FEE_WEI))),
            "eth_blockNumber" => {
                self.seen.header = self.seen.header.max(Some(self.head));
                Ok(json!(hex_quantity(self.head)))
            }
            "eth_getBlockByNumber" => self.block_by_number(params),
            "eth_getBlockByHash" => self.block_by_hash(params),
            "eth_getLogs" => self.logs(&Filter::parse(params.first().unwrap_or(&Value::Null))?),
            "eth_getBlockReceipts" => self.block_receipts(params),
            "eth_getTransactionReceipt" => self.receipt(params),
            "eth_getTransactionByHash" => self.transaction(params),
            "eth_getTransactionCount" => self.transaction_count(params),
            "eth_getBalance" => address(params, 0).map(|_| json!(hex_quantity(RICHES_WEI))),
            "eth_getCode" => self.code(params),
            "eth_call" => self.eth_call(params),
            _ => Err(RpcError::new(-32601, format!("the method {method} does not exist or is not available"))),
        }
    }

    /// The number that a name stands for; `None` for a block that isn't there (yet, or any more).
    fn number(&self, name: BlockName) -> Option<u64> {
        let number = match name {
            BlockName::Number(number) => number,
            BlockName::Earliest => self.state.first(),
            BlockName::Latest | BlockName::Pending => self.head,
            BlockName::Safe => self.head.saturating_sub(SAFE_DEPTH_BLOCKS),
            BlockName::Finalized => self.head.saturating_sub(self.state.finality_depth()),
        };
        (self.state.first()..=self.head).contains(&number).then_some(number)
    }

    fn number_of(&self, hash: &Hash) -> Option<u64> {
        self.state.number_of(hash).filter(|number| *number <= self.head)
    }

    fn block_by_number(&mut self, params: &[Value]) -> Result<Value, RpcError> {
        let name = BlockName::parse(params.first().unwrap_or(&Value::Null))?;
        let full = flag(params, 1)?;
        if name == BlockName::Pending {
            return Ok(shapes::pending_block(self.state, self.head + 1, full).unwrap_or(Value::Null));
        }
        Ok(self.block(self.number(name), full))
    }

    fn block_by_hash(&mut self, params: &[Value]) -> Result<Value, RpcError> {
        let number = self.number_of(&hash(params, 0)?);
        Ok(self.block(number, flag(params, 1)?))
    }

    fn block(&mut self, number: Option<u64>, full: bool) -> Value {
        self.seen.header = self.seen.header.max(number);
        number.and_then(|number| shapes::block(self.state, number, full)).unwrap_or(Value::Null)
    }

    fn logs(&mut self, filter: &Filter) -> Result<Value, RpcError> {
        let (from, to) = match &filter.blocks {
            Blocks::Hash(hash) => {
                let number = self.number_of(hash).ok_or_else(|| RpcError::new(-32000, "unknown block"))?;
                (number, number)
            }
            Blocks::Range(from, to) => self.range(*from, *to)?,
        };
        if self.symptoms.empty_logs {
            return Ok(json!([]));
        }
        let mut found = Vec::new();
        for number in from..=to.min(self.head) {
            let Some(block) = self.state.block(number) else { continue };
            let home = Home::of(number, block);
            for mined in shapes::mined(block.body()) {
                let logs = mined.transaction.logs();
                let wanted = logs.iter().enumerate().filter(|(_, log)| filter.wants(log));
                found.extend(wanted.map(|(position, log)| shapes::log(home, mined, position, log)));
            }
            if found.len() > limits::RPC_LOG_RESULTS {
                let message = format!("query returned more than {} results", limits::RPC_LOG_RESULTS);
                return Err(RpcError::new(-32005, message));
            }
        }
        self.seen.contents = self.seen.contents.max(Some(to.min(self.head)));
        Ok(Value::Array(found))
    }

    /// The blocks of a range. An end beyond the head is clipped, as real nodes do; a range that ends before it begins is
    /// empty; a beginning beyond the head and blocks that are no longer kept are errors, since "no logs" would be a lie.
    fn range(&self, from: BlockName, to: BlockName) -> Result<(u64, u64), RpcError> {
        let wanted = |name| match name {
            BlockName::Number(number) => number,
            tag => self.number(tag).unwrap_or(self.state.first()),
        };
        let (from, to) = (wanted(from), wanted(to).min(self.head));
        if from > self.head {
            return Err(RpcError::invalid(format!("block height is {} but requested was {from}", self.head)));
        }
        if from < self.state.first() && from <= to {
            return Err(RpcError::new(4444, format!("blocks below {} are pruned", self.state.first())));
        }
        if to.saturating_sub(from) >= limits::RPC_LOG_RANGE_BLOCKS {
            let message = format!("the range spans more than {} blocks", limits::RPC_LOG_RANGE_BLOCKS);
            return Err(RpcError::new(-32005, message));
        }
        Ok((from, to))
    }

    fn block_receipts(&mut self, params: &[Value]) -> Result<Value, RpcError> {
        let given = params.first().unwrap_or(&Value::Null);
        let named = given.get("blockHash").or_else(|| given.get("blockNumber")).unwrap_or(given);
        let number = match named.as_str().and_then(parse_hex::<32>) {
            Some(hash) => self.number_of(&hash),
            None => self.number(BlockName::parse(named)?),
        };
        let Some((number, block)) = number.and_then(|number| Some((number, self.state.block(number)?))) else {
            return Ok(Value::Null);
        };
        self.seen.contents = self.seen.contents.max(Some(number));
        if self.symptoms.empty_logs {
            return Ok(json!([]));
        }
        let home = Home::of(number, block);
        Ok(shapes::mined(block.body()).map(|mined| shapes::receipt(self.state.seed(), home, mined)).collect())
    }

    fn receipt(&mut self, params: &[Value]) -> Result<Value, RpcError> {
        let position = self.state.position_of(&hash(params, 0)?).filter(|position| position.number <= self.head);
        let found = position.and_then(|position| {
            let block = self.state.block(position.number)?;
            let mined = shapes::mined(block.body()).nth(position.index)?;
            Some(shapes::receipt(self.state.seed(), Home::of(position.number, block), mined))
        });
        Ok(found.unwrap_or(Value::Null))
    }

    fn transaction(&mut self, params: &[Value]) -> Result<Value, RpcError> {
        let hash = hash(params, 0)?;
        let seed = self.state.seed();
        let Some(position) = self.state.position_of(&hash) else {
            let pending = self.state.pending(&hash);
            return Ok(pending.map_or(Value::Null, |waiting| shapes::transaction(seed, waiting, None)));
        };
        let (Some(transaction), Some(block)) = (self.state.at(position), self.state.block(position.number)) else {
            return Ok(Value::Null);
        };
        let place = (position.number <= self.head).then_some((position.number, block.hash, position.index));
        Ok(shapes::transaction(seed, transaction, place))
    }

    fn transaction_count(&self, params: &[Value]) -> Result<Value, RpcError> {
        let account = address(params, 0)?;
        let name = params.get(1).map_or(Ok(BlockName::Latest), BlockName::parse)?;
        let waiting =
            self.state.pool().iter().chain(self.state.held()).filter(|one| one.order.sender == account).count();
        let next = self.state.next_nonce(&account);
        let count = if name == BlockName::Pending { next } else { next.saturating_sub(waiting as u64) };
        Ok(json!(hex_quantity(count)))
    }

    fn code(&self, params: &[Value]) -> Result<Value, RpcError> {
        let account = address(params, 0)?;
        let contract = TOKENS.iter().any(|token| token.address == account);
        // PUSH0 PUSH0 REVERT: there is a contract, and it has no code worth reading.
        Ok(json!(if contract { "0x5f5ffd" } else { "0x" }))
    }

    fn eth_call(&self, params: &[Value]) -> Result<Value, RpcError> {
        let call = params.first().unwrap_or(&Value::Null);
        let name = params
            .get(1)
            .map_or(Ok(BlockName::Latest), |value| BlockName::parse(value.get("blockNumber").unwrap_or(value)))?;
        let head = self.number(name).ok_or_else(|| RpcError::new(-32000, "unknown block"))?;
        let to = call.get("to").and_then(Value::as_str).and_then(parse_hex::<20>);
        let to = to.ok_or_else(|| RpcError::invalid("to: an address is wanted"))?;
        let data = call.get("input").or_else(|| call.get("data")).and_then(Value::as_str).unwrap_or("0x");
        let data = data.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
        let data = data.ok_or_else(|| RpcError::invalid("data: 0x text is wanted"))?;
        // A call to an account without code succeeds and returns nothing.
        let Some(token) = TOKENS.iter().find(|token| token.address == to) else { return Ok(json!("0x")) };
        let Some(question) = Question::parse(&data) else { return Err(RpcError::new(3, "execution reverted")) };
        Ok(json!(hex_data(&match question {
            Question::Decimals => number_word(token.decimals.into()).to_vec(),
            Question::Symbol => tokens::abi_string(token.symbol),
            Question::Name => tokens::abi_string(token.name),
            Question::TotalSupply => number_word(tokens::TOTAL_SUPPLY_MINOR_UNITS).to_vec(),
            Question::BalanceOf(account) => number_word(self.state.balance(&to, &account, head)).to_vec(),
        })))
    }
}

fn hash(params: &[Value], at: usize) -> Result<Hash, RpcError> {
    let hash = params.get(at).and_then(Value::as_str).and_then(parse_hex);
    hash.ok_or_else(|| RpcError::invalid("32 bytes of 0x text are wanted"))
}

fn address(params: &[Value], at: usize) -> Result<Address, RpcError> {
    let address = params.get(at).and_then(Value::as_str).and_then(parse_hex);
    address.ok_or_else(|| RpcError::invalid("an address is wanted"))
}

fn flag(params: &[Value], at: usize) -> Result<bool, RpcError> {
    match params.get(at) {
        None | Some(Value::Null) => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| RpcError::invalid("true or false is wanted")),
    }
}

#[cfg(test)]
mod tests;
