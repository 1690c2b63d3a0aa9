//! Recognises what could spend, in every usual form, so that it is refused wherever a wallet or a setting is read (06 1.7).
//! Nothing of it is kept or echoed.

/// True for extended private keys of any flavour, WIF, 32-byte hex keys, keystore files and seed phrases.
pub fn looks_private(text: &str) -> bool {
    let text = text.trim();
    extended_private(text) || wif(text) || raw_hex(text) || keystore(text) || seed_phrase(text)
}

/// `xprv`, `yprv`, `zprv`, `tprv`, `uprv`, `vprv` and their multisig twins.
fn extended_private(text: &str) -> bool {
    let head: String = text.chars().take(4).collect::<String>().to_ascii_lowercase();
    text.len() > 40 && head.len() == 4 && head.ends_with("prv") && head.starts_with(['x', 'y', 'z', 't', 'u', 'v'])
}

/// Wallet import format: base58check over 0x80 or 0xef and 32 bytes (33 with the compression mark).
fn wif(text: &str) -> bool {
    if !(50..=54).contains(&text.len()) {
        return false;
    }
    let Ok(bytes) = bs58::decode(text).with_check(None).into_vec() else { return false };
    matches!(bytes.first(), Some(0x80 | 0xef)) && matches!(bytes.len(), 33 | 34)
}

/// 64 hex digits: the usual form of an EVM private key. No address and no xpub looks so.
fn raw_hex(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A Web3 keystore: JSON with a `crypto` and a `ciphertext` member.
fn keystore(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.starts_with('{') && lower.contains("\"crypto\"") && lower.contains("\"ciphertext\"")
}

/// 12, 15, 18, 21 or 24 short lower-case words (BIP-39).
fn seed_phrase(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let word = |w: &&str| (3..=8).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_alphabetic());
    matches!(words.len(), 12 | 15 | 18 | 21 | 24) && words.iter().all(word)
}

#[cfg(test)]
mod tests {
    use super::looks_private;

    #[test]
    fn every_form_of_a_private_key_is_known() {
        let phrase = ["abandon"; 11].join(" ") + " about";
        let forms = [
            "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
            "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
            "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn",
            "0x0000000000000000000000000000000000000000000000000000000000000001",
            "0000000000000000000000000000000000000000000000000000000000000001",
            r#"{"version":3,"crypto":{"ciphertext":"00"}}"#,
            &phrase,
        ];
        for form in forms {
            assert!(looks_private(form), "{}…", &form[..8]);
        }
    }

    #[test]
    fn public_things_pass() {
        let forms = [
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
            "Order 1042 for Acorn Books",
            "",
        ];
        for form in forms {
            assert!(!looks_private(form), "{form}");
        }
    }
}
