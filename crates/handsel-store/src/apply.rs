//! Change -> statements. The order is: idempotency, objects (versions checked), cursor, then what gets numbers: events with
//! their outbox rows, and audit entries. So a Conflict is nearly always met before a number was given.
//!
//! Nothing here decides anything: whatever is refused is refused by a version, a uniqueness or a guard of the schema.

use crate::rows::{
    account, api_key, audit, chain, checkout, delivery, event, millis, payment, quote, request, standing, wallet,
    webhook,
};
use crate::sequence::{Numbers, Place};
use crate::sql;
use crate::tx::{Judge, Tx, TxError, any, one};
use crate::value::Value;
use core::time::Duration;
use handsel_core::audit::merkle;
use handsel_core::change::{AuditEntry, Change, CursorMove, Receipt, Write};
use handsel_core::checkout::{Checkout, PaymentOption, State};
use handsel_core::delivery::{Attempt, Delivery};
use handsel_core::event::NewEvent;
use handsel_core::id::{AccountId, EventId, WebhookId};
use handsel_core::limits;
use handsel_core::planted::{self, Bug};
use handsel_core::time::Timestamp;
use handsel_core::wallet::Wallet;
use handsel_core::webhook::{Status, Webhook};

/// Writes all of `change`. `numbers`: gives what must be gap-free in this same transaction; without, a sequencer follows.
pub(crate) async fn apply<T: Tx>(
    tx: &mut T,
    change: &Change,
    mut numbers: Option<&mut Numbers>,
) -> Result<Receipt, TxError> {
    if let Some(answer) = &change.answer {
        let untaken: Judge = |written| if written == 0 { Err(TxError::Taken) } else { Ok(()) };
        tx.send(&sql::IDEMPOTENT_INSERT, &request::answer_values(answer), untaken).await?;
    }
    let mut receipt = Receipt::default();
    for write in &change.writes {
        match write {
            Write::EnqueueDelivery { account, webhook, event, due } => {
                let late = Late { account: *account, webhook: *webhook, event: *event, due: *due };
                enqueue(tx, late, numbers.as_deref_mut()).await?;
                receipt.deliveries += 1;
            }
            write => put(tx, write, change).await?,
        }
    }
    if let Some(cursor) = &change.cursor {
        move_cursor(tx, cursor).await?;
    }
    for event in &change.events {
        put_event(tx, event, numbers.as_deref_mut(), &mut receipt).await?;
    }
    for entry in &change.audit {
        put_entry(tx, entry, numbers.as_deref_mut()).await?;
    }
    Ok(receipt)
}

