//! A house of its own for each test: engine, store in a directory that goes away, a clock that is moved by hand.

use axum::Router;
use axum::body::Body;
use handsel_core::account::{Region, Tier};
use handsel_core::chain::{Address, Kind, Network, Token};
use handsel_core::money::Currency;
use handsel_core::port::{BoxFuture, Clock, Entropy, HostJudge, HostRefused};
use handsel_core::secret::{SecretBytes, SecretText};
use handsel_core::time::Timestamp;
use handsel_engine::accounts::NewAccount;
use handsel_engine::{Engine, Parts, Settings};
use handsel_store::{Store, StoreConfig};
use handsel_web::{App, Options, Peer, Stopper, router, stop_pair};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tower::ServiceExt;

/// Whose `X-Forwarded-For` is believed.
const PROXIES: &str = "10.0.0.0/8";
const START_MILLIS: i64 = 1_795_600_000_000;
const XPUB: &str =
    "xpub6Ce9NcJvTk36xtLSrJLZqE7wtgA5deCeYs7rSQtreh4cj6ByPtrg9sD7V2FNFLPnf8heNP3FGkeV9qwfzvZNSd54JoNXVsXFYSYwHsnJxqP";

#[derive(Debug)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
    fn wall(&self) -> Timestamp {
        self.now()
    }
    fn sleep_until(&self, _: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// A counter, stirred (SplitMix64): the same run draws the same bytes.
#[derive(Debug)]
struct Seeded(AtomicU64);

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

pub(crate) struct House {
    pub(crate) router: Router,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) secret: SecretText,
    pub(crate) stopper: Stopper,
    pub(crate) stop: handsel_web::Stop,
    _directory: tempfile::TempDir,
}

/// One answer, read to its end.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    /// Status, code and param of a problem; fails on anything else.
    pub(crate) fn problem(&self) -> (u16, String, Option<String>) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("request-id"));
        let text = |name: &str| problem[name].as_str().map(str::to_owned);
        (self.status.as_u16(), text("code").unwrap(), text("param"))
    }
}

fn networks() -> Vec<Network> {
    let token = |asset: &str, n: u8| Token {
        asset: asset.to_owned(),
        contract: Address([n; 20]),
        decimals: 6,
        pegged_to: Currency::parse("USD"),
    };
    vec![Network {
        name: "sandbox-evm".to_owned(),
        kind: Kind::Evm,
        chain_id: 313_137,
        confirmations: 3,
        min_seconds: 0,
        finalized_above_usd_cents: 10_000,
        block_time_ms: 1000,
        tokens: vec![token("USDC", 0xc1), token("USDT", 0xc2)],
    }]
}

fn settings(live: bool) -> Settings {
    Settings {
        live,
        region: Region::Eu,
        public_url: "https://pay.example.com".to_owned(),
        networks: networks(),
        peg_policy: handsel_core::rate::PegPolicy::Block,
        encryption_key: SecretBytes::new([7; 32]),
        allow_http_webhooks: true,
        allowed_cidrs: Vec::new(),
        extra_ports: Vec::new(),
        reads_per_second: 100,
        writes_per_second: 25,
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_as(false, Tier::Enterprise).await
    }

    pub(crate) async fn open_as(live: bool, tier: Tier) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig { live, ..StoreConfig::sqlite(directory.path()) }).await.unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(START_MILLIS)));
        let entropy: Arc<dyn Entropy> = Arc::new(Seeded(AtomicU64::new(42)));
        let engine = Engine::new(Parts {
            settings: settings(live),
            reader: store.reader.clone(),
            writer: store.writer.clone(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&entropy),
            judge: Arc::new(AnyHost),
            world: None,
        });
        let new = NewAccount {
            name: "Acorn <Books>".to_owned(),
            email: "shop@example.com".to_owned(),
            region: Region::Eu,
            tier,
            default_accept: Vec::new(),
        };
        let secret = engine.create_account(new).await.unwrap().secret_key;
        let (stopper, stop) = stop_pair();
        let options = Options {
            trusted_proxies: vec![PROXIES.parse().unwrap()],
            security_contact: "mailto:security@example.com".to_owned(),
        };
        let router = router(App::new(engine, entropy, options, stop.clone()));
        Self { router, clock, secret, stopper, stop, _directory: directory }
    }

    /// Any request; the answer is read whole.
    pub(crate) async fn send(&self, request: Request<Body>) -> Seen {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Seen { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let key = format!("Bearer {}", self.secret.expose());
        Request::builder().method(method).uri(path).header("authorization", key)
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// A body of any text, said to be JSON.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Seen {
        self.post_with(path, body, &[]).await
    }

    pub(crate) async fn post_with(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Seen {
        let mut request = self.request("POST", path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A request without a key.
    pub(crate) async fn anonymous(&self, method: &str, path: &str) -> Seen {
        self.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    /// A request without a key that comes from somewhere.
    pub(crate) async fn anonymous_from(&self, peer: Peer, path: &str, headers: &[(&str, &str)]) -> Seen {
        let mut request = Request::builder().uri(path).extension(peer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn restricted_key(&self, scopes: &[&str]) -> String {
        let body = json!({ "name": "narrow", "class": "restricted", "scopes": scopes });
        let made = self.post("/v1/api_keys", &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["secret"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn wallet(&self) {
        let body = json!({ "type": "evm", "mode": "xpub", "evm": { "xpub": XPUB } });
        let made = self.post("/v1/wallets", &body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }

    pub(crate) async fn checkout(&self) -> Value {
        let made = self.post("/v1/checkouts", r#"{"amount":"19.99","currency":"USD"}"#).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()
    }
}
