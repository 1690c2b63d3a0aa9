//! request_log and idempotent.

use super::{json, millis, time};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::change::{IdempotentAnswer, RequestRow};
use handsel_core::id::{AccountId, ApiKeyId, RequestId};
use handsel_core::secret::Sealed;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Rest {
    method: String,
    route: String,
    status: u16,
    code: Option<String>,
    key: Option<String>,
    duration_ms: u32,
    ip_prefix: String,
}

pub(crate) fn values(r: &RequestRow) -> [Value<'_>; 4] {
    let rest = Rest {
        method: r.method.clone(),
        route: r.route.clone(),
        status: r.status,
        code: r.code.clone(),
        key: r.key.map(|k| k.to_string()),
        duration_ms: r.duration_ms,
        ip_prefix: r.ip_prefix.clone(),
    };
    [Value::id(r.id), Value::id(r.account), millis(r.created), json(&rest)]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<RequestRow, ReadError> {
    let row = row.of("request_log");
    let rest: Rest = row.json(3)?;
    let key = match rest.key {
        None => None,
        Some(text) => Some(ApiKeyId::parse(&text).map_err(|_| row.corrupt("no key id"))?),
    };
    Ok(RequestRow {
        id: row.parsed(0, |t| RequestId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        method: rest.method,
        route: rest.route,
        status: rest.status,
        code: rest.code,
        key,
        duration_ms: rest.duration_ms,
        ip_prefix: rest.ip_prefix,
    })
}

pub(crate) fn answer_values(a: &IdempotentAnswer) -> [Value<'_>; 7] {
    [
        Value::id(a.account),
        Value::Text(&a.route),
        Value::Blob(&a.key_hash),
        Value::Blob(&a.fingerprint),
        Value::count(u64::from(a.status)),
        Value::Blob(&a.answer.0),
        millis(a.created),
    ]
}

pub(crate) fn decode_answer(row: &Row<'_>) -> Result<IdempotentAnswer, ReadError> {
    let row = row.of("idempotent");
    Ok(IdempotentAnswer {
        account: row.parsed(0, |t| AccountId::parse(t).ok())?,
        route: row.text(1)?.to_owned(),
        key_hash: row.bytes(2)?,
        fingerprint: row.bytes(3)?,
        status: row.count(4)?,
        answer: Sealed(row.blob(5)?.to_vec()),
        created: time(&row, 6)?,
    })
}
