//! The port `ChainSource` over JSON-RPC. Everything a node says is checked against what was asked before it is passed on, and proven by
//! the block itself as far as the chain's [`VerifyMode`] says. What is disproved is an error; whom to ask then, and what several nodes
//! must agree on, is decided in [`crate::quorum`].

use core::time::Duration;

use std::sync::Arc;

use handsel_core::chain::proof::{Disproof, VerifyMode};
use handsel_core::chain::{Address, BlockHash, ChainError, HeadTag, Header, Transfer};
use handsel_core::limits::{RPC_ANSWER_MAX_BYTES, RPC_BLOCK_ANSWER_MAX_BYTES};
use handsel_core::port::{BoxFuture, ChainSource};

use super::all_logs::BlockLogs;
use super::decode::{CallWord, LoggedTransfer, Quantity, ReceiptTransfers, TRANSFER_TOPIC, TransferLogs, WireHeader};
use super::proven::ProvenHeaders;
use super::receipts::BlockReceipts;
use super::sealed::{ProvenHeader, SealedHeader};
use crate::egress::{EgressError, NamedOptions, SetupError};
use crate::rpc::{Call, HeadHints, NodeRefusal, RpcClient, RpcError, Transport};

/// One EVM-like chain behind the nodes that the operator named.
#[derive(Debug)]
pub struct EvmSource {
    rpc: RpcClient,
    hints: Option<HeadHints>,
    verify: VerifyMode,
    proven: ProvenHeaders,
}

/// How a header is asked for.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Tag(&'static str),
    Number(u64),
    Hash(BlockHash),
}

