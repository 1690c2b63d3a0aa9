//! The merchant's receivers: they answer, fail, time out, or take an event and say so too late.

use super::gate::Keeper;
use super::world::Trace;
use crate::harness::Chance;
use handsel_core::delivery::{HookAnswer, HookError, HookOutcome, HookRequest, Timing};
use handsel_core::port::{BoxFuture, HookSender, HostJudge, HostRefused};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const URLS: [&str; 2] = ["https://one.shop.example/hook", "https://two.shop.example/hook"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Well,
    Slow,
    Fails,
    TimesOut,
    /// It has the event, but its answer comes too late.
    AnswersLate,
}

/// One event as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) url: String,
    /// The header that says which event it is.
    pub(crate) id: String,
    pub(crate) body: Value,
    /// The receiver has it.
    pub(crate) taken: bool,
}

#[derive(Debug)]
pub(crate) struct Hooks {
    manners: Mutex<BTreeMap<String, Manner>>,
    received: Mutex<Vec<Received>>,
    chance: Chance,
    gate: Arc<Keeper>,
    trace: Arc<Trace>,
}

impl Hooks {
    pub(crate) fn new(chance: Chance, gate: Arc<Keeper>, trace: Arc<Trace>) -> Self {
        Self { manners: Mutex::default(), received: Mutex::default(), chance, gate, trace }
    }
    pub(crate) fn behaves(&self, url: &str, manner: Manner) {
        self.manners.lock().unwrap().insert(url.to_owned(), manner);
    }
    pub(crate) fn heal(&self) {
        self.manners.lock().unwrap().clear();
    }
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn take(&self, request: &HookRequest, taken: bool) {
        let header = request.headers.iter().find(|(name, _)| name == "webhook-id");
        let id = header.map(|(_, value)| value.clone()).unwrap_or_default();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        self.trace.add(&format!("{} {id} {taken} {}", request.url.expose(), body["sequence"]));
        self.received.lock().unwrap().push(Received { url: request.url.expose().to_owned(), id, body, taken });
    }
}

impl HookSender for Hooks {
    fn send(&self, request: HookRequest) -> BoxFuture<'_, HookOutcome> {
        Box::pin(async move {
            self.gate.survive().await;
            let manner = self.manners.lock().unwrap().get(request.url.expose()).copied().unwrap_or(Manner::Well);
            let pause = self.chance.below(if manner == Manner::Slow { 4_000 } else { 30 });
            tokio::time::sleep(Duration::from_millis(1 + pause)).await;
            self.gate.survive().await;
            self.take(&request, !matches!(manner, Manner::Fails | Manner::TimesOut));
            let failed = |error| HookOutcome { result: Err(error), timing: Timing::default() };
            match manner {
                Manner::TimesOut | Manner::AnswersLate => {
                    tokio::time::sleep(Duration::from_secs(15)).await;
                    self.gate.survive().await;
                    failed(HookError::TimedOut)
                }
                Manner::Well | Manner::Slow | Manner::Fails => {
                    let status = if manner == Manner::Fails { 500 } else { 200 };
                    let answer =
                        HookAnswer { status, headers: Vec::new(), body: Vec::new(), retry_after_seconds: None };
                    HookOutcome { result: Ok(answer), timing: Timing::default() }
                }
            }
        })
    }
}

/// Every host is one that may be reached.
#[derive(Debug)]
pub(crate) struct AnyHost;

impl HostJudge for AnyHost {
    fn judge(&self, _: &str, _: u16) -> BoxFuture<'_, Result<(), HostRefused>> {
        Box::pin(async { Ok(()) })
    }
}
