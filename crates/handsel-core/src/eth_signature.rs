//! Who signed a text (EIP-191 `personal_sign`, TIP-191 V2 on Tron): recovery of the signer's address from a secp256k1 signature (SEC 1, section
//! 4.1.6). Verification only: there is no signing code in this program.

use crate::chain::{Address, Kind};
use crate::xpub::address_of;
use core::fmt;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::point::DecompressPoint;
use k256::elliptic_curve::scalar::IsHigh;
use k256::elliptic_curve::{Group as _, PrimeField};
use k256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};
use sha3::{Digest, Keccak256};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// Not 65 bytes of hex.
    Malformed,
    /// No key could have made it, or it is the malleable twin (high s).
    Invalid,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("a signature is 0x and 130 hex digits (r, s, v), as personal_sign gives it"),
            Self::Invalid => f.write_str("this signature was not made by any wallet over this text"),
        }
    }
}
impl std::error::Error for SignatureError {}

/// The address whose key signed `message` as wallets of this kind do: `personal_sign`, or `signMessageV2` on Tron. Tron's first
/// version of it, which states a fixed length, signs another text and is not accepted.
pub fn recover_personal(kind: Kind, message: &str, signature_hex: &str) -> Result<Address, SignatureError> {
    let whose = match kind {
        Kind::Evm => "Ethereum",
        Kind::Tron => "TRON",
    };
    let mut signature = [0u8; 65];
    let digits = signature_hex.strip_prefix("0x").ok_or(SignatureError::Malformed)?;
    hex::decode_to_slice(digits, &mut signature).map_err(|_| SignatureError::Malformed)?;
    let mut hasher = Keccak256::new();
    hasher.update(format!("\x19{whose} Signed Message:\n{}", message.len()));
    hasher.update(message);
    recover(hasher.finalize().into(), &signature).ok_or(SignatureError::Invalid)
}

fn recover(digest: [u8; 32], signature: &[u8; 65]) -> Option<Address> {
    let r_bytes: [u8; 32] = signature[..32].try_into().ok()?;
    let s_bytes: [u8; 32] = signature[32..64].try_into().ok()?;
    let odd = match signature[64] {
        0 | 27 => 0,
        1 | 28 => 1,
        _ => return None,
    };
    let r = Option::<Scalar>::from(Scalar::from_repr(r_bytes.into()))?;
    let s = Option::<Scalar>::from(Scalar::from_repr(s_bytes.into()))?;
    if bool::from(s.is_high()) || r == Scalar::ZERO || s == Scalar::ZERO {
        return None;
    }
    let point = Option::<AffinePoint>::from(AffinePoint::decompress(&r_bytes.into(), odd.into()))?;
    let z = <Scalar as Reduce<FieldBytes>>::reduce(&digest.into());
    let inverse = Option::<Scalar>::from(r.invert())?;
    let key = ProjectivePoint::from(point) * (inverse * s) - ProjectivePoint::mul_by_generator(&(inverse * z));
    (!bool::from(key.is_identity())).then(|| address_of(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with a wallet library for the first account of the well-known phrase "test test … junk".
    const SIGNER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    const MESSAGE: &str = "hello handsel";
    const SIGNATURE: &str = "0x5a94ebfb9150d6026bd1e4d21dc2a78b1f4c94d27c81cea774eeb88a3492261c42a29855d9ee35af97fec09a0c1cda1e502c855fa95642c18784414de66b48f61c";

    #[test]
    fn the_signer_is_found() {
        let signer = recover_personal(Kind::Evm, MESSAGE, SIGNATURE).map(Address::checksummed);
        assert_eq!(signer.as_deref(), Ok(SIGNER));
    }

    /// Made with TRON's own library for the account m/44'/195'/0'/0/0 of the same phrase: by `signMessageV2`, and by the first version.
    #[test]
    fn trons_signers_are_found_by_the_second_version_alone() {
        const SECOND: &str = "0x4e41ba805958b0c39e055c3b4bf55354aba01a96fe993ff47ceafe23d95191ee446f8776f6f00b0d41913b8f97b21909141c0a8e7d965bf9a4efc6ef0981dfd81b";
        const FIRST: &str = "0xc812dce5b73c47efdb5c04b7064f29b909069c81c738d0f62a17f1c69991ba7e2e25778eb82d3d000e3cff80034a90fde798ea7ecc3af44b9d184f1c07687e521b";
        let signer = |signature| recover_personal(Kind::Tron, MESSAGE, signature).map(|a| Kind::Tron.address_text(a));
        assert_eq!(signer(SECOND).as_deref(), Ok("TWer2Ygk5TEheHp3TPuYeqxmB6SsGZmaL6"));
        assert_ne!(signer(FIRST), signer(SECOND));
        assert_ne!(recover_personal(Kind::Evm, MESSAGE, SECOND).map(|a| Kind::Tron.address_text(a)), signer(SECOND));
    }

    #[test]
    fn another_text_or_a_changed_signature_is_somebody_else_or_nobody() {
        assert_ne!(
            recover_personal(Kind::Evm, "hello handsel!", SIGNATURE).map(Address::checksummed).as_deref(),
            Ok(SIGNER)
        );
        let changed = SIGNATURE.replacen("0x", "0x00", 1);
        assert_eq!(recover_personal(Kind::Evm, MESSAGE, &changed), Err(SignatureError::Malformed));
        assert_eq!(
            recover_personal(Kind::Evm, MESSAGE, &format!("0x{}", "0".repeat(130))),
            Err(SignatureError::Invalid)
        );
        let high_v = format!("{}ff", &SIGNATURE[..SIGNATURE.len() - 2]);
        assert_eq!(recover_personal(Kind::Evm, MESSAGE, &high_v), Err(SignatureError::Invalid));
    }
}
