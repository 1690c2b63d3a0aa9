//! An engine over a real SQLite store in a directory of its own, with a clock moved by hand and seeded chance.

use handsel_core::account::{Region, Tier};
use handsel_core::actor::{Resource, Scope};
use handsel_core::chain::{Address, Kind, Network, Token};
use handsel_core::id::{AccountId, RequestId};
use handsel_core::money::Currency;
use handsel_core::port::{BoxFuture, Clock, Entropy, HostJudge, HostRefused};
use handsel_core::secret::{SecretBytes, SecretText};
use handsel_core::time::Timestamp;
use handsel_engine::accounts::NewAccount;
use handsel_engine::api_keys::Caller;
use handsel_engine::checkouts::NewCheckout;
use handsel_engine::wallets::NewWallet;
use handsel_engine::{Answer, Ask, Engine, ListAsk, Parts, Settings};
use handsel_store::reader::{ListQuery, Reader};
use handsel_store::{OpenError, Store, StoreConfig};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

pub(crate) const START_SECONDS: i64 = 1_795_600_000;
pub(crate) const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
pub(crate) const ORIGIN: Option<&str> = None;
pub(crate) const XPUB: &str =
    "xpub6Ce9NcJvTk36xtLSrJLZqE7wtgA5deCeYs7rSQtreh4cj6ByPtrg9sD7V2FNFLPnf8heNP3FGkeV9qwfzvZNSd54JoNXVsXFYSYwHsnJxqP";

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct HandClock {
    millis: AtomicI64,
    moved: Notify,
}

impl HandClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.millis.fetch_add(i64::try_from(seconds).unwrap() * 1000, Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }
    fn wall(&self) -> Timestamp {
        self.now()
    }
    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let moved = self.moved.notified();
                if self.now() >= until {
                    return;
                }
                moved.await;
            }
        })
    }
}

/// SplitMix64 from a seed: the same run draws the same bytes.
#[derive(Debug)]
pub(crate) struct Seeded(pub(crate) AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

#[derive(Debug)]
struct AnyHost;
impl HostJudge for AnyHost {
    fn judge(&self, _: &str, _: u16) -> BoxFuture<'_, Result<(), HostRefused>> {
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) reader: Reader,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) account: AccountId,
    pub(crate) secret: SecretText,
    pub(crate) caller: Caller,
    directory: tempfile::TempDir,
}

fn networks() -> Vec<Network> {
    let token = |asset: &str, n: u8, currency: &str| Token {
        asset: asset.to_owned(),
        contract: Address([n; 20]),
        decimals: 6,
        pegged_to: Currency::parse(currency),
    };
    vec![Network {
        name: "sandbox-evm".to_owned(),
        kind: Kind::Evm,
        chain_id: 313_137,
        confirmations: 3,
        min_seconds: 0,
        finalized_above_usd_cents: 10_000,
        block_time_ms: 1000,
        tokens: vec![token("USDC", 0xc1, "USD"), token("USDT", 0xc2, "USD"), token("EURC", 0xc3, "EUR")],
    }]
}

pub(crate) fn new_account() -> NewAccount {
    NewAccount {
        name: "Shop".to_owned(),
        email: "shop@example.com".to_owned(),
        region: Region::Eu,
        tier: Tier::Standard,
        default_accept: Vec::new(),
    }
}

