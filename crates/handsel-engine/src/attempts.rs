//! How an attempt's answer is kept: the receiver's headers and body belong to the merchant, so they are sealed together under the
//! account's key before the store sees them, and opened to be shown to their owner alone.

use crate::{Engine, Refusal};
use handsel_core::delivery::Attempt;
use handsel_core::limits;
use handsel_core::vault::{DataKey, Place};

impl Engine {
    /// The attempt with the receiver's headers and body sealed into one blob.
    pub(crate) fn seal_attempt(&self, key: &DataKey, mut attempt: Attempt) -> Attempt {
        attempt.response_body.truncate(limits::HOOK_ANSWER_KEPT_MAX_BYTES);
        let plain = pack(&attempt.response_headers, &attempt.response_body);
        let row = row(&attempt);
        attempt.response_body = key.seal(place(&row), &plain, &*self.inner.entropy).0;
        attempt.response_headers.clear();
        attempt
    }
}

/// The attempt as its owner may see it.
pub(crate) fn open_attempt(key: &DataKey, mut attempt: Attempt) -> Result<Attempt, Refusal> {
    let row = row(&attempt);
    let sealed = handsel_core::secret::Sealed(std::mem::take(&mut attempt.response_body));
    let opened = key.open(place(&row), &sealed).ok();
    let Some((headers, body)) = opened.as_deref().and_then(unpack) else {
        tracing::error!(delivery = %attempt.delivery, number = attempt.number, "an attempt's answer does not open");
        return Err(Refusal::internal());
    };
    attempt.response_headers = headers;
    attempt.response_body = body;
    Ok(attempt)
}

fn row(attempt: &Attempt) -> String {
    format!("{}/{}", attempt.delivery, attempt.number)
}

fn place(row: &str) -> Place<'_> {
    Place { table: "attempts", row, column: "answer" }
}

/// Each text with its length as four bytes before it: first how many headers there are, then their names and values, then the
/// body without a length.
fn pack(headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut out = length(headers.len()).to_vec();
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        out.extend(length(text.len()));
        out.extend(text.as_bytes());
    }
    out.extend(body);
    out
}

/// Headers are bounded far below what four bytes count.
fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}

/// Headers and body of an answer.
type Answered = (Vec<(String, String)>, Vec<u8>);

fn unpack(bytes: &[u8]) -> Option<Answered> {
    let (count, mut rest) = number(bytes)?;
    let mut headers = Vec::new();
    for _ in 0..count {
        let (name, after) = text(rest)?;
        let (value, after) = text(after)?;
        headers.push((name, value));
        rest = after;
    }
    Some((headers, rest.to_vec()))
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_be_bytes(*head)).ok()?, rest))
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (len, rest) = number(bytes)?;
    let (text, rest) = rest.split_at_checked(len)?;
    Some((String::from_utf8(text.to_vec()).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_unpacked_as_it_was_packed() {
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned()), ("x".to_owned(), String::new())];
        let packed = pack(&headers, b"\xff body");
        assert_eq!(unpack(&packed), Some((headers, b"\xff body".to_vec())));
        assert_eq!(unpack(&pack(&[], b"")), Some((Vec::new(), Vec::new())));
    }

    #[test]
    fn cut_answers_are_refused_without_a_panic() {
        let packed = pack(&[("name".to_owned(), "value".to_owned())], b"");
        for cut in 0..packed.len() {
            assert_eq!(unpack(&packed[..cut]), None, "{cut}");
        }
        assert_eq!(unpack(&[0xff; 8]), None);
    }
}
