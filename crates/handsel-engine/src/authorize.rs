//! From a presented API key to its holder (06 1.3): form and mode, then the row, then the secret, then status, addresses and
//! origins. The row is read every time; only the hashing is remembered, so that a revocation holds at once.
//!
//! Never logs or returns any part of a presented key, and never hashes for an unknown id.

use crate::api_keys::Caller;
use crate::cidr::Cidr;
use crate::keys::mac;
use crate::{Code, Engine, Refusal};
use handsel_core::account::Status;
use handsel_core::api_key::decide::Standing;
use handsel_core::api_key::text::{KeyText, KeyTextError, presented as digest_of};
use handsel_core::api_key::{ApiKey, Class, verifier};
use handsel_core::change::{Change, Write};
use handsel_core::secret::SecretText;
use handsel_core::time::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a verified key is known without hashing.
const VERIFIED_KEPT: Duration = Duration::from_secs(600);
/// Verified keys that are known at once, over all shards.
const VERIFIED_MAX_ENTRIES: usize = 100_000;
const SHARDS_COUNT: usize = 16;
/// Callers that may wait for the hashing pool.
const HASH_QUEUE_MAX_CALLERS: usize = 64;
/// Failed verifications within a minute, of one public id and from one address (IPv6: /64).
const FAILURES_PER_ID_MAX: u32 = 10;
const FAILURES_PER_IP_MAX: u32 = 30;
const FAILURE_WINDOW: Duration = Duration::from_secs(60);
const FAILURES_MAX_ENTRIES: usize = 20_000;
/// How often a key's last use is written.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// What this process remembers of keys: which were verified, which failed, which were touched.
#[derive(Debug)]
pub(crate) struct Verified {
    shards: [Mutex<HashMap<[u8; 32], Timestamp>>; SHARDS_COUNT],
    failed_ids: Failures<String>,
    failed_ips: Failures<IpAddr>,
    pool: Semaphore,
    /// Who hashes or waits to hash.
    hashing: AtomicUsize,
    hashing_max: usize,
}