impl Wanted {
    fn call(self) -> Call {
        match self {
            Self::Tag(tag) => Call::new("eth_getBlockByNumber", format!(r#"["{tag}",false]"#)),
            Self::Number(number) => Call::new("eth_getBlockByNumber", format!(r#"["0x{number:x}",false]"#)),
            Self::Hash(hash) => Call::new("eth_getBlockByHash", format!(r#"["{hash}",false]"#)),
        }
    }

    /// The answer is about what was asked for.
    fn check(self, header: &Header) -> Result<(), Disproof> {
        let fits = match self {
            Self::Tag(_) => true,
            Self::Number(number) => header.number == number,
            Self::Hash(hash) => header.hash == hash,
        };
        if fits { Ok(()) } else { Err(Disproof::AnotherBlock) }
    }
}

impl EvmSource {
    /// Asks these nodes, in this order. The first `ws://` or `wss://` URL among them serves as the source of hints at new heads; it is
    /// never asked for data.
    ///
    /// # Errors
    /// The first URL that is none, a list without any http URL, or an unusable extra root.
    pub fn new<U: AsRef<str>>(urls: &[U], options: &NamedOptions, verify: VerifyMode) -> Result<Self, SetupError> {
        let (sockets, plain): (Vec<&str>, Vec<&str>) =
            urls.iter().map(AsRef::as_ref).partition(|url| url.starts_with("ws://") || url.starts_with("wss://"));
        if plain.is_empty() {
            return Err(SetupError::NoHttpUrl);
        }
        let hints = sockets.first().map(|url| HeadHints::new(url, options)).transpose()?;
        Ok(Self { rpc: RpcClient::new(&plain, options)?, hints, verify, proven: ProvenHeaders::default() })
    }

    /// Asks one node that is reached in some way of its own; nobody hints at its new heads.
    pub fn over(node: Arc<dyn Transport>, verify: VerifyMode) -> Self {
        Self { rpc: RpcClient::over(vec![node]), hints: None, verify, proven: ProvenHeaders::default() }
    }

    /// The first node as the operator knows it: host and port, never the whole URL.
    pub fn label(&self) -> String {
        self.rpc.label()
    }

    async fn header_by(&self, wanted: Wanted) -> Result<Option<Header>, ChainError> {
        let found = if self.verify.seals() {
            self.proven_header(wanted).await.map(|header| header.header())
        } else {
            let judge = |wire: WireHeader| wanted.check(&wire.header()).map(|()| wire.header());
            self.rpc.call_judged(&wanted.call(), RPC_BLOCK_ANSWER_MAX_BYTES, judge).await
        };
        match found.map_err(chain_error) {
            Ok(header) => Ok(Some(header)),
            // Also how some nodes say that no block has that tag yet ("finalized block not found").
            Err(ChainError::UnknownBlock) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn proven_header(&self, wanted: Wanted) -> Result<Arc<ProvenHeader>, RpcError> {
        let judge = |sealed: SealedHeader| {
            let proven = sealed.prove()?;
            wanted.check(&proven.header()).map(|()| proven)
        };
        let header = self.rpc.call_judged(&wanted.call(), RPC_BLOCK_ANSWER_MAX_BYTES, judge).await?;
        Ok(self.proven.keep(header))
    }

    /// The proven header of a block by its hash, mostly known from when the chain was followed.
    async fn header_of(&self, block: BlockHash) -> Result<Arc<ProvenHeader>, RpcError> {
        match self.proven.get(block) {
            Some(header) => Ok(header),
            None => self.proven_header(Wanted::Hash(block)).await,
        }
    }

    async fn transfers_of(&self, block: BlockHash) -> Result<Vec<Transfer>, ChainError> {
        match self.verify {
            VerifyMode::ReceiptsRoot => self.transfers_by_receipts(block).await,
            VerifyMode::LogsBloom => self.transfers_by_bloom(block).await,
            VerifyMode::QuorumDigest => self.transfers_as_told(block).await,
        }
    }

    /// One node's receipts, proven by the header.
    async fn transfers_by_receipts(&self, block: BlockHash) -> Result<Vec<Transfer>, ChainError> {
        let header = self.header_of(block).await.map_err(chain_error)?;
        let call = Call::new("eth_getBlockReceipts", format!(r#"["{block}"]"#));
        let judge = |receipts: BlockReceipts| receipts.prove(&header);
        match self.rpc.call_judged(&call, RPC_BLOCK_ANSWER_MAX_BYTES, judge).await {
            Ok(logs) => in_block(logs),
            Err(RpcError::Node { refusal: NodeRefusal::UnknownMethod, .. }) => Err(ChainError::Unavailable(
                "it has no eth_getBlockReceipts; use another node, or set verify for this network",
            )),
            Err(error) => {
                // The list of transactions came with the header, from a node that may be the one that is wrong.
                if error == RpcError::Disproved(Disproof::Transactions) {
                    self.proven.forget(block);
                }
                Err(chain_error(error))
            }
        }
    }

    /// One node's logs, held to the bloom of the header. Amounts are for the quorum to compare.
    async fn transfers_by_bloom(&self, block: BlockHash) -> Result<Vec<Transfer>, ChainError> {
        let header = self.header_of(block).await.map_err(chain_error)?;
        let call = Call::new("eth_getLogs", format!(r#"[{{"blockHash":"{block}"}}]"#));
        let judge = |logs: BlockLogs| logs.compare(&header);
        in_block(self.rpc.call_judged(&call, RPC_BLOCK_ANSWER_MAX_BYTES, judge).await.map_err(chain_error)?)
    }

    /// One node's word, for the quorum to compare.
    async fn transfers_as_told(&self, block: BlockHash) -> Result<Vec<Transfer>, ChainError> {
        let of_block = |logs: Vec<LoggedTransfer>| match logs.iter().all(|log| log.block == block) {
            true => Ok(logs),
            false => Err(Disproof::AnotherBlock),
        };
        let call = Call::new("eth_getLogs", format!(r#"[{{"blockHash":"{block}","topics":[["{TRANSFER_TOPIC}"]]}}]"#));
        let judge = |logs: TransferLogs| of_block(logs.0);
        let logs = match self.rpc.call_judged(&call, RPC_BLOCK_ANSWER_MAX_BYTES, judge).await {
            // A node that cannot or will not give logs may still give receipts.
            Err(RpcError::Node { refusal: NodeRefusal::UnknownMethod | NodeRefusal::RangeTooLarge, .. }) => {
                let call = Call::new("eth_getBlockReceipts", format!(r#"["{block}"]"#));
                let judge = |found: ReceiptTransfers| of_block(found.0);
                self.rpc.call_judged(&call, RPC_BLOCK_ANSWER_MAX_BYTES, judge).await
            }
            other => other,
        };
        in_block(logs.map_err(chain_error)?)
    }

    /// The transfers of a range of heights with the height of each, for catching up far below the finalized block. A range that a node
    /// finds too large is halved until it answers.
    ///
    /// # Errors
    /// As of the port; `Refused` when even a single block is too much.
    pub async fn transfers_between(&self, first: u64, last: u64) -> Result<Vec<(u64, Transfer)>, ChainError> {
        let mut found = Vec::new();
        let mut waiting = vec![(first, last)];
        while let Some((from, to)) = waiting.pop() {
            let filter =
                format!(r#"[{{"fromBlock":"0x{from:x}","toBlock":"0x{to:x}","topics":[["{TRANSFER_TOPIC}"]]}}]"#);
            match self.rpc.call::<TransferLogs>(&Call::new("eth_getLogs", filter), RPC_BLOCK_ANSWER_MAX_BYTES).await {
                Ok(logs) => {
                    let logs = logs.ok_or(ChainError::Malformed("no list of logs"))?.0;
                    if logs.iter().any(|log| log.number < from || log.number > to) {
                        return Err(ChainError::Malformed("logs of another range"));
                    }
                    found.extend(numbered(logs)?);
                }
                Err(error) if is_too_much(error) && from < to => {
                    let middle = from.midpoint(to);
                    waiting.push((middle.saturating_add(1), to));
                    waiting.push((from, middle));
                }
                Err(error) => return Err(chain_error(error)),
            }
        }
        Ok(found)
    }
}

impl ChainSource for EvmSource {
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>> {
        Box::pin(stated_chain_id(&self.rpc))
    }

    fn head(&self, tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        Box::pin(self.header_by(Wanted::Tag(match tag {
            HeadTag::Latest => "latest",
            HeadTag::Finalized => "finalized",
        })))
    }

    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        Box::pin(self.header_by(Wanted::Number(number)))
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        Box::pin(self.header_by(Wanted::Hash(hash)))
    }

    fn transfers(&self, block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>> {
        Box::pin(self.transfers_of(block))
    }

    fn token_decimals(&self, token: Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>> {
        Box::pin(stated_decimals(&self.rpc, token))
    }

    fn wait_for_hint(&self, limit: Duration) -> BoxFuture<'_, ()> {
        match &self.hints {
            Some(hints) => Box::pin(hints.wait(limit)),
            None => Box::pin(tokio::time::sleep(limit)),
        }
    }
}

/// The chain's id, as a node states it.
pub(crate) async fn stated_chain_id(rpc: &RpcClient) -> Result<u64, ChainError> {
    let call = Call::new("eth_chainId", "[]".to_owned());
    let id: Option<Quantity> = rpc.call(&call, RPC_ANSWER_MAX_BYTES).await.map_err(chain_error)?;
    id.map(|id| id.0).ok_or(ChainError::Malformed("no chain id"))
}

/// The decimals of a token, as its contract states them; `None` where it states none.
pub(crate) async fn stated_decimals(rpc: &RpcClient, token: Address) -> Result<Option<u8>, ChainError> {
    // The selector of `decimals()`.
    let call = Call::new("eth_call", format!(r#"[{{"to":"{token}","data":"0x313ce567"}},"latest"]"#));
    let word: Option<CallWord> = match rpc.call(&call, RPC_ANSWER_MAX_BYTES).await {
        Err(RpcError::Node { refusal: NodeRefusal::Reverted, .. }) => return Ok(None),
        answer => answer.map_err(chain_error)?,
    };
    let word = word.ok_or(ChainError::Malformed("no answer of the token's contract"))?;
    Ok(word.0.and_then(|word| match word.split_at(31) {
        (head, [decimals]) if head.iter().all(|byte| *byte == 0) => Some(*decimals),
        _ => None,
    }))
}

fn in_block(logs: Vec<LoggedTransfer>) -> Result<Vec<Transfer>, ChainError> {
    Ok(numbered(logs)?.into_iter().map(|(_, transfer)| transfer).collect())
}

/// Sorts by height and log index and counts each transaction's transfers, which is part of a payment's identity.
///
/// # Errors
/// When a log was taken back or two logs claim one place.
pub fn numbered(mut logs: Vec<LoggedTransfer>) -> Result<Vec<(u64, Transfer)>, ChainError> {
    if logs.iter().any(|log| log.removed) {
        return Err(ChainError::UnknownBlock);
    }
    logs.sort_by_key(|log| (log.number, log.log_index));
    let mut transfers: Vec<(u64, Transfer)> = Vec::with_capacity(logs.len());
    for log in logs {
        let tx_position = match transfers.last() {
            Some((number, last)) if *number == log.number && last.block_log_index == log.log_index => {
                return Err(ChainError::Malformed("two logs with one index"));
            }
            // The logs of one transaction stand together in a block.
            Some((number, last)) if *number == log.number && last.tx == log.tx => last.tx_position.saturating_add(1),
            _ => 0,
        };
        transfers.push((
            log.number,
            Transfer {
                block: log.block,
                tx: log.tx,
                block_log_index: log.log_index,
                tx_position,
                token: log.token,
                from: log.from,
                to: log.to,
                value: log.value,
            },
        ));
    }
    Ok(transfers)
}

const fn is_too_much(error: RpcError) -> bool {
    matches!(
        error,
        RpcError::Node { refusal: NodeRefusal::RangeTooLarge, .. } | RpcError::Transport(EgressError::ResponseTooLarge)
    )
}

pub(crate) const fn chain_error(error: RpcError) -> ChainError {
    match error {
        RpcError::Transport(EgressError::ResponseTooLarge) => ChainError::Malformed("an answer over the size limit"),
        RpcError::Transport(EgressError::ProtocolError) => ChainError::Malformed("no HTTP"),
        RpcError::Transport(EgressError::Timeout(_)) => ChainError::Unavailable("too slow"),
        RpcError::Transport(EgressError::TlsFailed) => ChainError::Unavailable("its certificate is not trusted"),
        RpcError::Transport(EgressError::DnsFailed) => ChainError::Unavailable("its name does not resolve"),
        RpcError::Transport(_) => ChainError::Unavailable("no connection"),
        RpcError::HttpStatus(401 | 403) => ChainError::Unavailable("it refused the key in rpc_urls"),
        RpcError::HttpStatus(429) | RpcError::Node { refusal: NodeRefusal::RateLimited, .. } => {
            ChainError::Unavailable("it limits the rate of calls")
        }
        RpcError::HttpStatus(_) => ChainError::Unavailable("an HTTP error status"),
        RpcError::Malformed(what) => ChainError::Malformed(what),
        RpcError::Node { refusal: NodeRefusal::UnknownBlock, .. } => ChainError::UnknownBlock,
        RpcError::Node { code, .. } => ChainError::Refused { code },
        RpcError::Disproved(what) => ChainError::Disproved(what),
        RpcError::AllOpen => ChainError::Unavailable("every node was failing a moment ago"),
    }
}
