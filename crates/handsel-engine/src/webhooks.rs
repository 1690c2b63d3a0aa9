//! Webhooks: a merchant's receivers, their secrets and their rotation. A secret's text is given once, at its making; afterwards
//! only the sender opens it.

use crate::check;
use crate::render::read_answer;
use crate::shell::{Decision, Happening};
use crate::webhook_rules::{known_forms, known_patterns, possible_retry};
use crate::{Answer, Ask, Code, Engine, ListAsk, Refusal};
use handsel_core::change::{Change, Write};
use handsel_core::event::{Kind, NewEvent};
use handsel_core::id::WebhookId;
use handsel_core::limits;
use handsel_core::secret::{Sealed, SecretText};
use handsel_core::signature;
use handsel_core::time::Timestamp;
use handsel_core::vault::{DataKey, Place};
use handsel_core::webhook::decide::{Command, Refused, Step};
use handsel_core::webhook::{Ordering, Payload, Retry, SignatureForm, SigningSecret, Status, Webhook};
use handsel_store::reader::ListQuery;
use handsel_view::types::answers as shapes;

/// Characters of a secret's text that are shown to tell secrets apart.
const SECRET_PREFIX_CHARS: usize = 10;

#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub url: String,
    pub enabled_events: Vec<String>,
    pub description: Option<String>,
    pub payload: Payload,
    /// Empty: Handsel-Signature and Standard Webhooks.
    pub signatures: Vec<SignatureForm>,
    pub ordering: Ordering,
    pub retry: Retry,
    pub metadata: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default)]
pub struct WebhookPatch {
    pub url: Option<String>,
    pub enabled_events: Option<Vec<String>>,
    pub description: Option<Option<String>>,
    pub payload: Option<Payload>,
    pub signatures: Option<Vec<SignatureForm>>,
    pub ordering: Option<Ordering>,
    pub retry: Option<Retry>,
    pub metadata: Option<Vec<(String, Option<String>)>>,
}

impl Engine {
    pub async fn create_webhook(&self, ask: &Ask, new: NewWebhook) -> Result<Answer, Refusal> {
        self.make_webhook(ask, &new).await.map(|(answer, _)| answer)
    }

    pub(crate) async fn make_webhook(&self, ask: &Ask, new: &NewWebhook) -> Result<(Answer, Option<String>), Refusal> {
        self.performed(ask, |now| self.decide_creation(ask, new, now)).await
    }

