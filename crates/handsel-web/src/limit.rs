//! Rate limits (02 "rate limit", 06 C18). Per account and class: a bucket of 40 seconds' worth that refills at the rate (GCRA,
//! kept as one theoretical arrival time), and never more than five times the rate within any one second. Per address: failed
//! authentications before any key is looked at, and requests for what needs no key. What is refused costs nothing. Times are of the wall, in nanoseconds.

use handsel_core::account::Tier;
use handsel_core::id::AccountId;
use handsel_core::limits::{
    AUTH_FAILURES_BURST_COUNT, AUTH_FAILURES_PER_SECOND, PAGE_PER_SECOND_REQUESTS, RATE_BUCKET_SECONDS, RATE_CELLS_MAX,
    RATE_PEAK_TIMES,
};
use handsel_engine::{Code, Refusal};
use http::{HeaderMap, HeaderValue};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const SECOND_NANOS: u64 = 1_000_000_000;
/// The second of the peak rule is kept in so many slots, so it is exact to 2 %.
const PEAK_SLOTS: usize = 50;
const PEAK_SLOT_NANOS: u64 = SECOND_NANOS / PEAK_SLOTS as u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    Read,
    Write,
}

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) policy: &'static str,
    /// Requests within `window_seconds`.
    pub(crate) quota: u64,
    pub(crate) window_seconds: u64,
    pub(crate) remaining: u64,
    /// Until everything is there again.
    pub(crate) reset_seconds: u64,
    /// `Some`: refused; so long until the next one would pass.
    pub(crate) wait_seconds: Option<u64>,
}

/// How much one cell gives: `rate` a second, `capacity` at once.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    rate: u64,
    capacity: u64,
    peak: u64,
}

impl Allowance {
    const fn of_rate(rate: u64) -> Self {
        Self { rate, capacity: rate.saturating_mul(RATE_BUCKET_SECONDS), peak: rate.saturating_mul(RATE_PEAK_TIMES) }
    }
    /// Nanoseconds that one request is worth.
    fn cost(self) -> u64 {
        (SECOND_NANOS / self.rate.max(1)).max(1)
    }
}

#[derive(Debug, Clone)]
struct Cell {
    /// When the bucket will be full again (GCRA's theoretical arrival time).
    full_at: u64,
    slots: [u32; PEAK_SLOTS],
    /// The slot that `slots` ends with, counted from the epoch.
    slot: u64,
}

impl Cell {
    const fn new() -> Self {
        Self { full_at: 0, slots: [0; PEAK_SLOTS], slot: 0 }
    }

    fn advance(&mut self, now: u64) {
        let slot = now / PEAK_SLOT_NANOS;
        let passed = slot.saturating_sub(self.slot).min(PEAK_SLOTS as u64);
        for step in 0..passed {
            self.slots[((slot - step) % PEAK_SLOTS as u64) as usize] = 0;
        }
        self.slot = self.slot.max(slot);
    }

    fn remaining(&self, now: u64, allowance: Allowance) -> u64 {
        let used = self.full_at.saturating_sub(now).div_ceil(allowance.cost());
        let recent: u64 = self.slots.iter().map(|n| u64::from(*n)).sum();
        allowance.capacity.saturating_sub(used).min(allowance.peak.saturating_sub(recent))
    }

    /// Nanoseconds until one more may pass; zero: now.
    fn wait(&self, now: u64, allowance: Allowance) -> u64 {
        let room = allowance.cost().saturating_mul(allowance.capacity.saturating_sub(1));
        let bucket = self.full_at.saturating_sub(now).saturating_sub(room);
        let recent: u64 = self.slots.iter().map(|n| u64::from(*n)).sum();
        let peak = if recent >= allowance.peak { PEAK_SLOT_NANOS } else { 0 };
        bucket.max(peak)
    }

    fn spend(&mut self, now: u64, allowance: Allowance) {
        self.full_at = self.full_at.max(now).saturating_add(allowance.cost());
        let at = (self.slot % PEAK_SLOTS as u64) as usize;
        self.slots[at] = self.slots[at].saturating_add(1);
    }
}

