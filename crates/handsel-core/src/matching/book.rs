//! Every address that is waited for, in memory, built for a million of them (03 b.5).
//!
//! A derived address belongs to one checkout, whose options on it differ by network and token; a static address belongs to an
//! account, and only an exact amount tells the checkout. Addresses are chosen by strangers, so the hasher is seeded.

use crate::chain::{Address, Network, Transfer};
use crate::id::{AccountId, CheckoutId};
use foldhash::fast::FixedState;
use std::collections::{HashMap, HashSet};

/// One payment option that is waited for: a row of the store's watch list.
#[derive(Debug, Clone, Copy)]
pub struct Watch<'a> {
    pub account: AccountId,
    pub checkout: CheckoutId,
    pub option: u32,
    pub network: &'a str,
    pub token: Address,
    pub address: Address,
    pub payable: u128,
    /// A static address: only the exact amount tells the checkout.
    pub unique_amount: bool,
}

/// What a transfer is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The receiver is nobody whom we know.
    Nobody,
    /// To an address of ours, but worth nothing: counted only.
    ZeroValue,
    /// To an address of ours, in a token that nobody listed: counted only.
    UnknownToken,
    /// Between two addresses of one account (a sweep): counted only.
    Internal { account: AccountId },
    /// More than 128 bits: kept raw by whoever sees it, an incident.
    Oversized { account: AccountId },
    /// In a listed token whose contract contradicts the configuration: its amounts mean something else, so nothing is posted; an
    /// incident.
    Distrusted { account: AccountId },
    /// Pays this option.
    Option { account: AccountId, checkout: CheckoutId, option: u32 },
    /// A listed asset that this checkout doesn't take on this network.
    WrongAsset { account: AccountId, checkout: CheckoutId },
    /// To an address that was issued for another network only.
    WrongNetwork { account: AccountId, checkout: CheckoutId },
    /// To an account's static address, with an amount that tells no checkout.
    Unmatched { account: AccountId },
}

impl Match {
    /// The account and the checkout that a payment comes from this, if one does.
    pub const fn payee(&self) -> Option<(AccountId, Option<CheckoutId>)> {
        match *self {
            Self::Option { account, checkout, .. }
            | Self::WrongAsset { account, checkout }
            | Self::WrongNetwork { account, checkout } => Some((account, Some(checkout))),
            Self::Unmatched { account } => Some((account, None)),
            Self::Nobody
            | Self::ZeroValue
            | Self::UnknownToken
            | Self::Internal { .. }
            | Self::Oversized { .. }
            | Self::Distrusted { .. } => None,
        }
    }
}

/// End of a chain of places.
const NONE: u32 = u32::MAX;

/// One option on an address: on this network, in this token, it is number `option`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Accepts {
    network: u16,
    token: Address,
    option: u32,
}

/// One checkout at one derived address. 32 bytes: there are millions.
#[derive(Debug, Clone, Copy)]
struct Place {
    checkout: CheckoutId,
    account: u32,
    /// Which set of options it has here; sets are few and shared.
    shape: u32,
    /// The next older place at the same address.
    next: u32,
}

/// What waits at one static address.
#[derive(Debug)]
struct StaticPlace {
    account: u32,
    by_amount: HashMap<(u16, Address, u128), (u32, CheckoutId, u32), FixedState>,
}

/// The addresses of open and recent checkouts, and the static addresses of wallets.
#[derive(Debug)]
pub struct AddressBook {
    hasher: FixedState,
    /// Derived addresses, to the newest place.
    derived: HashMap<Address, u32, FixedState>,
    statics: HashMap<Address, StaticPlace, FixedState>,
    places: Vec<Place>,
    free: Vec<u32>,
    shapes: Vec<Vec<Accepts>>,
    shape_with: HashMap<(u32, Accepts), u32, FixedState>,
    accounts: Vec<AccountId>,
    account_index: HashMap<AccountId, u32, FixedState>,
    networks: Vec<String>,
    /// Tokens that must not be counted, by network.
    distrusted: HashSet<(u16, Address), FixedState>,
}

/// An index of a list that never grows to four billion entries.
fn index_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(NONE)
}

