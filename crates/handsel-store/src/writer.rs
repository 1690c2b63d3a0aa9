//! The one door for writes.

use crate::ReadError;
use crate::reader::Claimed;
use handsel_core::change::{Change, CommitError, Receipt};
use handsel_core::time::Timestamp;

/// Commits Changes: in groups on SQLite, one pipelined transaction each on PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Writer {}

impl Writer {
    /// Writes all of `change` or nothing, durably, before it answers.
    pub async fn commit(&self, change: Change) -> Result<Receipt, CommitError> {
        let _ = change;
        Err(CommitError::Unavailable("the writer has no engine yet"))
    }

    /// Claims up to `limit` pending deliveries that are due, heads of their lanes only (no earlier pending delivery of the same
    /// webhook and object where the webhook is ordered per object), until `lease_until`.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, ReadError> {
        let _ = (now, lease_until, limit);
        Err(ReadError::Unavailable("the writer has no engine yet"))
    }

    /// Deletes what is past its time: idempotent answers and request rows created before the given times.
    pub async fn prune(&self, answers_before: Timestamp, requests_before: Timestamp) -> Result<u64, ReadError> {
        let _ = (answers_before, requests_before);
        Err(ReadError::Unavailable("the writer has no engine yet"))
    }
}
