//! One HTTP/1.1 exchange with addresses that were chosen before: connect to exactly them, speak, read within bounds.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::{EgressError, Phase};
use super::pool::{Connection, Pool, PoolKey};
use super::trace::Trace;

/// The time limits of one exchange. `total` covers everything, the body of the answer included.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Looking the name up.
    pub dns: Duration,
    /// TCP to all addresses together, and again the TLS handshake.
    pub connect: Duration,
    /// From the request to the head of the answer.
    pub first_byte: Duration,
    /// Everything.
    pub total: Duration,
}

/// What to do when a body goes on beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    /// Keep what was read and close the connection.
    Cut,
    /// The answer is worth nothing when it is not whole.
    Refuse,
}

/// How much of an answer is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadLimits {
    pub(super) head_max: usize,
    pub(super) buffer_max: usize,
    pub(super) read_max: usize,
    pub(super) kept_max: usize,
    pub(super) overflow: Overflow,
}

/// Where an exchange goes: judged addresses, and the names to speak with.
#[derive(Debug)]
pub(super) struct Route<'a> {
    pub(super) https: bool,
    /// For the certificate: a name or an address without brackets.
    pub(super) host: &'a str,
    /// For the `Host` header.
    pub(super) authority: &'a str,
    pub(super) addresses: &'a [SocketAddr],
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) method: Method,
    pub(super) path_and_query: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, redirects included: they are never followed.
    pub status: StatusCode,
    /// All headers; their total size was bounded while reading.
    pub headers: HeaderMap,
    /// The body as far as it is kept.
    pub body: Vec<u8>,
    /// True when more came than was read or kept.
    pub truncated: bool,
}

/// A connection of either kind.
pub(crate) type ByteStream = Box<dyn Duplex>;

/// What a connection can do.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Connector, pool and bounds.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) tls: TlsConnector,
    pub(super) pool: Pool,
    pub(super) deadlines: Deadlines,
    pub(super) limits: ReadLimits,
}

impl core::fmt::Debug for Wire {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Wire").field("deadlines", &self.deadlines).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Wire {
    /// Sends a message and reads the answer. A kept connection that turns out dead before any byte of an answer is replaced once.
    pub(super) async fn exchange(
        &self,
        trace: &mut Trace,
        route: &Route<'_>,
        message: &Message<'_>,
    ) -> Result<Answer, EgressError> {
        let request = build_request(route, message)?;
        if let Some((key, mut connection)) = self.reuse(route) {
            match self.round_trip(trace, &mut connection, request.clone()).await {
                Ok((answer, whole)) => {
                    self.keep(key, connection, whole);
                    return Ok(answer);
                }
                Err(EgressError::ConnectionClosed) if trace.phase == Phase::FirstByte => {}
                Err(error) => return Err(error),
            }
        }
        let (key, mut connection) = self.connect(trace, route).await?;
        let (answer, whole) = self.round_trip(trace, &mut connection, request).await?;
        self.keep(key, connection, whole);
        Ok(answer)
    }

    fn reuse(&self, route: &Route<'_>) -> Option<(PoolKey, Connection)> {
        route.addresses.iter().find_map(|address| {
            let key = PoolKey { https: route.https, host: route.host.to_owned(), address: *address };
            self.pool.take(&key).map(|connection| (key, connection))
        })
    }

    fn keep(&self, key: PoolKey, connection: Connection, whole: bool) {
        if whole {
            self.pool.put(key, connection);
        }
    }

    async fn connect(&self, trace: &mut Trace, route: &Route<'_>) -> Result<(PoolKey, Connection), EgressError> {
        trace.enter(Phase::Connect);
        let (stream, address) = self.connect_tcp(route.addresses).await?;
        trace.done();
        let connection = if route.https {
            trace.enter(Phase::Tls);
            let stream = self.handshake(route.host, stream).await?;
            trace.done();
            self.speak(TokioIo::new(stream)).await?
        } else {
            self.speak(TokioIo::new(stream)).await?
        };
        Ok((PoolKey { https: route.https, host: route.host.to_owned(), address }, connection))
    }

    /// Opens the bare connection, for other protocols than HTTP.
    pub(super) async fn open(&self, route: &Route<'_>) -> Result<ByteStream, EgressError> {
        let (stream, _) = self.connect_tcp(route.addresses).await?;
        if route.https { Ok(Box::new(self.handshake(route.host, stream).await?)) } else { Ok(Box::new(stream)) }
    }

