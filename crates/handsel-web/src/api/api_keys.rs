//! `/v1/api_keys`.

use super::choice;
use crate::extract::de;
use crate::route::{Call, Outcome};
use handsel_core::actor::{Resource, Scope};
use handsel_core::api_key::Class;
use handsel_core::id::ApiKeyId;
use handsel_core::limits::ROTATION_GRACE_DEFAULT_SECONDS;
use handsel_core::time::Timestamp;
use handsel_engine::api_keys::NewApiKey;
use handsel_engine::{Code, Refusal};
use handsel_types::asks::{CreateApiKey, RollApiKey};

const CLASSES: &[(&str, Class)] =
    &[("secret", Class::Secret), ("restricted", Class::Restricted), ("publishable", Class::Publishable)];

/// What is asked of a new key.
pub(super) fn terms(body: CreateApiKey) -> Result<NewApiKey, Refusal> {
    let class = match &body.class {
        Some(name) => choice(name, "/class", CLASSES)?,
        None if body.scopes.is_empty() => Class::Secret,
        None => Class::Restricted,
    };
    Ok(NewApiKey {
        name: body.name,
        class,
        scopes: scopes(&body.scopes)?,
        allowed_ips: body.allowed_ips,
        allowed_origins: body.allowed_origins,
        expires_at: body.expires_at.map(Timestamp::from_seconds),
        metadata: body.metadata.into_iter().collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Outcome {
    let body: CreateApiKey = call.body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().create_api_key(&ask, terms(body)?).await?.into())
}

fn scopes(names: &[String]) -> Result<Vec<Scope>, Refusal> {
    let mut out = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let found = Scope::parse(name).ok_or_else(|| unknown_scope(at, name))?;
        out.extend(found.into_iter().filter(|scope| !names[..at].contains(&scope.to_string())));
    }
    Ok(out)
}

fn unknown_scope(at: usize, name: &str) -> Refusal {
    let known = Resource::ALL.into_iter().flat_map(|r| [Scope::read(r), Scope::write(r)]).map(|s| s.to_string());
    let known: Vec<String> = known.collect();
    let near = de::nearest(name, known.iter().map(String::as_str));
    let meant = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
    let detail = format!("this is no scope; write <resource>:read or <resource>:write{meant}");
    Refusal::new(Code::ParameterInvalid, detail).at(format!("/scopes/{at}"))
}

pub(crate) async fn get(mut call: Call) -> Outcome {
    let ask = call.ask()?;
    Ok(call.app.engine().api_key(&ask, call.id::<ApiKeyId>()?).await?.into())
}

pub(crate) async fn list(mut call: Call) -> Outcome {
    let ask = call.list::<ApiKeyId>()?;
    Ok(call.app.engine().api_keys(&ask).await?.into())
}

pub(crate) async fn roll(mut call: Call) -> Outcome {
    let body: RollApiKey = call.body().await?;
    let ask = call.ask()?;
    let grace = body.grace_seconds.unwrap_or(ROTATION_GRACE_DEFAULT_SECONDS);
    Ok(call.app.engine().roll_api_key(&ask, call.id()?, grace).await?.into())
}

pub(crate) async fn revoke(mut call: Call) -> Outcome {
    call.no_body().await?;
    let ask = call.ask()?;
    Ok(call.app.engine().revoke_api_key(&ask, call.id()?).await?.into())
}
