//! A connection that may not be silent for ever.
//!
//! While nothing is being answered, the client owes bytes: the first ones soon, the rest of a head soon after its beginning, the next
//! request within the idle time. While an answer is being written, the client has to take some of it in time. The body of a request
//! is timed by the gate, which knows how much of it has come. hyper's own timer can't tell an idle connection from a slow head.

use super::Bounds;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::task::AtomicWaker;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How many requests of one connection are being answered.
#[derive(Debug, Default)]
struct Count {
    open: AtomicUsize,
    /// How many there ever were.
    begun: AtomicUsize,
    /// The connection's task: what it waits for changes when the last answer is done.
    waker: AtomicWaker,
}

/// The part of a connection that counts its requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchanges(Arc<Count>);

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Exchange(Exchanges);

impl Exchanges {
    pub(super) fn begin(&self) -> Exchange {
        self.0.open.fetch_add(1, Ordering::SeqCst);
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        Exchange(self.clone())
    }
    fn are_open(&self) -> bool {
        self.0.open.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.0.0.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.0.waker.wake();
        }
    }
}

impl Exchange {
    /// The exchange lasts until the answer's body is written.
    pub(super) fn until_written(self, response: Response) -> Response {
        response.map(|body| Body::new(Held { body, _exchange: self }))
    }
}

struct Held {
    body: Body,
    _exchange: Exchange,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What the client owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owes {
    /// The beginning of a request.
    Beginning,
    /// The rest of its head.
    Head,
    Nothing,
}

/// A stream that ends with an error when its client keeps us waiting.
#[derive(Debug)]
pub(super) struct Paced<S> {
    inner: S,
    bounds: Bounds,
    exchanges: Exchanges,
    /// HTTP/2 multiplexes: bytes are not the beginning of a head there.
    times_heads: bool,
    owes: Owes,
    /// Requests that were seen to begin.
    seen: usize,
    owed_until: Pin<Box<Sleep>>,
    /// Set while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(inner: S, bounds: Bounds, times_heads: bool) -> Self {
        let first = if times_heads { bounds.first_byte } else { bounds.idle };
        let owed_until = Box::pin(sleep(first));
        let exchanges = Exchanges::default();
        Self { inner, bounds, exchanges, times_heads, owes: Owes::Beginning, seen: 0, owed_until, stalled: None }
    }

    pub(super) fn exchanges(&self) -> Exchanges {
        self.exchanges.clone()
    }

    fn owe(&mut self, what: Owes, within: Duration) {
        self.owes = what;
        self.owed_until.set(sleep(within));
    }

    /// What happened to a write: one that waits too long fails.
    fn taken<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            // From now on the client may owe something again: the reading side must look.
            if self.stalled.take().is_some() {
                self.exchanges.0.waker.wake();
            }
            return written;
        }
        let within = self.bounds.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(within)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.exchanges.0.waker.register(cx.waker());
        let before = buf.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(cx, buf);
        let begun = this.exchanges.0.begun.load(Ordering::SeqCst);
        if begun != this.seen {
            this.seen = begun;
            this.owes = Owes::Nothing;
        }
        // An answer may be whole in hyper's buffer and still not be taken.
        if this.exchanges.are_open() || this.stalled.is_some() {
            this.owes = Owes::Nothing;
            return read;
        }
        if this.owes == Owes::Nothing {
            this.owe(Owes::Beginning, this.bounds.idle);
        }
        if read.is_ready() {
            if this.owes == Owes::Beginning && this.times_heads && buf.filled().len() > before {
                this.owe(Owes::Head, this.bounds.head);
            }
            return read;
        }
        ready!(this.owed_until.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.taken(cx, written)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.taken(cx, flushed)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.taken(cx, ended)
    }
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.taken(cx, written)
    }
}
