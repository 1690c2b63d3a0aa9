//! event.

use super::{millis, time};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::event::{Event, Kind, NewEvent};
use handsel_core::id::{AccountId, EventId, RequestId, WebhookId};
use handsel_core::secret::Sealed;

pub(crate) fn values(e: &NewEvent, sequence: Option<u64>) -> [Value<'_>; 10] {
    [
        Value::id(e.id),
        Value::id(e.account),
        millis(e.created),
        Value::Text(e.kind.name()),
        Value::Text(&e.object),
        Value::count(e.object_version),
        Value::maybe_id(e.request),
        Value::maybe_id(e.only_to),
        Value::Blob(&e.body.0),
        sequence.map_or(Value::Null, Value::count),
    ]
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Event, ReadError> {
    let row = row.of("event");
    let new = NewEvent {
        id: row.parsed(0, |t| EventId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        created: time(&row, 2)?,
        kind: row.parsed(3, Kind::parse)?,
        object: row.text(4)?.to_owned(),
        object_version: row.count(5)?,
        request: row.maybe_parsed(6, |t| RequestId::parse(t).ok())?,
        only_to: row.maybe_parsed(7, |t| WebhookId::parse(t).ok())?,
        body: Sealed(row.blob(8)?.to_vec()),
    };
    let sequence = match row.maybe_int(9)? {
        None => None,
        Some(n) => Some(u64::try_from(n).map_err(|_| row.corrupt("a negative sequence"))?),
    };
    Ok(Event { new, sequence })
}
