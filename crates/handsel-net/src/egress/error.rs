//! Why an exchange failed, as closed lists. The words of peers and libraries stay out of them.

use core::fmt;

use handsel_core::egress_rules::{AddressClass, UrlRefusal};

/// A part of an exchange, for time limits and timings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking the name up.
    Dns,
    /// Opening the TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Waiting for the head of the answer.
    FirstByte,
    /// Reading the body of the answer.
    Body,
}

impl Phase {
    /// The phase as a lower-case word, stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::FirstByte => "first_byte",
            Self::Body => "body",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EgressError {
    /// The URL breaks a rule; nothing was resolved or connected.
    UrlNotAllowed(UrlRefusal),
    /// The name has no address, or no name server answered.
    DnsFailed,
    /// An address behind the name is closed; nothing was connected.
    AddressForbidden(AddressClass),
    /// No address took the connection.
    ConnectFailed,
    /// The peer's certificate or its TLS is not acceptable.
    TlsFailed,
    /// A time limit passed.
    Timeout(Phase),
    /// The head, or a body that must be whole, is over the limit.
    ResponseTooLarge,
    /// The peer doesn't speak HTTP/1.1, or the request cannot be written as HTTP.
    ProtocolError,
    /// The peer closed before its answer was whole.
    ConnectionClosed,
}

impl fmt::Display for EgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UrlNotAllowed(refusal) => write!(f, "the URL is not allowed: {refusal}"),
            Self::DnsFailed => f.write_str("the host name could not be resolved; check its DNS records"),
            Self::AddressForbidden(class) => write!(
                f,
                "the host leads to a closed address block ({class}); the operator may open it in egress.allowed_cidrs"
            ),
            Self::ConnectFailed => f.write_str("no connection; check that the server runs and that its port is open"),
            Self::TlsFailed => f.write_str("no TLS; check the certificate's name, dates and chain"),
            Self::Timeout(phase) => write!(f, "too slow ({}); answer first and work afterwards", phase.as_str()),
            Self::ResponseTooLarge => f.write_str("the answer is too large; answer with a short body"),
            Self::ProtocolError => f.write_str("the answer is no HTTP/1.1; check what listens on that port"),
            Self::ConnectionClosed => {
                f.write_str("the server closed the connection before its answer was whole; look into its log")
            }
        }
    }
}

impl core::error::Error for EgressError {}

/// Why a client could not be made from its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupError {
    /// `egress.extra_ca` holds no certificate that can be read.
    ExtraCa,
    /// The TLS library refuses its own defaults.
    Tls,
    /// An endpoint's URL is no absolute http or https URL with a host.
    EndpointUrl,
    /// A chain has no http URL to ask.
    NoHttpUrl,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExtraCa => {
                "egress.extra_ca holds no PEM certificate that can be used; give a file with BEGIN CERTIFICATE blocks"
            }
            Self::Tls => "TLS could not be set up; report this with the version of the program",
            Self::NoHttpUrl => "rpc_urls names no http or https URL; a WebSocket only brings hints at new blocks",
            Self::EndpointUrl => {
                "the endpoint is no absolute URL; write it as http://host:port/path or https://host/path"
            }
        })
    }
}

impl core::error::Error for SetupError {}