impl AddressBook {
    /// An empty book; `seed` must be random, for addresses are chosen by strangers.
    pub fn new(seed: u64) -> Self {
        let hasher = FixedState::with_seed(seed);
        Self {
            derived: HashMap::with_hasher(hasher.clone()),
            statics: HashMap::with_hasher(hasher.clone()),
            places: Vec::new(),
            free: Vec::new(),
            shapes: vec![Vec::new()],
            shape_with: HashMap::with_hasher(hasher.clone()),
            accounts: Vec::new(),
            account_index: HashMap::with_hasher(hasher.clone()),
            networks: Vec::new(),
            distrusted: HashSet::with_hasher(hasher.clone()),
            hasher,
        }
    }

    /// Addresses that are waited for.
    pub fn len(&self) -> usize {
        self.derived.len() + self.statics.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room at once, for a load at boot.
    pub fn reserve(&mut self, addresses: usize) {
        self.derived.reserve(addresses);
        self.places.reserve(addresses);
    }

    /// Waits for one option; saying it twice changes nothing.
    pub fn insert(&mut self, watch: &Watch<'_>) {
        let account = self.intern_account(watch.account);
        let network = self.intern_network(watch.network);
        if watch.unique_amount {
            let place = self.static_place(account, watch.address);
            let key = (network, watch.token, watch.payable);
            place.by_amount.insert(key, (account, watch.checkout, watch.option));
            return;
        }
        let accepts = Accepts { network, token: watch.token, option: watch.option };
        let head = self.derived.get(&watch.address).copied().unwrap_or(NONE);
        let known = self.chain(head).find(|at| self.place(*at).is_some_and(|p| p.checkout == watch.checkout));
        if let Some(at) = known {
            let old = self.place(at).map_or(0, |p| p.shape);
            let shape = self.grown_shape(old, accepts);
            if let Some(place) = self.places.get_mut(at as usize) {
                place.shape = shape;
            }
            return;
        }
        let place = Place { checkout: watch.checkout, account, shape: self.grown_shape(0, accepts), next: head };
        let at = match self.free.pop() {
            Some(at) => at,
            None => {
                self.places.push(place);
                index_u32(self.places.len() - 1)
            }
        };
        if let Some(slot) = self.places.get_mut(at as usize) {
            *slot = place;
        }
        self.derived.insert(watch.address, at);
    }

    /// Knows a wallet's static address even while no checkout waits there: what arrives is the account's, unmatched.
    pub fn insert_static(&mut self, account: AccountId, address: Address) {
        let account = self.intern_account(account);
        self.static_place(account, address);
    }

    /// Says whether transfers of a token may be counted: not where its contract states other decimals than are configured
    /// (13 section 6, property 13), whatever was offered before.
    pub fn trust(&mut self, network: &str, token: Address, trusted: bool) {
        let key = (self.intern_network(network), token);
        if trusted {
            self.distrusted.remove(&key);
        } else {
            self.distrusted.insert(key);
        }
    }

    /// Stops waiting for a checkout at the given addresses (those of its options).
    pub fn remove(&mut self, checkout: CheckoutId, addresses: impl IntoIterator<Item = Address>) {
        for address in addresses {
            if let Some(place) = self.statics.get_mut(&address) {
                place.by_amount.retain(|_, (_, waiting, _)| *waiting != checkout);
            }
            self.remove_derived(checkout, address);
        }
    }

    fn remove_derived(&mut self, checkout: CheckoutId, address: Address) {
        let Some(head) = self.derived.get(&address).copied() else { return };
        let mut kept: Vec<u32> = self.chain(head).collect();
        let Some(at) = kept.iter().position(|at| self.place(*at).is_some_and(|p| p.checkout == checkout)) else {
            return;
        };
        self.free.push(kept.remove(at));
        for (n, at) in kept.iter().enumerate() {
            let next = kept.get(n + 1).copied().unwrap_or(NONE);
            if let Some(place) = self.places.get_mut(*at as usize) {
                place.next = next;
            }
        }
        match kept.first() {
            Some(first) => self.derived.insert(address, *first),
            None => self.derived.remove(&address),
        };
    }

    /// What one transfer on `network` is to us.
    pub fn lookup(&self, network: &Network, transfer: &Transfer) -> Match {
        let derived = self.derived.get(&transfer.to).copied();
        let fixed = if derived.is_none() { self.statics.get(&transfer.to) } else { None };
        let owner = derived.and_then(|at| self.place(at)).map(|p| p.account).or(fixed.map(|s| s.account));
        let Some(owner) = owner else { return Match::Nobody };
        let account = self.account(owner);
        if self.owner_of(&transfer.from) == Some(owner) {
            return Match::Internal { account };
        }
        if transfer.value == [0; 32] {
            return Match::ZeroValue;
        }
        let index = self.networks.iter().position(|n| *n == network.name).and_then(|n| u16::try_from(n).ok());
        if index.is_some_and(|index| self.distrusted.contains(&(index, transfer.token))) {
            return Match::Distrusted { account };
        }
        let listed = network.token_at(transfer.token).is_some();
        let found = match (derived, fixed) {
            (Some(head), _) => self.lookup_derived(head, index, listed, transfer),
            (None, Some(place)) => self.lookup_static(place, index, listed, transfer),
            (None, None) => Match::Nobody,
        };
        match (transfer.atomic(), found.payee()) {
            (None, Some((account, _))) => Match::Oversized { account },
            _ => found,
        }
    }

    fn lookup_derived(&self, head: u32, network: Option<u16>, listed: bool, transfer: &Transfer) -> Match {
        let places = || self.chain(head).filter_map(|at| self.place(at));
        let here = |a: &&Accepts| Some(a.network) == network;
        for place in places() {
            let accepts = self.shape(place.shape).iter().find(|a| here(a) && a.token == transfer.token);
            if let Some(accepts) = accepts {
                let account = self.account(place.account);
                return Match::Option { account, checkout: place.checkout, option: accepts.option };
            }
        }
        if !listed {
            return Match::UnknownToken;
        }
        let Some(newest) = places().next() else { return Match::Nobody };
        let (account, checkout) = (self.account(newest.account), newest.checkout);
        if self.shape(newest.shape).iter().any(|a| here(&a)) {
            Match::WrongAsset { account, checkout }
        } else {
            Match::WrongNetwork { account, checkout }
        }
    }

    fn lookup_static(&self, place: &StaticPlace, network: Option<u16>, listed: bool, transfer: &Transfer) -> Match {
        let exact = network
            .zip(transfer.atomic())
            .and_then(|(network, amount)| place.by_amount.get(&(network, transfer.token, amount)));
        match exact {
            Some((account, checkout, option)) => {
                Match::Option { account: self.account(*account), checkout: *checkout, option: *option }
            }
            None if listed => Match::Unmatched { account: self.account(place.account) },
            None => Match::UnknownToken,
        }
    }

    fn owner_of(&self, address: &Address) -> Option<u32> {
        let derived = self.derived.get(address).and_then(|at| self.place(*at)).map(|p| p.account);
        derived.or_else(|| self.statics.get(address).map(|s| s.account))
    }

    fn place(&self, at: u32) -> Option<&Place> {
        self.places.get(at as usize)
    }

    /// Places at one address, newest first.
    fn chain(&self, head: u32) -> impl Iterator<Item = u32> + '_ {
        core::iter::successors((head != NONE).then_some(head), |at| {
            self.place(*at).map(|p| p.next).filter(|next| *next != NONE)
        })
    }

