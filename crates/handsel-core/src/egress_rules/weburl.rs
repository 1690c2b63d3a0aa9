//! The rules for URLs that merchants give us: where webhooks go and where a payer's browser returns to.
//!
//! The text is parsed once, by the parser that browsers use, and stored in its canonical form. What depends on the addresses behind a
//! name is decided by [`WebUrl::judge`], at registration and again before every connection.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::address::{AddressClass, AddressPolicy};
use crate::limits::WEB_URL_MAX_BYTES;

/// What the URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlKind {
    /// We connect to it: all rules apply.
    Webhook,
    /// A browser is sent to it: no rule about hosts and ports, since we never connect.
    Redirect,
}

/// The configuration that the rules depend on.
#[derive(Debug, Clone, Default)]
pub struct UrlPolicy {
    /// Live mode: https only, whatever else is set.
    pub live: bool,
    /// `webhooks.allow_http`: in sandbox, webhooks may be plain http.
    pub allow_http: bool,
    /// Ports beside 443 and 8443 (and 80, where http is allowed).
    pub extra_ports: Vec<u16>,
    /// Names under which this deployment is reached itself, in lower case.
    pub own_hosts: Vec<String>,
    /// The table of addresses with the operator's blocks.
    pub addresses: AddressPolicy,
}

impl UrlPolicy {
    /// The rules of live mode without any configuration.
    #[must_use]
    pub fn strict() -> Self {
        Self { live: true, ..Self::default() }
    }
}

/// Why a URL is refused. The message tells what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlRefusal {
    /// Longer than the limit.
    TooLong,
    /// A control character, white space, backslash or invisible character in the text.
    ForbiddenCharacter,
    /// No absolute URL.
    Malformed,
    /// Another scheme than http and https.
    Scheme,
    /// http where https is asked.
    HttpsRequired,
    /// A user name or password.
    Userinfo,
    /// A `#fragment`.
    Fragment,
    /// A port outside the list.
    Port,
    /// An address in place of a name.
    IpLiteral,
    /// A single label, or a name that is never public.
    HostNotPublic,
    /// A name of this deployment.
    OwnHost,
    /// The address, or an address behind the name, lies in a closed block.
    Address(AddressClass),
    /// The name has no address.
    NoAddress,
}

impl UrlRefusal {
    /// The reason as a lower-case word, stable.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::Malformed => "malformed",
            Self::Scheme => "scheme",
            Self::HttpsRequired => "https_required",
            Self::Userinfo => "userinfo",
            Self::Fragment => "fragment",
            Self::Port => "port",
            Self::IpLiteral => "ip_literal",
            Self::HostNotPublic => "host_not_public",
            Self::OwnHost => "own_host",
            Self::Address(_) => "address_forbidden",
            Self::NoAddress => "no_address",
        }
    }
}

impl fmt::Display for UrlRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the URL is longer than {WEB_URL_MAX_BYTES} bytes; shorten it"),
            Self::ForbiddenCharacter => f.write_str("the URL holds white space, a backslash or a control character; percent-encode it"),
            Self::Malformed => f.write_str("this is no absolute URL; write it as https://host/path"),
            Self::Scheme => f.write_str("the URL must begin with https://"),
            Self::HttpsRequired => f.write_str("plain http is not allowed here; use https"),
            Self::Userinfo => f.write_str("the URL holds a user name or password; remove it and check the signature instead"),
            Self::Fragment => f.write_str("the URL holds a #fragment, which is never sent; remove it"),
            Self::Port => f.write_str("this port is not allowed; use 443 or 8443, or let the operator add the port"),
            Self::IpLiteral => f.write_str("the URL holds an IP address; use a host name, or let the operator open the block in egress.allowed_cidrs"),
            Self::HostNotPublic => f.write_str("the host name is not a public one; use a public name, or let the operator open its block in egress.allowed_cidrs"),
            Self::OwnHost => f.write_str("the host is this service itself; use the host of your own server"),
            Self::Address(class) => {
                write!(f, "the host leads to a closed address block ({class}); use a public host, or let the operator open its block in egress.allowed_cidrs")
            }
            Self::NoAddress => f.write_str("the host name has no address; check its DNS records"),
        }
    }
}

impl core::error::Error for UrlRefusal {}

/// A URL that passed the rules. Its Debug output shows the host only: paths and queries of webhooks carry secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct WebUrl {
    url: Url,
    host: WebHost,
    only_opened: Option<UrlRefusal>,
}

/// The host of a checked URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebHost {
    /// A name, in lower case, without a trailing dot.
    Name(String),
    /// An address, possible only for redirects and inside the operator's blocks.
    Literal(IpAddr),
}

impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebUrl").field("host", &self.host).finish_non_exhaustive()
    }
}

