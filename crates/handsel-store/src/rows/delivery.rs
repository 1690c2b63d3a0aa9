//! delivery and attempt.

use super::{Pairs, json, millis, time, words};
use crate::ReadError;
use crate::value::{Row, Value};
use handsel_core::delivery::{Attempt, Delivery, HookError, State, Timing, Trigger};
use handsel_core::id::{AccountId, DeliveryId, EventId, WebhookId};
use handsel_core::time::Timestamp;
use serde::{Deserialize, Serialize};

words!(
    trigger_word,
    trigger_from,
    Trigger,
    Trigger::Scheduled = "scheduled",
    Trigger::Resend = "resend",
    Trigger::Recover = "recover",
    Trigger::Test = "test",
);

pub(crate) const fn state_columns(state: State) -> (&'static str, Timestamp) {
    match state {
        State::Pending { due } => ("pending", due),
        State::Succeeded { at } => ("succeeded", at),
        State::Failed { at } => ("failed", at),
        State::Canceled { at } => ("canceled", at),
    }
}

pub(crate) fn decode(row: &Row<'_>) -> Result<Delivery, ReadError> {
    let row = row.of("delivery");
    let at = time(&row, 10)?;
    let state = match row.text(9)? {
        "pending" => State::Pending { due: at },
        "succeeded" => State::Succeeded { at },
        "failed" => State::Failed { at },
        "canceled" => State::Canceled { at },
        _ => return Err(row.corrupt("an impossible state")),
    };
    Ok(Delivery {
        id: row.parsed(0, |t| DeliveryId::parse(t).ok())?,
        account: row.parsed(1, |t| AccountId::parse(t).ok())?,
        webhook: row.parsed(2, |t| WebhookId::parse(t).ok())?,
        event: row.parsed(3, |t| EventId::parse(t).ok())?,
        object: row.text(4)?.to_owned(),
        created: time(&row, 5)?,
        version: row.count(6)?,
        endpoint_sequence: row.count(7)?,
        previous_event: row.maybe_parsed(8, |t| EventId::parse(t).ok())?,
        state,
        tries: row.count(11)?,
    })
}

#[derive(Serialize, Deserialize)]
struct AttemptRest {
    trigger: String,
    status_code: Option<u16>,
    error: Option<String>,
    /// dns, connect, tls, first byte.
    phases_ms: [Option<u32>; 4],
    total_ms: u32,
    request_headers: Pairs,
    response_headers: Pairs,
}

pub(crate) fn attempt_values(a: &Attempt) -> [Value<'_>; 5] {
    let rest = AttemptRest {
        trigger: trigger_word(a.trigger).to_owned(),
        status_code: a.status_code,
        error: a.error.map(|e| e.name().to_owned()),
        phases_ms: [a.timing.dns_ms, a.timing.connect_ms, a.timing.tls_ms, a.timing.first_byte_ms],
        total_ms: a.timing.total_ms,
        request_headers: a.request_headers.clone(),
        response_headers: a.response_headers.clone(),
    };
    [Value::id(a.delivery), Value::count(u64::from(a.number)), millis(a.at), Value::Blob(&a.response_body), json(&rest)]
}

pub(crate) fn decode_attempt(row: &Row<'_>) -> Result<Attempt, ReadError> {
    let row = row.of("attempt");
    let rest: AttemptRest = row.json(4)?;
    let error = match rest.error {
        None => None,
        Some(name) => Some(HookError::parse(&name).ok_or_else(|| row.corrupt("an unknown error"))?),
    };
    let [dns_ms, connect_ms, tls_ms, first_byte_ms] = rest.phases_ms;
    Ok(Attempt {
        delivery: row.parsed(0, |t| DeliveryId::parse(t).ok())?,
        number: row.count(1)?,
        at: time(&row, 2)?,
        trigger: trigger_from(&rest.trigger).ok_or_else(|| row.corrupt("an unknown trigger"))?,
        status_code: rest.status_code,
        error,
        timing: Timing { dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms: rest.total_ms },
        request_headers: rest.request_headers,
        response_headers: rest.response_headers,
        response_body: row.blob(3)?.to_vec(),
    })
}
