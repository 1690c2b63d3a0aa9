//! The receiver's side: checks a `Handsel-Signature` and, where it fails, finds out why. Used by `handsel verify-webhook` and by
//! tests; receivers use their own libraries.

use super::{SECRET_PREFIX, handsel_mac, secret_bytes};
use crate::secret::SecretText;
use core::fmt;
use subtle::ConstantTimeEq;

/// Why a signature does not hold, with the usual cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The header isn't `t=<unix>,v1=<hex>`.
    Header(&'static str),
    /// The secret isn't `whsec_` + base64.
    Secret,
    /// Too old, by so many seconds beyond the tolerance.
    Old { seconds: u64 },
    /// Of a time to come, by so many seconds beyond the tolerance.
    Early { seconds: u64 },
    /// The signature is of another body: this change of it would match.
    Body(&'static str),
    /// Signed with the decoded bytes of the secret instead of its whole text.
    KeyForm,
    /// No `v1` fits this secret and body.
    Mismatch { candidates: usize },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(what) => write!(f, "the header can't be read: {what}; it looks like t=1718400000,v1=5257a8…"),
            Self::Secret => f.write_str("the secret is no signing secret: it begins with whsec_ and was shown once"),
            Self::Old { seconds } => write!(
                f,
                "too old by {seconds} s beyond the tolerance: an old request was sent again, or a clock is wrong"
            ),
            Self::Early { seconds } => write!(
                f,
                "signed at a time that is still to come, {seconds} s beyond the tolerance: a clock is wrong here or there"
            ),
            Self::Body(what) => write!(f, "the signature is of other bytes: {what}; verify the raw body as received"),
            Self::KeyForm => {
                f.write_str("signed with the secret's decoded bytes; the key is the whole text, whsec_ included")
            }
            Self::Mismatch { candidates } => write!(
                f,
                "none of the {candidates} signature(s) fits: the secret is of another webhook, was rotated away, or the body \
                 was changed or serialised again"
            ),
        }
    }
}
impl std::error::Error for Refused {}

/// Checks `header` over `body` as a receiver should: constant time, `tolerance_seconds` either way, boundary included.
pub fn verify(
    secret: &SecretText,
    header: &str,
    body: &[u8],
    now_unix: i64,
    tolerance_seconds: u64,
) -> Result<(), Refused> {
    let (time, signatures) = parse(header)?;
    if secret_bytes(secret.expose()).is_none() {
        return Err(Refused::Secret);
    }
    let fits = |key: &[u8], body: &[u8]| {
        let mac = hex::encode(handsel_mac(key, time, body));
        signatures.iter().any(|s| bool::from(mac.as_bytes().ct_eq(s.as_bytes())))
    };
    if !fits(secret.expose().as_bytes(), body) {
        return Err(why(&fits, secret, body, signatures.len()));
    }
    let age = now_unix.abs_diff(time);
    match age.checked_sub(tolerance_seconds) {
        None | Some(0) => Ok(()),
        Some(seconds) if time > now_unix => Err(Refused::Early { seconds }),
        Some(seconds) => Err(Refused::Old { seconds }),
    }
}

/// `t` and the `v1`s of a header, which may come with its name.
fn parse(header: &str) -> Result<(i64, Vec<&str>), Refused> {
    let value = match header.split_once(':') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("handsel-signature") => value,
        _ => header,
    };
    let mut time = None;
    let mut signatures = Vec::new();
    for part in value.trim().split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) => time = Some(text.parse().map_err(|_| Refused::Header("t is no number"))?),
            Some(("v1", text)) => signatures.push(text),
            Some(_) => {}
            None => return Err(Refused::Header("a part has no =")),
        }
    }
    let time = time.ok_or(Refused::Header("t is missing"))?;
    if signatures.is_empty() {
        return Err(Refused::Header("v1 is missing"));
    }
    Ok((time, signatures))
}

fn why(fits: &dyn Fn(&[u8], &[u8]) -> bool, secret: &SecretText, body: &[u8], candidates: usize) -> Refused {
    let text = secret.expose().as_bytes();
    let trimmed = body.trim_ascii_end();
    if trimmed.len() < body.len() && fits(text, trimmed) {
        return Refused::Body("white space follows the body");
    }
    if fits(text, &[body, b"\n"].concat()) {
        return Refused::Body("the final newline is missing");
    }
    let bare = secret.expose().strip_prefix(SECRET_PREFIX).unwrap_or_default();
    if secret_bytes(secret.expose()).is_some_and(|key| fits(&key, body)) || fits(bare.as_bytes(), body) {
        return Refused::KeyForm;
    }
    Refused::Mismatch { candidates }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::handsel;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn secret() -> SecretText {
        SecretText::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=")
    }

    #[test]
    fn what_we_sign_verifies_within_the_tolerance_boundary_included() {
        let header = handsel(&[secret()], 1000, BODY);
        for now in [700, 1000, 1300] {
            assert_eq!(verify(&secret(), &header, BODY, now, 300), Ok(()));
        }
        assert_eq!(verify(&secret(), &header, BODY, 1301, 300), Err(Refused::Old { seconds: 1 }));
        assert_eq!(verify(&secret(), &header, BODY, 699, 300), Err(Refused::Early { seconds: 1 }));
        let named = format!("Handsel-Signature: {header}");
        assert_eq!(verify(&secret(), &named, BODY, 1000, 300), Ok(()));
    }

    #[test]
    fn every_usual_mistake_is_named() {
        let header = handsel(&[secret()], 1000, BODY);
        let check = |header: &str, body: &[u8]| verify(&secret(), header, body, 1000, 300);
        assert_eq!(check(&header, b"{\"id\":\"evt_1\"}\n"), Err(Refused::Body("white space follows the body")));
        assert_eq!(check(&header, b"{\"id\": \"evt_1\"}"), Err(Refused::Mismatch { candidates: 1 }));
        assert!(matches!(check("v1=00", BODY), Err(Refused::Header(_))));
        assert!(matches!(check("t=1", BODY), Err(Refused::Header(_))));
        let mut decoded = [0u8; 32];
        decoded[31] = 1;
        let wrong_key = format!("t=1000,v1={}", hex::encode(handsel_mac(&decoded, 1000, BODY)));
        assert_eq!(check(&wrong_key, BODY), Err(Refused::KeyForm));
        assert_eq!(verify(&SecretText::new("sk_x"), &header, BODY, 1000, 300), Err(Refused::Secret));
    }
}