    fn shape(&self, shape: u32) -> &[Accepts] {
        self.shapes.get(shape as usize).map_or(&[], Vec::as_slice)
    }

    /// The shape with one more option.
    fn grown_shape(&mut self, shape: u32, accepts: Accepts) -> u32 {
        if self.shape(shape).contains(&accepts) {
            return shape;
        }
        if let Some(known) = self.shape_with.get(&(shape, accepts)) {
            return *known;
        }
        let mut grown = self.shape(shape).to_vec();
        grown.push(accepts);
        self.shapes.push(grown);
        let index = index_u32(self.shapes.len() - 1);
        self.shape_with.insert((shape, accepts), index);
        index
    }

    fn static_place(&mut self, account: u32, address: Address) -> &mut StaticPlace {
        let hasher = self.hasher.clone();
        self.statics.entry(address).or_insert_with(|| StaticPlace { account, by_amount: HashMap::with_hasher(hasher) })
    }

    fn account(&self, index: u32) -> AccountId {
        self.accounts.get(index as usize).copied().unwrap_or(AccountId::from_bits(0))
    }

    fn intern_account(&mut self, account: AccountId) -> u32 {
        if let Some(index) = self.account_index.get(&account) {
            return *index;
        }
        self.accounts.push(account);
        let index = index_u32(self.accounts.len() - 1);
        self.account_index.insert(account, index);
        index
    }

    fn intern_network(&mut self, network: &str) -> u16 {
        let known = self.networks.iter().position(|n| n == network);
        let index = known.unwrap_or_else(|| {
            self.networks.push(network.to_owned());
            self.networks.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }
}
