//! What must be true when a seed has come to rest: a naive reading of the final chains beside what the program says.

use super::life::House;
use super::nodes::NAMES;
use super::shop::{Known, Sent};
use super::told;
use super::world::World;
use handsel_core::audit::Leaf;
use handsel_core::audit::merkle::{Frontier, leaf_hash};
use handsel_core::chain::{BlockHash, TxHash};
use handsel_core::checkout::{Checkout, ExceptionKind, State as CheckoutState};
use handsel_core::id::CheckoutId;
use handsel_core::payment::{Outcome, Payment, State};
use handsel_core::time::Timestamp;
use handsel_sandbox::{TOKENS, Transfer};
use handsel_store::reader::ListQuery;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Less than a cent of a listed token is nobody's payment, unless an option waits for it.
const CENT: u128 = 10_000;

/// A block of the final chain, as its node shows it.
#[derive(Debug, Clone, Copy)]
struct Block {
    number: u64,
    hash: BlockHash,
    time: Timestamp,
}

/// What one transfer must have become.
#[derive(Debug)]
struct Wanted {
    net: usize,
    tx: TxHash,
    position: u32,
    transfer: Transfer,
    block: Block,
    to: To,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Option(CheckoutId),
    Wrong(CheckoutId, Outcome),
    Nobody,
}

/// Everything that the program holds.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) checkouts: BTreeMap<CheckoutId, Checkout>,
    pub(crate) payments: Vec<Payment>,
}

impl Books {
    async fn read(house: &House) -> Self {
        let account = super::template::template().caller.account.id;
        let (mut checkouts, mut payments) = (BTreeMap::new(), Vec::new());
        let mut query = ListQuery { limit: 100, ..ListQuery::default() };
        loop {
            let page = house.reader.checkouts(account, &query).await.unwrap();
            query.starting_after = page.data.last().map(|checkout| checkout.id.to_string());
            checkouts.extend(page.data.into_iter().map(|checkout| (checkout.id, checkout)));
            if !page.has_more {
                break;
            }
        }
        query.starting_after = None;
        loop {
            let page = house.reader.payments(account, &query).await.unwrap();
            query.starting_after = page.data.last().map(|payment| payment.id.to_string());
            payments.extend(page.data);
            if !page.has_more {
                break;
            }
        }
        Self { checkouts, payments }
    }
}

pub(crate) async fn check(world: &World, house: &House) {
    let books = Books::read(house).await;
    let wanted = wanted(world);
    check_wishes(world, &books);
    check_payments(world, &books, &wanted);
    check_checkouts(world, &books, &wanted);
    check_audit(world, house).await;
    told::check(world, house, &books).await;
}

/// One checkout for each key, and no other.
fn check_wishes(world: &World, books: &Books) {
    let asked: BTreeSet<CheckoutId> =
        world.shop.lock().unwrap().wishes.iter().filter_map(|wish| wish.answered).collect();
    let there: BTreeSet<CheckoutId> = books.checkouts.keys().copied().collect();
    if asked != there {
        let (lost, more) = (asked.difference(&there).count(), there.difference(&asked).count());
        world.complain(format!(
            "{lost} checkouts were answered and are not there, {more} are there and nobody knows them"
        ));
    }
}

/// Reads the final chains: every transfer that ever was sent and is in them.
fn wanted(world: &World) -> Vec<Wanted> {
    let shop = world.shop.lock().unwrap();
    let mut wanted = Vec::new();
    for Sent { net, hash, order } in &shop.sent {
        let chain = &world.nets[*net].chain;
        let Some(number) = chain.block_of(hash).filter(|_| !order.reverts) else { continue };
        let block = block_at(world, *net, number);
        for (position, transfer) in order.transfers.iter().enumerate() {
            let listed = TOKENS.iter().any(|token| token.address == transfer.token);
            if transfer.amount == 0 || !listed {
                continue;
            }
            let to = payee(&shop.known, *net, transfer);
            if matches!(to, To::Option(_)) || transfer.amount >= CENT {
                let (net, tx, transfer) = (*net, TxHash(*hash), transfer.clone());
                wanted.push(Wanted { net, tx, position: u32::try_from(position).unwrap(), transfer, block, to });
            }
        }
    }
    wanted
}