    async fn handshake(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, EgressError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| EgressError::TlsFailed)?;
        let handshake = timeout(self.deadlines.connect, self.tls.connect(name, stream)).await;
        handshake.map_err(|_| EgressError::Timeout(Phase::Tls))?.map_err(|_| EgressError::TlsFailed)
    }

    /// Tries the addresses in order; each gets its fair share of the time that is left.
    #[expect(clippy::disallowed_methods, reason = "this is egress, and the addresses were judged")]
    async fn connect_tcp(&self, addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), EgressError> {
        let end = Instant::now().checked_add(self.deadlines.connect).ok_or(EgressError::ConnectFailed)?;
        let mut last = EgressError::ConnectFailed;
        for (at, address) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len().saturating_sub(at)).unwrap_or(u32::MAX).max(1);
            let now = Instant::now();
            let share = end.saturating_duration_since(now) / left;
            match timeout_at(now.checked_add(share).unwrap_or(end), TcpStream::connect(*address)).await {
                Ok(Ok(stream)) => {
                    // What the kernel says it reached must be what was judged.
                    let same =
                        stream.peer_addr().is_ok_and(|peer| peer.ip() == address.ip() && peer.port() == address.port());
                    if !same {
                        return Err(EgressError::ConnectFailed);
                    }
                    // Without this a small request may wait for an acknowledgement; failing to set it only costs time.
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, *address));
                }
                Ok(Err(_)) => last = EgressError::ConnectFailed,
                Err(_) => last = EgressError::Timeout(Phase::Connect),
            }
        }
        Err(last)
    }

    async fn speak<S>(&self, io: TokioIo<S>) -> Result<Connection, EgressError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(self.limits.buffer_max).max_header_size(self.limits.head_max);
        let (sender, driver) = builder.handshake(io).await.map_err(|_| EgressError::ConnectFailed)?;
        let driver = tokio::spawn(async move {
            // Errors reach the one who waits for the answer; here there is nobody to tell.
            let _ = driver.await;
        });
        Ok(Connection::new(sender, driver))
    }

    async fn round_trip(
        &self,
        trace: &mut Trace,
        connection: &mut Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<(Answer, bool), EgressError> {
        trace.enter(Phase::FirstByte);
        let head = async {
            connection.sender.ready().await.map_err(|_| EgressError::ConnectionClosed)?;
            connection.sender.send_request(request).await.map_err(|error| classify(&error))
        };
        let answered = timeout(self.deadlines.first_byte, head).await;
        let response = answered.map_err(|_| EgressError::Timeout(Phase::FirstByte))??;
        trace.done();
        trace.enter(Phase::Body);
        self.read(response).await
    }

    /// Reads the body; the second value tells whether it was read to its end, so that the connection can be used again.
    async fn read(&self, response: Response<Incoming>) -> Result<(Answer, bool), EgressError> {
        let limits = self.limits;
        let (parts, mut incoming) = response.into_parts();
        let declared =
            parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
        if limits.overflow == Overflow::Refuse && declared.is_some_and(|length| length > limits.read_max) {
            return Err(EgressError::ResponseTooLarge);
        }
        let mut body = Vec::with_capacity(declared.unwrap_or(0).min(limits.kept_max));
        let mut read = 0_usize;
        let mut whole = true;
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| classify(&error))?;
            let Ok(data) = frame.into_data() else { continue };
            let allowed = limits.read_max.saturating_sub(read);
            read = read.saturating_add(data.len());
            let take = data.len().min(allowed).min(limits.kept_max.saturating_sub(body.len()));
            body.extend_from_slice(data.get(..take).unwrap_or_default());
            // Where a cut is fine, one byte more is not even waited for.
            let full = limits.overflow == Overflow::Cut && read == limits.read_max && !incoming.is_end_stream();
            if read > limits.read_max || full {
                whole = false;
                break;
            }
        }
        if !whole && limits.overflow == Overflow::Refuse {
            return Err(EgressError::ResponseTooLarge);
        }
        let truncated = !whole || read > body.len();
        Ok((Answer { status: parts.status, headers: parts.headers, body, truncated }, whole))
    }
}

fn build_request(route: &Route<'_>, message: &Message<'_>) -> Result<Request<Full<Bytes>>, EgressError> {
    let mut request = Request::builder()
        .method(message.method.clone())
        .uri(message.path_and_query)
        .body(Full::new(message.body.clone()))
        .map_err(|_| EgressError::ProtocolError)?;
    *request.headers_mut() = message.headers.clone();
    let authority = HeaderValue::from_str(route.authority).map_err(|_| EgressError::ProtocolError)?;
    request.headers_mut().insert(HOST, authority);
    Ok(request)
}

fn classify(error: &hyper::Error) -> EgressError {
    if error.is_parse_too_large() {
        EgressError::ResponseTooLarge
    } else if error.is_parse() || error.is_user() {
        EgressError::ProtocolError
    } else {
        EgressError::ConnectionClosed
    }
}
