//! One configuration, checked whole at start. Every key is also an environment variable (`HANDSEL_` and levels joined by two
//! underscores), secrets may come from files (`_FILE`), and an unknown key refuses to start, naming the nearest.

mod chains;
pub mod rates;
mod source;

use handsel_core::account::Region;
use handsel_core::chain::Network;
use handsel_core::chain::proof::VerifyMode;
use handsel_core::secret::{SecretBytes, SecretText};
use rates::Rates;
use source::Source;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the configuration is refused: which key, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub key: String,
    pub problem: String,
}

impl ConfigError {
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: {}: {}", self.key, self.problem)
    }
}
impl std::error::Error for ConfigError {}

/// What the operator set.
#[derive(Debug)]
pub struct Config {
    pub live: bool,
    pub listen: Listen,
    pub public_url: String,
    pub region: Region,
    pub encryption_key: Option<SecretBytes<32>>,
    pub database: Database,
    pub tls: Option<Tls>,
    pub trusted_proxies: Vec<String>,
    pub allow_http_webhooks: bool,
    pub egress: Egress,
    pub reads_per_second: u32,
    pub writes_per_second: u32,
    pub chains: Vec<Chain>,
    pub rates: Rates,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Debug, Default)]
pub struct Database {
    /// `postgres://…`; none: SQLite in the data directory.
    pub url: Option<SecretText>,
    pub migrate_url: Option<SecretText>,
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug)]
pub struct Egress {
    pub allowed_cidrs: Vec<String>,
    pub extra_ports: Vec<u16>,
    pub resolver: Option<SocketAddr>,
    pub extra_ca: Option<PathBuf>,
}

/// A network and the nodes that show it.
#[derive(Debug, Clone)]
pub struct Chain {
    pub network: Network,
    pub rpc_urls: Vec<SecretText>,
    /// So many of the nodes must say the same.
    pub quorum: usize,
    /// How its blocks are believed.
    pub verify: VerifyMode,
}

/// Who reads the configuration: `dev` has other defaults, and needs less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Serve,
    Dev { port: u16 },
}

impl Config {
    /// Reads `text` (TOML) with the environment's `HANDSEL_` variables over it.
    pub fn read(verb: Verb, text: Option<&str>, variables: &[(String, String)]) -> Result<Self, ConfigError> {
        let mut source = Source::new(text, variables)?;
        let dev = matches!(verb, Verb::Dev { .. });
        let live = match source.text("mode")?.as_deref() {
            Some("live") if dev => return Err(ConfigError::new("mode", "dev is a sandbox; use serve for live")),
            Some("live") => true,
            Some("sandbox") => false,
            None if dev => false,
            None => return Err(ConfigError::new("mode", "say mode = \"sandbox\" or mode = \"live\"")),
            Some(_) => return Err(ConfigError::new("mode", "must be sandbox or live")),
        };
        let listen = listen(&mut source, verb)?;
        let tls = tls(&mut source)?;
        let trusted_proxies = source.list("trusted_proxies")?.unwrap_or_default();
        let config = Self {
            live,
            public_url: public_url(&mut source, &listen, tls.is_some())?,
            region: region(&mut source)?,
            encryption_key: encryption_key(&mut source)?,
            database: Database {
                url: source.secret("database.url")?,
                migrate_url: source.secret("database.migrate_url")?,
                ca_file: source.text("database.ca_file")?.map(PathBuf::from),
            },
            allow_http_webhooks: source.flag("webhooks.allow_http")?.unwrap_or(dev),
            egress: egress(&mut source, dev)?,
            reads_per_second: source.number("limits.reads_per_second")?.unwrap_or(100),
            writes_per_second: source.number("limits.writes_per_second")?.unwrap_or(25),
            chains: chains::read(&mut source, dev)?,
            rates: rates::read(&mut source)?,
            listen,
            tls,
            trusted_proxies,
        };
        if source.text("redis.url")?.is_some() {
            return Err(ConfigError::new("redis.url", "this release keeps limits in memory; remove the key"));
        }
        source.finish()?;
        config.check(verb)?;
        Ok(config)
    }

    fn check(&self, verb: Verb) -> Result<(), ConfigError> {
        if self.live && self.allow_http_webhooks {
            return Err(ConfigError::new("webhooks.allow_http", "a live server sends webhooks over https only"));
        }
        if verb == Verb::Serve && self.encryption_key.is_none() {
            let how = "set HANDSEL_ENCRYPTION_KEY (or HANDSEL_ENCRYPTION_KEY_FILE) to 64 hex characters: openssl rand -hex 32";
            return Err(ConfigError::new("encryption_key", how));
        }
        if self.live && self.chains.is_empty() {
            return Err(ConfigError::new("chains", "name at least one [[chains]] with its rpc_urls and tokens"));
        }
        if let Listen::Tcp(address) = &self.listen
            && !address.ip().is_loopback()
            && self.tls.is_none()
            && self.trusted_proxies.is_empty()
        {
            let how = "plain HTTP is served on loopback, on a Unix socket or behind a declared proxy only: set tls.cert and \
                       tls.key, or trusted_proxies";
            return Err(ConfigError::new("listen", how));
        }
        Ok(())
    }
}

