//! Recursive Length Prefix, the encoding half only (Ethereum Yellow Paper, appendix B). This room never decodes.

/// Appends one byte string.
fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [single] if *single < 0x80 => out.push(*single),
        _ => {
            push_length(out, 0x80, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

/// Appends the prefix of a string (`base` 0x80) or of a list (0xc0) whose payload has `length` bytes.
fn push_length(out: &mut Vec<u8>, base: u8, length: usize) {
    let wide = length.to_be_bytes();
    let digits = &wide[length.leading_zeros() as usize / 8..];
    match length {
        0..=55 => out.push(base + digits.last().copied().unwrap_or(0)),
        _ => {
            let count = u8::try_from(digits.len()).unwrap_or(8);
            out.push(base + 55 + count);
            out.extend_from_slice(digits);
        }
    }
}

/// One byte string by itself.
pub(crate) fn encode_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 9);
    push_bytes(&mut out, bytes);
    out
}

/// One number by itself: big-endian without leading zeros, zero is the empty string.
pub(crate) fn encode_number(number: u128) -> Vec<u8> {
    let wide = number.to_be_bytes();
    encode_bytes(&wide[number.leading_zeros() as usize / 8..])
}

/// A list under construction.
#[derive(Debug, Default)]
pub(crate) struct List {
    payload: Vec<u8>,
}

impl List {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a byte string.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        push_bytes(&mut self.payload, bytes);
        self
    }

    /// Adds a number.
    pub(crate) fn number(mut self, number: u128) -> Self {
        self.payload.extend_from_slice(&encode_number(number));
        self
    }

    /// Adds a 256-bit number given as its big-endian word.
    pub(crate) fn word(self, word: &[u8; 32]) -> Self {
        let zeros = word.iter().take_while(|byte| **byte == 0).count();
        self.bytes(&word[zeros..])
    }

    /// Adds what is already encoded.
    pub(crate) fn encoded(mut self, item: &[u8]) -> Self {
        self.payload.extend_from_slice(item);
        self
    }

    /// The whole list with its prefix.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() + 9);
        push_length(&mut out, 0xc0, self.payload.len());
        out.extend_from_slice(&self.payload);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_yellow_paper() {
        assert_eq!(encode_bytes(b"dog"), [0x83, b'd', b'o', b'g']);
        assert_eq!(encode_bytes(b""), [0x80]);
        assert_eq!(encode_bytes(&[0x0f]), [0x0f]);
        assert_eq!(encode_bytes(&[0x80]), [0x81, 0x80]);
        let long = b"Lorem ipsum dolor sit amet, consectetur adipisicing elit";
        assert_eq!(long.len(), 56);
        assert_eq!(encode_bytes(long)[..3], [0xb8, 0x38, b'L']);
        assert_eq!(encode_bytes(&[7; 1024])[..4], [0xb9, 0x04, 0x00, 7]);
    }

    #[test]
    fn numbers_have_no_leading_zeros() {
        assert_eq!(encode_number(0), [0x80]);
        assert_eq!(encode_number(15), [0x0f]);
        assert_eq!(encode_number(1024), [0x82, 0x04, 0x00]);
        let mut word = [0; 32];
        word[30] = 4;
        assert_eq!(List::new().word(&word).finish(), [0xc3, 0x82, 0x04, 0x00]);
    }

    #[test]
    fn lists_nest() {
        assert_eq!(List::new().finish(), [0xc0]);
        let cat_dog = List::new().bytes(b"cat").bytes(b"dog").finish();
        assert_eq!(cat_dog, [0xc8, 0x83, b'c', b'a', b't', 0x83, b'd', b'o', b'g']);
        let one = List::new().finish();
        let two = List::new().encoded(&one).finish();
        let three = List::new().encoded(&one).encoded(&two).finish();
        assert_eq!(
            List::new().encoded(&one).encoded(&two).encoded(&three).finish(),
            [0xc7, 0xc0, 0xc1, 0xc0, 0xc3, 0xc0, 0xc1, 0xc0]
        );
        assert_eq!(List::new().bytes(&[1; 60]).finish()[..3], [0xf8, 62, 0xb8]);
    }
}
