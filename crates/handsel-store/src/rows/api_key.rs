//! api_key.

use super::{Pairs, account, json, maybe_time, millis, time, words};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::account::Account;
use handsel_core::actor::Scope;
use handsel_core::api_key::{ApiKey, Class, LastUsed, State};
use handsel_core::id::{AccountId, ApiKeyId};
use handsel_core::time::Timestamp;
use serde::{Deserialize, Serialize};

words!(
    class_word,
    class_from,
    Class,
    Class::Secret = "secret",
    Class::Restricted = "restricted",
    Class::Publishable = "publishable",
);

#[derive(Serialize, Deserialize)]
struct Rest {
    name: String,
    class: String,
    live: bool,
    prefix: String,
    scopes: Vec<String>,
    allowed_ips: Vec<String>,
    allowed_origins: Vec<String>,
    rotate_by: i64,
    expires_at: Option<i64>,
    metadata: Pairs,
}

/// How many columns a key has; in a row with its account, the account's follow.
const COLUMNS: usize = 11;

pub(crate) fn values(k: &ApiKey) -> [Value<'_>; COLUMNS] {
    let (state, at) = match k.state {
        State::Active => ("active", None),
        State::Expiring { until } => ("expiring", Some(until.millis())),
        State::Revoked { at } => ("revoked", Some(at.millis())),
    };
    let rest = Rest {
        name: k.name.clone(),
        class: class_word(k.class).to_owned(),
        live: k.live,
        prefix: k.prefix.clone(),
        scopes: k.scopes.iter().map(ToString::to_string).collect(),
        allowed_ips: k.allowed_ips.clone(),
        allowed_origins: k.allowed_origins.clone(),
        rotate_by: k.rotate_by.millis(),
        expires_at: k.expires_at.map(Timestamp::millis),
        metadata: k.metadata.clone(),
    };
    [
        Value::id(k.id),
        Value::id(k.account),
        millis(k.created),
        Value::count(k.version),
        Value::Text(state),
        Value::maybe_int(at),
        Value::Text(&k.public_id),
        Value::Text(&k.verifier),
        Value::maybe_int(k.last_used.as_ref().map(|u| u.at.millis())),
        Value::maybe_text(k.last_used.as_ref().map(|u| u.ip.as_str())),
        json(&rest),
    ]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<ApiKey, ReadError> {
    let row = row.of("api_key");
    let rest: Rest = row.json(10)?;
    let state = match (row.text(4)?, maybe_time(&row, 5)?) {
        ("active", None) => State::Active,
        ("expiring", Some(until)) => State::Expiring { until },
        ("revoked", Some(at)) => State::Revoked { at },
        _ => return Err(row.corrupt("an impossible state")),
    };
    let mut scopes = Vec::with_capacity(rest.scopes.len());
    for name in &rest.scopes {
        scopes.extend(Scope::parse(name).ok_or_else(|| row.corrupt("an unknown scope"))?);
    }
    let last_used = match (maybe_time(&row, 8)?, row.maybe_text(9)?) {
        (None, None) => None,
        (Some(at), Some(ip)) => Some(LastUsed { at, ip: ip.to_owned() }),
        _ => return Err(row.corrupt("half a last use")),
    };
    Ok(ApiKey {
        id: row.parsed(0, |t| ApiKeyId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        version: row.count(3)?,
        state,
        public_id: row.text(6)?.to_owned(),
        verifier: row.text(7)?.to_owned(),
        last_used,
        name: rest.name,
        class: class_from(&rest.class).ok_or_else(|| row.corrupt("an unknown class"))?,
        live: rest.live,
        prefix: rest.prefix,
        scopes,
        allowed_ips: rest.allowed_ips,
        allowed_origins: rest.allowed_origins,
        rotate_by: Timestamp::from_millis(rest.rotate_by),
        expires_at: rest.expires_at.map(Timestamp::from_millis),
        metadata: rest.metadata,
    })
}

pub(crate) fn decode_with_account(row: &Row<'_>) -> Result<(ApiKey, Account), ReadError> {
    Ok((decode(row)?, account::decode(&row.after(COLUMNS))?))
}
