//! Event bodies: rendered once at the decision, numbered later without serialising again.

use crate::append;
use handsel_core::event::Kind;
use handsel_core::id::{EventId, RequestId};
use handsel_core::time::Timestamp;
use handsel_types::API_VERSION;
use handsel_types::answers::{EventHead, EventList};
use serde::Serialize;
use serde_json::{Map, Value};

/// The envelope's facts, beside the object.
#[derive(Debug, Clone, Copy)]
pub struct EventFacts {
    pub id: EventId,
    pub kind: Kind,
    pub created: Timestamp,
    pub livemode: bool,
    pub object_version: u64,
    pub request: Option<RequestId>,
}

#[derive(Serialize)]
struct Body<'a> {
    id: String,
    object: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    created: i64,
    livemode: bool,
    api_version: &'static str,
    object_version: u64,
    request: Option<String>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    object: &'a Value,
    previous_attributes: Map<String, Value>,
}

/// The stored body: the public JSON without `sequence`, `endpoint_sequence` and `previous_event`. `before` is the object's
/// JSON as it was; what differs becomes `previous_attributes` (with the old values).
pub fn event_body(facts: EventFacts, object: &impl Serialize, before: Option<&impl Serialize>) -> Vec<u8> {
    let object = without_secrets(object);
    let before = before.map(without_secrets);
    let previous_attributes = before.map(|b| differences(&b, &object)).unwrap_or_default();
    rendered(facts, &object, previous_attributes)
}

fn rendered(facts: EventFacts, object: &Value, previous_attributes: Map<String, Value>) -> Vec<u8> {
    crate::json(&Body {
        id: facts.id.to_string(),
        object: "event",
        kind: facts.kind.name(),
        created: facts.created.seconds(),
        livemode: facts.livemode,
        api_version: API_VERSION,
        object_version: facts.object_version,
        request: facts.request.map(|r| r.to_string()),
        data: Data { object, previous_attributes },
    })
}

/// Members of objects that only their own asker may see: an event goes to every receiver, and into logs of strangers.
const SECRET_MEMBERS: &[&str] = &["client_secret", "signing_secret", "secret"];

fn without_secrets(object: &impl Serialize) -> Value {
    let mut object = serde_json::to_value(object).unwrap_or(Value::Null);
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, _| !SECRET_MEMBERS.contains(&name.as_str()));
    }
    object
}

fn differences(before: &Value, after: &Value) -> Map<String, Value> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Map::new() };
    let changed = before.iter().filter(|(name, old)| after.get(*name) != Some(old));
    changed.map(|(name, old)| (name.clone(), old.clone())).collect()
}

/// The body with its numbers: `endpoint` (the webhook's own number and its event before) for deliveries, `None` for
/// `GET /v1/events`.
pub fn event_wire(body: &[u8], sequence: Option<u64>, endpoint: Option<(u64, Option<EventId>)>) -> Vec<u8> {
    let mut out = body.to_vec();
    let number = sequence.map_or_else(|| "null".to_owned(), |n| n.to_string());
    append(&mut out, &format!(r#""sequence":{number}"#));
    if let Some((number, previous)) = endpoint {
        let previous = previous.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
        append(&mut out, &format!(r#""endpoint_sequence":{number},"previous_event":{previous}"#));
    }
    out
}

/// The thin form of a numbered body: `data.object` keeps its `id` and `object` alone, so that a receiver asks for the rest.
/// `None` where the body is no event.
pub fn thin(wire: &[u8]) -> Option<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(wire).ok()?;
    let data = event.get_mut("data")?.as_object_mut()?;
    let kept = ["id", "object"].into_iter().filter_map(|name| {
        let value = data.get("object")?.get(name)?.clone();
        Some((name.to_owned(), value))
    });
    let kept: Map<String, Value> = kept.collect();
    data.insert("object".to_owned(), Value::Object(kept));
    data.insert("previous_attributes".to_owned(), Value::Object(Map::new()));
    Some(crate::json(&event))
}

/// A list of events from numbered bodies. Bodies that are no JSON are left out (the store's checks report those).
pub fn event_list(url: &str, bodies: &[Vec<u8>], has_more: bool, head: Option<EventHead>) -> EventList {
    let data = bodies.iter().filter_map(|b| serde_json::from_slice(b).ok()).collect();
    EventList { object: "list".to_owned(), data, has_more, url: url.to_owned(), head }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts() -> EventFacts {
        EventFacts {
            id: EventId::from_bits(1),
            kind: Kind::CheckoutCompleted,
            created: Timestamp::from_seconds(1_700_000_000),
            livemode: false,
            object_version: 3,
            request: None,
        }
    }

    #[test]
    fn a_body_is_numbered_without_serialising_it_again() {
        let body = event_body(
            facts(),
            &json!({"id":"chk_1","status":"complete"}),
            Some(&json!({"id":"chk_1","status":"open"})),
        );
        let wire = event_wire(&body, Some(412), Some((57, Some(EventId::from_bits(0)))));
        assert!(wire.starts_with(&body[..body.len() - 1]));
        let event: Value = serde_json::from_slice(&wire).unwrap_or_default();
        assert_eq!(event["sequence"], 412);
        assert_eq!(event["endpoint_sequence"], 57);
        assert_eq!(event["previous_event"], "evt_00000000000000000000000000");
        assert_eq!(event["data"]["previous_attributes"], json!({"status":"open"}));
    }

    #[test]
    fn no_secret_member_reaches_an_event() {
        let object = json!({"id":"chk_1","client_secret":"hush","signing_secret":"hush","secret":"hush"});
        let body = event_body(facts(), &object, Some(&json!({"client_secret":"hush-before"})));
        assert!(!String::from_utf8_lossy(&body).contains("hush"));
    }

    #[test]
    fn a_thin_body_keeps_ids_alone() {
        let body = event_body(facts(), &json!({"id":"chk_1","object":"checkout","amount":"1.00"}), None::<&Value>);
        let thin = thin(&event_wire(&body, Some(1), None)).unwrap_or_default();
        let event: Value = serde_json::from_slice(&thin).unwrap_or_default();
        assert_eq!(event["data"]["object"], json!({"id":"chk_1","object":"checkout"}));
    }
}
