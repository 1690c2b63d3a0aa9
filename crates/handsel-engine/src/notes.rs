//! The log lines and audit leaves of requests that have no Change of their own: reads, and what was refused. They are gathered in
//! memory and committed together within a second (06 1.6), so that a flood costs memory and disk only so much.
//!
//! What nobody proved to be of any account belongs to the cell's own log: leaves without an account, which `audit export` shows to the
//! operator, and request lines under the account id of zero bits, which no key can read. Who asks, what, and with which result makes
//! one line a second; of those lines there are only so many a minute, and one leaf counts the rest.

use crate::shell::Deed;
use crate::{Engine, Refusal};
use handsel_core::actor::Actor;
use handsel_core::change::{Change, CommitError, RequestRow, Write};
use handsel_core::id::AccountId;
use handsel_core::limits;
use handsel_core::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long a line waits at most.
const FLUSH_EVERY: Duration = Duration::from_millis(800);
/// Lines in one Change.
const LINES_PER_CHANGE: usize = 256;

/// A kind of request that may come in floods: who (key or IP prefix), what, with which result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FloodKey {
    who: String,
    route: String,
    result: String,
}

#[derive(Debug)]
struct Line {
    row: RequestRow,
    /// Requests that this one stands for.
    count: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<Line>,
    floods: HashMap<FloodKey, usize>,
    /// What lines without an account may still cost.
    allowance: Allowance,
    /// Requests without an account that got no line.
    uncounted: u64,
}

/// Lines that may still be written: a bucket that fills again with time.
#[derive(Debug)]
struct Allowance {
    millilines: u64,
    filled: Timestamp,
}

const MILLILINES_MAX: u64 = limits::REFUSED_NOTES_BURST_ROWS as u64 * 1_000;
const MILLILINES_PER_SECOND: u64 = limits::REFUSED_NOTES_PER_MINUTE_ROWS as u64 * 1_000 / 60;

impl Default for Allowance {
    fn default() -> Self {
        Self { millilines: MILLILINES_MAX, filled: Timestamp::EPOCH }
    }
}

impl Allowance {
    fn spend(&mut self, now: Timestamp) -> bool {
        let passed = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        let more = passed.saturating_mul(MILLILINES_PER_SECOND) / 1_000;
        if more > 0 {
            self.millilines = self.millilines.saturating_add(more).min(MILLILINES_MAX);
            self.filled = now;
        }
        match self.millilines.checked_sub(1_000) {
            Some(left) => self.millilines = left,
            None => return false,
        }
        true
    }
}

/// What is committed together.
#[derive(Debug, Default)]
struct Taken {
    lines: Vec<Line>,
    uncounted: u64,
}

/// The lines that wait for their commit.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    waiting: Mutex<Waiting>,
    many: Notify,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives how many lines wait now.
    fn add(&self, row: RequestRow) -> usize {
        let waiting = &mut *self.lock();
        let next = waiting.lines.len();
        if let Some(key) = flood_key(&row) {
            let line = waiting.floods.get(&key).and_then(|at| waiting.lines.get_mut(*at));
            if let Some(line) = line {
                line.count = line.count.saturating_add(1);
                return next;
            }
            if nobody(row.account) && !waiting.allowance.spend(row.created) {
                waiting.uncounted = waiting.uncounted.saturating_add(1);
                return next;
            }
            waiting.floods.insert(key, next);
        }
        waiting.lines.push(Line { row, count: 1 });
        next + 1
    }

    fn take(&self) -> Taken {
        let mut waiting = self.lock();
        waiting.floods.clear();
        Taken { lines: std::mem::take(&mut waiting.lines), uncounted: std::mem::take(&mut waiting.uncounted) }
    }
}

/// `None` where every request has its own line: those of a key that is within its rate.
fn flood_key(row: &RequestRow) -> Option<FloodKey> {
    let limited = row.code.as_deref() == Some("rate_limited");
    let who = match row.key {
        Some(_) if !limited => return None,
        Some(key) => key.to_string(),
        None => row.ip_prefix.clone(),
    };
    let result = row.code.clone().unwrap_or_else(|| "ok".to_owned());
    Some(FloodKey { who, route: format!("{} {}", row.method, row.route), result })
}

/// Nobody proved to be of any account.
fn nobody(account: AccountId) -> bool {
    account.bits() == 0
}

impl Engine {
    /// Notes one answered request: its line in the request log, and its audit leaf where it was a read or was refused (changes have
    /// theirs in their own commit). A request of nobody's account carries the account id of zero bits. Returns before the line is
    /// on the disk, unless too many wait already.
    pub async fn note_request(&self, row: RequestRow) -> Result<(), Refusal> {
        let waiting = self.inner.notes.add(row);
        if waiting >= limits::REQUEST_NOTES_MAX_ROWS {
            return self.flush_notes().await;
        }
        if waiting >= LINES_PER_CHANGE {
            self.inner.notes.many.notify_one();
        }
        Ok(())
    }

