//! The audit tree, and what the loops ask for.

use crate::rig::Rig;
use crate::support::*;
use handsel_core::audit::merkle::{Frontier, leaf_hash, node_hash};
use handsel_core::change::{Change, CursorMove, Write};
use handsel_core::checkout::{Checkout, State};
use handsel_store::Store;
use handsel_store::reader::{Reader, WatchPlace, Watched};

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
    assert!(reader.checkouts_to_expire(at(end - 1), 10).await.unwrap().is_empty(), "payers' grace");
    assert_eq!(reader.checkouts_to_expire(at(end), 10).await.unwrap(), [open.clone()]);
    open.version = 2;
    open.state = State::Expired { at: at(end) };
    rig.write(vec![Write::UpdateCheckout(open)]).await.unwrap();
    assert!(reader.checkouts_to_expire(at(end), 10).await.unwrap().is_empty());
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
