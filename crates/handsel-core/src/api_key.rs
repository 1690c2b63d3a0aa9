//! API keys: the object and its states. The text form and its checksum are in [`text`], the verifier in [`verifier`].

pub mod decide;
pub mod text;
pub mod verifier;

use crate::actor::Scope;
use crate::id::{AccountId, ApiKeyId};
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    Secret,
    Restricted,
    Publishable,
}

/// Where one key stands. There is no way back from `Revoked`, neither here nor in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Active,
    /// Rolled: still good until the end of its grace.
    Expiring {
        until: Timestamp,
    },
    Revoked {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub account: AccountId,
    pub created: Timestamp,
    pub version: u64,
    pub name: String,
    pub class: Class,
    pub live: bool,
    /// 15 base62 characters: how the row is found. Public.
    pub public_id: String,
    /// PHC string of Argon2id over HMAC-SHA256(pepper, SHA-256(key)).
    pub verifier: String,
    /// What lists show: everything up to and with the public id.
    pub prefix: String,
    pub scopes: Vec<Scope>,
    /// CIDRs as given, canonical.
    pub allowed_ips: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub rotate_by: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used: Option<LastUsed>,
    pub state: State,
    pub metadata: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUsed {
    pub at: Timestamp,
    pub ip: String,
}