async fn put<T: Tx>(tx: &mut T, write: &Write, change: &Change) -> Result<(), TxError> {
    match write {
        Write::InsertAccount(a) => one(tx, &sql::ACCOUNT_INSERT, &account::values(a)).await,
        Write::UpdateAccount(a) => one(tx, &sql::ACCOUNT_UPDATE, &account::values(a)).await,
        Write::InsertApiKey(k) => one(tx, &sql::API_KEY_INSERT, &api_key::values(k)).await,
        Write::UpdateApiKey(k) => one(tx, &sql::API_KEY_UPDATE, &api_key::values(k)).await,
        Write::InsertWallet(w) => {
            one(tx, &sql::WALLET_INSERT, &wallet::values(w)).await?;
            watch_wallet(tx, w).await
        }
        Write::UpdateWallet(w) => {
            one(tx, &sql::WALLET_UPDATE, &wallet::values(w)).await?;
            watch_wallet(tx, w).await
        }
        Write::InsertCheckout(c) => insert_checkout(tx, c).await,
        Write::UpdateCheckout(c) => update_checkout(tx, c).await,
        Write::InsertPayment(p) => one(tx, &sql::PAYMENT_INSERT, &payment::values(p)).await,
        Write::UpdatePayment(p) => one(tx, &sql::PAYMENT_UPDATE, &payment::values(p)).await,
        Write::InsertQuote(q) => one(tx, &sql::QUOTE_INSERT, &quote::values(q)).await,
        Write::InsertWebhook(w) => {
            one(tx, &sql::WEBHOOK_INSERT, &webhook::values(w)).await?;
            put_patterns(tx, w).await
        }
        Write::UpdateWebhook(w) => update_webhook(tx, w, moment(change, w)).await,
        Write::DeleteWebhook { id, account, version, at } => {
            one(tx, &sql::WEBHOOK_DELETE, &[Value::id(id), Value::id(account), Value::count(*version)]).await?;
            any(tx, &sql::PATTERNS_DELETE, &[Value::id(id)]).await?;
            cancel_deliveries(tx, *id, *at).await
        }
        Write::UpdateDelivery { delivery, attempt } => update_delivery(tx, delivery, attempt.as_ref()).await,
        // With its numbers, by `apply` itself.
        Write::EnqueueDelivery { .. } => Ok(()),
        Write::RequeueDelivery { id, account, due } => {
            one(tx, &sql::DELIVERY_REQUEUE, &[Value::id(id), Value::id(account), millis(*due)]).await
        }
        Write::ReserveIndexes { wallet, account, next } => {
            let row = [Value::id(wallet), Value::id(account), Value::Int(i64::from(*next))];
            one(tx, &sql::WALLET_RESERVE, &row).await
        }
        Write::TouchApiKey { id, account, at, ip } => {
            let row = [Value::id(id), Value::id(account), millis(*at), Value::Text(ip)];
            // No row: an earlier use than the one that is noted.
            any(tx, &sql::API_KEY_TOUCH, &row).await
        }
        Write::PutStanding(s) => one(tx, &sql::STANDING_PUT, &standing::values(s)).await,
        Write::NoteDecimals { network, chain_id, token, decimals, at } => {
            let row = [
                Value::Text(network),
                Value::count(*chain_id),
                Value::Blob(&token.0),
                Value::Int(i64::from(*decimals)),
                millis(*at),
            ];
            one(tx, &sql::TOKEN_CHECK_SET, &row).await
        }
        Write::LogRequest(r) => one(tx, &sql::REQUEST_INSERT, &request::values(r)).await,
    }
}

/// Once watched, always watched: somebody may have the address in his book.
async fn watch_wallet<T: Tx>(tx: &mut T, w: &Wallet) -> Result<(), TxError> {
    for address in w.own_addresses() {
        any(tx, &sql::WALLET_WATCH_INSERT, &[Value::id(w.account), Value::Blob(&address.0)]).await?;
    }
    Ok(())
}

async fn insert_checkout<T: Tx>(tx: &mut T, c: &Checkout) -> Result<(), TxError> {
    one(tx, &sql::CHECKOUT_INSERT, &checkout::values(c)).await?;
    for hash in &c.lookups {
        any(tx, &sql::LOOKUP_INSERT, &lookup(c, hash)).await?;
    }
    for (index, option) in c.options.iter().enumerate() {
        if option.derivation.is_none() {
            let [network, token, address, amount, id, until] = lease(c, option);
            one(tx, &sql::LEASE_TAKE, &[network, token, address, amount, id, until, millis(c.created)]).await?;
        }
        any(tx, &sql::WATCH_INSERT, &checkout::watch_values(c, index, option)).await?;
    }
    note_lock_end(tx, c).await
}

/// When the first lock of an open checkout ends; checkouts that have none cost nothing.
async fn note_lock_end<T: Tx>(tx: &mut T, c: &Checkout) -> Result<(), TxError> {
    let Some(until) = first_lock_end(c) else { return Ok(()) };
    if matches!(c.state, State::Open | State::Processing) {
        tx.execute(&sql::LOCK_END_SET, &[Value::id(c.id), millis(until)]).await?;
    } else {
        tx.execute(&sql::LOCK_END_CLEAR, &[Value::id(c.id)]).await?;
    }
    Ok(())
}

fn first_lock_end(c: &Checkout) -> Option<Timestamp> {
    c.options.iter().filter_map(|option| option.quoted).map(|quoted| quoted.until).min()
}

async fn update_checkout<T: Tx>(tx: &mut T, c: &Checkout) -> Result<(), TxError> {
    let key = [Value::id(c.id), Value::id(c.account)];
    let had = tx.query(&sql::CHECKOUT_LOOKUPS, &key, |r| checkout::lookups(&r.of("checkout"), 0)).await?;
    let had = had.into_iter().next().ok_or(TxError::Conflict)?;
    one(tx, &sql::CHECKOUT_UPDATE, &checkout::values(c)).await?;
    for hash in had.iter().filter(|h| !c.lookups.contains(h)) {
        any(tx, &sql::LOOKUP_DELETE, &lookup(c, hash)).await?;
    }
    for hash in c.lookups.iter().filter(|h| !had.contains(h)) {
        any(tx, &sql::LOOKUP_INSERT, &lookup(c, hash)).await?;
    }
    for option in c.options.iter().filter(|o| o.derivation.is_none()) {
        any(tx, &sql::LEASE_EXTEND, &lease(c, option)).await?;
    }
    note_lock_end(tx, c).await
}

