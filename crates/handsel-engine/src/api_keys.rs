//! API keys: made, listed, rolled, revoked; never un-revoked.

use crate::check::{self, invalid};
use crate::cidr::Cidr;
use crate::render::read_answer;
use crate::shell::{Decision, Deed, Happening};
use crate::{Answer, Ask, Code, Engine, ListAsk, Refusal};
use handsel_core::actor::{Actor, Grant, Scope};
use handsel_core::api_key::decide::{Command, Refused, Step};
use handsel_core::api_key::text::{NewKeyText, generate, presented as digest_of};
use handsel_core::api_key::{ApiKey, Class, State, verifier};
use handsel_core::change::{Change, Write};
use handsel_core::event::{Kind, NewEvent};
use handsel_core::id::{AccountId, ApiKeyId, RequestId};
use handsel_core::limits;
use handsel_core::secret::SecretText;
use handsel_core::time::Timestamp;
use handsel_core::vault::DataKey;
use handsel_view::types::answers as shapes;
use std::time::Duration;

const NAME_MAX_CHARS: usize = 100;
const SECONDS_PER_DAY: u64 = 86_400;

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

/// A key's text just made, with what is stored of it.
#[derive(Debug)]
pub(crate) struct Material {
    text: NewKeyText,
    verifier: String,
}

impl Material {
    pub(crate) const fn secret(&self) -> &SecretText {
        &self.text.secret
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
        self.caller(presented, ip, origin).await
    }

    /// A key whose text was seen in a query or a body: revoked if it exists, its owner told.
    pub async fn report_leaked_key(&self, text: &SecretText, request: RequestId) -> Result<(), Refusal> {
        let Ok(form) = self.key_of_this_mode(text) else { return Ok(()) };
        let Some(row) = self.inner.reader.api_key_by_public_id(&form.public_id).await? else { return Ok(()) };
        if row.class != form.class || !self.verified(&row, &digest_of(text.expose()), None).await? {
            return Ok(());
        }
        let (account, id) = (row.account, row.id);
        self.settle(|now| async move {
            let Some(row) = self.inner.reader.api_key(account, id).await? else { return Ok(None) };
            let Ok(Step { key: after, event: kind }) = row.clone().apply(Command::Revoke, now) else { return Ok(None) };
            let key = self.data_key(account).await?;
            let event = self.key_event(&key, kind, &after, Some(&row), Some(request), now);
            let object = id.to_string();
            let deed = Deed {
                actor: Actor::Anonymous,
                action: "api_key.leaked",
                object: Some(&object),
                account: Some(account),
                request: Some(request),
                result: "ok",
                detail: None,
            };
            let audit = vec![self.audit_entry_of(now, deed)];
            Ok(Some(Change {
                writes: vec![Write::UpdateApiKey(after)],
                events: vec![event],
                audit,
                ..Change::default()
            }))
        })
        .await?;
        Ok(())
    }

    pub async fn create_api_key(&self, ask: &Ask, new: NewApiKey) -> Result<Answer, Refusal> {
        self.make_api_key(ask, &new).await.map(|(answer, _)| answer)
    }

    pub(crate) async fn make_api_key(&self, ask: &Ask, new: &NewApiKey) -> Result<(Answer, Option<String>), Refusal> {
        self.performed(ask, |now| async move {
            let terms = self.key_terms(&ask.grant, new, now)?;
            let material = self.key_material(new.class, ask.dry_run).await?;
            let key = self.new_key(ask.grant.account(), terms, &material, now);
            let data_key = self.data_key(key.account).await?;
            let event = self.key_event(&data_key, Kind::ApiKeyCreated, &key, None, Some(ask.grant.request()), now);
            let shape = self.key_shape(&key, (!ask.dry_run).then(|| material.secret()));
            Ok(Decision {
                action: "api_key.create",
                object: key.id.to_string(),
                status: 201,
                body: handsel_view::json(&shape),
                version: Some(key.version),
                change: Change { writes: vec![Write::InsertApiKey(key)], events: vec![event], ..Change::default() },
            })
        })
        .await
    }

    pub async fn api_key(&self, ask: &Ask, id: ApiKeyId) -> Result<Answer, Refusal> {
        let key = self.found_key(&ask.grant, id).await?;
        Ok(read_answer(handsel_view::json(&self.key_shape(&key, None)), Some(key.version)))
    }

    pub async fn api_keys(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let page = self.inner.reader.api_keys(ask.grant.account(), &ask.query).await?;
        let data = page.data.iter().map(|key| self.key_shape(key, None)).collect();
        let list = shapes::ApiKeyList::new(ask.path, data, page.has_more);
        Ok(read_answer(handsel_view::json(&list), None))
    }

