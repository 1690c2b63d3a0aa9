//! A bounded HTTP/1.1 listener on the loopback interface, for the node and for the receivers.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::limits;

/// Wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A whole answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Who answers the requests of a listener.
pub(crate) trait Handler: Send + Sync + 'static {
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Answer> + Send;
}

/// A listener at work; dropping it ends it and its connections.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listener {
    /// Binds a port of 127.0.0.1 (0: any) and serves it.
    pub(crate) async fn start(port: u16, handler: Arc<impl Handler>) -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = socket.local_addr()?;
        let task = tokio::spawn(accept(socket, handler));
        Ok(Self { address, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(socket: TcpListener, handler: Arc<impl Handler>) {
    let places = Arc::new(Semaphore::new(limits::LISTENER_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match socket.accept().await {
            Ok((stream, _)) => {
                let handler = Arc::clone(&handler);
                connections.spawn(async move {
                    serve(stream, handler).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a loopback listener could not accept a connection");
                // Typically no file handles are left; some will be soon.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, handler: Arc<impl Handler>) {
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(handler.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits::HEADER_TIMEOUT_SECONDS))
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a client of a loopback listener went away");
    }
}

/// Reads a body of at most so many bytes; the error is the answer to give.
pub(crate) async fn read_body(body: Incoming, most_bytes: usize) -> Result<Bytes, Answer> {
    let patience = Duration::from_secs(limits::BODY_TIMEOUT_SECONDS);
    match tokio::time::timeout(patience, Limited::new(body, most_bytes).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(text(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "the body is too long\n"))
        }
        Ok(Err(_)) => Err(text(StatusCode::BAD_REQUEST, "text/plain", "the body broke off\n")),
        Err(_) => Err(text(StatusCode::REQUEST_TIMEOUT, "text/plain", "the body took too long\n")),
    }
}

/// A whole answer of one media type.
pub(crate) fn text(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}
