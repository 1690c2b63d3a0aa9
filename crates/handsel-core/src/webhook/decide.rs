//! How a webhook changes: its secrets' rotation, being switched on and off, and what its attempts say of its health.

use super::{SigningSecret, Status, Webhook};
use crate::delivery::decide::Attempted;
use crate::event::Kind;
use crate::limits::{ROTATION_GRACE_MAX_SECONDS, WEBHOOK_FAILING_AFTER_SECONDS, WEBHOOK_SECRETS_MAX_ENTRIES};
use crate::time::Timestamp;
use core::fmt;
use core::time::Duration;

/// What happens to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A new secret signs first; the old ones go on for the grace.
    RotateSecret {
        new: SigningSecret,
        grace_seconds: u64,
    },
    /// The receiver knows the new secret: it signs last from now on, since some verifiers keep only the last signature.
    PromoteSecret,
    Enable,
    Disable,
}

/// One decision: the new webhook (its version raised by one) and what to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub webhook: Webhook,
    pub event: Option<Kind>,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    GraceTooLong,
    /// So many secrets are in their grace already that no other one fits.
    TooManySecrets,
    /// There is one secret only: nothing to promote.
    NothingToPromote,
    /// It is in that state already.
    Already(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GraceTooLong => write!(f, "grace_seconds can be at most {ROTATION_GRACE_MAX_SECONDS}"),
            Self::TooManySecrets => {
                f.write_str("earlier secrets are still in their grace: rotate later, or with grace_seconds 0")
            }
            Self::NothingToPromote => f.write_str("the webhook has one secret only: rotate it first"),
            Self::Already(state) => write!(f, "the webhook is {state} already"),
        }
    }
}
impl std::error::Error for Refused {}

impl Webhook {
    /// Decides one command at `now`.
    pub fn apply(mut self, command: Command, now: Timestamp) -> Result<Step, Refused> {
        let event = match command {
            Command::RotateSecret { new, grace_seconds } => {
                self.rotate(new, grace_seconds, now)?;
                Some(Kind::WebhookSecretRotated)
            }
            Command::PromoteSecret => {
                self.secrets.retain(|s| s.until.is_none_or(|end| now < end));
                if self.secrets.len() < 2 {
                    return Err(Refused::NothingToPromote);
                }
                self.secrets.reverse();
                None
            }
            Command::Enable if self.status == Status::Enabled => return Err(Refused::Already("enabled")),
            Command::Enable => {
                self.status = Status::Enabled;
                self.failing_since = None;
                None
            }
            Command::Disable if self.status == Status::Disabled => return Err(Refused::Already("disabled")),
            Command::Disable => {
                self.status = Status::Disabled;
                Some(Kind::WebhookDisabled)
            }
        };
        Ok(self.stepped(event))
    }

    /// What an attempt says of the webhook; `None` where that changes nothing, which is nearly always.
    pub fn attempted(&self, attempted: &Attempted, now: Timestamp) -> Option<Step> {
        let mut webhook = self.clone();
        let event = if attempted.gone() && self.status != Status::Disabled {
            webhook.status = Status::Disabled;
            Some(Kind::WebhookDisabled)
        } else if attempted.succeeded() {
            webhook.failing_since = None;
            if self.status == Status::Failing {
                webhook.status = Status::Enabled;
            }
            None
        } else {
            let since = *webhook.failing_since.get_or_insert(now);
            let long = now.since(since) >= Duration::from_secs(WEBHOOK_FAILING_AFTER_SECONDS);
            (long && self.status == Status::Enabled).then(|| {
                webhook.status = Status::Failing;
                Kind::WebhookFailing
            })
        };
        (webhook != *self).then(|| webhook.stepped(event))
    }

    fn stepped(mut self, event: Option<Kind>) -> Step {
        self.version = self.version.saturating_add(1);
        Step { webhook: self, event }
    }

