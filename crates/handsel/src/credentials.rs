//! What `dev` remembers so that the same directory prints the same keys: test keys and the sandbox's own encryption key, in one file
//! of mode 0600 beside the database, never in it. A live server has no such file.

use crate::config::{Config, parse_encryption_key};
use crate::exit::Failure;
use handsel_core::account::{Accept, Tier};
use handsel_core::actor::{Resource, Scope};
use handsel_core::api_key::Class;
use handsel_core::chain::Kind;
use handsel_core::id::RequestId;
use handsel_core::port::Entropy;
use handsel_core::secret::{SecretBytes, SecretText};
use handsel_engine::accounts::NewAccount;
use handsel_engine::api_keys::{Caller, NewApiKey};
use handsel_engine::wallets::NewWallet;
use handsel_engine::{Ask, Engine, Refusal};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// An account key whose point was found by hashing, so that nobody knows its private key: what is sent there in a sandbox that
/// looks at a real chain is lost to everybody alike.
const SANDBOX_XPUB: &str =
    "xpub6BemYiVNp19ZzHSKQJARfwr1oPVR7Fvtot2j2BM88ad76Avk7zHA2vf6ZbQSD82GZbdEsNaLCQs8UVkZpvBd8N3n7Df5cx8wqyUV9MiQgqg";
/// Assets that the seeded account takes by default; the rest are listed for tests of wrong assets.
const DEFAULT_ASSETS: &[&str] = &["USDC", "USDT"];

/// The file's content.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    encryption_key: String,
    #[serde(default)]
    secret_key: Option<String>,
    #[serde(default)]
    publishable_key: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("dev-credentials.json")
}

impl Credentials {
    /// Reads the file, or begins one with a fresh encryption key.
    pub fn open(data: &Path, entropy: &dyn Entropy) -> Result<Self, Failure> {
        let path = file(data);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|_| {
                Failure::failed(format!(
                    "{} is damaged: restore it, or begin with another --data directory",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0u8; 32];
                entropy.fill(&mut key);
                let fresh = Self { encryption_key: hex::encode(key), secret_key: None, publishable_key: None };
                fresh.save(data)?;
                Ok(fresh)
            }
            Err(error) => Err(Failure::failed(format!("{}: {}", path.display(), error.kind()))),
        }
    }

    /// Whole or not at all: written beside, synced, renamed.
    fn save(&self, data: &Path) -> Result<(), Failure> {
        let (path, beside) = (file(data), data.join("dev-credentials.new"));
        let text = serde_json::to_string_pretty(self).map_err(Failure::failed)?;
        let write = || -> std::io::Result<()> {
            let _ = std::fs::remove_file(&beside);
            let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            out.write_all(text.as_bytes())?;
            out.sync_all()?;
            std::fs::rename(&beside, &path)
        };
        write().map_err(|error| Failure::failed(format!("{}: {}", path.display(), error.kind())))
    }

    pub fn encryption_key(&self) -> Result<SecretBytes<32>, Failure> {
        parse_encryption_key(&self.encryption_key).map_err(Failure::failed)
    }
    pub fn secret_key(&self) -> &str {
        self.secret_key.as_deref().unwrap_or_default()
    }
    pub fn publishable_key(&self) -> &str {
        self.publishable_key.as_deref().unwrap_or_default()
    }

    /// Makes the one account with its wallet and keys, unless they are there. Cut off in the middle, it begins anew next time.
    pub async fn seed(
        &mut self,
        engine: &Engine,
        config: &Config,
        data: &Path,
        entropy: &dyn Entropy,
    ) -> Result<(), Failure> {
        if self.publishable_key.is_some() {
            return Ok(());
        }
        let refused = |refusal: Refusal| Failure::failed(format!("the sandbox can't be seeded: {}", refusal.detail));
        let created = engine.create_account(account(config)).await.map_err(refused)?;
        let caller =
            engine.authenticate(&created.secret_key, IpAddr::V4(Ipv4Addr::LOCALHOST), None).await.map_err(refused)?;
        let wallet = NewWallet {
            kind: Kind::Evm,
            mode: "xpub".to_owned(),
            networks: Vec::new(),
            assets: Vec::new(),
            address: None,
            xpub: Some(SANDBOX_XPUB.to_owned()),
            metadata: Vec::new(),
        };
        let ask =
            ask(engine, &caller, Scope::write(Resource::Wallets), "POST /v1/wallets", entropy).map_err(refused)?;
        engine.create_wallet(&ask, wallet).await.map_err(refused)?;
        let key = NewApiKey {
            name: "Sandbox publishable key".to_owned(),
            class: Class::Publishable,
            scopes: Vec::new(),
            allowed_ips: Vec::new(),
            allowed_origins: vec![config.public_url.clone()],
            expires_at: None,
            metadata: Vec::new(),
        };
        let ask =
            self::ask(engine, &caller, Scope::write(Resource::Keys), "POST /v1/api_keys", entropy).map_err(refused)?;
        let answer = engine.create_api_key(&ask, key).await.map_err(refused)?;
        let shown: serde_json::Value = serde_json::from_slice(&answer.body).map_err(Failure::failed)?;
        self.secret_key = Some(created.secret_key.expose().to_owned());
        self.publishable_key = shown["secret"].as_str().map(str::to_owned);
        self.save(data)
    }
}

fn account(config: &Config) -> NewAccount {
    let networks = config.chains.iter().map(|chain| &chain.network);
    let accept = networks.flat_map(|network| {
        let tokens = network.tokens.iter().filter(|token| DEFAULT_ASSETS.contains(&token.asset.as_str()));
        tokens.map(|token| Accept { network: network.name.clone(), asset: token.asset.clone() })
    });
    NewAccount {
        name: "Sandbox Shop".to_owned(),
        email: "shop@sandbox.example".to_owned(),
        region: config.region,
        tier: Tier::Enterprise,
        default_accept: accept.collect(),
    }
}

fn ask(
    engine: &Engine,
    caller: &Caller,
    scope: Scope,
    route: &'static str,
    entropy: &dyn Entropy,
) -> Result<Ask, Refusal> {
    let request = RequestId::new(engine.clock().wall(), entropy);
    Ok(Ask {
        grant: caller.grant(scope, request)?,
        route,
        idempotency_key: None::<SecretText>,
        presented: caller.presented,
        fingerprint: [0; 32],
        dry_run: false,
        if_match: None,
        expand: Vec::new(),
    })
}
