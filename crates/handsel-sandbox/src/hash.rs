//! Hashes, addresses and hexadecimal text as Ethereum writes them. The watcher's own types are deliberately not used
//! here: an error shared by both sides would hide itself.

use sha3::{Digest, Keccak256};

/// A Keccak-256 digest.
pub type Hash = [u8; 32];
/// The last 20 bytes of a digest: an account or a contract.
pub type Address = [u8; 20];

/// Keccak-256 over the parts, one after the other.
pub(crate) fn keccak(parts: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The address that a label stands for in the world of this seed.
pub(crate) fn derived_address(seed: &Hash, label: &str) -> Address {
    let digest = keccak(&[seed, b"address", label.as_bytes()]);
    let mut address = [0; 20];
    address.copy_from_slice(&digest[12..]);
    address
}

/// An address as a 32-byte word, as topics and call data hold it.
pub(crate) fn address_word(address: &Address) -> Hash {
    let mut word = [0; 32];
    word[12..].copy_from_slice(address);
    word
}

/// A number as a 32-byte big-endian word.
pub(crate) fn number_word(number: u128) -> Hash {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&number.to_be_bytes());
    word
}

/// `0x` and two lower-case digits for each byte.
pub fn hex_data(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    text.push_str(&hex::encode(bytes));
    text
}

/// `0x` and the number without leading zeros.
pub(crate) fn hex_quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// Reads exactly `N` bytes of `0x` text; either case.
pub fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix("0x")?;
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keccak_is_ethereums_and_not_the_later_standard() {
        assert_eq!(hex::encode(keccak(&[])), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        assert_eq!(keccak(&[b"do", b"g"]), keccak(&[b"dog"]));
    }

    #[test]
    fn quantities_have_no_leading_zeros_and_data_keeps_them() {
        assert_eq!(hex_quantity(0), "0x0");
        assert_eq!(hex_quantity(313_137), "0x4c731");
        assert_eq!(hex_data(&[0, 1]), "0x0001");
    }

    #[test]
    fn parse_hex_takes_exactly_the_asked_length() {
        assert_eq!(parse_hex::<2>("0x00Ff"), Some([0, 255]));
        assert_eq!(parse_hex::<2>("0x00"), None);
        assert_eq!(parse_hex::<2>("00ff"), None);
        assert_eq!(parse_hex::<2>("0x00fg"), None);
    }
}
