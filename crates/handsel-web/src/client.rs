//! Who is at the other end. The socket tells; only declared proxies are believed when they say otherwise.

use crate::App;
use crate::limit;
use http::{Extensions, HeaderMap};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// The other end of a connection, put into each of its requests by the accept loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Tcp(IpAddr),
    /// A local process; it has no address and counts as loopback.
    Unix,
}

/// In the requests of a connection that came over our own TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

/// The browser at the other end came by TLS: ours, or, where the public URL says so, that of whoever stands before us.
pub(crate) fn is_encrypted(app: &App, extensions: &Extensions) -> bool {
    let in_front = match extensions.get::<Peer>() {
        Some(Peer::Tcp(ip)) => app.options().trusted_proxies.iter().any(|net| net.contains(&ip.to_canonical())),
        Some(Peer::Unix) => true,
        None => false,
    };
    extensions.get::<Encrypted>().is_some() || (in_front && app.public_url().starts_with("https://"))
}

/// The client's address: the peer's, or, through trusted proxies, the last address in `X-Forwarded-For` that is none of theirs.
pub(crate) fn address(app: &App, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    match extensions.get::<Peer>() {
        Some(Peer::Tcp(ip)) => behind(ip.to_canonical(), headers, &app.options().trusted_proxies),
        Some(Peer::Unix) | None => IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    if !is_trusted(&peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut client = peer;
    for text in named.into_iter().rev() {
        let Ok(ip) = text.parse::<IpAddr>() else { break };
        client = ip.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

/// What the request log keeps: the /24 or /48.
pub(crate) fn prefix(ip: IpAddr) -> String {
    match limit::network(ip) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn seen(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        behind(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()]).to_string()
    }

    #[test]
    fn only_declared_proxies_are_believed() {
        assert_eq!(seen("203.0.113.9", "198.51.100.1"), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "198.51.100.1"), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.7"), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", "1.2.3.4, nonsense"), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", "::ffff:1.2.3.4"), "1.2.3.4");
    }

    #[test]
    fn the_log_keeps_a_prefix() {
        assert_eq!(prefix("198.51.100.77".parse().unwrap()), "198.51.100.0/24");
        assert_eq!(prefix("2001:db8:1:2::3".parse().unwrap()), "2001:db8:1::/48");
    }
}
