//! Typed questions. Whatever belongs to an account is asked for with the account first.

mod list;
mod watched;

pub use watched::WatchPlace;

use crate::read_pool::ReadPool;
use crate::rows::{
    account, api_key, audit, chain, checkout, delivery, event, millis, payment, quote, request, standing, wallet,
    webhook,
};
use crate::sql::{self, PointRead, Statement};
use crate::value::{Row, Value};
use crate::{OpenError, ReadError};
use handsel_core::account::Account;
use handsel_core::api_key::ApiKey;
use handsel_core::chain::standing::Standing;
use handsel_core::chain::{Address, Header};
use handsel_core::change::{AuditEntry, IdempotentAnswer, RequestRow};
use handsel_core::checkout::Checkout;
use handsel_core::delivery::{Attempt, Delivery};
use handsel_core::event::Event;
use handsel_core::id::{
    AccountId, ApiKeyId, AuditId, CheckoutId, DeliveryId, EventId, PaymentId, QuoteId, RequestId, WalletId, WebhookId,
};
use handsel_core::payment::Payment;
use handsel_core::rate::Quote;
use handsel_core::time::Timestamp;
use handsel_core::wallet::Wallet;
use handsel_core::webhook::Webhook;
use std::collections::HashMap;
use std::path::Path;

/// One page of a list, newest first by `created` then id, events and audit entries of one moment in the order in which they
/// were written (or oldest first inside, for `ending_before`; the answer is always newest first). Members that an object doesn't have are ignored by its question.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    pub limit: u32,
    /// Text id of the last object of the page before / the first of the page after.
    pub starting_after: Option<String>,
    pub ending_before: Option<String>,
    pub created_gte: Option<Timestamp>,
    pub created_gt: Option<Timestamp>,
    pub created_lte: Option<Timestamp>,
    pub created_lt: Option<Timestamp>,
    /// The public name of a status.
    pub status: Option<String>,
    /// All of these lookups must be there (checkouts).
    pub lookups: Vec<[u8; 32]>,
    /// Payments of one checkout.
    pub checkout: Option<CheckoutId>,
    /// Event type name or `checkout.*` (events).
    pub event_type: Option<String>,
    /// Deliveries of one webhook.
    pub webhook: Option<WebhookId>,
}

/// A page and whether more would follow.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub has_more: bool,
}

/// Where one chain stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub network: String,
    pub tip: Header,
    pub finalized: u64,
    pub halted: bool,
    pub at: Timestamp,
}

/// One address that the watcher looks for: one payment option of one checkout, in the order of their writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Grows with every row; ask again with the last one seen.
    pub mark: i64,
    pub account: AccountId,
    pub checkout: CheckoutId,
    pub option: u32,
    pub network: String,
    pub token: Address,
    pub address: Address,
    pub payable: u128,
    /// A static address: only the exact amount tells the checkout.
    pub unique_amount: bool,
    pub created: Timestamp,
    pub expires_at: Timestamp,
}

/// An address of a wallet that serves or served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchedWallet {
    /// Grows with every row.
    pub mark: i64,
    pub account: AccountId,
    pub address: Address,
}

/// How far the checkouts that are over were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpiryPlace {
    closes_at: i64,
    id: String,
}

/// A delivery that the caller has claimed until its lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub delivery: Delivery,
    /// All that an attempt needs beside it, or why that can't be read: it is this delivery's matter alone.
    pub load: Result<Box<Load>, ReadError>,
}

#[derive(Debug, Clone)]
pub struct Load {
    pub webhook: Webhook,
    pub event: Event,
}

/// Size of the audit tree and how many entries still wait for their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    pub size: u64,
    pub waiting: u64,
}

/// An audit entry with its place, where it has one already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedEntry {
    pub entry: AuditEntry,
    /// The exact leaf bytes as stored; what proofs are about.
    pub bytes: Vec<u8>,
    pub index: Option<u64>,
}

/// Read-only questions over a few read connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    engine: Engine,
}

#[derive(Debug, Clone)]
enum Engine {
    Sqlite(ReadPool),
    #[cfg(feature = "postgres")]
    Postgres(crate::postgres::Pool),
}

