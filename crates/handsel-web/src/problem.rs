//! The only place that turns a refusal into a response (RFC 9457). Inner text never gets here: a [`Refusal`] is all there is.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use handsel_core::id::RequestId;
use handsel_engine::{Code, Refusal};
use handsel_types::answers::{Problem, ProblemPart};
use http::{HeaderValue, StatusCode, header};

/// RFC 9457 bodies.
pub const CONTENT_TYPE: &str = "application/problem+json";
/// The type that the RateLimit draft registers for a used-up quota.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// A refusal on its way out: the frame around every request gives it the request's id and its final form.
#[derive(Debug)]
pub struct Refused(pub Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.0.code);
        response.extensions_mut().insert(self.0);
        response
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The code's name in words: `parameter_missing` -> `Parameter missing`.
fn title(code: Code) -> String {
    let words = code.name().replace('_', " ").replace("api key", "API key").replace("json", "JSON");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `/line_items/0/amount` -> `line_items[0][amount]`; what is no pointer stays as it is.
fn param_name(param: &str) -> String {
    let Some(path) = param.strip_prefix('/') else { return param.to_owned() };
    let mut steps = path.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = steps.next().unwrap_or_default();
    steps.fold(first, |out, step| format!("{out}[{step}]"))
}

/// The body of a refusal.
pub fn body(refusal: &Refusal, request: RequestId, docs: &str) -> Problem {
    let code = refusal.code.name();
    let doc_url = format!("{docs}/docs/errors#{code}");
    let pointer = refusal.param.as_ref().filter(|p| p.starts_with('/'));
    let part = |pointer: &String| ProblemPart {
        pointer: pointer.clone(),
        code: code.to_owned(),
        detail: refusal.detail.to_string(),
    };
    Problem {
        kind: if refusal.code == Code::RateLimited { QUOTA_EXCEEDED.to_owned() } else { doc_url.clone() },
        title: title(refusal.code),
        status: refusal.code.status(),
        detail: refusal.detail.to_string(),
        instance: format!("/v1/requests/{request}"),
        code: code.to_owned(),
        param: refusal.param.as_deref().map(param_name),
        errors: pointer.map(part).into_iter().collect(),
        doc_url,
        request_id: request.to_string(),
        hint: refusal.hint.as_ref().map(ToString::to_string),
    }
}

/// Gives a refused response its body and the headers that go with its code. `before` may carry headers already (`Allow`).
pub fn finish(mut before: Response, refusal: &Refusal, request: RequestId, docs: &str) -> Response {
    let problem = body(refusal, request, docs);
    *before.status_mut() = status(refusal.code);
    *before.body_mut() = Body::from(handsel_view::json(&problem));
    let headers = before.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.remove(header::CONTENT_LENGTH);
    if problem.status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, challenge(refusal.code));
    }
    let unavailable = matches!(problem.status, 429 | 503);
    if let Some(seconds) = refusal.retry_after_seconds.or(unavailable.then_some(1)) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    before
}

/// RFC 6750: an error code only where a key was presented.
fn challenge(code: Code) -> HeaderValue {
    match code {
        Code::AuthenticationRequired => HeaderValue::from_static("Bearer realm=\"handsel\""),
        _ => HeaderValue::from_static("Bearer realm=\"handsel\", error=\"invalid_token\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_becomes_a_whole_problem() {
        let request = RequestId::from_bits(7);
        for code in Code::ALL {
            let refusal = Refusal::new(*code, "why").at("/a/0/b").hint("then");
            let problem = body(&refusal, request, "https://pay.example");
            assert_eq!(problem.status, code.status());
            assert_eq!(problem.code, code.name());
            assert_eq!(problem.param.as_deref(), Some("a[0][b]"));
            assert_eq!(problem.errors.len(), 1);
            assert!(problem.doc_url.ends_with(code.name()));
            assert!(problem.request_id.starts_with("req_"));
            assert!(problem.title.starts_with(|c: char| c.is_uppercase()), "{}", problem.title);
        }
    }

    #[test]
    fn headers_follow_the_code() {
        let finish = |code| finish(Response::new(Body::empty()), &Refusal::new(code, "x"), RequestId::from_bits(1), "");
        assert!(finish(Code::ApiKeyInvalid).headers().contains_key("www-authenticate"));
        assert!(finish(Code::RateLimited).headers().contains_key("retry-after"));
        assert!(finish(Code::Overloaded).headers().contains_key("retry-after"));
        assert!(!finish(Code::ParameterInvalid).headers().contains_key("retry-after"));
    }
}