impl WebUrl {
    /// Checks a text by the rules for its kind.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(text: &str, kind: UrlKind, policy: &UrlPolicy) -> Result<Self, UrlRefusal> {
        let url = parse(text)?;
        check_scheme(&url, kind, policy)?;
        if !url.username().is_empty() || url.password().is_some() || authority_of(text).contains('@') {
            return Err(UrlRefusal::Userinfo);
        }
        let host = host_of(&url)?;
        if matches!(kind, UrlKind::Redirect) {
            return Ok(Self { url, host, only_opened: None });
        }
        if url.fragment().is_some() {
            return Err(UrlRefusal::Fragment);
        }
        let only_opened = match &host {
            WebHost::Literal(ip) => {
                check_literal(*ip, policy)?;
                None
            }
            WebHost::Name(name) => check_name(name, &url, policy)?,
        };
        Ok(Self { url, host, only_opened })
    }

    /// Judges the addresses that the name resolved to. All of them must be open: one closed address refuses the set.
    ///
    /// # Errors
    /// The class of the first closed address, or the rule that only an opened block would have lifted.
    pub fn judge(&self, addresses: &[IpAddr], policy: &UrlPolicy) -> Result<(), UrlRefusal> {
        if addresses.is_empty() {
            return Err(self.only_opened.unwrap_or(UrlRefusal::NoAddress));
        }
        for ip in addresses {
            let judged = policy.addresses.judge(*ip);
            if !judged.is_allowed() {
                return Err(UrlRefusal::Address(judged.class));
            }
            if let Some(refusal) = self.only_opened
                && !judged.opened
            {
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// What to do when the name does not resolve at registration: a public-looking URL is accepted, one that only an opened block
    /// makes acceptable is not.
    ///
    /// # Errors
    /// The rule that the URL breaks unless its addresses are opened.
    pub fn judge_unresolved(&self) -> Result<(), UrlRefusal> {
        self.only_opened.map_or(Ok(()), Err)
    }

    /// The canonical text. It may carry secrets in path and query: store it encrypted, never log it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// True for https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &WebHost {
        &self.host
    }

    /// The host as written in a `Host` header and in messages, brackets around IPv6, no port.
    #[must_use]
    pub fn host_text(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, that of the scheme when none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    /// Path and query, as sent in the request line.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// Value of the `Host` header: host, and the port when it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.url[url::Position::BeforeHost..url::Position::AfterPort]
    }
}

/// Names that mean the machine itself, without any look-up.
#[must_use]
pub fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn parse(text: &str) -> Result<Url, UrlRefusal> {
    if text.len() > WEB_URL_MAX_BYTES {
        return Err(UrlRefusal::TooLong);
    }
    if text.chars().any(is_forbidden) {
        return Err(UrlRefusal::ForbiddenCharacter);
    }
    let url = Url::parse(text).map_err(|_| UrlRefusal::Malformed)?;
    // The parser forgives `https:host` and `https:///host`; other readers of the same text do not agree with it about the host.
    let after_scheme = text.split_once(':').map_or("", |(_scheme, rest)| rest);
    if matches!(url.scheme(), "http" | "https") {
        match after_scheme.strip_prefix("//") {
            Some(rest) if !rest.starts_with('/') => {}
            _ => return Err(UrlRefusal::Malformed),
        }
    }
    Ok(url)
}

fn is_forbidden(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || c == '\\'
        || matches!(c, '\u{00ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn authority_of(text: &str) -> &str {
    let rest = text.split_once("//").map_or("", |(_scheme, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn check_scheme(url: &Url, kind: UrlKind, policy: &UrlPolicy) -> Result<(), UrlRefusal> {
    match url.scheme() {
        "https" => Ok(()),
        "http" => {
            let allowed = !policy.live && (matches!(kind, UrlKind::Redirect) || policy.allow_http);
            if allowed { Ok(()) } else { Err(UrlRefusal::HttpsRequired) }
        }
        _ => Err(UrlRefusal::Scheme),
    }
}

fn host_of(url: &Url) -> Result<WebHost, UrlRefusal> {
    match url.host() {
        Some(Host::Ipv4(v4)) => Ok(WebHost::Literal(IpAddr::V4(v4))),
        Some(Host::Ipv6(v6)) => Ok(WebHost::Literal(IpAddr::V6(v6))),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let empty_label = name.split('.').any(str::is_empty);
            if empty_label { Err(UrlRefusal::Malformed) } else { Ok(WebHost::Name(name.to_ascii_lowercase())) }
        }
        None => Err(UrlRefusal::Malformed),
    }
}

fn check_literal(ip: IpAddr, policy: &UrlPolicy) -> Result<(), UrlRefusal> {
    let judged = policy.addresses.judge(ip);
    match (judged.is_allowed(), judged.opened) {
        (true, true) => Ok(()),
        (true, false) => Err(UrlRefusal::IpLiteral),
        (false, _) => Err(UrlRefusal::Address(judged.class)),
    }
}

/// `Ok(None)`: the name is fine for everybody. `Ok(Some(refusal))`: fine only if all of its addresses are opened by the operator.
fn check_name(name: &str, url: &Url, policy: &UrlPolicy) -> Result<Option<UrlRefusal>, UrlRefusal> {
    let Some(refusal) = name_rule(name, url, policy) else { return Ok(None) };
    if policy.addresses.opens_nothing() {
        return Err(refusal);
    }
    if is_localhost(name) {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        if !loopback.iter().any(|ip| policy.addresses.judge(*ip).opened) {
            return Err(refusal);
        }
    }
    Ok(Some(refusal))
}

fn name_rule(name: &str, url: &Url, policy: &UrlPolicy) -> Option<UrlRefusal> {
    const NEVER_PUBLIC: [&str; 4] = [".local", ".internal", ".localhost", ".onion"];
    if !name.contains('.') || NEVER_PUBLIC.iter().any(|suffix| name.ends_with(suffix)) {
        return Some(UrlRefusal::HostNotPublic);
    }
    if policy.own_hosts.iter().any(|own| own == name) {
        return Some(UrlRefusal::OwnHost);
    }
    let port = url.port_or_known_default().unwrap_or(0);
    let plain = port == 80 && url.scheme() == "http";
    if matches!(port, 443 | 8443) || plain || policy.extra_ports.contains(&port) {
        None
    } else {
        Some(UrlRefusal::Port)
    }
}

#[cfg(test)]
#[path = "weburl_tests.rs"]
mod tests;