fn lookup<'a>(c: &Checkout, hash: &'a [u8; 32]) -> [Value<'a>; 4] {
    [Value::id(c.account), Value::Blob(hash), millis(c.created), Value::id(c.id)]
}

/// A static address tells checkouts apart by their amounts: each is leased until its checkout is long over.
fn lease<'a>(c: &Checkout, o: &'a PaymentOption) -> [Value<'a>; 6] {
    let days = if planted::is(Bug::TagWithoutCooldown) { 0 } else { limits::TAG_COOLDOWN_DAYS };
    let until = c.terms.expires_at.plus(Duration::from_secs(days * 86_400));
    [
        Value::Text(&o.network),
        Value::Blob(&o.token.0),
        Value::Blob(&o.address.0),
        Value::amount(o.payable()),
        Value::id(c.id),
        millis(until),
    ]
}

async fn put_patterns<T: Tx>(tx: &mut T, w: &Webhook) -> Result<(), TxError> {
    if w.status == Status::Disabled {
        return Ok(());
    }
    for pattern in &w.enabled_events {
        any(tx, &sql::PATTERN_INSERT, &[Value::id(w.account), Value::Text(pattern), Value::id(w.id)]).await?;
    }
    Ok(())
}

/// A disabled webhook wants nothing any more: its patterns go, and what still waits for it is canceled.
async fn update_webhook<T: Tx>(tx: &mut T, w: &Webhook, at: Timestamp) -> Result<(), TxError> {
    one(tx, &sql::WEBHOOK_UPDATE, &webhook::values(w)).await?;
    any(tx, &sql::PATTERNS_DELETE, &[Value::id(w.id)]).await?;
    if w.status == Status::Disabled {
        return cancel_deliveries(tx, w.id, at).await;
    }
    put_patterns(tx, w).await
}

/// When a Change happens: the store has no clock, so its events or audit entries say.
fn moment(change: &Change, w: &Webhook) -> Timestamp {
    let event = change.events.first().map(|e| e.created);
    event.or_else(|| change.audit.first().map(|a| a.leaf.time)).unwrap_or(w.created)
}

async fn cancel_deliveries<T: Tx>(tx: &mut T, webhook: WebhookId, at: Timestamp) -> Result<(), TxError> {
    any(tx, &sql::DELIVERIES_CANCEL, &[Value::id(webhook), millis(at)]).await
}

async fn update_delivery<T: Tx>(tx: &mut T, d: &Delivery, attempt: Option<&Attempt>) -> Result<(), TxError> {
    let (state, at) = delivery::state_columns(d.state);
    let row = [
        Value::id(d.id),
        Value::id(d.account),
        Value::count(d.version),
        Value::Text(state),
        millis(at),
        Value::Int(i64::from(d.tries)),
    ];
    one(tx, &sql::DELIVERY_UPDATE, &row).await?;
    match attempt {
        Some(attempt) => one(tx, &sql::ATTEMPT_INSERT, &delivery::attempt_values(attempt)).await,
        None => Ok(()),
    }
}

/// Compare-and-set on the tip's hash, then the blocks. Old ones go: the watcher never looks that far back.
async fn move_cursor<T: Tx>(tx: &mut T, c: &CursorMove) -> Result<(), TxError> {
    let (row, resumes) = (chain::cursor_values(c), c.resumes);
    match &c.expected_tip {
        None => one(tx, &sql::CURSOR_INSERT, &row).await?,
        Some(expected) => {
            let [a, b, c, d, e, f, g, h] = row;
            let statement = if resumes { &sql::CURSOR_RESUME } else { &sql::CURSOR_MOVE };
            one(tx, statement, &[a, b, c, d, e, f, g, h, Value::Blob(&expected.0)]).await?;
        }
    }
    for hash in &c.orphaned {
        any(tx, &sql::BLOCK_ORPHAN, &[Value::Text(&c.network), Value::Blob(&hash.0)]).await?;
    }
    for header in &c.added {
        any(tx, &sql::BLOCK_ADD, &chain::block_values(&c.network, header)).await?;
    }
    let keep = c.finalized.min(c.tip.number).saturating_sub(limits::CHAIN_WINDOW_MAX_BLOCKS as u64);
    if keep > 0 && !c.added.is_empty() {
        any(tx, &sql::BLOCKS_PRUNE, &[Value::Text(&c.network), Value::count(keep)]).await?;
    }
    Ok(())
}