/// Cells by key, bounded: when there are too many, those that are full again are forgotten first.
#[derive(Debug)]
struct Cells<K>(Mutex<HashMap<K, Cell>>);

impl<K: Eq + Hash + Copy> Cells<K> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn with<T>(&self, key: K, now: u64, act: impl FnOnce(&mut Cell) -> T) -> T {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= RATE_CELLS_MAX && !cells.contains_key(&key) {
            cells.retain(|_, cell| cell.full_at > now);
            if cells.len() >= RATE_CELLS_MAX {
                cells.clear();
            }
        }
        let cell = cells.entry(key).or_insert_with(Cell::new);
        cell.advance(now);
        act(cell)
    }
}

/// All limits of one process.
#[derive(Debug)]
pub(crate) struct Limiter {
    reads_per_second: u64,
    writes_per_second: u64,
    accounts: Cells<(AccountId, Class)>,
    /// Failed authentications.
    addresses: Cells<IpAddr>,
    /// Requests that need no key.
    pages: Cells<IpAddr>,
}

const FAILURES: Allowance =
    Allowance { rate: AUTH_FAILURES_PER_SECOND, capacity: AUTH_FAILURES_BURST_COUNT, peak: AUTH_FAILURES_BURST_COUNT };

impl Limiter {
    pub(crate) fn new(reads_per_second: u32, writes_per_second: u32) -> Self {
        Self {
            reads_per_second: u64::from(reads_per_second),
            writes_per_second: u64::from(writes_per_second),
            accounts: Cells::new(),
            addresses: Cells::new(),
            pages: Cells::new(),
        }
    }

    /// Counts one request of an account, unless it is refused.
    pub(crate) fn account(&self, account: AccountId, tier: Tier, class: Class, now: u64) -> Standing {
        let base = match class {
            Class::Read => self.reads_per_second,
            Class::Write => self.writes_per_second,
        };
        let factor = match tier {
            Tier::Standard => 1,
            Tier::Scale => 10,
            Tier::Enterprise => 100,
        };
        let allowance = Allowance::of_rate(base.saturating_mul(factor));
        let policy = match class {
            Class::Read => "read",
            Class::Write => "write",
        };
        self.accounts.with((account, class), now, |cell| Self::counted(cell, policy, allowance, now))
    }

    /// Counts one request that needs no key, unless it is refused.
    pub(crate) fn page(&self, ip: IpAddr, now: u64) -> Standing {
        let allowance = Allowance::of_rate(PAGE_PER_SECOND_REQUESTS);
        self.pages.with(network(ip), now, |cell| Self::counted(cell, "page", allowance, now))
    }

    fn counted(cell: &mut Cell, policy: &'static str, allowance: Allowance, now: u64) -> Standing {
        let wait = cell.wait(now, allowance);
        if wait == 0 {
            cell.spend(now, allowance);
        }
        Standing {
            policy,
            quota: allowance.rate.saturating_mul(50),
            window_seconds: 10,
            remaining: cell.remaining(now, allowance),
            reset_seconds: cell.full_at.saturating_sub(now).div_ceil(SECOND_NANOS),
            wait_seconds: (wait > 0).then(|| wait.div_ceil(SECOND_NANOS).max(1)),
        }
    }

    /// How an address stands; nothing is counted.
    pub(crate) fn address(&self, ip: IpAddr, now: u64) -> Standing {
        self.addresses.with(network(ip), now, |cell| Self::failures(cell, now))
    }

    /// Counts one failed authentication.
    pub(crate) fn failed(&self, ip: IpAddr, now: u64) -> Standing {
        self.addresses.with(network(ip), now, |cell| {
            cell.spend(now, FAILURES);
            Self::failures(cell, now)
        })
    }

