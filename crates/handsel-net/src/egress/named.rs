//! The door for endpoints that the operator named in the configuration, such as chain nodes: reached as named, by exact host, port and
//! purpose. The table of closed addresses is about merchants' URLs and does not apply here.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use handsel_core::limits::{RPC_CONNECT_TIMEOUT_MS, RPC_FIRST_BYTE_TIMEOUT_MS, RPC_TOTAL_TIMEOUT_MS};
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use url::{Host, Position, Url};

use super::error::{EgressError, Phase, SetupError};
use super::pool::Pool;
use super::tls;
use super::trace::Trace;
use super::wire::{Answer, ByteStream, Deadlines, Message, Overflow, ReadLimits, Route, Wire};

const HEAD_MAX_BYTES: usize = 64 * 1024;
const BUFFER_MAX_BYTES: usize = 512 * 1024;

/// Settings of one named endpoint.
#[derive(Debug, Clone)]
pub struct NamedOptions {
    /// The time limits.
    pub deadlines: Deadlines,
    /// A root certificate beside the public ones, PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
}

impl Default for NamedOptions {
    fn default() -> Self {
        let connect = Duration::from_millis(RPC_CONNECT_TIMEOUT_MS);
        let deadlines = Deadlines {
            dns: connect,
            connect,
            first_byte: Duration::from_millis(RPC_FIRST_BYTE_TIMEOUT_MS),
            total: Duration::from_millis(RPC_TOTAL_TIMEOUT_MS),
        };
        Self { deadlines, extra_ca_pem: None }
    }
}

/// One endpoint by its URL. Debug shows host and port only: paths and user parts of node URLs carry keys.
#[derive(Clone)]
pub struct NamedEndpoint {
    url: Url,
    /// For the certificate: a name, or an address without brackets.
    host: String,
    port: u16,
    literal: Option<SocketAddr>,
    headers: HeaderMap,
    wire: Wire,
}

