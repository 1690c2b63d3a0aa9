//! The table of addresses that a merchant's URL may lead to: default deny.
//!
//! IPv4 loses every special block; IPv6 keeps only the global unicast block minus its special parts. Every other notation (mapped,
//! compatible, translated, NAT64, 6to4, Teredo, site-local …) falls out of that. The operator may open blocks by name; the metadata
//! services of clouds stay closed even then, in every notation that can carry them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

/// What the table says about one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A connection may be made.
    Allow,
    /// No connection may be made.
    Block,
}

impl Verdict {
    /// `allow` or `block`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
}

/// The kind of block an address lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Reachable by everybody.
    Public,
    /// Where a cloud answers with the credentials of its machines. Never opened.
    Metadata,
    /// "This host", `0.0.0.0/8` and `::`.
    Unspecified,
    /// The machine itself.
    Loopback,
    /// RFC 1918.
    Private,
    /// RFC 6598, between a provider and its customers.
    SharedCarrier,
    /// `169.254/16` and `fe80::/10`.
    LinkLocal,
    /// `fec0::/10`, deprecated but still routed in places.
    SiteLocal,
    /// `fc00::/7`.
    UniqueLocal,
    /// Blocks kept for protocols: `192.0.0.0/24`, `2001::/23` without Teredo.
    ProtocolAssignment,
    /// Blocks for examples in texts.
    Documentation,
    /// `198.18/15`, measuring devices.
    Benchmarking,
    /// AS112 sinks and AMT relays.
    SpecialService,
    /// `192.88.99/24`, the old 6to4 relays.
    RelayAnycast,
    /// Multicast.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// An IPv4 address inside IPv6: `::ffff:0:0/96`.
    Mapped,
    /// An IPv4 address inside IPv6, the first notation: `::/96`.
    Compatible,
    /// An IPv4 address inside IPv6, stateless translation: `::ffff:0:0:0/96`.
    Translated,
    /// `64:ff9b::/96` and `64:ff9b:1::/48`.
    Nat64,
    /// `2002::/16`.
    SixToFour,
    /// `2001::/32`.
    Teredo,
    /// `100::/64`, thrown away by routers.
    Discard,
    /// `5f00::/16`.
    SegmentRouting,
    /// Not given out for use on the public network.
    Reserved,
    /// The text is no address at all.
    NotAnAddress,
}

impl AddressClass {
    /// The class as a lower-case word, stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Metadata => "metadata",
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::SharedCarrier => "shared_carrier",
            Self::LinkLocal => "link_local",
            Self::SiteLocal => "site_local",
            Self::UniqueLocal => "unique_local",
            Self::ProtocolAssignment => "protocol_assignment",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::SpecialService => "special_service",
            Self::RelayAnycast => "relay_anycast",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Mapped => "ipv4_mapped",
            Self::Compatible => "ipv4_compatible",
            Self::Translated => "ipv4_translated",
            Self::Nat64 => "nat64",
            Self::SixToFour => "6to4",
            Self::Teredo => "teredo",
            Self::Discard => "discard",
            Self::SegmentRouting => "segment_routing",
            Self::Reserved => "reserved",
            Self::NotAnAddress => "not_an_address",
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer about one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// Whether a connection may be made.
    pub verdict: Verdict,
    /// The block that the address lies in.
    pub class: AddressClass,
    /// True when only the operator's list makes it reachable (or would: a public address inside the list is opened too).
    pub opened: bool,
}

impl Judgement {
    const fn blocked(class: AddressClass) -> Self {
        Self { verdict: Verdict::Block, class, opened: false }
    }

    /// True when a connection may be made.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allow)
    }
}

/// Why the operator's list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyError {
    /// An entry of `egress.allowed_cidrs`, by its position from 0.
    AllowedCidr(usize),
    /// An entry of `egress.nat64_prefixes`, by its position from 0.
    Nat64Prefix(usize),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllowedCidr(at) => write!(
                f,
                "egress.allowed_cidrs[{at}] is no address block; write it as 10.1.0.0/16, ::1/128 or as one address"
            ),
            Self::Nat64Prefix(at) => {
                write!(f, "egress.nat64_prefixes[{at}] is no IPv6 prefix of length 32, 40, 48, 56, 64 or 96")
            }
        }
    }
}

