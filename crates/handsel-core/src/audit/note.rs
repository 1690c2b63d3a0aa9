//! Signed checkpoints in the form of C2SP `tlog-checkpoint` and `signed-note`, so that any client of theirs can check them.
//!
//! The key is an argument and never kept; who holds it and how often it signs is somebody else's decision.

use super::merkle::Hash;
use crate::primitives::ed25519_verifies;
use crate::secret::SecretBytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The signature type of Ed25519 in a note's key id.
const ALGORITHM_ED25519: u8 = 1;

/// The state of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name: a schema-less URL such as `pay.example.com/audit`; no white space or plus sign.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

impl Checkpoint {
    /// The note's text: what is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The whole signed note; the key's name is the origin.
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.text();
        let signature = key.sign(text.as_bytes());
        let mut blob = key_id(&self.origin, &key.verifying_key()).to_vec();
        blob.extend(signature.to_bytes());
        format!("{text}\n\u{2014} {} {}\n", self.origin, STANDARD.encode(blob))
    }

    /// Reads a signed note and checks that `key`, under the checkpoint's origin as its name, signed it. Lines of other
    /// signers (witnesses) are passed over, and so are further lines of the text.
    pub fn verify(note: &str, key: &VerifyingKey) -> Option<Self> {
        let split = note.rfind("\n\n")?;
        let (text, signatures) = note.split_at(split + 1);
        let checkpoint = Self::parse(text)?;
        let id = key_id(&checkpoint.origin, key);
        let ours = format!("\u{2014} {} ", checkpoint.origin);
        let signed = signatures.lines().filter_map(|line| line.strip_prefix(ours.as_str())).any(|encoded| {
            let Ok(blob) = STANDARD.decode(encoded) else { return false };
            let Some(bytes) = blob.strip_prefix(&id).and_then(|b| <[u8; 64]>::try_from(b).ok()) else { return false };
            ed25519_verifies(key.as_bytes(), text.as_bytes(), &bytes)
        });
        signed.then_some(checkpoint)
    }

    /// Reads a note's text.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size_text, root) = (lines.next()?, lines.next()?, lines.next()?);
        if origin.is_empty() || origin.contains(|c: char| c.is_whitespace() || c == '+') {
            return None;
        }
        let size: u64 = size_text.parse().ok()?;
        if size.to_string() != size_text {
            return None;
        }
        let root = STANDARD.decode(root).ok()?.try_into().ok()?;
        Some(Self { origin: origin.to_owned(), size, root })
    }
}

/// The signing key whose seed this is.
pub fn signing_key(seed: &SecretBytes<32>) -> SigningKey {
    SigningKey::from_bytes(seed.expose())
}

/// The four bytes that tell keys of one name apart.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(name.as_bytes())
        .chain_update([b'\n', ALGORITHM_ED25519])
        .chain_update(key.as_bytes())
        .finalize();
    let mut id = [0u8; 4];
    id.copy_from_slice(&digest[..4]);
    id
}

/// The public key as verifiers are given it: `<name>+<key id, hex>+<base64 of type and key>`.
pub fn verifier_text(name: &str, key: &VerifyingKey) -> String {
    let mut typed = vec![ALGORITHM_ED25519];
    typed.extend(key.as_bytes());
    format!("{name}+{}+{}", hex::encode(key_id(name, key)), STANDARD.encode(typed))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "pay.example.com/audit".to_owned(), size: 15_368_405, root: [0x31; 32] }
    }

    #[test]
    fn the_text_has_three_lines() {
        let root = STANDARD.encode([0x31; 32]);
        assert_eq!(checkpoint().text(), format!("pay.example.com/audit\n15368405\n{root}\n"));
    }

    /// The published key of Go's checksum database: its key id shows that name, newline and type are hashed as they should.
    #[test]
    fn a_key_id_as_others_compute_it() {
        let published = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let typed = STANDARD.decode(published.rsplit_once("ae+").unwrap().1).unwrap();
        let key = VerifyingKey::from_bytes(&typed[1..].try_into().unwrap()).unwrap();
        assert_eq!(verifier_text("sum.golang.org", &key), published);
    }

    #[test]
    fn a_signed_note_verifies_until_anything_is_touched() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let note = checkpoint().sign(&key);
        assert_eq!(Checkpoint::verify(&note, &key.verifying_key()), Some(checkpoint()));
        let witnessed = format!("{note}\u{2014} witness.example AAAA\n");
        assert_eq!(Checkpoint::verify(&witnessed, &key.verifying_key()), Some(checkpoint()));

        let other = SigningKey::from_bytes(&[6; 32]).verifying_key();
        assert_eq!(Checkpoint::verify(&note, &other), None);
        for edited in [
            note.replace("15368405", "15368406"),
            note.replace("15368405", "015368405"),
            note.replace("pay.", "pay2."),
            note.replace("\n\n", "\nmore\n\n"),
            note.replace("\n\n", "\n"),
            note.trim_end().trim_end_matches('=').to_owned(),
            String::new(),
        ] {
            assert_ne!(edited, note);
            assert_eq!(Checkpoint::verify(&edited, &key.verifying_key()), None, "{edited}");
        }
    }
}
