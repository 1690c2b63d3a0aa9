//! audit: the exact leaf bytes beside the members that people read.

use super::{Hex, json, millis, time};
use crate::ReadError;
use crate::reader::PlacedEntry;
use crate::value::{Row, Value};
use handsel_core::actor::Actor;
use handsel_core::audit::Leaf;
use handsel_core::change::AuditEntry;
use handsel_core::id::{AccountId, ApiKeyId, AuditId, RequestId};
use serde::{Deserialize, Serialize};

/// Regions that a leaf may name; the domain holds them as constants.
const REGIONS: [&str; 4] = ["us", "eu", "apac", "local"];

#[derive(Serialize, Deserialize)]
struct Rest {
    time: i64,
    live: bool,
    region: String,
    actor: String,
    action: String,
    object: Option<String>,
    /// The leaf's own account: the entry's decides who may read it.
    account: Option<String>,
    request: Option<String>,
    result: String,
    detail: Option<Hex<32>>,
}

fn actor(text: &str) -> Option<Actor> {
    Some(match text {
        "operator" => Actor::Operator,
        "system" => Actor::System,
        "payer" => Actor::Payer,
        "anonymous" => Actor::Anonymous,
        key => Actor::Key(ApiKeyId::parse(key).ok()?),
    })
}

pub(crate) fn values(e: &AuditEntry, bytes: Vec<u8>, hash: [u8; 32], index: Option<u64>) -> [Value<'static>; 7] {
    let leaf = &e.leaf;
    let rest = Rest {
        time: leaf.time.millis(),
        live: leaf.live,
        region: leaf.region.to_owned(),
        actor: leaf.actor.to_string(),
        action: leaf.action.clone(),
        object: leaf.object.clone(),
        account: leaf.account.map(|a| a.to_string()),
        request: leaf.request.map(|r| r.to_string()),
        result: leaf.result.clone(),
        detail: leaf.detail.map(Hex),
    };
    [
        Value::id(e.id),
        Value::maybe_id(e.account),
        millis(leaf.time),
        Value::Bytes(bytes),
        Value::Hash(hash),
        json(&rest),
        index.map_or(Value::Null, Value::count),
    ]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<PlacedEntry, ReadError> {
    let row = row.of("audit");
    let rest: Rest = row.json(4)?;
    let word = || row.corrupt("a word that means nothing");
    let account = match rest.account {
        None => None,
        Some(text) => Some(AccountId::parse(&text).map_err(|_| word())?),
    };
    let request = match rest.request {
        None => None,
        Some(text) => Some(RequestId::parse(&text).map_err(|_| word())?),
    };
    let leaf = Leaf {
        time: time(&row, 2)?,
        live: rest.live,
        region: REGIONS.into_iter().find(|r| *r == rest.region).ok_or_else(word)?,
        actor: actor(&rest.actor).ok_or_else(word)?,
        action: rest.action,
        object: rest.object,
        account,
        request,
        result: rest.result,
        detail: rest.detail.map(|d| d.0),
    };
    let index = match row.maybe_int(5)? {
        None => None,
        Some(n) => Some(u64::try_from(n).map_err(|_| row.corrupt("a negative index"))?),
    };
    Ok(PlacedEntry {
        entry: AuditEntry {
            id: row.parsed(0, |t| AuditId::parse(t).ok())?,
            account: row.maybe_parsed(1, |t| AccountId::parse(t).ok())?,
            leaf,
        },
        bytes: row.blob(3)?.to_vec(),
        index,
    })
}
