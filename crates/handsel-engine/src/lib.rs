//! Decides when. Each capability reads, asks core for a decision, and commits one Change; on a conflict it reads again, a bounded
//! number of times. No SQL, no HTTP types, no JSON by hand, and time only through the Clock port.

pub mod accounts;
mod addresses;
pub mod api_keys;
pub mod ask;
mod attempt;
mod attempts;
pub mod audit;
mod authorize;
mod check;
pub mod checkouts;
mod cidr;
mod deliver;
pub mod deliveries;
mod derivation;
pub mod events;
mod expire;
mod idempotency;
mod keys;
pub mod loops;
mod magic;
mod notes;
mod options;
pub mod pages;
pub mod payments;
mod pulse;
pub mod quotes;
mod rates;
pub mod refusal;
mod render;
pub mod requests;
mod requote;
mod resend;
pub mod resume;
pub mod settings;
mod shell;
mod standings;
mod terms;
pub mod test_world;
pub mod trigger;
mod waiters;
pub mod wallets;
mod watch;
mod watch_book;
mod watch_commit;
mod webhook_rules;
pub mod webhooks;

use handsel_core::port::{Clock, Entropy, HostJudge, TestWorld};
use handsel_store::reader::Reader;
use handsel_store::writer::Writer;
use std::sync::Arc;

pub use ask::{Answer, Ask, ListAsk};
pub use loops::Doors;
pub use pulse::{Health, NetworkHealth};
pub use refusal::{Code, Refusal};
pub use settings::Settings;

/// Everything that decides, behind one cheap-to-clone handle.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) judge: Arc<dyn HostJudge>,
    /// There in the sandbox only.
    pub(crate) world: Option<Arc<dyn TestWorld>>,
    pub(crate) keys: keys::Keys,
    /// Idempotency keys whose request is still running in this process.
    pub(crate) running: idempotency::Running,
    /// Who waits for a checkout to change.
    pub(crate) waiters: waiters::Waiters,
    /// Wakes the loop that sends, after a commit that made deliveries due.
    pub(crate) deliveries_made: tokio::sync::Notify,
    pub(crate) verified: authorize::Verified,
    pub(crate) indexes: derivation::Indexes,
    pub(crate) pulse: pulse::Pulse,
    pub(crate) rates: rates::Rates,
    pub(crate) notes: notes::Notes,
    pub(crate) triggers: attempt::Triggers,
}

/// What the engine stands on.
#[derive(Debug)]
pub struct Parts {
    pub settings: Settings,
    pub reader: Reader,
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub judge: Arc<dyn HostJudge>,
    pub world: Option<Arc<dyn TestWorld>>,
}

impl Engine {
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, reader, writer, clock, entropy, judge, world } = parts;
        let keys = keys::Keys::new(&settings.encryption_key, &*entropy);
        Self {
            inner: Arc::new(Inner {
                settings,
                reader,
                writer,
                clock,
                entropy,
                judge,
                world,
                keys,
                running: idempotency::Running::default(),
                waiters: waiters::Waiters::default(),
                deliveries_made: tokio::sync::Notify::new(),
                verified: authorize::Verified::new(),
                indexes: derivation::Indexes::default(),
                pulse: pulse::Pulse::default(),
                rates: rates::Rates::new(),
                notes: notes::Notes::default(),
                triggers: attempt::Triggers::default(),
            }),
        }
    }
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
}