type Decode<T> = fn(&Row<'_>) -> Result<T, ReadError>;

impl Reader {
    /// Questions to the SQLite database in `directory` without a writer, for looking at a database that a server may have
    /// open (`audit verify`).
    pub fn open_sqlite(directory: &Path) -> Result<Self, OpenError> {
        Self::sqlite(directory)
    }

    pub(crate) fn sqlite(directory: &Path) -> Result<Self, OpenError> {
        Ok(Self { engine: Engine::Sqlite(ReadPool::open(directory)?) })
    }

    pub(crate) fn sqlite_inline(directory: &Path) -> Result<Self, OpenError> {
        Ok(Self { engine: Engine::Sqlite(ReadPool::open_inline(directory)?) })
    }

    #[cfg(feature = "postgres")]
    pub(crate) const fn postgres(pool: crate::postgres::Pool) -> Self {
        Self { engine: Engine::Postgres(pool) }
    }

    async fn rows<T: Send + 'static>(
        &self,
        statement: &'static Statement,
        values: Vec<Value<'static>>,
        decode: Decode<T>,
    ) -> Result<Vec<T>, ReadError> {
        match &self.engine {
            Engine::Sqlite(pool) => pool.rows(statement, values, decode).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(pool) => pool.rows(statement, &values, decode).await,
        }
    }

    async fn row<T: Send + 'static>(
        &self,
        statement: &'static Statement,
        values: Vec<Value<'static>>,
        decode: Decode<T>,
    ) -> Result<Option<T>, ReadError> {
        Ok(self.rows(statement, values, decode).await?.into_iter().next())
    }

    /// One row by a whole unique key.
    async fn point<T: Send + 'static>(
        &self,
        statement: &'static PointRead,
        values: Vec<Value<'static>>,
        decode: Decode<T>,
    ) -> Result<Option<T>, ReadError> {
        match &self.engine {
            Engine::Sqlite(pool) => pool.point(statement, values, decode).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(pool) => Ok(pool.rows(statement, &values, decode).await?.pop()),
        }
    }

    pub(crate) async fn meta(&self, name: &str) -> Result<Option<String>, ReadError> {
        let name = vec![Value::Owned(name.to_owned())];
        self.point(&sql::META_GET, name, |r| Ok(r.of("meta").text(0)?.to_owned())).await
    }

    pub async fn account(&self, account: AccountId) -> Result<Option<Account>, ReadError> {
        self.point(&sql::ACCOUNT_BY_ID, vec![Value::id(account)], account::decode).await
    }

    /// Every account, for the operator.
    pub async fn accounts(&self) -> Result<Vec<Account>, ReadError> {
        self.rows(&sql::ACCOUNTS, Vec::new(), account::decode).await
    }

    /// By the 15 public characters of the key's text.
    pub async fn api_key_by_public_id(&self, public_id: &str) -> Result<Option<ApiKey>, ReadError> {
        self.point(&sql::API_KEY_BY_PUBLIC_ID, vec![Value::id(public_id)], api_key::decode).await
    }

    /// The same with the account that it is of, as both were at one moment.
    pub async fn api_key_and_account(&self, public_id: &str) -> Result<Option<(ApiKey, Account)>, ReadError> {
        self.point(&sql::API_KEY_AND_ACCOUNT, vec![Value::id(public_id)], api_key::decode_with_account).await
    }

    pub async fn api_key(&self, account: AccountId, id: ApiKeyId) -> Result<Option<ApiKey>, ReadError> {
        self.point(&sql::API_KEY_BY_ID, vec![Value::id(id), Value::id(account)], api_key::decode).await
    }

    pub async fn wallet(&self, account: AccountId, id: WalletId) -> Result<Option<Wallet>, ReadError> {
        self.point(&sql::WALLET_BY_ID, vec![Value::id(id), Value::id(account)], wallet::decode).await
    }

    /// Wallets in the states pending_proof, active and retiring.
    pub async fn usable_wallets(&self, account: AccountId) -> Result<Vec<Wallet>, ReadError> {
        self.rows(&sql::WALLETS_USABLE, vec![Value::id(account)], wallet::decode).await
    }

    /// The wallets of all other accounts that derive addresses, in every state; reads the whole table.
    pub async fn wallets_deriving_elsewhere(&self, account: AccountId) -> Result<Vec<Wallet>, ReadError> {
        self.rows(&sql::WALLETS_DERIVING_ELSEWHERE, vec![Value::id(account)], wallet::decode).await
    }

    /// The first derivation index that was never reserved (1 for a new wallet).
    pub async fn wallet_next_index(&self, wallet: WalletId) -> Result<u32, ReadError> {
        let next = self.point(&sql::WALLET_NEXT_INDEX, vec![Value::id(wallet)], |r| r.of("wallet").count(0));
        Ok(next.await?.unwrap_or(1))
    }

    pub async fn checkout(&self, account: AccountId, id: CheckoutId) -> Result<Option<Checkout>, ReadError> {
        self.point(&sql::CHECKOUT_BY_ID, vec![Value::id(id), Value::id(account)], checkout::decode).await
    }

    /// By id alone: for pages whose URL carries a MAC, and for the watcher.
    pub async fn checkout_of_anyone(&self, id: CheckoutId) -> Result<Option<Checkout>, ReadError> {
        self.point(&sql::CHECKOUT_OF_ANYONE, vec![Value::id(id)], checkout::decode).await
    }

    /// Open checkouts whose `expires_at` + grace is at or before `until`, the longest over first, behind `place`: those that are
    /// processing can't be ended. Answers where to go on, from the beginning again where there are no more.
    pub async fn checkouts_to_expire(
        &self,
        until: Timestamp,
        place: &ExpiryPlace,
        limit: u32,
    ) -> Result<(Vec<Checkout>, ExpiryPlace), ReadError> {
        let key = vec![millis(until), Value::Int(place.closes_at), Value::Owned(place.id.clone()), number(limit)];
        let rows = self.rows(&sql::CHECKOUTS_TO_EXPIRE, key, checkout::decode_closing).await?;
        let more = u32::try_from(rows.len()).is_ok_and(|count| count >= limit);
        let last = rows.last().filter(|_| more);
        let place = last.map_or_else(ExpiryPlace::default, |(checkout, closes_at)| ExpiryPlace {
            closes_at: *closes_at,
            id: checkout.id.to_string(),
        });
        Ok((rows.into_iter().map(|(checkout, _)| checkout).collect(), place))
    }

    /// Open or processing checkouts of which a lock has ended at or before `until`, the longest over first.
    pub async fn checkouts_to_requote(&self, until: Timestamp, limit: u32) -> Result<Vec<Checkout>, ReadError> {
        self.rows(&sql::CHECKOUTS_TO_REQUOTE, vec![millis(until), number(limit)], checkout::decode).await
    }

    pub async fn quote(&self, account: AccountId, id: QuoteId) -> Result<Option<Quote>, ReadError> {
        self.point(&sql::QUOTE_BY_ID, vec![Value::id(id), Value::id(account)], quote::decode).await
    }

    pub async fn payment(&self, account: AccountId, id: PaymentId) -> Result<Option<Payment>, ReadError> {
        self.point(&sql::PAYMENT_BY_ID, vec![Value::id(id), Value::id(account)], payment::decode).await
    }

    pub async fn payment_of_anyone(&self, id: PaymentId) -> Result<Option<Payment>, ReadError> {
        self.point(&sql::PAYMENT_OF_ANYONE, vec![Value::id(id)], payment::decode).await
    }

    pub async fn payments_of_checkout(&self, checkout: CheckoutId) -> Result<Vec<Payment>, ReadError> {
        self.rows(&sql::PAYMENTS_OF_CHECKOUT, vec![Value::id(checkout)], payment::decode).await
    }

    /// Detected, confirming, and settled-but-not-finalized payments of a network, oldest first.
    pub async fn unfinal_payments(&self, network: &str) -> Result<Vec<Payment>, ReadError> {
        self.rows(&sql::PAYMENTS_UNFINAL, vec![Value::Owned(network.to_owned())], payment::decode).await
    }

    pub async fn webhook(&self, account: AccountId, id: WebhookId) -> Result<Option<Webhook>, ReadError> {
        self.point(&sql::WEBHOOK_BY_ID, vec![Value::id(id), Value::id(account)], webhook::decode).await
    }

    pub async fn event(&self, account: AccountId, id: EventId) -> Result<Option<Event>, ReadError> {
        self.point(&sql::EVENT_BY_ID, vec![Value::id(id), Value::id(account)], event::decode).await
    }

    /// Oldest first, numbered ones only, for `after_sequence`.
    pub async fn events_after(&self, account: AccountId, sequence: u64, limit: u32) -> Result<Vec<Event>, ReadError> {
        let key = vec![Value::id(account), Value::count(sequence), number(limit)];
        self.rows(&sql::EVENTS_AFTER, key, event::decode).await
    }

    /// The highest sequence of the account (0: none).
    pub async fn last_sequence(&self, account: AccountId) -> Result<u64, ReadError> {
        let last = self.row(&sql::EVENT_LAST_SEQUENCE, vec![Value::id(account)], |r| r.of("event").count(0));
        Ok(last.await?.unwrap_or(0))
    }

    /// Events about one object, oldest first, for timelines.
    pub async fn events_of_object(&self, account: AccountId, object: &str) -> Result<Vec<Event>, ReadError> {
        let key = vec![Value::id(account), Value::Owned(object.to_owned())];
        self.rows(&sql::EVENTS_OF_OBJECT, key, event::decode).await
    }

    pub async fn delivery(&self, account: AccountId, id: DeliveryId) -> Result<Option<Delivery>, ReadError> {
        self.point(&sql::DELIVERY_BY_ID, vec![Value::id(id), Value::id(account)], delivery::decode).await
    }

    pub async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>, ReadError> {
        self.rows(&sql::ATTEMPTS, vec![Value::id(delivery)], delivery::decode_attempt).await
    }

    /// Deliveries of a webhook that failed or are still pending, whose event was created at or after `since`.
    pub async fn deliveries_to_recover(
        &self,
        account: AccountId,
        webhook: WebhookId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, ReadError> {
        let key = vec![Value::id(account), Value::id(webhook), millis(since), number(limit)];
        self.rows(&sql::DELIVERIES_TO_RECOVER, key, delivery::decode).await
    }

    /// When the next pending delivery can be claimed (its due time, or the end of another's lease), if any.
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, ReadError> {
        self.row(&sql::DELIVERY_NEXT_WAKE, Vec::new(), |r| crate::rows::time(&r.of("delivery"), 0)).await
    }

    pub async fn audit_head(&self) -> Result<AuditHead, ReadError> {
        // Waiting first: an entry that is placed in between is counted twice rather than missed.
        let waiting = self.row(&sql::AUDIT_WAITING_COUNT, Vec::new(), |r| r.of("audit").count(0)).await?.unwrap_or(0);
        let size = self.row(&sql::AUDIT_SIZE, Vec::new(), |r| r.of("audit").count(0)).await?.unwrap_or(0);
        Ok(AuditHead { size, waiting })
    }

    pub async fn audit_entry(&self, account: AccountId, id: AuditId) -> Result<Option<PlacedEntry>, ReadError> {
        self.point(&sql::AUDIT_BY_ID, vec![Value::id(id), Value::id(account)], audit::decode).await
    }

    /// Leaves from `from` on by place, for export and verification (all accounts).
    pub async fn audit_leaves(&self, from: u64, limit: u32) -> Result<Vec<Vec<u8>>, ReadError> {
        let key = vec![Value::count(from), number(limit)];
        self.rows(&sql::AUDIT_LEAVES, key, |r| Ok(r.of("audit").blob(0)?.to_vec())).await
    }

    /// Stored hash of the perfect subtree `index` at `level` (0: leaves).
    pub async fn audit_node(&self, level: u8, index: u64) -> Result<Option<[u8; 32]>, ReadError> {
        if level == 0 {
            return self.point(&sql::AUDIT_LEAF_HASH, vec![Value::count(index)], |r| r.of("audit").bytes(0)).await;
        }
        let key = vec![Value::Int(i64::from(level)), Value::count(index)];
        self.point(&sql::AUDIT_NODE, key, |r| r.of("audit_node").bytes(0)).await
    }

    pub async fn request_row(&self, account: AccountId, id: RequestId) -> Result<Option<RequestRow>, ReadError> {
        self.point(&sql::REQUEST_BY_ID, vec![Value::id(id), Value::id(account)], request::decode).await
    }

    pub async fn cursor(&self, network: &str) -> Result<Option<Cursor>, ReadError> {
        self.point(&sql::CURSOR_GET, vec![Value::Owned(network.to_owned())], chain::decode_cursor).await
    }

    /// How a network stands, as it was told; `None`: nothing was ever to be told.
    pub async fn network_standing(&self, network: &str) -> Result<Option<Standing>, ReadError> {
        self.point(&sql::STANDING_GET, vec![Value::Owned(network.to_owned())], standing::decode).await
    }

    /// Accounts that have or had wallets, by id, behind that one.
    pub async fn accounts_with_wallets(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, ReadError> {
        let after = after.map_or_else(|| Value::Owned(String::new()), Value::id);
        let decode: Decode<AccountId> = |r| r.of("wallet").parsed(0, |text| AccountId::parse(text).ok());
        self.rows(&sql::ACCOUNTS_WITH_WALLETS, vec![after, number(limit)], decode).await
    }

    /// What the tokens of a network stated of their decimals when they were asked last.
    pub async fn noted_decimals(&self, network: &str, chain_id: u64) -> Result<Vec<(Address, u8)>, ReadError> {
        let key = vec![Value::Owned(network.to_owned()), Value::count(chain_id)];
        self.rows(&sql::TOKEN_CHECKS, key, chain::decode_decimals).await
    }

    /// Canonical headers of a network, newest first.
    pub async fn recent_headers(&self, network: &str, limit: u32) -> Result<Vec<Header>, ReadError> {
        self.rows(&sql::HEADERS, vec![Value::Owned(network.to_owned()), number(limit)], chain::decode_header).await
    }

    /// Amounts leased at (network, token, address), static mode: within expiry + cooldown.
    pub async fn leased_amounts(
        &self,
        network: &str,
        token: Address,
        address: Address,
        now: Timestamp,
    ) -> Result<Vec<u128>, ReadError> {
        let bytes = |a: Address| Value::Bytes(a.0.to_vec());
        let key = vec![Value::Owned(network.to_owned()), bytes(token), bytes(address), millis(now)];
        self.rows(&sql::LEASED_AMOUNTS, key, |r| r.of("amount_lease").amount(0)).await
    }

    pub async fn idempotent_answer(
        &self,
        account: AccountId,
        route: &str,
        key_hash: &[u8; 32],
    ) -> Result<Option<IdempotentAnswer>, ReadError> {
        let key = vec![Value::id(account), Value::Owned(route.to_owned()), Value::Hash(*key_hash)];
        self.point(&sql::IDEMPOTENT_GET, key, request::decode_answer).await
    }

    /// What an attempt needs beside the delivery. A webhook that is gone by now takes its deliveries with it.
    pub(crate) async fn claimed(&self, found: Vec<Delivery>) -> Result<Vec<Claimed>, ReadError> {
        let mut webhooks: HashMap<WebhookId, Result<Option<Webhook>, ReadError>> = HashMap::new();
        let mut claimed = Vec::with_capacity(found.len());
        for delivery in found {
            let webhook = match webhooks.get(&delivery.webhook) {
                Some(known) => known.clone(),
                None => {
                    let webhook = broken_alone(self.webhook(delivery.account, delivery.webhook).await)?;
                    webhooks.insert(delivery.webhook, webhook.clone());
                    webhook
                }
            };
            let event = broken_alone(self.event(delivery.account, delivery.event).await)?;
            let load = match (webhook, event) {
                (Ok(None), _) | (_, Ok(None)) => continue,
                (Err(why), _) | (_, Err(why)) => Err(why),
                (Ok(Some(webhook)), Ok(Some(event))) => Ok(Box::new(Load { webhook, event })),
            };
            claimed.push(Claimed { delivery, load });
        }
        Ok(claimed)
    }
}

/// A row that can't be read is told of its own delivery; a store that doesn't answer is everybody's matter.
fn broken_alone<T>(read: Result<T, ReadError>) -> Result<Result<T, ReadError>, ReadError> {
    match read {
        Err(ReadError::Unavailable(why)) => Err(ReadError::Unavailable(why)),
        other => Ok(other),
    }
}

fn number(n: u32) -> Value<'static> {
    Value::Int(i64::from(n))
}
