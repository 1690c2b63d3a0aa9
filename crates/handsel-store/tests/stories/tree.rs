//! The audit tree, and what the loops ask for.

use crate::rig::Rig;
use crate::support::*;
use handsel_core::audit::merkle::{Frontier, leaf_hash, node_hash};
use handsel_core::chain::Address;
use handsel_core::chain::standing::{Reason, Standing, Told, Verdict};
use handsel_core::change::{Change, CommitError, CursorMove, Write};
use handsel_core::checkout::{Checkout, State};
use handsel_core::wallet::{self, Destination, Wallet};
use handsel_store::Store;
use handsel_store::reader::{ExpiryPlace, Reader, WatchPlace, Watched};

/// Places are 0, 1, 2, … and every perfect subtree's root is stored, also across a restart.
pub(crate) async fn indexes_and_nodes(rig: &Rig) {
    let account = rig.account().await;
    for n in 0..11_usize {
        let audit = (0..=n % 3).map(|_| entry(Some(account))).collect();
        rig.commit(Change { audit, ..Change::default() }).await.unwrap();
    }
    rig.settle().await;
    let reader = &rig.store.reader;
    let leaves = reader.audit_leaves(0, 1000).await.unwrap();
    let head = reader.audit_head().await.unwrap();
    assert_eq!((head.size, head.waiting), (leaves.len() as u64, 0));
    assert_eq!(reader.audit_leaves(5, 2).await.unwrap(), leaves[5..7]);
    let mut level: Vec<_> = leaves.iter().map(|l| leaf_hash(l)).collect();
    let mut height = 0;
    while !level.is_empty() {
        for (index, hash) in level.iter().enumerate() {
            assert_eq!(reader.audit_node(height, index as u64).await.unwrap(), Some(*hash), "{height}/{index}");
        }
        assert_eq!(reader.audit_node(height, level.len() as u64).await.unwrap(), None);
        level = level.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        height += 1;
    }
    let mut frontier = Frontier::default();
    for leaf in &leaves {
        frontier.append(leaf_hash(leaf));
    }
    let mut peaks = Vec::new();
    for id in Frontier::node_ids(head.size) {
        peaks.extend(reader.audit_node(id.level, id.index).await.unwrap());
    }
    assert_eq!(Frontier::load(head.size, peaks).unwrap().root(), frontier.root());
    rig.store.writer.close().await;
    let again = Store::open(rig.config.clone()).await.unwrap();
    again.writer.commit(Change { audit: vec![entry(None)], ..Change::default() }).await.unwrap();
    rig.settle().await;
    assert_eq!(again.reader.audit_leaves(0, 1000).await.unwrap().len(), leaves.len() + 1);
    assert_eq!(again.reader.audit_head().await.unwrap().size, head.size + 1);
    again.writer.close().await;
}

async fn watched(reader: &Reader, network: &str) -> Vec<Watched> {
    let mut all = Vec::new();
    reader.watched_since(network, WatchPlace::default(), 10, |rows| all.extend(rows)).await.unwrap();
    all
}

pub(crate) async fn watch_marks(rig: &Rig) {
    let account = rig.account().await;
    let mut two = static_checkout(account, 3);
    two.options.push(checkout(account).options[0].clone());
    rig.write(vec![Write::InsertCheckout(two.clone()), Write::InsertCheckout(checkout(account))]).await.unwrap();
    let reader = &rig.store.reader;
    let all = watched(reader, NETWORK).await;
    assert_eq!(all.len(), 3);
    assert!(all.is_sorted_by_key(|w| w.mark));
    let one = &all[0];
    assert_eq!((one.account, one.checkout, one.option), (account, two.id, 0));
    assert_eq!((one.token, one.address), (two.options[0].token, two.options[0].address));
    assert_eq!((one.payable, one.unique_amount), (u128::MAX - 3, true));
    assert_eq!((one.created, one.expires_at), (two.created, two.terms.expires_at));
    assert!(!all[1].unique_amount);
    assert!(watched(reader, "other").await.is_empty());
    let mut pages = Vec::new();
    let place = reader.watched_since(NETWORK, WatchPlace::default(), 2, |rows| pages.push(rows.len())).await.unwrap();
    assert_eq!(pages, [2, 1]);
    rig.write(vec![Write::InsertCheckout(checkout(account))]).await.unwrap();
    let mut new = Vec::new();
    reader.watched_since(NETWORK, place, 10, |rows| new.extend(rows)).await.unwrap();
    assert_eq!(new.iter().filter(|w| !all.contains(w)).count(), 1, "the new one, whatever else comes again");
    let longer =
        Checkout { version: 2, terms: handsel_core::checkout::Terms { expires_at: at(9_999_999), ..two.terms }, ..two };
    rig.write(vec![Write::UpdateCheckout(longer)]).await.unwrap();
    assert_eq!(watched(reader, NETWORK).await[0].expires_at, at(9_999_999));
}

