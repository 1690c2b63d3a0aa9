//! What must not be written is not, and nothing beside it either.

use crate::rig::Rig;
use crate::support::*;
use handsel_core::api_key;
use handsel_core::change::{Change, CommitError, CursorMove, Write};
use handsel_core::checkout::{Checkout, State};
use handsel_core::event::Kind;
use handsel_core::id::*;

pub(crate) async fn versions(rig: &Rig) {
    let account = rig.account().await;
    let one = checkout(account);
    rig.write(vec![Write::InsertCheckout(one.clone())]).await.unwrap();
    for version in [0, 1, 3] {
        let stale = Checkout { version, state: State::Processing, ..one.clone() };
        assert_eq!(rig.write(vec![Write::UpdateCheckout(stale)]).await, Err(CommitError::Conflict), "{version}");
    }
    let foreign = Checkout { version: 2, account: AccountId::from_bits(bits()), ..one.clone() };
    assert_eq!(rig.write(vec![Write::UpdateCheckout(foreign)]).await, Err(CommitError::Conflict));
    assert_eq!(rig.store.reader.checkout(account, one.id).await.unwrap(), Some(one.clone()));
    let good = Checkout { version: 2, ..one };
    rig.write(vec![Write::UpdateCheckout(good.clone())]).await.unwrap();
    assert_eq!(rig.write(vec![Write::UpdateCheckout(good)]).await, Err(CommitError::Conflict), "the same twice");
}

/// The last write of a large Change conflicts: nothing of what came before is there, and no number is lost.
pub(crate) async fn half_a_change(rig: &Rig) {
    let account = rig.account().await;
    let hook = webhook(account, &["*"]);
    rig.write(vec![Write::InsertWebhook(hook)]).await.unwrap();
    rig.commit(creation(checkout(account))).await.unwrap();
    let fresh = checkout(account);
    let taken = event(account, Kind::CheckoutExpired, "chk_x");
    rig.commit(Change { events: vec![taken.clone()], ..Change::default() }).await.unwrap();
    let mut change = creation(fresh.clone());
    change.answer = Some(answer(account, 7));
    change.cursor = Some(cursor(None, header(5, 0)));
    // Its id is there already: met only after numbers were given.
    change.events.push(taken);
    let first = change.events[0].id;
    let leaf = change.audit[0].id;
    assert_eq!(rig.commit(change).await, Err(CommitError::Conflict));
    let reader = &rig.store.reader;
    assert_eq!(reader.checkout(account, fresh.id).await.unwrap(), None);
    assert_eq!(reader.event(account, first).await.unwrap(), None);
    assert_eq!(reader.audit_entry(account, leaf).await.unwrap(), None);
    assert_eq!(reader.cursor(NETWORK).await.unwrap(), None);
    assert_eq!(reader.idempotent_answer(account, "POST /v1/checkouts", &[7; 32]).await.unwrap(), None);
    assert_eq!(rig.number("SELECT COUNT(*) FROM checkout_lookup").await, 2);
    assert_eq!(rig.number("SELECT COUNT(*) FROM watch").await, 1);
    assert_eq!(rig.number("SELECT COUNT(*) FROM delivery").await, 2);
    rig.commit(creation(checkout(account))).await.unwrap();
    rig.settle().await;
    assert_eq!(reader.last_sequence(account).await.unwrap(), 3, "the refused Change left no gap");
    assert_eq!(rig.number("SELECT MAX(endpoint_sequence) FROM delivery").await, 3);
    assert_eq!(reader.audit_head().await.unwrap().size, 2);
}

pub(crate) async fn doubles(rig: &Rig) {
    let account = rig.account().await;
    let key = api_key(account);
    rig.write(vec![Write::InsertApiKey(key.clone())]).await.unwrap();
    assert_eq!(rig.write(vec![Write::InsertApiKey(key.clone())]).await, Err(CommitError::Conflict));
    let mut same_name = api_key(account);
    same_name.public_id = key.public_id;
    assert_eq!(rig.write(vec![Write::InsertApiKey(same_name)]).await, Err(CommitError::Conflict));
    let one = payment(account, CheckoutId::from_bits(bits()));
    rig.write(vec![Write::InsertPayment(one.clone())]).await.unwrap();
    assert_eq!(rig.write(vec![Write::InsertPayment(one)]).await, Err(CommitError::Conflict));
    let nobodys = checkout(AccountId::from_bits(bits()));
    assert_eq!(rig.write(vec![Write::InsertCheckout(nobodys)]).await, Err(CommitError::Conflict), "no such account");
}