impl core::error::Error for PolicyError {}

/// The operator's part of the table: blocks opened by name, and the prefixes of his own NAT64.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
    nat64: Vec<Ipv6Net>,
}

impl AddressPolicy {
    /// The table as it is without any configuration.
    #[must_use]
    pub const fn strict() -> Self {
        Self { allowed: Vec::new(), nat64: Vec::new() }
    }

    /// Reads `egress.allowed_cidrs` and `egress.nat64_prefixes`. A bare address is a block of one.
    ///
    /// # Errors
    /// The first entry that is no block, by its position.
    pub fn from_texts<A: AsRef<str>, N: AsRef<str>>(allowed: &[A], nat64: &[N]) -> Result<Self, PolicyError> {
        let mut policy = Self::strict();
        for (at, text) in allowed.iter().enumerate() {
            policy.allowed.push(parse_block(text.as_ref()).ok_or(PolicyError::AllowedCidr(at))?);
        }
        for (at, text) in nat64.iter().enumerate() {
            let net: Ipv6Net = text.as_ref().trim().parse().map_err(|_| PolicyError::Nat64Prefix(at))?;
            if !matches!(net.prefix_len(), 32 | 40 | 48 | 56 | 64 | 96) {
                return Err(PolicyError::Nat64Prefix(at));
            }
            policy.nat64.push(net);
        }
        Ok(policy)
    }

    /// True when the operator opened no block.
    #[must_use]
    pub fn opens_nothing(&self) -> bool {
        self.allowed.is_empty()
    }

    /// Judges one address as it is written, without turning mapped forms into IPv4: a list that opens `127.0.0.0/8` does not open
    /// `::ffff:127.0.0.1`.
    #[must_use]
    pub fn judge(&self, ip: IpAddr) -> Judgement {
        if carries_metadata(ip, &self.nat64) {
            return Judgement::blocked(AddressClass::Metadata);
        }
        let class = classify(ip);
        if self.allowed.iter().any(|net| net.contains(&ip)) {
            return Judgement { verdict: Verdict::Allow, class, opened: true };
        }
        if let IpAddr::V6(v6) = ip
            && let Some(net) = self.nat64.iter().find(|net| net.contains(&v6))
        {
            return self.judge(IpAddr::V4(translated(v6, net.prefix_len())));
        }
        match class {
            AddressClass::Public => Judgement { verdict: Verdict::Allow, class, opened: false },
            other => Judgement::blocked(other),
        }
    }

    /// Judges an address in any notation that a URL parser would take: brackets, zone, decimal, octal, hexadecimal, short forms.
    /// What is no address is blocked.
    #[must_use]
    pub fn judge_text(&self, text: &str) -> Judgement {
        parse_any_notation(text).map_or(Judgement::blocked(AddressClass::NotAnAddress), |ip| self.judge(ip))
    }
}

