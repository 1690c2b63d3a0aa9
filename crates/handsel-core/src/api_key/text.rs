//! The text form of an API key (02 "auth"): `{sk,rk,pk}_{test,live}_` + 15 characters of public id + 43 of secret (256 bits) + 6
//! check characters. The checksum is public and rejects typing errors and junk before anything is looked up.

use super::Class;
use crate::port::Entropy;
use crate::secret::SecretText;
use sha2::{Digest, Sha256};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PUBLIC_LEN: usize = 15;
const SECRET_LEN: usize = 43;
const CHECK_LEN: usize = 6;
const PREFIX_LEN: usize = 8;
/// Characters of a whole key.
pub const TEXT_LEN: usize = PREFIX_LEN + PUBLIC_LEN + SECRET_LEN + CHECK_LEN;

/// Why a text is no key. Nothing of the text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTextError {
    Malformed,
    Checksum,
}

/// What a key's text says of itself, secret apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyText {
    pub class: Class,
    pub live: bool,
    pub public_id: String,
}

/// A key just made.
#[derive(Debug, Clone)]
pub struct NewKeyText {
    pub secret: SecretText,
    pub public_id: String,
    /// Everything up to and with the public id: what lists show.
    pub prefix: String,
}

/// Six base62 digits of CRC-32/ISO-HDLC, most significant first.
fn checksum(body: &str) -> [u8; CHECK_LEN] {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut out = [b'0'; CHECK_LEN];
    for slot in out.iter_mut().rev() {
        *slot = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    out
}

const fn mode_name(class: Class, live: bool) -> &'static str {
    match (class, live) {
        (Class::Secret, true) => "sk_live_",
        (Class::Secret, false) => "sk_test_",
        (Class::Restricted, true) => "rk_live_",
        (Class::Restricted, false) => "rk_test_",
        (Class::Publishable, true) => "pk_live_",
        (Class::Publishable, false) => "pk_test_",
    }
}

impl KeyText {
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        if text.len() != TEXT_LEN || !text.is_ascii() {
            return Err(KeyTextError::Malformed);
        }
        let (prefix, body) = text.split_at(PREFIX_LEN);
        let classes = [Class::Secret, Class::Restricted, Class::Publishable];
        let known = classes.into_iter().flat_map(|c| [(c, true), (c, false)]);
        let (class, live) =
            known.into_iter().find(|(c, l)| mode_name(*c, *l) == prefix).ok_or(KeyTextError::Malformed)?;
        if !body.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(KeyTextError::Malformed);
        }
        let (checked, check) = text.split_at(TEXT_LEN - CHECK_LEN);
        if checksum(checked) != check.as_bytes() {
            return Err(KeyTextError::Checksum);
        }
        Ok(Self { class, live, public_id: body[..PUBLIC_LEN].to_owned() })
    }
}

/// A new key. Characters are drawn without bias: bytes from 248 up are thrown away.
pub fn generate(class: Class, live: bool, entropy: &dyn Entropy) -> NewKeyText {
    let mut text = mode_name(class, live).to_owned();
    while text.len() < TEXT_LEN - CHECK_LEN {
        let mut bytes = [0u8; 32];
        entropy.fill(&mut bytes);
        let wanted = TEXT_LEN - CHECK_LEN - text.len();
        let drawn = bytes.iter().filter(|b| **b < 248).map(|b| char::from(BASE62[usize::from(b % 62)]));
        text.extend(drawn.take(wanted));
    }
    let check = checksum(&text);
    text.extend(check.map(char::from));
    let prefix = text[..PREFIX_LEN + PUBLIC_LEN].to_owned();
    NewKeyText { public_id: prefix[PREFIX_LEN..].to_owned(), prefix, secret: SecretText::new(text) }
}

/// The first secret or restricted key with a valid checksum inside `text`, wherever it stands.
pub fn find_leaked(text: &str) -> Option<SecretText> {
    let bytes = text.as_bytes();
    let starts = bytes
        .windows(PREFIX_LEN)
        .enumerate()
        .filter(|(_, w)| matches!(*w, b"sk_live_" | b"sk_test_" | b"rk_live_" | b"rk_test_"));
    for (at, _) in starts {
        let Some(candidate) = text.get(at..at + TEXT_LEN) else { continue };
        if KeyText::parse(candidate).is_ok() {
            return Some(SecretText::new(candidate));
        }
    }
    None
}

/// SHA-256 of a presented key: all that is kept of it while a request runs.
pub fn presented(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[derive(Debug)]
    struct Ramp(std::sync::atomic::AtomicU8);
    impl Entropy for Ramp {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().for_each(|b| *b = self.0.fetch_add(41, std::sync::atomic::Ordering::Relaxed));
        }
    }

    #[test]
    fn a_made_key_parses_and_every_changed_character_is_noticed() {
        let entropy = Ramp(0.into());
        for class in [Class::Secret, Class::Restricted, Class::Publishable] {
            let key = generate(class, false, &entropy);
            let text = key.secret.expose();
            assert_eq!(text.len(), 72);
            let parsed = KeyText::parse(text).unwrap();
            assert_eq!(parsed, KeyText { class, live: false, public_id: key.public_id.clone() });
            assert!(text.starts_with(&key.prefix));
            for at in PREFIX_LEN..text.len() {
                let mut changed = text.as_bytes().to_vec();
                changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(KeyText::parse(&changed), Err(KeyTextError::Checksum), "character {at}");
            }
        }
    }

    /// CRC-32/ISO-HDLC of "123456789" is 0xcbf43926 (the check value of the catalogue of CRC algorithms).
    #[test]
    fn the_checksum_is_that_of_the_contract() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        // 0xcbf43926 = 3421780262 = 3*62^5 + 45*62^4 + 35*62^3 + 20*62^2 + 23*62 + 56 ... as base62, most significant first.
        let digits = checksum("123456789");
        let value = digits.iter().fold(0u64, |v, d| v * 62 + BASE62.iter().position(|b| b == d).unwrap() as u64);
        assert_eq!(value, 0xcbf4_3926);
    }

    #[test]
    fn leaked_keys_are_found_in_any_text() {
        let key = generate(Class::Secret, true, &Ramp(7.into()));
        let found = find_leaked(&format!("?a=sk_live_short&k={}&b=é", key.secret.expose())).unwrap();
        assert_eq!(found.expose(), key.secret.expose());
        let publishable = generate(Class::Publishable, true, &Ramp(7.into()));
        assert!(find_leaked(publishable.secret.expose()).is_none(), "publishable keys may be shown");
        assert!(find_leaked("sk_live_é").is_none());
    }
}
