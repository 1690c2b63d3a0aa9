//! The public names of states and kinds (02).

use handsel_core::account::{Region, Status as AccountStatus, Tier};
use handsel_core::api_key::{Class, State as KeyState};
use handsel_core::checkout::{ExceptionKind, LatePolicy, Matching, PaymentStatus, State as CheckoutState};
use handsel_core::delivery::{State as DeliveryState, Trigger};
use handsel_core::payment::{Outcome, State as PaymentState};
use handsel_core::wallet::State as WalletState;
use handsel_core::webhook::{Ordering, Payload, SignatureForm, Status as WebhookStatus};

macro_rules! names {
    ($($(#[$doc:meta])* $fn:ident($type:ty) { $($pattern:pat => $name:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        pub const fn $fn(value: &$type) -> &'static str { match value { $($pattern => $name),* } }
    )*};
}

names! {
    region(Region) { Region::Us => "us", Region::Eu => "eu", Region::Apac => "apac" }
    tier(Tier) { Tier::Standard => "standard", Tier::Scale => "scale", Tier::Enterprise => "enterprise" }
    account_status(AccountStatus) { AccountStatus::Active => "active", AccountStatus::Suspended => "suspended" }
    class(Class) { Class::Secret => "secret", Class::Restricted => "restricted", Class::Publishable => "publishable" }
    key_status(KeyState) {
        KeyState::Active => "active", KeyState::Expiring { .. } => "expiring", KeyState::Revoked { .. } => "revoked",
    }
    wallet_status(WalletState) {
        WalletState::PendingProof => "pending_proof", WalletState::Active { .. } => "active",
        WalletState::Retiring { .. } => "retiring", WalletState::Retired { .. } => "retired",
    }
    checkout_status(CheckoutState) {
        CheckoutState::Open => "open", CheckoutState::Processing => "processing",
        CheckoutState::Complete { .. } => "complete", CheckoutState::Expired { .. } => "expired",
        CheckoutState::Canceled { .. } => "canceled",
    }
    payment_status(PaymentStatus) {
        PaymentStatus::Unpaid => "unpaid", PaymentStatus::Detected => "detected",
        PaymentStatus::PartiallyPaid => "partially_paid", PaymentStatus::Paid => "paid",
        PaymentStatus::Overpaid => "overpaid",
    }
    exception(ExceptionKind) {
        ExceptionKind::Underpaid => "underpaid", ExceptionKind::Overpaid => "overpaid", ExceptionKind::Late => "late",
        ExceptionKind::Duplicate => "duplicate", ExceptionKind::WrongAsset => "wrong_asset",
        ExceptionKind::WrongNetwork => "wrong_network", ExceptionKind::Reorged => "reorged",
        ExceptionKind::Returned => "returned",
    }
    late_policy(LatePolicy) {
        LatePolicy::Hold => "hold", LatePolicy::AcceptLocked => "accept_locked", LatePolicy::Requote => "requote",
    }
    matching(Matching) {
        Matching::Auto => "auto", Matching::Xpub => "xpub", Matching::Static => "static", Matching::Pool => "pool",
        Matching::Router => "router", Matching::Forwarder => "forwarder",
    }
    /// `status` of a payment.
    payment_state(PaymentState) {
        PaymentState::Detected { .. } => "detected", PaymentState::Confirming { .. } => "confirming",
        PaymentState::Succeeded { .. } => "succeeded", PaymentState::Rejected { .. } => "rejected",
        PaymentState::Reversed { .. } => "reversed", PaymentState::Failed { .. } => "failed",
    }
    outcome(Outcome) {
        Outcome::Exact => "exact", Outcome::WithinTolerance => "within_tolerance", Outcome::Under => "under",
        Outcome::Over => "over", Outcome::Late => "late", Outcome::LateCold => "late_cold",
        Outcome::Duplicate => "duplicate", Outcome::WrongAsset => "wrong_asset", Outcome::WrongNetwork => "wrong_network",
        Outcome::Unmatched => "unmatched", Outcome::Reversed => "reversed",
    }
    webhook_status(WebhookStatus) {
        WebhookStatus::Enabled => "enabled", WebhookStatus::Disabled => "disabled", WebhookStatus::Failing => "failing",
    }
    payload(Payload) { Payload::Snapshot => "snapshot", Payload::Thin => "thin" }
    signature_form(SignatureForm) {
        SignatureForm::Handsel => "handsel", SignatureForm::Standard => "standard", SignatureForm::Ed25519 => "ed25519",
        SignatureForm::Sha256Body => "sha256_body",
    }
    ordering(Ordering) { Ordering::PerObject => "per_object", Ordering::None => "none" }
    delivery_status(DeliveryState) {
        DeliveryState::Pending { .. } => "pending", DeliveryState::Succeeded { .. } => "succeeded",
        DeliveryState::Failed { .. } => "failed", DeliveryState::Canceled { .. } => "canceled",
    }
    trigger(Trigger) {
        Trigger::Scheduled => "scheduled", Trigger::Resend => "resend", Trigger::Recover => "recover",
        Trigger::Test => "test",
    }
}
