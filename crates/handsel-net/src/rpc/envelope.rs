//! The outer form of an answer, read in one pass together with the result inside it.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::error::{NodeRefusal, RpcError, classify};

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Envelope<'a, T> {
    #[serde(default)]
    id: Option<Id>,
    /// The outer Option: whether the field is there; the inner: whether it is null.
    #[serde(default = "absent", deserialize_with = "present")]
    result: Option<Option<T>>,
    #[serde(default, borrow)]
    error: Option<NodeError<'a>>,
    /// Outside of JSON-RPC: how java-tron's gateways say that the rate limit is reached, with HTTP status 200.
    #[serde(default, rename = "Error")]
    outside: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct NodeError<'a> {
    code: i64,
    #[serde(default, borrow)]
    message: Cow<'a, str>,
}

/// Nodes answer an unreadable request with a null id; some with a text. Only our number is right.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Ours(u64),
    Other(IgnoredAny),
}

const fn absent<T>() -> Option<Option<T>> {
    None
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// Reads one answer to the call `id`, in one pass. `Ok(None)` is a null result.
///
/// # Errors
/// When it is no answer to that call, or the node refused.
pub fn read_single<'de, T: Deserialize<'de>>(body: &'de [u8], id: u64) -> Result<Option<T>, RpcError> {
    // Our derived readers would take a list for an object, field by field.
    if first_byte(body) == Some(b'[') {
        return Err(RpcError::Malformed("a list in place of an answer"));
    }
    let envelope: Envelope<'de, T> = serde_json::from_slice(body).map_err(|error| malformed(&error, body))?;
    let (found, result) = open(envelope);
    // A refusal may come without an id: the node could not read the request that far.
    if result.is_ok() && found != Some(id) {
        return Err(RpcError::Malformed("the id is not that of the call"));
    }
    result
}

/// Reads the answers of a batch with the ids `first..first + count`, in the order of the calls.
pub(super) fn read_batch<'de, T: Deserialize<'de>>(
    body: &'de [u8],
    first: u64,
    count: usize,
) -> Result<Vec<Result<Option<T>, RpcError>>, RpcError> {
    if first_byte(body) != Some(b'[') {
        // One object in place of a list is an error about the whole batch.
        let refused = read_single::<IgnoredAny>(body, first);
        return Err(refused.err().unwrap_or(RpcError::Malformed("one answer to a batch")));
    }
    let envelopes: Vec<Envelope<'de, T>> = serde_json::from_slice(body).map_err(|error| malformed(&error, body))?;
    if envelopes.len() != count {
        return Err(RpcError::Malformed("a batch with another number of answers"));
    }
    let mut answers: Vec<Option<Result<Option<T>, RpcError>>> = Vec::new();
    answers.resize_with(count, || None);
    for envelope in envelopes {
        let (id, result) = open(envelope);
        let at = id.and_then(|id| id.checked_sub(first)).and_then(|at| usize::try_from(at).ok());
        let slot =
            at.and_then(|at| answers.get_mut(at)).ok_or(RpcError::Malformed("the id is not that of the call"))?;
        if slot.replace(result).is_some() {
            return Err(RpcError::Malformed("two answers with one id"));
        }
    }
    answers.into_iter().map(|answer| answer.ok_or(RpcError::Malformed("an answer is missing"))).collect()
}

fn open<T>(envelope: Envelope<'_, T>) -> (Option<u64>, Result<Option<T>, RpcError>) {
    let id = match envelope.id {
        Some(Id::Ours(id)) => Some(id),
        Some(Id::Other(_)) | None => None,
    };
    let result = match (envelope.result, envelope.error) {
        // Some nodes write `"result":null` beside an error.
        (_, Some(error)) => Err(RpcError::Node { code: error.code, refusal: classify(error.code, &error.message) }),
        (Some(result), None) => Ok(result),
        (None, None) if envelope.outside.is_some() => {
            Err(RpcError::Node { code: 0, refusal: NodeRefusal::RateLimited })
        }
        (None, None) => Err(RpcError::Malformed("neither result nor error")),
    };
    (id, result)
}

fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn malformed(error: &serde_json::Error, body: &[u8]) -> RpcError {
    RpcError::Malformed(match (error.classify(), first_byte(body)) {
        (_, None) => "an empty answer",
        (_, Some(b'<')) => "HTML in place of JSON",
        (serde_json::error::Category::Eof, _) => "the JSON ends early",
        (serde_json::error::Category::Syntax, _) => "no JSON",
        (serde_json::error::Category::Data | serde_json::error::Category::Io, _) => {
            "a value of another type or form than promised"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, RpcError> {
        read_single(text.as_bytes(), 7)
    }

    #[test]
    fn results_nulls_and_refusals_are_told_apart() {
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":7,"result":"x"}"#), Ok(Some("x".to_owned())));
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":7,"result":null}"#), Ok(None));
        assert_eq!(read(r#" {"result":"x","extra":{"a":[1]},"id":7} "#), Ok(Some("x".to_owned())));
        let unknown = Err(RpcError::Node { code: -32_000, refusal: NodeRefusal::UnknownBlock });
        assert_eq!(
            read(r#"{"id":7,"error":{"code":-32000,"message":"unknown \"block\"unknown block","data":[]}}"#),
            unknown
        );
        assert_eq!(read(r#"{"id":null,"error":{"code":-32000,"message":"unknown block"},"result":null}"#), unknown);
        assert_eq!(
            read(r#"{"Error":"class X : lack of computing resources"}"#),
            Err(RpcError::Node { code: 0, refusal: NodeRefusal::RateLimited })
        );
    }

    #[test]
    fn nonsense_is_named() {
        for (text, what) in [
            ("", "an empty answer"),
            ("  \n", "an empty answer"),
            ("<html><body>502</body></html>", "HTML in place of JSON"),
            (r#"{"id":7,"result":"x"#, "the JSON ends early"),
            (r#"{"id":7,"result":"#, "the JSON ends early"),
            ("hello", "no JSON"),
            (r#"{"id":7,"result":"x"} trailing"#, "no JSON"),
            (r#"{"id":7,"result":5}"#, "a value of another type or form than promised"),
            (r#"{"id":7,"result":{"a":1}}"#, "a value of another type or form than promised"),
            (r#"{"id":7,"error":"sorry"}"#, "a value of another type or form than promised"),
            (r#"{"id":7,"result":"x","result":"y"}"#, "a value of another type or form than promised"),
            ("[]", "a list in place of an answer"),
            (r#"[7,"x"]"#, "a list in place of an answer"),
            ("7", "a value of another type or form than promised"),
            (r#"{"id":7}"#, "neither result nor error"),
            (r#"{"id":8,"result":"x"}"#, "the id is not that of the call"),
            (r#"{"id":"7","result":"x"}"#, "the id is not that of the call"),
            (r#"{"result":"x"}"#, "the id is not that of the call"),
        ] {
            assert_eq!(read(text), Err(RpcError::Malformed(what)), "{text}");
        }
        let deep = format!(r#"{{"id":7,"x":{}{},"result":"x"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep), Ok(Some("x".to_owned())), "what is skipped costs no stack");
    }

    #[test]
    fn a_batch_is_put_in_order_and_checked_as_a_whole() {
        let text = r#"[{"id":8,"result":"b"},{"id":9,"error":{"code":1,"message":""}},{"id":7,"result":"a"}]"#;
        let answers = read_batch::<String>(text.as_bytes(), 7, 3);
        let refused = Err(RpcError::Node { code: 1, refusal: NodeRefusal::Other });
        assert_eq!(answers, Ok(vec![Ok(Some("a".to_owned())), Ok(Some("b".to_owned())), refused]));
        for (text, what) in [
            (r#"[{"id":7,"result":"a"}]"#, "a batch with another number of answers"),
            (r#"[{"id":7,"result":"a"},{"id":7,"result":"b"}]"#, "two answers with one id"),
            (r#"[{"id":7,"result":"a"},{"id":9,"result":"b"}]"#, "the id is not that of the call"),
            (r#"[{"id":7,"result":"a"},{"result":"b"}]"#, "the id is not that of the call"),
            (r#"{"id":7,"result":"a"}"#, "one answer to a batch"),
        ] {
            assert_eq!(read_batch::<String>(text.as_bytes(), 7, 2), Err(RpcError::Malformed(what)), "{text}");
        }
        let whole = read_batch::<String>(br#"{"id":null,"error":{"code":-32600,"message":"batch too large"}}"#, 7, 2);
        assert_eq!(whole, Err(RpcError::Node { code: -32_600, refusal: NodeRefusal::Other }));
    }
}
