//! Encryption at rest, version 2 (06 1.4).
//!
//! A key-encryption key (KEK) wraps one data key per account; a data key seals records. Each record is XAES-256-GCM (C2SP) with a
//! random 192-bit nonce, so one key may seal any number of records, under keys derived by HKDF together with a 32-byte
//! commitment: AES-GCM alone does not commit to its key, and rotation tries several. The associated data names the place (table,
//! row, column), so that a record moved elsewhere doesn't open.
//!
//! Layout: `0x02 || commitment (32) || nonce (24) || ciphertext || tag (16)`.

use crate::id::AccountId;
use crate::port::Entropy;
use crate::primitives::{hkdf_sha256, open_aes_256_gcm};
use crate::secret::{Sealed, SecretBytes};
use crate::signature::hmac_sha256;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::{Aes256Gcm, KeyInit};
use core::fmt;
use subtle::ConstantTimeEq;

const FORMAT: u8 = 2;
const COMMITMENT_LEN: usize = 32;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
const HEADER_LEN: usize = 1 + COMMITMENT_LEN + NONCE_LEN;

/// Sealed bytes that this key or this place did not seal, or that somebody changed. Says no more on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFailed;

impl fmt::Display for OpenFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sealed record doesn't open: wrong key, wrong place, or changed")
    }
}
impl std::error::Error for OpenFailed {}

/// Where a sealed record lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    pub table: &'a str,
    pub row: &'a str,
    pub column: &'a str,
}

/// The holder of the key-encryption key.
#[derive(Clone)]
pub struct Vault {
    wrap: Sealer,
    root: SecretBytes<32>,
}

/// One account's data key, unwrapped.
#[derive(Clone)]
pub struct DataKey {
    sealer: Sealer,
    lookup: SecretBytes<32>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

impl Vault {
    pub fn new(kek: &SecretBytes<32>) -> Self {
        Self { wrap: Sealer::new(&expand(kek.expose(), b"handsel/2/wrap")), root: kek.clone() }
    }

    /// Tells whether a database was sealed under this KEK, without saying anything about it.
    pub fn check_value(&self) -> [u8; 32] {
        expand(self.root.expose(), b"handsel/2/check")
    }

    /// A key for one purpose (`pepper`, `wallet/mac`, `page/mac`, …); different purposes give unrelated keys.
    pub fn derive(&self, purpose: &str) -> SecretBytes<32> {
        SecretBytes::new(expand(self.root.expose(), format!("handsel/2/derive/{purpose}").as_bytes()))
    }

    /// A fresh data key for an account, wrapped.
    pub fn new_data_key(&self, account: AccountId, entropy: &dyn Entropy) -> Sealed {
        let mut key = [0u8; 32];
        entropy.fill(&mut key);
        let row = account.to_string();
        self.wrap.seal(&associated(data_key_place(&row)), &key, entropy)
    }

    pub fn open_data_key(&self, account: AccountId, wrapped: &Sealed) -> Result<DataKey, OpenFailed> {
        let row = account.to_string();
        let key: [u8; 32] =
            self.wrap.open(&associated(data_key_place(&row)), wrapped)?.try_into().map_err(|_| OpenFailed)?;
        Ok(DataKey {
            sealer: Sealer::new(&expand(&key, b"handsel/2/records")),
            lookup: SecretBytes::new(expand(&key, b"handsel/2/lookups")),
        })
    }

    /// Seals something that belongs to no account.
    pub fn seal(&self, place: Place<'_>, plain: &[u8], entropy: &dyn Entropy) -> Sealed {
        self.wrap.seal(&associated(place), plain, entropy)
    }

    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Vec<u8>, OpenFailed> {
        self.wrap.open(&associated(place), sealed)
    }
}

const fn data_key_place(row: &str) -> Place<'_> {
    Place { table: "account", row, column: "data_key" }
}

impl DataKey {
    pub fn seal(&self, place: Place<'_>, plain: &[u8], entropy: &dyn Entropy) -> Sealed {
        self.sealer.seal(&associated(place), plain, entropy)
    }

    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Vec<u8>, OpenFailed> {
        self.sealer.open(&associated(place), sealed)
    }

