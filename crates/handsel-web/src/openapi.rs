//! The API's own description, OpenAPI 3.1: paths from the table of routes, schemas (by utoipa) from the very types that are
//! parsed and answered. Nothing here is written twice, so nothing can differ.

mod parts;

use crate::App;
use crate::route::{Filter, Route, Shape, Takes, Verb};
use crate::router::ROUTES;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handsel_core::event::Kind;
use handsel_types::answers::{Event, Problem};
use http::header;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// `GET /openapi.json`: made once.
pub(crate) async fn serve(State(app): State<App>) -> Response {
    static LIVE: OnceLock<Bytes> = OnceLock::new();
    static SANDBOX: OnceLock<Bytes> = OnceLock::new();
    let live = app.engine().settings().live;
    let cell = if live { &LIVE } else { &SANDBOX };
    let bytes = cell.get_or_init(|| Bytes::from(handsel_view::json(&document(!live))));
    ([(header::CONTENT_TYPE, "application/json")], bytes.clone()).into_response()
}

/// What a stream's text is, in words: a schema can't say it before OpenAPI 3.2. Some readers would hold the whole text against one,
/// some each event.
const STREAM: &str = "Server-sent events, each with the object as it is by then, as JSON";

/// The document; with the sandbox's routes or without them.
pub fn document(sandbox: bool) -> Value {
    let routes: Vec<&Route> = ROUTES.iter().filter(|route| sandbox || !route.sandbox).collect();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in &routes {
        let verb = route.verb.name().to_ascii_lowercase();
        paths.entry(route.path).or_default().insert(verb, operation(route));
    }
    json!({
        "openapi": "3.1.0",
        "info": parts::info(),
        "servers": [{ "url": "/", "description": "This server" }],
        "security": [{ "apiKey": [] }],
        "tags": parts::tags(sandbox),
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "securitySchemes": parts::security_schemes(),
            "headers": parts::headers(),
            "parameters": parts::parameters(),
            "responses": parts::responses(),
            "schemas": schemas(&routes),
        },
    })
}

fn schemas(routes: &[&Route]) -> BTreeMap<String, Value> {
    let mut collected = Vec::new();
    let named = routes.iter().flat_map(|route| [route.ask, route.answer]).flatten();
    for shape in named.chain([Shape::of::<Problem>(), Shape::of::<Event>()]) {
        (shape.collect)(&mut collected);
    }
    let asked = asked(routes);
    let to_json = |name: &str, schema| {
        let mut schema = serde_json::to_value(schema).unwrap_or(Value::Null);
        if !asked.contains(name) {
            require(&mut schema);
        }
        schema
    };
    collected.into_iter().map(|(name, schema)| (name.clone(), to_json(&name, schema))).collect()
}

/// The shapes that requests are made of.
fn asked(routes: &[&Route]) -> BTreeSet<String> {
    let mut collected = Vec::new();
    for shape in routes.iter().filter_map(|route| route.ask) {
        (shape.collect)(&mut collected);
    }
    collected.into_iter().map(|(name, _)| name).collect()
}

/// Members that an answer leaves out when they have nothing to say; all others are there, as null if need be.
const LEFT_OUT: &[&str] = &["secret", "signing_secret", "endpoint_sequence", "previous_event", "head"];

fn require(schema: &mut Value) {
    let Some(members) = schema.get("properties").and_then(Value::as_object) else { return };
    let always: Vec<&String> = members.keys().filter(|name| !LEFT_OUT.contains(&name.as_str())).collect();
    schema["required"] = json!(always);
}

fn reference(shape: Shape) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", (shape.name)()) })
}

