//! The frame around every request, API or page, served or refused: its id, the headers of 02 on every answer, the last resort
//! for a panic, and the one place where a refusal gets its body.

use crate::problem::{self, Refused};
use crate::{App, client};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use handsel_core::id::RequestId;
use handsel_engine::Refusal;
use handsel_types::API_VERSION;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::future::Future;
use std::panic::AssertUnwindSafe;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Two years, and the browsers' own lists (06 "HSTS").
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains; preload");
pub(crate) const VERSION: HeaderName = HeaderName::from_static("handsel-version");

/// Wraps the whole router.
pub(crate) async fn frame(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = app.new_request_id();
    let encrypted = client::is_encrypted(&app, request.extensions());
    request.extensions_mut().insert(id);
    let mut response = caught(next.run(request)).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = problem::finish(response, &refusal, id, app.public_url());
    }
    write(response.headers_mut(), id);
    if encrypted {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    response
}

/// A panic becomes `internal`; its message stays in the log.
pub(crate) async fn caught(work: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a handler panicked");
            Refused(Refusal::internal()).into_response()
        }
    }
}

fn write(headers: &mut HeaderMap, id: RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(VERSION, HeaderValue::from_static(API_VERSION));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    let bare = "default-src 'none'; frame-ancestors 'none'";
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(bare));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_internal() {
        let work = async {
            if std::hint::black_box(true) {
                panic!("the inner text");
            }
            Response::default()
        };
        let response = caught(work).await;
        let refusal = response.extensions().get::<Refusal>().map(|r| r.code);
        assert_eq!(refusal, Some(handsel_engine::Code::Internal));
    }

    #[test]
    fn a_policy_of_its_own_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; img-src data:"));
        write(&mut headers, RequestId::from_bits(1));
        assert_eq!(headers["content-security-policy"], "default-src 'none'; img-src data:");
        assert_eq!(headers["x-frame-options"], "DENY");
    }
}
