//! Sending again: one delivery, one event, what a webhook missed.

use crate::{Answer, Ask, Engine, Refusal};
use handsel_core::id::{DeliveryId, EventId, WebhookId};
use handsel_core::time::Timestamp;

impl Engine {
    pub async fn resend_delivery(&self, ask: &Ask, id: DeliveryId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn resend_event(&self, ask: &Ask, id: EventId, webhook: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id, webhook);
        Err(Refusal::internal())
    }
    /// Sends again what failed or still waits since then.
    pub async fn recover_webhook(&self, ask: &Ask, id: WebhookId, since: Timestamp) -> Result<Answer, Refusal> {
        let _ = (ask, id, since);
        Err(Refusal::internal())
    }
    /// Sends what this webhook should have had since then and never had a success for.
    pub async fn replay_missing(&self, ask: &Ask, id: WebhookId, since: Timestamp) -> Result<Answer, Refusal> {
        let _ = (ask, id, since);
        Err(Refusal::internal())
    }
}