pub(crate) async fn idempotency(rig: &Rig) {
    let account = rig.account().await;
    let with = |checkout: Checkout| Change { answer: Some(answer(account, 1)), ..creation(checkout) };
    rig.commit(with(checkout(account))).await.unwrap();
    let second = checkout(account);
    assert_eq!(rig.commit(with(second.clone())).await, Err(CommitError::IdempotencyTaken));
    assert_eq!(rig.store.reader.checkout(account, second.id).await.unwrap(), None);
    let other = rig.account().await;
    let mut theirs = creation(checkout(other));
    theirs.answer = Some(answer(other, 1));
    rig.commit(theirs).await.unwrap();
}

pub(crate) async fn tag_leases(rig: &Rig) {
    let account = rig.account().await;
    let one = static_checkout(account, 1);
    let (token, address) = (one.options[0].token, one.options[0].address);
    rig.write(vec![Write::InsertCheckout(one.clone())]).await.unwrap();
    let second = static_checkout(account, 1);
    assert_eq!(rig.write(vec![Write::InsertCheckout(second.clone())]).await, Err(CommitError::Conflict));
    assert_eq!(rig.store.reader.checkout(account, second.id).await.unwrap(), None);
    rig.write(vec![Write::InsertCheckout(static_checkout(account, 2))]).await.unwrap();
    let reader = &rig.store.reader;
    let leased = reader.leased_amounts(NETWORK, token, address, at(0)).await.unwrap();
    assert_eq!(leased, vec![u128::MAX - 2, u128::MAX - 1]);
    // Seven days after the end it is free again, and not before.
    let week = 7 * 86_400_000;
    let end = one.terms.expires_at.millis() - NOW + week;
    assert_eq!(reader.leased_amounts(NETWORK, token, address, at(end - 1)).await.unwrap().len(), 2);
    assert!(reader.leased_amounts(NETWORK, token, address, at(end)).await.unwrap().is_empty());
    let early = Checkout { created: at(end - 1), ..static_checkout(account, 1) };
    assert_eq!(rig.write(vec![Write::InsertCheckout(early)]).await, Err(CommitError::Conflict));
    // An extension keeps it longer.
    let mut longer = one.clone();
    longer.version = 2;
    longer.terms.expires_at = at(end);
    rig.write(vec![Write::UpdateCheckout(longer)]).await.unwrap();
    let on_time = Checkout { created: at(end), ..static_checkout(account, 1) };
    assert_eq!(rig.write(vec![Write::InsertCheckout(on_time)]).await, Err(CommitError::Conflict));
    let late = Checkout { created: at(end + week), ..static_checkout(account, 1) };
    rig.write(vec![Write::InsertCheckout(late)]).await.unwrap();
    // A derived address is told by itself: any amount may be asked for twice.
    rig.write(vec![Write::InsertCheckout(checkout(account)), Write::InsertCheckout(checkout(account))]).await.unwrap();
}

pub(crate) async fn cursors(rig: &Rig) {
    let moved = |m: CursorMove| Change { cursor: Some(m), ..Change::default() };
    let first = header(100, 0);
    assert_eq!(rig.commit(moved(cursor(Some(first.hash), first))).await, Err(CommitError::Conflict), "no cursor yet");
    rig.commit(moved(cursor(None, first))).await.unwrap();
    assert_eq!(rig.commit(moved(cursor(None, first))).await, Err(CommitError::Conflict), "there is one now");
    let next = header(101, 0);
    rig.commit(moved(cursor(Some(first.hash), next))).await.unwrap();
    assert_eq!(rig.commit(moved(cursor(Some(first.hash), header(101, 1)))).await, Err(CommitError::Conflict));
    let found = rig.store.reader.cursor(NETWORK).await.unwrap().unwrap();
    assert_eq!((found.tip, found.finalized, found.halted, found.at), (next, 99, false, at(90)));
    let halted = CursorMove { halted: true, added: Vec::new(), ..cursor(Some(next.hash), next) };
    rig.commit(moved(halted)).await.unwrap();
    let on = header(102, 0);
    assert_eq!(
        rig.commit(moved(cursor(Some(next.hash), on))).await,
        Err(CommitError::Conflict),
        "another process stops too"
    );
    assert!(rig.store.reader.cursor(NETWORK).await.unwrap().unwrap().halted);
    // Its operator names where it goes on from, once.
    let resumed = CursorMove { resumes: true, orphaned: vec![next.hash], ..cursor(Some(next.hash), first) };
    rig.commit(moved(resumed.clone())).await.unwrap();
    assert_eq!(rig.commit(moved(resumed)).await, Err(CommitError::Conflict), "it is not halted any more");
    rig.commit(moved(cursor(Some(first.hash), header(101, 1)))).await.unwrap();
}

