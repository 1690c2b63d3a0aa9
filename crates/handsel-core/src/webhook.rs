//! A merchant's receiver of events, and the secrets that sign for it. How it changes is in [`decide`].

pub mod decide;

use crate::id::{AccountId, WebhookId};
use crate::limits::HOOK_RETRY_SCHEDULE_SECONDS;
use crate::secret::Sealed;
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Enabled,
    Disabled,
    /// Still sent to, but nothing has succeeded for a day.
    Failing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    Snapshot,
    Thin,
}

/// A way to sign (02 "Webhook wire format").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureForm {
    Handsel,
    Standard,
    Ed25519,
    Sha256Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordering {
    PerObject,
    None,
}

/// The spans before the second and each further try of a delivery; after the last it has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub schedule_seconds: Vec<u64>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { schedule_seconds: HOOK_RETRY_SCHEDULE_SECONDS.to_vec() }
    }
}

/// One signing secret; the text itself is sealed. `until` is set once it was rotated away: the end of its grace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningSecret {
    pub sealed: Sealed,
    /// The first characters (`whsec_AbCd`), shown to tell secrets apart.
    pub prefix: String,
    pub created: Timestamp,
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub account: AccountId,
    pub created: Timestamp,
    pub version: u64,
    /// The URL, sealed; `host` is kept in the clear for lists and breakers.
    pub url: Sealed,
    pub host: String,
    /// Names, `checkout.*` or `*`.
    pub enabled_events: Vec<String>,
    pub description: Option<String>,
    pub payload: Payload,
    pub signatures: Vec<SignatureForm>,
    pub ordering: Ordering,
    pub retry: Retry,
    pub status: Status,
    /// In the order in which they sign: new first, old last, until `promote_secret` flips it.
    pub secrets: Vec<SigningSecret>,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    pub metadata: Vec<(String, String)>,
}

impl Webhook {
    /// The secrets that sign at `now`, in order: those without an end and those in grace.
    pub fn live_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        self.secrets.iter().filter(move |s| s.until.is_none_or(|end| now < end))
    }
    /// True where this webhook wants events of `kind`.
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled_events.iter().any(|p| {
            p == "*" || p == kind || p.strip_suffix(".*").is_some_and(|head| kind.split('.').next() == Some(head))
        })
    }
}
