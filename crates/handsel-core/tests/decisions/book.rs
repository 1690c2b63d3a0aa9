//! Whose address a transfer went to.

use crate::scene::{ACCOUNT, CHECKOUT, EURC, PAYER, SHOP, Send, UNLISTED, USDC, USDT, address, network};
use handsel_core::chain::{Address, BlockHash, Transfer};
use handsel_core::id::{AccountId, CheckoutId};
use handsel_core::matching::{AddressBook, Match, Watch};
use handsel_core::payment::identity;
use proptest::prelude::*;
use std::collections::HashMap;

const OTHER: AccountId = AccountId::from_bits(10);
const ANOTHER: CheckoutId = CheckoutId::from_bits(2);

fn transfer(token: u8, to: u8, amount: u128) -> Transfer {
    Send { tx: 1, position: 0, token, from: PAYER, to, amount }.transfer(BlockHash([1; 32]), 0)
}

fn derived(checkout: CheckoutId, network: &str, token: u8, to: u8, option: u32) -> Watch<'_> {
    let (account, token, address) = (ACCOUNT, address(token), address(to));
    Watch { account, checkout, option, network, token, address, payable: 5, unique_amount: false }
}

fn fixed(checkout: CheckoutId, payable: u128) -> Watch<'static> {
    Watch { payable, unique_amount: true, ..derived(checkout, "one", USDT, SHOP, 0) }
}

#[test]
fn a_derived_address_is_its_checkouts() {
    let (one, two) = (network("one", 1), network("two", 2));
    let mut book = AddressBook::new(7);
    book.insert(&derived(CHECKOUT, "one", USDT, SHOP, 0));
    book.insert(&derived(CHECKOUT, "one", USDC, SHOP, 1));
    book.insert(&derived(CHECKOUT, "one", USDC, SHOP, 1));
    let (account, checkout) = (ACCOUNT, CHECKOUT);
    let at = |book: &AddressBook, token, to| book.lookup(&one, &transfer(token, to, 5));
    assert_eq!(at(&book, USDT, SHOP), Match::Option { account, checkout, option: 0 });
    assert_eq!(at(&book, USDC, SHOP), Match::Option { account, checkout, option: 1 });
    assert_eq!(at(&book, EURC, SHOP), Match::WrongAsset { account, checkout });
    assert_eq!(at(&book, UNLISTED, SHOP), Match::UnknownToken);
    assert_eq!(at(&book, USDT, 0x52), Match::Nobody);
    assert_eq!(book.lookup(&one, &transfer(USDT, SHOP, 0)), Match::ZeroValue);
    assert_eq!(book.lookup(&two, &transfer(USDT, SHOP, 5)), Match::WrongNetwork { account, checkout });
    let mut huge = transfer(USDT, SHOP, 5);
    huge.value[0] = 1;
    assert_eq!(book.lookup(&one, &huge), Match::Oversized { account });
    book.remove(CHECKOUT, [address(SHOP), address(SHOP), address(0x99)]);
    assert_eq!(at(&book, USDT, SHOP), Match::Nobody);
    assert!(book.is_empty());
}

#[test]
fn a_static_address_is_told_by_the_amount() {
    let one = network("one", 1);
    let mut book = AddressBook::new(7);
    book.insert_static(ACCOUNT, address(SHOP));
    book.insert(&fixed(CHECKOUT, 19_980_001));
    book.insert(&fixed(ANOTHER, 19_980_002));
    let at = |book: &AddressBook, token, amount| book.lookup(&one, &transfer(token, SHOP, amount));
    let account = ACCOUNT;
    assert_eq!(at(&book, USDT, 19_980_001), Match::Option { account, checkout: CHECKOUT, option: 0 });
    assert_eq!(at(&book, USDT, 19_980_002), Match::Option { account, checkout: ANOTHER, option: 0 });
    assert_eq!(at(&book, USDT, 19_980_003), Match::Unmatched { account });
    assert_eq!(at(&book, USDC, 19_980_001), Match::Unmatched { account });
    assert_eq!(at(&book, UNLISTED, 19_980_001), Match::UnknownToken);
    book.remove(CHECKOUT, [address(SHOP)]);
    assert_eq!(at(&book, USDT, 19_980_001), Match::Unmatched { account });
    assert_eq!(at(&book, USDT, 19_980_002), Match::Option { account, checkout: ANOTHER, option: 0 });
}

/// Property 13: also through an option that was offered before the contract said so.
#[test]
fn a_token_that_contradicts_its_configuration_is_not_counted() {
    let (one, two) = (network("one", 1), network("two", 2));
    let mut book = AddressBook::new(7);
    book.insert(&derived(CHECKOUT, "one", USDT, SHOP, 0));
    book.insert(&derived(CHECKOUT, "two", USDT, SHOP, 1));
    book.trust("one", address(USDT), false);
    let (account, checkout) = (ACCOUNT, CHECKOUT);
    assert_eq!(book.lookup(&one, &transfer(USDT, SHOP, 5)), Match::Distrusted { account });
    assert_eq!(book.lookup(&two, &transfer(USDT, SHOP, 5)), Match::Option { account, checkout, option: 1 });
    assert_eq!(book.lookup(&one, &transfer(USDT, 0x52, 5)), Match::Nobody);
    assert_eq!(Match::Distrusted { account }.payee(), None);
    book.trust("one", address(USDT), true);
    assert_eq!(book.lookup(&one, &transfer(USDT, SHOP, 5)), Match::Option { account, checkout, option: 0 });
}

