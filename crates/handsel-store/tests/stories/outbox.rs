//! Events find their webhooks in the same commit, are numbered without a gap, and are claimed in order.

use super::query;
use crate::rig::Rig;
use crate::support::*;
use handsel_core::change::{Change, Write};
use handsel_core::delivery::State;
use handsel_core::event::Kind;
use handsel_core::id::{AccountId, WebhookId};
use handsel_core::webhook::{Ordering, Status, Webhook};
use handsel_store::ReadError;
use std::collections::HashMap;

async fn hook(rig: &Rig, account: AccountId, patterns: &[&str]) -> WebhookId {
    let hook = webhook(account, patterns);
    rig.write(vec![Write::InsertWebhook(hook.clone())]).await.unwrap();
    hook.id
}

async fn say(rig: &Rig, account: AccountId, kind: Kind, object: &str) -> u32 {
    let change = Change { events: vec![event(account, kind, object)], ..Change::default() };
    rig.commit(change).await.unwrap().deliveries
}

pub(crate) async fn patterns(rig: &Rig) {
    let account = rig.account().await;
    let other = rig.account().await;
    let all = hook(rig, account, &["*"]).await;
    let family = hook(rig, account, &["checkout.*", "checkout.created"]).await;
    let name = hook(rig, account, &["payment.detected"]).await;
    hook(rig, other, &["*"]).await;
    assert_eq!(say(rig, account, Kind::CheckoutCreated, "chk_1").await, 2, "twice named, once delivered");
    assert_eq!(say(rig, account, Kind::PaymentDetected, "pay_1").await, 2);
    assert_eq!(say(rig, account, Kind::WalletAdded, "wal_1").await, 1);
    let found = rig.store.reader.deliveries(account, &query(100)).await.unwrap().data;
    let count = |id| found.iter().filter(|d| d.webhook == id).count();
    assert_eq!((count(all), count(family), count(name)), (3, 1, 1));
    assert_eq!(found.iter().filter(|d| d.state == State::Pending { due: at(60) }).count(), 5);
}

pub(crate) async fn only_to(rig: &Rig) {
    let account = rig.account().await;
    hook(rig, account, &["*"]).await;
    let one = hook(rig, account, &["payment.detected"]).await;
    let mut test = event(account, Kind::WebhookTest, "whk_1");
    test.only_to = Some(one);
    let change = Change { events: vec![test], ..Change::default() };
    assert_eq!(rig.commit(change).await.unwrap().deliveries, 1);
    let found = rig.store.reader.deliveries(account, &query(10)).await.unwrap().data;
    assert_eq!(found[0].webhook, one);
    let foreign = rig.account().await;
    let mut theirs = event(foreign, Kind::WebhookTest, "whk_1");
    theirs.only_to = Some(one);
    assert_eq!(rig.commit(Change { events: vec![theirs], ..Change::default() }).await.unwrap().deliveries, 0);
}

