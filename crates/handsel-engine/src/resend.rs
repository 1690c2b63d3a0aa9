//! Sending again: one delivery, one event, what a webhook missed. Nothing is rendered anew: an event's body is what it was.

use crate::shell::Decision;
use crate::{Answer, Ask, Code, Engine, Refusal};
use handsel_core::change::{Change, Write};
use handsel_core::delivery::decide::Command;
use handsel_core::delivery::{Delivery, State, Trigger};
use handsel_core::id::{AccountId, DeliveryId, EventId, WebhookId};
use handsel_core::limits;
use handsel_core::time::Timestamp;
use handsel_core::webhook::{Status, Webhook};
use handsel_store::reader::ListQuery;

impl Engine {
    pub async fn resend_delivery(&self, ask: &Ask, id: DeliveryId) -> Result<Answer, Refusal> {
        let answer = self.perform(ask, |now| async move {
            let before = self.own_delivery(ask, id).await?;
            able(&self.own_webhook(ask, before.webhook).await?)?;
            self.requeue_one(before, "delivery.resend", now).await
        });
        let answer = answer.await?;
        self.inner.triggers.note(id, Trigger::Resend);
        Ok(answer)
    }

    /// The event to one webhook, whether that had it already, never had it, or doesn't want its kind.
    pub async fn resend_event(&self, ask: &Ask, id: EventId, webhook: WebhookId) -> Result<Answer, Refusal> {
        let delivery = Delivery::identity(id, webhook);
        let answer = self.perform(ask, |now| async move {
            let account = ask.grant.account();
            let event = self.inner.reader.event(account, id).await?.ok_or_else(|| Refusal::missing(EventId::NOUN))?;
            able(&self.own_webhook(ask, webhook).await?)?;
            if let Some(before) = self.inner.reader.delivery(account, delivery).await? {
                return self.requeue_one(before, "event.resend", now).await;
            }
            let key = self.data_key(account).await?;
            // As it will be, but for its number, which the commit gives.
            let queued = Delivery {
                id: delivery,
                account,
                webhook,
                event: id,
                object: event.new.object,
                created: now,
                version: 1,
                endpoint_sequence: 0,
                previous_event: None,
                state: State::Pending { due: now },
                tries: 0,
            };
            let body = handsel_view::json(&self.delivery_shape(&key, &queued).await?);
            let writes = vec![Write::EnqueueDelivery { account, webhook, event: id, due: now }];
            let change = Change { writes, ..Change::default() };
            let object = delivery.to_string();
            Ok(Decision { action: "event.resend", object, change, status: 200, body, version: Some(1) })
        });
        let answer = answer.await?;
        self.inner.triggers.note(delivery, Trigger::Resend);
        Ok(answer)
    }

    /// Sends again what failed or still waits since then.
    pub async fn recover_webhook(&self, ask: &Ask, id: WebhookId, since: Timestamp) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            able(&self.own_webhook(ask, id).await?)?;
            let account = ask.grant.account();
            let limit = limits::RECOVER_MAX_DELIVERIES;
            let missed = self.inner.reader.deliveries_to_recover(account, id, since, limit).await?;
            let writes = missed.iter().map(|delivery| self.requeued(account, delivery.id, now)).collect();
            Ok(requeue_decision("webhook.recover", id, writes))
        })
        .await
    }

    /// Sends what this webhook should have had since then and never had a success for.
    pub async fn replay_missing(&self, ask: &Ask, id: WebhookId, since: Timestamp) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let webhook = self.own_webhook(ask, id).await?;
            able(&webhook)?;
            let account = ask.grant.account();
            let mut writes = Vec::new();
            for event in self.wanted_since(&webhook, since).await? {
                let delivery = Delivery::identity(event, id);
                match self.inner.reader.delivery(account, delivery).await?.map(|known| known.state) {
                    Some(State::Succeeded { .. }) => {}
                    Some(_) => writes.push(self.requeued(account, delivery, now)),
                    None => {
                        self.inner.triggers.note(delivery, Trigger::Recover);
                        writes.push(Write::EnqueueDelivery { account, webhook: id, event, due: now });
                    }
                }
            }
            Ok(requeue_decision("webhook.replay_missing", id, writes))
        })
        .await
    }

    /// Events that the webhook wants, oldest first, at most so many as one replay sends.
    async fn wanted_since(&self, webhook: &Webhook, since: Timestamp) -> Result<Vec<EventId>, Refusal> {
        let mut wanted = Vec::new();
        let mut query =
            ListQuery { limit: limits::LIST_LIMIT_MAX_ROWS, created_gte: Some(since), ..ListQuery::default() };
        loop {
            let page = self.inner.reader.events(webhook.account, &query).await?;
            for event in &page.data {
                let for_it =
                    event.new.only_to.map_or_else(|| webhook.wants(event.new.kind.name()), |id| id == webhook.id);
                if for_it {
                    wanted.push(event.new.id);
                }
            }
            let Some(last) = page.data.last().filter(|_| page.has_more) else { break };
            query.starting_after = Some(last.new.id.to_string());
        }
        wanted.reverse();
        wanted.truncate(usize::try_from(limits::RECOVER_MAX_DELIVERIES).unwrap_or(usize::MAX));
        Ok(wanted)
    }

    async fn requeue_one(&self, before: Delivery, action: &'static str, now: Timestamp) -> Result<Decision, Refusal> {
        let (account, id) = (before.account, before.id);
        let after = before.apply(Command::Requeue, now).map_err(|_| Refusal::internal())?;
        let key = self.data_key(account).await?;
        let body = handsel_view::json(&self.delivery_shape(&key, &after).await?);
        let writes = vec![Write::RequeueDelivery { id, account, due: now }];
        let change = Change { writes, ..Change::default() };
        Ok(Decision { action, object: id.to_string(), change, status: 200, body, version: Some(after.version) })
    }

    fn requeued(&self, account: AccountId, id: DeliveryId, due: Timestamp) -> Write {
        self.inner.triggers.note(id, Trigger::Recover);
        Write::RequeueDelivery { id, account, due }
    }
}

fn requeue_decision(action: &'static str, webhook: WebhookId, writes: Vec<Write>) -> Decision {
    let count = u64::try_from(writes.len()).unwrap_or(u64::MAX);
    let body = handsel_view::json(&handsel_view::requeued(webhook, count));
    let change = Change { writes, ..Change::default() };
    Decision { action, object: webhook.to_string(), change, status: 200, body, version: None }
}

/// A disabled webhook gets nothing: what was queued for it would be canceled.
fn able(webhook: &Webhook) -> Result<(), Refusal> {
    if webhook.status == Status::Disabled {
        return Err(Refusal::new(Code::StateConflict, "this webhook is disabled; enable it first"));
    }
    Ok(())
}
