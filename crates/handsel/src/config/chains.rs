//! `[[chains]]`: networks, their nodes and their tokens.

use super::source::{Source, nearest, unknown_key};
use super::{Chain, ConfigError};
use handsel_core::chain::proof::VerifyMode;
use handsel_core::chain::{AddressError, Kind, Network, Token};
use handsel_core::money::{Currency, parse_decimal};
use handsel_core::secret::SecretText;
use toml::{Table, Value};

const CHAIN_KEYS: &[&str] = &[
    "name",
    "kind",
    "chain_id",
    "rpc_urls",
    "quorum",
    "confirmations",
    "min_seconds",
    "finalized_above_usd",
    "block_time_ms",
    "tokens",
    "verify",
    "allow_unsafe_confirmations",
];
const TOKEN_KEYS: &[&str] = &["asset", "address", "decimals", "pegged_to"];
const DECIMALS_MAX: i64 = 24;
const DEFAULT_FINALIZED_ABOVE_USD_CENTS: u128 = 10_000;

/// Defaults of well-known networks: confirmations (02), seconds (03 b.4), milliseconds a block. Those of Tron are its kind's.
const KNOWN: &[(&str, u32, u32, u64)] = &[("ethereum", 12, 0, 12_000), ("bsc", 15, 10, 450), ("base", 12, 0, 2_000)];
const TRON: (u32, u32, u64) = (20, 0, 3_000);

pub(super) fn read(source: &mut Source, sandbox: bool) -> Result<Vec<Chain>, ConfigError> {
    let tables = source.tables("chains")?;
    let live = source.text("mode")?.as_deref() == Some("live") && !sandbox;
    let mut chains: Vec<Chain> = Vec::with_capacity(tables.len());
    for (at, table) in tables.iter().enumerate() {
        let chain = chain(table, &format!("chains[{at}]"), live)?;
        if chains.iter().any(|known| known.network.name == chain.network.name) {
            return Err(ConfigError::new(format!("chains[{at}].name"), "is given twice"));
        }
        chains.push(chain);
    }
    Ok(chains)
}

fn chain(table: &Table, at: &str, live: bool) -> Result<Chain, ConfigError> {
    only(table, at, CHAIN_KEYS)?;
    let name = text(table, at, "name")?.ok_or_else(|| missing(at, "name", "such as ethereum"))?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(ConfigError::new(format!("{at}.name"), "must be a slug of lower-case letters, digits and dashes"));
    }
    let kind = kind(table, at)?;
    let (confirmations, min_seconds, block_time_ms) = match kind {
        Kind::Evm => KNOWN.iter().find(|known| known.0 == name).map_or((12, 0, 12_000), |k| (k.1, k.2, k.3)),
        Kind::Tron => TRON,
    };
    let wanted = number(table, at, "confirmations")?.unwrap_or(i64::from(confirmations));
    let unsafe_switch = table.get("allow_unsafe_confirmations").and_then(Value::as_bool).unwrap_or(false);
    if live && wanted < i64::from(confirmations) && !unsafe_switch {
        let how = format!(
            "below the default of {confirmations}; a live server needs allow_unsafe_confirmations = true for that"
        );
        return Err(ConfigError::new(format!("{at}.confirmations"), how));
    }
    let chain_id = number(table, at, "chain_id")?.ok_or_else(|| missing(at, "chain_id", "such as 1"))?;
    let network = Network {
        chain_id: u64::try_from(chain_id)
            .map_err(|_| ConfigError::new(format!("{at}.chain_id"), "must be positive"))?,
        confirmations: small(at, "confirmations", wanted)?,
        min_seconds: small(at, "min_seconds", number(table, at, "min_seconds")?.unwrap_or(i64::from(min_seconds)))?,
        finalized_above_usd_cents: finalized_above(table, at)?,
        block_time_ms: number(table, at, "block_time_ms")?.and_then(|n| u64::try_from(n).ok()).unwrap_or(block_time_ms),
        tokens: tokens(table, at, kind)?,
        name,
        kind,
    };
    let verify = verify(table, at, &network)?;
    let rpc_urls = rpc_urls(table, at, kind)?;
    let quorum = quorum(table, at, &rpc_urls)?;
    Ok(Chain { network, rpc_urls, quorum, verify })
}

