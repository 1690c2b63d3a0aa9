//! One attempt of one delivery: opened, numbered, signed anew with the wall's time, sent, and what came of it recorded in one Change.

use crate::shell::{Deed, Happening};
use crate::webhooks::{open_secret, open_url};
use crate::{Engine, Refusal};
use handsel_core::change::{Change, Write};
use handsel_core::delivery::decide::{Attempted, Command};
use handsel_core::delivery::{
    Attempt, Delivery, HookAnswer, HookError, HookOutcome, HookRequest, State, Timing, Trigger,
};
use handsel_core::event::{Event, Kind};
use handsel_core::id::DeliveryId;
use handsel_core::planted::{self, Bug};
use handsel_core::port::HookSender;
use handsel_core::secret::SecretText;
use handsel_core::signature;
use handsel_core::time::Timestamp;
use handsel_core::vault::DataKey;
use handsel_core::webhook::{Payload, SignatureForm, Status, Webhook};
use handsel_store::reader::Claimed;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Reasons remembered at most; beyond it attempts count as scheduled ones.
const TRIGGERS_MAX_ENTRIES: usize = 100_000;

/// Why deliveries that were put back to work are sent again: a note for their attempts, in this process.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    of: Mutex<HashMap<DeliveryId, Trigger>>,
}

impl Triggers {
    pub(crate) fn note(&self, delivery: DeliveryId, trigger: Trigger) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() < TRIGGERS_MAX_ENTRIES {
            of.insert(delivery, trigger);
        }
    }
    fn take(&self, delivery: DeliveryId) -> Option<Trigger> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(&delivery)
    }
}

/// One claimed delivery with all that it takes.
#[derive(Debug)]
struct Whole {
    delivery: Delivery,
    webhook: Webhook,
    event: Event,
}

/// What was sent, as an attempt keeps it.
#[derive(Debug)]
struct Sent {
    at: Timestamp,
    trigger: Trigger,
    headers: Vec<(String, String)>,
    outcome: HookOutcome,
    attempted: Attempted,
}

impl Engine {
    /// Sends one claimed delivery and records what came of it.
    pub(crate) async fn attempt_delivery(&self, sender: &dyn HookSender, claimed: Claimed) -> Result<(), Refusal> {
        let Claimed { delivery, load } = claimed;
        let (webhook, event) = match load {
            Ok(load) => (load.webhook, load.event),
            Err(why) => return self.give_up(&delivery, &why.to_string()).await,
        };
        if webhook.status == Status::Disabled {
            return self.cancel_delivery(&delivery).await;
        }
        let whole = Whole { delivery, webhook, event };
        let key = self.data_key(whole.delivery.account).await?;
        // Nothing but what is stored goes into it: what doesn't open now never will.
        let request = match self.hook_request(&key, &whole) {
            Ok(request) => request,
            Err(refusal) => return self.give_up(&whole.delivery, &refusal.detail).await,
        };
        let trigger = match whole.event.new.kind {
            Kind::WebhookTest => Trigger::Test,
            _ => self.inner.triggers.take(whole.delivery.id).unwrap_or(Trigger::Scheduled),
        };
        let (at, headers) = (self.now(), request.headers.clone());
        if planted::is(Bug::DeliveredBeforeSent) {
            let told = HookAnswer { status: 200, headers: Vec::new(), body: Vec::new(), retry_after_seconds: None };
            let outcome = HookOutcome { result: Ok(told), timing: Timing::default() };
            let attempted = Attempted::of(&outcome, 0);
            self.record_attempt(&key, &whole, &Sent { at, trigger, headers, outcome, attempted }).await?;
            sender.send(request).await;
            return Ok(());
        }
        let outcome = sender.send(request).await;
        let mut jitter = [0u8; 1];
        self.inner.entropy.fill(&mut jitter);
        let [jitter] = jitter;
        let attempted = Attempted::of(&outcome, jitter);
        self.record_attempt(&key, &whole, &Sent { at, trigger, headers, outcome, attempted }).await
    }

