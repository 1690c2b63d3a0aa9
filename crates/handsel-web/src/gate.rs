//! The way into `/v1`, in the order of 02 "auth": query scan; form and mode of the key, key, IP; then route, scope, body,
//! existence. Whoever has no key learns nothing about routes.

use crate::extract::query::Query;
use crate::headers::{VERSION, caught};
use crate::limit::{Class, Standing};
use crate::problem::Refused;
use crate::route::{Call, Outcome, Route};
use crate::router::template;
use crate::{App, answer, client};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use handsel_core::api_key::text::find_leaked;
use handsel_core::change::RequestRow;
use handsel_core::id::{AccountId, RequestId};
use handsel_core::limits::{
    REQUEST_BODY_MAX_BYTES, REQUEST_BODY_PACE_MIN_BYTES, REQUEST_BODY_START_SECONDS, REQUEST_BODY_TIMEOUT_SECONDS,
};
use handsel_core::secret::SecretText;
use handsel_core::time::Timestamp;
use handsel_engine::api_keys::Caller;
use handsel_engine::{Code, Refusal};
use handsel_types::API_VERSION;
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const BODY_START: Duration = Duration::from_secs(REQUEST_BODY_START_SECONDS);
/// Bytes a second.
const BODY_PACE: u64 = REQUEST_BODY_PACE_MIN_BYTES;

/// Somebody who got in.
struct Entered {
    caller: Arc<Caller>,
    query: Query,
}

/// Around the API's router, its fallbacks included.
pub(crate) async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let ip = client::address(&app, request.extensions(), request.headers());
    let started = app.engine().clock().wall();
    let uri = request.uri().clone();
    let method = named(request.method());
    let asked = Asked { id, ip, raw_query: uri.query().unwrap_or("").to_owned(), headers: request.headers().clone() };
    let entered = match enter(&app, &asked).await {
        Ok(entered) => entered,
        Err((refusal, standing)) => {
            let mut response = Refused(refusal).into_response();
            standing.write(response.headers_mut());
            let row = noted(&app, Noted { id, caller: None, method, path: uri.path(), ip, started }, &response);
            note(&app, row).await;
            return response;
        }
    };
    let caller = Arc::clone(&entered.caller);
    let class = if request.method().is_safe() { Class::Read } else { Class::Write };
    let standing = app.limiter().account(caller.account.id, caller.account.tier, class, app.wall_nanos());
    let mut response = match standing.check() {
        Err(refusal) => Refused(refusal).into_response(),
        Ok(()) => {
            request.extensions_mut().insert(entered.caller);
            request.extensions_mut().insert(entered.query);
            caught(next.run(request)).await
        }
    };
    standing.write(response.headers_mut());
    let row = noted(&app, Noted { id, caller: Some(&caller), method, path: uri.path(), ip, started }, &response);
    note(&app, row).await;
    response
}

/// What the gate looks at: never the body.
struct Asked {
    id: RequestId,
    ip: IpAddr,
    raw_query: String,
    headers: HeaderMap,
}

async fn enter(app: &App, asked: &Asked) -> Result<Entered, (Refusal, Standing)> {
    let ip = asked.ip;
    let before = app.limiter().address(ip, app.wall_nanos());
    before.check().map_err(|refusal| (refusal, before))?;
    match admit(app, asked).await {
        Ok(entered) => Ok(entered),
        Err(refusal) => {
            let counts = matches!(refusal.code.status(), 400 | 401 | 403);
            let standing = if counts { app.limiter().failed(ip, app.wall_nanos()) } else { before };
            Err((refusal, standing))
        }
    }
}

async fn admit(app: &App, asked: &Asked) -> Result<Entered, Refusal> {
    let Asked { id, ip, raw_query, headers } = asked;
    let raw = raw_query.as_str();
    let query = Query::parse(raw);
    let decoded = || query.as_ref().ok().and_then(|query| query.texts().find_map(find_leaked));
    let leaked = find_leaked(raw).or_else(decoded);
    if let Some(key) = leaked {
        return Err(app.report_leak(&key, *id, "query").await);
    }
    let key = presented(headers)?;
    let origin = headers.get(header::ORIGIN).and_then(|v| v.to_str().ok());
    let caller = app.engine().authenticate(&key, *ip, origin).await?;
    Ok(Entered { caller: Arc::new(caller), query: query? })
}