/// 64 at a time, with Changes among them that are refused.
pub(crate) async fn sequences_have_no_gap(rig: &Rig) {
    let accounts = [rig.account().await, rig.account().await, rig.account().await];
    for account in accounts {
        hook(rig, account, &["*"]).await;
        hook(rig, account, &["checkout.created"]).await;
    }
    let taken = event(accounts[0], Kind::CheckoutExpired, "chk_1");
    rig.commit(Change { events: vec![taken.clone()], ..Change::default() }).await.unwrap();
    let mut tasks = Vec::new();
    for n in 0..64_usize {
        let account = accounts[n % 3];
        let (store, taken) = (rig.store.clone(), taken.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..4 {
                store.writer.commit(creation(checkout(account))).await.unwrap();
                let mut refused = creation(checkout(account));
                refused.events.push(taken.clone());
                store.writer.commit(refused).await.unwrap_err();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    rig.settle().await;
    for account in accounts {
        let events = rig.store.reader.events_after(account, 0, 1000).await.unwrap();
        let sequences: Vec<u64> = events.iter().filter_map(|e| e.sequence).collect();
        assert_eq!(sequences, (1..=events.len() as u64).collect::<Vec<_>>());
        assert!(events.len() >= 84);
        endpoint_sequences(rig, account).await;
    }
    assert_eq!(rig.number("SELECT COUNT(*) FROM event").await, 257);
    assert_eq!(rig.store.reader.audit_head().await.unwrap().size, 256);
}

/// Each webhook counts from 1 and names the event before.
async fn endpoint_sequences(rig: &Rig, account: AccountId) {
    let found = rig.store.reader.deliveries(account, &query(1000)).await.unwrap().data;
    let mut lanes: HashMap<WebhookId, Vec<_>> = HashMap::new();
    for delivery in found {
        lanes.entry(delivery.webhook).or_default().push(delivery);
    }
    assert_eq!(lanes.len(), 2);
    for lane in lanes.values_mut() {
        lane.sort_by_key(|d| d.endpoint_sequence);
        let mut before = None;
        for (n, delivery) in lane.iter().enumerate() {
            assert_eq!(delivery.endpoint_sequence, n as u64 + 1);
            assert_eq!(delivery.previous_event, before);
            before = Some(delivery.event);
        }
    }
}

pub(crate) async fn lanes(rig: &Rig) {
    let account = rig.account().await;
    let ordered = hook(rig, account, &["*"]).await;
    let loose = Webhook { ordering: Ordering::None, ..webhook(account, &["*"]) };
    rig.write(vec![Write::InsertWebhook(loose.clone())]).await.unwrap();
    for object in ["chk_1", "chk_1", "chk_2", "chk_1"] {
        say(rig, account, Kind::CheckoutCreated, object).await;
    }
    rig.settle().await;
    let writer = &rig.store.writer;
    let claimed = writer.claim_deliveries(at(100), at(200), 100).await.unwrap();
    let of = |id: WebhookId| {
        claimed.iter().filter(|c| c.delivery.webhook == id).map(|c| c.delivery.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(loose.id).len(), 4, "no order wanted: all at once");
    let heads = of(ordered);
    assert_eq!(heads.iter().map(|d| d.endpoint_sequence).collect::<Vec<_>>(), [1, 3]);
    // A failed head parks its lane only, until it is due again.
    let mut head = heads[0].clone();
    head.version += 1;
    head.tries = 1;
    head.state = State::Pending { due: at(150) };
    rig.write(vec![Write::UpdateDelivery { delivery: head.clone(), attempt: None }]).await.unwrap();
    assert!(writer.claim_deliveries(at(100), at(200), 100).await.unwrap().is_empty());
    assert_eq!(rig.store.reader.next_delivery_due().await.unwrap(), Some(at(150)));
    assert_eq!(writer.claim_deliveries(at(150), at(200), 100).await.unwrap()[0].delivery, head);
    head.version += 1;
    head.state = State::Succeeded { at: at(160) };
    rig.write(vec![Write::UpdateDelivery { delivery: head, attempt: None }]).await.unwrap();
    let next = writer.claim_deliveries(at(160), at(200), 100).await.unwrap();
    assert_eq!(next.iter().map(|c| c.delivery.endpoint_sequence).collect::<Vec<_>>(), [2]);
}

pub(crate) async fn leases(rig: &Rig) {
    let account = rig.account().await;
    hook(rig, account, &["*"]).await;
    say(rig, account, Kind::CheckoutCreated, "chk_1").await;
    rig.settle().await;
    let writer = &rig.store.writer;
    assert!(writer.claim_deliveries(at(59), at(200), 10).await.unwrap().is_empty(), "not due yet");
    let first = writer.claim_deliveries(at(60), at(200), 10).await.unwrap();
    assert_eq!(first.len(), 1);
    assert!(writer.claim_deliveries(at(199), at(300), 10).await.unwrap().is_empty(), "leased");
    assert_eq!(rig.store.reader.next_delivery_due().await.unwrap(), Some(at(200)));
    let second = writer.claim_deliveries(at(200), at(300), 10).await.unwrap();
    assert_eq!(second[0].delivery, first[0].delivery, "the lease had ended");
    // Who comes late with the outcome of a lost lease still has the right version; the second one then has not.
    let mut done = first[0].delivery.clone();
    done.version += 1;
    done.state = State::Succeeded { at: at(210) };
    let write = Write::UpdateDelivery { delivery: done, attempt: None };
    rig.write(vec![write.clone()]).await.unwrap();
    rig.write(vec![write]).await.unwrap_err();
    assert!(writer.claim_deliveries(at(999), at(1999), 10).await.unwrap().is_empty());
    assert_eq!(rig.store.reader.next_delivery_due().await.unwrap(), None);
}

/// A row that somebody spoilt costs its own deliveries, not those beside them.
pub(crate) async fn spoilt(rig: &Rig) {
    let account = rig.account().await;
    let (one, two) = (hook(rig, account, &["*"]).await, hook(rig, account, &["*"]).await);
    say(rig, account, Kind::CheckoutCreated, "chk_1").await;
    say(rig, account, Kind::CheckoutCreated, "chk_2").await;
    rig.settle().await;
    rig.raw(&format!("UPDATE webhook SET rest = '{{}}' WHERE id = '{two}'")).await.unwrap();
    let claimed = rig.store.writer.claim_deliveries(at(100), at(200), 10).await.unwrap();
    assert_eq!(claimed.len(), 4);
    for c in claimed {
        match c.load {
            Ok(load) => assert_eq!((c.delivery.webhook, load.webhook.id), (one, one)),
            Err(why) => {
                assert!(matches!(why, ReadError::Corrupt { table: "webhook", .. }), "{why}");
                assert_eq!(c.delivery.webhook, two);
            }
        }
    }
}

pub(crate) async fn requeue(rig: &Rig) {
    let account = rig.account().await;
    hook(rig, account, &["*"]).await;
    say(rig, account, Kind::CheckoutCreated, "chk_1").await;
    rig.settle().await;
    let writer = &rig.store.writer;
    let mut one = writer.claim_deliveries(at(60), at(200), 10).await.unwrap()[0].delivery.clone();
    one.version += 1;
    one.tries = 3;
    one.state = State::Failed { at: at(70) };
    rig.write(vec![Write::UpdateDelivery { delivery: one.clone(), attempt: None }]).await.unwrap();
    rig.write(vec![Write::RequeueDelivery { id: one.id, account, due: at(80) }]).await.unwrap();
    let again = writer.claim_deliveries(at(80), at(200), 10).await.unwrap()[0].delivery.clone();
    assert_eq!(again.state, State::Pending { due: at(80) });
    assert_eq!((again.version, again.tries, again.endpoint_sequence), (3, 3, 1));
}

pub(crate) async fn disabled_webhooks(rig: &Rig) {
    let account = rig.account().await;
    let mut one = webhook(account, &["*"]);
    rig.write(vec![Write::InsertWebhook(one.clone())]).await.unwrap();
    say(rig, account, Kind::CheckoutCreated, "chk_1").await;
    one.version = 2;
    one.status = Status::Disabled;
    let change = Change {
        writes: vec![Write::UpdateWebhook(one.clone())],
        events: vec![event(account, Kind::WebhookDisabled, "whk_1")],
        ..Change::default()
    };
    assert_eq!(rig.commit(change).await.unwrap().deliveries, 0, "it wants nothing any more");
    let found = rig.store.reader.deliveries(account, &query(10)).await.unwrap().data;
    assert_eq!(found[0].state, State::Canceled { at: at(60) });
    one.version = 3;
    one.status = Status::Enabled;
    rig.write(vec![Write::UpdateWebhook(one)]).await.unwrap();
    assert_eq!(say(rig, account, Kind::CheckoutCreated, "chk_2").await, 1);
}
