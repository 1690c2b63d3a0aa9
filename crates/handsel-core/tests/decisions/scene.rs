//! A small chain, a checkout on it, and a record of all that was told.

use handsel_core::chain::{self, Address, BlockHash, Header, Network, Token, Transfer, TxHash};
use handsel_core::checkout::{
    self, Checkout, Command, LatePolicy, Matching, PaymentOption, Rate, Refused, Standing, State, Terms,
};
use handsel_core::event::Kind;
use handsel_core::id::{AccountId, CheckoutId, PaymentId, WalletId};
use handsel_core::matching::{
    AddedBlock, AddressBook, BlockFacts, Incident, Matched, Object, SettleError, Settlement, Watch, World, needed,
    settle,
};
use handsel_core::money::{Currency, Money};
use handsel_core::payment::{self, Payment};
use handsel_core::secret::Sealed;
use handsel_core::time::Timestamp;
use std::collections::HashMap;

pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const BLOCK_SECONDS: u64 = 12;
pub(crate) const CONFIRMATIONS: u32 = 3;
pub(crate) const FINALITY_LAG: u64 = 6;
pub(crate) const CHECKOUT: CheckoutId = CheckoutId::from_bits(1);
pub(crate) const ACCOUNT: AccountId = AccountId::from_bits(9);

pub(crate) fn address(n: u8) -> Address {
    Address([n; 20])
}
pub(crate) const USDT: u8 = 0xA1;
pub(crate) const USDC: u8 = 0xA2;
pub(crate) const EURC: u8 = 0xA3;
pub(crate) const UNLISTED: u8 = 0xAF;
/// Where the checkout wants to be paid.
pub(crate) const SHOP: u8 = 0x51;
pub(crate) const PAYER: u8 = 0x71;
/// The account's static wallet, at which no checkout waits.
pub(crate) const FIXED: u8 = 0x53;
/// Where a token's issuer keeps its fees.
pub(crate) const ISSUER: u8 = 0x99;

pub(crate) fn network(name: &str, chain_id: u64) -> Network {
    let token = |asset: &str, contract: u8, currency: &str| Token {
        asset: asset.to_owned(),
        contract: address(contract),
        decimals: 6,
        pegged_to: Currency::parse(currency),
    };
    Network {
        name: name.to_owned(),
        kind: chain::Kind::Evm,
        chain_id,
        confirmations: CONFIRMATIONS,
        min_seconds: 0,
        finalized_above_usd_cents: 10_000,
        block_time_ms: 12_000,
        tokens: vec![token("USDT", USDT, "USD"), token("USDC", USDC, "USD"), token("EURC", EURC, "EUR")],
    }
}

/// An open checkout over `minor` US cents that takes USDT and USDC (6 decimals) at [`SHOP`].
pub(crate) fn checkout(minor: u128) -> Checkout {
    let option = |asset: &str, token: u8| PaymentOption {
        network: "one".to_owned(),
        kind: chain::Kind::Evm,
        chain_id: 1,
        asset: asset.to_owned(),
        token: address(token),
        decimals: 6,
        address: address(SHOP),
        wallet: WalletId::from_bits(3),
        derivation: Some(1),
        due: minor * 10_000,
        tag: 0,
        rate: Rate { numerator: 10_000, denominator: 1 },
        quoted: None,
        earlier: Vec::new(),
        mac: [0; 32],
    };
    Checkout {
        id: CHECKOUT,
        account: ACCOUNT,
        created: Timestamp::from_seconds(START as i64),
        version: 1,
        price: Money { minor, currency: Currency::parse("USD").unwrap() },
        terms: Terms {
            expires_at: Timestamp::from_seconds(START as i64 + 3_600),
            grace_seconds: 120,
            tolerance_bps: 0,
            tolerance_max_minor: 500,
            over_dust_minor: 1,
            late_policy: LatePolicy::Hold,
            matching: Matching::Xpub,
        },
        private: Sealed::default(),
        lookups: Vec::new(),
        options: vec![option("USDT", USDT), option("USDC", USDC)],
        state: State::Open,
        credits: Vec::new(),
        exceptions: Vec::new(),
        written_off: 0,
    }
}

/// One transfer that somebody sends, not yet in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) tx: u32,
    pub(crate) position: u32,
    pub(crate) token: u8,
    pub(crate) from: u8,
    pub(crate) to: u8,
    pub(crate) amount: u128,
}

impl Send {
    pub(crate) fn transfer(&self, block: BlockHash, block_log_index: u64) -> Transfer {
        Transfer {
            block,
            tx: tx_hash(self.tx),
            block_log_index,
            tx_position: self.position,
            token: address(self.token),
            from: address(self.from),
            to: address(self.to),
            value: word(self.amount),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) sends: Vec<Send>,
}

/// One network with its chain; several may look at the same world.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) network: Network,
    pub(crate) blocks: Vec<Block>,
    forks: u8,
}