/// The class of an address by the fixed table alone, metadata services included.
#[must_use]
pub fn classify(ip: IpAddr) -> AddressClass {
    if carries_metadata(ip, &[]) {
        return AddressClass::Metadata;
    }
    match ip {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

/// Reads an address in any notation that a URL parser would take as a host. A zone (`%eth0`) is dropped: it never makes an address
/// more public.
#[must_use]
pub fn parse_any_notation(text: &str) -> Option<IpAddr> {
    let bare = text.trim();
    let bare = bare.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(bare);
    let bare = bare.split_once('%').map_or(bare, |(address, _zone)| address);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Some(ip);
    }
    match url::Host::parse(bare).ok()? {
        url::Host::Ipv4(v4) => Some(IpAddr::V4(v4)),
        url::Host::Ipv6(v6) => Some(IpAddr::V6(v6)),
        url::Host::Domain(_) => None,
    }
}

fn parse_block(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn classify_v4(ip: Ipv4Addr) -> AddressClass {
    match ip.octets() {
        [0, ..] => AddressClass::Unspecified,
        [10, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::SharedCarrier,
        [127, ..] => AddressClass::Loopback,
        [169, 254, ..] => AddressClass::LinkLocal,
        [172, 16..=31, ..] => AddressClass::Private,
        [192, 0, 0, _] => AddressClass::ProtocolAssignment,
        [192, 0, 2, _] => AddressClass::Documentation,
        [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => AddressClass::SpecialService,
        [192, 88, 99, _] => AddressClass::RelayAnycast,
        [192, 168, ..] => AddressClass::Private,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [224..=239, ..] => AddressClass::Multicast,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> AddressClass {
    let s = ip.segments();
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        [0, 0, 0, 0, 0, 0xffff, ..] => AddressClass::Mapped,
        [0, 0, 0, 0, 0, 0, ..] => AddressClass::Compatible,
        [0, 0, 0, 0, 0xffff, 0, ..] => AddressClass::Translated,
        [0x0064, 0xff9b, 0, 0, 0, 0, ..] | [0x0064, 0xff9b, 1, ..] => AddressClass::Nat64,
        [0x0100, 0, 0, 0 | 1, ..] => AddressClass::Discard,
        [0x2001, 0, ..] => AddressClass::Teredo,
        [0x2001, 0x0db8, ..] => AddressClass::Documentation,
        [0x2001, second, ..] if second < 0x0200 => AddressClass::ProtocolAssignment,
        [0x2002, ..] => AddressClass::SixToFour,
        [0x3fff, second, ..] if second < 0x1000 => AddressClass::Documentation,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        [0x5f00, ..] => AddressClass::SegmentRouting,
        [0xfc00..=0xfdff, ..] => AddressClass::UniqueLocal,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xfec0..=0xfeff, ..] => AddressClass::SiteLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        _ => AddressClass::Reserved,
    }
}

/// The clouds' metadata and credential services. The third of them looks like any public address.
const METADATA_V4: [Ipv4Addr; 7] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(169, 254, 42, 42),
    Ipv4Addr::new(192, 0, 0, 192),
];

const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042),
];

fn carries_metadata(ip: IpAddr, nat64: &[Ipv6Net]) -> bool {
    match ip {
        IpAddr::V4(v4) => METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => {
            METADATA_V6.contains(&v6)
                || embedded_v4(v6).iter().any(|inner| METADATA_V4.contains(inner))
                || nat64
                    .iter()
                    .filter(|net| net.contains(&v6))
                    .any(|net| METADATA_V4.contains(&translated(v6, net.prefix_len())))
        }
    }
}

/// Every IPv4 address that some router or stack may read out of this IPv6 address. The tail is read whatever the prefix, since any
/// operator may run a translator or a tunnel under a prefix of his own (ISATAP does so too).
fn embedded_v4(ip: Ipv6Addr) -> [Ipv4Addr; 7] {
    let o = ip.octets();
    [
        Ipv4Addr::new(o[12], o[13], o[14], o[15]),
        Ipv4Addr::new(!o[12], !o[13], !o[14], !o[15]),
        Ipv4Addr::new(o[2], o[3], o[4], o[5]),
        Ipv4Addr::new(o[4], o[5], o[6], o[7]),
        translated(ip, 48),
        translated(ip, 56),
        translated(ip, 64),
    ]
}

/// The IPv4 address inside a NAT64 address with a prefix of this length (RFC 6052: octet 8 is skipped).
fn translated(ip: Ipv6Addr, prefix_len: u8) -> Ipv4Addr {
    let o = ip.octets();
    match prefix_len {
        32 => Ipv4Addr::new(o[4], o[5], o[6], o[7]),
        40 => Ipv4Addr::new(o[5], o[6], o[7], o[9]),
        48 => Ipv4Addr::new(o[6], o[7], o[9], o[10]),
        56 => Ipv4Addr::new(o[7], o[9], o[10], o[11]),
        64 => Ipv4Addr::new(o[9], o[10], o[11], o[12]),
        _ => Ipv4Addr::new(o[12], o[13], o[14], o[15]),
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