    pub async fn webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let webhook = self.own_webhook(ask, id).await?;
        let key = self.data_key(webhook.account).await?;
        let shape = self.webhook_shape(&key, &webhook, None)?;
        Ok(read_answer(handsel_view::json(&shape), Some(webhook.version)))
    }

    pub async fn webhooks(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let account = ask.grant.account();
        let page = self.inner.reader.webhooks(account, &ask.query).await?;
        let key = self.data_key(account).await?;
        let shapes: Result<Vec<_>, _> = page.data.iter().map(|w| self.webhook_shape(&key, w, None)).collect();
        let list = shapes::WebhookList::new(ask.path, shapes?, page.has_more);
        Ok(read_answer(handsel_view::json(&list), None))
    }

    pub async fn patch_webhook(&self, ask: &Ask, id: WebhookId, patch: WebhookPatch) -> Result<Answer, Refusal> {
        let patch = &patch;
        self.perform(ask, |_| self.decide_patch(ask, id, patch)).await
    }

    pub async fn delete_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let Webhook { account, version, .. } = self.own_webhook(ask, id).await?;
            ask.expect_version(version)?;
            let gone = shapes::Deleted { id: id.to_string(), object: "webhook".to_owned(), deleted: true };
            let writes = vec![Write::DeleteWebhook { id, account, version, at: now }];
            Ok(Decision {
                action: "webhook.delete",
                object: id.to_string(),
                change: Change { writes, ..Change::default() },
                status: 200,
                body: handsel_view::json(&gone),
                version: None,
            })
        })
        .await
    }

    pub async fn rotate_webhook_secret(
        &self,
        ask: &Ask,
        id: WebhookId,
        grace_seconds: Option<u64>,
    ) -> Result<Answer, Refusal> {
        let grace_seconds = grace_seconds.unwrap_or(limits::ROTATION_GRACE_DEFAULT_SECONDS);
        self.perform(ask, |now| async move {
            let before = self.own_webhook(ask, id).await?;
            ask.expect_version(before.version)?;
            let key = self.data_key(before.account).await?;
            let (text, new) = self.new_secret(&key, id, now);
            let step = before.clone().apply(Command::RotateSecret { new, grace_seconds }, now).map_err(refused)?;
            self.webhook_decision(ask, &key, "webhook.rotate_secret", (&before, step), Some(&text), now)
        })
        .await
    }

    pub async fn promote_webhook_secret(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| self.decide_command(ask, id, "webhook.promote_secret", Command::PromoteSecret, now))
            .await
    }

    pub async fn enable_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| self.decide_command(ask, id, "webhook.enable", Command::Enable, now)).await
    }

    pub async fn disable_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| self.decide_command(ask, id, "webhook.disable", Command::Disable, now)).await
    }

    /// Makes a `webhook.test` event for this webhook alone.
    pub async fn test_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let webhook = self.own_webhook(ask, id).await?;
            if webhook.status == Status::Disabled {
                return Err(conflict("this webhook is disabled; enable it first"));
            }
            let key = self.data_key(webhook.account).await?;
            let (event, body) = self.webhook_event(ask, &key, (&webhook, &webhook), Kind::WebhookTest, now)?;
            let body = handsel_view::event_wire(&body, None, None);
            let change = Change { events: vec![event], ..Change::default() };
            Ok(Decision { action: "webhook.test", object: id.to_string(), change, status: 200, body, version: None })
        })
        .await
    }

    async fn decide_creation(&self, ask: &Ask, new: &NewWebhook, now: Timestamp) -> Result<Decision, Refusal> {
        let account = ask.grant.account();
        let enabled_events = known_patterns(&new.enabled_events)?;
        let signatures = known_forms(&new.signatures)?;
        check::optional_text("/description", new.description.as_deref(), limits::METADATA_VALUE_MAX_CHARS)?;
        check::metadata("/metadata", &new.metadata)?;
        possible_retry(&new.retry)?;
        let url = self.allowed_url(&new.url).await?;
        let query = ListQuery { limit: limits::LIST_LIMIT_MAX_ROWS, ..ListQuery::default() };
        if self.inner.reader.webhooks(account, &query).await?.data.len() >= limits::WEBHOOKS_MAX_PER_ACCOUNT {
            let most = limits::WEBHOOKS_MAX_PER_ACCOUNT;
            return Err(conflict(format!("an account has at most {most} webhooks; delete one first")));
        }
        let key = self.data_key(account).await?;
        let id = WebhookId::new(now, &*self.inner.entropy);
        let (text, secret) = self.new_secret(&key, id, now);
        let webhook = Webhook {
            id,
            account,
            created: now,
            version: 1,
            url: self.seal_url(&key, id, url.as_str()),
            host: url.host_text().to_owned(),
            enabled_events,
            description: new.description.clone(),
            payload: new.payload,
            signatures,
            ordering: new.ordering,
            retry: new.retry.clone(),
            status: Status::Enabled,
            secrets: vec![secret],
            failing_since: None,
            metadata: new.metadata.clone(),
        };
        let body = handsel_view::json(&self.webhook_shape(&key, &webhook, Some(&text))?);
        let writes = vec![Write::InsertWebhook(webhook)];
        Ok(Decision {
            action: "webhook.create",
            object: id.to_string(),
            change: Change { writes, ..Change::default() },
            status: 201,
            body,
            version: Some(1),
        })
    }

    async fn decide_patch(&self, ask: &Ask, id: WebhookId, patch: &WebhookPatch) -> Result<Decision, Refusal> {
        let before = self.own_webhook(ask, id).await?;
        ask.expect_version(before.version)?;
        let key = self.data_key(before.account).await?;
        let mut after = before.clone();
        after.version += 1;
        if let Some(text) = &patch.url {
            let url = self.allowed_url(text).await?;
            after.url = self.seal_url(&key, id, url.as_str());
            url.host_text().clone_into(&mut after.host);
        }
        if let Some(patterns) = &patch.enabled_events {
            after.enabled_events = known_patterns(patterns)?;
        }
        if let Some(description) = &patch.description {
            check::optional_text("/description", description.as_deref(), limits::METADATA_VALUE_MAX_CHARS)?;
            after.description.clone_from(description);
        }
        if let Some(forms) = &patch.signatures {
            after.signatures = known_forms(forms)?;
        }
        if let Some(metadata) = &patch.metadata {
            after.metadata = check::merged_metadata(&before.metadata, metadata)?;
        }
        if let Some(retry) = &patch.retry {
            possible_retry(retry)?;
            after.retry.clone_from(retry);
        }
        after.payload = patch.payload.unwrap_or(before.payload);
        after.ordering = patch.ordering.unwrap_or(before.ordering);
        let step = Step { webhook: after, event: None };
        self.webhook_decision(ask, &key, "webhook.update", (&before, step), None, self.now())
    }

    async fn decide_command(
        &self,
        ask: &Ask,
        id: WebhookId,
        action: &'static str,
        command: Command,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let before = self.own_webhook(ask, id).await?;
        ask.expect_version(before.version)?;
        let key = self.data_key(before.account).await?;
        match before.clone().apply(command, now) {
            Ok(step) => self.webhook_decision(ask, &key, action, (&before, step), None, now),
            // Asked for what is so already: nothing changes, and the answer is the same.
            Err(Refused::Already(_)) => {
                let body = handsel_view::json(&self.webhook_shape(&key, &before, None)?);
                let (change, version) = (Change::default(), Some(before.version));
                Ok(Decision { action, object: id.to_string(), change, status: 200, body, version })
            }
            Err(other) => Err(refused(other)),
        }
    }

    /// A webhook's step with its answer and its event.
    fn webhook_decision(
        &self,
        ask: &Ask,
        key: &DataKey,
        action: &'static str,
        (before, step): (&Webhook, Step),
        secret: Option<&SecretText>,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let Step { webhook: after, event } = step;
        let body = handsel_view::json(&self.webhook_shape(key, &after, secret)?);
        let event = event.map(|kind| self.webhook_event(ask, key, (before, &after), kind, now)).transpose()?;
        let version = Some(after.version);
        let object = after.id.to_string();
        let writes = vec![Write::UpdateWebhook(after)];
        let events = event.into_iter().map(|(event, _)| event).collect();
        let change = Change { writes, events, ..Change::default() };
        Ok(Decision { action, object, change, status: 200, body, version })
    }

    /// The event with its body in the clear.
    fn webhook_event(
        &self,
        ask: &Ask,
        key: &DataKey,
        (before, after): (&Webhook, &Webhook),
        kind: Kind,
        now: Timestamp,
    ) -> Result<(NewEvent, Vec<u8>), Refusal> {
        let (old, new) = (self.webhook_shape(key, before, None)?, self.webhook_shape(key, after, None)?);
        let happening = Happening {
            account: after.account,
            kind,
            object: &after.id.to_string(),
            version: after.version,
            request: Some(ask.grant.request()),
            now,
            only_to: (kind == Kind::WebhookTest).then_some(after.id),
        };
        let mut body = Vec::new();
        let event = self.event_of(key, happening, |facts| {
            body = handsel_view::event_body(facts, &new, Some(&old));
            body.clone()
        });
        Ok((event, body))
    }

    /// The asker's webhook, or the same refusal whether it isn't there or somebody else's.
    pub(crate) async fn own_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Webhook, Refusal> {
        let found = self.inner.reader.webhook(ask.grant.account(), id).await?;
        found.ok_or_else(|| Refusal::missing(WebhookId::NOUN))
    }

    pub(crate) fn webhook_shape(
        &self,
        key: &DataKey,
        webhook: &Webhook,
        secret: Option<&SecretText>,
    ) -> Result<shapes::Webhook, Refusal> {
        let url = open_url(key, webhook)?;
        Ok(handsel_view::webhook(self.scene(), webhook, url.expose(), secret))
    }

    fn seal_url(&self, key: &DataKey, id: WebhookId, url: &str) -> Sealed {
        key.seal(Place { table: "webhooks", row: &id.to_string(), column: "url" }, url.as_bytes(), &*self.inner.entropy)
    }

    fn new_secret(&self, key: &DataKey, id: WebhookId, now: Timestamp) -> (SecretText, SigningSecret) {
        let mut bytes = [0u8; 32];
        self.inner.entropy.fill(&mut bytes);
        let text = signature::secret_text(&bytes);
        let place = Place { table: "webhooks", row: &id.to_string(), column: "secret" };
        let sealed = key.seal(place, text.expose().as_bytes(), &*self.inner.entropy);
        let prefix = text.expose().chars().take(SECRET_PREFIX_CHARS).collect();
        (text, SigningSecret { sealed, prefix, created: now, until: None })
    }
}

/// A webhook's URL in the clear.
pub(crate) fn open_url(key: &DataKey, webhook: &Webhook) -> Result<SecretText, Refusal> {
    open(key, webhook.id, "url", &webhook.url)
}

/// One signing secret in the clear: for the sender alone.
pub(crate) fn open_secret(key: &DataKey, id: WebhookId, secret: &SigningSecret) -> Result<SecretText, Refusal> {
    open(key, id, "secret", &secret.sealed)
}

fn open(key: &DataKey, id: WebhookId, column: &str, sealed: &Sealed) -> Result<SecretText, Refusal> {
    let row = id.to_string();
    let opened = key.open(Place { table: "webhooks", row: &row, column }, sealed).ok();
    let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(SecretText::new).ok_or_else(|| {
        tracing::error!(webhook = %id, column, "a webhook's sealed member does not open under its account's key");
        Refusal::internal()
    })
}

fn conflict(detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::StateConflict, detail)
}

fn refused(refused: Refused) -> Refusal {
    match refused {
        Refused::GraceTooLong => check::invalid("/grace_seconds", refused.to_string()),
        Refused::TooManySecrets | Refused::NothingToPromote | Refused::Already(_) => conflict(refused.to_string()),
    }
}
