//! The doors outward, as traits. Core and engine know only these; `handsel-net`, `handsel-sandbox` and tests stand behind
//! them. Futures are boxed by hand so that core stays free of any runtime.

use crate::chain::{BlockHash, ChainError, HeadTag, Header, SourceNotice, Transfer};
use crate::delivery::{HookOutcome, HookRequest};
use crate::id::ReceiverId;
use crate::rate::{Pair, Ratio};
use crate::time::Timestamp;
use core::fmt::Debug;
use core::future::Future;
use core::pin::Pin;

/// A boxed future, as the ports give it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The only source of time. `dev` and tests move it by hand.
pub trait Clock: Send + Sync + Debug {
    /// The time that objects, expiry, retries and rotation follow.
    fn now(&self) -> Timestamp;
    /// The time of the wall, for signatures and rate limits, whatever the test clock says.
    fn wall(&self) -> Timestamp;
    /// Ends when `now()` has reached `until`, also when the clock was moved by hand.
    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()>;
}

/// The only source of chance.
pub trait Entropy: Send + Sync + Debug {
    fn fill(&self, bytes: &mut [u8]);
}

/// One EVM-like chain, as its providers show it. Every answer may be late, or of a branch that is gone: the pure watcher judges. What a
/// block contradicts is an error ([`ChainError::Disproved`]) where the chain lets it prove itself.
pub trait ChainSource: Send + Sync + Debug {
    /// EIP-155 chain id as the node states it.
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>>;
    /// The header at a tag; `None` where the node doesn't know such a block (yet).
    fn head(&self, tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>>;
    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>>;
    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>>;
    /// All ERC-20 transfers of one block, by block HASH, so that an empty answer means something (EIP-234).
    /// Includes tokens that nobody listed: the matcher counts and ignores those.
    fn transfers(&self, block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>>;
    /// The decimals that a token states of itself, to compare with the configuration; `None` where the node knows for sure that
    /// it states none (no contract, or one without such a function). An error says nothing about the token.
    fn token_decimals(&self, token: crate::chain::Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>>;
    /// Ends at the latest after `limit`, earlier if the node hinted at a new head (WebSocket). A hint only.
    fn wait_for_hint(&self, limit: core::time::Duration) -> BoxFuture<'_, ()>;
    /// What there is to tell of single nodes since the last call.
    fn notices(&self) -> Vec<SourceNotice> {
        Vec::new()
    }
}

/// One voice on what currencies are worth in assets. It may lie or be late; `core::rate` judges.
pub trait RateSource: Send + Sync + Debug {
    /// As the configuration names it.
    fn name(&self) -> &str;
    /// Asks for all of these at once. Pairs that the source doesn't know are left out.
    fn rates<'a>(&'a self, pairs: &'a [Pair]) -> BoxFuture<'a, Result<Vec<Priced>, RateError>>;
}

/// What a source said of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    pub pair: Pair,
    /// Units of the asset for one unit of the currency.
    pub ratio: Ratio,
    /// The source's own time of it, if it tells.
    pub as_of: Option<Timestamp>,
}

/// Why a source said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateError {
    /// No answer, or an HTTP error.
    Unavailable(&'static str),
    /// An answer without what must be in it.
    Malformed(&'static str),
    /// It failed too often and is left alone for a while.
    Resting,
}

impl core::fmt::Display for RateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the rate source can't be asked ({why}); check its url"),
            Self::Malformed(what) => write!(f, "the rate source's answer is not usable ({what}); check its pointers"),
            Self::Resting => f.write_str("the rate source failed several times and is asked again shortly"),
        }
    }
}
impl core::error::Error for RateError {}

/// Sends one signed webhook attempt.
pub trait HookSender: Send + Sync + Debug {
    fn send(&self, request: HookRequest) -> BoxFuture<'_, HookOutcome>;
}

/// Judges a webhook URL's host at registration (resolution included) without sending anything.
pub trait HostJudge: Send + Sync + Debug {
    /// `Ok` where every address that the name resolves to is allowed, or the name doesn't resolve yet.
    fn judge(&self, host: &str, port: u16) -> BoxFuture<'_, Result<(), HostRefused>>;
}

/// A host that resolves to an address which webhooks may not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRefused {
    /// The class of the offending address ("private", "link-local", "metadata", …), never the address itself.
    pub class: &'static str,
}

/// What the sandbox can do on command (02 "Sandbox only"). Amounts are atomic units of the token.
pub trait TestWorld: Send + Sync + Debug {
    fn pay(&self, order: PayOrder) -> BoxFuture<'_, Result<PaidTransaction, TestError>>;
    fn mine(&self, network: &str, blocks: u64) -> BoxFuture<'_, Result<u64, TestError>>;
    /// Mines until everything that is there is confirmed and finalized; gives the new head.
    fn finalize(&self, network: &str) -> BoxFuture<'_, Result<u64, TestError>>;
    fn reorg(&self, network: &str, depth: u64, drop: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u64, TestError>>;
    fn fault(&self, network: &str, kind: &str, seconds: u64) -> BoxFuture<'_, Result<(), TestError>>;
    fn advance_clock(&self, seconds: u64) -> BoxFuture<'_, Result<Timestamp, TestError>>;
    fn set_clock(&self, to: Timestamp) -> BoxFuture<'_, Result<Timestamp, TestError>>;
    fn add_receiver(&self, statuses: Vec<u16>, delay_ms: u64)
    -> BoxFuture<'_, Result<(ReceiverId, String), TestError>>;
    fn receiver_requests(&self, id: ReceiverId) -> BoxFuture<'_, Result<Vec<ReceivedRequest>, TestError>>;
}

/// A transfer that the sandbox is asked to broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayOrder {
    pub network: String,
    pub asset: String,
    pub to: crate::chain::Address,
    pub amount: u128,
    /// A payer's address; the sandbox has a default one.
    pub from: Option<crate::chain::Address>,
    pub how: PayHow,
}

/// How the broadcast goes on after `pay` (magic cents, 02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayHow {
    /// In the next block.
    Mined,
    /// Mined, reorganised away after two confirmations, and re-included.
    ReorgedOnce,
    /// Stays in the mempool.
    Pending,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidTransaction {
    pub network: String,
    pub transaction: [u8; 32],
}

/// Why the sandbox could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestError {
    UnknownNetwork,
    UnknownAsset,
    UnknownReceiver,
    /// With the names that there are, for people.
    UnknownFault {
        known: &'static str,
    },
    /// The request makes no sense, with the reason for people.
    Invalid(&'static str),
    /// The node that `--chain-rpc` names refused.
    Node(String),
}

/// One request as a test receiver saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRequest {
    pub at: Timestamp,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}
