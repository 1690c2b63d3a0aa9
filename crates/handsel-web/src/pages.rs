//! What needs no key: health, the hosted checkout page and its parts, the documentation, and what this server is.

pub(crate) mod about;
pub(crate) mod assets;
pub(crate) mod checkout;
pub(crate) mod crowd;
pub(crate) mod docs;
pub(crate) mod health;
mod qr;
mod stage;

use crate::problem::Refused;
use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use handsel_engine::{Code, Refusal};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The policy of pages without scripts and forms.
const PLAIN: &str =
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "nothing.html")]
struct Nothing<'a> {
    style: &'a str,
    headline: &'a str,
    text: &'a str,
}

/// What is neither the API nor a page of ours.
pub(crate) fn elsewhere(headers: &HeaderMap) -> Response {
    told_off(headers, Refusal::new(Code::RouteMissing, "there is nothing here"))
}

/// A refusal as its asker reads it: a page for a browser's window, a problem for everything else.
fn told_off(headers: &HeaderMap, refusal: Refusal) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    if accept.contains("text/html") { nothing(&refusal) } else { Refused(refusal).into_response() }
}

fn nothing(refusal: &Refusal) -> Response {
    let (headline, text) = match refusal.code.status() {
        404 => {
            ("There is nothing here", "The link is wrong or was cut off. Please open it again from where you got it.")
        }
        429 => ("Too many requests", "Nothing happened to your payment. Please open this page again in a moment."),
        _ => ("Something went wrong on our side", "Nothing happened to your payment. Please try again in a moment."),
    };
    let page = Nothing { style: &assets::STYLE.name, headline, text };
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = html(status, page.render(), PLAIN);
    if let Some(seconds) = refusal.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A page under a policy.
fn html(status: StatusCode, body: askama::Result<String>, policy: &str) -> Response {
    let Ok(body) = body else { return Refused(Refusal::internal()).into_response() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("permissions-policy", HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    response
}
