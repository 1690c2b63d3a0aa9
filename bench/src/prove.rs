//! From the bytes of a node's two answers about a block, its header and its receipts, to what pays whom and is proven, against merely
//! skipping the same bytes, on one thread; and the same with each block committed durably before the next one is read.

use crate::blocks::{TRANSFERS, render};
use crate::chance::Chance;
use crate::cpu;
use crate::parse_match::{self, Scene};
use crate::report::{Failure, Report, median};
use handsel_core::chain::proof::{Bloom, Hash, Outcome, ReceiptHead, ReceiptList, SealedFields};
use handsel_core::chain::{Address, Header};
use handsel_core::change::{Change, CursorMove};
use handsel_core::time::Timestamp;
use handsel_net::evm::{BlockReceipts, SealedHeader, fixed_bytes, numbered, quantity};
use handsel_net::rpc::read_answer;
use handsel_store::{Store, StoreConfig};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Instant;

const BLOCKS: u64 = 64;
const ROUNDS: usize = 9;
const COMMITTED_ROUNDS: u64 = 8;
const CALL_ID: u64 = 7;
const GAS_OF_A_RECEIPT: u64 = 150_000;
/// What follows from 300 proven blocks a second where skipping does 5,500.
const GOAL: f64 = 0.055;
const GOAL_COMMITTED: f64 = 300.0;

/// One block as a node answers about it.
struct Answers {
    header: Vec<u8>,
    receipts: Vec<u8>,
    paying: usize,
}

/// Measures.
///
/// # Errors
/// When a block is not proven, or the store refuses.
pub(crate) fn run() -> Result<Report, Failure> {
    let mut report = Report::default();
    let (scene, chance, addresses) = parse_match::scene()?;
    let blocks = answers(&chance, &scene, &addresses)?;
    let (mut proven, mut ratios) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let floor = cpu::seconds_of(|| skip(&blocks));
        let mut found = Ok(());
        let real = cpu::seconds_of(|| found = blocks.iter().try_for_each(|block| scene.prove(block).map(drop)));
        found?;
        // The first round warms up.
        if round > 0 {
            proven.push(BLOCKS as f64 / real);
            ratios.push(floor / real);
        }
    }
    let bytes: usize = blocks.iter().map(|block| block.header.len() + block.receipts.len()).sum();
    report.tell("block", format!("{} KB, 200 receipts, 300 logs, 60 transfers", bytes as u64 / BLOCKS / 1000));
    report.tell("parse + proof + match", format!("{:.0} blocks/s", median(proven)));
    report.at_least("parse + proof + match / skip", median(ratios), GOAL, "");
    report.at_least("the same with a durable commit a block", scene.committed(&blocks)?, GOAL_COMMITTED, " blocks/s");
    Ok(report)
}

fn skip(blocks: &[Answers]) {
    for block in blocks {
        for answer in [&block.header, &block.receipts] {
            let skipped: Result<IgnoredAny, _> = serde_json::from_slice(answer);
            black_box(skipped.is_ok());
        }
    }
}

impl Scene {
    /// As the watcher does it; gives the header.
    fn prove(&self, block: &Answers) -> Result<Header, Failure> {
        let false_answer = |how| Failure::from(format!("a block was not proven: {how}"));
        let header: Option<SealedHeader> = read_answer(black_box(&block.header), CALL_ID)?;
        let header = header.ok_or("a null header")?.prove().map_err(false_answer)?;
        let receipts: Option<BlockReceipts> = read_answer(black_box(&block.receipts), CALL_ID)?;
        let transfers = numbered(receipts.ok_or("a null result")?.prove(&header).map_err(false_answer)?)?;
        if (transfers.len(), self.paying(&transfers)) != (TRANSFERS, block.paying) {
            return Err(Failure::from("a block was read otherwise than it was made"));
        }
        Ok(header.header())
    }

    /// Blocks a second by the wall's clock: proven, then one Change each on a store on disk.
    fn committed(&self, blocks: &[Answers]) -> Result<f64, Failure> {
        let directory = tempfile::tempdir()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = Store::open(StoreConfig::sqlite(directory.path())).await?;
            let (begun, mut tip) = (Instant::now(), None);
            for round in 0..COMMITTED_ROUNDS {
                for block in blocks {
                    let proven = self.prove(block)?;
                    // Each round is another stretch of the chain: the hashes are proven ones of the first.
                    let number = proven.number + round * BLOCKS;
                    let mut header = Header { number, ..proven };
                    header.hash.0[..8].copy_from_slice(&number.to_be_bytes());
                    let cursor = CursorMove {
                        network: self.network_name().to_owned(),
                        expected_tip: tip,
                        tip: header,
                        finalized: number.saturating_sub(64),
                        added: vec![header],
                        orphaned: Vec::new(),
                        halted: false,
                        resumes: false,
                        at: Timestamp::from_seconds(1_795_600_000),
                    };
                    store.writer.commit(Change { cursor: Some(cursor), ..Change::default() }).await?;
                    tip = Some(header.hash);
                }
            }
            let rate = (COMMITTED_ROUNDS * BLOCKS) as f64 / begun.elapsed().as_secs_f64();
            store.writer.close().await;
            Ok(rate)
        })
    }
}

