//! What the API answers with.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Up to 50 keys; values are texts.
pub type Metadata = BTreeMap<String, String>;

/// An amount of a currency: a decimal text and an ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    #[schema(example = "19.99")]
    pub amount: String,
    #[schema(example = "USD")]
    pub currency: String,
}

/// An amount of an asset on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetAmount {
    #[schema(example = "19.990000")]
    pub amount: String,
    #[schema(example = "USDC")]
    pub asset: String,
    #[schema(example = "base")]
    pub network: String,
    /// The same in the asset's smallest unit.
    #[schema(example = "19990000")]
    pub atomic: String,
    pub decimals: u8,
}

/// A network and an asset that pays on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    pub network: String,
    pub asset: String,
}

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    pub name: String,
    pub email: String,
    pub region: String,
    pub tier: String,
    pub status: String,
    pub default_accept: Vec<Accept>,
    pub branding: BTreeMap<String, String>,
    pub support_url: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// When and from where a key was last used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastUsed {
    pub at: i64,
    pub ip: String,
}

/// An API key. Its text is shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    pub name: String,
    pub class: String,
    pub scopes: Vec<String>,
    pub allowed_ips: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub prefix: String,
    /// The key itself: in the answer that makes it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    pub rotate_by: i64,
    pub expires_at: Option<i64>,
    pub last_used: Option<LastUsed>,
    pub status: String,
    pub metadata: BTreeMap<String, String>,
}

/// Where a wallet on chains of its type pays to: one address, or the addresses of an xpub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainWallet {
    pub address: Option<String>,
    /// The SHA-256 of the xpub, shortened: the xpub itself would show every address of the wallet.
    pub xpub_fingerprint: Option<String>,
    /// The address that signs the proof (xpub: child 0).
    pub proof_address: String,
    pub addresses: Option<Vec<String>>,
}

/// A merchant's destination, which only the merchant can spend from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wallet {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    #[serde(rename = "type")]
    pub kind: String,
    pub mode: String,
    pub networks: Vec<String>,
    pub assets: Vec<String>,
    pub evm: Option<ChainWallet>,
    pub tron: Option<ChainWallet>,
    pub open_payments: Option<Empty>,
    pub bank: Option<Empty>,
    /// The text that the wallet's owner signs to prove it.
    pub challenge: String,
    pub proved_at: Option<i64>,
    pub status: String,
    pub active_from: Option<i64>,
    pub metadata: BTreeMap<String, String>,
}

/// How a network stands: what `network.degraded` and `network.recovered` are about. Checkouts stay payable all the while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkStanding {
    /// The network's name.
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub version: u64,
    pub network: String,
    pub caip2: String,
    pub chain_id: u64,
    /// `degraded` or `operational`.
    pub status: String,
    /// `halted`, `nodes_disagree`, `nodes_silent`, `node_banned` or `finality_stalled`, where it is degraded.
    pub reason: Option<String>,
    /// Since when it stands so.
    pub since: i64,
}

/// A rail that this release does not serve: always null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Empty {}

/// A line of what is paid for; shown, not added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineItem {
    pub name: String,
    #[serde(default = "one")]
    pub quantity: u64,
    #[serde(default)]
    pub amount: Option<String>,
}

const fn one() -> u64 {
    1
}

/// How an address can be checked by the payer (06 1.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddressProof {
    pub wallet: String,
    pub mode: String,
    pub derivation_index: Option<u32>,
}

/// A transfer of exactly this amount of this token to this address pays the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainOption {
    pub network: String,
    pub caip2: String,
    pub chain_id: u64,
    pub asset: String,
    pub token: String,
    pub address: String,
    pub amount: String,
    pub atomic: String,
    pub decimals: u8,
    /// EIP-681, or `tron:` with the address, amount and token.
    pub uri: String,
    pub proof: AddressProof,
    pub router: Option<Empty>,
}

/// One way to pay; the member named by `type` holds it, the others are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentOption {
    #[serde(rename = "type")]
    pub kind: String,
    pub evm: Option<ChainOption>,
    pub tron: Option<ChainOption>,
    pub open_payments: Option<Empty>,
    pub bank: Option<Empty>,
}

impl PaymentOption {
    /// The way to pay on a chain, whichever its type.
    pub const fn on_chain(&self) -> Option<&ChainOption> {
        match &self.evm {
            Some(option) => Some(option),
            None => self.tron.as_ref(),
        }
    }
}

