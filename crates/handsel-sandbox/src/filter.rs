//! The filter of `eth_getLogs`: blocks, addresses, topics.

use serde_json::Value;

use crate::hash::{Address, Hash, parse_hex};
use crate::limits;
use crate::rpc::{BlockName, RpcError};
use crate::transaction::Log;

/// Positions that a log can have topics at.
const TOPIC_POSITIONS: usize = 4;

/// Which blocks are looked through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    Hash(Hash),
    Range(BlockName, BlockName),
}

/// What a log must have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) blocks: Blocks,
    /// Any of these; empty is all.
    addresses: Vec<Address>,
    /// For each position any of these; empty is all.
    topics: Vec<Vec<Hash>>,
}

impl Filter {
    pub(crate) fn parse(given: &Value) -> Result<Self, RpcError> {
        let given = given.as_object().ok_or_else(|| RpcError::invalid("the filter must be an object"))?;
        let bound = |name| given.get(name).filter(|value| !value.is_null());
        let blocks = match (bound("blockHash"), bound("fromBlock"), bound("toBlock")) {
            (Some(hash), None, None) => Blocks::Hash(one(hash, "blockHash")?),
            (Some(_), _, _) => return Err(RpcError::invalid("blockHash excludes fromBlock and toBlock")),
            (None, from, to) => {
                let name = |value: Option<&Value>| value.map_or(Ok(BlockName::Latest), BlockName::parse);
                Blocks::Range(name(from)?, name(to)?)
            }
        };
        let addresses = any_of(given.get("address"), "address")?;
        let topics = match given.get("topics") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(positions)) if positions.len() <= TOPIC_POSITIONS => {
                positions.iter().map(|position| any_of(Some(position), "topics")).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(RpcError::invalid("topics must be an array of at most 4")),
        };
        Ok(Self { blocks, addresses, topics })
    }

    pub(crate) fn wants(&self, log: &Log) -> bool {
        let address = self.addresses.is_empty() || self.addresses.contains(&log.address);
        address
            && self.topics.iter().enumerate().all(|(position, wanted)| {
                let there = log.topics.get(position);
                // A position that is named must exist, even where anything is welcome at it.
                there.is_some_and(|topic| wanted.is_empty() || wanted.contains(topic))
            })
    }
}

fn one<const N: usize>(value: &Value, name: &str) -> Result<[u8; N], RpcError> {
    let bytes = value.as_str().and_then(parse_hex);
    bytes.ok_or_else(|| RpcError::invalid(format!("{name}: {N} bytes of 0x text are wanted")))
}

/// null, one value or several.
fn any_of<const N: usize>(value: Option<&Value>, name: &str) -> Result<Vec<[u8; N]>, RpcError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) if values.len() > limits::RPC_FILTER_ITEMS => {
            Err(RpcError::invalid(format!("{name}: at most {} alternatives", limits::RPC_FILTER_ITEMS)))
        }
        Some(Value::Array(values)) => values.iter().map(|value| one(value, name)).collect(),
        Some(value) => Ok(vec![one(value, name)?]),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::hash::hex_data;
    use serde_json::json;

    fn log() -> Log {
        Log { address: [1; 20], topics: [[10; 32], [20; 32], [30; 32]], data: [0; 32] }
    }

    fn wants(filter: &Value) -> bool {
        Filter::parse(filter).unwrap().wants(&log())
    }

    fn word(byte: u8) -> String {
        hex_data(&[byte; 32])
    }

    #[test]
    fn addresses_are_alternatives() {
        let (mine, other) = (hex_data(&[1; 20]), hex_data(&[2; 20]));
        assert!(wants(&json!({})));
        assert!(wants(&json!({ "address": mine })));
        assert!(wants(&json!({ "address": [other, mine] })));
        assert!(!wants(&json!({ "address": other })));
    }

    #[test]
    fn topics_are_alternatives_at_each_position() {
        assert!(wants(&json!({ "topics": [word(10)] })));
        assert!(wants(&json!({ "topics": [null, null, [word(9), word(30)]] })));
        assert!(!wants(&json!({ "topics": [word(20)] })));
        assert!(!wants(&json!({ "topics": [word(10), word(10)] })));
        assert!(!wants(&json!({ "topics": [null, null, null, null] })), "the log has but three topics");
    }

    #[test]
    fn nonsense_is_refused() {
        for filter in [
            json!([]),
            json!({ "address": "0x01" }),
            json!({ "topics": word(1) }),
            json!({ "topics": [null, null, null, null, null] }),
            json!({ "blockHash": word(1), "fromBlock": "latest" }),
            json!({ "fromBlock": "0x01" }),
        ] {
            assert_eq!(Filter::parse(&filter).unwrap_err().code, -32602, "{filter}");
        }
    }
}
