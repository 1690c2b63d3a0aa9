//! Events: what happened, in order, with a signed head.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::actor::Grant;
use handsel_core::id::{EventId, WebhookId};

impl Engine {
    pub async fn event(&self, ask: &Ask, id: EventId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn events(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
    /// Oldest first, with `head{sequence,digest,signature}`.
    pub async fn events_after(&self, grant: &Grant, sequence: u64, limit: u32) -> Result<Answer, Refusal> {
        let _ = (grant, sequence, limit);
        Err(Refusal::internal())
    }
    pub async fn resend_event(&self, ask: &Ask, id: EventId, webhook: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id, webhook);
        Err(Refusal::internal())
    }
}
