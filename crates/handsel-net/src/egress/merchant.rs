//! The door for URLs that merchants gave us.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use handsel_core::delivery::Timing;
use handsel_core::egress_rules::weburl::{WebHost, is_localhost};
use handsel_core::egress_rules::{UrlKind, UrlPolicy, UrlRefusal, WebUrl};
use handsel_core::limits::{
    HOOK_ADDRESSES_MAX_PER_NAME, HOOK_ANSWER_HEAD_MAX_BYTES, HOOK_ANSWER_KEPT_MAX_BYTES, HOOK_ANSWER_READ_MAX_BYTES,
    HOOK_CONNECT_TIMEOUT_MS, HOOK_DNS_TIMEOUT_MS, HOOK_FIRST_BYTE_TIMEOUT_MS, HOOK_TOTAL_TIMEOUT_MS,
};
use http::{HeaderMap, Method};
use tokio::time::timeout;

use super::error::{EgressError, Phase, SetupError};
use super::lookup::{DnsLookup, NameLookup};
use super::pool::Pool;
use super::tls;
use super::trace::Trace;
use super::wire::{Answer, Deadlines, Message, Overflow, ReadLimits, Route, Wire};

/// The operator's settings of the outbound side.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Which URLs and addresses are allowed.
    pub policy: UrlPolicy,
    /// `egress.resolver`: the only name server to ask; without it the system's.
    pub resolver: Option<SocketAddr>,
    /// `egress.extra_ca`, the content of the file.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The time limits; tests shorten them.
    pub deadlines: Deadlines,
}

impl EgressConfig {
    /// A policy with the time limits of the product, the system's resolver and the public roots.
    #[must_use]
    pub const fn new(policy: UrlPolicy) -> Self {
        let deadlines = Deadlines {
            dns: Duration::from_millis(HOOK_DNS_TIMEOUT_MS),
            connect: Duration::from_millis(HOOK_CONNECT_TIMEOUT_MS),
            first_byte: Duration::from_millis(HOOK_FIRST_BYTE_TIMEOUT_MS),
            total: Duration::from_millis(HOOK_TOTAL_TIMEOUT_MS),
        };
        Self { policy, resolver: None, extra_ca_pem: None, deadlines }
    }
}

/// What an attempt came to, with its timings in either case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The answer, whatever its status, or why there is none.
    pub result: Result<Answer, EgressError>,
    /// How long each phase took.
    pub timing: Timing,
}

/// The client for merchants' URLs. Cheap to clone; clones share the pool.
#[derive(Debug, Clone)]
pub struct Egress {
    policy: Arc<UrlPolicy>,
    lookup: Arc<dyn NameLookup>,
    wire: Wire,
}

impl Egress {
    /// Makes the client with the real look-up.
    ///
    /// # Errors
    /// When `extra_ca_pem` holds no usable certificate.
    pub fn new(config: EgressConfig) -> Result<Self, SetupError> {
        let lookup = config.resolver.map_or_else(DnsLookup::ask_system, DnsLookup::ask_server);
        Self::with_lookup(config, Arc::new(lookup))
    }

    /// Makes the client with another look-up, as tests do.
    ///
    /// # Errors
    /// When `extra_ca_pem` holds no usable certificate.
    pub fn with_lookup(config: EgressConfig, lookup: Arc<dyn NameLookup>) -> Result<Self, SetupError> {
        let limits = ReadLimits {
            head_max: HOOK_ANSWER_HEAD_MAX_BYTES,
            buffer_max: HOOK_ANSWER_HEAD_MAX_BYTES,
            read_max: HOOK_ANSWER_READ_MAX_BYTES,
            kept_max: HOOK_ANSWER_KEPT_MAX_BYTES,
            overflow: Overflow::Cut,
        };
        let tls = tls::connector(config.extra_ca_pem.as_deref())?;
        let wire = Wire { tls, pool: Pool::default(), deadlines: config.deadlines, limits };
        Ok(Self { policy: Arc::new(config.policy), lookup, wire })
    }

    /// The rules in force, the same at registration and when sending.
    #[must_use]
    pub fn policy(&self) -> &UrlPolicy {
        &self.policy
    }

    /// Posts a body. The URL is checked again, its name resolved again and every address judged again.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Outcome {
        let mut trace = Trace::start();
        let ended = timeout(self.wire.deadlines.total, self.attempt(&mut trace, url, headers, body)).await;
        let result = ended.unwrap_or(Err(EgressError::Timeout(trace.phase)));
        Outcome { result, timing: trace.finish() }
    }

    async fn attempt(
        &self,
        trace: &mut Trace,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, EgressError> {
        let url = WebUrl::check(url, UrlKind::Webhook, &self.policy).map_err(EgressError::UrlNotAllowed)?;
        trace.enter(Phase::Dns);
        let addresses = self.judged_addresses(&url).await?;
        if matches!(url.host(), WebHost::Name(_)) {
            trace.done();
        }
        let literal;
        let host = match url.host() {
            WebHost::Name(name) => name.as_str(),
            WebHost::Literal(ip) => {
                literal = ip.to_string();
                literal.as_str()
            }
        };
        let route = Route { https: url.is_https(), host, authority: url.authority(), addresses: &addresses };
        let message = Message { method: Method::POST, path_and_query: url.path_and_query(), headers, body };
        self.wire.exchange(trace, &route, &message).await
    }

    /// Resolves and judges without connecting. The name's addresses are all allowed when this succeeds.
    ///
    /// # Errors
    /// `DnsFailed`, a time limit, or the reason why an address is closed.
    pub async fn judged_addresses(&self, url: &WebUrl) -> Result<Vec<SocketAddr>, EgressError> {
        let ips = match url.host() {
            WebHost::Literal(ip) => vec![*ip],
            WebHost::Name(name) if is_localhost(name) => self.opened_loopback(),
            WebHost::Name(name) => {
                let found = timeout(self.wire.deadlines.dns, self.lookup.addresses(name)).await;
                let found = found.map_err(|_| EgressError::Timeout(Phase::Dns))?;
                found.map_err(|_| EgressError::DnsFailed)?
            }
        };
        if ips.is_empty() || ips.len() > HOOK_ADDRESSES_MAX_PER_NAME {
            return Err(EgressError::DnsFailed);
        }
        url.judge(&ips, &self.policy).map_err(|refusal| match refusal {
            UrlRefusal::Address(class) => EgressError::AddressForbidden(class),
            other => EgressError::UrlNotAllowed(other),
        })?;
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, url.port())).collect())
    }

    /// `localhost` is never asked of a name server: it is what the operator opened of the two loopback addresses.
    fn opened_loopback(&self) -> Vec<IpAddr> {
        [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .into_iter()
            .filter(|ip| self.policy.addresses.judge(*ip).opened)
            .collect()
    }
}
