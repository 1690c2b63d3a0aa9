//! The machine's own clock and entropy, the only places that ask the operating system for either.

use handsel_core::port::{BoxFuture, Clock, Entropy};
use handsel_core::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest single sleep: the wall clock may be set while we sleep.
const SLEEP_MAX_MS: u64 = 60_000;

#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.wall()
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let left = until.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(std::time::Duration::from_millis(SLEEP_MAX_MS))).await;
            }
        })
    }
}

/// The kernel's random source.
#[derive(Debug)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one source of chance")]
    fn fill(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            // Nothing safe can follow: ids, keys and nonces would repeat.
            std::process::abort();
        }
    }
}