/// What is written once stays, also for somebody who has the database itself.
pub(crate) async fn guards(rig: &Rig) {
    let account = rig.account().await;
    let mut key = api_key(account);
    let hook = webhook(account, &["*"]);
    let mut change = creation(checkout(account));
    change.writes.push(Write::InsertApiKey(key.clone()));
    change.writes.push(Write::InsertWebhook(hook));
    change.audit.push(entry(Some(account)));
    rig.commit(change).await.unwrap();
    rig.settle().await;
    key.version = 2;
    key.state = api_key::State::Revoked { at: at(5) };
    rig.write(vec![Write::UpdateApiKey(key.clone())]).await.unwrap();
    let back = api_key::ApiKey { version: 3, state: api_key::State::Active, ..key.clone() };
    assert_eq!(rig.write(vec![Write::UpdateApiKey(back)]).await, Err(CommitError::Conflict));
    let zero = if rig.is_sqlite() { "x'00'" } else { "'\\x00'::bytea" };
    let refused = [
        "UPDATE audit SET created = 0".to_owned(),
        format!("UPDATE audit SET bytes = {zero}"),
        "UPDATE audit SET leaf_index = NULL".to_owned(),
        "UPDATE audit SET leaf_index = 7 WHERE leaf_index = 0".to_owned(),
        "DELETE FROM audit".to_owned(),
        format!("UPDATE audit_node SET hash = {zero}"),
        "DELETE FROM audit_node".to_owned(),
        "UPDATE event SET sequence = 5".to_owned(),
        format!("UPDATE event SET body = {zero}"),
        "DELETE FROM delivery; DELETE FROM event".to_owned(),
        "UPDATE api_key SET state = 'active', state_at = NULL".to_owned(),
        "DELETE FROM api_key".to_owned(),
    ];
    for text in &refused {
        assert!(rig.raw(text).await.is_err(), "{text}");
    }
    if rig.is_sqlite() {
        let columns = "id, account, created, bytes, hash, leaf_index";
        for replace in [
            format!("REPLACE INTO audit (mark, {columns}) SELECT mark, {columns} FROM audit LIMIT 1"),
            format!("REPLACE INTO audit ({columns}) SELECT id, account, 0, bytes, hash, NULL FROM audit LIMIT 1"),
            format!("REPLACE INTO audit ({columns}) SELECT 'x', account, 0, bytes, hash, 0 FROM audit LIMIT 1"),
            "REPLACE INTO audit_node SELECT level, node_index, x'00' FROM audit_node LIMIT 1".to_owned(),
            "REPLACE INTO api_key SELECT * FROM api_key LIMIT 1".to_owned(),
        ] {
            assert!(rig.raw(&replace).await.is_err(), "{replace}");
        }
    } else {
        assert!(rig.raw("TRUNCATE audit").await.is_err());
    }
    assert_eq!(rig.number("SELECT COUNT(*) FROM audit WHERE created <> 0").await, 2);
}

pub(crate) async fn deleted_webhooks(rig: &Rig) {
    let account = rig.account().await;
    let hook = webhook(account, &["*"]);
    rig.write(vec![Write::InsertWebhook(hook.clone())]).await.unwrap();
    rig.commit(creation(checkout(account))).await.unwrap();
    let delete = |version| Write::DeleteWebhook { id: hook.id, account, version, at: at(200) };
    assert_eq!(rig.write(vec![delete(2)]).await, Err(CommitError::Conflict));
    rig.write(vec![delete(1)]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.webhook(account, hook.id).await.unwrap(), None);
    let gone = reader.deliveries(account, &Default::default()).await.unwrap().data;
    assert_eq!(gone[0].state, handsel_core::delivery::State::Canceled { at: at(200) });
    let again = Write::RequeueDelivery { id: gone[0].id, account, due: at(300) };
    assert_eq!(rig.write(vec![again]).await, Err(CommitError::Conflict), "nobody to send it to");
    assert_eq!(rig.commit(creation(checkout(account))).await.unwrap().deliveries, 0);
}
