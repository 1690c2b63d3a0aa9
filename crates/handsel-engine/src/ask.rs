//! One request as the engine sees it, and one answer as the engine gives it.

use handsel_core::actor::Grant;
use handsel_core::secret::SecretText;
use handsel_store::reader::ListQuery;

/// Beside what is asked: who asks, and under which conditions.
#[derive(Debug, Clone)]
pub struct Ask {
    pub grant: Grant,
    /// The route's template with its method: `POST /v1/checkouts/{id}/expire`.
    pub route: &'static str,
    /// The raw `Idempotency-Key`, where one was sent.
    pub idempotency_key: Option<SecretText>,
    /// The presented API key's SHA-256: part of what seals an idempotent answer.
    pub presented: [u8; 32],
    /// SHA-256 over method, path, query and body.
    pub fingerprint: [u8; 32],
    /// Validate and answer, write nothing.
    pub dry_run: bool,
    /// The version that `If-Match` names.
    pub if_match: Option<u64>,
    /// What `expand[]` names.
    pub expand: Vec<String>,
}

/// A list question with its conditions; `path` is what `url` shows.
#[derive(Debug, Clone)]
pub struct ListAsk {
    pub grant: Grant,
    pub path: &'static str,
    pub query: ListQuery,
    /// `reference`, `customer` and `metadata[k]` filters as given: the engine turns them into lookups.
    pub reference: Option<String>,
    pub customer: Option<String>,
    pub metadata: Vec<(String, String)>,
    pub expand: Vec<String>,
}

/// Public JSON, rendered by `handsel-view` before the commit, so that a replay is byte for byte the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// For `ETag`.
    pub version: Option<u64>,
    /// It was given before, under the same idempotency key.
    pub replayed: bool,
}