/// The event, and a delivery for everybody who wants it.
async fn put_event<T: Tx>(
    tx: &mut T,
    new: &NewEvent,
    mut numbers: Option<&mut Numbers>,
    receipt: &mut Receipt,
) -> Result<(), TxError> {
    let sequence = match numbers.as_deref_mut() {
        Some(numbers) => Some(numbers.event(tx, new.account).await?),
        None => None,
    };
    one(tx, &sql::EVENT_INSERT, &event::values(new, sequence)).await?;
    receipt.sequences.extend(sequence);
    for webhook in wanting(tx, new).await? {
        put_delivery(tx, webhook, new, new.created, numbers.as_deref_mut()).await?;
        receipt.deliveries += 1;
    }
    Ok(())
}

/// A pending delivery of an event to a webhook.
async fn put_delivery<T: Tx>(
    tx: &mut T,
    webhook: WebhookId,
    event: &NewEvent,
    due: Timestamp,
    numbers: Option<&mut Numbers>,
) -> Result<(), TxError> {
    let place = match numbers {
        Some(numbers) => numbers.delivery(tx, webhook, event.id).await?,
        None => Place::default(),
    };
    let row = [
        Value::id(Delivery::identity(event.id, webhook)),
        Value::id(event.account),
        Value::id(webhook),
        Value::id(event.id),
        Value::Text(&event.object),
        millis(due),
        Value::count(place.number),
        Value::maybe_id(place.event),
    ];
    one(tx, &sql::DELIVERY_INSERT, &row).await
}

/// An old event on its way to a webhook that has no delivery of it.
struct Late {
    account: AccountId,
    webhook: WebhookId,
    event: EventId,
    due: Timestamp,
}

async fn enqueue<T: Tx>(tx: &mut T, late: Late, numbers: Option<&mut Numbers>) -> Result<(), TxError> {
    let Late { account, webhook, event, due } = late;
    let key = [Value::id(event), Value::id(account)];
    let found = tx.query(&sql::EVENT_BY_ID, &key, event::decode).await?.pop();
    let key = [Value::id(webhook), Value::id(account)];
    let there = !tx.query(&sql::WEBHOOK_BY_ID, &key, |_| Ok(())).await?.is_empty();
    match found.filter(|_| there) {
        Some(found) => put_delivery(tx, webhook, &found.new, due, numbers).await,
        None => Err(TxError::Conflict),
    }
}

async fn wanting<T: Tx>(tx: &mut T, new: &NewEvent) -> Result<Vec<WebhookId>, TxError> {
    if let Some(only) = new.only_to {
        return whole_webhook(tx, new.account, only).await;
    }
    let name = new.kind.name();
    let family = format!("{}.*", name.split('.').next().unwrap_or(name));
    let key = [Value::id(new.account), Value::Text(name), Value::Text(&family)];
    tx.query(&sql::WEBHOOKS_WANTING, &key, |r| r.of("webhook_pattern").parsed(0, |t| WebhookId::parse(t).ok())).await
}

/// The webhook itself, if it is (still) there.
async fn whole_webhook<T: Tx>(tx: &mut T, account: AccountId, id: WebhookId) -> Result<Vec<WebhookId>, TxError> {
    let key = [Value::id(id), Value::id(account)];
    Ok(tx.query(&sql::WEBHOOK_CREATED, &key, |r| r.int(0)).await?.iter().map(|_| id).collect())
}

async fn put_entry<T: Tx>(tx: &mut T, entry: &AuditEntry, numbers: Option<&mut Numbers>) -> Result<(), TxError> {
    let bytes = entry.leaf.bytes();
    let hash = merkle::leaf_hash(&bytes);
    let index = match numbers {
        Some(numbers) => Some(numbers.leaf(tx, hash).await?),
        None => None,
    };
    one(tx, &sql::AUDIT_INSERT, &audit::values(entry, bytes, hash, index)).await
}