impl Chain {
    pub(crate) fn new(name: &str, chain_id: u64) -> Self {
        let header = Header {
            number: 100,
            hash: BlockHash([chain_id as u8; 32]),
            parent: BlockHash([0; 32]),
            time_seconds: START - BLOCK_SECONDS,
        };
        Self { network: network(name, chain_id), blocks: vec![Block { header, sends: Vec::new() }], forks: 0 }
    }
    pub(crate) fn tip(&self) -> Header {
        self.blocks.last().unwrap().header
    }
    pub(crate) fn finalized(&self) -> u64 {
        self.tip().number.saturating_sub(FINALITY_LAG)
    }
    /// Puts a block on top.
    pub(crate) fn grow(&mut self, time_seconds: u64, sends: Vec<Send>) -> Block {
        let parent = self.tip();
        let mut hash = parent.hash.0;
        hash[0] = self.network.chain_id as u8;
        hash[1] = self.forks;
        hash[8..16].copy_from_slice(&(parent.number + 1).to_be_bytes());
        let header = Header { number: parent.number + 1, hash: BlockHash(hash), parent: parent.hash, time_seconds };
        self.blocks.push(Block { header, sends });
        self.blocks.last().unwrap().clone()
    }
    /// Takes the newest blocks off, newest last.
    pub(crate) fn cut(&mut self, depth: usize) -> Vec<Block> {
        self.forks = self.forks.wrapping_add(1);
        self.blocks.split_off(self.blocks.len() - depth)
    }
}

/// World, book and all that was told so far.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) now: u64,
    pub(crate) world: World,
    pub(crate) book: AddressBook,
    pub(crate) events: Vec<Kind>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) ignored: u64,
    /// An operator named the branch that comes next.
    pub(crate) named: bool,
    next_tx: u32,
}

impl Scene {
    pub(crate) fn new(checkout: Checkout) -> Self {
        let mut book = AddressBook::new(42);
        for (index, option) in (0u32..).zip(&checkout.options) {
            book.insert(&Watch {
                account: checkout.account,
                checkout: checkout.id,
                option: index,
                network: &option.network,
                token: option.token,
                address: option.address,
                payable: option.payable(),
                unique_amount: option.tag > 0,
            });
        }
        book.insert_static(checkout.account, address(FIXED));
        let mut world = World::default();
        world.checkouts.insert(checkout.id, checkout);
        let (events, incidents) = (Vec::new(), Vec::new());
        Self { now: START, world, book, events, incidents, ignored: 0, named: false, next_tx: 1 }
    }

    pub(crate) fn send(&mut self, token: u8, amount: u128) -> Send {
        let tx = self.next_tx;
        self.next_tx += 1;
        Send { tx, position: 0, token, from: PAYER, to: SHOP, amount }
    }

    pub(crate) fn checkout(&self) -> &Checkout {
        &self.world.checkouts[&CHECKOUT]
    }

    pub(crate) fn payments(&self) -> Vec<&Payment> {
        let mut payments: Vec<&Payment> = self.world.payments.values().collect();
        payments.sort_by_key(|p| (p.tx, p.tx_position));
        payments
    }

    fn transfers(block: &Block) -> Vec<Transfer> {
        let transfer = |(n, send): (u64, &Send)| send.transfer(block.header.hash, n);
        (0u64..).zip(&block.sends).map(transfer).collect()
    }

    /// What the watcher reports of one chain, put through the matcher.
    pub(crate) fn feed(&mut self, chain: &Chain, added: &[Block], orphaned: &[Block]) {
        let added: Vec<(Header, Vec<Transfer>)> = added.iter().map(|b| (b.header, Self::transfers(b))).collect();
        let orphaned: Vec<BlockHash> = orphaned.iter().map(|b| b.header.hash).collect();
        self.advance(&chain.network, (chain.tip(), chain.finalized()), &added, &orphaned);
    }

    /// The same, from what a watcher's Advance holds.
    pub(crate) fn advance(
        &mut self,
        network: &Network,
        (tip, finalized): (Header, u64),
        added: &[(Header, Vec<Transfer>)],
        orphaned: &[BlockHash],
    ) {
        let matched = |transfer: &Transfer| Matched { transfer: *transfer, to: self.book.lookup(network, transfer) };
        let added: Vec<AddedBlock> = added
            .iter()
            .map(|(header, transfers)| AddedBlock {
                header: *header,
                transfers: transfers.iter().map(matched).collect(),
            })
            .collect();
        let now = Timestamp::from_seconds(self.now as i64);
        let facts =
            BlockFacts { network, live: false, tip, finalized, added: &added, orphaned, named: self.named, now };
        let mut world = self.load(&facts);
        let settlement = settle(&facts, &mut world).expect("everything was loaded");
        self.commit(world, settlement);
    }

