//! What an attempt makes of a delivery: done, due again, or given up.
//!
//! Only a 2xx is success; a redirect is a failure and never followed. 410 says that the receiver is gone for good. The schedule
//! ends after about three days, or where the webhook's own does; `Retry-After` may put a try off by a day at most, never bring it forward.

use super::{Delivery, HookError, HookOutcome, State};
use crate::limits::HOOK_RETRY_AFTER_MAX_SECONDS;
use crate::time::Timestamp;
use crate::webhook::Retry;
use core::time::Duration;

/// What came of an attempt, as far as a decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempted {
    /// The receiver's status code, or why there was none.
    pub answer: Result<u16, HookError>,
    pub retry_after_seconds: Option<u64>,
    /// Eight random bits that spread retries.
    pub jitter: u8,
}

impl Attempted {
    pub fn of(outcome: &HookOutcome, jitter: u8) -> Self {
        match &outcome.result {
            Ok(answer) => Self { answer: Ok(answer.status), retry_after_seconds: answer.retry_after_seconds, jitter },
            Err(error) => Self { answer: Err(*error), retry_after_seconds: None, jitter },
        }
    }
    pub const fn succeeded(&self) -> bool {
        matches!(self.answer, Ok(200..=299))
    }
    /// The receiver wants no more: its webhook is to be disabled.
    pub const fn gone(&self) -> bool {
        matches!(self.answer, Ok(410))
    }
}

/// What happens to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// With its webhook's schedule.
    Attempted(Attempted, &'a Retry),
    /// What is to be sent can't be read, and no further try would change that.
    GiveUp,
    /// Its webhook was disabled or deleted.
    Cancel,
    /// Again at once, whatever came of it before (`resend`, `recover`).
    Requeue,
}

/// The command makes no sense in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPending;

impl Delivery {
    /// Decides one command at `now`; the version rises by one.
    pub fn apply(mut self, command: Command<'_>, now: Timestamp) -> Result<Self, NotPending> {
        match (command, self.state) {
            (Command::Requeue, _) => self.state = State::Pending { due: now },
            (_, State::Succeeded { .. } | State::Failed { .. } | State::Canceled { .. }) => return Err(NotPending),
            (Command::Cancel, State::Pending { .. }) => self.state = State::Canceled { at: now },
            (Command::GiveUp, State::Pending { .. }) => {
                self.tries = self.tries.saturating_add(1);
                self.state = State::Failed { at: now };
            }
            (Command::Attempted(attempted, retry), State::Pending { .. }) => {
                self.tries = self.tries.saturating_add(1);
                self.state = after_attempt(self.tries, &attempted, retry, now);
            }
        }
        self.version = self.version.saturating_add(1);
        Ok(self)
    }
}

fn after_attempt(tries: u32, attempted: &Attempted, retry: &Retry, now: Timestamp) -> State {
    if attempted.succeeded() {
        return State::Succeeded { at: now };
    }
    let next = usize::try_from(tries.saturating_sub(1)).ok().and_then(|n| retry.schedule_seconds.get(n));
    match next {
        Some(seconds) if !attempted.gone() => {
            let asked = attempted.retry_after_seconds.unwrap_or(0).min(HOOK_RETRY_AFTER_MAX_SECONDS);
            State::Pending { due: now.plus(spread(*seconds, attempted.jitter).max(Duration::from_secs(asked))) }
        }
        _ => State::Failed { at: now },
    }
}

