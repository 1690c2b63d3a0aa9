//! The addresses that are waited for, shared by the watchers of all networks, because a payment may arrive on another network than
//! the one it was asked for on. Rows are loaded before a block is matched: an address is committed before it is shown, so whatever
//! was sent to it came later than its row.

use crate::{Engine, Refusal};
use handsel_core::chain::{Address, Header, Network, Transfer};
use handsel_core::matching::{AddedBlock, AddressBook, Match, Matched, Watch};
use handsel_store::reader::{WatchPlace, Watched, WatchedWallet};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use tokio::sync::Mutex;

/// Rows asked for at once.
const ROWS_AT_ONCE: u32 = 10_000;

#[derive(Debug)]
pub(crate) struct WatchBook {
    book: RwLock<AddressBook>,
    /// How far the rows were loaded; held while loading.
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    wallets: WatchPlace,
    networks: HashMap<String, WatchPlace>,
}

impl WatchBook {
    pub(crate) fn new(seed: u64) -> Self {
        Self { book: RwLock::new(AddressBook::new(seed)), places: Mutex::default() }
    }

    /// Loads what was written since the last time, for every configured network.
    pub(crate) async fn refresh(&self, engine: &Engine) -> Result<(), Refusal> {
        let mut places = self.places.lock().await;
        let Places { wallets, networks: places } = &mut *places;
        let reader = &engine.inner.reader;
        *wallets = reader.wallets_watched_since(*wallets, ROWS_AT_ONCE, |rows| self.insert_wallets(&rows)).await?;
        for network in &engine.inner.settings.networks {
            let place = places.entry(network.name.clone()).or_default();
            *place = reader.watched_since(&network.name, *place, ROWS_AT_ONCE, |rows| self.insert(&rows)).await?;
        }
        Ok(())
    }

    /// What arrives at a wallet's own address is its account's, whether a checkout waits there or not.
    fn insert_wallets(&self, rows: &[WatchedWallet]) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        rows.iter().for_each(|row| book.insert_static(row.account, row.address));
    }

    /// Whether transfers of a token may be counted.
    pub(crate) fn trust(&self, network: &str, token: Address, trusted: bool) {
        self.book.write().unwrap_or_else(PoisonError::into_inner).trust(network, token, trusted);
    }

    /// Saying a row twice changes nothing.
    fn insert(&self, rows: &[Watched]) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            book.insert(&Watch {
                account: row.account,
                checkout: row.checkout,
                option: row.option,
                network: &row.network,
                token: row.token,
                address: row.address,
                payable: row.payable,
                unique_amount: row.unique_amount,
            });
        }
    }

    /// Blocks with those of their transfers that go to addresses of ours.
    pub(crate) fn matched(&self, network: &Network, blocks: &[(Header, Vec<Transfer>)]) -> Vec<AddedBlock> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        let of_block = |(header, transfers): &(Header, Vec<Transfer>)| {
            let known = transfers.iter().filter_map(|transfer| {
                let to = book.lookup(network, transfer);
                (to != Match::Nobody).then_some(Matched { transfer: *transfer, to })
            });
            AddedBlock { header: *header, transfers: known.collect() }
        };
        blocks.iter().map(of_block).collect()
    }
}
