//! Is the server up, is it ready, where do security reports go, and which keys check what it signs.

use crate::App;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use handsel_core::time::Timestamp;
use http::{StatusCode, header};
use serde_json::json;
use std::time::Duration;

/// A security.txt must expire (RFC 9116 section 2.5.5); ours is made anew with every request.
const SECURITY_TXT_DAYS: u64 = 180;

/// The process answers.
pub(crate) async fn healthz() -> Response {
    text("ok\n".to_owned())
}

/// The process takes work; not any more once it was told to stop.
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    if app.stop().is_told() {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, TEXT)], "stopping\n").into_response();
    }
    text("ready\n".to_owned())
}

/// RFC 9116.
pub(crate) async fn security_txt(State(app): State<App>) -> Response {
    let until = app.engine().clock().wall().plus(Duration::from_secs(SECURITY_TXT_DAYS * 86_400));
    let contact = &app.options().security_contact;
    let here = app.public_url();
    text(format!("Contact: {contact}\nExpires: {}\nCanonical: {here}/.well-known/security.txt\n", rfc3339(until)))
}

/// RFC 7517, RFC 8037: the public keys that check what this server signs.
pub(crate) async fn jwks(State(app): State<App>) -> Response {
    let key = |(kid, key): (&str, [u8; 32])| json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": URL_SAFE_NO_PAD.encode(key)});
    let keys: Vec<_> = app.engine().public_keys().into_iter().map(key).collect();
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], json!({"keys": keys}).to_string()).into_response()
}

const TEXT: &str = "text/plain; charset=utf-8";

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], body).into_response()
}

/// The date's midnight, UTC. Days to civil date by the calendar's 400-year cycle.
fn rfc3339(at: Timestamp) -> String {
    let days = at.seconds().div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T00:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        let at = |seconds| rfc3339(Timestamp::from_seconds(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_797_465_600), "2026-12-17T00:00:00Z");
    }
}
