//! Rate sources on real sockets: what they send, what they don't, and how long that may take.

use core::time::Duration;

use handsel_core::limits::{BREAKER_OPENS_AFTER_FAILURES, RATE_ANSWER_MAX_BYTES};
use handsel_core::money::Currency;
use handsel_core::port::{RateError, RateSource};
use handsel_core::rate::{Pair, Ratio};
use handsel_net::rates::{JsonFeed, JsonQuote, JsonRates};

use crate::peer::{Counts, Manner, listen, short};

fn pair(code: &str) -> Pair {
    Pair::new(Currency::parse(code).unwrap(), "USDC")
}

fn feed(url: String, code: &str) -> JsonFeed {
    let quote = JsonQuote { pair: pair(code), pointer: format!("/{code}"), invert: false };
    JsonFeed { url, quotes: vec![quote], time_pointer: None }
}

async fn source(manner: Manner) -> (JsonRates, Counts) {
    let (address, counts) = listen(manner).await;
    let feed = feed(format!("http://{address}/v1/rates?key=secret"), "EUR");
    (JsonRates::new("one".to_owned(), vec![feed], short()).unwrap(), counts)
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn a_source_is_asked_for_what_it_knows() {
    let (source, counts) = source(Manner::Answer(answer("200 OK", r#"{"EUR":"1.0873"}"#))).await;
    let wanted = [pair("EUR"), pair("USD")];
    let priced = source.rates(&wanted).await.unwrap();
    assert_eq!((priced.len(), &priced[0].pair), (1, &pair("EUR")));
    assert_eq!(priced[0].ratio, Ratio::parse("1.0873").unwrap());
    assert_eq!(source.rates(&wanted[1..]).await, Ok(Vec::new()));
    assert_eq!(counts.requests(), 1, "what it doesn't know it isn't asked for");
    assert!(!format!("{source:?}").contains("secret"), "an URL may carry a key");
}

#[tokio::test]
async fn whatever_a_source_does_is_an_error_of_the_list() {
    let huge = format!(r#"{{"EUR":1,"x":"{}"}}"#, "x".repeat(RATE_ANSWER_MAX_BYTES));
    for (manner, error) in [
        (Manner::Answer(answer("503 Busy", "{}")), RateError::Unavailable("it answers with an HTTP error")),
        (Manner::Answer(answer("302 Found", r#"{"EUR":1}"#)), RateError::Unavailable("it answers with an HTTP error")),
        (Manner::Answer(answer("429 Slow", "{}")), RateError::Unavailable("it limits the rate of calls")),
        (Manner::Answer(answer("200 OK", "<html></html>")), RateError::Malformed("no JSON")),
        (Manner::Answer(answer("200 OK", &huge)), RateError::Unavailable("no answer")),
        (Manner::Flood, RateError::Unavailable("no answer")),
        (
            Manner::AnswerAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec()),
            RateError::Unavailable("no answer"),
        ),
    ] {
        let (source, _) = source(manner.clone()).await;
        assert_eq!(source.rates(&[pair("EUR")]).await, Err(error), "{manner:?}");
    }
}

#[tokio::test]
async fn a_source_that_keeps_failing_is_left_alone() {
    let (source, counts) = source(Manner::Answer(answer("500 Broken", ""))).await;
    for _ in 0..BREAKER_OPENS_AFTER_FAILURES {
        assert!(matches!(source.rates(&[pair("EUR")]).await, Err(RateError::Unavailable(_))));
    }
    assert_eq!(source.rates(&[pair("EUR")]).await, Err(RateError::Resting));
    assert_eq!(counts.requests(), BREAKER_OPENS_AFTER_FAILURES as usize);
}

#[tokio::test]
async fn silence_ends() {
    let (address, _) = listen(Manner::Drip(Duration::from_secs(1))).await;
    let source = JsonRates::new("one".to_owned(), vec![feed(format!("http://{address}"), "EUR")], short()).unwrap();
    assert_eq!(source.rates(&[pair("EUR")]).await, Err(RateError::Unavailable("no answer")));
}

#[tokio::test]
async fn one_dead_url_leaves_the_others() {
    let (alive, _) = listen(Manner::Answer(answer("200 OK", r#"{"EUR":1.1}"#))).await;
    let (dead, _) = listen(Manner::AnswerAndClose(Vec::new())).await;
    let feeds = vec![feed(format!("http://{dead}"), "USD"), feed(format!("http://{alive}"), "EUR")];
    let source = JsonRates::new("two".to_owned(), feeds, short()).unwrap();
    assert_eq!(source.rates(&[pair("USD"), pair("EUR")]).await.unwrap().len(), 1);
    assert!(JsonRates::new("none".to_owned(), vec![feed("ftp://example.org".to_owned(), "EUR")], short()).is_err());
}