fn listen(source: &mut Source, verb: Verb) -> Result<Listen, ConfigError> {
    let fallback = match verb {
        Verb::Dev { port } => format!("127.0.0.1:{port}"),
        Verb::Serve => "127.0.0.1:4400".to_owned(),
    };
    let text = source.text("listen")?.unwrap_or(fallback);
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(Listen::Unix(PathBuf::from(path)));
    }
    let wrong = || ConfigError::new("listen", "must be an address and port such as 127.0.0.1:4400, or unix:/path");
    text.parse().map(Listen::Tcp).map_err(|_| wrong())
}

fn public_url(source: &mut Source, listen: &Listen, tls: bool) -> Result<String, ConfigError> {
    let given = source.text("public_url")?;
    let text = match (given, listen) {
        (Some(url), _) => url,
        (None, Listen::Tcp(address)) => format!("{}://{address}", if tls { "https" } else { "http" }),
        (None, Listen::Unix(_)) => {
            return Err(ConfigError::new("public_url", "behind a Unix socket the public URL must be given"));
        }
    };
    let text = text.trim_end_matches('/').to_owned();
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => Ok(text),
        _ => Err(ConfigError::new("public_url", "must be scheme and host alone, such as https://pay.example.com")),
    }
}

fn region(source: &mut Source) -> Result<Region, ConfigError> {
    match source.text("region")?.as_deref() {
        None | Some("eu") => Ok(Region::Eu),
        Some("us") => Ok(Region::Us),
        Some("apac") => Ok(Region::Apac),
        Some(_) => Err(ConfigError::new("region", "must be us, eu or apac")),
    }
}

fn tls(source: &mut Source) -> Result<Option<Tls>, ConfigError> {
    match (source.text("tls.cert")?, source.text("tls.key")?) {
        (Some(cert), Some(key)) => Ok(Some(Tls { cert: cert.into(), key: key.into() })),
        (None, None) => Ok(None),
        _ => Err(ConfigError::new("tls", "tls.cert and tls.key belong together")),
    }
}

fn encryption_key(source: &mut Source) -> Result<Option<SecretBytes<32>>, ConfigError> {
    let Some(text) = source.secret("encryption_key")? else { return Ok(None) };
    parse_encryption_key(text.expose()).map(Some)
}

/// 64 hex characters, anything else is refused without repeating it.
pub fn parse_encryption_key(text: &str) -> Result<SecretBytes<32>, ConfigError> {
    let mut bytes = [0u8; 32];
    let wrong = || ConfigError::new("encryption_key", "must be 64 hex characters: openssl rand -hex 32");
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| wrong())?;
    Ok(SecretBytes::new(bytes))
}

fn egress(source: &mut Source, dev: bool) -> Result<Egress, ConfigError> {
    let loopback = || vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()];
    let allowed_cidrs =
        source.list("egress.allowed_cidrs")?.unwrap_or_else(|| if dev { loopback() } else { Vec::new() });
    for cidr in &allowed_cidrs {
        if cidr.parse::<ipnet::IpNet>().is_err() {
            return Err(ConfigError::new("egress.allowed_cidrs", format!("{cidr:?} is no CIDR such as 10.0.0.0/8")));
        }
    }
    let ports = source.list("egress.ports")?.unwrap_or_default();
    let extra_ports = ports.iter().map(|p| p.parse::<u16>());
    let extra_ports = extra_ports.collect::<Result<_, _>>();
    let resolver = source.text("egress.resolver")?.map(|text| resolver(&text)).transpose()?;
    Ok(Egress {
        allowed_cidrs,
        extra_ports: extra_ports.map_err(|_| ConfigError::new("egress.ports", "must be port numbers"))?,
        resolver,
        extra_ca: source.text("egress.extra_ca")?.map(PathBuf::from),
    })
}

