//! Query strings (WHATWG `application/x-www-form-urlencoded`), read strictly: unknown and repeated parameters are refused.

use super::de::unknown;
use handsel_core::limits::{EXPAND_MAX_ENTRIES, EXPAND_MAX_LEVELS};
use handsel_engine::{Code, Refusal};

/// A parsed query; whoever reads a parameter takes it out, and [`Query::finish`] refuses what is left.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

fn invalid(name: &str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::ParameterInvalid, detail).at(name)
}

impl Query {
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let mut pairs = Vec::new();
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let bad = || invalid("query", "the query is not percent-encoded UTF-8");
            pairs.push((decode(name).ok_or_else(bad)?, decode(value).ok_or_else(bad)?));
        }
        Ok(Self { pairs, known: Vec::new() })
    }

    /// Every decoded value and name, for the search for leaked keys.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()])
    }

    /// The one value of a parameter.
    pub fn take(&mut self, name: &'static str) -> Result<Option<String>, Refusal> {
        self.known.push(name);
        let mut found = self.pairs.extract_if(.., |(n, _)| n == name).map(|(_, value)| value);
        let first = found.next();
        if found.count() > 0 {
            return Err(invalid(name, format!("{name} is there more than once; send it once")));
        }
        Ok(first)
    }

    /// Parameters of the form `name[key]`, each key once.
    pub fn take_map(&mut self, name: &'static str) -> Result<Vec<(String, String)>, Refusal> {
        let key = |full: &str| {
            full.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('['))
                .and_then(|rest| rest.strip_suffix(']'))
                .map(str::to_owned)
        };
        let mut out: Vec<(String, String)> = Vec::new();
        for (full, value) in self.pairs.extract_if(.., |(full, _)| key(full).is_some()) {
            let key = key(&full).unwrap_or_default();
            if key.is_empty() || out.iter().any(|(seen, _)| *seen == key) {
                return Err(invalid(&full, format!("write {name}[key] once for each key")));
            }
            out.push((key, value));
        }
        Ok(out)
    }

    /// Every `name[]`.
    pub fn take_all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        self.pairs.extract_if(.., |(n, _)| n == name).map(|(_, value)| value).collect()
    }

    /// A whole number within bounds.
    pub fn take_number<T>(&mut self, name: &'static str, min: T, max: T) -> Result<Option<T>, Refusal>
    where
        T: core::str::FromStr + PartialOrd + core::fmt::Display,
    {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<T>() {
            Ok(value) if plain && value >= min && value <= max => Ok(Some(value)),
            _ => Err(invalid(name, format!("{name} must be a whole number from {min} to {max}"))),
        }
    }

    /// `true` or `false`; absent is false.
    pub fn take_flag(&mut self, name: &'static str) -> Result<bool, Refusal> {
        match self.take(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(name, format!("{name} must be true or false"))),
        }
    }

    /// `expand[]`: every path must be one of `allowed` (in lists also behind `data.`).
    pub fn take_expand(&mut self, allowed: &[&'static str], in_list: bool) -> Result<Vec<String>, Refusal> {
        const NAME: &str = "expand[]";
        let asked = self.take_all(NAME);
        if asked.len() > EXPAND_MAX_ENTRIES {
            return Err(invalid(NAME, format!("at most {EXPAND_MAX_ENTRIES} members can be expanded at once")));
        }
        let mut out: Vec<String> = Vec::new();
        for path in asked {
            if path.split('.').count() > EXPAND_MAX_LEVELS {
                return Err(invalid(NAME, format!("members can be expanded {EXPAND_MAX_LEVELS} levels deep at most")));
            }
            let bare = if in_list { path.strip_prefix("data.").unwrap_or(&path) } else { &path };
            if !allowed.contains(&bare) {
                let mut refusal = unknown(&path, allowed.iter().copied()).at(NAME);
                refusal.code = Code::ParameterInvalid;
                return Err(refusal);
            }
            if !out.iter().any(|seen| seen == bare) {
                out.push(bare.to_owned());
            }
        }
        Ok(out)
    }

    /// Refuses the first parameter that nobody took.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(unknown(name, self.known).at(name.as_str())),
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let (high, low) = (bytes.next()?, bytes.next()?);
                let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                out.push((digit(high)? << 4) | digit(low)?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_nobody_took_is_refused_with_the_nearest_name() {
        let mut query = Query::parse("limti=5").unwrap();
        assert_eq!(query.take("limit").unwrap(), None);
        let refusal = query.finish().unwrap_err();
        assert_eq!(refusal.code, Code::ParameterUnknown);
        assert_eq!(refusal.param.as_deref(), Some("limti"));
        assert!(refusal.detail.contains("\"limit\""), "{}", refusal.detail);
    }

    #[test]
    fn brackets_are_read_also_when_encoded() {
        let mut query = Query::parse("metadata%5Border%5D=a%2Bb+c&created[gte]=5").unwrap();
        assert_eq!(query.take_map("metadata").unwrap(), [("order".to_owned(), "a+b c".to_owned())]);
        assert_eq!(query.take_map("created").unwrap(), [("gte".to_owned(), "5".to_owned())]);
        query.finish().unwrap();
    }

    #[test]
    fn repeats_bad_encoding_and_bad_numbers_are_refused() {
        assert!(Query::parse("a=%zz").is_err());
        assert!(Query::parse("a=%ff").is_err());
        assert!(Query::parse("a=1&a=2").unwrap().take("a").is_err());
        for bad in ["0", "101", "+5", "-1", "1.5", "", "x"] {
            let mut query = Query::parse(&format!("limit={}", bad.replace('+', "%2B"))).unwrap();
            assert!(query.take_number::<u32>("limit", 1, 100).is_err(), "{bad}");
        }
    }

    #[test]
    fn expand_is_bounded_and_known() {
        let allowed = &["payments"];
        let many = vec!["expand[]=payments"; EXPAND_MAX_ENTRIES + 1].join("&");
        assert!(Query::parse(&many).unwrap().take_expand(allowed, false).is_err());
        assert!(Query::parse("expand[]=a.b.c.d.e").unwrap().take_expand(allowed, false).is_err());
        assert!(Query::parse("expand[]=paymets").unwrap().take_expand(allowed, false).is_err());
        assert!(Query::parse("expand[]=data.payments").unwrap().take_expand(allowed, false).is_err());
        assert_eq!(Query::parse("expand[]=data.payments").unwrap().take_expand(allowed, true).unwrap(), ["payments"]);
    }
}