/// A matter that is still open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckoutException {
    #[serde(rename = "type")]
    pub kind: String,
    /// Decimal text, in the payment's asset; what is missing (underpaid), or where no payment is named, in the checkout's currency.
    pub amount: String,
    pub payment: Option<String>,
    pub created: i64,
}

/// What happened to the checkout, and the event that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    #[serde(rename = "type")]
    pub kind: String,
    pub created: i64,
    pub event: String,
}

/// A thing to be paid once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checkout {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    pub amount: String,
    pub currency: String,
    pub status: String,
    pub payment_status: String,
    pub exceptions: Vec<CheckoutException>,
    pub url: String,
    pub client_secret: String,
    pub expires_at: i64,
    pub amount_received: Money,
    pub amount_refunded: Money,
    pub tolerance_bps: u32,
    pub late_policy: String,
    pub matching: String,
    pub customer: Option<String>,
    pub reference: Option<String>,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
    pub line_items: Vec<LineItem>,
    pub payment_options: Vec<PaymentOption>,
    /// Ids, or payments where `expand[]=payments` asks for them.
    #[schema(value_type = Vec<PaymentOrId>)]
    pub payments: Vec<IdOr<Payment>>,
    pub timeline: Vec<TimelineEntry>,
    pub metadata: BTreeMap<String, String>,
}

/// An id, or the object itself where it was expanded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum IdOr<T> {
    Id(String),
    Object(Box<T>),
}

// The derive on the generic type would write the whole payment into the document, a second type for one object in every client.
/// An id, or the payment itself where it was expanded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PaymentOrId {
    Id(String),
    Object(Box<Payment>),
}

/// Where the transfer is on its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    pub hash: String,
    pub log_index: u64,
    pub block_hash: String,
    pub block_number: u64,
    pub from: String,
    pub to: String,
    pub explorer_url: Option<String>,
}

/// The price at which the payment was counted, as an exact fraction: atomic units of the asset per minor unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rate {
    pub numerator: String,
    pub denominator: String,
    pub currency: String,
    /// The quote behind it; null where the asset counts 1:1.
    pub quote: Option<String>,
}

/// An exact fraction: units of the asset for one unit of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteRate {
    #[schema(example = "217")]
    pub numerator: String,
    #[schema(example = "200")]
    pub denominator: String,
    /// The same for people, rounded down.
    #[schema(example = "1.085000000000")]
    pub decimal: String,
}

/// What one rate source said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteSource {
    pub name: String,
    pub rate: QuoteRate,
    /// When it said so.
    pub at: i64,
}

/// A rate that holds for a time: the median of what the sources said. An asset that counts 1:1 needs none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    #[schema(example = "EUR")]
    pub from: String,
    #[schema(example = "USDC")]
    pub to: String,
    pub rate: QuoteRate,
    pub sources: Vec<QuoteSource>,
    /// How old the rate is: the oldest statement behind it.
    pub rated_at: i64,
    /// SHA-256 of what the sources said.
    pub digest: Option<String>,
    pub expires_at: i64,
    pub metadata: BTreeMap<String, String>,
}

/// One observed transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Payment {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    pub checkout: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    pub network: String,
    pub caip2: String,
    pub asset: String,
    pub amount: AssetAmount,
    pub status: String,
    pub outcome: Option<String>,
    pub confirmations: u64,
    pub required_confirmations: u32,
    pub requires_finalized: bool,
    pub finalized: bool,
    pub transaction: Transaction,
    pub rate: Option<Rate>,
    pub detected_at: i64,
    pub succeeded_at: Option<i64>,
    pub metadata: BTreeMap<String, String>,
}

/// When a delivery is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retry {
    /// Seconds before the second and each further try, give or take a tenth; after the last the delivery has failed.
    pub schedule_seconds: Vec<u64>,
}

/// A receiver of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    pub url: String,
    pub enabled_events: Vec<String>,
    pub description: Option<String>,
    pub payload: String,
    pub signatures: Vec<String>,
    pub ordering: String,
    pub retry: Retry,
    pub status: String,
    /// At creation and rotation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
    pub secret_prefix: String,
    pub metadata: BTreeMap<String, String>,
}

/// How long the parts of an attempt took, in milliseconds; null where it did not come to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimingMs {
    pub dns: Option<u32>,
    pub connect: Option<u32>,
    pub tls: Option<u32>,
    pub first_byte: Option<u32>,
    pub total: u32,
}

