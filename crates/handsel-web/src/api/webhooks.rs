//! `/v1/webhooks`.

use super::{choice, metadata_patch};
use crate::route::{Call, Outcome};
use handsel_core::id::{DeliveryId, WebhookId};
use handsel_core::time::Timestamp;
use handsel_core::webhook::{Ordering, Payload, Retry, SignatureForm};
use handsel_engine::Refusal;
use handsel_engine::webhooks::{NewWebhook, WebhookPatch};
use handsel_types::asks::{CreateWebhook, PatchWebhook, RetryTerms, RotateSecret, Since};

const PAYLOADS: &[(&str, Payload)] = &[("snapshot", Payload::Snapshot), ("thin", Payload::Thin)];
const ORDERINGS: &[(&str, Ordering)] = &[("per_object", Ordering::PerObject), ("none", Ordering::None)];
const SIGNATURES: &[(&str, SignatureForm)] = &[
    ("handsel", SignatureForm::Handsel),
    ("standard", SignatureForm::Standard),
    ("ed25519", SignatureForm::Ed25519),
    ("sha256_body", SignatureForm::Sha256Body),
];

fn signatures(names: &[String]) -> Result<Vec<SignatureForm>, Refusal> {
    let named = names.iter().enumerate();
    named.map(|(at, name)| choice(name, &format!("/signatures/{at}"), SIGNATURES)).collect()
}

fn payload(name: Option<&str>) -> Result<Option<Payload>, Refusal> {
    name.map(|name| choice(name, "/payload", PAYLOADS)).transpose()
}

fn ordering(name: Option<&str>) -> Result<Option<Ordering>, Refusal> {
    name.map(|name| choice(name, "/ordering", ORDERINGS)).transpose()
}

fn retry(terms: RetryTerms) -> Retry {
    terms.schedule_seconds.map_or_else(Retry::default, |schedule_seconds| Retry { schedule_seconds })
}

/// What is asked of a new webhook.
pub(super) fn terms(body: CreateWebhook) -> Result<NewWebhook, Refusal> {
    Ok(NewWebhook {
        url: body.url,
        enabled_events: body.enabled_events,
        description: body.description,
        payload: payload(body.payload.as_deref())?.unwrap_or(Payload::Snapshot),
        signatures: signatures(&body.signatures)?,
        ordering: ordering(body.ordering.as_deref())?.unwrap_or(Ordering::PerObject),
        retry: body.retry.map(retry).unwrap_or_default(),
        metadata: body.metadata.into_iter().collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Outcome {
    let body: CreateWebhook = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().create_webhook(&ask, terms(body)?).await?.into())
}

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().webhook(&ask, call.id()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<WebhookId>()?;
    Ok(call.app.engine().webhooks(&ask).await?.into())
}

pub(crate) async fn patch(mut call: Call) -> Outcome {
    let body: PatchWebhook = call.body().await?;
    let ask = call.ask()?;
    let patch = WebhookPatch {
        url: body.url,
        enabled_events: body.enabled_events,
        description: body.description,
        payload: payload(body.payload.as_deref())?,
        signatures: body.signatures.as_deref().map(signatures).transpose()?,
        ordering: ordering(body.ordering.as_deref())?,
        retry: body.retry.map(retry),
        metadata: metadata_patch(body.metadata),
    };
    Ok(call.app.engine().patch_webhook(&ask, call.id()?, patch).await?.into())
}

pub(crate) async fn delete(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().delete_webhook(&ask, call.id()?).await?.into())
}

pub(crate) async fn rotate_secret(mut call: Call) -> Outcome {
    let body: RotateSecret = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().rotate_webhook_secret(&ask, call.id()?, body.grace_seconds).await?.into())
}

pub(crate) async fn promote_secret(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().promote_webhook_secret(&ask, call.id()?).await?.into())
}

pub(crate) async fn enable(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().enable_webhook(&ask, call.id()?).await?.into())
}

pub(crate) async fn disable(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().disable_webhook(&ask, call.id()?).await?.into())
}

pub(crate) async fn test(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().test_webhook(&ask, call.id()?).await?.into())
}

pub(crate) async fn recover(mut call: Call) -> Outcome {
    let body: Since = call.body().await?;
    let ask = call.ask()?;
    let since = Timestamp::from_seconds(body.since);
    Ok(call.app.engine().recover_webhook(&ask, call.id()?, since).await?.into())
}

pub(crate) async fn replay_missing(mut call: Call) -> Outcome {
    let body: Since = call.body().await?;
    let ask = call.ask()?;
    let since = Timestamp::from_seconds(body.since);
    Ok(call.app.engine().replay_missing(&ask, call.id()?, since).await?.into())
}

pub(crate) async fn deliveries(mut call: Call) -> Outcome {
    let ask = call.list::<DeliveryId>()?;
    Ok(call.app.engine().deliveries(&ask, Some(call.id()?)).await?.into())
}