    fn failures(cell: &Cell, now: u64) -> Standing {
        let wait = cell.wait(now, FAILURES);
        Standing {
            policy: "ip",
            quota: FAILURES.capacity,
            window_seconds: FAILURES.capacity.div_ceil(FAILURES.rate),
            remaining: cell.remaining(now, FAILURES),
            reset_seconds: cell.full_at.saturating_sub(now).div_ceil(SECOND_NANOS),
            wait_seconds: (wait > 0).then(|| wait.div_ceil(SECOND_NANOS).max(1)),
        }
    }
}

/// One IPv4 address, or the /64 that an IPv6 address is in; mapped addresses are IPv4.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Standing {
    /// `rate_limited`, where this request was one too many.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let Some(seconds) = self.wait_seconds else { return Ok(()) };
        let detail = format!("too many requests ({}); try again in {seconds} s", self.policy);
        let mut refusal = Refusal::new(Code::RateLimited, detail);
        refusal.retry_after_seconds = Some(seconds);
        Err(refusal)
    }

    /// The older triple and the newer pair (06 C18).
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert("ratelimit-limit", HeaderValue::from(self.quota));
        headers.insert("ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("ratelimit-reset", HeaderValue::from(self.reset_seconds));
        let policy = format!("\"{}\";q={};w={}", self.policy, self.quota, self.window_seconds);
        let now = format!("\"{}\";r={};t={}", self.policy, self.remaining, self.reset_seconds);
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", now)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_700_000_000 * SECOND_NANOS;

    fn passes(limiter: &Limiter, tier: Tier, now: u64) -> bool {
        limiter.account(AccountId::from_bits(1), tier, Class::Write, now).wait_seconds.is_none()
    }

    #[test]
    fn no_second_holds_more_than_five_times_the_rate() {
        let limiter = Limiter::new(100, 10);
        let at_once = (0..200).filter(|_| passes(&limiter, Tier::Standard, T0)).count();
        assert_eq!(at_once, 50);
        assert!(!passes(&limiter, Tier::Standard, T0 + SECOND_NANOS / 2));
        assert!(passes(&limiter, Tier::Standard, T0 + SECOND_NANOS + PEAK_SLOT_NANOS));
    }

    #[test]
    fn ten_seconds_hold_fifty_times_the_rate_and_then_the_rate_remains() {
        let limiter = Limiter::new(100, 10);
        let step = SECOND_NANOS / 100;
        let run = |from: u64, seconds: u64| {
            (0..seconds * 100).filter(|n| passes(&limiter, Tier::Standard, from + n * step)).count()
        };
        let burst = run(T0, 10);
        assert!((485..=500).contains(&burst), "{burst}");
        let after = run(T0 + 10 * SECOND_NANOS, 60);
        assert!((594..=615).contains(&after), "{after}");
    }

    #[test]
    fn a_tier_multiplies_and_accounts_do_not_share() {
        let limiter = Limiter::new(100, 1);
        assert_eq!((0..1000).filter(|_| passes(&limiter, Tier::Scale, T0)).count(), 50);
        let other = limiter.account(AccountId::from_bits(2), Tier::Standard, Class::Write, T0);
        assert_eq!((other.wait_seconds, other.remaining), (None, 4));
    }

    #[test]
    fn failures_of_an_address_count_and_heal() {
        let limiter = Limiter::new(1, 1);
        let ip: IpAddr = "2001:db8::1".parse().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap_or(ip);
        for _ in 0..AUTH_FAILURES_BURST_COUNT {
            assert!(limiter.address(ip, T0).check().is_ok());
            limiter.failed(ip, T0);
        }
        assert!(limiter.address(neighbour, T0).check().is_err(), "the same /64");
        assert!(limiter.address(ip, T0 + 2 * SECOND_NANOS).check().is_ok());
    }

    #[test]
    fn both_forms_of_headers_are_written() {
        let mut headers = HeaderMap::new();
        Limiter::new(100, 25).account(AccountId::from_bits(1), Tier::Standard, Class::Read, T0).write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"read\";q=5000;w=10");
        assert_eq!(headers["ratelimit-limit"], "5000");
        assert_eq!(headers["ratelimit-remaining"], "499");
    }
}
