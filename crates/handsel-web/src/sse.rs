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
const KEEP_ALIVE: Duration = Duration::from_secs(STREAM_KEEP_ALIVE_SECONDS);
/// A stream ends by itself after so long; the client comes back.
const LASTS: Duration = Duration::from_secs(STREAM_MAX_SECONDS);
/// How often a moving thing is looked at.
const LIVELY: Duration = Duration::from_secs(3);

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
    pub(crate) bytes: Bytes,
    pub(crate) version: u64,
    pub(crate) last: bool,
    /// Something moves that raises no version: look again soon.
    pub(crate) lively: bool,
}

struct Watch<R> {
    app: App,
    id: CheckoutId,
    read: R,
    shown: Shown,
    /// Since something was said, and since the beginning; counted in whole pauses.
    silent: Duration,
    lasted: Duration,
    opened: bool,
}

/// Streams `first` and then whatever `read` gives after each change.
pub(crate) fn watch<R, F>(app: App, id: CheckoutId, first: Shown, read: R) -> Body
where
    R: Fn(App) -> F + Send + 'static,
    F: Future<Output = Option<Shown>> + Send + 'static,
{
    Body::from_stream(stream(Watch {
        app,
        id,
        read,
        shown: first,
        silent: Duration::ZERO,
        lasted: Duration::ZERO,
        opened: false,
    }))
}

fn stream<R, F>(state: Watch<R>) -> impl Stream<Item = Result<Bytes, Infallible>> + Send
where
    R: Fn(App) -> F + Send + 'static,
    F: Future<Output = Option<Shown>> + Send + 'static,
{
    futures_util::stream::unfold(state, |mut state| async move {
        if !state.opened {
            state.opened = true;
            return Some((Ok(opening(&state.shown.bytes)), state));
        }
        let bytes = next(&mut state).await?;
        Some((Ok(bytes), state))
    })
}

/// Waits for a change or for the time to speak; `None` ends the stream.
async fn next<R, F>(state: &mut Watch<R>) -> Option<Bytes>
where
    R: Fn(App) -> F + Send + 'static,
    F: Future<Output = Option<Shown>> + Send + 'static,
{
    while !state.shown.last && state.lasted < LASTS {
        let pause = if state.shown.lively { LIVELY } else { KEEP_ALIVE };
        let stop = state.app.stop().clone();
        let engine = state.app.engine().clone();
        tokio::select! {
            () = stop.told() => return None,
            changed = engine.wait_for_change(state.id, state.shown.version, pause) => changed.ok()?,
        }
        state.lasted += pause;
        let shown = (state.read)(state.app.clone()).await?;
        if shown.bytes != state.shown.bytes {
            state.silent = Duration::ZERO;
            state.shown = shown;
            return Some(state.shown.bytes.clone());
        }
        state.silent += pause;
        if state.silent >= KEEP_ALIVE {
            state.silent = Duration::ZERO;
            return Some(Bytes::from_static(b": still here\n\n"));
        }
    }
    None
}

/// The API's stream of one checkout.
pub(crate) fn checkout(app: App, ask: Ask, id: CheckoutId, first: Answer) -> Body {
    let shown = |answer: Answer| {
        let version = answer.version.unwrap_or(0);
        Shown { bytes: event("checkout", version, &answer.body), version, last: false, lively: false }
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
