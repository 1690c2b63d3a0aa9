//! Events: what happened, in order, with a signed head.

use crate::render::read_answer;
use crate::webhook_rules::known_filter;
use crate::{Answer, Ask, Engine, ListAsk, Refusal};
use handsel_core::actor::Grant;
use handsel_core::event::Event;
use handsel_core::id::{AccountId, EventId};
use handsel_core::limits;
use handsel_core::signature;
use handsel_core::vault::DataKey;
use handsel_view::types::answers as shapes;
use sha2::{Digest, Sha256};

/// Where events are listed; the answer to `after_sequence` names it too.
const EVENTS_PATH: &str = "/v1/events";

impl Engine {
    pub async fn event(&self, ask: &Ask, id: EventId) -> Result<Answer, Refusal> {
        let account = ask.grant.account();
        let event = self.inner.reader.event(account, id).await?;
        let event = event.ok_or_else(|| Refusal::missing(EventId::NOUN))?;
        let key = self.data_key(account).await?;
        Ok(read_answer(self.public_event(&key, &event)?, None))
    }

    pub async fn events(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        if let Some(filter) = &ask.query.event_type {
            known_filter(filter)?;
        }
        let account = ask.grant.account();
        let page = self.inner.reader.events(account, &ask.query).await?;
        let key = self.data_key(account).await?;
        let bodies = self.public_events(&key, &page.data)?;
        Ok(read_answer(handsel_view::json(&handsel_view::event_list(ask.path, &bodies, page.has_more, None)), None))
    }

    /// Oldest first, with `head{sequence,digest,signature}`.
    pub async fn events_after(&self, grant: &Grant, sequence: u64, limit: u32) -> Result<Answer, Refusal> {
        let account = grant.account();
        let limit = limit.clamp(1, limits::LIST_LIMIT_MAX_ROWS);
        // The head first: what is committed in between shows as more, never as missing.
        let head = self.event_head(account).await?;
        let events = self.inner.reader.events_after(account, sequence, limit).await?;
        let last = events.last().and_then(|event| event.sequence).unwrap_or(sequence);
        let key = self.data_key(account).await?;
        let bodies = self.public_events(&key, &events)?;
        let has_more = last < head.sequence;
        let list = handsel_view::event_list(EVENTS_PATH, &bodies, has_more, Some(head));
        Ok(read_answer(handsel_view::json(&list), None))
    }

    /// The signed end of the account's events. Sequences have no gaps, so naming the last event is enough: whoever holds as many
    /// events as `sequence` says, the last of them this one, misses none. The digest is SHA-256 of four lines, each ended by a
    /// newline: `handsel/events/head/1`, the account's id, the sequence, the last event's id (`-` where there is none). The
    /// signature is Ed25519 over the digest's 32 bytes.
    async fn event_head(&self, account: AccountId) -> Result<shapes::EventHead, Refusal> {
        let sequence = self.inner.reader.last_sequence(account).await?;
        let last = match sequence.checked_sub(1) {
            Some(before) => self.inner.reader.events_after(account, before, 1).await?.pop(),
            None => None,
        };
        let last = last.map_or_else(|| "-".to_owned(), |event| event.new.id.to_string());
        let digest = head_digest(account, sequence, &last);
        let seed = self.inner.keys.vault.derive("event heads");
        Ok(handsel_view::head(sequence, &digest, &signature::ed25519(&seed, &digest)))
    }

    fn public_events(&self, key: &DataKey, events: &[Event]) -> Result<Vec<Vec<u8>>, Refusal> {
        events.iter().map(|event| self.public_event(key, event)).collect()
    }

    /// The public JSON of one event, numbered as `GET /v1/events` shows it.
    fn public_event(&self, key: &DataKey, event: &Event) -> Result<Vec<u8>, Refusal> {
        Ok(handsel_view::event_wire(&Self::open_event(key, event)?, event.sequence, None))
    }
}

fn head_digest(account: AccountId, sequence: u64, last: &str) -> [u8; 32] {
    Sha256::digest(format!("handsel/events/head/1\n{account}\n{sequence}\n{last}\n")).into()
}