/// The path's segment that names the resource: `checkouts` of `/v1/test/checkouts/{id}/pay`.
fn resource(route: &Route) -> &'static str {
    let mut segments = route.path.split('/').skip(2);
    let first = segments.next().unwrap_or("");
    if first == "test" { segments.next().unwrap_or("") } else { first }
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "description": format!("Needs the scope `{}`.", route.scope),
        "tags": [parts::tag(route)],
        "parameters": parameters(route),
        "responses": responses(route),
    });
    if let (Some(ask), Some(members)) = (route.ask, operation.as_object_mut()) {
        let body = json!({
            "required": parts::body_is_required(route),
            "content": { "application/json": { "schema": reference(ask) } },
        });
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

fn shared(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut out = vec![shared("HandselVersion")];
    if route.path.contains("{id}") {
        out.push(parts::id_parameter(resource(route)));
    }
    if route.path.contains("{network}") {
        out.push(shared("Network"));
    }
    if route.is_idempotent() {
        out.push(shared("IdempotencyKey"));
    }
    if route.writes() {
        out.extend([shared("IfMatch"), shared("DryRun")]);
    }
    match route.takes {
        Takes::One => {}
        Takes::List(filters) => {
            out.extend(["Limit", "StartingAfter", "EndingBefore", "Created"].map(shared));
            out.extend(filters.iter().map(|filter| shared(filter_name(*filter))));
        }
        Takes::Own(named) => out.extend(named.iter().map(|(name, required, description)| {
            json!({ "name": name, "in": "query", "required": required, "description": description,
                    "schema": parts::own_schema(name) })
        })),
    }
    if !route.expands.is_empty() {
        out.push(json!({
            "name": "expand[]", "in": "query", "required": false, "style": "form", "explode": true,
            "description": "Members to answer as whole objects.",
            "schema": { "type": "array", "maxItems": 20, "items": { "type": "string", "enum": route.expands } },
        }));
    }
    out
}

const fn filter_name(filter: Filter) -> &'static str {
    match filter {
        Filter::Status => "Status",
        Filter::Customer => "Customer",
        Filter::Reference => "Reference",
        Filter::Metadata => "MetadataFilter",
        Filter::Checkout => "CheckoutFilter",
        Filter::EventType => "EventType",
        Filter::AfterSequence => "AfterSequence",
    }
}

fn responses(route: &Route) -> Value {
    let content = match route.answer {
        None => json!({ "text/event-stream": { "schema": { "description": STREAM } } }),
        Some(shape) if matches!(route.takes, Takes::List(_)) => json!({
            "application/json": { "schema": reference(shape) },
            "text/csv": { "schema": { "type": "string" } },
        }),
        Some(shape) => json!({ "application/json": { "schema": reference(shape) } }),
    };
    let mut out = Map::new();
    let success = json!({
        "description": if route.status == 201 { "It was created." } else { "It was done." },
        "headers": { "Request-Id": { "$ref": "#/components/headers/RequestId" } },
        "content": content,
    });
    out.insert(route.status.to_string(), success);
    let reads = ["400", "401", "403", "404", "429", "500", "503"];
    let writes = ["409", "412", "413", "415", "422", "507"];
    let writes = writes.into_iter().filter(|_| route.verb != Verb::Get);
    for status in reads.into_iter().chain(writes) {
        out.insert(status.to_owned(), json!({ "$ref": format!("#/components/responses/Problem{status}") }));
    }
    Value::Object(out)
}

/// Every event as the receiver's side sees it.
fn webhooks() -> BTreeMap<&'static str, Value> {
    let one = |kind: &Kind| {
        let words = kind.name().split(['.', '_']);
        let name: String = words.map(|w| w[..1].to_ascii_uppercase() + &w[1..]).collect();
        let operation = json!({
            "operationId": format!("on{name}"),
            "summary": format!("{} happened", kind.name()),
            "tags": ["Webhooks"],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": reference(Shape::of::<Event>()) } },
            },
            "responses": {
                "2XX": { "description": "Received." },
                "4XX": { "description": "Not received: the delivery is tried again." },
            },
        });
        (kind.name(), json!({ "post": operation }))
    };
    Kind::ALL.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_document_holds_exactly_the_routes() {
        let document = document(true);
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for verb in item.as_object().unwrap().keys() {
                described.insert(format!("{} {path}", verb.to_ascii_uppercase()));
            }
        }
        let routes: BTreeSet<String> = ROUTES.iter().map(|route| route.label.to_owned()).collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let names: BTreeSet<&str> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!(names.len(), ROUTES.len());
    }

    #[test]
    fn a_live_server_has_no_sandbox() {
        let document = document(false);
        assert!(document["paths"].as_object().unwrap().keys().all(|path| !path.contains("/test/")));
        assert!(document["components"]["schemas"].get("TestReceiver").is_none());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(true);
        let mut rest = vec![&document];
        let mut seen = 0;
        while let Some(value) = rest.pop() {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&target[1..]).is_some(), "{target}");
                seen += 1;
            }
            match value {
                Value::Object(members) => rest.extend(members.values()),
                Value::Array(items) => rest.extend(items),
                _ => {}
            }
        }
        assert!(seen > 500, "{seen}");
    }
}