    /// What settling these blocks is refused with; nothing is written then.
    pub(crate) fn refused(&self, chain: &Chain, orphaned: &[Block]) -> SettleError {
        let orphaned: Vec<BlockHash> = orphaned.iter().map(|b| b.header.hash).collect();
        let (tip, finalized) = (chain.tip(), chain.finalized());
        let now = Timestamp::from_seconds(self.now as i64);
        let facts = BlockFacts {
            network: &chain.network,
            live: false,
            tip,
            finalized,
            added: &[],
            orphaned: &orphaned,
            named: false,
            now,
        };
        settle(&facts, &mut self.world.clone()).expect_err("final blocks are gone")
    }

    /// Loads what the engine would: unfinal payments of the network, what is needed, and the checkouts of all of them.
    fn load(&self, facts: &BlockFacts<'_>) -> World {
        let mut world = World::default();
        let needed = needed(facts);
        let unfinal =
            |p: &&Payment| p.network == facts.network.name && p.state.inclusion().is_some() && !p.state.finalized();
        let wanted = self.world.payments.values().filter(|p| unfinal(p) || needed.payments.contains(&p.id));
        for payment in wanted {
            world.payments.insert(payment.id, payment.clone());
        }
        let owners = world.payments.values().filter_map(|p| p.checkout);
        for id in owners.chain(needed.checkouts).collect::<Vec<_>>() {
            world.checkouts.insert(id, self.world.checkouts[&id].clone());
        }
        world
    }

    /// Writes as the store would: versions rise by exactly one, nothing else is touched, every public change is told.
    fn commit(&mut self, world: World, settlement: Settlement) {
        for id in &settlement.inserted_payments {
            assert!(!self.world.payments.contains_key(id), "an inserted payment is new");
            assert_eq!(world.payments[id].version, 1);
        }
        for id in &settlement.updated_payments {
            assert_eq!(world.payments[id].version, self.world.payments[id].version + 1);
        }
        for id in &settlement.updated_checkouts {
            assert_eq!(world.checkouts[id].version, self.world.checkouts[id].version + 1);
        }
        self.check_told(&world, &settlement);
        for happening in &settlement.happenings {
            self.events.push(happening.kind);
        }
        self.world.payments.extend(world.payments);
        self.world.checkouts.extend(world.checkouts);
        self.incidents.extend(settlement.incidents);
        self.ignored += settlement.ignored;
        self.check_sums();
    }

    /// A changed object is in the list of changes; a changed public state has its event, and the last snapshot told is what
    /// is written.
    fn check_told(&self, world: &World, settlement: &Settlement) {
        let mut told: HashMap<String, Object> = HashMap::new();
        for happening in &settlement.happenings {
            let id = match &happening.object {
                Object::Checkout(c) => c.id.to_string(),
                Object::Payment(p) => p.id.to_string(),
            };
            if let Some(before) = &happening.before {
                assert_ne!(before, &happening.object, "{:?} changes something", happening.kind);
            }
            told.insert(id, happening.object.clone());
        }
        for (id, checkout) in &world.checkouts {
            let before = &self.world.checkouts[id];
            assert_eq!(before != checkout, settlement.updated_checkouts.contains(id), "{id} is listed iff it changed");
            if before.state != checkout.state && checkout.state != State::Open {
                let Some(Object::Checkout(last)) = told.get(&id.to_string()) else { panic!("{id} changed untold") };
                assert_eq!(last.state, checkout.state);
            }
        }
        for (id, payment) in &world.payments {
            let name = payment.state.name();
            let was = self.world.payments.get(id).map(|p| p.state.name());
            let dust = payment.checkout.is_some_and(|c| world.checkouts[&c].is_dust(payment.option, payment.amount));
            if was != Some(name) && !dust {
                let Some(Object::Payment(last)) = told.get(&id.to_string()) else { panic!("{id} {name} untold") };
                assert_eq!(last.state.name(), name);
            }
        }
    }

