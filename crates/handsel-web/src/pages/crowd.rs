//! The limit on what needs no key: so many requests of one address. Health is never limited, and the API has limits of its own.

use super::told_off;
use crate::{App, client};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;

/// Around every route that needs no key.
pub(crate) async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match refused(&app, &parts) {
        Some(response) => response,
        None => next.run(Request::from_parts(parts, body)).await,
    }
}

/// The answer to one request too many.
pub(crate) fn refused(app: &App, parts: &Parts) -> Option<Response> {
    let ip = client::address(app, &parts.extensions, &parts.headers);
    // Nobody comes from outside with such an address, and a proxy that was not declared would make all payers one.
    if ip.is_loopback() {
        return None;
    }
    let standing = app.limiter().page(ip, app.wall_nanos());
    let refusal = standing.check().err()?;
    let mut response = told_off(&parts.headers, refusal);
    standing.write(response.headers_mut());
    Some(response)
}
