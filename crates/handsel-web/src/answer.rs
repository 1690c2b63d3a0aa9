//! What the engine answers, as a response: status, ETag, replay mark, and for lists `Link` and CSV.

use crate::route::{Reply, Route, Takes};
use axum::body::Body;
use axum::response::Response;
use handsel_engine::Answer;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde::Deserialize;

/// How one request wants to see its answer.
#[derive(Debug)]
pub(crate) struct Shown {
    list: bool,
    /// The columns of a table without rows, where a table is wanted.
    columns: Option<Vec<String>>,
    /// Scheme, host and path; and the query without its cursors.
    here: String,
    query: String,
    backwards: bool,
}

/// The little that `Link` needs of a list's body.
#[derive(Deserialize)]
struct Listed {
    has_more: bool,
    data: Vec<Item>,
    #[serde(default)]
    head: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default)]
    sequence: Option<u64>,
}

impl Shown {
    pub(crate) fn of(route: &Route, uri: &Uri, headers: &HeaderMap, public_url: &str) -> Self {
        let list = matches!(route.takes, Takes::List(_));
        let cursors = ["starting_after=", "ending_before=", "after_sequence="];
        let parts = uri.query().unwrap_or("").split('&').filter(|p| !p.is_empty());
        let (dropped, kept): (Vec<&str>, Vec<&str>) = parts.partition(|p| cursors.iter().any(|c| p.starts_with(c)));
        Self {
            list,
            columns: (list && wants_csv(headers)).then(|| columns(route)),
            here: format!("{public_url}{}", uri.path()),
            query: kept.join("&"),
            backwards: dropped.iter().any(|p| p.starts_with("ending_before=")),
        }
    }

    pub(crate) fn render(&self, reply: Reply) -> Response {
        match reply {
            Reply::Stream(body) => stream(body),
            Reply::Answer(answer) => self.answer(answer),
        }
    }

    fn answer(&self, answer: Answer) -> Response {
        let Answer { status, body, version, replayed } = answer;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        if let Some(version) = version.and_then(|v| HeaderValue::from_str(&format!("\"{v}\"")).ok()) {
            headers.insert(header::ETAG, version);
        }
        if replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        if self.list {
            headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
            if let Some(link) = self.next(&body).and_then(|link| HeaderValue::from_str(&link).ok()) {
                headers.insert(header::LINK, link);
            }
        }
        let table = self.columns.as_ref().and_then(|columns| handsel_view::csv(&body, columns));
        let (kind, body) = match table {
            Some(table) => ("text/csv; charset=utf-8; header=present", table),
            None => ("application/json", body),
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        *response.body_mut() = Body::from(body);
        response
    }

    /// RFC 8288: where the list goes on.
    fn next(&self, body: &[u8]) -> Option<String> {
        let listed: Listed = serde_json::from_slice(body).ok()?;
        if !listed.has_more || self.backwards {
            return None;
        }
        let last = listed.data.last()?;
        let cursor = match (listed.head, last.sequence) {
            (Some(_), Some(sequence)) => format!("after_sequence={sequence}"),
            _ => format!("starting_after={}", last.id),
        };
        let joint = if self.query.is_empty() { "" } else { "&" };
        Some(format!("<{}?{}{joint}{cursor}>; rel=\"next\"", self.here, self.query))
    }
}

/// Members that are shown once, or in deliveries alone: never in a list.
const NEVER_LISTED: &[&str] = &["secret", "signing_secret", "endpoint_sequence", "previous_event"];

/// The members of a list's objects, by the public shape.
fn columns(route: &Route) -> Vec<String> {
    let Some(shape) = &route.answer else { return Vec::new() };
    let mut shapes = Vec::new();
    (shape.collect)(&mut shapes);
    let list = (shape.name)();
    let item = list.strip_suffix("List").unwrap_or(&list);
    let found = shapes.iter().find(|(name, _)| name == item);
    let schema = found.and_then(|(_, schema)| serde_json::to_value(schema).ok()).unwrap_or_default();
    let mut names: Vec<String> = schema["properties"].as_object().into_iter().flat_map(|m| m.keys().cloned()).collect();
    names.retain(|name| !NEVER_LISTED.contains(&name.as_str()));
    names.sort();
    names
}

fn wants_csv(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    let mut kinds = lines.flat_map(|line| line.split(',')).map(|part| part.split(';').next().unwrap_or("").trim());
    kinds.any(|kind| kind.eq_ignore_ascii_case("text/csv"))
}

/// Server-sent events: no proxy may gather or keep them.
pub(crate) fn stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str) -> Shown {
        let (kept, backwards) = if query.is_empty() { ("", false) } else { (query, query.contains("ending_before")) };
        Shown { list: true, columns: None, here: "https://a/v1/x".to_owned(), query: kept.to_owned(), backwards }
    }

    #[test]
    fn a_list_says_where_it_goes_on() {
        let body = br#"{"object":"list","data":[{"id":"a_1"},{"id":"a_2"}],"has_more":true}"#;
        assert_eq!(
            shown("limit=2").next(body).as_deref(),
            Some("<https://a/v1/x?limit=2&starting_after=a_2>; rel=\"next\"")
        );
        let last = br#"{"object":"list","data":[{"id":"a_1"}],"has_more":false}"#;
        assert_eq!(shown("").next(last), None);
        let events = br#"{"data":[{"id":"evt_1","sequence":9}],"has_more":true,"head":{"sequence":9}}"#;
        assert_eq!(shown("").next(events).as_deref(), Some("<https://a/v1/x?after_sequence=9>; rel=\"next\""));
    }
}
