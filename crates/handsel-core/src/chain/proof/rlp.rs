//! Recursive Length Prefix, encoding only (Yellow Paper, appendix B). Everything is appended to one buffer of the caller's; the length of
//! a list is known before its items are written, so nothing is copied twice.

const STRING: u8 = 0x80;
const LIST: u8 = 0xc0;
/// The longest payload whose length stands in the prefix byte itself.
const SHORT_MAX: usize = 55;

/// Bytes of a prefix before a payload of `length`.
pub(super) const fn prefix_length(length: usize) -> usize {
    if length <= SHORT_MAX { 1 } else { 1 + length_digits(length) }
}

/// Bytes of a string with its prefix.
pub(super) const fn string_length(bytes: &[u8]) -> usize {
    match bytes {
        [single] if *single < STRING => 1,
        _ => prefix_length(bytes.len()) + bytes.len(),
    }
}

/// Bytes of a number with its prefix.
pub(super) const fn number_length(number: u64) -> usize {
    if number < STRING as u64 { 1 } else { 1 + number_digits(number) }
}

pub(super) fn push_string(out: &mut Vec<u8>, bytes: &[u8]) {
    if let [single] = bytes
        && *single < STRING
    {
        out.push(*single);
    } else {
        push_prefix(out, STRING, bytes.len());
        out.extend_from_slice(bytes);
    }
}

/// Big-endian without leading zeros; zero is the empty string.
pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    push_string(out, number.to_be_bytes().get(8 - number_digits(number)..).unwrap_or_default());
}

/// A number of 256 bits.
pub(super) fn push_word(out: &mut Vec<u8>, word: &[u8; 32]) {
    let zeros = word.iter().take_while(|byte| **byte == 0).count();
    push_string(out, word.get(zeros..).unwrap_or_default());
}

/// The prefix of a string whose bytes the caller adds; not for a single byte below 0x80, which has none.
pub(super) fn push_string_prefix(out: &mut Vec<u8>, length: usize) {
    push_prefix(out, STRING, length);
}

/// The prefix of a list whose items the caller adds.
pub(super) fn push_list_prefix(out: &mut Vec<u8>, length: usize) {
    push_prefix(out, LIST, length);
}

fn push_prefix(out: &mut Vec<u8>, base: u8, length: usize) {
    match u8::try_from(length) {
        Ok(short) if length <= SHORT_MAX => out.push(base + short),
        _ => {
            let digits = length_digits(length);
            // At most eight digits: base + 55 + 8 is at most 0xff.
            out.push(base + 55 + u8::try_from(digits).unwrap_or(8));
            let wide = length.to_be_bytes();
            out.extend_from_slice(wide.get(wide.len() - digits..).unwrap_or_default());
        }
    }
}

const fn length_digits(length: usize) -> usize {
    (usize::BITS - length.leading_zeros()).div_ceil(8) as usize
}

const fn number_digits(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()).div_ceil(8) as usize
}