    /// A keyed digest of a sealed member's value: equal values of one account meet, and nobody else can tell what they are.
    pub fn lookup(&self, field: &str, value: &str) -> [u8; 32] {
        let length = (field.len() as u64).to_be_bytes();
        hmac_sha256(self.lookup.expose(), &[&length, field.as_bytes(), value.as_bytes()])
    }
}

/// Seals under one key.
#[derive(Clone)]
struct Sealer {
    commit: SecretBytes<32>,
    cipher: Xaes,
}

impl Sealer {
    fn new(key: &[u8; 32]) -> Self {
        Self {
            commit: SecretBytes::new(expand(key, b"handsel/2/commit")),
            cipher: Xaes::new(&expand(key, b"handsel/2/encrypt")),
        }
    }

    fn commitment(&self, nonce: &[u8]) -> [u8; 32] {
        hmac_sha256(self.commit.expose(), &[nonce])
    }

    fn seal(&self, associated: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Sealed {
        let mut nonce = [0u8; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut out = Vec::with_capacity(HEADER_LEN + plain.len() + TAG_LEN);
        out.push(FORMAT);
        out.extend_from_slice(&self.commitment(&nonce));
        out.extend_from_slice(&nonce);
        // AES-GCM refuses only texts beyond 64 GiB; an empty record opens for nobody.
        match self.cipher.encrypt(&nonce, associated, plain) {
            Some(ciphertext) => out.extend_from_slice(&ciphertext),
            None => out.clear(),
        }
        Sealed(out)
    }

    fn open(&self, associated: &[u8], sealed: &Sealed) -> Result<Vec<u8>, OpenFailed> {
        let (header, ciphertext) = sealed.0.split_at_checked(HEADER_LEN).ok_or(OpenFailed)?;
        let (commitment, nonce) = header[1..].split_at(COMMITMENT_LEN);
        let nonce: &[u8; NONCE_LEN] = nonce.try_into().map_err(|_| OpenFailed)?;
        let committed: bool = self.commitment(nonce).ct_eq(commitment).into();
        if header[0] != FORMAT || !committed {
            return Err(OpenFailed);
        }
        self.cipher.decrypt(nonce, associated, ciphertext).ok_or(OpenFailed)
    }
}

/// XAES-256-GCM: AES-256-GCM under a key derived from the first half of a 192-bit nonce (C2SP XAES-256-GCM, section 3).
#[derive(Clone)]
struct Xaes {
    block: Aes256,
    subkey: [u8; 16],
}

impl Xaes {
    fn new(key: &[u8; 32]) -> Self {
        let block = Aes256::new(key.into());
        let mut l = [0u8; 16];
        block.encrypt_block((&mut l).into());
        // CMAC's doubling (NIST SP 800-38B): shift left by one, fold the carried bit back as 0x87.
        let value = u128::from_be_bytes(l);
        let doubled = (value << 1) ^ (0x87 * (value >> 127));
        Self { block, subkey: doubled.to_be_bytes() }
    }

    fn derived(&self, nonce: &[u8; NONCE_LEN]) -> [u8; 32] {
        let mut key = [0u8; 32];
        for (counter, half) in key.chunks_exact_mut(16).enumerate() {
            let mut block = [0u8; 16];
            block[..4].copy_from_slice(&[0, if counter == 0 { 1 } else { 2 }, b'X', 0]);
            block[4..].copy_from_slice(&nonce[..12]);
            block.iter_mut().zip(self.subkey).for_each(|(b, k)| *b ^= k);
            self.block.encrypt_block((&mut block).into());
            half.copy_from_slice(&block);
        }
        key
    }

    fn encrypt(&self, nonce: &[u8; NONCE_LEN], associated: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let tail: &[u8; 12] = nonce[12..].try_into().ok()?;
        Aes256Gcm::new((&self.derived(nonce)).into()).encrypt(tail.into(), Payload { msg: plain, aad: associated }).ok()
    }

    fn decrypt(&self, nonce: &[u8; NONCE_LEN], associated: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
        let tail: &[u8; 12] = nonce[12..].try_into().ok()?;
        open_aes_256_gcm(&self.derived(nonce), tail, associated, ciphertext)
    }
}

/// HKDF-SHA256 with an empty salt (RFC 5869): our inputs are uniform keys already.
fn expand(key: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut out = [0u8; 32];
    let derived = hkdf_sha256(key, None, info, &mut out);
    debug_assert!(derived, "32 bytes are within HKDF's bound");
    out
}

/// The place as associated data, each part with its length, so that no two places look alike.
fn associated(place: Place<'_>) -> Vec<u8> {
    let mut out = vec![FORMAT];
    for part in [place.table, place.row, place.column] {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    #[derive(Debug)]
    struct Counting(AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().for_each(|b| *b = self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    const PLACE: Place<'_> = Place { table: "webhook", row: "whk_1", column: "secret" };

    fn key(vault: &Vault, entropy: &Counting) -> DataKey {
        let account = AccountId::from_bits(7);
        vault.open_data_key(account, &vault.new_data_key(account, entropy)).unwrap()
    }

    /// The vectors of the C2SP specification.
    #[test]
    fn xaes_matches_the_published_vectors() {
        let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
        let one = Xaes::new(&[1; 32]).encrypt(nonce, b"", b"XAES-256-GCM").unwrap();
        assert_eq!(hex::encode(one), "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
        let two = Xaes::new(&[3; 32]).encrypt(nonce, b"c2sp.org/XAES-256-GCM", b"XAES-256-GCM").unwrap();
        assert_eq!(hex::encode(two), "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_only() {
        let entropy = Counting(AtomicU8::new(0));
        let vault = Vault::new(&SecretBytes::new([9; 32]));
        let key = key(&vault, &entropy);
        let sealed = key.seal(PLACE, b"hush", &entropy);
        assert_eq!(key.open(PLACE, &sealed).unwrap(), b"hush");
        for other in [Place { table: "x", ..PLACE }, Place { row: "x", ..PLACE }, Place { column: "x", ..PLACE }] {
            assert_eq!(key.open(other, &sealed), Err(OpenFailed));
        }
        assert_eq!(self::key(&vault, &entropy).open(PLACE, &sealed), Err(OpenFailed), "another account's key");
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let entropy = Counting(AtomicU8::new(0));
        let key = key(&Vault::new(&SecretBytes::new([9; 32])), &entropy);
        let sealed = key.seal(PLACE, b"hush", &entropy);
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert_eq!(key.open(PLACE, &changed), Err(OpenFailed), "byte {at}");
            assert_eq!(key.open(PLACE, &Sealed(sealed.0[..at].to_vec())), Err(OpenFailed), "cut at {at}");
        }
    }

    #[test]
    fn another_kek_opens_nothing_and_shows_in_the_check_value() {
        let entropy = Counting(AtomicU8::new(0));
        let (one, two) = (Vault::new(&SecretBytes::new([1; 32])), Vault::new(&SecretBytes::new([2; 32])));
        let account = AccountId::from_bits(1);
        assert!(two.open_data_key(account, &one.new_data_key(account, &entropy)).is_err());
        assert_ne!(one.check_value(), two.check_value());
        assert_ne!(one.derive("a").expose(), one.derive("b").expose());
    }

    #[test]
    fn lookups_depend_on_field_value_and_account() {
        let entropy = Counting(AtomicU8::new(0));
        let vault = Vault::new(&SecretBytes::new([9; 32]));
        let (one, two) = (key(&vault, &entropy), key(&vault, &entropy));
        assert_eq!(one.lookup("reference", "A"), one.lookup("reference", "A"));
        assert_ne!(one.lookup("reference", "A"), one.lookup("customer", "A"));
        assert_ne!(one.lookup("a", "bc"), one.lookup("ab", "c"));
        assert_ne!(one.lookup("reference", "A"), two.lookup("reference", "A"));
    }
}
