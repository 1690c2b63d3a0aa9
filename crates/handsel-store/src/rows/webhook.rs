//! webhook. Its patterns stand a second time as rows of `webhook_pattern`, for the outbox.

use super::{Base64, Pairs, json, millis, time, words};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::id::{AccountId, WebhookId};
use handsel_core::secret::Sealed;
use handsel_core::time::Timestamp;
use handsel_core::webhook::{Ordering, Payload, Retry, SignatureForm, SigningSecret, Status, Webhook};
use serde::{Deserialize, Serialize};

words!(
    status_word,
    status_from,
    Status,
    Status::Enabled = "enabled",
    Status::Disabled = "disabled",
    Status::Failing = "failing",
);
words!(payload_word, payload_from, Payload, Payload::Snapshot = "snapshot", Payload::Thin = "thin");
words!(
    form_word,
    form_from,
    SignatureForm,
    SignatureForm::Handsel = "handsel",
    SignatureForm::Standard = "standard",
    SignatureForm::Ed25519 = "ed25519",
    SignatureForm::Sha256Body = "sha256_body",
);

#[derive(Serialize, Deserialize)]
struct Rest {
    enabled_events: Vec<String>,
    description: Option<String>,
    payload: String,
    signatures: Vec<String>,
    secrets: Vec<SecretRest>,
    /// None: the usual schedule, whatever it is.
    #[serde(default)]
    retry_seconds: Option<Vec<u64>>,
    failing_since: Option<i64>,
    metadata: Pairs,
}

/// Ciphertext stays ciphertext here too.
#[derive(Serialize, Deserialize)]
struct SecretRest {
    sealed: Base64,
    prefix: String,
    created: i64,
    until: Option<i64>,
}

pub(crate) fn values(w: &Webhook) -> [Value<'_>; 9] {
    let secret = |s: &SigningSecret| SecretRest {
        sealed: Base64(s.sealed.0.clone()),
        prefix: s.prefix.clone(),
        created: s.created.millis(),
        until: s.until.map(Timestamp::millis),
    };
    let rest = Rest {
        enabled_events: w.enabled_events.clone(),
        description: w.description.clone(),
        payload: payload_word(w.payload).to_owned(),
        signatures: w.signatures.iter().map(|f| form_word(*f).to_owned()).collect(),
        secrets: w.secrets.iter().map(secret).collect(),
        retry_seconds: (w.retry != Retry::default()).then(|| w.retry.schedule_seconds.clone()),
        failing_since: w.failing_since.map(Timestamp::millis),
        metadata: w.metadata.clone(),
    };
    [
        Value::id(w.id),
        Value::id(w.account),
        millis(w.created),
        Value::count(w.version),
        Value::Text(status_word(w.status)),
        Value::flag(w.ordering == Ordering::PerObject),
        Value::Text(&w.host),
        Value::Blob(&w.url.0),
        json(&rest),
    ]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Webhook, ReadError> {
    let row = row.of("webhook");
    let rest: Rest = row.json(8)?;
    let mut signatures = Vec::with_capacity(rest.signatures.len());
    for word in &rest.signatures {
        signatures.push(form_from(word).ok_or_else(|| row.corrupt("an unknown signature form"))?);
    }
    let secret = |s: SecretRest| SigningSecret {
        sealed: Sealed(s.sealed.0),
        prefix: s.prefix,
        created: Timestamp::from_millis(s.created),
        until: s.until.map(Timestamp::from_millis),
    };
    Ok(Webhook {
        id: row.parsed(0, |t| WebhookId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        version: row.count(3)?,
        url: Sealed(row.blob(7)?.to_vec()),
        host: row.text(6)?.to_owned(),
        enabled_events: rest.enabled_events,
        description: rest.description,
        payload: payload_from(&rest.payload).ok_or_else(|| row.corrupt("an unknown payload form"))?,
        signatures,
        ordering: if row.flag(5)? { Ordering::PerObject } else { Ordering::None },
        status: row.parsed(4, status_from)?,
        retry: rest.retry_seconds.map_or_else(Retry::default, |schedule_seconds| Retry { schedule_seconds }),
        secrets: rest.secrets.into_iter().map(secret).collect(),
        failing_since: rest.failing_since.map(Timestamp::from_millis),
        metadata: rest.metadata,
    })
}
