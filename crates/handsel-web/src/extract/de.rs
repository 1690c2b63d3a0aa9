//! serde over [`Value`], with errors that keep their structure: which member, what was found, what was wanted. No error is ever
//! recognised by its text.

use super::json::{Value, pointer};
use handsel_engine::{Code, Refusal};
use serde::de::{DeserializeSeed, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::fmt;

/// Reads a shape out of a tree; what doesn't fit becomes a refusal that names the member.
pub fn from_value<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T, Refusal> {
    T::deserialize(value).map_err(Fault::into_refusal)
}

/// The known name that is nearest to what was given, where one is near enough to be meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|name| (strsim::damerau_levenshtein(given, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len().max(given.len()).div_ceil(2)).then_some(name)
}

/// `parameter_unknown` for one name, with the nearest known one.
pub fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Refusal {
    let known: Vec<&str> = known.into_iter().collect();
    let shown: String = name.chars().take(64).collect();
    let detail = match nearest(name, known.iter().copied()) {
        Some(near) => format!("\"{shown}\" is not known here; did you mean \"{near}\"?"),
        None if known.is_empty() => format!("\"{shown}\" is not known here; nothing is"),
        None => format!("\"{shown}\" is not known here; known are {}", known.join(", ")),
    };
    Refusal::new(Code::ParameterUnknown, detail)
}

/// What did not fit, and where; the steps are kept innermost first.
#[derive(Debug)]
pub struct Fault {
    steps: Vec<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unknown { name: String, known: &'static [&'static str] },
    Missing(&'static str),
    Wrong { number: bool, found: &'static str, wanted: String },
    Said(String),
}

impl Fault {
    fn of(kind: Kind) -> Self {
        Self { steps: Vec::new(), kind }
    }

    fn under(mut self, step: impl Into<String>) -> Self {
        self.steps.push(step.into());
        self
    }

    fn into_refusal(self) -> Refusal {
        let Self { steps, kind } = self;
        let path = |last: Option<&str>| pointer(steps.iter().rev().map(String::as_str).chain(last));
        match kind {
            Kind::Unknown { name, known } => unknown(&name, known.iter().copied()).at(path(Some(&name))),
            Kind::Missing(name) => {
                Refusal::new(Code::ParameterMissing, format!("\"{name}\" is required")).at(path(Some(name)))
            }
            Kind::Wrong { number: true, wanted, .. } if wanted == "a string" => {
                let detail = "a string is wanted here, not a JSON number: write \"19.99\" rather than 19.99";
                Refusal::new(Code::ParameterInvalid, detail).at(path(None))
            }
            Kind::Wrong { found, wanted, .. } => {
                Refusal::new(Code::ParameterInvalid, format!("{wanted} is wanted here, not {found}")).at(path(None))
            }
            Kind::Said(text) => Refusal::new(Code::ParameterInvalid, text).at(path(None)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Fault {}

/// JSON's word for what serde met.
fn found(met: &Unexpected<'_>) -> &'static str {
    match met {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "this number",
        Unexpected::Float(_) => "a number with a fraction or so large",
        Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "this",
    }
}

/// JSON's word for what serde wants.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let word = match text.as_str() {
        "u8" | "u16" | "u32" | "u64" => "a whole number from 0 up",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "a sequence" => "an array",
        "a map" => "an object",
        _ if text.starts_with("struct ") => "an object",
        _ => return text,
    };
    word.to_owned()
}

fn wrong(met: &Unexpected<'_>, expected: &dyn Expected) -> Fault {
    let number = matches!(met, Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_));
    Fault::of(Kind::Wrong { number, found: found(met), wanted: wanted(expected) })
}

impl Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::of(Kind::Said(text.to_string()))
    }
    fn invalid_type(met: Unexpected<'_>, expected: &dyn Expected) -> Self {
        wrong(&met, expected)
    }
    fn invalid_value(met: Unexpected<'_>, expected: &dyn Expected) -> Self {
        wrong(&met, expected)
    }
    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::of(Kind::Said(format!("{expected} is wanted here, not {length} items")))
    }
    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::of(Kind::Said(format!("this must be one of {}", known.join(", "))))
    }
    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::of(Kind::Unknown { name: name.to_owned(), known })
    }
    fn missing_field(name: &'static str) -> Self {
        Self::of(Kind::Missing(name))
    }
}