pub(crate) async fn wallet_marks(rig: &Rig) {
    let account = rig.account().await;
    let fixed = |n: u8, state| Wallet {
        destination: Destination::Static { address: Address([n; 20]) },
        state,
        ..wallet(account)
    };
    let mut claimed = fixed(5, wallet::State::PendingProof);
    let writes = vec![
        Write::InsertWallet(fixed(4, wallet::State::Active { from: at(1) })),
        Write::InsertWallet(claimed.clone()),
    ];
    rig.write(writes).await.unwrap();
    let reader = &rig.store.reader;
    let of = async |place| {
        let mut all = Vec::new();
        let place = reader.wallets_watched_since(place, 10, |rows| all.extend(rows)).await.unwrap();
        let addresses: Vec<u8> = all.iter().filter(|w| w.account == account).map(|w| w.address.0[0]).collect();
        (addresses, place)
    };
    let (addresses, place) = of(WatchPlace::default()).await;
    assert_eq!(addresses, [4], "what is only claimed is nobody's");
    claimed.version = 2;
    claimed.state = wallet::State::Active { from: at(2) };
    rig.write(vec![Write::UpdateWallet(claimed.clone())]).await.unwrap();
    let (addresses, _) = of(place).await;
    assert_eq!(addresses.last(), Some(&5));
    claimed.version = 3;
    claimed.state = wallet::State::Retired { at: at(3) };
    rig.write(vec![Write::UpdateWallet(claimed.clone())]).await.unwrap();
    // It may be added again, and somebody else may have it too.
    rig.write(vec![Write::InsertWallet(fixed(5, wallet::State::Active { from: at(4) }))]).await.unwrap();
    assert_eq!(of(WatchPlace::default()).await.0, [4, 5], "what retired is still watched");
}

pub(crate) async fn standings(rig: &Rig) {
    let reader = &rig.store.reader;
    assert_eq!(reader.network_standing(NETWORK).await.unwrap(), None);
    let bad = Standing::unwritten(NETWORK, at(1)).turned(Verdict::Degraded(Reason::NodesSilent), at(2)).unwrap();
    rig.write(vec![Write::PutStanding(bad.clone())]).await.unwrap();
    assert_eq!(reader.network_standing(NETWORK).await.unwrap(), Some(bad.clone()));
    assert_eq!(rig.write(vec![Write::PutStanding(bad.clone())]).await, Err(CommitError::Conflict), "somebody did it");
    let (one, two) = (rig.account().await, rig.account().await);
    rig.write([one, two].map(|account| Write::InsertWallet(wallet(account))).to_vec()).await.unwrap();
    let first = reader.accounts_with_wallets(None, 1).await.unwrap();
    assert_eq!(first, [one]);
    let some = bad.told(Told::UpTo(one));
    rig.write(vec![Write::PutStanding(some.clone())]).await.unwrap();
    assert_eq!(reader.network_standing(NETWORK).await.unwrap(), Some(some.clone()));
    assert_eq!(reader.accounts_with_wallets(Some(one), 10).await.unwrap(), [two]);
    let all = some.told(Told::All);
    rig.write(vec![Write::PutStanding(all.clone())]).await.unwrap();
    let well = all.turned(Verdict::Well, at(3)).unwrap();
    rig.write(vec![Write::PutStanding(well.clone())]).await.unwrap();
    assert_eq!(reader.network_standing(NETWORK).await.unwrap(), Some(well));
}

