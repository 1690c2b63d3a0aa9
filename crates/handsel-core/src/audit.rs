//! The audit log: what a leaf is. The Merkle tree over leaves (RFC 6962) is in [`merkle`].

use crate::actor::Actor;
use crate::id::{AccountId, RequestId};
use crate::time::Timestamp;

/// One entry before it has a place in the tree. The exact bytes are [`Leaf::bytes`]; they hold neither an index nor a
/// predecessor, and no personal data: a detail is a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    pub time: Timestamp,
    pub live: bool,
    pub region: &'static str,
    pub actor: Actor,
    /// `checkout.create`, `api_key.revoke`, `payment.detected`, …
    pub action: String,
    /// Text id of the object, where there is one.
    pub object: Option<String>,
    pub account: Option<AccountId>,
    pub request: Option<RequestId>,
    /// `ok` or an error code.
    pub result: String,
    /// SHA-256 of what was decided, in its canonical form.
    pub detail: Option<[u8; 32]>,
}
