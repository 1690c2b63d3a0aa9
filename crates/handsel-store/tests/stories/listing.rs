//! Lists: both ways, narrowed, and never another account's.

use super::query;
use crate::rig::Rig;
use crate::support::*;
use handsel_core::change::{AuditEntry, Change, Write};
use handsel_core::checkout::{Checkout, State};
use handsel_core::event::{Event, Kind, NewEvent};
use handsel_core::id::{AccountId, AuditId, CheckoutId, EventId};
use handsel_store::reader::{ListQuery, Page};

/// Ten checkouts, three of them of the same moment; newest first.
async fn ten(rig: &Rig, account: AccountId) -> Vec<CheckoutId> {
    let mut made = Vec::new();
    for n in 0..10_i64 {
        let one = Checkout { created: at(n - n % 3), ..checkout(account) };
        rig.write(vec![Write::InsertCheckout(one.clone())]).await.unwrap();
        made.push((one.created, one.id));
    }
    made.sort();
    made.into_iter().rev().map(|(_, id)| id).collect()
}

fn ids(page: &Page<Checkout>) -> Vec<CheckoutId> {
    page.data.iter().map(|c| c.id).collect()
}

pub(crate) async fn both_ways(rig: &Rig) {
    let account = rig.account().await;
    let other = rig.account().await;
    let all = ten(rig, account).await;
    let theirs = ten(rig, other).await;
    let list = async |query: ListQuery| rig.store.reader.checkouts(account, &query).await.unwrap();
    let first = list(query(4)).await;
    assert_eq!((ids(&first), first.has_more), (all[..4].to_vec(), true));
    let second = list(ListQuery { starting_after: Some(all[3].to_string()), ..query(4) }).await;
    assert_eq!((ids(&second), second.has_more), (all[4..8].to_vec(), true));
    let third = list(ListQuery { starting_after: Some(all[7].to_string()), ..query(4) }).await;
    assert_eq!((ids(&third), third.has_more), (all[8..].to_vec(), false));
    let back = list(ListQuery { ending_before: Some(all[8].to_string()), ..query(4) }).await;
    assert_eq!((ids(&back), back.has_more), (all[4..8].to_vec(), true));
    let top = list(ListQuery { ending_before: Some(all[4].to_string()), ..query(4) }).await;
    assert_eq!((ids(&top), top.has_more), (all[..4].to_vec(), false));
    let exact = list(query(10)).await;
    assert_eq!((ids(&exact), exact.has_more), (all, false));
    let foreign = list(ListQuery { starting_after: Some(theirs[0].to_string()), ..query(4) }).await;
    assert!(foreign.data.is_empty() && !foreign.has_more, "another account's id is no place here");
}

pub(crate) async fn times_and_states(rig: &Rig) {
    let account = rig.account().await;
    let all = ten(rig, account).await;
    let list = async |query: ListQuery| ids(&rig.store.reader.checkouts(account, &query).await.unwrap());
    // Moments 0, 3, 6 (three each) and 9.
    assert_eq!(list(ListQuery { created_gte: Some(at(6)), ..query(20) }).await, all[..4]);
    assert_eq!(list(ListQuery { created_gt: Some(at(6)), ..query(20) }).await, all[..1]);
    assert_eq!(list(ListQuery { created_lte: Some(at(3)), ..query(20) }).await, all[4..]);
    assert_eq!(list(ListQuery { created_lt: Some(at(3)), ..query(20) }).await, all[7..]);
    let between = ListQuery { created_gt: Some(at(0)), created_lt: Some(at(6)), ..query(20) };
    assert_eq!(list(between).await, all[4..7]);
    let mut one = rig.store.reader.checkout(account, all[5]).await.unwrap().unwrap();
    one.version = 2;
    one.state = State::Canceled { at: at(1) };
    rig.write(vec![Write::UpdateCheckout(one)]).await.unwrap();
    assert_eq!(list(ListQuery { status: Some("canceled".to_owned()), ..query(20) }).await, [all[5]]);
    assert_eq!(list(ListQuery { status: Some("open".to_owned()), ..query(20) }).await.len(), 9);
    assert!(list(ListQuery { status: Some("nonsense".to_owned()), ..query(20) }).await.is_empty());
}