fn answers(chance: &Chance, scene: &Scene, addresses: &[Address]) -> Result<Vec<Answers>, Failure> {
    let mut parent = chance.bytes();
    (0..BLOCKS)
        .map(|at| {
            let payees = parse_match::payees(chance, addresses);
            let block = render(chance, CALL_ID, 23_000_000 + at, &scene.tokens(), &payees);
            let (header, hash, stated) = header(chance, parent, &serde_json::from_slice(&block.answer)?)?;
            parent = hash;
            let receipts = String::from_utf8(block.answer)?.replace(&stated, &text(&hash)).into_bytes();
            Ok(Answers { header, receipts, paying: block.paying })
        })
        .collect()
}

fn text(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The header that belongs to these receipts as an answer, its hash, and the hash that the receipts state so far.
fn header(chance: &Chance, parent: Hash, answer: &Value) -> Result<(Vec<u8>, Hash, String), Failure> {
    let receipts = answer["result"].as_array().ok_or("no receipts")?;
    let (list, hashes) = sealed_receipts(receipts)?;
    let stated = receipts.first().and_then(|first| first["blockHash"].as_str()).ok_or("no block hash")?;
    let number = receipts.first().and_then(|first| first["blockNumber"].as_str()).and_then(quantity);
    let fields = SealedFields {
        parent,
        uncles_hash: chance.bytes(),
        miner: chance.bytes(),
        state_root: chance.bytes(),
        transactions_root: chance.bytes(),
        receipts_root: list.root(),
        bloom: Bloom(list.bloom().0),
        difficulty: [0; 32],
        number: number.ok_or("no block number")?,
        gas_limit: 45_000_000,
        gas_used: GAS_OF_A_RECEIPT * receipts.len() as u64,
        time_seconds: 1_760_000_000,
        extra: b"bench".to_vec(),
        mix: chance.bytes(),
        nonce: [0; 8],
        base_fee: Some([0; 32]),
        withdrawals_root: Some(chance.bytes()),
        blob_gas_used: Some(131_072),
        excess_blob_gas: Some(0),
        beacon_root: Some(chance.bytes()),
        requests_hash: Some(chance.bytes()),
        later: Vec::new(),
    };
    let hash = fields.hash();
    let result = json!({
        "hash": text(&hash), "parentHash": text(&fields.parent), "sha3Uncles": text(&fields.uncles_hash),
        "miner": text(&fields.miner), "stateRoot": text(&fields.state_root),
        "transactionsRoot": text(&fields.transactions_root), "receiptsRoot": text(&fields.receipts_root),
        "logsBloom": text(&fields.bloom.0), "difficulty": "0x0", "number": format!("{:#x}", fields.number),
        "gasLimit": format!("{:#x}", fields.gas_limit), "gasUsed": format!("{:#x}", fields.gas_used),
        "timestamp": format!("{:#x}", fields.time_seconds), "extraData": text(&fields.extra),
        "mixHash": text(&fields.mix), "nonce": text(&fields.nonce), "baseFeePerGas": "0x0",
        "withdrawalsRoot": fields.withdrawals_root.map(|hash| text(&hash)), "blobGasUsed": "0x20000",
        "excessBlobGas": "0x0", "parentBeaconBlockRoot": fields.beacon_root.map(|hash| text(&hash)),
        "requestsHash": fields.requests_hash.map(|hash| text(&hash)), "size": "0x5208", "uncles": [],
        "transactions": hashes,
    });
    let answer = json!({"jsonrpc": "2.0", "id": CALL_ID, "result": result}).to_string().into_bytes();
    Ok((answer, hash, stated.to_owned()))
}

/// The receipts as their trie holds them, and the hashes of their transactions.
fn sealed_receipts(receipts: &[Value]) -> Result<(ReceiptList, Vec<&str>), Failure> {
    const FORM: &str = "a receipt in another form than rendered";
    let mut list = ReceiptList::default();
    let mut hashes = Vec::new();
    for receipt in receipts {
        for log in receipt["logs"].as_array().ok_or(FORM)? {
            let topics = log["topics"].as_array().ok_or(FORM)?.iter().filter_map(Value::as_str);
            let topics: Vec<Hash> = topics.filter_map(fixed_bytes).collect();
            let data = log["data"].as_str().and_then(|data| hex::decode(data.get(2..)?).ok()).ok_or(FORM)?;
            list.log(&log["address"].as_str().and_then(fixed_bytes).ok_or(FORM)?, &topics, &data);
        }
        let head = ReceiptHead {
            kind: 2,
            outcome: Outcome::Succeeded,
            cumulative_gas: receipt["cumulativeGasUsed"].as_str().and_then(quantity).ok_or(FORM)?,
            bloom: &receipt["logsBloom"].as_str().and_then(fixed_bytes).ok_or(FORM)?,
        };
        if !list.close(&head) {
            return Err(Failure::from(FORM));
        }
        hashes.push(receipt["transactionHash"].as_str().ok_or(FORM)?);
    }
    Ok((list, hashes))
}
