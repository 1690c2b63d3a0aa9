//! What every capability has around its decision: idempotency, the audit leaf, the commit with its bounded retries, dry runs,
//! and the event's sealed body. Never decides anything itself.
//!
//! A capability writes `self.perform(ask, |now| async move { … Ok(Decision { … }) })`: read, let core decide, render. What the
//! loops decide without an asker goes through [`Engine::settle`].

use crate::idempotency::Idempotency;
use crate::waiters::touched;
use crate::{Answer, Ask, Code, Engine, Refusal};
use handsel_core::actor::Actor;
use handsel_core::audit::Leaf;
use handsel_core::change::{AuditEntry, Change, CommitError, Receipt, Write};
use handsel_core::event::{Event, Kind, NewEvent};
use handsel_core::id::{AccountId, AuditId, EventId, RequestId, WebhookId};
use handsel_core::limits;
use handsel_core::planted::{self, Bug};
use handsel_core::time::Timestamp;
use handsel_core::vault::{DataKey, Place};
use handsel_store::ReadError;
use handsel_view::{EventFacts, Scene};
use sha2::{Digest, Sha256};

/// What a capability decided, before it is committed. The audit leaf of `action` and the idempotent answer are added by
/// [`Engine::perform`]; further leaves may be in the Change already.
#[derive(Debug)]
pub(crate) struct Decision {
    /// For the audit log: `checkout.create`, `api_key.revoke`, …
    pub(crate) action: &'static str,
    /// Text id of the object.
    pub(crate) object: String,
    pub(crate) change: Change,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// The object's version afterwards, for `ETag`.
    pub(crate) version: Option<u64>,
}

/// One line of the audit log, before it has an id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    pub(crate) actor: Actor,
    pub(crate) action: &'a str,
    pub(crate) object: Option<&'a str>,
    pub(crate) account: Option<AccountId>,
    pub(crate) request: Option<RequestId>,
    /// `ok` or an error code.
    pub(crate) result: &'a str,
    /// What was decided, in the form that the leaf's digest is of.
    pub(crate) detail: Option<&'a [u8]>,
}

impl<'a> Deed<'a> {
    /// What Handsel does by itself, and what goes well.
    pub(crate) const fn by_itself(action: &'a str, object: &'a str, account: Option<AccountId>) -> Self {
        Self { actor: Actor::System, action, object: Some(object), account, request: None, result: "ok", detail: None }
    }
}

/// The facts of an event beside its object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happening<'a> {
    pub(crate) account: AccountId,
    pub(crate) kind: Kind,
    /// Text id of the object.
    pub(crate) object: &'a str,
    pub(crate) version: u64,
    pub(crate) request: Option<RequestId>,
    pub(crate) now: Timestamp,
    /// Only this webhook gets it.
    pub(crate) only_to: Option<WebhookId>,
}

