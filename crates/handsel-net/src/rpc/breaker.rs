//! A circuit breaker. Pure: time is an argument, a span since any fixed start.

use core::time::Duration;

use handsel_core::limits::{BREAKER_OPENS_AFTER_FAILURES, BREAKER_PAUSE_MAX_MS, BREAKER_PAUSE_MS};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calls pass; so many failed in a row.
    Closed { failures: u32 },
    /// No call passes before `until`.
    Open { until: Duration, pause: Duration },
    /// One call tries whether the peer is back. If nobody hears of it any more, another may try after `until`.
    HalfOpen { until: Duration, pause: Duration },
}

/// Closed, open or half open, for one peer.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 } }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(BREAKER_PAUSE_MS);
const LONGEST_PAUSE: Duration = Duration::from_millis(BREAKER_PAUSE_MAX_MS);

impl Breaker {
    /// Asks whether a call may be made now. `true` in half open is given to one caller at a time.
    pub fn admit(&mut self, now: Duration) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until, pause } | State::HalfOpen { until, pause } => {
                let due = now >= until;
                if due {
                    self.state = State::HalfOpen { until: now.saturating_add(pause), pause };
                }
                due
            }
        }
    }

    /// The call brought an answer.
    pub fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// The call failed in a way that says the peer is ill.
    pub fn failed(&mut self, now: Duration) {
        self.state = match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                if failures >= BREAKER_OPENS_AFTER_FAILURES {
                    State::Open { until: now.saturating_add(FIRST_PAUSE), pause: FIRST_PAUSE }
                } else {
                    State::Closed { failures }
                }
            }
            State::HalfOpen { pause, .. } => {
                let pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                State::Open { until: now.saturating_add(pause), pause }
            }
            // A call that began before it opened: the pause is running already.
            open @ State::Open { .. } => open,
        };
    }

    /// True while no call passes.
    #[must_use]
    pub fn is_open(&self, now: Duration) -> bool {
        match self.state {
            State::Closed { .. } => false,
            State::Open { until, .. } | State::HalfOpen { until, .. } => now < until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn opened(now: Duration) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..BREAKER_OPENS_AFTER_FAILURES {
            assert!(breaker.admit(now));
            breaker.failed(now);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            breaker.failed(at(0));
            breaker.failed(at(0));
            breaker.succeeded();
        }
        assert!(breaker.admit(at(0)));
        assert!(opened(at(0)).is_open(at(1)));
    }

    #[test]
    fn one_probe_after_the_pause_and_a_longer_pause_when_it_fails() {
        let mut breaker = opened(at(0));
        assert!(!breaker.admit(at(BREAKER_PAUSE_MS - 1)));
        assert!(breaker.admit(at(BREAKER_PAUSE_MS)));
        assert!(!breaker.admit(at(BREAKER_PAUSE_MS)));
        breaker.failed(at(BREAKER_PAUSE_MS));
        assert!(!breaker.admit(at(3 * BREAKER_PAUSE_MS - 1)));
        assert!(breaker.admit(at(3 * BREAKER_PAUSE_MS)));
        breaker.succeeded();
        assert!(breaker.admit(at(3 * BREAKER_PAUSE_MS)));
        assert!(breaker.admit(at(3 * BREAKER_PAUSE_MS)));
    }

    #[test]
    fn a_lost_probe_does_not_shut_it_for_ever() {
        let mut breaker = opened(at(0));
        assert!(breaker.admit(at(BREAKER_PAUSE_MS)));
        assert!(breaker.admit(at(2 * BREAKER_PAUSE_MS)));
    }

    #[test]
    fn the_pause_has_an_end() {
        let mut breaker = opened(at(0));
        let mut now = at(0);
        for _ in 0..40 {
            now = now.saturating_add(LONGEST_PAUSE);
            assert!(breaker.admit(now));
            breaker.failed(now);
        }
        assert!(breaker.admit(now.saturating_add(LONGEST_PAUSE)));
    }

    #[test]
    fn failures_of_calls_begun_before_do_not_prolong_the_pause() {
        let mut breaker = opened(at(0));
        breaker.failed(at(BREAKER_PAUSE_MS - 1));
        assert!(breaker.admit(at(BREAKER_PAUSE_MS)));
    }
}