fn kind(table: &Table, at: &str) -> Result<Kind, ConfigError> {
    let Some(name) = text(table, at, "kind")? else { return Ok(Kind::Evm) };
    Kind::parse(&name).ok_or_else(|| ConfigError::new(format!("{at}.kind"), "must be evm or tron"))
}

/// How the network's blocks are believed. Those of the OP stack hold deposits, whose receipts have a form of their own; those of Tron
/// prove nothing.
fn verify(table: &Table, at: &str, network: &Network) -> Result<VerifyMode, ConfigError> {
    let proves_nothing = network.kind == Kind::Tron;
    match text(table, at, "verify")?.as_deref() {
        None if proves_nothing || network.name == "base" => Ok(VerifyMode::QuorumDigest),
        Some("receipts_root" | "logs_bloom") if proves_nothing => Err(ConfigError::new(
            format!("{at}.verify"),
            "must be quorum_digest: Tron's blocks prove nothing of themselves",
        )),
        None | Some("receipts_root") => Ok(VerifyMode::ReceiptsRoot),
        Some("logs_bloom") => Ok(VerifyMode::LogsBloom),
        Some("quorum_digest") => Ok(VerifyMode::QuorumDigest),
        Some(_) => Err(ConfigError::new(format!("{at}.verify"), "must be receipts_root, logs_bloom or quorum_digest")),
    }
}

fn rpc_urls(table: &Table, at: &str, kind: Kind) -> Result<Vec<SecretText>, ConfigError> {
    let key = format!("{at}.rpc_urls");
    let wrong = || {
        let how = match kind {
            Kind::Evm => "must be a list of http:// or https:// URLs (ws:// and wss:// bring hints)",
            Kind::Tron => "must be a list of http:// or https:// URLs, such as https://…/jsonrpc",
        };
        ConfigError::new(&key, how)
    };
    let urls = table.get("rpc_urls").and_then(Value::as_array).ok_or_else(wrong)?;
    let urls: Option<Vec<_>> = urls.iter().map(Value::as_str).collect();
    let urls = urls.ok_or_else(wrong)?;
    let hints = |url: &str| kind == Kind::Evm && (url.starts_with("ws://") || url.starts_with("wss://"));
    let known = |url: &&str| is_node(url) || hints(url);
    if !urls.iter().any(|url| is_node(url)) || !urls.iter().all(known) {
        return Err(wrong());
    }
    Ok(urls.into_iter().map(SecretText::new).collect())
}

/// True for a URL that is asked for data.
fn is_node(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// How many of the nodes must agree: more than half of them, unless the operator says otherwise.
fn quorum(table: &Table, at: &str, urls: &[SecretText]) -> Result<usize, ConfigError> {
    let nodes = urls.iter().filter(|url| is_node(url.expose())).count();
    let Some(wanted) = number(table, at, "quorum")? else { return Ok(nodes / 2 + 1) };
    match usize::try_from(wanted) {
        Ok(wanted) if (1..=nodes).contains(&wanted) => Ok(wanted),
        _ => Err(ConfigError::new(format!("{at}.quorum"), format!("must be 1 to {nodes}, the nodes in rpc_urls"))),
    }
}

fn finalized_above(table: &Table, at: &str) -> Result<u128, ConfigError> {
    let key = format!("{at}.finalized_above_usd");
    let text = match table.get("finalized_above_usd") {
        None => return Ok(DEFAULT_FINALIZED_ABOVE_USD_CENTS),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Integer(number)) => number.to_string(),
        Some(_) => return Err(ConfigError::new(key, "must be a decimal text such as \"100\"")),
    };
    parse_decimal(&text, 2).map_err(|error| ConfigError::new(key, error.to_string()))
}

