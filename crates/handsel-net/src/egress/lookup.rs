//! Names to addresses, by our own resolver: no search domains, so that a name means one thing only.

use core::fmt::Debug;
use core::net::{IpAddr, SocketAddr};
use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};

use handsel_core::port::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use tokio::time::timeout;

/// Answers are taken from memory at most so long, whatever their own time to live.
const CACHE_MAX: Duration = Duration::from_secs(300);
/// That a name does not exist is remembered shortly: merchants make their records while they set up.
const CACHE_NEGATIVE_MAX: Duration = Duration::from_secs(5);
/// A server is asked twice, so that one lost packet is no failure.
const ASK_TIMEOUT: Duration = Duration::from_millis(1_200);
const ASK_ATTEMPTS: usize = 2;
const AAAA_GRACE: Duration = Duration::from_millis(500);
const A_GRACE: Duration = Duration::from_millis(2_600);

/// Why a name has no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupError {
    /// No such name, no address, or no name server answered.
    Failed,
}

/// Resolves a name. Tests put scripted answers here.
pub trait NameLookup: Send + Sync + Debug {
    /// All addresses of the name, of both families. The name is absolute, in lower case, without a trailing dot.
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, LookupError>>;
}

/// The real look-up: the name server of `egress.resolver`, or those of the system with its hosts file.
#[derive(Clone)]
pub struct DnsLookup {
    resolver: Option<TokioResolver>,
}

impl Debug for DnsLookup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DnsLookup").field("configured", &self.resolver.is_some()).finish_non_exhaustive()
    }
}

impl DnsLookup {
    /// Asks only this server, and no hosts file.
    #[must_use]
    pub fn ask_server(server: SocketAddr) -> Self {
        let mut udp = ConnectionConfig::udp();
        udp.port = server.port();
        let mut tcp = ConnectionConfig::tcp();
        tcp.port = server.port();
        let server = NameServerConfig::new(server.ip(), true, vec![udp, tcp]);
        Self::build(ResolverConfig::from_name_servers(vec![server]), ResolveHosts::Never)
    }

    /// Asks the system's servers. A machine without any resolves nothing, which is an error of each look-up and not of the start.
    #[must_use]
    pub fn ask_system() -> Self {
        let Ok((config, _options)) = hickory_resolver::system_conf::read_system_conf() else {
            return Self { resolver: None };
        };
        let (_domain, _search, servers) = config.into_parts();
        Self::build(ResolverConfig::from_name_servers(servers), ResolveHosts::Always)
    }

    fn build(config: ResolverConfig, hosts: ResolveHosts) -> Self {
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.ndots = 0;
        options.timeout = ASK_TIMEOUT;
        options.attempts = ASK_ATTEMPTS;
        options.use_hosts_file = hosts;
        options.positive_max_ttl = Some(CACHE_MAX);
        options.negative_max_ttl = Some(CACHE_NEGATIVE_MAX);
        Self { resolver: builder.build().ok() }
    }
}

impl NameLookup for DnsLookup {
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, LookupError>> {
        Box::pin(async move {
            let resolver = self.resolver.as_ref().ok_or(LookupError::Failed)?;
            let ask = |kind| ask_one(resolver, name, kind);
            let (v4, v6) = (pin!(ask(RecordType::A)), pin!(ask(RecordType::AAAA)));
            let (mut found, more) = match select(v4, v6).await {
                // Whoever has an IPv4 address does not wait long for a name server that chokes on the other question.
                Either::Left((v4, v6)) if !v4.is_empty() => (v4, timeout(AAAA_GRACE, v6).await.unwrap_or_default()),
                Either::Left((_, v6)) => (Vec::new(), v6.await),
                Either::Right((v6, v4)) => (timeout(A_GRACE, v4).await.unwrap_or_default(), v6),
            };
            found.extend(more);
            if found.is_empty() { Err(LookupError::Failed) } else { Ok(found) }
        })
    }
}

/// The addresses of one family; none where there are none, or where nobody answers.
async fn ask_one(resolver: &TokioResolver, name: &str, kind: RecordType) -> Vec<IpAddr> {
    // The final dot makes the name absolute.
    let found = resolver.lookup(format!("{name}."), kind).await;
    found.map_or_else(
        |_| Vec::new(),
        |lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect(),
    )
}
