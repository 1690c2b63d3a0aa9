//! The kinds of chains, and how each of them writes an address. Inside, every address is its 20 bytes; at the border it is text with a
//! checksum: EIP-55 on EVM chains, base58check with the prefix 0x41 on Tron.

use core::fmt;

use super::Address;

/// The byte that Tron puts before the 20 bytes of an address.
const TRON_PREFIX: u8 = 0x41;

/// What a network is made like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    #[default]
    Evm,
    Tron,
}

/// Why a text is no address of this kind of chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// Not `0x` and 40 hex digits.
    NotHex,
    /// Upper and lower case that don't fit (EIP-55).
    Case,
    /// Not base58 text of 25 bytes that begin with 0x41.
    NotBase58,
    /// Base58 whose checksum doesn't fit.
    Checksum,
    /// Hex where Tron's own form is wanted: it has no checksum, so a mistyped digit would be another address.
    Hex,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHex => "an address is 0x and 40 hex digits",
            Self::Case => "the address has a typing error: its upper and lower case don't fit (EIP-55)",
            Self::NotBase58 => "an address on Tron is 34 characters and begins with T",
            Self::Checksum => "the address has a typing error: its checksum doesn't fit (base58check)",
            Self::Hex => {
                "write Tron's address in its own form, T and 33 characters; hex has no checksum against typing errors"
            }
        })
    }
}
impl std::error::Error for AddressError {}

impl Kind {
    /// The public name (02).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evm => "evm",
            Self::Tron => "tron",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Evm, Self::Tron].into_iter().find(|kind| kind.name() == name)
    }

    /// The CAIP-2 id of a chain. Nobody has registered a namespace for Tron; its reference is the chain id as TRON's documentation
    /// writes it, the last four bytes of the genesis block's id in hex.
    pub fn caip2(self, chain_id: u64) -> String {
        match self {
            Self::Evm => format!("eip155:{chain_id}"),
            Self::Tron => format!("tron:0x{chain_id:08x}"),
        }
    }

    /// An address as its payers know it.
    pub fn address_text(self, address: Address) -> String {
        match self {
            Self::Evm => address.checksummed(),
            Self::Tron => bs58::encode(address.0).with_check_version(TRON_PREFIX).into_string(),
        }
    }

    /// Reads an address as its owner writes it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_address(self, text: &str) -> Result<Address, AddressError> {
        match self {
            Self::Evm => evm_address(text),
            Self::Tron => tron_address(text),
        }
    }
}

fn evm_address(text: &str) -> Result<Address, AddressError> {
    let address = Address::parse(text).ok_or(AddressError::NotHex)?;
    let digits = text.get(2..).unwrap_or_default();
    let mixed = digits.bytes().any(|b| b.is_ascii_uppercase()) && digits.bytes().any(|b| b.is_ascii_lowercase());
    if mixed && address.checksummed() != text { Err(AddressError::Case) } else { Ok(address) }
}

fn tron_address(text: &str) -> Result<Address, AddressError> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if matches!(digits.len(), 40 | 42) && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(AddressError::Hex);
    }
    // 33 or fewer characters can't hold 25 bytes that begin with 0x41, and longer texts need not be decoded.
    if text.len() != 34 {
        return Err(AddressError::NotBase58);
    }
    let bytes = bs58::decode(text).with_check(Some(TRON_PREFIX)).into_vec().map_err(|error| match error {
        bs58::decode::Error::InvalidChecksum { .. } => AddressError::Checksum,
        _ => AddressError::NotBase58,
    })?;
    // The first byte is the prefix, which was checked.
    bytes.get(1..).and_then(|bytes| bytes.try_into().ok()).map(Address).ok_or(AddressError::NotBase58)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    /// USDT's contract, in both forms as published.
    const USDT: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
    const USDT_HEX: &str = "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c";

    #[test]
    fn trons_addresses_are_base58_with_a_checksum() {
        let vectors = [
            (USDT, USDT_HEX),
            ("TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8", "0x3487b63d30b5b2c87fb7ffa8bcfade38eaac1abe"),
            ("TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj", "0xea51342dabbb928ae1e576bd39eff8aaf070a8c6"),
        ];
        for (text, hex) in vectors {
            let address = Address::parse(hex).unwrap();
            assert_eq!(Kind::Tron.read_address(text), Ok(address));
            assert_eq!(Kind::Tron.address_text(address), text);
        }
    }

    #[test]
    fn what_is_no_address_on_tron_says_why() {
        let bitcoin = bs58::encode([7; 20]).with_check_version(0).into_string();
        let long = bs58::encode([7; 21]).with_check_version(TRON_PREFIX).into_string();
        for (text, why) in [
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", AddressError::Checksum),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6", AddressError::NotBase58),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6tt", AddressError::NotBase58),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj60", AddressError::NotBase58),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLjé", AddressError::NotBase58),
            ("", AddressError::NotBase58),
            (USDT_HEX, AddressError::Hex),
            ("41a614f803b6fd780986a42c78ec9c7f77e6ded13c", AddressError::Hex),
            ("0x41a614f803b6fd780986a42c78ec9c7f77e6ded13c", AddressError::Hex),
            (&bitcoin, AddressError::NotBase58),
            (&long, AddressError::NotBase58),
        ] {
            assert_eq!(Kind::Tron.read_address(text), Err(why), "{text}");
        }
    }

    #[test]
    fn evm_addresses_are_hex_whose_case_may_be_a_checksum() {
        let right = "0x52908400098527886E0F7030069857D2E4169EE7";
        for text in [right, &right.to_ascii_lowercase().replace("0X", "0x")] {
            assert_eq!(Kind::Evm.address_text(Kind::Evm.read_address(text).unwrap()), right);
        }
        let mistyped = "0x52908400098527886e0F7030069857D2E4169EE7";
        assert_eq!(Kind::Evm.read_address(mistyped), Err(AddressError::Case));
        assert_eq!(Kind::Evm.read_address(USDT), Err(AddressError::NotHex));
    }

    #[test]
    fn chains_have_their_own_names() {
        assert_eq!(Kind::Evm.caip2(8_453), "eip155:8453");
        assert_eq!(Kind::Tron.caip2(728_126_428), "tron:0x2b6653dc");
        assert_eq!(
            (Kind::parse("tron"), Kind::parse("evm"), Kind::parse("Tron")),
            (Some(Kind::Tron), Some(Kind::Evm), None)
        );
    }

    proptest! {
        #[test]
        fn every_address_comes_back(bytes in any::<[u8; 20]>()) {
            for kind in [Kind::Evm, Kind::Tron] {
                let text = kind.address_text(Address(bytes));
                prop_assert_eq!(kind.read_address(&text), Ok(Address(bytes)));
            }
            prop_assert!(Kind::Tron.address_text(Address(bytes)).starts_with('T'));
        }

        #[test]
        fn foreign_text_is_an_error_and_no_panic(text in ".{0,40}") {
            let _ = Kind::Evm.read_address(&text);
            let _ = Kind::Tron.read_address(&text);
        }
    }
}