    /// Payments and credits say the same, and no unit is counted twice.
    pub(crate) fn check_sums(&self) {
        for checkout in self.world.checkouts.values() {
            let mut seen = std::collections::HashSet::new();
            for credit in &checkout.credits {
                assert!(seen.insert(credit.payment), "one credit for each payment");
                let payment = &self.world.payments[&credit.payment];
                assert_eq!(payment.checkout, Some(checkout.id));
                assert_eq!(payment.amount, credit.amount);
                match (credit.standing, &payment.state) {
                    (Standing::Pending, payment::State::Detected { .. } | payment::State::Confirming { .. })
                    | (Standing::Reversed, payment::State::Reversed { .. }) => {}
                    (Standing::Settled { outcome, applied, value_micro }, state) => {
                        assert_eq!(Some(outcome), payment.outcome);
                        assert_eq!((applied, value_micro), (payment.applied, payment.value_micro));
                        assert!(applied <= payment.amount);
                        let succeeded = matches!(state, payment::State::Succeeded { .. });
                        assert_eq!(applied > 0, succeeded, "succeeded iff part of it was applied");
                    }
                    (standing, state) => panic!("credit {standing:?}, payment {state:?}"),
                }
            }
            let attached = self.world.payments.values().filter(|p| p.checkout == Some(checkout.id)).count();
            assert_eq!(attached, checkout.credits.len(), "no payment is lost");
        }
    }

    /// Mines one block `BLOCK_SECONDS` later.
    pub(crate) fn mine(&mut self, chain: &mut Chain, sends: Vec<Send>) {
        let block = chain.grow(self.now, sends);
        self.now += BLOCK_SECONDS;
        self.feed(chain, &[block], &[]);
    }

    pub(crate) fn mine_empty(&mut self, chain: &mut Chain, blocks: usize) {
        (0..blocks).for_each(|_| self.mine(chain, Vec::new()));
    }

    /// Replaces the newest `depth` blocks by as many and one more; their transfers that `keep` likes are mined again in the
    /// first of these.
    pub(crate) fn reorg(&mut self, chain: &mut Chain, depth: usize, keep: impl Fn(&Send) -> bool) {
        let gone = chain.cut(depth);
        let kept: Vec<Send> = gone.iter().flat_map(|b| b.sends.clone()).filter(keep).collect();
        let times: Vec<u64> = gone.iter().map(|b| b.header.time_seconds).chain([self.now]).collect();
        self.now += BLOCK_SECONDS;
        let mut kept = Some(kept);
        let added: Vec<Block> = times.into_iter().map(|t| chain.grow(t, kept.take().unwrap_or_default())).collect();
        self.feed(chain, &added, &gone);
    }

    /// What an API call or a timer does.
    pub(crate) fn command(&mut self, command: Command) -> Result<(), Refused> {
        // A call never happens in the same instant as a block's arrival.
        self.now += 1;
        let now = Timestamp::from_seconds(self.now as i64);
        let before = self.checkout().clone();
        let step = before.clone().apply(command, now)?;
        assert_eq!(step.checkout.version, before.version + 1);
        if before.state != step.checkout.state && step.checkout.state != State::Open {
            assert!(!step.events.is_empty(), "{command:?} changes the state untold");
        }
        self.events.extend(&step.events);
        self.world.checkouts.insert(CHECKOUT, step.checkout);
        for ruling in step.rulings {
            let payment = self.world.payments[&ruling.payment].clone();
            let step = payment.apply(payment::Command::Ruled { ruling, finalized: false }, now).unwrap();
            self.events.extend(step.event);
            self.world.payments.insert(step.payment.id, step.payment);
        }
        self.check_sums();
        Ok(())
    }

    pub(crate) fn payment_id(&self, tx: u32) -> PaymentId {
        *self.world.payments.values().map(|p| (&p.id, p.tx)).find(|(_, t)| *t == tx_hash(tx)).unwrap().0
    }

    pub(crate) fn told(&self, kind: Kind) -> usize {
        self.events.iter().filter(|k| **k == kind).count()
    }

    pub(crate) fn checkout_events(&self) -> Vec<&'static str> {
        self.events.iter().filter_map(|k| k.name().strip_prefix("checkout.")).collect()
    }
}

pub(crate) fn tx_hash(tx: u32) -> TxHash {
    let mut hash = [0u8; 32];
    hash[..4].copy_from_slice(&tx.to_be_bytes());
    TxHash(hash)
}

pub(crate) fn word(amount: u128) -> [u8; 32] {
    let mut word = [0u8; 32];
    word[16..].copy_from_slice(&amount.to_be_bytes());
    word
}

/// The public name of what is there.
pub(crate) fn status_pair(checkout: &Checkout) -> String {
    let paid = match checkout.payment_status() {
        checkout::PaymentStatus::Unpaid => "unpaid",
        checkout::PaymentStatus::Detected => "detected",
        checkout::PaymentStatus::PartiallyPaid => "partially_paid",
        checkout::PaymentStatus::Paid => "paid",
        checkout::PaymentStatus::Overpaid => "overpaid",
    };
    format!("{}/{paid}", checkout.state.name())
}