impl<'de> serde::Deserializer<'de> for &'de Value {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(text) => number(text, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items { rest: items.iter(), at: 0 }),
            Value::Object(members) => visitor.visit_map(Members { rest: members.iter(), value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if matches!(self, Value::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => Err(Fault::of(Kind::Said("a string is wanted here".to_owned()))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Fault> {
    if let Ok(value) = text.parse::<u64>() {
        return visitor.visit_u64(value);
    }
    if let Ok(value) = text.parse::<i64>() {
        return visitor.visit_i64(value);
    }
    match text.parse::<f64>() {
        Ok(value) => visitor.visit_f64(value),
        Err(_) => Err(Fault::of(Kind::Said("this number is not understood".to_owned()))),
    }
}

struct Items<'de> {
    rest: core::slice::Iter<'de, Value>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(item).map(Some).map_err(|fault| fault.under(at.to_string()))
    }
}

struct Members<'de> {
    rest: core::slice::Iter<'de, (String, Value)>,
    value: Option<&'de (String, Value)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(member) = self.rest.next() else { return Ok(None) };
        self.value = Some(member);
        let name: serde::de::value::BorrowedStrDeserializer<'_, Fault> =
            serde::de::value::BorrowedStrDeserializer::new(&member.0);
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let Some((name, value)) = self.value.take() else {
            return Err(Fault::of(Kind::Said("a value is wanted before its name".to_owned())));
        };
        seed.deserialize(value).map_err(|fault| fault.under(name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::json;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only its reading is of interest")]
        amount: String,
        #[expect(dead_code, reason = "only its reading is of interest")]
        count: Option<u8>,
        #[serde(default)]
        inner: Vec<BTreeMap<String, bool>>,
    }

    fn refused(text: &str) -> (Code, String, String) {
        let value = json::parse(text.as_bytes()).unwrap();
        let refusal = from_value::<Sample>(&value).unwrap_err();
        (refusal.code, refusal.param.unwrap_or_default(), refusal.detail.into_owned())
    }

    #[test]
    fn errors_keep_their_place_and_say_what_would_be_right() {
        let (code, at, detail) = refused(r#"{"amount":1}"#);
        assert_eq!((code, at.as_str()), (Code::ParameterInvalid, "/amount"));
        assert!(detail.contains("not a JSON number"), "{detail}");
        let (code, at, _) = refused(r#"{"count":1}"#);
        assert_eq!((code, at.as_str()), (Code::ParameterMissing, "/amount"));
        let (code, at, detail) = refused(r#"{"amount":"1","cuont":1}"#);
        assert_eq!((code, at.as_str()), (Code::ParameterUnknown, "/cuont"));
        assert!(detail.contains("did you mean \"count\""), "{detail}");
        for (text, at) in [
            (r#"{"amount":"1","count":256}"#, "/count"),
            (r#"{"amount":"1","count":-1}"#, "/count"),
            (r#"{"amount":"1","count":1.5}"#, "/count"),
            (r#"{"amount":null}"#, "/amount"),
            (r#"{"amount":"1","inner":{}}"#, "/inner"),
            (r#"{"amount":"1","inner":[{},{"a/b":1}]}"#, "/inner/1/a~1b"),
        ] {
            let (code, found, detail) = refused(text);
            assert_eq!((code, found.as_str()), (Code::ParameterInvalid, at), "{text}");
            assert!(detail.contains(" is wanted here, not "), "{detail}");
        }
    }

    #[test]
    fn what_fits_is_read() {
        let value = json::parse(br#"{"amount":"1","count":null,"inner":[{"a":true}]}"#).unwrap();
        assert!(from_value::<Sample>(&value).unwrap().inner[0]["a"]);
    }

    #[test]
    fn a_name_that_is_like_no_other_is_not_guessed() {
        assert_eq!(nearest("zzzzzz", ["amount", "count"]), None);
        assert_eq!(nearest("amonut", ["amount", "count"]), Some("amount"));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let number = prop_oneof![any::<i64>().prop_map(Into::into), any::<u64>().prop_map(serde_json::Value::from)];
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::Bool),
            number,
            // Small ones: both readers give the same bits, whatever their rounding.
            any::<i16>().prop_map(|n| serde_json::Value::from(f64::from(n))),
            any::<String>().prop_map(serde_json::Value::String),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn valid_json_is_read_as_serde_json_reads_it(value in any_json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.unwrap();
            let read: serde_json::Value = from_value(&json::parse(text.as_bytes()).unwrap()).unwrap();
            let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.to_string(), theirs.to_string());
        }

        #[test]
        fn whatever_serde_json_refuses_is_refused_and_nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let ours = json::parse(&bytes).is_ok();
            let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
            prop_assert!(theirs || !ours);
        }

        #[test]
        fn broken_documents_are_refused_alike(value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = serde_json::to_vec(&value).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let ours = json::parse(&bytes).is_ok();
            let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
            prop_assert!(theirs || !ours);
        }
    }
}
