//! The accept loop.
//!
//! Motivation: axum's own loop bounds neither a connection that sends nothing nor the number of connections (06 "Found by
//! trying" 5). Theory of operation: each accepted connection costs one place in the total and one in its address's share; both
//! are given back when its task ends. TLS has a deadline for its first byte (what is not TLS gets no byte back) and its handshake,
//! and picks the HTTP version by ALPN, so no untimed guess is made; plain connections are HTTP/1.1. [`pace`] then times what the
//! client owes: first byte, head, next request, taking its answer. Told to stop, the loop accepts nothing more, lets every connection finish what it does, and cuts what is left after
//! the grace.

mod pace;
mod places;

use crate::client::{Encrypted, Peer};
use crate::stop::Stop;
use axum::Router;
use axum::body::Body;
use handsel_core::limits::{
    CONNECTION_FIRST_BYTE_TIMEOUT_SECONDS, CONNECTION_IDLE_TIMEOUT_SECONDS, CONNECTION_STALL_TIMEOUT_SECONDS,
    CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HTTP2_STREAMS_MAX, REQUEST_HEAD_MAX_BYTES,
    REQUEST_HEAD_TIMEOUT_SECONDS, SHUTDOWN_GRACE_SECONDS,
};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use pace::{Exchanges, Paced};
use places::{Place, Places};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// After an error of `accept` (too many open files), so that the loop doesn't spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The first byte of every TLS connection: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// How long a connection may take for what, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub first_byte: Duration,
    pub head: Duration,
    pub idle: Duration,
    /// An answer of which nothing is taken.
    pub stall: Duration,
    pub connections: usize,
    pub per_address: usize,
}

impl Default for Bounds {
    /// Those of [`handsel_core::limits`].
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(CONNECTION_FIRST_BYTE_TIMEOUT_SECONDS),
            head: Duration::from_secs(REQUEST_HEAD_TIMEOUT_SECONDS),
            idle: Duration::from_secs(CONNECTION_IDLE_TIMEOUT_SECONDS),
            stall: Duration::from_secs(CONNECTION_STALL_TIMEOUT_SECONDS),
            connections: CONNECTIONS_MAX,
            per_address: CONNECTIONS_PER_ADDRESS_MAX,
        }
    }
}

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    /// HTTP/1.1 in the clear: for loopback and behind a declared proxy.
    Plain(TcpListener),
    /// TLS 1.3, HTTP/2 or HTTP/1.1 by ALPN.
    Tls(TcpListener, Arc<rustls::ServerConfig>),
    Unix(UnixListener),
}

/// TLS as this server speaks it: 1.3 only, both HTTP versions offered.
pub fn tls_config(
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: rustls::pki_types::PrivateKeyDer<'static>,
) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

enum Accepted {
    Tcp(TcpStream, Peer),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Plain(listener) | Self::Tls(listener, _) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream, Peer::Tcp(address.ip())))
            }
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    fn tls(&self) -> Option<TlsAcceptor> {
        match self {
            Self::Tls(_, config) => Some(TlsAcceptor::from(Arc::clone(config))),
            Self::Plain(_) | Self::Unix(_) => None,
        }
    }
}

/// Serves until told to stop, and then until the last connection is done or the grace is over.
pub async fn serve(listener: Listener, router: Router, stop: Stop, bounds: Bounds) {
    let graceful = GracefulShutdown::new();
    let places = Places::new(bounds);
    let tls = listener.tls();
    loop {
        let accepted = tokio::select! {
            () = stop.told() => break,
            accepted = listener.accept() => accepted,
        };
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let peer = match &accepted {
            Accepted::Tcp(_, peer) => *peer,
            Accepted::Unix(_) => Peer::Unix,
        };
        // Over the cap the connection is dropped at once: an answer would cost what the cap protects.
        let Some(place) = places.take(peer) else { continue };
        let connection =
            Connection { router: router.clone(), peer, bounds, watcher: graceful.watcher(), _place: place };
        let tls = tls.clone();
        tokio::spawn(async move { connection.run(accepted, tls).await });
    }
    drop(listener);
    let grace = Duration::from_secs(SHUTDOWN_GRACE_SECONDS);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut at the end of the grace");
    }
}

/// One connection with what it holds.
struct Connection {
    router: Router,
    peer: Peer,
    bounds: Bounds,
    watcher: Watcher,
    _place: Place,
}

impl Connection {
    async fn run(self, accepted: Accepted, tls: Option<TlsAcceptor>) {
        match (accepted, tls) {
            (Accepted::Tcp(stream, _), Some(tls)) => {
                // Not even an alert for what is no TLS: it may be a key that goes through the net in the clear.
                if begins_tls(&stream, self.bounds.first_byte).await {
                    self.tls(stream, &tls).await;
                }
            }
            (Accepted::Tcp(stream, _), None) => self.http1(stream, None).await,
            (Accepted::Unix(stream), _) => self.http1(stream, None).await,
        }
    }

    async fn tls<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, tls: &TlsAcceptor) {
        let Ok(Ok(stream)) = tokio::time::timeout(self.bounds.first_byte, tls.accept(stream)).await else { return };
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if is_h2 { self.http2(stream).await } else { self.http1(stream, Some(Encrypted)).await }
    }

    async fn http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, encrypted: Option<Encrypted>) {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.header_read_timeout(None).max_buf_size(REQUEST_HEAD_MAX_BYTES as usize);
        let stream = Paced::new(stream, self.bounds, true);
        let answers = Answers { router: self.router, peer: self.peer, encrypted, exchanges: stream.exchanges() };
        let connection = builder.serve_connection(TokioIo::new(stream), service(answers));
        // A client that breaks off is no event of ours.
        let _ = self.watcher.watch(connection).await;
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(HTTP2_STREAMS_MAX)
            .max_header_list_size(REQUEST_HEAD_MAX_BYTES)
            .keep_alive_interval(self.bounds.first_byte)
            .keep_alive_timeout(self.bounds.head);
        let stream = Paced::new(stream, self.bounds, false);
        let exchanges = stream.exchanges();
        let answers = Answers { router: self.router, peer: self.peer, encrypted: Some(Encrypted), exchanges };
        let connection = builder.serve_connection(TokioIo::new(stream), service(answers));
        let _ = self.watcher.watch(connection).await;
    }
}

/// Looks at the first byte without taking it.
async fn begins_tls(stream: &TcpStream, within: Duration) -> bool {
    let mut first = [0u8; 1];
    let peeked = tokio::time::timeout(within, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first[0] == TLS_HANDSHAKE
}

/// What every request of one connection is answered with.
struct Answers {
    router: Router,
    peer: Peer,
    encrypted: Option<Encrypted>,
    exchanges: Exchanges,
}

/// The router as hyper wants it, with what is known of the connection in every request.
fn service(
    answers: Answers,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future = impl Future<Output = Result<axum::response::Response, Infallible>> + Send,
> {
    hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let exchange = answers.exchanges.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(answers.peer);
        if let Some(encrypted) = answers.encrypted {
            request.extensions_mut().insert(encrypted);
        }
        let answer = answers.router.clone().oneshot(request);
        async move { answer.await.map(|response| exchange.until_written(response)) }
    })
}

#[cfg(test)]
#[path = "server/tests.rs"]
mod tests;