pub(crate) async fn lookups(rig: &Rig) {
    let account = rig.account().await;
    let mut made = Vec::new();
    for n in 0..9_u8 {
        let lookups = vec![[1; 32], [2 + n % 2; 32], [40 + n; 32]];
        let one = Checkout { lookups, created: at(i64::from(n)), ..checkout(account) };
        rig.write(vec![Write::InsertCheckout(one.clone())]).await.unwrap();
        made.insert(0, one);
    }
    let list = async |lookups: &[[u8; 32]], more: ListQuery| {
        let query = ListQuery { lookups: lookups.to_vec(), ..more };
        rig.store.reader.checkouts(account, &query).await.unwrap()
    };
    let even: Vec<_> = made.iter().filter(|c| c.lookups[1] == [2; 32]).map(|c| c.id).collect();
    let page = list(&[[1; 32], [2; 32]], query(2)).await;
    assert_eq!((ids(&page), page.has_more), (even[..2].to_vec(), true));
    let page = list(&[[1; 32], [2; 32]], ListQuery { starting_after: Some(even[1].to_string()), ..query(3) }).await;
    assert_eq!((ids(&page), page.has_more), (even[2..].to_vec(), false));
    let page = list(&[[1; 32], [2; 32]], ListQuery { ending_before: Some(even[3].to_string()), ..query(2) }).await;
    assert_eq!((ids(&page), page.has_more), (even[1..3].to_vec(), true));
    assert_eq!(ids(&list(&[[45; 32]], query(5)).await), [made[3].id]);
    assert!(list(&[[45; 32], [46; 32]], query(5)).await.data.is_empty());
    // An update that changes what it is found by.
    let mut one = made[3].clone();
    one.version = 2;
    one.lookups = vec![[1; 32], [99; 32]];
    rig.write(vec![Write::UpdateCheckout(one.clone())]).await.unwrap();
    assert!(list(&[[45; 32]], query(5)).await.data.is_empty());
    assert_eq!(list(&[[99; 32]], query(5)).await.data, [one]);
}

pub(crate) async fn kinds(rig: &Rig) {
    let account = rig.account().await;
    let kinds = [Kind::CheckoutCreated, Kind::CheckoutExpired, Kind::PaymentDetected, Kind::CheckoutCreated];
    let events = kinds.map(|k| event(account, k, "chk_1")).to_vec();
    rig.commit(Change { events, ..Change::default() }).await.unwrap();
    let count = async |kind: Option<&str>| {
        let query = ListQuery { event_type: kind.map(str::to_owned), ..query(20) };
        rig.store.reader.events(account, &query).await.unwrap().data.len()
    };
    assert_eq!(count(None).await, 4);
    assert_eq!(count(Some("checkout.created")).await, 2);
    assert_eq!(count(Some("checkout.*")).await, 3);
    assert_eq!(count(Some("payment.*")).await, 1);
    assert_eq!(count(Some("check.*")).await, 0);
}

