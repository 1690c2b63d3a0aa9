//! An engine of our own over a store in a directory: one account with its key, an xpub wallet and one webhook, and what a shop
//! asks when it creates a checkout.

use crate::chance::Chance;
use crate::report::Failure;
use handsel_core::account::{Accept, Region, Tier};
use handsel_core::actor::{Resource, Scope};
use handsel_core::chain::{Address, Kind, Network, Token};
use handsel_core::change::{Change, Write};
use handsel_core::checkout::Matching;
use handsel_core::id::{AccountId, RequestId, WebhookId};
use handsel_core::money::Currency;
use handsel_core::port::{BoxFuture, Clock, Entropy, HostJudge, HostRefused};
use handsel_core::secret::{Sealed, SecretBytes, SecretText};
use handsel_core::time::Timestamp;
use handsel_core::webhook::{Ordering, Payload, Retry, SignatureForm, SigningSecret, Status, Webhook};
use handsel_engine::accounts::NewAccount;
use handsel_engine::checkouts::{LineItem, NewCheckout};
use handsel_engine::wallets::NewWallet;
use handsel_engine::{Ask, Engine, Parts, Refusal, Settings};
use handsel_store::{Store, StoreConfig};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An account's public key, as in core's own tests.
pub(crate) const XPUB: &str =
    "xpub6Ce9NcJvTk36xtLSrJLZqE7wtgA5deCeYs7rSQtreh4cj6ByPtrg9sD7V2FNFLPnf8heNP3FGkeV9qwfzvZNSd54JoNXVsXFYSYwHsnJxqP";
pub(crate) const NETWORK: &str = "sandbox-evm";
pub(crate) const CALLER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const START_SECONDS: i64 = 1_795_600_000;

/// Time that begins at a fixed point and passes as the machine's does.
#[derive(Debug)]
pub(crate) struct RunClock(Instant);

impl Clock for RunClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(START_SECONDS).plus(self.0.elapsed())
    }
    fn wall(&self) -> Timestamp {
        self.now()
    }
    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        let left: Duration = until.since(self.now());
        Box::pin(tokio::time::sleep(left))
    }
}

/// Nothing is registered through the engine that has to be judged.
#[derive(Debug)]
struct AnyHost;

impl HostJudge for AnyHost {
    fn judge(&self, _host: &str, _port: u16) -> BoxFuture<'_, Result<(), HostRefused>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) account: AccountId,
    pub(crate) key: SecretText,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<Chance>,
}

pub(crate) fn refused(refusal: Refusal) -> Failure {
    Failure::from(format!("the engine refused: {}", refusal.detail))
}

impl Scene {
    /// Opens a new store in `directory` and fills it.
    ///
    /// # Errors
    /// When the store or the engine refuses.
    pub(crate) async fn new(directory: &Path, seed: u64) -> Result<Self, Failure> {
        let store = Store::open(StoreConfig::sqlite(directory)).await?;
        let chance = Arc::new(Chance::new(seed));
        let clock: Arc<dyn Clock> = Arc::new(RunClock(Instant::now()));
        let engine = Engine::new(Parts {
            settings: settings(&chance),
            reader: store.reader.clone(),
            writer: store.writer.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&chance) as Arc<dyn Entropy>,
            judge: Arc::new(AnyHost),
            world: None,
        });
        let created = engine.create_account(new_account()).await.map_err(refused)?;
        let scene = Self { store, engine, account: created.id, key: created.secret_key, clock, chance };
        let ask = scene.ask("POST /v1/wallets", Resource::Wallets).await?;
        scene.engine.create_wallet(&ask, new_wallet()).await.map_err(refused)?;
        let webhook = scene.webhook();
        let change = Change { writes: vec![Write::InsertWebhook(webhook)], ..Change::default() };
        scene.store.writer.commit(change).await?;
        Ok(scene)
    }

    /// A request of the account's key under a new idempotency key.
    pub(crate) async fn ask(&self, route: &'static str, resource: Resource) -> Result<Ask, Failure> {
        let caller = self.engine.authenticate(&self.key, CALLER, None).await.map_err(refused)?;
        let request = RequestId::new(self.clock.now(), &*self.chance);
        Ok(Ask {
            grant: caller.grant(Scope::write(resource), request).map_err(refused)?,
            route,
            idempotency_key: Some(SecretText::new(hex::encode(self.chance.bytes::<16>()))),
            presented: caller.presented,
            fingerprint: self.chance.bytes(),
            dry_run: false,
            if_match: None,
            expand: Vec::new(),
        })
    }

    fn webhook(&self) -> Webhook {
        let now = self.clock.now();
        let secret = SigningSecret {
            sealed: Sealed(self.chance.bytes::<96>().to_vec()),
            prefix: "whsec_ab".to_owned(),
            created: now,
            until: None,
        };
        Webhook {
            id: WebhookId::new(now, &*self.chance),
            account: self.account,
            created: now,
            version: 1,
            url: Sealed(self.chance.bytes::<96>().to_vec()),
            host: "shop.example".to_owned(),
            enabled_events: vec!["*".to_owned()],
            description: None,
            payload: Payload::Snapshot,
            signatures: vec![SignatureForm::Handsel, SignatureForm::Standard],
            ordering: Ordering::PerObject,
            retry: Retry::default(),
            status: Status::Enabled,
            secrets: vec![secret],
            failing_since: None,
            metadata: Vec::new(),
        }
    }
}

