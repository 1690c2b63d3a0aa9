//! Deliveries: one event on its way to one webhook, with every try.

use crate::attempts::open_attempt;
use crate::render::read_answer;
use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::delivery::Delivery;
use handsel_core::id::{DeliveryId, WebhookId};
use handsel_core::vault::DataKey;
use handsel_view::types::answers as shapes;

impl Engine {
    pub async fn delivery(&self, ask: &Ask, id: DeliveryId) -> Result<Answer, Refusal> {
        let delivery = self.own_delivery(ask, id).await?;
        let key = self.data_key(delivery.account).await?;
        let shape = self.delivery_shape(&key, &delivery).await?;
        Ok(read_answer(handsel_view::json(&shape), Some(delivery.version)))
    }

    /// `webhook`: those of one webhook.
    pub async fn deliveries(&self, ask: &ListAsk, webhook: Option<WebhookId>) -> Result<Answer, Refusal> {
        let account = ask.grant.account();
        let mut query = ask.query.clone();
        if let Some(id) = webhook {
            let found = self.inner.reader.webhook(account, id).await?;
            found.ok_or_else(|| Refusal::missing(WebhookId::NOUN))?;
            query.webhook = Some(id);
        }
        let page = self.inner.reader.deliveries(account, &query).await?;
        let key = self.data_key(account).await?;
        let mut shapes = Vec::with_capacity(page.data.len());
        for delivery in &page.data {
            shapes.push(self.delivery_shape(&key, delivery).await?);
        }
        let path = webhook.map_or_else(|| ask.path.to_owned(), |id| format!("/v1/webhooks/{id}/deliveries"));
        let list = shapes::DeliveryList::new(&path, shapes, page.has_more);
        Ok(read_answer(handsel_view::json(&list), None))
    }

    pub(crate) async fn own_delivery(&self, ask: &Ask, id: DeliveryId) -> Result<Delivery, Refusal> {
        let found = self.inner.reader.delivery(ask.grant.account(), id).await?;
        found.ok_or_else(|| Refusal::missing(DeliveryId::NOUN))
    }

    /// With its attempts, opened.
    pub(crate) async fn delivery_shape(&self, key: &DataKey, delivery: &Delivery) -> Result<shapes::Delivery, Refusal> {
        let mut attempts = self.inner.reader.attempts(delivery.id).await?;
        // An attempt that ended between the two reads belongs to the delivery's next standing, not to this one.
        attempts.retain(|attempt| attempt.number <= delivery.tries);
        let attempts: Result<Vec<_>, _> = attempts.into_iter().map(|attempt| open_attempt(key, attempt)).collect();
        Ok(handsel_view::delivery(self.scene(), delivery, &attempts?))
    }
}
