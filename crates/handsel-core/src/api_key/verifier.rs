//! What is stored of an API key (06 C2): Argon2id over HMAC-SHA256(pepper, SHA-256(key)), as a PHC string.
//!
//! 19 MiB, two passes, one lane: OWASP's setting for keys of this kind; passwords get more.

use crate::signature::hmac_sha256;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_LEN: usize = 32;
/// Stored parameters beyond these are no verifier of ours: refuse instead of spending the memory.
const MEMORY_MAX_KIB: u32 = 256 * 1024;
const PASSES_MAX: u32 = 16;

fn hash(pepper: &[u8; 32], presented: &[u8; 32], salt: &[u8], memory: u32, passes: u32) -> Option<[u8; HASH_LEN]> {
    let params = Params::new(memory, passes, LANES, Some(HASH_LEN)).ok()?;
    let mut out = [0u8; HASH_LEN];
    let input = hmac_sha256(pepper, &[presented]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(&input, salt, &mut out).ok()?;
    Some(out)
}

/// The verifier of a presented key's digest. `None` only where the memory for it can't be had.
pub fn make(pepper: &[u8; 32], presented: &[u8; 32], salt: &[u8; 16]) -> Option<String> {
    let digest = hash(pepper, presented, salt, MEMORY_KIB, PASSES)?;
    let (salt, digest) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(digest));
    Some(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"))
}

/// True where `phc` is the verifier of this digest. Constant time in the digest; false for anything that is no verifier.
pub fn verify(pepper: &[u8; 32], presented: &[u8; 32], phc: &str) -> bool {
    verify_parts(pepper, presented, phc).unwrap_or(false)
}

fn verify_parts(pepper: &[u8; 32], presented: &[u8; 32], phc: &str) -> Option<bool> {
    let mut parts = phc.strip_prefix("$argon2id$v=19$")?.split('$');
    let (params, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
    let mut numbers = params.split(',');
    let memory: u32 = numbers.next()?.strip_prefix("m=")?.parse().ok()?;
    let passes: u32 = numbers.next()?.strip_prefix("t=")?.parse().ok()?;
    if memory > MEMORY_MAX_KIB || passes > PASSES_MAX || numbers.next()? != "p=1" || parts.next().is_some() {
        return None;
    }
    let salt = STANDARD_NO_PAD.decode(salt).ok()?;
    let stored = STANDARD_NO_PAD.decode(digest).ok()?;
    Some(hash(pepper, presented, &salt, memory, passes)?.as_slice().ct_eq(&stored).into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_verifier_knows_its_key_and_no_other() {
        let phc = make(&[1; 32], &[2; 32], &[3; 16]).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify(&[1; 32], &[2; 32], &phc));
        assert!(!verify(&[1; 32], &[9; 32], &phc), "another key");
        assert!(!verify(&[9; 32], &[2; 32], &phc), "another pepper");
        for junk in ["", "$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA"] {
            assert!(!verify(&[1; 32], &[2; 32], junk), "{junk}");
        }
    }
}
