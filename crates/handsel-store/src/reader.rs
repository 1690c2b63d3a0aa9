//! Typed questions. Whatever belongs to an account is asked for with the account first.

use crate::ReadError;
use handsel_core::account::Account;
use handsel_core::api_key::ApiKey;
use handsel_core::chain::{Address, Header};
use handsel_core::change::{AuditEntry, IdempotentAnswer, RequestRow};
use handsel_core::checkout::Checkout;
use handsel_core::delivery::{Attempt, Delivery};
use handsel_core::event::Event;
use handsel_core::id::{
    AccountId, ApiKeyId, AuditId, CheckoutId, DeliveryId, EventId, PaymentId, RequestId, WalletId, WebhookId,
};
use handsel_core::payment::Payment;
use handsel_core::time::Timestamp;
use handsel_core::wallet::Wallet;
use handsel_core::webhook::Webhook;

/// One page of a list, newest first by `created` then id (or oldest first inside, for `ending_before`; the answer is always
/// newest first). Members that an object doesn't have are ignored by its question.
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

/// A delivery that the caller has claimed until its lease ends, with all that an attempt needs.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub delivery: Delivery,
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

/// Read-only questions over a few read connections.
#[derive(Debug, Clone)]
pub struct Reader {}

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Reader {$(
            $(#[$doc])*
            pub async fn $name(&self, $($arg: $type),*) -> Result<$answer, ReadError> {
                $(let _ = $arg;)*
                Err(ReadError::Unavailable("this question has no statement yet"))
            }
        )*}
    };
}

questions! {
    account(account: AccountId) -> Option<Account>;
    /// Every account, for the operator.
    accounts() -> Vec<Account>;
    /// By the 15 public characters of the key's text.
    api_key_by_public_id(public_id: &str) -> Option<ApiKey>;
    api_key(account: AccountId, id: ApiKeyId) -> Option<ApiKey>;
    api_keys(account: AccountId, query: &ListQuery) -> Page<ApiKey>;
    wallet(account: AccountId, id: WalletId) -> Option<Wallet>;
    wallets(account: AccountId, query: &ListQuery) -> Page<Wallet>;
    /// Wallets in the states pending_proof, active and retiring.
    usable_wallets(account: AccountId) -> Vec<Wallet>;
    /// The first derivation index that was never reserved (1 for a new wallet).
    wallet_next_index(wallet: WalletId) -> u32;
    checkout(account: AccountId, id: CheckoutId) -> Option<Checkout>;
    /// By id alone: for pages whose URL carries a MAC, and for the watcher.
    checkout_of_anyone(id: CheckoutId) -> Option<Checkout>;
    checkouts(account: AccountId, query: &ListQuery) -> Page<Checkout>;
    /// Open or processing checkouts whose `expires_at` + grace is at or before `until`.
    checkouts_to_expire(until: Timestamp, limit: u32) -> Vec<Checkout>;
    payment(account: AccountId, id: PaymentId) -> Option<Payment>;
    payment_of_anyone(id: PaymentId) -> Option<Payment>;
    payments(account: AccountId, query: &ListQuery) -> Page<Payment>;
    payments_of_checkout(checkout: CheckoutId) -> Vec<Payment>;
    /// Detected, confirming, and settled-but-not-finalized payments of a network, oldest first.
    unfinal_payments(network: &str) -> Vec<Payment>;
    webhook(account: AccountId, id: WebhookId) -> Option<Webhook>;
    webhooks(account: AccountId, query: &ListQuery) -> Page<Webhook>;
    event(account: AccountId, id: EventId) -> Option<Event>;
    events(account: AccountId, query: &ListQuery) -> Page<Event>;
    /// Oldest first, numbered ones only, for `after_sequence`.
    events_after(account: AccountId, sequence: u64, limit: u32) -> Vec<Event>;
    /// The highest sequence of the account (0: none).
    last_sequence(account: AccountId) -> u64;
    /// Events about one object, oldest first, for timelines.
    events_of_object(account: AccountId, object: &str) -> Vec<Event>;
    delivery(account: AccountId, id: DeliveryId) -> Option<Delivery>;
    attempts(delivery: DeliveryId) -> Vec<Attempt>;
    /// Deliveries, newest first; `query.webhook` narrows to one webhook.
    deliveries(account: AccountId, query: &ListQuery) -> Page<Delivery>;
    /// Deliveries of a webhook that failed or are still pending, whose event was created at or after `since`.
    deliveries_to_recover(account: AccountId, webhook: WebhookId, since: Timestamp, limit: u32) -> Vec<Delivery>;
    /// When the next pending delivery is due, if any.
    next_delivery_due() -> Option<Timestamp>;
    audit_head() -> AuditHead;
    audit_entry(account: AccountId, id: AuditId) -> Option<PlacedEntry>;
    audit_entries(account: AccountId, query: &ListQuery) -> Page<PlacedEntry>;
    /// Leaves from `from` on by place, for export and verification (all accounts).
    audit_leaves(from: u64, limit: u32) -> Vec<Vec<u8>>;
    /// Stored hash of the perfect subtree `index` at `level` (0: leaves).
    audit_node(level: u8, index: u64) -> Option<[u8; 32]>;
    request_row(account: AccountId, id: RequestId) -> Option<RequestRow>;
    request_rows(account: AccountId, query: &ListQuery) -> Page<RequestRow>;
    cursor(network: &str) -> Option<Cursor>;
    /// Canonical headers of a network, newest first.
    recent_headers(network: &str, limit: u32) -> Vec<Header>;
    /// Options written after `mark`, oldest first.
    watched_after(network: &str, mark: i64, limit: u32) -> Vec<Watched>;
    /// Amounts leased at (network, token, address), static mode: within expiry + cooldown.
    leased_amounts(network: &str, token: Address, address: Address, now: Timestamp) -> Vec<u128>;
    idempotent_answer(account: AccountId, route: &str, key_hash: &[u8; 32]) -> Option<IdempotentAnswer>;
}
