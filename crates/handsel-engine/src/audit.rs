//! The audit log as its owner may see it, with proofs that a stranger can check.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::actor::Grant;
use handsel_core::id::AuditId;

impl Engine {
    pub async fn audit_entries(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
    pub async fn audit_entry(&self, ask: &Ask, id: AuditId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn audit_checkpoint(&self, grant: &Grant) -> Result<Answer, Refusal> {
        let _ = (grant,);
        Err(Refusal::internal())
    }
    pub async fn audit_inclusion(&self, grant: &Grant, entry: AuditId, size: Option<u64>) -> Result<Answer, Refusal> {
        let _ = (grant, entry, size);
        Err(Refusal::internal())
    }
    pub async fn audit_consistency(&self, grant: &Grant, from: u64, to: Option<u64>) -> Result<Answer, Refusal> {
        let _ = (grant, from, to);
        Err(Refusal::internal())
    }
    /// Leaves for reads and refused requests, which have no Change: gathered and appended within a second (06 1.6).
    pub async fn note_request(&self, row: handsel_core::change::RequestRow) -> Result<(), Refusal> {
        let _ = (row,);
        Err(Refusal::internal())
    }
}
