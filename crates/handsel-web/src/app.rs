//! What every handler of this room shares.

use crate::limit::Limiter;
use crate::stop::Stop;
use handsel_core::id::RequestId;
use handsel_core::port::Entropy;
use handsel_core::secret::SecretText;
use handsel_engine::{Code, Engine, Refusal};
use ipnet::IpNet;
use std::fmt::Write as _;
use std::sync::Arc;

/// What the wiring decides for this room.
#[derive(Debug)]
pub struct Options {
    /// Peers whose `X-Forwarded-For` is believed. Unix sockets are never believed to be anybody.
    pub trusted_proxies: Vec<IpNet>,
    /// Where security reports go, for `/.well-known/security.txt`: a `mailto:` or `https:` URI.
    pub security_contact: String,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    engine: Engine,
    entropy: Arc<dyn Entropy>,
    options: Options,
    limiter: Limiter,
    stop: Stop,
}

impl App {
    pub fn new(engine: Engine, entropy: Arc<dyn Entropy>, options: Options, stop: Stop) -> Self {
        let settings = engine.settings();
        let limiter = Limiter::new(settings.reads_per_second, settings.writes_per_second);
        Self(Arc::new(Shared { engine, entropy, options, limiter, stop }))
    }
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }
    pub fn options(&self) -> &Options {
        &self.0.options
    }
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }
    pub(crate) fn stop(&self) -> &Stop {
        &self.0.stop
    }
    pub(crate) fn public_url(&self) -> &str {
        &self.0.engine.settings().public_url
    }
    pub(crate) fn new_request_id(&self) -> RequestId {
        RequestId::new(self.0.engine.clock().wall(), &*self.0.entropy)
    }
    /// Fresh for every page: 128 random bits in hex.
    pub(crate) fn new_nonce(&self) -> String {
        let mut bytes = [0u8; 16];
        self.0.entropy.fill(&mut bytes);
        bytes.iter().fold(String::with_capacity(32), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }
    /// The wall's time in nanoseconds, for limits.
    pub(crate) fn wall_nanos(&self) -> u64 {
        u64::try_from(self.0.engine.clock().wall().millis()).unwrap_or(0).saturating_mul(1_000_000)
    }
    /// Has the key revoked, and says so.
    pub(crate) async fn report_leak(&self, key: &SecretText, request: RequestId, place: &str) -> Refusal {
        if let Err(refusal) = self.0.engine.report_leaked_key(key, request).await {
            tracing::error!(code = refusal.code.name(), %request, "a leaked key could not be reported");
        }
        let detail =
            format!("there is an API key in the {place}; it counts as leaked and is revoked, if it was one of ours");
        Refusal::new(Code::ApiKeyLeaked, detail).hint("send keys in the Authorization header only, and roll this one")
    }
}