/// The key of `Authorization: Bearer …`; the scheme's name in any case.
fn presented(headers: &HeaderMap) -> Result<SecretText, Refusal> {
    let missing = |detail: &'static str| {
        Refusal::new(Code::AuthenticationRequired, detail)
            .hint("send Authorization: Bearer followed by your secret key")
    };
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(missing("this needs an API key")) };
    if values.next().is_some() {
        return Err(missing("send one Authorization header"));
    }
    let text = value.to_str().map_err(|_| missing("the Authorization header is not printable ASCII"))?;
    let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") || key.trim().is_empty() {
        return Err(missing("the API key must be a Bearer token"));
    }
    Ok(SecretText::new(key.trim()))
}

fn request_id(request: &Request) -> RequestId {
    request.extensions().get::<RequestId>().copied().unwrap_or(RequestId::from_bits(0))
}

/// One route, after the gate: scope, version, body, handler.
pub(crate) async fn run(app: App, route: &'static Route, request: Request) -> Response {
    let mut response = match called(app.clone(), route, request).await {
        Ok(response) => response,
        Err(refusal) => Refused(refusal).into_response(),
    };
    response.extensions_mut().insert(route);
    response
}

async fn called(app: App, route: &'static Route, request: Request) -> Result<Response, Refusal> {
    let id = request_id(&request);
    let (mut parts, body) = request.into_parts();
    let caller = parts.extensions.get::<Arc<Caller>>().cloned().ok_or_else(Refusal::internal)?;
    let grant = caller.grant(route.scope, id)?;
    check_version(&parts.headers)?;
    let params = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(params) => params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        Err(_) => return Err(Refusal::new(Code::ParameterInvalid, "the path is not percent-encoded UTF-8")),
    };
    let body = if route.writes() { read_body(&parts.headers, body).await? } else { Bytes::new() };
    let shown = answer::Shown::of(route, &parts.uri, &parts.headers, app.public_url());
    let call = Call {
        route,
        caller,
        grant,
        request: id,
        params,
        path: parts.uri.path().to_owned(),
        raw_query: parts.uri.query().unwrap_or("").to_owned(),
        query: parts.extensions.remove::<Query>().unwrap_or_default(),
        headers: parts.headers,
        body,
        app,
    };
    let outcome: Outcome = (route.run)(call).await;
    Ok(shown.render(outcome?))
}

fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(VERSION) {
        None => Ok(()),
        Some(value) if value == API_VERSION => Ok(()),
        Some(_) => {
            let detail = format!("this version is not known; this server speaks {API_VERSION}");
            Err(Refusal::new(Code::ParameterInvalid, detail).at("Handsel-Version"))
        }
    }
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let too_large =
        || Refusal::new(Code::BodyTooLarge, format!("a body may have at most {REQUEST_BODY_MAX_BYTES} bytes"));
    let stated =
        headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if stated.is_some_and(|length| length > REQUEST_BODY_MAX_BYTES) {
        return Err(too_large());
    }
    let mut body = body;
    let mut whole = Vec::new();
    let mut late = std::pin::pin!(tokio::time::sleep(BODY_START));
    let begun = late.deadline() - BODY_START;
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut late => return Err(Refusal::new(Code::JsonInvalid, "the body did not arrive in time")),
        };
        match frame {
            None => return Ok(Bytes::from(whole)),
            Some(Err(_)) => return Err(Refusal::new(Code::JsonInvalid, "the body broke off before its end")),
            Some(Ok(frame)) => {
                let part = frame.into_data().unwrap_or_default();
                if whole.len() + part.len() > REQUEST_BODY_MAX_BYTES {
                    return Err(too_large());
                }
                whole.extend_from_slice(&part);
                late.as_mut().reset(begun + body_time(whole.len()));
            }
        }
    }
}

/// How long a body may have taken once so many bytes of it are there.
fn body_time(bytes: usize) -> Duration {
    let paced = Duration::from_millis(u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1_000) / BODY_PACE);
    BODY_START.saturating_add(paced).min(Duration::from_secs(REQUEST_BODY_TIMEOUT_SECONDS))
}

