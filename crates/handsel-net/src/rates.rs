//! Rate sources that answer JSON over HTTP: the operator names URLs, and where in the answer each pair's number stands. Numbers are
//! taken as the text that they are, never as floats; whatever a source sends becomes a rate or an error of the closed list.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use handsel_core::limits::{
    RATE_ANSWER_MAX_BYTES, RATE_CONNECT_TIMEOUT_MS, RATE_POINTER_MAX_LEVELS, RATE_TOTAL_TIMEOUT_MS,
};
use handsel_core::port::{BoxFuture, Priced, RateError, RateSource};
use handsel_core::rate::{Pair, Ratio};
use handsel_core::time::Timestamp;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::egress::{Deadlines, NamedEndpoint, NamedOptions, SetupError};
use crate::rpc::Breaker;

/// From here on a whole number of a time is milliseconds: as seconds it would be the year 5138.
const MILLIS_FROM: i64 = 100_000_000_000;

/// One URL of a source, and what stands in its answer.
#[derive(Debug, Clone)]
pub struct JsonFeed {
    /// Where it answers; GET.
    pub url: String,
    /// The pairs of the answer.
    pub quotes: Vec<JsonQuote>,
    /// JSON pointer (RFC 6901) of the time of the answer, Unix seconds or milliseconds, if it says one.
    pub time_pointer: Option<String>,
}

/// Where one pair's number stands.
#[derive(Debug, Clone)]
pub struct JsonQuote {
    /// The pair.
    pub pair: Pair,
    /// JSON pointer (RFC 6901) of a number, or of a text that holds one.
    pub pointer: String,
    /// The number is the price of the asset in the currency, not the other way round.
    pub invert: bool,
}

#[derive(Debug)]
struct Feed {
    endpoint: NamedEndpoint,
    breaker: Mutex<Breaker>,
    quotes: Vec<JsonQuote>,
    time_pointer: Option<String>,
}

/// One source with its feeds, each behind its own breaker.
#[derive(Debug)]
pub struct JsonRates {
    name: String,
    feeds: Vec<Feed>,
    started: Instant,
}

impl JsonRates {
    /// How long a source may take.
    pub const DEADLINES: Deadlines = {
        let connect = Duration::from_millis(RATE_CONNECT_TIMEOUT_MS);
        let total = Duration::from_millis(RATE_TOTAL_TIMEOUT_MS);
        Deadlines { dns: connect, connect, first_byte: total, total }
    };

    /// Takes a source as it is configured.
    ///
    /// # Errors
    /// The first URL that is none.
    pub fn new(name: String, feeds: Vec<JsonFeed>, deadlines: Deadlines) -> Result<Self, SetupError> {
        let options = NamedOptions { deadlines, ..NamedOptions::default() };
        let feed = |feed: JsonFeed| {
            let JsonFeed { url, quotes, time_pointer } = feed;
            let endpoint = NamedEndpoint::new(&url, &options)?;
            Ok(Feed { endpoint, breaker: Mutex::default(), quotes, time_pointer })
        };
        let feeds = feeds.into_iter().map(feed).collect::<Result<_, SetupError>>()?;
        Ok(Self { name, feeds, started: Instant::now() })
    }

    async fn ask(&self, feed: &Feed, wanted: &[Pair]) -> Result<Vec<Priced>, RateError> {
        let now = || self.started.elapsed();
        // No code panics while it holds the lock; if one did, the breaker would still be a valid one.
        let breaker = || feed.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if !breaker().admit(now()) {
            return Err(RateError::Resting);
        }
        let answer = feed.endpoint.get_json(RATE_ANSWER_MAX_BYTES).await;
        let read = match answer {
            Err(_) => Err(RateError::Unavailable("no answer")),
            Ok(answer) if answer.status.as_u16() == 429 => Err(RateError::Unavailable("it limits the rate of calls")),
            Ok(answer) if !answer.status.is_success() => Err(RateError::Unavailable("it answers with an HTTP error")),
            Ok(answer) => read(&answer.body, feed, wanted),
        };
        match &read {
            Ok(_) => breaker().succeeded(),
            Err(error) => {
                breaker().failed(now());
                tracing::debug!(source = %self.name, host = %feed.endpoint.label(), %error, "a rate source failed");
            }
        }
        read
    }
}

impl RateSource for JsonRates {
    fn name(&self) -> &str {
        &self.name
    }

    fn rates<'a>(&'a self, pairs: &'a [Pair]) -> BoxFuture<'a, Result<Vec<Priced>, RateError>> {
        Box::pin(async move {
            let mut all = Vec::new();
            let mut failed = None;
            for feed in self.feeds.iter().filter(|f| f.quotes.iter().any(|q| pairs.contains(&q.pair))) {
                match self.ask(feed, pairs).await {
                    Ok(priced) => all.extend(priced),
                    Err(error) => failed = Some(error),
                }
            }
            failed.filter(|_| all.is_empty()).map_or(Ok(all), Err)
        })
    }
}

fn read(body: &[u8], feed: &Feed, wanted: &[Pair]) -> Result<Vec<Priced>, RateError> {
    let whole: &RawValue = serde_json::from_slice(body).map_err(|_| RateError::Malformed("no JSON"))?;
    let as_of = match &feed.time_pointer {
        None => None,
        Some(pointer) => Some(time_at(whole, pointer)?),
    };
    let mut priced = Vec::new();
    for quote in feed.quotes.iter().filter(|quote| wanted.contains(&quote.pair)) {
        let number = at(whole, &quote.pointer).ok_or(RateError::Malformed("nothing where the pair should stand"))?;
        let ratio =
            Ratio::parse(&scalar(number)?).map_err(|_| RateError::Malformed("no rate where one should stand"))?;
        let ratio = if quote.invert { ratio.inverse() } else { ratio };
        priced.push(Priced { pair: quote.pair.clone(), ratio, as_of });
    }
    Ok(priced)
}