impl fmt::Debug for NamedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedEndpoint").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl NamedEndpoint {
    /// Takes an http or https URL; a user part becomes Basic authorization.
    ///
    /// # Errors
    /// When the URL is none that can be called, or the extra root is unusable.
    pub fn new(url: &str, options: &NamedOptions) -> Result<Self, SetupError> {
        Self::with_schemes(url, ["http", "https"], options)
    }

    /// Takes a ws or wss URL, for [`Self::open_socket`].
    pub(crate) fn new_socket(url: &str, options: &NamedOptions) -> Result<Self, SetupError> {
        Self::with_schemes(url, ["ws", "wss"], options)
    }

    fn with_schemes(url: &str, schemes: [&str; 2], options: &NamedOptions) -> Result<Self, SetupError> {
        let mut url = Url::parse(url).map_err(|_| SetupError::EndpointUrl)?;
        if !schemes.contains(&url.scheme()) {
            return Err(SetupError::EndpointUrl);
        }
        let port = url.port_or_known_default().ok_or(SetupError::EndpointUrl)?;
        let (host, literal) = match url.host() {
            Some(Host::Domain(name)) => (name.to_owned(), None),
            Some(Host::Ipv4(ip)) => (ip.to_string(), Some(SocketAddr::new(ip.into(), port))),
            Some(Host::Ipv6(ip)) => (ip.to_string(), Some(SocketAddr::new(ip.into(), port))),
            None => return Err(SetupError::EndpointUrl),
        };
        let headers = fixed_headers(&url)?;
        // Neither call can fail for a URL with a host; the user part must not stay where it could be shown.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let limits = ReadLimits {
            head_max: HEAD_MAX_BYTES,
            buffer_max: BUFFER_MAX_BYTES,
            read_max: 0,
            kept_max: 0,
            overflow: Overflow::Refuse,
        };
        let tls = tls::connector(options.extra_ca_pem.as_deref())?;
        let wire = Wire { tls, pool: Pool::default(), deadlines: options.deadlines, limits };
        Ok(Self { url, host, port, literal, headers, wire })
    }

    /// Host and port, fit for logs and messages.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Posts a JSON body and reads a whole answer of at most `read_max` bytes.
    ///
    /// # Errors
    /// Why there is no whole answer. An HTTP status is no error here.
    pub async fn post_json(&self, body: Bytes, read_max: usize) -> Result<Answer, EgressError> {
        let path_and_query = &self.url[Position::BeforePath..Position::AfterQuery];
        self.ask(Message { method: Method::POST, path_and_query, headers: self.headers.clone(), body }, read_max).await
    }

    /// Gets a whole answer of at most `read_max` bytes.
    ///
    /// # Errors
    /// Why there is no whole answer. An HTTP status is no error here.
    pub async fn get_json(&self, read_max: usize) -> Result<Answer, EgressError> {
        let path_and_query = &self.url[Position::BeforePath..Position::AfterQuery];
        let headers = self.headers.clone();
        self.ask(Message { method: Method::GET, path_and_query, headers, body: Bytes::new() }, read_max).await
    }

    /// Asks for another path of the same host, with more headers: the CLI's way to its own server.
    ///
    /// # Errors
    /// Why there is no whole answer. An HTTP status is no error here.
    pub async fn request(
        &self,
        method: Method,
        path_and_query: &str,
        more_headers: HeaderMap,
        body: Bytes,
        read_max: usize,
    ) -> Result<Answer, EgressError> {
        let mut headers = self.headers.clone();
        headers.extend(more_headers);
        self.ask(Message { method, path_and_query, headers, body }, read_max).await
    }

    async fn ask(&self, message: Message<'_>, read_max: usize) -> Result<Answer, EgressError> {
        let mut trace = Trace::start();
        let ended = timeout(self.wire.deadlines.total, self.attempt(&mut trace, &message, read_max)).await;
        ended.unwrap_or(Err(EgressError::Timeout(trace.phase)))
    }

    /// Opens a connection for a WebSocket and gives the request that begins it.
    pub(crate) async fn open_socket(&self) -> Option<(http::Request<()>, ByteStream)> {
        let mut request = self.url.as_str().into_client_request().ok()?;
        if let Some(value) = self.headers.get(AUTHORIZATION) {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        let addresses = self.addresses().await.ok()?;
        let route = Route { https: self.is_tls(), host: &self.host, authority: "", addresses: &addresses };
        let stream = self.wire.open(&route).await.ok()?;
        Some((request, stream))
    }

    fn is_tls(&self) -> bool {
        matches!(self.url.scheme(), "https" | "wss")
    }

    async fn attempt(&self, trace: &mut Trace, message: &Message<'_>, read_max: usize) -> Result<Answer, EgressError> {
        trace.enter(Phase::Dns);
        let addresses = self.addresses().await?;
        trace.done();
        let authority = &self.url[Position::BeforeHost..Position::AfterPort];
        let route = Route { https: self.is_tls(), host: &self.host, authority, addresses: &addresses };
        let mut wire = self.wire.clone();
        wire.limits.read_max = read_max;
        wire.limits.kept_max = read_max;
        wire.exchange(trace, &route, message).await
    }

    /// By the system's own look-up, so that hosts files and container names mean what the operator sees.
    #[expect(clippy::disallowed_methods, reason = "this is egress; what the operator named is reached as named")]
    async fn addresses(&self) -> Result<Vec<SocketAddr>, EgressError> {
        if let Some(address) = self.literal {
            return Ok(vec![address]);
        }
        let found = timeout(self.wire.deadlines.dns, tokio::net::lookup_host((self.host.as_str(), self.port))).await;
        let found = found.map_err(|_| EgressError::Timeout(Phase::Dns))?.map_err(|_| EgressError::DnsFailed)?;
        let addresses: Vec<SocketAddr> = found.collect();
        if addresses.is_empty() { Err(EgressError::DnsFailed) } else { Ok(addresses) }
    }
}

fn fixed_headers(url: &Url) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(crate::hook_sender::USER_AGENT_TEXT));
    if !url.username().is_empty() || url.password().is_some() {
        let pair = format!("{}:{}", url.username(), url.password().unwrap_or_default());
        let mut value =
            HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).map_err(|_| SetupError::EndpointUrl)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}
