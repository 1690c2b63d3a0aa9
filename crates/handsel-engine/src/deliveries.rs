//! Deliveries: one event on its way to one webhook.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::id::{DeliveryId, WebhookId};

impl Engine {
    pub async fn delivery(&self, ask: &Ask, id: DeliveryId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    /// `webhook`: those of one webhook.
    pub async fn deliveries(&self, ask: &ListAsk, webhook: Option<WebhookId>) -> Result<Answer, Refusal> {
        let _ = (ask, webhook);
        Err(Refusal::internal())
    }
    pub async fn resend_delivery(&self, ask: &Ask, id: DeliveryId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
}