    /// Opened, numbered and signed.
    fn hook_request(&self, key: &DataKey, whole: &Whole) -> Result<HookRequest, Refusal> {
        let Whole { delivery, webhook, event } = whole;
        let place = Some((delivery.endpoint_sequence, delivery.previous_event));
        let snapshot = handsel_view::event_wire(&Self::open_event(key, event)?, event.sequence, place);
        let body = match webhook.payload {
            Payload::Snapshot => snapshot,
            Payload::Thin => handsel_view::thin(&snapshot).ok_or_else(Refusal::internal)?,
        };
        let headers = self.hook_headers(key, whole, &body)?;
        Ok(HookRequest { url: open_url(key, webhook)?, headers, body })
    }

    /// Fails a delivery of which nothing can be sent, so that it holds up neither its lane nor those claimed with it. The row is
    /// an operator's matter; once it is whole again, `recover` sends what was missed.
    async fn give_up(&self, delivery: &Delivery, why: &str) -> Result<(), Refusal> {
        let (account, id) = (delivery.account, delivery.id);
        tracing::error!(delivery = %id, why, "nothing of this delivery can be sent: it has failed");
        let key = self.data_key(account).await.ok();
        let settled = self.settle(|now| {
            let key = key.clone();
            async move {
                let Some(delivery) = self.inner.reader.delivery(account, id).await? else { return Ok(None) };
                let Ok(after) = delivery.apply(Command::GiveUp, now) else { return Ok(None) };
                let attempt = key.map(|key| self.seal_attempt(&key, unsent(&after, now)));
                let object = id.to_string();
                let deed = Deed {
                    result: HookError::Unreadable.name(),
                    ..Deed::by_itself("delivery.attempt", &object, Some(account))
                };
                let audit = vec![self.audit_entry_of(now, deed)];
                let writes = vec![Write::UpdateDelivery { delivery: after, attempt }];
                Ok(Some(Change { writes, audit, ..Change::default() }))
            }
        });
        settled.await.map(|_| ())
    }

