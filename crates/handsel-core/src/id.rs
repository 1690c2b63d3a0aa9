//! Typed, prefixed ids: `chk_` + 26 lower-case Crockford base32 characters of 128 bits.
//!
//! Most ids are UUIDv7 (RFC 9562 section 5.7), so that they sort by creation; some are derived from what was observed
//! (13 section 5), so that a re-scan finds the same ones again.

use crate::port::Entropy;
use crate::time::Timestamp;
use core::fmt;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 26;

/// Why a text is not the id that was wanted. The texts come from the prefix alone, never from a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdError {
    /// A known prefix of another kind of object.
    WrongType { found: &'static str, wanted: &'static str },
    /// Not an id at all.
    Malformed { wanted: &'static str },
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType { found, wanted } => write!(f, "this is the id of a {found}; a {wanted} id is wanted here"),
            Self::Malformed { wanted } => write!(f, "this is not a {wanted} id"),
        }
    }
}

impl std::error::Error for IdError {}

/// Every prefix of the API with the name of its object, also of objects that other rooms will add.
pub const PREFIXES: &[(&str, &str)] = &[
    ("acc", "account"),
    ("aud", "audit entry"),
    ("chk", "checkout"),
    ("chl", "challenge"),
    ("clm", "claim"),
    ("cns", "consent"),
    ("cus", "customer"),
    ("dlv", "delivery"),
    ("doc", "document"),
    ("dsc", "discrepancy"),
    ("end", "endpoint"),
    ("evt", "event"),
    ("exp", "export"),
    ("gol", "go-live request"),
    ("idn", "identity"),
    ("als", "alias"),
    ("inc", "incident"),
    ("inv", "invoice"),
    ("key", "API key"),
    ("pay", "payment"),
    ("pln", "plan"),
    ("plk", "payment link"),
    ("qte", "quote"),
    ("rcv", "test receiver"),
    ("rec", "reconciliation"),
    ("ref", "refund"),
    ("req", "request"),
    ("res", "resolution"),
    ("sub", "subscription"),
    ("trf", "transfer"),
    ("wal", "wallet"),
    ("whk", "webhook"),
];

fn encode(bits: u128) -> [u8; TEXT_LEN] {
    let mut out = [b'0'; TEXT_LEN];
    let mut rest = bits;
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    out
}

fn decode(text: &[u8]) -> Option<u128> {
    if text.len() != TEXT_LEN || text[0] > b'7' {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in text {
        let digit = ALPHABET.iter().position(|a| a == byte)?;
        bits = (bits << 5) | digit as u128;
    }
    Some(bits)
}

/// A UUIDv7 for `now` as 128 bits, with 74 random bits.
pub fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> u128 {
    let mut random = [0u8; 10];
    entropy.fill(&mut random);
    let mut tail = [0u8; 16];
    tail[6..].copy_from_slice(&random);
    let random = u128::from_be_bytes(tail);
    let millis = (now.millis().max(0) as u128) & 0xffff_ffff_ffff;
    let rand_a = (random >> 64) & 0xfff;
    let rand_b = random & 0x3fff_ffff_ffff_ffff;
    (millis << 80) | (7 << 76) | (rand_a << 64) | (0b10 << 62) | rand_b
}

/// Parses any id text whose prefix may be one of several kinds: gives the prefix and the bits.
pub fn split(text: &str) -> Option<(&'static str, u128)> {
    let (prefix, rest) = text.split_once('_')?;
    let known = PREFIXES.iter().find(|(p, _)| *p == prefix)?.0;
    Some((known, decode(rest.as_bytes())?))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            pub const PREFIX: &'static str = $prefix;
            pub const NOUN: &'static str = $noun;

            /// A new id that sorts by `now`.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self { Self(uuid_v7(now, entropy)) }
            /// An id derived from a digest: the same facts give the same id.
            pub fn from_digest(digest: &[u8; 32]) -> Self {
                let mut half = [0u8; 16];
                half.copy_from_slice(&digest[..16]);
                Self(u128::from_be_bytes(half))
            }
            pub const fn from_bits(bits: u128) -> Self { Self(bits) }
            pub const fn bits(self) -> u128 { self.0 }
            /// Parses the text form; a wrong prefix is told apart from nonsense.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let malformed = IdError::Malformed { wanted: $noun };
                let Some((prefix, rest)) = text.split_once('_') else { return Err(malformed) };
                if prefix != $prefix {
                    return match PREFIXES.iter().find(|(p, _)| *p == prefix) {
                        Some((_, found)) => Err(IdError::WrongType { found, wanted: $noun }),
                        None => Err(malformed),
                    };
                }
                decode(rest.as_bytes()).map(Self).ok_or(malformed)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0);
                f.write_str($prefix)?;
                f.write_str("_")?;
                f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    )*};
}

ids! {
    /// A merchant.
    AccountId = "acc", "account";
    /// One entry of the audit log.
    AuditId = "aud", "audit entry";
    /// A thing to be paid once.
    CheckoutId = "chk", "checkout";
    /// A customer of a merchant.
    CustomerId = "cus", "customer";
    /// One event on its way to one webhook.
    DeliveryId = "dlv", "delivery";
    /// What happened, numbered.
    EventId = "evt", "event";
    /// An API key (the object; the secret has a form of its own).
    ApiKeyId = "key", "API key";
    /// One observed transfer.
    PaymentId = "pay", "payment";
    /// A rate that was given, for a time.
    QuoteId = "qte", "quote";
    /// One HTTP request.
    RequestId = "req", "request";
    /// A receiver of the sandbox.
    ReceiverId = "rcv", "test receiver";
    /// A merchant's destination on a rail.
    WalletId = "wal", "wallet";
    /// A merchant's receiver of events.
    WebhookId = "whk", "webhook";
}
