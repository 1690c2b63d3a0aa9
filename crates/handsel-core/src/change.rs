//! One decision as one value. A Change is committed whole or not at all; nothing else ever writes.

use crate::account::Account;
use crate::api_key::ApiKey;
use crate::audit::Leaf;
use crate::chain::standing::Standing;
use crate::chain::{Address, BlockHash, Header};
use crate::checkout::Checkout;
use crate::delivery::{Attempt, Delivery};
use crate::event::NewEvent;
use crate::id::{AccountId, AuditId, RequestId, WalletId, WebhookId};
use crate::payment::Payment;
use crate::rate::Quote;
use crate::secret::Sealed;
use crate::time::Timestamp;
use crate::wallet::Wallet;
use crate::webhook::Webhook;

/// State + events + audit + cursor + idempotency answer. Outbox rows (deliveries) are written by the store itself, in the
/// same commit, for every webhook that wants the event.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub writes: Vec<Write>,
    pub events: Vec<NewEvent>,
    pub audit: Vec<AuditEntry>,
    pub answer: Option<IdempotentAnswer>,
    pub cursor: Option<CursorMove>,
}

/// One object's new value. `Insert` demands that it isn't there, `Update` that its stored version is `value.version - 1`
/// (every update raises the version by one); anything else is a `Conflict` and nothing of the Change is written.
#[derive(Debug, Clone)]
pub enum Write {
    InsertAccount(Account),
    UpdateAccount(Account),
    InsertApiKey(ApiKey),
    UpdateApiKey(ApiKey),
    InsertWallet(Wallet),
    UpdateWallet(Wallet),
    InsertCheckout(Checkout),
    UpdateCheckout(Checkout),
    InsertPayment(Payment),
    UpdatePayment(Payment),
    InsertQuote(Quote),
    InsertWebhook(Webhook),
    UpdateWebhook(Webhook),
    /// Removes the webhook and cancels its pending deliveries.
    DeleteWebhook {
        id: WebhookId,
        account: AccountId,
        version: u64,
        at: Timestamp,
    },
    /// A new standing of a delivery, with the attempt that led to it.
    UpdateDelivery {
        delivery: Delivery,
        attempt: Option<Attempt>,
    },
    /// Pending again at once, whatever its state was (`resend`, `recover`).
    RequeueDelivery {
        id: crate::id::DeliveryId,
        account: AccountId,
        due: Timestamp,
    },
    /// An event that is there already goes to a webhook that has no delivery of it: it came later, or was disabled then. A
    /// `Conflict` where the event or the webhook is not there, or the delivery is.
    EnqueueDelivery {
        account: AccountId,
        webhook: WebhookId,
        event: crate::id::EventId,
        due: Timestamp,
    },
    /// Reserves derivation indexes of a wallet up to (not with) `next`; a `Conflict` where those are reserved already, so that no
    /// two processes lease the same ones.
    ReserveIndexes {
        wallet: WalletId,
        account: AccountId,
        next: u32,
    },
    /// When and from where a key was last used: no version, no event; the later time wins.
    TouchApiKey {
        id: crate::id::ApiKeyId,
        account: AccountId,
        at: Timestamp,
        ip: String,
    },
    /// How a network stands now, and who was told of it.
    PutStanding(Standing),
    /// The decimals that a token's contract stated: no version, the last word counts.
    NoteDecimals {
        network: String,
        chain_id: u64,
        token: Address,
        decimals: u8,
        at: Timestamp,
    },
    /// One line of the redacted request log.
    LogRequest(RequestRow),
}

/// A leaf of the audit log with the id of its entry; the position in the tree follows at sequencing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: AuditId,
    pub account: Option<AccountId>,
    pub leaf: Leaf,
}

/// The answer to a POST under an idempotency key, stored in the commit of its effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentAnswer {
    pub account: AccountId,
    /// The route's template, such as `POST /v1/checkouts`.
    pub route: String,
    /// HMAC of the raw idempotency key.
    pub key_hash: [u8; 32],
    /// Digest of path and body.
    pub fingerprint: [u8; 32],
    pub status: u16,
    /// Headers and body, sealed so that only the same asker can be given it again.
    pub answer: Sealed,
    pub created: Timestamp,
}

/// How one chain's cursor moves with this Change; refused (`Conflict`) unless the stored tip is `expected_tip` and the chain is not
/// halted – or is, where it `resumes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorMove {
    pub network: String,
    /// `None`: the network has no cursor yet.
    pub expected_tip: Option<BlockHash>,
    /// The new tip.
    pub tip: Header,
    pub finalized: u64,
    /// Blocks that became canonical, oldest first.
    pub added: Vec<Header>,
    /// Blocks that left the canonical chain.
    pub orphaned: Vec<BlockHash>,
    /// The chain is halted by this Change: a fork below finality, for an operator to look at.
    pub halted: bool,
    /// The chain was halted and goes on with this Change, as its operator said.
    pub resumes: bool,
    pub at: Timestamp,
}

/// One line of the request log (30 days). Nothing of it is secret: paths are templates, bodies are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    pub id: RequestId,
    pub account: AccountId,
    pub created: Timestamp,
    pub method: String,
    pub route: String,
    pub status: u16,
    pub code: Option<String>,
    pub key: Option<crate::id::ApiKeyId>,
    pub duration_ms: u32,
    pub ip_prefix: String,
}

/// What a commit answers: the numbers that the store gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Sequences of the Change's events, in their order; empty where a sequencer will follow (PostgreSQL).
    pub sequences: Vec<u64>,
    /// How many deliveries became pending, so that the sender can be woken.
    pub deliveries: u32,
}

/// Why a Change was not committed. Nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitError {
    /// Something else changed first: read again, decide again.
    Conflict,
    /// An answer under this idempotency key exists already.
    IdempotencyTaken,
    /// The disk is full.
    StorageFull,
    /// Too many Changes wait: refuse the caller with Retry-After.
    Overloaded,
    /// The store is closing or broken; the process should stop.
    Unavailable(&'static str),
}

impl core::fmt::Display for CommitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Conflict => f.write_str("something else changed first"),
            Self::IdempotencyTaken => f.write_str("this idempotency key already has its answer"),
            Self::StorageFull => f.write_str("the disk is full: free some space"),
            Self::Overloaded => f.write_str("too many writes wait"),
            Self::Unavailable(why) => write!(f, "the store is not available: {why}"),
        }
    }
}
impl std::error::Error for CommitError {}