    /// The headers of one attempt: identity, time, and a signature per live secret in each form that the webhook asked for.
    fn hook_headers(&self, key: &DataKey, whole: &Whole, body: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
        let Whole { webhook, event, .. } = whole;
        let id = if planted::is(Bug::NewEventPerRetry) && whole.delivery.tries > 0 {
            handsel_core::id::EventId::new(self.now(), &*self.inner.entropy).to_string()
        } else {
            event.new.id.to_string()
        };
        let unix = self.inner.clock.wall().seconds();
        let live = webhook.live_secrets(self.now());
        let secrets: Vec<SecretText> = live.map(|s| open_secret(key, webhook.id, s)).collect::<Result<_, _>>()?;
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("webhook-id".to_owned(), id.clone()),
            ("webhook-timestamp".to_owned(), unix.to_string()),
        ];
        for form in &webhook.signatures {
            let header = match form {
                SignatureForm::Handsel => ("handsel-signature", signature::handsel(&secrets, unix, body)),
                SignatureForm::Standard => ("webhook-signature", signature::standard(&secrets, &id, unix, body)),
                SignatureForm::Sha256Body => match secrets.first() {
                    Some(secret) => ("x-webhook-signature", signature::sha256_body(secret, body)),
                    None => continue,
                },
                // Refused at registration.
                SignatureForm::Ed25519 => continue,
            };
            headers.push((header.0.to_owned(), header.1));
        }
        Ok(headers)
    }

    async fn record_attempt(&self, key: &DataKey, whole: &Whole, sent: &Sent) -> Result<(), Refusal> {
        let Delivery { id, account, webhook, .. } = whole.delivery;
        let settled = self.settle(|now| async move {
            let Some(delivery) = self.inner.reader.delivery(account, id).await? else { return Ok(None) };
            let was_due = matches!(delivery.state, State::Pending { .. });
            let webhook = self.inner.reader.webhook(account, webhook).await?;
            let retry = webhook.as_ref().map(|webhook| webhook.retry.clone()).unwrap_or_default();
            let Ok(after) = delivery.apply(Command::Attempted(sent.attempted, &retry), now) else { return Ok(None) };
            debug_assert!(was_due, "core lets pending deliveries be attempted alone");
            let attempt = self.seal_attempt(key, attempt_of(&after, sent));
            let object = id.to_string();
            let deed = Deed {
                result: if sent.attempted.succeeded() { "ok" } else { "failed" },
                ..Deed::by_itself("delivery.attempt", &object, Some(account))
            };
            let mut change = Change { audit: vec![self.audit_entry_of(now, deed)], ..Change::default() };
            change.writes.push(Write::UpdateDelivery { delivery: after, attempt: Some(attempt) });
            if let Some(webhook) = webhook {
                self.note_health(key, &webhook, &sent.attempted, now, &mut change)?;
            }
            Ok(Some(change))
        });
        settled.await.map(|_| ())
    }

    /// What the attempt says of its webhook's health: rarely anything.
    fn note_health(
        &self,
        key: &DataKey,
        before: &Webhook,
        attempted: &Attempted,
        now: Timestamp,
        change: &mut Change,
    ) -> Result<(), Refusal> {
        let Some(step) = before.attempted(attempted, now) else { return Ok(()) };
        let object = before.id.to_string();
        if let Some(kind) = step.event {
            let old = self.webhook_shape(key, before, None)?;
            let new = self.webhook_shape(key, &step.webhook, None)?;
            let happening = Happening {
                account: before.account,
                kind,
                object: &object,
                version: step.webhook.version,
                request: None,
                now,
                only_to: None,
            };
            change
                .events
                .push(self.event_of(key, happening, |facts| handsel_view::event_body(facts, &new, Some(&old))));
        }
        let deed = Deed::by_itself(step.event.map_or("webhook.health", Kind::name), &object, Some(before.account));
        change.audit.push(self.audit_entry_of(now, deed));
        change.writes.push(Write::UpdateWebhook(step.webhook));
        Ok(())
    }

    /// Its webhook was disabled after it was queued.
    async fn cancel_delivery(&self, delivery: &Delivery) -> Result<(), Refusal> {
        let (account, id) = (delivery.account, delivery.id);
        let settled = self.settle(|now| async move {
            let Some(delivery) = self.inner.reader.delivery(account, id).await? else { return Ok(None) };
            let Ok(after) = delivery.apply(Command::Cancel, now) else { return Ok(None) };
            let object = id.to_string();
            let deed = Deed::by_itself("delivery.cancel", &object, Some(account));
            let audit = vec![self.audit_entry_of(now, deed)];
            let writes = vec![Write::UpdateDelivery { delivery: after, attempt: None }];
            Ok(Some(Change { writes, audit, ..Change::default() }))
        });
        settled.await.map(|_| ())
    }
}

/// The attempt that was none.
fn unsent(after: &Delivery, at: Timestamp) -> Attempt {
    Attempt {
        delivery: after.id,
        number: after.tries,
        at,
        trigger: Trigger::Scheduled,
        status_code: None,
        error: Some(HookError::Unreadable),
        timing: Timing::default(),
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        response_body: Vec::new(),
    }
}

/// The attempt that led to this standing, in the clear.
fn attempt_of(after: &Delivery, sent: &Sent) -> Attempt {
    let (status_code, error, response_headers, response_body) = match &sent.outcome.result {
        Ok(answer) => (Some(answer.status), None, answer.headers.clone(), answer.body.clone()),
        Err(error) => (None, Some(*error), Vec::new(), Vec::new()),
    };
    Attempt {
        delivery: after.id,
        number: after.tries,
        at: sent.at,
        trigger: sent.trigger,
        status_code,
        error,
        timing: sent.outcome.timing,
        request_headers: sent.headers.clone(),
        response_headers,
        response_body,
    }
}