fn time_at(whole: &RawValue, pointer: &str) -> Result<Timestamp, RateError> {
    const WRONG: RateError = RateError::Malformed("no time where one should stand");
    let text = scalar(at(whole, pointer).ok_or(WRONG)?)?;
    // Some write 1700000000.123: whole seconds are near enough.
    let whole_part = text.split_once('.').map_or(text.as_str(), |(whole, _)| whole);
    let number: i64 = whole_part.parse().map_err(|_| WRONG)?;
    Ok(if number >= MILLIS_FROM { Timestamp::from_millis(number) } else { Timestamp::from_seconds(number) })
}

/// The text of a number, or what a text holds.
fn scalar(value: &RawValue) -> Result<String, RateError> {
    let text = value.get();
    if text.starts_with('"') {
        serde_json::from_str(text).map_err(|_| RateError::Malformed("a text that is none"))
    } else {
        Ok(text.to_owned())
    }
}

/// What a JSON pointer names.
fn at<'a>(whole: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    if pointer.is_empty() {
        return Some(whole);
    }
    let steps = pointer.strip_prefix('/')?.split('/').take(RATE_POINTER_MAX_LEVELS + 1);
    let mut value = whole;
    for (depth, step) in steps.enumerate() {
        if depth == RATE_POINTER_MAX_LEVELS {
            return None;
        }
        value = child(value, &step.replace("~1", "/").replace("~0", "~"))?;
    }
    Some(value)
}

fn child<'a>(value: &'a RawValue, step: &str) -> Option<&'a RawValue> {
    let text = value.get();
    if text.starts_with('{') {
        let mut members: BTreeMap<String, &'a RawValue> = serde_json::from_str(text).ok()?;
        members.remove(step)
    } else if text.starts_with('[') {
        let items: Vec<&'a RawValue> = serde_json::from_str(text).ok()?;
        items.get(step.parse::<usize>().ok()?).copied()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use handsel_core::money::Currency;

    fn pair(code: &str, asset: &str) -> Pair {
        Pair::new(Currency::parse(code).unwrap(), asset)
    }

    fn feed(pointer: &str, invert: bool, time_pointer: Option<&str>) -> Feed {
        Feed {
            endpoint: NamedEndpoint::new("http://127.0.0.1:9/rates", &NamedOptions::default()).unwrap(),
            breaker: Mutex::default(),
            quotes: vec![JsonQuote { pair: pair("EUR", "USDC"), pointer: pointer.to_owned(), invert }],
            time_pointer: time_pointer.map(str::to_owned),
        }
    }

    fn ratio(body: &str, pointer: &str) -> Result<Ratio, RateError> {
        Ok(read(body.as_bytes(), &feed(pointer, false, None), &[pair("EUR", "USDC")])?[0].ratio)
    }

    #[test]
    fn numbers_and_texts_are_taken_to_the_last_digit() {
        let exact = Ratio::parse("1.08730000000000001").unwrap();
        for (body, pointer) in [
            (r#"{"EUR":{"USDC":1.08730000000000001}}"#, "/EUR/USDC"),
            (r#"{"data":[{"p":"9"},{"p":"1.08730000000000001"}]}"#, "/data/1/p"),
            (r#"{"a/b":{"m~n":1.08730000000000001}}"#, "/a~1b/m~0n"),
            (r#"{"\u0045UR":0.108730000000000001e1}"#, "/EUR"),
            ("1.08730000000000001", ""),
        ] {
            assert_eq!(ratio(body, pointer), Ok(exact), "{body}");
        }
        let inverted = read(br#"{"p":4}"#, &feed("/p", true, None), &[pair("EUR", "USDC")]).unwrap();
        assert_eq!(inverted[0].ratio, Ratio::new(1, 4).unwrap());
        assert_eq!(read(br#"{"p":4}"#, &feed("/p", true, None), &[pair("USD", "USDC")]), Ok(Vec::new()));
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_rate() {
        for body in [
            "",
            "<html>502</html>",
            r#"{"EUR":"#,
            r#"{"EUR":null}"#,
            r#"{"EUR":true}"#,
            r#"{"EUR":{"USDC":1}}"#,
            r#"{"EUR":[1]}"#,
            r#"{"EUR":"one"}"#,
            r#"{"EUR":"NaN"}"#,
            r#"{"EUR":-1}"#,
            r#"{"EUR":0}"#,
            r#"{"EUR":1e999}"#,
            r#"{"USD":1}"#,
            "[1]",
            "1",
        ] {
            assert!(matches!(ratio(body, "/EUR"), Err(RateError::Malformed(_))), "{body}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(ratio(&deep, "/0/0/0").is_err());
        assert!(ratio(&deep, &"/0".repeat(RATE_POINTER_MAX_LEVELS + 1)).is_err());
    }

    #[test]
    fn the_sources_own_time_is_heard() {
        let time = |body: &str| {
            let read = read(body.as_bytes(), &feed("/p", false, Some("/t")), &[pair("EUR", "USDC")])?;
            Ok::<_, RateError>(read[0].as_of.unwrap().millis())
        };
        assert_eq!(time(r#"{"p":1,"t":1700000000}"#), Ok(1_700_000_000_000));
        assert_eq!(time(r#"{"p":1,"t":"1700000000123"}"#), Ok(1_700_000_000_123));
        assert_eq!(time(r#"{"p":1,"t":1700000000.9}"#), Ok(1_700_000_000_000));
        assert!(time(r#"{"p":1,"t":"yesterday"}"#).is_err());
        assert!(time(r#"{"p":1}"#).is_err());
    }
}
