//! What was written is what is read.

use crate::rig::Rig;
use crate::support::*;
use handsel_core::account::{Status, Tier};
use handsel_core::api_key;
use handsel_core::chain::{self, Address};
use handsel_core::change::{Change, CommitError, Write};
use handsel_core::checkout::State;
use handsel_core::delivery::{self, Attempt, HookError, Timing, Trigger};
use handsel_core::event::Kind;
use handsel_core::payment;
use handsel_core::wallet::{self, Destination, Wallet};
use handsel_core::webhook::{self, Ordering};

pub(crate) async fn accounts(rig: &Rig) {
    let mut one = account();
    rig.write(vec![Write::InsertAccount(one.clone())]).await.unwrap();
    assert_eq!(rig.store.reader.account(one.id).await.unwrap(), Some(one.clone()));
    one.version = 2;
    one.status = Status::Suspended;
    one.tier = Tier::Enterprise;
    one.support_url = None;
    rig.write(vec![Write::UpdateAccount(one.clone())]).await.unwrap();
    assert_eq!(rig.store.reader.account(one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(rig.store.reader.accounts().await.unwrap(), vec![one]);
}

pub(crate) async fn api_keys(rig: &Rig) {
    let account = rig.account().await;
    let mut key = api_key(account);
    key.last_used = None;
    rig.write(vec![Write::InsertApiKey(key.clone())]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.api_key_by_public_id(&key.public_id).await.unwrap(), Some(key.clone()));
    let (found, holder) = reader.api_key_and_account(&key.public_id).await.unwrap().unwrap();
    assert_eq!((found, Some(holder)), (key.clone(), reader.account(account).await.unwrap()));
    assert_eq!(reader.api_key_and_account("of nobody").await.unwrap(), None);
    let touch = |t: i64, ip: &str| Write::TouchApiKey { id: key.id, account, at: at(t), ip: ip.to_owned() };
    rig.write(vec![touch(50, "::1"), touch(40, "::2")]).await.unwrap();
    key.last_used = Some(api_key::LastUsed { at: at(50), ip: "::1".to_owned() });
    assert_eq!(reader.api_key(account, key.id).await.unwrap(), Some(key.clone()));
    // Whoever read the key before it was used again doesn't take that back.
    let mut rolled = key.clone();
    rolled.version = 2;
    rolled.last_used = Some(api_key::LastUsed { at: at(45), ip: "::3".to_owned() });
    rolled.state = api_key::State::Expiring { until: at(500) };
    rig.write(vec![Write::UpdateApiKey(rolled.clone())]).await.unwrap();
    rolled.last_used = key.last_used.clone();
    assert_eq!(reader.api_key(account, key.id).await.unwrap(), Some(rolled.clone()));
    rolled.version = 3;
    rolled.state = api_key::State::Revoked { at: at(501) };
    rig.write(vec![Write::UpdateApiKey(rolled.clone())]).await.unwrap();
    assert_eq!(reader.api_key(account, key.id).await.unwrap(), Some(rolled));
    assert_eq!(reader.api_key(account_of_nobody(), key.id).await.unwrap(), None);
}

fn account_of_nobody() -> handsel_core::id::AccountId {
    handsel_core::id::AccountId::from_bits(bits())
}

pub(crate) async fn wallets(rig: &Rig) {
    let account = rig.account().await;
    let xpub = wallet(account);
    let mut fixed = wallet(account);
    fixed.destination = Destination::Static { address: Address([6; 20]) };
    fixed.state = wallet::State::PendingProof;
    fixed.proved_at = None;
    rig.write(vec![Write::InsertWallet(xpub.clone()), Write::InsertWallet(fixed.clone())]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.wallet(account, xpub.id).await.unwrap(), Some(xpub.clone()));
    assert_eq!(reader.wallet(account, fixed.id).await.unwrap(), Some(fixed.clone()));
    for state in [wallet::State::Retiring { until: at(9) }, wallet::State::Retired { at: at(10) }] {
        fixed.version += 1;
        fixed.state = state;
        rig.write(vec![Write::UpdateWallet(fixed.clone())]).await.unwrap();
        assert_eq!(reader.wallet(account, fixed.id).await.unwrap(), Some(fixed.clone()));
    }
    assert_eq!(reader.usable_wallets(account).await.unwrap(), vec![xpub.clone()]);
    assert_eq!(reader.wallet_next_index(xpub.id).await.unwrap(), 1);
    let reserve = |next| Write::ReserveIndexes { wallet: xpub.id, account, next };
    rig.write(vec![reserve(257)]).await.unwrap();
    for taken in [257, 100] {
        let refused = rig.write(vec![reserve(taken)]).await;
        assert_eq!(refused.unwrap_err(), CommitError::Conflict, "two leases of the same indexes");
    }
    assert_eq!(reader.wallet_next_index(xpub.id).await.unwrap(), 257, "never lowered");
    rig.write(vec![Write::UpdateWallet(wallet::Wallet { version: 2, ..xpub.clone() })]).await.unwrap();
    assert_eq!(reader.wallet_next_index(xpub.id).await.unwrap(), 257, "kept by an update");
}

/// Static ones derive nothing, and an account's own are its own matter.
pub(crate) async fn wallets_elsewhere(rig: &Rig) {
    let (here, there) = (rig.account().await, rig.account().await);
    let theirs = wallet(there);
    let fixed = Wallet {
        kind: chain::Kind::Tron,
        destination: Destination::Static { address: Address([9; 20]) },
        ..wallet(there)
    };
    let writes = [wallet(here), theirs.clone(), fixed].map(Write::InsertWallet);
    rig.write(writes.into()).await.unwrap();
    assert_eq!(rig.store.reader.wallets_deriving_elsewhere(here).await.unwrap(), [theirs]);
}

pub(crate) async fn checkouts(rig: &Rig) {
    let account = rig.account().await;
    let mut one = checkout(account);
    rig.write(vec![Write::InsertCheckout(one.clone())]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.checkout(account, one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(reader.checkout_of_anyone(one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(reader.checkout(account_of_nobody(), one.id).await.unwrap(), None);
    let states =
        [State::Processing, State::Expired { at: at(1) }, State::Canceled { at: at(2) }, State::Complete { at: at(3) }];
    for state in states {
        one.version += 1;
        one.state = state;
        one.credits.pop();
        rig.write(vec![Write::UpdateCheckout(one.clone())]).await.unwrap();
        assert_eq!(reader.checkout(account, one.id).await.unwrap(), Some(one.clone()));
    }
}

pub(crate) async fn payments(rig: &Rig) {
    let account = rig.account().await;
    let checkout = checkout(account);
    let mut one = payment(account, checkout.id);
    let payment::State::Succeeded { block, at: when, .. } = one.state else { unreachable!() };
    let reader = &rig.store.reader;
    one.state = payment::State::Detected { block };
    one.outcome = None;
    rig.write(vec![Write::InsertPayment(one.clone())]).await.unwrap();
    assert_eq!(reader.payment(account, one.id).await.unwrap(), Some(one.clone()));
    let states = [
        (payment::State::Confirming { block }, true),
        (payment::State::Reversed { was: block, at: when }, false),
        (payment::State::Detected { block }, true),
        (payment::State::Rejected { block, at: when, finalized: false }, true),
        (payment::State::Succeeded { block, at: when, finalized: false }, true),
        (payment::State::Succeeded { block, at: when, finalized: true }, false),
    ];
    for (state, unfinal) in states {
        one.version += 1;
        one.state = state;
        rig.write(vec![Write::UpdatePayment(one.clone())]).await.unwrap();
        assert_eq!(reader.payment_of_anyone(one.id).await.unwrap(), Some(one.clone()));
        let waiting = reader.unfinal_payments(NETWORK).await.unwrap();
        assert_eq!(waiting, if unfinal { vec![one.clone()] } else { Vec::new() });
    }
    assert_eq!(reader.payments_of_checkout(checkout.id).await.unwrap(), vec![one.clone()]);
    let mut lost = payment(account, checkout.id);
    lost.checkout = None;
    lost.option = None;
    lost.state = payment::State::Failed { at: when };
    rig.write(vec![Write::InsertPayment(lost.clone())]).await.unwrap();
    assert_eq!(reader.payment(account, lost.id).await.unwrap(), Some(lost));
}

pub(crate) async fn webhooks(rig: &Rig) {
    let account = rig.account().await;
    let mut one = webhook(account, &["*", "checkout.*"]);
    rig.write(vec![Write::InsertWebhook(one.clone())]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.webhook(account, one.id).await.unwrap(), Some(one.clone()));
    one.version = 2;
    one.ordering = Ordering::None;
    one.status = webhook::Status::Failing;
    one.failing_since = None;
    one.secrets[0].until = None;
    one.enabled_events = vec!["payment.detected".to_owned()];
    rig.write(vec![Write::UpdateWebhook(one.clone())]).await.unwrap();
    assert_eq!(reader.webhook(account, one.id).await.unwrap(), Some(one));
}

pub(crate) async fn events(rig: &Rig) {
    let account = rig.account().await;
    let one = event(account, Kind::CheckoutCreated, "chk_1");
    let mut two = event(account, Kind::PaymentDetected, "pay_1");
    two.request = None;
    rig.commit(Change { events: vec![one.clone(), two.clone()], ..Change::default() }).await.unwrap();
    rig.settle().await;
    let reader = &rig.store.reader;
    let found = reader.event(account, one.id).await.unwrap().unwrap();
    assert_eq!((found.new, found.sequence), (one.clone(), Some(1)));
    let found = reader.event(account, two.id).await.unwrap().unwrap();
    assert_eq!((found.new, found.sequence), (two, Some(2)));
    let timeline = reader.events_of_object(account, "chk_1").await.unwrap();
    assert_eq!(timeline.len(), 1);
    assert_eq!(timeline[0].new, one);
    assert_eq!(reader.last_sequence(account).await.unwrap(), 2);
    assert_eq!(reader.last_sequence(account_of_nobody()).await.unwrap(), 0);
}

pub(crate) async fn deliveries(rig: &Rig) {
    let account = rig.account().await;
    let hook = webhook(account, &["*"]);
    let first = event(account, Kind::CheckoutCreated, "chk_1");
    let second = event(account, Kind::CheckoutExpired, "chk_1");
    let change = Change {
        writes: vec![Write::InsertWebhook(hook.clone())],
        events: vec![first.clone(), second.clone()],
        ..Change::default()
    };
    assert_eq!(rig.commit(change).await.unwrap().deliveries, 2);
    rig.settle().await;
    let claimed = rig.store.writer.claim_deliveries(at(1000), at(2000), 10).await.unwrap();
    assert_eq!(claimed.len(), 1, "one lane, one head");
    let mut one = claimed[0].delivery.clone();
    let load = claimed[0].load.clone().unwrap();
    assert_eq!(load.webhook, hook);
    assert_eq!(load.event.new, first);
    assert_eq!(one.state, delivery::State::Pending { due: at(60) });
    assert_eq!((one.endpoint_sequence, one.previous_event, one.version, one.tries), (1, None, 1, 0));
    let attempt = Attempt {
        delivery: one.id,
        number: 1,
        at: at(1001),
        trigger: Trigger::Recover,
        status_code: Some(500),
        error: Some(HookError::TimedOut),
        timing: Timing { dns_ms: Some(1), connect_ms: None, tls_ms: Some(3), first_byte_ms: None, total_ms: 5 },
        request_headers: vec![("a".to_owned(), "b".to_owned())],
        response_headers: vec![("c".to_owned(), "d".to_owned())],
        response_body: vec![0, 159, 146, 150],
    };
    one.version = 2;
    one.tries = 1;
    one.state = delivery::State::Failed { at: at(1002) };
    let write = Write::UpdateDelivery { delivery: one.clone(), attempt: Some(attempt.clone()) };
    rig.write(vec![write]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.delivery(account, one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(reader.attempts(one.id).await.unwrap(), vec![attempt]);
    let next = rig.store.writer.claim_deliveries(at(1000), at(2000), 10).await.unwrap();
    assert_eq!(next[0].delivery.previous_event, Some(first.id));
    assert_eq!(next[0].delivery.endpoint_sequence, 2);
    let lost = reader.deliveries_to_recover(account, hook.id, at(0), 10).await.unwrap();
    assert_eq!(lost.len(), 2);
    assert!(reader.deliveries_to_recover(account, hook.id, at(61), 10).await.unwrap().is_empty());
}

pub(crate) async fn audit(rig: &Rig) {
    let account = rig.account().await;
    let one = entry(Some(account));
    let nobodys = entry(None);
    rig.commit(Change { audit: vec![one.clone(), nobodys.clone()], ..Change::default() }).await.unwrap();
    rig.settle().await;
    let reader = &rig.store.reader;
    let found = reader.audit_entry(account, one.id).await.unwrap().unwrap();
    assert_eq!((&found.entry, found.index), (&one, Some(0)));
    assert_eq!(found.bytes, one.leaf.bytes());
    assert_eq!(reader.audit_entry(account, nobodys.id).await.unwrap(), None);
    assert_eq!(reader.audit_leaves(0, 10).await.unwrap(), vec![one.leaf.bytes(), nobodys.leaf.bytes()]);
}

pub(crate) async fn requests(rig: &Rig) {
    let account = rig.account().await;
    let mut one = request_row(account);
    rig.write(vec![Write::LogRequest(one.clone())]).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.request_row(account, one.id).await.unwrap(), Some(one.clone()));
    one.id = handsel_core::id::RequestId::from_bits(bits());
    one.code = None;
    one.key = None;
    rig.write(vec![Write::LogRequest(one.clone())]).await.unwrap();
    assert_eq!(reader.request_row(account, one.id).await.unwrap(), Some(one));
}

pub(crate) async fn answers(rig: &Rig) {
    let account = rig.account().await;
    let one = answer(account, 1);
    rig.commit(Change { answer: Some(one.clone()), ..Change::default() }).await.unwrap();
    let reader = &rig.store.reader;
    assert_eq!(reader.idempotent_answer(account, &one.route, &one.key_hash).await.unwrap(), Some(one.clone()));
    assert_eq!(reader.idempotent_answer(account, &one.route, &[2; 32]).await.unwrap(), None);
    assert_eq!(reader.idempotent_answer(account, "POST /v1/wallets", &one.key_hash).await.unwrap(), None);
}

pub(crate) async fn facts(rig: &Rig) {
    assert_eq!(rig.store.meta("kek").await.unwrap(), None);
    assert_eq!(rig.store.set_meta_once("kek", "first").await.unwrap(), "first");
    assert_eq!(rig.store.set_meta_once("kek", "second").await.unwrap(), "first");
    assert_eq!(rig.store.meta("kek").await.unwrap(), Some("first".to_owned()));
}
