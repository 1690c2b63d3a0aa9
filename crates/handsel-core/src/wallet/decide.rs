//! How a wallet changes: pending_proof -> active -> retiring -> retired, never back.

use super::{State, Wallet};
use crate::event::Kind;
use crate::time::Timestamp;

/// What happens to a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Its owner signed the challenge; it serves from then on.
    Proved { active_from: Timestamp },
    /// It goes on serving until then (now or earlier: it is retired at once).
    Retire { until: Timestamp },
    /// The timer: the end of its retiring has come.
    Expire,
}

/// One decision: the new wallet (its version raised by one) and what to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub wallet: Wallet,
    pub events: Vec<Kind>,
}

/// The wallet's state allows something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub is: &'static str,
    pub allowed: &'static [&'static str],
}

impl State {
    /// The public name (02).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PendingProof => "pending_proof",
            Self::Active { .. } => "active",
            Self::Retiring { .. } => "retiring",
            Self::Retired { .. } => "retired",
        }
    }
    const fn refuse(&self) -> Refused {
        let allowed: &'static [&'static str] = match self {
            Self::PendingProof => &["prove", "retire"],
            Self::Active { .. } | Self::Retiring { .. } => &["retire"],
            Self::Retired { .. } => &[],
        };
        Refused { is: self.name(), allowed }
    }
    /// True where a new checkout may be given an address of it at `now`.
    pub fn serves(&self, now: Timestamp) -> bool {
        match self {
            Self::Active { from } => *from <= now,
            Self::Retiring { until } => now < *until,
            Self::PendingProof | Self::Retired { .. } => false,
        }
    }
}

impl Wallet {
    /// Decides one command at `now`.
    pub fn apply(mut self, command: Command, now: Timestamp) -> Result<Step, Refused> {
        let mut events = Vec::new();
        self.state = match (command, self.state) {
            // In sandbox a wallet is active without a proof and may be proved all the same.
            (Command::Proved { .. }, State::Active { from }) if self.proved_at.is_none() => {
                self.proved_at = Some(now);
                events.push(Kind::WalletProved);
                State::Active { from }
            }
            (Command::Proved { active_from }, State::PendingProof) => {
                self.proved_at = Some(now);
                events.extend([Kind::WalletProved, Kind::WalletActivated]);
                State::Active { from: active_from }
            }
            (Command::Retire { until }, State::Active { .. }) if until > now => State::Retiring { until },
            (Command::Retire { until }, State::PendingProof | State::Active { .. } | State::Retiring { .. })
                if until <= now =>
            {
                events.push(Kind::WalletRetired);
                State::Retired { at: now }
            }
            (Command::Expire, State::Retiring { until }) if until <= now => {
                events.push(Kind::WalletRetired);
                State::Retired { at: now }
            }
            (_, state) => return Err(state.refuse()),
        };
        self.version = self.version.saturating_add(1);
        Ok(Step { wallet: self, events })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::chain::{Address, Kind as ChainKind};
    use crate::id::{AccountId, WalletId};
    use crate::wallet::Destination;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn wallet() -> Wallet {
        Wallet {
            id: WalletId::from_bits(1),
            account: AccountId::from_bits(2),
            created: at(0),
            version: 1,
            kind: ChainKind::Evm,
            destination: Destination::Static { address: Address([1; 20]) },
            networks: Vec::new(),
            assets: Vec::new(),
            challenge: "sign this".to_owned(),
            proved_at: None,
            state: State::PendingProof,
            mac: [0; 32],
            metadata: Vec::new(),
        }
    }

    #[test]
    fn own_addresses_are_those_of_a_wallet_that_serves() {
        let wallet = |state| Wallet { state, ..wallet() };
        for (state, count) in [
            (State::PendingProof, 0),
            (State::Active { from: at(1) }, 1),
            (State::Retiring { until: at(1) }, 1),
            (State::Retired { at: at(1) }, 0),
        ] {
            assert_eq!(wallet(state).own_addresses().len(), count, "{state:?}");
        }
    }

    #[test]
    fn a_whole_life() {
        let proved = wallet().apply(Command::Proved { active_from: at(100) }, at(10)).unwrap();
        assert_eq!(proved.events, [Kind::WalletProved, Kind::WalletActivated]);
        assert!(!proved.wallet.state.serves(at(99)) && proved.wallet.state.serves(at(100)));
        let retiring = proved.wallet.apply(Command::Retire { until: at(300) }, at(200)).unwrap();
        assert_eq!(retiring.events, []);
        assert!(retiring.wallet.state.serves(at(299)) && !retiring.wallet.state.serves(at(300)));
        assert!(retiring.wallet.clone().apply(Command::Expire, at(299)).is_err());
        let retired = retiring.wallet.apply(Command::Expire, at(300)).unwrap();
        assert_eq!(retired.events, [Kind::WalletRetired]);
        assert_eq!(retired.wallet.version, 4);
        let refused = retired.wallet.apply(Command::Proved { active_from: at(1) }, at(301));
        assert_eq!(refused, Err(Refused { is: "retired", allowed: &[] }));
    }

    fn rank(state: State) -> u8 {
        match state {
            State::PendingProof => 0,
            State::Active { .. } => 1,
            State::Retiring { .. } => 2,
            State::Retired { .. } => 3,
        }
    }

    proptest! {
        #[test]
        fn it_never_goes_back(commands in proptest::collection::vec((0u8..3, 0i64..100), 0..30)) {
            let mut wallet = wallet();
            for (now, (which, time)) in (0i64..).zip(commands) {
                let command = match which {
                    0 => Command::Proved { active_from: at(time) },
                    1 => Command::Retire { until: at(time) },
                    _ => Command::Expire,
                };
                let before = wallet.clone();
                if let Ok(step) = wallet.clone().apply(command, at(now)) {
                    prop_assert!(rank(step.wallet.state) >= rank(before.state));
                    prop_assert_eq!(step.wallet.version, before.version + 1);
                    wallet = step.wallet;
                }
            }
        }
    }
}
