//! What every capability asks of texts that it is given: lengths, metadata, no card numbers, nearest names. Answers with
//! refusals that name the member; never repeats a value that might be secret.

use crate::{Code, Engine, Refusal};
use handsel_core::account::Accept;
use handsel_core::chain::Network;
use handsel_core::egress_rules::{UrlKind, UrlPolicy, WebUrl};
use handsel_core::limits;

/// Ways to pay in one `accept` list.
const ACCEPT_MAX_ENTRIES: usize = 50;
/// Names that are offered in place of an unknown one differ by at most so many edits.
const NEAREST_MAX_EDITS: usize = 3;

pub(crate) fn invalid(param: &str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::ParameterInvalid, detail).at(param)
}

/// A text of 1 to `max` characters without control characters and without a card number.
pub(crate) fn text(param: &str, value: &str, max: usize) -> Result<(), Refusal> {
    if value.is_empty() {
        return Err(invalid(param, "this text is empty; leave the member out instead"));
    }
    if value.chars().count() > max {
        return Err(invalid(param, format!("at most {max} characters are possible here")));
    }
    if value.chars().any(char::is_control) {
        return Err(invalid(param, "control characters are not possible here"));
    }
    no_card_number(param, value)
}

/// The same for a member that may be absent.
pub(crate) fn optional_text(param: &str, value: Option<&str>, max: usize) -> Result<(), Refusal> {
    value.map_or(Ok(()), |value| text(param, value, max))
}

/// Limits of a `metadata` object; `root` is its JSON pointer.
pub(crate) fn metadata(root: &str, pairs: &[(String, String)]) -> Result<(), Refusal> {
    if pairs.len() > limits::METADATA_MAX_KEYS {
        return Err(invalid(root, format!("at most {} keys are possible here", limits::METADATA_MAX_KEYS)));
    }
    for (key, value) in pairs {
        let at = format!("{root}/{}", pointer_part(key));
        text(root, key, limits::METADATA_KEY_MAX_CHARS)?;
        if value.chars().count() > limits::METADATA_VALUE_MAX_CHARS {
            let max = limits::METADATA_VALUE_MAX_CHARS;
            return Err(invalid(&at, format!("a value has at most {max} characters")));
        }
        if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(invalid(&at, "control characters are not possible here"));
        }
        no_card_number(&at, value)?;
    }
    Ok(())
}

/// `current` with a patch's values set and its nulls removed, checked.
pub(crate) fn merged_metadata(
    current: &[(String, String)],
    patch: &[(String, Option<String>)],
) -> Result<Vec<(String, String)>, Refusal> {
    let mut merged: std::collections::BTreeMap<String, String> = current.iter().cloned().collect();
    for (key, value) in patch {
        match value {
            Some(value) => merged.insert(key.clone(), value.clone()),
            None => merged.remove(key),
        };
    }
    let merged: Vec<(String, String)> = merged.into_iter().collect();
    metadata("/metadata", &merged)?;
    Ok(merged)
}

/// A key as part of a JSON pointer (RFC 6901).
fn pointer_part(key: &str) -> String {
    key.chars().take(limits::METADATA_KEY_MAX_CHARS).collect::<String>().replace('~', "~0").replace('/', "~1")
}

/// Refuses what looks like a card number: it must be stored nowhere (06 1.8).
pub(crate) fn no_card_number(param: &str, value: &str) -> Result<(), Refusal> {
    if holds_card_number(value) {
        return Err(invalid(param, "this looks like a card number; Handsel must not hold one: leave it out"));
    }
    Ok(())
}

/// True where some run of digits, spaces and dashes holds, from group to group, 13 to 19 digits of a known issuer range that
/// pass Luhn's check.
fn holds_card_number(text: &str) -> bool {
    if text.bytes().filter(u8::is_ascii_digit).count() < 13 {
        return false;
    }
    text.split(|c: char| !(c.is_ascii_digit() || c == ' ' || c == '-')).any(|run| {
        let groups: Vec<&str> = run.split([' ', '-']).filter(|g| !g.is_empty()).collect();
        (0..groups.len()).any(|from| {
            let mut digits = String::new();
            groups[from..].iter().any(|group| {
                digits.push_str(group);
                (13..=19).contains(&digits.len()) && known_issuer(&digits) && luhn(&digits)
            })
        })
    })
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Issuer identification ranges (ISO/IEC 7812) of the card schemes, as four leading digits, with the lengths in use.
fn known_issuer(digits: &str) -> bool {
    let Some(head) = digits.get(..4).and_then(|h| h.parse::<u32>().ok()) else { return false };
    match (head, digits.len()) {
        // Visa
        (4000..=4999, 13 | 16 | 19) => true,
        // Mastercard, Mir
        (5100..=5599 | 2221..=2720 | 2200..=2204, 16) => true,
        // American Express
        (3400..=3499 | 3700..=3799, 15) => true,
        // Diners Club
        (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14..=19) => true,
        // Discover, RuPay, UnionPay, JCB
        (6011 | 6440..=6599 | 6000..=6099 | 6200..=6299 | 8100..=8199 | 8200..=8299 | 3528..=3589, 16..=19) => true,
        // Maestro
        (5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763, 13..=19) => true,
        _ => false,
    }
}

/// The known name that is nearest to `given`, where one is near at all.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored =
        known.into_iter().map(|name| (strsim::damerau_levenshtein(&given.to_lowercase(), &name.to_lowercase()), name));
    scored.min_by_key(|(edits, _)| *edits).filter(|(edits, _)| *edits <= NEAREST_MAX_EDITS).map(|(_, name)| name)
}

