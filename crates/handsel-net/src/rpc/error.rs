//! Why a call to a node brought nothing.

use core::fmt;

use handsel_core::chain::proof::Disproof;

use crate::egress::EgressError;

/// What a node's own error means. Codes and words differ from vendor to vendor; the meaning is what callers act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRefusal {
    /// It does not know the block asked for by hash.
    UnknownBlock,
    /// The range or the number of results is over its limit: ask for less.
    RangeTooLarge,
    /// Asked too often.
    RateLimited,
    /// It does not have this method.
    UnknownMethod,
    /// The contract that was called undid the call.
    Reverted,
    /// Anything else.
    Other,
}

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RpcError {
    /// No answer over HTTP.
    Transport(EgressError),
    /// An HTTP status in place of an answer.
    HttpStatus(u16),
    /// The answer is no JSON-RPC, or not what was asked for.
    Malformed(&'static str),
    /// The node's own error.
    Node {
        /// Its code.
        code: i64,
        /// What it means.
        refusal: NodeRefusal,
    },
    /// The answer was read and found false.
    Disproved(Disproof),
    /// Every node's breaker is open.
    AllOpen,
}

impl RpcError {
    /// True when the node itself is to blame, so that its breaker counts it. A refusal with a reason is a sign of life.
    pub(super) const fn is_failure(self) -> bool {
        match self {
            Self::Transport(_) | Self::HttpStatus(_) | Self::Malformed(_) | Self::Disproved(_) => true,
            Self::Node { refusal, .. } => matches!(refusal, NodeRefusal::RateLimited),
            Self::AllOpen => false,
        }
    }

    /// True when another node may well answer the same question.
    pub(super) const fn is_worth_another_node(self) -> bool {
        !matches!(self, Self::Node { refusal: NodeRefusal::RangeTooLarge, .. } | Self::AllOpen)
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => write!(f, "the node was not reached: {error}"),
            Self::HttpStatus(401 | 403) => f.write_str("the node refused the key; check the key in rpc_urls"),
            Self::HttpStatus(429) => {
                f.write_str("the node limits the rate; use another plan or add a second URL to rpc_urls")
            }
            Self::HttpStatus(status) => {
                write!(f, "the node answered with HTTP status {status}; check the URL in rpc_urls")
            }
            Self::Malformed(what) => {
                write!(f, "the node's answer is not usable ({what}); check that rpc_urls names a JSON-RPC endpoint")
            }
            Self::Node { code, .. } => write!(f, "the node refused the call with code {code}"),
            Self::Disproved(what) => {
                write!(f, "the node's answer is disproved ({what}); use another node in rpc_urls")
            }
            Self::AllOpen => f.write_str("no node in rpc_urls answers at present; it is tried again shortly"),
        }
    }
}

impl core::error::Error for RpcError {}

/// Reads the meaning out of a code and a message.
pub(super) fn classify(code: i64, message: &str) -> NodeRefusal {
    const UNKNOWN_BLOCK: [&str; 6] = [
        "unknown block",
        "block not found",
        "header not found",
        "header for hash not found",
        "could not find block",
        "no such block",
    ];
    const RANGE: [&str; 9] = [
        "block range",
        "query returned more than",
        "too many results",
        "response size",
        "range is too",
        "range too",
        "more than 10000",
        "max results",
        "exceeds the range",
    ];
    const RATE: [&str; 5] =
        ["rate limit", "too many requests", "request limit", "lack of computing resources", "capacity"];
    let message = message.to_ascii_lowercase();
    let says = |patterns: &[&str]| patterns.iter().any(|pattern| message.contains(pattern));
    if says(&UNKNOWN_BLOCK) {
        NodeRefusal::UnknownBlock
    } else if code == -32_601 {
        NodeRefusal::UnknownMethod
    } else if says(&["revert"]) {
        NodeRefusal::Reverted
    } else if says(&RATE) || code == 429 {
        NodeRefusal::RateLimited
    } else if says(&RANGE) || code == -32_005 || code == 35 {
        NodeRefusal::RangeTooLarge
    } else {
        NodeRefusal::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_known_nodes_are_understood() {
        for (code, message, refusal) in [
            (-32_000, "unknown block", NodeRefusal::UnknownBlock),
            (-32_000, "header for hash not found", NodeRefusal::UnknownBlock),
            (-32_602, "Block not found", NodeRefusal::UnknownBlock),
            (-32_602, "exceed max block range: 5000", NodeRefusal::RangeTooLarge),
            (-32_005, "query returned more than 10000 results", NodeRefusal::RangeTooLarge),
            (-32_005, "limit exceeded", NodeRefusal::RangeTooLarge),
            (-32_005, "daily request limit reached", NodeRefusal::RateLimited),
            (429, "", NodeRefusal::RateLimited),
            (-32_601, "the method eth_getBlockReceipts does not exist", NodeRefusal::UnknownMethod),
            (3, "execution reverted", NodeRefusal::Reverted),
            (-32_000, "VM Exception while processing transaction: revert", NodeRefusal::Reverted),
            (-32_602, "TAG safe not supported", NodeRefusal::Other),
        ] {
            assert_eq!(classify(code, message), refusal, "{code} {message}");
        }
    }
}
