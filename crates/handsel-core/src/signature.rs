//! Webhook signatures (02 "Webhook wire format"): `Handsel-Signature` and Standard Webhooks, from one secret.

mod verify;

pub use verify::{Refused, verify};

use crate::secret::{SecretBytes, SecretText};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Every signing secret begins so.
pub const SECRET_PREFIX: &str = "whsec_";

/// HMAC-SHA256 of the parts, one after the other.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length (RFC 2104), so this cannot fail; an empty MAC would fail every verification.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// `whsec_` + base64 of 32 bytes.
pub fn secret_text(bytes: &[u8; 32]) -> SecretText {
    SecretText::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
}

/// The 32 bytes behind a secret's text; `None` where it isn't one of ours.
pub fn secret_bytes(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?.try_into().ok()
}

/// The MAC behind one `v1`.
fn handsel_mac(key: &[u8], unix: i64, body: &[u8]) -> [u8; 32] {
    hmac_sha256(key, &[unix.to_string().as_bytes(), b".", body])
}

/// `t=<unix>,v1=<hex>` with one `v1` per secret, in the given order. The key is the whole text `whsec_…`.
pub fn handsel(secrets: &[SecretText], unix: i64, body: &[u8]) -> String {
    let mut header = format!("t={unix}");
    for secret in secrets {
        let mac = handsel_mac(secret.expose().as_bytes(), unix, body);
        header.push_str(",v1=");
        header.push_str(&hex::encode(mac));
    }
    header
}

/// The value of `webhook-signature`: `v1,<base64>` per secret, space-separated. The key is the decoded 32 bytes.
pub fn standard(secrets: &[SecretText], id: &str, unix: i64, body: &[u8]) -> String {
    let time = unix.to_string();
    let forms = secrets.iter().filter_map(|secret| {
        let key = secret_bytes(secret.expose())?;
        let mac = hmac_sha256(&key, &[id.as_bytes(), b".", time.as_bytes(), b".", body]);
        Some(format!("v1,{}", STANDARD.encode(mac)))
    });
    forms.collect::<Vec<_>>().join(" ")
}

/// `sha256=<hex>` over the body alone, keyed by the text. Can't stop a replay: for old receivers only.
pub fn sha256_body(secret: &SecretText, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac_sha256(secret.expose().as_bytes(), &[body])))
}

/// Ed25519 (RFC 8032) of `message` under the key with this seed.
pub fn ed25519(seed: &SecretBytes<32>, message: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(seed.expose()).sign(message).to_bytes()
}

/// The public key that checks what [`ed25519`] signs.
pub fn ed25519_public(seed: &SecretBytes<32>) -> [u8; 32] {
    SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
    const BODY: &[u8] = br#"{"id":"evt_1","type":"payment.succeeded"}"#;

    #[test]
    fn the_vectors_of_the_contract() {
        let secrets = [SecretText::new(SECRET)];
        assert_eq!(
            handsel(&secrets, 1_718_400_000, BODY),
            "t=1718400000,v1=a606cd4b370741ba107b2b9dc84d998d177096cd58f79b123b90cf0a1616e0b9"
        );
        assert_eq!(standard(&secrets, "evt_1", 1_718_400_000, BODY), "v1,jZCABC5YXKSLzesHb+NRj/WusWYJ/zPbOgkyJS3eUnM=");
        assert_eq!(
            sha256_body(&secrets[0], BODY),
            "sha256=42c5c26be2c90d7fcc7365f5f22ae8aeb7435368d9e419cfac5310b5eba32871"
        );
    }

    #[test]
    fn a_secret_text_round_trips() {
        let mut bytes = [0u8; 32];
        bytes[31] = 1;
        assert_eq!(secret_text(&bytes).expose(), SECRET);
        assert_eq!(secret_bytes(SECRET), Some(bytes));
    }
}