impl Engine {
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn scene(&self) -> Scene<'_> {
        let settings = &self.inner.settings;
        Scene { livemode: settings.live, public_url: &settings.public_url, networks: &settings.networks }
    }

    /// Runs one asked-for decision: replays an idempotent answer, or decides and commits, again on a conflict; on a dry run
    /// decides alone. `decide` may run several times and must not commit anything itself.
    pub(crate) async fn perform<F, D>(&self, ask: &Ask, decide: F) -> Result<Answer, Refusal>
    where
        F: Fn(Timestamp) -> D,
        D: Future<Output = Result<Decision, Refusal>>,
    {
        self.performed(ask, decide).await.map(|(answer, _)| answer)
    }

    /// The same, with the text id of the object; `None` where an earlier answer was given again.
    pub(crate) async fn performed<F, D>(&self, ask: &Ask, decide: F) -> Result<(Answer, Option<String>), Refusal>
    where
        F: Fn(Timestamp) -> D,
        D: Future<Output = Result<Decision, Refusal>>,
    {
        if ask.dry_run {
            let Decision { body, version, object, .. } = decide(self.now()).await?;
            let answer = Answer { status: 200, body: handsel_view::dry_run(body), version, replayed: false };
            return Ok((answer, Some(object)));
        }
        let key = ask.idempotency_key.as_ref().map(|raw| self.idempotency(ask, raw)).transpose()?;
        if let Some(key) = &key
            && let Some(answer) = self.replay(key).await?
        {
            return Ok((answer, None));
        }
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            let now = self.now();
            let decision = decide(now).await?;
            let object = decision.object.clone();
            let (change, answer) = self.completed(ask, key.as_ref(), now, decision);
            match self.commit(change).await {
                Ok(_) => return Ok((answer, Some(object))),
                Err(CommitError::Conflict) if planted::is(Bug::ConflictIsSuccess) => return Ok((answer, None)),
                Err(CommitError::Conflict) => {}
                Err(CommitError::IdempotencyTaken) => {
                    let answer = match &key {
                        Some(key) => self.replay(key).await?,
                        None => None,
                    };
                    return answer.map(|answer| (answer, None)).ok_or_else(Refusal::internal);
                }
                Err(other) => return Err(other.into()),
            }
        }
        Err(contended())
    }

    /// The same for what Handsel decides by itself: no asker, no answer. `None` from `decide`: there is nothing to do (any
    /// more). The Change brings its own audit leaves.
    pub(crate) async fn settle<F, D>(&self, decide: F) -> Result<Option<Receipt>, Refusal>
    where
        F: Fn(Timestamp) -> D,
        D: Future<Output = Result<Option<Change>, Refusal>>,
    {
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            let Some(change) = decide(self.now()).await? else { return Ok(None) };
            match self.commit(change).await {
                Ok(receipt) => return Ok(Some(receipt)),
                Err(CommitError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(contended())
    }

    /// Commits one Change, then wakes whoever waits for what it did.
    pub(crate) async fn commit(&self, mut change: Change) -> Result<Receipt, CommitError> {
        let mut later = Change::default();
        if planted::is(Bug::OutboxLater) {
            later.events = std::mem::take(&mut change.events);
        }
        if planted::is(Bug::AnswerLater) {
            later.answer = change.answer.take();
        }
        let ids = touched(&change);
        let requeued = change.writes.iter().any(|write| matches!(write, Write::RequeueDelivery { .. }));
        let mut receipt = self.inner.writer.commit(change).await?;
        if later.answer.is_some() || !later.events.is_empty() {
            receipt = self.inner.writer.commit(later).await?;
        }
        if requeued || receipt.deliveries > 0 {
            self.inner.deliveries_made.notify_one();
        }
        if !ids.is_empty() {
            self.inner.waiters.wake(&ids);
        }
        Ok(receipt)
    }

    /// Adds the leaf and the idempotent answer.
    fn completed(
        &self,
        ask: &Ask,
        key: Option<&Idempotency<'_>>,
        now: Timestamp,
        decision: Decision,
    ) -> (Change, Answer) {
        let Decision { action, object, mut change, status, body, version } = decision;
        let deed = Deed {
            actor: ask.grant.actor(),
            action,
            object: Some(&object),
            account: Some(ask.grant.account()),
            request: Some(ask.grant.request()),
            result: "ok",
            detail: Some(&body),
        };
        change.audit.insert(0, self.audit_entry_of(now, deed));
        let answer = Answer { status, body, version, replayed: false };
        if let Some(key) = key {
            change.answer = Some(key.row(&answer, now, &*self.inner.entropy));
        }
        (change, answer)
    }

    /// A leaf with the id of its entry.
    pub(crate) fn audit_entry_of(&self, now: Timestamp, deed: Deed<'_>) -> AuditEntry {
        let leaf = Leaf {
            time: now,
            live: self.inner.settings.live,
            region: handsel_view::region(&self.inner.settings.region),
            actor: deed.actor,
            action: deed.action.to_owned(),
            object: deed.object.map(str::to_owned),
            account: deed.account,
            request: deed.request,
            result: deed.result.to_owned(),
            detail: deed.detail.map(|bytes| Sha256::digest(bytes).into()),
        };
        AuditEntry { id: AuditId::new(now, &*self.inner.entropy), account: deed.account, leaf }
    }

    /// An event whose body `render` makes (with `handsel_view::event_body`), sealed under the account's key.
    pub(crate) fn event_of(
        &self,
        key: &DataKey,
        happening: Happening<'_>,
        render: impl FnOnce(EventFacts) -> Vec<u8>,
    ) -> NewEvent {
        let Happening { account, kind, object, version, request, now, only_to } = happening;
        let id = EventId::new(now, &*self.inner.entropy);
        let livemode = self.inner.settings.live;
        let body = render(EventFacts { id, kind, created: now, livemode, object_version: version, request });
        let row = id.to_string();
        NewEvent {
            id,
            account,
            kind,
            created: now,
            object: object.to_owned(),
            object_version: version,
            request,
            body: key.seal(event_place(&row), &body, &*self.inner.entropy),
            only_to,
        }
    }

    /// The stored public JSON of an event, not yet numbered (`handsel_view::event_wire` does that).
    pub(crate) fn open_event(key: &DataKey, event: &Event) -> Result<Vec<u8>, Refusal> {
        let row = event.new.id.to_string();
        key.open(event_place(&row), &event.new.body).map_err(|_| {
            tracing::error!(event = %event.new.id, "an event's body does not open under its account's key");
            Refusal::internal()
        })
    }
}

fn event_place(row: &str) -> Place<'_> {
    Place { table: "events", row, column: "body" }
}

fn contended() -> Refusal {
    let refusal = Refusal::new(Code::Overloaded, "too many requests change this at the same time; try again");
    Refusal { retry_after_seconds: Some(1), ..refusal }
}

impl Ask {
    /// Refuses where `If-Match` names another version than the stored one.
    pub(crate) fn expect_version(&self, version: u64) -> Result<(), Refusal> {
        match self.if_match {
            Some(wanted) if wanted != version => Err(Refusal::new(
                Code::VersionMismatch,
                format!("If-Match names version {wanted}, the object is at version {version}: read it again"),
            )),
            _ => Ok(()),
        }
    }
}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        tracing::warn!(%error, "a commit was refused");
        let later = |refusal: Self| Self { retry_after_seconds: Some(1), ..refusal };
        match error {
            CommitError::StorageFull => Self::new(Code::StorageFull, "the server's disk is full; nothing was changed"),
            CommitError::Overloaded => later(Self::new(Code::Overloaded, "too many writes wait; try again shortly")),
            CommitError::Unavailable(_) => {
                later(Self::new(Code::DependencyUnavailable, "the database is not available; nothing was changed"))
            }
            CommitError::Conflict => contended(),
            CommitError::IdempotencyTaken => Self::internal(),
        }
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "a read failed");
        match error {
            ReadError::Unavailable(_) => {
                let refusal =
                    Self::new(Code::DependencyUnavailable, "the database is not available; try again shortly");
                Self { retry_after_seconds: Some(1), ..refusal }
            }
            ReadError::Corrupt { .. } => Self::internal(),
        }
    }
}
