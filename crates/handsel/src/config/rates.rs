//! `[rates]`: sources of exchange rates, and what becomes of a coin that is off its peg.

use super::ConfigError;
use super::chains::{missing, only, text};
use super::source::Source;
use handsel_core::money::Currency;
use handsel_core::rate::{Pair, PegPolicy};
use handsel_core::secret::SecretText;
use toml::{Table, Value};

const SOURCE_KEYS: &[&str] = &["name", "url", "time_pointer", "pairs"];
const PAIR_KEYS: &[&str] = &["from", "to", "pointer", "invert", "url"];

/// What the operator set about rates.
#[derive(Debug, Default)]
pub struct Rates {
    pub sources: Vec<RateSource>,
    pub peg_policy: PegPolicy,
}

/// One source: its name, and its pairs.
#[derive(Debug, Clone)]
pub struct RateSource {
    pub name: String,
    pub time_pointer: Option<String>,
    pub pairs: Vec<RatePair>,
}

/// Where one pair's number stands. An URL may carry a key.
#[derive(Debug, Clone)]
pub struct RatePair {
    pub pair: Pair,
    pub url: SecretText,
    pub pointer: String,
    pub invert: bool,
}

pub(super) fn read(source: &mut Source) -> Result<Rates, ConfigError> {
    let peg_policy = match source.text("rates.peg_policy")?.as_deref() {
        None | Some("block") => PegPolicy::Block,
        Some("reprice") => PegPolicy::Reprice,
        Some("accept") => PegPolicy::Accept,
        Some(_) => return Err(ConfigError::new("rates.peg_policy", "must be block, reprice or accept")),
    };
    let mut sources: Vec<RateSource> = Vec::new();
    for (index, table) in source.tables("rates.sources")?.iter().enumerate() {
        let at = format!("rates.sources[{index}]");
        let new = one(table, &at)?;
        if sources.iter().any(|known| known.name == new.name) {
            return Err(ConfigError::new(format!("{at}.name"), "is given twice: each source has one voice"));
        }
        sources.push(new);
    }
    Ok(Rates { sources, peg_policy })
}

fn one(table: &Table, at: &str) -> Result<RateSource, ConfigError> {
    only(table, at, SOURCE_KEYS)?;
    let name = text(table, at, "name")?.ok_or_else(|| missing(at, "name", "how quotes name it"))?;
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ConfigError::new(format!("{at}.name"), "must be 1 to 64 visible ASCII characters"));
    }
    let url = text(table, at, "url")?;
    let key = format!("{at}.pairs");
    let wrong = || ConfigError::new(&key, "must be a list of {from, to, pointer}");
    let items = table.get("pairs").and_then(Value::as_array).ok_or_else(wrong)?;
    let mut pairs: Vec<RatePair> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("{key}[{index}]");
        let new = pair(item.as_table().ok_or_else(wrong)?, &at, url.as_deref())?;
        if pairs.iter().any(|known| known.pair == new.pair) {
            return Err(ConfigError::new(at, "names a pair twice"));
        }
        pairs.push(new);
    }
    Ok(RateSource { name, time_pointer: pointer(table, at, "time_pointer")?, pairs })
}

fn pair(table: &Table, at: &str, url: Option<&str>) -> Result<RatePair, ConfigError> {
    only(table, at, PAIR_KEYS)?;
    let from = text(table, at, "from")?.ok_or_else(|| missing(at, "from", "a currency such as EUR"))?;
    let from =
        Currency::parse(&from).ok_or_else(|| ConfigError::new(format!("{at}.from"), "is no currency such as EUR"))?;
    let to = text(table, at, "to")?.ok_or_else(|| missing(at, "to", "an asset such as USDC"))?;
    let own = text(table, at, "url")?;
    let url = own.as_deref().or(url).ok_or_else(|| missing(at, "url", "here or at its source"))?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(ConfigError::new(format!("{at}.url"), "must be an http:// or https:// URL"));
    }
    let pointer = pointer(table, at, "pointer")?.ok_or_else(|| missing(at, "pointer", "such as /data/EUR/USDC"))?;
    let invert = match table.get("invert") {
        None => false,
        Some(Value::Boolean(invert)) => *invert,
        Some(_) => return Err(ConfigError::new(format!("{at}.invert"), "must be true or false")),
    };
    Ok(RatePair { pair: Pair::new(from, to), url: SecretText::new(url), pointer, invert })
}

/// A JSON pointer (RFC 6901); the empty one is the whole answer.
fn pointer(table: &Table, at: &str, key: &str) -> Result<Option<String>, ConfigError> {
    let pointer = text(table, at, key)?;
    match pointer.as_deref() {
        Some(text) if !text.is_empty() && !text.starts_with('/') => {
            Err(ConfigError::new(format!("{at}.{key}"), "must be a JSON pointer such as /data/EUR/USDC"))
        }
        _ => Ok(pointer),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::config::{Config, Verb};

    const SOURCE: &str = r#"
        [rates]
        peg_policy = "reprice"
        [[rates.sources]]
        name = "one"
        url = "https://rates.example/v1?key=k"
        time_pointer = "/time"
        pairs = [
            { from = "EUR", to = "USDC", pointer = "/data/EUR" },
            { from = "USD", to = "ETH", pointer = "/eth", invert = true, url = "https://rates.example/eth" },
        ]
    "#;

    fn read(text: &str) -> Result<Rates, ConfigError> {
        Config::read(Verb::Dev { port: 0 }, Some(text), &[]).map(|config| config.rates)
    }

    #[test]
    fn sources_are_named_with_their_pairs() {
        let rates = read(SOURCE).unwrap();
        assert_eq!(rates.peg_policy, PegPolicy::Reprice);
        let [source] = &rates.sources[..] else { panic!("one source") };
        let [euro, coin] = &source.pairs[..] else { panic!("two pairs") };
        assert_eq!(
            (euro.pair.to_string(), euro.url.expose()),
            ("EUR/USDC".to_owned(), "https://rates.example/v1?key=k")
        );
        assert_eq!((coin.invert, coin.url.expose()), (true, "https://rates.example/eth"));
        assert!(read("").unwrap().sources.is_empty());
        assert!(!format!("{rates:?}").contains("key=k"), "an URL may carry a key");
    }

    #[test]
    fn what_is_wrong_says_what_would_be_right() {
        let twice = format!("{SOURCE}{}", SOURCE.split("peg_policy = \"reprice\"").nth(1).unwrap());
        for (text, key, hint) in [
            (SOURCE.replace("reprice", "ignore"), "rates.peg_policy", "block, reprice or accept"),
            (
                SOURCE.replace("time_pointer", "time_ponter"),
                "rates.sources[0].time_ponter",
                "did you mean time_pointer",
            ),
            (SOURCE.replace("\"EUR\"", "\"EURO\""), "rates.sources[0].pairs[0].from", "EUR"),
            (SOURCE.replace("/data/EUR", "data.EUR"), "rates.sources[0].pairs[0].pointer", "JSON pointer"),
            (SOURCE.replace("https://rates.example/eth", "ftp://x"), "rates.sources[0].pairs[1].url", "https://"),
            (SOURCE.replace("\"ETH\"", "\"USDC\"").replace("\"USD\"", "\"EUR\""), "rates.sources[0].pairs[1]", "twice"),
            (twice, "rates.sources[1].name", "twice"),
        ] {
            let error = read(&text).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert!(error.problem.contains(hint), "{error}");
        }
    }
}