/// One try to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    pub number: u32,
    pub at: i64,
    pub trigger: String,
    pub status_code: Option<u16>,
    pub error: Option<String>,
    pub timing_ms: TimingMs,
    pub request_headers: BTreeMap<String, String>,
    pub response_headers: BTreeMap<String, String>,
    pub response_body: String,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub version: u64,
    pub event: String,
    pub webhook: String,
    pub status: String,
    pub endpoint_sequence: u64,
    pub attempts: Vec<Attempt>,
    pub next_attempt_at: Option<i64>,
}

/// One event. `data.object` is the object as it was then; `previous_attributes` holds what it was before, of what changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub id: String,
    pub object: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub created: i64,
    pub livemode: bool,
    pub api_version: String,
    /// Gap-free per account, from 1.
    pub sequence: Option<u64>,
    /// Gap-free per webhook, from 1; in deliveries only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_sequence: Option<u64>,
    /// The webhook's event before; in deliveries only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_event: Option<String>,
    pub object_version: u64,
    pub request: Option<String>,
    pub data: EventData,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventData {
    #[schema(value_type = Object)]
    pub object: serde_json::Value,
    #[schema(value_type = Object)]
    pub previous_attributes: serde_json::Value,
}

/// The signed end of the event log: a receiver that has `sequence` events with this digest misses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventHead {
    pub sequence: u64,
    pub digest: String,
    pub signature: String,
}

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    /// Place in the tree; null until sequenced, within a second.
    pub index: Option<u64>,
    /// Base64 of the exact leaf bytes.
    pub leaf: String,
    pub actor: String,
    pub action: String,
    pub target: Option<String>,
    pub request: Option<String>,
    pub result: String,
}

/// The signed head of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditCheckpoint {
    pub origin: String,
    pub size: u64,
    /// Base64.
    pub root: String,
    /// The C2SP signed checkpoint.
    pub note: String,
}

/// The path from a leaf to the root (RFC 6962 section 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InclusionProof {
    pub index: u64,
    pub size: u64,
    pub leaf_hash: String,
    pub hashes: Vec<String>,
}

/// That the older tree is a beginning of the newer one (RFC 6962 section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsistencyProof {
    pub from: u64,
    pub to: u64,
    pub hashes: Vec<String>,
}

/// One line of the request log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Request {
    pub id: String,
    pub object: String,
    pub livemode: bool,
    pub created: i64,
    pub method: String,
    pub route: String,
    pub status: u16,
    pub code: Option<String>,
    pub api_key: Option<String>,
    pub duration_ms: u32,
    pub ip_prefix: String,
}

/// It is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deleted {
    pub id: String,
    pub object: String,
    pub deleted: bool,
}

/// How many deliveries `recover` or `replay_missing` put back to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Requeued {
    pub object: String,
    pub webhook: String,
    pub requeued: u64,
}

/// A transfer that was broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestTransaction {
    pub transaction: String,
    pub network: String,
}

/// Where a chain stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestHead {
    pub network: String,
    pub block_number: u64,
}

/// The server's time now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestClock {
    pub now: i64,
}

/// A fault that was switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestFault {
    pub network: String,
    pub kind: String,
    pub seconds: u64,
}

/// A receiver of webhooks inside the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestReceiver {
    pub id: String,
    pub url: String,
}

/// One request as a receiver saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedRequest {
    pub at: i64,
    pub method: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What a receiver received, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedRequests {
    pub data: Vec<ReceivedRequest>,
}

/// An error (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub instance: String,
    pub code: String,
    pub param: Option<String>,
    pub errors: Vec<ProblemPart>,
    pub doc_url: String,
    pub request_id: String,
    pub hint: Option<String>,
}

/// One member that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemPart {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

macro_rules! lists {
    ($($name:ident of $item:ident),* $(,)?) => {$(
        /// One page, newest first.
        #[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
        pub struct $name {
            pub object: String,
            pub data: Vec<$item>,
            pub has_more: bool,
            pub url: String,
        }
        impl $name {
            pub fn new(url: &str, data: Vec<$item>, has_more: bool) -> Self {
                Self { object: "list".to_owned(), data, has_more, url: url.to_owned() }
            }
        }
    )*};
}

lists! {
    ApiKeyList of ApiKey, WalletList of Wallet, CheckoutList of Checkout, PaymentList of Payment, WebhookList of Webhook,
    DeliveryList of Delivery, AuditEntryList of AuditEntry, RequestList of Request,
}

/// One page of events; `head` in the answer to `after_sequence` alone.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EventList {
    pub object: String,
    pub data: Vec<Event>,
    pub has_more: bool,
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<EventHead>,
}