/// What one moment brought is listed in the order of its numbers, whatever the ids are.
pub(crate) async fn one_moment(rig: &Rig) {
    let account = rig.account().await;
    let mut falling = u128::MAX;
    let mut next = || {
        falling -= 1;
        falling
    };
    for _ in 0..3 {
        let mut change = Change::default();
        for kind in [Kind::CheckoutProcessing, Kind::PaymentSucceeded, Kind::CheckoutCompleted] {
            change.events.push(NewEvent { id: EventId::from_bits(next()), ..event(account, kind, "chk_1") });
            change.audit.push(AuditEntry { id: AuditId::from_bits(next()), ..entry(Some(account)) });
        }
        rig.commit(change).await.unwrap();
    }
    rig.settle().await;
    let events = async |query: ListQuery| rig.store.reader.events(account, &query).await.unwrap();
    let numbers = |page: &Page<Event>| page.data.iter().filter_map(|e| e.sequence).collect::<Vec<_>>();
    let all = events(query(20)).await;
    assert_eq!(numbers(&all), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    let id = |place: usize| Some(all.data[place].new.id.to_string());
    let further = events(ListQuery { starting_after: id(3), ..query(4) }).await;
    assert_eq!((numbers(&further), further.has_more), (vec![5, 4, 3, 2], true));
    let back = events(ListQuery { ending_before: id(4), ..query(4) }).await;
    assert_eq!((numbers(&back), back.has_more), (vec![9, 8, 7, 6], false));
    let moment = all.data[0].new.created;
    assert_eq!(numbers(&events(ListQuery { created_gte: Some(moment), ..query(20) }).await).len(), 9);
    assert!(events(ListQuery { created_gt: Some(moment), ..query(20) }).await.data.is_empty());
    let of_kind = ListQuery { event_type: Some("payment.*".to_owned()), ..query(20) };
    assert_eq!(numbers(&events(of_kind).await), [8, 5, 2]);
    let entries = rig.store.reader.audit_entries(account, &query(20)).await.unwrap();
    let places: Vec<_> = entries.data.iter().filter_map(|e| e.index).collect();
    assert_eq!(places, [8, 7, 6, 5, 4, 3, 2, 1, 0]);
}

pub(crate) async fn after_sequence(rig: &Rig) {
    let account = rig.account().await;
    for _ in 0..5 {
        rig.commit(creation(checkout(account))).await.unwrap();
    }
    rig.settle().await;
    let after = async |n, limit| {
        let events = rig.store.reader.events_after(account, n, limit).await.unwrap();
        events.iter().filter_map(|e| e.sequence).collect::<Vec<_>>()
    };
    assert_eq!(after(0, 3).await, [1, 2, 3]);
    assert_eq!(after(3, 10).await, [4, 5]);
    assert!(after(5, 10).await.is_empty());
}

/// Every other list: the narrowing members, and one page of each.
pub(crate) async fn narrow(rig: &Rig) {
    let account = rig.account().await;
    let (first, second) = (checkout(account), checkout(account));
    let (hook, other) = (webhook(account, &["*"]), webhook(account, &["checkout.created"]));
    let mut change = creation(first.clone());
    change.writes.extend([
        Write::InsertCheckout(second.clone()),
        Write::InsertPayment(payment(account, first.id)),
        Write::InsertPayment(payment(account, second.id)),
        Write::InsertPayment(payment(account, second.id)),
        Write::InsertWebhook(hook.clone()),
        Write::InsertWebhook(other),
        Write::InsertWallet(wallet(account)),
        Write::InsertApiKey(api_key(account)),
        Write::LogRequest(request_row(account)),
    ]);
    rig.commit(change).await.unwrap();
    let reader = &rig.store.reader;
    let of = |id| ListQuery { checkout: Some(id), ..query(20) };
    assert_eq!(reader.payments(account, &query(20)).await.unwrap().data.len(), 3);
    assert_eq!(reader.payments(account, &of(second.id)).await.unwrap().data.len(), 2);
    assert_eq!(reader.payments(account, &of(first.id)).await.unwrap().data.len(), 1);
    let to = ListQuery { webhook: Some(hook.id), ..query(20) };
    assert_eq!(reader.deliveries(account, &query(20)).await.unwrap().data.len(), 2);
    assert_eq!(reader.deliveries(account, &to).await.unwrap().data.len(), 1);
    assert_eq!(reader.webhooks(account, &query(1)).await.unwrap().data.len(), 1);
    assert!(reader.webhooks(account, &query(1)).await.unwrap().has_more);
    let failing = ListQuery { status: Some("failing".to_owned()), ..query(20) };
    assert!(reader.webhooks(account, &failing).await.unwrap().data.is_empty());
    assert_eq!(reader.wallets(account, &query(20)).await.unwrap().data.len(), 1);
    assert_eq!(reader.api_keys(account, &query(20)).await.unwrap().data.len(), 1);
    assert_eq!(reader.request_rows(account, &query(20)).await.unwrap().data.len(), 1);
    assert_eq!(reader.audit_entries(account, &query(20)).await.unwrap().data.len(), 1);
}
