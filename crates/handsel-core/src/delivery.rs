//! One event on its way to one webhook, and what an attempt looks like from outside. What an attempt leads to is in [`decide`].

pub mod decide;

use crate::id::{AccountId, DeliveryId, EventId, WebhookId};
use crate::secret::SecretText;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be tried (again) at `due`.
    Pending {
        due: Timestamp,
    },
    Succeeded {
        at: Timestamp,
    },
    /// Every try is used up, the receiver is gone (410), or there is nothing that could be sent.
    Failed {
        at: Timestamp,
    },
    /// The webhook was disabled or deleted.
    Canceled {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub account: AccountId,
    pub webhook: WebhookId,
    pub event: EventId,
    /// The text id of the object that the event is about: with the webhook it names the lane.
    pub object: String,
    pub created: Timestamp,
    pub version: u64,
    /// Gap-free per webhook from 1; assigned at commit.
    pub endpoint_sequence: u64,
    /// The webhook's event before this one.
    pub previous_event: Option<EventId>,
    pub state: State,
    pub tries: u32,
}

impl Delivery {
    /// The delivery of an event to a webhook has one id, however often it is queued.
    pub fn identity(event: EventId, webhook: WebhookId) -> DeliveryId {
        let digest = Sha256::new()
            .chain_update(b"handsel/dlv/1")
            .chain_update(event.bits().to_be_bytes())
            .chain_update(webhook.bits().to_be_bytes());
        DeliveryId::from_digest(&digest.finalize().into())
    }
}

/// Why an attempt was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    Scheduled,
    Resend,
    Recover,
    Test,
}

/// One try, appended and never changed. The answer's parts are what the receiver said (bounded), sealed by the store's
/// callers where the account's data is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub delivery: DeliveryId,
    pub number: u32,
    pub at: Timestamp,
    pub trigger: Trigger,
    pub status_code: Option<u16>,
    pub error: Option<HookError>,
    pub timing: Timing,
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    /// At most 8 KiB.
    pub response_body: Vec<u8>,
}

/// Milliseconds of each phase; absent where it was not reached (or, for DNS and TCP, not needed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    pub dns_ms: Option<u32>,
    pub connect_ms: Option<u32>,
    pub tls_ms: Option<u32>,
    pub first_byte_ms: Option<u32>,
    pub total_ms: u32,
}

/// What the sender is asked to post. Headers are complete, signatures included.
#[derive(Debug, Clone)]
pub struct HookRequest {
    pub url: SecretText,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookOutcome {
    pub result: Result<HookAnswer, HookError>,
    pub timing: Timing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// `Retry-After` in seconds where the receiver gave one.
    pub retry_after_seconds: Option<u64>,
}

/// Why there was no answer. Closed; the names are shown to merchants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookError {
    UrlNotAllowed,
    DnsFailed,
    AddressForbidden,
    ConnectFailed,
    TlsFailed,
    TimedOut,
    AnswerTooLarge,
    ProtocolError,
    ConnectionClosed,
    /// Nothing was sent: its event or its webhook can't be read here.
    Unreadable,
}

impl HookError {
    pub const fn name(self) -> &'static str {
        match self {
            Self::UrlNotAllowed => "url_not_allowed",
            Self::DnsFailed => "dns_failed",
            Self::AddressForbidden => "address_forbidden",
            Self::ConnectFailed => "connect_failed",
            Self::TlsFailed => "tls_failed",
            Self::TimedOut => "timed_out",
            Self::AnswerTooLarge => "answer_too_large",
            Self::ProtocolError => "protocol_error",
            Self::ConnectionClosed => "connection_closed",
            Self::Unreadable => "unreadable",
        }
    }
    pub fn parse(name: &str) -> Option<Self> {
        const ALL: [HookError; 10] = [
            HookError::UrlNotAllowed,
            HookError::DnsFailed,
            HookError::AddressForbidden,
            HookError::ConnectFailed,
            HookError::TlsFailed,
            HookError::TimedOut,
            HookError::AnswerTooLarge,
            HookError::ProtocolError,
            HookError::ConnectionClosed,
            HookError::Unreadable,
        ];
        ALL.into_iter().find(|e| e.name() == name)
    }
}