#[test]
fn a_sweep_between_own_addresses_is_internal_and_others_are_not() {
    let one = network("one", 1);
    let mut book = AddressBook::new(7);
    book.insert(&derived(CHECKOUT, "one", USDT, SHOP, 0));
    book.insert_static(ACCOUNT, address(PAYER));
    assert_eq!(book.lookup(&one, &transfer(USDT, SHOP, 5)), Match::Internal { account: ACCOUNT });
    let mut book = AddressBook::new(7);
    book.insert(&derived(CHECKOUT, "one", USDT, SHOP, 0));
    book.insert_static(OTHER, address(PAYER));
    let paid = Match::Option { account: ACCOUNT, checkout: CHECKOUT, option: 0 };
    assert_eq!(book.lookup(&one, &transfer(USDT, SHOP, 5)), paid);
}

#[test]
fn an_identity_moves_with_nothing_but_the_transfer() {
    let base = transfer(USDT, SHOP, 5);
    let id = |live, account, chain: &str, t: &Transfer| identity(live, account, chain, t);
    let known = id(true, ACCOUNT, "eip155:1", &base);
    let moved = Transfer { block: BlockHash([9; 32]), block_log_index: 77, ..base };
    assert_eq!(id(true, ACCOUNT, "eip155:1", &moved), known);
    let others = [
        id(false, ACCOUNT, "eip155:1", &base),
        id(true, OTHER, "eip155:1", &base),
        id(true, ACCOUNT, "eip155:11", &base),
        id(true, ACCOUNT, "eip155:1", &Transfer { tx_position: 1, ..base }),
        id(true, ACCOUNT, "eip155:1", &Transfer { token: address(USDC), ..base }),
        id(true, ACCOUNT, "eip155:1", &Transfer { to: address(PAYER), ..base }),
        id(true, ACCOUNT, "eip155:1", &transfer(USDT, SHOP, 6)),
    ];
    assert!(others.iter().all(|other| *other != known));
    // For ever: a restore must find the same ids.
    assert_eq!(known.to_string(), "pay_6tvte2r1y3xahvkqgkv41m0149");
}

proptest! {
    /// The book against a plain list of options, newest first.
    #[test]
    fn the_book_is_the_list_of_its_options(
        acts in proptest::collection::vec((any::<bool>(), 0u128..12, 0u8..6, 0u8..3, any::<bool>()), 1..80),
    ) {
        let networks = [network("one", 1), network("two", 2)];
        let tokens = [USDT, USDC, EURC];
        let mut book = AddressBook::new(1);
        let mut list: Vec<(CheckoutId, usize, u8, Address, u32)> = Vec::new();
        // An address belongs to one checkout for ever, as derivation gives it.
        let mut owner: HashMap<u8, CheckoutId> = HashMap::new();
        for (insert, checkout, place, token, second) in acts {
            let checkout = *owner.entry(place).or_insert(CheckoutId::from_bits(checkout));
            let (net, token) = (usize::from(second), tokens[usize::from(token)]);
            if insert {
                let option = list.len() as u32;
                if list.iter().any(|(_, n, p, t, _)| (*n, *p, *t) == (net, place, address(token))) { continue }
                book.insert(&derived(checkout, &networks[net].name, token, place, option));
                list.push((checkout, net, place, address(token), option));
            } else {
                book.remove(checkout, [address(place)]);
                list.retain(|(_, _, p, ..)| *p != place);
            }
            for place in 0u8..6 {
                for (net, network) in networks.iter().enumerate() {
                    for token in tokens {
                        let found = book.lookup(network, &transfer(token, place, 5));
                        let here: Vec<_> = list.iter().filter(|(_, _, p, ..)| *p == place).collect();
                        let exact = here.iter().find(|(_, n, _, t, _)| *n == net && *t == address(token));
                        let account = ACCOUNT;
                        let expected = match (exact, here.first()) {
                            (Some((checkout, _, _, _, option)), _) => {
                                Match::Option { account, checkout: *checkout, option: *option }
                            }
                            (None, Some((checkout, ..))) if here.iter().any(|(_, n, ..)| *n == net) => {
                                Match::WrongAsset { account, checkout: *checkout }
                            }
                            (None, Some((checkout, ..))) => Match::WrongNetwork { account, checkout: *checkout },
                            (None, None) => Match::Nobody,
                        };
                        prop_assert_eq!(found, expected);
                    }
                }
            }
        }
    }
}
