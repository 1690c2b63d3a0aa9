//! The primitives in the form that this house uses, each in one place, so that vectors from outside (`handsel selftest crypto`) run
//! over exactly the code that seals and verifies. HMAC-SHA256 is in [`crate::signature`].

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use ed25519_dalek::{Signature, VerifyingKey};

/// AES-256-GCM with a 96-bit nonce: ciphertext and 128-bit tag opened, or nothing.
pub fn open_aes_256_gcm(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    Aes256Gcm::new(key.into()).decrypt(nonce.into(), Payload { msg: sealed, aad: associated }).ok()
}

/// HKDF-SHA256 (RFC 5869); false where the output is longer than it may be.
#[must_use]
pub fn hkdf_sha256(input: &[u8], salt: Option<&[u8]>, info: &[u8], out: &mut [u8]) -> bool {
    hkdf::Hkdf::<sha2::Sha256>::new(salt, input).expand(info, out).is_ok()
}

/// Ed25519 (RFC 8032), strictly: no small-order keys, no second encodings.
pub fn ed25519_verifies(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(public) else { return false };
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}