/// `; did you mean …?` or nothing.
pub(crate) fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// The shape of a mail address: one `@`, something before it, a dotted name after it, no spaces. Whether mail arrives only
/// mail can tell.
pub(crate) fn email(param: &str, value: &str) -> Result<(), Refusal> {
    let well_formed = value.len() <= 254
        && value.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && domain.contains('.')
                && !domain.contains('@')
                && domain.split('.').all(|label| !label.is_empty())
                && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
        })
        && !value.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';'));
    if well_formed { Ok(()) } else { Err(invalid(param, "write a mail address such as \"shop@example.com\"")) }
}

impl Engine {
    /// The configured network of this name, or which one was probably meant.
    pub(crate) fn known_network(&self, param: &str, name: &str) -> Result<&Network, Refusal> {
        let networks = &self.inner.settings.networks;
        networks.iter().find(|network| network.name == name).ok_or_else(|| {
            let guess = did_you_mean(name, networks.iter().map(|n| n.name.as_str()));
            Refusal::new(Code::NetworkUnavailable, format!("this server serves no such network{guess}")).at(param)
        })
    }

    /// Networks and assets that are configured; duplicates are refused.
    pub(crate) fn known_accept(&self, root: &str, accept: &[Accept]) -> Result<(), Refusal> {
        if accept.len() > ACCEPT_MAX_ENTRIES {
            return Err(invalid(root, format!("at most {ACCEPT_MAX_ENTRIES} entries are possible")));
        }
        for (at, entry) in accept.iter().enumerate() {
            let network = self.known_network(&format!("{root}/{at}/network"), &entry.network)?;
            if network.token(&entry.asset).is_none() {
                let guess = did_you_mean(&entry.asset, network.tokens.iter().map(|t| t.asset.as_str()));
                let detail = format!("{} has no such asset here{guess}", network.name);
                return Err(Refusal::new(Code::NoPaymentOption, detail).at(format!("{root}/{at}/asset")));
            }
            if accept[..at].contains(entry) {
                return Err(invalid(&format!("{root}/{at}"), "this entry is there already"));
            }
        }
        Ok(())
    }

    /// A URL that browsers are sent to, in its canonical form; https alone in live.
    pub(crate) fn redirect_url(&self, param: &str, text: &str) -> Result<String, Refusal> {
        let policy = UrlPolicy { live: self.inner.settings.live, ..UrlPolicy::default() };
        match WebUrl::check(text, UrlKind::Redirect, &policy) {
            Ok(url) => Ok(url.as_str().to_owned()),
            Err(refused) => Err(Refusal::new(Code::UrlNotAllowed, refused.to_string()).at(param)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn card_numbers_are_found_in_every_dress() {
        for card in [
            "4111111111111111",
            "order 12 4111 1111 1111 1111 thanks",
            "4111-1111-1111-1111",
            "5555 5555 5555 4444",
            "378282246310005",
            "6011111111111117",
            "3530111333300000",
        ] {
            assert!(holds_card_number(card), "{card}");
        }
        for other in ["4111111111111112", "1795601390123", "12345678901234567890", "INV-2026-0042"] {
            assert!(!holds_card_number(other), "{other}");
        }
    }

    #[test]
    fn a_card_number_is_refused_without_being_repeated() {
        let refusal = metadata("/metadata", &[("note".to_owned(), "4111 1111 1111 1111".to_owned())]).unwrap_err();
        assert_eq!(refusal.code, Code::ParameterInvalid);
        assert_eq!(refusal.param.as_deref(), Some("/metadata/note"));
        assert!(!refusal.detail.contains("4111"));
    }

    #[test]
    fn metadata_is_merged_and_bounded() {
        let current = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        let patch = vec![("a".to_owned(), None), ("c".to_owned(), Some("3".to_owned()))];
        let merged = merged_metadata(&current, &patch).unwrap();
        assert_eq!(merged, vec![("b".to_owned(), "2".to_owned()), ("c".to_owned(), "3".to_owned())]);
        let many: Vec<_> = (0..51).map(|n| (n.to_string(), String::new())).collect();
        assert!(metadata("/metadata", &many).is_err());
        assert!(metadata("/metadata", &many[..50]).is_ok());
        assert!(metadata("/metadata", &[("k".repeat(41), String::new())]).is_err());
        assert!(metadata("/metadata", &[("k".to_owned(), "ü".repeat(500))]).is_ok());
        assert!(metadata("/metadata", &[("k".to_owned(), "ü".repeat(501))]).is_err());
    }

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        assert_eq!(nearest("checkout:read", ["checkouts:read", "payments:read"]), Some("checkouts:read"));
        assert_eq!(nearest("zzzzzzzz", ["checkouts:read"]), None);
    }

    #[test]
    fn mail_addresses_have_a_shape() {
        for good in ["shop@example.com", "a.b+c@mail.example.org", "x@bücher.example"] {
            assert!(email("/email", good).is_ok(), "{good}");
        }
        for bad in
            ["", "shop", "@example.com", "a@b", "a@b..c", "a b@example.com", "a@b@example.com", "x@example.com\n"]
        {
            assert!(email("/email", bad).is_err(), "{bad}");
        }
    }
}
