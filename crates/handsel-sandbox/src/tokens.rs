//! The tokens of the simulated chain and what their contracts answer. Payers are rich; holders are counted.

use crate::hash::{Address, number_word};

/// One token contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenFacts {
    /// The asset's code.
    pub symbol: &'static str,
    /// The contract's own name.
    pub name: &'static str,
    /// The contract.
    pub address: Address,
    /// Digits after the point.
    pub decimals: u8,
}

/// All tokens of `sandbox-evm`. EURC stays outside what checkouts accept unless it is asked for.
pub const TOKENS: [TokenFacts; 3] = [
    TokenFacts {
        symbol: "USDC",
        name: "Sandbox USD Coin",
        address: [
            0x5c, 0x1b, 0x5e, 0x0d, 0x4a, 0x9f, 0x3c, 0x28, 0x61, 0xd0, 0xe8, 0x5b, 0x7f, 0x92, 0xa4, 0xc6, 0xd3, 0x18,
            0x0a, 0x01,
        ],
        decimals: 6,
    },
    TokenFacts {
        symbol: "USDT",
        name: "Sandbox Tether USD",
        address: [
            0x5c, 0x2d, 0xa4, 0x71, 0xbe, 0x06, 0x95, 0xf8, 0x33, 0x4c, 0x10, 0xda, 0x6e, 0x57, 0xc9, 0x82, 0xfb, 0x24,
            0x0a, 0x02,
        ],
        decimals: 6,
    },
    TokenFacts {
        symbol: "EURC",
        name: "Sandbox Euro Coin",
        address: [
            0x5c, 0x3e, 0xf9, 0x08, 0x17, 0xc4, 0xab, 0x6d, 0x52, 0x9e, 0x74, 0x01, 0xd8, 0x3b, 0x60, 0xe5, 0x0f, 0xc7,
            0x0a, 0x03,
        ],
        decimals: 6,
    },
];

/// All tokens of `sandbox-tron`; their contracts are others, as on real chains.
pub const TRON_TOKENS: [TokenFacts; 3] = [
    TokenFacts {
        symbol: "USDT",
        name: "Sandbox Tether USD (TRC-20)",
        address: [
            0x7a, 0x1c, 0x44, 0x09, 0xe3, 0x5d, 0x81, 0xbf, 0x26, 0x90, 0x0f, 0xda, 0x63, 0xc7, 0x18, 0x5e, 0xb2, 0x34,
            0x0b, 0x01,
        ],
        decimals: 6,
    },
    TokenFacts {
        symbol: "USDC",
        name: "Sandbox USD Coin (TRC-20)",
        address: [
            0x7a, 0x2e, 0x90, 0x5b, 0x14, 0xf8, 0x3a, 0xc6, 0x77, 0x02, 0xdd, 0x49, 0xb1, 0x6f, 0xe0, 0x95, 0x28, 0xc3,
            0x0b, 0x02,
        ],
        decimals: 6,
    },
    TokenFacts {
        symbol: "EURC",
        name: "Sandbox Euro Coin (TRC-20)",
        address: [
            0x7a, 0x3b, 0xd1, 0x66, 0x8f, 0x20, 0xe5, 0x17, 0xac, 0x5e, 0x73, 0x98, 0x04, 0xb9, 0x4d, 0xf2, 0x61, 0x8a,
            0x0b, 0x03,
        ],
        decimals: 6,
    },
];

/// What each contract states as its supply, in minor units.
pub(crate) const TOTAL_SUPPLY_MINOR_UNITS: u128 = 1_000_000_000_000_000_000;

/// The token of a code.
pub fn token(symbol: &str) -> Option<&'static TokenFacts> {
    TOKENS.iter().find(|token| token.symbol == symbol)
}

/// What a call to a contract asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Decimals,
    Symbol,
    Name,
    TotalSupply,
    BalanceOf(Address),
}

impl Question {
    /// Reads call data; `None` is a call that the contracts revert.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (selector, arguments) = data.split_first_chunk::<4>()?;
        match selector {
            [0x31, 0x3c, 0xe5, 0x67] => Some(Self::Decimals),
            [0x95, 0xd8, 0x9b, 0x41] => Some(Self::Symbol),
            [0x06, 0xfd, 0xde, 0x03] => Some(Self::Name),
            [0x18, 0x16, 0x0d, 0xdd] => Some(Self::TotalSupply),
            [0x70, 0xa0, 0x82, 0x31] => {
                let (padding, account) = arguments.split_first_chunk::<12>()?;
                let account = account.first_chunk::<20>()?;
                (*padding == [0; 12]).then_some(Self::BalanceOf(*account))
            }
            _ => None,
        }
    }
}

/// A string as a contract returns it (ABI): offset, length, bytes filled up to whole words.
pub(crate) fn abi_string(text: &str) -> Vec<u8> {
    let mut out = [number_word(32), number_word(text.len() as u128)].concat();
    out.extend_from_slice(text.as_bytes());
    out.resize(out.len().next_multiple_of(32), 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{address_word, keccak};

    #[test]
    fn selectors_are_those_of_erc_20() {
        let asked = |signature: &str| Question::parse(&keccak(&[signature.as_bytes()])[..4]);
        assert_eq!(asked("decimals()"), Some(Question::Decimals));
        assert_eq!(asked("symbol()"), Some(Question::Symbol));
        assert_eq!(asked("name()"), Some(Question::Name));
        assert_eq!(asked("totalSupply()"), Some(Question::TotalSupply));
        let balance = [&keccak(&[b"balanceOf(address)"])[..4], &address_word(&[7; 20])].concat();
        assert_eq!(Question::parse(&balance), Some(Question::BalanceOf([7; 20])));
        assert_eq!(asked("balanceOf(address)"), None, "an argument is missing");
        assert_eq!(asked("mint()"), None);
    }

    #[test]
    fn addresses_differ_and_symbols_resolve() {
        assert_ne!(TOKENS[0].address, TOKENS[1].address);
        assert_ne!(TOKENS[1].address, TOKENS[2].address);
        assert_eq!(token("EURC"), Some(&TOKENS[2]));
        assert_eq!(token("usdc"), None);
    }

    #[test]
    fn strings_fill_whole_words() {
        let encoded = abi_string("USDC");
        assert_eq!(encoded.len(), 96);
        assert_eq!((encoded[31], encoded[63], &encoded[64..69]), (32, 4, &b"USDC\0"[..]));
    }
}
