//! Webhooks: a merchant's receivers, their secrets and their rotation.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::id::WebhookId;
use handsel_core::time::Timestamp;
use handsel_core::webhook::{Ordering, Payload, SignatureForm};

#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub url: String,
    pub enabled_events: Vec<String>,
    pub description: Option<String>,
    pub payload: Payload,
    /// Empty: Handsel-Signature and Standard Webhooks.
    pub signatures: Vec<SignatureForm>,
    pub ordering: Ordering,
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
    pub metadata: Option<Vec<(String, Option<String>)>>,
}

impl Engine {
    pub async fn create_webhook(&self, ask: &Ask, new: NewWebhook) -> Result<Answer, Refusal> {
        let _ = (ask, new);
        Err(Refusal::internal())
    }
    pub async fn webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn webhooks(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
    pub async fn patch_webhook(&self, ask: &Ask, id: WebhookId, patch: WebhookPatch) -> Result<Answer, Refusal> {
        let _ = (ask, id, patch);
        Err(Refusal::internal())
    }
    pub async fn delete_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn rotate_webhook_secret(
        &self,
        ask: &Ask,
        id: WebhookId,
        grace_seconds: Option<u64>,
    ) -> Result<Answer, Refusal> {
        let _ = (ask, id, grace_seconds);
        Err(Refusal::internal())
    }
    pub async fn promote_webhook_secret(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn enable_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn disable_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    /// Makes a `webhook.test` event for this webhook alone.
    pub async fn test_webhook(&self, ask: &Ask, id: WebhookId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
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