fn tokens(table: &Table, at: &str, kind: Kind) -> Result<Vec<Token>, ConfigError> {
    let Some(items) = table.get("tokens") else { return Ok(Vec::new()) };
    let key = format!("{at}.tokens");
    let items =
        items.as_array().ok_or_else(|| ConfigError::new(&key, "must be a list of {asset, address, decimals}"))?;
    let mut tokens: Vec<Token> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("{key}[{index}]");
        let item = item.as_table().ok_or_else(|| ConfigError::new(&at, "must be {asset, address, decimals}"))?;
        let token = token(item, &at, kind)?;
        if tokens.iter().any(|known| known.asset == token.asset || known.contract == token.contract) {
            return Err(ConfigError::new(at, "names an asset or a contract twice"));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

fn token(table: &Table, at: &str, kind: Kind) -> Result<Token, ConfigError> {
    only(table, at, TOKEN_KEYS)?;
    let asset = text(table, at, "asset")?.ok_or_else(|| missing(at, "asset", "such as USDT"))?;
    let address = text(table, at, "address")?.ok_or_else(|| missing(at, "address", "the token's contract"))?;
    let refused = |why: AddressError| {
        let how = match why {
            AddressError::NotHex => "must be 0x and 40 hex digits",
            AddressError::Case => "has a wrong checksum (EIP-55): a character is mistyped",
            AddressError::Checksum => "has a wrong checksum (base58check): a character is mistyped",
            AddressError::NotBase58 => "must be 34 characters that begin with T",
            AddressError::Hex => "must be in Tron's own form, T and 33 characters: hex has no checksum",
        };
        ConfigError::new(format!("{at}.address"), how)
    };
    let contract = kind.read_address(&address).map_err(refused)?;
    let decimals = number(table, at, "decimals")?.ok_or_else(|| missing(at, "decimals", "as the contract says"))?;
    if !(0..=DECIMALS_MAX).contains(&decimals) {
        return Err(ConfigError::new(format!("{at}.decimals"), "must be 0 to 24"));
    }
    let pegged_to = match text(table, at, "pegged_to")?.as_deref() {
        Some("none") => None,
        Some(code) => Some(
            Currency::parse(code)
                .ok_or_else(|| ConfigError::new(format!("{at}.pegged_to"), "is no currency such as USD"))?,
        ),
        None => default_peg(&asset),
    };
    Ok(Token { asset, contract, decimals: u8::try_from(decimals).unwrap_or(0), pegged_to })
}

/// The stablecoins that everybody means by these labels; `pegged_to = "none"` undoes it.
fn default_peg(asset: &str) -> Option<Currency> {
    match asset {
        "USDT" | "USDC" | "DAI" | "USDP" | "PYUSD" => Currency::parse("USD"),
        "EURC" => Currency::parse("EUR"),
        _ => None,
    }
}

pub(super) fn missing(at: &str, key: &str, example: &str) -> ConfigError {
    ConfigError::new(format!("{at}.{key}"), format!("is missing ({example})"))
}

pub(super) fn only(table: &Table, at: &str, known: &[&'static str]) -> Result<(), ConfigError> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(unknown_key(&format!("{at}.{key}"), nearest(key, known.iter().copied()))),
        None => Ok(()),
    }
}

pub(super) fn text(table: &Table, at: &str, key: &str) -> Result<Option<String>, ConfigError> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ConfigError::new(format!("{at}.{key}"), "must be a text in quotes")),
    }
}

fn number(table: &Table, at: &str, key: &str) -> Result<Option<i64>, ConfigError> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::Integer(number)) if *number >= 0 => Ok(Some(*number)),
        Some(_) => Err(ConfigError::new(format!("{at}.{key}"), "must be a whole number")),
    }
}

fn small(at: &str, key: &str, number: i64) -> Result<u32, ConfigError> {
    u32::try_from(number).map_err(|_| ConfigError::new(format!("{at}.{key}"), "is too large"))
}