/// Within the gate, but no such path.
pub(crate) async fn route_missing() -> Refused {
    Refused(Refusal::new(Code::RouteMissing, "there is no such route").hint("see /openapi.json for those that are"))
}

pub(crate) async fn method_not_allowed() -> Refused {
    Refused(Refusal::new(Code::MethodNotAllowed, "this route has no such method; the Allow header names those it has"))
}

/// A method by its name; who makes up methods of their own fills no log with them.
fn named(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::PUT, Method::DELETE, Method::OPTIONS];
    const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("OTHER", |at| NAMES[at])
}

struct Noted<'a> {
    id: RequestId,
    /// `None`: nobody proved to be of any account.
    caller: Option<&'a Caller>,
    method: &'static str,
    path: &'a str,
    ip: IpAddr,
    started: Timestamp,
}

/// A line of the request log; the audit leaf of reads and refusals hangs on it.
fn noted(app: &App, noted: Noted<'_>, response: &Response) -> RequestRow {
    let clock = app.engine().clock();
    let duration = clock.wall().since(noted.started).as_millis();
    let extensions = response.extensions();
    let refusal = extensions.get::<Refusal>();
    let known = extensions.get::<&'static Route>().map(|route| route.path);
    RequestRow {
        id: noted.id,
        account: noted.caller.map_or(AccountId::from_bits(0), |caller| caller.account.id),
        created: clock.now(),
        method: noted.method.to_owned(),
        route: known.or_else(|| template(noted.path)).unwrap_or("unknown").to_owned(),
        status: refusal.map_or(response.status().as_u16(), |r| r.code.status()),
        code: refusal.map(|r| r.code.name().to_owned()),
        key: noted.caller.map(|caller| caller.key.id),
        duration_ms: u32::try_from(duration).unwrap_or(u32::MAX),
        ip_prefix: client::prefix(noted.ip),
    }
}

/// Hands a line to the engine, which writes it later together with others.
async fn note(app: &App, row: RequestRow) {
    if let Err(refusal) = app.engine().note_request(row).await {
        tracing::warn!(code = refusal.code.name(), "a request could not be noted");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use futures_util::stream;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A body of so many bytes each second, for so many seconds; and how much of it was taken.
    fn drip(bytes: usize, seconds: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let parts = stream::unfold(0, move |n| {
            let count = Arc::clone(&count);
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                count.fetch_add(bytes, Ordering::SeqCst);
                (n < seconds).then(|| (Ok::<_, Infallible>(Bytes::from(vec![b' '; bytes])), n + 1))
            }
        });
        (Body::from_stream(parts), taken)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_cut_and_one_that_flows_is_not() {
        let (slow, taken) = drip(100, 1_000);
        let refused = read_body(&HeaderMap::new(), slow).await.unwrap_err();
        assert_eq!((refused.code, refused.detail.contains("in time")), (Code::JsonInvalid, true));
        assert!(taken.load(Ordering::SeqCst) <= 600, "cut soon after the start: {taken:?}");
        let (steady, _) = drip(1_100, 20);
        assert_eq!(read_body(&HeaderMap::new(), steady).await.unwrap().len(), 22_000);
        let (endless, taken) = drip(1_100, 1_000);
        assert_eq!(read_body(&HeaderMap::new(), endless).await.unwrap_err().code, Code::JsonInvalid);
        assert!(taken.load(Ordering::SeqCst) <= 1_100 * 31, "the whole has its time too: {taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_cut_and_one_that_is_too_large_is_refused() {
        let silent = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert_eq!(read_body(&HeaderMap::new(), silent).await.unwrap_err().code, Code::JsonInvalid);
        let parts = (0..3).map(|_| Ok::<_, Infallible>(Bytes::from(vec![b' '; REQUEST_BODY_MAX_BYTES / 2])));
        let large = Body::from_stream(stream::iter(parts));
        assert_eq!(read_body(&HeaderMap::new(), large).await.unwrap_err().code, Code::BodyTooLarge);
    }

    #[test]
    fn methods_of_ones_own_have_no_name() {
        assert_eq!(named(&Method::DELETE), "DELETE");
        assert_eq!(named(&Method::from_bytes(b"SELECT").unwrap()), "OTHER");
    }
}
