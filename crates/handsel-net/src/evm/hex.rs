//! Hexadecimal as nodes write it: `0x` and digits of either case.

const INVALID: u8 = 0xff;

const DIGITS: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut at = 0;
    while at < 10 {
        table[b'0' as usize + at] = at as u8;
        at += 1;
    }
    let mut at = 0;
    while at < 6 {
        table[b'a' as usize + at] = 10 + at as u8;
        table[b'A' as usize + at] = 10 + at as u8;
        at += 1;
    }
    table
};

/// Exactly `N` bytes.
#[must_use]
pub fn fixed_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes().strip_prefix(b"0x")?;
    if digits.len() != N.checked_mul(2)? {
        return None;
    }
    let mut bytes = [0_u8; N];
    let mut seen = 0_u8;
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        // A digit is below 16, INVALID is not: one check at the end is enough.
        seen |= high | low;
        *byte = (high << 4) | (low & 0x0f);
    }
    (seen < 16).then_some(bytes)
}

/// Any number of bytes, in place of what `bytes` held; false where the text has another form.
#[must_use]
pub fn bytes_into(text: &str, bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    let Some(digits) = text.as_bytes().strip_prefix(b"0x") else { return false };
    let (pairs, odd) = digits.as_chunks::<2>();
    let mut seen = 0_u8;
    bytes.extend(pairs.iter().map(|pair| {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        seen |= high | low;
        (high << 4) | (low & 0x0f)
    }));
    seen < 16 && odd.is_empty()
}

/// A number of at most 256 bits, big-endian. Leading zeros are taken.
#[must_use]
pub fn word(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes().strip_prefix(b"0x")?;
    if digits.is_empty() || digits.len() > 64 {
        return None;
    }
    let mut word = [0_u8; 32];
    for (at, digit) in digits.iter().rev().enumerate() {
        let digit = DIGITS[usize::from(*digit)];
        if digit == INVALID {
            return None;
        }
        word[31 - at / 2] |= if at % 2 == 0 { digit } else { digit << 4 };
    }
    Some(word)
}

/// A number of at most 64 bits. Leading zeros are taken: some nodes pad.
#[must_use]
pub fn quantity(text: &str) -> Option<u64> {
    let digits = text.as_bytes().strip_prefix(b"0x")?;
    if digits.is_empty() || digits.len() > 64 {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = DIGITS[usize::from(*digit)];
        if digit == INVALID || number.leading_zeros() < 4 { None } else { Some((number << 4) | u64::from(digit)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_need_their_exact_length_and_hex_digits_only() {
        assert_eq!(fixed_bytes::<4>("0x00fFAb10"), Some([0x00, 0xff, 0xab, 0x10]));
        for text in [
            "",
            "0x",
            "00ffab10",
            "0x00ffab1",
            "0x00ffab1000",
            "0x00ffab1g",
            "0X00ffab10",
            "0x00ffab1é",
            "0x00ffab1/",
            "0x00ffab1:",
            "0x00ffab1@",
            "0x00ffab1`",
        ] {
            assert_eq!(fixed_bytes::<4>(text), None, "{text}");
        }
        for byte in 0..=u8::MAX {
            assert_eq!(fixed_bytes::<1>(&format!("0x{byte:02x}")), Some([byte]));
            assert_eq!(fixed_bytes::<1>(&format!("0x{byte:02X}")), Some([byte]));
        }
    }

    #[test]
    fn bytes_of_any_length_replace_what_was_there() {
        let mut bytes = vec![9; 9];
        for (text, read) in
            [("0x", Some(&[][..])), ("0x00fF", Some(&[0, 255])), ("0xf", None), ("0x0g", None), ("00", None)]
        {
            assert_eq!(bytes_into(text, &mut bytes).then_some(bytes.as_slice()), read, "{text}");
        }
    }

    #[test]
    fn words_hold_256_bits() {
        let mut expected = [0; 32];
        (expected[30], expected[31]) = (0x0a, 0xbc);
        assert_eq!(word("0xabc"), Some(expected));
        assert_eq!(word("0x0000abc"), Some(expected));
        assert_eq!(word(&format!("0x{}", "f".repeat(64))), Some([0xff; 32]));
        assert_eq!(word("0x0"), Some([0; 32]));
        for text in ["", "0x", "abc", "0xg"] {
            assert_eq!(word(text), None, "{text}");
        }
        assert_eq!(word(&format!("0x{}", "0".repeat(65))), None);
    }

    #[test]
    fn quantities_are_bounded_by_64_bits() {
        for (text, number) in [
            ("0x0", 0),
            ("0x1", 1),
            ("0xFf", 255),
            ("0x0000000000000000", 0),
            ("0xffffffffffffffff", u64::MAX),
            ("0x00000000000000000001", 1),
        ] {
            assert_eq!(quantity(text), Some(number), "{text}");
        }
        for text in ["", "0x", "1", "0xg", "0x10000000000000000", "0x-1", " 0x1", "0x1 "] {
            assert_eq!(quantity(text), None, "{text}");
        }
        assert_eq!(quantity(&format!("0x{}", "0".repeat(65))), None);
    }
}
