//! API keys: made, listed, rolled, revoked; never un-revoked.

use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::actor::{Grant, Scope};
use handsel_core::api_key::Class;
use handsel_core::id::{ApiKeyId, RequestId};
use handsel_core::secret::SecretText;
use handsel_core::time::Timestamp;

/// What is asked of a new key; scopes are given for restricted and publishable keys.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub name: String,
    pub class: Class,
    pub scopes: Vec<Scope>,
    pub allowed_ips: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub metadata: Vec<(String, String)>,
}

/// Who a presented key proved to be, before any scope is checked.
#[derive(Debug, Clone)]
pub struct Caller {
    pub account: handsel_core::account::Account,
    pub key: handsel_core::api_key::ApiKey,
    /// SHA-256 of the presented key.
    pub presented: [u8; 32],
}

impl Caller {
    /// The Grant for one scope, or `permission_denied` naming it.
    pub fn grant(&self, needed: Scope, request: RequestId) -> Result<Grant, Refusal> {
        let actor = handsel_core::actor::Actor::Key(self.key.id);
        Grant::check(self.account.id, actor, self.key.class, &self.key.scopes, needed, request)
            .map_err(|denied| Refusal::denied(denied.0))
    }
}

impl Engine {
    /// Form, mode, key, IP, in this order (02 "auth"); no look-up for a wrong mode. `ip` is the client as trusted proxies name it.
    pub async fn authenticate(
        &self,
        presented: &SecretText,
        ip: std::net::IpAddr,
        origin: Option<&str>,
    ) -> Result<Caller, Refusal> {
        let _ = (presented, ip, origin);
        Err(Refusal::internal())
    }
    /// A key whose text was seen in a query or a body: revoked if it exists, its owner told.
    pub async fn report_leaked_key(&self, text: &SecretText, request: RequestId) -> Result<(), Refusal> {
        let _ = (text, request);
        Err(Refusal::internal())
    }
    pub async fn create_api_key(&self, ask: &Ask, new: NewApiKey) -> Result<Answer, Refusal> {
        let _ = (ask, new);
        Err(Refusal::internal())
    }
    pub async fn api_key(&self, ask: &Ask, id: ApiKeyId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
    pub async fn api_keys(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let _ = (ask,);
        Err(Refusal::internal())
    }
    pub async fn roll_api_key(&self, ask: &Ask, id: ApiKeyId, grace_seconds: u64) -> Result<Answer, Refusal> {
        let _ = (ask, id, grace_seconds);
        Err(Refusal::internal())
    }
    pub async fn revoke_api_key(&self, ask: &Ask, id: ApiKeyId) -> Result<Answer, Refusal> {
        let _ = (ask, id);
        Err(Refusal::internal())
    }
}