fn block_at(world: &World, net: usize, number: u64) -> Block {
    let ask = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["{number:#x}",false]}}"#);
    let answer: Value = serde_json::from_slice(&world.nets[net].chain.answer(ask.as_bytes(), None)).unwrap();
    let time = answer["result"]["timestamp"].as_str().unwrap();
    let time = i64::from_str_radix(time.trim_start_matches("0x"), 16).unwrap();
    let hash = BlockHash::parse(answer["result"]["hash"].as_str().unwrap()).unwrap();
    Block { number, hash, time: Timestamp::from_seconds(time) }
}

/// Whose a transfer is, by the answers that the shop was given.
fn payee(known: &[Known], net: usize, transfer: &Transfer) -> To {
    let network = NAMES[net];
    for known in known.iter().filter(|known| known.ways.iter().any(|way| way.address.0 == transfer.to)) {
        let here = |way: &&super::shop::Way| way.network == network;
        let fits = known.ways.iter().filter(here).find(|way| way.token.0 == transfer.token);
        if known.is_static {
            if fits.is_some_and(|way| way.payable == transfer.amount) {
                return To::Option(known.id);
            }
            continue;
        }
        return match fits {
            Some(_) => To::Option(known.id),
            None if known.ways.iter().any(|way| here(&way)) => To::Wrong(known.id, Outcome::WrongAsset),
            None => To::Wrong(known.id, Outcome::WrongNetwork),
        };
    }
    To::Nobody
}

/// Every transfer is one payment, in exactly one outcome, where the chain has it; and there is no other payment.
fn check_payments(world: &World, books: &Books, wanted: &[Wanted]) {
    let mut found = BTreeMap::new();
    for payment in &books.payments {
        let key = (payment.network.as_str(), payment.tx, payment.tx_position);
        if found.insert(key, payment).is_some() {
            world.complain(format!("{} {} {} is two payments", payment.network, payment.tx, payment.tx_position));
        }
    }
    for wanted in wanted {
        match found.remove(&(NAMES[wanted.net], wanted.tx, wanted.position)) {
            Some(payment) => {
                if let Some(what) = wanted.differs(payment, books) {
                    let state = payment.state;
                    world.complain(format!(
                        "{}: {what}: {state:?} {:?}, in the chain {wanted:?}",
                        payment.id, payment.outcome
                    ));
                }
            }
            None => world.complain(format!("no payment for {wanted:?}")),
        }
    }
    for payment in found.values() {
        let in_chain = NAMES.iter().position(|name| *name == payment.network);
        let in_chain = in_chain.is_some_and(|net| world.nets[net].chain.block_of(&payment.tx.0).is_some());
        if in_chain || !matches!(payment.state, State::Reversed { .. }) {
            world.complain(format!("{} is {:?} and no transfer of the chain", payment.id, payment.state));
        }
    }
}

impl Wanted {
    /// What is not as the chain has it.
    fn differs(&self, payment: &Payment, books: &Books) -> Option<&'static str> {
        let (State::Succeeded { block, finalized, .. } | State::Rejected { block, finalized, .. }) = payment.state
        else {
            return Some("not settled");
        };
        let outcome = payment.outcome?;
        let transfer = &self.transfer;
        if (block.hash, block.number, block.time) != (self.block.hash, self.block.number, self.block.time) {
            return Some("another block");
        }
        if (payment.amount, payment.token.0, payment.to.0, payment.from.0)
            != (transfer.amount, transfer.token, transfer.to, transfer.from)
        {
            return Some("another transfer");
        }
        if !finalized {
            return Some("not finalized");
        }
        let succeeded = matches!(payment.state, State::Succeeded { .. });
        let fits = match self.to {
            To::Option(id) => {
                let theirs = payment.checkout == Some(id) && payment.option.is_some();
                // Its amount may have been given to a checkout after it was paid.
                let before = books.checkouts.get(&id).is_some_and(|c| c.created.seconds() >= self.block.time.seconds());
                let nobodys = before && outcome == Outcome::Unmatched;
                let counted = succeeded == (payment.applied > 0);
                nobodys || (theirs && counted && outcome != Outcome::Reversed && outcome != Outcome::Unmatched)
            }
            To::Wrong(id, wrong) => payment.checkout == Some(id) && outcome == wrong && !succeeded,
            To::Nobody => payment.checkout.is_none() && outcome == Outcome::Unmatched && !succeeded,
        };
        (!fits).then_some("another outcome")
    }
}