/// Tasks that were killed may hold the store for a moment longer.
async fn opened(directory: &Path, live: bool) -> Store {
    for _ in 0..1_000 {
        match Store::open(StoreConfig { live, ..StoreConfig::sqlite(directory) }).await {
            Err(OpenError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            opened => return opened.unwrap(),
        }
    }
    panic!("the store stays locked");
}

async fn engine_on(directory: &Path, live: bool, clock: &Arc<HandClock>, seed: u64) -> (Engine, Reader) {
    let store = opened(directory, live).await;
    let settings = Settings {
        live,
        region: Region::Eu,
        public_url: "https://pay.example.com".to_owned(),
        networks: networks(),
        peg_policy: handsel_core::rate::PegPolicy::Block,
        encryption_key: SecretBytes::new([7; 32]),
        allow_http_webhooks: true,
        allowed_cidrs: vec!["127.0.0.0/8".to_owned()],
        extra_ports: Vec::new(),
        reads_per_second: 100,
        writes_per_second: 25,
    };
    let engine = Engine::new(Parts {
        settings,
        reader: store.reader.clone(),
        writer: store.writer,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        entropy: Arc::new(Seeded(AtomicU64::new(seed))),
        judge: Arc::new(AnyHost),
        world: None,
    });
    (engine, store.reader)
}

impl Bench {
    pub(crate) async fn open() -> Self {
        Self::open_as(false).await
    }

    pub(crate) async fn open_as(live: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock { millis: AtomicI64::new(START_SECONDS * 1000), moved: Notify::new() });
        let (engine, reader) = engine_on(directory.path(), live, &clock, 42).await;
        let created = engine.create_account(new_account()).await.unwrap();
        let caller = engine.authenticate(&created.secret_key, IP, ORIGIN).await.unwrap();
        let (account, secret) = (created.id, created.secret_key);
        Self { engine, reader, clock, account, secret, caller, directory }
    }

    /// The same directory under another process: everything in memory is gone.
    pub(crate) async fn reopened(self) -> Self {
        let Self { engine, reader, clock, account, secret, caller: _, directory } = self;
        drop((engine, reader));
        let (engine, reader) = engine_on(directory.path(), false, &clock, 43).await;
        let caller = engine.authenticate(&secret, IP, ORIGIN).await.unwrap();
        Self { engine, reader, clock, account, secret, caller, directory }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A question of the account's secret key.
    pub(crate) fn ask(&self, route: &'static str) -> Ask {
        ask_of(&self.caller, Scope::write(Resource::Checkouts), route)
    }

    /// The same under an idempotency key; `body` stands for all that the fingerprint is of.
    pub(crate) fn keyed(&self, route: &'static str, key: &str, body: u8) -> Ask {
        Ask { idempotency_key: Some(SecretText::new(key)), fingerprint: [body; 32], ..self.ask(route) }
    }

    pub(crate) fn list(&self, path: &'static str) -> ListAsk {
        ListAsk {
            grant: self.ask("").grant,
            path,
            query: ListQuery { limit: 100, ..ListQuery::default() },
            reference: None,
            customer: None,
            metadata: Vec::new(),
            expand: Vec::new(),
        }
    }

    pub(crate) async fn xpub_wallet(&self) -> Value {
        json(&self.engine.create_wallet(&self.ask("POST /v1/wallets"), new_wallet("xpub", XPUB)).await.unwrap())
    }

    pub(crate) async fn audit_actions(&self) -> Vec<String> {
        let query = ListQuery { limit: 100, ..ListQuery::default() };
        let page = self.reader.audit_entries(self.account, &query).await.unwrap();
        page.data.into_iter().map(|placed| placed.entry.leaf.action).collect()
    }

    pub(crate) async fn event_kinds(&self) -> Vec<&'static str> {
        let events = self.reader.events_after(self.account, 0, 100).await.unwrap();
        events.iter().map(|event| event.new.kind.name()).collect()
    }
}

pub(crate) fn ask_of(caller: &Caller, scope: Scope, route: &'static str) -> Ask {
    Ask {
        grant: caller.grant(scope, RequestId::from_bits(9)).unwrap(),
        route,
        idempotency_key: None,
        presented: caller.presented,
        fingerprint: [0; 32],
        dry_run: false,
        if_match: None,
        expand: Vec::new(),
    }
}

pub(crate) fn new_wallet(mode: &str, destination: &str) -> NewWallet {
    NewWallet {
        kind: Kind::Evm,
        mode: mode.to_owned(),
        networks: Vec::new(),
        assets: Vec::new(),
        address: (mode == "static").then(|| destination.to_owned()),
        xpub: (mode == "xpub").then(|| destination.to_owned()),
        metadata: Vec::new(),
    }
}

pub(crate) fn new_checkout(amount: &str) -> NewCheckout {
    NewCheckout {
        amount: amount.to_owned(),
        currency: "USD".to_owned(),
        accept: Vec::new(),
        rails: Vec::new(),
        customer: None,
        reference: None,
        success_url: None,
        cancel_url: None,
        expires_in_seconds: None,
        tolerance_bps: None,
        matching: handsel_core::checkout::Matching::Auto,
        line_items: Vec::new(),
        metadata: Vec::new(),
    }
}

pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} of {value}"))
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
