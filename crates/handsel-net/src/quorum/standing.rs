//! What is held against a node. Pure.

use core::time::Duration;

use handsel_core::limits::QUORUM_PENALTY_MAX_POINTS;

/// What a lie costs, in failures.
const CAUGHT_POINTS: u32 = 16;
/// Latencies within one step count as equal, so that the order doesn't jump about.
const LATENCY_STEP_MS: u64 = 50;

/// How one node did lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// One per failure, more for a lie; each answer takes one off.
    points: u32,
    /// Smoothed, the newest answer for a quarter.
    latency_ms: u64,
    banned: bool,
}

impl Standing {
    pub(super) fn answered(&mut self, latency: Duration) {
        self.points = self.points.saturating_sub(1);
        let latency = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.latency_ms = (self.latency_ms / 4).saturating_mul(3).saturating_add(latency / 4);
    }

    pub(super) fn failed(&mut self) {
        self.points = self.points.saturating_add(1).min(QUORUM_PENALTY_MAX_POINTS);
    }

    pub(super) fn caught(&mut self) {
        self.points = self.points.saturating_add(CAUGHT_POINTS).min(QUORUM_PENALTY_MAX_POINTS);
    }

    /// True where it was not banned before.
    pub(super) fn ban(&mut self) -> bool {
        !core::mem::replace(&mut self.banned, true)
    }

    pub(super) const fn is_banned(&self) -> bool {
        self.banned
    }

    /// The lower the better.
    pub(super) const fn rank(&self) -> (u32, u64) {
        (self.points, self.latency_ms / LATENCY_STEP_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_weighs_more_than_failures_and_is_forgiven_by_answers_only() {
        let (mut liar, mut flaky) = (Standing::default(), Standing::default());
        liar.caught();
        (0..8).for_each(|_| flaky.failed());
        assert!(flaky.rank() < liar.rank());
        (0..CAUGHT_POINTS).for_each(|_| liar.answered(Duration::from_millis(10)));
        assert!(liar.rank() < flaky.rank());
    }

    #[test]
    fn points_and_latencies_have_an_end() {
        let mut standing = Standing::default();
        (0..10_000).for_each(|_| standing.caught());
        assert_eq!(standing.rank().0, QUORUM_PENALTY_MAX_POINTS);
        standing.answered(Duration::MAX);
        standing.answered(Duration::MAX);
        assert_eq!(standing.rank().0, QUORUM_PENALTY_MAX_POINTS - 2);
    }

    #[test]
    fn a_ban_is_told_once_and_stays() {
        let mut standing = Standing::default();
        assert!(standing.ban());
        assert!(!standing.ban());
        standing.answered(Duration::ZERO);
        assert!(standing.is_banned());
    }
}
