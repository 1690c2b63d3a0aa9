//! Domain <-> row, one file per object. Hot and queryable members are columns, sealed ones bytes, the rest one opaque JSON
//! text through structs that nobody outside sees. A row that no Change could have written is `Corrupt`, never a panic.

pub(crate) mod account;
pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod chain;
pub(crate) mod checkout;
pub(crate) mod delivery;
pub(crate) mod event;
pub(crate) mod payment;
pub(crate) mod quote;
pub(crate) mod request;
pub(crate) mod standing;
pub(crate) mod wallet;
pub(crate) mod webhook;

use crate::value::{Row, Value};
use handsel_core::chain::Kind;
use handsel_core::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An enum's words in the database, both ways. Written out, so that renaming a variant never changes what is stored.
macro_rules! words {
    ($to:ident, $from:ident, $type:ty, $($variant:path = $word:literal),* $(,)?) => {
        pub(crate) const fn $to(value: $type) -> &'static str { match value { $($variant => $word),* } }
        pub(crate) fn $from(word: &str) -> Option<$type> { match word { $($word => Some($variant),)* _ => None } }
    };
}
pub(crate) use words;

pub(crate) type Pairs = Vec<(String, String)>;

/// The kind of chain in JSON; left out for the EVM ones, which came first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindRest {
    #[default]
    Evm,
    Tron,
}

impl KindRest {
    /// By reference, as serde asks for it.
    pub(crate) const fn is_evm(&self) -> bool {
        matches!(self, Self::Evm)
    }
}

impl From<Kind> for KindRest {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Evm => Self::Evm,
            Kind::Tron => Self::Tron,
        }
    }
}

impl From<KindRest> for Kind {
    fn from(kind: KindRest) -> Self {
        match kind {
            KindRest::Evm => Self::Evm,
            KindRest::Tron => Self::Tron,
        }
    }
}

/// The opaque JSON of a row. Our own structs always serialise; an empty text would be found as corrupt when it is read.
pub(crate) fn json(rest: &impl Serialize) -> Value<'static> {
    Value::Owned(serde_json::to_string(rest).unwrap_or_default())
}

pub(crate) const fn millis(time: Timestamp) -> Value<'static> {
    Value::Int(time.millis())
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, crate::ReadError> {
    Ok(Timestamp::from_millis(row.int(column)?))
}

pub(crate) fn maybe_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, crate::ReadError> {
    Ok(row.maybe_int(column)?.map(Timestamp::from_millis))
}

/// 128-bit amounts in JSON: decimal text, as JSON's own numbers lose digits in others' hands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Big(pub(crate) u128);

impl Serialize for Big {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Big {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map(Big).map_err(|_| serde::de::Error::custom("no amount"))
    }
}

/// Fixed bytes in JSON: lower-case hex.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        // 64 hex characters at most: no allocation for any of ours.
        let mut text = [0u8; 64];
        match text.get_mut(..N * 2).map(|slot| hex::encode_to_slice(self.0, slot)) {
            Some(Ok(())) => s.serialize_str(core::str::from_utf8(&text[..N * 2]).unwrap_or("")),
            _ => s.serialize_str(&hex::encode(self.0)),
        }
    }
}
impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        let mut bytes = [0u8; N];
        hex::decode_to_slice(text.as_bytes(), &mut bytes).map_err(|_| serde::de::Error::custom("no hex"))?;
        Ok(Self(bytes))
    }
}

/// Bytes of any length in JSON: base64.
#[derive(Debug, Clone)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        s.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use base64::Engine as _;
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_bytes());
        bytes.map(Self).map_err(|_| serde::de::Error::custom("no base64"))
    }
}
