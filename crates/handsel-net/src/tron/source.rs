//! One node of Tron as the port `ChainSource`.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use handsel_core::chain::proof::Disproof;
use handsel_core::chain::{Address, BlockHash, ChainError, HeadTag, Header, Transfer};
use handsel_core::limits::RPC_BLOCK_ANSWER_MAX_BYTES;
use handsel_core::port::{BoxFuture, ChainSource};

use super::decode::{TronBlock, TronLogs, TronReceipt, TronReceipts};
use crate::egress::{NamedOptions, SetupError};
use crate::evm::{LoggedTransfer, TRANSFER_TOPIC, chain_error, numbered, stated_chain_id, stated_decimals};
use crate::rpc::{Call, NodeRefusal, RpcClient, RpcError, Transport};

/// One node, by its `/jsonrpc` URL. It has no WebSocket.
#[derive(Debug)]
pub struct TronSource {
    rpc: RpcClient,
}

impl TronSource {
    /// # Errors
    /// A URL that is none, or an unusable extra root.
    pub fn new(url: &str, options: &NamedOptions) -> Result<Self, SetupError> {
        Ok(Self { rpc: RpcClient::new(&[url], options)? })
    }

    /// Asks a node that is reached in some way of its own.
    pub fn over(node: Arc<dyn Transport>) -> Self {
        Self { rpc: RpcClient::over(vec![node]) }
    }

    /// The node as the operator knows it: host and port, never the whole URL.
    pub fn label(&self) -> String {
        self.rpc.label()
    }

    async fn block(
        &self,
        call: Call,
        asked_for: impl Fn(&Header) -> bool,
    ) -> Result<Option<(TronBlock, Header)>, ChainError> {
        let judge = |block: TronBlock| {
            let header = block.header()?;
            if asked_for(&header) { Ok((block, header)) } else { Err(Disproof::AnotherBlock) }
        };
        match self.rpc.call_judged(&call, RPC_BLOCK_ANSWER_MAX_BYTES, judge).await.map_err(chain_error) {
            Ok(found) => Ok(Some(found)),
            Err(ChainError::UnknownBlock) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn at(&self, name: String, asked_for: impl Fn(&Header) -> bool) -> Result<Option<Header>, ChainError> {
        let call = Call::new("eth_getBlockByNumber", format!(r#"["{name}",false]"#));
        Ok(self.block(call, asked_for).await?.map(|(_, header)| header))
    }

    async fn by_hash(&self, hash: BlockHash) -> Result<Option<(TronBlock, Header)>, ChainError> {
        let call = Call::new("eth_getBlockByHash", format!(r#"["{hash}",false]"#));
        self.block(call, |header| header.hash == hash).await
    }

    async fn transfers_of(&self, hash: BlockHash) -> Result<Vec<Transfer>, ChainError> {
        let (block, header) = self.by_hash(hash).await?.ok_or(ChainError::UnknownBlock)?;
        if block.transactions().len() == 0 {
            return Ok(Vec::new());
        }
        let call = Call::new("eth_getBlockReceipts", format!(r#"["{hash}"]"#));
        let judge = |receipts: TronReceipts| receipts.transfers(&block);
        let logs = match self.rpc.call_judged(&call, RPC_BLOCK_ANSWER_MAX_BYTES, judge).await {
            Ok(logs) => logs,
            // Older nodes don't have the method, and some give null for blocks whose logs they still have.
            Err(RpcError::Node { refusal: NodeRefusal::UnknownMethod | NodeRefusal::UnknownBlock, .. }) => {
                self.checked_logs(&block, &header).await?
            }
            Err(error) => return Err(chain_error(error)),
        };
        Ok(numbered(logs)?.into_iter().map(|(_, transfer)| transfer).collect())
    }

    /// The logs of a block, compared with the receipts of the transactions that they are of. A node that has lost what a block's
    /// transactions did leaves their logs out without a word, so without any log one receipt is asked for: a node has those of a block
    /// all or none.
    async fn checked_logs(&self, block: &TronBlock, header: &Header) -> Result<Vec<LoggedTransfer>, ChainError> {
        let filter = format!(r#"[{{"blockHash":"{}","topics":[["{TRANSFER_TOPIC}"]]}}]"#, header.hash);
        let judge = |logs: TronLogs| logs.transfers(block);
        let call = Call::new("eth_getLogs", filter);
        let logs = self.rpc.call_judged(&call, RPC_BLOCK_ANSWER_MAX_BYTES, judge).await.map_err(chain_error)?;
        let mut of_transaction: BTreeMap<usize, Vec<LoggedTransfer>> = BTreeMap::new();
        for (index, tx) in block.transactions().enumerate() {
            let own: Vec<_> = logs.iter().filter(|log| log.tx == tx).copied().collect();
            if !own.is_empty() {
                of_transaction.insert(index, own);
            }
        }
        if of_transaction.is_empty() {
            of_transaction.insert(0, Vec::new());
        }
        let receipts = self.receipts(block, of_transaction.keys().copied()).await?;
        let mut kept = Vec::with_capacity(logs.len());
        for (receipt, (index, own)) in receipts.iter().zip(of_transaction) {
            let tx =
                block.transactions().nth(index).ok_or(ChainError::Malformed("a block without its transactions"))?;
            receipt.judge(header, index, tx).map_err(ChainError::Disproved)?;
            let stated = receipt.transfers(header, 0);
            if !receipt.succeeded() {
                continue;
            }
            let same = |(a, b): (&LoggedTransfer, &LoggedTransfer)| {
                (a.token, a.from, a.to, a.value) == (b.token, b.from, b.to, b.value)
            };
            if stated.len() != own.len() || !stated.iter().zip(&own).all(same) {
                return Err(ChainError::Disproved(Disproof::Place));
            }
            kept.extend(own);
        }
        Ok(kept)
    }

    /// The receipts of these transactions of a block, in order.
    async fn receipts(
        &self,
        block: &TronBlock,
        indexes: impl Iterator<Item = usize>,
    ) -> Result<Vec<TronReceipt>, ChainError> {
        let call = |index| {
            let tx = block.transactions().nth(index)?;
            Some(Call::new("eth_getTransactionReceipt", format!(r#"["{tx}"]"#)))
        };
        let calls: Vec<Call> = indexes.filter_map(call).collect();
        let answers = self.rpc.batch::<TronReceipt>(&calls, RPC_BLOCK_ANSWER_MAX_BYTES).await.map_err(chain_error)?;
        let mut receipts = Vec::with_capacity(answers.len());
        for answer in answers {
            const LOST: ChainError =
                ChainError::Unavailable("it has no receipts of a block that it knows; use a full node");
            receipts.push(answer.map_err(chain_error)?.ok_or(LOST)?);
        }
        Ok(receipts)
    }
}

impl ChainSource for TronSource {
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>> {
        Box::pin(stated_chain_id(&self.rpc))
    }

    fn head(&self, tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        let tag = match tag {
            HeadTag::Latest => "latest",
            HeadTag::Finalized => "finalized",
        };
        Box::pin(self.at(tag.to_owned(), |_| true))
    }

    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        Box::pin(self.at(format!("0x{number:x}"), move |header| header.number == number))
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        Box::pin(async move { Ok(self.by_hash(hash).await?.map(|(_, header)| header)) })
    }

    fn transfers(&self, block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>> {
        Box::pin(self.transfers_of(block))
    }

    fn token_decimals(&self, token: Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>> {
        Box::pin(stated_decimals(&self.rpc, token))
    }

    fn wait_for_hint(&self, limit: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(limit))
    }
}
