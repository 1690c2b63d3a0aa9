//! From the bytes of a node's answer to what pays whom, against merely skipping the same bytes, on one thread.

use crate::blocks::{Block, TRANSFERS, render};
use crate::chance::Chance;
use crate::cpu;
use crate::report::{Failure, Report, median};
use handsel_core::chain::{Address, Kind, Network, Token, Transfer};
use handsel_core::id::{AccountId, CheckoutId};
use handsel_core::matching::{AddressBook, Match, Watch};
use handsel_net::evm::{ReceiptTransfers, numbered};
use handsel_net::rpc::read_answer;
use serde::de::IgnoredAny;
use std::hint::black_box;

const OPEN_ADDRESSES: usize = 1_000_000;
const ACCOUNTS: u64 = 1_000;
/// Different blocks: together far larger than any cache.
const BLOCKS: u64 = 64;
const PAYING_PER_BLOCK: usize = 3;
const ROUNDS: usize = 15;
const CALL_ID: u64 = 7;
const SEED: u64 = 0x6861_6e64_7365_6c00;
const GOAL: f64 = 0.4;

pub(crate) struct Scene {
    network: Network,
    book: AddressBook,
    /// What the book takes.
    resident_mib: f64,
    blocks: Vec<Block>,
}

/// The network and the book, the chance that made them, and the addresses in the book.
///
/// # Errors
/// When the memory can't be read.
pub(crate) fn scene() -> Result<(Scene, Chance, Vec<Address>), Failure> {
    let chance = Chance::new(SEED);
    let network = network(&chance);
    let addresses: Vec<Address> = (0..OPEN_ADDRESSES).map(|_| Address(chance.bytes())).collect();
    let before = cpu::resident_mib("self")?;
    let book = book(&chance, &network, &addresses);
    let resident_mib = cpu::resident_mib("self")? - before;
    Ok((Scene { network, book, resident_mib, blocks: Vec::new() }, chance, addresses))
}

/// Measures.
///
/// # Errors
/// When a block is read otherwise than it was made.
pub(crate) fn run() -> Result<Report, Failure> {
    let mut report = Report::default();
    let (mut scene, chance, addresses) = scene()?;
    scene.blocks = blocks(&chance, &scene, &addresses);
    let resident = scene.resident_mib;

    let (mut skipped, mut matched, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let floor = cpu::seconds_of(|| scene.skip());
        let mut found = Ok(());
        let real = cpu::seconds_of(|| found = scene.parse_and_match());
        found?;
        // The first round warms up.
        if round > 0 {
            skipped.push(BLOCKS as f64 / floor);
            matched.push(BLOCKS as f64 / real);
            ratios.push(floor / real);
        }
    }
    let bytes: usize = scene.blocks.iter().map(|b| b.answer.len()).sum();
    report.tell("block", format!("{} KB, 200 receipts, 300 logs, 60 transfers", bytes as u64 / BLOCKS / 1000));
    report.tell("address book, 1,000,000 open addresses", format!("{resident:.1} MiB resident"));
    report.tell("skip (IgnoredAny)", format!("{:.0} blocks/s", median(skipped)));
    report.tell("parse + match", format!("{:.0} blocks/s", median(matched)));
    report.at_least("parse + match / skip", median(ratios), GOAL, "");
    Ok(report)
}

impl Scene {
    /// How many of these transfers pay an open checkout.
    pub(crate) fn paying(&self, transfers: &[(u64, Transfer)]) -> usize {
        let found = transfers.iter().map(|(_, transfer)| self.book.lookup(&self.network, transfer));
        found.filter(|m| matches!(m, Match::Option { .. })).count()
    }

    pub(crate) fn tokens(&self) -> Vec<Address> {
        self.network.tokens.iter().map(|token| token.contract).collect()
    }

    pub(crate) fn network_name(&self) -> &str {
        &self.network.name
    }

    fn skip(&self) {
        for block in &self.blocks {
            let skipped: Result<IgnoredAny, _> = serde_json::from_slice(&block.answer);
            black_box(skipped.is_ok());
        }
    }

    /// As the watcher does it: the client's reading of the answer, order and identity, one look-up per transfer.
    fn parse_and_match(&self) -> Result<(), Failure> {
        for block in &self.blocks {
            let read: Option<ReceiptTransfers> = read_answer(black_box(&block.answer), CALL_ID)?;
            let transfers = numbered(read.ok_or("a null result")?.0)?;
            if (transfers.len(), self.paying(&transfers)) != (TRANSFERS, block.paying) {
                return Err(Failure::from("a block was read otherwise than it was made"));
            }
        }
        Ok(())
    }
}

fn network(chance: &Chance) -> Network {
    let token = |asset: &str| Token {
        asset: asset.to_owned(),
        contract: Address(chance.bytes()),
        decimals: 6,
        pegged_to: None,
    };
    Network {
        name: "ethereum".to_owned(),
        kind: Kind::Evm,
        chain_id: 1,
        confirmations: 12,
        min_seconds: 0,
        finalized_above_usd_cents: 100_000,
        block_time_ms: 12_000,
        tokens: vec![token("USDT"), token("USDC"), token("DAI")],
    }
}

/// A million checkouts with an address of their own each, payable in every token of the network.
fn book(chance: &Chance, network: &Network, addresses: &[Address]) -> AddressBook {
    let mut book = AddressBook::new(chance.next());
    book.reserve(addresses.len());
    for (at, address) in addresses.iter().enumerate() {
        for (option, token) in (0_u32..).zip(&network.tokens) {
            book.insert(&Watch {
                account: AccountId::from_bits(u128::from(at as u64 % ACCOUNTS) + 1),
                checkout: CheckoutId::from_bits(at as u128 + 1),
                option,
                network: &network.name,
                token: token.contract,
                address: *address,
                payable: 1_000_000,
                unique_amount: false,
            });
        }
    }
    book
}

fn blocks(chance: &Chance, scene: &Scene, addresses: &[Address]) -> Vec<Block> {
    let tokens = scene.tokens();
    (0..BLOCKS)
        .map(|number| render(chance, CALL_ID, 23_000_000 + number, &tokens, &payees(chance, addresses)))
        .collect()
}

/// Who is paid in a block.
pub(crate) fn payees(chance: &Chance, addresses: &[Address]) -> Vec<Address> {
    let payee = || addresses.get(chance.below(addresses.len() as u64) as usize).copied();
    std::iter::repeat_with(payee).flatten().take(PAYING_PER_BLOCK).collect()
}
