//! A shop that is set up: account, wallets and webhooks, made once in each run of the tests by fixed chance. Every seed begins with a
//! copy of its database, so that no seed pays for the hashing of a key.

use super::hooks::{AnyHost, URLS};
use super::nodes;
use super::world::START_SECONDS;
use crate::harness::{Chance, directory};
use handsel_core::account::{Region, Tier};
use handsel_core::actor::{Resource, Scope};
use handsel_core::id::RequestId;
use handsel_core::port::{BoxFuture, Clock};
use handsel_core::rate::PegPolicy;
use handsel_core::secret::SecretBytes;
use handsel_core::time::Timestamp;
use handsel_core::webhook::{Ordering, Payload, Retry, SignatureForm};
use handsel_engine::accounts::NewAccount;
use handsel_engine::api_keys::Caller;
use handsel_engine::wallets::NewWallet;
use handsel_engine::webhooks::NewWebhook;
use handsel_engine::{Ask, Engine, Parts, Settings};
use handsel_store::{Store, StoreConfig};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

const XPUB: &str =
    "xpub6Ce9NcJvTk36xtLSrJLZqE7wtgA5deCeYs7rSQtreh4cj6ByPtrg9sD7V2FNFLPnf8heNP3FGkeV9qwfzvZNSd54JoNXVsXFYSYwHsnJxqP";
const STATIC: &str = "0x7a1c0fb3e2d94f5a8b6c7d8e9f0a1b2c3d4e5f60";

#[derive(Debug)]
pub(crate) struct Template {
    directory: TempDir,
    pub(crate) caller: Caller,
}

#[derive(Debug)]
struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(START_SECONDS - 60)
    }
    fn wall(&self) -> Timestamp {
        self.now()
    }
    fn sleep_until(&self, _: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// The shop of all seeds.
pub(crate) fn template() -> &'static Template {
    static MADE: OnceLock<Template> = OnceLock::new();
    MADE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(Template::make())
    })
}

pub(crate) fn settings() -> Settings {
    Settings {
        live: false,
        region: Region::Eu,
        public_url: "https://pay.example.com".to_owned(),
        networks: vec![nodes::network(0), nodes::network(1)],
        peg_policy: PegPolicy::Block,
        encryption_key: SecretBytes::new([7; 32]),
        allow_http_webhooks: false,
        allowed_cidrs: Vec::new(),
        extra_ports: Vec::new(),
        reads_per_second: 100,
        writes_per_second: 25,
    }
}

/// A question of the shop's secret key.
pub(crate) fn ask(caller: &Caller, route: &'static str) -> Ask {
    Ask {
        grant: caller.grant(Scope::write(Resource::Checkouts), RequestId::from_bits(9)).unwrap(),
        route,
        idempotency_key: None,
        presented: caller.presented,
        fingerprint: [0; 32],
        dry_run: false,
        if_match: None,
        expand: Vec::new(),
    }
}

fn wallet(mode: &str, destination: &str) -> NewWallet {
    NewWallet {
        kind: handsel_core::chain::Kind::Evm,
        mode: mode.to_owned(),
        networks: Vec::new(),
        assets: Vec::new(),
        address: (mode == "static").then(|| destination.to_owned()),
        xpub: (mode == "xpub").then(|| destination.to_owned()),
        metadata: Vec::new(),
    }
}

fn webhook(url: &str, events: &str) -> NewWebhook {
    NewWebhook {
        url: url.to_owned(),
        enabled_events: vec![events.to_owned()],
        description: None,
        payload: Payload::Snapshot,
        signatures: vec![SignatureForm::Standard],
        ordering: Ordering::PerObject,
        retry: Retry::default(),
        metadata: Vec::new(),
    }
}

impl Template {
    async fn make() -> Self {
        let directory = directory();
        let store = Store::open(StoreConfig::sqlite(directory.path())).await.unwrap();
        let engine = Engine::new(Parts {
            settings: settings(),
            reader: store.reader.clone(),
            writer: store.writer.clone(),
            clock: Arc::new(StillClock),
            entropy: Arc::new(Chance::new(1)),
            judge: Arc::new(AnyHost),
            world: None,
        });
        let new = NewAccount {
            name: "Shop".to_owned(),
            email: "shop@example.com".to_owned(),
            region: Region::Eu,
            tier: Tier::Standard,
            default_accept: Vec::new(),
        };
        let created = engine.create_account(new).await.unwrap();
        let ip = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
        let caller = engine.authenticate(&created.secret_key, ip, None).await.unwrap();
        for (url, events) in URLS.into_iter().zip(["*", "payment.*"]) {
            engine.create_webhook(&ask(&caller, "POST /v1/webhooks"), webhook(url, events)).await.unwrap();
        }
        for (mode, destination) in [("xpub", XPUB), ("static", STATIC)] {
            engine.create_wallet(&ask(&caller, "POST /v1/wallets"), wallet(mode, destination)).await.unwrap();
        }
        // The key's last use is written in the background.
        tokio::task::yield_now().await;
        drop(engine);
        store.writer.close().await;
        Self { directory, caller }
    }

    /// A database of its own for a seed.
    pub(crate) fn copy_to(&self, directory: &Path) {
        for entry in std::fs::read_dir(self.directory.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with("handsel.db") {
                std::fs::copy(entry.path(), directory.join(entry.file_name())).unwrap();
            }
        }
    }
}
