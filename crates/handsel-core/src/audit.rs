//! The audit log: what a leaf is and how it reads as bytes. The Merkle tree over leaves (RFC 6962) is in [`merkle`], signed
//! checkpoints (C2SP) in [`note`].
//!
//! The bytes of a leaf never change meaning: proofs that were handed out are about them. A new member means a new `v`.

pub mod merkle;
pub mod note;

use crate::actor::Actor;
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::time::Timestamp;
use core::fmt;

/// One entry before it has a place in the tree. The exact bytes are [`Leaf::bytes`]; they hold neither an index nor a
/// predecessor, and no personal data: a detail is a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    pub time: Timestamp,
    pub live: bool,
    /// `us`, `eu` or `apac`: the account's home, or the server's own where there is no account.
    pub region: &'static str,
    pub actor: Actor,
    /// `checkout.create`, `api_key.revoke`, `payment.detected`, …
    pub action: String,
    /// Text id of the object, where there is one.
    pub object: Option<String>,
    pub account: Option<AccountId>,
    pub request: Option<RequestId>,
    /// `ok` or an error code.
    pub result: String,
    /// SHA-256 of what was decided, in its canonical form.
    pub detail: Option<[u8; 32]>,
}

/// Why bytes are no leaf. `audit verify` prints it beside the entry's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafError {
    /// Not UTF-8, or not the members in their order; the name says which one was looked for.
    Malformed { wanted: &'static str },
    /// Readable, but not written in the one canonical way.
    NotCanonical,
}

impl fmt::Display for LeafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { wanted } => write!(f, "the leaf has no readable {wanted} where it belongs"),
            Self::NotCanonical => f.write_str("the leaf is not in canonical form: somebody else wrote it"),
        }
    }
}
impl std::error::Error for LeafError {}

/// Regions that a leaf may name.
const REGIONS: [&str; 3] = ["us", "eu", "apac"];

impl Leaf {
    /// The canonical bytes: one JSON object without white space and with these members in this order.
    ///
    /// `{"v":1,"time":<ms>,"env":"live"|"test","region":…,"actor":…,"action":…,"object":…|null,"account":…|null,
    /// "request":…|null,"result":…,"detail":"<64 hex>"|null}`
    ///
    /// Strings are UTF-8 as they are; only `"`, `\` and U+0000–U+001F are escaped (`\"`, `\\`, `\u00xx` in lower case).
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = String::with_capacity(320);
        out.push_str("{\"v\":1,\"time\":");
        out.push_str(&self.time.millis().to_string());
        member(&mut out, "env", Some(if self.live { "live" } else { "test" }));
        member(&mut out, "region", Some(self.region));
        member(&mut out, "actor", Some(&self.actor.to_string()));
        member(&mut out, "action", Some(&self.action));
        member(&mut out, "object", self.object.as_deref());
        member(&mut out, "account", self.account.map(|a| a.to_string()).as_deref());
        member(&mut out, "request", self.request.map(|r| r.to_string()).as_deref());
        member(&mut out, "result", Some(&self.result));
        member(&mut out, "detail", self.detail.map(hex::encode).as_deref());
        out.push('}');
        out.into_bytes()
    }

    /// Reads canonical bytes back; whatever [`Leaf::bytes`] would not have written is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        let text = core::str::from_utf8(bytes).map_err(|_| LeafError::Malformed { wanted: "UTF-8 text" })?;
        let leaf = parse_members(&mut Scanner(text))?;
        if leaf.bytes() == bytes { Ok(leaf) } else { Err(LeafError::NotCanonical) }
    }
}

fn parse_members(scanner: &mut Scanner<'_>) -> Result<Leaf, LeafError> {
    scanner.literal("{\"v\":1,\"time\":", "v and time")?;
    let time = Timestamp::from_millis(scanner.integer("time")?);
    let live = match scanner.required("env")?.as_str() {
        "live" => true,
        "test" => false,
        _ => return Err(LeafError::Malformed { wanted: "env" }),
    };
    let region = scanner.required("region")?;
    let region = REGIONS.into_iter().find(|r| *r == region).ok_or(LeafError::Malformed { wanted: "region" })?;
    let actor = parse_actor(&scanner.required("actor")?).ok_or(LeafError::Malformed { wanted: "actor" })?;
    let action = scanner.required("action")?;
    let object = scanner.member("object")?;
    let account = scanner.member("account")?.map(|t| AccountId::parse(&t)).transpose();
    let account = account.map_err(|_| LeafError::Malformed { wanted: "account" })?;
    let request = scanner.member("request")?.map(|t| RequestId::parse(&t)).transpose();
    let request = request.map_err(|_| LeafError::Malformed { wanted: "request" })?;
    let result = scanner.required("result")?;
    let detail = match scanner.member("detail")? {
        None => None,
        Some(text) => {
            let mut digest = [0u8; 32];
            hex::decode_to_slice(text, &mut digest).map_err(|_| LeafError::Malformed { wanted: "detail" })?;
            Some(digest)
        }
    };
    scanner.literal("}", "end")?;
    Ok(Leaf { time, live, region, actor, action, object, account, request, result, detail })
}

fn parse_actor(text: &str) -> Option<Actor> {
    match text {
        "operator" => Some(Actor::Operator),
        "system" => Some(Actor::System),
        "payer" => Some(Actor::Payer),
        "anonymous" => Some(Actor::Anonymous),
        key => ApiKeyId::parse(key).ok().map(Actor::Key),
    }
}

