//! The shared parts of the document: what every operation refers to.

use crate::route::Route;
use handsel_core::limits::{IDEMPOTENCY_KEY_MAX_CHARS, LIST_LIMIT_DEFAULT_ROWS, LIST_LIMIT_MAX_ROWS};
use handsel_types::API_VERSION;
use serde_json::{Map, Value, json};

pub(super) fn info() -> Value {
    json!({
        "title": "Handsel",
        "version": API_VERSION,
        "summary": "Self-hosted, non-custodial payments.",
        "description": "Errors are RFC 9457 problems with a `code`. Amounts are decimal strings. Lists are newest first.",
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    })
}

const TAGS: &[(&str, &str, &str)] = &[
    ("account", "Account", "The account that the key belongs to."),
    ("api_keys", "API keys", "Keys, their scopes and their rotation."),
    ("wallets", "Wallets", "Where payments go: addresses that only the merchant can spend from."),
    ("checkouts", "Checkouts", "Things to be paid once."),
    ("payments", "Payments", "Transfers as they were observed."),
    ("quotes", "Quotes", "What a currency is worth in an asset, for a time."),
    ("webhooks", "Webhooks", "Receivers of events."),
    ("events", "Events", "What happened, numbered without a gap."),
    ("deliveries", "Deliveries", "Events on their way to webhooks."),
    ("audit", "Audit", "A log that only grows, with proofs."),
    ("requests", "Requests", "What was asked of this API."),
    ("test", "Sandbox", "Commands of the sandbox; a live server has none of them."),
];

pub(super) fn tags(sandbox: bool) -> Vec<Value> {
    let shown = TAGS.iter().filter(|(segment, ..)| sandbox || *segment != "test");
    shown.map(|(_, name, description)| json!({ "name": name, "description": description })).collect()
}

pub(super) fn tag(route: &Route) -> &'static str {
    let segment = route.path.split('/').nth(2).unwrap_or("");
    TAGS.iter().find(|(known, ..)| *known == segment).map_or("Account", |(_, name, _)| name)
}

pub(super) fn security_schemes() -> Value {
    json!({ "apiKey": {
        "type": "http", "scheme": "bearer",
        "description": "A secret or restricted key: `Authorization: Bearer sk_test_…`.",
    } })
}

pub(super) fn headers() -> Value {
    json!({ "RequestId": { "description": "Names this request in the log.", "schema": { "type": "string" } } })
}

/// Only where a member is required is a body; an absent one is an empty object.
pub(super) fn body_is_required(route: &Route) -> bool {
    let Some(ask) = route.ask else { return false };
    let mut collected = Vec::new();
    (ask.collect)(&mut collected);
    let own = (ask.name)();
    let schema = collected.into_iter().find(|(name, _)| *name == own).and_then(|(_, s)| serde_json::to_value(s).ok());
    schema.is_some_and(|s| s.get("required").and_then(Value::as_array).is_some_and(|r| !r.is_empty()))
}

const PREFIXES: &[(&str, &str)] = &[
    ("api_keys", "key"),
    ("wallets", "wal"),
    ("checkouts", "chk"),
    ("payments", "pay"),
    ("quotes", "qte"),
    ("webhooks", "whk"),
    ("events", "evt"),
    ("deliveries", "dlv"),
    ("audit", "aud"),
    ("requests", "req"),
    ("receivers", "rcv"),
];

pub(super) fn id_parameter(resource: &str) -> Value {
    let prefix = PREFIXES.iter().find(|(known, _)| *known == resource).map_or("", |(_, prefix)| prefix);
    json!({
        "name": "id", "in": "path", "required": true, "description": format!("An id: `{prefix}_…`."),
        "schema": { "type": "string", "pattern": format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$") },
    })
}

pub(super) fn own_schema(name: &str) -> Value {
    if name == "entry" {
        json!({ "type": "string" })
    } else {
        json!({ "type": "integer", "format": "int64", "minimum": 0 })
    }
}

fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

fn deep(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "style": "deepObject", "explode": true,
            "description": description, "schema": schema })
}

fn header(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema })
}

pub(super) fn parameters() -> Value {
    let text = || json!({ "type": "string" });
    let seconds = json!({ "type": "integer", "format": "int64" });
    let limit =
        json!({ "type": "integer", "minimum": 1, "maximum": LIST_LIMIT_MAX_ROWS, "default": LIST_LIMIT_DEFAULT_ROWS });
    let bounds = json!({ "type": "object", "additionalProperties": false,
        "properties": { "gte": seconds, "gt": seconds, "lte": seconds, "lt": seconds } });
    let pairs = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let key = json!({ "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_MAX_CHARS });
    json!({
        "HandselVersion": header("Handsel-Version", "The version of the API.", json!({ "type": "string", "enum": [API_VERSION] })),
        "IdempotencyKey": header("Idempotency-Key", "Repeating a request with the same key gives the first answer.", key),
        "IfMatch": header("If-Match", "The ETag that the object must still have.", text()),
        "DryRun": query("dry_run", "Validate and answer, write nothing.", json!({ "type": "boolean", "default": false })),
        "Limit": query("limit", "Objects on a page.", limit),
        "StartingAfter": query("starting_after", "The id that the page before ended with.", text()),
        "EndingBefore": query("ending_before", "The id that the page after begins with.", text()),
        "Created": deep("created", "Bounds of the time of creation, Unix seconds.", bounds),
        "Status": query("status", "Only objects in this status.", text()),
        "Customer": query("customer", "Only those of this customer.", text()),
        "Reference": query("reference", "Only those with this reference.", text()),
        "MetadataFilter": deep("metadata", "Only those with these metadata.", pairs),
        "CheckoutFilter": query("checkout", "Only those of this checkout.", text()),
        "EventType": query("type", "An event's name, or `checkout.*`.", text()),
        "AfterSequence": query("after_sequence", "Events after this number, oldest first, with a signed head.",
            json!({ "type": "integer", "format": "int64", "minimum": 0 })),
        "Network": { "name": "network", "in": "path", "required": true, "description": "A network's slug.", "schema": text() },
    })
}

const PROBLEMS: &[(u16, &str)] = &[
    (400, "The request is malformed; the problem names the member."),
    (401, "There is no valid key."),
    (403, "The key lacks the scope, or may not be used from there."),
    (404, "There is no such object or route."),
    (409, "The object's state doesn't allow it."),
    (412, "The object has another version by now."),
    (413, "The body is too large."),
    (415, "The body is not JSON."),
    (422, "The value is well-formed but can't be accepted."),
    (429, "Too many requests; Retry-After tells when to come back."),
    (500, "Something broke on our side."),
    (503, "Overloaded, or a dependency is away; Retry-After tells when to come back."),
    (507, "The disk is full."),
];

pub(super) fn responses() -> Value {
    let mut out = Map::new();
    for (status, description) in PROBLEMS {
        let response = json!({
            "description": description,
            "headers": { "Request-Id": { "$ref": "#/components/headers/RequestId" } },
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        out.insert(format!("Problem{status}"), response);
    }
    Value::Object(out)
}
