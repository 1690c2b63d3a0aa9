//! What happened: the closed list of public events, and one event before it is numbered.

use crate::id::{AccountId, EventId, RequestId};
use crate::secret::Sealed;
use crate::time::Timestamp;

macro_rules! kinds {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// Every event type of the API (02).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($variant),* }
        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),* } }
            pub fn parse(name: &str) -> Option<Self> { match name { $($name => Some(Self::$variant),)* _ => None } }
        }
    };
}

kinds! {
    CheckoutCreated = "checkout.created", CheckoutProcessing = "checkout.processing",
    CheckoutCompleted = "checkout.completed", CheckoutExpired = "checkout.expired",
    CheckoutCanceled = "checkout.canceled", CheckoutUnderpaid = "checkout.underpaid",
    CheckoutOverpaid = "checkout.overpaid", CheckoutLatePayment = "checkout.late_payment",
    CheckoutDuplicatePayment = "checkout.duplicate_payment", CheckoutWrongAsset = "checkout.wrong_asset",
    CheckoutWrongNetwork = "checkout.wrong_network", CheckoutReorged = "checkout.reorged",
    CheckoutResolved = "checkout.resolved",
    PaymentDetected = "payment.detected", PaymentConfirming = "payment.confirming",
    PaymentSucceeded = "payment.succeeded", PaymentReversed = "payment.reversed",
    PaymentRejected = "payment.rejected", PaymentFailed = "payment.failed", PaymentMatched = "payment.matched",
    InvoiceCreated = "invoice.created", InvoiceFinalized = "invoice.finalized", InvoiceSent = "invoice.sent",
    InvoicePaid = "invoice.paid", InvoicePastDue = "invoice.past_due", InvoiceVoided = "invoice.voided",
    SubscriptionCreated = "subscription.created", SubscriptionActivated = "subscription.activated",
    SubscriptionTrialEnding = "subscription.trial_ending", SubscriptionRenewed = "subscription.renewed",
    SubscriptionPastDue = "subscription.past_due", SubscriptionPaused = "subscription.paused",
    SubscriptionResumed = "subscription.resumed", SubscriptionCanceled = "subscription.canceled",
    SubscriptionExpired = "subscription.expired",
    RefundCreated = "refund.created", RefundSubmitted = "refund.submitted", RefundSucceeded = "refund.succeeded",
    RefundFailed = "refund.failed",
    TransferPending = "transfer.pending", TransferSucceeded = "transfer.succeeded",
    TransferFailed = "transfer.failed", TransferReversed = "transfer.reversed",
    IdentityCreated = "identity.created", AliasRegistered = "alias.registered", AliasVerified = "alias.verified",
    AliasReleased = "alias.released", EndpointAdded = "endpoint.added", EndpointVerified = "endpoint.verified",
    EndpointRemoved = "endpoint.removed", ConsentGranted = "consent.granted", ConsentRevoked = "consent.revoked",
    WalletAdded = "wallet.added", WalletProved = "wallet.proved", WalletActivated = "wallet.activated",
    WalletRetired = "wallet.retired",
    WebhookFailing = "webhook.failing", WebhookDisabled = "webhook.disabled",
    WebhookSecretRotated = "webhook.secret_rotated", WebhookTest = "webhook.test",
    ApiKeyCreated = "api_key.created", ApiKeyRolled = "api_key.rolled", ApiKeyRevoked = "api_key.revoked",
    ApiKeyRotationDue = "api_key.rotation_due",
    ReconciliationBalanced = "reconciliation.balanced", ReconciliationUnbalanced = "reconciliation.unbalanced",
    NetworkDegraded = "network.degraded", NetworkRecovered = "network.recovered",
    IncidentOpened = "incident.opened", IncidentUpdated = "incident.updated", IncidentResolved = "incident.resolved",
}

/// One event as a decision makes it: rendered, not yet numbered. The store numbers it at commit.
///
/// `body` is the public JSON without `sequence`, `endpoint_sequence` and `previous_event`, sealed; whoever shows or sends it
/// appends those before the last brace, so the body is stored once and never serialised again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub id: EventId,
    pub account: AccountId,
    pub kind: Kind,
    pub created: Timestamp,
    /// Text id of the object it is about (`chk_…`).
    pub object: String,
    pub object_version: u64,
    pub request: Option<RequestId>,
    pub body: Sealed,
    /// Only this webhook gets it (`webhook.test`); `None`: everyone who subscribed.
    pub only_to: Option<crate::id::WebhookId>,
}

/// An event as stored and numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub new: NewEvent,
    /// Gap-free per account, from 1; `None` until the sequencer has been by.
    pub sequence: Option<u64>,
}