    /// Commits what waits. Lines that can't be written now are dropped with a log entry: they must not pile up for ever.
    pub(crate) async fn flush_notes(&self) -> Result<(), Refusal> {
        let Taken { lines, uncounted } = self.inner.notes.take();
        let now = self.now();
        let mut changes: Vec<Change> =
            lines.chunks(LINES_PER_CHANGE).map(|chunk| self.notes_change(chunk, now)).collect();
        if uncounted > 0 {
            changes.push(self.uncounted_change(uncounted, now));
        }
        for change in changes {
            let leaves = change.audit.len();
            let mut committed = self.commit(change.clone()).await;
            if matches!(committed, Err(CommitError::Overloaded)) {
                tokio::time::sleep(FLUSH_EVERY).await;
                committed = self.commit(change).await;
            }
            if let Err(error) = committed {
                tracing::error!(%error, leaves, "request log lines were not written");
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn notes_change(&self, lines: &[Line], now: Timestamp) -> Change {
        let mut change = Change::default();
        for Line { row, count } in lines {
            if row.method == "GET" || row.method == "HEAD" || row.code.is_some() {
                let action = format!("{} {}", row.method, row.route);
                let object = match (nobody(row.account), *count) {
                    (false, 1) => None,
                    (false, count) => Some(format!("x{count}")),
                    (true, count) => Some(format!("{} {} x{count}", row.ip_prefix, row.status)),
                };
                let deed = Deed {
                    actor: row.key.map_or(Actor::Anonymous, Actor::Key),
                    action: &action,
                    object: object.as_deref(),
                    account: (!nobody(row.account)).then_some(row.account),
                    request: Some(row.id),
                    result: row.code.as_deref().unwrap_or("ok"),
                    detail: None,
                };
                change.audit.push(self.audit_entry_of(now, deed));
            }
            change.writes.push(Write::LogRequest(row.clone()));
        }
        change
    }

    /// The one leaf of all requests without an account that were too many for lines of their own.
    fn uncounted_change(&self, count: u64, now: Timestamp) -> Change {
        let object = format!("{count} more");
        let deed = Deed {
            actor: Actor::Anonymous,
            action: "requests",
            object: Some(&object),
            account: None,
            request: None,
            result: "refused",
            detail: None,
        };
        Change { audit: vec![self.audit_entry_of(now, deed)], ..Change::default() }
    }
}

/// Commits the waiting lines in time, and the last ones at the end.
pub(crate) async fn run(engine: Engine, mut stop: watch::Receiver<bool>) {
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(FLUSH_EVERY) => false,
            () = engine.inner.notes.many.notified() => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        // The loss is logged where it happens.
        let _ = engine.flush_notes().await;
        if stopped {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use handsel_core::id::{ApiKeyId, RequestId};

    fn row(key: Option<u128>, code: Option<&str>) -> RequestRow {
        RequestRow {
            id: RequestId::from_bits(1),
            account: AccountId::from_bits(u128::from(key.is_some())),
            created: Timestamp::from_seconds(1_700_000_000),
            method: "GET".to_owned(),
            route: "/v1/checkouts".to_owned(),
            status: 200,
            code: code.map(str::to_owned),
            key: key.map(ApiKeyId::from_bits),
            duration_ms: 1,
            ip_prefix: "203.0.113.0/24".to_owned(),
        }
    }

    #[test]
    fn floods_become_one_line_and_ordinary_requests_keep_theirs() {
        let notes = Notes::default();
        for _ in 0..50 {
            notes.add(row(None, Some("api_key_invalid")));
            notes.add(row(Some(1), Some("rate_limited")));
        }
        notes.add(row(None, Some("authentication_required")));
        notes.add(row(Some(1), None));
        notes.add(row(Some(1), None));
        let counts: Vec<u64> = notes.take().lines.iter().map(|line| line.count).collect();
        assert_eq!(counts, [50, 50, 1, 1, 1]);
        assert!(notes.take().lines.is_empty());
        assert_eq!(notes.add(row(None, Some("api_key_invalid"))), 1);
    }

    #[test]
    fn floods_from_everywhere_are_bounded_and_counted() {
        let notes = Notes::default();
        let from = |n: usize, later: u64| RequestRow {
            ip_prefix: format!("{}.{}.{}.0/24", n >> 16, (n >> 8) & 255, n & 255),
            created: Timestamp::from_seconds(1_700_000_000).plus(Duration::from_secs(later)),
            ..row(None, Some("api_key_invalid"))
        };
        let burst = usize::try_from(limits::REFUSED_NOTES_BURST_ROWS).unwrap();
        for n in 0..20_000 {
            notes.add(from(n, 0));
        }
        notes.add(row(Some(1), None));
        let taken = notes.take();
        assert_eq!(taken.lines.len(), burst + 1, "who has a key keeps the line");
        assert_eq!(taken.uncounted, 20_000 - limits::REFUSED_NOTES_BURST_ROWS as u64);
        for n in 0..20_000 {
            notes.add(from(n, 60));
        }
        let taken = notes.take();
        assert_eq!(taken.lines.len(), usize::try_from(limits::REFUSED_NOTES_PER_MINUTE_ROWS).unwrap());
        assert_eq!(notes.take().uncounted, 0);
    }
}