/// The span, by up to a tenth shorter or longer.
fn spread(seconds: u64, jitter: u8) -> Duration {
    let millis = seconds.saturating_mul(1000);
    Duration::from_millis(millis - millis / 10 + millis / 5 * u64::from(jitter) / u64::from(u8::MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::id::{AccountId, DeliveryId, EventId, WebhookId};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn pending() -> Delivery {
        Delivery {
            id: DeliveryId::from_bits(1),
            account: AccountId::from_bits(2),
            webhook: WebhookId::from_bits(3),
            event: EventId::from_bits(4),
            object: "chk_1".to_owned(),
            created: NOW,
            version: 1,
            endpoint_sequence: 1,
            previous_event: None,
            state: State::Pending { due: NOW },
            tries: 0,
        }
    }

    static USUAL: LazyLock<Retry> = LazyLock::new(Retry::default);

    fn tried(answer: Result<u16, HookError>, retry_after_seconds: Option<u64>, jitter: u8) -> Command<'static> {
        Command::Attempted(Attempted { answer, retry_after_seconds, jitter }, &USUAL)
    }

    #[test]
    fn a_webhooks_own_schedule_ends_where_it_says() {
        let retry = Retry { schedule_seconds: vec![10] };
        let attempted = Attempted { answer: Ok(500), retry_after_seconds: None, jitter: 0 };
        let once = pending().apply(Command::Attempted(attempted, &retry), NOW).unwrap();
        assert_eq!(once.state, State::Pending { due: NOW.plus(Duration::from_secs(9)) });
        let twice = once.apply(Command::Attempted(attempted, &retry), NOW).unwrap();
        assert_eq!(twice.state, State::Failed { at: NOW });
    }

    #[test]
    fn only_2xx_is_success() {
        for (status, succeeds) in [(200, true), (204, true), (299, true), (301, false), (302, false), (404, false)] {
            let after = pending().apply(tried(Ok(status), None, 0), NOW).unwrap();
            assert_eq!(matches!(after.state, State::Succeeded { .. }), succeeds, "{status}");
            assert_eq!((after.tries, after.version), (1, 2));
        }
    }

    #[test]
    fn the_schedule_takes_about_three_days_and_then_gives_up() {
        let (mut delivery, mut now) = (pending(), NOW);
        let mut spans = Vec::new();
        loop {
            delivery = delivery.apply(tried(Err(HookError::TimedOut), None, 127), now).unwrap();
            let State::Pending { due } = delivery.state else { break };
            spans.push(due.since(now).as_secs());
            now = due;
        }
        assert_eq!(delivery.state, State::Failed { at: now });
        assert_eq!(delivery.tries, 14);
        assert_eq!(&spans[..4], &[4, 29, 119, 599]);
        let hours = now.since(NOW).as_secs() / 3600;
        assert!((66..=74).contains(&hours), "{hours} hours");
        assert_eq!(delivery.clone().apply(tried(Ok(200), None, 0), now), Err(NotPending));
        // A resend is one more try, and may succeed.
        let again = delivery.apply(Command::Requeue, now).unwrap();
        assert_eq!(again.state, State::Pending { due: now });
        assert_eq!(again.clone().apply(tried(Ok(500), None, 0), now).unwrap().state, State::Failed { at: now });
        assert_eq!(again.apply(tried(Ok(200), None, 0), now).unwrap().state, State::Succeeded { at: now });
    }

    #[test]
    fn retry_after_puts_off_by_a_day_at_most_and_never_brings_forward() {
        let due = |after| match pending().apply(tried(Ok(503), Some(after), 0), NOW).unwrap().state {
            State::Pending { due } => due.since(NOW).as_millis(),
            _ => 0,
        };
        assert_eq!(due(0), 4_500);
        assert_eq!(due(60), 60_000);
        assert_eq!(due(u64::MAX), 86_400_000);
    }

    #[test]
    fn gone_is_gone() {
        let attempted = Attempted { answer: Ok(410), retry_after_seconds: Some(5), jitter: 0 };
        assert!(attempted.gone());
        let after = pending().apply(Command::Attempted(attempted, &USUAL), NOW).unwrap();
        assert_eq!(after.state, State::Failed { at: NOW });
        assert_eq!(pending().apply(Command::Cancel, NOW).unwrap().state, State::Canceled { at: NOW });
    }

    #[test]
    fn what_cannot_be_read_is_given_up_at_the_first_try() {
        let after = pending().apply(Command::GiveUp, NOW).unwrap();
        assert_eq!((after.state, after.tries, after.version), (State::Failed { at: NOW }, 1, 2));
        assert_eq!(after.apply(Command::GiveUp, NOW), Err(NotPending));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_tenth(seconds in 1u64..100_000, jitter: u8) {
            let span = spread(seconds, jitter).as_millis();
            let plain = u128::from(seconds) * 1000;
            prop_assert!(span >= plain * 9 / 10 && span <= plain * 11 / 10);
        }
    }
}