fn member(out: &mut String, name: &str, value: Option<&str>) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    let Some(value) = value else {
        out.push_str("null");
        return;
    };
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads the one form that [`Leaf::bytes`] writes; what is left over stays in it.
struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    fn literal(&mut self, literal: &str, wanted: &'static str) -> Result<(), LeafError> {
        self.0 = self.0.strip_prefix(literal).ok_or(LeafError::Malformed { wanted })?;
        Ok(())
    }
    fn integer(&mut self, wanted: &'static str) -> Result<i64, LeafError> {
        let end = self.0.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits.parse().map_err(|_| LeafError::Malformed { wanted })
    }
    fn required(&mut self, name: &'static str) -> Result<String, LeafError> {
        self.member(name)?.ok_or(LeafError::Malformed { wanted: name })
    }
    fn member(&mut self, name: &'static str) -> Result<Option<String>, LeafError> {
        self.literal(",\"", name)?;
        self.literal(name, name)?;
        self.literal("\":", name)?;
        if let Some(rest) = self.0.strip_prefix("null") {
            self.0 = rest;
            return Ok(None);
        }
        self.literal("\"", name)?;
        let malformed = LeafError::Malformed { wanted: name };
        let mut value = String::new();
        let mut chars = self.0.chars();
        loop {
            match chars.next().ok_or(malformed.clone())? {
                '"' => break,
                '\\' => value.push(escaped(&mut chars).ok_or(malformed.clone())?),
                c => value.push(c),
            }
        }
        self.0 = chars.as_str();
        Ok(Some(value))
    }
}

fn escaped(chars: &mut core::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        c @ ('"' | '\\') => Some(c),
        'u' => {
            let code = chars.as_str().get(..4)?;
            let value = u32::from_str_radix(code, 16).ok()?;
            chars.nth(3)?;
            char::from_u32(value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn leaf() -> Leaf {
        Leaf {
            time: Timestamp::from_millis(1_795_601_390_123),
            live: false,
            region: "eu",
            actor: Actor::Key(ApiKeyId::from_bits(7)),
            action: "checkout.create".to_owned(),
            object: Some("chk_00000000000000000000000001".to_owned()),
            account: Some(AccountId::from_bits(2)),
            request: None,
            result: "ok".to_owned(),
            detail: Some([0xab; 32]),
        }
    }

    #[test]
    fn a_leaf_is_these_bytes_for_ever() {
        let expected = format!(
            "{{\"v\":1,\"time\":1795601390123,\"env\":\"test\",\"region\":\"eu\",\
             \"actor\":\"key_00000000000000000000000007\",\"action\":\"checkout.create\",\
             \"object\":\"chk_00000000000000000000000001\",\"account\":\"acc_00000000000000000000000002\",\
             \"request\":null,\"result\":\"ok\",\"detail\":\"{}\"}}",
            "ab".repeat(32)
        );
        assert_eq!(String::from_utf8(leaf().bytes()).unwrap(), expected);
        assert_eq!(Leaf::parse(expected.as_bytes()), Ok(leaf()));
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        let text = String::from_utf8(leaf().bytes()).unwrap();
        let upper = text.replace("abab", "ABAB");
        assert_eq!(Leaf::parse(upper.as_bytes()), Err(LeafError::NotCanonical));
        let escaped = text.replace("checkout.create", "checkout\\u002ecreate");
        assert_eq!(Leaf::parse(escaped.as_bytes()), Err(LeafError::NotCanonical));
        let time = text.replace("1795601390123", "+1795601390123");
        assert_eq!(Leaf::parse(time.as_bytes()), Err(LeafError::Malformed { wanted: "time" }));
        let spaced = text.replace(",\"env\"", ", \"env\"");
        assert_eq!(Leaf::parse(spaced.as_bytes()), Err(LeafError::Malformed { wanted: "env" }));
        let longer = format!("{text} ");
        assert_eq!(Leaf::parse(longer.as_bytes()), Err(LeafError::NotCanonical));
        assert_eq!(Leaf::parse(&text.as_bytes()[..40]), Err(LeafError::Malformed { wanted: "region" }));
        assert_eq!(Leaf::parse(b"\xff"), Err(LeafError::Malformed { wanted: "UTF-8 text" }));
    }

    proptest! {
        #[test]
        fn any_leaf_round_trips(
            time in any::<i64>(), live: bool, region in 0usize..3, actor in 0usize..5, action in any::<String>(),
            object in any::<Option<String>>(), account in any::<Option<u128>>(), request in any::<Option<u128>>(),
            result in any::<String>(), detail in any::<Option<[u8; 32]>>(), key: u128,
        ) {
            let actors =
                [Actor::Key(ApiKeyId::from_bits(key)), Actor::Operator, Actor::System, Actor::Payer, Actor::Anonymous];
            let leaf = Leaf {
                time: Timestamp::from_millis(time), live, region: REGIONS[region], actor: actors[actor], action, object,
                account: account.map(AccountId::from_bits), request: request.map(RequestId::from_bits), result, detail,
            };
            prop_assert_eq!(Leaf::parse(&leaf.bytes()), Ok(leaf));
        }

        #[test]
        fn nonsense_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..300) {
            let _ = Leaf::parse(&bytes);
            let mut mixed = leaf().bytes();
            mixed.truncate(cut);
            mixed.extend(bytes);
            prop_assert!(Leaf::parse(&mixed).is_err() || cut >= leaf().bytes().len());
        }
    }
}