fn settings(chance: &Chance) -> Settings {
    let token = |asset: &str| Token {
        asset: asset.to_owned(),
        contract: Address(chance.bytes()),
        decimals: 6,
        pegged_to: Currency::parse("USD"),
    };
    Settings {
        live: false,
        region: Region::Eu,
        public_url: "http://127.0.0.1:4242".to_owned(),
        peg_policy: handsel_core::rate::PegPolicy::Block,
        networks: vec![Network {
            name: NETWORK.to_owned(),
            kind: Kind::Evm,
            chain_id: 31_337,
            confirmations: 3,
            min_seconds: 0,
            finalized_above_usd_cents: 100_000,
            block_time_ms: 1_000,
            tokens: vec![token("USDT"), token("USDC")],
        }],
        encryption_key: SecretBytes::new(chance.bytes()),
        allow_http_webhooks: true,
        allowed_cidrs: Vec::new(),
        extra_ports: Vec::new(),
        reads_per_second: u32::MAX,
        writes_per_second: u32::MAX,
    }
}

fn new_account() -> NewAccount {
    let accept = |asset: &str| Accept { network: NETWORK.to_owned(), asset: asset.to_owned() };
    NewAccount {
        name: "Shop".to_owned(),
        email: "shop@example.com".to_owned(),
        region: Region::Eu,
        tier: Tier::Enterprise,
        default_accept: vec![accept("USDT"), accept("USDC")],
    }
}

fn new_wallet() -> NewWallet {
    NewWallet {
        kind: Kind::Evm,
        mode: "xpub".to_owned(),
        networks: Vec::new(),
        assets: Vec::new(),
        address: None,
        xpub: Some(XPUB.to_owned()),
        metadata: Vec::new(),
    }
}

/// What a shop asks for: the same as the body of `http-create`.
pub(crate) fn new_checkout() -> NewCheckout {
    NewCheckout {
        amount: "49.90".to_owned(),
        currency: "USD".to_owned(),
        accept: Vec::new(),
        rails: Vec::new(),
        customer: Some("cus_01j8x2k4m6n8p0q2r4s6t8v0w2".to_owned()),
        reference: Some("order-00000001".to_owned()),
        success_url: Some("https://shop.example/thanks".to_owned()),
        cancel_url: Some("https://shop.example/cart".to_owned()),
        expires_in_seconds: None,
        tolerance_bps: None,
        matching: Matching::Auto,
        line_items: vec![LineItem {
            name: "A pair of shoes".to_owned(),
            quantity: 1,
            amount: Some("49.90".to_owned()),
        }],
        metadata: vec![("cart".to_owned(), "c-0001".to_owned())],
    }
}