    /// A successor with the same terms; the old key ends after its grace. The answer is the successor with its secret.
    pub async fn roll_api_key(&self, ask: &Ask, id: ApiKeyId, grace_seconds: u64) -> Result<Answer, Refusal> {
        if grace_seconds > limits::ROTATION_GRACE_MAX_SECONDS {
            let max = limits::ROTATION_GRACE_MAX_SECONDS;
            return Err(invalid("/grace_seconds", format!("0 to {max} seconds are possible")));
        }
        self.perform(ask, |now| async move {
            let old = self.found_key(&ask.grant, id).await?;
            ask.expect_version(old.version)?;
            may_grant(&ask.grant, old.class, &old.scopes)?;
            let until = now.plus(Duration::from_secs(grace_seconds));
            let Step { key: after, event: kind } = old.clone().apply(Command::Roll { until }, now).map_err(refused)?;
            let material = self.key_material(old.class, ask.dry_run).await?;
            let successor = self.new_key(old.account, old.clone(), &material, now);
            let data_key = self.data_key(old.account).await?;
            let request = Some(ask.grant.request());
            let events = vec![
                self.key_event(&data_key, Kind::ApiKeyCreated, &successor, None, request, now),
                self.key_event(&data_key, kind, &after, Some(&old), request, now),
            ];
            let shape = self.key_shape(&successor, (!ask.dry_run).then(|| material.secret()));
            Ok(Decision {
                action: "api_key.roll",
                object: id.to_string(),
                status: 200,
                body: handsel_view::json(&shape),
                version: Some(successor.version),
                change: Change {
                    writes: vec![Write::InsertApiKey(successor), Write::UpdateApiKey(after)],
                    events,
                    ..Change::default()
                },
            })
        })
        .await
    }

    pub async fn revoke_api_key(&self, ask: &Ask, id: ApiKeyId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let old = self.found_key(&ask.grant, id).await?;
            ask.expect_version(old.version)?;
            let Step { key: after, event: kind } = old.clone().apply(Command::Revoke, now).map_err(refused)?;
            let data_key = self.data_key(old.account).await?;
            let request = Some(ask.grant.request());
            let event = self.key_event(&data_key, kind, &after, Some(&old), request, now);
            Ok(Decision {
                action: "api_key.revoke",
                object: id.to_string(),
                status: 200,
                body: handsel_view::json(&self.key_shape(&after, None)),
                version: Some(after.version),
                change: Change { writes: vec![Write::UpdateApiKey(after)], events: vec![event], ..Change::default() },
            })
        })
        .await
    }

    async fn found_key(&self, grant: &Grant, id: ApiKeyId) -> Result<ApiKey, Refusal> {
        self.inner.reader.api_key(grant.account(), id).await?.ok_or_else(|| Refusal::missing("API key"))
    }

    fn key_shape(&self, key: &ApiKey, secret: Option<&SecretText>) -> shapes::ApiKey {
        handsel_view::api_key(self.scene(), key, secret)
    }

    pub(crate) fn key_event(
        &self,
        data_key: &DataKey,
        kind: Kind,
        after: &ApiKey,
        before: Option<&ApiKey>,
        request: Option<RequestId>,
        now: Timestamp,
    ) -> NewEvent {
        let object = after.id.to_string();
        let happening = Happening {
            account: after.account,
            kind,
            object: &object,
            version: after.version,
            request,
            now,
            only_to: None,
        };
        let (after, before) = (self.key_shape(after, None), before.map(|key| self.key_shape(key, None)));
        self.event_of(data_key, happening, |facts| handsel_view::event_body(facts, &after, before.as_ref()))
    }

    /// A new text with its verifier; for a dry run without the hashing, since nothing is kept of it.
    pub(crate) async fn key_material(&self, class: Class, dry_run: bool) -> Result<Material, Refusal> {
        let text = generate(class, self.inner.settings.live, &*self.inner.entropy);
        if dry_run {
            return Ok(Material { text, verifier: String::new() });
        }
        let mut salt = [0u8; 16];
        self.inner.entropy.fill(&mut salt);
        let digest = digest_of(text.secret.expose());
        let pepper = self.inner.keys.pepper.clone();
        let made = tokio::task::spawn_blocking(move || verifier::make(pepper.expose(), &digest, &salt)).await;
        let verifier = made.ok().flatten().ok_or_else(Refusal::internal)?;
        Ok(Material { text, verifier })
    }

    /// A key with these terms under a new id and text.
    pub(crate) fn new_key(&self, account: AccountId, terms: ApiKey, material: &Material, now: Timestamp) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(now, &*self.inner.entropy),
            account,
            created: now,
            version: 1,
            live: self.inner.settings.live,
            public_id: material.text.public_id.clone(),
            verifier: material.verifier.clone(),
            prefix: material.text.prefix.clone(),
            rotate_by: now.plus(Duration::from_secs(limits::API_KEY_ROTATE_DAYS * SECONDS_PER_DAY)),
            last_used: None,
            state: State::Active,
            ..terms
        }
    }

    /// The asked terms, checked; id, text and times are filled in by [`Engine::new_key`].
    fn key_terms(&self, grant: &Grant, new: &NewApiKey, now: Timestamp) -> Result<ApiKey, Refusal> {
        check::text("/name", &new.name, NAME_MAX_CHARS)?;
        check::metadata("/metadata", &new.metadata)?;
        let mut scopes = new.scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        let has_scopes = !scopes.is_empty();
        match new.class {
            Class::Restricted if !has_scopes => {
                return Err(invalid("/scopes", "a restricted key needs scopes such as \"checkouts:read\""));
            }
            Class::Secret if has_scopes => {
                return Err(invalid("/scopes", "a secret key may do everything; for scopes create a restricted key"));
            }
            Class::Publishable if has_scopes => {
                return Err(invalid("/scopes", "a publishable key has no scopes of its own"));
            }
            Class::Publishable if new.allowed_origins.is_empty() => {
                return Err(invalid(
                    "/allowed_origins",
                    "a publishable key needs the origins of the pages that use it",
                ));
            }
            _ => {}
        }
        may_grant(grant, new.class, &scopes)?;
        if new.expires_at.is_some_and(|at| at <= now) {
            return Err(invalid("/expires_at", "this time has passed; give one in the future"));
        }
        let terms = blank_terms(grant.account());
        Ok(ApiKey {
            name: new.name.clone(),
            class: new.class,
            scopes,
            allowed_ips: canonical_ips(&new.allowed_ips)?,
            allowed_origins: self.canonical_origins(&new.allowed_origins)?,
            expires_at: new.expires_at,
            metadata: new.metadata.clone(),
            ..terms
        })
    }

    /// Scheme, host and port alone, as browsers send them.
    fn canonical_origins(&self, given: &[String]) -> Result<Vec<String>, Refusal> {
        let max = limits::API_KEY_ALLOWED_IPS_MAX_ENTRIES;
        if given.len() > max {
            return Err(invalid("/allowed_origins", format!("at most {max} origins are possible")));
        }
        let origin = |(at, text): (usize, &String)| {
            let param = format!("/allowed_origins/{at}");
            let url = self.redirect_url(&param, text)?;
            let origin = url.strip_suffix('/').unwrap_or(&url);
            if origin.split_once("://").is_none_or(|(_, rest)| rest.contains(['/', '?', '#'])) {
                return Err(invalid(
                    &param,
                    "an origin is scheme, host and port alone, such as \"https://shop.example\"",
                ));
            }
            Ok(origin.to_owned())
        };
        given.iter().enumerate().map(origin).collect()
    }
}