/// Each checkout stands as its payments say.
fn check_checkouts(world: &World, books: &Books, wanted: &[Wanted]) {
    for checkout in books.checkouts.values() {
        let id = checkout.id;
        let state = checkout.state;
        let end = checkout.terms.expires_at.plus(Duration::from_secs(u64::from(checkout.terms.grace_seconds)));
        let mut in_time = vec![0_u128; checkout.options.len()];
        for wanted in wanted.iter().filter(|w| w.to == To::Option(id) && w.block.time.seconds() <= end.seconds()) {
            let here = |o: &handsel_core::checkout::PaymentOption| {
                o.network == NAMES[wanted.net] && o.token.0 == wanted.transfer.token
            };
            let at = checkout.options.iter().position(here).unwrap();
            in_time[at] = in_time[at].saturating_add(wanted.transfer.amount);
        }
        let due = checkout.options[0].due;
        let sums = in_time.iter().zip(&checkout.options);
        let tags = sums.clone().filter(|(sum, o)| **sum >= o.payable()).map(|(_, o)| o.tag).fold(0, u128::max);
        let paid: u128 = sums.map(|(sum, option)| (*sum).min(option.due)).sum();
        let is_complete = matches!(state, CheckoutState::Complete { .. });
        let is_canceled = matches!(state, CheckoutState::Canceled { .. });
        if paid + tags >= due && !is_complete && !is_canceled {
            let credits = &checkout.credits;
            world.complain(format!("{id} is {state:?} although {paid} of {due} came in time: {credits:?}"));
        }
        let own = || books.payments.iter().filter(|payment| payment.checkout == Some(id));
        let applied: u128 = own().filter(|p| matches!(p.state, State::Succeeded { .. })).map(|p| p.applied).sum();
        let taken_back = own().any(|payment| matches!(payment.state, State::Reversed { .. }));
        let reorged = checkout.exceptions.iter().any(|e| e.kind == ExceptionKind::Reorged);
        let tag = checkout.options.iter().map(|option| option.tag).fold(0, u128::max);
        if is_complete && applied + tag + 1 < due && !(taken_back && reorged) {
            world.complain(format!("{id} is complete with {applied} of {due}: {:?}", checkout.credits));
        }
        if own().count() != checkout.credits.len() {
            world.complain(format!("{id} has {} payments and {} credits", own().count(), checkout.credits.len()));
        }
    }
}

/// The tree is what its leaves give.
async fn check_audit(world: &World, house: &House) {
    let mut tree = Frontier::default();
    let mut index = 0;
    loop {
        let leaves = house.reader.audit_leaves(index, 1_000).await.unwrap();
        if leaves.is_empty() {
            break;
        }
        for bytes in leaves {
            if Leaf::parse(&bytes).is_err() {
                world.complain(format!("audit entry {index} is no leaf"));
            }
            for (node, hash) in tree.append(leaf_hash(&bytes)) {
                if house.reader.audit_node(node.level, node.index).await.unwrap() != Some(hash) {
                    world.complain(format!("audit entry {index} is not what its tree says"));
                }
            }
            index += 1;
        }
    }
    let head = house.reader.audit_head().await.unwrap();
    if (head.size, head.waiting) != (index, 0) {
        world.complain(format!("the audit log says {head:?} and holds {index} entries"));
    }
}
