//! Finds API keys where they must not be. A secret or restricted key in a query or a body has been written to somebody's log:
//! it is treated as leaked (02 "auth").

use handsel_core::secret::SecretText;

/// Base62 characters after the prefix: 15 of the id, 43 of the secret, 6 of the checksum.
const BODY_LEN: usize = 64;
const CHECK_LEN: usize = 6;
const PREFIX_LEN: usize = 8;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The first secret or restricted key with a valid checksum in `text`.
pub fn find(text: &[u8]) -> Option<SecretText> {
    let starts = text.windows(PREFIX_LEN).enumerate();
    let candidates =
        starts.filter(|(_, w)| [b"sk_test_", b"sk_live_", b"rk_test_", b"rk_live_"].iter().any(|p| *w == &p[..]));
    for (at, _) in candidates {
        let Some(key) = text.get(at..at + PREFIX_LEN + BODY_LEN) else { break };
        if checks(key) {
            return core::str::from_utf8(key).ok().map(SecretText::new);
        }
    }
    None
}

/// True where the last six characters are the base62 CRC-32/ISO-HDLC of everything before them.
fn checks(key: &[u8]) -> bool {
    let (covered, check) = key.split_at(key.len() - CHECK_LEN);
    if !key[PREFIX_LEN..].iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let mut rest = crc32fast::hash(covered);
    let mut wanted = [0u8; CHECK_LEN];
    for slot in wanted.iter_mut().rev() {
        *slot = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    wanted == *check
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A key of the right form, for tests of this room.
    pub(crate) fn sample(prefix: &str) -> String {
        let covered = format!("{prefix}{}", "A".repeat(BODY_LEN - CHECK_LEN));
        let mut rest = crc32fast::hash(covered.as_bytes());
        let mut check = [0u8; CHECK_LEN];
        for slot in check.iter_mut().rev() {
            *slot = DIGITS[(rest % 62) as usize];
            rest /= 62;
        }
        format!("{covered}{}", String::from_utf8_lossy(&check))
    }

    #[test]
    fn a_key_is_found_anywhere_but_only_with_its_checksum() {
        let key = sample("sk_test_");
        assert!(find(format!("x=1&y={key}zz").as_bytes()).is_some());
        assert!(find(sample("rk_live_").as_bytes()).is_some());
        assert!(find(sample("pk_test_").as_bytes()).is_none(), "publishable keys are no secret");
        let broken = key.replacen('A', "B", 1);
        assert!(find(broken.as_bytes()).is_none());
        assert!(find(&key.as_bytes()[..70]).is_none());
    }
}