/// A key can't grant what it lacks (02).
fn may_grant(grant: &Grant, class: Class, scopes: &[Scope]) -> Result<(), Refusal> {
    if class == Class::Secret {
        let all = handsel_core::actor::Resource::ALL.into_iter();
        let mut wanted = all.flat_map(|resource| [Scope::read(resource), Scope::write(resource)]);
        return wanted.find(|scope| !grant.holds(*scope)).map_or(Ok(()), |scope| Err(lacking(scope)));
    }
    scopes.iter().find(|scope| !grant.holds(**scope)).map_or(Ok(()), |scope| Err(lacking(*scope)))
}

fn lacking(scope: Scope) -> Refusal {
    Refusal::new(Code::PermissionDenied, format!("this key lacks the scope {scope}, so it can't grant it"))
        .hint("use a key that holds the scope, or a secret key")
}

fn canonical_ips(given: &[String]) -> Result<Vec<String>, Refusal> {
    let max = limits::API_KEY_ALLOWED_IPS_MAX_ENTRIES;
    if given.len() > max {
        return Err(invalid("/allowed_ips", format!("at most {max} networks are possible")));
    }
    let canonical = |(at, text): (usize, &String)| {
        Cidr::parse(text).map(|cidr| cidr.to_string()).ok_or_else(|| {
            invalid(&format!("/allowed_ips/{at}"), "write a network such as \"203.0.113.0/24\" or \"2001:db8::/32\"")
        })
    };
    given.iter().enumerate().map(canonical).collect()
}

/// Terms with nothing in them yet.
pub(crate) const fn blank_terms(account: AccountId) -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_bits(0),
        account,
        created: Timestamp::EPOCH,
        version: 1,
        name: String::new(),
        class: Class::Secret,
        live: false,
        public_id: String::new(),
        verifier: String::new(),
        prefix: String::new(),
        scopes: Vec::new(),
        allowed_ips: Vec::new(),
        allowed_origins: Vec::new(),
        rotate_by: Timestamp::EPOCH,
        expires_at: None,
        last_used: None,
        state: State::Active,
        metadata: Vec::new(),
    }
}

fn refused(why: Refused) -> Refusal {
    let detail = match why {
        Refused::Rolled => "this API key was rolled already; roll its successor, or revoke this one",
        Refused::Revoked => "this API key is revoked for good; create a new one",
    };
    Refusal::new(Code::StateConflict, detail)
}
