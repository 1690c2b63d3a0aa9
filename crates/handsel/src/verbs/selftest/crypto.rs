//! Wycheproof files over the primitives of this house. What the house never does, such as AES with 128-bit keys, is `unsupported`.

use clap::ValueEnum;
use handsel_core::primitives::{ed25519_verifies, hkdf_sha256, open_aes_256_gcm};
use handsel_core::signature::hmac_sha256;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Read;

/// The longest output that HKDF-SHA256 gives (RFC 5869: 255 hashes) and one more, which must be refused.
const OKM_MAX_BYTES: usize = 255 * 32 + 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Primitive {
    AesGcm,
    HmacSha256,
    Ed25519,
    Hkdf,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "testGroups")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(rename = "tagSize")]
    tag_bits: Option<usize>,
    #[serde(alias = "key", rename = "publicKey")]
    public_key: Option<Public>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Public {
    pk: String,
}

/// One vector; which members there are depends on the primitive. Bytes are in hex.
#[derive(Deserialize)]
struct Test {
    #[serde(rename = "tcId")]
    id: u64,
    #[serde(default)]
    key: String,
    #[serde(default)]
    iv: String,
    #[serde(default)]
    aad: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    ct: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    sig: String,
    #[serde(default)]
    ikm: String,
    #[serde(default)]
    salt: String,
    #[serde(default)]
    info: String,
    #[serde(default)]
    okm: String,
    #[serde(default)]
    size: usize,
}

/// A verdict for each vector of a file, in its order.
pub fn verdicts(primitive: Primitive, mut input: impl Read) -> Result<Vec<Value>, String> {
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(|error| format!("stdin can't be read: {}", error.kind()))?;
    let file: File = serde_json::from_str(&text).map_err(|error| format!("no Wycheproof file: {error}"))?;
    let mut out = Vec::new();
    for group in &file.groups {
        for test in &group.tests {
            let result = match judged(primitive, group, test) {
                None => "unsupported",
                Some(true) => "valid",
                Some(false) => "invalid",
            };
            out.push(json!({"tcId": test.id, "result": result}));
        }
    }
    Ok(out)
}

/// Whether the vector holds; `None` where the house has no such form.
fn judged(primitive: Primitive, group: &Group, test: &Test) -> Option<bool> {
    let hex = |text: &str| hex::decode(text).ok();
    match primitive {
        Primitive::AesGcm => {
            let key: [u8; 32] = hex(&test.key)?.try_into().ok()?;
            let nonce: [u8; 12] = hex(&test.iv)?.try_into().ok()?;
            let sealed = [hex(&test.ct)?, hex(&test.tag)?].concat();
            let opened = open_aes_256_gcm(&key, &nonce, &hex(&test.aad)?, &sealed);
            Some(opened.is_some_and(|plain| hex::encode(plain) == test.msg))
        }
        Primitive::HmacSha256 => {
            let mac = hmac_sha256(&hex(&test.key)?, &[&hex(&test.msg)?]);
            let kept = mac.get(..group.tag_bits?.div_ceil(8))?;
            Some(kept == hex(&test.tag)?)
        }
        Primitive::Ed25519 => {
            let key: [u8; 32] = hex(&group.public_key.as_ref()?.pk)?.try_into().ok()?;
            let signature: Result<[u8; 64], _> = hex(&test.sig)?.try_into();
            Some(
                signature
                    .is_ok_and(|signature| ed25519_verifies(&key, &hex(&test.msg).unwrap_or_default(), &signature)),
            )
        }
        Primitive::Hkdf => {
            let mut out = vec![0; test.size.min(OKM_MAX_BYTES)];
            let salt = hex(&test.salt)?;
            let derived = hkdf_sha256(&hex(&test.ikm)?, Some(&salt), &hex(&test.info)?, &mut out);
            Some(derived && out == hex(&test.okm)?)
        }
    }
}
