//! Addresses of xpub wallets: indexes are leased from the store in blocks and addresses derived ahead of need, so that
//! concurrent checkouts of one wallet neither conflict nor wait. An index that was given out is never given out again.

use crate::{Code, Engine, Refusal};
use handsel_core::chain::Address;
use handsel_core::change::{Change, CommitError, Write};
use handsel_core::id::{AccountId, WalletId};
use handsel_core::limits::{CONFLICT_RETRIES_MAX, INDEX_BLOCK_SIZE};
use handsel_core::secret::Sealed;
use handsel_core::vault::{DataKey, Place};
use handsel_core::wallet::Wallet;
use handsel_core::xpub::Xpub;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Addresses kept ready per wallet; below half of it more are derived in the background.
const READY_MAX_ADDRESSES: usize = 128;
/// Where the indexes end that an xpub can derive (BIP-32).
const FIRST_HARDENED: u32 = 1 << 31;
/// Wallets whose addresses are kept ready; beyond it the memory is emptied.
const WALLETS_MAX_ENTRIES: usize = 1_000;

/// Wallets with what is leased of them.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    wallets: RwLock<HashMap<WalletId, Arc<Leased>>>,
}

/// One wallet's opened xpub and its part of the index space.
#[derive(Debug)]
pub(crate) struct Leased {
    wallet: WalletId,
    account: AccountId,
    /// As stored: tells whether the opened text is still that of the row.
    sealed: Sealed,
    pub(crate) xpub: Xpub,
    ready: Mutex<VecDeque<(u32, Address)>>,
    /// Next index of the leased block and the block's end; held while a block is leased or addresses are derived.
    block: tokio::sync::Mutex<(u32, u32)>,
    refilling: AtomicBool,
}

impl Leased {
    fn ready(&self) -> MutexGuard<'_, VecDeque<(u32, Address)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a wallet's xpub is sealed.
pub(crate) fn xpub_place(row: &str) -> Place<'_> {
    Place { table: "wallets", row, column: "xpub" }
}

impl Engine {
    /// The wallet's opened xpub with its leased indexes.
    pub(crate) fn leased(&self, key: &DataKey, wallet: &Wallet, sealed: &Sealed) -> Result<Arc<Leased>, Refusal> {
        let indexes = &self.inner.indexes;
        let known = indexes.wallets.read().unwrap_or_else(PoisonError::into_inner).get(&wallet.id).cloned();
        if let Some(known) = known.filter(|known| known.sealed == *sealed) {
            return Ok(known);
        }
        let row = wallet.id.to_string();
        let text = key.open(xpub_place(&row), sealed).ok().and_then(|plain| String::from_utf8(plain).ok());
        let xpub = text.and_then(|text| Xpub::parse(&text).ok());
        let Some(xpub) = xpub else { return Err(self.forged(wallet.account, row)) };
        let leased = Arc::new(Leased {
            wallet: wallet.id,
            account: wallet.account,
            sealed: sealed.clone(),
            xpub,
            ready: Mutex::default(),
            block: tokio::sync::Mutex::new((0, 0)),
            refilling: AtomicBool::new(false),
        });
        let mut wallets = indexes.wallets.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = wallets.get(&wallet.id).filter(|known| known.sealed == *sealed) {
            return Ok(Arc::clone(known));
        }
        if wallets.len() >= WALLETS_MAX_ENTRIES {
            wallets.clear();
        }
        wallets.insert(wallet.id, Arc::clone(&leased));
        Ok(leased)
    }

    /// A fresh index with its address; never given to anybody else.
    pub(crate) async fn take_address(&self, leased: &Arc<Leased>) -> Result<(u32, Address), Refusal> {
        loop {
            let (taken, left) = {
                let mut ready = leased.ready();
                (ready.pop_front(), ready.len())
            };
            if left < READY_MAX_ADDRESSES / 2 {
                self.refill(leased);
            }
            if let Some(taken) = taken {
                return Ok(taken);
            }
            self.derive_more(leased, 1).await?;
        }
    }

    /// What the next checkout would get, without taking it.
    pub(crate) async fn peek_address(&self, leased: &Leased) -> Result<(u32, Address), Refusal> {
        let first = leased.ready().front().copied();
        if let Some(first) = first {
            return Ok(first);
        }
        let index = self.inner.reader.wallet_next_index(leased.wallet).await?;
        leased.xpub.address(index).map(|address| (index, address)).ok_or_else(Refusal::internal)
    }

    /// Derives ahead in the background, one task per wallet.
    fn refill(&self, leased: &Arc<Leased>) {
        if leased.refilling.swap(true, Ordering::AcqRel) {
            return;
        }
        let (engine, leased) = (self.clone(), Arc::clone(leased));
        tokio::spawn(async move {
            let result = engine.derive_more(&leased, READY_MAX_ADDRESSES).await;
            leased.refilling.store(false, Ordering::Release);
            if let Err(refusal) = result {
                tracing::warn!(detail = %refusal.detail, "addresses could not be derived ahead");
            }
        });
    }

    /// Makes sure that at least `wanted` addresses are ready, leasing a block where the present one is used up.
    async fn derive_more(&self, leased: &Arc<Leased>, wanted: usize) -> Result<(), Refusal> {
        let mut block = leased.block.lock().await;
        while leased.ready().len() < wanted {
            let (next, end) = *block;
            if next >= end {
                *block = self.lease_block(leased).await?;
                continue;
            }
            let missing = wanted.saturating_sub(leased.ready().len());
            let last = end.min(next.saturating_add(u32::try_from(missing).unwrap_or(u32::MAX)));
            let source = Arc::clone(leased);
            let derive = move || {
                // BIP-32 skips an index in 2^127; whoever meets it takes the next one.
                (next..last).filter_map(|index| Some((index, source.xpub.address(index)?))).collect::<Vec<_>>()
            };
            let fresh = tokio::task::spawn_blocking(derive).await.map_err(|_| Refusal::internal())?;
            block.0 = last;
            leased.ready().extend(fresh);
        }
        Ok(())
    }

    /// The next block that nobody has leased, in this process or another.
    async fn lease_block(&self, leased: &Leased) -> Result<(u32, u32), Refusal> {
        let (wallet, account) = (leased.wallet, leased.account);
        for _ in 0..CONFLICT_RETRIES_MAX {
            let from = self.inner.reader.wallet_next_index(wallet).await?;
            let next = from.saturating_add(INDEX_BLOCK_SIZE);
            if next >= FIRST_HARDENED {
                let detail = "this wallet's addresses are used up; add another";
                return Err(Refusal::new(Code::NoPaymentOption, detail));
            }
            let writes = vec![Write::ReserveIndexes { wallet, account, next }];
            match self.commit(Change { writes, ..Change::default() }).await {
                Ok(_) => return Ok((from, next)),
                Err(CommitError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }
}