impl Verified {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            failed_ids: Failures::default(),
            failed_ips: Failures::default(),
            pool: Semaphore::new(cores),
            hashing: AtomicUsize::new(0),
            hashing_max: cores + HASH_QUEUE_MAX_CALLERS,
        }
    }

    fn shard(&self, mark: &[u8; 32]) -> MutexGuard<'_, HashMap<[u8; 32], Timestamp>> {
        lock(&self.shards[usize::from(mark[0]) % SHARDS_COUNT])
    }

    fn knows(&self, mark: &[u8; 32], wall: Timestamp) -> bool {
        self.shard(mark).get(mark).is_some_and(|until| wall < *until)
    }

    fn remember(&self, mark: [u8; 32], wall: Timestamp) {
        let mut shard = self.shard(&mark);
        if shard.len() >= VERIFIED_MAX_ENTRIES / SHARDS_COUNT {
            shard.retain(|_, until| wall < *until);
        }
        if shard.len() >= VERIFIED_MAX_ENTRIES / SHARDS_COUNT {
            shard.clear();
        }
        shard.insert(mark, wall.plus(VERIFIED_KEPT));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts of failures in the present window.
#[derive(Debug)]
struct Failures<K> {
    counts: Mutex<HashMap<K, (Timestamp, u32)>>,
}

impl<K> Default for Failures<K> {
    fn default() -> Self {
        Self { counts: Mutex::default() }
    }
}

impl<K: Eq + Hash> Failures<K> {
    fn exceeded(&self, key: &K, wall: Timestamp, max: u32) -> bool {
        lock(&self.counts).get(key).is_some_and(|(end, count)| wall < *end && *count >= max)
    }
    fn count(&self, key: K, wall: Timestamp) {
        let mut counts = lock(&self.counts);
        if counts.len() >= FAILURES_MAX_ENTRIES {
            counts.retain(|_, (end, _)| wall < *end);
        }
        if counts.len() >= FAILURES_MAX_ENTRIES {
            counts.clear();
        }
        let entry = counts.entry(key).or_insert((wall.plus(FAILURE_WINDOW), 0));
        if wall >= entry.0 {
            *entry = (wall.plus(FAILURE_WINDOW), 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

/// A place in the hashing pool's queue; it ends with this.
struct Queued<'a>(&'a AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Engine {
    pub(crate) async fn caller(
        &self,
        presented: &SecretText,
        ip: IpAddr,
        origin: Option<&str>,
    ) -> Result<Caller, Refusal> {
        let text = self.key_of_this_mode(presented)?;
        let digest = digest_of(presented.expose());
        let found = self.inner.reader.api_key_and_account(&text.public_id).await?;
        let (row, account) = found.ok_or_else(unknown)?;
        if row.class != text.class || !self.verified(&row, &digest, Some(ip)).await? {
            return Err(unknown());
        }
        let now = self.now();
        standing(&row, now)?;
        allowed_from(&row, ip.to_canonical())?;
        allowed_origin(&row, origin)?;
        if account.status == Status::Suspended {
            return Err(Refusal::new(Code::PermissionDenied, "this account is suspended; ask the operator"));
        }
        self.inner.keys.open(account.id, &account.data_key)?;
        self.touch(&row, ip.to_canonical(), now);
        Ok(Caller { account, key: row, presented: digest })
    }

    /// True where this process has verified `presented` for this row within the last minutes: everything of a check on its hot path
    /// but the rows.
    pub fn recognises(&self, presented: &SecretText, row: &ApiKey) -> Result<bool, Refusal> {
        let text = self.key_of_this_mode(presented)?;
        let mark = self.mark(row, &digest_of(presented.expose()));
        Ok(row.class == text.class && self.inner.verified.knows(&mark, self.inner.clock.wall()))
    }

    /// What a verified pair of key and row is remembered by.
    fn mark(&self, row: &ApiKey, digest: &[u8; 32]) -> [u8; 32] {
        mac(&self.inner.keys.process, &[digest, row.verifier.as_bytes()])
    }

    /// Form, checksum and mode: all that is known without a look-up.
    pub(crate) fn key_of_this_mode(&self, presented: &SecretText) -> Result<KeyText, Refusal> {
        let text = KeyText::parse(presented.expose()).map_err(|error| {
            Refusal::new(
                Code::ApiKeyInvalid,
                match error {
                    KeyTextError::Malformed => {
                        "this is not an API key; it looks like sk_test_ and 64 letters and digits"
                    }
                    KeyTextError::Checksum => "this API key has a typing error: its check characters don't fit",
                },
            )
        })?;
        if text.live == self.inner.settings.live {
            return Ok(text);
        }
        let detail = if text.live {
            "this is a live key and this is a sandbox; use a test key"
        } else {
            "this is a test key and this server is live; use a live key"
        };
        Err(Refusal::new(Code::ApiKeyWrongMode, detail))
    }

    /// True where the digest is of the row's key. Hashes at most once in a while per key, in a bounded pool.
    pub(crate) async fn verified(&self, row: &ApiKey, digest: &[u8; 32], ip: Option<IpAddr>) -> Result<bool, Refusal> {
        let memory = &self.inner.verified;
        let wall = self.inner.clock.wall();
        let mark = self.mark(row, digest);
        if memory.knows(&mark, wall) {
            return Ok(true);
        }
        let network = ip.map(network_of);
        let from_ip = network.as_ref().is_some_and(|ip| memory.failed_ips.exceeded(ip, wall, FAILURES_PER_IP_MAX));
        if from_ip || memory.failed_ids.exceeded(&row.public_id, wall, FAILURES_PER_ID_MAX) {
            let refusal = Refusal::new(Code::RateLimited, "too many wrong keys were tried; wait a minute");
            return Err(Refusal { retry_after_seconds: Some(FAILURE_WINDOW.as_secs()), ..refusal });
        }
        let matches = self.hash(row, digest, &mark).await?;
        if matches {
            memory.remember(mark, wall);
        } else {
            memory.failed_ids.count(row.public_id.clone(), wall);
            if let Some(ip) = network {
                memory.failed_ips.count(ip, wall);
            }
        }
        Ok(matches)
    }

    async fn hash(&self, row: &ApiKey, digest: &[u8; 32], mark: &[u8; 32]) -> Result<bool, Refusal> {
        let memory = &self.inner.verified;
        let waiting = memory.hashing.fetch_add(1, Ordering::AcqRel);
        let _queued = Queued(&memory.hashing);
        if waiting >= memory.hashing_max {
            let refusal = Refusal::new(Code::Overloaded, "too many keys are being checked; try again shortly");
            return Err(Refusal { retry_after_seconds: Some(1), ..refusal });
        }
        let _turn = memory.pool.acquire().await.map_err(|_| Refusal::internal())?;
        if memory.knows(mark, self.inner.clock.wall()) {
            return Ok(true);
        }
        let (pepper, digest, phc) = (self.inner.keys.pepper.clone(), *digest, row.verifier.clone());
        let hashed = tokio::task::spawn_blocking(move || verifier::verify(pepper.expose(), &digest, &phc)).await;
        hashed.map_err(|_| Refusal::internal())
    }

    /// Writes the key's last use in the background, at most once in a while.
    fn touch(&self, row: &ApiKey, ip: IpAddr, now: Timestamp) {
        if row.last_used.as_ref().is_some_and(|used| now < used.at.plus(TOUCH_EVERY)) || !self.first_touch(row, now) {
            return;
        }
        let engine = self.clone();
        let write = Write::TouchApiKey { id: row.id, account: row.account, at: now, ip: ip.to_string() };
        tokio::spawn(async move {
            let change = Change { writes: vec![write], ..Change::default() };
            if let Err(error) = engine.commit(change).await {
                tracing::debug!(%error, "a key's last use was not written");
            }
        });
    }

    /// False where another request of this process is writing the same minute's use.
    fn first_touch(&self, row: &ApiKey, now: Timestamp) -> bool {
        let minute = now.seconds().div_euclid(60).to_be_bytes();
        let mark = mac(&self.inner.keys.process, &[b"touch", &row.id.bits().to_be_bytes(), &minute]);
        let wall = self.inner.clock.wall();
        if self.inner.verified.knows(&mark, wall) {
            return false;
        }
        self.inner.verified.remember(mark, wall);
        true
    }
}

fn unknown() -> Refusal {
    Refusal::new(Code::ApiKeyInvalid, "this API key is not known here")
}

fn standing(row: &ApiKey, now: Timestamp) -> Result<(), Refusal> {
    let (code, detail) = match row.standing(now) {
        Standing::Good => return Ok(()),
        Standing::Expired => (Code::ApiKeyExpired, "this API key has expired; use its successor or create a new one"),
        Standing::Revoked => (Code::ApiKeyRevoked, "this API key was revoked; use another"),
    };
    Err(Refusal::new(code, detail))
}

fn allowed_from(row: &ApiKey, ip: IpAddr) -> Result<(), Refusal> {
    let listed = |text: &String| Cidr::parse(text).is_some_and(|cidr| cidr.contains(ip));
    if row.allowed_ips.is_empty() || row.allowed_ips.iter().any(listed) {
        return Ok(());
    }
    Err(Refusal::new(Code::IpNotAllowed, "this API key may not be used from this address; see its allowed_ips"))
}

fn allowed_origin(row: &ApiKey, origin: Option<&str>) -> Result<(), Refusal> {
    if row.class != Class::Publishable || row.allowed_origins.is_empty() {
        return Ok(());
    }
    if origin.is_some_and(|origin| row.allowed_origins.iter().any(|known| known.eq_ignore_ascii_case(origin))) {
        return Ok(());
    }
    Err(Refusal::new(Code::OriginNotAllowed, "this publishable key is for pages of its allowed_origins only"))
}

/// The address, or the /64 of an IPv6 one: who has one address of it has them all.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_per_window() {
        let failures = Failures::default();
        let start = Timestamp::from_seconds(1000);
        for _ in 0..3 {
            failures.count("id", start);
        }
        assert!(failures.exceeded(&"id", start, 3));
        assert!(!failures.exceeded(&"id", start, 4));
        assert!(!failures.exceeded(&"other", start, 3));
        assert!(!failures.exceeded(&"id", start.plus(FAILURE_WINDOW), 3), "a new window begins");
    }

    #[test]
    fn what_is_remembered_ends_and_is_bounded() {
        let memory = Verified::new();
        let wall = Timestamp::from_seconds(1000);
        memory.remember([7; 32], wall);
        assert!(memory.knows(&[7; 32], wall));
        assert!(!memory.knows(&[7; 32], wall.plus(VERIFIED_KEPT)));
        for n in 0..(VERIFIED_MAX_ENTRIES as u64 / SHARDS_COUNT as u64 + 5) {
            let mut mark = [7u8; 32];
            mark[8..16].copy_from_slice(&n.to_be_bytes());
            memory.remember(mark, wall);
        }
        assert!(memory.shard(&[7; 32]).len() <= VERIFIED_MAX_ENTRIES / SHARDS_COUNT);
    }
}