/// `1.2.3.4` or `1.2.3.4:5353`.
fn resolver(text: &str) -> Result<SocketAddr, ConfigError> {
    let whole = text.parse::<SocketAddr>().ok();
    let bare = || text.parse::<std::net::IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53));
    whole.or_else(bare).ok_or_else(|| {
        ConfigError::new("egress.resolver", "must be a name server's IP address, with or without a port")
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";
    const CHAIN: &str = r#"
        mode = "sandbox"
        [[chains]]
        name = "ethereum"
        chain_id = 1
        rpc_urls = ["http://127.0.0.1:8545"]
        [[chains.tokens]]
        asset = "USDT"
        address = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
        decimals = 6
    "#;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables: Vec<_> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::read(Verb::Serve, Some(text), &variables)
    }

    #[test]
    fn a_small_configuration_is_enough() {
        let config = read(CHAIN, &[("HANDSEL_ENCRYPTION_KEY", KEY)]).unwrap();
        assert_eq!(config.public_url, "http://127.0.0.1:4400");
        let network = &config.chains[0].network;
        assert_eq!((network.confirmations, network.finalized_above_usd_cents), (12, 10_000));
        assert_eq!(network.tokens[0].pegged_to.unwrap().code(), "USD");
        assert!(!config.allow_http_webhooks);
        assert!(config.egress.allowed_cidrs.is_empty());
    }

    #[test]
    fn more_than_half_of_the_nodes_must_agree_unless_said_otherwise() {
        let with = |urls: &str, more: &str| {
            let text = CHAIN.replace(r#"["http://127.0.0.1:8545"]"#, &format!("{urls}\n{more}"));
            read(&text, &[("HANDSEL_ENCRYPTION_KEY", KEY)]).map(|config| config.chains[0].quorum)
        };
        let three = r#"["https://a.example", "https://b.example", "wss://a.example", "https://c.example"]"#;
        assert_eq!(with(r#"["https://a.example"]"#, "").unwrap(), 1);
        assert_eq!(with(three, "").unwrap(), 2);
        assert_eq!(with(three, "quorum = 3").unwrap(), 3);
        for wrong in ["quorum = 0", "quorum = 4"] {
            assert!(with(three, wrong).unwrap_err().to_string().contains("chains[0].quorum"), "{wrong}");
        }
        assert!(with(r#"["wss://a.example"]"#, "").is_err(), "hints only");
    }

    #[test]
    fn blocks_prove_themselves_unless_the_network_is_told_otherwise() {
        let verify = |chain: &str| {
            read(chain, &[("HANDSEL_ENCRYPTION_KEY", KEY)])
                .map(|config| config.chains[0].verify)
                .map_err(|e| e.to_string())
        };
        let with = |value: &str| CHAIN.replace("chain_id = 1\n", &format!("chain_id = 1\nverify = \"{value}\"\n"));
        assert_eq!(verify(CHAIN), Ok(VerifyMode::ReceiptsRoot));
        assert_eq!(verify(&CHAIN.replace("ethereum", "base")), Ok(VerifyMode::QuorumDigest));
        assert_eq!(verify(&with("receipts_root").replace("ethereum", "base")), Ok(VerifyMode::ReceiptsRoot));
        assert_eq!(verify(&with("logs_bloom")), Ok(VerifyMode::LogsBloom));
        assert_eq!(verify(&with("quorum_digest")), Ok(VerifyMode::QuorumDigest));
        assert!(verify(&with("trust")).unwrap_err().contains("chains[0].verify"));
    }

    #[test]
    fn tron_has_its_own_defaults_and_addresses() {
        const USDT: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
        let tron = CHAIN
            .replace("name = \"ethereum\"", "name = \"tron\"\nkind = \"tron\"")
            .replace("chain_id = 1", "chain_id = 728126428")
            .replace("0xdAC17F958D2ee523a2206206994597C13D831ec7", USDT);
        let read = |text: &str| read(text, &[("HANDSEL_ENCRYPTION_KEY", KEY)]);
        let config = read(&tron).unwrap();
        let chain = &config.chains[0];
        assert_eq!((chain.network.confirmations, chain.network.block_time_ms), (20, 3_000));
        assert_eq!((chain.network.caip2().as_str(), chain.verify), ("tron:0x2b6653dc", VerifyMode::QuorumDigest));
        assert_eq!(chain.network.kind.address_text(chain.network.tokens[0].contract), USDT);
        for (from, to, hint) in [
            (USDT, "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c", "T and 33 characters"),
            (USDT, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", "checksum"),
            ("http://127.0.0.1:8545", "ws://127.0.0.1:8545", "rpc_urls"),
            ("kind = \"tron\"", "kind = \"tron\"\nverify = \"receipts_root\"", "quorum_digest"),
            ("kind = \"tron\"", "kind = \"solana\"", "evm or tron"),
            ("mode = \"sandbox\"", "mode = \"live\"\n", "allow_unsafe"),
        ] {
            let text = tron.replace(from, to);
            let text = if hint == "allow_unsafe" { text.replace("kind =", "confirmations = 19\nkind =") } else { text };
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(hint), "{error} should mention {hint}");
        }
        assert!(
            read(&CHAIN.replace("0xdAC17F958D2ee523a2206206994597C13D831ec7", USDT)).is_err(),
            "no address of an EVM chain"
        );
    }

    #[test]
    fn a_sandbox_needs_no_chain_and_a_live_server_does() {
        let key = [("HANDSEL_ENCRYPTION_KEY", KEY)];
        assert!(read("mode = \"sandbox\"", &key).unwrap().chains.is_empty());
        assert_eq!(read("mode = \"live\"", &key).unwrap_err().key, "chains");
    }

    #[test]
    fn the_environment_wins_and_lists_are_split_at_commas() {
        let variables = [
            ("HANDSEL_ENCRYPTION_KEY", KEY),
            ("HANDSEL_WEBHOOKS__ALLOW_HTTP", "true"),
            ("HANDSEL_EGRESS__ALLOWED_CIDRS", "127.0.0.0/8,::1/128"),
            ("HANDSEL_LIMITS__WRITES_PER_SECOND", "1000"),
            ("HANDSEL_EGRESS__RESOLVER", "127.0.0.1:5353"),
        ];
        let config = read(CHAIN, &variables).unwrap();
        assert!(config.allow_http_webhooks);
        assert_eq!(config.egress.allowed_cidrs, ["127.0.0.0/8", "::1/128"]);
        assert_eq!(config.writes_per_second, 1000);
        assert_eq!(config.egress.resolver, Some("127.0.0.1:5353".parse().unwrap()));
        let empty = read(CHAIN, &[("HANDSEL_ENCRYPTION_KEY", KEY), ("HANDSEL_EGRESS__ALLOWED_CIDRS", "")]).unwrap();
        assert!(empty.egress.allowed_cidrs.is_empty());
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        let text = format!("listn = \"127.0.0.1:1\"\n{CHAIN}");
        let error = read(&text, &[("HANDSEL_ENCRYPTION_KEY", KEY)]).unwrap_err();
        assert_eq!(error.to_string(), "configuration: listn: unknown key; did you mean listen?");
        let error =
            read(CHAIN, &[("HANDSEL_ENCRYPTION_KEY", KEY), ("HANDSEL_EGRESS__RESOLVR", "1.1.1.1")]).unwrap_err();
        assert_eq!(error.key, "HANDSEL_EGRESS__RESOLVR");
        assert!(error.problem.contains("HANDSEL_EGRESS__RESOLVER"), "{error}");
        let text = CHAIN.replace("chain_id", "chian_id");
        let error = read(&text, &[("HANDSEL_ENCRYPTION_KEY", KEY)]).unwrap_err();
        assert!(error.to_string().contains("did you mean chain_id"), "{error}");
    }

    #[test]
    fn what_is_wrong_says_what_would_be_right() {
        let cases = [
            (CHAIN.to_owned(), vec![], "openssl rand -hex 32"),
            (CHAIN.to_owned(), vec![("HANDSEL_ENCRYPTION_KEY", "abc")], "64 hex"),
            (CHAIN.replace("mode = \"sandbox\"", ""), vec![("HANDSEL_ENCRYPTION_KEY", KEY)], "mode = \"sandbox\""),
            (format!("listen = \"0.0.0.0:80\"\n{CHAIN}"), vec![("HANDSEL_ENCRYPTION_KEY", KEY)], "tls.cert"),
            (CHAIN.replace("decimals = 6", "decimals = 99"), vec![("HANDSEL_ENCRYPTION_KEY", KEY)], "0 to 24"),
            (CHAIN.replace("1ec7", "1ec8"), vec![("HANDSEL_ENCRYPTION_KEY", KEY)], "checksum"),
        ];
        for (text, variables, hint) in cases {
            let error = read(&text, &variables).unwrap_err().to_string();
            assert!(error.contains(hint), "{error} should mention {hint}");
            assert!(!error.contains("abc"), "a secret is never repeated");
        }
    }

    #[test]
    fn private_keys_are_refused_wherever_a_setting_is_read() {
        let text = format!("region = \"0x{}\"\n{CHAIN}", "1".repeat(64));
        let error = read(&text, &[("HANDSEL_ENCRYPTION_KEY", KEY)]).unwrap_err().to_string();
        assert!(error.contains("private key") && !error.contains("1111"), "{error}");
    }

    #[test]
    fn dev_needs_nothing() {
        let config = Config::read(Verb::Dev { port: 4400 }, None, &[]).unwrap();
        assert!(config.allow_http_webhooks && config.chains.is_empty());
        assert_eq!(config.egress.allowed_cidrs, ["127.0.0.0/8", "::1/128"]);
    }
}
