//! Public derivation (BIP-32, BIP-44 for Ethereum and Tron, whose addresses are the same 20 bytes): addresses out of an account's xpub. There is no private derivation here, and
//! nothing of it can be built from what this module knows.

use crate::chain::Address;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::sec1::{FromSec1Point, ToSec1Point};
use k256::{AffinePoint, ProjectivePoint, Scalar};
use sha2::{Digest, Sha256, Sha512};
use sha3::Keccak256;

/// Version bytes of a mainnet `xpub`.
const XPUB_VERSION: [u8; 4] = [0x04, 0x88, 0xb2, 0x1e];
const ACCOUNT_DEPTH: u8 = 3;
const HARDENED: u32 = 0x8000_0000;

/// Why a text is no account xpub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XpubError {
    /// It is (or looks like) a private key: refuse it loudly and never echo it.
    PrivateKey,
    Malformed,
    /// Depth 3 is wanted: m/44'/60'/0', on Tron m/44'/195'/0'.
    WrongDepth {
        found: u8,
    },
    /// Not hardened at its last step: no account key.
    NotAnAccount,
}

impl fmt::Display for XpubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrivateKey => f.write_str("this is a private key; give the public xpub instead"),
            Self::Malformed => f.write_str("this is not an xpub; export the account's extended public key (xpub…)"),
            Self::WrongDepth { found } => {
                write!(
                    f,
                    "an account key of depth 3 (m/44'/60'/0', on Tron m/44'/195'/0') is wanted; this one has depth {found}"
                )
            }
            Self::NotAnAccount => {
                f.write_str("the key's last step is not hardened; export m/44'/60'/0', on Tron m/44'/195'/0'")
            }
        }
    }
}
impl std::error::Error for XpubError {}

/// A public account key. Its text shows every address of the wallet: treat it as personal, not as secret.
#[derive(Clone)]
pub struct Xpub {
    text: String,
    /// The external chain `0` under the account, where receiving addresses are.
    external: Node,
}

#[derive(Clone, Copy)]
struct Node {
    point: ProjectivePoint,
    chain_code: [u8; 32],
}

impl fmt::Debug for Xpub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Xpub({})", self.fingerprint())
    }
}

impl Xpub {
    pub fn parse(text: &str) -> Result<Self, XpubError> {
        if crate::private_key::looks_private(text) {
            return Err(XpubError::PrivateKey);
        }
        let bytes = bs58::decode(text).with_check(None).into_vec().map_err(|_| XpubError::Malformed)?;
        let bytes: [u8; 78] = bytes.try_into().map_err(|_| XpubError::Malformed)?;
        if bytes[..4] != XPUB_VERSION {
            return Err(XpubError::Malformed);
        }
        if bytes[4] != ACCOUNT_DEPTH {
            return Err(XpubError::WrongDepth { found: bytes[4] });
        }
        if bytes[9] & 0x80 == 0 {
            return Err(XpubError::NotAnAccount);
        }
        let mut chain_code = [0u8; 32];
        chain_code.copy_from_slice(&bytes[13..45]);
        let point = AffinePoint::from_sec1_bytes(&bytes[45..]).map_err(|_| XpubError::Malformed)?;
        let account = Node { point: point.into(), chain_code };
        let external = account.child(0).ok_or(XpubError::Malformed)?;
        Ok(Self { text: text.to_owned(), external })
    }

    /// The address at `0/index`; `None` for hardened indexes and for the one in 2^127 that BIP-32 skips.
    pub fn address(&self, index: u32) -> Option<Address> {
        Some(address_of(&self.external.child(index)?.point))
    }

    /// The first 16 hex digits of SHA-256 of the text: tells wallets apart without showing them.
    pub fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.text.as_bytes())[..8])
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Node {
    /// CKDpub of BIP-32.
    fn child(&self, index: u32) -> Option<Self> {
        if index >= HARDENED {
            return None;
        }
        let mut mac = Hmac::<Sha512>::new_from_slice(&self.chain_code).ok()?;
        mac.update(self.point.to_affine().to_sec1_point(true).as_bytes());
        mac.update(&index.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let (left, right) = digest.split_at(32);
        let left: [u8; 32] = left.try_into().ok()?;
        let tweak = Option::<Scalar>::from(Scalar::from_repr(left.into()))?;
        let point = ProjectivePoint::mul_by_generator(&tweak) + self.point;
        if bool::from(point.is_identity()) {
            return None;
        }
        Some(Self { point, chain_code: right.try_into().ok()? })
    }
}

/// The last 20 bytes of Keccak-256 over the uncompressed point.
pub(crate) fn address_of(point: &ProjectivePoint) -> Address {
    let encoded = point.to_affine().to_sec1_point(false);
    let digest = Keccak256::digest(&encoded.as_bytes()[1..]);
    let mut address = [0u8; 20];
    address.copy_from_slice(&digest[12..]);
    Address(address)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The account key m/44'/60'/0' of the well-known test phrase "test test … junk", whose addresses every wallet library
    /// and every development node agree on.
    const XPUB: &str = "xpub6Ce9NcJvTk36xtLSrJLZqE7wtgA5deCeYs7rSQtreh4cj6ByPtrg9sD7V2FNFLPnf8heNP3FGkeV9qwfzvZNSd54JoNXVsXFYSYwHsnJxqP";

    #[test]
    fn addresses_are_those_of_every_wallet() {
        let xpub = Xpub::parse(XPUB).unwrap();
        let expected = [
            (0, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
            (1, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
            (2, "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
            (9, "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"),
        ];
        for (index, address) in expected {
            assert_eq!(xpub.address(index).unwrap().checksummed(), address);
        }
        assert_eq!(xpub.address(0x8000_0000), None);
    }

    /// The account key m/44'/195'/0' of the same phrase; the addresses are those that TRON's own library derives.
    #[test]
    fn trons_addresses_are_those_of_its_wallets() {
        let account = "xpub6BuRy7ZmkGfP2RWhoor1kWB1w9DvrtmJbFBvnC1bQ4SB5NbCHTyQYCJSXZtxDbFyHTmC7wkU2he3nYYdpZ3Vf6qUAkXSnL6RPif4BDtDEKr";
        let xpub = Xpub::parse(account).unwrap();
        for (index, address) in [
            (0, "TWer2Ygk5TEheHp3TPuYeqxmB6SsGZmaL6"),
            (1, "TPjjvMwjPoDC32V2dGDYTkLH4E5LAtBZ6C"),
            (9, "TJtuRzHcZ12gHZA8gKjqq589S7h4fYW8N1"),
        ] {
            assert_eq!(crate::chain::Kind::Tron.address_text(xpub.address(index).unwrap()), address);
        }
    }

    #[test]
    fn whatever_is_no_account_xpub_says_why() {
        // BIP-32 test vector 1: the master keys.
        let master_public = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8";
        let master_private = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";
        assert_eq!(Xpub::parse(master_public).unwrap_err(), XpubError::WrongDepth { found: 0 });
        assert_eq!(Xpub::parse(master_private).unwrap_err(), XpubError::PrivateKey);
        assert_eq!(Xpub::parse("xpub6Nonsense").unwrap_err(), XpubError::Malformed);
        assert_eq!(Xpub::parse(&XPUB.replace("JxqP", "JxqQ")).unwrap_err(), XpubError::Malformed, "the checksum");
        assert!(!format!("{:?}", Xpub::parse(XPUB).unwrap()).contains("xpub6"));
    }
}