pub(crate) async fn decimals(rig: &Rig) {
    let note = |chain_id, n: u8, decimals| Write::NoteDecimals {
        network: NETWORK.to_owned(),
        chain_id,
        token: Address([n; 20]),
        decimals,
        at: at(1),
    };
    rig.write(vec![note(1, 1, 6), note(1, 2, 18), note(2, 1, 8)]).await.unwrap();
    rig.write(vec![note(1, 1, 7)]).await.unwrap();
    let reader = &rig.store.reader;
    let noted = reader.noted_decimals(NETWORK, 1).await.unwrap();
    assert_eq!(noted, [(Address([1; 20]), 7), (Address([2; 20]), 18)]);
    assert!(reader.noted_decimals("other", 1).await.unwrap().is_empty());
}

pub(crate) async fn headers(rig: &Rig) {
    let moved = |m: CursorMove| Change { cursor: Some(m), ..Change::default() };
    let (a, b, fork) = (header(1, 0), header(2, 0), header(2, 1));
    rig.commit(moved(CursorMove { added: vec![a, b], ..cursor(None, b) })).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.recent_headers(NETWORK, 10).await.unwrap(), [b, a]);
    let next = header(3, 1);
    let reorg = CursorMove { added: vec![fork, next], orphaned: vec![b.hash], ..cursor(Some(b.hash), next) };
    rig.commit(moved(reorg)).await.unwrap();
    assert_eq!(reader.recent_headers(NETWORK, 10).await.unwrap(), [next, fork, a]);
    let back = CursorMove { added: vec![b], orphaned: vec![next.hash, fork.hash], ..cursor(Some(next.hash), b) };
    rig.commit(moved(back)).await.unwrap();
    assert_eq!(reader.recent_headers(NETWORK, 10).await.unwrap(), [b, a]);
    // Far ahead: what lies below the window goes.
    let far = header(10_000, 0);
    rig.commit(moved(cursor(Some(b.hash), far))).await.unwrap();
    assert_eq!(reader.recent_headers(NETWORK, 10).await.unwrap(), [far]);
    assert_eq!(rig.number("SELECT COUNT(*) FROM chain_block").await, 1);
}

pub(crate) async fn expiry(rig: &Rig) {
    let account = rig.account().await;
    let mut open = checkout(account);
    rig.write(vec![Write::InsertCheckout(open.clone())]).await.unwrap();
    let end = open.terms.expires_at.millis() - NOW + 120_000;
    let reader = &rig.store.reader;
    let first = ExpiryPlace::default();
    let due = async |until: i64| reader.checkouts_to_expire(at(until), &first, 10).await.unwrap().0;
    assert!(due(end - 1).await.is_empty(), "payers' grace");
    assert_eq!(due(end).await, [open.clone()]);
    let more = [checkout(account), checkout(account)];
    rig.write(more.iter().cloned().map(Write::InsertCheckout).collect()).await.unwrap();
    // Page by page, then from the beginning again.
    let (one, place) = reader.checkouts_to_expire(at(end), &first, 2).await.unwrap();
    let (two, place) = reader.checkouts_to_expire(at(end), &place, 2).await.unwrap();
    assert_eq!(place, first);
    assert_eq!([one, two].concat(), [open.clone(), more[0].clone(), more[1].clone()]);
    // Whatever is processing stands in nobody's way.
    open.version = 2;
    open.state = State::Processing;
    rig.write(vec![Write::UpdateCheckout(open.clone())]).await.unwrap();
    assert_eq!(reader.checkouts_to_expire(at(end), &first, 1).await.unwrap().0, [more[0].clone()]);
    open.version = 3;
    open.state = State::Expired { at: at(end) };
    rig.write(vec![Write::UpdateCheckout(open)]).await.unwrap();
    assert_eq!(due(end).await, more);
}

pub(crate) async fn prune(rig: &Rig) {
    let account = rig.account().await;
    let old = answer(account, 1);
    let mut young = answer(account, 2);
    young.created = at(500);
    for one in [&old, &young] {
        rig.commit(Change { answer: Some(one.clone()), ..Change::default() }).await.unwrap();
    }
    rig.write(vec![Write::LogRequest(request_row(account))]).await.unwrap();
    assert_eq!(rig.store.writer.prune(at(500), at(81)).await.unwrap(), 1);
    let reader = &rig.store.reader;
    assert_eq!(reader.idempotent_answer(account, &old.route, &old.key_hash).await.unwrap(), None);
    assert_eq!(reader.idempotent_answer(account, &old.route, &young.key_hash).await.unwrap(), Some(young));
    assert_eq!(rig.store.writer.prune(at(500), at(82)).await.unwrap(), 1);
}
