//! How an API key changes: active -> expiring -> revoked, never back.

use super::{ApiKey, State};
use crate::event::Kind;
use crate::time::Timestamp;

/// What happens to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A successor exists; this one goes on until then.
    Roll {
        until: Timestamp,
    },
    Revoke,
}

/// One decision: the new key (its version raised by one) and what to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub key: ApiKey,
    pub event: Kind,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It has a successor: roll that one, or revoke this one.
    Rolled,
    /// For good.
    Revoked,
}

/// Whether a presented key is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Good,
    Expired,
    Revoked,
}

impl ApiKey {
    /// Where the key stands at `now`: good, past the end of its grace or its own end, or revoked.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.state {
            State::Revoked { .. } => Standing::Revoked,
            State::Expiring { until } if until <= now => Standing::Expired,
            State::Active | State::Expiring { .. } if self.expires_at.is_some_and(|end| end <= now) => {
                Standing::Expired
            }
            State::Active | State::Expiring { .. } => Standing::Good,
        }
    }

    /// Decides one command at `now`.
    pub fn apply(mut self, command: Command, now: Timestamp) -> Result<Step, Refused> {
        let (state, event) = match (command, self.state) {
            (_, State::Revoked { .. }) => return Err(Refused::Revoked),
            (Command::Roll { .. }, State::Expiring { .. }) => return Err(Refused::Rolled),
            (Command::Roll { until }, State::Active) => (State::Expiring { until }, Kind::ApiKeyRolled),
            (Command::Revoke, State::Active | State::Expiring { .. }) => {
                (State::Revoked { at: now }, Kind::ApiKeyRevoked)
            }
        };
        self.state = state;
        self.version = self.version.saturating_add(1);
        Ok(Step { key: self, event })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::api_key::Class;
    use crate::id::{AccountId, ApiKeyId};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId::from_bits(1),
            account: AccountId::from_bits(2),
            created: at(0),
            version: 1,
            name: "till".to_owned(),
            class: Class::Secret,
            live: false,
            public_id: "0".repeat(15),
            verifier: String::new(),
            prefix: "sk_test_0".to_owned(),
            scopes: Vec::new(),
            allowed_ips: Vec::new(),
            allowed_origins: Vec::new(),
            rotate_by: at(90),
            expires_at: Some(at(1_000)),
            last_used: None,
            state: State::Active,
            metadata: Vec::new(),
        }
    }

    #[test]
    fn a_rolled_key_is_good_until_its_grace_ends() {
        assert_eq!(key().standing(at(999)), Standing::Good);
        assert_eq!(key().standing(at(1_000)), Standing::Expired);
        let rolled = key().apply(Command::Roll { until: at(500) }, at(400)).unwrap();
        assert_eq!((rolled.event, rolled.key.version), (Kind::ApiKeyRolled, 2));
        assert_eq!(rolled.key.standing(at(499)), Standing::Good);
        assert_eq!(rolled.key.standing(at(500)), Standing::Expired);
        assert_eq!(rolled.key.apply(Command::Roll { until: at(900) }, at(401)), Err(Refused::Rolled));
    }

    #[test]
    fn revoked_is_for_good() {
        let revoked = key().apply(Command::Revoke, at(5)).unwrap();
        assert_eq!(revoked.event, Kind::ApiKeyRevoked);
        assert_eq!(revoked.key.standing(at(5)), Standing::Revoked);
        assert_eq!(revoked.key.clone().apply(Command::Revoke, at(6)), Err(Refused::Revoked));
        assert_eq!(revoked.key.apply(Command::Roll { until: at(9) }, at(6)), Err(Refused::Revoked));
    }
}