    fn rotate(&mut self, new: SigningSecret, grace_seconds: u64, now: Timestamp) -> Result<(), Refused> {
        if grace_seconds > ROTATION_GRACE_MAX_SECONDS {
            return Err(Refused::GraceTooLong);
        }
        let end = now.plus(Duration::from_secs(grace_seconds));
        // A secret that is in its grace already keeps its end, unless the new grace ends sooner.
        self.secrets.iter_mut().for_each(|s| s.until = Some(s.until.map_or(end, |until| until.min(end))));
        self.secrets.retain(|s| s.until.is_none_or(|until| now < until));
        if self.secrets.len() >= WEBHOOK_SECRETS_MAX_ENTRIES {
            return Err(Refused::TooManySecrets);
        }
        self.secrets.sort_by_key(|s| core::cmp::Reverse(s.created));
        self.secrets.insert(0, new);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::id::{AccountId, WebhookId};
    use crate::secret::Sealed;
    use crate::webhook::{Ordering, Payload, Retry, SignatureForm};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn secret(name: &str, created: i64) -> SigningSecret {
        SigningSecret { sealed: Sealed::default(), prefix: name.to_owned(), created: at(created), until: None }
    }

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId::from_bits(1),
            account: AccountId::from_bits(2),
            created: at(0),
            version: 1,
            url: Sealed::default(),
            host: "example.com".to_owned(),
            enabled_events: vec!["*".to_owned()],
            description: None,
            payload: Payload::Snapshot,
            signatures: vec![SignatureForm::Handsel],
            ordering: Ordering::PerObject,
            retry: Retry::default(),
            status: Status::Enabled,
            secrets: vec![secret("a", 0)],
            failing_since: None,
            metadata: Vec::new(),
        }
    }

    fn rotate(webhook: Webhook, name: &str, now: i64, grace_seconds: u64) -> Result<Webhook, Refused> {
        let new = secret(name, now);
        Ok(webhook.apply(Command::RotateSecret { new, grace_seconds }, at(now))?.webhook)
    }

    fn signers(webhook: &Webhook, now: i64) -> Vec<&str> {
        webhook.live_secrets(at(now)).map(|s| s.prefix.as_str()).collect()
    }

    #[test]
    fn the_new_secret_signs_first_until_it_is_promoted() {
        let webhook = rotate(webhook(), "b", 100, 50).unwrap();
        assert_eq!(webhook.version, 2);
        assert_eq!(signers(&webhook, 149), ["b", "a"]);
        assert_eq!(signers(&webhook, 150), ["b"]);
        let promoted = webhook.clone().apply(Command::PromoteSecret, at(120)).unwrap().webhook;
        assert_eq!(signers(&promoted, 121), ["a", "b"]);
        assert_eq!(signers(&promoted, 150), ["b"]);
        assert_eq!(webhook.apply(Command::PromoteSecret, at(150)), Err(Refused::NothingToPromote));
        // The next rotation puts the newest first again.
        let third = rotate(promoted, "c", 130, 100).unwrap();
        assert_eq!(signers(&third, 140), ["c", "b", "a"]);
        assert_eq!(signers(&third, 160), ["c", "b"]);
    }

    #[test]
    fn without_grace_the_old_secret_is_gone_at_once() {
        let rotated = rotate(webhook(), "b", 100, 0).unwrap();
        assert_eq!(signers(&rotated, 100), ["b"]);
        let twice = rotate(rotate(webhook(), "b", 100, 500).unwrap(), "c", 110, 10).unwrap();
        assert_eq!(signers(&twice, 119), ["c", "b", "a"]);
        assert_eq!(signers(&twice, 120), ["c"]);
        assert_eq!(rotate(webhook(), "b", 1, 604_801), Err(Refused::GraceTooLong));
    }

    #[test]
    fn secrets_are_bounded() {
        let mut current = webhook();
        for n in 1..WEBHOOK_SECRETS_MAX_ENTRIES {
            current = rotate(current, "x", n as i64, 1_000).unwrap();
        }
        assert_eq!(rotate(current.clone(), "y", 50, 1_000), Err(Refused::TooManySecrets));
        assert_eq!(signers(&rotate(current, "y", 50, 0).unwrap(), 50), ["y"]);
    }

    #[test]
    fn a_day_of_failures_is_told_once_and_one_success_ends_it() {
        let failed = Attempted { answer: Ok(500), retry_after_seconds: None, jitter: 0 };
        let succeeded = Attempted { answer: Ok(200), ..failed };
        assert_eq!(webhook().attempted(&succeeded, at(10)), None);
        let first = webhook().attempted(&failed, at(10)).unwrap();
        assert_eq!((first.event, first.webhook.failing_since), (None, Some(at(10))));
        assert_eq!(first.webhook.attempted(&failed, at(86_409)), None);
        let failing = first.webhook.attempted(&failed, at(86_410)).unwrap();
        assert_eq!((failing.event, failing.webhook.status), (Some(Kind::WebhookFailing), Status::Failing));
        assert_eq!(failing.webhook.attempted(&failed, at(90_000)), None);
        let healed = failing.webhook.attempted(&succeeded, at(90_000)).unwrap();
        assert_eq!((healed.webhook.status, healed.webhook.failing_since), (Status::Enabled, None));
    }

    #[test]
    fn gone_disables_and_enable_brings_back() {
        let gone = Attempted { answer: Ok(410), retry_after_seconds: None, jitter: 0 };
        let disabled = webhook().attempted(&gone, at(1)).unwrap();
        assert_eq!((disabled.event, disabled.webhook.status), (Some(Kind::WebhookDisabled), Status::Disabled));
        let refused = disabled.webhook.clone().apply(Command::Disable, at(2));
        assert_eq!(refused, Err(Refused::Already("disabled")));
        let enabled = disabled.webhook.apply(Command::Enable, at(2)).unwrap();
        assert_eq!((enabled.event, enabled.webhook.status), (None, Status::Enabled));
        assert_eq!(enabled.webhook.apply(Command::Enable, at(3)), Err(Refused::Already("enabled")));
    }
}
