//! Sends one webhook attempt through [`Egress`]. Signing happened before; this module never logs a body, a header value or a URL.

use bytes::Bytes;
use handsel_core::delivery::{HookAnswer, HookError, HookOutcome, HookRequest, Timing};
use handsel_core::egress_rules::{UrlKind, UrlRefusal, WebUrl};
use handsel_core::limits::{
    HOOK_ANSWER_HEADER_KEPT_MAX_CHARS, HOOK_ANSWER_HEADERS_KEPT_MAX_ENTRIES, HOOK_REQUEST_HEADERS_MAX_ENTRIES,
};
use handsel_core::port::{BoxFuture, HookSender, HostJudge, HostRefused};
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::egress::{Answer, Egress, EgressError};

mod http_date;

/// How we name ourselves to receivers and nodes.
pub const USER_AGENT_TEXT: &str = concat!("Handsel/", env!("CARGO_PKG_VERSION"));

/// The port [`HookSender`], and [`HostJudge`] by the same rules, so that registration and sending never differ.
#[derive(Debug, Clone)]
pub struct WebhookSender {
    egress: Egress,
}

impl WebhookSender {
    /// Sends through this client.
    #[must_use]
    pub const fn new(egress: Egress) -> Self {
        Self { egress }
    }

    async fn attempt(&self, request: HookRequest) -> HookOutcome {
        let Some(headers) = request_headers(&request.headers) else {
            return HookOutcome { result: Err(HookError::ProtocolError), timing: Timing::default() };
        };
        let outcome = self.egress.post(request.url.expose(), headers, Bytes::from(request.body)).await;
        HookOutcome { result: outcome.result.map(hook_answer).map_err(hook_error), timing: outcome.timing }
    }
}

impl HookSender for WebhookSender {
    fn send(&self, request: HookRequest) -> BoxFuture<'_, HookOutcome> {
        Box::pin(self.attempt(request))
    }
}

impl HostJudge for WebhookSender {
    fn judge(&self, host: &str, port: u16) -> BoxFuture<'_, Result<(), HostRefused>> {
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        let policy = self.egress.policy();
        // The scheme was checked with the whole URL before; here it only decides whether port 80 is an ordinary one.
        let scheme = if port == 80 && policy.allow_http && !policy.live { "http" } else { "https" };
        let text = format!("{scheme}://{host}:{port}/");
        Box::pin(async move {
            let url = WebUrl::check(&text, UrlKind::Webhook, policy).map_err(refused)?;
            match self.egress.judged_addresses(&url).await {
                Ok(_) => Ok(()),
                Err(EgressError::AddressForbidden(class)) => Err(HostRefused { class: class.as_str() }),
                Err(EgressError::UrlNotAllowed(refusal)) => Err(refused(refusal)),
                // The name doesn't resolve (yet): accepted, unless only an opened block could have made it acceptable.
                Err(_) => url.judge_unresolved().map_err(refused),
            }
        })
    }
}

const fn refused(refusal: UrlRefusal) -> HostRefused {
    match refusal {
        UrlRefusal::Address(class) => HostRefused { class: class.as_str() },
        other => HostRefused { class: other.code() },
    }
}

/// Headers that belong to the connection and are set by the client alone.
const OURS: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "proxy-connection",
];

fn request_headers(pairs: &[(String, String)]) -> Option<HeaderMap> {
    if pairs.len() > HOOK_REQUEST_HEADERS_MAX_ENTRIES {
        return None;
    }
    let mut headers = HeaderMap::with_capacity(pairs.len().saturating_add(2));
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if OURS.contains(&name.as_str()) {
            return None;
        }
        headers.append(name, HeaderValue::from_str(value).ok()?);
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT_TEXT));
    Some(headers)
}

fn hook_answer(answer: Answer) -> HookAnswer {
    let retry_after_seconds = retry_after(&answer.headers);
    let kept = answer.headers.iter().take(HOOK_ANSWER_HEADERS_KEPT_MAX_ENTRIES);
    let headers = kept.map(|(name, value)| (name.as_str().to_owned(), printable(value))).collect();
    HookAnswer { status: answer.status.as_u16(), headers, body: answer.body, retry_after_seconds }
}

fn printable(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).chars().take(HOOK_ANSWER_HEADER_KEPT_MAX_CHARS).collect()
}

/// Seconds, or a date measured against the receiver's own `Date`, so that no clock of ours is asked.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds);
    }
    let until = http_date::unix_seconds(text)?;
    let now = http_date::unix_seconds(headers.get(DATE)?.to_str().ok()?)?;
    Some(until.saturating_sub(now))
}

const fn hook_error(error: EgressError) -> HookError {
    match error {
        EgressError::UrlNotAllowed(UrlRefusal::Address(_)) | EgressError::AddressForbidden(_) => {
            HookError::AddressForbidden
        }
        EgressError::UrlNotAllowed(_) => HookError::UrlNotAllowed,
        EgressError::DnsFailed => HookError::DnsFailed,
        EgressError::ConnectFailed => HookError::ConnectFailed,
        EgressError::TlsFailed => HookError::TlsFailed,
        EgressError::Timeout(_) => HookError::TimedOut,
        EgressError::ResponseTooLarge => HookError::AnswerTooLarge,
        EgressError::ProtocolError => HookError::ProtocolError,
        EgressError::ConnectionClosed => HookError::ConnectionClosed,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn headers_of_the_connection_and_broken_ones_are_refused() {
        for bad in [("Host", "x"), ("content-length", "1"), ("a b", "x"), ("x", "a\r\nb: c")] {
            assert!(request_headers(&pairs(&[bad])).is_none(), "{bad:?}");
        }
        let headers = request_headers(&pairs(&[("Handsel-Signature", "t=1,v1=00")])).unwrap();
        assert_eq!(headers.get("content-type").unwrap(), "application/json");
        assert_eq!(headers.get("user-agent").unwrap(), USER_AGENT_TEXT);
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("120"));
        assert_eq!(retry_after(&headers), Some(120));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:30 GMT"));
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"));
        assert_eq!(retry_after(&headers), Some(30));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(retry_after(&headers), None);
    }
}
