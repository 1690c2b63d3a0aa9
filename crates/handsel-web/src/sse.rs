//! Live status as server-sent events: the state at once, again after every change, a comment every few seconds so that no
//! proxy closes the silence, and an orderly end when the server stops.

use crate::App;
use axum::body::{Body, Bytes};
use futures_util::Stream;
use handsel_core::id::CheckoutId;
use handsel_core::limits::{STREAM_KEEP_ALIVE_SECONDS, STREAM_MAX_SECONDS};
use handsel_engine::{Answer, Ask};
use std::convert::Infallible;
use std::time::Duration;

/// How soon a client comes back after the stream broke.
const RETRY_MS: u32 = 2_000;
/// A stream ends by itself after so many silent rounds; the client comes back.
const ROUNDS_MAX: u64 = STREAM_MAX_SECONDS / STREAM_KEEP_ALIVE_SECONDS;

/// One event with `id:` (the object's version) and one line of data.
pub(crate) fn event(name: &str, version: u64, data: &[u8]) -> Bytes {
    let mut out = format!("event: {name}\nid: {version}\ndata: ").into_bytes();
    out.extend(data.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    out.extend_from_slice(b"\n\n");
    Bytes::from(out)
}

fn opening(first: &Bytes) -> Bytes {
    let mut out = format!("retry: {RETRY_MS}\n\n").into_bytes();
    out.extend_from_slice(first);
    Bytes::from(out)
}

/// What a stream reads anew after each change: the event to send, the version it shows, and whether it is the last.
pub(crate) struct Shown {
    pub bytes: Bytes,
    pub version: u64,
    pub last: bool,
}

struct Watch<R> {
    app: App,
    id: CheckoutId,
    read: R,
    version: u64,
    rounds: u64,
    next: Option<Bytes>,
    last: bool,
}

/// Streams `first` and then whatever `read` gives after each change.
pub(crate) fn watch<R, F>(app: App, id: CheckoutId, first: Shown, read: R) -> Body
where
    R: Fn(App) -> F + Send + 'static,
    F: Future<Output = Option<Shown>> + Send + 'static,
{
    let Shown { bytes, version, last } = first;
    let state = Watch { app, id, read, version, rounds: 0, next: Some(opening(&bytes)), last };
    Body::from_stream(stream(state))
}

fn stream<R, F>(state: Watch<R>) -> impl Stream<Item = Result<Bytes, Infallible>> + Send
where
    R: Fn(App) -> F + Send + 'static,
    F: Future<Output = Option<Shown>> + Send + 'static,
{
    futures_util::stream::unfold(state, |mut state| async move {
        if let Some(bytes) = state.next.take() {
            return Some((Ok(bytes), state));
        }
        let bytes = round(&mut state).await?;
        Some((Ok(bytes), state))
    })
}

/// Waits for a change or for the time to speak; `None` ends the stream.
async fn round<R, F>(state: &mut Watch<R>) -> Option<Bytes>
where
    R: Fn(App) -> F + Send + 'static,
    F: Future<Output = Option<Shown>> + Send + 'static,
{
    state.rounds += 1;
    if state.last || state.rounds > ROUNDS_MAX {
        return None;
    }
    let limit = Duration::from_secs(STREAM_KEEP_ALIVE_SECONDS);
    let stop = state.app.stop().clone();
    let engine = state.app.engine().clone();
    tokio::select! {
        () = stop.told() => return None,
        changed = engine.wait_for_change(state.id, state.version, limit) => changed.ok()?,
    }
    let shown = (state.read)(state.app.clone()).await?;
    if shown.version == state.version {
        return Some(Bytes::from_static(b": still here\n\n"));
    }
    state.version = shown.version;
    state.last = shown.last;
    Some(shown.bytes)
}

/// The API's stream of one checkout.
pub(crate) fn checkout(app: App, ask: Ask, id: CheckoutId, first: Answer) -> Body {
    let shown = |answer: Answer| {
        let version = answer.version.unwrap_or(0);
        Shown { bytes: event("checkout", version, &answer.body), version, last: false }
    };
    let first = shown(first);
    watch(app, id, first, move |app| {
        let ask = ask.clone();
        async move { app.engine().checkout(&ask, id).await.ok().map(shown) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_data() {
        assert_eq!(event("checkout", 3, b"{\"a\":\n1}"), "event: checkout\nid: 3\ndata: {\"a\":1}\n\n");
    }
}
