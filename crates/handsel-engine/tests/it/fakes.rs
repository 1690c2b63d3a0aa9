//! A chain and a receiver behind core's ports, moved by hand.

use crate::harness::START_SECONDS;
use handsel_core::chain::{Address, BlockHash, ChainError, HeadTag, Header, Transfer, TxHash};
use handsel_core::delivery::{HookAnswer, HookOutcome, HookRequest, Timing};
use handsel_core::port::{BoxFuture, ChainSource, HookSender};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// Blocks above the finalized one.
const FINALIZED_DEPTH: usize = 4;
pub(crate) const USDC: Address = Address([0xc1; 20]);

#[derive(Debug, Clone)]
struct Block {
    header: Header,
    transfers: Vec<Transfer>,
}

#[derive(Debug, Default)]
struct Blocks {
    canon: Vec<Block>,
    /// Every block that ever was, by hash: a node goes on answering about orphans for a while.
    all: HashMap<BlockHash, Block>,
    made: u64,
    broken: bool,
    /// So often the node has an internal error where it is asked for a token's decimals.
    decimals_refusals: u32,
    /// What USDC states of its decimals, where it is not 6.
    usdc_decimals: Option<u8>,
}

/// A node with one chain.
#[derive(Debug)]
pub(crate) struct FakeChain {
    chain_id: u64,
    blocks: Mutex<Blocks>,
}

/// A transfer of USDC that is to be mined.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pay {
    pub(crate) tx: u8,
    pub(crate) to: Address,
    pub(crate) value: u128,
}

impl FakeChain {
    pub(crate) fn new(chain_id: u64) -> Self {
        let chain = Self { chain_id, blocks: Mutex::default() };
        chain.mine(&[]);
        chain
    }

    pub(crate) fn mine(&self, pays: &[Pay]) -> Header {
        let mut blocks = self.blocks.lock().unwrap();
        blocks.made += 1;
        let number = blocks.canon.len() as u64;
        let mut hash = [0xb1; 32];
        hash[..8].copy_from_slice(&blocks.made.to_be_bytes());
        let hash = BlockHash(hash);
        let parent = blocks.canon.last().map_or(BlockHash([0; 32]), |b| b.header.hash);
        let time_seconds = u64::try_from(START_SECONDS).unwrap() + number;
        let header = Header { number, hash, parent, time_seconds };
        let transfers = pays.iter().enumerate().map(|(n, pay)| {
            let mut value = [0u8; 32];
            value[16..].copy_from_slice(&pay.value.to_be_bytes());
            Transfer {
                block: hash,
                tx: TxHash([pay.tx; 32]),
                block_log_index: n as u64,
                tx_position: 0,
                token: USDC,
                from: Address([0xaa; 20]),
                to: pay.to,
                value,
            }
        });
        let block = Block { header, transfers: transfers.collect() };
        blocks.all.insert(hash, block.clone());
        blocks.canon.push(block);
        header
    }

    pub(crate) fn mine_empty(&self, count: usize) {
        for _ in 0..count {
            self.mine(&[]);
        }
    }

    /// Takes the newest blocks back; their transactions are gone.
    pub(crate) fn take_back(&self, depth: usize) {
        let mut blocks = self.blocks.lock().unwrap();
        let left = blocks.canon.len() - depth;
        blocks.canon.truncate(left);
    }

    pub(crate) fn set_broken(&self, broken: bool) {
        self.blocks.lock().unwrap().broken = broken;
    }

    pub(crate) fn refuse_decimals(&self, times: u32) {
        self.blocks.lock().unwrap().decimals_refusals = times;
    }

    pub(crate) fn set_usdc_decimals(&self, decimals: u8) {
        self.blocks.lock().unwrap().usdc_decimals = Some(decimals);
    }

    pub(crate) fn height(&self) -> u64 {
        self.blocks.lock().unwrap().canon.len() as u64 - 1
    }

    fn read<T: Send + 'static>(&self, ask: impl FnOnce(&Blocks) -> T) -> BoxFuture<'_, Result<T, ChainError>> {
        let blocks = self.blocks.lock().unwrap();
        let answer = if blocks.broken { Err(ChainError::Unavailable("broken by the test")) } else { Ok(ask(&blocks)) };
        Box::pin(async { answer })
    }
}

impl ChainSource for FakeChain {
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>> {
        let id = self.chain_id;
        self.read(move |_| id)
    }
    fn head(&self, tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.read(|blocks| {
            let depth = if tag == HeadTag::Latest { 1 } else { 1 + FINALIZED_DEPTH };
            let at = blocks.canon.len().checked_sub(depth)?;
            blocks.canon.get(at).map(|b| b.header)
        })
    }
    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.read(|blocks| blocks.canon.get(usize::try_from(number).unwrap()).map(|b| b.header))
    }
    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        self.read(|blocks| blocks.all.get(&hash).map(|b| b.header))
    }
    fn transfers(&self, block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>> {
        let found = self.read(move |blocks| blocks.all.get(&block).map(|b| b.transfers.clone()));
        Box::pin(async { found.await?.ok_or(ChainError::UnknownBlock) })
    }
    fn token_decimals(&self, token: Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>> {
        let refusals = self.blocks.lock().unwrap().decimals_refusals.checked_sub(1);
        if let Some(left) = refusals {
            self.blocks.lock().unwrap().decimals_refusals = left;
            return Box::pin(async { Err(ChainError::Refused { code: -32_603 }) });
        }
        self.read(move |blocks| match token {
            USDC => Some(blocks.usdc_decimals.unwrap_or(6)),
            Address([0xc2, ..]) => Some(18),
            _ => Some(6),
        })
    }
    fn wait_for_hint(&self, limit: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(limit.min(Duration::from_millis(5))))
    }
}

/// How a receiver answers, by its host.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Receiver {
    Status(u16),
    /// It accepts and never answers.
    BlackHole,
    /// The sender itself breaks.
    Breaks,
}

#[derive(Debug, Default)]
pub(crate) struct FakeSender {
    by_url: Mutex<HashMap<String, Receiver>>,
    received: Mutex<Vec<HookRequest>>,
}

impl FakeSender {
    pub(crate) fn answers(&self, url: &str, receiver: Receiver) {
        self.by_url.lock().unwrap().insert(url.to_owned(), receiver);
    }
    /// What arrived at a URL, in order.
    pub(crate) fn received(&self, url: &str) -> Vec<HookRequest> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|r| r.url.expose() == url).cloned().collect()
    }
}

impl HookSender for FakeSender {
    fn send(&self, request: HookRequest) -> BoxFuture<'_, HookOutcome> {
        let receiver = self.by_url.lock().unwrap().get(request.url.expose()).copied();
        self.received.lock().unwrap().push(request);
        Box::pin(async move {
            match receiver.unwrap_or(Receiver::Status(200)) {
                Receiver::BlackHole => std::future::pending().await,
                Receiver::Breaks => panic!("broken by the test"),
                Receiver::Status(status) => {
                    let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
                    let answer = HookAnswer { status, headers, body: b"thanks".to_vec(), retry_after_seconds: None };
                    HookOutcome { result: Ok(answer), timing: Timing::default() }
                }
            }
        })
    }
}
